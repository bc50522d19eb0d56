/*
 * The table of statements, in printing order. Sections follow the configuration reference:
 * system, chassis, interfaces, routing-options, security.
 *
 * F flag, C container that has a meaning by being there, L list, E enum, U number, T text,
 * S secret text, V any other kind of value.
 */
#include "config/schema.h"

// clang-format off
#define F(path, flags, reload, help) \
	{path, SCHEMA_NONE, 0, 0, NULL, NULL, SCHEMA_IS_FLAG | (flags), reload, help}
#define C(path, flags, reload, help) \
	{path, SCHEMA_NONE, 0, 0, NULL, NULL, flags, reload, help}
#define L(path, type, lo, hi, flags, reload, help) \
	{path, type, lo, hi, NULL, NULL, SCHEMA_LIST | (flags), reload, help}
#define E(path, words, initial, flags, reload, help) \
	{path, SCHEMA_ENUM, 0, 0, words, initial, flags, reload, help}
#define U(path, lo, hi, initial, flags, reload, help) \
	{path, SCHEMA_UINT, lo, hi, NULL, initial, flags, reload, help}
#define T(path, lo, hi, flags, reload, help) \
	{path, SCHEMA_TEXT, lo, hi, NULL, NULL, flags, reload, help}
#define S(path, type, lo, hi, flags, reload, help) \
	{path, type, lo, hi, NULL, NULL, SCHEMA_SECRET | (flags), reload, help}
#define V(path, type, flags, reload, help) \
	{path, type, 1, 255, NULL, NULL, flags, reload, help}

#define N SCHEMA_NAME
#define OWN SCHEMA_OWN
#define LATER SCHEMA_LATER
#define ONELINE SCHEMA_ONELINE
#define BLOCK SCHEMA_BLOCK
#define ORDERED SCHEMA_ORDERED
#define MULTI SCHEMA_MULTI
#define R_TEXT RELOAD_TEXT
#define R_NEW RELOAD_NEW
#define R_RESET RELOAD_RESET
#define R_DP RELOAD_DATAPLANE
#define R_HA RELOAD_CLUSTER
#define R_ALL (RELOAD_RESET | RELOAD_DATAPLANE)

#define DH_GROUPS "group1 group2 group5 group14 group15 group16 group19 group20 group21 group24 group31 group32"
#define SETS "basic compatible standard suiteb-gcm-128 suiteb-gcm-256 prime-128 prime-256 vpn-a"
#define LEVELS "emergency alert critical error warning notice info verbose debug all"
#define MANUAL_AUTH "hmac-md5-96 hmac-sha1-96 hmac-sha-256-128 hmac-sha-256-96"
#define MANUAL_ENCR                                                                                \
	"des-cbc 3des-cbc aes-128-cbc aes-192-cbc aes-256-cbc "                                    \
	"aes-128-gcm aes-192-gcm aes-256-gcm chacha20-poly1305"
#define UNIT "interfaces * unit *"
#define RI "routing-instances *"
#define RG "chassis cluster redundancy-group *"
#define HALF "security ike session half-open"
#define SOURCE "security ike session source-limits"
#define FULL "security ike session full-open incoming-exchange-max-rates"
#define CA "security pki ca-profile *"
#define CRL CA " revocation-check crl"
#define OCSP CA " revocation-check ocsp"
#define RENEW "security pki auto-re-enrollment"
#define RENEWAL(how)                                                                               \
	V(RENEW " " how " certificate-id * ca-profile-name", N, 0, R_NEW, "CA to ask"),            \
		U(RENEW " " how " certificate-id * re-enroll-trigger-time-percentage", 1, 99, NULL,\
			0, R_NEW, "of its life that is left"),                                     \
		U(RENEW " " how " certificate-id * re-enroll-time days", 1, 3650, NULL, 0, R_NEW,  \
			"before it expires"),                                                      \
		U(RENEW " " how " certificate-id * re-enroll-time hours", 1, 87600, NULL, 0,       \
			R_NEW, "before it expires"),                                               \
		U(RENEW " " how " certificate-id * re-enroll-time percent", 1, 99, NULL, 0,        \
			R_NEW, "of its life that is left"),                                        \
		F(RENEW " " how " certificate-id * re-generate-keypair", 0, R_NEW, "with a new key")
#define IKE_PROP "security ike proposal *"
#define IKE_POL "security ike policy *"
#define GW "security ike gateway *"
#define ESP_PROP "security ipsec proposal *"
#define ESP_POL "security ipsec policy *"
#define VPN "security ipsec vpn *"
#define TS VPN " traffic-selector *"
#define MSA "security ipsec security-association *"
#define MSA_B MSA " manual direction bidirectional"
#define MAN VPN " manual"

