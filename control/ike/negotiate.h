#pragma once
/*
 * Proposal choice (RFC 7296 2.7, 3.3): our list in its configured order decides; the first of ours
 * that a proposal of the offer contains wins (PRP-010). Which algorithms exist is the table of
 * crypto/alg.h: a proposal of ours with one it lacks is passed over.
 *
 * Values only; the alg pointers are to const rows. Any thread.
 */
#include "config/model.h"
#include "crypto/alg.h"
#include "wire/pld_sa.h"

/* integ: NULL with an AEAD cipher. */
struct ike_suite {
	const struct alg *encr, *integ, *prf, *dh;
	/* Key exchanges after the first, in their order (RFC 9370); of an SA until it is up. */
	uint16_t additional[MODEL_ADDITIONAL_MAX]; /* ids of groups */
	uint8_t n_additional;
};

/* ESP, or AH: then encr is the row of ALG_NO_ENCR. dh: NULL without key exchange of its own. */
struct esp_suite {
	const struct alg *encr, *integ, *dh;
	bool esn;
	uint32_t lifetime_s; /* of the proposal of ours that was chosen */
	uint64_t lifetime_kb;
};

struct choice {
	uint8_t num; /* of the proposal in the offer */
	uint8_t protocol;
	struct view spi; /* the peer's; borrowed from the message */
};

struct esp_terms {
	bool with_dh; /* the exchange has a key exchange of its own: D-H transforms in proposals */
	bool asked;   /* it is the peer's offer, not its answer */
	bool no_ah;   /* there is a NAT (RFC 3947 5.1): AH would not get through */
};

static inline bool esp_suite_is_ah(const struct esp_suite *s)
{
	return s->encr && s->encr->id == ALG_NO_ENCR;
}

/* Of its proposals, deletes and REKEY_SA: enum protocol_id. */
static inline uint8_t esp_suite_protocol(const struct esp_suite *s)
{
	return esp_suite_is_ah(s) ? PROTO_AH : PROTO_ESP;
}

/* Proposals that want further key exchanges, in an exchange ... */
enum ike_further {
	FURTHER_NONE,  /* that has none: they count without (a rekey, whose SK_d holds them all) */
	FURTHER_NEVER, /* with a peer that cannot: they do not count */
	FURTHER_CAN
};

bool ike_suite_find(const struct model_ike_proposal *p, struct ike_suite *out);
/* One of the policy's proposals is just that. */
bool ike_suite_allowed(const struct model_ike_policy *policy, const struct ike_suite *s);

/* Some proposal asks for further key exchanges. */
bool policy_has_additional(const struct model_ike_policy *policy);

/* -ERR_NO_PROPOSAL. */
int negotiate_ike(const struct model_ike_policy *policy, enum ike_further further,
	const struct pld_sa *offer, struct ike_suite *suite, struct choice *choice) MUST_CHECK;
int negotiate_esp(const struct model_ipsec_policy *policy, struct esp_terms terms,
	const struct pld_sa *offer, struct esp_suite *suite, struct choice *choice) MUST_CHECK;

/* The group our KE payload should be of: `wanted` if one of our proposals has it, else the first
 * that we can do; 0: none. */
uint16_t negotiate_ike_group(const struct model_ike_policy *policy, uint16_t wanted);

/* What we offer. spi: 8 octets when rekeying, then without further key exchanges if the peer can
 * have none: those of the SA that is replaced are in its SK_d. -ERR_UNSUPPORTED: nothing we can do.
 */
int offer_ike(struct emit *e, const struct model_ike_policy *policy, struct view spi,
	bool further) MUST_CHECK;
int offer_esp(struct emit *e, const struct model_ipsec_policy *policy, struct esp_terms terms,
	uint32_t spi) MUST_CHECK;

/* The answer: the chosen proposal with our SPI. */
void answer_ike(struct emit *e, const struct ike_suite *s, uint8_t num, struct view spi);
void answer_esp(struct emit *e, const struct esp_suite *s, uint8_t num, uint32_t spi);
