#include "node/esp.h"

/* As dp.LifetimeKind */
enum { SOFT_BYTES, HARD_BYTES, SEQUENCE };

static void tell_lifetime(struct worker *w, struct sa *sa, uint8_t kind, uint8_t flag)
{
	struct note n = {.kind = NOTE_LIFETIME, .spi = sa->spi_in, .lifetime = {kind}};

	if (!(sa->flags & flag) && worker_note(w, &n))
		sa->flags |= flag;
}

static void tend_bytes(struct worker *w, struct sa *sa)
{
	const struct sa_cold *c = sa_cold(sa);
	uint64_t used = MAX(sa->n.bytes_in, sa->n.bytes_out);

	if (c->soft_bytes && used >= c->soft_bytes)
		tell_lifetime(w, sa, SOFT_BYTES, SA_TOLD_SOFT);
	if (c->hard_bytes && used >= c->hard_bytes)
		tell_lifetime(w, sa, HARD_BYTES, SA_TOLD_HARD);
}

void sa_tend(struct worker *w, struct sa *sa)
{
	struct note n = {.kind = NOTE_LEASE_WANT, .spi = sa->spi_in};
	uint64_t hold = atomic_load_explicit(&w->sh->lease_hold_ns, memory_order_relaxed);

	if (__builtin_expect(seqno_is_due(&sa->out, sa->in.top), 0) &&
		seqno_want(&sa->out, sa->in.top, w->now_ns, hold, &n.lease.want)) {
		n.lease.rg = sa->rg;
		(void)worker_note(w, &n); /* lost ones are asked for again */
	}
	if (__builtin_expect(seqno_is_old(&sa->out), 0))
		tell_lifetime(w, sa, SEQUENCE, SA_TOLD_SEQ);
	if (sa->flags & SA_LIMITED)
		tend_bytes(w, sa);
}
