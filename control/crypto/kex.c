#include "crypto/kex.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "crypto/fetched.h"

#define POINT_UNCOMPRESSED 0x04 /* SEC 1 2.3.3; IKE sends only what follows it */
#define POINT_MAX	   (ALG_PUBLIC_MAX + 1)

#define auto_pkey      EVP_PKEY *CLEANUP(pkey_cleanup)
#define auto_pkey_ctx  EVP_PKEY_CTX *CLEANUP(pkey_ctx_cleanup)
#define auto_bn	       BIGNUM *CLEANUP(bn_cleanup)
#define auto_params    OSSL_PARAM *CLEANUP(params_cleanup)
#define auto_param_bld OSSL_PARAM_BLD *CLEANUP(param_bld_cleanup)

/* X: RFC 7748. FAMILY_OLD_DH: the library has no name for the group. */
enum family { FAMILY_X, FAMILY_EC, FAMILY_DH, FAMILY_OLD_DH };

struct group {
	uint16_t id;
	enum family family;
	const char *name; /* the library's */
};

struct kex {
	const struct alg *alg;
	const struct group *group;
	EVP_PKEY *pkey;
	uint8_t pub[]; /* alg->pub_len octets, as on the wire */
};

static const struct group groups[] = {
	{ALG_CURVE25519, FAMILY_X, "X25519"},
	{ALG_CURVE448, FAMILY_X, "X448"},
	{ALG_ECP_256, FAMILY_EC, "P-256"},
	{ALG_ECP_384, FAMILY_EC, "P-384"},
	{ALG_ECP_521, FAMILY_EC, "P-521"},
	{ALG_MODP_2048, FAMILY_DH, "modp_2048"},
	{ALG_MODP_3072, FAMILY_DH, "modp_3072"},
	{ALG_MODP_4096, FAMILY_DH, "modp_4096"},
	{ALG_MODP_1536, FAMILY_DH, "modp_1536"},
	{ALG_MODP_2048_256, FAMILY_DH, "dh_2048_256"},
	{ALG_MODP_1024, FAMILY_OLD_DH, NULL},
	{ALG_MODP_768, FAMILY_OLD_DH, NULL},
};

static const char *type_of(const struct group *g)
{
	switch (g->family) {
	case FAMILY_X:
		return g->name;
	case FAMILY_EC:
		return "EC";
	case FAMILY_DH:
	case FAMILY_OLD_DH:
	default:
		return "DH";
	}
}

static void pkey_cleanup(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

static void pkey_ctx_cleanup(EVP_PKEY_CTX **p)
{
	EVP_PKEY_CTX_free(*p);
}

static void bn_cleanup(BIGNUM **p)
{
	BN_clear_free(*p);
}

static void params_cleanup(OSSL_PARAM **p)
{
	OSSL_PARAM_free(*p);
}

static void param_bld_cleanup(OSSL_PARAM_BLD **p)
{
	OSSL_PARAM_BLD_free(*p);
}

static const struct group *group_find(uint16_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (groups[i].id == id)
			return &groups[i];
	return NULL;
}

/* The library speaks of points with a format octet, of MODP values as they are on the wire. */
static int public_read(EVP_PKEY *pkey, const struct group *g, const struct alg *alg, uint8_t *out)
{
	uint8_t *octets = NULL;
	size_t n = EVP_PKEY_get1_encoded_public_key(pkey, &octets);
	size_t skip = g->family == FAMILY_EC ? 1 : 0;
	int rc = -ERR_CRYPTO;

	if (n == (size_t)alg->pub_len + skip) {
		memcpy(out, octets + skip, alg->pub_len);
		rc = 0;
	}
	OPENSSL_free(octets);
	return rc;
}

/* Takes *pkey over on success. */
static int kex_wrap(const struct group *g, EVP_PKEY **pkey, struct kex **out)
{
	const struct alg *alg = alg_find(ALG_KE, g->id, 0);
	auto_kex k = alg ? calloc(1, sizeof *k + alg->pub_len) : NULL;
	int rc;

	if (!k)
		return alg ? -ERR_NOMEM : -ERR_UNSUPPORTED;
	k->alg = alg;
	k->group = g;
	rc = public_read(*pkey, g, alg, k->pub);
	if (rc < 0)
		return rc;
	k->pkey = take_ptr(*pkey);
	*out = take_ptr(k);
	return 0;
}

/* Values that a builder borrows until it is done. */
struct numbers {
	BIGNUM *p, *g, *x, *y;
};

#define auto_numbers struct numbers CLEANUP(numbers_fini)

static void numbers_fini(struct numbers *n)
{
	BN_free(n->p);
	BN_free(n->g);
	BN_clear_free(n->x);
	BN_free(n->y);
}

/* RFC 2409 6.1, 6.2: Oakley's first two primes, generator 2. */
static int old_group_push(OSSL_PARAM_BLD *bld, uint16_t id, struct numbers *n)
{
	n->p = id == ALG_MODP_768 ? BN_get_rfc2409_prime_768(NULL)
				  : BN_get_rfc2409_prime_1024(NULL);
	n->g = BN_new();
	return n->p && n->g && BN_set_word(n->g, 2) == 1 &&
			       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_P, n->p) == 1 &&
			       OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_G, n->g) == 1
		       ? 0
		       : -ERR_CRYPTO;
}

