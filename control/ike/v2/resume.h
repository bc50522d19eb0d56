#pragma once
/*
 * Session resumption (RFC 5723): IKE_SESSION_RESUME in place of IKE_SA_INIT, without a key
 * exchange. A peer whose gateway died goes on at any node of the cluster, from its ticket. What is
 * sent is in x_init.c, beside the exchange that it replaces.
 *
 * Gateways with `session-resumption` give tickets to peers that ask, and ask for one when we
 * begin. A ticket is not struck off when it is used: who replays one does not have its keys, and
 * its owner may. The IKE SA it was made for goes when another one came from it.
 *
 * Life: struct resumed hangs on the half of a negotiation, struct ticket_held on a gateway whose
 * initiator we are (not replicated: a successor begins anew). Thread: the engine's.
 */
#include "base/secret.h"
#include "ike/ident.h"
#include "ike/negotiate.h"

struct ike;
struct ike_sa;
struct rx;
struct writer;
struct gateway;

struct resumed {
	struct secret *sk_d;
	uint64_t sa;	    /* responder: the IKE SA it was made for */
	struct ident peer;  /* responder: who it is for */
	struct blob ticket; /* initiator */
};

struct ticket_held {
	struct blob ticket;
	struct secret *sk_d;
	struct ike_suite suite;
	uint64_t until_ms;
};

void resumed_free(struct resumed *r);
void ticket_forget(struct gateway *gw);

/* ---- IKE_SESSION_RESUME */
/* Responder: from the ticket in that request. Negative: none, or no good. Owned by the caller. */
int resume_open(struct ike *ike, const struct rx *rx, struct gateway **gw, struct ike_suite *suite,
	struct resumed **out) MUST_CHECK;
bool resume_has_ticket(const struct ike *ike, const struct gateway *gw);
/* Initiator: takes the gateway's ticket. */
int resume_take(struct ike_sa *sa) MUST_CHECK;
int resume_keys(struct ike *ike, struct ike_sa *sa) MUST_CHECK;

/* ---- IKE_AUTH */
void resume_request_note(const struct ike_sa *sa, struct writer *w);
void resume_answer_note(struct ike *ike, struct ike_sa *sa, const struct rx *rx, struct writer *w);
void resume_answered_note(struct ike *ike, struct ike_sa *sa, const struct rx *rx);
/* ID and AUTH by the resumed keys. */
int resume_auth_write(struct ike *ike, struct ike_sa *sa, struct writer *w) MUST_CHECK;
/* Is it the peer that had the ticket? -ERR_AUTH, and *why not. */
int resume_auth_check(
	struct ike *ike, struct ike_sa *sa, const struct rx *rx, const char **why) MUST_CHECK;
