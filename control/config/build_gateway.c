/*
 * [edit security ike gateway].
 */
#include <stdlib.h>

#include "config/build.h"
#include "config/value.h"
#include "policy/dn.h"

/* Exactly one way to say who someone is, or none. */
static bool has_one(struct build *b, const struct node *id, const struct node **which)
{
	static const char *const words[] = {"inet", "inet6", "hostname", "user-at-hostname",
		"distinguished-name", "key-id", "general-ikeid"};
	unsigned found = 0;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const struct node *s = stmt(b, id, words[i]);

		if (s) {
			*which = s;
			found++;
		}
	}
	if (found > 1)
		refuse_at(b, id, "only one kind of identity can be given");
	return found == 1;
}

/* Said here, because a name that cannot be read would match nobody, silently. */
static void check_dn(struct build *b, const struct node *v)
{
	switch (dn_text_check(view_of_text(v->word))) {
	case 0:
		return;
	case -ERR_UNSUPPORTED:
		refuse_at(b, v,
			"an attribute has no name that is known here: give its number "
			"(2.5.4.3=...)");
		return;
	case -ERR_LIMIT:
		refuse_at(b, v, "is too long");
		return;
	default:
		refuse_at(b, v, "is no distinguished name: \"O=example, CN=branch\"");
		return;
	}
}

/* ID-006 to ID-009 */
static void fill_dn(struct build *b, const struct node *dn, struct model_identity *to)
{
	static const char *const words[] = {[DN_CONTAINER] = "container",
		[DN_WILDCARD] = "wildcard",
		[DN_EXACT] = "exact-match"};
	const char **all;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const struct node *s = stmt(b, dn, words[i]);

		if (!s)
			continue;
		if (to->dns) {
			refuse_at(b, s, "only one of container, wildcard, exact-match");
			return;
		}
		all = arena_array(b->arena, const char *, stmt_count(s));
		if (!all)
			return;
		to->dn_how = (enum dn_match)i;
		to->dns = all;
		for (const struct node *v = s->first; v; v = v->next) {
			check_dn(b, v);
			all[to->n_dns++] = v->word;
		}
	}
}

static void fill_identity(struct build *b, const struct node *id, struct model_identity *to)
{
	static const char *const words[] = {"", "inet", "inet6", "hostname", "user-at-hostname",
		"distinguished-name", "key-id", NULL};
	const struct node *which = NULL;
	const char *value;

	if (!id || !has_one(b, id, &which))
		return;
	to->type = (enum model_id_type)word_index(words, which->word);
	value = which->first && which->first->is_name ? which->first->word : NULL;
	if (to->type == MODEL_ID_DN) {
		fill_dn(b, which, to);
	} else if (to->type == MODEL_ID_INET || to->type == MODEL_ID_INET6) {
		if (value && addr_parse(value, &to->addr) < 0)
			to->type = MODEL_ID_NONE;
	} else if (value) {
		to->value = view_of_text(value);
	}
}

static void fill_peers(struct build *b, const struct node *n, struct model_gateway *g)
{
	const struct node *address = stmt(b, n, "address"), *dynamic = stmt(b, n, "dynamic");

	if (address && dynamic)
		refuse_at(b, address, "'address' and 'dynamic' exclude each other");
	else if (!address && !dynamic)
		refuse_at(b, n, "needs 'address' or 'dynamic'");
	for (const struct node *v = address ? address->first : NULL; v; v = v->next) {
		struct model_peer *peer;

		if (g->n_peers == MODEL_PEERS_MAX) {
			refuse_at(b, v, "at most 1 primary and 4 backup addresses");
			return;
		}
		peer = &g->peers[g->n_peers++];
		peer->host = v->word;
		if (addr_parse(v->word, &peer->addr) < 0)
			peer->addr.family = 0;
	}
}

