/* Routes as they are chosen, aged and told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/rib.h"

static struct rib_route route(
	const char *to, enum rib_source source, uint32_t preference, uint32_t unit)
{
	struct rib_route r = {.source = source, .preference = preference, .unit = unit};

	assert_int_equal(prefix_parse(to, &r.to), 0);
	return r;
}

static void add(
	struct rib *r, const char *to, enum rib_source source, uint32_t preference, uint32_t unit)
{
	struct rib_route one = route(to, source, preference, unit);

	rib_add(r, &one);
}

static const struct rib_route *find(const struct rib *r, const char *to)
{
	struct addr a;

	assert_int_equal(addr_parse(to, &a), 0);
	return rib_find(r, 0, &a);
}

/* RRI-002: preference 1 beats what is configured and what other protocols know. */
static void rib_lowest_preference_is_active(void **state)
{
	struct rib r = {0};

	(void)state;
	add(&r, "10.1.2.3/16", RIB_STATIC, 5, 1);
	add(&r, "10.1.0.0/16", RIB_AUTO, 5, 2);
	add(&r, "10.1.0.0/16", RIB_REVERSE, 1, 3);
	add(&r, "10.1.0.0/16", RIB_GUARD, RIB_PREFER_LAST, 4);
	add(&r, "10.0.0.0/8", RIB_KERNEL, RIB_PREFER_KERNEL, 5);
	rib_settle(&r, NULL, 7);
	assert_int_equal(r.n, 5);
	assert_int_equal(find(&r, "10.1.9.9")->source, RIB_REVERSE);
	assert_int_equal(find(&r, "10.2.0.1")->source, RIB_KERNEL);
	assert_null(find(&r, "192.0.2.1"));
	for (size_t i = 1; i < r.n; i++)
		assert_int_equal(r.v[i].active, i == 1);
	/* what the operator wrote comes before what was negotiated */
	assert_int_equal(r.v[2].source, RIB_STATIC);
	rib_fini(&r);
}

static void rib_says_nothing_twice(void **state)
{
	struct rib r = {0};

	(void)state;
	add(&r, "10.1.0.0/16", RIB_AUTO, 5, 2);
	add(&r, "10.1.7.0/16", RIB_AUTO, 5, 2);
	add(&r, "2001:db8::/32", RIB_AUTO, 5, 2);
	rib_settle(&r, NULL, 0);
	assert_int_equal(r.n, 2);
	rib_fini(&r);
}

/* From one source into the one VPN, from another into the other: the policies know. */
static void rib_two_vpns_of_a_unit_share_a_prefix(void **state)
{
	struct rib r = {0};
	struct rib_route a = route("10.1.0.0/16", RIB_AUTO, 5, 2), b = a;

	(void)state;
	a.tunnel = 11;
	b.tunnel = 12;
	b.order = 1;
	rib_add(&r, &a);
	rib_settle(&r, NULL, 0);
	assert_int_equal(r.v[0].tunnel, 11);
	rib_add(&r, &b);
	rib_settle(&r, NULL, 0);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.v[0].tunnel, 0);
	rib_fini(&r);
}

/* RRI-006 */
static void rib_age_survives_what_changes_nothing(void **state)
{
	struct rib one = {0}, two = {0}, three = {0};

	(void)state;
	add(&one, "10.1.0.0/16", RIB_REVERSE, 1, 2);
	add(&one, "10.2.0.0/16", RIB_REVERSE, 1, 2);
	rib_settle(&one, NULL, 1000);
	add(&two, "10.2.0.0/16", RIB_REVERSE, 1, 2);
	add(&two, "10.0.0.0/16", RIB_REVERSE, 1, 2);
	rib_settle(&two, &one, 5000);
	assert_int_equal(find(&two, "10.2.0.1")->since_ms, 1000);
	assert_int_equal(find(&two, "10.0.0.1")->since_ms, 5000);
	assert_false(rib_same(&one, &two));
	add(&three, "10.0.0.0/16", RIB_REVERSE, 1, 2);
	add(&three, "10.2.0.0/16", RIB_REVERSE, 1, 3);
	rib_settle(&three, &two, 9000);
	assert_int_equal(find(&three, "10.2.0.1")->since_ms, 9000);
	assert_int_equal(find(&three, "10.0.0.1")->since_ms, 5000);
	rib_fini(&one);
	rib_fini(&two);
	rib_fini(&three);
}

static void rib_instances_are_apart(void **state)
{
	struct rib r = {0};
	struct rib_route a = route("10.1.0.0/16", RIB_STATIC, 5, 1), b = a;
	struct addr to;

	(void)state;
	b.instance = 3;
	b.unit = 2;
	rib_add(&r, &a);
	rib_add(&r, &b);
	rib_settle(&r, NULL, 0);
	assert_int_equal(addr_parse("10.1.1.1", &to), 0);
	assert_int_equal(rib_find(&r, 0, &to)->unit, 1);
	assert_int_equal(rib_find(&r, 3, &to)->unit, 2);
	assert_null(rib_find(&r, 1, &to));
	rib_fini(&r);
}

static void rib_prefix_of_a_range(void **state)
{
	static const struct {
		const char *lo, *hi, *is; /* NULL: no prefix */
	} cases[] = {
		{"10.0.0.0", "10.0.0.255", "10.0.0.0/24"},
		{"10.0.0.0", "10.0.1.255", "10.0.0.0/23"},
		{"10.0.0.7", "10.0.0.7", "10.0.0.7/32"},
		{"0.0.0.0", "255.255.255.255", "0.0.0.0/0"},
		{"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"},
		{"10.0.0.1", "10.0.0.2", NULL},
		{"10.0.1.0", "10.0.2.255", NULL},
		{"10.0.0.0", "::1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr lo, hi;
		struct prefix got, want;

		assert_int_equal(addr_parse(cases[i].lo, &lo), 0);
		assert_int_equal(addr_parse(cases[i].hi, &hi), 0);
		if (rib_prefix_of(&lo, &hi, &got) != (cases[i].is != NULL))
			fail_msg("%s - %s", cases[i].lo, cases[i].hi);
		if (!cases[i].is)
			continue;
		assert_int_equal(prefix_parse(cases[i].is, &want), 0);
		assert_int_equal(got.len, want.len);
		assert_true(addr_equal(&got.addr, &want.addr));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rib_lowest_preference_is_active),
		cmocka_unit_test(rib_says_nothing_twice),
		cmocka_unit_test(rib_two_vpns_of_a_unit_share_a_prefix),
		cmocka_unit_test(rib_age_survives_what_changes_nothing),
		cmocka_unit_test(rib_instances_are_apart),
		cmocka_unit_test(rib_prefix_of_a_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
