/*
 * Rules across sections, on the finished model. Each function is one rule of the requirements.
 */
#include <stdio.h>
#include <stdlib.h>

#include "config/algorithm.h"
#include "config/build.h"

static const struct node *entry(struct build *b, const char *list, const char *name)
{
	const struct node *n = stmt(b, NULL, list);

	return n ? tree_find(b->t, n, name) : NULL;
}

static const struct node *gateway_node(struct build *b, const struct model_gateway *g)
{
	return entry(b, "security ike gateway", g->name);
}

static const struct node *vpn_node(struct build *b, const struct model_vpn *v)
{
	return entry(b, "security ipsec vpn", v->name);
}

/* What is read but has no effect yet is said once per statement. */
static void warn_later(struct build *b, const struct node *n)
{
	for (const struct node *c = n->first; c; c = c->next) {
		if (c->is_name || !schema_has(c->schema, SCHEMA_LATER))
			warn_later(b, c);
		else
			warn_at(b, c, "has no effect in this release");
	}
}

/* LIF-007: IKEv2 does not negotiate lifetimes, so a policy must have one. */
static void check_lifetimes(struct build *b)
{
	for (uint32_t i = 0; i < b->m->n_gateways; i++) {
		const struct model_gateway *g = &b->m->gateways[i];

		for (uint32_t k = 1; g->policy && k < g->policy->n_proposals; k++)
			if (g->version == MODEL_IKE_V2 &&
				g->policy->proposals[k].lifetime_s !=
					g->policy->proposals[0].lifetime_s)
				refuse_at(b, stmt(b, gateway_node(b, g), "ike-policy"),
					"the proposals of policy '%s' have different lifetimes; "
					"IKEv2 needs one",
					g->policy->name);
	}
	for (uint32_t i = 0; i < b->m->n_vpns; i++) {
		const struct model_vpn *v = &b->m->vpns[i];

		if (!v->gateway || !v->policy || v->gateway->version != MODEL_IKE_V2)
			continue;
		for (uint32_t k = 1; k < v->policy->n_proposals; k++)
			if (v->policy->proposals[k].lifetime_s !=
					v->policy->proposals[0].lifetime_s ||
				v->policy->proposals[k].lifetime_kb !=
					v->policy->proposals[0].lifetime_kb) {
				refuse_at(b, stmt(b, vpn_node(b, v), "ike ipsec-policy"),
					"the proposals of policy '%s' have different lifetimes; "
					"IKEv2 needs one",
					v->policy->name);
				break;
			}
	}
}

/* NULL, or why this release cannot run the gateway. */
static const char *unsupported(const struct model_gateway *g)
{
	const struct model_ike_policy *p = g->policy;

	if (g->version != MODEL_IKE_V2)
		return "IKEv1, which it is without 'version v2-only', is not supported in this "
		       "release";
	if (!p || p->n_proposals == 0)
		return NULL;
	if (p->proposals[0].auth == MODEL_AUTH_DSA)
		return "DSA signatures are not supported";
	return NULL;
}

/* PRP-017: a policy that has an address for its name is for the peer that has this address. */
static void check_policy_name(struct build *b, const struct model_gateway *g)
{
	struct addr named;
	bool found = false;

	if (!g->policy || addr_parse(g->policy->name, &named) < 0)
		return;
	for (uint32_t i = 0; i < g->n_peers; i++)
		found = found || addr_equal(&g->peers[i].addr, &named);
	if (!found)
		refuse_at(b, stmt(b, gateway_node(b, g), "ike-policy"),
			"the policy is named by an address: it is for that peer only");
}

