#include "core/spd.h"

bool selectors_match(
	const struct selectors *s, const struct flow *f, uint32_t local, uint32_t remote, bool out)
{
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