static void fill_dynamic(struct build *b, const struct node *n, struct model_gateway *g)
{
	static const char *const users[] = {"", "group-ike-id", "shared-ike-id", NULL};
	const struct node *dynamic = stmt(b, n, "dynamic");

	g->connections_limit = UINT32_MAX;
	if (!dynamic)
		return;
	g->dynamic = true;
	if (stmt(b, dynamic, "connections-limit"))
		g->connections_limit = stmt_u32(b, dynamic, "connections-limit");
	g->user_type =
		(enum model_user_type)word_index(users, stmt_text(b, dynamic, "ike-user-type"));
	g->reject_duplicate = stmt_flag(b, dynamic, "reject-duplicate-connection");
	g->general_ikeid = g->general_ikeid || stmt_flag(b, dynamic, "general-ikeid");
	if (!stmt(b, n, "remote-identity"))
		fill_identity(b, dynamic, &g->remote_id);
}

static void fill_dpd(struct build *b, const struct node *n, struct model_gateway *g)
{
	static const char *const words[] = {"optimized", "probe-idle-tunnel", "always-send"};
	const struct node *dpd = stmt(b, n, "dead-peer-detection");
	unsigned found = 0;

	g->dpd_interval_s = stmt_u32(b, n, "dead-peer-detection interval");
	g->dpd_threshold = stmt_u32(b, n, "dead-peer-detection threshold");
	if (!dpd)
		return;
	g->dpd = MODEL_DPD_OPTIMIZED;
	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (stmt_flag(b, dpd, words[i])) {
			g->dpd = (enum model_dpd)(MODEL_DPD_OPTIMIZED + i);
			found++;
		}
	if (found > 1)
		refuse_at(b, dpd, "only one of optimized, probe-idle-tunnel, always-send");
}

static bool unit_has(const struct model_unit *u, const struct addr *a)
{
	for (uint32_t i = 0; i < u->n_addresses; i++)
		if (addr_equal(&u->addresses[i].addr, a))
			return true;
	return false;
}

static void say_local(
	struct build *b, const struct node *s, const struct model_gateway *g, uint8_t family)
{
	if (!unit_has(g->external, &g->local))
		refuse_at(b, s, "this is not an address of '%s'", g->external->name);
	else if (family != 0 && family != g->local.family)
		refuse_at(b, s, "the peer's address is of another family");
}

/* The first of the interface's addresses that is of the peer's family; 0 is any. */
static void choose_local(
	struct build *b, const struct node *s, struct model_gateway *g, uint8_t family)
{
	static const char *const kinds[] = {[0] = "", [4] = "IPv4 ", [6] = "IPv6 "};

	for (uint32_t i = 0; i < g->external->n_addresses; i++) {
		g->local = g->external->addresses[i].addr;
		if (family == 0 || g->local.family == family)
			return;
	}
	g->local = (struct addr){.family = 0};
	refuse_at(b, s, "'%s' has no %saddress", g->external->name, kinds[family]);
}

/* The address we send from, and who we say we are. */
static void fill_local(struct build *b, const struct node *n, struct model_gateway *g)
{
	const struct node *s = stmt(b, n, "local-address"), *id = stmt(b, n, "local-identity");
	uint8_t family = g->n_peers > 0 ? g->peers[0].addr.family : 0;

	if (s && stmt_addr(b, n, "local-address", &g->local))
		say_local(b, s, g, family);
	else
		choose_local(b, stmt(b, n, "external-interface"), g, family);
	fill_identity(b, id, &g->local_id);
	if (g->local_id.type != MODEL_ID_NONE || id)
		return;
	g->local_id.type = g->local.family == 6 ? MODEL_ID_INET6 : MODEL_ID_INET;
	g->local_id.addr = g->local;
}

static void fill_external(struct build *b, const struct node *n, struct model_gateway *g)
{
	const struct node *s = stmt(b, n, "external-interface");

	if (!s || !s->first) {
		refuse_missing(b, n, "external-interface");
		return;
	}
	g->external = model_unit(b->m, s->first->word);
	if (!g->external) {
		refuse_at(b, s, "interface unit '%s' is not configured", s->first->word);
		return;
	}
	if (g->external->interface->kind == MODEL_IF_TUNNEL) {
		refuse_at(b, s, "a tunnel interface cannot be the way to the peer");
		return;
	}
	g->rg = g->external->interface->rg;
	g->ike_allowed = g->external->ike_allowed;
	fill_local(b, n, g);
	if (!g->ike_allowed)
		warn_at(b, s,
			"IKE is dropped there: 'host-inbound-traffic system-services ike' is "
			"missing in %s%s",
			g->external->zone ? "zone " : "all zones",
			g->external->zone ? g->external->zone : "");
}

