#include "node/node.h"

/* A packet that does not fit: RFC 1191 when the sender forbade fragments. */
static void too_big(struct worker *w, struct pkt *p, uint32_t mtu)
{
	if (load_be16(p->p + IP4_AT_FRAG) & IP4_DF) {
		icmp_error(w, p, ICMP_UNREACHABLE, ICMP_TOO_BIG, mtu);
		worker_drop(w, p, STAT_DROP_IP_TOO_BIG);
	} else {
		worker_drop(w, p, STAT_DROP_IP_NEEDS_FRAGMENT);
	}
}

static void leave_by(struct worker *w, struct pkt *p, const struct hop *hop)
{
	const struct iface *iface = net_iface(w->net, hop->iface);

	if (!iface) {
		worker_drop(w, p, STAT_DROP_IP_ROUTE);
		return;
	}
	if (iface->mtu && p->len > iface->mtu) {
		too_big(w, p, iface->mtu);
		return;
	}
	if (hop->kind == HOP_TUNNEL)
		node_spd_out(w, p, iface);
	else
		node_output(w, p, iface, hop->kind == HOP_VIA ? hop->next_hop : p->dst);
}

static void route_one(struct worker *w, struct pkt *p)
{
	const struct hop *hop = net_route(w->net, p->dst);
	struct ip4 h;

	if (!hop) {
		icmp_error(w, p, ICMP_UNREACHABLE, ICMP_NET, 0);
		worker_drop(w, p, STAT_DROP_IP_ROUTE);
		return;
	}
	if (hop->kind == HOP_LOCAL) { /* out of a tunnel, for an address of ours */
		const struct iface *own = net_iface(w->net, hop->iface);

		if (ip4_read(pkt_view(p), &h) != IP4_OK || h.proto != IP_ICMP || !own)
			worker_drop(w, p, STAT_DROP_IP_PROTOCOL);
		else
			node_local(w, p, &h, own);
		return;
	}
	if (!(p->flags & PKT_OURS)) {
		if (p->p[IP4_AT_TTL] <= 1) {
			icmp_error(w, p, ICMP_TIME_EXCEEDED, 0, 0);
			worker_drop(w, p, STAT_DROP_IP_TTL);
			return;
		}
		ip4_age(p->p);
	}
	leave_by(w, p, hop);
}

void node_route(struct worker *w)
{
	/* What a packet causes (an ICMP error) is appended and routed too. */
	for (uint32_t i = 0; i < w->route.n; i++)
		route_one(w, w->route.v[i]);
	w->route.n = 0;
}
