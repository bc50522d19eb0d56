#include "bus.h"

#include <stdlib.h>
#include <string.h>

#include "node.h"

enum item_kind { ITEM_MESSAGE, ITEM_GROUP };

struct item {
	enum item_kind kind;
	uint32_t sender, pid;
	bool joins, crashed;		  /* GROUP */
	uint32_t group, group_pid[NODES]; /* GROUP, once ordered: who is in after it */
	uint8_t *p;
	size_t n;
};

struct queue {
	struct item *v;
	size_t n, cap;
};

struct ring {
	uint64_t seq;
	uint32_t lowest, members, group; /* group: whose tandemd is in, at the end of the order */
	uint32_t group_pid[NODES];
	struct queue order;
	size_t at[NODES]; /* delivered so far */
	bool ticking;
};

struct daemon { /* Corosync on one machine */
	struct ring *ring;
	struct queue out;
	/* what its client was last told */
	uint64_t view_seq;
	uint32_t view, view_pid[NODES];
	bool client, self_rejoins;
};

struct bus {
	uint64_t seq;
	struct daemon d[NODES];
	bool reform_pending;
};

static void queue_add(struct queue *q, struct item it)
{
	if (q->n == q->cap) {
		q->cap = q->cap ? q->cap * 2 : 16;
		q->v = realloc(q->v, q->cap * sizeof *q->v);
		if (!q->v)
			abort();
	}
	q->v[q->n++] = it;
}

static struct item queue_shift(struct queue *q)
{
	struct item it = q->v[0];

	q->n--;
	memmove(q->v, q->v + 1, q->n * sizeof *q->v);
	return it;
}

static void queue_clear(struct queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		free(q->v[i].p);
	free(q->v);
	*q = (struct queue){0};
}

struct bus *bus_new(struct world *w)
{
	struct bus *b = calloc(1, sizeof *b);

	(void)w;
	if (!b)
		abort();
	return b;
}

static void ring_drop(struct bus *b, struct ring *r)
{
	for (uint32_t n = 0; n < NODES; n++)
		if (b->d[n].ring == r)
			return;
	queue_clear(&r->order);
	free(r);
}

void bus_free(struct bus *b)
{
	for (uint32_t n = 0; n < NODES; n++) {
		struct ring *r = b->d[n].ring;

		b->d[n].ring = NULL;
		if (r)
			ring_drop(b, r);
		queue_clear(&b->d[n].out);
	}
	free(b);
}

bool bus_same_ring(const struct world *w, uint32_t a, uint32_t b)
{
	return w->bus->d[a].ring && w->bus->d[a].ring == w->bus->d[b].ring;
}

/* ---------------------------------------------------------------- to the client */

static void tell_view(struct world *w, uint32_t n, struct ring *r, uint32_t together)
{
	struct daemon *d = &w->bus->d[n];
	struct bus_view v = {.ring_seq = r->seq,
		.ring_node = r->lowest,
		.ring_nodes = r->members,
		.members = r->group};

	if (!d->client)
		return;
	for (uint32_t k = 0; k < w->nodes; k++) {
		bool was = d->view & 1u << k, is = r->group & 1u << k;
		bool stays = was && is && (together & 1u << k) && d->view_pid[k] == r->group_pid[k];

		if (k == n && d->self_rejoins)
			stays = false;
		v.pid[k] = is ? r->group_pid[k] : d->view_pid[k];
		v.left |= was && !stays ? 1u << k : 0;
		v.joined |= is && !stays ? 1u << k : 0;
		v.nodedown |= was && !stays && !(together & 1u << k) ? 1u << k : 0;
	}
	d->self_rejoins = false;
	if (!v.left && !v.joined && d->view_seq == r->seq)
		return;
	d->view_seq = r->seq;
	d->view = r->group;
	memcpy(d->view_pid, r->group_pid, sizeof d->view_pid);
	control_view(w, n, &v);
}

