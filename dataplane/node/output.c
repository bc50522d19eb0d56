#include "node/node.h"
#include "node/neighbour.h"

void node_tx_flush(struct worker *w)
{
	struct shared *sh = w->sh;

	for (uint32_t i = 0; i < sh->n_ports; i++) {
		struct port *port = sh->ports[i];
		uint32_t n = w->n_tx[i];
		uint16_t sent;

		if (n == 0)
			continue;
		sent = port->ops->tx(port, (uint16_t)w->id, w->tx[i], (uint16_t)n);
		count_add(&w->stats[STAT_TX_PACKETS], sent);
		if (sent < n) {
			count_add(&w->stats[STAT_DROP_TX], n - sent);
			pkt_free_bulk(&w->tx[i][sent], n - sent);
		}
		w->n_tx[i] = 0;
	}
}

void node_tx(struct worker *w, struct pkt *p, uint16_t port)
{
	if (port >= w->sh->n_ports) {
		worker_drop(w, p, STAT_DROP_PORT);
		return;
	}
	if (w->n_tx[port] == PKT_BURST)
		node_tx_flush(w);
	w->tx[port][w->n_tx[port]++] = p;
}

/* To the lead; the next hop, which a new picture of the net may not have, goes along. */
static void to_resolve(
	struct worker *w, struct pkt *p, const struct iface *iface, struct ipaddr next_hop)
{
	uint32_t lead = worker_lead(w);

	if (p->head < RESOLVE_HDR) {
		worker_drop(w, p, STAT_DROP_NO_BUFFER);
		return;
	}
	ipaddr_store(p->p - RESOLVE_HDR, next_hop);
	p->kind = PKT_RESOLVE;
	p->iface = iface->slot;
	if (lead == w->id)
		node_resolve(w, p);
	else
		worker_hand(w, lead, p);
}

static bool find_near(struct worker *w, const struct iface *iface, struct ipaddr addr)
{
	struct near_hop *n = &w->near;

	if (__builtin_expect(n->known && n->iface == iface->slot && ipaddr_equal(n->addr, addr), 1))
		return true;
	n->known = neighbour_find(w->sh->neighbours, iface->slot, addr, n->mac);
	n->iface = iface->slot;
	n->addr = addr;
	return n->known;
}

void node_output(struct worker *w, struct pkt *p, const struct iface *iface, struct ipaddr next_hop)
{
	uint8_t *eth;

	if (p->len > iface->mtu) {
		worker_drop(w, p, STAT_DROP_IP_TOO_BIG);
		return;
	}
	if (!find_near(w, iface, next_hop)) {
		to_resolve(w, p, iface, next_hop);
		return;
	}
	if (p->head < ETH_HDR) {
		worker_drop(w, p, STAT_DROP_NO_ROOM);
		return;
	}
	eth = pkt_push(p, ETH_HDR);
	memcpy(eth, w->near.mac, 6);
	memcpy(eth + 6, iface->mac, 6);
	store_be16(eth + 12, ip_is_v4(eth + ETH_HDR) ? ETH_IP4 : ETH_IP6);
	node_tx(w, p, iface->port);
}
