#include "dp.h"
#include "node/neighbour.h"

enum { LATE_PERIODS = 3, TELL_PERIODS = 10 };

static uint64_t period_ns(const struct dp *dp)
{
	return (uint64_t)dp->heartbeat_ms * 1000 * 1000;
}

static void probe_one(struct dp *dp, const struct iface *i, struct ipaddr addr)
{
	const uint8_t *mac = dp->sh.ports[i->port]->mac;
	struct pkt *p = pkt_alloc(dp->sh.pool);

	if (!p) {
		count_add(&dp->stats[STAT_DROP_NO_BUFFER], 1);
		return;
	}
	/* From the port's own address, so that no switch thinks the group has moved. */
	if (ipaddr_is_v4(addr))
		arp_probe_put(p, mac, ipaddr_to_v4(addr));
	else
		nd_probe_put(p, mac, addr);
	p->kind = PKT_RAW;
	p->port = i->port;
	dp_send_packet(dp, p);
}

static void tell(struct dp *dp, uint32_t rg, uint64_t now_ns)
{
	struct probe *p = &dp->probes[rg];
	Dp__Event e = DP__EVENT__INIT;
	Dp__Probe m = DP__PROBE__INIT;

	m.rg = rg;
	m.alive = p->alive;
	m.last_answer_ns = p->answer_ns;
	e.body_case = DP__EVENT__BODY_PROBE;
	e.probe = &m;
	p->told_ns = now_ns;
	api_event(dp, &e);
}

void probe_answer(struct dp *dp, const struct note *n, uint64_t now_ns)
{
	const struct net *net = atomic_load(&dp->sh.net);
	const struct iface *i = net ? net_iface(net, n->arp.iface) : NULL;
	struct probe *p;

	if (!i || i->kind != IFACE_RETH || !iface_owns(i, n->arp.addr))
		return;
	p = &dp->probes[i->rg];
	p->answer_ns = now_ns;
	if (!p->alive) {
		p->alive = true;
		tell(dp, i->rg, now_ns);
	}
}

/* Probes every address of every redundant interface; marks the groups that have some. */
static void probe_all(struct dp *dp, const struct net *net, bool *probed)
{
	for (uint32_t s = 0; s < net->n_slots; s++) {
		const struct iface *i = net->ifaces[s];

		if (!i || i->kind != IFACE_RETH || i->rg == 0 || i->port == PORT_NONE)
			continue;
		probed[i->rg] = true;
		for (uint32_t k = 0; k < i->n_addrs; k++)
			probe_one(dp, i, i->addrs[k].addr);
	}
}

void probe_step(struct dp *dp, uint64_t now_ns)
{
	const struct net *net = atomic_load(&dp->sh.net);
	bool probed[RG_MAX] = {0};

	if (!dp->running || !net || net->cluster_id == 0 || now_ns < dp->next_probe_ns)
		return;
	dp->next_probe_ns = now_ns + period_ns(dp);
	probe_all(dp, net, probed);
	for (uint32_t rg = 1; rg < RG_MAX; rg++) {
		struct probe *p = &dp->probes[rg];

		if (!probed[rg])
			continue;
		if (p->since_ns == 0)
			p->since_ns = now_ns;
		if (now_ns - p->since_ns < LATE_PERIODS * period_ns(dp))
			continue; /* too early to say that nobody is there */
		if (p->alive && now_ns - p->answer_ns > LATE_PERIODS * period_ns(dp)) {
			p->alive = false;
			tell(dp, rg, now_ns);
		} else if (now_ns - p->told_ns >= TELL_PERIODS * period_ns(dp)) {
			tell(dp, rg, now_ns);
		}
	}
}
