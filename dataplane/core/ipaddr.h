#pragma once
/*
 * An address of either family as one number of 128 bits in host order, so that tables, ranges and
 * prefixes need no second form. IPv4 is ::ffff:a.b.c.d (RFC 4291 2.5.5.2): such addresses never
 * appear in an IPv6 header (ip6_read() refuses them), so the number tells its family. All zero is
 * "none".
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "core/octets.h"

struct ipaddr {
	uint64_t hi, lo;
};

enum { IPADDR_BITS = 128, IPADDR_V4_BITS = 96 /* in front of an IPv4 address */ };

#define IPADDR_V4 (UINT64_C(0xffff) << 32)

static inline struct ipaddr ipaddr_v4(uint32_t host_order)
{
	return (struct ipaddr){0, IPADDR_V4 | host_order};
}

static inline bool ipaddr_is_v4(struct ipaddr a)
{
	return a.hi == 0 && a.lo >> 32 == 0xffff;
}

static inline uint32_t ipaddr_to_v4(struct ipaddr a)
{
	return (uint32_t)a.lo;
}

static inline bool ipaddr_is_none(struct ipaddr a)
{
	return (a.hi | a.lo) == 0;
}

static inline bool ipaddr_equal(struct ipaddr a, struct ipaddr b)
{
	return ((a.hi ^ b.hi) | (a.lo ^ b.lo)) == 0;
}

static inline bool ipaddr_below(struct ipaddr a, struct ipaddr b)
{
	return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

/* The first `len` bits set. */
static inline struct ipaddr ipaddr_mask(uint32_t len)
{
	return (struct ipaddr){
		.hi = len == 0 ? 0 : UINT64_MAX << (len >= 64 ? 0 : 64 - len),
		.lo = len <= 64 ? 0 : UINT64_MAX << (len >= 128 ? 0 : 128 - len),
	};
}

static inline struct ipaddr ipaddr_and(struct ipaddr a, struct ipaddr mask)
{
	return (struct ipaddr){a.hi & mask.hi, a.lo & mask.lo};
}

/* Do the first `len` bits agree? */
static inline bool ipaddr_shares(struct ipaddr a, struct ipaddr b, uint32_t len)
{
	struct ipaddr mask = ipaddr_mask(len);

	return (((a.hi ^ b.hi) & mask.hi) | ((a.lo ^ b.lo) & mask.lo)) == 0;
}

/* 16 octets in network order. */
static inline struct ipaddr ipaddr_load(const uint8_t *p)
{
	return (struct ipaddr){load_be64(p), load_be64(p + 8)};
}

static inline void ipaddr_store(uint8_t *p, struct ipaddr a)
{
	store_be64(p, a.hi);
	store_be64(p + 8, a.lo);
}

static inline struct ipaddr ipaddr_of(const struct addr *a)
{
	return a->family == 4	? ipaddr_v4(load_be32(a->b))
	       : a->family == 6 ? ipaddr_load(a->b)
				: (struct ipaddr){0};
}

static inline uint64_t ipaddr_hash(struct ipaddr a)
{
	uint64_t h = (a.hi ^ a.lo >> 29) * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ a.lo) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}
