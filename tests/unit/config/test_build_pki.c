#include "config_test.h"

#include "config/diff.h"
#include "config/value.h"

/* Each case adds or deletes a few lines. */
static const char base[] =
	TEST_TUNNEL "set security pki ca-profile Root ca-identity CA-Root\n"
		    "set security pki ca-profile Eng ca-identity CA-Eng\n"
		    "set security pki trusted-ca-group G ca-profiles [ Root Eng ]\n"
		    "set security ike proposal p authentication-method digital-signature\n"
		    "set security ike policy pol certificate local-certificate Host-A\n";

#define CA   "set security pki ca-profile Root "
#define CERT "set security ike policy pol certificate "
#define TEN(x)                                                                                     \
	"ca-identity " x "\nset security pki ca-profile " x "1 ca-identity i\n"                    \
	"set security pki ca-profile " x "2 ca-identity i\n"                                       \
	"set security pki ca-profile " x "3 ca-identity i\n"                                       \
	"set security pki ca-profile " x "4 ca-identity i\n"                                       \
	"set security pki ca-profile " x "5 ca-identity i\n"                                       \
	"set security pki ca-profile " x "6 ca-identity i\n"                                       \
	"set security pki ca-profile " x "7 ca-identity i\n"                                       \
	"set security pki ca-profile " x "8 ca-identity i\n"                                       \
	"set security pki ca-profile " x "9 ca-identity i\n"
#define NAMES(x) x " " x "1 " x "2 " x "3 " x "4 " x "5 " x "6 " x "7 " x "8 " x "9 "
#define TWENTY                                                                                     \
	"set security pki ca-profile A " TEN("A") "set security pki ca-profile B " TEN(            \
		"B") "set security pki trusted-ca-group T ca-profiles [ " NAMES("A")               \
		NAMES("B") "]\n"

