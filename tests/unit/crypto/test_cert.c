/* PKI-008, RFC-011: what is read from a certificate, and what is refused at the door.
 * Twin of: cert.c cert_ext.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "crypto/cert.h"
#include "crypto/cert_ext.h"
#include "forge.h"

static const struct forge_cert rich = {
	.subject = "C=US, O=example, CN=gw",
	.serial = 0xa1b2c3d4,
	.ext = {{"basicConstraints", "critical,CA:TRUE,pathlen:3"},
		{"keyUsage", "critical,digitalSignature,keyCertSign"},
		{"extendedKeyUsage", "serverAuth,1.3.6.1.5.5.7.3.17"},
		{"subjectAltName",
			"DNS:gw.example.net,email:gw@example.net,IP:192.0.2.1,IP:2001:db8::1,"
			"URI:urn:x"},
		{"subjectKeyIdentifier", "hash"}, {"authorityKeyIdentifier", "keyid"},
		{"crlDistributionPoints",
			"URI:http://crl.example.net/a.crl,URI:ldap://l.example.net/cn=a"},
		{"freshestCRL", "URI:http://crl.example.net/delta.crl"},
		{"authorityInfoAccess",
			"OCSP;URI:http://ocsp.example.net/,caIssuers;URI:http://x.example.net/"},
		{"certificatePolicies", "1.2.3.4,2.5.29.32.0"}},
};

static void cert_tells_what_is_written(void **state)
{
	static const struct {
		enum cert_san_kind kind;
		const char *bytes;
		size_t n;
	} sans[] = {
		{CERT_SAN_DNS, "gw.example.net", 14},
		{CERT_SAN_EMAIL, "gw@example.net", 14},
		{CERT_SAN_IP, "\xc0\x00\x02\x01", 4},
		{CERT_SAN_IP, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16},
	};
	struct forge_ca ca = forge_make_ca("C=US, CN=Root", NULL, -1);
	struct forge_ca gw = forge_issue(&rich, &ca);
	const struct cert *c = gw.cert;

	(void)state;
	assert_true(view_equal(c->issuer, ca.cert->subject));
	assert_true(view_equal(c->serial, view_of_literal("\xa1\xb2\xc3\xd4")));
	assert_int_equal(c->not_before_s, FORGE_NOW - 3600);
	assert_int_equal(c->not_after_s, FORGE_NOW + 365 * 86400);
	assert_int_equal(c->version, 3);
	assert_true(c->is_ca && c->has_basic_constraints && !c->self_issued);
	assert_int_equal(c->path_len, 3);
	assert_int_equal(c->key_usage, CERT_KU_DIGITAL_SIGNATURE | CERT_KU_CERT_SIGN);
	assert_int_equal(c->eku, CERT_EKU_SERVER_AUTH | CERT_EKU_IPSEC_IKE);
	assert_int_equal(c->n_sans, ARRAY_LEN(sans)); /* the URI is nobody's identity */
	for (size_t i = 0; i < ARRAY_LEN(sans); i++) {
		assert_int_equal(c->sans[i].kind, sans[i].kind);
		assert_true(view_equal(c->sans[i].value, view_of(sans[i].bytes, sans[i].n)));
	}
	assert_true(view_equal(c->authority_key_id, ca.cert->subject_key_id));
	assert_int_equal(c->subject_key_id.n, 20);
	assert_int_equal(c->crl_urls.n, 2);
	assert_string_equal(c->crl_urls.v[0], "http://crl.example.net/a.crl");
	assert_string_equal(c->crl_urls.v[1], "ldap://l.example.net/cn=a");
	assert_int_equal(c->delta_urls.n, 1);
	assert_int_equal(c->ocsp_urls.n, 1);
	assert_string_equal(c->ocsp_urls.v[0], "http://ocsp.example.net/");
	assert_int_equal(c->n_policies, 2);
	assert_string_equal(c->policies[0], "1.2.3.4");
	assert_int_equal(c->key_type, CERT_KEY_EC_P256);
	assert_int_equal(c->key_bits, 256);
	assert_string_equal(cert_signature_name(c), "ecdsa-with-SHA256");
	/* A subjectKeyIdentifier "hash" is the SHA-1 of the key's bits (RFC 5280 4.2.1.2). */
	assert_memory_equal(c->key_hash, c->subject_key_id.p, CERT_HASH);
	assert_true(cert_signed_by(c, ca.cert));
	assert_true(cert_signed_by(ca.cert, ca.cert));
	assert_false(cert_signed_by(ca.cert, c));
	forge_ca_free(&gw);
	forge_ca_free(&ca);
}

