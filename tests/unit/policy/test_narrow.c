/*
 * Narrowing (TS-006, RFC 7296 2.9) against a reference that knows every packet of a small world:
 * what passes is wanted and allowed, something passes whenever anything may, the first choice is in
 * it, and what is left out is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "policy/narrow.h"

/* Addresses 10.0.0.0 .. 10.0.0.3, two families, protocols 1 and 2, ports 0 .. 2. */
enum { ADDRS = 4, FAMILIES = 2, PROTOCOLS = 2, PORTS = 3 };

enum { POINTS = FAMILIES * PROTOCOLS * ADDRS * PORTS * ADDRS * PORTS };

struct point {
	uint8_t family, protocol;
	uint32_t local, remote, lport, rport;
};

/* A set of packets. */
struct set {
	bool has[POINTS];
	uint32_t n;
};

static struct addr addr_at(uint8_t family, uint32_t i)
{
	struct addr a = {.family = family, .b = {10}};

	a.b[family == 4 ? 3 : 15] = (uint8_t)i;
	return a;
}

static struct point point_at(uint32_t i)
{
	struct point p;

	p.family = i % FAMILIES ? 6 : 4;
	i /= FAMILIES;
	p.protocol = (uint8_t)(1 + i % PROTOCOLS);
	i /= PROTOCOLS;
	p.local = i % ADDRS;
	i /= ADDRS;
	p.remote = i % ADDRS;
	i /= ADDRS;
	p.lport = i % PORTS;
	p.rport = i / PORTS;
	return p;
}

static bool selects(
	const struct tsel *s, uint8_t family, uint8_t protocol, uint32_t addr, uint32_t port)
{
	struct addr a = addr_at(family, addr);

	if (s->lo.family != family || (s->protocol && s->protocol != protocol))
		return false;
	return memcmp(s->lo.b, a.b, sizeof a.b) <= 0 && memcmp(a.b, s->hi.b, sizeof a.b) <= 0 &&
	       s->port_lo <= port && port <= s->port_hi;
}

static bool selects_any(const struct tsel *v, uint32_t n, uint8_t family, uint8_t protocol,
	uint32_t addr, uint32_t port)
{
	for (uint32_t i = 0; i < n; i++)
		if (selects(&v[i], family, protocol, addr, port))
			return true;
	return false;
}

static void set_of_sides(const struct tsel_sides *s, struct set *out)
{
	*out = (struct set){0};
	for (uint32_t i = 0; i < POINTS; i++) {
		const struct point p = point_at(i);

		out->has[i] =
			selects_any(s->local, s->n_local, p.family, p.protocol, p.local, p.lport) &&
			selects_any(
				s->remote, s->n_remote, p.family, p.protocol, p.remote, p.rport);
		out->n += out->has[i];
	}
}

static void set_of_pairs(const struct tsel_pair *v, uint32_t n, struct set *out)
{
	*out = (struct set){0};
	for (uint32_t i = 0; i < POINTS; i++) {
		const struct point p = point_at(i);

		for (uint32_t k = 0; k < n && !out->has[i]; k++)
			out->has[i] =
				selects(&v[k].local, p.family, p.protocol, p.local, p.lport) &&
				selects(&v[k].remote, p.family, p.protocol, p.remote, p.rport);
		out->n += out->has[i];
	}
}

static uint64_t seed = 7;

static uint32_t below(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % n;
}

static struct tsel range(uint8_t family, uint8_t protocol, uint32_t lo, uint32_t hi)
{
	return (struct tsel){.protocol = protocol,
		.port_hi = UINT16_MAX,
		.lo = addr_at(family, lo),
		.hi = addr_at(family, hi)};
}

static struct tsel any_tsel(uint8_t family, uint8_t protocol)
{
	uint32_t lo = below(ADDRS);
	struct tsel s = range(family, protocol, lo, lo + below(ADDRS - lo));

	if (below(3) == 0) {
		s.port_lo = (uint16_t)below(PORTS);
		s.port_hi = (uint16_t)(s.port_lo + below(PORTS - s.port_lo));
	}
	return s;
}