static void check_gateways(struct build *b)
{
	struct model_gateway *all = writable(b->m->gateways);

	for (uint32_t i = 0; i < b->m->n_gateways; i++) {
		struct model_gateway *g = &all[i];
		const struct node *n = gateway_node(b, g);

		for (uint32_t k = 0; g->policy && k < g->policy->n_proposals; k++)
			if (g->version == MODEL_IKE_V1 && g->policy->proposals[k].integ == 0) {
				refuse_at(b, stmt(b, n, "ike-policy"),
					"proposal '%s' uses a combined mode, which needs 'version "
					"v2-only'",
					g->policy->proposals[k].name);
				break;
			}
		for (uint32_t k = 0; g->policy && k < g->policy->n_proposals; k++)
			if (g->version == MODEL_IKE_V1 &&
				g->policy->proposals[k].n_additional != 0) {
				refuse_at(b, stmt(b, n, "ike-policy"),
					"proposal '%s' has additional key exchanges, which need "
					"'version v2-only'",
					g->policy->proposals[k].name);
				break;
			}
		if (g->version == MODEL_IKE_V1 && g->policy && g->policy->ppk.n != 0)
			refuse_at(b, stmt(b, n, "ike-policy"),
				"policy '%s' has 'ppk', which needs 'version v2-only'",
				g->policy->name);
		if (g->local_id.type == MODEL_ID_DN && g->policy && !g->policy->local_certificate)
			refuse_at(b, stmt(b, n, "local-identity distinguished-name"),
				"policy '%s' has no 'certificate local-certificate' to take it "
				"from",
				g->policy->name);
		if (g->policy && g->policy->seeded_psk.n != 0 && !g->dynamic)
			refuse_at(b, stmt(b, n, "ike-policy"),
				"policy '%s' has 'seeded-pre-shared-key', which is for dynamic "
				"gateways",
				g->policy->name);
		check_policy_name(b, g);
		g->unsupported = unsupported(g);
		if (g->unsupported)
			warn_at(b, n, "%s: this gateway is not used", g->unsupported);
		if (g->rg != 0 && !model_rg(b->m, g->rg))
			refuse_at(b, n, "redundancy group %u is not configured", g->rg);
	}
}

static void check_vpn(struct build *b, const struct model_vpn *v)
{
	const struct node *n = vpn_node(b, v);
	bool v2 = v->gateway && v->gateway->version == MODEL_IKE_V2;
	bool responder = v->establish == MODEL_RESPONDER_ONLY ||
			 v->establish == MODEL_RESPONDER_ONLY_NO_REKEY;

	if (v2 && !v->transport && !stmt(b, n, "bind-interface"))
		refuse_at(b, n, "IKEv2 needs a route-based VPN: 'bind-interface' is missing");
	if (v2 && stmt(b, n, "vpn-monitor"))
		refuse_at(b, stmt(b, n, "vpn-monitor"),
			"VPN monitoring is not possible with IKEv2; use dead-peer-detection");
	if (responder && v->gateway && v->gateway->dynamic)
		refuse_at(b, stmt(b, n, "establish-tunnels"),
			"responder-only is for site-to-site VPNs, gateway '%s' is dynamic",
			v->gateway->name);
	if (v->establish == MODEL_IMMEDIATELY && v->gateway && v->gateway->dynamic)
		warn_at(b, stmt(b, n, "establish-tunnels"),
			"gateway '%s' is dynamic: the peer has to start", v->gateway->name);
}

/* RSP-005: VPNs of one gateway are responder-only together or not at all. ST0-002: one VPN on a
 * point-to-point unit. */
static void check_vpns(struct build *b)
{
	for (uint32_t i = 0; i < b->m->n_vpns; i++)
		check_vpn(b, &b->m->vpns[i]);
}

struct pair {
	const void *key;
	const struct model_vpn *vpn;
};

static int by_key(const void *a, const void *b)
{
	const struct pair *pa = a, *pb = b;
	uintptr_t ka = (uintptr_t)pa->key, kb = (uintptr_t)pb->key;

	if (ka != kb)
		return ka < kb ? -1 : 1;
	return strcmp(pa->vpn->name, pb->vpn->name);
}

/* VPNs grouped by gateway, or by unit. */
static struct pair *pairs_of(struct build *b, bool by_unit, uint32_t *n)
{
	struct pair *all = arena_array(b->arena, struct pair, b->m->n_vpns);

	*n = 0;
	for (uint32_t i = 0; all && i < b->m->n_vpns; i++) {
		const struct model_vpn *v = &b->m->vpns[i];
		const void *key = by_unit ? (const void *)v->bind : (const void *)v->gateway;

		if (key)
			all[(*n)++] = (struct pair){key, v};
	}
	if (all)
		qsort(all, *n, sizeof *all, by_key);
	return all;
}

