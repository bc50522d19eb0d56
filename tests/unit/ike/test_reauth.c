/*
 * Reauthentication (REA-001..006, RFC 7296 2.8.3): counting, make before break with data in flight,
 * every order of two that cross, losses, and a node that dies at every step of it.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "pair_walk.h"

#define HOUR_MS UINT64_C(3600000)

static struct pair *up_with(uint32_t every_a, uint32_t every_b)
{
	static char extra[2][128];
	struct pair_side a = side_a, b = side_b;

	(void)snprintf(extra[0], sizeof extra[0],
		"set security ike policy IP reauth-frequency %u\n", every_a);
	(void)snprintf(extra[1], sizeof extra[1],
		"set security ike policy IP reauth-frequency %u\n", every_b);
	a.extra = extra[0];
	b.extra = extra[1];
	return pair_up_of(&a, &b);
}

/* REA-001: another IKE SA by a full exchange, its own child, the old ones gone, no packet lost. */
static void makes_before_it_breaks(void **state)
{
	(void)state;
	for (int by = 0; by < 2; by++) {
		struct pair *p = up_with(0, 0);
		uint64_t was = pair_sa(p, 0)->spi_local;
		uint32_t child = pair_child(p, 0)->spi_in;

		pair_path_on(p);
		assert_int_equal(pair_operate(p, by, IKE_OP_REAUTH_IKE, NULL), 1);
		pair_pass(p, 60000);
		pair_check_up(p, 0, 1);
		assert_true(pair_sa(p, 0)->spi_local != was);
		assert_int_not_equal(pair_child(p, 0)->spi_in, child);
		assert_int_equal(p->node[!by].ike->stats.ike_responded, by == 0 ? 2 : 1);
		assert_int_equal(p->node[by].ike->stats.ike_reauthenticated, 1);
		assert_int_equal(pair_sa(p, by)->initiator, 1);
		assert_int_equal(pair_sa(p, 0)->rekeys, 0);
		assert_int_equal(pair_sa(p, 0)->reauths, 1);
		assert_int_equal(pair_sa(p, 1)->reauths, 1);
		pair_free(p);
	}
}

/* REA-002, REA-003: rekey, rekey, reauthentication, whoever begins; each end its own count. */
static void every_third_rekey_is_one(void **state)
{
	struct pair *p = up_with(3, 0);

	(void)state;
	for (unsigned i = 1; i <= 9; i++) {
		unsigned by = i % 3 == 0 ? 0 : i % 2;

		assert_int_equal(pair_operate(p, (int)by, IKE_OP_REKEY_IKE, NULL), 1);
		pair_pass(p, 60000);
		pair_check_up(p, 0, 1);
		assert_int_equal(p->node[0].ike->stats.ike_reauthenticated, i / 3);
		assert_int_equal(pair_sa(p, 0)->rekeys, i % 3);
		assert_int_equal(pair_sa(p, 1)->rekeys, i % 3);
		assert_int_equal(pair_sa(p, 1)->reauths, i / 3);
	}
	assert_int_equal(p->node[1].ike->stats.ike_reauthenticated, 0);
	pair_free(p);
}

/* REA-004: the responder of old begins at its soft lifetime, when the other end does not. */
static void the_responder_may_begin(void **state)
{
	struct pair *p = up_with(0, 1);

	(void)state;
	pair_sa(p, 0)->at_soft = 0;
	sa_rearm(p->node[0].ike, pair_sa(p, 0));
	pair_pass(p, 8 * HOUR_MS);
	pair_check_up(p, 0, 1);
	assert_int_equal(p->node[1].ike->stats.ike_reauthenticated, 1);
	assert_int_equal(p->node[1].ike->stats.ike_initiated, 1);
	assert_true(pair_sa(p, 1)->initiator);
	pair_free(p);
}

