/* PKI-009, PKI-012, RFC-011. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/crl.h"
#include "crypto/der.h"
#include "forge.h"

static struct crl *make(const struct forge_crl *f, const struct forge_ca *signer)
{
	auto_blob der = forge_crl_der(f, signer);
	struct crl *c = NULL;
	const char *why;

	if (crl_parse(blob_view(&der), signer->cert, &c, &why) < 0)
		fail_msg("%s", why);
	return c;
}

static void crl_lists_what_is_revoked(void **state)
{
	const uint64_t serials[] = {0x1001, 7, 0xa1b2c3d4e5f60718};
	struct forge_ca *ca = *state;
	struct crl *c = make(&(struct forge_crl){.serials = serials, .n = 3, .number = 5}, ca);
	const struct crl_entry *e = NULL;

	assert_true(view_equal(c->issuer, ca->cert->subject));
	assert_int_equal(c->this_update_s, FORGE_NOW - 3600);
	assert_int_equal(c->next_update_s, FORGE_NOW + 86400);
	assert_int_equal(c->n, 3);
	assert_int_equal(c->version, 2);
	assert_int_equal(c->number[CERT_SERIAL_MAX - 1], 5);
	assert_int_equal(crl_find(c, view_of_literal("\x10\x01"), &e), CRL_REVOKED);
	assert_int_equal(e->date_s, FORGE_NOW - 7200);
	assert_int_equal(crl_find(c, view_of_literal("\x07"), NULL), CRL_REVOKED);
	assert_int_equal(crl_find(c, view_of_literal("\xa1\xb2\xc3\xd4\xe5\xf6\x07\x18"), NULL),
		CRL_REVOKED);
	assert_int_equal(crl_find(c, view_of_literal("\x10\x02"), NULL), CRL_NOT_LISTED);
	assert_int_equal(crl_find(c, view_of_literal("\x10"), NULL), CRL_NOT_LISTED);
	crl_unref(crl_ref(c));
	crl_unref(c);
}

static void crl_without_entries_or_end_is_one(void **state)
{
	struct crl *c = make(&(struct forge_crl){.no_next_update = true}, *state);

	assert_int_equal(c->n, 0);
	assert_int_equal(c->next_update_s, INT64_MAX);
	assert_false(c->has_number);
	assert_int_equal(crl_find(c, view_of_literal("\x01"), NULL), CRL_NOT_LISTED);
	crl_unref(c);
}

static void expect_refused(
	struct view der, const struct cert *issuer, int rc, const char *what, const char *name)
{
	struct crl *c = NULL;
	const char *why = NULL;

	if (crl_parse(der, issuer, &c, &why) != rc || !strstr(why, what))
		fail_msg("%s: %s", name, why);
	assert_null(c);
}

static void crl_of_somebody_else_is_refused(void **state)
{
	struct forge_ca *ca = *state;
	struct forge_ca same_name = forge_make_ca("CN=Root", NULL, -1);
	struct forge_ca other = forge_make_ca("CN=Other", NULL, -1);
	struct forge_cert no_lists = {.subject = "CN=Root",
		.ext = {{"basicConstraints", "critical,CA:TRUE"}, {"keyUsage", "keyCertSign"}}};
	struct forge_ca may_not = forge_issue(&no_lists, NULL);
	auto_blob a = forge_crl_der(&(struct forge_crl){0}, &same_name);
	auto_blob b = forge_crl_der(&(struct forge_crl){0}, &other);
	auto_blob c = forge_crl_der(&(struct forge_crl){0}, &may_not);
	auto_blob weak = forge_crl_der(&(struct forge_crl){.digest = "SHA1"}, ca);

	expect_refused(blob_view(&a), ca->cert, -ERR_AUTH, "signature", "another key");
	expect_refused(blob_view(&b), ca->cert, -ERR_AUTH, "another issuer", "another name");
	expect_refused(blob_view(&c), may_not.cert, -ERR_AUTH, "may not sign", "key usage");
	expect_refused(blob_view(&weak), ca->cert, -ERR_AUTH, "SHA-1", "weak");
	forge_ca_free(&same_name);
	forge_ca_free(&other);
	forge_ca_free(&may_not);
}

static void crl_that_is_none_is_refused(void **state)
{
	struct forge_ca *ca = *state;
	auto_blob der = forge_crl_der(&(struct forge_crl){.number = 1}, ca);
	auto_blob big = {calloc(1, CRL_DER_MAX + 1), CRL_DER_MAX + 1};

	expect_refused((struct view){0}, ca->cert, -ERR_SYNTAX, "no revocation list", "nothing");
	expect_refused(blob_view(&big), ca->cert, -ERR_LIMIT, "8 MB", "too large");
	for (size_t n = 0; n < der.n; n++)
		expect_refused(
			view_of(der.p, n), ca->cert, -ERR_SYNTAX, "no revocation list", "cut");
	der.p[der.n - 1] ^= 1;
	expect_refused(blob_view(&der), ca->cert, -ERR_AUTH, "signature", "one bit");
}

static void crl_for_some_only_says_so(void **state)
{
	static const struct {
		const char *point;
		bool good, user, ca;
	} cases[] = {
		{"onlyuser:TRUE", true, true, false},
		{"onlyCA:TRUE", true, false, true},
		{"fullname:URI:http://crl.example.net/part1.crl", true, false, true},
		{"fullname:URI:http://crl.example.net/part2.crl", true, false, false},
		{"onlysomereasons:keyCompromise", false, false, false},
		{"indirectCRL:TRUE", false, false, false},
		{"onlyAA:TRUE", false, false, false},
		{"fullname:RID:1.2.3.4", false, false, false},
	};
	struct forge_ca *ca = *state;
	struct forge_cert fsub = {.subject = "CN=Sub",
		.ext = {{"basicConstraints", "critical,CA:TRUE"},
			{"crlDistributionPoints", "URI:http://crl.example.net/part1.crl"}}};
	struct forge_ca user = forge_make_leaf("CN=user", ca, NULL), sub = forge_issue(&fsub, ca);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char value[128];
		struct forge_crl f = {.ext = {{"issuingDistributionPoint", value}}};
		auto_blob der = {0};
		struct crl *c;
		const char *why;

		(void)snprintf(value, sizeof value, "critical,%s", cases[i].point);
		der = forge_crl_der(&f, ca);
		if (!cases[i].good) {
			expect_refused(blob_view(&der), ca->cert, -ERR_UNSUPPORTED, "partial",
				cases[i].point);
			continue;
		}
		assert_int_equal(crl_parse(blob_view(&der), ca->cert, &c, &why), 0);
		if (crl_covers(c, user.cert) != cases[i].user ||
			crl_covers(c, sub.cert) != cases[i].ca)
			fail_msg("%s", cases[i].point);
		crl_unref(c);
	}
	forge_ca_free(&user);
	forge_ca_free(&sub);
}

static void crl_with_unknown_critical_extension_is_refused(void **state)
{
	struct forge_ca *ca = *state;
	auto_blob der =
		forge_crl_der(&(struct forge_crl){.ext = {{"1.2.3.4", "critical,DER:05:00"}}}, ca);

	expect_refused(blob_view(&der), ca->cert, -ERR_UNSUPPORTED, "unknown kind", "critical");
}

static void crl_delta_fits_its_base(void **state)
{
	static const struct {
		uint64_t base, number, of;
		bool fits;
	} cases[] = {
		{10, 12, 10, true},
		{10, 12, 9, true},   /* since 9: what changed from 10 on is in it */
		{10, 12, 11, false}, /* what happened from 10 to 11 is missing */
		{10, 9, 8, false},   /* older than the base */
		{0, 12, 10, false},  /* a base without number */
	};
	struct forge_ca *ca = *state;
	const uint64_t gone[] = {7};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct crl *base = make(&(struct forge_crl){.number = cases[i].base}, ca);
		struct crl *delta = make(&(struct forge_crl){.number = cases[i].number,
						 .delta_of = cases[i].of,
						 .serials = gone,
						 .n = 1,
						 .remove = true},
			ca);

		assert_true(delta->is_delta);
		assert_int_equal(crl_find(delta, view_of_literal("\x07"), NULL), CRL_REMOVED);
		if (crl_delta_fits(delta, base) != cases[i].fits)
			fail_msg("row %zu", i);
		assert_false(crl_delta_fits(base, delta));
		crl_unref(base);
		crl_unref(delta);
	}
}

