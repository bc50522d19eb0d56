/*
 * Laws of the algebra of selectors, on random ones from a small space, where a membership test of
 * every point is possible; and the corners of OPAQUE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/ts.h"

enum { ROUNDS = 20000, ADDRS = 6, PORTS = 5, PROTOCOLS = 3, LIST = 4 };

static uint32_t below(uint64_t *seed, uint32_t n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33) % n;
}

static struct addr addr_at(uint8_t family, uint32_t i)
{
	struct addr a = {.family = family, .b = {10}};

	a.b[family == 4 ? 3 : 15] = (uint8_t)i;
	return a;
}

static struct tsel random_tsel(uint64_t *seed)
{
	uint8_t family = below(seed, 4) ? 4 : 6;
	uint32_t lo = below(seed, ADDRS), how = below(seed, 5);
	uint32_t port = below(seed, PORTS);
	struct tsel s = {.protocol = (uint8_t)below(seed, PROTOCOLS),
		.port_hi = UINT16_MAX,
		.lo = addr_at(family, lo),
		.hi = addr_at(family, lo + below(seed, ADDRS - lo))};

	if (how == 0) {
		s.port_lo = UINT16_MAX;
		s.port_hi = 0;
	} else if (how > 2) {
		s.port_lo = (uint16_t)port;
		s.port_hi = (uint16_t)(port + below(seed, PORTS - port));
	}
	assert_true(tsel_is_valid(&s));
	return s;
}

/* A packet; PORTS means that its port is not visible. */
struct point {
	uint8_t family;
	uint32_t addr, port, protocol;
};

static bool selects(const struct tsel *s, const struct point *p)
{
	struct addr a = addr_at(p->family, p->addr);

	if (s->lo.family != p->family || memcmp(s->lo.b, a.b, 16) > 0 ||
		memcmp(a.b, s->hi.b, 16) > 0)
		return false;
	if (s->protocol != 0 && s->protocol != p->protocol)
		return false;
	if (tsel_is_any_port(s))
		return true;
	if (p->port == PORTS || tsel_is_opaque(s))
		return p->port == PORTS && tsel_is_opaque(s);
	return s->port_lo <= p->port && p->port <= s->port_hi;
}

static bool any_selects(const struct tsel *v, uint32_t n, const struct point *p)
{
	for (uint32_t i = 0; i < n; i++)
		if (selects(&v[i], p))
			return true;
	return false;
}

/* The i-th point of the space, false behind the last. */
static bool point_at(uint32_t i, struct point *p)
{
	p->addr = i % ADDRS;
	i /= ADDRS;
	p->port = i % (PORTS + 1);
	i /= PORTS + 1;
	p->protocol = 1 + i % PROTOCOLS;
	i /= PROTOCOLS;
	p->family = i == 0 ? 4 : 6;
	return i < 2;
}

/* ---------------------------------------------------------------- laws */

static void intersection_is_what_both_select(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned r = 0; r < ROUNDS; r++) {
		struct tsel a = random_tsel(&seed), b = random_tsel(&seed), ab, ba;
		bool some = tsel_intersect(&a, &b, &ab);
		struct point p;

		assert_int_equal(some, tsel_intersect(&b, &a, &ba));
		if (some) {
			assert_true(tsel_is_valid(&ab) && tsel_equal(&ab, &ba));
			assert_true(tsel_contains(&a, &ab) && tsel_contains(&b, &ab));
		}
		for (uint32_t i = 0; point_at(i, &p); i++)
			assert_int_equal(
				some && selects(&ab, &p), selects(&a, &p) && selects(&b, &p));
	}
}

static void containing_means_to_select_all_of_it(void **state)
{
	uint64_t seed = 2;
	unsigned contained = 0;

	(void)state;
	for (unsigned r = 0; r < ROUNDS; r++) {
		struct tsel a = random_tsel(&seed), b = random_tsel(&seed), both;
		bool yes = tsel_contains(&a, &b);
		struct point p;

		assert_true(tsel_contains(&a, &a) && tsel_equal(&a, &a));
		assert_int_equal(yes, tsel_intersect(&a, &b, &both) && tsel_equal(&both, &b));
		assert_int_equal(yes && tsel_contains(&b, &a), tsel_equal(&a, &b));
		contained += yes;
		for (uint32_t i = 0; yes && point_at(i, &p); i++)
			assert_true(!selects(&b, &p) || selects(&a, &p));
	}
	assert_in_range(contained, ROUNDS / 100, ROUNDS);
}