/* N = 1 at both ends: always, over days, and nothing flaps. */
static void always_for_days(void **state)
{
	struct pair *p = up_with(1, 1);

	(void)state;
	pair_path_on(p);
	pair_pass(p, 48 * HOUR_MS);
	pair_check_up(p, 0, 1);
	assert_in_range(pair_sa(p, 0)->reauths, 6, 7);
	assert_int_equal(p->node[0].ike->stats.ike_rekeyed, 0);
	assert_int_equal(p->node[0].ike->stats.collisions, 0);
	pair_free(p);
}

static const char two_tunnels_a[] =
	"set security ipsec vpn V traffic-selector T2 local-ip 10.3.0.0/16\n"
	"set security ipsec vpn V traffic-selector T2 remote-ip 10.4.0.0/16\n"
	"set security ipsec vpn V traffic-selector T3 local-ip 10.5.0.0/16\n"
	"set security ipsec vpn V traffic-selector T3 remote-ip 10.6.0.0/16\n";
static const char two_tunnels_b[] =
	"set security ipsec vpn V traffic-selector T2 local-ip 10.4.0.0/16\n"
	"set security ipsec vpn V traffic-selector T2 remote-ip 10.3.0.0/16\n"
	"set security ipsec vpn V traffic-selector T3 local-ip 10.6.0.0/16\n"
	"set security ipsec vpn V traffic-selector T3 remote-ip 10.5.0.0/16\n";

static void acquire(struct pair *p, int node, const char *selector)
{
	struct ike_event ev = {.type = IKE_EV_ACQUIRE};

	ev.acquire.policy_id = model_policy_id("V", selector);
	assert_int_equal(pair_feed(p, node, &ev), 0);
	pair_settle(p);
}

/* The first tunnel and that one are up; the sides are to be changed by the test. */
static struct pair *up_with_two(struct pair_side *a, struct pair_side *b, const char *selector)
{
	struct pair *p;

	*a = side_a;
	*b = side_b;
	a->extra = two_tunnels_a;
	b->extra = two_tunnels_b;
	p = pair_up_of(a, b);
	acquire(p, 0, selector);
	return p;
}

/* All tunnels that were up, and no other. */
static void all_tunnels_come_along(void **state)
{
	struct pair_side a, b;
	struct pair *p = up_with_two(&a, &b, "T3");

	(void)state;
	assert_int_equal(pair_children(p, 0), 2);
	for (int by = 0; by < 2; by++) {
		assert_int_equal(pair_operate(p, by, IKE_OP_REAUTH_IKE, NULL), 1);
		pair_pass(p, 60000);
		assert_int_equal(pair_open_sas(p, 0), 1);
		assert_int_equal(pair_children(p, 0), 2);
		pair_check_agreed(p, 0, 1);
		assert_false(tunnel_is_up(tunnel_find(p->node[0].ike, model_policy_id("V", "T2"))));
		assert_true(tunnel_is_up(tunnel_find(p->node[0].ike, model_policy_id("V", "T3"))));
	}
	pair_free(p);
}

/* What the peer does not want any more on the new one ends with the old one. */
static void a_refused_tunnel_does_not_stop_it(void **state)
{
	struct pair_side a, b;
	struct pair *p = up_with_two(&a, &b, "T2");

	(void)state;
	/* Another proposal for one VPN would need another gateway: so the selectors differ. */
	b.extra = "set security ipsec vpn V traffic-selector T2 local-ip 10.14.0.0/16\n"
		  "set security ipsec vpn V traffic-selector T2 remote-ip 10.3.0.0/16\n";
	pair_reconfigure(p, 1, &b);
	pair_settle(p);
	assert_int_equal(pair_operate(p, 0, IKE_OP_REAUTH_IKE, NULL), 1);
	pair_pass(p, 60000);
	pair_check_up(p, 0, 1);
	assert_int_equal(pair_sa(p, 0)->reauths, 1);
	pair_free(p);
}

