#include "ha/cpg/gather.h"

#include <stdlib.h>

#include "base/err.h"

static struct gather_item *add_item(struct gather *g)
{
	if (g->n_items == g->cap_items) {
		size_t cap = g->cap_items ? g->cap_items * 2 : 64;
		struct gather_item *grown = realloc(g->items, cap * sizeof(*grown));

		if (!grown) {
			g->failed = true;
			return NULL;
		}
		g->items = grown;
		g->cap_items = cap;
	}
	g->items[g->n_items] = (struct gather_item){0};
	return &g->items[g->n_items++];
}

/* ---------------------------------------------------------------- views */

static void forget_news(struct gather *g)
{
	g->group->ev.n_joined = g->group->ev.n_left = 0;
	g->is_pending = g->wants_ring = false;
}

static void emit_view(struct gather *g)
{
	struct gather_view *v = malloc(sizeof *v);
	struct gather_item *item = v ? add_item(g) : NULL;

	if (!item) {
		free(v);
		g->failed = true;
		return;
	}
	*v = *g->group;
	v->ev.ring_seq = g->ring_seq;
	v->ev.ring_node = g->ring_node;
	v->ev.ring_nodes = g->ring_nodes;
	v->ev.members = v->members;
	v->ev.joined = v->joined;
	v->ev.left = v->left;
	item->view = v;
	forget_news(g);
}

static void add_left(struct gather_view *v, const struct gather_process *p)
{
	if (v->ev.n_left < GATHER_LIST_MAX)
		v->left[v->ev.n_left++] = (struct ha_left){p->node, p->pid, p->reason};
}

static void add_joined(struct gather_view *v, const struct gather_process *p)
{
	if (v->ev.n_joined < GATHER_LIST_MAX)
		v->joined[v->ev.n_joined++] = (struct ha_member){p->node, p->pid};
}

void gather_confchg(struct gather *g, const struct gather_group *group)
{
	struct gather_view *v;

	/* One VIEW for each change, as long as nothing says that more of it follows. */
	if (g->is_pending && g->has_ring && !g->wants_ring)
		emit_view(g);
	if (!g->group)
		g->group = calloc(1, sizeof(*g->group));
	v = g->group;
	if (!v) {
		g->failed = true;
		return;
	}
	for (size_t i = 0; i < group->n_left; i++) {
		add_left(v, &group->left[i]);
		g->wants_ring |= group->left[i].with_node;
	}
	for (size_t i = 0; i < group->n_joined; i++) {
		add_joined(v, &group->joined[i]);
		g->wants_ring |= group->joined[i].with_node;
	}
	v->ev.n_members = 0;
	for (size_t i = 0; i < group->n_members && i < GATHER_LIST_MAX; i++)
		v->members[v->ev.n_members++] =
			(struct ha_member){group->members[i].node, group->members[i].pid};
	g->has_group = g->is_pending = true;
}

void gather_ring(struct gather *g, uint64_t seq, uint32_t node, uint32_t nodes)
{
	bool is_news = !g->has_ring || seq != g->ring_seq || node != g->ring_node;

	g->ring_seq = seq;
	g->ring_node = node;
	g->ring_nodes = nodes;
	g->has_ring = true;
	if (g->has_group && (is_news || g->is_pending))
		emit_view(g);
}

/* ---------------------------------------------------------------- deliveries */

static bool reserve_octets(struct gather *g, size_t n)
{
	size_t cap = g->cap_octets ? g->cap_octets : 65536;
	uint8_t *grown;

	if (g->cap_octets - g->n_octets >= n)
		return true;
	while (cap - g->n_octets < n)
		cap *= 2;
	grown = realloc(g->octets, cap);
	if (!grown)
		return false;
	g->octets = grown;
	g->cap_octets = cap;
	return true;
}

void gather_deliver(struct gather *g, uint32_t node, uint32_t pid, struct view octets)
{
	struct gather_item *item;

	/* A delivery belongs after the change before it, even if the ring were still missing. */
	if (g->is_pending && g->has_ring)
		emit_view(g);
	item = reserve_octets(g, octets.n) ? add_item(g) : NULL;
	if (!item) {
		g->failed = true;
		return;
	}
	item->node = node;
	item->pid = pid;
	item->at = g->n_octets;
	item->n = octets.n;
	if (octets.n != 0)
		memcpy(g->octets + g->n_octets, octets.p, octets.n);
	g->n_octets += octets.n;
}

/* ---------------------------------------------------------------- reading */

int gather_end(struct gather *g)
{
	if (g->is_pending && g->has_ring && !g->wants_ring)
		emit_view(g);
	return g->failed ? -ERR_NOMEM : 0;
}

bool gather_next(struct gather *g, struct ha_event *ev)
{
	const struct gather_item *item;

	if (g->next == g->n_items)
		return false;
	item = &g->items[g->next++];
	if (item->view) {
		*ev = (struct ha_event){.type = HA_EV_VIEW, .view = item->view->ev};
		return true;
	}
	*ev = (struct ha_event){.type = HA_EV_DELIVER};
	ev->deliver = (struct ha_ev_deliver){.node = item->node,
		.pid = item->pid,
		.octets = item->n ? view_of(g->octets + item->at, item->n) : (struct view){0},
		.more = g->next < g->n_items && !g->items[g->next].view};
	return true;
}

void gather_reset(struct gather *g)
{
	for (size_t i = 0; i < g->n_items; i++)
		free(g->items[i].view);
	g->n_items = g->next = g->n_octets = 0;
}

void gather_fini(struct gather *g)
{
	gather_reset(g);
	free(g->items);
	free(g->octets);
	free(g->group);
	*g = (struct gather){0};
}
