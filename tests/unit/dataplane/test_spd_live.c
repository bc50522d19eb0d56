/* Which peer of a dynamic gateway a packet is for (AVP-001): what a walk over all items says,
 * newest first, while they come and go; what a change costs; what others see meanwhile. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/spd_live.h"

enum { ITEMS = 300, STEPS = 6000, MANY = 20000, RETIRED_MAX = 1 << 18 };

static uint64_t rng = 5;

static uint32_t rnd(uint32_t n)
{
	rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(rng >> 33) % n;
}

/* A grace period that lasts until the end of the test. */
struct graveyard {
	void *v[RETIRED_MAX];
	uint32_t n;
};

static void bury(void *ctx, void *p)
{
	struct graveyard *g = (struct graveyard *)ctx;

	assert_true(g->n < RETIRED_MAX);
	g->v[g->n++] = p;
}

struct world {
	struct graveyard *dead;
	struct spd_live *x;
	struct spd_live_item **v; /* NULL: not there */
	uint32_t n;
	uint64_t order;
};

static void world_init(struct world *w, uint32_t n)
{
	struct retire how = {.memory = bury};

	*w = (struct world){.dead = calloc(1, sizeof *w->dead),
		.v = calloc(n, sizeof(struct spd_live_item *)),
		.n = n};
	assert_true(w->dead && w->v);
	how.ctx = w->dead;
	w->x = spd_live_new(&how);
	assert_non_null(w->x);
}

static void world_fini(struct world *w)
{
	spd_live_free(w->x);
	for (uint32_t i = 0; i < w->dead->n; i++)
		free(w->dead->v[i]);
	free(w->dead);
	free(w->v);
}

static void put_at(struct world *w, uint32_t i, const struct selectors *ts, uint64_t order)
{
	const struct spd_live_spec spec = {
		.what = &w->v[i], .group = 1 + i / 2, .order = order, .ts = ts};

	w->v[i] = spd_live_add(w->x, &spec);
	assert_non_null(w->v[i]);
}

static void put(struct world *w, uint32_t i, const struct selector *local, uint16_t n_local,
	const struct selector *remote, uint16_t n_remote)
{
	const struct selectors ts = {local, remote, n_local, n_remote};

	put_at(w, i, &ts, ++w->order);
}

static void take(struct world *w, uint32_t i)
{
	spd_live_remove(w->x, w->v[i]);
	w->v[i] = NULL;
}

static void *walk(const struct world *w, uint32_t group, const struct flow *f)
{
	const struct spd_live_item *best = NULL;

	for (uint32_t i = 0; i < w->n; i++)
		if (w->v[i] && (!group || w->v[i]->group == group) &&
			(!best || w->v[i]->order > best->order) &&
			selectors_match_out(&w->v[i]->ts, f))
			best = w->v[i];
	return best ? best->what : NULL;
}

static struct selector some_range(void)
{
	uint32_t a = rnd(256), b = rnd(256);
	struct selector s = selector_v4(0x0a000000 + (a < b ? a : b), 0x0a000000 + (a < b ? b : a));

	if (rnd(3) == 0)
		s = selector_v4(0x0a000000 + (a & ~7u), 0x0a000000 + (a | 7));
	if (rnd(4) == 0) {
		s.protocol = rnd(2) ? IP_TCP : IP_UDP;
		s.port_low = (uint16_t)rnd(4);
		s.port_high = (uint16_t)(s.port_low + rnd(4));
	}
	return s;
}

static struct flow some_flow(void)
{
	return (struct flow){.src = ipaddr_v4(0x0a000000 + rnd(256)),
		.dst = ipaddr_v4(0x0a000000 + rnd(256)),
		.proto = rnd(2) ? IP_TCP : IP_UDP,
		.sport = (uint16_t)rnd(8),
		.dport = (uint16_t)rnd(8),
		.has_ports = rnd(8) != 0,
		.v4 = true};
}

/* Half of the time full, and sometimes empty: shapes come and go too. */
static void change(struct world *w)
{
	uint32_t i = rnd(w->n);
	struct selector local[2] = {some_range(), some_range()};
	struct selector remote[2] = {some_range(), some_range()};

	if (w->v[i])
		take(w, i);
	else
		put(w, i, local, (uint16_t)(1 + rnd(2)), remote, (uint16_t)(1 + rnd(2)));
	for (uint32_t k = 0; rnd(1500) == 0 && k < w->n; k++)
		if (w->v[k])
			take(w, k);
}

