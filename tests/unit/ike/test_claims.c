/*
 * Who has which addresses behind a dynamic gateway: the tree says what a walk over all would.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "ike/claims.h"
#include "ike/engine.h"

enum { CHILDREN = 400, ROUNDS = 6000, SELECTORS = 3 };

struct world {
	struct tunnel of, copy;
	struct child *child[CHILDREN];
	uint32_t seed;
};

static uint32_t draw(struct world *w, uint32_t below)
{
	w->seed = w->seed * 1664525u + 1013904223u;
	return (w->seed >> 8) % below;
}

/* Of either family, some wide, many of one address. */
static struct tsel range(struct world *w)
{
	struct tsel s = {.port_hi = UINT16_MAX};
	uint32_t lo = draw(w, 60000), n = draw(w, 4) == 0 ? draw(w, 3000) : draw(w, 3);

	if (draw(w, 3) != 0) {
		s.lo = addr_of_v4(lo);
		s.hi = addr_of_v4(lo + n);
		return s;
	}
	s.lo.family = s.hi.family = 6;
	for (int i = 0; i < 4; i++) {
		s.lo.b[3 - i] = (uint8_t)(lo >> 8 * i);
		s.hi.b[3 - i] = (uint8_t)((lo + n) >> 8 * i);
	}
	return s;
}

static void child_begin(struct world *w, uint32_t i)
{
	struct child *c = calloc(1, sizeof *c);
	struct tsel ts[SELECTORS];
	uint32_t n = 1 + draw(w, SELECTORS);

	assert_non_null(c);
	for (uint32_t k = 0; k < n; k++)
		ts[k] = range(w);
	c->spi_in = i + 1;
	c->tunnel = &w->copy;
	c->remote_ts = tsel_set_of(ts, n);
	assert_non_null(c->remote_ts);
	assert_int_equal(claims_add(c), 0);
	w->child[i] = c;
}

static void child_end(struct world *w, uint32_t i)
{
	claims_remove(w->child[i]);
	claims_remove(w->child[i]); /* harmless */
	free(w->child[i]->remote_ts);
	free(w->child[i]);
	w->child[i] = NULL;
}

struct counting {
	struct tsel of;
	bool seen[CHILDREN];
};

static bool note(const struct child *c, const void *ctx)
{
	struct counting *n = (struct counting *)(uintptr_t)ctx;

	assert_true(tsel_meet(c->remote_ts->v, c->remote_ts->n, &n->of, 1));
	n->seen[c->spi_in - 1] = true;
	return false;
}

static bool at_once(const struct child *c, const void *ctx)
{
	(void)c;
	(void)ctx;
	return true;
}

static void look(struct world *w)
{
	struct counting n = {.of = range(w)};
	bool some = false;

	assert_false(claims_any(&w->of, &n.of, note, &n));
	for (uint32_t i = 0; i < CHILDREN; i++) {
		bool meets = w->child[i] && tsel_meet(w->child[i]->remote_ts->v,
						    w->child[i]->remote_ts->n, &n.of, 1);

		assert_int_equal(n.seen[i], meets);
		some = some || meets;
	}
	assert_int_equal(claims_any(&w->of, &n.of, at_once, NULL), some);
}

static void the_tree_finds_what_a_walk_finds(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	(void)state;
	assert_non_null(w);
	w->copy.of = &w->of;
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t i = draw(w, CHILDREN);

		if (w->child[i])
			child_end(w, i);
		else
			child_begin(w, i);
		if (round % 8 == 0)
			look(w);
	}
	for (uint32_t i = 0; i < CHILDREN; i++)
		if (w->child[i])
			child_end(w, i);
	assert_null(w->of.claims);
	free(w);
}

static void a_child_of_no_spoke_claims_nothing(void **state)
{
	struct tunnel configured = {0};
	struct child c = {.tunnel = &configured};

	(void)state;
	assert_int_equal(claims_add(&c), 0);
	assert_null(configured.claims);
	claims_remove(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tree_finds_what_a_walk_finds),
		cmocka_unit_test(a_child_of_no_spoke_claims_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
