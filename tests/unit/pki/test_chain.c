/* PKI-002 to PKI-005, PKI-008, RFC-011. Twin of: chain.c store.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "pki/chain.h"
#include "world.h"

struct attempt {
	int rc;
	size_t n;
	const char *why;
	struct cert *top; /* of the world: not a reference */
};

/* The end entity, then what came with it. */
static struct attempt build(const struct world *w, const struct chain_terms *t, struct cert *end,
	struct cert *const *more, size_t n)
{
	const struct cert *v[CERT_CHAIN_MAX + 2] = {end};
	struct chain_terms terms = t ? *t : (struct chain_terms){0};
	struct attempt a = {0};
	struct path path = {0};

	if (terms.at_s == 0)
		terms.at_s = FORGE_NOW;
	for (size_t i = 0; i < n; i++)
		v[i + 1] = more[i];
	a.rc = chain_build(w->store, NULL, (struct path_set){v, n + 1}, &terms, &path, &a.why);
	a.n = path.n;
	a.top = path.n != 0 ? path.certs[path.n - 1] : NULL;
	path_fini(&path);
	return a;
}

static void expect_good(const char *name, struct attempt a, size_t n, const struct cert *top)
{
	if (a.rc != 0)
		fail_msg("%s: refused: %s", name, a.why);
	if (a.n != n || a.top != top)
		fail_msg("%s: another path of %zu", name, a.n);
}

static void expect_refused(const char *name, struct attempt a, const char *why)
{
	if (a.rc == 0)
		fail_msg("%s: accepted", name);
	if (!strstr(a.why, why))
		fail_msg("%s: refused because %s", name, a.why);
}

static void chain_of_the_documents(void **state)
{
	struct world *w = *state;
	struct forge_ca a = forge_make_leaf("CN=Host-A", &w->ca[DEV], NULL);
	struct forge_ca b = forge_make_leaf("CN=Host-B", &w->ca[SALES], NULL);
	struct cert *with_a[] = {w->ca[DEV].cert, w->ca[ENG].cert};
	struct cert *with_b[] = {w->ca[SALES].cert};

	/* Host-A holds Root, Eng and Dev; Host-B holds Root and Sales (PKI-004). */
	world_trust(w, ROOT, ENG, DEV, -1);
	expect_good("B at A", build(w, NULL, b.cert, with_b, 1), 3, w->ca[ROOT].cert);
	expect_refused("B at A without its CA", build(w, NULL, b.cert, NULL, 0), "no trusted CA");
	world_trust(w, ROOT, SALES, -1);
	expect_good("A at B", build(w, NULL, a.cert, with_a, 2), 4, w->ca[ROOT].cert);
	expect_good("B at B, nothing sent", build(w, NULL, b.cert, NULL, 0), 3, w->ca[ROOT].cert);
	/* An anchor need not be a root (PKI-002). */
	world_trust(w, ENG, -1);
	expect_good("A below Eng", build(w, NULL, a.cert, with_a, 1), 3, w->ca[ENG].cert);
	expect_refused("B below Eng", build(w, NULL, b.cert, with_b, 1), "no trusted CA");
	forge_ca_free(&a);
	forge_ca_free(&b);
}

static void chain_ends_where_the_policy_is_tied(void **state)
{
	struct world *w = *state;
	struct forge_ca a = forge_make_leaf("CN=Host-A", &w->ca[DEV], NULL);
	const char *root[] = {"Root"}, *dev[] = {"Dev"}, *other[] = {"Stranger"};
	const char *group[] = {"Stranger", "Dev"};
	struct chain_terms t = {.cas = root, .n_cas = 1};

	world_trust(w, ROOT, ENG, DEV, STRANGER, -1);
	expect_good("any", build(w, NULL, a.cert, NULL, 0), 4, w->ca[ROOT].cert);
	expect_good("root, CAs of other profiles between", build(w, &t, a.cert, NULL, 0), 4,
		w->ca[ROOT].cert);
	t.cas = dev;
	expect_good("dev", build(w, &t, a.cert, NULL, 0), 2, w->ca[DEV].cert);
	t.cas = other;
	expect_refused("another root", build(w, &t, a.cert, NULL, 0), "root is not trusted");
	t = (struct chain_terms){.cas = group, .n_cas = 2};
	expect_good("group", build(w, &t, a.cert, NULL, 0), 2, w->ca[DEV].cert);
	world_trust(w, -1);
	world_profile(w, "Empty", NULL);
	expect_refused("no certificate loaded", build(w, NULL, a.cert, NULL, 0), "no trusted CA");
	forge_ca_free(&a);
}