static const struct check cases[] = {
	{"a warning of nobody's end", "set security pki trap ca-identity CA-X days 10",
		"'ca-identity CA-X'\n    warning: no CA profile has this 'ca-identity'\n", true},
	{"a warning too early", "set security pki trap all-certificates days 101",
		"value 101 is not within range (1..100)", false},
	{"a device that cannot be", CA "routing-instance management-network",
		"'routing-instance management-network'\n    names a device of the kernel: at most "
		"15 characters\n",
		false},
	{"a CA without a name (PKI-001)",
		"set security pki ca-profile X administrator "
		"email-address a@example.net",
		"[edit security pki]\n  'ca-profile X'\n    missing mandatory statement: "
		"'ca-identity'\n",
		false},
	{"a profile's name is too long (PKI-001)",
		"set security pki ca-profile abcdefghijklmnopqrstuvwxyz0123456 ca-identity i",
		"must be 1 to 32 characters long, is 33", false},
	{"a name that is no file", "set security pki ca-profile ../x ca-identity i",
		"'ca-profile ../x'\n    names a file: no '/' and no dot at the beginning\n", false},
	{"a certificate's name that is no file", CERT "local-certificate ../../etc/x",
		"[edit security ike policy pol certificate]\n  'local-certificate ../../etc/x'\n"
		"    names a file: no '/' and no dot at the beginning\n",
		false},
	{"retries", CA "enrollment retry 1081", "value 1081 is not within range (0..1080)", false},
	{"time between", CA "enrollment retry-interval 3601",
		"value 3601 is not within range (0..3600)", false},
	{"enrolment is for later", CA "enrollment url http://ca.example.net/scep",
		"[edit security pki ca-profile Root enrollment]\n  'url "
		"http://ca.example.net/scep'\n    warning: has no effect in this release\n",
		true},
	{"two methods", CA "revocation-check use-crl use-ocsp",
		"[edit security pki ca-profile Root]\n  'revocation-check'\n    only one of "
		"use-crl, use-ocsp, disable\n",
		false},
	{"OCSP that is not used", CA "revocation-check ocsp accept-unknown-status",
		"'ocsp'\n    warning: counts with 'use-ocsp' only\n", true},
	{"a list that is not asked", CA "revocation-check disable crl refresh-interval 4",
		"'crl'\n    warning: does not count: revocation is not checked\n", true},
	{"a list by ftp", CA "revocation-check crl url ftp://x/y",
		"[edit security pki ca-profile Root revocation-check crl]\n  'url ftp://x/y'\n"
		"    must begin with http:// or ldap://\n",
		false},
	{"a responder by ldap", CA "revocation-check use-ocsp ocsp url ldap://x/y",
		"'url ldap://x/y'\n    must begin with http://\n", false},
	{"hours (PKI-012)", CA "revocation-check crl refresh-interval 8785",
		"value 8785 is not within range (0..8784)", false},
	{"a group without members", "set security pki trusted-ca-group H",
		"'trusted-ca-group H'\n    missing mandatory statement: 'ca-profiles'\n", false},
	{"a group of nobody (CFG-005)", "set security pki trusted-ca-group G ca-profiles Nobody",
		"[edit security pki trusted-ca-group G]\n  'ca-profiles Nobody'\n    CA profile "
		"'Nobody' is not defined\n",
		false},
	{"21 in a group (PKI-006)", TWENTY "set security pki trusted-ca-group T ca-profiles Root",
		"[edit security pki trusted-ca-group T]\n  'ca-profiles Root'\n    at most 20 CA "
		"profiles in a group\n",
		false},
	{"a CA that is not there (CFG-005)", CERT "trusted-ca ca-profile Nobody",
		"[edit security ike policy pol certificate trusted-ca]\n  'ca-profile Nobody'\n"
		"    CA profile 'Nobody' is not defined\n",
		false},
	{"a group that is not there (CFG-005)", CERT "trusted-ca trusted-ca-group N",
		"trusted CA group 'N' is not defined\n", false},
	{"profile and group", CERT "trusted-ca ca-profile Root trusted-ca-group G",
		"[edit security ike policy pol certificate]\n  'trusted-ca'\n    only one of "
		"ca-profile, trusted-ca-group, use-all, ca-index\n",
		false},
	{"all and one", CERT "trusted-ca use-all ca-index 1", "    only one of ca-profile,", false},
	{"the third of two", CERT "trusted-ca ca-index 3",
		"'ca-index 3'\n    there are 2 CA "
		"profiles\n",
		false},
	{"the zeroth", CERT "trusted-ca ca-index 0", "there are 2 CA profiles\n", false},
	{"six policies (PKI-008)", CERT "policy-oids [ 1.1 1.2 1.3 1.4 1.5 1.6 ]",
		"'policy-oids 1.6'\n    at most 5 policy OIDs\n", false},
	{"a policy in words", CERT "policy-oids gold",
		"'policy-oids gold'\n    'gold' is not an object identifier (1.3.6.1...)\n", false},
	{"no certificate (PKI-007)", "delete security ike policy pol certificate",
		"[edit security ike]\n  'policy pol'\n    its proposals authenticate with "
		"certificates: 'certificate local-certificate' is missing\n",
		false},
	{"no CA at all", "delete security pki",
		"'policy pol'\n    warning: no 'security pki ca-profile' is configured: no peer "
		"can be trusted\n",
		true},
	{"two methods in a policy (V2-012)",
		"set security ike proposal q dh-group group19 encryption-algorithm aes-128-gcm\n"
		"set security ike proposal q authentication-method rsa-signatures\n"
		"set security ike policy pol proposals q",
		"[edit security ike policy pol]\n  'proposals [ p q ]'\n    all proposals of a "
		"policy need the same authentication-method\n",
		false},
	{"a hash that nobody asks for",
		"set security ike proposal p authentication-method rsa-signatures\n"
		"set security ike proposal p signature-hash-algorithm sha256",
		"'signature-hash-algorithm sha256'\n    warning: counts with "
		"'authentication-method digital-signature' only\n",
		true},
	{"a subject without certificate",
		"set security ike proposal p authentication-method pre-shared-keys\n"
		"set security ike policy pol pre-shared-key ascii-text long-enough-key\n"
		"delete security ike policy pol certificate\n"
		"set security ike gateway g local-identity distinguished-name",
		"[edit security ike gateway g local-identity]\n  'distinguished-name'\n    policy "
		"'pol' has no 'certificate local-certificate' to take it from\n",
		false},
};

