#include "node/node.h"
#include "parts.h"

#define ACQUIRE_NS (UINT64_C(1000) * 1000 * 1000)

static void ask(struct worker *w, uint32_t policy, const struct flow *f, uint8_t worker_hint)
{
	struct note n = {.kind = NOTE_ACQUIRE};

	n.acquire.policy_id = policy;
	n.acquire.src = f->src;
	n.acquire.dst = f->dst;
	n.acquire.sport = f->sport;
	n.acquire.dport = f->dport;
	n.acquire.protocol = f->proto;
	n.acquire.worker_hint = worker_hint;
	(void)worker_note(w, &n);
}

/* RFC 4301 5.1: no SA yet. The packet is dropped; asked for once a second and policy. */
static void acquire(struct worker *w, const struct policy_hot *pol, const struct flow *f)
{
	uint64_t asked = atomic_load_explicit(&pol->sas->asked_ns, memory_order_relaxed);

	if ((asked != 0 && w->now_ns - asked < ACQUIRE_NS) ||
		!atomic_compare_exchange_strong(&pol->sas->asked_ns, &asked, w->now_ns))
		return;
	ask(w, pol->id, f, 0);
}

/* RFC 9611 3: the packet goes with another worker's meanwhile. Asked for once a second, worker and
 * SA. */
static void want_own(struct worker *w, const struct sa *sa, const struct flow *f)
{
	struct sa_cold *c = sa_cold(sa);
	uint64_t second = w->now_ns / ACQUIRE_NS << WORKER_MAX, me = UINT64_C(1) << w->id;
	uint64_t asked = atomic_load_explicit(&c->own_asked, memory_order_relaxed);
	bool known = asked >> WORKER_MAX == second >> WORKER_MAX;

	if ((known && asked & me) || !atomic_compare_exchange_strong(
					     &c->own_asked, &asked, (known ? asked : second) | me))
		return;
	ask(w, c->policy_id, f, (uint8_t)(w->id + 1));
}

static bool is_usable(const struct sa *sa, const struct flow *f)
{
	return atomic_load_explicit(&sa->outbound, memory_order_acquire) &&
	       selectors_match_out(&sa_cold(sa)->ts, f);
}

/* RFC 9611 3: that of this worker, else one that is for all, else any: the peer takes them all. */
static struct sa *sa_bound(const struct sa_set *set, uint32_t worker, const struct flow *f)
{
	struct sa *other = NULL, *common = NULL;

	for (uint32_t i = 0; i < set->n; i++) {
		struct sa *sa = set->v[i];
		uint8_t whose = sa_cold(sa)->worker;

		if (!is_usable(sa, f))
			continue;
		if (whose == worker)
			return sa;
		if (whose == WORKER_NONE && !common)
			common = sa;
		else if (!other)
			other = sa;
	}
	return common ? common : other;
}

struct sa *sa_for(const struct sa_set *set, uint32_t worker, const struct flow *f)
{
	if (set && __builtin_expect(set->bound != 0, 0))
		return sa_bound(set, worker, f);
	for (uint32_t i = 0; set && i < set->n; i++)
		if (is_usable(set->v[i], f))
			return set->v[i];
	return NULL;
}

/* Nobody but this node knows that it must not leave in clear. */
static bool is_bound_to_sa(const struct worker *w, const struct pkt *p)
{
	const struct iface *by = net_iface(w->net, p->iface);

	return p->kind == PKT_KERNEL && (!by || by->kind != IFACE_TUNNEL);
}

static void no_sa(
	struct worker *w, struct pkt *p, const struct policy_hot *pol, const struct flow *f)
{
	uint8_t node;

	if (gate_rg(w, pol->rg, &node) == GATE_FORWARD && !is_bound_to_sa(w, p)) {
		if (!(p->flags & PKT_OURS))
			ip_unage(p->p);
		node_forward(w, p, pol->rg, node);
		return;
	}
	acquire(w, pol, f);
	worker_drop(w, p, STAT_DROP_SPD_SA);
}

static void take(struct worker *w, struct pkt *p, struct sa *sa, const struct flow *f)
{
	uint32_t to = worker_of_bucket(w, sa->bucket);

	if (to != w->id && sa_cold(sa)->own_wanted)
		want_own(w, sa, f);
	p->sa = sa;
	p->spi = sa->spi_in;
	p->kind = PKT_ESP_OUT;
	if (to == w->id)
		sa_send(w, p);
	else
		worker_hand(w, to, p);
}

/* Some packets for one tunnel. Where each leads is found in steps, one for all before the next: the
 * memory of one is fetched while the others are looked at. */
struct burst {
	uint32_t n;
	struct pkt *p[SPD_BURST];
	struct flow f[SPD_BURST];
	uint32_t policy[SPD_BURST];
	const struct policy_hot *hot[SPD_BURST];
	struct sa_set *set[SPD_BURST];
};

