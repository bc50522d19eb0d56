#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/err.h"
#include "core/lpm.h"

struct row {
	uint32_t addr, len, value;
};

static uint32_t mask_of(uint32_t len)
{
	return len ? UINT32_MAX << (32 - len) : 0;
}

static uint32_t longest(const struct row *rows, uint32_t n, uint32_t addr)
{
	uint32_t best = LPM_NONE;
	int best_len = -1;

	for (uint32_t i = 0; i < n; i++) {
		if (((rows[i].addr ^ addr) & mask_of(rows[i].len)) == 0 &&
			(int)rows[i].len >= best_len) {
			best = rows[i].value;
			best_len = (int)rows[i].len;
		}
	}
	return best;
}

static void lpm_agrees_with_a_linear_search(void **state)
{
	enum { ROWS = 300 };
	struct row rows[ROWS];
	unsigned seed = 11;

	(void)state;
	for (int round = 0; round < 10; round++) {
		struct lpm *l = lpm_new();

		assert_non_null(l);
		for (uint32_t i = 0; i < ROWS; i++) {
			/* few networks, so that prefixes nest */
			rows[i] = (struct row){0x0a000000 | ((uint32_t)rand_r(&seed) & 0x0303ffff),
				(uint32_t)rand_r(&seed) % 33, i};
			assert_int_equal(lpm_add(l, rows[i].addr, rows[i].len, i), 0);
		}
		for (int k = 0; k < 20000; k++) {
			uint32_t a = k % 2 ? (uint32_t)rand_r(&seed) * 2
					   : rows[rand_r(&seed) % ROWS].addr + (uint32_t)(k % 5);

			assert_int_equal(lpm_get(l, a), longest(rows, ROWS, a));
		}
		lpm_free(l);
	}
}

static void lpm_edges(void **state)
{
	struct lpm *l = lpm_new();

	(void)state;
	assert_non_null(l);
	assert_int_equal(lpm_get(l, 0), LPM_NONE);
	assert_int_equal(lpm_add(l, 0, 0, 1), 0);
	assert_int_equal(lpm_add(l, UINT32_MAX, 32, 2), 0);
	assert_int_equal(lpm_get(l, 0), 1);
	assert_int_equal(lpm_get(l, UINT32_MAX), 2);
	assert_int_equal(lpm_get(l, UINT32_MAX - 1), 1);
	assert_int_equal(lpm_add(l, 0, 33, 1), -ERR_VALUE);
	assert_int_equal(lpm_add(l, 0, 8, LPM_NONE), -ERR_VALUE);
	lpm_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lpm_agrees_with_a_linear_search),
		cmocka_unit_test(lpm_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
