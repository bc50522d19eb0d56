#pragma once
/*
 * IPv6 headers as octets (RFC 8200), and what both families have in common.
 */
#include "core/ip4.h"
#include "core/ipaddr.h"

enum {
	IP6_HDR = 40,
	/* offsets */
	IP6_AT_LEN = 4, /* of what follows the header */
	IP6_AT_NEXT = 6,
	IP6_AT_HOPS = 7,
	IP6_AT_SRC = 8,
	IP6_AT_DST = 24,
};

/* Of a header of either family that was read before. */
static inline bool ip_is_v4(const uint8_t *ip)
{
	return ip[0] >> 4 == 4;
}

static inline struct ipaddr ip_src(const uint8_t *ip)
{
	return ip_is_v4(ip) ? ipaddr_v4(load_be32(ip + IP4_AT_SRC)) : ipaddr_load(ip + IP6_AT_SRC);
}

static inline struct ipaddr ip_dst(const uint8_t *ip)
{
	return ip_is_v4(ip) ? ipaddr_v4(load_be32(ip + IP4_AT_DST)) : ipaddr_load(ip + IP6_AT_DST);
}
