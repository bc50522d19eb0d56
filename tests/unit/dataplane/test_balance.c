/* Bucket tables: even, consistent (ISHU-003), and balanced by load without going to and fro. */
#include <string.h>

#include "core/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { BUCKETS = 1024 };

static uint32_t rng = 1;

static uint32_t draw(uint32_t n)
{
	rng = rng * 1664525u + 1013904223u;
	return (rng >> 8) % n;
}

static uint32_t settle(uint8_t *owner, uint32_t n, uint32_t members)
{
	struct balance_move m;
	uint32_t at = 0, moves = 0;

	while (balance_next(owner, n, members, &at, &m)) {
		assert_int_equal(owner[m.bucket], m.from);
		assert_true(members >> m.to & 1);
		assert_int_not_equal(m.from, m.to);
		owner[m.bucket] = m.to;
		assert_true(++moves <= n);
	}
	return moves;
}

static void spread(
	const uint8_t *owner, uint32_t n, uint32_t members, uint32_t *low, uint32_t *high)
{
	uint32_t count[BALANCE_WORKERS] = {0};

	*low = n;
	*high = 0;
	for (uint32_t b = 0; b < n; b++)
		count[owner[b]]++;
	for (uint32_t i = 0; i < BALANCE_WORKERS; i++) {
		if (!(members >> i & 1)) {
			assert_int_equal(count[i], 0);
			continue;
		}
		*low = count[i] < *low ? count[i] : *low;
		*high = count[i] > *high ? count[i] : *high;
	}
}

/* From any table to any set of workers. */
static void ends_even(void **state)
{
	uint8_t owner[BUCKETS];

	(void)state;
	for (uint32_t round = 0; round < 200; round++) {
		uint32_t members = draw(0xffff) + 1, n = 64u << draw(5), low, high;

		for (uint32_t b = 0; b < n; b++)
			owner[b] = (uint8_t)draw(BALANCE_WORKERS);
		settle(owner, n, members);
		spread(owner, n, members, &low, &high);
		assert_true(high - low <= 1);
	}
}

/* ISHU-003: adding one of n workers moves about 1/(n+1), and nothing between the others. */
static void one_more_takes_its_share(void **state)
{
	uint8_t owner[BUCKETS], was[BUCKETS];

	(void)state;
	for (uint32_t n = 1; n < BALANCE_WORKERS; n++) {
		uint32_t share = BUCKETS / (n + 1), moved;

		memset(owner, 0, sizeof owner);
		settle(owner, BUCKETS, (1u << n) - 1);
		memcpy(was, owner, sizeof was);
		moved = settle(owner, BUCKETS, (2u << n) - 1);
		assert_in_range(moved, share, share + 1);
		for (uint32_t b = 0; b < BUCKETS; b++)
			assert_true(owner[b] == was[b] || owner[b] == n);
	}
}

static void one_less_moves_its_own(void **state)
{
	uint8_t owner[BUCKETS], was[BUCKETS];

	(void)state;
	for (uint32_t gone = 0; gone < 5; gone++) {
		memset(owner, 0, sizeof owner);
		settle(owner, BUCKETS, 0x1f);
		memcpy(was, owner, sizeof was);
		settle(owner, BUCKETS, 0x1fu & ~(1u << gone));
		for (uint32_t b = 0; b < BUCKETS; b++)
			assert_true(was[b] == gone ? owner[b] != gone : owner[b] == was[b]);
	}
}

/* ---- load */

static uint64_t difference(const uint8_t *owner, const uint64_t *load, uint32_t members)
{
	uint64_t of[BALANCE_WORKERS] = {0}, low = UINT64_MAX, high = 0;

	for (uint32_t b = 0; b < BUCKETS; b++)
		of[owner[b]] += load[b];
	for (uint32_t i = 0; i < BALANCE_WORKERS; i++) {
		if (!(members >> i & 1))
			continue;
		low = of[i] < low ? of[i] : low;
		high = of[i] > high ? of[i] : high;
	}
	return high - low;
}

static uint64_t draw_load(void)
{
	switch (draw(8)) {
	case 0:
		return draw(1000000);
	case 1:
		return draw(10000);
	default:
		return draw(100);
	}
}

