#include "core/ah.h"

#include "core/ip4.h"

enum {
	IP6_HDR_LEN = 40,
	IP6_AT_NEXT_HDR = 6,
	IP6_AT_HOPS = 7,
	IP6_AT_DEST = 24,
	IP6_ADDRESS = 16,
	EXT_HOP_BY_HOP = 0,
	EXT_ROUTING = 43,
	EXT_DEST_OPTIONS = 60,
	EXT_MIN = 8,
	ROUTING_SOURCE = 0, /* RFC 8200 4.4, deprecated by RFC 5095 */
	ROUTING_HOME = 2,   /* RFC 6275 6.4 */
	ROUTING_FRONT = 8,
	OPT6_PAD1 = 0,
	OPT6_MAY_CHANGE = 0x20, /* RFC 8200 4.2 */
	OPT4_END = 0,
	OPT4_NOP = 1,
	OPT4_LOOSE_ROUTE = 131,
	OPT4_STRICT_ROUTE = 137,
	ROUTE_MIN = 7, /* type, length, pointer and an address */
};

/* ---------------------------------------------------------------- where it is */

/* Length of an IPv6 extension header; 0 when it is not whole. */
static uint32_t ext_len(struct view v, uint32_t at)
{
	uint32_t n;

	if (v.n < at + EXT_MIN)
		return 0;
	n = (v.p[at + 1] + 1u) * 8;
	return n <= v.n - at ? n : 0;
}

static bool is_ext(uint8_t next)
{
	return next == EXT_HOP_BY_HOP || next == EXT_ROUTING || next == EXT_DEST_OPTIONS;
}

static enum ah_fault front_ip6(struct view v, struct ah_place *a)
{
	uint32_t at = IP6_HDR_LEN, next_at = IP6_AT_NEXT_HDR;

	if (v.n < IP6_HDR_LEN)
		return AH_FAULT_SHORT;
	while (v.p[next_at] != IP_AH) {
		uint32_t n;

		if (!is_ext(v.p[next_at]))
			return AH_FAULT_HEADERS;
		n = ext_len(v, at);
		if (n == 0)
			return AH_FAULT_SHORT;
		next_at = at;
		at += n;
		if (at > AH_SAVE_MAX)
			return AH_FAULT_HEADERS;
	}
	a->at = (uint16_t)at;
	a->next_at = (uint16_t)next_at;
	return AH_OK;
}

static enum ah_fault front_ip4(struct view v, struct ah_place *a)
{
	a->at = (uint16_t)((v.p[0] & 15u) * 4);
	a->next_at = IP4_AT_PROTO;
	if (a->at < IP4_HDR || a->at > v.n)
		return AH_FAULT_SHORT;
	return v.p[IP4_AT_PROTO] == IP_AH ? AH_OK : AH_FAULT_HEADERS;
}

enum ah_fault ah_find(struct view packet, uint32_t icv, struct ah_place *out)
{
	struct ah_place a = {.icv = (uint8_t)icv};
	enum ah_fault fault;
	bool ip6;

	if (packet.n < IP4_HDR)
		return AH_FAULT_SHORT;
	ip6 = packet.p[0] >> 4 == 6;
	fault = ip6 ? front_ip6(packet, &a) : front_ip4(packet, &a);
	if (fault != AH_OK)
		return fault;
	if (packet.n < (size_t)a.at + AH_HDR + icv)
		return AH_FAULT_SHORT;
	a.len = (uint16_t)((packet.p[a.at + AH_AT_LEN] + 2u) * 4); /* RFC 4302 2.2 */
	if (a.len != ah_size(icv, ip6) && a.len != ah_size(icv, true))
		return AH_FAULT_LENGTH;
	if (packet.n < (size_t)a.at + a.len)
		return AH_FAULT_SHORT;
	if ((uint32_t)a.at + AH_HDR + icv > AH_SAVE_MAX)
		return AH_FAULT_HEADERS;
	a.next = packet.p[a.at];
	*out = a;
	return AH_OK;
}

void ah_put(uint8_t *p, uint32_t spi, uint32_t seq, uint8_t next, uint32_t size)
{
	memset(p, 0, size);
	p[0] = next;
	p[AH_AT_LEN] = (uint8_t)(size / 4 - 2);
	store_be32(p + AH_AT_SPI, spi);
	store_be32(p + AH_AT_SEQ, seq);
}

/* ---------------------------------------------------------------- IPv4 */

/* Appendix A1: what no router changes. Everything else is zeroed, type and length too. */
static bool opt4_stays(uint8_t type)
{
	switch (type) {
	case 130: /* security */
	case 133: /* extended security */
	case 134: /* commercial security */
	case 148: /* router alert */
	case 149: /* sender directed multi-destination delivery */
		return true;
	default:
		return false;
	}
}

