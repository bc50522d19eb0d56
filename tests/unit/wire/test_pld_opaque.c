/*
 * Payloads that are a few numbers before opaque octets.
 * Twin of: pld_ke.c pld_id.c pld_cert.c pld_certreq.c pld_auth.c pld_nonce.c pld_vendor.c
 */
#include "wire_case.h"

#include "wire/pld_auth.h"
#include "wire/pld_cert.h"
#include "wire/pld_certreq.h"
#include "wire/pld_id.h"
#include "wire/pld_ke.h"
#include "wire/pld_nonce.h"
#include "wire/pld_vendor.h"

#define SIXTEEN "0123456789abcdef"

static const struct wire_case ke_cases[] = {
	{"group 19, two octets of key", BYTES("\0\x13\0\0\xaa\xbb"), 0},
	{"reserved octets are ignored", BYTES("\0\x13\xff\xff\xaa\xbb"), 0},
	{"cut inside the group", BYTES("\0"), -ERR_TRUNCATED},
	{"cut inside the reserved octets", BYTES("\0\x13\0"), -ERR_TRUNCATED},
	{"no key data", BYTES("\0\x13\0\0"), -ERR_VALUE},
	{"group NONE", BYTES("\0\0\0\0\xaa"), -ERR_VALUE},
};

static int ke_parse(struct view body)
{
	struct pld_ke ke;

	return pld_ke_parse(body, &ke);
}

static void pld_ke_table(void **state)
{
	struct pld_ke ke;

	(void)state;
	wire_table(ke_cases, ARRAY_LEN(ke_cases), ke_parse);
	assert_int_equal(pld_ke_parse(view_of_literal("\0\x1f\0\0key"), &ke), 0);
	assert_int_equal(ke.group, 31);
	assert_true(view_equal(ke.data, view_of_literal("key")));
}

static const struct wire_case id_cases[] = {
	{"IPv4", BYTES("\x01\0\0\0\xc0\0\x02\x01"), 0},
	{"IPv4, reserved octets set", BYTES("\x01\xff\xff\xff\xc0\0\x02\x01"), 0},
	{"IPv4 of five octets", BYTES("\x01\0\0\0\xc0\0\x02\x01\0"), -ERR_VALUE},
	{"IPv6", BYTES("\x05\0\0\0" SIXTEEN), 0},
	{"IPv6 of four octets", BYTES("\x05\0\0\0\xc0\0\x02\x01"), -ERR_VALUE},
	{"FQDN", BYTES("\x02\0\0\0gw.example.net"), 0},
	{"FQDN with a NUL inside", BYTES("\x02\0\0\0gw\0.example.net"), -ERR_VALUE},
	{"address with a line end", BYTES("\x03\0\0\0u@example.net\n"), -ERR_VALUE},
	{"empty FQDN", BYTES("\x02\0\0\0"), -ERR_VALUE},
	{"empty key id", BYTES("\x0b\0\0\0"), -ERR_VALUE},
	{"key id with any octets", BYTES("\x0b\0\0\0\0\xff\n"), 0},
	{"a type we do not know", BYTES("\xc8\0\0\0?"), 0},
	{"ID_NULL", BYTES("\x0d\0\0\0"), 0},
	{"ID_NULL with data", BYTES("\x0d\0\0\0x"), -ERR_VALUE},
	{"cut in the reserved octets", BYTES("\x02\0\0"), -ERR_TRUNCATED},
	{"nothing", BYTES(""), -ERR_TRUNCATED},
};

static int id_parse(struct view body)
{
	struct pld_id id;

	return pld_id_parse(body, &id);
}

static void pld_id_table(void **state)
{
	struct view body = view_of_literal("\x02\x01\x02\x03gw");
	struct pld_id id;

	(void)state;
	wire_table(id_cases, ARRAY_LEN(id_cases), id_parse);
	assert_int_equal(pld_id_parse(body, &id), 0);
	assert_int_equal(id.type, ID_FQDN);
	assert_true(view_equal(id.data, view_of_literal("gw")));
	/* 2.15: the MACed identity covers the reserved octets as they came. */
	assert_true(view_equal(id.body, body));
}

