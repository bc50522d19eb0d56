/*
 * What may be written of a gateway, its policy or its VPNs and does nothing, or not what is meant.
 */
#include <stdlib.h>

#include "config/build.h"

static const struct node *entry(struct build *b, const char *list, const char *name)
{
	const struct node *n = stmt(b, NULL, list);

	return n ? tree_find(b->t, n, name) : NULL;
}

static void check_policy(struct build *b, const struct model_ike_policy *p)
{
	const struct node *n = entry(b, "security ike policy", p->name);
	const struct node *psk = stmt(b, n, "pre-shared-key"), *cert = stmt(b, n, "certificate");
	const struct node *seed = stmt(b, n, "seeded-pre-shared-key");
	bool by_psk = p->n_proposals > 0 && p->proposals[0].auth == MODEL_AUTH_PSK;

	if (p->n_proposals == 0)
		return;
	if (!by_psk && (psk || seed))
		warn_at(b, psk ? psk : seed,
			"does not count: the proposals authenticate with certificates");
	if (by_psk && cert)
		warn_at(b, cert, "does not count: the proposals authenticate with pre-shared keys");
}

/* Whom a dynamic gateway takes. */
static void check_dynamic(struct build *b, const struct node *n, const struct model_gateway *g)
{
	static const char *const ids[] = {"hostname", "inet", "inet6", "user-at-hostname",
		"distinguished-name", "general-ikeid"};
	const struct node *dynamic = stmt(b, n, "dynamic");

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		const struct node *id = stmt(b, dynamic, ids[i]);

		if (id && strcmp(ids[i], "general-ikeid") != 0 && stmt(b, n, "remote-identity"))
			warn_at(b, id, "does not count: 'remote-identity' says who may come");
	}
	if (g->remote_id.type == MODEL_ID_NONE && !g->general_ikeid)
		warn_at(b, dynamic,
			"no identity is given: only peers that say their own address may come");
}

static void check_addresses(struct build *b, const struct node *n, const struct model_gateway *g)
{
	const struct node *address = stmt(b, n, "address");
	bool other = false;

	for (uint32_t i = 0; i < g->n_peers; i++)
		other = other || (g->peers[i].addr.family != 0 && g->local.family != 0 &&
					 g->peers[i].addr.family != g->local.family);
	if (other)
		refuse_at(b, address, "an address is of another family than the local one");
	if (g->n_peers > 1 && g->dpd == MODEL_DPD_OFF)
		warn_at(b, address,
			"without 'dead-peer-detection' a backup is tried only when a peer does not "
			"answer at first");
}

static void check_gateway(struct build *b, const struct model_gateway *g)
{
	const struct node *n = entry(b, "security ike gateway", g->name);
	const struct node *tickets = stmt(b, n, "session-resumption");

	if (g->dynamic)
		check_dynamic(b, n, g);
	else
		check_addresses(b, n, g);
	if (!g->fragmentation && stmt(b, n, "fragmentation size"))
		warn_at(b, stmt(b, n, "fragmentation size"), "does not count: it is disabled");
	if (!g->nat_traversal && stmt(b, n, "nat-keepalive"))
		warn_at(b, stmt(b, n, "nat-keepalive"), "does not count with 'no-nat-traversal'");
	if (tickets && g->policy && g->policy->n_proposals > 0 &&
		(g->policy->proposals[0].auth != MODEL_AUTH_PSK || g->policy->ppk.n != 0))
		warn_at(b, tickets,
			"there are no tickets with certificates or with a post-quantum key");
	if (g->redirect_to && g->redirect_addr.family != 0 &&
		addr_equal(&g->redirect_addr, &g->local))
		refuse_at(b, stmt(b, n, "redirect target"),
			"this is the gateway's own address: its peers would go in circles");
}

static int by_ports(const struct model_flow *x, const struct model_flow *y)
{
	const uint16_t a[] = {x->protocol, x->local_port_lo, x->local_port_hi, x->remote_port_lo,
		x->remote_port_hi};
	const uint16_t b[] = {y->protocol, y->local_port_lo, y->local_port_hi, y->remote_port_lo,
		y->remote_port_hi};

	return memcmp(a, b, sizeof a);
}

static int by_prefix(const struct prefix *x, const struct prefix *y)
{
	int d = view_compare(addr_view(&x->addr), addr_view(&y->addr));

	return d ? d : (int)x->len - (int)y->len;
}

static int by_flow(const void *a, const void *b)
{
	const struct model_selector *const *x = (const struct model_selector *const *)a,
					   *const *y = (const struct model_selector *const *)b;
	const struct model_flow *f = (*x)->flows, *g = (*y)->flows;
	int d = by_prefix(&f->local, &g->local);

	if (d == 0)
		d = by_prefix(&f->remote, &g->remote);
	return d ? d : by_ports(f, g);
}

/* Two of one VPN with nothing to tell them apart: traffic takes one of them. */
static void check_selectors(struct build *b, const struct model_vpn *v)
{
	const struct model_selector **all =
		arena_array(b->arena, const struct model_selector *, v->n_selectors);
	const struct node *n = entry(b, "security ipsec vpn", v->name);
	uint32_t at = 0;

	for (uint32_t i = 0; all && i < v->n_selectors; i++)
		if (v->selectors[i].n_flows == 1)
			all[at++] = &v->selectors[i];
	if (at > 1)
		qsort((void *)all, at, sizeof *all, by_flow);
	for (uint32_t i = 1; i < at; i++)
		if (by_flow((const void *)&all[i - 1], (const void *)&all[i]) == 0)
			warn_at(b, tree_find(b->t, stmt(b, n, "traffic-selector"), all[i]->name),
				"traffic selector '%s' is the same: one of them is never used",
				all[i - 1]->name);
}

void check_gateway_rules(struct build *b)
{
	for (uint32_t i = 0; i < b->m->n_ike_policies; i++)
		check_policy(b, &b->m->ike_policies[i]);
	for (uint32_t i = 0; i < b->m->n_gateways; i++)
		check_gateway(b, &b->m->gateways[i]);
	for (uint32_t i = 0; i < b->m->n_vpns; i++)
		check_selectors(b, &b->m->vpns[i]);
}
