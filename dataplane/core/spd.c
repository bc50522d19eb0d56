#include "core/spd.h"

#include "core/ip4.h"

struct flow flow_of(struct view packet)
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

bool selector_matches(const struct selector *s, uint32_t addr, const struct flow *f, bool source)
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

static bool any_matches(
	const struct selector *s, uint32_t n, uint32_t addr, const struct flow *f, bool source)
{
	for (uint32_t i = 0; i < n; i++)
		if (selector_matches(&s[i], addr, f, source))
			return true;
	return false;
}

bool selectors_match_out(const struct selectors *s, const struct flow *f)
{
	return any_matches(s->local, s->n_local, f->src, f, true) &&
	       any_matches(s->remote, s->n_remote, f->dst, f, false);
}

bool selectors_match_in(const struct selectors *s, const struct flow *f)
{
	return any_matches(s->remote, s->n_remote, f->src, f, true) &&
	       any_matches(s->local, s->n_local, f->dst, f, false);
}
