#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sched.h>
#include <cmocka.h>

#include "ring.h"

enum { ITEMS = 200000 };

static void *produce(void *arg)
{
	struct ring *r = arg;

	for (uint64_t i = 0; i < ITEMS; i++)
		while (!ring_put(r, &i))
			(void)sched_yield();
	return NULL;
}

static void ring_keeps_order_between_threads(void **state)
{
	struct ring r;
	pthread_t t;
	uint64_t v[32], next = 0;

	(void)state;
	assert_int_equal(ring_init(&r, 64, sizeof(uint64_t)), 0);
	assert_int_equal(pthread_create(&t, NULL, produce, &r), 0);
	while (next < ITEMS) {
		uint32_t n = ring_get(&r, v, 32);

		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(v[i], next++);
		if (n == 0)
			(void)sched_yield();
	}
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_true(ring_is_empty(&r));
	ring_fini(&r);
}

static void ring_is_full_and_empty_at_its_ends(void **state)
{
	struct ring r;
	uint32_t v = 0;

	(void)state;
	assert_int_equal(ring_init(&r, 4, sizeof v), 0);
	for (int round = 0; round < 9; round++) {
		assert_int_equal(ring_get(&r, &v, 1), 0);
		for (uint32_t i = 0; i < 4; i++)
			assert_true(ring_put(&r, &i));
		assert_false(ring_put(&r, &v));
		for (uint32_t i = 0; i < 4; i++) {
			assert_int_equal(ring_get(&r, &v, 1), 1);
			assert_int_equal(v, i);
		}
		/* off the start, so that it wraps */
		assert_true(ring_put(&r, &v));
		assert_int_equal(ring_get(&r, &v, 1), 1);
	}
	ring_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_keeps_order_between_threads),
		cmocka_unit_test(ring_is_full_and_empty_at_its_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
