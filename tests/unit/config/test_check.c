#include "config_test.h"

#include "config/value.h"

/* Each case adds or deletes a few lines. */
static const char base[] = TEST_TUNNEL TEST_PSK;

static const char cluster[] =
	"set chassis cluster reth-count 1\n"
	"set chassis cluster redundancy-group 1 node 0 priority 200\n"
	"set chassis cluster redundancy-group 1 node 1 priority 100\n"
	"set chassis cluster replication cluster-key 0123456789abcdef0123456789abcdef\n"
	"set chassis cluster transport ring 0 address 10.0.0.1\n"
	"set interfaces fab0 fabric-options member-interfaces ge-0/0/2\n"
	"set interfaces ge-0/0/1 gigether-options redundant-parent reth0\n"
	"set interfaces reth0 redundant-ether-options redundancy-group 1\n"
	"set interfaces reth0 unit 0 family inet address 192.0.2.9/30\n";

static void run(const char *head, int node, const struct check *k)
{
	test_check(base, head, node, k);
}

static void check_base_is_silent(void **state)
{
	auto_complaints c = {0};
	auto_model m = NULL;
	char text[8192];

	(void)state;
	assert_int_equal(config_load(view_of_text(base), CONFIG_STANDALONE, &m, &c), 0);
	assert_int_equal(c.n, 0);
	(void)snprintf(text, sizeof text, "%sset system fips level 1\n", base);
	auto_model strict = NULL;
	assert_int_equal(config_load(view_of_text(text), CONFIG_STANDALONE, &strict, &c), 0);
	assert_int_equal(c.n, 0);
	(void)snprintf(text, sizeof text,
		"%sset security ike policy 198.51.100.2 proposals p pre-shared-key ascii-text "
		"long-enough-key\nset security ike gateway g ike-policy 198.51.100.2\n",
		base);
	auto_model named = NULL; /* PRP-017 */
	assert_int_equal(config_load(view_of_text(text), CONFIG_STANDALONE, &named, &c), 0);
	assert_int_equal(c.n, 0);
	(void)snprintf(text, sizeof text, "%s%s", base, cluster);
	auto_model m2 = NULL;
	assert_int_equal(config_load(view_of_text(text), 1, &m2, &c), 0);
	assert_int_equal(c.n, 0);
}

#define GW  "set security ike gateway g "
#define POL "set security ike policy pol "
#define VPN "set security ipsec vpn v "
#define MANUAL                                                                                     \
	"delete security ipsec vpn v ike\n" VPN "manual gateway 198.51.100.2\n" VPN                \
	"manual external-interface ge-0/0/0.0\n" VPN "manual protocol esp\n" VPN                   \
	"manual spi 300\n"
#define MANUAL_KEY                                                                                 \
	VPN "manual authentication algorithm hmac-md5-96\n" VPN                                    \
	    "manual authentication key ascii-text 1234567890123456\n"
#define AT_GW  "[edit security ike gateway g]\n  "
#define AT_POL "[edit security ike policy pol]\n  "
#define AT_VPN "[edit security ipsec vpn v]\n  "

