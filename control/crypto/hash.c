#include "crypto/hash.h"

#include <openssl/evp.h>

#include "base/secret.h"
#include "crypto/fetched.h"

#define BLOCK_MAX 128 /* SHA-384, SHA-512 */

static const struct {
	uint8_t len, block;
} sizes[HASH_COUNT] = {
	[HASH_SHA1] = {20, 64},
	[HASH_SHA256] = {32, 64},
	[HASH_SHA384] = {48, 128},
	[HASH_SHA512] = {64, 128},
	[HASH_MD5] = {16, 64},
};

size_t hash_len(enum hash_id id)
{
	return sizes[id].len;
}

static bool absorb(EVP_MD_CTX *ctx, struct views parts)
{
	bool ok = true;

	for (size_t i = 0; ok && i < parts.n; i++)
		if (parts.v[i].n != 0)
			ok = EVP_DigestUpdate(ctx, parts.v[i].p, parts.v[i].n) == 1;
	return ok;
}

/* NULL keeps the algorithm set by crypto_new(): only the chaining state starts again. */
static bool restart(EVP_MD_CTX *ctx)
{
	return EVP_DigestInit_ex2(ctx, NULL, NULL) == 1;
}

int hash(struct crypto *c, enum hash_id id, struct views parts, uint8_t *out)
{
	EVP_MD_CTX *ctx = c->md_ctx[id];

	if (!restart(ctx) || !absorb(ctx, parts) || EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		return -ERR_CRYPTO;
	return 0;
}

static void pad_key(uint8_t pad[BLOCK_MAX], size_t block, uint8_t with)
{
	for (size_t i = 0; i < block; i++)
		pad[i] ^= with;
}

/* RFC 2104 2 on the plain digest: EVP_MAC allocates per key, which costs more than hashing. */
static int hmac_padded(
	struct crypto *c, enum hash_id id, uint8_t pad[BLOCK_MAX], struct views parts, uint8_t *out)
{
	EVP_MD_CTX *ctx = c->md_ctx[id];
	size_t block = sizes[id].block;
	uint8_t inner[HASH_MAX];
	bool ok;

	pad_key(pad, block, 0x36);
	ok = restart(ctx) && EVP_DigestUpdate(ctx, pad, block) == 1 && absorb(ctx, parts) &&
	     EVP_DigestFinal_ex(ctx, inner, NULL) == 1;
	pad_key(pad, block, 0x36 ^ 0x5c);
	ok = ok && restart(ctx) && EVP_DigestUpdate(ctx, pad, block) == 1 &&
	     EVP_DigestUpdate(ctx, inner, sizes[id].len) == 1 &&
	     EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	secret_wipe(inner, sizeof inner);
	return ok ? 0 : -ERR_CRYPTO;
}

int hmac(struct crypto *c, enum hash_id id, struct view key, struct views parts, uint8_t *out)
{
	uint8_t pad[BLOCK_MAX] = {0};
	int rc = 0;

	if (key.n > sizes[id].block)
		rc = hash(c, id, VIEWS(key), pad);
	else if (key.n != 0)
		memcpy(pad, key.p, key.n);
	if (rc == 0)
		rc = hmac_padded(c, id, pad, parts, out);
	secret_wipe(pad, sizeof pad);
	return rc;
}
