#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "core/rg.h"

static struct rg_state want(enum rg_role role, uint64_t epoch, uint64_t deadline)
{
	return (struct rg_state){.role = role, .epoch = epoch, .deadline_ns = deadline};
}

static void rg_acts_only_before_its_deadline(void **state)
{
	struct rg_state s = {0};
	struct rg_state w = want(RG_ROLE_ACTIVE, 3, 1000);

	(void)state;
	assert_false(rg_acts(&s, 0));
	assert_int_equal(rg_set(&s, &w), 0);
	assert_true(rg_acts(&s, 999));
	assert_false(rg_acts(&s, 1000));
	assert_int_equal(rg_extend(&s, 2, 5000), -ERR_EPOCH);
	assert_int_equal(rg_extend(&s, 3, 5000), 0);
	assert_true(rg_acts(&s, 4999));
	assert_int_equal(rg_extend(&s, 3, 10), 0); /* never shorter */
	assert_true(rg_acts(&s, 4999));
}

static void rg_old_words_are_refused(void **state)
{
	struct rg_state s = {0};
	struct rg_state w = want(RG_ROLE_STANDBY, 5, 0), old = want(RG_ROLE_ACTIVE, 4, 9);

	(void)state;
	assert_int_equal(rg_set(&s, &w), 0);
	assert_int_equal(rg_set(&s, &old), -ERR_EPOCH);
	assert_int_equal(rg_extend(&s, 5, 100), -ERR_EPOCH); /* not active */
}

static void rg_fenced_stays_stopped_in_that_epoch(void **state)
{
	struct rg_state s = {0};
	struct rg_state five = want(RG_ROLE_ACTIVE, 5, RG_FOREVER);
	struct rg_state six = want(RG_ROLE_ACTIVE, 6, RG_FOREVER);

	(void)state;
	assert_int_equal(rg_set(&s, &five), 0);
	assert_false(rg_fence(&s, 4));
	assert_true(rg_acts(&s, 1));
	assert_true(rg_fence(&s, 5));
	assert_false(rg_acts(&s, 1));
	assert_true(rg_fence(&s, 5)); /* asked twice, answered twice */
	assert_int_equal(rg_set(&s, &five), -ERR_EPOCH);
	assert_int_equal(rg_extend(&s, 5, RG_FOREVER), -ERR_EPOCH);
	assert_int_equal(rg_set(&s, &six), 0);
	assert_true(rg_acts(&s, 1));
}

static void rg_a_fence_before_the_claim_is_kept(void **state)
{
	struct rg_state s = {0};
	struct rg_state w = want(RG_ROLE_ACTIVE, 7, RG_FOREVER);

	(void)state;
	assert_true(rg_fence(&s, 7));
	assert_int_equal(rg_set(&s, &w), -ERR_EPOCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rg_acts_only_before_its_deadline),
		cmocka_unit_test(rg_old_words_are_refused),
		cmocka_unit_test(rg_fenced_stays_stopped_in_that_epoch),
		cmocka_unit_test(rg_a_fence_before_the_claim_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