/* An IKE SA that carries nothing is closed: who needs it next authenticates. */
static void nothing_to_carry(void **state)
{
	struct pair *p = up_with(1, 0);

	(void)state;
	assert_int_equal(pair_operate(p, 1, IKE_OP_CLEAR_CHILD, NULL), 1);
	pair_pass(p, 60000);
	assert_int_equal(pair_open_sas(p, 0), 1);
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL), 1);
	pair_pass(p, 60000);
	assert_int_equal(pair_open_sas(p, 0), 0);
	pair_acquire(p, 0);
	pair_pass(p, 60000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* The key was changed at one end: the old SA serves until its life is over (LIF-008), and not a
 * moment longer; it is tried again in between. */
static void one_that_fails_leaves_the_old_one(void **state)
{
	struct pair_side b = side_b;
	struct pair *p = up_with(1, 0);

	(void)state;
	b.psk = "another secret here";
	b.establish = "responder-only-no-rekey"; /* else it would rekey */
	pair_reconfigure(p, 1, &b);
	pair_sa(p, 1)->at_soft = 0;
	sa_rearm(p->node[1].ike, pair_sa(p, 1));
	pair_pass(p, 8 * HOUR_MS - 2000);
	pair_check_up(p, 0, 1);
	assert_true(pair_said(p, 0, "ike.auth.refused") || pair_said(p, 0, "ike.auth.failed"));
	assert_in_range(p->node[0].ike->stats.ike_initiated, 4, 6);
	pair_pass(p, 60000);
	assert_int_equal(pair_children(p, 0), 0);
	assert_int_equal(pair_children(p, 1), 0);
	pair_free(p);
}

/* REA-001: rekeys are dropped while one is under way. */
static void rekeys_are_dropped(void **state)
{
	struct pair *p = up_with(0, 0);

	(void)state;
	p->node[0].hold_commits = true;
	pair_child(p, 0)->want_rekey = true;
	assert_int_equal(pair_operate(p, 0, IKE_OP_REAUTH_IKE, NULL), 1);
	pair_settle(p);
	assert_null(pair_sa(p, 0)->out);
	assert_int_equal(pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL), 1);
	pair_settle(p);
	pair_release(p, 0);
	pair_pass(p, 60000);
	pair_check_up(p, 0, 1);
	assert_int_equal(pair_sa(p, 0)->rekeys, 0);
	assert_int_equal(p->node[1].ike->stats.child_rekeyed, 0);
	pair_free(p);
}

struct told {
	uint32_t every, reauth_s;
};

static void tell(void *ctx, const struct ike_sa_row *row)
{
	*(struct told *)ctx = (struct told){row->reauth_frequency, row->reauth_s};
}

/* REA-010: the rekeys before it count with the length of a life each. */
static void the_operator_sees_when(void **state)
{
	const struct ike_filter all = {0};
	struct pair *p = up_with(3, 0);
	const uint32_t soft = 28800 - 135;
	struct told t;

	(void)state;
	assert_int_equal(ike_show_sas(p->node[0].ike, &all, p->now_ms, tell, &t), 0);
	assert_int_equal(t.every, 3);
	assert_in_range(t.reauth_s, 3 * soft - 1, 3 * soft);
	for (unsigned i = 0; i < 2; i++) {
		(void)pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL);
		pair_pass(p, 60000);
	}
	assert_int_equal(ike_show_sas(p->node[0].ike, &all, p->now_ms, tell, &t), 0);
	assert_in_range(t.reauth_s, soft - 61, soft - 59);
	assert_int_equal(ike_show_sas(p->node[1].ike, &all, p->now_ms, tell, &t), 0);
	assert_int_equal(t.every, 0);
	pair_free(p);
}

/* ---------------------------------------------------------------- failover */

