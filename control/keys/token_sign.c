/*
 * Signatures by a token. Octets are hashed here; the token sees the digest only, so that every
 * token that can do the plain mechanisms will do.
 */
#include "crypto/der_write.h"
#include "keys/token_own.h"

/* DigestInfo up to the digest (RFC 8017 9.2, note 1). */
static struct view digest_head(enum hash_id hash)
{
	static const uint8_t sha1[] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02,
		0x1a, 0x05, 0x00, 0x04, 0x14};
	static const uint8_t sha2[3][19] = {
		{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
			0x01, 0x05, 0x00, 0x04, 0x20},
		{0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
			0x02, 0x05, 0x00, 0x04, 0x30},
		{0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
			0x03, 0x05, 0x00, 0x04, 0x40}};

	return hash == HASH_SHA1 ? view_of_array(sha1)
				 : view_of_array(sha2[hash == HASH_SHA512   ? 2
						      : hash == HASH_SHA384 ? 1
									    : 0]);
}

static int hash_of(enum sign_scheme s, enum hash_id *out)
{
	switch (sign_hash_of(s)) {
	case SIGN_HASH_SHA1:
		*out = HASH_SHA1;
		return 0;
	case SIGN_HASH_SHA256:
		*out = HASH_SHA256;
		return 0;
	case SIGN_HASH_SHA384:
		*out = HASH_SHA384;
		return 0;
	case SIGN_HASH_SHA512:
		*out = HASH_SHA512;
		return 0;
	case SIGN_HASH_IDENTITY:
	default:
		return -ERR_UNSUPPORTED;
	}
}

/* The schemes of RFC 4754 fix the curve. */
static bool fits(const struct token_key *k, enum sign_scheme s)
{
	if (!k->ecdsa)
		return (SIGN_BIT(s) & SIGN_OF_RSA) != 0;
	switch ((unsigned)s) {
	case SIGN_ECDSA_P256:
		return k->bits == 256;
	case SIGN_ECDSA_P384:
		return k->bits == 384;
	case SIGN_ECDSA_P521:
		return k->bits == 521;
	default:
		return s == SIGN_ECDSA_SHA256 || s == SIGN_ECDSA_SHA384 || s == SIGN_ECDSA_SHA512;
	}
}

static bool is_pss(enum sign_scheme s)
{
	return s == SIGN_PSS_SHA256 || s == SIGN_PSS_SHA384 || s == SIGN_PSS_SHA512;
}

static struct ck_rsa_pkcs_pss_params pss_of(enum hash_id hash)
{
	static const struct {
		ck_mechanism_type_t hash;
		ck_rsa_pkcs_mgf_type_t mgf;
	} rows[] = {[HASH_SHA1] = {CKM_SHA_1, CKG_MGF1_SHA1},
		[HASH_SHA256] = {CKM_SHA256, CKG_MGF1_SHA256},
		[HASH_SHA384] = {CKM_SHA384, CKG_MGF1_SHA384},
		[HASH_SHA512] = {CKM_SHA512, CKG_MGF1_SHA512}};

	return (struct ck_rsa_pkcs_pss_params){rows[hash].hash, rows[hash].mgf, hash_len(hash)};
}

static int ask(
	const struct token_key *k, struct ck_mechanism *how, struct view what, struct blob *out)
{
	uint8_t in[128], room[SIGN_LEN_MAX];
	unsigned long n = sizeof room;
	ck_rv_t rv;

	if (what.n > sizeof in)
		return -ERR_LIMIT;
	memcpy(in, what.p, what.n);
	rv = k->f->C_SignInit(k->session, how, k->object);
	if (rv == CKR_OK)
		rv = k->f->C_Sign(k->session, in, what.n, room, &n);
	return rv == CKR_OK ? blob_copy(view_of(room, n), out) : token_err(rv);
}

static int sign_rsa(const struct token_key *k, enum sign_scheme s, enum hash_id hash,
	struct view digest, struct blob *out)
{
	struct ck_rsa_pkcs_pss_params pss = pss_of(hash);
	struct ck_mechanism how = {CKM_RSA_PKCS_PSS, &pss, sizeof pss};
	auto_blob info = {0};
	int rc;

	if (is_pss(s))
		return ask(k, &how, digest, out);
	how = (struct ck_mechanism){.mechanism = CKM_RSA_PKCS};
	rc = blob_append(&info, digest_head(hash));
	if (rc == 0)
		rc = blob_append(&info, digest);
	return rc < 0 ? rc : ask(k, &how, blob_view(&info), out);
}

static int sign_ecdsa(
	const struct token_key *k, enum sign_scheme s, struct view digest, struct blob *out)
{
	struct ck_mechanism how = {.mechanism = CKM_ECDSA};
	auto_blob raw = {0};
	int rc;

	if (s == SIGN_ECDSA_P256 || s == SIGN_ECDSA_P384 || s == SIGN_ECDSA_P521)
		return ask(k, &how, digest, out);
	rc = ask(k, &how, digest, &raw);
	return rc < 0 ? rc : der_of_raw_signature(blob_view(&raw), out);
}

int token_key_sign(struct crypto *c, const struct token_key *k, enum sign_scheme s,
	struct view octets, struct blob *out)
{
	uint8_t digest[HASH_MAX];
	enum hash_id id = HASH_SHA256;
	struct view made;
	int rc = fits(k, s) ? hash_of(s, &id) : -ERR_UNSUPPORTED;

	if (rc == 0)
		rc = hash(c, id, VIEWS(octets), digest);
	if (rc < 0)
		return rc;
	made = view_of(digest, hash_len(id));
	return k->ecdsa ? sign_ecdsa(k, s, made, out) : sign_rsa(k, s, id, made, out);
}