/* PKI-003: 10 pass, 11 do not. */
static void chain_of_ten_passes_and_of_eleven_not(void **state)
{
	struct world *w = *state;
	struct forge_ca v[CERT_CHAIN_MAX + 1];
	struct cert *sent[CERT_CHAIN_MAX + 1];
	struct forge_ca ten, eleven;

	v[0] = forge_make_ca("CN=CA 0", NULL, -1);
	for (int i = 1; i <= 9; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "CN=CA %d", i);
		v[i] = forge_make_ca(name, &v[i - 1], -1);
	}
	ten = forge_make_leaf("CN=ten", &v[8], NULL);
	eleven = forge_make_leaf("CN=eleven", &v[9], NULL);
	world_trust(w, -1);
	world_profile(w, "Top", v[0].cert);
	for (int i = 0; i < 9; i++)
		sent[i] = v[9 - i].cert;
	expect_good("10", build(w, NULL, ten.cert, sent + 1, 8), 10, v[0].cert);
	expect_refused(
		"11, the root not sent", build(w, NULL, eleven.cert, sent, 9), "longer than 10");
	sent[9] = v[0].cert;
	expect_refused("11 sent", build(w, NULL, eleven.cert, sent, 10), "longer than 10");
	for (int i = 0; i <= 9; i++)
		forge_ca_free(&v[i]);
	forge_ca_free(&ten);
	forge_ca_free(&eleven);
}

