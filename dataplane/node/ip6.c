#include "node/node.h"

static const enum counter why[IP6_FAULT_COUNT] = {
	[IP6_FAULT_SHORT] = STAT_DROP_IP6_SHORT,
	[IP6_FAULT_VERSION] = STAT_DROP_IP6_VERSION,
	[IP6_FAULT_MAPPED] = STAT_DROP_IP6_MAPPED,
	[IP6_FAULT_CHAIN] = STAT_DROP_IP6_CHAIN,
	[IP6_FAULT_LIMIT] = STAT_DROP_IP6_LIMIT,
	[IP6_FAULT_ORDER] = STAT_DROP_IP6_ORDER,
	[IP6_FAULT_OPTION] = STAT_DROP_IP6_OPTION,
	[IP6_FAULT_ROUTING] = STAT_DROP_IP6_ROUTING,
};

/* Reads the headers and cuts what follows the packet. */
static bool read_header(struct worker *w, struct pkt *p, struct ip6 *h)
{
	enum ip6_fault fault = ip6_read(pkt_view(p), h);

	if (fault != IP6_OK) {
		worker_drop(w, p, why[fault]);
		return false;
	}
	if (h->len < p->len)
		pkt_cut(p, h->len);
	return true;
}

static bool is_loopback(struct ipaddr a)
{
	return a.hi == 0 && a.lo == 1;
}

/* Questions after neighbours: the only groups that are heard. */
static void to_group(
	struct worker *w, struct pkt *p, const struct ip6 *h, const struct iface *iface)
{
	if (h->proto == IP_ICMP6 && !ip6_is_fragment(h) && p->len > h->hdr && nd_is(p->p[h->hdr])) {
		node_nd(w, p, h, iface);
		return;
	}
	worker_drop(w, p, STAT_DROP_IP_MULTICAST);
}

/* RFC 4291 2.5.6, 2.7: what leaves no link or belongs on none. */
bool ip6_may_pass(const struct ip6 *h)
{
	return !ip6_is_link_local(h->src) && !ip6_is_link_local(h->dst) && !ip6_is_group(h->dst) &&
	       !ip6_is_group(h->src) && !ipaddr_is_none(h->src) && !ipaddr_is_none(h->dst) &&
	       !is_loopback(h->src) && !is_loopback(h->dst);
}

/* Not for us. */
static void pass(struct worker *w, struct pkt *p, const struct ip6 *h, const struct iface *iface)
{
	const struct hop *back;

	if (!ip6_may_pass(h)) {
		worker_drop(w, p, STAT_DROP_IP6_SCOPE);
		return;
	}
	if (!gate_packet(w, p, iface->rg))
		return;
	back = p->flags & (PKT_INNER | PKT_OURS) ? NULL
						 : net_route(w->net, iface_fib(w, iface), h->src);
	if (back && (back->kind == HOP_TUNNEL || back->kind == HOP_LOCAL)) {
		worker_drop(w, p, STAT_DROP_IP_SOURCE);
		return;
	}
	vec_add(&w->route, p);
}

void node_ip6(struct worker *w, struct pkt *p, const struct iface *iface)
{
	const struct iface *own = iface;
	const struct hop *hop;
	struct ip6 h;

	if (!read_header(w, p, &h))
		return;
	if (ip6_is_group(h.src) || is_loopback(h.src) || is_loopback(h.dst)) {
		worker_drop(w, p, STAT_DROP_IP6_MARTIAN);
		return;
	}
	if (ip6_is_group(h.dst)) {
		to_group(w, p, &h, iface);
		return;
	}
	if (!iface_owns(iface, h.dst)) { /* link-local addresses are in no table of routes */
		hop = net_route(w->net, iface_fib(w, iface), h.dst);
		own = hop && hop->kind == HOP_LOCAL ? net_iface(w->net, hop->iface) : NULL;
	}
	if (!own)
		pass(w, p, &h, iface);
	else if (gate_packet(w, p, own->rg))
		node_local6(w, p, &h, own);
}

void node_ip(struct worker *w, struct pkt *p, const struct iface *iface)
{
	if (p->len && !ip_is_v4(p->p))
		node_ip6(w, p, iface);
	else
		node_ip4(w, p, iface);
}
