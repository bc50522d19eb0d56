#include "core/ip4.h"

#include "base/err.h"

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
