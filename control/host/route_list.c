#include "host/route_list.h"

#include <stdlib.h>

#include "base/err.h"

uint32_t route_tunnel_id(const struct model_vpn *v)
{
	return model_policy_id(v->name, "");
}

const struct model_interface *route_port_of(const struct model_interface *i)
{
	if (i->kind == MODEL_IF_PORT)
		return i->device && !i->disabled ? i : NULL;
	if (i->kind != MODEL_IF_RETH)
		return NULL;
	for (uint32_t k = 0; k < i->n_members; k++)
		if (i->members[k]->device && !i->members[k]->disabled)
			return i->members[k];
	return NULL;
}

static bool is_here(const struct model_unit *u)
{
	const struct model_interface *i = u->interface;

	return i->kind == MODEL_IF_TUNNEL ? !i->disabled : route_port_of(i) != NULL;
}

/* ---------------------------------------------------------------- units */

bool route_unit_is_up(const struct presence *p, const struct model *m, const struct model_unit *u)
{
	for (uint32_t v = 0; v < m->n_vpns; v++)
		for (uint32_t s = 0; m->vpns[v].bind == u && s < m->vpns[v].n_selectors; s++)
			if (m->vpns[v].manual ||
				presence_is_up(p, m->vpns[v].selectors[s].policy_id))
				return true;
	return false;
}

/* What is known of the units while a list is made. */
struct unit_row {
	const struct model_unit *unit;
	bool open; /* an SA, or a VPN that waits for traffic: packets may lead there */
};

struct listing {
	const struct model *m;
	const struct presence *p;
	struct rib *rib;
	struct unit_row *units; /* of st0, by number */
	uint32_t n_units;
	struct bindings bindings;
};

static const struct model_interface *st0_of(const struct model *m)
{
	return model_interface(m, "st0");
}

static bool selector_is_up(const struct listing *l, const struct model_selector *s)
{
	return s->vpn->manual || presence_is_up(l->p, s->policy_id);
}

static bool is_for_many(const struct model_vpn *v)
{
	return v->gateway && v->gateway->dynamic;
}

static bool vpn_is_open(const struct listing *l, const struct model_vpn *v)
{
	for (uint32_t s = 0; s < v->n_selectors; s++)
		if (selector_is_up(l, &v->selectors[s]))
			return true;
	return model_vpn_waits(v);
}

