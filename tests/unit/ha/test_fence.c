/*
 * Two nodes of one group, the owner falls silent: whose fault that is (rule 5). One of them hangs
 * and the other one stops its dataplane; or the group stands still, as when a link is cut one way
 * and Corosync has not found out yet, and nobody may be stopped.
 */
#include "bare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { NODES = 2, PID = 7, STEPS = 20000, QUEUE = 4096, WAIT_MS = 3000 };

#define MS UINT64_C(1000000)

struct node {
	struct ha *ha;
	struct ha_effects fx;
	uint8_t seed;
	unsigned fences;
	bool active, synced, hangs;
};

struct message {
	uint32_t from;
	struct blob octets;
};

/* The nodes, and one order of messages for both. */
struct group {
	struct node node[NODES];
	struct message queue[QUEUE];
	size_t head, tail;
	uint64_t now_ns;
	bool stands;
};

static void feed(struct group *g, uint32_t n, struct ha_event *ev);

static void execute(struct group *g, uint32_t n)
{
	struct node *node = &g->node[n];
	uint64_t persisted = 0;

	for (size_t i = 0; i < node->fx.n; i++) {
		const struct ha_effect *e = &node->fx.v[i];

		if (e->type == HA_DO_MCAST) {
			assert_true(g->tail < QUEUE);
			g->queue[g->tail].from = n;
			assert_int_equal(blob_copy(e->mcast, &g->queue[g->tail++].octets), 0);
		} else if (e->type == HA_DO_PERSIST) {
			persisted = e->persist.serial;
		} else if (e->type == HA_DO_ROLE) {
			node->active = e->role.role == HA_ACTIVE;
		} else if (e->type == HA_DO_SYNCED) {
			node->synced = true;
		} else if (e->type == HA_DO_FABRIC_FENCE) {
			node->fences++;
		}
	}
	ha_effects_clear(&node->fx);
	if (persisted) {
		struct ha_event ev = {.type = HA_EV_PERSISTED, .persisted = persisted};

		feed(g, n, &ev);
	}
}

static void feed(struct group *g, uint32_t n, struct ha_event *ev)
{
	if (g->node[n].hangs)
		return;
	ev->now_ns = g->now_ns;
	assert_int_equal(ha_step(g->node[n].ha, ev, &g->node[n].fx), 0);
	execute(g, n);
}

static void deliver(struct group *g)
{
	for (; g->head < g->tail; g->head++) {
		struct message *m = &g->queue[g->head];
		struct ha_event ev = {.type = HA_EV_DELIVER};

		ev.deliver = (struct ha_ev_deliver){
			.node = m->from, .pid = PID, .octets = blob_view(&m->octets)};
		for (uint32_t n = 0; n < NODES; n++)
			feed(g, n, &ev);
		blob_fini(&m->octets);
	}
	g->head = g->tail = 0;
}

/* A millisecond passes. */
static void step(struct group *g)
{
	struct ha_event tick = {.type = HA_EV_TICK};

	g->now_ns += MS;
	for (uint32_t n = 0; n < NODES; n++)
		feed(g, n, &tick);
	if (!g->stands)
		deliver(g);
}

static void group_begin(struct group *g)
{
	static const struct ha_member all[NODES] = {{0, PID}, {1, PID}};
	struct ha_event view = {.type = HA_EV_VIEW}, up = {.type = HA_EV_DATAPLANE};

	*g = (struct group){.now_ns = 1000 * MS};
	view.view = (struct ha_ev_view){.ring_seq = 4,
		.ring_nodes = 3,
		.members = all,
		.n_members = NODES,
		.joined = all,
		.n_joined = NODES};
	up.dataplane = (struct ha_ev_dataplane){.up = true, .incarnation = 1};
	for (uint32_t n = 0; n < NODES; n++) {
		struct node *node = &g->node[n];
		struct ha_config c = bare_config(n, &node->seed);

		c.two_node = true;
		node->seed = (uint8_t)(n * 100);
		ha_effects_init(&node->fx);
		assert_int_equal(ha_new(&c, (struct view){0}, g->now_ns, &node->ha), 0);
		feed(g, n, &view);
		feed(g, n, &up);
	}
	for (int i = 0; i < STEPS && !(g->node[0].active && g->node[1].synced); i++)
		step(g);
	assert_true(g->node[0].active && g->node[1].synced);
	assert_int_equal(g->node[1].fences, 0);
}

static void group_end(struct group *g)
{
	while (g->head < g->tail)
		blob_fini(&g->queue[g->head++].octets);
	for (uint32_t n = 0; n < NODES; n++) {
		ha_free(g->node[n].ha);
		ha_effects_fini(&g->node[n].fx);
	}
}

static void an_owner_that_hangs_is_stopped(void **state)
{
	struct group g;
	int waited = 0;

	(void)state;
	group_begin(&g);
	g.node[0].hangs = true;
	for (; waited < WAIT_MS && g.node[1].fences == 0; waited++)
		step(&g);
	print_message("# fenced after %d ms\n", waited);
	assert_in_range(waited, 760, 1000); /* its dataplane's deadline was over by then */
	group_end(&g);
}

static void nobody_is_stopped_because_the_group_stands_still(void **state)
{
	struct group g;

	(void)state;
	group_begin(&g);
	g.stands = true;
	for (int i = 0; i < WAIT_MS; i++)
		step(&g);
	assert_int_equal(g.node[0].fences + g.node[1].fences, 0);
	group_end(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_owner_that_hangs_is_stopped),
		cmocka_unit_test(nobody_is_stopped_because_the_group_stands_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