static int group_push(OSSL_PARAM_BLD *bld, const struct group *g, struct numbers *n)
{
	if (g->family == FAMILY_OLD_DH)
		return old_group_push(bld, g->id, n);
	return OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, g->name, 0) == 1
		       ? 0
		       : -ERR_CRYPTO;
}

static int pkey_build(const struct crypto *c, const struct group *g, OSSL_PARAM_BLD *bld,
	int selection, EVP_PKEY **out)
{
	auto_pkey_ctx ctx = EVP_PKEY_CTX_new_from_name(c->lib, type_of(g), NULL);
	auto_params params = OSSL_PARAM_BLD_to_param(bld);

	if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, out, selection, params) != 1)
		return -ERR_VALUE;
	return 0;
}

/* A context that generates in that group. */
static int generator_new(const struct crypto *c, const struct group *g, EVP_PKEY_CTX **out)
{
	auto_param_bld bld = NULL;
	auto_numbers n = {0};
	auto_pkey group = NULL;
	int rc;

	if (g->family != FAMILY_OLD_DH) {
		*out = EVP_PKEY_CTX_new_from_name(c->lib, type_of(g), NULL);
		return *out ? 0 : -ERR_CRYPTO;
	}
	bld = OSSL_PARAM_BLD_new();
	rc = bld ? group_push(bld, g, &n) : -ERR_NOMEM;
	if (rc == 0)
		rc = pkey_build(c, g, bld, EVP_PKEY_KEY_PARAMETERS, &group);
	if (rc < 0)
		return rc;
	*out = EVP_PKEY_CTX_new_from_pkey(c->lib, group, NULL);
	return *out ? 0 : -ERR_CRYPTO;
}

int kex_generate(const struct crypto *c, uint16_t group, struct kex **out)
{
	const struct group *g = group_find(group);
	auto_pkey_ctx ctx = NULL;
	auto_pkey pkey = NULL;
	int rc;

	if (!g)
		return -ERR_UNSUPPORTED;
	rc = generator_new(c, g, &ctx);
	if (rc < 0)
		return rc;
	if (EVP_PKEY_keygen_init(ctx) != 1)
		return -ERR_CRYPTO;
	if ((g->family == FAMILY_EC || g->family == FAMILY_DH) &&
		EVP_PKEY_CTX_set_group_name(ctx, g->name) != 1)
		return -ERR_CRYPTO;
	if (EVP_PKEY_generate(ctx, &pkey) != 1)
		return -ERR_CRYPTO;
	return kex_wrap(g, &pkey, out);
}

uint16_t kex_group(const struct kex *k)
{
	return k->alg->id;
}

struct view kex_public(const struct kex *k)
{
	return view_of(k->pub, k->alg->pub_len);
}

static bool is_modp(const struct group *g)
{
	return g->family == FAMILY_DH || g->family == FAMILY_OLD_DH;
}

