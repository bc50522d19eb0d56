#include "core/spd.h"

bool selectors_match(const struct selectors *s, const struct flow *f, bool out)
{
	struct ipaddr local = out ? f->src : f->dst, remote = out ? f->dst : f->src;
	bool found = false;

	for (uint32_t i = 0; i < s->n_local && !found; i++)
		found = selector_matches(&s->local[i], local, f, out);
	if (!found)
		return false;
	for (uint32_t i = 0; i < s->n_remote; i++)
		if (selector_matches(&s->remote[i], remote, f, !out))
			return true;
	return false;
}

struct flow flow_of6(struct view packet, const struct ip6 *h)
{
	struct flow f = {.src = h->src, .dst = h->dst, .proto = h->proto};

	if (!(h->frag & IP6_OFFSET))
		f.has_ports = upper_ports(view_of(packet.p + h->hdr, h->len - (size_t)h->hdr),
			h->proto, &f.sport, &f.dport);
	return f;
}

struct flow flow_again6(struct view packet)
{
	struct ip6 h;

	if (ip6_read(packet, &h) != IP6_OK)
		return (struct flow){.v4 = true}; /* not what was promised: matches nothing */
	return flow_of6(packet, &h);
}