static bool is_responder_only(const struct model_vpn *v)
{
	return v->establish == MODEL_RESPONDER_ONLY ||
	       v->establish == MODEL_RESPONDER_ONLY_NO_REKEY;
}

static void check_shared(struct build *b)
{
	uint32_t n;
	struct pair *p = pairs_of(b, false, &n);

	for (uint32_t i = 1; p && i < n; i++)
		if (p[i].key == p[i - 1].key &&
			is_responder_only(p[i].vpn) != is_responder_only(p[i - 1].vpn))
			refuse_at(b, vpn_node(b, p[i].vpn),
				"all VPNs of gateway '%s' must be responder-only, or none ('%s' "
				"differs)",
				p[i].vpn->gateway->name, p[i - 1].vpn->name);
	p = pairs_of(b, true, &n);
	for (uint32_t i = 1; p && i < n; i++)
		if (p[i].key == p[i - 1].key && !p[i].vpn->bind->multipoint)
			refuse_at(b, stmt(b, vpn_node(b, p[i].vpn), "bind-interface"),
				"VPN '%s' is bound to it already, and it is not multipoint",
				p[i - 1].vpn->name);
}

static const struct node *interface_node(struct build *b, const struct model_interface *i)
{
	return entry(b, "interfaces", i->name);
}

static void check_reth(struct build *b, const struct model_interface *i)
{
	const struct node *n = interface_node(b, i);

	if (!b->m->cluster.enabled)
		refuse_at(b, n, "a reth interface needs 'chassis cluster'");
	else if (i->rg != 0 && !model_rg(b->m, i->rg))
		refuse_at(b, stmt(b, n, "redundant-ether-options redundancy-group"),
			"redundancy group %u is not configured", i->rg);
	else if (i->index >= b->m->cluster.reth_count)
		refuse_at(
			b, n, "'chassis cluster reth-count' is only %u", b->m->cluster.reth_count);
}

static void check_interfaces(struct build *b)
{
	bool fabric = false, device = false, port = false;

	for (uint32_t i = 0; i < b->m->n_interfaces; i++) {
		const struct model_interface *a = &b->m->interfaces[i];

		if (a->kind == MODEL_IF_RETH)
			check_reth(b, a);
		fabric = fabric || a->kind == MODEL_IF_FABRIC;
		port = port || a->kind == MODEL_IF_PORT;
		device = device || a->device;
		for (uint32_t k = 0; a->device && k < i; k++)
			if (b->m->interfaces[k].device &&
				strcmp(b->m->interfaces[k].device, a->device) == 0)
				refuse_at(b, stmt(b, interface_node(b, a), "dpdk-device"),
					"'%s' has the same device", b->m->interfaces[k].name);
	}
	if (port && !device)
		warn_at(b, stmt(b, NULL, "interfaces"),
			"no port has a dpdk-device on this node: it forwards nothing");
	if (b->m->cluster.enabled && !fabric)
		warn_at(b, stmt(b, NULL, "chassis cluster"),
			"no fabric interface: a planned failover can lose packets");
}

struct numbered {
	uint32_t id;
	const char *name;
	const struct model_interface *interface;
};

static int by_id(const void *a, const void *b)
{
	const struct numbered *na = a, *nb = b;

	if (na->id != nb->id)
		return na->id < nb->id ? -1 : 1;
	return strcmp(na->name, nb->name);
}

/* The number of a unit is a hash of its name: the same on every node and after every restart. Two
 * names with one number would take each other's packets. */
static void check_interface_ids(struct build *b)
{
	struct numbered *all;
	uint32_t n = 0, at = 0;

	for (uint32_t i = 0; i < b->m->n_interfaces; i++)
		n += b->m->interfaces[i].n_units + 1;
	all = arena_array(b->arena, struct numbered, n);
	if (!all)
		return;
	for (uint32_t i = 0; i < b->m->n_interfaces; i++) {
		const struct model_interface *a = &b->m->interfaces[i];

		all[at++] = (struct numbered){model_interface_id(a->name), a->name, a};
		for (uint32_t k = 0; k < a->n_units; k++)
			all[at++] = (struct numbered){
				model_interface_id(a->units[k].name), a->units[k].name, a};
	}
	qsort(all, at, sizeof *all, by_id);
	for (uint32_t i = 1; i < at; i++)
		if (all[i].id == all[i - 1].id)
			refuse_at(b, interface_node(b, all[i].interface),
				"the names '%s' and '%s' have the same number: use another unit",
				all[i - 1].name, all[i].name);
}

