#include "core/cut.h"

#include "base/err.h"

enum { OPT_END = 0, OPT_NOP = 1, OPT_COPIED = 0x80, UNIT = 8 };

/* RFC 791 3.1: options that say so go into every fragment. */
static uint32_t options_copied(const uint8_t *from, uint32_t n, uint8_t *to)
{
	uint32_t out = 0, len;

	for (uint32_t i = 0; i < n; i += len) {
		if (from[i] == OPT_END)
			break;
		len = 1;
		if (from[i] == OPT_NOP)
			continue;
		if (i + 1 >= n || from[i + 1] < 2 || i + from[i + 1] > n)
			break; /* nonsense: left out with what follows */
		len = from[i + 1];
		if (!(from[i] & OPT_COPIED))
			continue;
		memcpy(to + out, from + i, len);
		out += len;
	}
	while (out % 4)
		to[out++] = OPT_END;
	return out;
}

int ip4_cut_init(struct ip4_cut *c, struct view packet, uint32_t mtu)
{
	*c = (struct ip4_cut){.packet = packet, .hdr = (packet.p[0] & 15u) * 4};
	if (load_be16(packet.p + IP4_AT_FRAG) & IP4_DF || mtu < c->hdr + UNIT)
		return -ERR_VALUE;
	c->room = (mtu - c->hdr) / UNIT * UNIT;
	if ((packet.n - c->hdr + c->room - 1) / c->room > IP4_CUT_MAX)
		return -ERR_VALUE;
	memcpy(c->later, packet.p, IP4_HDR);
	c->later_hdr =
		IP4_HDR + options_copied(packet.p + IP4_HDR, c->hdr - IP4_HDR, c->later + IP4_HDR);
	c->later[0] = (uint8_t)(0x40 | c->later_hdr / 4);
	return 0;
}

uint32_t ip4_cut_next(struct ip4_cut *c, uint8_t *out)
{
	uint32_t left = (uint32_t)c->packet.n - c->hdr - c->at, n = MIN(left, c->room);
	uint32_t hdr = c->at ? c->later_hdr : c->hdr;
	uint16_t frag;

	if (left == 0)
		return 0;
	memcpy(out, c->at ? c->later : c->packet.p, hdr);
	memcpy(out + hdr, c->packet.p + c->hdr + c->at, n);
	frag = (uint16_t)(load_be16(c->packet.p + IP4_AT_FRAG) + c->at / UNIT);
	if (n < left)
		frag |= IP4_MF;
	store_be16(out + IP4_AT_LEN, (uint16_t)(hdr + n));
	store_be16(out + IP4_AT_FRAG, frag);
	store_be16(out + IP4_AT_SUM, 0);
	store_be16(out + IP4_AT_SUM, sum_done(sum_add(0, view_of(out, hdr))));
	c->at += n;
	return hdr + n;
}

int ip6_cut_init(struct ip6_cut *c, struct view packet, uint32_t mtu, uint32_t id)
{
	if (packet.n <= IP6_HDR || mtu < IP6_HDR + IP6_FRAG_HDR + UNIT)
		return -ERR_VALUE;
	*c = (struct ip6_cut){
		.packet = packet, .room = (mtu - IP6_HDR - IP6_FRAG_HDR) / UNIT * UNIT, .id = id};
	return (packet.n - IP6_HDR + c->room - 1) / c->room > IP4_CUT_MAX ? -ERR_VALUE : 0;
}

uint32_t ip6_cut_next(struct ip6_cut *c, uint8_t *out)
{
	uint32_t left = (uint32_t)c->packet.n - IP6_HDR - c->at, n = MIN(left, c->room);
	uint8_t *f = out + IP6_HDR;

	if (left == 0)
		return 0;
	memcpy(out, c->packet.p, IP6_HDR);
	out[IP6_AT_NEXT] = IP_FRAGMENT;
	store_be16(out + IP6_AT_LEN, (uint16_t)(IP6_FRAG_HDR + n));
	f[0] = c->packet.p[IP6_AT_NEXT];
	f[1] = 0;
	store_be16(f + 2, (uint16_t)(c->at | (n < left ? (uint32_t)IP6_MF : 0)));
	store_be32(f + 4, c->id);
	memcpy(f + IP6_FRAG_HDR, c->packet.p + IP6_HDR + c->at, n);
	c->at += n;
	return IP6_HDR + IP6_FRAG_HDR + n;
}
