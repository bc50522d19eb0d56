#include "crypto/sign.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/cert_lib.h"
#include "crypto/fetched.h"

#define auto_pkey_ctx EVP_PKEY_CTX *CLEANUP(pkey_ctx_cleanup)
#define auto_md_ctx   EVP_MD_CTX *CLEANUP(md_ctx_cleanup)
#define auto_sig      ECDSA_SIG *CLEANUP(sig_cleanup)

#define ECDSA_DER_MAX 160 /* P-521: 2 * (2 + 67) and the sequence around */

struct sign_key {
	EVP_PKEY *pkey;
};

static void pkey_ctx_cleanup(EVP_PKEY_CTX **p)
{
	EVP_PKEY_CTX_free(*p);
}

static void md_ctx_cleanup(EVP_MD_CTX **p)
{
	EVP_MD_CTX_free(*p);
}

static void sig_cleanup(ECDSA_SIG **p)
{
	ECDSA_SIG_free(*p);
}

/* ---------------------------------------------------------------- keys */

#define OF_EC                                                                                      \
	(SIGN_BIT(SIGN_ECDSA_SHA256) | SIGN_BIT(SIGN_ECDSA_SHA384) | SIGN_BIT(SIGN_ECDSA_SHA512))

static uint32_t schemes_of_curve(const EVP_PKEY *key)
{
	char name[32] = "";
	size_t n = 0;

	if (EVP_PKEY_get_group_name(key, name, sizeof name, &n) != 1)
		return 0;
	if (strcmp(name, "prime256v1") == 0 || strcmp(name, "P-256") == 0)
		return OF_EC | SIGN_BIT(SIGN_ECDSA_P256);
	if (strcmp(name, "secp384r1") == 0 || strcmp(name, "P-384") == 0)
		return OF_EC | SIGN_BIT(SIGN_ECDSA_P384);
	if (strcmp(name, "secp521r1") == 0 || strcmp(name, "P-521") == 0)
		return OF_EC | SIGN_BIT(SIGN_ECDSA_P521);
	return 0;
}

uint32_t sign_schemes(const struct evp_pkey_st *key)
{
	int bits = key ? EVP_PKEY_get_bits(key) : 0;

	switch (key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE) {
	case EVP_PKEY_RSA:
		return bits >= SIGN_RSA_BITS_MIN && bits <= SIGN_RSA_BITS_MAX
			       ? SIGN_OF_RSA | SIGN_BIT(SIGN_RSA_CLASSIC)
			       : 0;
	case EVP_PKEY_EC:
		return schemes_of_curve(key);
	case EVP_PKEY_ED25519:
		return SIGN_BIT(SIGN_ED25519);
	case EVP_PKEY_ED448:
		return SIGN_BIT(SIGN_ED448);
	default:
		return 0;
	}
}

/* A key with a passphrase is refused instead of being asked for on a terminal. */
static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)ctx;
	return -1;
}

static EVP_PKEY *pkey_read(struct view octets)
{
	const unsigned char *p = octets.p;
	EVP_PKEY *pkey;
	BIO *bio;

	if (octets.n == 0 || octets.n > 65536)
		return NULL;
	bio = BIO_new_mem_buf(octets.p, (int)octets.n);
	if (!bio)
		return NULL;
	pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	(void)BIO_free(bio);
	if (!pkey)
		pkey = d2i_AutoPrivateKey(NULL, &p, (long)octets.n);
	ERR_clear_error();
	return pkey;
}

int sign_key_wrap(struct evp_pkey_st *key, struct sign_key **out)
{
	struct sign_key *k;

	if (sign_schemes(key) == 0)
		return -ERR_UNSUPPORTED;
	k = calloc(1, sizeof *k);
	if (!k || EVP_PKEY_up_ref(key) != 1) {
		free(k);
		return -ERR_NOMEM;
	}
	k->pkey = key;
	*out = k;
	return 0;
}

int sign_key_share(const struct sign_key *k, struct sign_key **out)
{
	return sign_key_wrap(k->pkey, out);
}

int sign_key_read(struct view octets, struct sign_key **out)
{
	EVP_PKEY *pkey = pkey_read(octets);
	int rc = pkey ? sign_key_wrap(pkey, out) : -ERR_SYNTAX;

	EVP_PKEY_free(pkey);
	return rc;
}

const struct evp_pkey_st *sign_key_handle(const struct sign_key *k)
{
	return k->pkey;
}

bool sign_key_fits(const struct sign_key *k, const struct evp_pkey_st *public_key)
{
	bool same = public_key && EVP_PKEY_eq(k->pkey, public_key) == 1;

	ERR_clear_error();
	return same;
}

