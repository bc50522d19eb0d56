/*
 * The port towards the node's own kernel: a TUN device for a tunnel interface, so that routing
 * daemons and the like can talk to the far side. The kernel gets what is sent to an address of that
 * interface, or to the network's routers; what it sends goes into that tunnel and nowhere else.
 *
 * The device of an outside interface is for transport mode (RFC 3193: L2TP): the kernel gets what
 * an SA in transport mode brings for an address of the interface, and what it sends leaves by such
 * an SA. Nothing passes in clear, either way.
 */
#include "core/ip6.h"
#include "node/node.h"

enum { ICMP_ECHO = 8, ICMP6_ECHO = 128 };

static bool is_v4(const struct pkt *p)
{
	return p->len && p->p[0] >> 4 == 4;
}

/* 224.0.0.0/24 and ff02::/16: OSPF, RIP and others speak to them, and no router forwards them. */
static bool is_link_group(struct ipaddr a)
{
	return ipaddr_is_v4(a) ? ipaddr_to_v4(a) >> 8 == 0xe00000 : a.hi >> 48 == 0xff02;
}

/* Echo requests are answered here, with or without a kernel. */
static bool is_echo(const struct pkt *p)
{
	uint32_t hdr = is_v4(p) ? (p->p[0] & 15u) * 4 : IP6_HDR;
	uint8_t proto = is_v4(p) ? p->p[IP4_AT_PROTO] : p->p[IP6_AT_NEXT];

	if (p->len <= hdr || (is_v4(p) && load_be16(p->p + IP4_AT_FRAG) & IP4_OFFSET))
		return false;
	return is_v4(p) ? proto == IP_ICMP && p->p[hdr] == ICMP_ECHO
			: proto == IP_ICMP6 && p->p[hdr] == ICMP6_ECHO;
}

static void hand_over(struct worker *w, struct pkt *p)
{
	p->kind = PKT_KERNEL;
	if (ring_put(&w->punt, &p)) {
		worker_count(w, STAT_KERNEL_OUT);
		worker_wake_api(w);
	} else {
		worker_drop(w, p, STAT_DROP_KERNEL_QUEUE);
	}
}

bool node_to_kernel(struct worker *w, struct pkt *p)
{
	const struct iface *from = net_iface(w->net, p->iface);
	struct ipaddr dst;

	if (__builtin_expect(!from || !from->kernel, 1) || from->kind != IFACE_TUNNEL)
		return false;
	dst = ip_dst(p->p);
	if (!(iface_owns(from, dst) && !is_echo(p)) && !is_link_group(dst))
		return false;
	hand_over(w, p);
	return true;
}

/* RFC 4861 6.1, 7.1: neighbours are not found through an SA. */
static bool is_nd(const struct pkt *p)
{
	struct ip6 h;

	return !is_v4(p) && ip6_read(pkt_view(p), &h) == IP6_OK && h.proto == IP_ICMP6 &&
	       p->len > h.hdr && nd_is(p->p[h.hdr]);
}

bool node_transport_to_kernel(struct worker *w, struct pkt *p, const struct iface *own)
{
	const struct iface *by = net_iface(w->net, p->iface);

	if (__builtin_expect(!own->kernel, 1) || own->kind == IFACE_TUNNEL)
		return false;
	/* What a tunnel brings has the tunnel's name, and no policy of this interface. */
	if (!(p->flags & PKT_INNER) || !by || by->kind == IFACE_TUNNEL || is_echo(p) || is_nd(p))
		return false;
	p->iface = own->slot;
	hand_over(w, p);
	return true;
}

static bool is_whole(const struct pkt *p)
{
	struct ip4 h4;
	struct ip6 h6;

	if (p->len < IP4_HDR)
		return false;
	return is_v4(p) ? ip4_read(pkt_view(p), &h4) == IP4_OK && h4.len == p->len
			: ip6_read(pkt_view(p), &h6) == IP6_OK;
}

/* A unit of one VPN is a link: whatever the kernel sends over it goes there. With several, our own
 * routes say which, and they must lead into this unit. */
static const struct hop *hop_of(
	const struct worker *w, const struct iface *tunnel, struct ipaddr dst)
{
	const struct hop *hop;

	if (tunnel->kind != IFACE_TUNNEL) {
		hop = net_route(w->net, iface_fib(w, tunnel), dst);
		return hop && hop->kind != HOP_LOCAL && hop->iface == tunnel->slot ? hop : NULL;
	}
	if (tunnel->n_spds <= 1)
		return &w->net->hops[w->net->tunnel_hop[tunnel->slot]];
	hop = net_route(w->net, iface_fib(w, tunnel), dst);
	return hop && hop->kind == HOP_TUNNEL && hop->iface == tunnel->slot ? hop : NULL;
}

/* What else is to be so of a packet that goes out by an outside interface; STAT_COUNT: it is. */
static enum counter refuse_outside(
	const struct worker *w, const struct pkt *p, const struct iface *outside)
{
	struct flow f = flow_of(pkt_view(p));
	uint8_t node;

	/* Of two nodes with this address one speaks. */
	if (outside->rg != 0 && gate_rg(w, outside->rg, &node) != GATE_ACT)
		return STAT_DROP_KERNEL_STANDBY;
	/* IKE is the one thing that no policy holds: it must not be anybody's way around them. */
	if (outside->n_spds == 0 ||
		(f.proto == IP_UDP && (f.sport == IKE_PORT || f.sport == ESP_UDP_PORT)))
		return STAT_DROP_KERNEL_POLICY;
	return STAT_COUNT;
}

void node_from_kernel(struct worker *w, struct pkt *p)
{
	const struct iface *tunnel = net_iface(w->net, p->iface);
	enum counter why = STAT_COUNT;
	const struct hop *hop;

	if (!tunnel || !tunnel->kernel) {
		worker_drop(w, p, STAT_DROP_KERNEL_ROUTE);
		return;
	}
	/* Nobody else's packets: a host that forwards must not do so into a tunnel by mistake. */
	if (!is_whole(p) || !iface_owns(tunnel, ip_src(p->p))) {
		worker_drop(w, p, STAT_DROP_KERNEL_SOURCE);
		return;
	}
	if (tunnel->kind != IFACE_TUNNEL)
		why = refuse_outside(w, p, tunnel);
	if (why != STAT_COUNT) {
		worker_drop(w, p, why);
		return;
	}
	hop = hop_of(w, tunnel, ip_dst(p->p));
	if (!hop) {
		worker_drop(w, p, STAT_DROP_KERNEL_ROUTE);
		return;
	}
	worker_count(w, STAT_KERNEL_IN);
	p->tunnel_mtu = 0;
	p->hop = (uint32_t)(hop - w->net->hops);
	vec_add(&w->spd_out, p);
}
