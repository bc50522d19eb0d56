/*
 * Both ends act at once (RFC 7296 2.8.1, 2.8.2, 2.25): every order of what is under way for the
 * small cases, seeded orders with losses and repetitions for the rest.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pair.h"

#define RUNS_MAX  1000 /* of each; IKE_ORDERS=n for more */
#define SEEDS	  300  /* IKE_SEEDS=n for more */
#define STEPS_MAX 256

/* One path through the tree of choices: what was chosen, and out of how many. */
struct path {
	uint8_t chosen[STEPS_MAX], of[STEPS_MAX];
	unsigned n;
};

/* The next path in order; false when all were walked. */
static bool path_next(struct path *w)
{
	while (w->n > 0 && w->chosen[w->n - 1] + 1 >= w->of[w->n - 1])
		w->n--;
	if (w->n == 0)
		return false;
	w->chosen[w->n - 1]++;
	return true;
}

/* A task may run next unless an older one of the same node does work inside it. */
static bool may_run(const struct pair *p, const struct task *t)
{
	if (t->kind == TASK_PACKET)
		return true;
	for (const struct task *o = p->first; o != t; o = o->next)
		if (o->kind != TASK_PACKET && o->node == t->node)
			return false;
	return true;
}

static unsigned options(const struct pair *p, unsigned at[64])
{
	unsigned n = 0, i = 0;

	for (const struct task *t = p->first; t && n < 64; t = t->next, i++)
		if (may_run(p, t))
			at[n++] = i;
	return n;
}

static void walk(struct pair *p, struct path *w)
{
	unsigned at[64], depth = 0, n;

	while ((n = options(p, at)) != 0) {
		unsigned pick = 0;

		if (depth < STEPS_MAX) {
			if (depth < w->n)
				pick = w->chosen[depth];
			else
				w->chosen[depth] = 0;
			w->of[depth] = (uint8_t)n;
			depth++;
		}
		pair_step_at(p, at[pick]);
	}
	w->n = depth;
}

static const struct {
	enum ike_operation a, b;
	const char *name, *pfs;
	bool stays; /* one IKE SA and one child must be there afterwards */
} crossings[] = {
	{IKE_OP_REKEY_CHILD, IKE_OP_REKEY_CHILD, "both rekey the child", NULL, true},
	{IKE_OP_REKEY_CHILD, IKE_OP_REKEY_CHILD, "both rekey the child, PFS", "group31", true},
	{IKE_OP_REKEY_IKE, IKE_OP_REKEY_IKE, "both rekey the IKE SA", NULL, true},
	{IKE_OP_REKEY_IKE, IKE_OP_REKEY_CHILD, "IKE rekey meets child rekey", NULL, true},
	{IKE_OP_REKEY_CHILD, IKE_OP_CLEAR_CHILD, "child rekey meets its delete", NULL, false},
	{IKE_OP_CLEAR_CHILD, IKE_OP_CLEAR_CHILD, "both delete the child", NULL, false},
	{IKE_OP_REKEY_IKE, IKE_OP_CLEAR_IKE, "IKE rekey meets its delete", NULL, false},
	{IKE_OP_REKEY_CHILD, IKE_OP_CLEAR_IKE, "child rekey meets IKE delete", NULL, false},
	{IKE_OP_REKEY_IKE, IKE_OP_CLEAR_CHILD, "IKE rekey meets child delete", NULL, false},
	{IKE_OP_CLEAR_IKE, IKE_OP_CLEAR_IKE, "both delete the IKE SA", NULL, false},
};

static struct pair *up(const char *pfs)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	a.pfs = b.pfs = pfs;
	p = pair_of(&a, &b);
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	return p;
}

static void check_end(struct pair *p, bool stays)
{
	pair_pass(p, 240000);
	pair_check_agreed(p, 0, 1);
	if (stays)
		pair_check_up(p, 0, 1);
	/* Nobody was declared dead, nothing was negotiated anew. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(p->node[i].ike->stats.ike_dead, 0);
	assert_int_equal(
		p->node[0].ike->stats.ike_responded + p->node[1].ike->stats.ike_responded, 1);
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

static void every_order_of_two_operations(void **state)
{
	unsigned most = limit("IKE_ORDERS", RUNS_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(crossings); i++) {
		struct path w = {.n = 0};
		unsigned runs = 0, collisions = 0;

		do {
			struct pair *p = up(crossings[i].pfs);

			(void)pair_operate(p, 0, crossings[i].a, NULL);
			(void)pair_operate(p, 1, crossings[i].b, NULL);
			walk(p, &w);
			check_end(p, crossings[i].stays);
			collisions += p->node[0].ike->stats.collisions != 0;
			pair_free(p);
		} while (++runs < most && path_next(&w));
		print_message("# %s: %u orders%s, %u with a collision\n", crossings[i].name, runs,
			runs == most ? " (not all)" : "", collisions);
	}
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

static void any_order(struct pair *p)
{
	unsigned at[64], n;

	while ((n = options(p, at)) != 0)
		pair_step_at(p, at[dice(p) % n]);
}

static void losses_and_repetitions_change_nothing(void **state)
{
	unsigned seeds = limit("IKE_SEEDS", SEEDS), collisions = 0;

	(void)state;
	for (uint32_t seed = limit("IKE_SEED", 0); seed < seeds; seed++) {
		struct pair *p = up(seed % 3 ? NULL : "group31");
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
		check_end(p, stays);
		collisions += p->node[0].ike->stats.collisions != 0;
		pair_free(p);
	}
	print_message("# %u seeds, %u with a collision\n", seeds, collisions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_of_two_operations),
		cmocka_unit_test(losses_and_repetitions_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
