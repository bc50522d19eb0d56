#pragma once
/*
 * Traffic selectors against packets (RFC 4301 4.4.1, 5.2): the reference, linear match.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "core/ip6.h"

/* Ranges are inclusive; both ends are of one family, and match that one only. */
struct selector {
	struct ipaddr low, high;
	uint16_t port_low, port_high;
	uint8_t protocol; /* 0 = any */
};

/* Any protocol and port between two IPv4 addresses. */
static inline struct selector selector_v4(uint32_t low, uint32_t high)
{
	return (struct selector){ipaddr_v4(low), ipaddr_v4(high), 0, UINT16_MAX, 0};
}

/* What selectors look at. */
struct flow {
	struct ipaddr src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	bool has_ports, v4;
};

struct selectors {
	const struct selector *local, *remote;
	uint16_t n_local, n_remote;
};

/* Of an IPv4 packet that ip4_read() found whole before. Field by field: a flow that is copied as a
 * whole right after it was written waits for its own stores. */
static inline void flow_put4(struct flow *f, struct view packet)
{
	const uint8_t *p = packet.p;
	uint32_t hdr = (p[0] & 15u) * 4;

	f->src = ipaddr_v4(load_be32(p + IP4_AT_SRC));
	f->dst = ipaddr_v4(load_be32(p + IP4_AT_DST));
	f->sport = f->dport = 0;
	f->proto = p[IP4_AT_PROTO];
	f->v4 = true;
	f->has_ports =
		!(load_be16(p + IP4_AT_FRAG) & IP4_OFFSET) &&
		upper_ports(view_of(p + hdr, packet.n - hdr), f->proto, &f->sport, &f->dport);
}

static inline struct flow flow_of4(struct view packet)
{
	struct flow f;

	flow_put4(&f, packet);
	return f;
}

/* Of an IPv6 packet that ip6_read() read into h. */
struct flow flow_of6(struct view packet, const struct ip6 *h);
/* Of an IPv6 packet read before: its headers are walked again. */
struct flow flow_again6(struct view packet);

/* Of either family, read before. */
static inline void flow_put(struct flow *f, struct view packet)
{
	if (__builtin_expect(ip_is_v4(packet.p), 1))
		flow_put4(f, packet);
	else
		*f = flow_again6(packet);
}

static inline struct flow flow_of(struct view packet)
{
	struct flow f;

	flow_put(&f, packet);
	return f;
}

/* RFC 4301 4.4.1.1: IPv4 never matches ::/0, though its numbers lie in it. */
static inline bool selector_holds(const struct selector *s, struct ipaddr a, bool v4)
{
	if (v4)
		return ipaddr_is_v4(s->low) && a.lo >= s->low.lo && a.lo <= s->high.lo;
	return !ipaddr_below(a, s->low) && !ipaddr_below(s->high, a);
}

static inline bool selector_matches(
	const struct selector *s, struct ipaddr addr, const struct flow *f, bool source)
{
	uint16_t port = source ? f->sport : f->dport;

	if (!selector_holds(s, addr, f->v4))
		return false;
	if (s->protocol != 0 && s->protocol != f->proto)
		return false;
	if (s->port_low == 0 && s->port_high == UINT16_MAX)
		return true;
	/* Ports that cannot be seen match only "any" (RFC 4301 4.4.1.2, OPAQUE). */
	return f->has_ports && port >= s->port_low && port <= s->port_high;
}

/* Any of several; the inline callers below have tried the first of each. */
bool selectors_match(const struct selectors *s, const struct flow *f, bool out);

/* Outbound: source is local. */
static inline bool selectors_match_out(const struct selectors *s, const struct flow *f)
{
	return (s->n_local && s->n_remote && selector_matches(s->local, f->src, f, true) &&
		       selector_matches(s->remote, f->dst, f, false)) ||
	       selectors_match(s, f, true);
}

/* Inbound: source is remote. */
static inline bool selectors_match_in(const struct selectors *s, const struct flow *f)
{
	return (s->n_local && s->n_remote && selector_matches(s->remote, f->src, f, true) &&
		       selector_matches(s->local, f->dst, f, false)) ||
	       selectors_match(s, f, false);
}