static bool flow_equal(const struct flow *a, const struct flow *b)
{
	return ipaddr_equal(a->src, b->src) && ipaddr_equal(a->dst, b->dst) &&
	       a->sport == b->sport && a->dport == b->dport && a->proto == b->proto &&
	       a->has_ports == b->has_ports;
}

/* Of the peer that it is for, where a policy is of many. */
static struct sa_set *set_for(const struct policy_hot *hot, uint32_t peer, const struct flow *f)
{
	const struct policy_sas *sas = hot->sas;
	const struct spd_live *parts = atomic_load_explicit(&sas->parts, memory_order_acquire);

	if (__builtin_expect(parts != NULL, 0)) {
		const struct policy_sas *own = parts_find(parts, peer, f);

		sas = own ? own : sas;
	}
	return atomic_load_explicit(&sas->set, memory_order_acquire);
}

static void find_sets(struct burst *b, const struct spd *spd, uint32_t peer)
{
	for (uint32_t i = 0; i < b->n; i++) {
		b->hot[i] = b->policy[i] == SPD_NONE ? NULL : &spd->hot[b->policy[i]];
		__builtin_prefetch(b->hot[i]);
	}
	for (uint32_t i = 0; i < b->n; i++)
		if (b->hot[i])
			__builtin_prefetch(b->hot[i]->sas);
	for (uint32_t i = 0; i < b->n; i++) {
		b->set[i] = NULL;
		if (b->hot[i])
			b->set[i] = set_for(b->hot[i], peer, &b->f[i]);
		__builtin_prefetch(b->set[i]);
	}
}

static void fetch_sas(struct burst *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (b->set[i] && b->set[i]->n)
			sa_fetch_out(b->set[i]->v[0]);
	for (uint32_t i = 0; i < b->n; i++) {
		if (b->set[i] && b->set[i]->n) {
			sa_fetch_cold(b->set[i]->v[0]);
			sa_fetch_key(b->set[i]->v[0], b->set[i]->v[0]->key_out, b->p[i]->len);
		}
	}
}

/* Nothing else enters a tunnel; what transport mode is not for leaves as it is. */
static void no_policy(struct worker *w, struct pkt *p, const struct iface *iface)
{
	const struct hop *hop = &w->net->hops[p->hop];

	if (iface->kind == IFACE_TUNNEL)
		worker_drop(w, p, STAT_DROP_SPD_POLICY);
	else if (is_bound_to_sa(w, p))
		worker_drop(w, p, STAT_DROP_KERNEL_POLICY);
	else
		node_output(w, p, iface, hop_address(hop, ip_dst(p->p)));
}

static void take_all(struct worker *w, struct burst *b, const struct iface *tunnel)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct sa *sa;

		if (!b->hot[i]) {
			no_policy(w, b->p[i], tunnel);
			continue;
		}
		sa = sa_for(b->set[i], w->id, &b->f[i]);
		if (sa)
			take(w, b->p[i], sa, &b->f[i]);
		else
			no_sa(w, b->p[i], b->hot[i], &b->f[i]);
	}
}

/* Every packet of one flow, as it often is: looked up once. */
static bool is_one_flow(const struct burst *b)
{
	for (uint32_t i = 1; i < b->n; i++)
		if (!flow_equal(&b->f[0], &b->f[i]))
			return false;
	return true;
}

static void burst_run(struct worker *w, struct burst *b, const struct hop *hop)
{
	const struct iface *tunnel = net_iface(w->net, hop->iface);
	const struct spd *spd;
	uint32_t all = b->n;

	if (!tunnel || hop->spd >= tunnel->n_spds) {
		enum counter why =
			hop->spd == SPD_NOBODY ? STAT_DROP_SPD_HOP : STAT_DROP_SPD_POLICY;

		for (uint32_t i = 0; i < b->n; i++)
			worker_drop(w, b->p[i], why);
		return;
	}
	spd = &tunnel->spds[hop->spd];
	if (!is_one_flow(b)) {
		spd_index_out(spd->index, b->f, b->n, b->policy);
		find_sets(b, spd, hop->peer);
		fetch_sas(b);
		take_all(w, b, tunnel);
		return;
	}
	spd_index_out(spd->index, b->f, 1, b->policy);
	b->n = 1;
	find_sets(b, spd, hop->peer);
	b->n = all;
	for (uint32_t i = 1; i < all; i++) {
		b->hot[i] = b->hot[0];
		b->set[i] = b->set[0];
	}
	take_all(w, b, tunnel);
}

void node_spd_out(struct worker *w)
{
	struct burst b UNINITIALIZED;
	uint32_t at = 0;

	while (at < w->spd_out.n) {
		uint32_t hop = w->spd_out.v[at]->hop;

		for (b.n = 0; at < w->spd_out.n && b.n < SPD_BURST && w->spd_out.v[at]->hop == hop;
			at++, b.n++) {
			b.p[b.n] = w->spd_out.v[at];
			flow_put(&b.f[b.n], pkt_view(b.p[b.n]));
		}
		burst_run(w, &b, &w->net->hops[hop]);
	}
	w->spd_out.n = 0;
}