/* RFC 6989 2.2: y lies in the subgroup of order q (DH-009). */
static int subgroup_check(const BIGNUM *y, const BIGNUM *p, const BIGNUM *q)
{
	BN_CTX *ctx = BN_CTX_new();
	auto_bn one = BN_new();
	int rc = -ERR_CRYPTO;

	if (ctx && one && BN_mod_exp(one, y, q, p, ctx) == 1)
		rc = BN_is_one(one) ? 0 : -ERR_VALUE;
	BN_CTX_free(ctx);
	return rc;
}

/* RFC 6989 2.1: 1 < y < p - 1. For safe primes, no subgroup needs to be checked. */
static int modp_check(const struct kex *k, struct view pub)
{
	auto_bn p = NULL;
	auto_bn q = NULL;
	auto_bn last = NULL;
	auto_bn y = BN_bin2bn(pub.p, (int)pub.n, NULL);

	if (!y || EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_FFC_P, &p) != 1)
		return -ERR_CRYPTO;
	last = BN_dup(p);
	if (!last || BN_sub_word(last, 1) != 1)
		return -ERR_CRYPTO;
	if (BN_cmp(y, BN_value_one()) <= 0 || BN_cmp(y, last) >= 0)
		return -ERR_VALUE;
	if (k->group->id != ALG_MODP_2048_256)
		return 0;
	if (EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_FFC_Q, &q) != 1)
		return -ERR_CRYPTO;
	return subgroup_check(y, p, q);
}

/* Decoding a point checks its coordinates and the curve equation, which is all that a group of
 * prime order asks for; the library's own full check would cost another multiplication. */
static int peer_read(const struct crypto *c, const struct kex *k, struct view pub, EVP_PKEY **out)
{
	const struct group *g = k->group;
	uint8_t point[POINT_MAX] = {POINT_UNCOMPRESSED};
	size_t skip = g->family == FAMILY_EC ? 1 : 0;
	auto_pkey peer = NULL;
	int rc;

	if (pub.n != k->alg->pub_len)
		return -ERR_VALUE;
	if (g->family == FAMILY_X) {
		*out = EVP_PKEY_new_raw_public_key_ex(c->lib, g->name, NULL, pub.p, pub.n);
		return *out ? 0 : -ERR_CRYPTO;
	}
	if (is_modp(g)) {
		rc = modp_check(k, pub);
		if (rc < 0)
			return rc;
	}
	peer = EVP_PKEY_new();
	if (!peer || EVP_PKEY_copy_parameters(peer, k->pkey) != 1)
		return -ERR_CRYPTO;
	memcpy(point + skip, pub.p, pub.n);
	if (EVP_PKEY_set1_encoded_public_key(peer, point, pub.n + skip) != 1)
		return -ERR_VALUE;
	*out = take_ptr(peer);
	return 0;
}

static int derive(EVP_PKEY_CTX *ctx, const struct alg *alg, struct secret **out)
{
	auto_secret s = secret_new(alg->secret_len);
	size_t n = alg->secret_len;

	if (!s)
		return -ERR_NOMEM;
	/* Refused here: the all-zero secret of RFC 7748 (RFC 8031 2). */
	if (EVP_PKEY_derive(ctx, s->p, &n) != 1)
		return -ERR_VALUE;
	if (n != alg->secret_len)
		return -ERR_CRYPTO;
	*out = take_ptr(s);
	return 0;
}

int kex_derive(
	const struct crypto *c, const struct kex *k, struct view peer_public, struct secret **out)
{
	auto_pkey_ctx ctx = EVP_PKEY_CTX_new_from_pkey(c->lib, k->pkey, NULL);
	auto_pkey peer = NULL;
	unsigned pad = 1; /* RFC 7296 2.14: as long as the modulus, zeros in front */
	OSSL_PARAM settings[] = {
		OSSL_PARAM_construct_uint(OSSL_EXCHANGE_PARAM_PAD, &pad),
		OSSL_PARAM_construct_end(),
	};
	int rc;

	if (!ctx || EVP_PKEY_derive_init(ctx) != 1)
		return -ERR_CRYPTO;
	if (is_modp(k->group) && EVP_PKEY_CTX_set_params(ctx, settings) != 1)
		return -ERR_CRYPTO;
	rc = peer_read(c, k, peer_public, &peer);
	if (rc < 0)
		return rc;
	if (EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) != 1)
		return -ERR_VALUE;
	return derive(ctx, k->alg, out);
}

