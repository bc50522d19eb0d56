/*
 * The rule table: every trigger in every state, and that the table says what it means.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "ike/fsm.h"
#include "ike/rx.h"
#include "pair.h"

static bool state_is_there(struct pair *p, enum sa_state s, int *node, struct ike_sa **out)
{
	for (int i = 0; i < 2; i++) {
		struct ike_sa *sa, *next;

		HASH_ITER(hh, p->node[i].ike->sas, sa, next)
		{
			if (sa->state != s)
				continue;
			*node = i;
			*out = sa;
			return true;
		}
	}
	return false;
}

/* A world in which an IKE SA got to that state by itself. */
static struct pair *reach(enum sa_state s, int *node, struct ike_sa **sa)
{
	struct pair_side a = side_a;
	struct pair *p;

	if (s == SA_REFUSED)
		a.psk = "something else entirely";
	p = pair_of(&a, &side_b);
	pair_acquire(p, 0);
	for (int turn = 0; turn < 4; turn++) {
		while (!state_is_there(p, s, node, sa) && pair_step(p))
			;
		if (state_is_there(p, s, node, sa))
			return p;
		(void)pair_operate(p, 0, turn < 2 ? IKE_OP_REKEY_IKE : IKE_OP_CLEAR_IKE, NULL);
	}
	fail_msg("state %s is not reached", sa_state_text(s));
	return p;
}

/* Which request of ours an answer would be to. */
static enum exch_kind kind_for(enum sa_trigger on)
{
	switch ((int)on) {
	case RX_INTER_RESP:
		return EXCH_INTERMEDIATE;
	case RX_CHILD_RESP:
		return EXCH_CHILD;
	case RX_IKE_REKEY_RESP:
		return EXCH_IKE_REKEY;
	case RX_INFO_RESP:
		return EXCH_PROBE;
	default:
		return EXCH_NONE;
	}
}

static bool is_message(enum sa_trigger on)
{
	return on >= RX_INIT_REQ && on <= RX_INFO_RESP;
}

static bool has_rule(enum sa_state s, enum sa_trigger on)
{
	struct ike_rules rules = v2_rules();

	for (size_t i = 0; i < rules.n; i++)
		if (rules.v[i].on == on && (rules.v[i].from == s || rules.v[i].from == SA_ANY))
			return true;
	return false;
}

static void fire(enum sa_state s, enum sa_trigger on, bool full)
{
	struct ike_ev_datagram dg = {.interface_id = 7};
	struct chain chain = {.n = 0, .seen = full ? UINT32_MAX : 0};
	struct ike_kex_job job = {.rc = -ERR_CRYPTO};
	struct rx rx = {.dg = &dg, .chain = &chain, .exchange = EXCHANGE_INFORMATIONAL};
	struct cause c = {.on = on, .failed = on, .rc = -ERR_SYNTAX};
	struct ike_effects fx;
	struct ike_sa *sa = NULL;
	struct exch *added = NULL;
	struct pair *p;
	int node = 0, rc;

	p = reach(s, &node, &sa);
	if (!sa)
		return;
	p->unchecked = true;
	dg.local = sa->local;
	dg.remote = sa->remote;
	rx.mid = sa->next_rx;
	if (is_message(on))
		c.rx = &rx;
	if (on == ON_KEX_DONE)
		c.job = &job;
	if (kind_for(on) != EXCH_NONE && !sa->out)
		sa->out = added = exch_new(kind_for(on));
	/* As ike_step() would. */
	ike_effects_init(&fx);
	p->node[node].ike->fx = &fx;
	rc = fsm_fire(p->node[node].ike, sa, &c);
	if (!has_rule(s, on)) {
		assert_int_equal(rc, -ERR_WRONG_STATE);
		assert_int_equal(sa->state, s);
		if (added)
			sa->out = NULL;
		exch_free(added);
	}
	assert_in_range(sa->state, SA_IDLE, SA_GONE);
	txn_flush(p->node[node].ike);
	ike_effects_fini(&fx);
	/* The engine lives on. */
	pair_pass(p, 1000);
	pair_free(p);
}

static void every_trigger_in_every_state(void **state)
{
	unsigned with = 0, without = 0;

	(void)state;
	for (int s = SA_KEYING; s < SA_GONE; s++) {
		for (int on = 0; on < TRIGGER_END; on++) {
			print_message("# %s, %s\n", sa_state_text((enum sa_state)s),
				sa_trigger_text((enum sa_trigger)on));
			fire((enum sa_state)s, (enum sa_trigger)on, false);
			fire((enum sa_state)s, (enum sa_trigger)on, true);
			if (has_rule((enum sa_state)s, (enum sa_trigger)on))
				with++;
			else
				without++;
		}
	}
	print_message("# %u pairs with a rule, %u without\n", with, without);
	assert_true(with > 50 && without > 50);
}

/* No rule hides another, every story is told, every state can be left. */
static void table_is_in_order(void **state)
{
	struct ike_rules rules = v2_rules();

	(void)state;
	for (size_t i = 0; i < rules.n; i++) {
		const struct ike_rule *r = &rules.v[i];

		assert_non_null(r->story);
		assert_in_range(r->on, 0, TRIGGER_END - 1);
		assert_true(r->to == SA_SAME || r->to <= SA_GONE);
		for (size_t k = 0; k < i; k++)
			if (rules.v[k].on == r->on &&
				(rules.v[k].from == r->from || rules.v[k].from == SA_ANY))
				fail_msg("\"%s\" is hidden by \"%s\"", r->story, rules.v[k].story);
	}
	for (int s = SA_IDLE; s < SA_GONE; s++) {
		bool left = false;

		for (size_t i = 0; i < rules.n; i++)
			left |= rules.v[i].from == (enum sa_state)s &&
				rules.v[i].to != (enum sa_state)s && rules.v[i].to != SA_SAME;
		assert_true(left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_trigger_in_every_state),
		cmocka_unit_test(table_is_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
