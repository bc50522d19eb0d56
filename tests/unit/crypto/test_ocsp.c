/* PKI-014, RFC-009. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "crypto/ocsp.h"
#include "forge.h"

struct cast {
	struct forge_ca ca, stranger, end, delegate, no_purpose, expired, foreign;
	struct cert_ref end_ref;
};

static const uint8_t nonce_a[OCSP_NONCE_LEN] = {1, 2, 3}, nonce_b[OCSP_NONCE_LEN] = {3, 2, 1};

static struct forge_ca responder(const struct forge_ca *ca, const char *eku, int64_t not_after)
{
	struct forge_cert f = {.subject = "CN=OCSP",
		.not_before = -7200,
		.not_after = not_after,
		.ext = {{"keyUsage", "digitalSignature"}, {"extendedKeyUsage", eku}}};

	return forge_issue(&f, ca);
}

static int setup(void **state)
{
	static struct cast c;

	c.ca = forge_make_ca("CN=CA", NULL, -1);
	c.stranger = forge_make_ca("CN=CA", NULL, -1);
	c.end = forge_make_leaf("CN=end", &c.ca, NULL);
	cert_ref_make(c.end.cert, c.ca.cert, &c.end_ref);
	c.delegate = responder(&c.ca, "OCSPSigning", 86400);
	c.no_purpose = responder(&c.ca, "serverAuth", 86400);
	c.expired = responder(&c.ca, "OCSPSigning", -60);
	c.foreign = responder(&c.stranger, "OCSPSigning", 86400);
	*state = &c;
	return 0;
}

static int teardown(void **state)
{
	struct cast *c = *state;

	forge_ca_free(&c->ca);
	forge_ca_free(&c->stranger);
	forge_ca_free(&c->end);
	forge_ca_free(&c->delegate);
	forge_ca_free(&c->no_purpose);
	forge_ca_free(&c->expired);
	forge_ca_free(&c->foreign);
	return 0;
}

static int ask(
	const struct cast *c, const struct forge_ocsp *f, struct ocsp_answer *a, const char **why)
{
	const struct ocsp_question q = {&c->end_ref, c->ca.cert, view_of_array(nonce_a), FORGE_NOW};
	auto_blob der = forge_ocsp_der(f, c->end.cert, &c->ca);
	int rc;

	*a = (struct ocsp_answer){0};
	rc = ocsp_answer_read(blob_view(&der), &q, a, why);
	cert_unref(take_ptr(a->responder));
	return rc;
}

static void ocsp_tells_the_status(void **state)
{
	static const struct {
		enum forge_status made;
		enum ocsp_status read;
	} cases[] = {{FORGE_GOOD, OCSP_GOOD}, {FORGE_REVOKED, OCSP_REVOKED},
		{FORGE_UNKNOWN, OCSP_UNKNOWN}};
	struct cast *c = *state;
	struct ocsp_answer a;
	const char *why;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct forge_ocsp f = {.status = cases[i].made, .nonce = view_of_array(nonce_a)};

		assert_int_equal(ask(c, &f, &a, &why), 0);
		assert_int_equal(a.status, cases[i].read);
		assert_int_equal(a.next_update_s, FORGE_NOW + 86400);
		f.signer = &c->delegate;
		assert_int_equal(ask(c, &f, &a, &why), 0);
		assert_int_equal(a.status, cases[i].read);
	}
}

static void ocsp_refuses_table(void **state)
{
	struct cast *c = *state;

	const struct {
		const char *name;
		struct forge_ocsp f;
		int rc;
		const char *why;
	} cases[] = {
		{"no nonce is a prepared answer", {0}, 0, NULL},
		{"no end", {.no_next_update = true}, 0, NULL},
		{"a clock a little ahead", {.this_update = 200}, 0, NULL},
		{"the nonce of another", {.nonce = view_of_array(nonce_b)}, -ERR_AUTH, "nonce"},
		{"expired", {.this_update = -7200, .next_update = -3600}, -ERR_AUTH, "expired"},
		{"of tomorrow", {.this_update = 43200, .next_update = 86400}, -ERR_AUTH,
			"not valid yet"},
		{"about another", {.other_serial = 99}, -ERR_AUTH, "another certificate"},
		{"a responder without the purpose", {.signer = &c->no_purpose}, -ERR_AUTH,
			"not signed by the issuer"},
		{"a responder that has expired", {.signer = &c->expired}, -ERR_AUTH,
			"not signed by the issuer"},
		{"a responder of another CA", {.signer = &c->foreign}, -ERR_AUTH,
			"not signed by the issuer"},
		{"another CA of the same name", {.signer = &c->stranger}, -ERR_AUTH,
			"not signed by the issuer"},
		{"signed by the certificate itself", {.signer = &c->end}, -ERR_AUTH,
			"not signed by the issuer"},
		{"a responder that is not shown",
			{.signer = &c->delegate, .leave_out_signer = true}, -ERR_AUTH,
			"not signed by the issuer"},
		{"try later", {.try_later = true}, -ERR_AGAIN, "refuses"},
	};
	struct ocsp_answer a;
	const char *why;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int rc = ask(c, &cases[i].f, &a, &why);

		if (rc != cases[i].rc || (rc < 0 && !strstr(why, cases[i].why)))
			fail_msg("%s: %d %s", cases[i].name, rc, rc < 0 ? why : "");
	}
}

static void ocsp_hands_out_the_responder(void **state)
{
	struct cast *c = *state;
	const struct ocsp_question q = {&c->end_ref, c->ca.cert, {0}, FORGE_NOW};
	auto_blob der =
		forge_ocsp_der(&(struct forge_ocsp){.signer = &c->delegate}, c->end.cert, &c->ca);
	struct ocsp_answer a = {0};
	const char *why;

	assert_int_equal(ocsp_answer_read(blob_view(&der), &q, &a, &why), 0);
	assert_true(cert_equal(a.responder, c->delegate.cert));
	cert_unref(a.responder);
}

static void ocsp_refuses_rubbish(void **state)
{
	struct cast *c = *state;
	const struct ocsp_question q = {&c->end_ref, c->ca.cert, {0}, FORGE_NOW};
	auto_blob der =
		forge_ocsp_der(&(struct forge_ocsp){.leave_out_signer = true}, c->end.cert, &c->ca);
	auto_blob big = {calloc(1, OCSP_DER_MAX + 1), OCSP_DER_MAX + 1};
	struct ocsp_answer a = {0};
	const char *why;

	assert_int_equal(ocsp_answer_read(blob_view(&big), &q, &a, &why), -ERR_LIMIT);
	for (size_t n = 0; n < der.n; n++)
		assert_int_equal(ocsp_answer_read(view_of(der.p, n), &q, &a, &why), -ERR_SYNTAX);
	der.p[der.n - 1] ^= 1;
	assert_true(ocsp_answer_read(blob_view(&der), &q, &a, &why) < 0);
}

static void ocsp_request_holds_the_nonce(void **state)
{
	struct cast *c = *state;
	auto_blob with = {0}, without = {0};

	assert_int_equal(ocsp_request(&c->end_ref, c->ca.cert, view_of_array(nonce_a), &with), 0);
	assert_int_equal(ocsp_request(&c->end_ref, c->ca.cert, (struct view){0}, &without), 0);
	assert_non_null(memmem(with.p, with.n, nonce_a, sizeof nonce_a));
	assert_non_null(memmem(without.p, without.n, c->ca.cert->key_hash, CERT_HASH));
	assert_non_null(memmem(without.p, without.n, c->end.cert->issuer_hash, CERT_HASH));
	assert_true(with.n > without.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ocsp_tells_the_status),
		cmocka_unit_test(ocsp_refuses_table),
		cmocka_unit_test(ocsp_hands_out_the_responder),
		cmocka_unit_test(ocsp_refuses_rubbish),
		cmocka_unit_test(ocsp_request_holds_the_nonce),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
