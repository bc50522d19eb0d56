#include "core/transport.h"

#include "core/ip6.h"

enum { EXT_HOPS = 0, EXT_ROUTES = 43, EXT_FRAGMENT = 44, EXT_UNIT = 8 };

static uint32_t front_ip6(struct view v, uint8_t *next)
{
	uint32_t at = IP6_HDR;

	if (v.n < IP6_HDR)
		return 0;
	*next = v.p[IP6_AT_NEXT];
	while (*next == EXT_HOPS || *next == EXT_ROUTES) {
		uint32_t n;

		if (v.n < at + EXT_UNIT)
			return 0;
		n = (v.p[at + 1] + 1u) * EXT_UNIT;
		if (n > v.n - at)
			return 0;
		*next = v.p[at];
		at += n;
	}
	return *next == EXT_FRAGMENT ? 0 : at;
}

uint32_t transport_front(struct view packet, uint8_t *next)
{
	uint32_t hdr;

	if (!ip_is_v4(packet.p))
		return front_ip6(packet, next);
	hdr = (packet.p[0] & 15u) * 4;
	if (hdr < IP4_HDR || hdr > packet.n ||
		(load_be16(packet.p + IP4_AT_FRAG) & (IP4_MF | IP4_OFFSET)) != 0)
		return 0;
	*next = packet.p[IP4_AT_PROTO];
	return hdr;
}

static void close_ip6(uint8_t *ip, uint32_t front, uint8_t next, uint32_t len)
{
	uint8_t *names = ip + IP6_AT_NEXT;

	for (uint32_t at = IP6_HDR; at < front; at += (ip[at + 1] + 1u) * EXT_UNIT)
		names = ip + at;
	*names = next;
	store_be16(ip + IP6_AT_LEN, (uint16_t)(len - IP6_HDR));
}

void transport_close(uint8_t *ip, uint32_t front, uint8_t next, uint32_t len)
{
	if (!ip_is_v4(ip)) {
		close_ip6(ip, front, next, len);
		return;
	}
	ip[IP4_AT_PROTO] = next;
	store_be16(ip + IP4_AT_LEN, (uint16_t)len);
	store_be16(ip + IP4_AT_SUM, 0);
	store_be16(ip + IP4_AT_SUM, sum_done(sum_add(0, view_of(ip, front))));
}
