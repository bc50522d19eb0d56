/* What is refused for FIPS, and what is written of gateways in vain. */
#include "config_test.h"

#include <stdlib.h>
#include <unistd.h>

/* Each case adds or deletes a few lines. */
static const char base[] = TEST_TUNNEL TEST_PSK;

#define GW     "set security ike gateway g "
#define POL    "set security ike policy pol "
#define VPN    "set security ipsec vpn v "
#define AT_GW  "[edit security ike gateway g]\n  "
#define AT_POL "[edit security ike policy pol]\n  "

static const struct check cases[] = {
	{"FIPS and a set (ALG-012)",
		"set system fips level 1\ndelete security ike policy pol proposals\n" POL
		"proposal-set standard",
		AT_POL
		"'proposal-set standard'\n    'standard' is not allowed with 'system fips'\n",
		false},
	{"FIPS and MD5 (ALG-012)",
		"set system fips level 1\nset security ike proposal p authentication-algorithm md5",
		"'authentication-algorithm md5'\n    'md5' is not allowed with 'system fips'\n",
		false},
	{"FIPS and DES (ALG-012)",
		"set system fips level 2\nset security ipsec proposal d encryption-algorithm "
		"des-cbc "
		"authentication-algorithm hmac-sha1-96",
		"'encryption-algorithm des-cbc'\n    'des-cbc' is not allowed with 'system fips'\n",
		false},
	{"FIPS and AH (ALG-012)",
		"set system fips level 1\nset security ipsec proposal d protocol ah "
		"authentication-algorithm hmac-sha-256-128",
		"'protocol ah'\n    'ah' is not allowed with 'system fips'\n", false},
	{"FIPS and PFS with group 2 (ALG-012)",
		"set system fips level 1\nset security ipsec policy epol perfect-forward-secrecy "
		"keys group2",
		"'keys group2'\n    'group2' is not allowed with 'system fips'\n", false},
	{"FIPS and a group that nobody wrote (ALG-012)",
		"set system fips level 1\nset security ike proposal q encryption-algorithm "
		"aes-128-cbc",
		"[edit security ike]\n  'proposal q'\n    without 'dh-group' it is 'group2', which "
		"is "
		"not allowed with 'system fips'\n",
		false},
	{"no FIPS (ALG-012)",
		"set system fips level 0\nset security ipsec proposal d protocol ah "
		"authentication-algorithm hmac-md5-96",
		"'authentication-algorithm hmac-md5-96'\n    warning: this hash is weak\n", true},
	{"selectors and a bind-interface that is not there",
		VPN "bind-interface st0.9\n" VPN
		    "traffic-selector t local-ip 10.0.0.0/8 remote-ip 10.0.0.0/8",
		"    interface unit 'st0.9' is not configured\nerror: configuration check-out "
		"failed\n",
		false},
	{"a certificate beside a key", POL "certificate local-certificate c",
		AT_POL
		"'certificate'\n    warning: does not count: the proposals authenticate with "
		"pre-shared keys\n",
		true},
	{"a key beside a certificate",
		"set security ike proposal p authentication-method rsa-signatures\n"
		"set security pki ca-profile R ca-identity R\n" POL
		"certificate local-certificate c",
		AT_POL "'pre-shared-key'\n    warning: does not count: the proposals authenticate "
		       "with certificates\n",
		true},
	{"two names for one peer",
		"delete security ike gateway g address\n" GW "dynamic hostname a.example\n" GW
		"remote-identity hostname b.example",
		"'hostname a.example'\n    warning: does not count: 'remote-identity' says who may "
		"come\n",
		true},
	{"a dynamic gateway for nobody",
		"delete security ike gateway g address\n" GW "dynamic ike-user-type group-ike-id",
		AT_GW "'dynamic'\n    warning: no identity is given: only peers that say their own "
		      "address may come\n",
		true},
	{"backups of two families", GW "address 2001:db8::1",
		"    an address is of another family than the local one\n", false},
	{"backups without probes (DPD-004)", GW "address 198.51.100.3",
		"    warning: without 'dead-peer-detection' a backup is tried only when a peer "
		"does "
		"not answer at first\n",
		true},
	{"a size of no fragments", GW "fragmentation disable\n" GW "fragmentation size 1000",
		"'size 1000'\n    warning: does not count: it is disabled\n", true},
	{"keepalives without NAT traversal", GW "no-nat-traversal\n" GW "nat-keepalive 5",
		"'nat-keepalive 5'\n    warning: does not count with 'no-nat-traversal'\n", true},
	{"tickets with certificates",
		"set security ike proposal p authentication-method rsa-signatures\n"
		"set security pki ca-profile R ca-identity R\n"
		"delete security ike policy pol pre-shared-key\n" POL
		"certificate local-certificate c\n" GW "session-resumption lifetime 600",
		"'session-resumption'\n    warning: there are no tickets with certificates or with "
		"a "
		"post-quantum key\n",
		true},
	{"peers sent to where they are", GW "redirect target 192.0.2.1",
		"'target 192.0.2.1'\n    this is the gateway's own address: its peers would go in "
		"circles\n",
		false},
	{"a selector twice",
		VPN "traffic-selector t local-ip 10.0.0.0/8 remote-ip 10.9.0.0/16\n" VPN
		    "traffic-selector u local-ip 10.0.0.0/8 remote-ip 10.9.0.0/16\n" VPN
		    "traffic-selector x local-ip 10.0.0.0/8 remote-ip 10.9.0.0/16 protocol tcp",
		"    warning: traffic selector", true},
};

static void check_gateway_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		test_check(base, "", CONFIG_STANDALONE, &cases[i]);
}

/* PSK-002: a key that is a word, of whatever letters; the file may be missing. */
static void check_keys_against_words(void **state)
{
	char name[] = "/tmp/tandem-words-XXXXXX", text[256];
	int fd = mkstemp(name);
	const struct check *k;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "tandem\r\nLONG-enough-Key\n\n", 26), 26);
	(void)close(fd);
	(void)snprintf(text, sizeof text, "set security ike key-dictionary %s\n", name);
	k = &(const struct check){"a word", text,
		"'ascii-text /* SECRET-DATA */'\n    warning: is a word of the dictionary\n", true};
	test_check(base, "", CONFIG_STANDALONE, k);
	(void)unlink(name);
	k = &(const struct check){"no file", text,
		"    warning: cannot be read: keys are not held against it\n", true};
	test_check(base, "", CONFIG_STANDALONE, k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_gateway_table),
		cmocka_unit_test(check_keys_against_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
