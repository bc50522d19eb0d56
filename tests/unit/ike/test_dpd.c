/*
 * Dead peer detection to the millisecond (DPD-001..005): when a probe leaves, when a peer is dead,
 * what saves it, and where we go then.
 */
#include <stdio.h>

#include "pair.h"

static struct pair *with(const char *mode, unsigned interval, unsigned threshold)
{
	static char extra[256];
	struct pair_side a = side_a;

	(void)snprintf(extra, sizeof extra,
		"set security ike gateway G dead-peer-detection %s\n"
		"set security ike gateway G dead-peer-detection interval %u\n"
		"set security ike gateway G dead-peer-detection threshold %u\n",
		mode, interval, threshold);
	a.extra = extra;
	return pair_up_of(&a, &side_b);
}

static bool nothing_passes(struct pair *p, struct packet *k)
{
	(void)p;
	(void)k;
	return false;
}

/* DPD-002: each legal interval and threshold: the first probe an interval after the last word, the
 * peer dead when `threshold` of them were not answered for an interval each. */
static void dead_after_interval_times_threshold(void **state)
{
	static const unsigned intervals[] = {2, 3, 10, 59, 60};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(intervals); i++)
		for (unsigned threshold = 1; threshold <= 5; threshold++) {
			uint64_t ms = intervals[i] * UINT64_C(1000);
			struct pair *p = with("always-send", intervals[i], threshold);
			unsigned sent = p->node[0].sent;

			p->wire = nothing_passes;
			pair_pass(p, ms - 1);
			assert_int_equal(p->node[0].sent, sent);
			pair_pass(p, 1);
			assert_int_equal(p->node[0].sent, sent + 1);
			pair_pass(p, threshold * ms - 1);
			assert_non_null(pair_sa(p, 0));
			assert_int_equal(p->node[0].sent, sent + threshold);
			pair_pass(p, 1);
			assert_null(pair_sa(p, 0));
			assert_int_equal(pair_children(p, 0), 0);
			assert_true(pair_said(p, 0, "ike.dead"));
			pair_free(p);
		}
}

/* always-send: at each interval, whatever flows. */
static void always_send_is_regular(void **state)
{
	struct pair *p = with("always-send", 10, 3);
	uint32_t was = pair_sa(p, 0)->next_tx;

	(void)state;
	p->node[0].idle_in_ms = p->node[0].idle_out_ms = 0;
	for (uint32_t i = 1; i <= 20; i++) {
		pair_pass(p, 9999);
		assert_int_equal(pair_sa(p, 0)->next_tx, was + i - 1);
		pair_pass(p, 1);
		assert_int_equal(pair_sa(p, 0)->next_tx, was + i);
	}
	pair_free(p);
}

/* probe-idle-tunnel: an interval without anything from the peer; optimized: and with something of
 * ours in it. */