static const struct check check_security_cases[] = {
	{"dangling ike-policy (CFG-005)", GW "ike-policy nope",
		AT_GW "'ike-policy nope'\n    IKE policy 'nope' is not defined\n", false},
	{"missing ike-policy", "delete security ike gateway g ike-policy",
		"[edit security ike]\n  'gateway g'\n    missing mandatory statement: "
		"'ike-policy'\n",
		false},
	{"dangling proposal", POL "proposals nope",
		AT_POL "'proposals nope'\n    IKE proposal 'nope' is not defined\n", false},
	{"five proposals (PRP-002)",
		"set security ike proposal b\nset security ike proposal c\n"
		"set security ike proposal d\nset security ike proposal f\n" POL
		"proposals [ b c d f ]",
		AT_POL "'proposals f'\n    a policy has at most 4 proposals\n", false},
	{"both proposals and set (PRP-003)", POL "proposal-set standard",
		AT_POL "'proposal-set standard'\n    'proposals' and 'proposal-set' "
		       "exclude each other\n",
		false},
	{"neither (PRP-003)", "delete security ike policy pol proposals",
		"'policy pol'\n    needs 'proposals' or 'proposal-set'\n", false},
	{"PSK missing (PSK-001)", "delete security ike policy pol pre-shared-key",
		"'policy pol'\n    its proposals authenticate with pre-shared keys: "
		"'pre-shared-key' is missing\n",
		false},
	{"PSK of 7 (PSK-002)", POL "pre-shared-key ascii-text 1234567",
		"[edit security ike policy pol pre-shared-key]\n"
		"  'ascii-text /* SECRET-DATA */'\n"
		"    must be 8 to 255 characters long, is 7\n",
		false},
	{"PSK of 7 for a test (PSK-002)",
		POL "pre-shared-key ascii-text 1234567\n" POL "allow-short-key",
		"    warning: a key of less than 12 characters is easily guessed\n", true},
	{"PSK of 8 (PSK-002)", POL "pre-shared-key ascii-text 12345678",
		"    warning: a key of less than 12 characters is easily guessed\n", true},
	{"a seed for one peer (PSK-005)",
		"delete security ike policy pol pre-shared-key\n" POL
		"seeded-pre-shared-key ascii-text long-enough-seed",
		AT_GW
		"'ike-policy pol'\n    policy 'pol' has 'seeded-pre-shared-key', which is for "
		"dynamic gateways\n",
		false},
	{"a seed and a key (PSK-005)", POL "seeded-pre-shared-key ascii-text long-enough-seed",
		"    'pre-shared-key' and 'seeded-pre-shared-key' exclude each other\n", false},
	{"a policy of another peer (PRP-017)",
		"set security ike policy 198.51.100.3 proposals p pre-shared-key ascii-text "
		"long-enough-key\n" GW "ike-policy 198.51.100.3",
		AT_GW "'ike-policy 198.51.100.3'\n    the policy is named by an address: it is for "
		      "that peer only\n",
		false},
	{"address and dynamic", GW "dynamic hostname a.example.net",
		AT_GW "'address 198.51.100.2'\n    'address' and 'dynamic' exclude each "
		      "other\n",
		false},
	{"neither address nor dynamic", "delete security ike gateway g address",
		"'gateway g'\n    needs 'address' or 'dynamic'\n", false},
	{"six addresses", GW "address [ 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 ]",
		"'address 10.0.0.5'\n    at most 1 primary and 4 backup addresses\n", false},
	{"external interface missing", "delete security ike gateway g external-interface",
		"missing mandatory statement: 'external-interface'\n", false},
	{"external interface unknown", GW "external-interface ge-0/0/9.0",
		AT_GW "'external-interface ge-0/0/9.0'\n    interface unit 'ge-0/0/9.0' is "
		      "not configured\n",
		false},
	{"external interface st0", GW "external-interface st0.1",
		"a tunnel interface cannot be the way to the peer\n", false},
	{"external interface without IPv6",
		GW "address 2001:db8::2\n"
		   "delete security ike gateway g address 198.51.100.2",
		"'external-interface ge-0/0/0.0'\n    'ge-0/0/0.0' has no IPv6 address\n", false},
	{"local address elsewhere", GW "local-address 192.0.2.2",
		AT_GW "'local-address 192.0.2.2'\n    this is not an address of "
		      "'ge-0/0/0.0'\n",
		false},
	{"IPv6 on a link too small for it",
		"set interfaces ge-0/0/0 mtu 1279\n"
		"set interfaces ge-0/0/0 unit 0 family inet6 address 2001:db8::1/64",
		"    'ge-0/0/0' has an mtu of 1279; IPv6 needs 1280\n", false},
	{"IPv4 in the form of IPv6",
		"set interfaces ge-0/0/0 unit 0 family inet6 address ::ffff:10.0.0.1/120",
		"'address ::ffff:10.0.0.1/120'\n    this is an IPv4 address in the form of IPv6\n",
		false},
	{"an own link-local address",
		"set interfaces ge-0/0/0 unit 0 family inet6 address fe80::1/64",
		"'address fe80::1/64'\n    link-local addresses are made from the MAC, and none "
		"else "
		"are used\n",
		false},
	{"the loopback address of IPv6",
		"set interfaces ge-0/0/0 unit 0 family inet6 address ::1/128",
		"'address ::1/128'\n    no interface has this address\n", false},
	{"two identities", GW "local-identity hostname a inet 1.2.3.4",
		AT_GW "'local-identity'\n    only one kind of identity can be given\n", false},
	{"two ways to compare a name (ID-009)",
		GW "remote-identity distinguished-name wildcard O=a container O=b",
		"[edit security ike gateway g remote-identity distinguished-name]\n  'wildcard "
		"O=a'\n"
		"    only one of container, wildcard, exact-match\n",
		false},
	{"a name that is none (ID-007)", GW "remote-identity distinguished-name wildcard Sunnyvale",
		"    is no distinguished name: \"O=example, CN=branch\"\n", false},
	{"an attribute nobody knows", GW "remote-identity distinguished-name container XY=a",
		"    an attribute has no name that is known here: give its number (2.5.4.3=...)\n",
		false},
	{"two DPD modes", GW "dead-peer-detection optimized always-send",
		"only one of optimized, probe-idle-tunnel, always-send\n", false},
	{"GCM and v1", GW "version v1-only",
		"    proposal 'p' uses a combined mode, which needs 'version v2-only'\n", false},
	{"v1",
		GW "version v1-only\nset security ike proposal p encryption-algorithm "
		   "aes-128-cbc",
		"'gateway g'\n    warning: IKEv1, which it is without 'version v2-only', is not "
		"supported in this release: this gateway is not used\n",
		true},
	{"weak group",
		"set security ike proposal q dh-group group5 encryption-algorithm "
		"aes-128-cbc",
		"'dh-group group5'\n    warning: this group is too weak\n", true},
	{"a key exchange twice",
		"set security ike proposal p additional-key-exchange [ group20 group19 ]",
		"[edit security ike proposal p]\n  'additional-key-exchange group19'\n    "
		"'group19' is there already: each must be another\n",
		false},
	{"too many key exchanges",
		"set security ike proposal p additional-key-exchange [ group1 group2 group5 "
		"group14 group15 group16 group20 group21 ]",
		"at most 7 key exchanges can follow the first\n", false},
	{"ML-KEM", "set security ike proposal p additional-key-exchange group36",
		"warning: the crypto library here has no ML-KEM: this proposal is never offered\n",
		true},
	{"PPK without a name", POL "ppk ascii-text 0123456789abcdef",
		"    missing mandatory statement: 'id'\n", false},
	{"PPK without a key", POL "ppk id blue", "'ppk'\n    needs 'ascii-text' or 'hexadecimal'\n",
		false},
	{"PPK and v1",
		GW "version v1-only\nset security ike proposal p encryption-algorithm "
		   "aes-128-cbc\n" POL "ppk id blue ascii-text 0123456789abcdef",
		"    policy 'pol' has 'ppk', which needs 'version v2-only'\n", false},
	{"DSA",
		"set security ike proposal p authentication-method "
		"dsa-signatures\n" POL "certificate local-certificate c",
		"warning: DSA signatures are not supported", true},
	{"certificate missing", "set security ike proposal p authentication-method rsa-signatures",
		"'certificate local-certificate' is missing\n", false},
	{"mixed methods",
		"set security ike proposal q authentication-method rsa-signatures\n" POL
		"proposals q",
		"all proposals of a policy need the same authentication-method\n", false},
	{"lifetimes differ under v2 (LIF-007)",
		"set security ike proposal q lifetime-seconds 3600\n" POL "proposals q",
		AT_GW "'ike-policy pol'\n    the proposals of policy 'pol' have different "
		      "lifetimes; IKEv2 needs one\n",
		false},
	{"IPsec lifetimes differ under v2 (LIF-007)",
		"set security ipsec proposal f encryption-algorithm aes-256-gcm "
		"lifetime-seconds 1800\nset security ipsec policy epol proposals f",
		"[edit security ipsec vpn v ike]\n  'ipsec-policy epol'\n    the proposals "
		"of policy 'epol' have different lifetimes; IKEv2 needs one\n",
		false},
	{"GCM with an HMAC (ALG-007)",
		"set security ipsec proposal e authentication-algorithm hmac-sha1-96",
		"[edit security ipsec proposal e]\n"
		"  'authentication-algorithm hmac-sha1-96'\n"
		"    'aes-128-gcm' brings its own authentication\n",
		false},
	{"NULL without esp (ALG-006)",
		"set security ipsec proposal n authentication-algorithm hmac-sha1-96",
		"'proposal n'\n    without encryption-algorithm 'protocol esp' must be "
		"written\n",
		false},
	{"AH with a cipher",
		"set security ipsec proposal n protocol ah encryption-algorithm "
		"aes-128-cbc",
		"protocol ah does not encrypt\n", false},
	{"dangling gateway", VPN "ike gateway nope",
		"[edit security ipsec vpn v ike]\n  'gateway nope'\n    IKE gateway 'nope' "
		"is not defined\n",
		false},
	{"dangling ipsec-policy", VPN "ike ipsec-policy nope",
		"IPsec policy 'nope' is not defined\n", false},
	{"bind-interface unknown", VPN "bind-interface st0.9",
		AT_VPN "'bind-interface st0.9'\n    interface unit 'st0.9' is not "
		       "configured\n",
		false},
	{"bind-interface is a port", VPN "bind-interface ge-0/0/0.0",
		"only a unit of st0 can be bound\n", false},
	{"selectors without bind-interface (TS-003)",
		VPN "traffic-selector t local-ip 10.0.0.0/8 remote-ip 10.0.0.0/8\n"
		    "delete security ipsec vpn v bind-interface",
		"traffic selectors need 'bind-interface'\n", false},
	{"selectors and proxy-identity (TS-005)",
		VPN "traffic-selector t local-ip 10.0.0.0/8 remote-ip 10.0.0.0/8\n" VPN
		    "ike proxy-identity local 10.0.0.0/8",
		"'traffic-selector' and 'proxy-identity' exclude each other\n", false},
	{"half a selector", VPN "traffic-selector t local-ip 10.0.0.0/8",
		AT_VPN "'traffic-selector t'\n    missing mandatory statement: "
		       "'remote-ip'\n",
		false},
	{"mixed families", VPN "traffic-selector t local-ip 10.0.0.0/8 remote-ip ::/0",
		"local-ip and remote-ip are of different address families\n", false},
	{"ports without protocol",
		VPN "traffic-selector t local-ip 10.0.0.0/8 remote-ip 10.0.0.0/8 "
		    "source-port 80",
		"ports need protocol tcp, udp or sctp\n", false},
	{"policy-based v2 (NOT-001)", "delete security ipsec vpn v bind-interface",
		"IKEv2 needs a route-based VPN: 'bind-interface' is missing\n", false},
	{"monitoring under v2 (NOT-002)", VPN "vpn-monitor optimized",
		"VPN monitoring is not possible with IKEv2; use dead-peer-detection\n", false},
	{"two VPNs on a point-to-point unit (ST0-002)",
		"set security ipsec vpn w bind-interface st0.1\n"
		"set security ipsec vpn w ike gateway g ipsec-policy epol",
		"[edit security ipsec vpn w]\n  'bind-interface st0.1'\n    VPN 'v' is "
		"bound to it already, and it is not multipoint\n",
		false},
	{"responder-only mixed (RSP-005)",
		"set security ipsec vpn w bind-interface st0.2\n"
		"set security ipsec vpn w ike gateway g ipsec-policy epol\n" VPN
		"establish-tunnels responder-only",
		"all VPNs of gateway 'g' must be responder-only, or none ('v' differs)\n", false},
	{"responder-only and a dynamic gateway (RSP-004)",
		"delete security ike gateway g address\n"
		"set security ike gateway g dynamic hostname branch.example\n" VPN
		"establish-tunnels responder-only-no-rekey",
		AT_VPN "'establish-tunnels responder-only-no-rekey'\n    responder-only is for "
		       "site-to-site VPNs, gateway 'g' is dynamic\n",
		false},
	{"reauthentication and an access profile (REA-009)",
		"set security ike policy pol reauth-frequency 1\n"
		"set security ike gateway g aaa access-profile radius",
		"'access-profile radius'\n    policy 'pol' "
		"has "
		"'reauth-frequency', which is not possible with an access profile\n",
		false},
	{"reauthentication through a NAT (REA-008)",
		"set security ike policy pol reauth-frequency 3",
		"'ike-policy pol'\n    warning: policy 'pol' has 'reauth-frequency': through a NAT "
		"it needs 'dead-peer-detection' or 'nat-keepalive'\n",
		true},
	{"reauth-frequency 101 (REA-002)", "set security ike policy pol reauth-frequency 101",
		"value 101 is not within range (0..100)\n", false},
	{"udp-encapsulate 4500", VPN "udp-encapsulate dest-port 4500",
		"'dest-port 4500'\n    4500 is NAT traversal's\n", false},
	{"udp-encapsulate 1024 (UDP-002)", VPN "udp-encapsulate dest-port 1024",
		"'dest-port 1024'\n    value 1024 is not within range (1025..65535)\n", false},
	{"AH in UDP",
		"set security ipsec proposal e protocol ah authentication-algorithm "
		"hmac-sha-256-128\ndelete security ipsec proposal e encryption-algorithm\n" VPN
		"udp-encapsulate",
		AT_VPN "'udp-encapsulate'\n    proposal 'e' is AH: only ESP is put into UDP\n",
		false},
	{"transport mode in UDP",
		VPN "mode transport\n" VPN
		    "udp-encapsulate\ndelete security ipsec vpn v bind-interface",
		AT_VPN "'udp-encapsulate'\n    'mode transport' is not put into UDP\n", false},
	{"an SA of OSPFv3 (RFC 4552)",
		"set security ipsec security-association o mode transport\n"
		"set security ipsec security-association o manual direction bidirectional spi 256",
		"[edit security ipsec]\n  'security-association o'\n    an SA for routing "
		"protocols "
		"of the node itself is not supported: use 'security ipsec vpn' with 'manual' and "
		"'mode transport'\n",
		false},
	{"two TTLs", VPN "ttl 7\n" VPN "copy-ttl-from-inner-ip-header",
		"'ttl 7'\n    'ttl' and 'copy-ttl-from-inner-ip-header' exclude each other\n",
		false},
	{"tunnel-mtu 255", VPN "tunnel-mtu 255", "value 255 is not within range (256..9192)\n",
		false},
	{"manual and ike", VPN "manual spi 300", "'manual' and 'ike' exclude each other\n", false},
	{"manual without a key (MAN-001)",
		MANUAL VPN "manual authentication algorithm hmac-sha1-96",
		"'authentication'\n    missing mandatory statement: 'key'\n", false},
	{"manual SPI 255 (MAN-002)", VPN "manual spi 255",
		"value 255 is not within range (256..16639)\n", false},
	{"manual SPI 16640 (MAN-002)", VPN "manual spi 16640",
		"value 16640 is not within range (256..16639)\n", false},
	{"manual SHA-1 of 19 (MAN-004)",
		MANUAL VPN "manual authentication algorithm hmac-sha1-96\n" VPN
			   "manual authentication key ascii-text 1234567890123456789",
		"hmac-sha1-96 needs a key of 20 characters, this has 19\n", false},
	{"manual SHA-256 in hex (MAN-004)",
		MANUAL VPN "manual authentication algorithm hmac-sha-256-96\n" VPN
			   "manual authentication key hexadecimal 00112233",
		"hmac-sha-256-96 needs a key of 64 hexadecimal digits, this has 8\n", false},
	{"manual 3DES of 23 (PSK-003)",
		MANUAL VPN "manual encryption algorithm 3des-cbc\n" VPN
			   "manual encryption key ascii-text 12345678901234567890123",
		"3des-cbc needs a key of 24 characters, this has 23\n", false},
	{"manual GCM (MAN-005)", MANUAL VPN "manual encryption algorithm aes-128-gcm",
		"'algorithm aes-128-gcm'\n    'aes-128-gcm' is not for static keys: after a "
		"restart its counter would repeat\n",
		false},
	{"manual ChaCha20 (MAN-005)", MANUAL VPN "manual encryption algorithm chacha20-poly1305",
		"'chacha20-poly1305' is not for static keys", false},
	{"manual weak DES (ALG-009)",
		MANUAL VPN "manual encryption algorithm des-cbc\n" VPN
			   "manual encryption key hexadecimal 0101010101010101",
		"this is a weak key of DES\n", false},
	{"manual semi-weak DES (ALG-009)",
		MANUAL VPN "manual encryption algorithm des-cbc\n" VPN
			   "manual encryption key hexadecimal 1fe01fe00ef10ef1",
		"this is a weak key of DES\n", false},
	{"manual 3DES that is DES (ALG-010)",
		MANUAL VPN "manual encryption algorithm 3des-cbc\n" VPN
			   "manual encryption key ascii-text abcdefghabcdefgh12345678",
		"with equal first and second parts this is single DES\n", false},
	{"manual without anything", MANUAL, "needs 'authentication', 'encryption' or both\n",
		false},
	{"manual AH that encrypts",
		MANUAL VPN "manual protocol ah\n" VPN "manual encryption algorithm des-cbc",
		"'encryption'\n    protocol ah does not encrypt\n", false},
	{"manual AH without a hash", MANUAL VPN "manual protocol ah",
		"protocol ah needs 'authentication'\n", false},
	{"manual to a name", MANUAL VPN "manual gateway vpn.example",
		"a manual SA needs the address of its peer\n", false},
	{"manual SPI twice",
		MANUAL MANUAL_KEY
		"set security ipsec vpn w bind-interface st0.2\n"
		"set security ipsec vpn w manual gateway 198.51.100.3 external-interface "
		"ge-0/0/0.0 protocol ah spi 300\n"
		"set security ipsec vpn w manual authentication algorithm hmac-md5-96\n"
		"set security ipsec vpn w manual authentication key ascii-text 1234567890123456",
		"[edit security ipsec vpn w manual]\n  'spi 300'\n    vpn 'v' has the same\n",
		false},
	{"transport and a bind-interface", VPN "mode transport",
		"'bind-interface st0.1'\n    'mode transport' is between the gateways: nothing is "
		"routed into it\n",
		false},
	{"no effect yet", VPN "passive-mode-tunneling",
		"'passive-mode-tunneling'\n    warning: has no effect in this release\n", true},
};

