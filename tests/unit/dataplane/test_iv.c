#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "core/iv.h"

static void iv_is_node_incarnation_counter(void **state)
{
	struct iv_pool p;
	struct iv_block b = {0};
	uint64_t iv;

	(void)state;
	iv_pool_init(&p, 0xabcd);
	assert_int_equal(iv_next(&p, &b, 0x7f, &iv), 0);
	assert_int_equal(iv, UINT64_C(0x7fabcd0000000000));
	assert_int_equal(iv_next(&p, &b, 0x7f, &iv), 0);
	assert_int_equal(iv, UINT64_C(0x7fabcd0000000001));
	assert_int_equal(iv_pool_incarnation(&p), 0xabcd);
}

static void iv_workers_share_no_block(void **state)
{
	struct iv_pool p;
	struct iv_block a = {0}, b = {0};
	uint64_t x = 0, y = 0, last = 0;

	(void)state;
	iv_pool_init(&p, 1);
	assert_int_equal(iv_next(&p, &a, 1, &x), 0);
	assert_int_equal(iv_next(&p, &b, 1, &y), 0);
	assert_int_equal(y - x, IV_BLOCK);
	for (int i = 0; i < 3 * IV_BLOCK; i++) {
		assert_int_equal(iv_next(&p, &a, 1, &x), 0);
		assert_true(x > last);
		assert_true(x < y || x >= y + IV_BLOCK);
		last = x;
	}
}

static void iv_next_incarnation_only_when_reserved(void **state)
{
	struct iv_pool p;
	struct iv_block b = {0};
	uint64_t iv;

	(void)state;
	iv_pool_init(&p, 5);
	assert_false(iv_pool_is_half(&p));
	atomic_store(&p.next, (UINT64_C(6) << IV_COUNTER_BITS) - IV_BLOCK);
	assert_true(iv_pool_is_half(&p));
	for (int i = 0; i < IV_BLOCK; i++)
		assert_int_equal(iv_next(&p, &b, 0, &iv), 0);
	assert_int_equal(iv_next(&p, &b, 0, &iv), -ERR_LIMIT);
	iv_pool_reserve(&p, 6);
	assert_int_equal(iv_next(&p, &b, 0, &iv), 0);
	assert_int_equal(iv, UINT64_C(6) << IV_COUNTER_BITS);
	assert_int_equal(iv_pool_incarnation(&p), 6);
}

static void iv_space_ends_without_wrapping(void **state)
{
	struct iv_pool p;
	struct iv_block b = {0};
	uint64_t iv;

	(void)state;
	iv_pool_init(&p, 0xffff);
	atomic_store(&p.next, (UINT64_C(1) << 56) - IV_BLOCK);
	for (int i = 0; i < IV_BLOCK; i++)
		assert_int_equal(iv_next(&p, &b, 0, &iv), 0);
	iv_pool_reserve(&p, 0);
	assert_int_equal(iv_next(&p, &b, 0, &iv), -ERR_LIMIT);
}

static void iv_raised_is_never_below(void **state)
{
	struct iv_pool p;
	struct iv_block b = {0};
	uint64_t iv;

	(void)state;
	iv_pool_init(&p, 5);
	assert_int_equal(iv_next(&p, &b, 0, &iv), 0);
	assert_false(iv_pool_raise(&p, 4));
	assert_false(iv_pool_raise(&p, 5)); /* in use: goes on where it is */
	assert_int_equal(iv_next(&p, &b, 0, &iv), 0);
	assert_int_equal(iv, (UINT64_C(5) << IV_COUNTER_BITS) + 1);
	assert_true(iv_pool_raise(&p, 300));
	b = (struct iv_block){0}; /* as its worker is told */
	assert_int_equal(iv_next(&p, &b, 0, &iv), 0);
	assert_int_equal(iv, UINT64_C(300) << IV_COUNTER_BITS);
	assert_int_equal(iv_pool_incarnation(&p), 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iv_raised_is_never_below),
		cmocka_unit_test(iv_is_node_incarnation_counter),
		cmocka_unit_test(iv_workers_share_no_block),
		cmocka_unit_test(iv_next_incarnation_only_when_reserved),
		cmocka_unit_test(iv_space_ends_without_wrapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
