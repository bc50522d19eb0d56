#pragma once
/*
 * MOBIKE (RFC 4555): the initiator of an IKE SA says where it is now, and the IKE SA and its
 * children go there.
 *
 * A gateway of ours allows it by `mobike enable` (default for `dynamic` ones). The move is
 * committed, and done by the dataplane, before it is answered. Then we ask for a sign of life from
 * the new address (3.7): a peer that proves to be the peer may still say that it is where somebody
 * else is. What NATs do without a word (RFC 7296 2.23) no longer moves anything by IKE messages;
 * ESP of a peer behind a NAT still does.
 *
 * Life: functions on IKE SAs. What has to survive is in the SA's record: SA_MOBIKE of `supports`,
 * the endpoints, want_verify. Thread: the engine's.
 */
#include "ike/fsm.h"
#include "ike/rx.h"
#include "ike/sa.h"

struct ike;
struct writer;
struct ike_ev_address;

/* ---- IKE_AUTH */
void mobike_request_notes(const struct ike_sa *sa, struct writer *w);
/* Responder: learns and answers. */
void mobike_answer_notes(struct ike_sa *sa, const struct rx *rx, struct writer *w);
/* Initiator. */
void mobike_answered_notes(struct ike_sa *sa, const struct rx *rx);
/* 3.3: goes to port 4500 without a NAT, too. */
bool mobike_floats(const struct ike_sa *sa, const struct rx *rx);

/* ---- INFORMATIONAL of the peer */
/* Does what the request says of addresses; 0, or the notification that refuses it. */
uint16_t mobike_asked(struct ike *ike, struct ike_sa *sa, const struct rx *rx);
void mobike_answer(struct ike *ike, struct ike_sa *sa, const struct rx *rx, uint16_t refusal,
	struct writer *w);
/* The answer goes to where the request came from, wherever the peer is. After tx_answer_close(). */
void mobike_answer_way(struct ike_sa *sa, const struct rx *rx);

/* ---- INFORMATIONAL of ours; both expect sa->out to be NULL */
int mobike_begin_verify(struct ike *ike, struct ike_sa *sa) MUST_CHECK;
int mobike_begin_update(struct ike *ike, struct ike_sa *sa) MUST_CHECK;
/* The answer to one of them. */
void mobike_told(struct ike *ike, struct ike_sa *sa, const struct rx *rx);
/* An address of ours was replaced by another. */
void mobike_readdress(struct ike *ike, const struct ike_ev_address *a);
