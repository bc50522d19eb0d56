#pragma once
/*
 * How selectors become keys of hash tables: every pair of a local and a remote one has a shape (how
 * long are the shortest prefixes that cover its addresses; does it want one protocol, one source
 * port, one destination port), and within a shape one key. Who hashed to the same verifies.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/spd.h"

enum { SPD_WANTS_PROTOCOL = 1, SPD_WANTS_SPORT = 2, SPD_WANTS_DPORT = 4 };

struct spd_key {
	struct ipaddr local, remote;
	uint16_t sport, dport;
	uint8_t protocol;
};

struct spd_shape {
	struct ipaddr local_mask, remote_mask;
	uint8_t wants;
	bool v4;
};

static inline uint32_t spd_key_hash(const struct spd_key *k)
{
	uint64_t h = (k->local.lo << 32 ^ k->local.lo >> 32 ^ k->remote.lo) *
		     UINT64_C(0x9e3779b97f4a7c15);

	if (k->local.hi | k->remote.hi) {
		h ^= h >> 29;
		h ^= (k->local.hi ^ (k->remote.hi << 31 | k->remote.hi >> 33)) *
		     UINT64_C(0xc2b2ae3d27d4eb4f);
	}
	h ^= ((uint64_t)k->sport << 32 | (uint32_t)k->dport << 8 | k->protocol) *
	     UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	h *= UINT64_C(0xff51afd7ed558ccd);
	return (uint32_t)(h >> 32);
}

static inline bool spd_key_equal(const struct spd_key *a, const struct spd_key *b)
{
	return ipaddr_equal(a->local, b->local) && ipaddr_equal(a->remote, b->remote) &&
	       a->sport == b->sport && a->dport == b->dport && a->protocol == b->protocol;
}

/* Of the shortest prefix that holds the whole range. */
static inline struct ipaddr spd_cover(const struct selector *s)
{
	uint64_t hi = s->low.hi ^ s->high.hi, lo = s->low.lo ^ s->high.lo;

	return ipaddr_mask(hi	? (uint32_t)__builtin_clzll(hi)
			   : lo ? 64 + (uint32_t)__builtin_clzll(lo)
				: (uint32_t)IPADDR_BITS);
}

static inline bool spd_is_one_port(const struct selector *s)
{
	return s->port_low == s->port_high;
}

static inline bool spd_covers_exactly(const struct selector *s, struct ipaddr mask)
{
	struct ipaddr last = {s->low.hi | ~mask.hi, s->low.lo | ~mask.lo};
	bool prefix = ipaddr_equal(ipaddr_and(s->low, mask), s->low) && ipaddr_equal(s->high, last);

	return prefix && (spd_is_one_port(s) || (s->port_low == 0 && s->port_high == UINT16_MAX));
}

/* Who has the key matches: nothing is left to verify. */
static inline bool spd_is_exact(
	const struct spd_shape *s, const struct selector *local, const struct selector *remote)
{
	return spd_covers_exactly(local, s->local_mask) &&
	       spd_covers_exactly(remote, s->remote_mask);
}

/* Two protocols, or families, that exclude each other match nothing. */
static inline bool spd_pair_is_void(const struct selector *local, const struct selector *remote)
{
	return ipaddr_is_v4(local->low) != ipaddr_is_v4(remote->low) ||
	       (local->protocol && remote->protocol && local->protocol != remote->protocol);
}

static inline struct spd_shape spd_shape_of(
	const struct selector *local, const struct selector *remote)
{
	struct spd_shape s = {.local_mask = spd_cover(local),
		.remote_mask = spd_cover(remote),
		.v4 = ipaddr_is_v4(local->low)};

	if (local->protocol || remote->protocol)
		s.wants |= SPD_WANTS_PROTOCOL;
	if (spd_is_one_port(local))
		s.wants |= SPD_WANTS_SPORT;
	if (spd_is_one_port(remote))
		s.wants |= SPD_WANTS_DPORT;
	return s;
}

static inline bool spd_shape_equal(const struct spd_shape *a, const struct spd_shape *b)
{
	return ipaddr_equal(a->local_mask, b->local_mask) &&
	       ipaddr_equal(a->remote_mask, b->remote_mask) && a->wants == b->wants &&
	       a->v4 == b->v4;
}

static inline struct spd_key spd_key_of(
	const struct spd_shape *s, const struct selector *local, const struct selector *remote)
{
	return (struct spd_key){
		.local = ipaddr_and(local->low, s->local_mask),
		.remote = ipaddr_and(remote->low, s->remote_mask),
		.sport = s->wants & SPD_WANTS_SPORT ? local->port_low : 0,
		.dport = s->wants & SPD_WANTS_DPORT ? remote->port_low : 0,
		.protocol = local->protocol ? local->protocol : remote->protocol,
	};
}

/* Of a packet on its way out: its source is local. */
static inline struct spd_key spd_key_out(const struct spd_shape *s, const struct flow *f)
{
	return (struct spd_key){
		.local = ipaddr_and(f->src, s->local_mask),
		.remote = ipaddr_and(f->dst, s->remote_mask),
		.sport = s->wants & SPD_WANTS_SPORT ? f->sport : 0,
		.dport = s->wants & SPD_WANTS_DPORT ? f->dport : 0,
		.protocol = s->wants & SPD_WANTS_PROTOCOL ? f->proto : 0,
	};
}

static inline bool spd_shape_sees(const struct spd_shape *s, const struct flow *f)
{
	return f->v4 == s->v4 &&
	       (f->has_ports || !(s->wants & (SPD_WANTS_SPORT | SPD_WANTS_DPORT)));
}
