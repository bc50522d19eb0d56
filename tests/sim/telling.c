#include "telling.h"

#include "node.h"

/*
 * Not told:
 * - that a dataplane acts which the core does not know to be there: the core may hand over at once,
 *   as nobody sends (it claims a new epoch when that dataplane is there);
 * - a role that would stop a dataplane which forwards on for a tandemd that died (adopting);
 * - that our own claim is on its way, while it stands by anyway: the next message may be the exact
 *   state of a handover, which must come before the new epoch;
 * - that another node owns the group, while our frozen queue still waits for it to be ready.
 */
static bool is_for_dataplane(const struct world *w, uint32_t n, const struct ha_do_role *r)
{
	const struct telling *t = &w->node[n]->telling[r->rg];
	bool nobody = r->owner == HA_NODE_NONE, us = r->owner == n;

	if (r->role == HA_ACTIVE)
		return w->node[n]->dp.connected;
	if (t->adopting && (us || nobody))
		return false;
	if (nobody && t->told && !t->active)
		return false;
	return !t->giving;
}

void telling_role(struct world *w, uint32_t n, const struct ha_do_role *r)
{
	struct telling *t = &w->node[n]->telling[r->rg];
	struct order o = {.type = ORDER_ROLE, .rg = r->rg};

	if (!is_for_dataplane(w, n, r))
		return;
	t->adopting = t->giving = false;
	t->told = true;
	t->active = r->role == HA_ACTIVE;
	t->was_active |= t->active;
	o.role = (struct rg_state){.role = t->active ? RG_ROLE_ACTIVE : RG_ROLE_STANDBY,
		.owner = (uint8_t)r->owner,
		.epoch = r->epoch.number,
		.deadline_ns = r->deadline_ns};
	to_dp(w, n, &o);
}

void telling_handover(struct world *w, uint32_t n, uint32_t rg, bool begins)
{
	struct telling *t = &w->node[n]->telling[rg];
	const struct engine *e = &w->node[n]->engine;
	bool gave = t->giving && !begins;

	t->giving = begins;
	if (gave && e->has_role[rg] && e->role[rg].role == HA_STANDBY)
		telling_role(w, n, &e->role[rg]);
}

void telling_adopts(struct world *w, uint32_t n)
{
	for (uint32_t rg = 0; rg < w->rgs; rg++)
		w->node[n]->telling[rg].adopting = !w->node[n]->telling[rg].was_active;
}

/* An empty one acts in a new epoch only, which the core claims: until then it stands by. */
void telling_refilled(struct world *w, uint32_t n)
{
	const struct engine *e = &w->node[n]->engine;

	for (uint32_t rg = 0; rg < w->rgs; rg++) {
		struct telling *t = &w->node[n]->telling[rg];

		t->told = t->giving = false;
		if (e->has_role[rg] && e->role[rg].role == HA_STANDBY)
			telling_role(w, n, &e->role[rg]);
	}
}