static void tell_quorum(struct world *w, uint32_t n, const struct ring *r)
{
	uint32_t count = (uint32_t)__builtin_popcount(r->members);

	control_quorum(w, n, r->seq, r->lowest, w->two_node || count > w->nodes / 2);
}

static void ring_group(struct ring *r, const struct item *it)
{
	if (it->joins) {
		r->group |= 1u << it->sender;
		r->group_pid[it->sender] = it->pid;
	} else if (r->group_pid[it->sender] == it->pid) {
		r->group &= ~(1u << it->sender);
	}
}

/* The client of n gets item i. Group changes are told as they were at that place of the order. */
static void deliver(struct world *w, uint32_t n, struct ring *r, size_t i)
{
	struct daemon *d = &w->bus->d[n];
	const struct item *it = &r->order.v[i];
	struct ring then;

	if (it->kind == ITEM_MESSAGE) {
		if (d->client)
			control_message(w, n, it->sender, it->pid, it->p, it->n);
		return;
	}
	then = *r;
	then.group = it->group;
	memcpy(then.group_pid, it->group_pid, sizeof then.group_pid);
	if (it->sender == n && it->joins) { /* our own coming */
		d->client = true;
		d->view = 0;
		tell_quorum(w, n, r);
	}
	tell_view(w, n, &then, r->members);
}

/* ---------------------------------------------------------------- order and pace */

static bool ring_whole(const struct world *w, const struct ring *r)
{
	for (uint32_t a = 0; a < w->nodes; a++) {
		if (!(r->members & 1u << a))
			continue;
		if (!proc_runs(w, a, WHO_COROSYNC) || w->bus->d[a].ring != r)
			return false;
		for (uint32_t b = 0; b < w->nodes; b++)
			if (b != a && (r->members & 1u << b) && !path_open(w, PATH_CLUSTER, a, b))
				return false;
	}
	return true;
}

static bool ring_busy(const struct world *w, const struct ring *r)
{
	for (uint32_t n = 0; n < w->nodes; n++)
		if ((r->members & 1u << n) && (w->bus->d[n].out.n || r->at[n] < r->order.n))
			return true;
	return false;
}

static void ring_tick(struct world *w, uint32_t node, void *data);

static void ring_wake(struct world *w, struct ring *r)
{
	uint64_t *seq;

	if (r->ticking || !ring_busy(w, r))
		return;
	seq = malloc(sizeof *seq);
	if (!seq)
		abort();
	*seq = r->seq;
	r->ticking = true;
	world_at(w, rnd_between(w, US(30), US(300)), WHO_WORLD, 0, ring_tick, seq);
}

static struct ring *ring_find(const struct world *w, uint64_t seq)
{
	for (uint32_t n = 0; n < w->nodes; n++)
		if (w->bus->d[n].ring && w->bus->d[n].ring->seq == seq)
			return w->bus->d[n].ring;
	return NULL;
}

static void ring_order(struct world *w, struct ring *r)
{
	for (uint32_t i = 0; i < w->nodes; i++) {
		uint32_t n = (uint32_t)(rnd_below(w, w->nodes));
		struct queue *q = &w->bus->d[n].out;

		if (!(r->members & 1u << n))
			continue;
		for (uint64_t k = rnd_below(w, 12); q->n && k > 0; k--) {
			struct item it = queue_shift(q);

			if (it.kind == ITEM_GROUP) {
				ring_group(r, &it);
				it.group = r->group;
				memcpy(it.group_pid, r->group_pid, sizeof it.group_pid);
			}
			queue_add(&r->order, it);
		}
	}
}

static void ring_tick(struct world *w, uint32_t node, void *data)
{
	struct ring *r = ring_find(w, *(uint64_t *)data);

	(void)node;
	if (!r)
		return;
	r->ticking = false;
	if (!ring_whole(w, r))
		return; /* the token is lost; bus_reform() goes on from here */
	ring_order(w, r);
	for (uint32_t n = 0; n < w->nodes; n++) {
		size_t to = r->order.n;

		if (!(r->members & 1u << n))
			continue;
		if (chance(w, 30))
			to = r->at[n] + rnd_below(w, r->order.n - r->at[n] + 1);
		while (r->at[n] < to)
			deliver(w, n, r, r->at[n]++);
	}
	ring_wake(w, r);
}