void sign_key_free(struct sign_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

void sign_key_cleanup(struct sign_key **k)
{
	sign_key_free(*k);
}

/* ---------------------------------------------------------------- r | s (RFC 4754 7) */

static size_t raw_half(enum sign_scheme s)
{
	if (s == SIGN_ECDSA_P256)
		return 32;
	if (s == SIGN_ECDSA_P384)
		return 48;
	return s == SIGN_ECDSA_P521 ? 66 : 0;
}

static int raw_of_der(struct blob *sig, size_t half)
{
	const unsigned char *p = sig->p;
	auto_sig parts = d2i_ECDSA_SIG(NULL, &p, (long)sig->n);
	uint8_t raw[2 * 66];

	if (!parts || BN_bn2binpad(ECDSA_SIG_get0_r(parts), raw, (int)half) < 0 ||
		BN_bn2binpad(ECDSA_SIG_get0_s(parts), raw + half, (int)half) < 0)
		return -ERR_CRYPTO;
	blob_fini(sig);
	return blob_copy(view_of(raw, 2 * half), sig);
}

/* Number of octets written to der, 0 when it cannot be. */
static size_t der_of_raw(struct view raw, size_t half, uint8_t der[ECDSA_DER_MAX])
{
	auto_sig parts = ECDSA_SIG_new();
	unsigned char *at = der;
	BIGNUM *r, *s;
	int n;

	if (raw.n != 2 * half || !parts)
		return 0;
	r = BN_bin2bn(raw.p, (int)half, NULL);
	s = BN_bin2bn(raw.p + half, (int)half, NULL);
	if (!r || !s || ECDSA_SIG_set0(parts, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return 0;
	}
	n = i2d_ECDSA_SIG(parts, NULL);
	if (n <= 0 || n > ECDSA_DER_MAX)
		return 0;
	return (size_t)i2d_ECDSA_SIG(parts, &at);
}

/* ---------------------------------------------------------------- both ways */

static const EVP_MD *md_of(const struct crypto *c, enum sign_hash hash)
{
	switch (hash) {
	case SIGN_HASH_SHA1:
		return c->md[HASH_SHA1];
	case SIGN_HASH_SHA256:
		return c->md[HASH_SHA256];
	case SIGN_HASH_SHA384:
		return c->md[HASH_SHA384];
	case SIGN_HASH_SHA512:
		return c->md[HASH_SHA512];
	case SIGN_HASH_IDENTITY:
	default:
		return NULL;
	}
}

static bool is_pss(enum sign_scheme s)
{
	return s == SIGN_PSS_SHA256 || s == SIGN_PSS_SHA384 || s == SIGN_PSS_SHA512;
}

/* After *_init: how a digest becomes a signature. */
static int ctx_shape(EVP_PKEY_CTX *ctx, const EVP_MD *md, const struct sign_alg *a)
{
	if (EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
		return -ERR_CRYPTO;
	if ((SIGN_BIT(a->scheme) & SIGN_OF_RSA) == 0)
		return 0;
	if (EVP_PKEY_CTX_set_rsa_padding(
		    ctx, is_pss(a->scheme) ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1)
		return -ERR_CRYPTO;
	if (!is_pss(a->scheme))
		return 0;
	if (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) != 1 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, a->salt_len) != 1)
		return -ERR_CRYPTO;
	return 0;
}

static int make_hashed(const struct crypto *c, EVP_PKEY *key, const struct sign_alg *a,
	struct view octets, struct blob *sig)
{
	const EVP_MD *md = md_of(c, sign_hash_of(a->scheme));
	auto_pkey_ctx ctx = EVP_PKEY_CTX_new_from_pkey(c->lib, key, NULL);
	uint8_t digest[EVP_MAX_MD_SIZE], room[SIGN_LEN_MAX];
	size_t n = sizeof room;
	unsigned int digest_n;
	int rc;

	if (!md || !ctx || EVP_Digest(octets.p, octets.n, digest, &digest_n, md, NULL) != 1 ||
		EVP_PKEY_sign_init(ctx) != 1)
		return -ERR_CRYPTO;
	rc = ctx_shape(ctx, md, a);
	if (rc == 0 && EVP_PKEY_sign(ctx, room, &n, digest, digest_n) != 1)
		rc = -ERR_CRYPTO;
	if (rc == 0)
		rc = blob_copy(view_of(room, n), sig);
	if (rc == 0 && raw_half(a->scheme) != 0)
		rc = raw_of_der(sig, raw_half(a->scheme));
	return rc;
}

static int make_plain(const struct crypto *c, EVP_PKEY *key, struct view octets, struct blob *sig)
{
	auto_md_ctx ctx = EVP_MD_CTX_new();
	uint8_t room[SIGN_LEN_MAX];
	size_t n = sizeof room;

	if (!ctx || EVP_DigestSignInit_ex(ctx, NULL, NULL, c->lib, NULL, key, NULL) != 1 ||
		EVP_DigestSign(ctx, room, &n, octets.p, octets.n) != 1)
		return -ERR_CRYPTO;
	return blob_copy(view_of(room, n), sig);
}

int sign_make(const struct crypto *c, const struct sign_key *k, enum sign_scheme s,
	struct view octets, struct blob *out)
{
	struct sign_alg a = {.scheme = s};
	auto_blob sig = {0};
	int rc;

	if (s == SIGN_RSA_CLASSIC || (sign_schemes(k->pkey) & SIGN_BIT(s)) == 0)
		return -ERR_UNSUPPORTED;
	if (is_pss(s))
		a.salt_len = (uint16_t)EVP_MD_get_size(md_of(c, sign_hash_of(s)));
	rc = sign_hash_of(s) == SIGN_HASH_IDENTITY ? make_plain(c, k->pkey, octets, &sig)
						   : make_hashed(c, k->pkey, &a, octets, &sig);
	ERR_clear_error();
	if (rc < 0)
		return rc;
	*out = blob_take(&sig);
	return 0;
}

static bool hashed_is_good(const struct crypto *c, EVP_PKEY *key, const struct sign_alg *a,
	struct view octets, struct view sig)
{
	const EVP_MD *md = md_of(c, sign_hash_of(a->scheme));
	auto_pkey_ctx ctx = EVP_PKEY_CTX_new_from_pkey(cert_lib(), key, NULL);
	uint8_t digest[EVP_MAX_MD_SIZE], der[ECDSA_DER_MAX];
	unsigned int digest_n;
	size_t half = raw_half(a->scheme);

	if (half != 0)
		sig = view_of(der, der_of_raw(sig, half, der));
	if (sig.n == 0 || !md || !ctx ||
		EVP_Digest(octets.p, octets.n, digest, &digest_n, md, NULL) != 1)
		return false;
	return EVP_PKEY_verify_init(ctx) == 1 && ctx_shape(ctx, md, a) == 0 &&
	       EVP_PKEY_verify(ctx, sig.p, sig.n, digest, digest_n) == 1;
}

static bool plain_is_good(
	const struct crypto *c, EVP_PKEY *key, struct view octets, struct view sig)
{
	auto_md_ctx ctx = EVP_MD_CTX_new();

	return ctx && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, c->lib, NULL, key, NULL) == 1 &&
	       EVP_DigestVerify(ctx, sig.p, sig.n, octets.p, octets.n) == 1;
}

/* RFC 7296 3.8: method 1 does not say its hash. It is tried, never read out of the signature. */
static bool classic_is_good(
	const struct crypto *c, EVP_PKEY *key, uint8_t hashes, struct view octets, struct view sig)
{
	static const enum sign_scheme order[] = {
		SIGN_RSA_SHA256, SIGN_RSA_SHA1, SIGN_RSA_SHA512, SIGN_RSA_SHA384};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const struct sign_alg a = {.scheme = order[i]};

		if ((hashes & SIGN_HASH_BIT(sign_hash_of(order[i]))) != 0 &&
			hashed_is_good(c, key, &a, octets, sig))
			return true;
	}
	return false;
}

int sign_check(const struct crypto *c, const struct evp_pkey_st *key, const struct sign_alg *alg,
	struct view octets, struct view signature)
{
	/* The library counts references in what it only reads. */
	EVP_PKEY *pkey = (EVP_PKEY *)(uintptr_t)key;
	bool good;

	if (signature.n == 0 || signature.n > SIGN_LEN_MAX ||
		(sign_schemes(key) & SIGN_BIT(alg->scheme)) == 0)
		return -ERR_AUTH;
	if (alg->scheme == SIGN_RSA_CLASSIC)
		good = classic_is_good(c, pkey, alg->hashes, octets, signature);
	else if (sign_hash_of(alg->scheme) == SIGN_HASH_IDENTITY)
		good = plain_is_good(c, pkey, octets, signature);
	else
		good = hashed_is_good(c, pkey, alg, octets, signature);
	ERR_clear_error();
	return good ? 0 : -ERR_AUTH;
}
