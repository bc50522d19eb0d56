/*
 * "Fragmentation needed" (IPv6: "packet too big") about an outer packet of ours (RFC 4301 8.2).
 * Anybody can send one, so it is believed only with an SPI and a number that we sent lately, at
 * most a few times a second, never below a floor, and for ten minutes. The first check is here;
 * whose SPI it is, and which numbers it has sent, the API thread looks up (path_mtu_ctl.c): that
 * takes a walk over all SAs, which no stranger may make a worker do.
 */
#include "node/node.h"

enum { UDP_HDR = 8, ICMP_HDR = 8, AT_MTU = 6, AT_MTU6 = 4 };

#define HEARD_NS (UINT64_C(200) * 1000 * 1000)

/* SPI and number of a quoted packet, `at` octets behind its start; false when they are not there.
 */
static bool quoted_sa(struct view q, uint32_t at, uint8_t proto, struct note *n)
{
	if (proto == IP_UDP)
		at += UDP_HDR;
	else if (proto == IP_AH)
		at += 4; /* next header, length, reserved */
	else if (proto != IP_ESP)
		return false;
	if (at + 8 > q.n)
		return false;
	n->spi = load_be32(q.p + at);
	n->path_mtu.number = load_be32(q.p + at + 4);
	return true;
}

/* Is an IPv4 packet of ours quoted, with as much of it as tells its SA? */
static bool quoted4(struct view q, uint32_t own, struct note *n)
{
	if (q.n < IP4_HDR || q.p[0] >> 4 != 4 || load_be32(q.p + IP4_AT_SRC) != own ||
		(load_be16(q.p + IP4_AT_FRAG) & IP4_OFFSET) != 0)
		return false;
	n->path_mtu.remote = ipaddr_v4(load_be32(q.p + IP4_AT_DST));
	return quoted_sa(q, (q.p[0] & 15u) * 4, q.p[IP4_AT_PROTO], n);
}

/* .. an IPv6 packet? Ours have no extension headers but the one of a fragment. */
static bool quoted6(struct view q, struct ipaddr own, struct note *n)
{
	if (q.n < IP6_HDR || q.p[0] >> 4 != 6 || !ipaddr_equal(ip_src(q.p), own))
		return false;
	n->path_mtu.remote = ip_dst(q.p);
	return quoted_sa(q, IP6_HDR, q.p[IP6_AT_NEXT], n);
}

/* n.spi and n.path_mtu are set: to the API thread, which looks the SA up. False: too many of late.
 */
static bool pass_on(struct worker *w, struct note *n)
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
	uint16_t mtu = load_be16(icmp + AT_MTU);
	struct note n = {.path_mtu = {.mtu = mtu}};

	/* RFC 1191: smaller than what did not fit; 0 is from a router that does not know of this.
	 */
	if (quoted4(q, h->dst, &n) && mtu != 0 && mtu < load_be16(q.p + IP4_AT_LEN) &&
		pass_on(w, &n))
		pkt_free(p);
	else
		worker_drop(w, p, STAT_DROP_PATH_MTU);
}

void path_mtu_heard6(struct worker *w, struct pkt *p, const struct ip6 *h)
{
	const uint8_t *icmp = p->p + h->hdr;
	struct view q = view_of(icmp + ICMP_HDR, p->len - h->hdr - ICMP_HDR);
	uint32_t mtu = load_be32(icmp + AT_MTU6);
	struct note n = {.path_mtu = {.mtu = (uint16_t)MIN(mtu, (uint32_t)UINT16_MAX)}};

	/* RFC 8201 4: smaller than what did not fit; the floor is the API thread's. */
	if (quoted6(q, h->dst, &n) && mtu != 0 &&
		mtu < IP6_HDR + (uint32_t)load_be16(q.p + IP6_AT_LEN) && pass_on(w, &n))
		pkt_free(p);
	else
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
