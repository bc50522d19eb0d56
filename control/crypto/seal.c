#include "crypto/seal.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/fetched.h"

struct seal {
	EVP_CIPHER_CTX *enc, *dec;
};

int seal_new(const struct crypto *c, struct view key, struct seal **out)
{
	const EVP_CIPHER *gcm = c->cipher[CIPHER_GCM_256];
	auto_seal s = NULL;

	if (key.n != SEAL_KEY_LEN)
		return -ERR_VALUE;
	s = calloc(1, sizeof *s);
	if (!s)
		return -ERR_NOMEM;
	s->enc = EVP_CIPHER_CTX_new();
	s->dec = EVP_CIPHER_CTX_new();
	if (!s->enc || !s->dec)
		return -ERR_NOMEM;
	if (EVP_EncryptInit_ex2(s->enc, gcm, key.p, NULL, NULL) != 1 ||
		EVP_DecryptInit_ex2(s->dec, gcm, key.p, NULL, NULL) != 1)
		return -ERR_CRYPTO;
	*out = take_ptr(s);
	return 0;
}

/* The library takes lengths as int; our messages are far below. */
static bool fits(struct view aad, struct view in)
{
	return aad.n <= INT_MAX && in.n <= INT_MAX;
}

int seal_wrap(struct seal *s, const uint8_t nonce[SEAL_NONCE_LEN], struct view aad, struct view in,
	uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = s->enc;
	int n;

	if (!fits(aad, in))
		return -ERR_LIMIT;
	if (EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) != 1)
		return -ERR_CRYPTO;
	if (aad.n != 0 && EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) != 1)
		return -ERR_CRYPTO;
	if (in.n != 0 && EVP_EncryptUpdate(ctx, out, &n, in.p, (int)in.n) != 1)
		return -ERR_CRYPTO;
	if (EVP_EncryptFinal_ex(ctx, out + in.n, &n) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_LEN, out + in.n) != 1)
		return -ERR_CRYPTO;
	return 0;
}

int seal_unwrap(struct seal *s, const uint8_t nonce[SEAL_NONCE_LEN], struct view aad,
	struct view in, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = s->dec;
	uint8_t tag[SEAL_TAG_LEN];
	size_t text_n;
	int n;

	if (in.n < SEAL_TAG_LEN)
		return -ERR_TRUNCATED;
	if (!fits(aad, in))
		return -ERR_LIMIT;
	text_n = in.n - SEAL_TAG_LEN;
	memcpy(tag, in.p + text_n, sizeof tag);
	if (EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_LEN, tag) != 1)
		return -ERR_CRYPTO;
	if (aad.n != 0 && EVP_DecryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) != 1)
		return -ERR_CRYPTO;
	if (text_n != 0 && EVP_DecryptUpdate(ctx, out, &n, in.p, (int)text_n) != 1)
		return -ERR_CRYPTO;
	if (EVP_DecryptFinal_ex(ctx, out + text_n, &n) == 1)
		return 0;
	secret_wipe(out, text_n);
	return -ERR_AUTH;
}

void seal_free(struct seal *s)
{
	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->enc); /* cleanses the expanded key */
	EVP_CIPHER_CTX_free(s->dec);
	free(s);
}

void seal_cleanup(struct seal **s)
{
	seal_free(*s);
}