/* REA-006: N = 3, a node dies after two rekeys: the next is a reauthentication. */
static void a_failover_does_not_lose_the_count(void **state)
{
	struct pair_side a = side_a;
	struct pair *p;

	(void)state;
	a.extra = "set security ike policy IP reauth-frequency 3\n";
	p = pair_up_of(&a, &side_b);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pair_operate(p, i, IKE_OP_REKEY_IKE, NULL), 1);
		pair_pass(p, 60000);
	}
	pair_takeover(p, 0, 2, &a, PAIR_KEEP_UNCOMMITTED);
	pair_settle(p);
	assert_int_equal(pair_sa(p, 2)->rekeys, 2);
	assert_int_equal(pair_operate(p, 2, IKE_OP_REKEY_IKE, NULL), 1);
	pair_pass(p, 60000);
	pair_check_up(p, 2, 1);
	assert_int_equal(p->node[2].ike->stats.ike_reauthenticated, 1);
	assert_int_equal(pair_sa(p, 2)->rekeys, 0);
	assert_int_equal(pair_sa(p, 2)->reauths, 1);
	/* And the next two are rekeys again. */
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(pair_operate(p, 2, IKE_OP_REKEY_IKE, NULL), 1);
		pair_pass(p, 60000);
		assert_int_equal(pair_sa(p, 2)->rekeys, i);
	}
	pair_free(p);
}

/* False: it was over before that step. */
static bool dies_at(int begins, int dies, unsigned step, enum pair_fate fate, uint64_t gap_ms)
{
	struct pair_side side[2] = {side_a, side_b};
	struct pair *p = pair_up_of(&side[0], &side[1]);
	int a = dies == 0 ? 2 : 0, b = dies == 0 ? 1 : 2;
	bool more = true;

	(void)pair_operate(p, begins, IKE_OP_REAUTH_IKE, NULL);
	for (unsigned i = 0; i < step && more; i++)
		more = pair_step(p);
	if (gap_ms != 0) {
		pair_kill(p, dies);
		pair_pass(p, gap_ms);
	}
	pair_takeover(p, dies, 2, &side[dies], fate);
	pair_pass(p, 240000);
	pair_check_agreed(p, a, b);
	/* Nothing was lost of it, or it was not begun: the peer noticed neither. */
	pair_check_up(p, a, b);
	assert_int_equal(p->node[dies == 0 ? b : a].ike->stats.ike_dead, 0);
	(void)pair_operate(p, a, IKE_OP_REKEY_CHILD, NULL);
	pair_pass(p, 20000);
	(void)pair_operate(p, b, IKE_OP_REAUTH_IKE, NULL);
	pair_pass(p, 180000);
	pair_check_up(p, a, b);
	pair_free(p);
	return more;
}

static void a_node_dies_at_every_step(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		unsigned step = 0;

		do {
			print_message("# %d begins, %d dies at step %u\n", i & 1, i >> 1, step);
			(void)dies_at(i & 1, i >> 1, step, PAIR_LOSE_UNCOMMITTED, 0);
			(void)dies_at(i & 1, i >> 1, step, PAIR_LOSE_UNCOMMITTED, 450);
			(void)dies_at(i & 1, i >> 1, step, PAIR_KEEP_UNCOMMITTED, 450);
		} while (dies_at(i & 1, i >> 1, step++, PAIR_KEEP_UNCOMMITTED, 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_before_it_breaks),
		cmocka_unit_test(every_third_rekey_is_one),
		cmocka_unit_test(the_responder_may_begin),
		cmocka_unit_test(always_for_days),
		cmocka_unit_test(all_tunnels_come_along),
		cmocka_unit_test(a_refused_tunnel_does_not_stop_it),
		cmocka_unit_test(nothing_to_carry),
		cmocka_unit_test(one_that_fails_leaves_the_old_one),
		cmocka_unit_test(rekeys_are_dropped),
		cmocka_unit_test(the_operator_sees_when),
		cmocka_unit_test(a_failover_does_not_lose_the_count),
		cmocka_unit_test(a_node_dies_at_every_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
