#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "core/replay.h"

static const uint32_t windows[] = {64, 128, 192, 1024, 2048, 8192};

struct fixture {
	struct replay r;
	uint64_t *words;
};

static struct fixture make(uint32_t window)
{
	struct fixture f = {.words = calloc(replay_words(window) + 1u, sizeof(uint64_t))};

	assert_non_null(f.words);
	replay_init(&f.r, window, f.words);
	return f;
}

/* RFC 4303 3.4.3 as a list of everything ever seen. */
struct oracle {
	uint8_t *seen;
	uint64_t top, window;
};

static bool oracle_takes(struct oracle *o, uint64_t seq)
{
	if (seq == 0 || (seq <= o->top && o->top - seq >= o->window) || o->seen[seq])
		return false;
	o->seen[seq] = 1;
	o->top = seq > o->top ? seq : o->top;
	return true;
}

static void replay_every_position_is_accepted_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		for (uint64_t top = 3 * (uint64_t)windows[i]; top < 3 * (uint64_t)windows[i] + 65;
			top++) {
			struct fixture f = make(windows[i]);

			assert_int_equal(replay_mark(&f.r, top), 0);
			for (uint64_t back = 1; back < windows[i]; back++) {
				assert_int_equal(replay_mark(&f.r, top - back), 0);
				assert_int_equal(replay_check(&f.r, top - back), -ERR_REPLAY);
			}
			assert_int_equal(replay_check(&f.r, top), -ERR_REPLAY);
			assert_int_equal(replay_check(&f.r, top - windows[i]), -ERR_REPLAY);
			free(f.words);
		}
	}
}

static void replay_agrees_with_the_oracle(void **state)
{
	enum { SPACE = 1 << 18, STEPS = 60000 };

	unsigned seed = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		struct fixture f = make(windows[i]);
		struct oracle o = {calloc(SPACE, 1), 0, windows[i]};

		assert_non_null(o.seen);
		for (int k = 0; k < STEPS; k++) {
			uint64_t reach = 2 * (uint64_t)windows[i];
			uint64_t low = o.top > reach ? o.top - reach : 0;
			uint64_t jump = rand_r(&seed) % 200 == 0 ? 3 * reach : 8;
			uint64_t seq = low + (uint64_t)rand_r(&seed) % (o.top - low + jump);

			if (seq >= SPACE)
				break;
			if ((replay_mark(&f.r, seq) == 0) != oracle_takes(&o, seq))
				fail_msg("window %u number %lu top %lu", windows[i],
					(unsigned long)seq, (unsigned long)o.top);
		}
		free(o.seen);
		free(f.words);
	}
}

static void replay_moves_to_another_node_exactly(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		for (uint64_t top = 1; top < 5 * (uint64_t)windows[i]; top += windows[i] / 5 + 1) {
			struct fixture a = make(windows[i]), b = make(windows[i]);
			uint64_t *wire = calloc(windows[i] / 64, sizeof *wire);

			assert_non_null(wire);
			for (uint64_t s = 1; s <= top; s++)
				if (rand_r(&seed) % 3 || s == top)
					assert_true(replay_mark(&a.r, s) == 0);
			replay_export(&a.r, wire);
			replay_import(&b.r, a.r.top, wire);
			for (uint64_t s = 0; s <= top + 2 * (uint64_t)windows[i]; s++)
				if (replay_check(&a.r, s) != replay_check(&b.r, s))
					fail_msg("window %u top %lu number %lu", windows[i],
						(unsigned long)top, (unsigned long)s);
			/* and goes on alike */
			for (uint64_t s = 1; s <= top + 70; s++)
				assert_int_equal(replay_mark(&a.r, s), replay_mark(&b.r, s));
			free(wire);
			free(a.words);
			free(b.words);
		}
	}
}

static void replay_raise_refuses_all_below(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		for (uint64_t top = 60; top < 200; top++) {
			struct fixture f = make(windows[i]);

			assert_int_equal(replay_mark(&f.r, 5), 0);
			replay_raise(&f.r, top);
			for (uint64_t s = 0; s <= top; s++)
				assert_int_equal(replay_check(&f.r, s), -ERR_REPLAY);
			for (uint64_t s = top + 300; s > top; s--)
				if (s + windows[i] > top + 300)
					assert_int_equal(replay_mark(&f.r, s), 0);
			replay_raise(&f.r, 3); /* never back */
			assert_int_equal(f.r.top, top + 300);
			free(f.words);
		}
	}
}

static void replay_off_counts_the_top_only(void **state)
{
	struct fixture f = make(0);

	(void)state;
	assert_int_equal(replay_mark(&f.r, 100), 0);
	assert_int_equal(replay_mark(&f.r, 100), 0);
	assert_int_equal(replay_mark(&f.r, 1), 0);
	assert_int_equal(replay_mark(&f.r, 0), -ERR_REPLAY);
	assert_int_equal(f.r.top, 100);
	free(f.words);
}

/* RFC 4303 A2.2: whatever 64-bit number lies within reach of the top is recovered from 32 bits. */
static void replay_infers_the_high_half(void **state)
{
	static const uint64_t tops[] = {1, 63, 64, 5000, UINT32_MAX - 10, UINT32_MAX,
		(UINT64_C(1) << 32) + 3, (UINT64_C(7) << 32) - 1, (UINT64_C(7) << 32) + 1000000,
		(UINT64_C(9) << 32) + 70};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		for (size_t t = 0; t < ARRAY_LEN(tops); t++) {
			struct fixture f = make(windows[i]);

			f.r.top = tops[t];
			for (int64_t d = -(int64_t)windows[i] + 1; d < 100000; d += 7) {
				uint64_t seq = tops[t] + (uint64_t)d;

				if ((int64_t)tops[t] + d < 1)
					continue;
				if (replay_infer(&f.r, (uint32_t)seq, true) != seq)
					fail_msg("window %u top %lx number %lx", windows[i],
						(unsigned long)tops[t], (unsigned long)seq);
			}
			free(f.words);
		}
	}
}

static void replay_window_sizes_are_rounded(void **state)
{
	(void)state;
	assert_int_equal(replay_window_round(0), 0);
	assert_int_equal(replay_window_round(1), 64);
	assert_int_equal(replay_window_round(65), 128);
	assert_int_equal(replay_window_round(9999), 8192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replay_every_position_is_accepted_once),
		cmocka_unit_test(replay_agrees_with_the_oracle),
		cmocka_unit_test(replay_moves_to_another_node_exactly),
		cmocka_unit_test(replay_raise_refuses_all_below),
		cmocka_unit_test(replay_off_counts_the_top_only),
		cmocka_unit_test(replay_infers_the_high_half),
		cmocka_unit_test(replay_window_sizes_are_rounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
