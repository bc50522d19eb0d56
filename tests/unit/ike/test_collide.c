/*
 * Both ends act at once (RFC 7296 2.8.1, 2.8.2, 2.25): every order of what is under way for the
 * small cases, seeded orders with losses and repetitions for the rest.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "pair_walk.h"

#define ORDERS_MAX 300 /* where there are too many to walk all; IKE_ORDERS=n for more */
#define ALL	   100000
#define SEEDS	   300 /* IKE_SEEDS=n for more */

static const struct {
	enum ike_operation a, b;
	const char *name, *pfs;
	bool stays, large; /* stays: one IKE SA and one child must be there afterwards */
} crossings[] = {
	{IKE_OP_REKEY_CHILD, IKE_OP_REKEY_CHILD, "both rekey the child", NULL, true, false},
	{IKE_OP_REKEY_CHILD, IKE_OP_REKEY_CHILD, "both rekey the child, PFS", "group31", true,
		false},
	{IKE_OP_REKEY_IKE, IKE_OP_REKEY_IKE, "both rekey the IKE SA", NULL, true, true},
	{IKE_OP_REKEY_IKE, IKE_OP_REKEY_CHILD, "IKE rekey meets child rekey", NULL, true, false},
	{IKE_OP_REKEY_CHILD, IKE_OP_CLEAR_CHILD, "child rekey meets its delete", NULL, false,
		false},
	{IKE_OP_CLEAR_CHILD, IKE_OP_CLEAR_CHILD, "both delete the child", NULL, false, false},
	{IKE_OP_REKEY_IKE, IKE_OP_CLEAR_IKE, "IKE rekey meets its delete", NULL, false, false},
	{IKE_OP_REKEY_CHILD, IKE_OP_CLEAR_IKE, "child rekey meets IKE delete", NULL, false, false},
	{IKE_OP_REKEY_IKE, IKE_OP_CLEAR_CHILD, "IKE rekey meets child delete", NULL, false, false},
	{IKE_OP_CLEAR_IKE, IKE_OP_CLEAR_IKE, "both delete the IKE SA", NULL, false, false},
	{IKE_OP_REAUTH_IKE, IKE_OP_REAUTH_IKE, "both authenticate anew", NULL, true, true},
	{IKE_OP_REAUTH_IKE, IKE_OP_REKEY_IKE, "reauthentication meets IKE rekey", NULL, true,
		false},
	{IKE_OP_REAUTH_IKE, IKE_OP_REKEY_CHILD, "reauthentication meets child rekey", NULL, true,
		true},
	{IKE_OP_REAUTH_IKE, IKE_OP_CLEAR_CHILD, "reauthentication meets child delete", NULL, false,
		false},
	{IKE_OP_REAUTH_IKE, IKE_OP_CLEAR_IKE, "reauthentication meets IKE delete", NULL, false,
		false},
};

static void check_end(struct pair *p, bool stays, bool anew)
{
	pair_pass(p, 240000);
	pair_check_agreed(p, 0, 1);
	if (stays)
		pair_check_up(p, 0, 1);
	/* Nobody was declared dead, nothing was negotiated anew. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(p->node[i].ike->stats.ike_dead, 0);
	if (!anew)
		assert_int_equal(
			p->node[0].ike->stats.ike_responded + p->node[1].ike->stats.ike_responded,
			1);
	/* What is left works. */
	pair_acquire(p, 0);
	pair_pass(p, 5000);
	pair_check_up(p, 0, 1);
}

static unsigned limit(const char *name, unsigned usual)
{
	const char *said = getenv(name);

	return said ? (unsigned)strtoul(said, NULL, 10) : usual;
}

/* Which packet does not arrive; none when nth is NO_LOSS. */
struct loss {
	int node;
	unsigned nth;
	bool happened;
};

#define NO_LOSS UINT_MAX

static bool lossy_wire(struct pair *p, struct packet *k)
{
	struct loss *l = (struct loss *)p->wire_ctx;

	if (k->node != l->node || k->nth != l->nth)
		return true;
	l->happened = true;
	return false;
}

struct tally {
	unsigned orders, collisions;
	bool all, happened;
};

