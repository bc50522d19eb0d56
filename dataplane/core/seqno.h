#pragma once
/*
 * Sequence numbers under leases (architecture rules 7 and 8; invariants I4 and I5).
 *
 * An owner sends only below a horizon that the log has committed, and asks for more at half. An
 * owner of epoch E that finds a lease of epoch e < E starts, lazily, at its first packet, at
 * out_horizon + G * (E - e - 1) and may use G numbers: every CLAIM grants that much to every SA.
 * With e == E it goes on where it is, or at 1 when the SA is new here. So whoever fills an empty
 * dataplane with SAs that have sent before must act in a new epoch.
 *
 * Inbound likewise: after a takeover numbers up to in_top (available) or below the horizon
 * (strict) are refused. In strict mode nothing at or above the horizon is accepted either.
 *
 * Life: embedded in its SA. Thread: the worker that owns the SA's bucket. Time: CLOCK_BOOTTIME.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "core/replay.h"

#define SEQNO_OUT_GRANT	 (UINT64_C(1) << 16) /* G: what a CLAIM grants, outbound */
#define SEQNO_IN_GRANT	 UINT64_C(1024)	     /* and inbound, strict mode only */
#define SEQNO_OUT_FLOOR	 UINT64_C(4096)	     /* least that remains when a renewal is asked for */
#define SEQNO_IN_FLOOR	 UINT64_C(256)	     /* the same, inbound: bounds what can be replayed */
#define SEQNO_CAP	 (UINT64_C(1) << 28)
#define SEQNO_32BIT_END	 (UINT64_C(1) << 32)
#define SEQNO_32BIT_SOFT (SEQNO_32BIT_END - (UINT64_C(1) << 29)) /* rekey from here on */

struct lease {
	uint64_t epoch;	      /* of the owner that wrote it */
	uint64_t out_horizon; /* exclusive */
	uint64_t in_top;      /* highest received when it was written */
	uint64_t in_horizon;  /* exclusive; 0 = none was set */
};

struct seqno {
	/* hot */
	uint64_t next;	 /* to send; 0 = never entered an epoch */
	uint64_t limit;	 /* exclusive */
	uint64_t ask_at; /* outbound: from this number on, a renewal is due */
	uint64_t epoch;	 /* in which next and limit are valid */
	uint64_t in_limit, in_ask_at;
	bool esn, strict, entered;
	uint32_t cloned; /* which time; 0 = not a clone */
	/* warm: leases and rates */
	struct lease lease;
	uint64_t asked_out, asked_in; /* positions at the last renewal, for the rates */
	uint64_t asked_ns;
	uint64_t want_out,
		want_in; /* horizons asked for in this epoch: what is asked never shrinks */
	bool asking;	 /* a renewal was asked for and nothing was granted since */
};

void seqno_init(struct seqno *s, bool esn, bool strict, const struct lease *first);
/* Becomes ready to act in `epoch`; does nothing when it is already. -ERR_EPOCH when the log
 * holds a lease of a later owner. May raise the replay window. */
int seqno_enter(struct seqno *s, uint64_t epoch, uint64_t now_ns, struct replay *in) MUST_CHECK;

/* Exact state from the old owner instead of a jump (planned handover); `in` was imported. */
struct seqno_state {
	uint64_t epoch, out_next, grant;
};

int seqno_take_over(struct seqno *s, const struct seqno_state *state, uint64_t now_ns,
	struct replay *in) MUST_CHECK;
/* What no number of an owner here has reached or can reach, who was granted `granted` at most and
 * acted in `epoch` at last: a clone of the SA starts there. */
uint64_t seqno_bound(const struct lease *granted, uint64_t epoch);
/* A clone, beyond everything another thread may still send with the original; it asks for a lease
 * before it sends. */
void seqno_clone(
	struct seqno *s, bool esn, bool strict, const struct lease *granted, uint64_t epoch);
/* Granted so far, one more: as seqno_grant() keeps it. */
void lease_add(struct lease *have, const struct lease *l);

/* Ready to act in this epoch? */
static inline bool seqno_is_in(const struct seqno *s, uint64_t epoch)
{
	return s->epoch == epoch && s->entered;
}

/* A committed lease, of whatever owner; of older ones than the one held, nothing is kept. */
void seqno_grant(struct seqno *s, const struct lease *l, struct replay *in);

/* The next number, or 0 when the lease (or the number space) is used up. */
static inline uint64_t seqno_take(struct seqno *s)
{
	return __builtin_expect(s->next < s->limit, 1) ? s->next++ : 0;
}

/* Is the number acceptable under the inbound lease? Only strict mode refuses. */
static inline bool seqno_in_allows(const struct seqno *s, uint64_t seq)
{
	return !s->strict || seq < s->in_limit;
}

static inline bool seqno_is_due(const struct seqno *s, uint64_t in_top)
{
	return s->next >= s->ask_at || in_top >= s->in_ask_at;
}

/* Fills in what to write in the log; true when it should be sent now. `hold_ns` is how long a
 * renewal may take at worst (token + consensus). */
bool seqno_want(
	struct seqno *s, uint64_t in_top, uint64_t now_ns, uint64_t hold_ns, struct lease *want);

/* A 32-bit SA that should be rekeyed. */
static inline bool seqno_is_old(const struct seqno *s)
{
	return !s->esn && s->next >= SEQNO_32BIT_SOFT;
}