void bus_send(struct world *w, uint32_t node, const uint8_t *p, size_t n)
{
	struct daemon *d = &w->bus->d[node];
	struct item it = {.kind = ITEM_MESSAGE, .sender = node, .pid = node_pid(w, node), .n = n};

	it.p = malloc(n);
	if (!it.p)
		abort();
	memcpy(it.p, p, n);
	queue_add(&d->out, it);
	if (d->ring)
		ring_wake(w, d->ring);
}

static void group_change(struct world *w, uint32_t node, bool joins, bool crashed)
{
	struct daemon *d = &w->bus->d[node];

	if (!w->proc[node][WHO_COROSYNC].up)
		return;
	queue_add(&d->out, (struct item){.kind = ITEM_GROUP,
				   .sender = node,
				   .pid = node_pid(w, node),
				   .joins = joins,
				   .crashed = crashed});
	if (d->ring)
		ring_wake(w, d->ring);
}

void bus_join(struct world *w, uint32_t node)
{
	group_change(w, node, true, false);
}

void bus_leave(struct world *w, uint32_t node, bool crashed)
{
	w->bus->d[node].client = false;
	group_change(w, node, false, crashed);
}

/* ---------------------------------------------------------------- rings come and go */

static bool linked(const struct world *w, uint32_t a, uint32_t b)
{
	return proc_runs(w, a, WHO_COROSYNC) && proc_runs(w, b, WHO_COROSYNC) &&
	       path_open(w, PATH_CLUSTER, a, b) && path_open(w, PATH_CLUSTER, b, a);
}

/* Greedy cliques: everybody in a ring hears everybody. */
static uint32_t component_of(const struct world *w, uint32_t n, uint32_t free_nodes)
{
	uint32_t mask = 1u << n;

	for (uint32_t k = 0; k < w->nodes; k++) {
		bool all = (free_nodes & 1u << k) != 0;

		for (uint32_t m = 0; all && m < w->nodes; m++)
			if ((mask & 1u << m) && m != k)
				all = linked(w, k, m);
		if (all)
			mask |= 1u << k;
	}
	return mask;
}

/* Where the old order ends for those who go on together, and what of theirs comes later. */
static void old_ring_ends(struct world *w, struct ring *r, uint32_t together)
{
	size_t most = 0, end;
	bool carry = chance(w, 50);
	struct queue later[NODES] = {0};

	for (uint32_t n = 0; n < w->nodes; n++)
		if ((together & 1u << n) && r->at[n] > most)
			most = r->at[n];
	end = most + rnd_below(w, r->order.n - most + 1);
	for (uint32_t n = 0; n < w->nodes; n++)
		while ((together & 1u << n) && r->at[n] < end)
			deliver(w, n, r, r->at[n]++);
	for (size_t i = end; i < r->order.n; i++) {
		struct item it = r->order.v[i];

		if (!(together & 1u << it.sender))
			continue;
		if (it.kind == ITEM_MESSAGE && it.n) {
			uint8_t *copy = malloc(it.n);

			if (!copy)
				abort();
			memcpy(copy, it.p, it.n);
			it.p = copy;
		}
		/* either still in the old configuration, or carried into the next */
		if (carry || it.kind == ITEM_GROUP) {
			queue_add(&later[it.sender], it);
			continue;
		}
		for (uint32_t n = 0; n < w->nodes; n++)
			if ((together & 1u << n) && w->bus->d[n].client)
				control_message(w, n, it.sender, it.pid, it.p, it.n);
		free(it.p);
	}
	for (uint32_t n = 0; n < w->nodes; n++) {
		struct queue *out = &w->bus->d[n].out;

		for (size_t i = 0; i < out->n; i++)
			queue_add(&later[n], out->v[i]);
		if (together & 1u << n) {
			free(out->v);
			*out = later[n];
		} else {
			free(later[n].v);
		}
	}
}

