#pragma once
/*
 * The AUTH payload of IKE_AUTH (RFC 7296 2.15): what one side proves itself with, and whether the
 * other's is good.
 *
 * What AUTH covers is put together in one place, auth_covered(): an extension that adds octets to
 * it (RFC 9242 3.3.2) leaves them in half.int_auth. Thread: the engine's.
 */
#include "config/model.h"
#include "ike/rx.h"
#include "wire/pld_id.h"

struct auth_octets;
struct ike;
struct writer;

#define AUTH_ID_BODY_MAX 512

/* An identity as the body of its payload; the view is of room. */
int auth_id_body(
	const struct ident *id, uint8_t room[AUTH_ID_BODY_MAX], struct view *out) MUST_CHECK;
/* What one side's AUTH covers; `own`: we are that side, else the peer is. Borrows from sa. */
struct auth_octets auth_covered(const struct ike_sa *sa, bool own, struct view id_body);

/* The value of our AUTH by the pre-shared key of the gateway and its peer, as long as the PRF's
 * output. */
int auth_psk_own(struct ike *ike, struct ike_sa *sa, uint8_t mac[ALG_DIGEST_MAX]) MUST_CHECK;
/* Our ID payload, and our AUTH by the gateway's pre-shared key. */
int auth_psk_write(struct ike *ike, struct ike_sa *sa, struct writer *w) MUST_CHECK;
/* Our identification and an AUTH of method 2 with this MAC (RFC 7296 3.5, 3.8). */
void auth_mic_write(const struct ike_sa *sa, struct view id, const uint8_t mac[ALG_DIGEST_MAX],
	struct writer *w);
/* Is the peer's AUTH made with the key that this policy has for it? */
bool auth_psk_is_good(struct ike *ike, const struct ike_sa *sa, const struct rx *rx,
	const struct pld_id *id, const struct model_ike_policy *policy);