static void finds_what_a_walk_finds(void **state)
{
	struct world w;
	uint32_t found = 0, n = 0;

	(void)state;
	world_init(&w, ITEMS);
	for (uint32_t i = 0; i < STEPS; i++) {
		const struct flow f = some_flow();
		uint32_t group = 1 + rnd(ITEMS / 2 + 1);
		void *what;

		change(&w);
		what = spd_live_find(w.x, &f);
		assert_ptr_equal(what, walk(&w, 0, &f));
		assert_ptr_equal(spd_live_find_in(w.x, group, &f), walk(&w, group, &f));
		found += what != NULL;
	}
	assert_true(found > STEPS / 4);
	for (uint32_t i = 0; i < w.n; i++)
		n += w.v[i] != NULL;
	assert_int_equal(spd_live_count(w.x), n);
	for (uint32_t i = 0; i < w.n; i++)
		if (w.v[i])
			take(&w, i);
	assert_int_equal(spd_live_shapes(w.x), 0);
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
		put(&w, i, &all, 1, &all, 1);
	for (uint32_t i = 1; i < MANY; i += 2)
		assert_ptr_equal(spd_live_find_in(w.x, 1 + i / 2, &f), &w.v[i]);
	assert_null(spd_live_find_in(w.x, MANY, &f));
	assert_ptr_equal(spd_live_find(w.x, &f), &w.v[MANY - 1]);
	for (uint32_t i = 0; i < MANY; i++)
		take(&w, i);
	assert_true(spd_live_work(w.x) < UINT64_C(16) * MANY);
	world_fini(&w);
}

/* An order that was there before comes again: after a takeover records come in any. */
static void the_newest_wins_in_any_order_of_coming(void **state)
{
	const struct selector all = selector_v4(0, UINT32_MAX);
	const struct selectors ts = {&all, &all, 1, 1};
	const struct flow f = {.src = ipaddr_v4(1), .dst = ipaddr_v4(2), .v4 = true};
	static const uint64_t orders[] = {4, 9, 1, 7, 2};
	struct world w;

	(void)state;
	world_init(&w, ARRAY_LEN(orders));
	for (uint32_t i = 0; i < ARRAY_LEN(orders); i++)
		put_at(&w, i, &ts, orders[i]);
	assert_ptr_equal(spd_live_find(w.x, &f), &w.v[1]);
	take(&w, 1);
	assert_ptr_equal(spd_live_find(w.x, &f), &w.v[3]);
	take(&w, 0);
	take(&w, 3);
	assert_ptr_equal(spd_live_find(w.x, &f), &w.v[4]);
	world_fini(&w);
}

static struct selector host(uint32_t i)
{
	return selector_v4(0x64400000 + i, 0x64400000 + i);
}

static uint64_t work_of_adding(struct world *w, uint32_t first, uint32_t n)
{
	const struct selector lan = selector_v4(0x0a010000, 0x0a0100ff);
	uint64_t before = spd_live_work(w->x);

	for (uint32_t i = first; i < first + n; i++) {
		const struct selector remote = host(i);

		put(w, i, &lan, 1, &remote, 1);
	}
	return spd_live_work(w->x) - before;
}

/* The last thousand of very many costs about what the first did: the path to one grows by a node
 * where there are sixteen times as many. */
static void a_change_costs_the_same_among_many(void **state)
{
	struct world w;
	uint64_t first, last;

	(void)state;
	world_init(&w, MANY + 1000);
	first = work_of_adding(&w, 0, 1000);
	(void)work_of_adding(&w, 1000, MANY - 1000);
	last = work_of_adding(&w, MANY, 1000);
	assert_true(last < 3 * first);
	assert_true(last < UINT64_C(16) * 1000);
	world_fini(&w);
}

/* ---------------------------------------------------------------- while others look */

enum { STAYING = 500, COMING = 4000, ROUNDS = 6 };

struct reader {
	const struct world *w;
	_Atomic bool stop;
	_Atomic uint32_t lost, looks;
};

static void *look(void *ctx)
{
	struct reader *r = (struct reader *)ctx;

	for (uint32_t i = 0; !atomic_load(&r->stop); i = (i + 1) % STAYING) {
		const struct flow f = {
			.src = ipaddr_v4(0x0a010001), .dst = ipaddr_v4(0x64400000 + i), .v4 = true};

		atomic_fetch_add(&r->lost, spd_live_find(r->w->x, &f) != &r->w->v[i]);
		atomic_fetch_add(&r->looks, 1);
	}
	return NULL;
}

/* Those that stay are found at any moment. */
static void nobody_is_lost_while_others_come_and_go(void **state)
{
	struct world w;
	struct reader r = {.w = &w};
	pthread_t thread;

	(void)state;
	world_init(&w, STAYING + COMING);
	(void)work_of_adding(&w, 0, STAYING);
	assert_int_equal(pthread_create(&thread, NULL, look, &r), 0);
	while (atomic_load(&r.looks) == 0)
		;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		(void)work_of_adding(&w, STAYING, COMING);
		for (uint32_t i = 0; i < COMING; i++)
			take(&w, STAYING + (i * 7 + round) % COMING);
	}
	atomic_store(&r.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(atomic_load(&r.lost), 0);
	assert_int_equal(spd_live_count(w.x), STAYING);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_a_walk_finds),
		cmocka_unit_test(the_route_tells_peers_apart),
		cmocka_unit_test(the_newest_wins_in_any_order_of_coming),
		cmocka_unit_test(a_change_costs_the_same_among_many),
		cmocka_unit_test(nobody_is_lost_while_others_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