/* Under a load that does not change each move helps, no bucket moves twice, and it ends. */
static void load_never_oscillates(void **state)
{
	uint64_t load[BUCKETS];
	uint8_t owner[BUCKETS], rest[BUCKETS], moved[BUCKETS];
	struct balance_move v[BALANCE_MOVES];

	(void)state;
	for (uint32_t round = 0; round < 60; round++) {
		uint32_t members = (2u << draw(8)) - 1, quiet = 0;
		struct balance_damper d = {0};

		memset(rest, 0, sizeof rest);
		memset(moved, 0, sizeof moved);
		for (uint32_t b = 0; b < BUCKETS; b++) {
			load[b] = draw_load();
			owner[b] = (uint8_t)(b % (uint32_t)__builtin_popcount(members));
		}
		for (uint32_t t = 0; quiet < 2 * BALANCE_REST; t++) {
			uint64_t before = difference(owner, load, members);
			uint32_t n = balance_load(&d, owner, load, rest, BUCKETS, members, v);

			assert_true(n <= BALANCE_MOVES && t < 5000);
			for (uint32_t i = 0; i < n; i++) {
				assert_int_equal(owner[v[i].bucket], v[i].from);
				owner[v[i].bucket] = v[i].to;
				moved[v[i].bucket]++;
				assert_true(moved[v[i].bucket] <= 2);
			}
			assert_true(difference(owner, load, members) <= before);
			quiet = n ? 0 : quiet + 1;
		}
	}
}

/* A load that jumps about every interval moves next to nothing. */
static void noise_moves_nothing(void **state)
{
	uint64_t load[BUCKETS];
	uint8_t owner[BUCKETS], rest[BUCKETS] = {0};
	struct balance_move v[BALANCE_MOVES];
	struct balance_damper d = {0};
	uint32_t moves = 0;

	(void)state;
	for (uint32_t b = 0; b < BUCKETS; b++)
		owner[b] = (uint8_t)(b & 3);
	for (uint32_t t = 0; t < 1000; t++) {
		uint32_t n;

		/* every other interval all is even: never uneven for long */
		for (uint32_t b = 0; b < BUCKETS; b++)
			load[b] = t & 1 ? 1000 : 1000 + (owner[b] == t / 2 % 4 ? 2000 : 0);
		n = balance_load(&d, owner, load, rest, BUCKETS, 0xf, v);
		moves += n;
		for (uint32_t i = 0; i < n; i++)
			owner[v[i].bucket] = v[i].to;
	}
	assert_int_equal(moves, 0);
}

/* One bucket heavier than all others together cannot be divided: it stays, and the others go. */
static void an_elephant_is_left_alone(void **state)
{
	uint64_t load[BUCKETS];
	uint8_t owner[BUCKETS], rest[BUCKETS] = {0};
	struct balance_move v[BALANCE_MOVES];
	struct balance_damper d = {0};

	(void)state;
	for (uint32_t b = 0; b < BUCKETS; b++) {
		owner[b] = (uint8_t)(b & 1);
		load[b] = b == 7 ? 1000000 : 10;
	}
	for (uint32_t t = 0; t < 2000; t++) {
		uint32_t n = balance_load(&d, owner, load, rest, BUCKETS, 3, v);

		for (uint32_t i = 0; i < n; i++) {
			assert_int_not_equal(v[i].bucket, 7);
			owner[v[i].bucket] = v[i].to;
		}
	}
	for (uint32_t b = 0; b < BUCKETS; b++)
		assert_int_equal(owner[b], b == 7);
}

static void now_means_now(void **state)
{
	uint64_t load[BUCKETS] = {0};
	uint8_t owner[BUCKETS] = {0};
	struct balance_move v[BALANCE_MOVES];

	(void)state;
	for (uint32_t b = 0; b < 8; b++)
		load[b] = 100;
	assert_int_equal(balance_load_now(owner, load, BUCKETS, 3, v), BALANCE_MOVES);
	for (uint32_t i = 0; i < BALANCE_MOVES; i++)
		owner[v[i].bucket] = v[i].to;
	assert_int_equal(balance_load_now(owner, load, BUCKETS, 3, v), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_even),
		cmocka_unit_test(one_more_takes_its_share),
		cmocka_unit_test(one_less_moves_its_own),
		cmocka_unit_test(load_never_oscillates),
		cmocka_unit_test(noise_moves_nothing),
		cmocka_unit_test(an_elephant_is_left_alone),
		cmocka_unit_test(now_means_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
