/*
 * Schemes by name: AlgorithmIdentifiers as RFC 7427 appendix A has them, and as others write them.
 */
#include "base/cursor.h"
#include "crypto/sign.h"

#define OID(name, ...) static const uint8_t name[] = {__VA_ARGS__}

#define SHA256_OID	0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01
#define SHA384_OID	0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02
#define SHA512_OID	0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03
#define PKCS1_OID(last) 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last
#define RSA_ID(last)	0x30, 0x0d, PKCS1_OID(last), 0x05, 0x00
/* RFC 4055 3.1: hash, mask generation by the same hash, salt of its length. */
#define PSS_ID(salt, ...)                                                                          \
	0x30, 0x41, PKCS1_OID(0x0a), 0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, __VA_ARGS__, 0x05, 0x00,  \
		0xa1, 0x1c, 0x30, 0x1a, PKCS1_OID(0x08), 0x30, 0x0d, __VA_ARGS__, 0x05, 0x00,      \
		0xa2, 0x03, 0x02, 0x01, salt
#define ECDSA_ID(last) 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last

OID(id_rsa_sha1, RSA_ID(0x05));
OID(id_rsa_sha256, RSA_ID(0x0b));
OID(id_rsa_sha384, RSA_ID(0x0c));
OID(id_rsa_sha512, RSA_ID(0x0d));
OID(id_pss_sha256, PSS_ID(32, SHA256_OID));
OID(id_pss_sha384, PSS_ID(48, SHA384_OID));
OID(id_pss_sha512, PSS_ID(64, SHA512_OID));
OID(id_ecdsa_sha256, ECDSA_ID(0x02));
OID(id_ecdsa_sha384, ECDSA_ID(0x03));
OID(id_ecdsa_sha512, ECDSA_ID(0x04));
OID(id_ed25519, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70);
OID(id_ed448, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71);
OID(oid_pss, PKCS1_OID(0x0a));
OID(oid_mgf1, PKCS1_OID(0x08));
OID(oid_sha256, SHA256_OID);
OID(oid_sha384, SHA384_OID);
OID(oid_sha512, SHA512_OID);

#define ID(a)                                                                                      \
	{                                                                                          \
		(a), sizeof(a)                                                                     \
	}
#define NO_ID                                                                                      \
	{                                                                                          \
		NULL, 0                                                                            \
	}

struct row {
	const char *text;
	enum sign_hash hash;
	struct view id;
};

static const struct row rows[SIGN_END] = {
	[SIGN_NONE] = {"none", 0, NO_ID},
	[SIGN_RSA_SHA1] = {"rsa-sha1", SIGN_HASH_SHA1, ID(id_rsa_sha1)},
	[SIGN_RSA_SHA256] = {"rsa-sha256", SIGN_HASH_SHA256, ID(id_rsa_sha256)},
	[SIGN_RSA_SHA384] = {"rsa-sha384", SIGN_HASH_SHA384, ID(id_rsa_sha384)},
	[SIGN_RSA_SHA512] = {"rsa-sha512", SIGN_HASH_SHA512, ID(id_rsa_sha512)},
	[SIGN_PSS_SHA256] = {"rsa-pss-sha256", SIGN_HASH_SHA256, ID(id_pss_sha256)},
	[SIGN_PSS_SHA384] = {"rsa-pss-sha384", SIGN_HASH_SHA384, ID(id_pss_sha384)},
	[SIGN_PSS_SHA512] = {"rsa-pss-sha512", SIGN_HASH_SHA512, ID(id_pss_sha512)},
	[SIGN_ECDSA_P256] = {"ecdsa-256", SIGN_HASH_SHA256, NO_ID},
	[SIGN_ECDSA_P384] = {"ecdsa-384", SIGN_HASH_SHA384, NO_ID},
	[SIGN_ECDSA_P521] = {"ecdsa-521", SIGN_HASH_SHA512, NO_ID},
	[SIGN_ECDSA_SHA256] = {"ecdsa-sha256", SIGN_HASH_SHA256, ID(id_ecdsa_sha256)},
	[SIGN_ECDSA_SHA384] = {"ecdsa-sha384", SIGN_HASH_SHA384, ID(id_ecdsa_sha384)},
	[SIGN_ECDSA_SHA512] = {"ecdsa-sha512", SIGN_HASH_SHA512, ID(id_ecdsa_sha512)},
	[SIGN_ED25519] = {"ed25519", SIGN_HASH_IDENTITY, ID(id_ed25519)},
	[SIGN_ED448] = {"ed448", SIGN_HASH_IDENTITY, ID(id_ed448)},
	[SIGN_RSA_CLASSIC] = {"rsa", 0, NO_ID},
};

static const struct row *row_of(enum sign_scheme s)
{
	return &rows[s > SIGN_NONE && s < SIGN_END ? s : SIGN_NONE];
}

const char *sign_text(enum sign_scheme s)
{
	return row_of(s)->text;
}

enum sign_hash sign_hash_of(enum sign_scheme s)
{
	return row_of(s)->hash;
}

struct view sign_alg_id(enum sign_scheme s)
{
	return row_of(s)->id;
}

/* ---------------------------------------------------------------- RSASSA-PSS (RFC 4055 3.1) */

/* One element with that tag, of up to 127 octets: no AlgorithmIdentifier of ours is longer. */
static struct cur element(struct cur *c, uint8_t tag)
{
	uint8_t is = cur_u8(c), n = cur_u8(c);
	struct cur inside = cur_of(cur_take(c, n < 128 ? n : 0));

