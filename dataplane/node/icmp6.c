#include "node/node.h"

enum {
	ICMP6_HDR = 8,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_REDIRECT = 137,
	ICMP6_ERROR_LAST = 127,
};

static bool sum_is_good(const struct pkt *p, const struct ip6 *h)
{
	uint32_t len = p->len - h->hdr;

	return sum_done(sum_add(sum_pseudo6(h->src, h->dst, IP_ICMP6, len),
		       view_of(p->p + h->hdr, len))) == 0;
}

/* p at the IP header of an echo request to us: turned round in place. */
static void echo(struct worker *w, struct pkt *p, const struct ip6 *h)
{
	uint8_t *icmp = p->p + h->hdr;
	uint16_t was = load_be16(icmp);

	icmp[0] = ICMP6_ECHO_REPLY; /* the pseudo header's sum does not change with the direction */
	store_be16(icmp + 2, sum_update(load_be16(icmp + 2), was, load_be16(icmp)));
	pkt_pull(p, h->hdr); /* extension headers are not sent back */
	(void)pkt_push(p, IP6_HDR);
	ip6_put(p->p, &(struct ip6_make){h->dst, h->src, 0, (uint16_t)(p->len - IP6_HDR), IP_ICMP6,
			      64, h->tos});
	p->flags = PKT_OURS;
	worker_count(w, STAT_ICMP_ECHOES);
	vec_add(&w->route, p);
}

void node_icmp6(struct worker *w, struct pkt *p, const struct ip6 *h, const struct iface *own)
{
	uint8_t node;

	if (p->len < (uint32_t)h->hdr + ICMP6_HDR) {
		worker_drop(w, p, STAT_DROP_ICMP6_SHORT);
	} else if (nd_is(p->p[h->hdr])) {
		node_nd(w, p, h, own);
	} else if (!sum_is_good(p, h)) {
		worker_drop(w, p, STAT_DROP_ICMP6_SUM);
	} else if (own->rg != 0 && gate_rg(w, own->rg, &node) != GATE_ACT) {
		worker_drop(w, p, STAT_DROP_ICMP);
	} else if (p->p[h->hdr] == ICMP6_ECHO) {
		echo(w, p, h);
	} else if (p->p[h->hdr] == ICMP6_TOO_BIG) {
		path_mtu_heard6(w, p, h);
	} else {
		worker_drop(w, p, STAT_DROP_ICMP);
	}
}

/* RFC 4443 2.4 (e): never about an error, a redirect, a group, nobody, or our own. */
static bool may_answer(const struct pkt *p, const struct ip6 *h)
{
	if (p->flags & PKT_OURS || ip6_is_group(h->dst) || ip6_is_group(h->src) ||
		ipaddr_is_none(h->src) || h->frag & IP6_OFFSET)
		return false;
	if (h->proto != IP_ICMP6)
		return true;
	return p->len > h->hdr && p->p[h->hdr] > ICMP6_ERROR_LAST && p->p[h->hdr] != ICMP6_REDIRECT;
}

/* Writes the error into e; as much of p as fits into the least MTU is quoted. */
static void error_fill(
	struct pkt *e, const struct pkt *p, struct ipaddr src, const struct icmp6_say *say)
{
	uint32_t quote = MIN(p->len, (uint32_t)(IP6_MTU_MIN - IP6_HDR - ICMP6_HDR));
	uint32_t len = ICMP6_HDR + quote;
	struct ipaddr dst = ip_src(p->p);
	uint8_t *b = pkt_append(e, IP6_HDR + len);

	ip6_put(b, &(struct ip6_make){src, dst, 0, (uint16_t)len, IP_ICMP6, 64, 0xc0});
	b += IP6_HDR;
	b[0] = say->type;
	b[1] = say->code;
	store_be16(b + 2, 0);
	store_be32(b + 4, say->param);
	memcpy(b + ICMP6_HDR, p->p, quote);
	store_be16(b + 2, sum_done(sum_add(sum_pseudo6(src, dst, IP_ICMP6, len), view_of(b, len))));
}

void icmp6_error(struct worker *w, const struct pkt *p, const struct icmp6_say *say)
{
	struct ipaddr src;
	struct pkt *e;
	struct ip6 h;

	if (ip6_read(pkt_view(p), &h) != IP6_OK || !may_answer(p, &h) || w->route.n >= PKT_VEC)
		return;
	src = net_source(w->net, net_iface(w->net, p->iface), h.src);
	if (ipaddr_is_none(src))
		return;
	e = icmp_error_new(w);
	if (!e)
		return;
	error_fill(e, p, src, say);
	e->iface = p->iface;
	e->flags = PKT_OURS;
	worker_count(w, STAT_ICMP_ERRORS);
	vec_add(&w->route, e);
}

/* ---------------------------------------------------------------- either family */

void answer_too_big(struct worker *w, const struct pkt *p, uint32_t mtu)
{
	if (ip_is_v4(p->p))
		icmp_error(w, p, ICMP_UNREACHABLE, ICMP_TOO_BIG, mtu);
	else /* RFC 8200 5: nobody has to go below */
		icmp6_error(w, p,
			&(struct icmp6_say){ICMP6_TOO_BIG, 0, MAX(mtu, (uint32_t)IP6_MTU_MIN)});
}

void answer_no_route(struct worker *w, const struct pkt *p)
{
	if (ip_is_v4(p->p))
		icmp_error(w, p, ICMP_UNREACHABLE, ICMP_NET, 0);
	else
		icmp6_error(w, p, &(struct icmp6_say){ICMP6_UNREACHABLE, 0, 0});
}

void answer_expired(struct worker *w, const struct pkt *p)
{
	if (ip_is_v4(p->p))
		icmp_error(w, p, ICMP_TIME_EXCEEDED, 0, 0);
	else
		icmp6_error(w, p, &(struct icmp6_say){ICMP6_EXPIRED, 0, 0});
}