static void crl_newer_goes_by_number_then_date(void **state)
{
	struct crl *five = make(&(struct forge_crl){.number = 5, .this_update = -100}, *state);
	struct crl *six = make(&(struct forge_crl){.number = 6, .this_update = -200}, *state);
	struct crl *plain = make(&(struct forge_crl){.this_update = -50}, *state);

	assert_true(crl_is_newer(six, five));
	assert_false(crl_is_newer(five, six));
	assert_true(crl_is_newer(plain, six));
	assert_false(crl_is_newer(five, five));
	crl_unref(five);
	crl_unref(six);
	crl_unref(plain);
}

static void crl_reads_pem_too(void **state)
{
	struct forge_ca *ca = *state;
	auto_blob der = forge_crl_der(&(struct forge_crl){0}, ca), pem = {0};
	struct crl *c;
	const char *why;

	assert_int_equal(der_to_pem(blob_view(&der), "X509 CRL", &pem), 0);
	assert_int_equal(crl_parse_file(blob_view(&pem), ca->cert, &c, &why), 0);
	crl_unref(c);
	assert_int_equal(crl_parse_file(blob_view(&der), ca->cert, &c, &why), 0);
	crl_unref(c);
	assert_int_equal(crl_parse_file(view_of_literal("hello"), ca->cert, &c, &why), -ERR_SYNTAX);
}

static int setup(void **state)
{
	static struct forge_ca ca;

	ca = forge_make_ca("CN=Root", NULL, -1);
	*state = &ca;
	return 0;
}

static int teardown(void **state)
{
	forge_ca_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crl_lists_what_is_revoked),
		cmocka_unit_test(crl_without_entries_or_end_is_one),
		cmocka_unit_test(crl_of_somebody_else_is_refused),
		cmocka_unit_test(crl_that_is_none_is_refused),
		cmocka_unit_test(crl_for_some_only_says_so),
		cmocka_unit_test(crl_with_unknown_critical_extension_is_refused),
		cmocka_unit_test(crl_delta_fits_its_base),
		cmocka_unit_test(crl_newer_goes_by_number_then_date),
		cmocka_unit_test(crl_reads_pem_too),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
