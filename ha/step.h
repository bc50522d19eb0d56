#pragma once
/*
 * The one door of the replication core: ha_step(event) -> effects. Nothing here reads a clock, a
 * socket or a random device; time comes with each event, random octets from struct env.
 *
 * What it is for: every redundancy group (RG) has one log of whole-record upserts and tombstones
 * and at most one owner in an epoch. The host PROPOSEs entries while it owns the RG, lets go what
 * depends on them when COMMITTED comes back (never at delivery), keeps its standby copies warm from
 * APPLY, and acts for an RG only while the last ROLE or DEADLINE allows it.
 *
 * Life: ha_new() .. ha_free(). Thread: one; the host's loop. Not re-entrant: a host that gets an
 * idea while executing effects queues the event until ha_step() returned and the effects are done.
 *
 * Memory. Everything an event points to is lent for the call; ha copies what it keeps. Everything
 * an effect points to lives in the effects' own arena until ha_effects_clear(). Octets of keys and
 * bodies are opaque here; ha seals whole messages, so bodies are given in clear and never leave the
 * node unsealed. struct ha_record (accessors below) is lent until the next ha_step().
 *
 * Units: *_ns are nanoseconds of CLOCK_BOOTTIME (it counts while the machine is suspended, so an
 * owner that slept is a non-owner when it wakes), never compared between nodes. *_ms are durations.
 * Nodes are Tandem's numbers 0..31 (node0, node1, ...); Corosync's nodeid is node + 1.
 */
#include "base/env.h"
#include "base/log.h"
#include "base/view.h"

#define HA_NODES_MAX   32
#define HA_RG_MAX      129 /* 0..128 */
#define HA_NODE_NONE   255
#define HA_MESSAGE_MAX 65536 /* of one multicast, sealed */
#define HA_ITEMS_MAX                                                                               \
	57344 /* keys and bodies of one PROPOSE, with 16 octets an item of overhead                \
	       */
#define HA_KEY_MAX 255
#define HA_SCHEMA  1 /* highest schema version spoken */

struct ha;
struct ha_key; /* the host's, behind struct ha_seal_ops */

/* Total order: number, then ring, then owner (rule 3). {0} is older than any real epoch. `number`
 * is what the dataplane calls epoch. */
struct ha_epoch {
	uint64_t number;
	uint64_t ring_seq;
	uint32_t ring_node;
	uint32_t owner;
};

int ha_epoch_compare(const struct ha_epoch *a, const struct ha_epoch *b);

/* ---------------------------------------------------------------- configuration */

/* AEAD under keys that only the host can derive (OpenSSL lives in control/crypto). */
struct ha_seal_ops {
	void *ctx;
	/* HKDF(cluster key, salt, info = purpose | node). `purpose` is a constant string. The key
	 * is freed by key_free(). */
	int (*key_new)(void *ctx, const char *purpose, uint32_t node, const uint8_t salt[16],
		struct ha_key **out);
	void (*key_free)(void *ctx, struct ha_key *key);
	/* AES-256-GCM; nonce = 4 zero octets | counter, big endian. out has plain.n + 16 octets. */
	int (*seal)(void *ctx, struct ha_key *key, uint64_t counter, struct view aad,
		struct view plain, uint8_t *out);
	/* out has sealed.n - 16 octets; -ERR_CRYPTO when the tag is wrong. */
	int (*open)(void *ctx, struct ha_key *key, uint64_t counter, struct view aad,
		struct view sealed, uint8_t *out);
};

struct ha_rg_config {
	uint32_t id;			/* 0..128 */
	uint8_t priority[HA_NODES_MAX]; /* 1..254 of each node; 0 = may not own it */
	bool preempt;
	uint32_t preempt_delay_ms;
	uint32_t hold_down_ms; /* between two failovers that ha decides on */
	uint32_t announce_count;
};

