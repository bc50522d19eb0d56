#include "node/node.h"
#include "node/neighbour.h"

/* RFC 826 over Ethernet and IPv4 */
enum {
	ARP_LEN = 28,
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
	AT_OP = 6,
	AT_SENDER_MAC = 8,
	AT_SENDER_IP = 14,
	AT_TARGET_MAC = 18,
	AT_TARGET_IP = 24,
};

static const uint8_t ARP_HEAD[6] = {0, 1, 0x08, 0x00, 6, 4};

struct arp_make {
	uint16_t op;
	const uint8_t *eth_dst, *sender_mac, *target_mac;
	uint32_t sender, target;
};

/* Writes a whole frame of 60 octets. */
static void arp_put(struct pkt *p, const struct arp_make *m)
{
	uint8_t *f = pkt_append(p, 60), *a = f + ETH_HDR;

	memset(f, 0, 60);
	memcpy(f, m->eth_dst, 6);
	memcpy(f + 6, m->sender_mac, 6);
	store_be16(f + 12, ETH_ARP);
	memcpy(a, ARP_HEAD, sizeof ARP_HEAD);
	store_be16(a + AT_OP, m->op);
	memcpy(a + AT_SENDER_MAC, m->sender_mac, 6);
	store_be32(a + AT_SENDER_IP, m->sender);
	memcpy(a + AT_TARGET_MAC, m->target_mac, 6);
	store_be32(a + AT_TARGET_IP, m->target);
}

static const uint8_t MAC_ALL[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t MAC_NONE[6];

void arp_request(struct worker *w, const struct iface *iface, uint32_t target)
{
	struct ipaddr source;
	struct pkt *p = pkt_alloc(w->sh->pool);

	if (!p) {
		worker_count(w, STAT_DROP_NO_BUFFER);
		return;
	}
	source = iface_source(iface, ipaddr_v4(target));
	worker_count(w, STAT_ARP_REQUESTS);
	arp_put(p, &(struct arp_make){ARP_REQUEST, MAC_ALL, iface->mac, MAC_NONE,
			   ipaddr_is_none(source) ? 0 : ipaddr_to_v4(source), target});
	node_tx(w, p, iface->port);
}

void arp_announce_put(struct pkt *p, const uint8_t mac[6], uint32_t addr)
{
	/* RFC 5227 3: an announcement is a request for the own address */
	arp_put(p, &(struct arp_make){ARP_REQUEST, MAC_ALL, mac, MAC_NONE, addr, addr});
}

void arp_probe_put(struct pkt *p, const uint8_t mac[6], uint32_t addr)
{
	/* RFC 5227 2.1.1: from nobody, so that no cache changes */
	arp_put(p, &(struct arp_make){ARP_REQUEST, MAC_ALL, mac, MAC_NONE, 0, addr});
}

/* May it answer for the interface's addresses now? */
static bool arp_may_answer(const struct worker *w, const struct iface *iface)
{
	uint8_t node;

	return iface->rg == 0 || gate_rg(w, iface->rg, &node) == GATE_ACT;
}

static void arp_answer(struct worker *w, const struct iface *iface, const uint8_t *a)
{
	struct pkt *p = pkt_alloc(w->sh->pool);

	if (!p) {
		worker_count(w, STAT_DROP_NO_BUFFER);
		return;
	}
	worker_count(w, STAT_ARP_REPLIES);
	arp_put(p, &(struct arp_make){ARP_REPLY, a + AT_SENDER_MAC, iface->mac, a + AT_SENDER_MAC,
			   load_be32(a + AT_TARGET_IP), load_be32(a + AT_SENDER_IP)});
	node_tx(w, p, iface->port);
}

/* Somebody answers for an address of ours: news for the probes of a standby group. */
static void arp_tell(struct worker *w, const struct iface *iface, const uint8_t *a)
{
	struct note n = {.kind = NOTE_ARP_ANSWER};

	n.arp.addr = ipaddr_v4(load_be32(a + AT_SENDER_IP));
	n.arp.iface = iface->slot;
	memcpy(n.arp.mac, a + AT_SENDER_MAC, 6);
	(void)worker_note(w, &n);
}

static bool mac_is_own(const struct worker *w, const struct iface *iface, const uint8_t *mac)
{
	return memcmp(mac, w->sh->ports[iface->port]->mac, 6) == 0;
}

void node_arp(struct worker *w, struct pkt *p, const struct iface *iface)
{
	const uint8_t *a = p->p + ETH_HDR;
	uint32_t sender, target, lead = worker_lead(w);
	bool ours;

	if (lead != w->id) { /* neighbours are the lead's */
		p->kind = PKT_FRAME;
		worker_hand(w, lead, p);
		return;
	}
	if (p->len < ETH_HDR + ARP_LEN) {
		worker_drop(w, p, STAT_DROP_ARP_SHORT);
		return;
	}
	if (memcmp(a, ARP_HEAD, sizeof ARP_HEAD) != 0) {
		worker_drop(w, p, STAT_DROP_ARP);
		return;
	}
	sender = load_be32(a + AT_SENDER_IP);
	target = load_be32(a + AT_TARGET_IP);
	ours = iface_owns(iface, ipaddr_v4(target));
	if (iface_owns(iface, ipaddr_v4(sender))) {
		if (!mac_is_own(w, iface, a + AT_SENDER_MAC))
			arp_tell(w, iface, a);
	} else if (sender != 0 && !(a[AT_SENDER_MAC] & 1)) {
		neighbour_learn(w, iface, ipaddr_v4(sender), a + AT_SENDER_MAC, ours);
	}
	if (load_be16(a + AT_OP) == ARP_REQUEST && ours && sender != target &&
		arp_may_answer(w, iface)) {
		arp_answer(w, iface, a);
		pkt_free(p);
	} else if (load_be16(a + AT_OP) == ARP_REPLY) {
		worker_drop(w, p, STAT_ARP_HEARD);
	} else {
		worker_drop(w, p, STAT_DROP_ARP_OTHER);
	}
}
