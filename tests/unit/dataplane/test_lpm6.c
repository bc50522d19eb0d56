/* The table finds what a linear search for the longest prefix finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/lpm6.h"

enum { ROUNDS = 200, ROUTES = 60, LOOKUPS = 400, MANY = 100000 };

static uint64_t rng = 11;

static uint32_t rnd(uint32_t n)
{
	rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(rng >> 33) % n;
}

/* From a world so small that prefixes hold each other; both halves differ. */
static struct ipaddr random_addr(void)
{
	return (struct ipaddr){(uint64_t)rnd(4) << 62 | rnd(4), (uint64_t)rnd(4) << 62 | rnd(4)};
}

struct route {
	struct ipaddr addr;
	uint32_t len;
};

static uint32_t linear(const struct route *v, uint32_t n, struct ipaddr a)
{
	uint32_t best = LPM_NONE;

	for (uint32_t i = 0; i < n; i++)
		if (ipaddr_shares(v[i].addr, a, v[i].len) &&
			(best == LPM_NONE || v[i].len >= v[best].len))
			best = i;
	return best;
}

static void what_linear_search_finds(void **state)
{
	static const uint32_t lens[] = {0, 1, 2, 62, 63, 64, 65, 66, 126, 127, 128};
	struct route v[ROUTES];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct lpm6 *l = lpm6_new();
		uint32_t n = rnd(ROUTES + 1);

		assert_non_null(l);
		for (uint32_t i = 0; i < n; i++) {
			v[i] = (struct route){random_addr(), lens[rnd(ARRAY_LEN(lens))]};
			assert_int_equal(lpm6_add(l, v[i].addr, v[i].len, i), 0);
		}
		for (int i = 0; i < LOOKUPS; i++) {
			struct ipaddr a = random_addr();

			assert_int_equal(lpm6_get(l, a), linear(v, n, a));
		}
		lpm6_free(l);
	}
}

static void many_host_routes(void **state)
{
	struct lpm6 *l = lpm6_new();

	(void)state;
	assert_non_null(l);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(
			lpm6_add(l, (struct ipaddr){UINT64_C(0xfd00) << 48, i}, 128, i), 0);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(lpm6_get(l, (struct ipaddr){UINT64_C(0xfd00) << 48, i}), i);
	assert_int_equal(lpm6_get(l, (struct ipaddr){UINT64_C(0xfd00) << 48, MANY}), LPM_NONE);
	assert_int_equal(l->n_lens, 1);
	lpm6_free(l);
}

static void what_is_no_prefix_is_refused(void **state)
{
	struct lpm6 *l = lpm6_new();

	(void)state;
	assert_non_null(l);
	assert_true(lpm6_add(l, (struct ipaddr){0}, 129, 1) < 0);
	assert_true(lpm6_add(l, (struct ipaddr){0}, 64, LPM_NONE) < 0);
	assert_int_equal(lpm6_get(l, (struct ipaddr){0}), LPM_NONE);
	lpm6_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_linear_search_finds),
		cmocka_unit_test(many_host_routes),
		cmocka_unit_test(what_is_no_prefix_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
