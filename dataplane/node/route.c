#include "core/cut.h"
#include "node/node.h"

static void to_tunnel(struct worker *w, struct pkt *p, const struct hop *hop)
{
	p->hop = (uint32_t)(hop - w->net->hops);
	vec_add(&w->spd_out, p);
}

/* A packet that does not fit: RFC 1191 when the sender forbade fragments. */
static void too_big(
	struct worker *w, struct pkt *p, const struct iface *iface, const struct hop *hop)
{
	struct pkt *pieces[IP4_CUT_MAX] UNINITIALIZED;
	struct ipaddr next_hop = hop_address(hop, ip_dst(p->p));
	uint32_t n;

	if (load_be16(p->p + IP4_AT_FRAG) & IP4_DF) {
		icmp_error(w, p, ICMP_UNREACHABLE, ICMP_TOO_BIG, iface->mtu);
		worker_drop(w, p, STAT_DROP_IP_TOO_BIG);
		return;
	}
	if (iface->kind == IFACE_TUNNEL) { /* cut when its SA is known: selectors look at ports */
		p->tunnel_mtu = (uint16_t)iface->mtu;
		to_tunnel(w, p, hop);
		return;
	}
	n = cut_packet(w, p, iface->mtu, pieces);
	for (uint32_t i = 0; i < n; i++)
		node_output(w, pieces[i], iface, next_hop);
}

/* Transport mode: what this node says itself, but for IKE, which protects itself (RFC 7296 2.11).
 */
static bool is_to_protect(const struct pkt *p, const struct iface *iface)
{
	struct flow f;

	if (!iface->n_spds || iface->kind == IFACE_TUNNEL || !(p->flags & PKT_OURS))
		return false;
	f = flow_of(pkt_view(p));
	return f.proto != IP_UDP || (f.sport != IKE_PORT && f.sport != ESP_UDP_PORT);
}

static void leave_by(struct worker *w, struct pkt *p, const struct hop *hop)
{
	const struct iface *iface = net_iface(w->net, hop->iface);

	if (!iface) {
		worker_drop(w, p, STAT_DROP_IP_ROUTE);
		return;
	}
	p->tunnel_mtu = 0;
	if (iface->mtu && p->len > iface->mtu)
		too_big(w, p, iface, hop);
	else if (hop->kind == HOP_TUNNEL || __builtin_expect(is_to_protect(p, iface), 0))
		to_tunnel(w, p, hop);
	else
		node_output(w, p, iface, hop_address(hop, ip_dst(p->p)));
}

static void route_one(struct worker *w, struct pkt *p)
{
	const struct hop *hop = net_route4(w->net, pkt_fib(w, p), load_be32(p->p + IP4_AT_DST));
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
	if (w->spd_out.n)
		node_spd_out(w);
}