struct ha_config {
	uint32_t node;	     /* this one */
	uint32_t cluster_id; /* 1..255 */
	uint32_t nodes;	     /* bit n: node n is configured */
	bool two_node; /* two nodes without a third vote: the silence rule instead of quorum */
	struct ha_rg_config rg[HA_RG_MAX];
	uint32_t n_rg;
	uint32_t token_ms, consensus_ms; /* Corosync's; deadline D = token + consensus + 100 */
	uint32_t renew_ms;		 /* renewals of an idle owner; 0 = 50 */
	uint32_t silence_ms;	  /* fabric and layer 2 must have been silent so long; 0 = 150 */
	uint32_t start_wait_ms;	  /* first start: wait so long for the others; 0 = 1000 */
	uint32_t control_hold_ms; /* headless RGs are kept so long; 0 = 10000 */
	uint32_t chunk_records;	  /* in one message of a snapshot; 0 = as many as fit */
	uint32_t stuck_ms;    /* a member that acknowledges nothing so long is expelled; 0 = 2000 */
	uint32_t handover_ms; /* a planned handover that takes longer is aborted; 0 = 2000 */
	uint32_t handover_ranges; /* bucket ranges a handover goes by; 0 = 1 */
	uint32_t bucket_bits;	  /* to cut the ranges; 0 = 10 */
	struct ha_seal_ops seal;
	struct env env;
	const struct ha_policy *policy; /* NULL. Tests hand in a broken one: ha/policy.h */
};

/* ---------------------------------------------------------------- events */

enum ha_event_type {
	HA_EV_TICK,	 /* now_ns >= ha_deadline(), or any time */
	HA_EV_VIEW,	 /* CPG confchg, after its ring id is known */
	HA_EV_QUORUM,	 /* libquorum; not needed when two_node */
	HA_EV_DELIVER,	 /* CPG message, own ones included */
	HA_EV_BUS_DOWN,	 /* CPG library error: go standby. A VIEW follows when it is back */
	HA_EV_PROPOSE,	 /* owner: entries to write */
	HA_EV_LEASES,	 /* owner: what its dataplane wants (LEASE_WANT) */
	HA_EV_PROBE,	 /* dataplane: layer 2 of an RG's addresses */
	HA_EV_FABRIC,	 /* dataplane: another node's dataplane, heard over the fabric */
	HA_EV_DATAPLANE, /* this node's dataplane came, went, or was refilled */
	HA_EV_FENCED,	 /* dataplane: answer to a FABRIC_FENCE */
	HA_EV_FROZEN,	 /* dataplane: answer to HANDOVER_FREEZE */
	HA_EV_ACTIVATED, /* dataplane: answer to HANDOVER_ACTIVATE */
	HA_EV_REFUSED,	 /* dataplane: answered RgSet ACTIVE with ERR_EPOCH: it was fenced */
	HA_EV_PERSISTED, /* host: PERSIST `serial` and all before are on disk */
	HA_EV_MONITOR,	 /* host: failure codes of this node for one RG */
	HA_EV_FAILOVER,	 /* operator: request chassis cluster failover redundancy-group N node M */
	HA_EV_FAILOVER_RESET,
	HA_EV_SHUTDOWN /* hand everything over, then HA_DO_LEAVE */
};

enum ha_left_reason { HA_LEFT_LEAVE, HA_LEFT_PROCDOWN, HA_LEFT_NODEDOWN };

struct ha_member {
	uint32_t node, pid;
};

struct ha_left {
	uint32_t node, pid;
	enum ha_left_reason reason;
};

/* Members of the CPG group, and of the ring beneath: a node whose tandemd died is in ring_nodes but
 * not among members. A node that left and came back between two views (same pid or not) is in
 * `left` and in `joined`; that may be this node itself. */
struct ha_ev_view {
	uint64_t ring_seq;
	uint32_t ring_node;
	uint32_t ring_nodes; /* bit n: node n */
	const struct ha_member *members, *joined;
	const struct ha_left *left;
	uint32_t n_members, n_joined, n_left;
};

struct ha_ev_quorum {
	uint64_t ring_seq;
	uint32_t ring_node;
	bool quorate; /* counts only for the view of this ring */
};

struct ha_ev_deliver {
	uint32_t node, pid;
	struct view octets;
	bool more; /* another delivery follows at once: acknowledgements are gathered */
};

/* What a record is. Keys of different classes never collide. */
enum ha_class {
	HA_CLASS_RECORD = 1, /* IKE engine: SAs, exchanges, windows, counters */
	HA_CLASS_LEASE = 2   /* sequence lease of one SA (dp.Lease): the host grants it on APPLY */
};

struct ha_item {
	enum ha_class class;
	bool tombstone;
	struct view key, body; /* body empty for tombstones */
};