static void check_security_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(check_security_cases); i++)
		run("", CONFIG_STANDALONE, &check_security_cases[i]);
}

/* MAN-001: what the dataplane is given. */
static void check_manual_is_read(void **state)
{
	static const char lines[] = MANUAL VPN
		"manual authentication algorithm hmac-sha-256-96\n" VPN
		"manual authentication key ascii-text 12345678901234567890123456789012\n" VPN
		"manual encryption algorithm 3des-cbc\n" VPN "manual encryption key hexadecimal "
		"0123456789abcdeffedcba98765432100011223344556677\n";
	auto_complaints c = {0};
	auto_model m = NULL;
	const struct model_manual *man;
	char text[8192];

	(void)state;
	(void)snprintf(text, sizeof text, "%s%s", base, lines);
	assert_int_equal(config_load(view_of_text(text), CONFIG_STANDALONE, &m, &c), 0);
	man = model_vpn(m, "v")->manual;
	assert_non_null(man);
	assert_null(model_vpn(m, "v")->gateway);
	assert_int_equal(man->spi, 300);
	assert_false(man->ah);
	assert_int_equal(man->encr, 3);
	assert_int_equal(man->integ, 65280);
	assert_int_equal(man->encr_key.n, 24);
	assert_int_equal(man->encr_key.p[8], 0xfe);
	assert_int_equal(man->integ_key.n, 32);
	assert_int_equal(addr_v4(&man->remote), 0xc6336402);
	assert_int_equal(man->local.family, 4);
	assert_string_equal(man->external->name, "ge-0/0/0.0");
}