/* The same beginning each time, then another order; at most so many runs. */
static struct tally walk_all(size_t which, struct loss loss, bool data, unsigned most)
{
	struct pair_walk *w = calloc(1, sizeof *w);
	struct tally t = {.orders = 0};
	unsigned runs = 0;

	assert_non_null(w);
	do {
		struct pair *p = pair_up(crossings[which].pfs);
		struct loss l = loss;

		if (l.nth != NO_LOSS)
			l.nth += p->node[l.node].sent;
		p->wire_ctx = &l;
		p->wire = lossy_wire;
		if (data)
			pair_path_on(p);
		(void)pair_operate(p, 0, crossings[which].a, NULL);
		(void)pair_operate(p, 1, crossings[which].b, NULL);
		if (pair_walk(w, p)) {
			check_end(
				p, crossings[which].stays, crossings[which].a == IKE_OP_REAUTH_IKE);
			t.orders++;
			t.collisions += p->node[0].ike->stats.collisions != 0;
			t.happened |= l.happened;
		}
		pair_free(p);
		t.all = !pair_walk_next(w);
	} while (!t.all && ++runs < most);
	t.all &= !w->cut;
	free(w);
	return t;
}

/* Each packet of the crossing in turn does not arrive (and is sent again half a second later). */
static struct tally walk_losses(size_t which, bool data, unsigned most)
{
	struct tally sum = {.all = true};

	for (int node = 0; node < 2; node++) {
		struct tally t = {.happened = true};

		for (unsigned nth = 0; t.happened; nth++) {
			print_message("# %s: packet %u of %d is lost\n", crossings[which].name, nth,
				node);
			t = walk_all(which, (struct loss){.node = node, .nth = nth}, data, most);
			sum.orders += t.orders;
			sum.collisions += t.collisions;
			sum.all &= t.all;
		}
	}
	return sum;
}

static void tell(const char *name, const char *how, struct tally t)
{
	print_message("# %s%s: %u orders%s, %u with a collision\n", name, how, t.orders,
		t.all ? "" : " (not all)", t.collisions);
}

/* test_explore.c does that; here only with data. */
static bool is_explored(size_t which)
{
	return crossings[which].a == IKE_OP_REAUTH_IKE;
}

static void every_order_of_two_operations(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(crossings); i++) {
		struct tally t;

		if (is_explored(i))
			continue;
		t = walk_all(i, (struct loss){.nth = NO_LOSS}, false, limit("IKE_ORDERS", ALL));
		tell(crossings[i].name, "", t);
		assert_true(t.all || limit("IKE_ORDERS", ALL) < ALL);
	}
}

static void every_order_with_each_single_loss(void **state)
{
	unsigned most = limit("IKE_ORDERS", ORDERS_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(crossings); i++) {
		struct tally t;

		if (is_explored(i))
			continue;
		t = walk_losses(i, false, crossings[i].large ? most / 2 : most);
		tell(crossings[i].name, ", each single loss", t);
		assert_true(t.all || crossings[i].large || most < ORDERS_MAX);
	}
}

/* With data in flight there are too many to walk all. */
static void data_has_a_path_in_every_order(void **state)
{
	unsigned most = limit("IKE_ORDERS", ORDERS_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(crossings); i++) {
		if (!crossings[i].stays)
			continue;
		tell(crossings[i].name, ", data",
			walk_all(i, (struct loss){.nth = NO_LOSS}, true, 2 * most));
		tell(crossings[i].name, ", data, each single loss", walk_losses(i, true, most / 4));
	}
}

/* ---------------------------------------------------------------- who loses */

/* What a crossing of child rekeys left on the wire. */
struct sniffed {
	unsigned deletes[2];		   /* INFORMATIONAL requests */
	uint8_t lowest[2][EXCH_NONCE_LEN]; /* of the exchange that each began */
	bool both[2];
};

