#include "crypto/hkdf.h"

#include "base/secret.h"
#include "crypto/hash.h"

#define BLOCKS_MAX 255

/* RFC 5869 2.3: T(n) = HMAC(PRK, T(n-1) | info | n). */
static int expand(struct crypto *c, struct view prk, struct view info, uint8_t *out, size_t n)
{
	uint8_t block[HASH_SHA256_LEN], counter = 0;
	struct view previous = {0};
	int rc = 0;

	while (rc == 0 && n != 0) {
		size_t step = MIN(n, sizeof block);

		counter++;
		rc = hmac(c, HASH_SHA256, prk, VIEWS(previous, info, view_of(&counter, 1)), block);
		if (rc < 0)
			break;
		previous = view_of_array(block);
		memcpy(out, block, step);
		out += step;
		n -= step;
	}
	secret_wipe(block, sizeof block);
	return rc;
}

int hkdf_sha256(struct crypto *c, const struct hkdf_in *in, uint8_t *out, size_t n)
{
	uint8_t prk[HASH_SHA256_LEN];
	int rc;

	if (n > (size_t)BLOCKS_MAX * HASH_SHA256_LEN)
		return -ERR_LIMIT;
	rc = hmac(c, HASH_SHA256, in->salt, VIEWS(in->key), prk);
	if (rc == 0)
		rc = expand(c, view_of_array(prk), in->info, out, n);
	secret_wipe(prk, sizeof prk);
	return rc;
}
