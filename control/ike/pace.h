#pragma once
/*
 * How often a peer may ask ([edit security ike session]): rates of what an authenticated one asks
 * for, and pauses for one whose negotiation has just failed.
 *
 * full-open: so many rekeys of the IKE SA, rekeys of children and liveness checks a second from one
 * peer, over all its rekeyed IKE SAs. One rekey too many is answered with TEMPORARY_FAILURE, a
 * liveness check too many is dropped and answered when it is sent again.
 *
 * half-open backoff-timeouts: after a failed IKE_SA_INIT or IKE_AUTH nothing new is begun with that
 * address and port for a while. Who failed without having shown that it receives there (a cookie,
 * or IKE_AUTH) only has to show that: a forged sender shuts nobody out.
 *
 * Life: embedded. Nothing is replicated. Thread: the engine's.
 */
#include "base/addr.h"

struct ike;
struct ike_sa;
struct rx;

enum pace_kind { PACE_IKE_REKEY, PACE_CHILD_REKEY, PACE_KEEPALIVE, PACE_KINDS };

/* Of one peer: in the IKE SA. */
struct pace {
	uint64_t since_ms; /* the second that is counted */
	uint32_t n[PACE_KINDS];
};

/* False: too many in this second. Counts. */
bool pace_allows(struct ike *ike, struct ike_sa *sa, enum pace_kind kind);

#define BACKOFF_PEERS 256

struct backoff_peer {
	struct endpoint at; /* family 0: free */
	uint64_t until_ms;
	bool proven; /* it receives at that address */
};

struct backoff {
	struct backoff_peer v[BACKOFF_PEERS];
	uint32_t n; /* none: nothing to look at */
};

enum backoff_phase { BACKOFF_INIT, BACKOFF_AUTH };

enum backoff_verdict { BACKOFF_NONE, BACKOFF_COOKIE, BACKOFF_DROP };

void backoff_failed(
	struct ike *ike, const struct endpoint *peer, enum backoff_phase phase, bool proven);
enum backoff_verdict backoff_look(struct ike *ike, const struct endpoint *peer, bool proven);