int kex_respond(const struct crypto *c, uint16_t group, struct view peer_public, struct kex **kex,
	struct secret **shared)
{
	auto_kex k = NULL;
	int rc = kex_generate(c, group, &k);

	if (rc == 0)
		rc = kex_derive(c, k, peer_public, shared);
	if (rc == 0)
		*kex = take_ptr(k);
	return rc;
}

/* private half (secret_len octets) | public value: with both at hand, importing computes nothing.
 */
int kex_export(const struct kex *k, struct secret **out)
{
	const struct group *g = k->group;
	size_t half = k->alg->secret_len;
	auto_secret s = secret_new(half + k->alg->pub_len);
	auto_bn x = NULL;

	if (!s)
		return -ERR_NOMEM;
	if (g->family == FAMILY_X) {
		if (EVP_PKEY_get_raw_private_key(k->pkey, s->p, &half) != 1)
			return -ERR_CRYPTO;
	} else if (EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &x) != 1 ||
		   BN_bn2binpad(x, s->p, (int)half) < 0) {
		return -ERR_CRYPTO;
	}
	memcpy(s->p + k->alg->secret_len, k->pub, k->alg->pub_len);
	*out = take_ptr(s);
	return 0;
}

static int pair_push(
	OSSL_PARAM_BLD *bld, const struct group *g, struct numbers *n, struct view point)
{
	bool ok = group_push(bld, g, n) == 0 &&
		  OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, n->x) == 1;

	if (is_modp(g))
		ok = ok && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PUB_KEY, n->y) == 1;
	else
		ok = ok && OSSL_PARAM_BLD_push_octet_string(
				   bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) == 1;
	return ok ? 0 : -ERR_CRYPTO;
}

static int pair_read(const struct crypto *c, const struct group *g, struct view priv,
	struct view pub, EVP_PKEY **out)
{
	uint8_t point[POINT_MAX] = {POINT_UNCOMPRESSED};
	auto_param_bld bld = OSSL_PARAM_BLD_new();
	auto_numbers n = {.x = BN_secure_new(), .y = BN_bin2bn(pub.p, (int)pub.n, NULL)};
	int rc;

	memcpy(point + 1, pub.p, pub.n);
	if (!bld || !n.x || !n.y || !BN_bin2bn(priv.p, (int)priv.n, n.x))
		return -ERR_NOMEM;
	rc = pair_push(bld, g, &n, view_of(point, pub.n + 1));
	return rc < 0 ? rc : pkey_build(c, g, bld, EVP_PKEY_KEYPAIR, out);
}

int kex_import(const struct crypto *c, uint16_t group, struct view exported, struct kex **out)
{
	const struct group *g = group_find(group);
	const struct alg *alg = alg_find(ALG_KE, group, 0);
	struct cur in = cur_of(exported);
	struct view priv, pub;
	auto_pkey pkey = NULL;
	int rc = 0;

	if (!g || !alg)
		return -ERR_UNSUPPORTED;
	priv = cur_take(&in, alg->secret_len);
	pub = cur_take(&in, alg->pub_len);
	if (!cur_done(&in))
		return -ERR_TRUNCATED;
	if (g->family == FAMILY_X)
		pkey = EVP_PKEY_new_raw_private_key_ex(c->lib, g->name, NULL, priv.p, priv.n);
	else
		rc = pair_read(c, g, priv, pub, &pkey);
	if (rc == 0 && !pkey)
		rc = -ERR_CRYPTO;
	return rc < 0 ? rc : kex_wrap(g, &pkey, out);
}

void kex_free(struct kex *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey); /* clears the private half */
	free(k);
}

void kex_cleanup(struct kex **k)
{
	kex_free(*k);
}
