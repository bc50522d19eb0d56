#pragma once
/*
 * The configuration as the daemons use it: checked, resolved, immutable.
 *
 * Life: made by config_load() (config.h) with one reference; model_ref() / model_free(). Everything
 * a model points to lives in its own arena and goes at once with the last reference; the arena is
 * wiped, because it holds keys. Thread: the reference count belongs to one loop; reading is free.
 *
 * Every reference between objects is resolved to a pointer. Lists are arrays with their length
 * beside them, in configuration order where that has a meaning (proposals, peers, selectors) and in
 * name order otherwise. Strings are never NULL unless the comment says so.
 *
 * Algorithms are IKEv2 transform IDs of the IANA registry (RFC 7296 3.3.2), zero for "none", so
 * that the engine needs no second table: ENCR 12 = AES-CBC, 20 = AES-GCM-16; INTEG 12 =
 * HMAC-SHA2-256-128; PRF 5 = HMAC-SHA2-256; D-H 19 = P-256, 31 = curve25519. key_bits is 0 for
 * fixed-size ciphers.
 */
#include "base/addr.h"
#include "base/view.h"
#include "policy/dn.h"

#define MODEL_PEERS_MAX	      5
#define MODEL_PROPOSALS_MAX   4
#define MODEL_ADDITIONAL_MAX  7
#define MODEL_TERMS_MAX	      199 /* and the selector itself */
#define MODEL_NODES_MAX	      32
#define MODEL_RINGS_MAX	      8
#define MODEL_POLICY_OIDS_MAX 5
#define MODEL_CA_GROUP_MAX    20

enum model_auth {
	MODEL_AUTH_PSK,
	MODEL_AUTH_RSA,
	MODEL_AUTH_DSA,
	MODEL_AUTH_ECDSA_256,
	MODEL_AUTH_ECDSA_384,
	MODEL_AUTH_ECDSA_521,
	MODEL_AUTH_CERTIFICATES,
	MODEL_AUTH_DIGITAL
};

enum model_signature_hash {
	MODEL_HASH_SHA1 = 1,
	MODEL_HASH_SHA256 = 2,
	MODEL_HASH_SHA384 = 4,
	MODEL_HASH_SHA512 = 8
};

struct model_ike_proposal {
	const char *name; /* "standard/2" for the second one of a proposal-set */
	enum model_auth auth;
	uint16_t encr, key_bits;
	uint16_t integ; /* 0 with an AEAD cipher */
	uint16_t prf;
	uint16_t dh;
	uint16_t additional[MODEL_ADDITIONAL_MAX]; /* key exchanges after that one (RFC 9370) */
	uint32_t n_additional;
	uint32_t lifetime_s;
	uint32_t signature_hashes; /* enum model_signature_hash, or-ed */
};

enum model_revocation { MODEL_REVOCATION_CRL, MODEL_REVOCATION_OCSP, MODEL_REVOCATION_OFF };

/* When no OCSP responder can be asked. */
enum model_ocsp_failure { MODEL_OCSP_REFUSE, MODEL_OCSP_FALLBACK_CRL, MODEL_OCSP_SKIP };

struct model_url {
	const char *url;
	const char *password; /* NULL when not set; secret */
};

struct model_ocsp {
	const struct model_url *urls; /* none: what the certificate names (AIA) */
	uint32_t n_urls;
	bool nonce, responder_revocation_check, accept_unknown;
	enum model_ocsp_failure on_failure;
};

/* A trusted CA. Its certificate is a file of the store with the profile's name, not configuration.
 */
struct model_ca_profile {
	const char *name;
	const char *identity;
	enum model_revocation revocation;
	const struct model_url *crl_urls; /* none: what the certificate names (CDP) */
	uint32_t n_crl_urls;
	uint32_t refresh_h;	       /* of CRLs; 0 = their nextUpdate */
	bool skip_on_download_failure; /* an older CRL counts then, or none */
	struct model_ocsp ocsp;
	const char *source;   /* address that fetches come from, or NULL */
	const char *instance; /* device of the kernel that they leave by, or NULL */
};

