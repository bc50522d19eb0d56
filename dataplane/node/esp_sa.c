#include "node/esp.h"

/* The owner has to see the packet as it came: with its outer header, or not aged yet. */
static void restore(struct pkt *p)
{
	if (p->kind == PKT_ESP_IN || p->kind == PKT_AH_IN)
		(void)pkt_push(p, p->outer);
	else if (!(p->flags & PKT_OURS))
		ip_unage(p->p);
}

/* A new epoch is not entered by a worker that was found hung: its clones do, with these numbers.
 * Who reads an epoch of after it was revoked also sees that it was, in this order. */
static bool enter(struct worker *w, struct pkt *p, struct sa *sa)
{
	uint64_t epoch = gate_epoch(w, sa);

	if (__builtin_expect(seqno_is_in(&sa->out, epoch), 1))
		return true;
	if (atomic_load_explicit(&w->revoked, memory_order_acquire)) {
		worker_drop(w, p, STAT_DROP_WORKER_REVOKED);
		return false;
	}
	if (seqno_enter(&sa->out, epoch, w->now_ns, &sa->in) == 0)
		return true;
	worker_drop(w, p, STAT_DROP_ESP_EPOCH);
	return false;
}

bool esp_admit(struct worker *w, struct pkt *p, struct sa *sa)
{
	uint8_t node;

	/* Its old owner may be at work still: nothing else of it may be looked at. */
	if (__builtin_expect(w->holding == (int32_t)sa->bucket, 0)) {
		handover_hold(w, sa, p);
		return false;
	}
	/* Cloned since this burst began: because we were found hung, or before we were told. */
	if (__builtin_expect(sa->out.cloned > w->revocations, 0)) {
		worker_drop(w, p, STAT_DROP_WORKER_REVOKED);
		return false;
	}
	if (__builtin_expect(sa->flags & SA_TOLD_HARD, 0)) { /* RFC 4301 4.4.2.1 */
		worker_drop(w, p, STAT_DROP_ESP_LIFETIME);
		return false;
	}
	switch (gate_sa(w, sa, &node)) {
	case GATE_ACT:
		return enter(w, p, sa);
	case GATE_QUEUE:
		handover_queue(w, sa, p);
		return false;
	case GATE_FORWARD:
		restore(p);
		node_forward(w, p, sa->rg, node);
		return false;
	case GATE_DROP:
		break;
	}
	worker_drop(w, p, STAT_DROP_RG_STANDBY);
	return false;
}

void esp_run(struct worker *w, struct pkt **v, struct suite_op *ops, uint32_t n, bool seal)
{
	for (uint32_t i = 0, from = 0; i < n; i++) {
		const struct suite *s = v[i]->sa->suite;

		if (i + 1 < n && v[i + 1]->sa->suite == s)
			continue;
		if (seal)
			s->seal(s, w->engine, ops + from, i + 1 - from);
		else
			s->open(s, w->engine, ops + from, i + 1 - from);
		from = i + 1;
	}
}

void suites_run(struct worker *w, const struct suite *const *suites, struct suite_op *ops,
	uint32_t n, bool seal)
{
	for (uint32_t i = 0, from = 0; i < n; i++) {
		const struct suite *s = suites[i];

		if (i + 1 < n && suites[i + 1] == s)
			continue;
		(seal ? s->seal : s->open)(s, w->engine, ops + from, i + 1 - from);
		from = i + 1;
	}
}

/* As dp.LifetimeKind */
enum { SOFT_BYTES, HARD_BYTES, SEQUENCE };

static void tell_lifetime(struct worker *w, struct sa *sa, uint8_t kind, uint8_t flag)
{
	struct note n = {.kind = NOTE_LIFETIME, .spi = sa->spi_in, .lifetime = {kind}};

	if (!(sa->flags & flag) && worker_note(w, &n))
		sa_flag(sa, flag);
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