static uint8_t any_family(void)
{
	return below(5) ? 4 : 6;
}

/* Like the terms of a configuration: both ends of one family and one protocol. */
static struct tsel_pair any_pair(void)
{
	uint8_t family = any_family(), protocol = (uint8_t)below(1 + PROTOCOLS);

	return (struct tsel_pair){any_tsel(family, protocol), any_tsel(family, protocol)};
}

static void check(const struct tsel_pair *allowed, uint32_t n, const struct tsel_sides *wanted)
{
	struct set may, want, got, first;
	struct tsel_sides out, one = {.n_local = 1, .n_remote = 1};
	uint32_t both = 0, first_both = 0, first_got = 0;
	bool more = true, some, first_allowed = true;

	set_of_pairs(allowed, n, &may);
	set_of_sides(wanted, &want);
	for (uint32_t i = 0; i < POINTS; i++)
		both += may.has[i] && want.has[i];
	some = narrow(allowed, n, wanted, &out, &more);
	/* TS_UNACCEPTABLE exactly when there is nothing. */
	assert_int_equal(some, both != 0);
	if (!some)
		return;
	set_of_sides(&out, &got);
	assert_true(got.n != 0);
	for (uint32_t i = 0; i < POINTS; i++)
		assert_true(!got.has[i] || (may.has[i] && want.has[i]));
	/* What was left out is told. */
	assert_true(more || got.n == both);
	assert_true(narrow_within(&out, allowed, n));
	one.local[0] = wanted->local[0];
	one.remote[0] = wanted->remote[0];
	set_of_sides(&one, &first);
	for (uint32_t i = 0; i < POINTS; i++) {
		first_allowed = first_allowed && (!first.has[i] || may.has[i]);
		first_both += first.has[i] && may.has[i];
		first_got += first.has[i] && got.has[i];
	}
	assert_true(first_both == 0 || first_got != 0);
	if (first_allowed && n == 1)
		assert_int_equal(first_got, first.n);
}

/* RFC 7296 2.9: the first choice, if one term allows it, is there as a whole. */
static void check_first(
	const struct tsel_pair *allowed, uint32_t n, const struct tsel_sides *wanted)
{
	const struct tsel_pair first = {wanted->local[0], wanted->remote[0]};
	struct tsel_sides out;
	bool more, whole = false;

	if (!narrow(allowed, n, wanted, &out, &more))
		return;
	for (uint32_t i = 0; i < n && !whole; i++)
		whole = tsel_contains(&allowed[i].local, &first.local) &&
			tsel_contains(&allowed[i].remote, &first.remote);
	if (whole)
		assert_true(narrow_covers(&out, &first));
}

static void random_worlds(void **state)
{
	uint32_t rounds = 60000;

	(void)state;
	for (uint32_t i = 0; i < rounds; i++) {
		struct tsel_pair allowed[4];
		struct tsel_sides wanted = {.n_local = 1 + below(3), .n_remote = 1 + below(3)};
		uint32_t n = 1 + below(4);

		for (uint32_t k = 0; k < n; k++)
			allowed[k] = any_pair();
		for (uint32_t k = 0; k < wanted.n_local; k++)
			wanted.local[k] = any_tsel(any_family(), (uint8_t)below(1 + PROTOCOLS));
		for (uint32_t k = 0; k < wanted.n_remote; k++)
			wanted.remote[k] = any_tsel(any_family(), (uint8_t)below(1 + PROTOCOLS));
		check(allowed, n, &wanted);
		check_first(allowed, n, &wanted);
	}
}

/* Every pair of ranges of three addresses against every other, on both sides. */
static void every_small_world(void **state)
{
	struct tsel all[6];
	uint32_t n = 0;

	(void)state;
	for (uint32_t lo = 0; lo < 3; lo++)
		for (uint32_t hi = lo; hi < 3; hi++)
			all[n++] = range(4, 0, lo, hi);
	for (uint32_t i = 0; i < n * n * n * n; i++) {
		const struct tsel_pair allowed = {all[i % n], all[i / n % n]};
		struct tsel_sides wanted = {.n_local = 1, .n_remote = 1};

		wanted.local[0] = all[i / n / n % n];
		wanted.remote[0] = all[i / n / n / n];
		check(&allowed, 1, &wanted);
		check_first(&allowed, 1, &wanted);
	}
}