static void cert_of_another_key_is_not_signed_by_it(void **state)
{
	struct forge_ca a = forge_make_ca("CN=Root", NULL, -1);
	struct forge_ca b = forge_make_ca("CN=Root", NULL, -1);
	struct forge_ca leaf = forge_make_leaf("CN=x", &a, NULL);

	(void)state;
	assert_true(cert_signed_by(leaf.cert, a.cert));
	assert_false(cert_signed_by(leaf.cert, b.cert));
	forge_ca_free(&leaf);
	forge_ca_free(&a);
	forge_ca_free(&b);
}

static bool is_remembered(const struct cert *c)
{
	return atomic_load(&c->own->signer.state) == SIGNER_KNOWN;
}

/* A right one is, with the key that it is right with and no other; a wrong one never. */
static void cert_signature_is_remembered_with_its_key(void **state)
{
	struct forge_ca a = forge_make_ca("CN=Root", NULL, -1);
	struct forge_ca b = forge_make_ca("CN=Root", NULL, -1);
	struct forge_ca leaf = forge_make_leaf("CN=x", &a, NULL);
	auto_blob octets = {0};
	auto_cert again = NULL;
	auto_cert spoilt = NULL;

	(void)state;
	assert_false(cert_signature_holds(leaf.cert, b.cert));
	assert_false(is_remembered(leaf.cert));
	assert_true(cert_signature_holds(leaf.cert, a.cert));
	assert_true(is_remembered(leaf.cert));
	assert_false(cert_signature_holds(leaf.cert, b.cert));
	assert_int_equal(cert_parse(a.cert->der, &again), 0);
	assert_true(cert_signature_holds(leaf.cert, again));

	assert_int_equal(blob_copy(leaf.cert->der, &octets), 0);
	octets.p[octets.n - 1] ^= 1; /* in the signature */
	assert_int_equal(cert_parse(blob_view(&octets), &spoilt), 0);
	for (int i = 0; i < 2; i++) {
		assert_false(cert_signature_holds(spoilt, a.cert));
		assert_false(is_remembered(spoilt));
	}
	forge_ca_free(&leaf);
	forge_ca_free(&a);
	forge_ca_free(&b);
}

static void cert_key_types_are_told_apart(void **state)
{
	static const struct {
		enum forge_key forge;
		enum cert_key_type type;
		uint16_t bits;
	} cases[] = {
		{FORGE_P256, CERT_KEY_EC_P256, 256},
		{FORGE_P384, CERT_KEY_EC_P384, 384},
		{FORGE_RSA2048, CERT_KEY_RSA, 2048},
		{FORGE_ED25519, CERT_KEY_ED25519, 256},
		{FORGE_OTHER, CERT_KEY_OTHER, 256},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct forge_cert f = {.subject = "CN=x", .key_type = cases[i].forge};
		struct forge_ca ca = forge_issue(&f, NULL);

		assert_int_equal(ca.cert->key_type, cases[i].type);
		assert_int_equal(ca.cert->key_bits, cases[i].bits);
		assert_true(cert_signed_by(ca.cert, ca.cert));
		forge_ca_free(&ca);
	}
}

