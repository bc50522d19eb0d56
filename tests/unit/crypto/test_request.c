/* request.c, cert_text.c, der_write.c and key_file.c: a key, a request for it, a certificate of it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/cert_text.h"
#include "crypto/der_write.h"
#include "crypto/key_file.h"
#include "crypto/request.h"

#define NOW 1767600000

struct made {
	struct evp_pkey_st *key;
	struct sign_key *sign;
	struct blob public_key;
	struct crypto *crypto;
};

static void make(struct made *m, enum key_type type, uint32_t bits)
{
	assert_int_equal(crypto_new(&m->crypto), 0);
	assert_int_equal(key_file_make(type, bits, &m->key), 0);
	assert_int_equal(sign_key_wrap(m->key, &m->sign), 0);
	m->public_key = (struct blob){0};
	assert_int_equal(key_file_public(m->key, &m->public_key), 0);
}

static void made_fini(struct made *m)
{
	sign_key_free(m->sign);
	key_file_free(m->key);
	blob_fini(&m->public_key);
	crypto_free(m->crypto);
}

static struct request_terms terms_of(const struct made *m, bool self_signed)
{
	return (struct request_terms){.public_key = blob_view(&m->public_key),
		.subject = "C=US, O=example\\, Inc., CN=gw, SN=7",
		.names = {"email:a@example.net", "DNS:gw.example.net", "IP:192.0.2.1"},
		.n_names = 3,
		.hash = SIGN_HASH_SHA384,
		.self_signed = self_signed,
		.now_s = NOW,
		.days = 10,
		.serial = {0x41, 1}};
}

static int finish(const struct made *m, const struct request_terms *t, struct blob *der)
{
	struct request *r = NULL;
	auto_blob signature = {0};
	int rc = request_new(t, &r);

	if (rc < 0)
		return rc;
	assert_int_equal(
		sign_make(m->crypto, m->sign, request_scheme(r), request_octets(r), &signature), 0);
	rc = request_finish(r, blob_view(&signature), der);
	request_free(r);
	return rc;
}

static void request_becomes_a_certificate(void **state)
{
	static const struct {
		enum key_type type;
		uint32_t bits;
	} rows[] = {{KEY_TYPE_RSA, 2048}, {KEY_TYPE_ECDSA, 256}, {KEY_TYPE_ECDSA, 521}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert_text *text = malloc(sizeof *text);
		struct made m;
		auto_cert c = NULL;
		auto_blob der = {0};

		assert_non_null(text);
		make(&m, rows[i].type, rows[i].bits);
		const struct request_terms t = terms_of(&m, true);

		assert_int_equal(finish(&m, &t, &der), 0);
		assert_int_equal(cert_parse(blob_view(&der), &c), 0);
		assert_true(cert_signed_by(c, c));
		assert_int_equal(c->not_before_s, NOW);
		assert_int_equal(c->not_after_s, NOW + 10 * 86400);
		assert_int_equal(c->key_bits, rows[i].bits);
		assert_int_equal(c->key_usage, CERT_KU_DIGITAL_SIGNATURE);
		assert_int_equal(cert_text_make(c, text), 0);
		assert_string_equal(
			text->subject.plain, "C=US, O=example, Inc., CN=gw, serialNumber=7");
		assert_string_equal(text->subject.spaced,
			"C = US, O = example, Inc., CN = gw, serialNumber = 7");
		assert_string_equal(text->subject.labels, "Organization: example, Inc., Country: "
							  "US, Common name: gw, Serial number: 7");
		assert_string_equal(text->subject.common, "gw");
		assert_string_equal(
			text->alternates, "\"a@example.net\", gw.example.net, 192.0.2.1");
		assert_string_equal(text->usages, "Digital signature");
		assert_string_equal(text->serial_hex, "0x41010000000000000000000000000000");
		made_fini(&m);
		free(text);
	}
}

static void request_is_shown(void **state)
{
	struct request_text *text = malloc(sizeof *text);
	struct made m;
	auto_blob der = {0}, pem = {0}, again = {0};
	size_t at = 0;

	(void)state;
	assert_non_null(text);
	make(&m, KEY_TYPE_ECDSA, 384);
	const struct request_terms t = terms_of(&m, false);

	assert_int_equal(finish(&m, &t, &der), 0);
	assert_int_equal(pem_append(&pem, "CERTIFICATE REQUEST", blob_view(&der)), 0);
	assert_int_equal(pem_next(blob_view(&pem), &at, "CERTIFICATE REQUEST", &again), 0);
	assert_true(view_equal(blob_view(&der), blob_view(&again)));
	assert_int_equal(request_text_make(blob_view(&pem), text), 0);
	assert_string_equal(text->subject.common, "gw");
	assert_int_equal(text->key_bits, 384);
	assert_int_equal(request_text_make(view_of_literal("no request"), text), -ERR_SYNTAX);
	made_fini(&m);
	free(text);
}

static void request_is_refused(void **state)
{
	static const struct {
		const char *subject, *name;
		enum sign_hash hash;
		int rc;
	} rows[] = {{"", "DNS:a", SIGN_HASH_SHA256, -ERR_SYNTAX},
		{"CN", "DNS:a", SIGN_HASH_SHA256, -ERR_SYNTAX},
		{"CN=", "DNS:a", SIGN_HASH_SHA256, -ERR_SYNTAX},
		{"NOPE=a", "DNS:a", SIGN_HASH_SHA256, -ERR_SYNTAX},
		{"C=USA", "DNS:a", SIGN_HASH_SHA256, -ERR_SYNTAX},
		{"CN=a", "DNS:a,DNS:b", SIGN_HASH_SHA256, -ERR_VALUE},
		{"CN=a", "DNS:a\nb", SIGN_HASH_SHA256, -ERR_VALUE},
		{"CN=a", "IP:nowhere", SIGN_HASH_SHA256, -ERR_VALUE},
		{"CN=a", "dirName:@section", SIGN_HASH_SHA256, -ERR_VALUE},
		{"CN=a", "DNS:a", SIGN_HASH_SHA1, -ERR_UNSUPPORTED}};
	struct made m;

	(void)state;
	make(&m, KEY_TYPE_ECDSA, 256);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request_terms t = terms_of(&m, false);
		auto_blob der = {0};
		int rc;

		t.subject = rows[i].subject;
		t.names[0] = rows[i].name;
		t.n_names = 1;
		t.hash = rows[i].hash;
		rc = finish(&m, &t, &der);
		if (rc != rows[i].rc)
			fail_msg("%s, %s: %d", rows[i].subject, rows[i].name, rc);
	}
	made_fini(&m);
}

static void der_is_written(void **state)
{
	static const uint8_t raw[] = {0x00, 0x7f, 0x80, 0x01};
	static const uint8_t want[] = {0x30, 8, 2, 1, 0x7f, 2, 3, 0x00, 0x80, 0x01};
	uint8_t big[300] = {1};
	auto_blob out = {0}, zero = {0}, large = {0};

	(void)state;
	assert_int_equal(der_of_raw_signature(view_of_array(raw), &out), 0);
	assert_true(view_equal(blob_view(&out), view_of_array(want)));
	assert_int_equal(der_of_raw_signature(view_of(raw, 3), &out), -ERR_VALUE);
	assert_int_equal(der_put_uint(&zero, view_of("\0\0", 2)), 0);
	assert_true(view_equal(blob_view(&zero), view_of("\2\1\0", 3)));
	assert_int_equal(der_put(&large, DER_OCTET_STRING, view_of_array(big)), 0);
	assert_int_equal(large.n, 304);
	assert_memory_equal(large.p, "\x04\x82\x01\x2c", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_becomes_a_certificate),
		cmocka_unit_test(request_is_shown),
		cmocka_unit_test(request_is_refused),
		cmocka_unit_test(der_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