struct model_ca_group {
	const char *name;
	const struct model_ca_profile *const *profiles; /* 1..MODEL_CA_GROUP_MAX, as written */
	uint32_t n_profiles;
};

/* Who is told of the end of a certificate, and how many days before (PKI-001). */
struct model_expiry {
	const char *name; /* certificate-id, or ca-identity */
	uint32_t days;
};

enum model_ike_mode { MODEL_MODE_MAIN, MODEL_MODE_AGGRESSIVE };

struct model_ike_policy {
	const char *name;
	enum model_ike_mode mode;  /* IKEv1 initiator */
	uint32_t reauth_frequency; /* every n-th IKE rekey is a reauthentication; 0 = off */
	const struct model_ike_proposal *proposals; /* best first, 1..4 */
	uint32_t n_proposals;
	struct view psk;    /* the octets; empty when the policy has none */
	struct view ppk;    /* RFC 8784; empty: none */
	struct view ppk_id; /* 1 to 255 octets */
	bool ppk_required;
	struct view seeded_psk;	       /* dynamic gateways; empty when there is a psk */
	const char *local_certificate; /* NULL when not set */
	/* CAs below which a peer's chain must end: those it is tied to, or all that are configured.
	 */
	const struct model_ca_profile *const *trusted_cas;
	uint32_t n_trusted_cas;
	bool use_all;			/* not tied to any: trusted_cas are all profiles */
	bool end_entity_only;		/* what we send: not the CAs above it */
	bool peer_cert_pkcs7;		/* else X.509 signature */
	const char *const *policy_oids; /* dotted; one of them must hold for the peer's chain */
	uint32_t n_policy_oids;
};

enum model_id_type {
	MODEL_ID_NONE, /* remote: not said, accept the peer's address */
	MODEL_ID_INET,
	MODEL_ID_INET6,
	MODEL_ID_HOSTNAME,
	MODEL_ID_USER_AT_HOSTNAME,
	MODEL_ID_DN,
	MODEL_ID_KEY_ID
};

struct model_identity {
	enum model_id_type type;
	struct addr addr;  /* INET, INET6 */
	struct view value; /* HOSTNAME, USER_AT_HOSTNAME, KEY_ID: octets as sent */
	/* DN of a peer: one of these names, compared in that way; none: any. */
	enum dn_match dn_how;
	const char *const *dns;
	uint32_t n_dns;
};

enum model_version { MODEL_IKE_V1 = 1, MODEL_IKE_V2 = 2 };

enum model_dpd { MODEL_DPD_OFF, MODEL_DPD_OPTIMIZED, MODEL_DPD_PROBE_IDLE, MODEL_DPD_ALWAYS };

enum model_user_type { MODEL_USER_NONE, MODEL_USER_GROUP, MODEL_USER_SHARED };

struct model_peer {
	struct addr addr; /* family 0: only the host name is known */
	const char *host; /* as written */
};

struct model_gateway {
	const char *name;
	const struct model_ike_policy *policy;
	struct model_peer peers[MODEL_PEERS_MAX]; /* primary first; none when dynamic */
	uint32_t n_peers;
	bool dynamic;
	uint32_t connections_limit; /* dynamic; UINT32_MAX = unlimited */
	enum model_user_type user_type;
	bool reject_duplicate;
	const struct model_unit *external;
	struct addr local;		/* of the external interface: where we send from */
	struct model_identity local_id; /* never NONE: `local` when not configured */
	struct model_identity remote_id;
	bool general_ikeid; /* no comparison of the peer's identity */
	enum model_version version;
	enum model_dpd dpd; /* OFF when the statement is absent: answers, does not probe */
	uint32_t dpd_interval_s, dpd_threshold;
	uint32_t nat_keepalive_s;
	bool nat_traversal;
	bool mobike;		   /* as responder, the peer may move */
	uint32_t resumption_s;	   /* lifetime of tickets, 0: none are given nor asked for */
	const char *redirect_to;   /* where its peers are sent, NULL: nowhere; */
	struct addr redirect_addr; /* family 0: it is a name */
	bool redirect_follow;	   /* as initiator: goes where it is sent */
	bool fragmentation;
	uint32_t fragment_size; /* of the family of `local`, default filled in */
	uint32_t rg;		/* redundancy group that owns it; 0 when none */
	bool ike_allowed;	/* host-inbound-traffic of the zone; true when there are no zones */
	const char *unsupported; /* NULL, or why this release cannot run it (a warning was given) */
};