const struct schema_row schema_rows[] = {
	T("system host-name", 1, 255, 0, R_TEXT, "name of this node, for logs and prompts"),
	U("system fips level", 0, 4, "0", 0, R_TEXT,
		"1 and above: proposals with MD5, DES, AH, groups 1 and 2, and sets are refused"),

	/* ---- chassis */
	E("chassis cluster redundancy-mode", "active-active active-backup active-passive=active-backup",
		"active-active", 0, R_HA, "one owner for all groups, or one for each"),
	U("chassis cluster cluster-id", 1, 255, "1", OWN, RELOAD_RESTART,
		"tells clusters on one network apart; also in virtual MAC addresses"),
	U("chassis cluster reth-count", 0, 128, "0", 0, R_DP, "number of redundant ethernet interfaces"),
	F("chassis cluster control-link-recovery", LATER, R_HA, "recover a failed control link by itself"),
	U("chassis cluster heartbeat-interval", 50, 2000, "1000", 0, R_HA,
		"milliseconds; times heartbeat-threshold it is the Corosync token"),
	U("chassis cluster heartbeat-threshold", 3, 8, "3", 0, R_HA, "lost heartbeats until a node is lost"),
	U("chassis cluster control-hold", 1, 300, "10", OWN, R_HA,
		"seconds a group keeps its node after the daemon alone has died there"),
	L("chassis cluster redundancy-group", SCHEMA_UINT, 0, 128, 0, R_HA, "unit of failover"),
	L(RG " node", SCHEMA_UINT, 0, 254, ONELINE, R_HA, "member node"),
	U(RG " node * priority", 1, 254, "1", 0, R_HA, "the highest ready one becomes primary"),
	C(RG " preempt", 0, R_HA, "the higher priority takes the group back"),
	U(RG " preempt delay", 1, 21600, NULL, 0, R_HA, "seconds to wait before"),
	U(RG " preempt limit", 1, 50, NULL, 0, R_HA, "at most so many times in a period"),
	U(RG " preempt period", 1, 1400, NULL, 0, R_HA, "seconds of that period"),
	U(RG " gratuitous-arp-count", 1, 16, "4", 0, R_HA, "announcements after taking over"),
	U(RG " hold-down-interval", 0, 1800, NULL, 0, R_HA,
		"seconds between failovers: 300..1800, default 300, for group 0; default 1 for others"),
	L(RG " interface-monitor", SCHEMA_PORTNAME, 0, 0, BLOCK | ONELINE, R_HA, "port to watch"),
	U(RG " interface-monitor * weight", 0, 255, NULL, 0, R_HA, "255 fails the group over alone"),
	U(RG " ip-monitoring global-weight", 0, 255, "255", 0, R_HA, "subtracted at the threshold"),
	U(RG " ip-monitoring global-threshold", 0, 255, "0", 0, R_HA, "sum of lost weights"),
	U(RG " ip-monitoring retry-interval", 1, 30, "1", 0, R_HA, "seconds between probes"),
	U(RG " ip-monitoring retry-count", 5, 15, "5", 0, R_HA, "probes until an address is lost"),
	L(RG " ip-monitoring family inet address", SCHEMA_IPV4, 0, 0, 0, R_HA, "address to probe"),
	U(RG " ip-monitoring family inet address * weight", 0, 255, NULL, 0, R_HA, "when it is lost"),
	L(RG " ip-monitoring family inet address * interface", SCHEMA_UNIT, 0, 0, ONELINE, R_HA,
		"to probe through"),
	V(RG " ip-monitoring family inet address * interface * secondary-ip-address", SCHEMA_IPV4, 0, R_HA,
		"source address of the secondary node"),
	F("chassis cluster configuration-synchronize no-secondary-bootup-auto", LATER, R_HA,
		"do not take the configuration from the primary at start"),
	L("chassis cluster gateway-binding", SCHEMA_UINT, 1, 128, OWN, R_HA,
		"which redundancy group owns a gateway, where its external interface does not say"),
	V("chassis cluster gateway-binding * gateway", N, OWN | MULTI, R_HA, "IKE gateways"),
	S("chassis cluster replication cluster-key", SCHEMA_TEXT, 32, 64, OWN, RELOAD_RESTART,
		"seals replication: 64 hexadecimal digits or 32 characters"),
	U("chassis cluster replication checkpoint packets", 64, 1048576, "4096", OWN, R_HA,
		"packets between two sequence checkpoints of an SA"),
	U("chassis cluster replication checkpoint milliseconds", 1, 1000, "50", OWN, R_HA,
		"time between two"),
	F("chassis cluster replication half-open", OWN, R_HA,
		"replicate negotiations in progress too, below the cookie threshold"),
	L("chassis cluster transport ring", SCHEMA_UINT, 0, 7, OWN | ONELINE, RELOAD_RESTART,
		"Corosync link of this node"),
	V("chassis cluster transport ring * address", SCHEMA_IP, OWN, RELOAD_RESTART, "own address on it"),
	U("chassis cluster workers minimum", 1, 16, "1", OWN, R_HA,
		"with fewer living workers a node is not ready"),
	U("chassis cluster workers bucket-bits", 6, 16, "10", OWN, RELOAD_RESTART,
		"SPI bits that choose a worker; equal on all nodes"),
	E("chassis cluster traceoptions level", LEVELS, "info", LATER, R_TEXT, "least severity"),
	L("chassis cluster traceoptions flag", N, 1, 63, LATER, R_TEXT, "what to trace"),
	U("chassis dataplane workers", 1, 16, "1", OWN, R_DP, "packet-processing threads"),
	U("chassis dataplane workers-maximum", 1, 16, "4", OWN, R_DP,
		"how many may ever run: each port has so many queues"),
	F("chassis dataplane busy-poll", OWN, R_DP, "workers never sleep"),

	/* ---- interfaces */
	L("interfaces", SCHEMA_PORTNAME, 0, 0, BLOCK, R_DP, "port, reth<n>, fab<n> or st0"),
	T("interfaces * description", 1, 255, 0, R_TEXT, "text"),
	F("interfaces * disable", 0, R_DP, "do not use it"),
	T("interfaces * dpdk-device", 1, 255, OWN, R_DP,
		"DPDK device of this port on this node, e.g. \"net_af_packet0,iface=ge000\""),
	V("interfaces * mac-address", SCHEMA_MAC, OWN, R_DP, "instead of the device's own"),
	U("interfaces * mtu", 256, 9192, NULL, 0, R_DP, "largest IP packet, default 1500"),
	V("interfaces * gigether-options redundant-parent", SCHEMA_PORTNAME, 0, R_DP,
		"reth this port is a member of"),
	U("interfaces * redundant-ether-options redundancy-group", 1, 128, NULL, 0, R_DP,
		"group that owns the reth's addresses"),
	L("interfaces * fabric-options member-interfaces", SCHEMA_PORTNAME, 0, 0, BLOCK, R_DP,
		"port of the fabric link"),
	L("interfaces * unit", SCHEMA_UINT, 0, 16385, 0, R_DP, "logical interface"),
	T(UNIT " description", 1, 255, 0, R_TEXT, "text"),
	F(UNIT " multipoint", 0, R_ALL, "st0: several VPNs on one unit"),
	T(UNIT " kernel-device", 1, 15, OWN, R_DP,
		"TUN device by which this node's kernel uses the unit: st0 for routing daemons, another for what "
		"transport mode protects"),
	U(UNIT " kernel-table", 1, 4294967295, "254", OWN, R_DP, "kernel's table for routes of the unit"),
	C(UNIT " family inet", 0, R_DP, "IPv4"),
	L(UNIT " family inet address", SCHEMA_PREFIX, 4, 4, ORDERED, R_DP, "own address/length"),
	L(UNIT " family inet next-hop-tunnel", SCHEMA_IPV4, 0, 0, ONELINE, R_DP,
		"multipoint st0: next hop reached through a VPN"),
	V(UNIT " family inet next-hop-tunnel * ipsec-vpn", N, 0, R_DP, "that VPN"),
	C(UNIT " family inet6", 0, R_DP, "IPv6"),
	L(UNIT " family inet6 address", SCHEMA_PREFIX, 6, 6, ORDERED, R_DP, "own address/length"),
	L(UNIT " family inet6 next-hop-tunnel", SCHEMA_IPV6, 0, 0, ONELINE, R_DP,
		"multipoint st0: next hop reached through a VPN"),
	V(UNIT " family inet6 next-hop-tunnel * ipsec-vpn", N, 0, R_DP, "that VPN"),

	/* ---- routing-options */
	L("routing-options static route", SCHEMA_PREFIX, 0, 0, ONELINE, R_DP, "destination"),
	V("routing-options static route * next-hop", SCHEMA_HOP, 0, R_DP, "address or st0 unit"),
	U("routing-options static route * preference", 0, 4294967295, "5", 0, R_DP, "lowest is used"),

	/* ---- routing-instances */
	L("routing-instances", N, 1, 127, BLOCK, R_DP, "tables of routes beside the default one"),
	T(RI " description", 1, 255, 0, R_TEXT, "text"),
	E(RI " instance-type", "virtual-router vrf", NULL, 0, R_DP, "mandatory; both mean a table of its own"),
	L(RI " interface", SCHEMA_UNIT, 0, 0, ONELINE, R_DP, "member unit"),
	L(RI " routing-options static route", SCHEMA_PREFIX, 0, 0, ONELINE, R_DP, "destination"),
	V(RI " routing-options static route * next-hop", SCHEMA_HOP, 0, R_DP, "address or st0 unit"),
	U(RI " routing-options static route * preference", 0, 4294967295, "5", 0, R_DP, "lowest is used"),

	/* ---- security pki */
	L("security pki ca-profile", N, 1, 32, 0, R_NEW, "a certification authority that is trusted"),
	T(CA " ca-identity", 1, 255, 0, R_NEW, "mandatory: its name at enrolment"),
	T(CA " administrator email-address", 1, 255, 0, R_TEXT, "whom to ask"),
	V(CA " source-address", SCHEMA_IP, 0, R_NEW, "of what is fetched for it by http"),
	V(CA " routing-instance", N, 0, R_NEW,
		"the kernel's VRF device through which it is fetched by http"),
	V(CA " proxy-profile", N, LATER, R_NEW, "through which it is fetched"),
	T(CA " enrollment url", 1, 500, LATER, R_NEW, "where certificates are asked for"),
	U(CA " enrollment retry", 0, 1080, "1000", LATER, R_NEW, "times to ask again"),
	U(CA " enrollment retry-interval", 0, 3600, "600", LATER, R_NEW, "seconds between"),
	F(CA " revocation-check use-crl", 0, R_NEW, "ask a list of revoked certificates: the default"),
	F(CA " revocation-check use-ocsp", 0, R_NEW, "ask a responder for each certificate"),
	F(CA " revocation-check disable", 0, R_NEW, "do not ask whether a certificate is revoked"),
	C(CA " revocation-check crl", 0, R_NEW, "lists of revoked certificates"),
	L(CRL " url", SCHEMA_TEXT, 1, 500, 0, R_NEW,
		"http or ldap; default what the certificate names"),
	S(CRL " url * password", SCHEMA_TEXT, 1, 255, 0, R_NEW, "for that server"),
	U(CRL " refresh-interval", 0, 8784, NULL, 0, R_NEW,
		"hours until it is fetched again; default and 0: what the list says"),
	F(CRL " disable on-download-failure", 0, R_NEW,
		"without a server an older list counts, or none"),
	L(OCSP " url", SCHEMA_TEXT, 1, 500, 0, R_NEW, "http; default what the certificate names"),
	E(OCSP " nonce-payload", "enable disable", "enable", 0, R_NEW, "against replayed answers"),
	F(OCSP " disable-responder-revocation-check", 0, R_NEW,
		"do not ask whether the responder's certificate is revoked"),
	F(OCSP " accept-unknown-status", 0, R_NEW, "unknown certificates are not revoked"),
	E(OCSP " connection-failure", "fallback-crl disable", NULL, 0, R_NEW,
		"without a responder: ask a list, or nobody; default: refuse"),
	L("security pki trusted-ca-group", N, 1, 63, 0, R_NEW, "several CA profiles"),
	V("security pki trusted-ca-group * ca-profiles", N, MULTI, R_NEW, "at most 20"),
	F("security pki allow-local-fetch", OWN, R_NEW,
		"lists and responders may be on loopback and link-local addresses"),
	L(RENEW " scep certificate-id", N, 1, 63, LATER, R_NEW, "certificate to renew in time"),
	L(RENEW " cmpv2 certificate-id", N, 1, 63, LATER, R_NEW, "certificate to renew in time"),
	RENEWAL("scep"),
	S(RENEW " scep certificate-id * challenge-password", SCHEMA_TEXT, 1, 255, 0, R_NEW, "of the CA"),
	E(RENEW " scep certificate-id * scep-encryption-algorithm", "des des3", NULL, 0, R_NEW, "cipher"),
	E(RENEW " scep certificate-id * scep-digest-algorithm", "md5 sha1", NULL, 0, R_NEW, "hash"),
	RENEWAL("cmpv2"),
	L("security pki trap certificate-id", N, 1, 63, ONELINE, R_TEXT, "expiry warning for it"),
	U("security pki trap certificate-id * days", 1, 100, "60", 0, R_TEXT, "before it expires"),
	L("security pki trap ca-identity", SCHEMA_TEXT, 1, 255, ONELINE, R_TEXT,
		"expiry warning for it"),
	U("security pki trap ca-identity * days", 1, 100, "60", 0, R_TEXT, "before it expires"),
	U("security pki trap all-certificates days", 1, 100, "60", 0, R_TEXT, "before any expires"),
	E("security pki traceoptions flag", "certificate-verification online-crl-check enrollment all",
		NULL, SCHEMA_LIST | LATER, R_TEXT, "what to trace"),

	/* ---- security ike */
	U("security ike respond-bad-spi", 1, 30, NULL, 0, R_NEW, "answers to unknown SPIs, per peer"),
	U(HALF " timeout", 1, 180, NULL, 0, R_NEW, "seconds"),
	U(HALF " max-count", 1, 10000, NULL, 0, R_NEW, "negotiations at once"),
	F(HALF " discard-duplicate", 0, R_NEW, "one negotiation for each peer"),
	U(HALF " thresholds send-cookie session-count", 1, 10000, NULL, 0, R_NEW,
		"negotiations above which cookies are asked for"),
	U(HALF " thresholds reduce-timeout session-count", 1, 10000, NULL, 0, R_NEW,
		"negotiations above which the timeout is shorter"),
	U(HALF " thresholds reduce-timeout timeout", 1, 180, NULL, 0, R_NEW, "seconds"),
	U(SOURCE " half-open-count", 1, 10000, NULL, OWN, R_NEW, "negotiations at once"),
	U(SOURCE " init-rate", 1, 100000, "500", OWN, R_NEW, "new negotiations per second"),
	U(SOURCE " authentication-failures", 1, 10000, "60", OWN, R_NEW, "refused peers per minute"),
	U(HALF " backoff-timeouts init-phase-failure timeout", 1, 180, NULL, 0, R_NEW, "seconds"),
	U(HALF " backoff-timeouts auth-phase-failure timeout", 1, 180, NULL, 0, R_NEW, "seconds"),
	U(FULL " ike-rekey", 1, 10000, NULL, 0, R_NEW, "per second"),
	U(FULL " ipsec-rekey", 1, 10000, NULL, 0, R_NEW, "per second"),
	U(FULL " keepalive", 1, 10000, NULL, 0, R_NEW, "per second"),
	F("security ike trap ipsec-tunnel-down", LATER, R_TEXT, "notify"),
	F("security ike trap peer-down", LATER, R_TEXT, "notify"),
	L("security ike traceoptions file", N, 1, 255, ONELINE | LATER, R_TEXT, "log file"),
	T("security ike traceoptions file * size", 1, 20, 0, R_TEXT, "octets, with k, m or g"),
	U("security ike traceoptions file * files", 2, 1000, "3", 0, R_TEXT, "how many are kept"),
	T("security ike traceoptions file * match", 1, 255, 0, R_TEXT, "lines to keep"),
	F("security ike traceoptions file * world-readable", 0, R_TEXT, "for everyone"),
	E("security ike traceoptions flag", "timer routing-socket parse config ike policy-manager general "
		"database certificates snmp thread high-availability next-hop-tunnels all", NULL,
		SCHEMA_LIST | LATER, R_TEXT, "what to trace"),
	U("security ike traceoptions rate-limit", 0, 4294967295, NULL, LATER, R_TEXT, "lines per second"),

	T("security ike key-dictionary", 1, 255, OWN, R_TEXT,
		"file of words, one a line: a pre-shared key that is one of them is warned of"),

	L("security ike proposal", N, 1, 32, 0, R_NEW, "algorithms for an IKE SA"),
	T(IKE_PROP " description", 1, 80, 0, R_TEXT, "text"),
	E(IKE_PROP " authentication-method", "pre-shared-keys rsa-signatures dsa-signatures "
		"ecdsa-signatures-256 ecdsa-signatures-384 ecdsa-signatures-521 certificates "
		"digital-signature", "pre-shared-keys", 0, R_NEW, "how the peers prove who they are"),
	E(IKE_PROP " dh-group", DH_GROUPS, "group2", 0, R_NEW,
		"key exchange; group31 (curve25519) and group32 (curve448) are not in Junos"),
	E(IKE_PROP " additional-key-exchange", DH_GROUPS " group35 group36 group37", NULL,
		MULTI | ORDERED | OWN, R_NEW,
		"up to 7 more after dh-group, each making all keys anew (RFC 9370)"),
	E(IKE_PROP " authentication-algorithm", "md5 sha1 sha-256 sha-384 sha-512", NULL, 0, R_NEW,
		"PRF and integrity, default sha1; with GCM only the PRF, by the key size"),
	E(IKE_PROP " encryption-algorithm", "des-cbc 3des-cbc aes-128-cbc aes-192-cbc aes-256-cbc "
		"aes-128-gcm aes-192-gcm aes-256-gcm chacha20-poly1305", "3des-cbc", 0, R_NEW,
		"aes-192-gcm and chacha20-poly1305 are not in Junos"),
	U(IKE_PROP " lifetime-seconds", 180, 86400, "28800", 0, R_NEW, "of the IKE SA"),
	E(IKE_PROP " signature-hash-algorithm", "sha1 sha256 sha384 sha512", NULL, MULTI, R_NEW,
		"hashes for digital-signature"),

	L("security ike policy", N, 1, 32, 0, R_NEW, "proposals and credentials"),
	T(IKE_POL " description", 1, 80, 0, R_TEXT, "text"),
	E(IKE_POL " mode", "main aggressive", "main", 0, R_NEW, "as IKEv1 initiator"),
	U(IKE_POL " reauth-frequency", 0, 100, "0", 0, R_NEW, "every n-th rekey authenticates again"),
	V(IKE_POL " proposals", N, MULTI | ORDERED, R_NEW, "best first, at most 4"),
	E(IKE_POL " proposal-set", SETS, NULL, 0, R_NEW, "instead of proposals"),
	S(IKE_POL " pre-shared-key ascii-text", SCHEMA_TEXT, 1, 255, 0, R_NEW, "8 characters or more"),
	S(IKE_POL " pre-shared-key hexadecimal", SCHEMA_HEX, 2, 255, 0, R_NEW, "even number of digits"),
	F(IKE_POL " allow-short-key", OWN, R_TEXT,
		"less than 8 characters: for tests with peers that have such a key"),
	T(IKE_POL " ppk id", 1, 255, OWN, R_NEW, "name that both ends have for the key below"),
	S(IKE_POL " ppk ascii-text", SCHEMA_TEXT, 1, 255, OWN, R_NEW, "post-quantum pre-shared key (RFC 8784)"),
	S(IKE_POL " ppk hexadecimal", SCHEMA_HEX, 2, 255, OWN, R_NEW, "even number of digits"),
	F(IKE_POL " ppk required", OWN, R_NEW, "no IKE SA without it"),
	S(IKE_POL " seeded-pre-shared-key ascii-text", SCHEMA_TEXT, 1, 255, 0, R_NEW,
		"of dynamic gateways: each peer's key is made of this and its identity"),
	S(IKE_POL " seeded-pre-shared-key hexadecimal", SCHEMA_HEX, 2, 255, 0, R_NEW, "even number of digits"),
	V(IKE_POL " certificate local-certificate", N, 0, R_NEW, "certificate id"),
	V(IKE_POL " certificate trusted-ca ca-profile", N, 0, R_NEW, "CA profile"),
	V(IKE_POL " certificate trusted-ca trusted-ca-group", N, 0, R_NEW, "group of CA profiles"),
	F(IKE_POL " certificate trusted-ca use-all", 0, R_NEW, "any configured CA: the default"),
	U(IKE_POL " certificate trusted-ca ca-index", 0, 4294967295, NULL, 0, R_NEW,
		"CA profile by its number in the order of names, from 1"),
	F(IKE_POL " certificate no-certificate-chain-in-ike", OWN, R_NEW,
		"send our own certificate only: the peer has the CAs between"),
	E(IKE_POL " certificate peer-certificate-type", "pkcs7 x509-signature", "x509-signature", 0,
		R_NEW, "encoding asked of the peer"),
	T(IKE_POL " certificate policy-oids", 1, 63, MULTI, R_NEW,
		"at most 5: the peer's chain must be valid for one of them"),

	L("security ike gateway", N, 1, 32, 0, R_RESET, "a peer, or a kind of peers"),
	V(GW " ike-policy", N, 0, R_NEW, "mandatory"),
	V(GW " address", SCHEMA_HOST, MULTI | ORDERED, R_RESET, "primary and up to 4 backups"),
	C(GW " dynamic", 0, R_RESET, "peer without fixed address"),
	T(GW " dynamic distinguished-name container", 1, 255, MULTI, R_RESET, "RDNs in this order"),
	T(GW " dynamic distinguished-name wildcard", 1, 255, MULTI, R_RESET, "RDNs in any order"),
	T(GW " dynamic distinguished-name exact-match", 1, 255, MULTI | OWN, R_RESET, "these RDNs and no other"),
	T(GW " dynamic hostname", 1, 255, 0, R_RESET, "its FQDN identity"),
	V(GW " dynamic inet", SCHEMA_IPV4, 0, R_RESET, "its IPv4 identity"),
	V(GW " dynamic inet6", SCHEMA_IPV6, 0, R_RESET, "its IPv6 identity"),
	T(GW " dynamic user-at-hostname", 1, 255, 0, R_RESET, "its e-mail identity"),
	F(GW " dynamic general-ikeid", 0, R_RESET, "any identity"),
	U(GW " dynamic connections-limit", 1, 4294967295, NULL, 0, R_NEW, "peers at once"),
	E(GW " dynamic ike-user-type", "group-ike-id shared-ike-id", NULL, 0, R_RESET, "how many share it"),
	F(GW " dynamic reject-duplicate-connection", 0, R_NEW, "the older connection stays"),
	C(GW " dead-peer-detection", 0, R_NEW, "probe the peer"),
	F(GW " dead-peer-detection optimized", 0, R_NEW, "when traffic goes out and none comes in"),
	F(GW " dead-peer-detection probe-idle-tunnel", 0, R_NEW, "when nothing goes either way, too"),
	F(GW " dead-peer-detection always-send", 0, R_NEW, "at every interval"),
	U(GW " dead-peer-detection interval", 2, 60, "10", 0, R_NEW, "seconds"),
	U(GW " dead-peer-detection threshold", 1, 5, "5", 0, R_NEW, "lost probes"),
	F(GW " no-nat-traversal", 0, R_RESET, "never UDP 4500"),
	U(GW " nat-keepalive", 1, 300, "20", 0, R_NEW, "seconds"),
	V(GW " local-identity inet", SCHEMA_IPV4, 0, R_NEW, "what we say we are"),
	V(GW " local-identity inet6", SCHEMA_IPV6, 0, R_NEW, "what we say we are"),
	T(GW " local-identity hostname", 1, 255, 0, R_NEW, "what we say we are"),
	T(GW " local-identity user-at-hostname", 1, 255, 0, R_NEW, "what we say we are"),
	F(GW " local-identity distinguished-name", 0, R_NEW, "the subject of our certificate"),
	T(GW " local-identity key-id", 1, 127, 0, R_NEW, "what we say we are"),
	V(GW " remote-identity inet", SCHEMA_IPV4, 0, R_NEW, "what the peer must say"),
	V(GW " remote-identity inet6", SCHEMA_IPV6, 0, R_NEW, "what the peer must say"),
	T(GW " remote-identity hostname", 1, 255, 0, R_NEW, "what the peer must say"),
	T(GW " remote-identity user-at-hostname", 1, 255, 0, R_NEW, "what the peer must say"),
	C(GW " remote-identity distinguished-name", 0, R_NEW, "a distinguished name"),
	T(GW " remote-identity distinguished-name container", 1, 255, MULTI, R_NEW, "RDNs in this order"),
	T(GW " remote-identity distinguished-name wildcard", 1, 255, MULTI, R_NEW, "RDNs in any order"),
	T(GW " remote-identity distinguished-name exact-match", 1, 255, MULTI | OWN, R_NEW, "these RDNs and no other"),
	T(GW " remote-identity key-id", 1, 127, 0, R_NEW, "what the peer must say"),
	V(GW " external-interface", SCHEMA_UNIT, 0, R_RESET, "mandatory: towards the peer"),
	V(GW " local-address", SCHEMA_IP, 0, R_RESET, "one of that interface's, default the first"),
	F(GW " general-ikeid", 0, R_NEW, "do not compare the peer's identity"),
	E(GW " version", "v1-only v2-only", "v1-only", 0, R_RESET, "no fallback between them"),
	U(GW " session-resumption lifetime", 60, 86400, NULL, OWN, R_NEW, "of tickets, seconds"),
	V(GW " redirect target", SCHEMA_HOST, OWN, R_NEW, "where its peers are sent"),
	F(GW " redirect follow", OWN, R_NEW, "go where the peer sends us"),
	E(GW " mobike", "enable disable", NULL, OWN, R_NEW, "may it move? default for dynamic ones only"),
	F(GW " fragmentation disable", 0, R_RESET, "no IKEv2 fragmentation"),
	U(GW " fragmentation size", 500, 1300, NULL, 0, R_RESET, "octets, default 576 (IPv6: 1280)"),
	L(GW " aaa access-profile", N, 1, 63, ONELINE | LATER, R_RESET, "configuration payload and EAP"),
	S(GW " aaa access-profile * config-payload-password", SCHEMA_TEXT, 1, 128, 0, R_RESET, "for RADIUS"),

	/* ---- security ipsec */
	L("security ipsec proposal", N, 1, 32, 0, R_NEW, "algorithms for an IPsec SA"),
	T(ESP_PROP " description", 1, 80, 0, R_TEXT, "text"),
	E(ESP_PROP " protocol", "esp ah", NULL, 0, R_NEW, "default esp"),
	E(ESP_PROP " authentication-algorithm", "hmac-md5-96 hmac-sha1-96 hmac-sha-256-128 "
		"hmac-sha-256-96 hmac-sha-384 hmac-sha-512", NULL, 0, R_NEW,
		"default hmac-sha1-96 when there is no cipher either"),
	E(ESP_PROP " encryption-algorithm", "des-cbc 3des-cbc aes-128-cbc aes-192-cbc aes-256-cbc "
		"aes-128-gcm aes-192-gcm aes-256-gcm chacha20-poly1305", NULL, 0, R_NEW,
		"chacha20-poly1305 is not in Junos; default 3des-cbc when there is no authentication either"),
	U(ESP_PROP " lifetime-seconds", 180, 86400, "3600", 0, R_NEW, "hard lifetime"),
	U(ESP_PROP " lifetime-kilobytes", 64000, 4294967294, NULL, 0, R_NEW, "default unlimited"),
	F(ESP_PROP " extended-sequence-number", 0, R_NEW, "64-bit sequence numbers"),

	L("security ipsec policy", N, 1, 32, 0, R_NEW, "proposals and PFS"),
	T(ESP_POL " description", 1, 80, 0, R_TEXT, "text"),
	E(ESP_POL " perfect-forward-secrecy keys", DH_GROUPS, NULL, 0, R_NEW,
		"fresh key exchange at each rekey; group31 (curve25519) and group32 (curve448) are not in Junos"),
	V(ESP_POL " proposals", N, MULTI | ORDERED, R_NEW, "best first, at most 4"),
	E(ESP_POL " proposal-set", SETS, NULL, 0, R_NEW, "instead of proposals"),
	F(ESP_POL " strict-proposal-count", OWN, R_NEW,
		"refuse a peer that offers another number of proposals than we have (PRP-012)"),

	L("security ipsec vpn", N, 1, 32, 0, R_RESET, "a tunnel"),
	V(VPN " bind-interface", SCHEMA_UNIT, 0, R_ALL, "st0 unit whose routes lead into it"),
	E(VPN " mode", "tunnel transport", "tunnel", OWN, R_RESET,
		"transport protects what the two gateways say themselves (RFC 3193)"),
	E(VPN " df-bit", "clear set copy", "clear", 0, R_DP, "of the outer header"),
	F(VPN " copy-outer-dscp", 0, R_DP, "from the outer to the inner header"),
	U(VPN " tunnel-mtu", 256, 9192, NULL, OWN, R_DP, "of outer packets; default what the way allows"),
	U(VPN " ttl", 1, 254, "64", OWN, R_DP, "of outer headers"),
	F(VPN " copy-ttl-from-inner-ip-header", OWN, R_DP, "instead of a fixed one"),
	U(VPN " tos", 0, 255, NULL, OWN, R_DP, "DSCP of outer headers; default that of the inner one"),
	C(VPN " vpn-monitor", LATER, R_NEW, "IKEv1 only"),
	F(VPN " vpn-monitor optimized", 0, R_NEW, "only when nothing comes in"),
	V(VPN " vpn-monitor source-interface", SCHEMA_UNIT, 0, R_NEW, "of the probes"),
	V(VPN " vpn-monitor destination-ip", SCHEMA_IP, 0, R_NEW, "of the probes"),
	V(VPN " ike gateway", N, 0, R_RESET, "mandatory"),
	V(VPN " ike ipsec-policy", N, 0, R_NEW, "mandatory"),
	V(VPN " ike proxy-identity local", SCHEMA_PREFIX, 0, R_RESET, "default everything"),
	V(VPN " ike proxy-identity remote", SCHEMA_PREFIX, 0, R_RESET, "default everything"),
	V(VPN " ike proxy-identity service", N, 0, R_RESET, "application, default any"),
	F(VPN " ike single-address-pair", OWN, R_NEW, "an SA for each pair of addresses"),
	U(VPN " ike idle-time", 60, 999999, NULL, 0, R_NEW, "seconds without traffic"),
	U(VPN " ike install-interval", 0, 10, "1", 0, R_NEW, "seconds until the outbound side is used"),
	U(VPN " ike anti-replay-window-size", 64, 8192, NULL, 0, R_NEW, "packets, default the global one"),
	F(VPN " ike no-anti-replay", 0, R_NEW, "accept replayed packets"),
	E(VPN " replay-on-failover", "available strict", "available", OWN, R_DP,
		"after a takeover accept above the last published top, or above the horizon only"),
	V(MAN " gateway", SCHEMA_HOST, 0, R_RESET, "peer of a manual SA"),
	V(MAN " external-interface", SCHEMA_UNIT, 0, R_RESET, "towards it"),
	E(MAN " protocol", "esp ah", NULL, 0, R_RESET, "of a manual SA"),
	U(MAN " spi", 256, 16639, NULL, 0, R_RESET, "of a manual SA"),
	E(MAN " authentication algorithm", MANUAL_AUTH, NULL, 0, R_RESET, "of a manual SA"),
	S(MAN " authentication key ascii-text", SCHEMA_TEXT, 1, 255, 0, R_RESET, "of a manual SA"),
	S(MAN " authentication key hexadecimal", SCHEMA_HEX, 2, 255, 0, R_RESET, "of a manual SA"),
	E(MAN " encryption algorithm", MANUAL_ENCR, NULL, 0, R_RESET, "of a manual SA"),
	S(MAN " encryption key ascii-text", SCHEMA_TEXT, 1, 255, 0, R_RESET, "of a manual SA"),
	S(MAN " encryption key hexadecimal", SCHEMA_HEX, 2, 255, 0, R_RESET, "of a manual SA"),
	L(VPN " traffic-selector", N, 1, 31, 0, R_ALL, "a pair of SAs of its own"),
	T(TS " description", 1, 255, 0, R_TEXT, "text"),
	V(TS " local-ip", SCHEMA_PREFIX, 0, R_ALL, "our side"),
	V(TS " remote-ip", SCHEMA_PREFIX, 0, R_ALL, "the peer's side"),
	V(TS " protocol", SCHEMA_PROTOCOL, 0, R_ALL, "number or name, default any"),
	V(TS " source-port", SCHEMA_PORTS, 0, R_ALL, "of what we send"),
	V(TS " destination-port", SCHEMA_PORTS, 0, R_ALL, "of what we send"),
	L(TS " term", N, 1, 63, ORDERED, R_ALL, "one of several flows"),
	V(TS " term * local-ip", SCHEMA_PREFIX, 0, R_ALL, "our side"),
	V(TS " term * remote-ip", SCHEMA_PREFIX, 0, R_ALL, "the peer's side"),
	V(TS " term * protocol", SCHEMA_PROTOCOL, 0, R_ALL, "number or name, default any"),
	V(TS " term * source-port", SCHEMA_PORTS, 0, R_ALL, "of what we send"),
	V(TS " term * destination-port", SCHEMA_PORTS, 0, R_ALL, "of what we send"),
	U(TS " preference", 1, 4294967295, "5", 0, R_DP, "of its route"),
	U(TS " metric", 1, 4294967295, "5", 0, R_DP, "of its route"),
	E(VPN " establish-tunnels", "immediately on-traffic responder-only responder-only-no-rekey",
		"on-traffic", 0, R_NEW, "who starts"),
	C(VPN " multi-sa", 0, R_NEW, "several SAs for the same traffic"),
	F(VPN " multi-sa per-worker", 0, R_NEW, "ask for one for each worker that has traffic"),
	U(VPN " multi-sa maximum", 1, 16, "16", 0, R_NEW, "of them a peer may have, default as many as there are workers"),
	C(VPN " udp-encapsulate", 0, R_ALL, "ESP in UDP, so that routers spread flows over their paths"),
	U(VPN " udp-encapsulate dest-port", 1025, 65535, "4565", 0, R_ALL, "not 4500"),
	V(VPN " distribution-profile", N, LATER, R_NEW, "workers to use"),
	F(VPN " no-icmp-packet-too-big", 0, R_DP, "do not tell senders the tunnel's MTU"),
	F(VPN " passive-mode-tunneling", LATER, R_DP, "no active processing of the inner packet"),
	U("security ipsec vpn-monitor-options interval", 2, 3600, "10", LATER, R_NEW, "seconds"),
	U("security ipsec vpn-monitor-options threshold", 1, 65536, "10", LATER, R_NEW, "lost probes"),
	L("security ipsec security-association", N, 1, 32, 0, R_RESET, "manual SA of a routing protocol: refused"),
	E(MSA " mode", "transport", NULL, 0, R_RESET, "of the manual SA"),
	E(MSA_B " protocol", "esp ah", NULL, 0, R_RESET, "of the manual SA"),
	U(MSA_B " spi", 256, 16639, NULL, 0, R_RESET, "of the manual SA"),
	E(MSA_B " authentication algorithm", MANUAL_AUTH, NULL, 0, R_RESET, "of the manual SA"),
	S(MSA_B " authentication key ascii-text", SCHEMA_TEXT, 1, 255, 0, R_RESET, "of the manual SA"),
	S(MSA_B " authentication key hexadecimal", SCHEMA_HEX, 2, 255, 0, R_RESET, "of the manual SA"),
	E(MSA_B " encryption algorithm", MANUAL_ENCR, NULL, 0, R_RESET, "of the manual SA"),
	S(MSA_B " encryption key ascii-text", SCHEMA_TEXT, 1, 255, 0, R_RESET, "of the manual SA"),
	S(MSA_B " encryption key hexadecimal", SCHEMA_HEX, 2, 255, 0, R_RESET, "of the manual SA"),
	U("security ipsec anti-replay-window-size", 64, 8192, "64", 0, R_NEW, "packets"),
	E("security ipsec traceoptions flag", "packet-processing packet-drops security-associations "
		"next-hop-tunnel-binding all", NULL, SCHEMA_LIST | LATER, R_TEXT, "what to trace"),

	/* ---- security zones: only what decides where IKE is heard */
	L("security zones security-zone", N, 1, 63, 0, R_DP, "zone"),
	F("security zones security-zone * host-inbound-traffic system-services ike", 0, R_DP,
		"IKE is heard on all its interfaces"),
	F("security zones security-zone * host-inbound-traffic system-services ping", 0, R_DP, "ICMP echo"),
	F("security zones security-zone * host-inbound-traffic system-services all", 0, R_DP, "both"),
	L("security zones security-zone * interfaces", SCHEMA_UNIT, 0, 0, BLOCK, R_DP, "member unit"),
	F("security zones security-zone * interfaces * host-inbound-traffic system-services ike", 0, R_DP,
		"IKE is heard on this one"),
	F("security zones security-zone * interfaces * host-inbound-traffic system-services ping", 0, R_DP,
		"ICMP echo"),
	F("security zones security-zone * interfaces * host-inbound-traffic system-services all", 0, R_DP,
		"both"),
};
// clang-format on

const size_t schema_rows_n = ARRAY_LEN(schema_rows);
