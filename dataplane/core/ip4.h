#pragma once
/*
 * IPv4 headers as octets (RFC 791): read with a bound, checksummed, rewritten in place. Nothing is
 * cast onto packet memory; loads and stores go through memcpy and byte order.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/view.h"

enum {
	IP4_HDR = 20,
	IP4_DF = 0x4000,
	IP4_MF = 0x2000,
	IP4_OFFSET = 0x1fff,
	IP_ICMP = 1,
	IP_IPIP = 4,
	IP_TCP = 6,
	IP_UDP = 17,
	IP_ESP = 50,
	IP_AH = 51,
	/* offsets */
	IP4_AT_TOS = 1,
	IP4_AT_LEN = 2,
	IP4_AT_ID = 4,
	IP4_AT_FRAG = 6,
	IP4_AT_TTL = 8,
	IP4_AT_PROTO = 9,
	IP4_AT_SUM = 10,
	IP4_AT_SRC = 12,
	IP4_AT_DST = 16,
};

static inline uint16_t load_be16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return __builtin_bswap16(v);
}

static inline uint32_t load_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return __builtin_bswap32(v);
}

static inline uint64_t load_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return __builtin_bswap64(v);
}

static inline void store_be16(uint8_t *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, sizeof v);
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof v);
}

static inline void store_be64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof v);
}

/* A header that was read and found whole. */
struct ip4 {
	uint32_t src, dst; /* host order */
	uint16_t len;	   /* of the whole packet */
	uint16_t frag;	   /* flags and offset as on the wire */
	uint8_t hdr, proto, ttl, tos;
};

static inline bool ip4_is_fragment(const struct ip4 *h)
{
	return (h->frag & (IP4_MF | IP4_OFFSET)) != 0;
}

enum ip4_fault {
	IP4_OK,
	IP4_FAULT_SHORT,   /* no whole header, or less data than it says */
	IP4_FAULT_VERSION, /* not 4, or a header length below 20 */
	IP4_FAULT_SUM,
};

/* The packet may be followed by padding (Ethernet, TFC): len says where it ends. */
enum ip4_fault ip4_read(struct view v, struct ip4 *out);
/* One's complement sum of RFC 1071, not folded and not inverted. */
uint32_t sum_add(uint32_t sum, struct view v);
uint16_t sum_done(uint32_t sum);
/* UDP, TCP: pseudo header of RFC 768. */
uint32_t sum_pseudo(uint32_t src, uint32_t dst, uint8_t proto, uint16_t len);

/* RFC 1624: a 16-bit word of the header changed from `was` to `is`. */
static inline uint16_t sum_update(uint16_t sum, uint16_t was, uint16_t is)
{
	uint32_t s = (uint32_t)(uint16_t)~sum + (uint16_t)~was + is;

	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* Decrements TTL, which must be above 1, and corrects the checksum. */
static inline void ip4_age(uint8_t *p)
{
	uint16_t was = load_be16(p + IP4_AT_TTL);

	p[IP4_AT_TTL]--;
	store_be16(p + IP4_AT_SUM,
		sum_update(load_be16(p + IP4_AT_SUM), was, load_be16(p + IP4_AT_TTL)));
}

/* Takes ip4_age() back. */
static inline void ip4_unage(uint8_t *p)
{
	uint16_t was = load_be16(p + IP4_AT_TTL);

	p[IP4_AT_TTL]++;
	store_be16(p + IP4_AT_SUM,
		sum_update(load_be16(p + IP4_AT_SUM), was, load_be16(p + IP4_AT_TTL)));
}

struct ip4_make {
	uint32_t src, dst;
	uint16_t len, id, frag;
	uint8_t proto, ttl, tos;
};

/* Writes a header of 20 octets with its checksum. */
void ip4_put(uint8_t *p, const struct ip4_make *m);
/* RFC 6040 4.2: the ECN field an inner header gets on decapsulation; -ERR_VALUE when the packet
 * must be dropped (congestion on a flow that is not capable of hearing of it). */
int ecn_leave(uint8_t inner_tos, uint8_t outer_tos, uint8_t *tos) MUST_CHECK;
/* Ports as traffic selectors see them (RFC 4301 4.4.1.1, RFC 7296 3.13.1); false when they cannot
 * be seen: a later fragment, a protocol without ports, a packet cut short. */
bool ip4_ports(struct view packet, const struct ip4 *h, uint16_t *src, uint16_t *dst);
