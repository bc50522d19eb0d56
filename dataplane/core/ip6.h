#pragma once
/*
 * IPv6 headers as octets (RFC 8200), and what both families have in common.
 */
#include "core/ip4.h"
#include "core/ipaddr.h"

enum {
	IP6_HDR = 40,
	IP6_FRAG_HDR = 8,
	IP6_EXT_MAX = 8, /* extension headers of one packet .. */
	IP6_EXT_OCTETS_MAX =
		256, /* .. and what they may take; more is an attack on whoever looks */
	IP6_MTU_MIN = 1280,
	IP_HOPOPTS = 0,
	IP_IPV6 = 41,
	IP_ROUTING = 43,
	IP_FRAGMENT = 44,
	IP_ICMP6 = 58,
	IP_NONE = 59,
	IP_DSTOPTS = 60,
	/* offsets */
	IP6_AT_LEN = 4, /* of what follows the header */
	IP6_AT_NEXT = 6,
	IP6_AT_HOPS = 7,
	IP6_AT_SRC = 8,
	IP6_AT_DST = 24,
	/* of the fragment header's second word */
	IP6_MF = 1,
	IP6_OFFSET = 0xfff8,
};

/* A header that was read and found whole, with what its chain leads to. */
struct ip6 {
	struct ipaddr src, dst;
	uint32_t flow;	     /* label */
	uint16_t len;	     /* of the whole packet */
	uint16_t hdr;	     /* octets in front of the upper layer, all extension headers */
	uint16_t proto_at;   /* of the octet that names the upper layer */
	uint16_t frag_at;    /* of the fragment header; 0 = none */
	uint16_t naming_at;  /* of the octet that names the fragment header */
	uint16_t frag;	     /* its offset and flag, as on the wire */
	uint16_t option_at;  /* of the first option that must not be passed over; 0 = none */
	uint16_t routing_at; /* of a routing header with segments left; 0 = none */
	uint32_t frag_id;
	uint8_t proto; /* upper layer; of a later fragment what its header says */
	uint8_t hops, tos;
};

/* RFC 6946: one piece that is all of it is no fragment. */
static inline bool ip6_is_fragment(const struct ip6 *h)
{
	return h->frag_at && (h->frag & (IP6_MF | IP6_OFFSET)) != 0;
}

enum ip6_fault {
	IP6_OK,
	IP6_FAULT_SHORT,   /* no whole header, or less data than it says */
	IP6_FAULT_VERSION, /* not 6 */
	IP6_FAULT_MAPPED,  /* IPv4 in the clothes of IPv6: never on the wire */
	IP6_FAULT_CHAIN,   /* the chain of headers leaves the packet */
	IP6_FAULT_LIMIT,   /* more, or longer, extension headers than we read */
	IP6_FAULT_ORDER,   /* hop-by-hop not first, a second fragment header */
	IP6_FAULT_OPTION,  /* an option leaves its header */
	IP6_FAULT_ROUTING, /* RFC 5095: type 0 */
	IP6_FAULT_COUNT,
};

/* The packet may be followed by padding: len says where it ends. */
enum ip6_fault ip6_read(struct view v, struct ip6 *out);

struct ip6_make {
	struct ipaddr src, dst;
	uint32_t flow;
	uint16_t len; /* of what follows the header */
	uint8_t next, hops, tos;
};

void ip6_put(uint8_t *p, const struct ip6_make *m);
/* Pseudo header of RFC 8200 8.1. */
uint32_t sum_pseudo6(struct ipaddr src, struct ipaddr dst, uint8_t proto, uint32_t len);

static inline uint8_t ip6_tos(const uint8_t *p)
{
	return (uint8_t)(load_be16(p) >> 4);
}

static inline void ip6_tos_put(uint8_t *p, uint8_t tos)
{
	store_be16(p, (uint16_t)((load_be16(p) & 0xf00f) | tos << 4));
}

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

static inline uint8_t ip_tos(const uint8_t *ip)
{
	return ip_is_v4(ip) ? ip[IP4_AT_TOS] : ip6_tos(ip);
}

static inline uint8_t ip_hops(const uint8_t *ip)
{
	return ip[ip_is_v4(ip) ? IP4_AT_TTL : IP6_AT_HOPS];
}

/* Decrements TTL or hop limit, which must be above 1. */
static inline void ip_age(uint8_t *ip)
{
	if (ip_is_v4(ip))
		ip4_age(ip);
	else
		ip[IP6_AT_HOPS]--;
}

/* Takes ip_age() back. */
static inline void ip_unage(uint8_t *ip)
{
	if (ip_is_v4(ip))
		ip4_unage(ip);
	else
		ip[IP6_AT_HOPS]++;
}

static inline bool ip6_is_group(struct ipaddr a)
{
	return a.hi >> 56 == 0xff;
}

static inline bool ip6_is_link_local(struct ipaddr a)
{
	return a.hi >> 54 == 0xfe80 >> 6;
}

/* RFC 4291 2.5.1: fe80::/64 and the EUI-64 of a MAC. */
struct ipaddr ip6_link_local(const uint8_t mac[6]);
/* RFC 4291 2.7.1: the group a host listens to for questions after its address. */
struct ipaddr ip6_solicited(struct ipaddr a);