static void silence_is_what_is_probed(void **state)
{
	static const struct {
		const char *mode;
		uint64_t in_ms, out_ms;
		bool probes;
	} cases[] = {
		{"probe-idle-tunnel", 9999, IKE_IDLE_NEVER, false},
		{"probe-idle-tunnel", 10000, IKE_IDLE_NEVER, true},
		{"probe-idle-tunnel", IKE_IDLE_NEVER, 0, true},
		{"optimized", 9999, 0, false},
		{"optimized", 10000, 9999, true},
		{"optimized", 10000, 10000, false},
		{"optimized", IKE_IDLE_NEVER, IKE_IDLE_NEVER, false},
		{"optimized", IKE_IDLE_NEVER, 1, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pair *p = with(cases[i].mode, 10, 5);
		uint32_t was = pair_sa(p, 0)->next_tx;

		p->node[0].idle_in_ms = cases[i].in_ms;
		p->node[0].idle_out_ms = cases[i].out_ms;
		pair_pass(p, 10000);
		assert_int_equal(pair_sa(p, 0)->next_tx, was + cases[i].probes);
		pair_check_up(p, 0, 1);
		pair_free(p);
	}
}

/* Protected traffic is a sign of life (RFC 7296 2.4), at the last probe too, and whatever the
 * threshold; when it stops, death comes as if the probes had begun then. */
static void traffic_saves_at_the_last_moment(void **state)
{
	(void)state;
	for (unsigned threshold = 1; threshold <= 5; threshold++) {
		struct pair *p = with("always-send", 10, threshold);

		p->wire = nothing_passes;
		p->node[0].idle_in_ms = 9999;
		pair_pass(p, 600000);
		assert_non_null(pair_sa(p, 0));
		p->node[0].idle_in_ms = 10000;
		pair_pass(p, (threshold + 1) * UINT64_C(10000));
		assert_null(pair_sa(p, 0));
		pair_free(p);
	}
}

/* A dataplane that does not say delays the verdict by a second, no more. */
static void a_silent_dataplane_does_not_save(void **state)
{
	struct pair *p = with("always-send", 10, 2);

	(void)state;
	p->wire = nothing_passes;
	p->node[0].idle_in_ms = UINT64_MAX - 1;
	pair_pass(p, 30000);
	assert_non_null(pair_sa(p, 0));
	pair_pass(p, 1000);
	assert_null(pair_sa(p, 0));
	pair_free(p);
}

/* Any word of the peer puts the next probe off. */
static void a_word_is_enough(void **state)
{
	struct pair *p = with("probe-idle-tunnel", 10, 2);
	uint32_t was = pair_sa(p, 0)->next_tx;

	(void)state;
	for (int i = 0; i < 6; i++) {
		pair_pass(p, 9000);
		(void)pair_operate(p, 1, IKE_OP_REKEY_CHILD, NULL);
		pair_settle(p);
		assert_true(pair_sa(p, 0)->next_tx <= was);
	}
	pair_free(p);
}

/* DPD-001: without the statement nothing is probed, but everything is answered. */
static void off_still_answers(void **state)
{
	struct pair_side b = side_b;
	struct pair *p;

	(void)state;
	b.extra = "set security ike gateway G dead-peer-detection always-send\n"
		  "set security ike gateway G dead-peer-detection interval 2\n";
	p = pair_up_of(&side_a, &b);
	pair_pass(p, 120000);
	pair_check_up(p, 0, 1);
	assert_int_equal(pair_sa(p, 0)->next_tx, 2);
	assert_int_equal(pair_sa(p, 0)->next_rx, 60);
	assert_int_equal(p->node[0].asked, 0);
	pair_free(p);
}

/* DPD-005: who takes over asks anew, and does not count what the dead node saw. */
static void a_successor_begins_anew(void **state)
{
	static char extra[] = "set security ike gateway G dead-peer-detection always-send\n"
			      "set security ike gateway G dead-peer-detection interval 10\n"
			      "set security ike gateway G dead-peer-detection threshold 2\n";
	struct pair_side a = side_a;
	struct pair *p;

	(void)state;
	a.extra = extra;
	p = pair_up_of(&a, &side_b);
	p->wire = nothing_passes;
	pair_pass(p, 29000);
	assert_non_null(pair_sa(p, 0));
	pair_takeover(p, 0, 2, &a, PAIR_KEEP_UNCOMMITTED);
	pair_pass(p, 5000);
	assert_non_null(pair_sa(p, 2));
	p->wire = NULL;
	pair_pass(p, 60000);
	pair_check_up(p, 2, 1);
	assert_int_equal(p->node[1].ike->stats.ike_dead, 0);
	pair_free(p);
}

/* A node that was killed and started again has a dataplane of its former life here. */
static void serves(struct pair *p, int node)
{
	assert_int_equal(pair_open_sas(p, 0), 1);
	assert_int_equal(pair_children(p, 0), 1);
	assert_int_equal(pair_children(p, node), 1);
	assert_int_equal(pair_child(p, 0)->spi_out, pair_child(p, node)->spi_in);
}

/* DPD-004: the primary dies, the backup serves; when the backup is closed in peace we begin with
 * the primary again, when it dies with the next one. */
static void there_and_back(void **state)
{
	struct pair_side a = side_a, b = side_b, c = side_b;
	struct pair *p = pair_new();

	(void)state;
	a.establish = "immediately";
	a.peer = "[ 192.0.2.2 192.0.2.3 ]";
	a.extra = "set security ike gateway G dead-peer-detection always-send\n"
		  "set security ike gateway G dead-peer-detection interval 2\n"
		  "set security ike gateway G dead-peer-detection threshold 2\n";
	c.own = "192.0.2.3";
	c.extra = "set security ike gateway G local-identity inet 192.0.2.3\n";
	pair_start(p, 0, &a);
	pair_start(p, 1, &b);
	pair_start(p, 2, &c);
	pair_pass(p, 3000);
	serves(p, 1);
	pair_kill(p, 1);
	pair_pass(p, 30000);
	serves(p, 2);
	/* The primary is back: nobody leaves a backup that serves. */
	pair_start(p, 1, &b);
	pair_pass(p, 60000);
	serves(p, 2);
	assert_int_equal(pair_operate(p, 2, IKE_OP_CLEAR_IKE, NULL), 1);
	pair_pass(p, 40000);
	serves(p, 1);
	pair_kill(p, 1);
	pair_pass(p, 30000);
	serves(p, 2);
	pair_free(p);
}

/* RSP-001, RSP-002: who only answers begins nothing, neither at a commit nor for traffic nor when
 * the tunnel is lost; but it rekeys, and authenticates anew. */
static void responder_only_begins_nothing_but_rekeys(void **state)
{
	struct pair_side b = side_b;
	struct pair *p;

	(void)state;
	b.establish = "responder-only";
	b.extra = "set security ike policy IP reauth-frequency 1\n";
	p = pair_of(&side_a, &b);
	pair_acquire(p, 1);
	pair_pass(p, 60000);
	assert_int_equal(p->node[1].ike->stats.ike_initiated, 0);
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_int_equal(pair_operate(p, 1, IKE_OP_REKEY_CHILD, NULL), 1);
	pair_pass(p, 20000);
	assert_int_equal(p->node[1].ike->stats.child_rekeyed, 1);
	assert_int_equal(pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL), 1);
	pair_pass(p, 20000);
	assert_int_equal(p->node[1].ike->stats.ike_reauthenticated, 1);
	pair_check_up(p, 0, 1);
	assert_int_equal(pair_operate(p, 0, IKE_OP_CLEAR_IKE, NULL), 1);
	pair_acquire(p, 1);
	pair_pass(p, 60000);
	assert_int_equal(pair_open_sas(p, 1), 0);
	pair_free(p);
}

