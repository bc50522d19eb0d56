/* PKCS#11 URIs: any text is read or refused with a reason, within its bounds. */
#include <stdlib.h>

#include "keys/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);
	struct key_uri u = {0};
	const char *why = NULL;

	if (!text)
		return 0;
	if (n)
		memcpy(text, data, n);
	text[n] = '\0';
	if (key_uri_parse(text, &u, &why) < 0) {
		if (!why || u.module[0] != '\0')
			abort();
	} else if (u.module[0] != '/' || u.id_n > sizeof u.id ||
		   (u.object[0] == '\0' && u.id_n == 0)) {
		abort();
	}
	free(text);
	return 0;
}
