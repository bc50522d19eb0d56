#include "node/neighbour.h"
#include "node/node.h"

/* RFC 4861 over Ethernet (RFC 2464) */
enum {
	ND_ROUTER_SOLICIT = 133,
	ND_SOLICIT = 135,
	ND_ADVERT = 136,
	ND_REDIRECT = 137,
	ND_LEN = 24, /* with the target, without options */
	ND_HOPS = 255,
	AT_FLAGS = 4,
	AT_TARGET = 8,
	OPT_SOURCE = 1,
	OPT_TARGET = 2,
	OPT_LEN = 8,
	FRAME = ETH_HDR + IP6_HDR + ND_LEN,
};

#define ND_ROUTER    UINT32_C(0x80000000)
#define ND_SOLICITED UINT32_C(0x40000000)
#define ND_OVERRIDE  UINT32_C(0x20000000)

static const struct ipaddr all_nodes = {UINT64_C(0xff02) << 48, 1};

bool nd_is(uint8_t type)
{
	return type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT;
}

/* ---------------------------------------------------------------- writing */

struct nd_make {
	uint8_t type;
	uint32_t flags;
	const uint8_t *eth_src, *eth_dst; /* eth_dst NULL: of the group */
	const uint8_t *mac;		  /* option; NULL = none */
	struct ipaddr src, dst, target;
};

/* Writes a whole frame. */
static void nd_put(struct pkt *p, const struct nd_make *m)
{
	uint32_t len = ND_LEN + (m->mac ? (uint32_t)OPT_LEN : 0);
	uint8_t *f = pkt_append(p, ETH_HDR + IP6_HDR + len), *b = f + ETH_HDR + IP6_HDR;
	uint8_t group[6] = {0x33, 0x33};

	store_be32(group + 2, (uint32_t)m->dst.lo);
	memcpy(f, m->eth_dst ? m->eth_dst : group, 6);
	memcpy(f + 6, m->eth_src, 6);
	store_be16(f + 12, ETH_IP6);
	ip6_put(f + ETH_HDR,
		&(struct ip6_make){m->src, m->dst, 0, (uint16_t)len, IP_ICMP6, ND_HOPS, 0xc0});
	memset(b, 0, len);
	b[0] = m->type;
	store_be32(b + AT_FLAGS, m->flags);
	ipaddr_store(b + AT_TARGET, m->target);
	if (m->mac) {
		b[ND_LEN] = m->type == ND_SOLICIT ? OPT_SOURCE : OPT_TARGET;
		b[ND_LEN + 1] = 1;
		memcpy(b + ND_LEN + 2, m->mac, 6);
	}
	store_be16(b + 2,
		sum_done(sum_add(sum_pseudo6(m->src, m->dst, IP_ICMP6, len), view_of(b, len))));
}

void nd_solicit(struct worker *w, const struct iface *iface, struct ipaddr target)
{
	struct pkt *p = pkt_alloc(w->sh->pool);

	if (!p) {
		worker_count(w, STAT_DROP_NO_BUFFER);
		return;
	}
	worker_count(w, STAT_ND_SOLICITS);
	nd_put(p, &(struct nd_make){.type = ND_SOLICIT,
			  .eth_src = iface->mac,
			  .mac = iface->mac,
			  .src = iface_source(iface, target),
			  .dst = ip6_solicited(target),
			  .target = target});
	node_tx(w, p, iface->port);
}

void nd_announce_put(struct pkt *p, const uint8_t mac[6], struct ipaddr addr)
{
	/* RFC 4861 7.2.6: unsolicited, to all, and it overrides what they know */
	nd_put(p, &(struct nd_make){.type = ND_ADVERT,
			  .flags = ND_ROUTER | ND_OVERRIDE,
			  .eth_src = mac,
			  .mac = mac,
			  .src = addr,
			  .dst = all_nodes,
			  .target = addr});
}

void nd_probe_put(struct pkt *p, const uint8_t mac[6], struct ipaddr addr)
{
	/* RFC 4862 5.4.2: from nobody, so that no cache changes */
	nd_put(p, &(struct nd_make){.type = ND_SOLICIT,
			  .eth_src = mac,
			  .dst = ip6_solicited(addr),
			  .target = addr});
}

/* ---------------------------------------------------------------- reading */

struct nd {
	uint8_t type;
	uint32_t flags;
	struct ipaddr src, target;
	const uint8_t *mac;	/* of its option, or NULL */
	const uint8_t *eth_src; /* of the frame */
};

/* RFC 4861 4.6: options; a length of zero or beyond the packet makes all of it invalid. */
static bool nd_options(struct view v, uint8_t want, const uint8_t **mac)
{
	for (size_t i = 0; i < v.n; i += v.p[i + 1] * 8u) {
		if (v.n - i < 2 || v.p[i + 1] == 0 || v.p[i + 1] * 8u > v.n - i)
			return false;
		if (v.p[i] == want && v.p[i + 1] == 1 && !(v.p[i + 2] & 1))
			*mac = v.p + i + 2;
	}
	return true;
}

