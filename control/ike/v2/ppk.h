#pragma once
/*
 * Post-quantum pre-shared keys (RFC 8784): a key both ends have anyway is mixed into SK_d, SK_pi
 * and SK_pr when AUTH is made, so that who records the exchange and can compute its secret one day
 * still lacks the keys of the children and of all rekeys.
 *
 * Who is to begin mixes at once and keeps what was before until the answer says whether the peer
 * did too. Where it can be done without, the request has two proofs, one of each keys: with
 * certificates both are signatures, made one after the other. Thread: the engine's.
 */
#include "ike/rx.h"

struct ike;
struct ike_sa;
struct writer;

/* ---- IKE_SA_INIT */
/* USE_PPK, when the gateway's policy has one (and, answering, the peer said so). */
void ppk_init_write(struct ike_sa *sa, struct writer *w);
void ppk_init_read(struct ike_sa *sa, const struct rx *rx);

/* ---- IKE_AUTH, initiator */
/* Before our AUTH is made. -ERR_AUTH: it is required and the peer does not know of it. */
int ppk_begin(struct ike *ike, struct ike_sa *sa) MUST_CHECK;
/* Our request also says what AUTH would be without. */
bool ppk_is_optional(const struct ike_sa *sa);
/* PPK_IDENTITY and, when we can do without, NO_PPK_AUTH. */
int ppk_request_write(struct ike *ike, struct ike_sa *sa, struct writer *w) MUST_CHECK;
/* Before the peer's AUTH is looked at, each time. -ERR_AUTH: it did not use the required one. */
int ppk_answered(struct ike *ike, struct ike_sa *sa, const struct rx *rx) MUST_CHECK;

/* ---- IKE_AUTH, responder */
/* Before the peer's AUTH is looked at. -ERR_AUTH: it used one that nobody has here. */
int ppk_asked(struct ike *ike, struct ike_sa *sa, const struct rx *rx) MUST_CHECK;
/* The value to check instead of the AUTH payload's, when the peer's PPK is not known here. */
struct view ppk_auth_value(const struct ike_sa *sa, const struct rx *rx, struct view in_payload);
/* When the gateway is known: does its policy allow what happened? */
bool ppk_allows(struct ike *ike, struct ike_sa *sa);
void ppk_answer_write(const struct ike_sa *sa, struct writer *w);
