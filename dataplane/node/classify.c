#include "node/node.h"

static bool mac_is_group(const uint8_t *mac)
{
	return mac[0] & 1;
}

/* RFC 2464 7: where questions after neighbours go. */
static bool mac_is_group6(const uint8_t *mac, uint16_t type)
{
	return type == ETH_IP6 && mac[0] == 0x33 && mac[1] == 0x33;
}

static bool mac_is_ours(const struct worker *w, const uint8_t *mac, const struct iface *iface)
{
	return memcmp(mac, iface->mac, 6) == 0 ||
	       memcmp(mac, w->sh->ports[iface->port]->mac, 6) == 0;
}

void node_classify(struct worker *w, struct pkt *p)
{
	const struct iface *iface = net_iface(w->net, w->net->port_iface[p->port]);
	uint16_t type;
	bool group;

	worker_count(w, STAT_RX_PACKETS);
	if (!iface) {
		worker_drop(w, p, STAT_DROP_PORT);
		return;
	}
	if (p->len < ETH_HDR) {
		worker_drop(w, p, STAT_DROP_ETH_SHORT);
		return;
	}
	p->iface = iface->slot;
	type = load_be16(p->p + 12);
	if (iface->kind == IFACE_FABRIC && type == ETH_FABRIC) {
		node_fabric(w, p);
		return;
	}
	if (type == ETH_ARP) {
		node_arp(w, p, iface);
		return;
	}
	if (type != ETH_IP4 && type != ETH_IP6) {
		worker_drop(w, p, STAT_DROP_ETH_TYPE);
		return;
	}
	/* Ports are promiscuous: what a switch floods is not for us. */
	if (!mac_is_group6(p->p, type) && (mac_is_group(p->p) || !mac_is_ours(w, p->p, iface))) {
		worker_drop(w, p, STAT_DROP_ETH_ADDRESS);
		return;
	}
	group = mac_is_group(p->p);
	pkt_pull(p, ETH_HDR);
	if (type == ETH_IP4)
		node_ip4(w, p, iface);
	else if (group && p->len > IP6_AT_DST && p->p[IP6_AT_DST] != 0xff)
		worker_drop(w, p, STAT_DROP_ETH_ADDRESS);
	else
		node_ip6(w, p, iface);
}

static bool ip4_is_group(uint32_t addr)
{
	return addr >= 0xe0000000u;
}

/* Packets from the fabric are judged later, by their SA. */
bool gate_packet(struct worker *w, struct pkt *p, uint8_t rg)
{
	const struct rg_view *v;
	uint8_t node;

	/* In a handover some buckets are here, some there. */
	if (rg == 0 || p->flags & (PKT_HOPPED | PKT_INNER | PKT_OURS) || gate_handover(w, rg))
		return true;
	switch (gate_rg(w, rg, &node)) {
	case GATE_ACT:
		return true;
	case GATE_FORWARD: /* stragglers only: what a switch floods reaches the owner anyway */
		v = rg_view(w->sh, rg);
		if (w->now_ns < v->stragglers_ns) {
			node_forward(w, p, rg, node);
			return false;
		}
		break;
	case GATE_QUEUE:
	case GATE_DROP:
		break;
	}
	worker_drop(w, p, STAT_DROP_RG_STANDBY);
	return false;
}

/* Reads the header and cuts what follows the packet (Ethernet padding). */
static bool read_header(struct worker *w, struct pkt *p, struct ip4 *h)
{
	static const enum counter why[] = {
		[IP4_FAULT_SHORT] = STAT_DROP_IP_SHORT,
		[IP4_FAULT_LENGTH] = STAT_DROP_IP_LENGTH,
		[IP4_FAULT_HEADER] = STAT_DROP_IP_HEADER,
		[IP4_FAULT_VERSION] = STAT_DROP_IP_VERSION,
		[IP4_FAULT_SUM] = STAT_DROP_IP_SUM,
	};
	enum ip4_fault fault = ip4_read(pkt_view(p), h);

	if (fault != IP4_OK) {
		worker_drop(w, p, why[fault]);
		return false;
	}
	if (h->len < p->len)
		pkt_cut(p, h->len);
	return true;
}

void node_ip4(struct worker *w, struct pkt *p, const struct iface *iface)
{
	const struct fib *fib = iface_fib(w, iface);
	const struct hop *hop, *back;
	const struct iface *own;
	struct ip4 h;

	if (!read_header(w, p, &h))
		return;
	if (ip4_is_group(h.dst) || ip4_is_group(h.src) || h.dst == 0) {
		worker_drop(w, p,
			ip4_is_group(h.dst)   ? STAT_DROP_IP_MULTICAST
			: ip4_is_group(h.src) ? STAT_DROP_IP_SOURCE_GROUP
					      : STAT_DROP_IP_NOBODY);
		return;
	}
	hop = net_route4(w->net, fib, h.dst);
	if (hop && hop->kind == HOP_LOCAL) {
		own = net_iface(w->net, hop->iface);
		if (!own)
			worker_drop(w, p, STAT_DROP_IP_ROUTE);
		else if (gate_packet(w, p, own->rg))
			node_local(w, p, &h, own);
		return;
	}
	if (!gate_packet(w, p, iface->rg))
		return;
	/* RFC 4301 5.2: what belongs into a tunnel may not come in clear. Nor may our own address.
	 */
	back = p->flags & (PKT_INNER | PKT_OURS) ? NULL : net_route4(w->net, fib, h.src);
	if (back && (back->kind == HOP_TUNNEL || back->kind == HOP_LOCAL)) {
		worker_drop(w, p, STAT_DROP_IP_SOURCE);
		return;
	}
	vec_add(&w->route, p);
}