static void narrowing_loses_and_adds_nothing(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (unsigned r = 0; r < ROUNDS; r++) {
		struct tsel allowed[LIST], wanted[LIST], out[LIST * LIST];
		uint32_t n_allowed = 1 + below(&seed, LIST), n_wanted = 1 + below(&seed, LIST), n;
		struct point p;

		for (uint32_t i = 0; i < n_allowed; i++)
			allowed[i] = random_tsel(&seed);
		for (uint32_t i = 0; i < n_wanted; i++)
			wanted[i] = random_tsel(&seed);
		n = tsel_narrow(allowed, n_allowed, wanted, n_wanted, out, LIST * LIST);
		assert_in_range(n, 0, LIST * LIST);
		assert_true(tsel_all_within(out, n, allowed, n_allowed));
		assert_true(tsel_all_within(out, n, wanted, n_wanted));
		for (uint32_t i = 0; point_at(i, &p); i++)
			assert_int_equal(
				any_selects(out, n, &p), any_selects(allowed, n_allowed, &p) &&
								 any_selects(wanted, n_wanted, &p));
		for (uint32_t i = 1; i < n; i++)
			assert_false(tsel_all_within(&out[i], 1, out, i));
	}
}

/* ---------------------------------------------------------------- corners */

static void narrowing_stops_at_the_room_given(void **state)
{
	struct tsel v[LIST], out[LIST];

	(void)state;
	for (uint32_t i = 0; i < LIST; i++)
		v[i] = (struct tsel){
			.port_hi = UINT16_MAX, .lo = addr_at(4, i), .hi = addr_at(4, i)};
	memset(out, 0, sizeof out);
	assert_int_equal(tsel_narrow(v, LIST, v, LIST, out, 2), 2);
	assert_int_equal(out[2].lo.family, 0);
	assert_int_equal(tsel_narrow(v, LIST, v, LIST, out, 0), 0);
	assert_int_equal(tsel_narrow(v, 0, v, LIST, out, LIST), 0);
	assert_int_equal(tsel_narrow(v, LIST, v, LIST, out, LIST), LIST);
	assert_true(tsel_all_within(v, 0, v, 0));
}

static void what_is_no_selector_is_known(void **state)
{
	struct tsel s = {.port_hi = 9, .lo = addr_at(4, 1), .hi = addr_at(4, 2)};

	(void)state;
	assert_true(tsel_is_valid(&s));
	s.port_lo = 10;
	assert_false(tsel_is_valid(&s));
	s.port_lo = 0;
	s.hi = addr_at(4, 0);
	assert_false(tsel_is_valid(&s));
	s.hi = addr_at(6, 2);
	assert_false(tsel_is_valid(&s));
	s = (struct tsel){0};
	assert_false(tsel_is_valid(&s));
}

static void sets_and_text(void **state)
{
	char text[TSEL_TEXT_MAX];
	struct prefix net;
	struct tsel v[2];
	struct tsel_set *a, *b, *shorter;

	(void)state;
	assert_int_equal(prefix_parse("10.1.2.3/16", &net), 0);
	v[0] = tsel_of_prefix(&net, 6);
	v[1] = tsel_of_prefix(&net, 0);
	assert_string_equal(tsel_text(&v[0], text), "6/10.1.0.0/16");
	v[1].hi.b[3] = 9;
	v[1].port_lo = 80;
	v[1].port_hi = 90;
	assert_string_equal(tsel_text(&v[1], text), "10.1.0.0-10.1.255.9:80-90");
	v[1].port_lo = UINT16_MAX;
	v[1].port_hi = 0;
	assert_non_null(strstr(tsel_text(&v[1], text), ":opaque"));
	a = tsel_set_of(v, 2);
	b = tsel_set_of(v, 2);
	shorter = tsel_set_of(v, 1);
	assert_true(a && b && shorter && tsel_set_equal(a, b));
	assert_false(tsel_set_equal(a, shorter));
	b->v[1].protocol = 17;
	assert_false(tsel_set_equal(a, b));
	free(a);
	free(b);
	free(shorter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intersection_is_what_both_select),
		cmocka_unit_test(containing_means_to_select_all_of_it),
		cmocka_unit_test(narrowing_loses_and_adds_nothing),
		cmocka_unit_test(narrowing_stops_at_the_room_given),
		cmocka_unit_test(what_is_no_selector_is_known),
		cmocka_unit_test(sets_and_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
