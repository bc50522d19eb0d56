#include "node/node.h"

#define ACQUIRE_NS (UINT64_C(1000) * 1000 * 1000)

/* RFC 4301 5.1: no SA yet. The packet is dropped; asked for once a second and policy. */
static void acquire(struct worker *w, const struct policy *pol, const struct flow *f)
{
	uint64_t asked = atomic_load_explicit(&pol->sas->asked_ns, memory_order_relaxed);
	struct note n = {.kind = NOTE_ACQUIRE};

	if ((asked != 0 && w->now_ns - asked < ACQUIRE_NS) ||
		!atomic_compare_exchange_strong(&pol->sas->asked_ns, &asked, w->now_ns))
		return;
	n.acquire.policy_id = pol->id;
	n.acquire.src = f->src;
	n.acquire.dst = f->dst;
	n.acquire.sport = f->sport;
	n.acquire.dport = f->dport;
	n.acquire.protocol = f->proto;
	(void)worker_note(w, &n);
}

static struct sa *sa_for(const struct policy *pol, const struct flow *f)
{
	struct sa_set *set = atomic_load_explicit(&pol->sas->set, memory_order_acquire);

	for (uint32_t i = 0; set && i < set->n; i++) {
		struct sa *sa = set->v[i];

		if (atomic_load_explicit(&sa->outbound, memory_order_acquire) &&
			selectors_match_out(&sa_cold(sa)->ts, f))
			return sa;
	}
	return NULL;
}

static const struct policy *policy_for(const struct iface *tunnel, const struct flow *f)
{
	uint32_t i = tunnel->index ? spd_index_out(tunnel->index, f) : SPD_NONE;

	return i == SPD_NONE ? NULL : tunnel->policies[i];
}

void node_spd_out(struct worker *w, struct pkt *p, const struct iface *tunnel)
{
	struct flow f = flow_of(pkt_view(p));
	const struct policy *pol = policy_for(tunnel, &f);
	struct sa *sa;
	uint32_t to;
	uint8_t node;

	if (!pol) {
		worker_drop(w, p, STAT_DROP_SPD_POLICY);
		return;
	}
	sa = sa_for(pol, &f);
	if (!sa) {
		if (gate_rg(w, pol->rg, &node) == GATE_FORWARD) {
			if (!(p->flags & PKT_OURS))
				ip4_unage(p->p);
			node_forward(w, p, pol->rg, node);
			return;
		}
		acquire(w, pol, &f);
		worker_drop(w, p, STAT_DROP_SPD_SA);
		return;
	}
	p->sa = sa;
	p->spi = sa->spi_in;
	p->kind = PKT_ESP_OUT;
	to = worker_of_bucket(w, sa->bucket);
	if (to == w->id)
		vec_add(&w->esp_out, p);
	else
		worker_hand(w, to, p);
}
