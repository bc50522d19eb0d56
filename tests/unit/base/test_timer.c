#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/timer.h"

enum { N = 500 };

static void timer_fires_in_due_order_then_arming_order(void **state)
{
	struct timerq q = {0};
	struct timer t[4] = {{.kind = 0}, {.kind = 1}, {.kind = 2}, {.kind = 3}};
	static const uint64_t due[] = {30, 10, 30, 20};
	static const uint32_t want[] = {1, 3, 0, 2};

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(timer_arm(&q, &t[i], due[i]), 0);
	assert_null(timerq_pop(&q, 9));
	for (int i = 0; i < 4; i++) {
		struct timer *next = timerq_pop(&q, 100);

		assert_non_null(next);
		assert_int_equal(next->kind, want[i]);
		assert_false(timer_is_armed(next));
	}
	assert_true(timerq_deadline(&q) == TIMER_NEVER);
	timerq_fini(&q);
}

/* Against the obvious implementation: an array searched for its minimum. */
static void timer_heap_agrees_with_a_search(void **state)
{
	struct timerq q = {0};
	struct timer t[N] = {0};
	uint64_t due[N], now = 0;
	unsigned seed = 7;

	(void)state;
	for (int i = 0; i < N; i++)
		due[i] = TIMER_NEVER;
	for (int step = 0; step < 20000; step++) {
		int i = rand_r(&seed) % N;
		uint64_t min = TIMER_NEVER;
		struct timer *fired;

		if (rand_r(&seed) % 3 == 0) {
			timer_cancel(&q, &t[i]);
			due[i] = TIMER_NEVER;
		} else {
			due[i] = now + (uint64_t)(rand_r(&seed) % 1000);
			assert_int_equal(timer_arm(&q, &t[i], due[i]), 0);
		}
		for (int k = 0; k < N; k++)
			min = MIN(min, due[k]);
		assert_true(timerq_deadline(&q) == min);
		now += (uint64_t)(rand_r(&seed) % 5);
		while ((fired = timerq_pop(&q, now)) != NULL) {
			long k = fired - t;

			assert_true(due[k] <= now);
			due[k] = TIMER_NEVER;
		}
	}
	timerq_fini(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timer_fires_in_due_order_then_arming_order),
		cmocka_unit_test(timer_heap_agrees_with_a_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