/* ST0-004, and one address in two instances is none of anybody's business. */
static void check_instances_are_apart(void **state)
{
	static const char lines[] =
		"set routing-instances B instance-type vrf interface st0.2\n"
		"set routing-instances A instance-type virtual-router interface st0.1\n"
		"set routing-instances A routing-options static route 10.9.0.0/16 next-hop st0.1\n"
		"set interfaces st0 unit 1 family inet address 10.0.0.1/30\n"
		"set interfaces st0 unit 2 family inet address 10.0.0.1/30\n";
	auto_complaints c = {0};
	auto_model m = NULL;
	char text[8192];

	(void)state;
	(void)snprintf(text, sizeof text, "%s%s", base, lines);
	assert_int_equal(config_load(view_of_text(text), CONFIG_STANDALONE, &m, &c), 0);
	assert_int_equal(m->n_instances, 2);
	assert_string_equal(model_instance_name(m, 1), "A");
	assert_true(m->instances[1].vrf);
	assert_int_equal(model_unit(m, "st0.1")->instance, 1);
	assert_int_equal(model_unit(m, "st0.2")->instance, 2);
	assert_int_equal(model_unit(m, "ge-0/0/0.0")->instance, 0);
	assert_int_equal(m->n_routes, 1);
	assert_int_equal(m->routes[0].instance, 1);
}