/* NULL for what is no unit of st0. */
static struct unit_row *row_of(struct listing *l, const struct model_unit *u)
{
	for (uint32_t lo = 0, hi = l->n_units; lo < hi;) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (l->units[mid].unit == u)
			return &l->units[mid];
		if (l->units[mid].unit->number < u->number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static bool is_open(struct listing *l, const struct model_unit *u)
{
	const struct unit_row *row = row_of(l, u);

	return row && row->open;
}

static void open_units(struct listing *l, const struct model_vpn *v)
{
	struct unit_row *row = v->bind ? row_of(l, v->bind) : NULL;

	if (row && !row->open)
		row->open = vpn_is_open(l, v);
}

static int units_init(struct listing *l)
{
	const struct model_interface *st0 = st0_of(l->m);

	if (!st0 || st0->n_units == 0)
		return 0;
	l->units = calloc(st0->n_units + 1, sizeof *l->units);
	if (!l->units)
		return -ERR_NOMEM;
	l->n_units = st0->n_units;
	for (uint32_t i = 0; i < l->n_units; i++)
		l->units[i].unit = &st0->units[i];
	for (uint32_t v = 0; v < l->m->n_vpns; v++)
		open_units(l, &l->m->vpns[v]);
	return 0;
}

static bool leads_somewhere(struct listing *l, const struct model_unit *u)
{
	if (!is_here(u))
		return false;
	return u->interface->kind != MODEL_IF_TUNNEL || is_open(l, u);
}

/* ---------------------------------------------------------------- candidates */

static struct rib_route route_by(const struct model_unit *u, enum rib_source source)
{
	return (struct rib_route){.instance = u->instance,
		.source = source,
		.unit = model_interface_id(u->name),
		.name = u->name};
}

static void add_unit(struct listing *l, const struct model_unit *u)
{
	for (uint32_t i = 0; i < u->n_addresses && is_here(u); i++) {
		const struct prefix *p = &u->addresses[i];
		uint8_t bits = (uint8_t)(addr_len(&p->addr) * 8);
		struct rib_route direct = route_by(u, RIB_DIRECT), local = route_by(u, RIB_LOCAL);

		direct.to = *p;
		direct.tunnel = u->multipoint ? RIB_TUNNEL_NONE : 0;
		local.to = (struct prefix){p->addr, bits};
		if (p->len < bits && leads_somewhere(l, u))
			rib_add(l->rib, &direct);
		rib_add(l->rib, &local);
	}
}

static const struct model_unit *unit_towards(
	struct listing *l, uint32_t instance, const struct addr *via)
{
	const struct model_unit *best = NULL;
	uint8_t len = 0;

	for (uint32_t i = 0; i < l->m->n_interfaces; i++)
		for (uint32_t k = 0; k < l->m->interfaces[i].n_units; k++) {
			const struct model_unit *u = &l->m->interfaces[i].units[k];

			for (uint32_t a = 0; u->instance == instance && a < u->n_addresses; a++)
				if (u->addresses[a].len >= len &&
					prefix_contains(&u->addresses[a], via) &&
					leads_somewhere(l, u)) {
					best = u;
					len = u->addresses[a].len;
				}
		}
	return best;
}

static const struct binding *binding_for(
	const struct listing *l, const struct model_unit *u, const struct addr *hop)
{
	for (size_t i = 0; i < l->bindings.n; i++)
		if (l->bindings.v[i].unit == u && addr_equal(&l->bindings.v[i].hop, hop))
			return &l->bindings.v[i];
	return NULL;
}

static void add_static(struct listing *l, const struct model_route *r)
{
	const struct model_unit *u = r->unit ? r->unit : unit_towards(l, r->instance, &r->via);
	const struct binding *b = NULL;
	struct rib_route c;

	if (!u || !leads_somewhere(l, u))
		return;
	if (!r->unit && u->multipoint) {
		b = binding_for(l, u, &r->via);
		if (!b || !vpn_is_open(l, b->vpn))
			return;
	}
	c = route_by(u, RIB_STATIC);
	c.to = r->to;
	c.via = r->via;
	c.preference = r->preference;
	c.tunnel = b ? route_tunnel_id(b->vpn) : 0;
	c.peer = b ? b->peer : 0;
	rib_add(l->rib, &c);
}

/* The remote side of a selector leads into its tunnel while there is one, or while it waits for the
 * packet that asks. Otherwise a guard of the lowest rank keeps the packets from leaving in clear by
 * a less specific route. Where a selector is for many peers, each brings a route to what it has of
 * it (add_part()). */
static void add_selector(struct listing *l, const struct model_selector *s, uint32_t order)
{
	const struct model_vpn *v = s->vpn;
	bool open = !is_for_many(v) && (model_vpn_waits(v) || selector_is_up(l, s));

	for (uint32_t i = 0; i < s->n_flows; i++) {
		struct rib_route c = route_by(v->bind, open ? RIB_AUTO : RIB_GUARD);

		c.to = s->flows[i].remote;
		c.preference = open ? s->preference : RIB_PREFER_LAST;
		c.metric = s->metric;
		c.order = order;
		c.tunnel = v->bind->multipoint ? route_tunnel_id(v) : 0;
		if (!rib_is_default(&c.to))
			rib_add(l->rib, &c);
	}
}

static void add_binding(struct listing *l, const struct binding *b)
{
	struct rib_route c = route_by(b->unit, RIB_BINDING);

	c.to = (struct prefix){b->hop, (uint8_t)(addr_len(&b->hop) * 8)};
	c.tunnel = route_tunnel_id(b->vpn);
	c.peer = b->peer;
	if (is_here(b->unit) && vpn_is_open(l, b->vpn))
		rib_add(l->rib, &c);
}

static void add_nets(struct listing *l, const struct model_selector *s,
	const struct presence_row *row, struct rib_route c)
{
	const struct model_vpn *v = s->vpn;

	c.tunnel = v->bind->multipoint ? route_tunnel_id(v) : 0;
	c.peer = v->bind->multipoint ? row->peer : 0;
	for (size_t i = 0; i < row->n_nets; i++) {
		c.to = row->nets[i];
		if (!rib_is_default(&c.to))
			rib_add(l->rib, &c);
	}
}

/* TS-008 for a dynamic gateway: what was negotiated with this peer. */
static void add_part(
	struct listing *l, const struct model_selector *s, const struct presence_row *row)
{
	struct rib_route c = route_by(s->vpn->bind, RIB_AUTO);

	c.preference = s->preference;
	c.metric = s->metric;
	add_nets(l, s, row, c);
}

static void add_reverse(
	struct listing *l, const struct model_selector *s, const struct presence_row *row)
{
	struct rib_route c = route_by(s->vpn->bind, RIB_REVERSE);

	c.preference = s->vpn->reverse_preference;
	add_nets(l, s, row, c);
}

static void add_row(void *ctx, const struct presence_row *row)
{
	struct listing *l = (struct listing *)ctx;
	const struct model_selector *s = model_selector(l->m, row->selector_id);

	if (!s || !s->vpn->bind)
		return;
	if (s->vpn->has_selectors && is_for_many(s->vpn))
		add_part(l, s, row);
	if (s->vpn->reverse_preference != 0)
		add_reverse(l, s, row);
}

/* What a routing daemon told the kernel about a unit. */
static void add_learned(struct listing *l, const struct rib_route *r)
{
	const struct model_unit *u = model_unit(l->m, r->name);
	const struct binding *b = NULL;
	struct rib_route c = *r;

	if (!u || !leads_somewhere(l, u))
		return;
	if (u->multipoint) {
		b = binding_for(l, u, &r->via);
		if (!b || !vpn_is_open(l, b->vpn))
			return;
	}
	c.tunnel = b ? route_tunnel_id(b->vpn) : 0;
	c.peer = b ? b->peer : 0;
	c.name = u->name;
	rib_add(l->rib, &c);
}

static void add_all(struct listing *l)
{
	const struct model *m = l->m;

	for (uint32_t i = 0; i < m->n_interfaces; i++)
		for (uint32_t k = 0; k < m->interfaces[i].n_units; k++)
			add_unit(l, &m->interfaces[i].units[k]);
	for (uint32_t i = 0; i < m->n_routes; i++)
		add_static(l, &m->routes[i]);
	for (uint32_t v = 0; v < m->n_vpns; v++)
		for (uint32_t s = 0;
			m->vpns[v].bind && m->vpns[v].has_selectors && s < m->vpns[v].n_selectors;
			s++)
			add_selector(l, &m->vpns[v].selectors[s], v);
	for (size_t i = 0; i < l->bindings.n; i++)
		add_binding(l, &l->bindings.v[i]);
	presence_each(l->p, add_row, l);
}

int route_list(const struct route_world *w, struct rib *out)
{
	struct rib rib = {0};
	struct listing l = {.m = w->m, .p = w->p, .rib = &rib};
	int rc = units_init(&l);

	if (rc == 0)
		rc = route_bindings(w->m, w->p, &l.bindings);
	if (rc == 0)
		add_all(&l);
	for (size_t i = 0; rc == 0 && w->learned && i < w->learned->n; i++)
		add_learned(&l, &w->learned->v[i]);
	if (rc == 0 && rib.failed)
		rc = -ERR_NOMEM;
	if (rc == 0)
		*out = rib;
	else
		rib_fini(&rib);
	bindings_fini(&l.bindings);
	free(l.units);
	return rc;
}

/* ---------------------------------------------------------------- bindings */

struct binding_listing {
	const struct model *m;
	struct bindings *to;
	bool failed;
};

static void binding_put(struct binding_listing *l, const struct binding *b)
{
	struct bindings *to = l->to;

	if (to->n == to->cap) {
		size_t cap = to->cap ? to->cap * 2 : 16;
		struct binding *more = realloc(to->v, cap * sizeof *more);

		if (!more) {
			l->failed = true;
			return;
		}
		to->v = more;
		to->cap = cap;
	}
	to->v[to->n++] = *b;
}

/* ST0-003: a peer whose side of the tunnel has one address on the unit's network is that next hop,
 * whatever else it protects. NULL: none, or nobody knows which. */
static const struct addr *hop_of(const struct model_unit *u, const struct presence_row *row)
{
	const struct addr *hop = NULL;

	for (size_t n = 0; n < row->n_nets; n++) {
		const struct prefix *net = &row->nets[n];

		for (uint32_t i = 0; i < u->n_addresses; i++) {
			if (net->len != addr_len(&net->addr) * 8 ||
				!prefix_contains(&u->addresses[i], &net->addr))
				continue;
			if (hop && !addr_equal(hop, &net->addr))
				return NULL;
			hop = &net->addr;
		}
	}
	return hop;
}

static void learn(void *ctx, const struct presence_row *row)
{
	struct binding_listing *l = (struct binding_listing *)ctx;
	const struct model_selector *s = model_selector(l->m, row->selector_id);
	const struct model_unit *u = s ? s->vpn->bind : NULL;
	const struct addr *hop = u && u->multipoint ? hop_of(u, row) : NULL;

	if (hop)
		binding_put(l, &(struct binding){u, s->vpn, *hop, row->policy_id, row->peer, true});
}

static int by_hop(const void *x, const void *y)
{
	const struct binding *a = x, *b = y;
	int c = a->unit->number < b->unit->number ? -1 : a->unit->number > b->unit->number;

	if (c == 0)
		c = memcmp(&a->hop, &b->hop, sizeof a->hop);
	if (c == 0)
		c = (int)a->learned - (int)b->learned;
	if (c == 0)
		c = strcmp(a->vpn->name, b->vpn->name);
	return c ? c : (a->peer > b->peer) - (a->peer < b->peer);
}

int route_bindings(const struct model *m, const struct presence *p, struct bindings *out)
{
	const struct model_interface *st0 = st0_of(m);
	struct binding_listing l = {.m = m, .to = out};
	size_t n = 0;

	for (uint32_t i = 0; st0 && i < st0->n_units; i++) {
		const struct model_unit *u = &st0->units[i];

		for (uint32_t k = 0; k < u->n_bindings; k++)
			binding_put(&l, &(struct binding){.unit = u,
						.vpn = u->bindings[k].vpn,
						.hop = u->bindings[k].hop});
	}
	presence_each(p, learn, &l);
	if (l.failed)
		return -ERR_NOMEM;
	if (out->n)
		qsort(out->v, out->n, sizeof *out->v, by_hop);
	for (size_t i = 0; i < out->n; i++)
		if (n == 0 || out->v[n - 1].unit != out->v[i].unit ||
			!addr_equal(&out->v[n - 1].hop, &out->v[i].hop))
			out->v[n++] = out->v[i];
	out->n = n;
	return 0;
}

void bindings_fini(struct bindings *b)
{
	free(b->v);
	*b = (struct bindings){0};
}
