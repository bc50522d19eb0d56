#include "core/ip6.h"

enum { OPT_PAD1 = 0, OPT_ACTION = 0xc0 /* what to do who does not know it; 0 = pass over */ };

/* Where the walk along the chain is. */
struct walk {
	const uint8_t *p;
	uint32_t n, at, naming;
	uint8_t next;
};

/* RFC 8200 4.2: options are read only so far as to know whether one must not be passed over. */
static enum ip6_fault options(const struct walk *w, uint32_t len, struct ip6 *h)
{
	uint32_t i = w->at + 2, end = w->at + len;

	while (i < end) {
		uint8_t type = w->p[i];

		if (type == OPT_PAD1) {
			i++;
			continue;
		}
		if (i + 1 >= end || i + 2 + w->p[i + 1] > end)
			return IP6_FAULT_OPTION;
		if (type & OPT_ACTION && h->option_at == 0)
			h->option_at = (uint16_t)i;
		i += 2u + w->p[i + 1];
	}
	return IP6_OK;
}

static enum ip6_fault fragment(struct walk *w, struct ip6 *h)
{
	if (h->frag_at)
		return IP6_FAULT_ORDER;
	h->frag_at = (uint16_t)w->at;
	h->naming_at = (uint16_t)w->naming;
	h->frag = load_be16(w->p + w->at + 2);
	h->frag_id = load_be32(w->p + w->at + 4);
	return IP6_OK;
}

/* One extension header; w->next is one. */
static enum ip6_fault extension(struct walk *w, struct ip6 *h)
{
	uint32_t len = IP6_FRAG_HDR;
	enum ip6_fault fault = IP6_OK;

	if (w->n - w->at < IP6_FRAG_HDR)
		return IP6_FAULT_CHAIN;
	if (w->next != IP_FRAGMENT)
		len = (w->p[w->at + 1] + 1u) * 8;
	if (len > w->n - w->at)
		return IP6_FAULT_CHAIN;
	if (w->at + len > IP6_HDR + IP6_EXT_OCTETS_MAX)
		return IP6_FAULT_LIMIT;
	if (w->next == IP_FRAGMENT) {
		fault = fragment(w, h);
	} else if (w->next == IP_ROUTING) {
		if (w->p[w->at + 2] == 0)
			return IP6_FAULT_ROUTING;
		if (w->p[w->at + 3] != 0)
			h->routing_at = (uint16_t)w->at;
	} else {
		if (w->next == IP_HOPOPTS && w->at != IP6_HDR)
			return IP6_FAULT_ORDER;
		fault = options(w, len, h);
	}
	w->next = w->p[w->at];
	w->naming = w->at;
	w->at += len;
	return fault;
}

static bool is_extension(uint8_t next)
{
	return next == IP_HOPOPTS || next == IP_ROUTING || next == IP_FRAGMENT ||
	       next == IP_DSTOPTS;
}

/* Up to the upper layer, or to where a later fragment begins. */
static enum ip6_fault chain(struct view packet, struct ip6 *h)
{
	struct walk w = {packet.p, (uint32_t)packet.n, IP6_HDR, IP6_AT_NEXT, packet.p[IP6_AT_NEXT]};

	for (uint32_t i = 0; is_extension(w.next); i++) {
		enum ip6_fault fault = i < IP6_EXT_MAX ? extension(&w, h) : IP6_FAULT_LIMIT;

		if (fault != IP6_OK)
			return fault;
		if (h->frag_at && h->frag & IP6_OFFSET)
			break;
	}
	/* RFC 7112: the first piece holds the whole chain. */
	if (w.at == w.n && h->frag & IP6_MF && !(h->frag & IP6_OFFSET))
		return IP6_FAULT_CHAIN;
	h->hdr = (uint16_t)w.at;
	h->proto = w.next;
	h->proto_at = (uint16_t)w.naming;
	return IP6_OK;
}

enum ip6_fault ip6_read(struct view v, struct ip6 *out)
{
	const uint8_t *p = v.p;
	enum ip6_fault fault;
	struct ip6 h;
	uint32_t len;

	if (v.n < IP6_HDR)
		return v.n && p[0] >> 4 != 6 ? IP6_FAULT_VERSION : IP6_FAULT_SHORT;
	if (p[0] >> 4 != 6)
		return IP6_FAULT_VERSION;
	len = IP6_HDR + (uint32_t)load_be16(p + IP6_AT_LEN);
	if (len > v.n || len > UINT16_MAX)
		return IP6_FAULT_SHORT;
	h = (struct ip6){
		.src = ipaddr_load(p + IP6_AT_SRC),
		.dst = ipaddr_load(p + IP6_AT_DST),
		.flow = load_be32(p) & 0xfffff,
		.len = (uint16_t)len,
		.hops = p[IP6_AT_HOPS],
		.tos = ip6_tos(p),
	};
	if (ipaddr_is_v4(h.src) || ipaddr_is_v4(h.dst))
		return IP6_FAULT_MAPPED;
	fault = chain(view_of(p, len), &h);
	if (fault == IP6_OK)
		*out = h;
	return fault;
}

void ip6_put(uint8_t *p, const struct ip6_make *m)
{
	store_be32(p, UINT32_C(6) << 28 | (uint32_t)m->tos << 20 | (m->flow & 0xfffff));
	store_be16(p + IP6_AT_LEN, m->len);
	p[IP6_AT_NEXT] = m->next;
	p[IP6_AT_HOPS] = m->hops;
	ipaddr_store(p + IP6_AT_SRC, m->src);
	ipaddr_store(p + IP6_AT_DST, m->dst);
}

static uint32_t sum64(uint64_t v)
{
	return (uint32_t)(v >> 48) + (uint32_t)(v >> 32 & 0xffff) + (uint32_t)(v >> 16 & 0xffff) +
	       (uint32_t)(v & 0xffff);
}

uint32_t sum_pseudo6(struct ipaddr src, struct ipaddr dst, uint8_t proto, uint32_t len)
{
	return sum64(src.hi) + sum64(src.lo) + sum64(dst.hi) + sum64(dst.lo) + (len >> 16) +
	       (len & 0xffff) + proto;
}

struct ipaddr ip6_link_local(const uint8_t mac[6])
{
	return (struct ipaddr){
		.hi = UINT64_C(0xfe80) << 48,
		.lo = (uint64_t)(mac[0] ^ 2) << 56 | (uint64_t)mac[1] << 48 |
		      (uint64_t)mac[2] << 40 | UINT64_C(0xfffe) << 24 | (uint64_t)mac[3] << 16 |
		      (uint64_t)mac[4] << 8 | mac[5],
	};
}

struct ipaddr ip6_solicited(struct ipaddr a)
{
	return (struct ipaddr){UINT64_C(0xff02) << 48, UINT64_C(0x1ff000000) | (a.lo & 0xffffff)};
}