/* Group changes not ordered yet have not happened: the group is what the clients were told. */
static void ring_new(struct world *w, uint32_t members)
{
	struct ring *r = calloc(1, sizeof *r), *old[NODES];
	uint32_t together[NODES] = {0};

	if (!r)
		abort();
	r->seq = w->bus->seq += 4;
	r->members = members;
	r->lowest = (uint32_t)__builtin_ctz(members) + 1;
	for (uint32_t n = 0; n < w->nodes; n++)
		old[n] = members & 1u << n ? w->bus->d[n].ring : NULL;
	for (uint32_t n = 0; n < w->nodes; n++) {
		for (uint32_t k = 0; k < w->nodes; k++)
			if ((members & 1u << n) && (members & 1u << k) &&
				(n == k || (old[n] && old[k] == old[n])))
				together[n] |= 1u << k;
		if (old[n] && (uint32_t)__builtin_ctz(together[n]) == n)
			old_ring_ends(w, old[n], together[n]);
	}
	for (uint32_t n = 0; n < w->nodes; n++)
		if ((members & 1u << n) && w->bus->d[n].client) {
			r->group |= 1u << n;
			r->group_pid[n] = node_pid(w, n);
		}
	world_say(w, "bus ring %llu members %x group %x", (unsigned long long)r->seq, members,
		r->group);
	for (uint32_t n = 0; n < w->nodes; n++) {
		if (!(members & 1u << n))
			continue;
		w->bus->d[n].ring = r;
		if (old[n])
			ring_drop(w->bus, old[n]);
	}
	for (uint32_t n = 0; n < w->nodes; n++)
		if (members & 1u << n)
			tell_view(w, n, r, together[n]);
	for (uint32_t n = 0; n < w->nodes; n++)
		if (members & 1u << n)
			tell_quorum(w, n, r);
	ring_wake(w, r);
}

static void reform(struct world *w, uint32_t node, void *data)
{
	uint32_t left = (1u << w->nodes) - 1;

	(void)node;
	(void)data;
	w->bus->reform_pending = false;
	while (left) {
		uint32_t n = (uint32_t)__builtin_ctz(left), mask;

		if (!proc_runs(w, n, WHO_COROSYNC)) {
			left &= ~(1u << n);
			continue;
		}
		mask = component_of(w, n, left);
		left &= ~mask;
		if (!w->bus->d[n].ring || w->bus->d[n].ring->members != mask ||
			!ring_whole(w, w->bus->d[n].ring))
			ring_new(w, mask);
		else
			ring_wake(w, w->bus->d[n].ring);
	}
}

/* Token and consensus time out, or a foreign ring is heard. */
void bus_paths_changed(struct world *w)
{
	bool losing = false;

	for (uint32_t n = 0; n < w->nodes; n++)
		if (w->bus->d[n].ring && !ring_whole(w, w->bus->d[n].ring))
			losing = true;
		else if (w->bus->d[n].ring)
			ring_wake(w, w->bus->d[n].ring);
	if (w->bus->reform_pending && !losing)
		return;
	w->bus->reform_pending = true;
	world_at(w, losing ? MSEC(rnd_between(w, 300, 440)) : MSEC(rnd_between(w, 20, 900)),
		WHO_WORLD, 0, reform, NULL);
}

void bus_start(struct world *w, uint32_t node)
{
	(void)node;
	bus_paths_changed(w);
}

void bus_stop(struct world *w, uint32_t node)
{
	struct daemon *d = &w->bus->d[node];
	struct ring *r = d->ring;

	d->ring = NULL;
	d->client = false;
	d->view = 0;
	queue_clear(&d->out);
	if (r)
		ring_drop(w->bus, r);
	bus_paths_changed(w);
}

/* A machine that was stopped long enough to be missed sees itself leave and join. */
void bus_woke(struct world *w, uint32_t node)
{
	w->bus->d[node].self_rejoins = chance(w, 50);
	bus_paths_changed(w);
}
