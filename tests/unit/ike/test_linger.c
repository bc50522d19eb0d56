/*
 * After a rekey the dataplane takes in what was on the way with the old child SA (RFC 7296 2.8),
 * for a while, without sending; nothing else of it is left.
 */
#include "ike/record.h"
#include "pair.h"

#define REKEY_MS 1010

static struct pair_child *held(struct pair *p, int node, uint32_t spi_in)
{
	struct pair_child *c = p->node[node].sad;

	while (c && c->spi_in != spi_in)
		c = c->next;
	return c;
}

static bool sends(struct pair *p, int node, uint32_t spi_in)
{
	struct pair_child *c = held(p, node, spi_in);

	return c && c->outbound;
}

static bool has_record(struct pair *p, int node, uint32_t spi_in)
{
	uint8_t room[IKE_RECORD_KEY_MAX];
	struct view key = record_key_child(spi_in, room);

	for (struct pair_record *r = p->node[node].log; r; r = r->next)
		if (view_equal(view_of(r->key, r->key_n), key))
			return true;
	return false;
}

/* Until the old one is deleted at both ends: the install interval, and the messages. */
static void rekey(struct pair *p, int node)
{
	assert_int_equal(pair_operate(p, node, IKE_OP_REKEY_CHILD, NULL), 1);
	pair_pass(p, REKEY_MS);
}

static void only_the_inbound_half_lingers(void **state)
{
	struct pair *p = pair_up(NULL);
	uint32_t old[2] = {pair_child(p, 0)->spi_in, pair_child(p, 1)->spi_in};

	(void)state;
	rekey(p, 0);
	for (int i = 0; i < 2; i++) {
		/* Answered, and out of the log: neither waits. */
		assert_int_equal(pair_children(p, i), 1);
		assert_null(pair_sa(p, i)->out);
		assert_false(has_record(p, i, old[i]));
		assert_non_null(held(p, i, old[i]));
		assert_false(sends(p, i, old[i]));
		assert_true(sends(p, i, pair_child(p, i)->spi_in));
	}
	pair_pass(p, LINGER_MS - 20);
	assert_non_null(held(p, 0, old[0]));
	assert_non_null(held(p, 1, old[1]));
	pair_pass(p, 20);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* Who loses a crossing rekey deletes what it made: that was installed at both ends, too. */
static void the_loser_of_a_crossing_lingers(void **state)
{
	struct pair *p = pair_up(NULL);

	(void)state;
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 1);
	assert_int_equal(pair_operate(p, 1, IKE_OP_REKEY_CHILD, NULL), 1);
	pair_pass(p, REKEY_MS);
	assert_int_equal(p->node[0].ike->stats.collisions, 1);
	for (int i = 0; i < 2; i++) {
		unsigned n = 0, sending = 0;

		for (struct pair_child *c = p->node[i].sad; c; c = c->next, n++)
			sending += c->outbound;
		assert_int_equal(n, 3);
		assert_int_equal(sending, 1);
		assert_int_equal(pair_children(p, i), 1);
	}
	pair_pass(p, LINGER_MS);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* A packet on a loser that nobody had used yet opens it in the dataplane (architecture rule 10). */
static void a_late_first_packet_does_not_make_it_send(void **state)
{
	struct ike_event ev = {.type = IKE_EV_INBOUND_FIRST};
	struct pair *p = pair_up(NULL);
	uint32_t old = pair_child(p, 0)->spi_in;
	struct pair_child *c;

	(void)state;
	rekey(p, 1);
	c = held(p, 0, old);
	assert_non_null(c);
	if (c)
		c->outbound = true;
	ev.inbound_first = old;
	assert_int_equal(pair_feed(p, 0, &ev), 0);
	assert_false(sends(p, 0, old));
	/* One that nobody knows is nobody's. */
	ev.inbound_first = 12345;
	assert_int_equal(pair_feed(p, 0, &ev), 0);
	pair_pass(p, LINGER_MS);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static void a_plain_delete_is_immediate(void **state)
{
	struct pair *p = pair_up(NULL);
	uint32_t old = pair_child(p, 0)->spi_in;

	(void)state;
	assert_int_equal(pair_operate(p, 1, IKE_OP_CLEAR_CHILD, NULL), 1);
	pair_settle(p);
	assert_null(p->node[0].sad);
	assert_null(p->node[1].sad);
	/* So is one whose heir went before it: with the IKE SA everything ends. */
	pair_acquire(p, 0);
	pair_settle(p);
	old = pair_child(p, 0)->spi_in;
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 1);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0), 2);
	assert_int_equal(pair_operate(p, 0, IKE_OP_CLEAR_IKE, NULL), 1);
	pair_settle(p);
	for (int i = 0; i < 2; i++)
		for (struct pair_child *c = p->node[i].sad; c; c = c->next)
			assert_false(c->outbound);
	assert_int_equal(pair_children(p, 0), 0);
	pair_pass(p, LINGER_MS);
	assert_null(held(p, 0, old));
	assert_null(p->node[0].sad);
	assert_null(p->node[1].sad);
	pair_free(p);
}

