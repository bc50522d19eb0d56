/*
 * A node that is shut down while it owns (HA-018): whom it waits for; and one whose dataplane
 * leaves it while it owns. The bus brings it its own messages and nobody else's.
 */
#include "bare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { SELF = 0, OTHER = 1, PID = 7, STEPS = 20000, INBOX = 4096 };

#define MS UINT64_C(1000000)

/* ---- one node and its bus */

struct node {
	struct ha *ha;
	struct ha_effects fx;
	uint64_t now_ns;
	uint8_t seed;
	struct blob inbox[INBOX];
	size_t head, tail;
	uint64_t epoch; /* of its last role */
	bool active, left;
};

static void feed(struct node *n, struct ha_event *ev);

static void execute(struct node *n)
{
	uint64_t persisted = 0;

	for (size_t i = 0; i < n->fx.n; i++) {
		const struct ha_effect *e = &n->fx.v[i];

		if (e->type == HA_DO_MCAST) {
			assert_true(n->tail < INBOX);
			assert_int_equal(blob_copy(e->mcast, &n->inbox[n->tail++]), 0);
		} else if (e->type == HA_DO_PERSIST) {
			persisted = e->persist.serial;
		} else if (e->type == HA_DO_ROLE) {
			n->active = e->role.role == HA_ACTIVE;
			n->epoch = e->role.epoch.number;
		} else if (e->type == HA_DO_LEAVE) {
			n->left = true;
		}
	}
	ha_effects_clear(&n->fx);
	if (persisted) {
		struct ha_event ev = {.type = HA_EV_PERSISTED, .persisted = persisted};

		feed(n, &ev);
	}
}

static void feed(struct node *n, struct ha_event *ev)
{
	ev->now_ns = n->now_ns;
	assert_int_equal(ha_step(n->ha, ev, &n->fx), 0);
	execute(n);
}

static void deliver(struct node *n)
{
	while (n->head < n->tail) {
		struct ha_event ev = {.type = HA_EV_DELIVER};

		ev.deliver = (struct ha_ev_deliver){
			.node = SELF, .pid = PID, .octets = blob_view(&n->inbox[n->head])};
		feed(n, &ev);
		blob_fini(&n->inbox[n->head++]);
	}
	n->head = n->tail = 0;
}

/* A millisecond passes. */
static void step(struct node *n)
{
	struct ha_event ev = {.type = HA_EV_TICK};

	n->now_ns += MS;
	feed(n, &ev);
	deliver(n);
}

static void see(struct node *n, uint64_t ring_seq, uint32_t nodes)
{
	static const struct ha_member all[] = {{SELF, PID}, {OTHER, PID}};
	struct ha_event view = {.type = HA_EV_VIEW}, quorum = {.type = HA_EV_QUORUM};

	view.view = (struct ha_ev_view){.ring_seq = ring_seq,
		.ring_nodes = (1u << nodes) - 1,
		.members = all,
		.n_members = nodes,
		.joined = nodes == 1 ? all : all + 1,
		.n_joined = 1};
	feed(n, &view);
	quorum.quorum = (struct ha_ev_quorum){.ring_seq = ring_seq, .quorate = true};
	feed(n, &quorum);
	deliver(n);
}

static void dataplane(struct node *n, bool up, uint16_t incarnation)
{
	struct ha_event ev = {.type = HA_EV_DATAPLANE};

	ev.dataplane = (struct ha_ev_dataplane){.up = up, .incarnation = incarnation};
	feed(n, &ev);
}

static void node_begin(struct node *n)
{
	struct ha_config c;

	*n = (struct node){.now_ns = 1000 * MS};
	c = bare_config(SELF, &n->seed);
	ha_effects_init(&n->fx);
	assert_int_equal(ha_new(&c, (struct view){0}, n->now_ns, &n->ha), 0);
	see(n, 4, 1);
	dataplane(n, true, 1);
	for (int i = 0; i < STEPS && !n->active; i++)
		step(n);
	assert_true(n->active);
}

static void node_end(struct node *n)
{
	while (n->head < n->tail)
		blob_fini(&n->inbox[n->head++]);
	ha_free(n->ha);
	ha_effects_fini(&n->fx);
}

static void shut_down(struct node *n)
{
	struct ha_event ev = {.type = HA_EV_SHUTDOWN};

	feed(n, &ev);
}

static void leaves_at_once_when_nobody_is_there(void **state)
{
	struct node n;

	(void)state;
	node_begin(&n);
	shut_down(&n);
	assert_true(n.left);
	node_end(&n);
}

/* It is there and says nothing: it may still take over, but not for ever. */
static void waits_a_while_for_one_that_is_there(void **state)
{
	struct node n;
	int waited = 0;

	(void)state;
	node_begin(&n);
	see(&n, 8, 2);
	shut_down(&n);
	assert_false(n.left);
	for (; waited < STEPS && !n.left; waited++)
		step(&n);
	assert_true(n.left);
	print_message("# left after %d ms\n", waited);
	assert_in_range(waited, 100, 3000);
	node_end(&n);
}

/* Its host tells no dataplane a role while there is none. So the same one, when it is heard again,
 * gets an epoch of its own, as an empty one would (I7). */
static void a_role_that_no_dataplane_heard_is_claimed_again(void **state)
{
	struct ha_event tick = {.type = HA_EV_TICK};
	struct node n;
	uint64_t deaf;

	(void)state;
	node_begin(&n);
	deaf = n.epoch;
	dataplane(&n, false, 1);
	dataplane(&n, true, 2);
	for (int i = 0; i < STEPS && n.head == n.tail; i++) {
		n.now_ns += MS;
		feed(&n, &tick);
	}
	dataplane(&n, false, 2); /* its claim is on its way */
	deliver(&n);
	for (int i = 0; i < STEPS && (n.epoch == deaf || !n.active); i++)
		step(&n);
	assert_true(n.active);
	assert_true(n.epoch > deaf);
	deaf = n.epoch;
	dataplane(&n, true, 2);
	for (int i = 0; i < STEPS && n.epoch == deaf; i++)
		step(&n);
	assert_true(n.active);
	assert_true(n.epoch > deaf);
	node_end(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_at_once_when_nobody_is_there),
		cmocka_unit_test(waits_a_while_for_one_that_is_there),
		cmocka_unit_test(a_role_that_no_dataplane_heard_is_claimed_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
