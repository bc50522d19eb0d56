/*
 * AlgorithmIdentifiers of RFC 7427 signatures, as a stranger sends them before it is known: one
 * that is read has a scheme, and the scheme's own form is read as the same.
 */
#include <stdlib.h>

#include "crypto/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sign_alg a = {.scheme = SIGN_NONE}, again;
	struct view in = view_of(n ? data : NULL, n);

	if (sign_alg_parse(in, &a) < 0) {
		if (a.scheme != SIGN_NONE)
			abort();
		return 0;
	}
	if (a.scheme <= SIGN_NONE || a.scheme >= SIGN_END || a.salt_len > 256 ||
		sign_hash_of(a.scheme) == 0)
		abort();
	if (sign_alg_parse(sign_alg_id(a.scheme), &again) < 0 || again.scheme != a.scheme)
		abort();
	return 0;
}
