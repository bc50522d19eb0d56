#include "core/fabric.h"
#include "base/err.h"
#include "node/node.h"

/* Writes the frame header; false when the neighbour is not known. */
bool fabric_eth_put(const struct shared *sh, const struct iface *fabric, uint8_t node, uint8_t *eth)
{
	uint64_t mac = node == FABRIC_ALL
			       ? UINT64_C(0xffffffffffff)
			       : atomic_load_explicit(&sh->fabric_macs[node], memory_order_acquire);

	if (mac == 0)
		return false;
	for (uint32_t i = 0; i < 6; i++)
		eth[i] = (uint8_t)(mac >> (8 * i));
	memcpy(eth + 6, fabric->mac, 6);
	store_be16(eth + 12, ETH_FABRIC);
	return true;
}

/* Two nodes that disagree about the owner must not play ball. */
static bool may_hop(const struct worker *w, const struct pkt *p, uint8_t rg)
{
	uint32_t max = gate_handover(w, rg) ? PKT_HOPS_HANDOVER : PKT_HOPS_MAX;

	return p->flags / PKT_HOP < max;
}

void node_forward(struct worker *w, struct pkt *p, uint8_t rg, uint8_t node)
{
	const struct iface *fabric = net_iface(w->net, w->net->fabric);
	const struct iface *from = net_iface(w->net, p->iface);
	struct fabric_hdr h = {
		.kind = FABRIC_FORWARD, .to = node, .rg = rg, .len = (uint16_t)p->len};
	uint8_t *b;

	if (!may_hop(w, p, rg)) {
		worker_drop(w, p, STAT_DROP_RG_HOPPED);
		return;
	}
	if (!fabric || !from) {
		worker_drop(w, p, STAT_DROP_FABRIC_PEER);
		return;
	}
	if (p->head < FABRIC_HDR + ETH_HDR || p->len + FABRIC_HDR > fabric->mtu) {
		worker_drop(w, p, STAT_DROP_FABRIC_MTU);
		return;
	}
	h.from = (uint8_t)w->net->node_id;
	h.cluster = w->net->cluster_id;
	h.iface = from->id;
	h.flags = (uint8_t)((p->flags & PKT_INNER ? FABRIC_INNER : 0) |
			    (p->flags & PKT_OURS ? FABRIC_OURS : 0) |
			    (p->flags / PKT_HOP + 1) << FABRIC_HOPS_SHIFT);
	b = pkt_push(p, FABRIC_HDR + ETH_HDR);
	if (!fabric_eth_put(w->sh, fabric, node, b)) {
		worker_drop(w, p, STAT_DROP_FABRIC_PEER);
		return;
	}
	fabric_put(b + ETH_HDR, &h);
	worker_count(w, STAT_FABRIC_FORWARDED);
	node_tx(w, p, fabric->port);
}

/* An IP packet whose RG is thought to be ours, as if it had come by the interface it names. */
static void receive_forwarded(struct worker *w, struct pkt *p, const struct fabric_hdr *h)
{
	const struct iface *iface = net_iface_by_id(w->net, h->iface);

	if (!iface) {
		worker_drop(w, p, STAT_DROP_FABRIC_IFACE);
		return;
	}
	pkt_pull(p, ETH_HDR + FABRIC_HDR);
	pkt_cut(p, h->len);
	p->iface = iface->slot;
	p->flags = (uint8_t)((h->flags & FABRIC_INNER ? PKT_INNER : 0) |
			     (h->flags & FABRIC_OURS ? PKT_OURS : 0) |
			     MAX(h->flags >> FABRIC_HOPS_SHIFT, 1) * PKT_HOP);
	worker_count(w, STAT_FABRIC_RECEIVED);
	node_ip(w, p, iface);
}

/* Is the frame whole, and for this node? STAT_COUNT when it is. */
static enum counter read_frame(const struct worker *w, const struct pkt *p, struct fabric_hdr *h)
{
	struct view body;

	switch (fabric_get(view_of(p->p + ETH_HDR, p->len - ETH_HDR), h, &body)) {
	case 0:
		break;
	case -ERR_TRUNCATED:
		return STAT_DROP_FABRIC_SHORT;
	case -ERR_VERSION:
		return STAT_DROP_FABRIC_VERSION;
	default:
		return STAT_DROP_FABRIC;
	}
	if (h->cluster != w->net->cluster_id)
		return STAT_DROP_FABRIC_CLUSTER;
	if (h->from == w->net->node_id || (h->to != FABRIC_ALL && h->to != w->net->node_id))
		return STAT_DROP_FABRIC_NODE;
	return STAT_COUNT;
}

void node_fabric(struct worker *w, struct pkt *p)
{
	struct fabric_hdr h;
	enum counter why = read_frame(w, p, &h);

	if (why != STAT_COUNT) {
		worker_drop(w, p, why);
		return;
	}
	if (h.kind == FABRIC_FORWARD) {
		receive_forwarded(w, p, &h);
		return;
	}
	p->kind = PKT_FABRIC; /* the API thread's business */
	if (!ring_put(&w->punt, &p)) {
		worker_drop(w, p, STAT_DROP_FABRIC_QUEUE);
		return;
	}
	worker_wake_api(w);
}