/* One CA between, one end entity; each case says what is special about them. */
static const struct {
	const char *name;
	struct forge_cert ca, end;
	const char *why; /* NULL: good */
} rules[] = {

#define CA                                                                                         \
	{                                                                                          \
		"basicConstraints", "critical,CA:TRUE"                                             \
	}
#define SIGNS                                                                                      \
	{                                                                                          \
		"keyUsage", "critical,keyCertSign,cRLSign"                                         \
	}
	{"ordinary", {.ext = {CA, SIGNS}}, {.ext = {}}, NULL},
	{"end entity expired", {.ext = {CA, SIGNS}}, {.not_before = -7200, .not_after = -1},
		"has expired"},
	{"end entity not valid yet", {.ext = {CA, SIGNS}}, {.not_before = 60}, "not valid yet"},
	{"CA expired", {.not_before = -7200, .not_after = -1, .ext = {CA, SIGNS}}, {.ext = {}},
		"has expired"},
	{"no CA", {.ext = {{"basicConstraints", "critical,CA:FALSE"}}}, {.ext = {}}, "is no CA"},
	{"a CA by key usage only", {.ext = {SIGNS}}, {.ext = {}}, "is no CA"},
	{"a CA of version 1", {.version1 = true}, {.ext = {}}, "is no CA"},
	{"CA may sign CRLs only", {.ext = {CA, {"keyUsage", "critical,cRLSign"}}}, {.ext = {}},
		"is no CA, or not for certificates"},
	{"signed with SHA-1", {.ext = {CA, SIGNS}}, {.digest = "SHA1"}, "weak kind"},
	{"CA signed with SHA-1", {.digest = "SHA1", .ext = {CA, SIGNS}}, {.ext = {}}, "weak kind"},
	{"RSA of 1024 bits", {.ext = {CA, SIGNS}}, {.key_type = FORGE_RSA1024}, "key is too small"},
	{"CA with RSA of 1024 bits", {.key_type = FORGE_RSA1024, .ext = {CA, SIGNS}}, {.ext = {}},
		"CA of the chain is too small"},
	{"a key of no kind we know", {.ext = {CA, SIGNS}}, {.key_type = FORGE_OTHER},
		"not supported"},
	{"usage without signatures", {.ext = {CA, SIGNS}},
		{.ext = {{"keyUsage", "critical,keyEncipherment"}}}, "key usage"},
	{"usage nonRepudiation", {.ext = {CA, SIGNS}},
		{.ext = {{"keyUsage", "critical,nonRepudiation"}}}, NULL},
	{"purpose of a web server", {.ext = {CA, SIGNS}},
		{.ext = {{"extendedKeyUsage", "serverAuth,clientAuth"}}}, "extended key usage"},
	{"purpose ipsecIKE among others", {.ext = {CA, SIGNS}},
		{.ext = {{"extendedKeyUsage", "serverAuth,1.3.6.1.5.5.7.3.17"}}}, NULL},
	{"any purpose", {.ext = {CA, SIGNS}},
		{.ext = {{"extendedKeyUsage", "critical,anyExtendedKeyUsage"}}}, NULL},
	{"critical and unknown", {.ext = {CA, SIGNS}},
		{.ext = {{"1.2.3.4.5", "critical,DER:05:00"}}}, "not known"},
	{"unknown, not critical", {.ext = {CA, SIGNS}}, {.ext = {{"1.2.3.4.5", "DER:05:00"}}},
		NULL},
	{"inside the permitted names",
		{.ext = {CA, SIGNS, {"nameConstraints", "critical,permitted;DNS:example.net"}}},
		{.ext = {{"subjectAltName", "DNS:gw.example.net"}}}, NULL},
	{"outside the permitted names",
		{.ext = {CA, SIGNS, {"nameConstraints", "critical,permitted;DNS:example.net"}}},
		{.ext = {{"subjectAltName", "DNS:gw.example.org"}}}, "outside"},
	{"an excluded address",
		{.ext = {CA, SIGNS,
			 {"nameConstraints", "critical,excluded;IP:192.0.2.0/255.255.255.0"}}},
		{.ext = {{"subjectAltName", "IP:192.0.2.77"}}}, "may not certify"},
	{"another address",
		{.ext = {CA, SIGNS,
			 {"nameConstraints", "critical,excluded;IP:192.0.2.0/255.255.255.0"}}},
		{.ext = {{"subjectAltName", "IP:198.51.100.77"}}}, NULL},
};

static void chain_rules_table(void **state)
{
	struct world *w = *state;

	world_trust(w, ROOT, -1);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct forge_cert fca = rules[i].ca, fend = rules[i].end;
		struct forge_ca ca, end;
		struct attempt a;

		fca.subject = "C=US,O=example,CN=Between";
		fend.subject = "C=US,O=example,CN=End";
		ca = forge_issue(&fca, &w->ca[ROOT]);
		end = forge_issue(&fend, &ca);
		a = build(w, NULL, end.cert, &ca.cert, 1);
		if (rules[i].why)
			expect_refused(rules[i].name, a, rules[i].why);
		else
			expect_good(rules[i].name, a, 3, w->ca[ROOT].cert);
		forge_ca_free(&end);
		forge_ca_free(&ca);
	}
}