struct model_ipsec_proposal {
	const char *name;
	bool ah;		 /* else ESP */
	uint16_t encr, key_bits; /* encr 11 = NULL; 0 with AH */
	uint16_t integ;
	uint32_t lifetime_s;  /* hard */
	uint64_t lifetime_kb; /* 0 = unlimited */
	bool esn;
};

struct model_ipsec_policy {
	const char *name;
	uint16_t pfs;	   /* D-H group, 0 = none */
	bool strict_count; /* a peer must offer as many proposals as there are here */
	const struct model_ipsec_proposal *proposals; /* best first, 1..4 */
	uint32_t n_proposals;
};

enum model_df { MODEL_DF_CLEAR, MODEL_DF_SET, MODEL_DF_COPY };

enum model_establish {
	MODEL_ON_TRAFFIC,
	MODEL_IMMEDIATELY,
	MODEL_RESPONDER_ONLY,
	MODEL_RESPONDER_ONLY_NO_REKEY
};

/* What may cross: ends are seen from here, so `local` is the source of what we send. */
struct model_flow {
	struct prefix local, remote;
	uint8_t protocol;		       /* 0 = any */
	uint16_t local_port_lo, local_port_hi; /* 0..65535 = any */
	uint16_t remote_port_lo, remote_port_hi;
};

/* One tunnel: a VPN has one for each traffic selector, or a single nameless one (proxy identity).
 */
struct model_selector {
	const char *name; /* "" for the nameless one */
	const struct model_vpn *vpn;
	uint32_t policy_id; /* hash of both names: stable over reloads and nodes, unique, not 0 */
	const struct model_flow *flows; /* at least one */
	uint32_t n_flows;
	uint32_t preference, metric; /* of the route that appears with the tunnel */
};

/* An SA that nobody negotiates: one SPI and one key for both directions. */
struct model_manual {
	const struct model_unit *external;
	struct addr local, remote;
	uint32_t rg, spi;
	bool ah;
	uint16_t encr, key_bits; /* encr 11 = NULL; 0 with AH */
	uint16_t integ;		 /* 65280: HMAC-SHA-256-96; 0: none */
	struct view encr_key, integ_key;
};

#define MODEL_MANUAL_SPI_LAST 16639 /* no other SA has one up to here */

struct model_vpn {
	const char *name;
	const struct model_manual *manual; /* then there are neither gateway nor policy */
	const struct model_gateway *gateway;
	const struct model_ipsec_policy *policy;
	const struct model_unit *bind; /* st0 unit; NULL when policy-based */
	bool transport;		       /* mode transport: between the two gateways alone */
	enum model_df df;
	bool copy_outer_dscp, copy_ttl;
	bool fixed_tos; /* else the inner header's */
	uint8_t ttl, tos;
	uint16_t tunnel_mtu; /* 0: what the way allows */
	enum model_establish establish;
	uint32_t replay_window; /* 0 = anti-replay off */
	bool replay_strict;	/* replay-on-failover strict */
	uint32_t idle_s;	/* 0 = off */
	uint32_t install_interval_s;
	uint16_t udp_port; /* udp-encapsulate; 0 = off */
	bool no_packet_too_big;
	/* multi-sa (RFC 9611): ask for SAs of workers; how many a peer may have, 0 = one a worker.
	 */
	bool per_worker;
	uint32_t multi_max;
	/* What a dynamic peer negotiated becomes a route (RRI): 0 = no, else its preference. */
	uint32_t reverse_preference;
	bool has_selectors; /* the selectors were configured by name */
	bool single_pair;   /* each SA is for one pair of addresses */
	const struct model_selector *selectors;
	uint32_t n_selectors;
};

