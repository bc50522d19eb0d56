#pragma once
/*
 * Cutting a packet into fragments (RFC 791 3.2, RFC 8200 4.5): an iterator over octets, no memory
 * of its own. A packet that is itself a fragment may be cut further.
 *
 * Life: ip4_cut_init(), then ip4_cut_next() until it returns 0; the packet is lent meanwhile.
 */
#include "core/ip6.h"

enum { IP4_HDR_MAX = 60, IP4_CUT_MAX = 64 };

struct ip4_cut {
	struct view packet;
	uint32_t hdr, room, at; /* room: octets of data in all but the last, a multiple of 8 */
	uint8_t later[IP4_HDR_MAX];
	uint32_t later_hdr; /* of all but the first: options without the copied flag are left out */
};

/* No piece is longer than `mtu`. -ERR_VALUE when it must not be cut (DF), or cannot: no room for
 * data, or more than IP4_CUT_MAX pieces. `packet` has a good header and ends where it says. */
int ip4_cut_init(struct ip4_cut *c, struct view packet, uint32_t mtu) MUST_CHECK;
/* Writes the next piece; returns its length. */
uint32_t ip4_cut_next(struct ip4_cut *c, uint8_t *out);

/* IPv6 is cut by its source alone: a packet of our own, without extension headers. */
struct ip6_cut {
	struct view packet;
	uint32_t room, at, id;
};

/* No piece is longer than `mtu`. -ERR_VALUE when it cannot be cut. */
int ip6_cut_init(struct ip6_cut *c, struct view packet, uint32_t mtu, uint32_t id) MUST_CHECK;
/* Writes the next piece; returns its length, 0 after the last. */
uint32_t ip6_cut_next(struct ip6_cut *c, uint8_t *out);
