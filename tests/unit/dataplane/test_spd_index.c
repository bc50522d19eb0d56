/* The index finds what linear search finds, for selectors of every kind, and stays flat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/spd_index.h"

enum { ROUNDS = 400, POLICIES = 60, FLOWS = 300, MANY = 100000 };

static uint64_t rng = 3;

static uint32_t rnd(uint32_t n)
{
	rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(rng >> 33) % n;
}

/* From a world so small that everything meets. */
static uint32_t random_addr(void)
{
	return 0x0a000000 + rnd(64);
}

static struct selector random_selector(void)
{
	struct selector s = {.port_high = UINT16_MAX};
	uint32_t a = random_addr(), b = random_addr();

	switch (rnd(4)) {
	case 0:
		s.high = UINT32_MAX;
		break;
	case 1:
		s.low = s.high = a;
		break;
	case 2:
		s.low = a & ~7u;
		s.high = a | 7u;
		break;
	default:
		s.low = a < b ? a : b;
		s.high = a < b ? b : a;
	}
	s.protocol = (uint8_t)(rnd(3) ? 0 : rnd(2) ? IP_UDP : IP_TCP);
	if (s.protocol && rnd(2)) {
		s.port_low = (uint16_t)rnd(4);
		s.port_high = rnd(2) ? s.port_low : (uint16_t)(s.port_low + rnd(3));
	} else if (rnd(8) == 0) {
		s.port_low = s.port_high = 0; /* port 0 alone */
	}
	return s;
}

struct policy {
	struct selector s[4];
	struct selectors ts;
};

static void random_policy(struct policy *p)
{
	uint16_t n = (uint16_t)(1 + rnd(2));

	for (uint32_t i = 0; i < 4; i++)
		p->s[i] = random_selector();
	p->ts = (struct selectors){p->s, p->s + n, n, (uint16_t)(1 + rnd(2))};
}

static uint32_t linear(const struct selectors *const *v, uint32_t n, const struct flow *f)
{
	for (uint32_t i = 0; i < n; i++)
		if (selectors_match_out(v[i], f))
			return i;
	return SPD_NONE;
}

static void what_linear_search_finds(void **state)
{
	static struct policy p[POLICIES];
	const struct selectors *v[POLICIES];
	uint32_t hits = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t n = rnd(POLICIES + 1);
		struct spd_index *x;

		for (uint32_t i = 0; i < n; i++) {
			random_policy(&p[i]);
			v[i] = &p[i].ts;
		}
		x = spd_index_new(v, n);
		assert_non_null(x);
		for (int i = 0; i < FLOWS; i++) {
			struct flow f = {.src = random_addr(),
				.dst = random_addr(),
				.proto = (uint8_t)(rnd(2) ? IP_UDP : IP_TCP),
				.has_ports = rnd(4)};
			uint32_t want, got;

			if (f.has_ports) {
				f.sport = (uint16_t)rnd(5);
				f.dport = (uint16_t)rnd(5);
			}
			want = linear(v, n, &f);
			hits += want != SPD_NONE;
			spd_index_out(x, &f, 1, &got);
			assert_int_equal(got, want);
		}
		spd_index_free(x);
	}
	assert_true(hits > 1000);
}

/* Sites with a /24 each, services of a host by port: one shape each, however many. */
static void many_have_few_shapes(void **state)
{
	struct policy *p = calloc(MANY, sizeof *p);
	const struct selectors **v = calloc(MANY, sizeof *v);
	struct spd_index *x;

	(void)state;
	assert_true(p && v);
	for (uint32_t i = 0; i < MANY; i++) {
		bool service = i % 2;

		p[i].s[0] = (struct selector){0x0a000000, 0x0a00ffff, 0, UINT16_MAX, 0};
		p[i].s[1] = service ? (struct selector){0xc0a80001, 0xc0a80001, (uint16_t)(i / 2),
					      (uint16_t)(i / 2), IP_TCP}
				    : (struct selector){0x14000000 + i * 128, 0x140000ff + i * 128,
					      0, UINT16_MAX, 0};
		p[i].ts = (struct selectors){p[i].s, p[i].s + 1, 1, 1};
		v[i] = &p[i].ts;
	}
	x = spd_index_new(v, MANY);
	assert_non_null(x);
	assert_int_equal(spd_index_shapes(x), 2);
	for (uint32_t i = 0; i < MANY; i += 7) {
		struct flow f = {.src = 0x0a000102,
			.dst = p[i].s[1].low,
			.sport = 1024,
			.dport = (uint16_t)(i / 2),
			.proto = IP_TCP,
			.has_ports = true};
		uint32_t got;

		spd_index_out(x, &f, 1, &got);
		assert_int_equal(got, i);
	}
	spd_index_free(x);
	free(p);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_linear_search_finds),
		cmocka_unit_test(many_have_few_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