enum model_if_kind { MODEL_IF_PORT, MODEL_IF_RETH, MODEL_IF_TUNNEL, MODEL_IF_FABRIC };

/* Next hops on a multipoint unit: which VPN leads to them. */
struct model_binding {
	struct addr hop;
	const char *vpn_name;
	const struct model_vpn *vpn;
};

struct model_unit {
	const struct model_interface *interface;
	const char *name; /* "ge-0/0/0.0" */
	uint32_t number;
	const struct prefix *addresses; /* host bits as written */
	uint32_t n_addresses;
	bool inet, inet6; /* family configured, with or without an address */
	bool multipoint;
	const struct model_binding *bindings; /* as configured */
	uint32_t n_bindings;
	const char *kernel_device; /* TUN device; NULL: the kernel has no part in it */
	uint32_t kernel_table;
	uint32_t instance; /* 0 = the default one; see struct model_instance */
	const char *zone;  /* NULL when in none */
	bool ike_allowed;
};

struct model_interface {
	const char *name; /* "ge-0/0/0", "reth0", "st0", "fab0" */
	enum model_if_kind kind;
	uint32_t index;	    /* n of reth<n> and fab<n> */
	const char *device; /* DPDK device arguments; NULL: not a port of this node */
	uint8_t mac[6];
	bool has_mac;
	uint16_t mtu;
	bool disabled;
	const struct model_interface *reth; /* redundant parent of a port; NULL when none */
	uint32_t rg; /* of a reth, and of a port with such a parent; else 0 */
	const struct model_interface *const *members; /* ports of a reth or fab, in name order */
	uint32_t n_members;
	const struct model_unit *units; /* by number */
	uint32_t n_units;
};

/* A table of routes of its own. Numbered from 1 in name order: 0 is the default instance, which is
 * not listed. */
struct model_instance {
	const char *name;
	uint32_t index;
	bool vrf;
};

struct model_route {
	uint32_t instance;
	struct prefix to;
	struct addr via;	       /* family 0: through a unit */
	const struct model_unit *unit; /* NULL: through an address */
	uint32_t preference;
};

struct model_member {
	uint32_t node, priority;
};

struct model_if_monitor {
	const struct model_interface *interface;
	uint32_t weight;
};

struct model_ip_monitor {
	struct addr target, secondary; /* secondary: own source address of a standby, or none */
	const struct model_unit *unit; /* NULL when not said */
	uint32_t weight;
};

struct model_rg {
	uint32_t id;
	const struct model_member *members; /* by node */
	uint32_t n_members;
	bool preempt;
	uint32_t preempt_delay_s, preempt_limit, preempt_period_s; /* 0 = not set */
	uint32_t garp_count;
	uint32_t hold_down_s;
	const struct model_if_monitor *if_monitors;
	uint32_t n_if_monitors;
	uint32_t ip_global_weight, ip_global_threshold, ip_retry_interval_s, ip_retry_count;
	const struct model_ip_monitor *ip_monitors;
	uint32_t n_ip_monitors;
};

struct model_cluster {
	bool enabled; /* `chassis cluster` is configured */
	uint32_t id;
	bool active_backup;
	uint32_t reth_count;
	bool control_link_recovery;
	uint32_t heartbeat_interval_ms, heartbeat_threshold;
	uint32_t control_hold_s;
	uint32_t nodes[MODEL_NODES_MAX]; /* members of any redundancy group, ascending */
	uint32_t n_nodes;
	const struct model_rg *rgs; /* by id */
	uint32_t n_rgs;
	struct view key; /* 32 octets, empty when the cluster is off */
	uint32_t checkpoint_packets, checkpoint_ms;
	bool replicate_half_open;
	struct addr rings[MODEL_RINGS_MAX]; /* of this node; family 0 = unused */
	uint32_t workers_minimum;
};

struct model_dataplane {
	uint32_t workers, workers_max, bucket_bits;
	bool busy_poll;
};

