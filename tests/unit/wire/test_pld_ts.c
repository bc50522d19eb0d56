#include "wire_case.h"

#include "wire/pld_ts.h"

#define ONE  "\x01\0\0\0"
#define TWO  "\x02\0\0\0"
#define NET4 "\x07\0\0\x10\0\0\xff\xff\x0a\0\0\0\x0a\0\0\xff"
#define NET6                                                                                       \
	"\x08\x06\0\x28\x01\xbb\x01\xbb"                                                           \
	"0123456789abcdef"                                                                         \
	"0123456789abcdff"

static const struct wire_case cases[] = {
	{"10.0.0.0/24, everything", BYTES(ONE NET4), 0},
	{"IPv6, one port of TCP", BYTES(ONE NET6), 0},
	{"both families", BYTES(TWO NET4 NET6), 0},
	{"reserved octets are ignored", BYTES("\x01\xff\xff\xff" NET4), 0},
	{"an unknown type is skipped", BYTES(TWO "\x09\0\0\x06zz" NET4), 0},
	{"an unknown type alone", BYTES(ONE "\x09\0\0\x04"), 0},
	{"OPAQUE ports",
		BYTES(ONE "\x07\x06\0\x10\xff\xff\0\0"
			  "aaaabbbb"),
		0},
	{"no selector", BYTES("\0\0\0\0"), -ERR_VALUE},
	{"nothing", BYTES(""), -ERR_TRUNCATED},
	{"cut in the reserved octets", BYTES("\x01\0\0"), -ERR_TRUNCATED},
	{"more counted than there", BYTES(TWO NET4), -ERR_TRUNCATED},
	{"fewer counted than there", BYTES(ONE NET4 NET4), -ERR_TRUNCATED},
	{"a selector of length 0", BYTES(ONE "\x07\0\0\0\0\0\xff\xff\x0a\0\0\0\x0a\0\0\xff"),
		-ERR_TRUNCATED},
	{"IPv4 as long as IPv6",
		BYTES(ONE "\x07\0\0\x28\0\0\xff\xff"
			  "0123456789abcdef0123456789abcdff"),
		-ERR_TRUNCATED},
	{"IPv6 as short as IPv4",
		BYTES(ONE "\x08\0\0\x10\0\0\xff\xff"
			  "aaaabbbb"),
		-ERR_TRUNCATED},
	{"a length beyond the payload", BYTES(ONE "\x09\0\xff\xff"), -ERR_TRUNCATED},
	{"addresses run backwards",
		BYTES(ONE "\x07\0\0\x10\0\0\xff\xff"
			  "bbbbaaaa"),
		-ERR_VALUE},
	{"ports run backwards",
		BYTES(ONE "\x07\x06\0\x10\0\x02\0\x01"
			  "aaaabbbb"),
		-ERR_VALUE},
	{"above the limit", BYTES("\x41\0\0\0" NET4), -ERR_LIMIT},
};

static int parse(struct view body)
{
	struct pld_ts ts;

	return pld_ts_parse(body, &ts);
}

static void pld_ts_table(void **state)
{
	(void)state;
	wire_table(cases, ARRAY_LEN(cases), parse);
}

static void pld_ts_reads_selectors(void **state)
{
	struct pld_ts ts;
	struct addr want;

	(void)state;
	assert_int_equal(pld_ts_parse(view_of_literal("\x03\0\0\0\x09\0\0\x04" NET4 NET6), &ts), 0);
	assert_int_equal(ts.count, 2);
	assert_int_equal(ts.others, 1);
	assert_int_equal(addr_parse("10.0.0.255", &want), 0);
	assert_true(addr_equal(&ts.at[0].last, &want));
	assert_int_equal(ts.at[0].port_first, 0);
	assert_int_equal(ts.at[0].port_last, UINT16_MAX);
	assert_int_equal(ts.at[1].first.family, 6);
	assert_int_equal(ts.at[1].protocol, 6);
	assert_int_equal(ts.at[1].port_first, 443);
}

static void pld_ts_emits_the_octets_of_the_rfc(void **state)
{
	uint8_t room[128];
	struct emit e = emit_to(room, sizeof room), none = emit_to(room, sizeof room);
	struct view body = view_of_literal(TWO NET4 NET6), out;
	struct pld_ts ts;

	(void)state;
	assert_int_equal(pld_ts_parse(body, &ts), 0);
	pld_ts_emit(&e, ts.at, ts.count);
	assert_true(view_equal(emitted(&e), body));
	pld_ts_emit(&none, ts.at, 0);
	assert_int_equal(emit_done(&none, &out), -ERR_SPACE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pld_ts_table),
		cmocka_unit_test(pld_ts_reads_selectors),
		cmocka_unit_test(pld_ts_emits_the_octets_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