	if (is != tag || n >= 128)
		c->bad = true;
	inside.bad = c->bad;
	return inside;
}

static bool next_is(const struct cur *c, uint8_t tag)
{
	return !c->bad && c->at < c->in.n && c->in.p[c->at] == tag;
}

/* An object identifier with its header, as in the tables above. */
static struct view oid_take(struct cur *c)
{
	size_t at = c->at;
	struct cur inside = element(c, 0x06);

	return inside.bad ? (struct view){0} : view_of(c->in.p + at, c->at - at);
}

static void null_skip(struct cur *c)
{
	struct cur none;

	if (!next_is(c, 0x05))
		return;
	none = element(c, 0x05);
	c->bad |= !cur_done(&none);
}

/* Hash algorithm with its parameters absent or NULL: both are to be accepted (RFC 4055 2.1). */
static enum sign_hash hash_take(struct cur *c)
{
	struct cur seq = element(c, 0x30);
	struct view oid = oid_take(&seq);

	null_skip(&seq);
	if (!cur_done(&seq))
		c->bad = true;
	if (view_equal(oid, view_of_array(oid_sha256)))
		return SIGN_HASH_SHA256;
	if (view_equal(oid, view_of_array(oid_sha384)))
		return SIGN_HASH_SHA384;
	return view_equal(oid, view_of_array(oid_sha512)) ? SIGN_HASH_SHA512 : (enum sign_hash)0;
}

static enum sign_hash mask_take(struct cur *c)
{
	struct cur seq = element(c, 0x30);
	struct view oid = oid_take(&seq);
	enum sign_hash hash = hash_take(&seq);

	if (!cur_done(&seq))
		c->bad = true;
	return view_equal(oid, view_of_array(oid_mgf1)) ? hash : (enum sign_hash)0;
}

static uint16_t number_take(struct cur *c)
{
	struct cur n = element(c, 0x02);
	uint16_t v = cur_u8(&n);

	if (n.at < n.in.n)
		v = (uint16_t)(v << 8 | cur_u8(&n));
	if (!cur_done(&n))
		c->bad = true;
	return v;
}

static enum sign_scheme pss_of(enum sign_hash hash)
{
	switch (hash) {
	case SIGN_HASH_SHA256:
		return SIGN_PSS_SHA256;
	case SIGN_HASH_SHA384:
		return SIGN_PSS_SHA384;
	case SIGN_HASH_SHA512:
		return SIGN_PSS_SHA512;
	case SIGN_HASH_SHA1:
	case SIGN_HASH_IDENTITY:
	default:
		return SIGN_NONE;
	}
}

/* What is absent has the default, SHA-1: refused by having no scheme. */
static int pss_parse(struct cur *params, struct sign_alg *out)
{
	enum sign_hash hash = (enum sign_hash)0, mask = (enum sign_hash)0;
	uint16_t salt = 20, trailer = 1;
	struct cur part;

	if (next_is(params, 0xa0)) {
		part = element(params, 0xa0);
		hash = hash_take(&part);
		params->bad |= !cur_done(&part);
	}
	if (next_is(params, 0xa1)) {
		part = element(params, 0xa1);
		mask = mask_take(&part);
		params->bad |= !cur_done(&part);
	}
	if (next_is(params, 0xa2)) {
		part = element(params, 0xa2);
		salt = number_take(&part);
		params->bad |= !cur_done(&part);
	}
	if (next_is(params, 0xa3)) {
		part = element(params, 0xa3);
		trailer = number_take(&part);
		params->bad |= !cur_done(&part);
	}
	if (!cur_done(params))
		return -ERR_SYNTAX;
	if (hash != mask || trailer != 1 || salt > 256 || pss_of(hash) == SIGN_NONE)
		return -ERR_UNSUPPORTED;
	*out = (struct sign_alg){.scheme = pss_of(hash), .salt_len = salt};
	return 0;
}

/* ---------------------------------------------------------------- any */

/* The same OID; ECDSA and EdDSA have no parameters, RSA has NULL, which some leave out. */
static enum sign_scheme plain_of(struct view oid)
{
	for (enum sign_scheme s = SIGN_RSA_SHA1; s < SIGN_END; s++) {
		struct view id = rows[s].id;

		if (oid.n != 0 && id.n >= 2 + oid.n && view_equal(view_of(id.p + 2, oid.n), oid))
			return s;
	}
	return SIGN_NONE;
}

int sign_alg_parse(struct view der, struct sign_alg *out)
{
	struct cur all = cur_of(der), seq = element(&all, 0x30);
	struct view oid = oid_take(&seq);
	struct sign_alg alg = {.scheme = SIGN_NONE};
	struct cur params;

	if (!cur_done(&all) || seq.bad)
		return -ERR_SYNTAX;
	if (view_equal(oid, view_of_array(oid_pss))) {
		params = element(&seq, 0x30);
		if (!cur_done(&seq))
			return -ERR_SYNTAX;
		return pss_parse(&params, out);
	}
	alg.scheme = plain_of(oid);
	if ((SIGN_BIT(alg.scheme) & SIGN_OF_RSA) != 0)
		null_skip(&seq);
	if (alg.scheme == SIGN_NONE)
		return -ERR_UNSUPPORTED;
	if (!cur_done(&seq))
		return -ERR_SYNTAX;
	*out = alg;
	return 0;
}
