#pragma once
/*
 * All that the IKE engine can ask for: a list of effects, executed by the host in the order given,
 * after ike_step() returned.
 *
 * Life: ike_effects_init() .. ike_effects_fini(); ike_effects_clear() between two steps. Everything
 * an effect points to lives in the effects' own arena until the next clear, which wipes it (keys
 * pass through); KEX, SIGN and TRUST jobs are the exception, see there. Thread: the engine's.
 *
 * Tickets are numbers of the engine's, never 0, never used twice by one engine.
 */
#include "base/addr.h"
#include "base/secret.h"
#include "crypto/kex.h"
#include "policy/ts.h"

struct ike_sign_job;
struct ike_trust_job;

enum ike_effect_type {
	IKE_FX_SEND,
	IKE_FX_KEX,
	IKE_FX_INSTALL,
	IKE_FX_EXPECT,
	IKE_FX_UPDATE,
	IKE_FX_DELETE,
	IKE_FX_REPLICATE,
	IKE_FX_ASK_ACTIVITY,
	IKE_FX_OPERATOR_DONE,
	IKE_FX_SIGN,
	IKE_FX_TRUST,
	IKE_FX_RESOLVE
};

/* One message: a list of datagrams that go to one place (several with RFC 7383). */
struct ike_fx_send {
	uint32_t interface_id;
	uint32_t rg; /* whose deadline is checked before it leaves */
	struct endpoint local, remote;
	bool natt;	/* port 4500: put the non-ESP marker before each */
	bool keepalive; /* one NAT keepalive octet (RFC 3948 2.3); no datagrams */
	const struct view *datagrams;
	size_t n;
};

enum ike_kex_kind {
	IKE_KEX_GENERATE, /* group -> kex */
	IKE_KEX_DERIVE,	  /* kex, peer_public -> shared */
	IKE_KEX_RESPOND	  /* group, peer_public -> kex, shared */
};

/*
 * Asymmetric work for a thread pool. Life: made by the engine, owned by whoever executes the effect
 * until KEX_DONE gives it back. Executed by ike_kex_run(), on any thread; nobody else touches it
 * meanwhile. An executor that goes down frees it with ike_kex_job_free().
 */
struct ike_kex_job {
	uint64_t id;
	enum ike_kex_kind kind;
	uint16_t group;
	bool stranger;		 /* for a peer that is not authenticated: others go first */
	struct kex *kex;	 /* in (DERIVE) and out */
	struct blob peer_public; /* in */
	struct secret *shared;	 /* out */
	int rc;			 /* out: 0 or negative enum err */
};

void ike_kex_run(const struct crypto *c, struct ike_kex_job *job);
void ike_kex_job_free(struct ike_kex_job *job);

#define IKE_UDP_KEY 16

/* Outer headers: see dp.ChildInstall. */
struct ike_outer {
	uint8_t df; /* enum model_df */
	uint8_t ttl, tos;
	bool copy_ttl, fixed_tos, copy_dscp, no_too_big;
	uint16_t mtu;	   /* 0: what the way allows */
	uint16_t udp_port; /* multipath UDP encapsulation; 0: no */
	struct view udp_key;
};

/* Both directions of one child SA: dp.ChildInstall, see there. Keys are in the arena. */
struct ike_child_install {
	uint32_t spi_in, spi_out, rg, policy_id, interface_id;
	uint8_t worker_hint;	    /* RFC 9611: see dp.ChildInstall */
	bool own_wanted;	    /* likewise */
	uint32_t selector_id, peer; /* of a spoke: see dp.ChildInstall; else 0 */
	struct endpoint local, remote;
	bool udp_encap, transport;
	bool manual;			       /* of the configuration: numbers go round */
	uint16_t encr, key_bits, integ;	       /* encr 0: AH */
	struct view encr_key_in, encr_key_out; /* AEAD: key, then salt */
	struct view integ_key_in, integ_key_out;
	bool esn;
	uint32_t replay_window;
	bool strict_replay;
	const struct tsel *local_ts, *remote_ts;
	uint32_t n_local_ts, n_remote_ts;
	bool outbound;
	struct ike_outer outer;
	uint64_t soft_bytes, hard_bytes;
	uint64_t order;
	/* The lease a new child starts with (architecture rule 7). */
	uint64_t lease_epoch, lease_horizon;
};

struct ike_fx_install {
	uint64_t ticket; /* comes back in INSTALLED */
	struct ike_child_install child;
};

/* The peer is being told of this SPI, and may send with it before the INSTALL. */
struct ike_fx_expect {
	uint32_t spi_in;
	struct addr remote;
};

struct ike_fx_update {
	uint32_t spi_in;
	bool moved;    /* the peer is at `remote` now (committed); else: */
	bool outbound; /* whether to send with it from now on */
	struct endpoint remote;
};

struct ike_fx_delete {
	uint32_t rg;
	const uint32_t *spi_in;
	size_t n;
};

#define IKE_RECORD_KEY_MAX 9

/* Whole records, or tombstones: the body is empty then. Keys and bodies are the engine's business;
 * record.h reads what a host needs of them. */
struct ike_fx_item {
	struct view key, body;
	bool tombstone;
};

/* Atomic. COMMITTED or REJECTED answers; nothing that depends on it was asked for before. */
struct ike_fx_replicate {
	uint64_t ticket;
	uint32_t rg;
	const struct ike_fx_item *items;
	size_t n;
};

/* When did protected traffic last flow? ACTIVITY answers; no answer is harmless. */
struct ike_fx_ask {
	uint64_t sa;	/* opaque, */
	uint32_t child; /* too */
	const uint32_t *spi_in;
	size_t n;
};

struct ike_effect {
	enum ike_effect_type type;

	union {
		struct ike_fx_send send;
		struct ike_kex_job *kex;   /* owned by the executor */
		struct ike_sign_job *sign; /* likewise: proof.h */
		struct ike_trust_job *trust;
		struct ike_fx_install install;
		struct ike_fx_expect expect;
		struct ike_fx_update update;
		struct ike_fx_delete del;
		struct ike_fx_replicate replicate;
		struct ike_fx_ask ask;
		const char *resolve; /* host name of a peer: names.h; RESOLVED may follow, or not */

		struct {
			uint64_t request;
			uint32_t count; /* SAs or tunnels touched */
		} operator_done;
	};
};

struct ike_effects {
	struct ike_effect *v;
	size_t n, cap;
	struct ike_chunk *arena; /* private */
	bool failed;		 /* out of memory: ike_step() says so */
};

void ike_effects_init(struct ike_effects *fx);
/* Keeps some memory for the next step. Frees jobs that nobody took (v[i].kex, .sign, .trust not
 * NULL): the executor sets the pointer to NULL when it takes one. */
void ike_effects_clear(struct ike_effects *fx);
void ike_effects_fini(struct ike_effects *fx);

/* For the engine's own files. Both return zeroed memory, or NULL with fx->failed set. */
struct ike_effect *ike_effects_add(struct ike_effects *fx, enum ike_effect_type type);
void *ike_effects_alloc(struct ike_effects *fx, size_t n);
struct view ike_effects_copy(struct ike_effects *fx, struct view v);