/* [edit security ike session] and respond-bad-spi. 0 = not set, except where said. */
struct model_ike_limits {
	uint32_t half_open_timeout_s, half_open_max;
	bool half_open_discard_duplicate;
	uint32_t cookie_threshold;
	uint32_t reduce_threshold, reduce_timeout_s;
	uint32_t half_open_per_source, source_init_rate; /* negotiations; new ones per second */
	uint32_t source_failures;			 /* refused peers per minute */
	uint32_t respond_bad_spi;			 /* responses per peer, 0 = off */
	uint32_t backoff_init_s, backoff_auth_s;
	/* Of one peer, per second. */
	uint32_t ike_rekey_rate, child_rekey_rate, keepalive_rate;
};

struct model {
	uint32_t refs;
	int node;	       /* whose view this is; -1 stand-alone */
	const char *host_name; /* "" when not set */
	const struct model_ca_profile *ca_profiles;
	const struct model_ca_group *ca_groups;
	const struct model_ike_policy *ike_policies;
	const struct model_gateway *gateways;
	const struct model_ipsec_policy *ipsec_policies;
	const struct model_vpn *vpns;
	const struct model_selector *const *selectors; /* of all VPNs, by policy_id */
	const struct model_interface *interfaces;
	const struct model_instance *instances;
	const struct model_route *routes;
	uint32_t n_ca_profiles, n_ca_groups;
	const struct model_expiry *expiry_own, *expiry_cas;
	uint32_t n_expiry_own, n_expiry_cas, expiry_days; /* of all others */
	bool allow_local_fetch; /* CRLs and OCSP from loopback and link-local addresses, too */
	uint32_t n_ike_policies, n_gateways, n_ipsec_policies, n_vpns, n_selectors;
	uint32_t n_interfaces, n_instances, n_routes;
	struct model_ike_limits limits;
	struct model_cluster cluster;
	struct model_dataplane dataplane;
	const struct tree *tree; /* the effective statements (tree.h), for diff and print */
	struct arena *arena;
};

struct model *model_ref(struct model *m);
void model_free(struct model *m);
void model_cleanup(struct model **m);
#define auto_model struct model *CLEANUP(model_cleanup)

/* All NULL when there is none. Logarithmic. */
const struct model_ca_profile *model_ca_profile(const struct model *m, const char *name);
/* Days before its end from which a certificate is warned of: a CA's by its ca-identity, our own by
 * its certificate-id. */
uint32_t model_expiry_days(const struct model *m, bool is_ca, const char *name);
const struct model_ca_group *model_ca_group(const struct model *m, const char *name);
const struct model_ike_policy *model_ike_policy(const struct model *m, const char *name);
const struct model_ipsec_policy *model_ipsec_policy(const struct model *m, const char *name);
const struct model_gateway *model_gateway(const struct model *m, const char *name);
const struct model_vpn *model_vpn(const struct model *m, const char *name);
const struct model_interface *model_interface(const struct model *m, const char *name);
/* "reth0.0"; NULL without a unit number. */
const struct model_unit *model_unit(const struct model *m, const char *name);
const struct model_rg *model_rg(const struct model *m, uint32_t id);
/* "master" for 0. */
const char *model_instance_name(const struct model *m, uint32_t index);
/* Waits for traffic: the packet that needs the tunnel asks for it. */
bool model_vpn_waits(const struct model_vpn *v);
/* The unit its packets leave by: in transport mode nothing is routed into a tunnel. NULL: none. */
const struct model_unit *model_vpn_unit(const struct model_vpn *v);
const struct model_selector *model_selector(const struct model *m, uint32_t policy_id);
/* Priority of a node in a group, 0 when it is no member. */
uint32_t model_rg_priority(const struct model_rg *rg, uint32_t node);
/* FNV-1a over "vpn", a zero octet and "selector"; never 0. Collisions are refused at check time. */
uint32_t model_policy_id(const char *vpn, const char *selector);
/* FNV-1a over "reth0.0", or "fab0"; never 0. Collisions are refused at check time, too. */
uint32_t model_interface_id(const char *name);
