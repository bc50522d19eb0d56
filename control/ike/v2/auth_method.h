#pragma once
/*
 * Which signature we make and which one we believe, by the configured method alone (V2-012): pure
 * functions over numbers.
 *
 * The method of a policy is what we use ourselves and the kind of key the peer must have;
 * `certificates` leaves the kind open, `digital-signature` too but wants RFC 7427. The peer's AUTH
 * method is its own choice within that. See docs/adr, "signatures".
 */
#include "config/model.h"
#include "crypto/sign.h"

bool auth_is_signature(const struct model_ike_policy *p);
/* Hashes that we announce and accept in RFC 7427 signatures: SIGN_HASH_BIT()s. */
uint8_t auth_own_hashes(const struct model_ike_policy *p);

struct auth_choice {
	uint8_t method; /* enum auth_method */
	enum sign_scheme scheme;
};

/*
 * What we sign with: key_schemes are the SIGN_BIT()s of our key, peer_hashes what the peer
 * announced, 0 when it does not speak RFC 7427. -ERR_UNSUPPORTED: that key cannot, or not for this
 * peer; *why says which.
 */
int auth_choose(const struct model_ike_policy *p, uint32_t key_schemes, uint8_t peer_hashes,
	struct auth_choice *out, const char **why) MUST_CHECK;

/* The peer's AUTH payload, as far as it can be told without its certificate. */
struct auth_claim {
	struct sign_alg alg;
	struct view signature;
	uint32_t key_schemes; /* its key must be good for one of these */
};

/* -ERR_AUTH: that policy does not take it; *why says why. data borrows. */
int auth_accept(const struct model_ike_policy *p, uint8_t method, struct view data,
	uint8_t peer_hashes, struct auth_claim *out, const char **why) MUST_CHECK;