/* That signatures are known to be right says nothing of the time, and nothing of other octets. */
static void chain_of_known_signatures_is_judged_anew(void **state)
{
	struct world *w = *state;
	struct forge_cert f = {.subject = "CN=Short",
		.not_before = -100,
		.not_after = 100,
		.ext = {{"basicConstraints", "critical,CA:TRUE"}}};
	struct forge_ca sub = forge_issue(&f, &w->ca[ROOT]);
	struct forge_ca end = forge_make_leaf("CN=Host-A", &sub, NULL);
	struct chain_terms t = {.at_s = FORGE_NOW};
	auto_blob octets = {0};
	auto_cert spoilt = NULL;
	struct cert *more[1] = {sub.cert};

	world_trust(w, ROOT, -1);
	for (int i = 0; i < 2; i++)
		expect_good("both", build(w, &t, end.cert, more, 1), 3, w->ca[ROOT].cert);
	for (int i = -1; i <= 1; i += 2) {
		t.at_s = FORGE_NOW + i * 100; /* RFC 5280 4.1.2.5: both ends included */
		expect_good("at the edge", build(w, &t, end.cert, more, 1), 3, w->ca[ROOT].cert);
	}
	t.at_s = FORGE_NOW + 101;
	expect_refused("later", build(w, &t, end.cert, more, 1), "has expired");
	t.at_s = FORGE_NOW - 101;
	expect_refused("earlier", build(w, &t, end.cert, more, 1), "not valid yet");
	t.at_s = FORGE_NOW;
	assert_int_equal(blob_copy(sub.cert->der, &octets), 0);
	octets.p[octets.n - 1] ^= 1;
	assert_int_equal(cert_parse(blob_view(&octets), &spoilt), 0);
	more[0] = spoilt;
	for (int i = 0; i < 2; i++)
		expect_refused("another", build(w, &t, end.cert, more, 1), "signature");
	forge_ca_free(&end);
	forge_ca_free(&sub);
}

static void chain_path_length_counts_what_is_below(void **state)
{
	struct world *w = *state;
	struct forge_ca top = forge_make_ca("CN=Top", NULL, 0);
	struct forge_ca sub = forge_make_ca("CN=Sub", &top, -1);
	struct forge_ca direct = forge_make_leaf("CN=direct", &top, NULL);
	struct forge_ca deep = forge_make_leaf("CN=deep", &sub, NULL);

	world_trust(w, -1);
	world_profile(w, "Top", top.cert);
	expect_good("directly below", build(w, NULL, direct.cert, NULL, 0), 2, top.cert);
	expect_refused(
		"one CA too many", build(w, NULL, deep.cert, &sub.cert, 1), "than it allows");
	forge_ca_free(&deep);
	forge_ca_free(&direct);
	forge_ca_free(&sub);
	forge_ca_free(&top);
}

static void chain_policies_hold_all_the_way(void **state)
{
	struct world *w = *state;
	struct forge_cert fca = {.subject = "CN=Policy CA",
		.ext = {CA, SIGNS, {"certificatePolicies", "1.2.3.4,1.2.3.5"}}};
	struct forge_cert fend = {
		.subject = "CN=end", .ext = {{"certificatePolicies", "1.2.3.4,1.2.3.9"}}};
	struct forge_cert fnone = {.subject = "CN=none"};
	struct forge_ca ca = forge_issue(&fca, &w->ca[ROOT]);
	struct forge_ca end = forge_issue(&fend, &ca), none = forge_issue(&fnone, &ca);
	const char *both[] = {"1.2.3.77", "1.2.3.4"}, *only_end[] = {"1.2.3.9"}, *bad[] = {"x.y"};
	struct chain_terms t = {.policies = both, .n_policies = 2};

	world_trust(w, ROOT, -1);
	expect_good("one of them", build(w, &t, end.cert, &ca.cert, 1), 3, w->ca[ROOT].cert);
	expect_refused("none in it", build(w, &t, none.cert, &ca.cert, 1), "policies");
	t = (struct chain_terms){.policies = only_end, .n_policies = 1};
	expect_refused("not of its CA", build(w, &t, end.cert, &ca.cert, 1), "policies");
	t.policies = bad;
	expect_refused("no OID", build(w, &t, end.cert, &ca.cert, 1), "OID");
	expect_good("nobody asks", build(w, NULL, none.cert, &ca.cert, 1), 3, w->ca[ROOT].cert);
	forge_ca_free(&end);
	forge_ca_free(&none);
	forge_ca_free(&ca);
}