/* Atomic: its items become visible together, in this order. */
struct ha_ev_propose {
	uint32_t rg;
	uint64_t ticket; /* host's, not 0; comes back in exactly one COMMITTED or REJECTED */
	const struct ha_item *items;
	size_t n;
};

/* Not atomic: cut into messages; ticket may be 0 (then only APPLY tells). Classes must be LEASE. */
struct ha_ev_leases {
	uint32_t rg;
	uint64_t epoch; /* of dp.LeaseWant; dropped silently when it is not the current one */
	uint64_t ticket;
	const struct ha_item *items;
	size_t n;
};

/* dp.Probe, unchanged. On a standby: does anybody answer for the RG's addresses on any reth? On an
 * owner: does anybody else? */
struct ha_ev_probe {
	uint32_t rg;
	bool alive;
	uint64_t last_answer_ns; /* 0 = never */
};

struct ha_fabric_rg {
	uint32_t rg;
	bool active;
	uint64_t epoch; /* number */
};

/* dp.FabricPeer, unchanged. */
struct ha_ev_fabric {
	uint32_t node;
	bool up;
	uint64_t last_heard_ns;
	bool control_alive;
	const struct ha_fabric_rg *rgs;
	uint32_t n_rgs;
};

/* A dataplane with another incarnation has started empty: it is standby for every RG, whatever was
 * said to the one before it, until ha says ROLE again (an owner acts in a new epoch then, because
 * an empty dataplane does not know which numbers were sent). The host fills it from the records,
 * then reports it up. */
struct ha_ev_dataplane {
	bool up;	      /* connected, configured and refilled with the store's records */
	uint32_t incarnation; /* dp.HelloReply */
};

struct ha_ev_fenced {
	uint32_t node, rg;
	uint64_t epoch;
};

struct ha_ev_refused {
	uint32_t rg;
	uint64_t epoch; /* of the RgSet */
};

struct ha_ev_frozen {
	uint32_t rg;
	uint32_t first_bucket, last_bucket;
	int error;	    /* 0 or -enum err: the handover is aborted */
	struct view states; /* opaque: handed to the target's HANDOVER_ACTIVATE unchanged */
};

struct ha_ev_activated {
	uint32_t rg;
	uint64_t epoch;
	int error;
};

/* Bits of the `Monitor-failures` column. CS is kept by ha itself. */
enum ha_monitor {
	HA_MON_CS = 1, /* cold sync: not SYNCED */
	HA_MON_IF = 2,
	HA_MON_IP = 4,
	HA_MON_SP = 8, /* workers, dataplane */
	HA_MON_CF = 16,
	HA_MON_FL = 32,
	HA_MON_RE = 64 /* leaving (SHUTDOWN) */
};

struct ha_ev_monitor {
	uint32_t rg;
	uint32_t codes; /* enum ha_monitor */
	bool failed;	/* the weights reached 255: this node's priority for rg is 0 */
};

struct ha_ev_failover {
	uint32_t rg, node;
	uint64_t request; /* host's, not 0; comes back in HA_DO_OPERATOR_DONE */
};

struct ha_event {
	enum ha_event_type type;
	uint64_t now_ns; /* never goes back */

	union {
		struct ha_ev_view view;
		struct ha_ev_quorum quorum;
		struct ha_ev_deliver deliver;
		struct ha_ev_propose propose;
		struct ha_ev_leases leases;
		struct ha_ev_probe probe;
		struct ha_ev_fabric fabric;
		struct ha_ev_dataplane dataplane;
		struct ha_ev_fenced fenced;
		struct ha_ev_refused refused;
		struct ha_ev_frozen frozen;
		struct ha_ev_activated activated;
		uint64_t persisted; /* serial */
		struct ha_ev_monitor monitor;
		struct ha_ev_failover failover; /* FAILOVER_RESET too; node unused */
	};
};

/* ---------------------------------------------------------------- effects */

