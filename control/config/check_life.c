/*
 * Rules about how long SAs live, across sections.
 */
#include "config/build.h"

static const struct node *gateway_node(struct build *b, const struct model_gateway *g)
{
	const struct node *list = stmt(b, NULL, "security ike gateway");

	return list ? tree_find(b->t, list, g->name) : NULL;
}

/* REA-009: with EAP or the configuration payload the same end has to begin each time, and a
 * reauthentication is begun by either. REA-008: a peer behind a NAT can only be asked anew while
 * something keeps the NAT's mapping. */
static void check_reauth(struct build *b, const struct model_gateway *g)
{
	const struct node *n = gateway_node(b, g), *aaa = stmt(b, n, "aaa access-profile");

	if (!g->policy || g->policy->reauth_frequency == 0 || g->version != MODEL_IKE_V2)
		return;
	if (aaa)
		refuse_at(b, aaa->first ? aaa->first : aaa,
			"policy '%s' has 'reauth-frequency', which is not possible with an access "
			"profile",
			g->policy->name);
	else if (g->nat_traversal && g->dpd == MODEL_DPD_OFF && !stmt(b, n, "nat-keepalive"))
		warn_at(b, stmt(b, n, "ike-policy"),
			"policy '%s' has 'reauth-frequency': through a NAT it needs "
			"'dead-peer-detection' or 'nat-keepalive'",
			g->policy->name);
}

void check_life(struct build *b)
{
	for (uint32_t i = 0; i < b->m->n_gateways; i++)
		check_reauth(b, &b->m->gateways[i]);
}
