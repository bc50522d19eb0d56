#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/addr.h"
#include "base/err.h"

static const struct {
	const char *text;
	int rc;
	const char *first, *last;
} prefixes[] = {
	{"192.0.2.1/30", 0, "192.0.2.0", "192.0.2.3"},
	{"10.0.0.0/8", 0, "10.0.0.0", "10.255.255.255"},
	{"0.0.0.0/0", 0, "0.0.0.0", "255.255.255.255"},
	{"198.51.100.7/32", 0, "198.51.100.7", "198.51.100.7"},
	{"2001:db8::1/33", 0, "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"},
	{"192.0.2.1", -ERR_VALUE, NULL, NULL},
	{"192.0.2.1/33", -ERR_VALUE, NULL, NULL},
	{"192.0.2.1/", -ERR_VALUE, NULL, NULL},
	{"192.0.2.1/-1", -ERR_VALUE, NULL, NULL},
	{"192.0.2/24", -ERR_VALUE, NULL, NULL},
	{"2001:db8::/129", -ERR_VALUE, NULL, NULL},
};

static void prefix_parses_and_spans(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		char text[ADDR_TEXT_MAX];
		struct prefix p;
		struct addr lo, hi;

		if (prefix_parse(prefixes[i].text, &p) != prefixes[i].rc)
			fail_msg("%s", prefixes[i].text);
		if (prefixes[i].rc != 0)
			continue;
		prefix_range(&p, &lo, &hi);
		assert_string_equal(addr_text(&lo, text), prefixes[i].first);
		assert_string_equal(addr_text(&hi, text), prefixes[i].last);
		assert_true(prefix_contains(&p, &lo));
		assert_true(prefix_contains(&p, &hi));
	}
}

static void prefix_does_not_contain_its_neighbours_or_the_other_family(void **state)
{
	struct prefix p;
	struct addr a;

	(void)state;
	assert_int_equal(prefix_parse("192.0.2.4/30", &p), 0);
	assert_int_equal(addr_parse("192.0.2.3", &a), 0);
	assert_false(prefix_contains(&p, &a));
	assert_int_equal(addr_parse("192.0.2.8", &a), 0);
	assert_false(prefix_contains(&p, &a));
	assert_int_equal(addr_parse("::", &a), 0);
	assert_false(prefix_contains(&p, &a));
}

static void endpoint_prints_both_families(void **state)
{
	struct endpoint e = {.port = 4500};
	char text[ENDPOINT_TEXT_MAX];

	(void)state;
	e.addr = addr_of_v4(0xc0000201);
	assert_string_equal(endpoint_text(&e, text), "192.0.2.1:4500");
	assert_int_equal(addr_v4(&e.addr), 0xc0000201);
	assert_int_equal(addr_parse("2001:db8::7", &e.addr), 0);
	assert_string_equal(endpoint_text(&e, text), "[2001:db8::7]:4500");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefix_parses_and_spans),
		cmocka_unit_test(prefix_does_not_contain_its_neighbours_or_the_other_family),
		cmocka_unit_test(endpoint_prints_both_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