/* Executed in the order given. */
enum ha_effect_type {
	HA_DO_MCAST,	 /* multicast to the group; queue on TRY_AGAIN, keep the order */
	HA_DO_PERSIST,	 /* replace the state file, fsync it and its folder, then HA_EV_PERSISTED */
	HA_DO_COMMITTED, /* everything the ticket's entries hold back may go */
	HA_DO_REJECTED,	 /* the entries are not, or not known to be, committed: release nothing */
	HA_DO_RESET,	 /* forget every applied record of rg: a snapshot follows by APPLY */
	HA_DO_APPLY,	 /* one record: standby at delivery, owner (its own entries) at commit */
	HA_DO_SYNCED,	 /* rg: this node now holds everything (CS clears) */
	HA_DO_ROLE,	 /* RgSet */
	HA_DO_DEADLINE,	 /* DeadlineSet */
	HA_DO_ANNOUNCE,	 /* gratuitous ARP, after ROLE active or HANDOVER_ACTIVATE */
	HA_DO_FABRIC_RENEW,	 /* FabricRenew to a headless owner's dataplane */
	HA_DO_FABRIC_FENCE,	 /* FabricRenew.fence: up to and including that (future) epoch */
	HA_DO_HANDOVER_FREEZE,	 /* local dataplane; answer HA_EV_FROZEN */
	HA_DO_HANDOVER_ACTIVATE, /* local dataplane, before its ROLE active; answer HA_EV_ACTIVATED
				  */
	HA_DO_HANDOVER_FORWARD,	 /* local dataplane: queue and stragglers to `node` */
	HA_DO_HANDOVER_ABORT,	 /* local dataplane: HandoverForward.abort, use the queue here */
	HA_DO_OPERATOR_DONE,
	HA_DO_LEAVE, /* SHUTDOWN is through: cpg_leave and exit */
	HA_DO_LOG
};

enum ha_reject {
	HA_REJECT_NOT_OWNER, /* was not owner when proposed, or RG unknown */
	HA_REJECT_LOST,	     /* ownership ended before commit */
	HA_REJECT_BUSY,	     /* too much outstanding: try later */
	HA_REJECT_HANDOVER, /* RG is being handed over; its new owner will answer retransmissions */
	HA_REJECT_SIZE	    /* does not fit a message */
};

enum ha_role { HA_STANDBY, HA_ACTIVE };

/* Becoming ACTIVE, by HA_DO_ROLE: the host restores the RG into the engine from the record
 * accessors, tells the dataplane, and retransmits outstanding messages byte-identically. An ACTIVE
 * role with a new epoch while active already (`continued`) asks for neither. */
struct ha_do_role {
	uint32_t rg;
	enum ha_role role;
	struct ha_epoch epoch; /* .number and .owner are what the dataplane wants */
	uint64_t deadline_ns;  /* ACTIVE: act strictly before. STANDBY: 0 */
	uint32_t owner;	       /* HA_NODE_NONE when nobody is known */
	bool continued;	       /* this node acted in the epoch before too: nothing was missed */
	bool adopt;	    /* its dataplane kept forwarding while its tandemd was away (rule 5) */
	bool handover;	    /* exact state came by HANDOVER_ACTIVATE: no lazy jump */
	const char *reason; /* static text of `show chassis cluster information` */
};

struct ha_do_apply {
	uint32_t rg;
	uint64_t index; /* of the log */
	uint64_t epoch; /* number, of the writer */
	bool snapshot;	/* state transfer, not a new entry */
	/* Of a proposal of this host's, whose COMMITTED follows: it acts on that. Anything else
	 * must reach its standby copies, also while it owns (what a lapse has rejected stays in the
	 * log).
	 */
	bool own;
	struct ha_item item;
};

struct ha_do_deadline {
	uint32_t rg;
	uint64_t epoch, deadline_ns;
};

struct ha_do_fabric {
	uint32_t node, rg;
	uint64_t epoch;
	uint32_t duration_ms; /* FABRIC_RENEW */
};

struct ha_do_handover {
	uint32_t rg;
	uint32_t first_bucket, last_bucket;
	uint64_t epoch;	      /* FREEZE: the current one; ACTIVATE, FORWARD: the next */
	uint64_t deadline_ns; /* ACTIVATE */
	uint32_t node;	      /* FORWARD: to whom */
	struct view states;   /* ACTIVATE: what HA_EV_FROZEN brought on the other node */
};

struct ha_effect {
	enum ha_effect_type type;

	union {
		struct view mcast;

		struct {
			uint64_t serial;
			struct view octets; /* opaque; given back to ha_new() at the next start */
		} persist;

		struct {
			uint32_t rg;
			uint64_t ticket, index;
			enum ha_reject reason; /* REJECTED */
		} done;