static void cert_refuses_what_is_not_one(void **state)
{
	struct forge_ca ca = forge_make_ca("CN=Root", NULL, -1);
	struct cert *out = NULL;
	auto_blob more = {0}, big = {calloc(1, CERT_DER_MAX + 1), CERT_DER_MAX + 1};

	(void)state;
	assert_int_equal(cert_parse((struct view){0}, &out), -ERR_SYNTAX);
	assert_int_equal(cert_parse(view_of_literal("\x30\x00"), &out), -ERR_SYNTAX);
	assert_int_equal(cert_parse(blob_view(&big), &out), -ERR_LIMIT);
	assert_int_equal(blob_copy(ca.cert->der, &more), 0);
	assert_int_equal(blob_append(&more, view_of_literal("\0")), 0);
	assert_int_equal(cert_parse(blob_view(&more), &out), -ERR_SYNTAX);
	/* Every cut fails. */
	for (size_t n = 0; n < ca.cert->der.n; n++)
		assert_true(cert_parse(view_of(ca.cert->der.p, n), &out) < 0);
	assert_null(out);
	forge_ca_free(&ca);
}

static void cert_refuses_an_extension_there_twice(void **state)
{
	struct forge_cert f = {.subject = "CN=x",
		.ext = {{"subjectAltName", "DNS:a.example.net"},
			{"subjectAltName", "DNS:b.example.net"}}};
	struct evp_pkey_st *key = forge_key(FORGE_P256);
	auto_blob der = forge_cert_der(&f, NULL, key);
	struct cert *out = NULL;

	(void)state;
	assert_int_equal(cert_parse(blob_view(&der), &out), -ERR_VALUE);
	forge_key_free(key);
}

static void cert_leaves_out_urls_that_are_no_text(void **state)
{
	struct forge_cert f = {.subject = "CN=x",
		.ext = {{"crlDistributionPoints",
			"URI:http://a.example.net/with space.crl,URI:http://a.example.net/b.crl"}}};
	struct forge_ca ca = forge_issue(&f, NULL);

	(void)state;
	assert_int_equal(ca.cert->crl_urls.n, 1);
	assert_string_equal(ca.cert->crl_urls.v[0], "http://a.example.net/b.crl");
	forge_ca_free(&ca);
}

/* One of them cannot be read: nothing is left behind. */
static void cert_pkcs7_is_taken_whole_or_not_at_all(void **state)
{
	struct forge_ca ca = forge_make_ca("CN=Root", NULL, -1);
	const struct cert *v[] = {ca.cert, ca.cert, ca.cert};
	auto_blob p7 = forge_pkcs7_der(v, 3);
	struct cert *out[3] = {NULL};
	uint8_t *last = NULL, *at = p7.p;
	size_t n = 7;

	(void)state;
	assert_int_equal(cert_parse_pkcs7(blob_view(&p7), out, 2, &n), -ERR_LIMIT);
	assert_int_equal(cert_parse_pkcs7(blob_view(&p7), out, 3, &n), 0);
	assert_int_equal(n, 3);
	while (n != 0)
		cert_unref(out[--n]);
	/* The serial number of the last one becomes negative: 02 02 1x xx. */
	while ((at = memmem(at, p7.n - (size_t)(at - p7.p), "\x02\x02\x10", 3)) != NULL)
		last = at++;
	assert_non_null(last);
	last[2] = 0x90;
	n = 7;
	assert_int_equal(cert_parse_pkcs7(blob_view(&p7), out, 3, &n), -ERR_VALUE);
	assert_int_equal(n, 7);
	for (size_t i = 0; i < 3; i++)
		out[i] = NULL;
	forge_ca_free(&ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cert_tells_what_is_written),
		cmocka_unit_test(cert_of_another_key_is_not_signed_by_it),
		cmocka_unit_test(cert_signature_is_remembered_with_its_key),
		cmocka_unit_test(cert_key_types_are_told_apart),
		cmocka_unit_test(cert_refuses_what_is_not_one),
		cmocka_unit_test(cert_refuses_an_extension_there_twice),
		cmocka_unit_test(cert_leaves_out_urls_that_are_no_text),
		cmocka_unit_test(cert_pkcs7_is_taken_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
