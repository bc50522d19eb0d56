#include "node/esp.h"

/* The owner has to see the packet as it came: with its outer header, or not aged yet. */
static void restore(struct pkt *p)
{
	if (p->kind == PKT_ESP_IN)
		(void)pkt_push(p, p->outer);
	else if (!(p->flags & PKT_OURS))
		ip4_unage(p->p);
}

bool esp_admit(struct worker *w, struct pkt *p, struct sa *sa)
{
	uint8_t node;

	if (__builtin_expect(sa->flags & SA_TOLD_HARD, 0)) { /* RFC 4301 4.4.2.1 */
		worker_drop(w, p, STAT_DROP_ESP_LIFETIME);
		return false;
	}
	switch (gate_sa(w, sa, &node)) {
	case GATE_ACT:
		if (__builtin_expect(
			    seqno_enter(&sa->out, gate_epoch(w, sa), w->now_ns, &sa->in) == 0, 1))
			return true;
		worker_drop(w, p, STAT_DROP_ESP_EPOCH);
		return false;
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
