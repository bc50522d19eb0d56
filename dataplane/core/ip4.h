#pragma once
/*
 * IPv4 headers as octets (RFC 791): read with a bound, checksummed, rewritten in place. Nothing is
 * cast onto packet memory; loads and stores go through memcpy and byte order.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/view.h"
#include "core/octets.h"

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
	IP4_FAULT_SHORT,   /* no whole header */
	IP4_FAULT_LENGTH,  /* less data than it says, or less than its header */
	IP4_FAULT_VERSION, /* not 4 */
	IP4_FAULT_HEADER,  /* a header length below 20 */
	IP4_FAULT_SUM,
};

/* One's complement sum of RFC 1071, not folded and not inverted. */
uint32_t sum_add(uint32_t sum, struct view v);

static inline uint16_t sum_done(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The sum does not depend on byte order (RFC 1071 2 B), so words are taken as they lie. */
static inline bool ip4_sum_is_good(const uint8_t *p, uint32_t hdr)
{
	uint64_t a, b, sum;
	uint32_t c;

	if (__builtin_expect(hdr != IP4_HDR, 0))
		return sum_done(sum_add(0, view_of(p, hdr))) == 0;
	memcpy(&a, p, 8);
	memcpy(&b, p + 8, 8);
	memcpy(&c, p + 16, 4);
	sum = (a >> 32) + (uint32_t)a + (b >> 32) + (uint32_t)b + c;
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* The packet may be followed by padding (Ethernet, TFC): len says where it ends. */
static inline enum ip4_fault ip4_read(struct view v, struct ip4 *out)
{
	const uint8_t *p = v.p;
	uint32_t hdr, len;

	if (v.n < IP4_HDR)
		return IP4_FAULT_SHORT;
	hdr = (p[0] & 15u) * 4;
	if (p[0] >> 4 != 4)
		return IP4_FAULT_VERSION;
	if (hdr < IP4_HDR)
		return IP4_FAULT_HEADER;
	if (hdr > v.n)
		return IP4_FAULT_SHORT;
	len = load_be16(p + IP4_AT_LEN);
	if (len < hdr || len > v.n)
		return IP4_FAULT_LENGTH;
	if (!ip4_sum_is_good(p, hdr))
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

/* Ports as traffic selectors see them (RFC 4301 4.4.1.1, RFC 7296 3.13.1), of the upper layer at
 * `l4`; false when they cannot be seen: a protocol without ports, a packet cut short. */
static inline bool upper_ports(struct view l4, uint8_t proto, uint16_t *src, uint16_t *dst)
{
	*src = *dst = 0;
	switch (proto) {
	case IP_TCP:
	case IP_UDP:
	case 132: /* SCTP */
		if (l4.n < 4)
			return false;
		*src = load_be16(l4.p);
		*dst = load_be16(l4.p + 2);
		return true;
	case IP_ICMP: /* type and code as one number, for both sides */
	case 58:      /* ICMPv6 */
		if (l4.n < 2)
			return false;
		*src = *dst = load_be16(l4.p);
		return true;
	default:
		return false;
	}
}

/* .. of an IPv4 packet; not those of a later fragment. */
static inline bool ip4_ports(struct view packet, const struct ip4 *h, uint16_t *src, uint16_t *dst)
{
	*src = *dst = 0;
	if ((h->frag & IP4_OFFSET) != 0)
		return false;
	return upper_ports(view_of(packet.p + h->hdr, packet.n - h->hdr), h->proto, src, dst);
}