/* A peer that answers nothing more while its packets flow on does not keep its tunnel by that: ESP
 * saves it from being dead, not from being cleared. */
static void silence_does_not_save_from_a_clear(void **state)
{
	struct pair *p = with("always-send", 10, 3);

	(void)state;
	p->wire = nothing_passes;
	p->node[0].idle_in_ms = p->node[0].idle_out_ms = 0;
	pair_pass(p, 600000);
	assert_non_null(pair_sa(p, 0));
	assert_int_equal(pair_children(p, 0), 1);
	assert_int_equal(pair_operate(p, 0, IKE_OP_CLEAR_IKE, NULL), 1);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0), 0);
	assert_null(p->node[0].sad);
	pair_pass(p, 120000);
	assert_int_equal(pair_open_sas(p, 0), 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_does_not_save_from_a_clear),
		cmocka_unit_test(dead_after_interval_times_threshold),
		cmocka_unit_test(always_send_is_regular),
		cmocka_unit_test(silence_is_what_is_probed),
		cmocka_unit_test(traffic_saves_at_the_last_moment),
		cmocka_unit_test(a_silent_dataplane_does_not_save),
		cmocka_unit_test(a_word_is_enough),
		cmocka_unit_test(off_still_answers),
		cmocka_unit_test(a_successor_begins_anew),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(responder_only_begins_nothing_but_rekeys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
