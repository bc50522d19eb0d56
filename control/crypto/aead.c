#include "crypto/aead.h"

#include <limits.h>
#include <openssl/evp.h>

#include "base/des.h"
#include "base/secret.h"
#include "crypto/fetched.h"

#define GCM_NONCE_LEN 12

static int slot_of(const struct alg *encr)
{
	if (encr->id == ALG_CHACHA20_POLY1305)
		return CIPHER_CHACHA;
	if (encr->id == ALG_3DES || encr->id == ALG_DES)
		return CIPHER_3DES;
	switch (encr->key_bits) {
	case 128:
		return encr->id == ALG_AES_GCM_16 ? CIPHER_GCM_128 : CIPHER_CBC_128;
	case 192:
		return encr->id == ALG_AES_GCM_16 ? CIPHER_GCM_192 : CIPHER_CBC_192;
	default:
		return encr->id == ALG_AES_GCM_16 ? CIPHER_GCM_256 : CIPHER_CBC_256;
	}
}

static enum hash_id hash_of(const struct alg *integ)
{
	switch (integ->id) {
	case ALG_SHA256_128:
		return HASH_SHA256;
	case ALG_SHA384_192:
		return HASH_SHA384;
	case ALG_SHA512_256:
		return HASH_SHA512;
	case ALG_MD5_96:
		return HASH_MD5;
	default:
		return HASH_SHA1;
	}
}

int aead_init(struct aead *a, const struct alg *encr, const struct alg *integ, struct view key,
	struct view mac_key)
{
	if (!encr || encr->type != ALG_ENCR || alg_is_aead(encr) != (integ == NULL))
		return -ERR_UNSUPPORTED;
	if (encr->esp_only || (integ && (integ->type != ALG_INTEG || integ->esp_only)))
		return -ERR_UNSUPPORTED;
	if (key.n != encr->key_len || mac_key.n != (integ ? integ->key_len : 0))
		return -ERR_VALUE;
	*a = (struct aead){encr, integ, key, mac_key};
	return 0;
}

size_t aead_icv_len(const struct aead *a)
{
	return a->integ ? a->integ->icv_len : a->encr->icv_len;
}

/* RFC 5282 4, RFC 7634 2: nonce = salt | explicit IV. */
static void gcm_nonce(const struct aead *a, const uint8_t *iv, uint8_t out[GCM_NONCE_LEN])
{
	memcpy(out, a->key.p + a->key.n - a->encr->salt_len, a->encr->salt_len);
	memcpy(out + a->encr->salt_len, iv, a->encr->iv_len);
}

static int gcm_seal(
	EVP_CIPHER_CTX *ctx, const struct aead *a, const struct aead_io *io, uint8_t *icv)
{
	uint8_t nonce[GCM_NONCE_LEN];
	int n;

	gcm_nonce(a, io->iv, nonce);
	if (EVP_EncryptInit_ex2(ctx, NULL, a->key.p, nonce, NULL) != 1 ||
		EVP_EncryptUpdate(ctx, NULL, &n, io->aad.p, (int)io->aad.n) != 1 ||
		EVP_EncryptUpdate(ctx, io->out, &n, io->in, (int)io->n) != 1 ||
		EVP_EncryptFinal_ex(ctx, io->out + io->n, &n) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, a->encr->icv_len, icv) != 1)
		return -ERR_CRYPTO;
	return 0;
}

static int gcm_open(
	EVP_CIPHER_CTX *ctx, const struct aead *a, const struct aead_io *io, const uint8_t *icv)
{
	uint8_t nonce[GCM_NONCE_LEN], tag[ALG_ICV_MAX];
	int n;

	gcm_nonce(a, io->iv, nonce);
	memcpy(tag, icv, a->encr->icv_len);
	if (EVP_DecryptInit_ex2(ctx, NULL, a->key.p, nonce, NULL) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, a->encr->icv_len, tag) != 1 ||
		EVP_DecryptUpdate(ctx, NULL, &n, io->aad.p, (int)io->aad.n) != 1 ||
		EVP_DecryptUpdate(ctx, io->out, &n, io->in, (int)io->n) != 1)
		return -ERR_CRYPTO;
	if (EVP_DecryptFinal_ex(ctx, io->out + io->n, &n) == 1)
		return 0;
	/* What was decrypted without proof must not be seen by anyone. */
	secret_wipe(io->out, io->n);
	return -ERR_AUTH;
}