/* Who has a fixed address does not move: one that says so has more to explain than its keys. */
static void fill_mobike(struct build *b, const struct node *n, struct model_gateway *g)
{
	const char *word = stmt_text(b, n, "mobike");

	g->mobike = word ? strcmp(word, "enable") == 0 : g->dynamic;
}

static void fill_redirect(struct build *b, const struct node *n, struct model_gateway *g)
{
	g->redirect_follow = stmt_flag(b, n, "redirect follow");
	g->redirect_to = stmt_text(b, n, "redirect target");
	if (g->redirect_to && addr_parse(g->redirect_to, &g->redirect_addr) < 0)
		g->redirect_addr.family = 0;
}

static void fill_fragmentation(struct build *b, const struct node *n, struct model_gateway *g)
{
	g->fragmentation = !stmt_flag(b, n, "fragmentation disable");
	g->fragment_size = stmt_u32(b, n, "fragmentation size");
	if (g->fragment_size == 0)
		g->fragment_size = g->local.family == 6 ? 1280 : 576;
}

static void fill_gateway(struct build *b, const struct node *n, struct model_gateway *g)
{
	const struct node *policy = stmt(b, n, "ike-policy");

	g->name = n->word;
	g->version =
		strcmp(stmt_word(b, n, "version"), "v2-only") == 0 ? MODEL_IKE_V2 : MODEL_IKE_V1;
	g->general_ikeid = stmt_flag(b, n, "general-ikeid");
	g->nat_traversal = !stmt_flag(b, n, "no-nat-traversal");
	g->nat_keepalive_s = stmt_u32(b, n, "nat-keepalive");
	fill_identity(b, stmt(b, n, "remote-identity"), &g->remote_id);
	fill_peers(b, n, g);
	fill_dynamic(b, n, g);
	fill_dpd(b, n, g);
	fill_external(b, n, g);
	fill_fragmentation(b, n, g);
	fill_mobike(b, n, g);
	fill_redirect(b, n, g);
	g->resumption_s = stmt_u32(b, n, "session-resumption lifetime");
	if (!policy || !policy->first) {
		refuse_missing(b, n, "ike-policy");
		return;
	}
	g->policy = model_ike_policy(b->m, policy->first->word);
	if (!g->policy)
		refuse_at(b, policy, "IKE policy '%s' is not defined", policy->first->word);
}

/* [edit chassis cluster gateway-binding]: overrides the group of the external interface. */
static void bind_gateways(struct build *b)
{
	const struct node *list = stmt(b, NULL, "chassis cluster gateway-binding");

	for (const struct node *e = list ? list->first : NULL; e; e = e->next) {
		const struct node *names = e->is_name ? stmt(b, e, "gateway") : NULL;
		uint64_t rg = 0;

		for (const struct node *v = names ? names->first : NULL; v; v = v->next) {
			/* The array is ours until the build ends. */
			struct model_gateway *g = writable(model_gateway(b->m, v->word));

			if (!g)
				refuse_at(b, v, "IKE gateway '%s' is not defined", v->word);
			else if (value_uint(e->word, &rg))
				g->rg = (uint32_t)rg;
		}
	}
}

void build_gateways(struct build *b)
{
	const struct node *list = stmt(b, NULL, "security ike gateway");
	struct model_gateway *all = arena_array(b->arena, struct model_gateway, stmt_count(list));

	if (!all)
		return;
	b->m->gateways = all;
	for (const struct node *n = list ? list->first : NULL; n; n = n->next)
		if (n->is_name)
			fill_gateway(b, n, &all[b->m->n_gateways++]);
	qsort(all, b->m->n_gateways, sizeof *all, model_by_name);
	bind_gateways(b);
}