/* RFC 4861 7.1: what may be believed. STAT_COUNT: all of it. */
static enum counter nd_read(const struct pkt *p, const struct ip6 *h, struct nd *out)
{
	const uint8_t *b = p->p + h->hdr;
	uint32_t len = p->len - h->hdr;

	if (h->hops != ND_HOPS)
		return STAT_DROP_ND_HOPS;
	if (sum_done(sum_add(sum_pseudo6(h->src, h->dst, IP_ICMP6, len), view_of(b, len))) != 0)
		return STAT_DROP_ICMP6_SUM;
	if (b[0] != ND_SOLICIT && b[0] != ND_ADVERT)
		return STAT_DROP_ND_OTHER;
	if (len < ND_LEN)
		return STAT_DROP_ND_SHORT;
	*out = (struct nd){.type = b[0],
		.flags = load_be32(b + AT_FLAGS),
		.src = h->src,
		.target = ipaddr_load(b + AT_TARGET),
		.eth_src = p->p - ETH_HDR + 6};
	if (b[1] != 0 || ip6_is_group(out->target) || ipaddr_is_v4(out->target))
		return STAT_DROP_ND_TARGET;
	if (!nd_options(view_of(b + ND_LEN, len - ND_LEN),
		    b[0] == ND_SOLICIT ? OPT_SOURCE : OPT_TARGET, &out->mac))
		return STAT_DROP_ND_OPTION;
	return STAT_COUNT;
}

static bool may_answer(const struct worker *w, const struct iface *iface)
{
	uint8_t node;

	return iface->rg == 0 || gate_rg(w, iface->rg, &node) == GATE_ACT;
}

static void answer(struct worker *w, const struct iface *iface, const struct nd *n)
{
	bool nobody = ipaddr_is_none(n->src);
	struct pkt *p = pkt_alloc(w->sh->pool);

	if (!p) {
		worker_count(w, STAT_DROP_NO_BUFFER);
		return;
	}
	worker_count(w, STAT_ND_ADVERTS);
	nd_put(p, &(struct nd_make){.type = ND_ADVERT,
			  .flags = ND_ROUTER | ND_OVERRIDE | (nobody ? 0 : ND_SOLICITED),
			  .eth_src = iface->mac,
			  .eth_dst = nobody   ? NULL
				     : n->mac ? n->mac
					      : n->eth_src,
			  .mac = iface->mac,
			  .src = n->target,
			  .dst = nobody ? all_nodes : n->src,
			  .target = n->target});
	node_tx(w, p, iface->port);
}

static void on_solicit(
	struct worker *w, struct pkt *p, const struct iface *iface, const struct nd *n)
{
	bool ours = iface_owns(iface, n->target);

	if (n->mac && !ipaddr_is_none(n->src) && !iface_owns(iface, n->src))
		neighbour_learn(w, iface, n->src, n->mac, ours);
	if (!ours || !may_answer(w, iface)) {
		worker_drop(w, p, STAT_DROP_ND_OTHER);
		return;
	}
	answer(w, iface, n);
	pkt_free(p);
}

static void on_advert(
	struct worker *w, struct pkt *p, const struct iface *iface, const struct nd *n)
{
	struct note note = {.kind = NOTE_ARP_ANSWER};
	uint8_t known[6];

	if (iface_owns(iface, n->target)) {
		/* Somebody else answers for an address of ours: news for the probes. */
		note.arp.addr = n->target;
		note.arp.iface = iface->slot;
		memcpy(note.arp.mac, n->eth_src, 6);
		if (memcmp(n->eth_src, w->sh->ports[iface->port]->mac, 6) != 0)
			(void)worker_note(w, &note);
	} else if (n->mac && (n->flags & ND_OVERRIDE || !neighbour_find(w->sh->neighbours,
								iface->slot, n->target, known))) {
		neighbour_learn(w, iface, n->target, n->mac, false);
	}
	worker_drop(w, p, STAT_ND_HEARD);
}

void node_nd(struct worker *w, struct pkt *p, const struct ip6 *h, const struct iface *iface)
{
	enum counter why;
	struct nd n;

	/* RFC 4861 7.1, RFC 6980 5: of this link only, by no tunnel, in no fragment */
	if (p->flags & (PKT_HOPPED | PKT_INNER | PKT_OURS) || h->frag_at || p->head < ETH_HDR ||
		iface->port >= w->sh->n_ports) {
		worker_drop(w, p, STAT_DROP_ND_OTHER);
		return;
	}
	if (w->id != 0) { /* neighbours are worker 0's */
		(void)pkt_push(p, ETH_HDR);
		p->kind = PKT_FRAME;
		worker_hand(w, 0, p);
		return;
	}
	why = nd_read(p, h, &n);
	if (why != STAT_COUNT)
		worker_drop(w, p, why);
	else if (n.type == ND_SOLICIT)
		on_solicit(w, p, iface, &n);
	else
		on_advert(w, p, iface, &n);
}