static int cbc_mac(struct crypto *c, const struct aead *a, const struct aead_io *io,
	const uint8_t *text, uint8_t *out)
{
	return hmac(c, hash_of(a->integ), a->mac_key,
		VIEWS(io->aad, view_of(io->iv, a->encr->iv_len), view_of(text, io->n)), out);
}

/* DES is what 3DES does with one key three times (FIPS 46-3). */
static const uint8_t *cbc_key(const struct aead *a, uint8_t room[3 * DES_KEY_LEN])
{
	if (a->encr->id != ALG_DES)
		return a->key.p;
	for (size_t i = 0; i < 3; i++)
		memcpy(room + i * DES_KEY_LEN, a->key.p, DES_KEY_LEN);
	return room;
}

static bool cbc_begin(EVP_CIPHER_CTX *ctx, const struct aead *a, const uint8_t *iv, bool seal)
{
	uint8_t room[3 * DES_KEY_LEN];
	const uint8_t *key = cbc_key(a, room);
	int rc = seal ? EVP_EncryptInit_ex2(ctx, NULL, key, iv, NULL)
		      : EVP_DecryptInit_ex2(ctx, NULL, key, iv, NULL);

	secret_wipe(room, sizeof room);
	return rc == 1 && EVP_CIPHER_CTX_set_padding(ctx, 0) == 1;
}

static int cbc_seal(struct crypto *c, EVP_CIPHER_CTX *ctx, const struct aead *a,
	const struct aead_io *io, uint8_t *icv)
{
	uint8_t mac[HASH_MAX];
	int n, rc;

	if (!cbc_begin(ctx, a, io->iv, true) ||
		EVP_EncryptUpdate(ctx, io->out, &n, io->in, (int)io->n) != 1 || n != (int)io->n)
		return -ERR_CRYPTO;
	rc = cbc_mac(c, a, io, io->out, mac);
	if (rc == 0)
		memcpy(icv, mac, a->integ->icv_len);
	return rc;
}

/* The MAC covers the ciphertext and is checked first: forged text is never decrypted. */
static int cbc_open(struct crypto *c, EVP_CIPHER_CTX *ctx, const struct aead *a,
	const struct aead_io *io, const uint8_t *icv)
{
	uint8_t mac[HASH_MAX];
	int n, rc = cbc_mac(c, a, io, io->in, mac);

	if (rc < 0)
		return rc;
	if (!view_equal_ct(view_of(mac, a->integ->icv_len), view_of(icv, a->integ->icv_len)))
		return -ERR_AUTH;
	if (!cbc_begin(ctx, a, io->iv, false) ||
		EVP_DecryptUpdate(ctx, io->out, &n, io->in, (int)io->n) != 1 || n != (int)io->n)
		return -ERR_CRYPTO;
	return 0;
}

static bool suits(const struct aead *a, const struct aead_io *io)
{
	return io->n % a->encr->block == 0 && io->n <= INT_MAX && io->aad.n <= INT_MAX;
}

int aead_seal(struct crypto *c, const struct aead *a, const struct aead_io *io, uint8_t *icv)
{
	EVP_CIPHER_CTX *ctx = c->seal[slot_of(a->encr)];

	if (!suits(a, io))
		return -ERR_VALUE;
	return a->integ ? cbc_seal(c, ctx, a, io, icv) : gcm_seal(ctx, a, io, icv);
}

int aead_open(struct crypto *c, const struct aead *a, const struct aead_io *io, const uint8_t *icv)
{
	EVP_CIPHER_CTX *ctx = c->open[slot_of(a->encr)];

	if (!suits(a, io))
		return -ERR_VALUE;
	return a->integ ? cbc_open(c, ctx, a, io, icv) : gcm_open(ctx, a, io, icv);
}