static const struct check check_interfaces_cases[] = {
	{"reth stand-alone", "set interfaces reth0 redundant-ether-options redundancy-group 1",
		"[edit]\n  'interfaces reth0'\n    a reth interface needs 'chassis "
		"cluster'\n",
		false},
	{"reth without a group", "set interfaces reth0 unit 0",
		"missing mandatory statement: 'redundant-ether-options redundancy-group'\n", false},
	{"parent unknown", "set interfaces ge-0/0/1 gigether-options redundant-parent reth7",
		"'redundant-parent reth7'\n    'reth7' is not a configured reth "
		"interface\n",
		false},
	{"device on st0", "set interfaces st0 dpdk-device x",
		"only a port (ge-, xe-, et-) has a device\n", false},
	{"same device twice", "set interfaces ge-0/0/1 dpdk-device net_null0",
		"'dpdk-device net_null0'\n    'ge-0/0/0' has the same device\n", false},
	{"same address twice", "set interfaces ge-0/0/1 unit 0 family inet address 192.0.2.1/24",
		"    address 192.0.2.1 is on 'ge-0/0/0.0' and on 'ge-0/0/1.0'\n", false},
	{"multipoint elsewhere", "set interfaces ge-0/0/0 unit 0 multipoint",
		"only a unit of st0 can be multipoint\n", false},
	{"no device at all", "delete interfaces ge-0/0/0 dpdk-device",
		"warning: no port has a dpdk-device on this node: it forwards nothing\n", true},
	{"zone of an unknown unit", "set security zones security-zone z interfaces ge-0/0/7.0",
		"[edit security zones security-zone z]\n  'interfaces ge-0/0/7.0'\n    "
		"interface unit 'ge-0/0/7.0' is not configured\n",
		false},
	{"unit in two zones",
		"set security zones security-zone a interfaces ge-0/0/0.0\n"
		"set security zones security-zone b interfaces ge-0/0/0.0",
		"'ge-0/0/0.0' is in zone 'a' already\n", false},
	{"zone without ike", "set security zones security-zone a interfaces ge-0/0/0.0",
		"'external-interface ge-0/0/0.0'\n    warning: IKE is dropped there: "
		"'host-inbound-traffic system-services ike' is missing in zone a\n",
		true},
	{"units with one number",
		"set interfaces ge-0/0/30 unit 1880 family inet\n"
		"set interfaces ge-0/0/62 unit 1397 family inet",
		"'interfaces ge-0/0/62'\n    the names 'ge-0/0/30.1880' and 'ge-0/0/62.1397' have "
		"the same number: use another unit\n",
		false},
	{"an instance without a type", "set routing-instances A interface st0.1",
		"[edit]\n  'routing-instances A'\n    missing mandatory statement: "
		"'instance-type'\n",
		false},
	{"an instance named as the default one",
		"set routing-instances master instance-type virtual-router",
		"this name means the instance that is always there\n", false},
	{"a unit in two instances",
		"set routing-instances A instance-type vrf interface st0.1\n"
		"set routing-instances B instance-type vrf interface st0.1",
		"'interface st0.1'\n    'st0.1' is in routing instance 'A' already\n", false},
	{"an unknown unit in an instance",
		"set routing-instances A instance-type vrf interface st0.9",
		"'interface st0.9'\n    interface unit 'st0.9' is not configured\n", false},
	{"a route into a unit of another instance",
		"set routing-instances A instance-type vrf interface st0.1\n"
		"set routing-options static route 10.0.0.0/8 next-hop st0.1",
		"'next-hop st0.1'\n    'st0.1' is in routing instance 'A'\n", false},
	{"one address twice in an instance",
		"set routing-instances A instance-type vrf interface st0.1\n"
		"set routing-instances A interface st0.2\n"
		"set interfaces st0 unit 1 family inet address 10.0.0.1/30\n"
		"set interfaces st0 unit 2 family inet address 10.0.0.1/30",
		"    address 10.0.0.1 is on 'st0.1' and on 'st0.2'\n", false},
	{"a next-hop tunnel on a point-to-point unit (ST0-002)",
		"set interfaces st0 unit 1 family inet next-hop-tunnel 10.0.0.2 ipsec-vpn v",
		"only a multipoint unit of st0 has next-hop tunnels\n", false},
	{"a next-hop tunnel of no VPN (ST0-003)",
		"set interfaces st0 unit 1 multipoint\n"
		"set interfaces st0 unit 1 family inet next-hop-tunnel 10.0.0.2 ipsec-vpn w",
		"IPsec VPN 'w' is not defined\n", false},
	{"a next-hop tunnel of a VPN elsewhere (ST0-003)",
		"set interfaces st0 unit 2 multipoint\n"
		"set interfaces st0 unit 2 family inet next-hop-tunnel 10.0.0.2 ipsec-vpn v",
		"VPN 'v' is not bound to 'st0.2'\n", false},
	{"a kernel device of a port without transport mode",
		"set interfaces ge-0/0/0 unit 0 kernel-device x",
		"[edit interfaces ge-0/0/0 unit 0]\n  'kernel-device x'\n    no VPN with 'mode "
		"transport' is on 'ge-0/0/0.0': nothing could pass\n",
		false},
	{"a kernel device of a port without an address",
		"set interfaces ge-0/0/7 unit 0 kernel-device x",
		"[edit interfaces ge-0/0/7 unit 0]\n  'kernel-device x'\n    'ge-0/0/7.0' has no "
		"address for the kernel to speak with\n",
		false},
	{"a kernel device with a path", "set interfaces st0 unit 1 kernel-device a/b",
		"'kernel-device a/b'\n    this is no name of a device\n", false},
	{"a kernel device twice",
		"set interfaces st0 unit 1 kernel-device x\nset interfaces st0 unit 2 "
		"kernel-device x",
		"[edit interfaces st0 unit 2]\n  'kernel-device x'\n    'st0.1' and 'st0.2' have "
		"the "
		"same kernel-device\n",
		false},
	{"a kernel device twice, on a port too",
		"set interfaces st0 unit 1 kernel-device x\n"
		"set interfaces ge-0/0/0 unit 0 kernel-device x",
		"'ge-0/0/0.0' and 'st0.1' have the same kernel-device\n", false},
	{"route without next hop", "set routing-options static route 10.0.0.0/8",
		"'route 10.0.0.0/8'\n    missing mandatory statement: 'next-hop'\n", false},
	{"route to an unknown unit", "set routing-options static route 10.0.0.0/8 next-hop st0.7",
		"interface unit 'st0.7' is not configured\n", false},
	{"route across families",
		"set routing-options static route 10.0.0.0/8 next-hop 2001:db8::1",
		"the next hop is of another address family\n", false},
};

