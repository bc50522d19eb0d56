#pragma once
/*
 * Messages on their way out: building protected ones, keeping them, sending and sending again.
 *
 * A message is written into the engine's one room between tx_open() and tx_*_close(), sealed once,
 * copied into a flight, and from then on only ever sent as those octets. Requests and answers of
 * established SAs leave when their transaction is committed (hold.h calls tx_*_release()).
 */
#include "ike/sa.h"
#include "wire/sk.h"

struct rx;
struct ike_ev_datagram;

struct sk_shape tx_shape(const struct ike_suite *s);

/* A protected message: header and SK are open, payloads may follow. */
void tx_open(struct ike *ike, const struct ike_sa *sa, struct writer *w, uint8_t exchange,
	bool response, uint32_t mid);
/* Seals what is in the room. The caller owns *out. */
int tx_seal(
	struct ike *ike, const struct ike_sa *sa, struct writer *w, struct flight **out) MUST_CHECK;

/* The answer to the request at hand: keeps it, moves the window, holds it for commit. */
void tx_answer_open(
	struct ike *ike, const struct ike_sa *sa, struct writer *w, const struct rx *rx);
int tx_answer_close(
	struct ike *ike, struct ike_sa *sa, struct writer *w, const struct rx *rx) MUST_CHECK;
/* ... of an IKE SA that is not established: kept and sent at once, not replicated (I9). */
int tx_answer_now(
	struct ike *ike, struct ike_sa *sa, struct writer *w, const struct rx *rx) MUST_CHECK;
/* Nothing but one notification. */
int tx_answer_notify(
	struct ike *ike, struct ike_sa *sa, const struct rx *rx, uint16_t type) MUST_CHECK;
/* INVALID_KE_PAYLOAD: asked again with that group it will do (RFC 7296 1.3). */
int tx_answer_group(
	struct ike *ike, struct ike_sa *sa, const struct rx *rx, uint16_t group) MUST_CHECK;
/* Keeps a flight as the answer to the message with that ID and hash; not held, not sent. */
void tx_answer_keep(struct ike_sa *sa, uint32_t mid, const uint8_t hash[16], struct flight *f);
void tx_answer_release(struct ike *ike, struct ike_sa *sa, uint32_t mid);
/* Again, to where the duplicate came from. */
void tx_answer_again(struct ike *ike, struct ike_sa *sa, const struct ike_ev_datagram *dg);

/* The request of sa->out. */
void tx_request_open(struct ike *ike, struct ike_sa *sa, struct writer *w, uint8_t exchange);
int tx_request_close(struct ike *ike, struct ike_sa *sa, struct writer *w) MUST_CHECK;
void tx_request_release(struct ike *ike, struct ike_sa *sa, uint32_t mid);
/* Its timer is due: again, or -ERR_LIMIT when the peer has had its chances. */
int tx_request_again(struct ike *ike, struct ike_sa *sa) MUST_CHECK;

void tx_send(struct ike *ike, struct ike_sa *sa, const struct flight *f);
void tx_keepalive(struct ike *ike, struct ike_sa *sa);
/* An answer for which nothing is kept. */
void tx_stateless(
	struct ike *ike, uint32_t rg, const struct ike_ev_datagram *to, struct view octets);

void tx_notify(struct writer *w, uint16_t type, struct view data);
