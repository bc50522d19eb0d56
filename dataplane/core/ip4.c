#include "core/ip4.h"

#include "base/err.h"

enum ip4_fault ip4_read(struct view v, struct ip4 *out)
{
	const uint8_t *p = v.p;
	uint32_t hdr, len;

	if (v.n < IP4_HDR)
		return IP4_FAULT_SHORT;
	hdr = (p[0] & 15u) * 4;
	if (p[0] >> 4 != 4 || hdr < IP4_HDR)
		return IP4_FAULT_VERSION;
	len = load_be16(p + IP4_AT_LEN);
	if (hdr > v.n || len < hdr || len > v.n)
		return IP4_FAULT_SHORT;
	if (sum_done(sum_add(0, view_of(p, hdr))) != 0)
		return IP4_FAULT_SUM;
	*out = (struct ip4){
		.src = load_be32(p + IP4_AT_SRC),
		.dst = load_be32(p + IP4_AT_DST),
		.len = (uint16_t)len,
		.frag = load_be16(p + IP4_AT_FRAG),
		.hdr = (uint8_t)hdr,
		.proto = p[IP4_AT_PROTO],
		.ttl = p[IP4_AT_TTL],
		.tos = p[IP4_AT_TOS],
	};
	return IP4_OK;
}

uint32_t sum_add(uint32_t sum, struct view v)
{
	uint64_t s = sum;
	size_t i = 0;

	for (; i + 4 <= v.n; i += 4)
		s += load_be32(v.p + i);
	if (i + 2 <= v.n) {
		s += load_be16(v.p + i);
		i += 2;
	}
	if (i < v.n)
		s += (uint32_t)v.p[i] << 8;
	s = (s & 0xffffffff) + (s >> 32);
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return (uint32_t)s;
}

uint16_t sum_done(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint32_t sum_pseudo(uint32_t src, uint32_t dst, uint8_t proto, uint16_t len)
{
	return (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) + proto + len;
}

void ip4_put(uint8_t *p, const struct ip4_make *m)
{
	p[0] = 0x45;
	p[IP4_AT_TOS] = m->tos;
	store_be16(p + IP4_AT_LEN, m->len);
	store_be16(p + IP4_AT_ID, m->id);
	store_be16(p + IP4_AT_FRAG, m->frag);
	p[IP4_AT_TTL] = m->ttl;
	p[IP4_AT_PROTO] = m->proto;
	store_be16(p + IP4_AT_SUM, 0);
	store_be32(p + IP4_AT_SRC, m->src);
	store_be32(p + IP4_AT_DST, m->dst);
	store_be16(p + IP4_AT_SUM, sum_done(sum_add(0, view_of(p, IP4_HDR))));
}

int ecn_leave(uint8_t inner_tos, uint8_t outer_tos, uint8_t *tos)
{
	enum { NOT_ECT, ECT1, ECT0, CE };

	uint8_t in = inner_tos & 3, out = outer_tos & 3;

	*tos = inner_tos;
	if (out == CE) {
		if (in == NOT_ECT)
			return -ERR_VALUE;
		*tos = inner_tos | CE;
	} else if (out == ECT1 && in == ECT0) {
		*tos = (uint8_t)((inner_tos & ~3) | ECT1);
	}
	return 0;
}

bool ip4_ports(struct view packet, const struct ip4 *h, uint16_t *src, uint16_t *dst)
{
	const uint8_t *l4 = packet.p + h->hdr;
	size_t left = packet.n - h->hdr;

	*src = *dst = 0;
	if ((h->frag & IP4_OFFSET) != 0)
		return false;
	switch (h->proto) {
	case IP_TCP:
	case IP_UDP:
	case 132: /* SCTP */
		if (left < 4)
			return false;
		*src = load_be16(l4);
		*dst = load_be16(l4 + 2);
		return true;
	case IP_ICMP: /* type and code as one number, for both sides */
		if (left < 2)
			return false;
		*src = *dst = load_be16(l4);
		return true;
	default:
		return false;
	}
}