		uint32_t rg; /* RESET, SYNCED */
		struct ha_do_apply apply;
		struct ha_do_role role;
		struct ha_do_deadline deadline;

		struct {
			uint32_t rg, count;
		} announce;
		struct ha_do_fabric fabric;
		struct ha_do_handover handover;

		struct {
			uint64_t request;
			int error;	  /* 0 or -enum err */
			const char *text; /* for the operator */
		} operator_done;

		struct {
			enum log_level level;
			const char *event, *text;
		} log;
	};
};

struct ha_effects {
	struct ha_effect *v;
	size_t n, cap;
	struct ha_chunk *arena; /* private */
	bool failed;		/* memory ran out: ha_step() returns -ERR_NOMEM */
};

void ha_effects_init(struct ha_effects *fx);
void ha_effects_clear(struct ha_effects *fx); /* keeps the memory for the next step */
void ha_effects_fini(struct ha_effects *fx);

/* ---------------------------------------------------------------- the core */

/* `persisted` is what the last PERSIST asked to keep, empty at the very first start. The config is
 * copied (its seal ops and env must outlive ha). Raises the incarnation; the first ha_step() asks
 * to PERSIST it, and nothing is multicast before that is PERSISTED. */
int ha_new(const struct ha_config *config, struct view persisted, uint64_t now_ns,
	struct ha **out) MUST_CHECK;
void ha_free(struct ha *ha);

/* Appends to fx. 0; -ERR_VALUE for an event that makes no sense (nothing changed); -ERR_NOMEM or
 * -ERR_CRYPTO: the caller should exit and come back as a joiner. Octets from the bus never cause an
 * error: they are dropped, counted and logged. */
int ha_step(struct ha *ha, const struct ha_event *ev, struct ha_effects *fx) MUST_CHECK;

/* When the next TICK is wanted (UINT64_MAX: not at all). */
uint64_t ha_deadline(const struct ha *ha);

/* New priorities, preempt, hold-down, timers. Members, two_node and cluster id may not change. */
int ha_reconfigure(struct ha *ha, const struct ha_config *config) MUST_CHECK;

/* The whole check before each SEND, each ARP answer: owner, committed, and before the deadline. */
bool ha_may_act(const struct ha *ha, uint32_t rg, uint64_t now_ns);

/* ---------------------------------------------------------------- records */

struct ha_record {
	enum ha_class class;
	uint64_t index, epoch; /* log index and epoch number of its last upsert */
	struct view key, body;
};

/* In the order of their last upsert; false at the end. `at` starts as NULL-initialised cursor. Lent
 * until the next ha_step(). */
struct ha_walk {
	const void *next;
	bool begun;
};

bool ha_record_next(const struct ha *ha, uint32_t rg, struct ha_walk *at, struct ha_record *out);
bool ha_record_find(const struct ha *ha, uint32_t rg, enum ha_class class, struct view key,
	struct ha_record *out);

/* ---------------------------------------------------------------- status */

enum ha_node_status {
	HA_LOST,
	HA_HOLD,
	HA_SECONDARY,
	HA_SECONDARY_HOLD,
	HA_PRIMARY,
	HA_INELIGIBLE
};

/* One row of `show chassis cluster status`. */
struct ha_node_row {
	enum ha_node_status status;
	uint32_t priority; /* 0 when not ready, 255 after a manual failover to it */
	bool preempt, manual;
	uint32_t monitors;    /* enum ha_monitor */
	bool synced;	      /* in the commit set */
	uint64_t acked_index; /* of the current epoch, as far as known here */
	uint32_t schema;
	uint64_t incarnation;
};

struct ha_rg_status {
	enum ha_role role;
	struct ha_epoch epoch;
	uint32_t owner;
	bool headless, primary_view, dual; /* dual: another owner was heard (alarm) */
	uint64_t deadline_ns;		   /* of this node's ownership */
	uint32_t failovers;
	uint64_t index, committed; /* log positions */
	uint64_t records, digest;
	struct ha_node_row node[HA_NODES_MAX];
};

/* Named counters of the whole core, for metrics: name, value; false at the end. */
bool ha_counter(const struct ha *ha, size_t i, const char **name, uint64_t *value);
int ha_rg_status(const struct ha *ha, uint32_t rg, struct ha_rg_status *out) MUST_CHECK;
uint64_t ha_incarnation(const struct ha *ha);
