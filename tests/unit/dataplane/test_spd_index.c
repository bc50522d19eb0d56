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
static struct ipaddr random_addr(bool v4)
{
	if (v4)
		return ipaddr_v4(0x0a000000 + rnd(64));
	/* both halves matter, and what is next to IPv4 */
	switch (rnd(3)) {
	case 0:
		return (struct ipaddr){UINT64_C(0x20010db800000000) + rnd(8), rnd(8)};
	case 1:
		return (struct ipaddr){UINT64_C(0x20010db800000000), UINT64_MAX - rnd(8)};
	default:
		return (struct ipaddr){0, (UINT64_C(0x10000) << 32) + rnd(8)};
	}
}

static struct selector random_selector(bool v4)
{
	struct selector s = {.port_high = UINT16_MAX};
	struct ipaddr a = random_addr(v4), b = random_addr(v4);

	switch (rnd(4)) {
	case 0:
		s.low = v4 ? ipaddr_v4(0) : (struct ipaddr){0};
		s.high = v4 ? ipaddr_v4(UINT32_MAX) : ipaddr_mask(128);
		break;
	case 1:
		s.low = s.high = a;
		break;
	case 2:
		s.low = ipaddr_and(a, ipaddr_mask(125));
		s.high = (struct ipaddr){a.hi, a.lo | 7u};
		break;
	default:
		s.low = ipaddr_below(a, b) ? a : b;
		s.high = ipaddr_below(a, b) ? b : a;
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
		p->s[i] = random_selector(rnd(2));
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
			bool v4 = rnd(2);
			struct flow f = {.src = random_addr(v4),
				.dst = random_addr(v4),
				.v4 = v4,
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

static struct selector near(bool v4)
{
	return v4 ? selector_v4(0x0a000000, 0x0a00ffff)
		  : (struct selector){{UINT64_C(0xfd00) << 48, 0},
			    {UINT64_C(0xfd00) << 48, UINT64_MAX}, 0, UINT16_MAX, 0};
}

static struct selector service_of(bool v4, uint16_t port)
{
	struct ipaddr a =
		v4 ? ipaddr_v4(0xc0a80001) : (struct ipaddr){UINT64_C(0x20010db8) << 32, 1};

	return (struct selector){a, a, port, port, IP_TCP};
}

static struct selector site_of(bool v4, uint32_t i)
{
	uint64_t hi = (UINT64_C(0x20010db9) << 32) + i;

	return v4 ? selector_v4(0x14000000 + i * 128, 0x140000ff + i * 128)
		  : (struct selector){{hi, 0}, {hi, UINT64_MAX}, 0, UINT16_MAX, 0};
}

/* Sites with a /24 (or /64) each, services of a host by port: one shape each, however many. */
static void many_have_few_shapes(bool v4)
{
	struct policy *p = calloc(MANY, sizeof *p);
	const struct selectors **v = calloc(MANY, sizeof *v);
	struct spd_index *x;

	assert_true(p && v);
	for (uint32_t i = 0; i < MANY; i++) {
		bool service = i % 2;

		p[i].s[0] = near(v4);
		p[i].s[1] = service ? service_of(v4, (uint16_t)(i / 2)) : site_of(v4, i);
		p[i].ts = (struct selectors){p[i].s, p[i].s + 1, 1, 1};
		v[i] = &p[i].ts;
	}
	x = spd_index_new(v, MANY);
	assert_non_null(x);
	assert_int_equal(spd_index_shapes(x), 2);
	for (uint32_t i = 0; i < MANY; i += 7) {
		struct flow f = {.src = near(v4).low,
			.v4 = v4,
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

static void many_of_ipv4(void **state)
{
	(void)state;
	many_have_few_shapes(true);
}

static void many_of_ipv6(void **state)
{
	(void)state;
	many_have_few_shapes(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_linear_search_finds),
		cmocka_unit_test(many_of_ipv4),
		cmocka_unit_test(many_of_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