/* Our rival's lower nonce is that of the exchange which the other end began. */
static bool sniff(struct pair *p, struct packet *k)
{
	struct sniffed *s = (struct sniffed *)p->wire_ctx;
	struct ike_header h = packet_header(k);

	s->deletes[k->node] += h.exchange == EXCHANGE_INFORMATIONAL && !ike_header_is_response(&h);
	for (int i = 0; i < 2; i++) {
		const struct ike_sa *sa = pair_sa(p, i);
		const struct exch *x = sa ? sa->out : NULL;

		if (!x || x->kind != EXCH_CHILD_REKEY || x->rival_spi == 0)
			continue;
		assert_int_equal(x->rival_nonce.n, EXCH_NONCE_LEN);
		memcpy(s->lowest[!i], x->rival_nonce.p, EXCH_NONCE_LEN);
		s->both[!i] = true;
	}
	return true;
}

/* RFC 7296 2.8.1: of the four nonces the lowest one's exchange loses; who began that deletes what
 * came of it, who began the other deletes the SA that was rekeyed. Each exactly one, in any order.
 */
static void the_lowest_nonce_loses(void **state)
{
	unsigned crossed = 0, won[2] = {0};

	(void)state;
	for (uint32_t seed = 0; seed < 40; seed++) {
		struct sniffed s = {.both = {false, false}};
		struct pair *p;
		int winner;

		p = pair_up(NULL);
		for (int i = 0; i < 2; i++)
			p->node[i].random += (uint64_t)seed << 40;
		p->wire = sniff;
		p->wire_ctx = &s;
		for (int i = 0; i < 2; i++)
			(void)pair_operate(p, i, IKE_OP_REKEY_CHILD, NULL);
		pair_pass(p, 60000);
		pair_check_up(p, 0, 1);
		assert_true(s.both[0] && s.both[1]);
		winner = memcmp(s.lowest[0], s.lowest[1], EXCH_NONCE_LEN) > 0 ? 0 : 1;
		assert_true(pair_child(p, winner)->initiator);
		assert_false(pair_child(p, !winner)->initiator);
		assert_true(pair_said(p, winner, "child.rekey.won"));
		assert_true(pair_said(p, !winner, "child.rekey.lost"));
		assert_int_equal(s.deletes[0], 1);
		assert_int_equal(s.deletes[1], 1);
		won[winner]++;
		crossed++;
		pair_free(p);
	}
	print_message("# %u crossings, %u and %u won\n", crossed, won[0], won[1]);
	assert_true(won[0] > 0 && won[1] > 0);
}

/* ---------------------------------------------------------------- seeds */

static uint32_t dice(struct pair *p)
{
	uint32_t *s = (uint32_t *)p->wire_ctx;

	*s = *s * 1664525 + 1013904223;
	return *s >> 8;
}

/* Loses one in eight, repeats one in sixteen. */
static bool bad_wire(struct pair *p, struct packet *k)
{
	uint32_t d = dice(p);

	if (d % 16 == 1)
		pair_inject(p, k);
	return d % 8 != 0;
}

static const enum ike_operation operations[] = {IKE_OP_REKEY_CHILD, IKE_OP_REKEY_IKE,
	IKE_OP_CLEAR_CHILD, IKE_OP_REKEY_CHILD, IKE_OP_REKEY_IKE, IKE_OP_REKEY_CHILD,
	IKE_OP_REKEY_IKE, IKE_OP_CLEAR_IKE};

static unsigned pick(void *ctx, unsigned n)
{
	return dice((struct pair *)ctx) % n;
}

static void any_order(struct pair *p)
{
	pair_stroll(p, pick, p);
}

static void losses_and_repetitions_change_nothing(void **state)
{
	unsigned seeds = limit("IKE_SEEDS", SEEDS), collisions = 0;

	(void)state;
	for (uint32_t seed = limit("IKE_SEED", 0); seed < seeds; seed++) {
		struct pair *p = pair_up(seed % 3 ? NULL : "group31");
		uint32_t dices = seed * 2654435761u;
		bool stays = true;

		print_message("# seed %u\n", seed);
		p->wire_ctx = &dices;
		p->wire = bad_wire;
		for (unsigned i = 0; i < 6; i++) {
			enum ike_operation op = operations[dice(p) % ARRAY_LEN(operations)];

			stays &= op == IKE_OP_REKEY_CHILD || op == IKE_OP_REKEY_IKE;
			(void)pair_operate(p, (int)(dice(p) % 2), op, NULL);
			if (dice(p) % 2)
				any_order(p);
			if (dice(p) % 3 == 0)
				pair_pass(p, dice(p) % 3000);
		}
		any_order(p);
		p->wire = NULL;
		p->wire_ctx = NULL;
		check_end(p, stays, false);
		collisions += p->node[0].ike->stats.collisions != 0;
		pair_free(p);
	}
	print_message("# %u seeds, %u with a collision\n", seeds, collisions);
}

