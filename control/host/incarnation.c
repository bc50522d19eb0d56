#include "host/incarnation.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "host/store_file.h"

enum { FILE_MAX = 32, DRAWN_MAX = 0x7fff };

int incarnation_read(const char *path, uint16_t *out)
{
	auto_blob text = {0};
	unsigned long n;
	char *end;
	int rc = store_file_read(path, FILE_MAX, &text);

	if (rc < 0)
		return rc;
	n = strtoul((const char *)text.p, &end, 10);
	if (end == (const char *)text.p || (*end != '\n' && *end != '\0') || n >= UINT16_MAX)
		return -ERR_LIMIT;
	*out = (uint16_t)n;
	return 0;
}

int incarnation_write(const char *path, uint16_t n)
{
	char text[FILE_MAX];
	int len = snprintf(text, sizeof text, "%u\n", n);

	return store_file_write(path, view_of(text, (size_t)len));
}

int incarnation_raise(const char *path, const struct env *env, uint16_t *out, bool *fresh)
{
	uint16_t n = 0;
	int rc = incarnation_read(path, &n);
	bool drawn = rc == -ERR_NOT_FOUND;

	if (rc < 0 && !drawn)
		return rc;
	if (drawn)
		n = (uint16_t)(env_random32(env) % DRAWN_MAX);
	n++;
	rc = incarnation_write(path, n);
	if (rc < 0)
		return rc;
	*out = n;
	*fresh = drawn;
	return 0;
}