static const struct model_unit *unit_with_device(
	const struct model *m, const char *device, const struct model_unit *before)
{
	for (uint32_t i = 0; i < m->n_interfaces; i++)
		for (uint32_t k = 0; k < m->interfaces[i].n_units; k++) {
			const struct model_unit *u = &m->interfaces[i].units[k];

			if (u == before)
				return NULL;
			if (u->kernel_device && strcmp(u->kernel_device, device) == 0)
				return u;
		}
	return NULL;
}

static bool has_transport(const struct model *m, const struct model_unit *u)
{
	for (uint32_t v = 0; v < m->n_vpns; v++)
		if (m->vpns[v].transport && model_vpn_unit(&m->vpns[v]) == u)
			return true;
	return false;
}

static void check_kernel_device(struct build *b, const struct model_unit *u)
{
	const struct model_unit *other = unit_with_device(b->m, u->kernel_device, u);
	const struct node *n = interface_node(b, u->interface);
	char number[16];

	(void)snprintf(number, sizeof number, "%u", u->number);
	n = tree_find(b->t, stmt(b, n, "unit"), number);
	n = stmt(b, n, "kernel-device");
	if (other)
		refuse_at(b, n, "'%s' and '%s' have the same kernel-device", other->name, u->name);
	if (u->interface->kind != MODEL_IF_TUNNEL && u->n_addresses > 0 && !has_transport(b->m, u))
		refuse_at(b, n, "no VPN with 'mode transport' is on '%s': nothing could pass",
			u->name);
}

static void check_kernel_devices(struct build *b)
{
	for (uint32_t i = 0; i < b->m->n_interfaces; i++)
		for (uint32_t k = 0; k < b->m->interfaces[i].n_units; k++)
			if (b->m->interfaces[i].units[k].kernel_device)
				check_kernel_device(b, &b->m->interfaces[i].units[k]);
}

struct owned {
	const struct addr *addr;
	const struct model_unit *unit;
};

static int by_addr(const void *a, const void *b)
{
	const struct owned *oa = a, *ob = b;

	if (oa->unit->instance != ob->unit->instance)
		return oa->unit->instance < ob->unit->instance ? -1 : 1;
	return view_compare(addr_view(oa->addr), addr_view(ob->addr));
}

/* One address, one unit of an instance. */
static void check_addresses(struct build *b)
{
	struct owned *all;
	uint32_t n = 0, at = 0;

	for (uint32_t i = 0; i < b->m->n_interfaces; i++)
		for (uint32_t k = 0; k < b->m->interfaces[i].n_units; k++)
			n += b->m->interfaces[i].units[k].n_addresses;
	all = arena_array(b->arena, struct owned, n);
	if (!all)
		return;
	for (uint32_t i = 0; i < b->m->n_interfaces; i++)
		for (uint32_t k = 0; k < b->m->interfaces[i].n_units; k++) {
			const struct model_unit *u = &b->m->interfaces[i].units[k];

			for (uint32_t j = 0; j < u->n_addresses; j++)
				all[at++] = (struct owned){&u->addresses[j].addr, u};
		}
	qsort(all, at, sizeof *all, by_addr);
	for (uint32_t i = 1; i < at; i++) {
		char text[ADDR_TEXT_MAX];

		if (all[i].unit->instance == all[i - 1].unit->instance &&
			addr_equal(all[i].addr, all[i - 1].addr))
			refuse_at(b, interface_node(b, all[i].unit->interface),
				"address %s is on '%s' and on '%s'", addr_text(all[i].addr, text),
				all[i - 1].unit->name, all[i].unit->name);
	}
}

void check_model(struct build *b)
{
	check_interfaces(b);
	check_interface_ids(b);
	check_addresses(b);
	check_kernel_devices(b);
	check_gateways(b);
	check_vpns(b);
	check_shared(b);
	check_lifetimes(b);
	check_limits(b);
	check_life(b);
	check_gateway_rules(b);
	check_fips(b);
	check_keys(b);
	warn_later(b, b->t->root);
}