/* The same question again is answered from memory: until it is another one, or another time. */
static void chain_is_built_once(void **state)
{
	struct world *w = *state;
	struct forge_ca end = forge_make_leaf("CN=Host-A", &w->ca[DEV], NULL);
	const struct cert *v[] = {end.cert};
	const char *root[] = {"Root"}, *why;
	struct chain_terms t = {.at_s = FORGE_NOW};
	struct pki_cache *cache;
	struct path p = {0};

	assert_int_equal(pki_cache_new(4, &cache), 0);
	world_trust(w, ROOT, ENG, DEV, -1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			chain_build(w->store, cache, (struct path_set){v, 1}, &t, &p, &why), 0);
		assert_int_equal(p.n, 4);
		path_fini(&p);
	}
	assert_int_equal(pki_cache_stats(cache).paths_built, 1);
	assert_int_equal(pki_cache_stats(cache).paths_known, 2);
	t.cas = root;
	t.n_cas = 1;
	assert_int_equal(chain_build(w->store, cache, (struct path_set){v, 1}, &t, &p, &why), 0);
	path_fini(&p);
	assert_int_equal(pki_cache_stats(cache).paths_built, 2);
	t.at_s += INT64_C(400) * 86400;
	assert_true(chain_build(w->store, cache, (struct path_set){v, 1}, &t, &p, &why) < 0);
	/* Another snapshot: Root is not trusted any more. */
	t = (struct chain_terms){.at_s = FORGE_NOW};
	world_trust(w, SALES, -1);
	assert_true(chain_build(w->store, cache, (struct path_set){v, 1}, &t, &p, &why) < 0);
	pki_cache_free(cache);
	forge_ca_free(&end);
}

static void cache_is_bounded_and_drops_the_oldest(void **state)
{
	struct forge_ca ca[3];
	struct pki_cache *cache;
	struct cert *c;

	(void)state;
	assert_int_equal(pki_cache_new(2, &cache), 0);
	for (int i = 0; i < 3; i++)
		ca[i] = forge_make_ca("CN=x", NULL, -1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pki_cache_cert(cache, ca[i].cert->der, &c), 0);
		cert_unref(c);
	}
	assert_int_equal(pki_cache_cert(cache, ca[0].cert->der, &c), 0); /* used: 1 is oldest now */
	cert_unref(c);
	assert_int_equal(pki_cache_cert(cache, ca[2].cert->der, &c), 0);
	cert_unref(c);
	assert_int_equal(pki_cache_stats(cache).certs_known, 1);
	assert_int_equal(pki_cache_cert(cache, ca[0].cert->der, &c), 0);
	cert_unref(c);
	assert_int_equal(pki_cache_stats(cache).certs_known, 2);
	assert_int_equal(pki_cache_cert(cache, ca[1].cert->der, &c), 0);
	cert_unref(c);
	assert_int_equal(pki_cache_stats(cache).certs_known, 2);
	assert_int_equal(pki_cache_cert(cache, view_of_literal("\x30\x00"), &c), -ERR_SYNTAX);
	for (int i = 0; i < 3; i++)
		forge_ca_free(&ca[i]);
	pki_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_of_the_documents),
		cmocka_unit_test(chain_ends_where_the_policy_is_tied),
		cmocka_unit_test(chain_of_ten_passes_and_of_eleven_not),
		cmocka_unit_test(chain_rules_table),
		cmocka_unit_test(chain_of_known_signatures_is_judged_anew),
		cmocka_unit_test(chain_path_length_counts_what_is_below),
		cmocka_unit_test(chain_policies_hold_all_the_way),
		cmocka_unit_test(chain_is_built_once),
		cmocka_unit_test(cache_is_bounded_and_drops_the_oldest),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
