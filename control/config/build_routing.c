/*
 * [edit routing-instances], [edit routing-options].
 */
#include <stdlib.h>

#include "config/build.h"
#include "base/bounds.h"

enum { INSTANCES_MAX = LIMIT_INSTANCES - 1 };

static void fill_route(
	struct build *b, const struct node *n, uint32_t instance, struct model_route *r)
{
	const struct node *hop = stmt(b, n, "next-hop");

	if (prefix_parse(n->word, &r->to) < 0)
		return;
	r->instance = instance;
	r->preference = stmt_u32(b, n, "preference");
	if (!hop || !hop->first) {
		refuse_missing(b, n, "next-hop");
		return;
	}
	if (addr_parse(hop->first->word, &r->via) == 0) {
		if (r->via.family != r->to.addr.family)
			refuse_at(b, hop, "the next hop is of another address family");
		return;
	}
	r->unit = model_unit(b->m, hop->first->word);
	if (!r->unit)
		refuse_at(b, hop, "interface unit '%s' is not configured", hop->first->word);
	else if (r->unit->interface->kind != MODEL_IF_TUNNEL)
		refuse_at(b, hop, "only a unit of st0 can be a next hop; name an address");
	else if (r->unit->instance != instance)
		refuse_at(b, hop, "'%s' is in routing instance '%s'", hop->first->word,
			model_instance_name(b->m, r->unit->instance));
}

static uint32_t fill_routes(
	struct build *b, const struct node *from, uint32_t instance, struct model_route *to)
{
	const struct node *list = stmt(b, from, "routing-options static route");
	uint32_t n = 0;

	for (const struct node *r = list ? list->first : NULL; r; r = r->next)
		if (r->is_name)
			fill_route(b, r, instance, &to[n++]);
	return n;
}

static uint32_t count_routes(struct build *b, const struct node *from)
{
	return stmt_count(stmt(b, from, "routing-options static route"));
}

/* ST0-004: any unit may sit in an instance, whatever the gateway's external interface does. */
static void take_units(struct build *b, const struct node *n, const struct model_instance *in)
{
	const struct node *list = stmt(b, n, "interface");

	for (const struct node *e = list ? list->first : NULL; e; e = e->next) {
		struct model_unit *u = e->is_name ? writable(model_unit(b->m, e->word)) : NULL;

		if (!e->is_name)
			continue;
		if (!u)
			refuse_at(b, e, "interface unit '%s' is not configured", e->word);
		else if (u->instance != 0)
			refuse_at(b, e, "'%s' is in routing instance '%s' already", e->word,
				model_instance_name(b->m, u->instance));
		else
			u->instance = in->index;
	}
}

static void fill_instance(struct build *b, const struct node *n, struct model_instance *in)
{
	const char *type = stmt_word(b, n, "instance-type");

	in->name = n->word;
	if (!type)
		refuse_missing(b, n, "instance-type");
	else
		in->vrf = strcmp(type, "vrf") == 0;
	if (strcmp(n->word, "master") == 0 || strcmp(n->word, "default") == 0)
		refuse_at(b, n, "this name means the instance that is always there");
}

void build_routing(struct build *b)
{
	const struct node *list = stmt(b, NULL, "routing-instances");
	struct model_instance *all = arena_array(b->arena, struct model_instance, stmt_count(list));
	uint32_t n = 0, n_routes = count_routes(b, NULL);
	struct model_route *routes;

	if (!all)
		return;
	for (const struct node *e = list ? list->first : NULL; e; e = e->next) {
		if (!e->is_name)
			continue;
		n_routes += count_routes(b, e);
		fill_instance(b, e, &all[n++]);
	}
	if (n > INSTANCES_MAX)
		refuse_at(b, list, "there can be %d of them", INSTANCES_MAX);
	qsort(all, n, sizeof *all, model_by_name);
	b->m->instances = all;
	b->m->n_instances = n;
	routes = arena_array(b->arena, struct model_route, n_routes);
	if (!routes)
		return;
	b->m->routes = routes;
	for (uint32_t i = 0; i < n; i++) {
		all[i].index = i + 1;
		take_units(b, tree_find(b->t, list, all[i].name), &all[i]);
	}
	b->m->n_routes = fill_routes(b, NULL, 0, routes);
	for (uint32_t i = 0; i < n; i++)
		b->m->n_routes += fill_routes(
			b, tree_find(b->t, list, all[i].name), i + 1, &routes[b->m->n_routes]);
}