static const struct wire_case cert_cases[] = {
	{"X.509",
		BYTES("\x04"
		      "DER"),
		0},
	{"no data", BYTES("\x04"), -ERR_VALUE},
	{"nothing", BYTES(""), -ERR_TRUNCATED},
};

static int cert_parse(struct view body)
{
	struct pld_cert cert;

	return pld_cert_parse(body, &cert);
}

static void pld_cert_table(void **state)
{
	(void)state;
	wire_table(cert_cases, ARRAY_LEN(cert_cases), cert_parse);
}

static const struct wire_case certreq_cases[] = {
	{"X.509, any authority", BYTES("\x04"), 0},
	{"X.509, one digest", BYTES("\x04" SIXTEEN "0123"), 0},
	{"X.509, half a digest", BYTES("\x04" SIXTEEN), -ERR_VALUE},
	{"another encoding", BYTES("\x0b" SIXTEEN), 0},
	{"nothing", BYTES(""), -ERR_TRUNCATED},
};

static int certreq_parse(struct view body)
{
	struct pld_certreq req;

	return pld_certreq_parse(body, &req);
}

static void pld_certreq_table(void **state)
{
	struct pld_certreq req;
	struct view digest;

	(void)state;
	wire_table(certreq_cases, ARRAY_LEN(certreq_cases), certreq_parse);
	assert_int_equal(
		pld_certreq_parse(view_of_literal("\x04" SIXTEEN "aaaa" SIXTEEN "bbbb"), &req), 0);
	assert_true(pld_certreq_digest(&req, 1, &digest));
	assert_true(view_equal(digest, view_of_literal(SIXTEEN "bbbb")));
	assert_false(pld_certreq_digest(&req, 2, &digest));
}

static const struct wire_case auth_cases[] = {
	{"shared key", BYTES("\x02\0\0\0" SIXTEEN), 0},
	{"reserved octets are ignored", BYTES("\x02\x01\x02\x03" SIXTEEN), 0},
	{"no data", BYTES("\x02\0\0\0"), -ERR_VALUE},
	{"cut in the reserved octets", BYTES("\x02\0\0"), -ERR_TRUNCATED},
};

static int auth_parse(struct view body)
{
	struct pld_auth auth;

	return pld_auth_parse(body, &auth);
}

static void pld_auth_table(void **state)
{
	struct pld_auth auth;

	(void)state;
	wire_table(auth_cases, ARRAY_LEN(auth_cases), auth_parse);
	assert_int_equal(pld_auth_parse(view_of_literal("\x0e\0\0\0sig"), &auth), 0);
	assert_int_equal(auth.method, AUTH_DIGITAL_SIGNATURE);
	assert_true(view_equal(auth.data, view_of_literal("sig")));
}

/* 3.9 */
static void pld_nonce_is_16_to_256_octets(void **state)
{
	uint8_t octets[NONCE_MAX + 1] = {0}, room[NONCE_MAX + 1];

	(void)state;
	for (size_t n = 0; n <= sizeof octets; n++) {
		bool good = n >= 16 && n <= 256;
		struct emit e = emit_to(room, sizeof room);
		struct view out = {0};

		assert_int_equal(pld_nonce_parse(view_of(octets, n), &out), good ? 0 : -ERR_VALUE);
		assert_int_equal(out.n, good ? n : 0);
		pld_nonce_emit(&e, view_of(octets, n));
		assert_int_equal(emit_done(&e, &out), good ? 0 : -ERR_SPACE);
	}
}

static void pld_vendor_takes_anything(void **state)
{
	struct view id;

	(void)state;
	assert_int_equal(pld_vendor_parse((struct view){0}, &id), 0);
	assert_int_equal(pld_vendor_parse(view_of_literal("who"), &id), 0);
	assert_true(view_equal(id, view_of_literal("who")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pld_ke_table),
		cmocka_unit_test(pld_id_table),
		cmocka_unit_test(pld_cert_table),
		cmocka_unit_test(pld_certreq_table),
		cmocka_unit_test(pld_auth_table),
		cmocka_unit_test(pld_nonce_is_16_to_256_octets),
		cmocka_unit_test(pld_vendor_takes_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