static void pki_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		test_check(base, "", CONFIG_STANDALONE, &cases[i]);
}

static struct model *with(const char *lines)
{
	char text[8192];

	(void)snprintf(text, sizeof text, "%s%s", base, lines);
	return test_model(text, CONFIG_STANDALONE);
}

static void pki_twenty_in_a_group(void **state)
{
	auto_model m = with(TWENTY);

	(void)state;
	assert_int_equal(model_ca_group(m, "T")->n_profiles, 20);
}

static void pki_profile_is_read(void **state)
{
	auto_model m =
		with(CA "revocation-check use-ocsp ocsp url http://o.example.net/\n" CA
			"revocation-check ocsp nonce-payload disable accept-unknown-status\n" CA
			"revocation-check ocsp connection-failure fallback-crl\n" CA
			"revocation-check crl url \"ldap://l.example.net/cn=a\" password pw\n" CA
			"revocation-check crl url http://h.example.net/c\n" CA
			"revocation-check crl refresh-interval 24\n" CA
			"revocation-check crl disable on-download-failure\n"
			"set security pki allow-local-fetch\n" CA
			"source-address 192.0.2.1 routing-instance mgmt\n");
	const struct model_ca_profile *p = model_ca_profile(m, "Root"),
				      *eng = model_ca_profile(m, "Eng");

	(void)state;
	assert_true(m->allow_local_fetch);
	assert_string_equal(p->identity, "CA-Root");
	assert_string_equal(p->source, "192.0.2.1");
	assert_string_equal(p->instance, "mgmt");
	assert_null(eng->source);
	assert_int_equal(p->revocation, MODEL_REVOCATION_OCSP);
	assert_int_equal(p->n_crl_urls, 2);
	assert_string_equal(p->crl_urls[0].password, "pw");
	assert_null(p->crl_urls[1].password);
	assert_int_equal(p->refresh_h, 24);
	assert_true(p->skip_on_download_failure);
	assert_string_equal(p->ocsp.urls[0].url, "http://o.example.net/");
	assert_false(p->ocsp.nonce);
	assert_true(p->ocsp.accept_unknown);
	assert_true(p->ocsp.responder_revocation_check);
	assert_int_equal(p->ocsp.on_failure, MODEL_OCSP_FALLBACK_CRL);
	/* What nobody said. */
	assert_int_equal(eng->revocation, MODEL_REVOCATION_CRL);
	assert_true(eng->ocsp.nonce && eng->ocsp.responder_revocation_check);
	assert_int_equal(eng->ocsp.on_failure, MODEL_OCSP_REFUSE);
	assert_null(model_ca_profile(m, "Nobody"));
}

/* Who is warned of when: by name, by ca-identity, or all alike. */
static void pki_warns_in_time(void **state)
{
	auto_model m = with("set security pki trap certificate-id Host-A days 7\n"
			    "set security pki trap ca-identity CA-Root days 100\n"
			    "set security pki trap certificate-id Host-B\n");
	auto_model all = with("set security pki trap all-certificates days 30\n");

	(void)state;
	assert_int_equal(model_expiry_days(m, false, "Host-A"), 7);
	assert_int_equal(model_expiry_days(m, false, "Host-B"), 60);
	assert_int_equal(model_expiry_days(m, true, "CA-Root"), 100);
	assert_int_equal(model_expiry_days(m, true, "Host-A"), 60);
	assert_int_equal(model_expiry_days(m, true, "CA-Eng"), 60);
	assert_int_equal(model_expiry_days(all, true, "CA-Eng"), 30);
	assert_int_equal(model_expiry_days(all, false, "x"), 30);
}

