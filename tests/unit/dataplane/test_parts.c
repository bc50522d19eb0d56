/* Which peer of a dynamic gateway a packet is for (AVP-001): what an ordered walk over all SAs
 * says, for many peers and for few, with and without a route that names one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parts.h"
#include "sad.h"

enum { PARTS = 300, FLOWS = 4000, MANY = 20000 };

static uint64_t rng = 5;

static uint32_t rnd(uint32_t n)
{
	rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(rng >> 33) % n;
}

struct world {
	struct policy_sas whole;
	struct policy_sas *parts;
	struct sa_set **sets;
	struct sa *sas;
	struct sa_cold **cold;
	uint32_t n;
	struct parts *built;
};

/* Part i is peer 1 + i / 2, newer the higher i is. */
static void world_init(struct world *w, uint32_t n)
{
	*w = (struct world){.n = n,
		.parts = calloc(n, sizeof *w->parts),
		.sets = calloc(n, sizeof(struct sa_set *)),
		.sas = aligned_alloc(64, n * sizeof *w->sas),
		.cold = calloc(n, sizeof(struct sa_cold *))};
	assert_true(w->parts && w->sets && w->sas && w->cold);
	memset(w->sas, 0, n * sizeof *w->sas);
	list_init(&w->whole.parts_of);
}

static void part_set(struct world *w, uint32_t i, struct selector local, struct selector remote)
{
	struct policy_sas *p = &w->parts[i];

	w->cold[i] = sa_cold_new(2);
	assert_non_null(w->cold[i]);
	w->cold[i]->selectors[0] = local;
	w->cold[i]->selectors[1] = remote;
	w->cold[i]->ts = (struct selectors){w->cold[i]->selectors, w->cold[i]->selectors + 1, 1, 1};
	w->cold[i]->order = i;
	atomic_init(&w->sas[i].cold, w->cold[i]);
	w->sets[i] = calloc(1, sizeof *w->sets[i] + sizeof(struct sa *));
	assert_non_null(w->sets[i]);
	w->sets[i]->n = 1;
	w->sets[i]->v[0] = &w->sas[i];
	p->id = 1000 + i;
	p->peer = 1 + i / 2;
	p->of = &w->whole;
	atomic_init(&p->set, w->sets[i]);
	list_add_tail(&w->whole.parts_of, &p->link);
}

static void world_fini(struct world *w)
{
	parts_free(w->built);
	for (uint32_t i = 0; i < w->n; i++) {
		free(w->cold[i]);
		free(w->sets[i]);
	}
	free(w->cold);
	free(w->sets);
	free(w->sas);
	free(w->parts);
}

static struct policy_sas *walk(struct world *w, uint32_t peer, const struct flow *f)
{
	for (uint32_t i = w->n; i-- > 0;)
		if ((!peer || w->parts[i].peer == peer) && selectors_match_out(&w->cold[i]->ts, f))
			return &w->parts[i];
	return NULL;
}

static struct selector some_range(void)
{
	uint32_t a = rnd(256), b = rnd(256);
	struct selector s = selector_v4(0x0a000000 + (a < b ? a : b), 0x0a000000 + (a < b ? b : a));

	if (rnd(3) == 0)
		s = selector_v4(0x0a000000 + (a & ~7u), 0x0a000000 + (a | 7));
	if (rnd(4) == 0) {
		s.protocol = IP_TCP;
		s.port_low = (uint16_t)rnd(4);
		s.port_high = (uint16_t)(s.port_low + rnd(4));
	}
	return s;
}

static void finds_what_a_walk_finds(void **state)
{
	struct world w;
	uint32_t found = 0;

	(void)state;
	world_init(&w, PARTS);
	for (uint32_t i = 0; i < PARTS; i++)
		part_set(&w, i, some_range(), some_range());
	assert_int_equal(parts_build(&w.whole, &w.built), 0);
	for (uint32_t i = 0; i < FLOWS; i++) {
		const struct flow f = {.src = ipaddr_v4(0x0a000000 + rnd(256)),
			.dst = ipaddr_v4(0x0a000000 + rnd(256)),
			.proto = rnd(2) ? IP_TCP : IP_UDP,
			.sport = (uint16_t)rnd(8),
			.dport = (uint16_t)rnd(8),
			.has_ports = true,
			.v4 = true};
		uint32_t peer = rnd(3) ? 0 : 1 + rnd(PARTS / 2 + 1);
		struct policy_sas *p = parts_find(w.built, peer, &f);

		assert_ptr_equal(p, walk(&w, peer, &f));
		found += p != NULL;
	}
	assert_true(found > FLOWS / 4);
	world_fini(&w);
}

/* Point to multipoint: all of them take everything, and the route alone tells. */
static void the_route_tells_peers_apart(void **state)
{
	const struct selector all = selector_v4(0, UINT32_MAX);
	const struct flow f = {.src = ipaddr_v4(1), .dst = ipaddr_v4(2), .v4 = true};
	struct world w;

	(void)state;
	world_init(&w, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		part_set(&w, i, all, all);
	assert_int_equal(parts_build(&w.whole, &w.built), 0);
	for (uint32_t i = 1; i < MANY; i += 2)
		assert_ptr_equal(parts_find(w.built, 1 + i / 2, &f), &w.parts[i]);
	assert_null(parts_find(w.built, MANY, &f));
	assert_ptr_equal(parts_find(w.built, 0, &f), &w.parts[MANY - 1]);
	world_fini(&w);
}

static void nothing_is_no_parts(void **state)
{
	struct world w;
	struct parts *none = (struct parts *)&w;

	(void)state;
	world_init(&w, 1);
	assert_int_equal(parts_build(&w.whole, &none), 0);
	assert_null(none);
	part_set(&w, 0, selector_v4(0, 1), selector_v4(0, 1));
	w.sets[0]->n = 0; /* one that is about to go */
	assert_int_equal(parts_build(&w.whole, &none), 0);
	assert_null(none);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_a_walk_finds),
		cmocka_unit_test(the_route_tells_peers_apart),
		cmocka_unit_test(nothing_is_no_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
