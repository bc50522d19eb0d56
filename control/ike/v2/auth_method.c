#include "ike/v2/auth_method.h"

#include "base/cursor.h"
#include "base/err.h"
#include "wire/iana.h"

#define ALL_KEYS (~UINT32_C(0))

#define HASHES_SHA2                                                                                \
	(SIGN_HASH_BIT(SIGN_HASH_SHA256) | SIGN_HASH_BIT(SIGN_HASH_SHA384) |                       \
		SIGN_HASH_BIT(SIGN_HASH_SHA512))

static enum model_auth method_of(const struct model_ike_policy *p)
{
	return p->n_proposals ? p->proposals[0].auth : MODEL_AUTH_PSK;
}

bool auth_is_signature(const struct model_ike_policy *p)
{
	return method_of(p) != MODEL_AUTH_PSK;
}

/* Of the proposals taken together: one IKE_SA_INIT speaks for all of them. */
uint8_t auth_own_hashes(const struct model_ike_policy *p)
{
	static const struct {
		enum model_signature_hash configured;
		enum sign_hash number;
	} rows[] = {{MODEL_HASH_SHA1, SIGN_HASH_SHA1}, {MODEL_HASH_SHA256, SIGN_HASH_SHA256},
		{MODEL_HASH_SHA384, SIGN_HASH_SHA384}, {MODEL_HASH_SHA512, SIGN_HASH_SHA512}};

	uint8_t set = 0;

	if (!auth_is_signature(p))
		return 0;
	for (uint32_t i = 0; i < p->n_proposals && method_of(p) == MODEL_AUTH_DIGITAL; i++)
		for (size_t j = 0; j < ARRAY_LEN(rows); j++)
			if ((p->proposals[i].signature_hashes & (uint32_t)rows[j].configured) != 0)
				set |= (uint8_t)SIGN_HASH_BIT(rows[j].number);
	/* The others do not say: everything but SHA-1. */
	if (set == 0)
		set = HASHES_SHA2;
	return set | SIGN_HASH_BIT(SIGN_HASH_IDENTITY);
}

/* ---------------------------------------------------------------- ours */

static enum sign_scheme first_of(
	const enum sign_scheme *order, size_t n, uint32_t schemes, uint8_t hashes)
{
	for (size_t i = 0; i < n; i++)
		if ((schemes & SIGN_BIT(order[i])) != 0 &&
			(hashes & SIGN_HASH_BIT(sign_hash_of(order[i]))) != 0)
			return order[i];
	return SIGN_NONE;
}

#define FIRST_OF(schemes, hashes, ...)                                                             \
	first_of((const enum sign_scheme[]){__VA_ARGS__},                                          \
		sizeof((const enum sign_scheme[]){__VA_ARGS__}) / sizeof(enum sign_scheme),        \
		(schemes), (hashes))

/* RFC 7427: the hash that goes with a curve first; PSS, not PKCS #1 (RFC 8247 3.2). */
static enum sign_scheme modern_of(uint32_t schemes, uint8_t hashes)
{
	if ((schemes & SIGN_BIT(SIGN_ECDSA_P384)) != 0)
		return FIRST_OF(
			schemes, hashes, SIGN_ECDSA_SHA384, SIGN_ECDSA_SHA512, SIGN_ECDSA_SHA256);
	if ((schemes & SIGN_BIT(SIGN_ECDSA_P521)) != 0)
		return FIRST_OF(
			schemes, hashes, SIGN_ECDSA_SHA512, SIGN_ECDSA_SHA384, SIGN_ECDSA_SHA256);
	return FIRST_OF(schemes, hashes, SIGN_ED25519, SIGN_ED448, SIGN_ECDSA_SHA256,
		SIGN_ECDSA_SHA384, SIGN_ECDSA_SHA512, SIGN_PSS_SHA256, SIGN_PSS_SHA384,
		SIGN_PSS_SHA512);
}

static struct auth_choice classic_of(uint32_t schemes)
{
	static const struct auth_choice rows[] = {{AUTH_ECDSA_256, SIGN_ECDSA_P256},
		{AUTH_ECDSA_384, SIGN_ECDSA_P384}, {AUTH_ECDSA_521, SIGN_ECDSA_P521},
		{AUTH_RSA_SIGNATURE, SIGN_RSA_SHA1}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((schemes & SIGN_BIT(rows[i].scheme)) != 0)
			return rows[i];
	return (struct auth_choice){0, SIGN_NONE};
}

/* Method 1 means SHA-1 to most who have only that (RFC 7296 3.8): not used with others. */
static struct auth_choice rsa_of(uint32_t schemes, uint8_t hashes)
{
	enum sign_scheme s =
		FIRST_OF(schemes, hashes, SIGN_RSA_SHA256, SIGN_RSA_SHA384, SIGN_RSA_SHA512);

	if (s != SIGN_NONE)
		return (struct auth_choice){AUTH_DIGITAL_SIGNATURE, s};
	return hashes == 0 ? classic_of(schemes & SIGN_OF_RSA) : (struct auth_choice){0, SIGN_NONE};
}

/* RFC 4754 for those only that did not announce RFC 7427, or no hash of ours: who announces may
 * have no more than the one method. */
static struct auth_choice ecdsa_of(uint32_t schemes, uint8_t hashes, enum sign_scheme curve)
{
	enum sign_scheme s;

	if ((schemes & SIGN_BIT(curve)) == 0)
		return (struct auth_choice){0, SIGN_NONE};
	s = modern_of(schemes & SIGN_OF_ECDSA, hashes);
	if (s != SIGN_NONE)
		return (struct auth_choice){AUTH_DIGITAL_SIGNATURE, s};
	return classic_of(SIGN_BIT(curve));
}

static struct auth_choice any_of(uint32_t schemes, uint8_t hashes)
{
	enum sign_scheme s = modern_of(schemes, hashes);

