/* ID-005, PKI-002, PKI-008. Twin of: trust.c identity.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pki/identity.h"
#include "pki/trust.h"
#include "world.h"

static void identity_table(void **state)
{
	static const char san[] =
		"DNS:gw.Example.net,DNS:*.example.org,email:Gw@Example.net,IP:192.0.2.1,"
		"IP:2001:db8::1";

	static const struct {
		const char *name;
		uint8_t type;
		const char *id;
		size_t n;
		bool want;
	} cases[] = {
		{"name", PKI_ID_FQDN, "gw.example.net", 14, true},
		{"name, other case", PKI_ID_FQDN, "GW.EXAMPLE.NET", 14, true},
		{"a name absent from it", PKI_ID_FQDN, "gx.example.net", 14, false},
		{"a part of a name", PKI_ID_FQDN, "example.net", 11, false},
		{"a name that a wildcard would cover", PKI_ID_FQDN, "a.example.org", 13, false},
		{"the wildcard itself", PKI_ID_FQDN, "*.example.org", 13, false},
		{"the common name is no name", PKI_ID_FQDN, "cn.example.net", 14, false},
		{"a mail address", PKI_ID_EMAIL, "Gw@example.NET", 14, true},
		{"its local part has case", PKI_ID_EMAIL, "gw@example.net", 14, false},
		{"a mail address as a name", PKI_ID_FQDN, "Gw@Example.net", 14, false},
		{"no mail address", PKI_ID_EMAIL, "Example.net", 11, false},
		{"IPv4", PKI_ID_IPV4, "\xc0\x00\x02\x01", 4, true},
		{"another IPv4", PKI_ID_IPV4, "\xc0\x00\x02\x02", 4, false},
		{"IPv6", PKI_ID_IPV6, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16, true},
		{"IPv6 that says it is IPv4", PKI_ID_IPV4,
			"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16, false},
		{"a key ID", 11, "gw.example.net", 14, false},
		{"nothing", PKI_ID_FQDN, "", 0, false},
	};
	struct world *w = *state;
	struct forge_ca end =
		forge_make_leaf("C=US,O=example,CN=cn.example.net", &w->ca[ROOT], san);
	struct forge_cert other = {.subject = "C=US,O=EXAMPLE,CN=cn.example.net"};
	struct forge_ca same_dn = forge_issue(&other, NULL);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (identity_is_backed(end.cert, cases[i].type, view_of(cases[i].id, cases[i].n)) !=
			cases[i].want)
			fail_msg("%s", cases[i].name);
	assert_true(identity_is_backed(end.cert, PKI_ID_DN, end.cert->subject));
	assert_true(identity_is_backed(end.cert, PKI_ID_DN, same_dn.cert->subject));
	assert_false(identity_is_backed(end.cert, PKI_ID_DN, end.cert->issuer));
	forge_ca_free(&same_dn);
	forge_ca_free(&end);
}

struct peer {
	struct forge_ca end;
	struct view certs[CERT_CHAIN_MAX + 1];
	struct blob signature;
	struct pki_trust_ask ask;
};

static void peer_init(struct peer *p, const struct world *w)
{
	*p = (struct peer){.end = forge_make_leaf("CN=Host-B", &w->ca[SALES], "DNS:b.example.net")};
	p->certs[0] = p->end.cert->der;
	p->certs[1] = w->ca[SALES].cert->der;
	p->signature = forge_sign(p->end.key, "SHA256", view_of_literal("octets"));
	p->ask = (struct pki_trust_ask){.terms = {.at_s = FORGE_NOW},
		.certs = p->certs,
		.n_certs = 2,
		.id_type = PKI_ID_FQDN,
		.id = view_of_literal("b.example.net"),
		.alg = {.scheme = SIGN_ECDSA_SHA256},
		.octets = view_of_literal("octets"),
		.signature = blob_view(&p->signature)};
}

static void peer_fini(struct peer *p)
{
	forge_ca_free(&p->end);
	blob_fini(&p->signature);
}

static void expect(
	const struct world *w, const struct peer *p, const char *name, int rc, const char *reason)
{
	auto_crypto crypto = NULL;
	struct pki_trust t;

	assert_int_equal(crypto_new(&crypto), 0);
	pki_trust_check(w->store, NULL, crypto, &p->ask, &t);
	if (t.rc != rc || (rc < 0 && !strstr(t.reason, reason)))
		fail_msg("%s: %d %s", name, t.rc, t.reason);
	assert_int_equal(t.path.n, rc == 0 ? 3 : 0);
	pki_trust_fini(&t);
}

static void trust_takes_everything(void **state)
{
	struct world *w = *state;
	struct peer p;

	world_trust(w, ROOT, ENG, DEV, -1);
	peer_init(&p, w);
	expect(w, &p, "a good peer", 0, NULL);
	p.ask.octets = view_of_literal("Octets");
	expect(w, &p, "other octets", -ERR_AUTH, "certificate of CN=Host-B: its signature (ecdsa");
	p.ask.octets = view_of_literal("octets");
	p.ask.alg.scheme = SIGN_RSA_SHA256;
	expect(w, &p, "a scheme of another key", -ERR_AUTH, "signature (rsa-sha256)");
	p.ask.alg.scheme = SIGN_ECDSA_SHA256;
	p.ask.id = view_of_literal("a.example.net");
	expect(w, &p, "somebody else's name", -ERR_AUTH,
		"certificate of CN=Host-B: its identity is not in the certificate (RFC 4945 3.1)");
	p.ask.id = view_of_literal("b.example.net");
	p.ask.n_certs = 1;
	expect(w, &p, "without its CA", -ERR_AUTH,
		"certificate of CN=Host-B, issued by C=US, O=example, CN=Sales-CA: no trusted CA "
		"is above it");
	p.ask.n_certs = 0;
	expect(w, &p, "nothing sent", -ERR_AUTH, "no certificate was sent");
	p.ask.n_certs = CERT_CHAIN_MAX + 1;
	expect(w, &p, "too many", -ERR_LIMIT, "more than 10");
	p.ask.n_certs = 2;
	p.certs[1] = view_of_literal("\x30\x03rot");
	expect(w, &p, "rubbish", -ERR_SYNTAX, "cannot be read");
	peer_fini(&p);
}

static void trust_reads_pkcs7(void **state)
{
	struct world *w = *state;
	struct peer p;
	const struct cert *v[2];
	auto_blob p7 = {0};

	world_trust(w, ROOT, -1);
	peer_init(&p, w);
	v[0] = p.end.cert;
	v[1] = w->ca[SALES].cert;
	p7 = forge_pkcs7_der(v, 2);
	p.certs[0] = blob_view(&p7);
	p.ask.n_certs = 1;
	p.ask.pkcs7 = true;
	expect(w, &p, "both in one", 0, NULL);
	p.certs[0].n--;
	expect(w, &p, "cut", -ERR_SYNTAX, "cannot be read");
	peer_fini(&p);
}

/* A peer that comes again costs one check of one signature. */
static void trust_remembers(void **state)
{
	struct world *w = *state;
	auto_crypto crypto = NULL;
	struct pki_cache *cache;
	struct pki_trust t;
	struct peer p;

	world_trust(w, ROOT, -1);
	peer_init(&p, w);
	assert_int_equal(crypto_new(&crypto), 0);
	assert_int_equal(pki_cache_new(16, &cache), 0);
	for (int i = 0; i < 3; i++) {
		pki_trust_check(w->store, cache, crypto, &p.ask, &t);
		assert_int_equal(t.rc, 0);
		pki_trust_fini(&t);
	}
	assert_int_equal(pki_cache_stats(cache).certs_read, 2);
	assert_int_equal(pki_cache_stats(cache).paths_built, 1);
	p.ask.octets = view_of_literal("other");
	pki_trust_check(w->store, cache, crypto, &p.ask, &t);
	assert_int_equal(t.rc, -ERR_AUTH);
	pki_trust_fini(&t);
	pki_cache_free(cache);
	peer_fini(&p);
}

