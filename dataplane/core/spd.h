#pragma once
/*
 * Traffic selectors against packets (RFC 4301 4.4.1, 5.2): the reference, linear match.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "core/ip4.h"

/* Ranges are inclusive, addresses in host order. */
struct selector {
	uint32_t low, high;
	uint16_t port_low, port_high;
	uint8_t protocol; /* 0 = any */
};

/* What selectors look at. */
struct flow {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	bool has_ports;
};

struct selectors {
	const struct selector *local, *remote;
	uint16_t n_local, n_remote;
};

/* Of an IPv4 packet that ip4_read() found whole before. */
static inline struct flow flow_of(struct view packet)
{
	const uint8_t *p = packet.p;
	struct ip4 h = {
		.hdr = (uint8_t)((p[0] & 15u) * 4),
		.proto = p[IP4_AT_PROTO],
		.frag = load_be16(p + IP4_AT_FRAG),
	};
	struct flow f = {
		.src = load_be32(p + IP4_AT_SRC),
		.dst = load_be32(p + IP4_AT_DST),
		.proto = h.proto,
	};

	f.has_ports = ip4_ports(packet, &h, &f.sport, &f.dport);
	return f;
}

static inline bool selector_matches(
	const struct selector *s, uint32_t addr, const struct flow *f, bool source)
{
	uint16_t port = source ? f->sport : f->dport;

	if (addr < s->low || addr > s->high)
		return false;
	if (s->protocol != 0 && s->protocol != f->proto)
		return false;
	if (s->port_low == 0 && s->port_high == UINT16_MAX)
		return true;
	/* Ports that cannot be seen match only "any" (RFC 4301 4.4.1.2, OPAQUE). */
	return f->has_ports && port >= s->port_low && port <= s->port_high;
}

/* Any of several; the inline callers below have tried the first of each. */
bool selectors_match(
	const struct selectors *s, const struct flow *f, uint32_t local, uint32_t remote, bool out);

/* Outbound: source is local. */
static inline bool selectors_match_out(const struct selectors *s, const struct flow *f)
{
	return (s->n_local && s->n_remote && selector_matches(s->local, f->src, f, true) &&
		       selector_matches(s->remote, f->dst, f, false)) ||
	       selectors_match(s, f, f->src, f->dst, true);
}

/* Inbound: source is remote. */
static inline bool selectors_match_in(const struct selectors *s, const struct flow *f)
{
	return (s->n_local && s->n_remote && selector_matches(s->remote, f->src, f, true) &&
		       selector_matches(s->local, f->dst, f, false)) ||
	       selectors_match(s, f, f->dst, f->src, false);
}