/* Keys are over at the hard lifetime. */
static void nothing_lingers_beyond_the_hard_lifetime(void **state)
{
	struct pair *p = pair_up(NULL);
	struct child *c = pair_child(p, 0);
	uint32_t old = c->spi_in;

	(void)state;
	c->at_hard = p->now_ms + LINGER_MS;
	child_rearm(p->node[0].ike, c);
	rekey(p, 0);
	assert_null(held(p, 0, old));
	pair_pass(p, LINGER_MS);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* The log has the tombstone: whoever takes over knows nothing of it, at any time. */
static void takeover_does_not_resurrect(void **state)
{
	(void)state;
	for (int dies = 0; dies < 2; dies++) {
		for (int fate = PAIR_LOSE_UNCOMMITTED; fate <= PAIR_KEEP_UNCOMMITTED; fate++) {
			const struct pair_side *side = dies ? &side_b : &side_a;
			struct pair *p = pair_up(NULL);
			uint32_t old = pair_child(p, dies)->spi_in;

			rekey(p, 0);
			assert_non_null(held(p, dies, old));
			pair_takeover(p, dies, 2, side, (enum pair_fate)fate);
			assert_null(held(p, 2, old));
			assert_null(child_find(p->node[2].ike, old));
			assert_int_equal(linger_count(p->node[2].ike), 0);
			pair_pass(p, LINGER_MS);
			pair_check_up(p, dies ? 0 : 2, dies ? 2 : 1);
			/* And it works on. */
			rekey(p, 2);
			pair_pass(p, LINGER_MS);
			pair_check_up(p, dies ? 0 : 2, dies ? 2 : 1);
			pair_free(p);
		}
	}
}

/* As standby the dataplane holds what the log holds. */
static void who_stops_acting_cleans_up(void **state)
{
	struct ike_event ev = {.type = IKE_EV_RG};
	struct pair *p = pair_up(NULL);
	uint32_t old = pair_child(p, 0)->spi_in, heir;

	(void)state;
	rekey(p, 0);
	heir = pair_child(p, 0)->spi_in;
	assert_int_equal(pair_feed(p, 0, &ev), 0);
	assert_null(held(p, 0, old));
	assert_non_null(held(p, 0, heir));
	assert_int_equal(ike_deadline(p->node[0].ike), UINT64_MAX);
	pair_free(p);
}

static void the_number_is_bounded(void **state)
{
	enum { MORE = 10 };

	struct pair *p = pair_up(NULL);
	struct ike *ike = p->node[0].ike;
	struct ike_effects fx;
	uint32_t deleted = 0;

	(void)state;
	ike_effects_init(&fx);
	ike->fx = &fx;
	ike->now_ms = p->now_ms;
	for (uint32_t i = 0; i < LINGER_MAX + MORE; i++)
		linger_begin(ike, 0, 0x100000 + i);
	ike->fx = NULL;
	assert_int_equal(linger_count(ike), LINGER_MAX);
	for (size_t i = 0; i < fx.n; i++) {
		if (fx.v[i].type != IKE_FX_DELETE)
			continue;
		/* The oldest go first. */
		assert_int_equal(fx.v[i].del.n, 1);
		assert_int_equal(fx.v[i].del.spi_in[0], 0x100000 + deleted++);
	}
	assert_int_equal(deleted, MORE);
	assert_true(linger_has(ike, 0x100000 + MORE));
	assert_false(linger_has(ike, 0x100000 + MORE - 1));
	ike_effects_fini(&fx);
	p->node[0].deletes = 0;
	pair_pass(p, LINGER_MS);
	assert_int_equal(p->node[0].deletes, LINGER_MAX);
	assert_int_equal(linger_count(ike), 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_inbound_half_lingers),
		cmocka_unit_test(the_loser_of_a_crossing_lingers),
		cmocka_unit_test(a_late_first_packet_does_not_make_it_send),
		cmocka_unit_test(a_plain_delete_is_immediate),
		cmocka_unit_test(nothing_lingers_beyond_the_hard_lifetime),
		cmocka_unit_test(takeover_does_not_resurrect),
		cmocka_unit_test(who_stops_acting_cleans_up),
		cmocka_unit_test(the_number_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
