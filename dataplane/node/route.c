#include "core/cut.h"
#include "node/node.h"

static void to_tunnel(struct worker *w, struct pkt *p, const struct hop *hop)
{
	p->hop = (uint32_t)(hop - w->net->hops);
	vec_add(&w->spd_out, p);
}

/* Whom may we cut? RFC 8200 5: IPv6 of our own making only. */
static bool may_cut(const struct pkt *p)
{
	if (ip_is_v4(p->p))
		return !(load_be16(p->p + IP4_AT_FRAG) & IP4_DF);
	return p->flags & PKT_OURS;
}

/* A packet that does not fit: RFC 1191, RFC 8201 when it must not be cut. */
static void too_big(
	struct worker *w, struct pkt *p, const struct iface *iface, const struct hop *hop)
{
	struct pkt *pieces[IP4_CUT_MAX] UNINITIALIZED;
	struct ipaddr next_hop = hop_address(hop, ip_dst(p->p));
	uint32_t n;

	if (!may_cut(p)) {
		answer_too_big(w, p, iface->mtu);
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

/* Every link carries 1280 octets of IPv6 (RFC 8200 5), a tunnel with a smaller MTU too: what it
 * makes of them is cut (RFC 2473 7.1). */
static uint32_t mtu_of(const struct iface *iface, const struct pkt *p)
{
	if (iface->kind == IFACE_TUNNEL && !ip_is_v4(p->p))
		return MAX(iface->mtu, (uint32_t)IP6_MTU_MIN);
	return iface->mtu;
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
	if (iface->mtu && p->len > mtu_of(iface, p))
		too_big(w, p, iface, hop);
	else if (hop->kind == HOP_TUNNEL || __builtin_expect(is_to_protect(p, iface), 0))
		to_tunnel(w, p, hop);
	else
		node_output(w, p, iface, hop_address(hop, ip_dst(p->p)));
}

/* Out of an SA, for an address of ours: echoes are answered. */
static void to_us(struct worker *w, struct pkt *p, const struct hop *hop)
{
	const struct iface *own = net_iface(w->net, hop->iface);
	struct ip4 h4;
	struct ip6 h;

	if (own && node_transport_to_kernel(w, p, own))
		return;
	if (own && ip_is_v4(p->p) && ip4_read(pkt_view(p), &h4) == IP4_OK && h4.proto == IP_ICMP)
		node_local(w, p, &h4, own);
	else if (own && ip6_read(pkt_view(p), &h) == IP6_OK && h.proto == IP_ICMP6)
		node_local6(w, p, &h, own);
	else
		worker_drop(w, p, STAT_DROP_IP_PROTOCOL);
}

/* Our answer to one on the link; no table has its way. */
static void to_link(struct worker *w, struct pkt *p, struct ipaddr dst)
{
	const struct iface *from = net_iface(w->net, p->iface);

	if (from && p->flags & PKT_OURS)
		node_output(w, p, from, dst);
	else
		worker_drop(w, p, STAT_DROP_IP6_SCOPE);
}

/* Its hop; NULL when it went its way. */
static const struct hop *route_of(struct worker *w, struct pkt *p)
{
	struct ipaddr dst = ip_dst(p->p);
	const struct hop *hop;

	if (ip6_is_link_local(dst)) {
		to_link(w, p, dst);
		return NULL;
	}
	hop = net_route(w->net, pkt_fib(w, p), dst);
	if (!hop) {
		answer_no_route(w, p);
		worker_drop(w, p, STAT_DROP_IP_ROUTE);
	}
	return hop;
}

static void route_one(struct worker *w, struct pkt *p)
{
	const struct hop *hop;

	if (p->flags & PKT_INNER && node_to_kernel(w, p))
		return;
	hop = route_of(w, p);
	if (!hop)
		return;
	if (hop->kind == HOP_LOCAL) {
		to_us(w, p, hop);
		return;
	}
	if (!(p->flags & PKT_OURS)) {
		if (ip_hops(p->p) <= 1) {
			answer_expired(w, p);
			worker_drop(w, p, STAT_DROP_IP_TTL);
			return;
		}
		ip_age(p->p);
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
