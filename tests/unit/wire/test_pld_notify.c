/* Twin of: pld_notify.c pld_delete.c */
#include "wire_case.h"

#include "wire/pld_delete.h"
#include "wire/pld_notify.h"

static const struct wire_case notify_cases[] = {
	{"INITIAL_CONTACT", BYTES("\0\0\x40\0"), 0},
	{"REKEY_SA with an ESP SPI", BYTES("\x03\x04\x40\x09\xde\xad\xbe\xef"), 0},
	{"REKEY_SA without SPI", BYTES("\0\0\x40\x09"), -ERR_VALUE},
	{"REKEY_SA with data", BYTES("\x03\x04\x40\x09\xde\xad\xbe\xefx"), -ERR_VALUE},
	{"an ESP SPI of three octets", BYTES("\x03\x03\x40\x09\xde\xad\xbe"), -ERR_VALUE},
	{"an SPI beyond the payload", BYTES("\x03\x04\x40\x09\xde\xad"), -ERR_TRUNCATED},
	{"INVALID_KE_PAYLOAD with a group", BYTES("\0\0\0\x11\0\x1f"), 0},
	{"INVALID_KE_PAYLOAD of one octet", BYTES("\0\0\0\x11\x1f"), -ERR_VALUE},
	{"INVALID_KE_PAYLOAD of three octets", BYTES("\0\0\0\x11\0\x1f\0"), -ERR_VALUE},
	{"COOKIE",
		BYTES("\0\0\x40\x06"
		      "c"),
		0},
	{"an empty COOKIE", BYTES("\0\0\x40\x06"), -ERR_VALUE},
	{"SET_WINDOW_SIZE", BYTES("\0\0\x40\x01\0\0\0\x05"), 0},
	{"SET_WINDOW_SIZE of two octets", BYTES("\0\0\x40\x01\0\x05"), -ERR_VALUE},
	{"a type we do not know, with data",
		BYTES("\0\0\xff\xff"
		      "anything"),
		0},
	{"cut in the type", BYTES("\0\0\x40"), -ERR_TRUNCATED},
	{"nothing", BYTES(""), -ERR_TRUNCATED},
};

static int notify_parse(struct view body)
{
	struct pld_notify n;

	return pld_notify_parse(body, &n);
}

static void pld_notify_table(void **state)
{
	(void)state;
	wire_table(notify_cases, ARRAY_LEN(notify_cases), notify_parse);
}

/* 2.6: a cookie has 1 to 64 octets. */
static void pld_notify_bounds_the_cookie(void **state)
{
	uint8_t body[4 + 65] = {0, 0, 0x40, 0x06};
	struct pld_notify n;

	(void)state;
	assert_int_equal(pld_notify_parse(view_of(body, 4 + 64), &n), 0);
	assert_int_equal(n.data.n, 64);
	assert_int_equal(pld_notify_parse(view_of(body, 4 + 65), &n), -ERR_VALUE);
}

/* 3.10: without SPI the protocol is ignored on receipt and sent as zero. */
static void pld_notify_ignores_the_protocol_without_spi(void **state)
{
	struct pld_notify n, out = {.protocol = PROTO_IKE, .type = N_INITIAL_CONTACT};
	uint8_t room[16];
	struct emit e = emit_to(room, sizeof room);

	(void)state;
	assert_int_equal(pld_notify_parse(view_of_literal("\x01\0\x40\0"), &n), 0);
	assert_int_equal(n.protocol, PROTO_NONE);
	pld_notify_emit(&e, &out);
	assert_true(view_equal(emitted(&e), view_of_literal("\0\0\x40\0")));
}

static const struct wire_case delete_cases[] = {
	{"the IKE SA", BYTES("\x01\0\0\0"), 0},
	{"two ESP SPIs",
		BYTES("\x03\x04\0\x02"
		      "aaaabbbb"),
		0},
	{"no ESP SPI", BYTES("\x03\x04\0\0"), 0},
	{"fewer SPIs than counted",
		BYTES("\x03\x04\0\x02"
		      "aaaabbb"),
		-ERR_TRUNCATED},
	{"more SPIs than counted",
		BYTES("\x03\x04\0\x01"
		      "aaaabbbb"),
		-ERR_TRUNCATED},
	{"65535 SPIs of 255 octets",
		BYTES("\x03\xff\xff\xff"
		      "aaaa"),
		-ERR_TRUNCATED},
	{"ESP SPIs of eight octets",
		BYTES("\x03\x08\0\x01"
		      "aaaabbbb"),
		-ERR_VALUE},
	{"ESP, SPI size 0", BYTES("\x03\0\xff\xff"), -ERR_VALUE},
	{"IKE with a list",
		BYTES("\x01\x08\0\x01"
		      "aaaabbbb"),
		-ERR_VALUE},
	{"IKE counting what is not there", BYTES("\x01\0\0\x01"), -ERR_VALUE},
	{"a protocol we do not know",
		BYTES("\x09\x04\0\x01"
		      "aaaa"),
		-ERR_VALUE},
	{"cut in the count", BYTES("\x03\x04\0"), -ERR_TRUNCATED},
};

static int delete_parse(struct view body)
{
	struct pld_delete d;

	return pld_delete_parse(body, &d);
}

static void pld_delete_table(void **state)
{
	struct pld_delete d;

	(void)state;
	wire_table(delete_cases, ARRAY_LEN(delete_cases), delete_parse);
	assert_int_equal(
		pld_delete_parse(view_of_literal("\x03\x04\0\x02\0\0\0\x07\xde\xad\xbe\xef"), &d),
		0);
	assert_int_equal(pld_delete_spi(&d, 0), 7);
	assert_int_equal(pld_delete_spi(&d, 1), 0xdeadbeef);
	assert_int_equal(pld_delete_spi(&d, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pld_notify_table),
		cmocka_unit_test(pld_notify_bounds_the_cookie),
		cmocka_unit_test(pld_notify_ignores_the_protocol_without_spi),
		cmocka_unit_test(pld_delete_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