/* Where all combinations are allowed, whatever is wanted of them comes in one SA. */
static void a_full_product_is_never_cut(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		struct tsel local[2] = {any_tsel(4, 0), any_tsel(4, 0)};
		struct tsel remote[2] = {any_tsel(4, 0), any_tsel(4, 0)};
		struct tsel_pair allowed[4];
		struct tsel_sides wanted = {.n_local = 2, .n_remote = 2}, out;
		bool more;

		for (uint32_t k = 0; k < 4; k++) {
			allowed[k] = (struct tsel_pair){local[k / 2], remote[k % 2]};
			wanted.local[k / 2] = any_tsel(4, (uint8_t)below(1 + PROTOCOLS));
			wanted.remote[k % 2] = any_tsel(4, (uint8_t)below(1 + PROTOCOLS));
		}
		if (narrow(allowed, 4, &wanted, &out, &more))
			assert_false(more);
	}
}

static void terms_that_are_no_product_are_not_mixed(void **state)
{
	const struct tsel_pair allowed[] = {
		{range(4, 0, 0, 0), range(4, 0, 2, 2)}, {range(4, 0, 1, 1), range(4, 0, 3, 3)}};
	struct tsel_sides wanted = {.n_local = 2, .n_remote = 2}, out;
	bool more = false;

	(void)state;
	/* The second choice of the peer, with the packet first. */
	wanted.local[0] = range(4, 0, 1, 1);
	wanted.remote[0] = range(4, 0, 3, 3);
	wanted.local[1] = wanted.remote[1] = range(4, 0, 0, 3);
	assert_true(narrow(allowed, 2, &wanted, &out, &more));
	assert_true(more);
	assert_int_equal(out.n_local, 1);
	assert_int_equal(out.n_remote, 1);
	assert_true(tsel_equal(&out.local[0], &allowed[1].local));
	assert_true(tsel_equal(&out.remote[0], &allowed[1].remote));
}

/* tcp/80 and udp/53 of the same ends are one SA: no packet is of both. */
static void protocols_do_not_mix_by_themselves(void **state)
{
	struct tsel_pair allowed[2] = {
		{range(4, 1, 0, 3), range(4, 1, 0, 3)}, {range(4, 2, 0, 3), range(4, 2, 0, 3)}};
	struct tsel_sides wanted = {.n_local = 1, .n_remote = 1}, out;
	bool more = true;

	(void)state;
	allowed[0].remote.port_lo = allowed[0].remote.port_hi = 1;
	allowed[1].remote.port_lo = allowed[1].remote.port_hi = 2;
	wanted.local[0] = wanted.remote[0] = range(4, 0, 0, 3);
	assert_true(narrow(allowed, 2, &wanted, &out, &more));
	assert_false(more);
	assert_int_equal(out.n_local, 2);
	assert_int_equal(out.n_remote, 2);
}

static void families_in_one_sa(void **state)
{
	const struct tsel_pair allowed[2] = {
		{range(4, 0, 0, 3), range(4, 0, 0, 3)}, {range(6, 0, 0, 3), range(6, 0, 0, 3)}};
	struct tsel_sides wanted = {.n_local = 2, .n_remote = 2}, out;
	bool more = true;

	(void)state;
	wanted.local[0] = wanted.remote[0] = range(6, 0, 1, 2);
	wanted.local[1] = wanted.remote[1] = range(4, 0, 1, 2);
	assert_true(narrow(allowed, 2, &wanted, &out, &more));
	assert_false(more);
	assert_int_equal(out.n_local, 2);
	assert_int_equal(out.local[0].lo.family, 6); /* what was wanted first is first */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_worlds),
		cmocka_unit_test(every_small_world),
		cmocka_unit_test(a_full_product_is_never_cut),
		cmocka_unit_test(terms_that_are_no_product_are_not_mixed),
		cmocka_unit_test(protocols_do_not_mix_by_themselves),
		cmocka_unit_test(families_in_one_sa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