/* A refusal names the certificate that is to blame, not only the peer's. */
static void trust_says_which_certificate(void **state)
{
	const struct forge_cert old = {.subject = "CN=Old Sub",
		.not_after = -60,
		.ext = {{"basicConstraints", "critical,CA:TRUE"},
			{"keyUsage", "critical,keyCertSign,cRLSign"}}};
	struct world *w = *state;
	struct forge_ca sub, lost;
	struct peer p;

	world_trust(w, ROOT, -1);
	peer_init(&p, w);
	sub = forge_issue(&old, &w->ca[ROOT]);
	forge_ca_free(&p.end);
	p.end = forge_make_leaf("CN=a\" reason=\"none", &sub, "DNS:b.example.net");
	p.certs[0] = p.end.cert->der;
	p.certs[1] = sub.cert->der;
	expect(w, &p, "an expired CA", -ERR_AUTH,
		"certificate of CN=a\\\" reason\\=\\\"none: a certificate of the chain has "
		"expired: that of CN=Old Sub, issued by C=US, O=example, CN=Root");
	lost = forge_make_ca("CN=Lost", &w->ca[STRANGER], -1);
	forge_ca_free(&p.end);
	p.end = forge_make_leaf("CN=Host-B", &lost, "DNS:b.example.net");
	p.certs[0] = p.end.cert->der;
	p.certs[1] = lost.cert->der;
	expect(w, &p, "a chain that leads elsewhere", -ERR_AUTH,
		"certificate of CN=Host-B: no trusted CA is above it: that of CN=Lost, issued by");
	forge_ca_free(&lost);
	forge_ca_free(&sub);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_table),
		cmocka_unit_test(trust_takes_everything),
		cmocka_unit_test(trust_says_which_certificate),
		cmocka_unit_test(trust_reads_pkcs7),
		cmocka_unit_test(trust_remembers),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