static enum ah_fault mute_options4(uint8_t *packet, uint32_t end, bool sending)
{
	for (uint32_t at = IP4_HDR; at < end;) {
		uint8_t *o = packet + at, type = o[0];
		uint32_t n;

		if (type == OPT4_END)
			return AH_OK;
		if (type == OPT4_NOP) {
			at++;
			continue;
		}
		if (end - at < 2 || o[1] < 2 || o[1] > end - at)
			return AH_FAULT_HEADERS;
		n = o[1];
		if (sending && (type == OPT4_LOOSE_ROUTE || type == OPT4_STRICT_ROUTE)) {
			/* the last of the route is whom the packet is for (3.3.3.1.1.1) */
			if (n < ROUTE_MIN)
				return AH_FAULT_HEADERS;
			if (o[2] <= n)
				memcpy(packet + IP4_AT_DST, o + n - 4, 4);
		}
		if (!opt4_stays(type))
			memset(o, 0, n);
		at += n;
	}
	return AH_OK;
}

static enum ah_fault mute_ip4(uint8_t *packet, const struct ah_place *a, bool sending)
{
	packet[IP4_AT_TOS] = 0;
	store_be16(packet + IP4_AT_FRAG, 0);
	packet[IP4_AT_TTL] = 0;
	store_be16(packet + IP4_AT_SUM, 0);
	return a->at == IP4_HDR ? AH_OK : mute_options4(packet, a->at, sending);
}

/* ---------------------------------------------------------------- IPv6 */

/* 3.3.3.1.2.2: options say themselves whether their data may change. */
static enum ah_fault mute_options6(uint8_t *ext, uint32_t len)
{
	for (uint32_t at = 2; at < len;) {
		uint32_t n;

		if (ext[at] == OPT6_PAD1) {
			at++;
			continue;
		}
		if (len - at < 2 || ext[at + 1] > len - at - 2)
			return AH_FAULT_HEADERS;
		n = ext[at + 1];
		if (ext[at] & OPT6_MAY_CHANGE)
			memset(ext + at + 2, 0, n);
		at += 2 + n;
	}
	return AH_OK;
}

/* The form in which the last destination gets it: each hop of those left swaps the packet's address
 * with the next of the list, so that all move up by one (RFC 2402 A2 shows the same). */
static enum ah_fault mute_routing(uint8_t *packet, uint8_t *ext, uint32_t len, bool sending)
{
	uint32_t all = (len - ROUTING_FRONT) / IP6_ADDRESS, left = ext[3];
	uint8_t last[IP6_ADDRESS], *first;

	if (left == 0)
		return AH_OK;
	if (!sending || left > all || (ext[2] != ROUTING_SOURCE && ext[2] != ROUTING_HOME))
		return AH_FAULT_HEADERS;
	first = ext + ROUTING_FRONT + (size_t)(all - left) * IP6_ADDRESS;
	memcpy(last, first + (size_t)(left - 1) * IP6_ADDRESS, IP6_ADDRESS);
	memmove(first + IP6_ADDRESS, first, (size_t)(left - 1) * IP6_ADDRESS);
	memcpy(first, packet + IP6_AT_DEST, IP6_ADDRESS);
	memcpy(packet + IP6_AT_DEST, last, IP6_ADDRESS);
	ext[3] = 0;
	return AH_OK;
}

static enum ah_fault mute_ip6(uint8_t *packet, const struct ah_place *a, bool sending)
{
	uint8_t next = packet[IP6_AT_NEXT_HDR];

	packet[0] = 6 << 4; /* traffic class and flow label follow (3.3.3.1.2.1) */
	packet[1] = packet[2] = packet[3] = 0;
	packet[IP6_AT_HOPS] = 0;
	for (uint32_t at = IP6_HDR_LEN; at < a->at;) {
		uint8_t *ext = packet + at;
		uint32_t n = (ext[1] + 1u) * 8;
		enum ah_fault fault = next == EXT_ROUTING ? mute_routing(packet, ext, n, sending)
							  : mute_options6(ext, n);

		if (fault != AH_OK)
			return fault;
		next = ext[0];
		at += n;
	}
	return AH_OK;
}

enum ah_fault ah_mute(uint8_t *packet, const struct ah_place *a, bool sending, struct ah_muted *m)
{
	enum ah_fault fault;

	m->n = (uint16_t)(a->at + AH_HDR + a->icv);
	memcpy(m->saved, packet, m->n);
	fault = packet[0] >> 4 == 6 ? mute_ip6(packet, a, sending) : mute_ip4(packet, a, sending);
	if (fault != AH_OK)
		ah_unmute(packet, m);
	else
		memset(packet + a->at + AH_HDR, 0, a->icv);
	return fault;
}

void ah_unmute(uint8_t *packet, const struct ah_muted *m)
{
	memcpy(packet, m->saved, m->n);
}