static void check_interfaces_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(check_interfaces_cases); i++)
		run("", CONFIG_STANDALONE, &check_interfaces_cases[i]);
}

#define CL "set chassis cluster "

static const struct check check_cluster_cases[] = {
	{"key missing (HA-015)", "delete chassis cluster replication cluster-key",
		"[edit chassis]\n  'cluster'\n    missing mandatory statement: "
		"'replication cluster-key'\n",
		false},
	{"key of 40 characters",
		CL "replication cluster-key 0123456789abcdef0123456789abcdef01234567",
		"'cluster-key /* SECRET-DATA */'\n    must be 64 hexadecimal digits or 32 "
		"characters\n",
		false},
	{"ring missing", "delete chassis cluster transport",
		"missing mandatory statement: 'transport ring 0 address'\n", false},
	{"ring gap", CL "transport ring 2 address 10.0.2.1",
		"rings are numbered from 0 without gaps\n", false},
	{"not a member", "delete chassis cluster redundancy-group 1 node 1",
		"this node, node1, is a member of no redundancy group\n", false},
	{"reth-count", CL "reth-count 0",
		"'interfaces reth0'\n    'chassis cluster reth-count' is only 0\n", false},
	{"reth in no group", "set interfaces reth0 redundant-ether-options redundancy-group 5",
		"redundancy group 5 is not configured\n", false},
	{"monitor unknown", CL "redundancy-group 1 interface-monitor ge-0/0/9 weight 255",
		"'interface-monitor ge-0/0/9'\n    'ge-0/0/9' is not a configured port\n", false},
	{"hold-down of group 0",
		CL "redundancy-group 0 node 0 priority 1\n" CL
		   "redundancy-group 0 hold-down-interval 10",
		"value 10 is not within range (300..1800) of redundancy group 0\n", false},
	{"half a preempt limit", CL "redundancy-group 1 preempt limit 3",
		"'limit' and 'period' need each other\n", false},
	{"binding of an unknown gateway", CL "gateway-binding 1 gateway nope",
		"IKE gateway 'nope' is not defined\n", false},
	{"binding to an unknown group", CL "gateway-binding 9 gateway g",
		"'gateway g'\n    redundancy group 9 is not configured\n", false},
	{"no fabric", "delete interfaces fab0",
		"warning: no fabric interface: a planned failover can lose packets\n", true},
	{"too few workers", CL "workers minimum 4\nset chassis dataplane workers 2",
		"'minimum' is more than 'chassis dataplane workers' (2)\n", false},
	{"17 workers", "set chassis dataplane workers 17", "value 17 is not within range (1..16)",
		false},
	{"room for 17 workers", "set chassis dataplane workers-maximum 17",
		"value 17 is not within range (1..16)", false},
	{"17 workers at least", CL "workers minimum 17", "value 17 is not within range (1..16)",
		false},
	{"less room than workers",
		"set chassis dataplane workers 5\nset chassis dataplane workers-maximum 4",
		"less than the 5 workers to begin with\n", false},
	{"priority 255", CL "redundancy-group 1 node 0 priority 255",
		"value 255 is not within range (1..254)", false},
	{"heartbeat 49", CL "heartbeat-interval 49", "value 49 is not within range (50..2000)",
		false},
};

