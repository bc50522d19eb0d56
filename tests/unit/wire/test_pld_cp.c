/* Twin of: pld_cp.c pld_eap.c */
#include "wire_case.h"

#include "wire/pld_cp.h"
#include "wire/pld_eap.h"

static const struct wire_case cp_cases[] = {
	{"a request for an address", BYTES("\x01\0\0\0\0\x01\0\0"), 0},
	{"the reserved bit of an attribute is ignored", BYTES("\x01\0\0\0\x80\x01\0\0"), 0},
	{"no attribute", BYTES("\x02\0\0\0"), 0},
	{"an attribute beyond the payload",
		BYTES("\x02\0\0\0\0\x01\0\x05"
		      "1234"),
		-ERR_TRUNCATED},
	{"an attribute header cut short", BYTES("\x02\0\0\0\0\x01\0"), -ERR_TRUNCATED},
	{"cut in the reserved octets", BYTES("\x02\0\0"), -ERR_TRUNCATED},
};

static int cp_parse(struct view body)
{
	struct pld_cp cp;

	return pld_cp_parse(body, &cp);
}

static void pld_cp_table(void **state)
{
	struct pld_cp cp;
	struct cp_attr attr;
	struct cp_iter it;

	(void)state;
	wire_table(cp_cases, ARRAY_LEN(cp_cases), cp_parse);
	assert_int_equal(
		pld_cp_parse(
			view_of_literal("\x02\0\0\0\x80\x01\0\x04\x0a\0\0\x07\0\x03\0\0"), &cp),
		0);
	assert_int_equal(cp.type, CP_REPLY);
	assert_int_equal(cp.count, 2);
	it = cp_iter_of(&cp);
	assert_true(cp_attr_next(&it, &attr));
	assert_int_equal(attr.type, CPA_INTERNAL_IP4_ADDRESS);
	assert_true(view_equal(attr.value, view_of_literal("\x0a\0\0\x07")));
	assert_true(cp_attr_next(&it, &attr));
	assert_int_equal(attr.value.n, 0);
	assert_false(cp_attr_next(&it, &attr));
}

static void pld_cp_bounds_what_it_walks(void **state)
{
	uint8_t body[4 + 4 * (CP_ATTR_MAX + 1)] = {1};
	struct pld_cp cp;

	(void)state;
	assert_int_equal(pld_cp_parse(view_of(body, 4 + 4 * CP_ATTR_MAX), &cp), 0);
	assert_int_equal(cp.count, CP_ATTR_MAX);
	assert_int_equal(pld_cp_parse(view_of_array(body), &cp), -ERR_LIMIT);
}

static const struct wire_case eap_cases[] = {
	{"an identity request", BYTES("\x01\x07\0\x05\x01"), 0},
	{"a response with data", BYTES("\x02\x07\0\x09\x01user"), 0},
	{"success", BYTES("\x03\x07\0\x04"), 0},
	{"failure with data", BYTES("\x04\x07\0\x05x"), -ERR_VALUE},
	{"a request without type", BYTES("\x01\x07\0\x04"), -ERR_TRUNCATED},
	{"an unknown code", BYTES("\x05\x07\0\x04"), -ERR_VALUE},
	{"a length above the payload", BYTES("\x01\x07\0\x06\x01"), -ERR_TRUNCATED},
	{"a length below the payload", BYTES("\x01\x07\0\x05\x01x"), -ERR_TRUNCATED},
	{"cut in the length", BYTES("\x01\x07\0"), -ERR_TRUNCATED},
};

static int eap_parse(struct view body)
{
	struct pld_eap eap;

	return pld_eap_parse(body, &eap);
}

static void pld_eap_table(void **state)
{
	struct pld_eap eap;

	(void)state;
	wire_table(eap_cases, ARRAY_LEN(eap_cases), eap_parse);
	assert_int_equal(pld_eap_parse(view_of_literal("\x02\x07\0\x09\x01user"), &eap), 0);
	assert_int_equal(eap.identifier, 7);
	assert_int_equal(eap.type, 1);
	assert_true(view_equal(eap.data, view_of_literal("user")));
	assert_int_equal(eap.raw.n, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pld_cp_table),
		cmocka_unit_test(pld_cp_bounds_what_it_walks),
		cmocka_unit_test(pld_eap_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