/* Only rekeys: data flows through all of it, and none is lost. */
static void data_flows_through_rekeys(void **state)
{
	unsigned seeds = limit("IKE_SEEDS", SEEDS), rekeys = 0;

	(void)state;
	for (uint32_t seed = limit("IKE_SEED", 0); seed < seeds; seed++) {
		struct pair *p = pair_up(seed % 3 ? NULL : "group31");
		uint32_t dices = seed * 2246822519u;

		print_message("# seed %u\n", seed);
		p->wire_ctx = &dices;
		p->wire = bad_wire;
		pair_path_on(p);
		for (unsigned i = 0; i < 6; i++) {
			(void)pair_operate(p, (int)(dice(p) % 2),
				dice(p) % 4 ? IKE_OP_REKEY_CHILD : IKE_OP_REKEY_IKE, NULL);
			if (dice(p) % 2)
				any_order(p);
			if (dice(p) % 3 == 0)
				pair_pass(p, dice(p) % 3000);
		}
		any_order(p);
		pair_pass(p, 240000);
		pair_check_up(p, 0, 1);
		rekeys += (unsigned)p->node[0].ike->stats.child_rekeyed;
		pair_free(p);
	}
	print_message("# %u seeds, %u rekeys of a child\n", seeds, rekeys);
}

/* ---------------------------------------------------------------- an end that does not tidy up */

/* Of two crossing rekeys. */
static struct ike_sa *rekeyed(struct pair *p, int node, bool winner)
{
	struct ike_sa *sa, *tmp;

	map_foreach (p->node[node].ike->sas, sa, tmp)
		if (sa->state == SA_UP && sa->has_children == winner)
			return sa;
	return NULL;
}

static struct ike_sa *loser(struct pair *p, int node)
{
	return rekeyed(p, node, false);
}

/* Nothing of the loser arrives: it stays at the end that waits for its delete. */
static bool deaf_wire(struct pair *p, struct packet *k)
{
	struct ike_header h;

	assert_int_equal(ike_header_parse(view_of(k->octets, k->n), &h), 0);
	for (int node = 0; node < 2; node++) {
		const struct ike_sa *sa = loser(p, node);

		if (sa && sa_spi_i(sa) == h.spi_i && sa_spi_r(sa) == h.spi_r)
			return false;
	}
	return true;
}

/* RFC 7296 2.8.1: it is to be deleted, not to be used, also when the winner goes first. */
static void a_rekey_that_lost_is_not_used(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (int who = 0; who < 2; who++) {
		struct pair_side side[2] = {side_a, side_b};
		struct pair *p;

		side[who].establish = "immediately";
		p = pair_of(&side[0], &side[1]);
		pair_pass(p, 5000);
		p->wire = deaf_wire;
		(void)pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL);
		(void)pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL);
		pair_pass(p, 3000);
		const struct ike_sa *winner = rekeyed(p, who, true);
		const struct ike_filter it = {.index = winner ? winner->index : 0};

		if (winner && loser(p, who)) {
			seen++;
			(void)pair_operate(p, who, IKE_OP_CLEAR_IKE, &it);
			pair_pass(p, 10000);
			assert_non_null(loser(p, who));
			assert_int_equal(pair_children(p, who), 1);
			assert_int_equal(pair_children(p, 1 - who), 1);
		}
		pair_free(p);
	}
	assert_true(seen > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rekey_that_lost_is_not_used),
		cmocka_unit_test(every_order_of_two_operations),
		cmocka_unit_test(every_order_with_each_single_loss),
		cmocka_unit_test(data_has_a_path_in_every_order),
		cmocka_unit_test(the_lowest_nonce_loses),
		cmocka_unit_test(data_flows_through_rekeys),
		cmocka_unit_test(losses_and_repetitions_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