static void check_cluster_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(check_cluster_cases); i++)
		run(cluster, 1, &check_cluster_cases[i]);
}

static void check_value_table(void **state)
{
	static const struct {
		const char *text;
		bool unit, interface, host;
	} cases[] = {{"ge-0/0/0", false, true, false}, {"ge-0/0/0.0", true, false, false},
		{"ge-0/0", false, false, false}, {"ge-00/0/0", false, false, false},
		{"ge-256/0/0", false, false, false}, {"reth127", false, true, true},
		{"reth128", false, false, true}, {"st0", false, true, true},
		{"st0.16385", true, false, true}, {"st0.16386", false, false, true},
		{"st1", false, false, true}, {"st0.", false, false, false},
		{"a.example.net", false, false, true}, {"-a.b", false, false, false},
		{"a-.b", false, false, false}, {"1.2.3", false, false, false},
		{"a..b", false, false, false}, {"", false, false, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (value_is_unit(cases[i].text) != cases[i].unit ||
			value_is_interface(cases[i].text) != cases[i].interface ||
			value_is_host(cases[i].text) != cases[i].host)
			fail_msg("%s", cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_base_is_silent),
		cmocka_unit_test(check_security_table),
		cmocka_unit_test(check_interfaces_table),
		cmocka_unit_test(check_manual_is_read),
		cmocka_unit_test(check_instances_are_apart),
		cmocka_unit_test(check_cluster_table),
		cmocka_unit_test(check_value_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
