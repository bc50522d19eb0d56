#include "node/node.h"

enum {
	ICMP_HDR = 8,
	ICMP_ECHO = 8,
	ICMP_ECHO_REPLY = 0,
	ICMP_QUOTE = 8, /* octets of the payload quoted, RFC 792 */
	RATE_PER_S = 100,
	RATE_BURST = 50,
};

#define NS_PER_TOKEN (UINT64_C(1000000000) / RATE_PER_S)

/* RFC 1812 4.3.2.8: errors are rate limited. */
static bool take_token(struct worker *w)
{
	uint64_t n = (w->now_ns - w->icmp_ns) / NS_PER_TOKEN;

	if (n) {
		w->icmp_tokens = MIN(w->icmp_tokens + n, (uint64_t)RATE_BURST);
		w->icmp_ns = w->now_ns;
	}
	if (w->icmp_tokens == 0)
		return false;
	w->icmp_tokens--;
	return true;
}

struct pkt *icmp_error_new(struct worker *w)
{
	struct pkt *e;

	if (!take_token(w)) {
		worker_count(w, STAT_ICMP_LIMITED);
		return NULL;
	}
	e = pkt_alloc(w->sh->pool);
	if (!e)
		worker_count(w, STAT_DROP_NO_BUFFER);
	return e;
}

/* p at the IP header of an echo request to us: turned round in place. */
static void icmp_echo(struct worker *w, struct pkt *p, const struct ip4 *h)
{
	uint8_t *icmp = p->p + h->hdr;
	uint16_t type_code = load_be16(icmp);

	icmp[0] = ICMP_ECHO_REPLY;
	store_be16(icmp + 2, sum_update(load_be16(icmp + 2), type_code, load_be16(icmp)));
	/* Options are not sent back: the header is written anew in front of the message. */
	pkt_pull(p, h->hdr);
	ip4_put(pkt_push(p, IP4_HDR), &(struct ip4_make){
					      .src = h->dst,
					      .dst = h->src,
					      .len = (uint16_t)p->len,
					      .id = w->ip_id++,
					      .proto = IP_ICMP,
					      .ttl = 64,
					      .tos = h->tos,
				      });
	p->flags = PKT_OURS;
	worker_count(w, STAT_ICMP_ECHOES);
	vec_add(&w->route, p);
}

void node_icmp(struct worker *w, struct pkt *p, const struct ip4 *h, const struct iface *own)
{
	const uint8_t *icmp = p->p + h->hdr;
	uint8_t node;

	if (p->len < (uint32_t)h->hdr + ICMP_HDR)
		worker_drop(w, p, STAT_DROP_ICMP_SHORT);
	else if (sum_done(sum_add(0, view_of(icmp, p->len - h->hdr))) != 0)
		worker_drop(w, p, STAT_DROP_ICMP_SUM);
	else if (own->rg != 0 && gate_rg(w, own->rg, &node) != GATE_ACT)
		worker_drop(w, p, STAT_DROP_RG_STANDBY);
	else if (icmp[0] == ICMP_ECHO)
		icmp_echo(w, p, h);
	else if (icmp[0] == ICMP_UNREACHABLE && icmp[1] == ICMP_TOO_BIG)
		path_mtu_heard(w, p, h);
	else
		worker_drop(w, p, STAT_DROP_ICMP);
}

/* RFC 1122 3.2.2: never about an ICMP error, a fragment other than the first, or our own. */
static bool icmp_may_answer(const struct pkt *p)
{
	const uint8_t *ip = p->p;
	uint32_t hdr = (ip[0] & 15u) * 4;

	if (p->flags & PKT_OURS || load_be16(ip + IP4_AT_FRAG) & IP4_OFFSET)
		return false;
	if (ip[IP4_AT_PROTO] == IP_ICMP)
		return p->len > hdr && (ip[hdr] == ICMP_ECHO || ip[hdr] == ICMP_ECHO_REPLY);
	return true;
}

void icmp_error(struct worker *w, const struct pkt *p, uint8_t type, uint8_t code, uint32_t mtu)
{
	const struct iface *in = net_iface(w->net, p->iface);
	const struct iface *from = in ? net_iface(w->net, in->voice) : NULL;
	uint32_t quote = MIN(p->len, (uint32_t)((p->p[0] & 15) * 4 + ICMP_QUOTE));
	uint32_t len = IP4_HDR + ICMP_HDR + quote, dst = load_be32(p->p + IP4_AT_SRC);
	struct ipaddr own = net_source(w->net, from, ipaddr_v4(dst));
	struct pkt *e;
	uint8_t *b;

	if (!icmp_may_answer(p) || ipaddr_is_none(own) || w->route.n >= PKT_VEC)
		return;
	e = icmp_error_new(w);
	if (!e)
		return;
	b = pkt_append(e, len);
	ip4_put(b, &(struct ip4_make){ipaddr_to_v4(own), dst, (uint16_t)len, w->ip_id++, 0, IP_ICMP,
			   64, 0xc0});
	b += IP4_HDR;
	memset(b, 0, ICMP_HDR);
	b[0] = type;
	b[1] = code;
	store_be16(b + 6, (uint16_t)mtu);
	memcpy(b + ICMP_HDR, p->p, quote);
	store_be16(b + 2, sum_done(sum_add(0, view_of(b, ICMP_HDR + quote))));
	e->flags = PKT_OURS;
	e->iface = p->iface;
	worker_count(w, STAT_ICMP_ERRORS);
	vec_add(&w->route, e);
}