/* PKI-005: tied to one, to a group, or to none. */
static void pki_policy_trusts(void **state)
{
	static const struct {
		const char *lines, *names;
		bool all;
	} rows[] = {{"", "Eng Root ", true}, {CERT "trusted-ca use-all\n", "Eng Root ", true},
		{CERT "trusted-ca ca-profile Root\n", "Root ", false},
		{CERT "trusted-ca ca-index 1\n", "Eng ", false},
		{CERT "trusted-ca trusted-ca-group G\n", "Root Eng ", false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_model m = with(rows[i].lines);
		const struct model_ike_policy *p = model_ike_policy(m, "pol");
		char names[64] = "";
		size_t at = 0;

		for (uint32_t k = 0; k < p->n_trusted_cas; k++)
			at += (size_t)snprintf(
				names + at, sizeof names - at, "%s ", p->trusted_cas[k]->name);
		assert_string_equal(names, rows[i].names);
		assert_int_equal(p->use_all, rows[i].all);
		assert_string_equal(p->local_certificate, "Host-A");
		assert_int_equal(p->proposals[0].signature_hashes,
			MODEL_HASH_SHA256 | MODEL_HASH_SHA384 | MODEL_HASH_SHA512);
	}
}

static void pki_policy_wants(void **state)
{
	auto_model m = with(CERT "peer-certificate-type pkcs7\n" CERT
				 "policy-oids [ 1.3.6.1.4.1.99999.1 2.5.29.32.0 ]\n");
	const struct model_ike_policy *p = model_ike_policy(m, "pol");

	(void)state;
	assert_true(p->peer_cert_pkcs7);
	assert_int_equal(p->n_policy_oids, 2);
	assert_string_equal(p->policy_oids[0], "1.3.6.1.4.1.99999.1");
}

/* A CA that a policy trusts reaches its gateway: what is negotiated from now on. */
static void pki_trust_is_for_new_sas(void **state)
{
	static const struct {
		const char *was, *is;
		bool gateway;
	} rows[] = {{"", CA "revocation-check disable\n", true},
		{CERT "trusted-ca ca-profile Eng\n",
			CERT "trusted-ca ca-profile Eng\n" CA "revocation-check disable\n", false},
		{"", CERT "trusted-ca ca-profile Eng\n", true},
		{"", "set security pki ca-profile New ca-identity n\n", true},
		{"", CERT "local-certificate Host-B\n", true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_model a = with(rows[i].was);
		auto_model b = with(rows[i].is);
		struct diff d = {0};
		bool gateway = false;

		assert_int_equal(diff_models(a, b, &d), 0);
		assert_int_equal(d.reload, RELOAD_NEW);
		for (uint32_t k = 0; k < d.n; k++)
			gateway = gateway || d.v[k].kind == DIFF_GATEWAY;
		assert_int_equal(gateway, rows[i].gateway);
		diff_fini(&d);
	}
}

static void pki_values(void **state)
{
	static const struct {
		const char *text;
		bool oid, file;
	} rows[] = {{"1.2", true, true}, {"2.5.29.32.0", true, true}, {"1", false, true},
		{"3.1", false, true}, {"10.1", false, true}, {"1..2", false, true},
		{"1.2.", false, true}, {"1.02", false, true}, {"", false, false},
		{"a/b", false, false}, {"..", false, false}, {".a", false, false},
		{"Host-A_1", false, true}, {"1.2.9999999999", false, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (value_is_oid(rows[i].text) != rows[i].oid ||
			value_is_file(rows[i].text) != rows[i].file)
			fail_msg("%s", rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pki_table),
		cmocka_unit_test(pki_twenty_in_a_group),
		cmocka_unit_test(pki_profile_is_read),
		cmocka_unit_test(pki_warns_in_time),
		cmocka_unit_test(pki_policy_trusts),
		cmocka_unit_test(pki_policy_wants),
		cmocka_unit_test(pki_trust_is_for_new_sas),
		cmocka_unit_test(pki_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
