/*
 * "Fragmentation needed" (IPv6: "packet too big") about an outer packet of ours (RFC 4301 8.2).
 * Anybody can send one, so it is believed only with an SPI and a number that we sent lately, at
 * most a few times a second, never below a floor, and for ten minutes. The first check is here;
 * whose SPI it is, and which numbers it has sent, the API thread looks up (path_mtu_ctl.c): that
 * takes a walk over all SAs, which no stranger may make a worker do.
 */
#include "node/node.h"

enum { UDP_HDR = 8, QUOTED_ESP = 8, AT_MTU = 6, AT_MTU6 = 4, ICMP_HDR = 8 };

#define HEARD_NS (UINT64_C(200) * 1000 * 1000)

/* Where the ESP header of a quoted IPv4 packet of ours is; NULL when it is none, or cut too short.
 */
static const uint8_t *quoted_esp(struct view q, uint32_t own)
{
	uint32_t at;

	if (q.n < IP4_HDR || q.p[0] >> 4 != 4 || load_be32(q.p + IP4_AT_SRC) != own ||
		(load_be16(q.p + IP4_AT_FRAG) & IP4_OFFSET) != 0)
		return NULL;
	at = (q.p[0] & 15u) * 4;
	if (q.p[IP4_AT_PROTO] == IP_UDP)
		at += UDP_HDR;
	else if (q.p[IP4_AT_PROTO] != IP_ESP)
		return NULL;
	return at + QUOTED_ESP <= q.n ? q.p + at : NULL;
}

/* .. of an IPv6 packet; ours have no extension headers but the one of a fragment. */
static const uint8_t *quoted_esp6(struct view q, struct ipaddr own)
{
	uint32_t at = IP6_HDR;

	if (q.n < IP6_HDR || q.p[0] >> 4 != 6 || !ipaddr_equal(ip_src(q.p), own))
		return NULL;
	if (q.p[IP6_AT_NEXT] == IP_UDP)
		at += UDP_HDR;
	else if (q.p[IP6_AT_NEXT] != IP_ESP)
		return NULL;
	return at + QUOTED_ESP <= q.n ? q.p + at : NULL;
}

bool path_mtu_tell(struct worker *w, struct note *n)
{
	if (w->now_ns - w->path_mtu_ns < HEARD_NS)
		return false;
	w->path_mtu_ns = w->now_ns;
	n->kind = NOTE_PATH_MTU;
	worker_count(w, STAT_PATH_MTU_HEARD);
	(void)worker_note(w, n);
	return true;
}

void path_mtu_heard(struct worker *w, struct pkt *p, const struct ip4 *h)
{
	const uint8_t *icmp = p->p + h->hdr;
	struct view q = view_of(icmp + ICMP_HDR, p->len - h->hdr - ICMP_HDR);
	const uint8_t *esp = quoted_esp(q, h->dst);
	uint16_t mtu = load_be16(icmp + AT_MTU);
	struct note n = {0};

	/* RFC 1191: smaller than what did not fit; 0 is from a router that does not know of this.
	 */
	if (esp && mtu != 0 && mtu < load_be16(q.p + IP4_AT_LEN)) {
		n.spi = load_be32(esp);
		n.path_mtu.number = load_be32(esp + 4);
		n.path_mtu.remote = ipaddr_v4(load_be32(q.p + IP4_AT_DST));
		n.path_mtu.mtu = mtu;
		if (path_mtu_tell(w, &n)) {
			pkt_free(p);
			return;
		}
	}
	worker_drop(w, p, STAT_DROP_PATH_MTU);
}

void path_mtu_heard6(struct worker *w, struct pkt *p, const struct ip6 *h)
{
	const uint8_t *icmp = p->p + h->hdr;
	struct view q = view_of(icmp + ICMP_HDR, p->len - h->hdr - ICMP_HDR);
	const uint8_t *esp = quoted_esp6(q, h->dst);
	uint32_t mtu = load_be32(icmp + AT_MTU6);
	struct note n = {0};

	/* RFC 8201 4: smaller than what did not fit; the floor is the API thread's. */
	if (esp && mtu != 0 && mtu < IP6_HDR + (uint32_t)load_be16(q.p + IP6_AT_LEN)) {
		n.spi = load_be32(esp);
		n.path_mtu.number = load_be32(esp + 4);
		n.path_mtu.remote = ip_dst(q.p);
		n.path_mtu.mtu = (uint16_t)mtu;
		if (path_mtu_tell(w, &n)) {
			pkt_free(p);
			return;
		}
	}
	worker_drop(w, p, STAT_DROP_PATH_MTU);
}

void path_mtu_age(const struct worker *w, struct sa *sa)
{
	struct sa_cold *c = sa_cold(sa);
	uint64_t until = atomic_load_explicit(&c->mtu_until_ns, memory_order_relaxed);
	uint16_t mtu = c->outer.mtu;

	if (until == 0 || w->now_ns < until)
		return;
	atomic_store(&c->mtu_until_ns, 0);
	atomic_store(&sa->mtu, mtu ? mtu : OUTER_MTU_NONE);
}
