#include "host/incarnation.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "host/store_file.h"

enum { FILE_MAX = 32 };

int incarnation_raise(const char *path, uint16_t *out, bool *fresh)
{
	auto_blob old = {0};
	unsigned long n = 0;
	char text[FILE_MAX];
	int rc = store_file_read(path, FILE_MAX, &old), len;

	if (rc < 0 && rc != -ERR_NOT_FOUND)
		return rc;
	if (rc == 0) {
		char *end;

		n = strtoul((const char *)old.p, &end, 10);
		if (end == (const char *)old.p || (*end != '\n' && *end != '\0') || n >= UINT16_MAX)
			return -ERR_LIMIT; /* damaged or used up: a new node id is needed */
	}
	*fresh = rc == -ERR_NOT_FOUND;
	n++;
	len = snprintf(text, sizeof text, "%lu\n", n);
	rc = store_file_write(path, view_of(text, (size_t)len));
	if (rc < 0)
		return rc;
	*out = (uint16_t)n;
	return 0;
}