	if (s != SIGN_NONE)
		return (struct auth_choice){AUTH_DIGITAL_SIGNATURE, s};
	return hashes == 0 ? classic_of(schemes) : (struct auth_choice){0, SIGN_NONE};
}

int auth_choose(const struct model_ike_policy *p, uint32_t key_schemes, uint8_t peer_hashes,
	struct auth_choice *out, const char **why)
{
	uint8_t hashes = peer_hashes & auth_own_hashes(p);
	struct auth_choice c = {0, SIGN_NONE};

	*why = "the local certificate's key is not of the configured method";
	switch (method_of(p)) {
	case MODEL_AUTH_RSA:
		c = rsa_of(key_schemes & SIGN_OF_RSA, hashes);
		break;
	case MODEL_AUTH_ECDSA_256:
		c = ecdsa_of(key_schemes, hashes, SIGN_ECDSA_P256);
		break;
	case MODEL_AUTH_ECDSA_384:
		c = ecdsa_of(key_schemes, hashes, SIGN_ECDSA_P384);
		break;
	case MODEL_AUTH_ECDSA_521:
		c = ecdsa_of(key_schemes, hashes, SIGN_ECDSA_P521);
		break;
	case MODEL_AUTH_CERTIFICATES:
		c = any_of(key_schemes, hashes);
		*why = "the peer takes no signature that the local certificate's key can make";
		break;
	case MODEL_AUTH_DIGITAL:
		c = (struct auth_choice){AUTH_DIGITAL_SIGNATURE, modern_of(key_schemes, hashes)};
		*why = peer_hashes == 0 ? "the peer does not speak RFC 7427"
					: "the peer takes no hash that we may use";
		break;
	case MODEL_AUTH_DSA:
	case MODEL_AUTH_PSK:
	default:
		*why = "this method is not supported";
		break;
	}
	if (c.scheme == SIGN_NONE)
		return -ERR_UNSUPPORTED;
	*out = c;
	return 0;
}

/* ---------------------------------------------------------------- the peer's */

/* Which keys the configured method leaves to the peer. */
static uint32_t keys_of(enum model_auth auth)
{
	switch (auth) {
	case MODEL_AUTH_RSA:
		return SIGN_OF_RSA;
	case MODEL_AUTH_ECDSA_256:
		return SIGN_BIT(SIGN_ECDSA_P256);
	case MODEL_AUTH_ECDSA_384:
		return SIGN_BIT(SIGN_ECDSA_P384);
	case MODEL_AUTH_ECDSA_521:
		return SIGN_BIT(SIGN_ECDSA_P521);
	case MODEL_AUTH_CERTIFICATES:
	case MODEL_AUTH_DIGITAL:
		return ALL_KEYS;
	case MODEL_AUTH_DSA:
	case MODEL_AUTH_PSK:
	default:
		return 0;
	}
}

static enum sign_scheme raw_of(uint8_t method)
{
	switch (method) {
	case AUTH_ECDSA_256:
		return SIGN_ECDSA_P256;
	case AUTH_ECDSA_384:
		return SIGN_ECDSA_P384;
	case AUTH_ECDSA_521:
		return SIGN_ECDSA_P521;
	default:
		return SIGN_NONE;
	}
}

/* RFC 7427 3: length(1) AlgorithmIdentifier signature. */
static int digital_read(struct view data, struct auth_claim *out)
{
	struct cur c = cur_of(data);
	struct view id = cur_take(&c, cur_u8(&c));

	out->signature = cur_rest(&c);
	if (!cur_ok(&c) || out->signature.n == 0)
		return -ERR_SYNTAX;
	return sign_alg_parse(id, &out->alg);
}

static int digital_accept(
	uint8_t hashes, struct view data, struct auth_claim *out, const char **why)
{
	int rc = digital_read(data, out);

	if (rc < 0) {
		*why = rc == -ERR_SYNTAX ? "its signature names no algorithm"
					 : "its signature algorithm is not supported";
		return -ERR_AUTH;
	}
	if ((hashes & SIGN_HASH_BIT(sign_hash_of(out->alg.scheme))) != 0)
		return 0;
	*why = "its signature's hash is not allowed";
	return -ERR_AUTH;
}

int auth_accept(const struct model_ike_policy *p, uint8_t method, struct view data,
	uint8_t peer_hashes, struct auth_claim *out, const char **why)
{
	enum model_auth auth = method_of(p);
	struct auth_claim claim = {.signature = data, .key_schemes = keys_of(auth)};

	*why = "it does not use the configured authentication method";
	if (claim.key_schemes == 0)
		return -ERR_AUTH;
	if (method == AUTH_DIGITAL_SIGNATURE) {
		if (digital_accept(auth_own_hashes(p), data, &claim, why) < 0)
			return -ERR_AUTH;
	} else if (auth == MODEL_AUTH_DIGITAL) {
		return -ERR_AUTH;
	} else if (method == AUTH_RSA_SIGNATURE) {
		/* SHA-1 only from those that have nothing else. */
		claim.alg = (struct sign_alg){.scheme = SIGN_RSA_CLASSIC,
			.hashes = (uint8_t)(HASHES_SHA2 |
					    (peer_hashes ? 0 : SIGN_HASH_BIT(SIGN_HASH_SHA1)))};
		claim.key_schemes &= SIGN_OF_RSA;
	} else if (raw_of(method) != SIGN_NONE) {
		claim.alg.scheme = raw_of(method);
		claim.key_schemes &= SIGN_BIT(claim.alg.scheme);
	} else {
		return -ERR_AUTH;
	}
	if (claim.key_schemes == 0)
		return -ERR_AUTH;
	*out = claim;
	return 0;
}
