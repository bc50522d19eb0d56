#pragma once
/*
 * What the files of ha/ share: the state of the core. Nobody outside includes this, except tests.
 *
 * Life: made and freed by ha_new()/ha_free(). fx, now_ns and `more` are those of the step under
 * way. Every RG keeps its own log, commit set and owner; peers and acknowledgements are per node.
 */
#include "base/list.h"
#include "policy.h"
#include "step.h"
#include "store.h"

#include "replication.pb-c.h"

#define MS(n) ((uint64_t)(n)*1000000)

static inline uint64_t latest(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t ab = a > b ? a : b;

	return ab > c ? ab : c;
}

enum {
	SALT_LEN = 16,
	CHALLENGE_LEN = 16,
	RENEWS = 1024,	   /* send times kept, of one millisecond each */
	IN_FLIGHT = 4,	   /* log messages of one RG on the bus; more are gathered into one */
	OUTBOX_MAX = 8192, /* entries an owner may have outstanding in one RG */
	XFER_WINDOW = 8,   /* snapshot chunks not yet acknowledged by the slowest joiner */
};

/* ---- one node as seen from here; [config.node] is this one */

struct ha_rx { /* what is accepted from a sender */
	uint8_t salt[SALT_LEN];
	struct ha_key *key; /* NULL = nothing yet */
	uint64_t counter;   /* last one accepted */
};

struct ha_peer {
	bool in_view; /* its tandemd is in the group */
	bool in_ring; /* its Corosync is in the ring */
	bool greeted; /* its Hello of this stay in the group was accepted */
	/* Greeted once, and its node in our ring ever since: nothing it did can be unknown here. */
	bool known;
	bool joined; /* it joined in the present view: its Hello tells where it stands */
	uint32_t pid, schema;
	uint64_t incarnation;
	struct ha_rx rx;
	uint8_t challenge[CHALLENGE_LEN]; /* its latest, to be echoed */
	bool challenged, echoed;
	uint64_t last_rx_ns;	/* newest message of its present incarnation that we acknowledged */
	uint64_t left_ns;	/* when it last left the group */
	uint64_t renew_seen;	/* to be acknowledged */
	uint64_t renew_told;	/* was acknowledged */
	uint64_t renew_serial;	/* acknowledge nothing of it before this is on disk */
	uint64_t renew_hold_ns; /* acknowledge nothing of it before (rule 4: waiting out a deadline)
				 */
	uint64_t renew_acked;	/* it acknowledged this id of ours, in this view */
	uint64_t proven_ns;	/* send time of the newest message of ours it acknowledged */
	/* fabric */
	bool fabric_known, fabric_up, control_alive;
	uint64_t fabric_heard_ns, fabric_event_ns;
};

/* ---- the owner's outstanding entries */

struct ha_out {
	struct list link;
	uint64_t index;	   /* 0 = not numbered yet (still gathering) */
	uint64_t epoch;	   /* number, once delivered */
	uint64_t renew;	   /* id with which it was sent in this view */
	bool sent;	   /* in this view */
	bool delivered;	   /* to this node, once */
	bool config;	   /* holds SYNCED, EXPEL: not merged with others */
	struct blob items; /* packed `items` fields of a repl.Log */
	size_t cap;
	uint64_t *tickets;
	size_t n_tickets;
};

/* ---- a joiner's side and a source's side of a state transfer */

enum ha_sync_state {
	HA_SYNC_IDLE,	 /* asks for nothing */
	HA_SYNC_WANT,	 /* waits for a marker */
	HA_SYNC_MARKED,	 /* marker delivered; log messages are kept until the base is known */
	HA_SYNC_FILLING, /* follows the log; chunks fill in what is older */
	HA_SYNC_BARRIER, /* all chunks are here; waits for the source's digest */
	HA_SYNC_READY	 /* waits for SYNCED */
};

struct ha_kept {
	struct list link;
	uint32_t sender;
	bool claim;
	struct blob octets;
};

struct ha_join {
	enum ha_sync_state state;
	uint64_t transfer, seq_next, seq_told;
	uint32_t source;
	struct list kept; /* struct ha_kept */
	size_t kept_octets;
	uint64_t changed_ns;
	struct ha_digest barrier;
	uint64_t barrier_index;
};

struct ha_source {
	uint64_t transfer; /* 0 = none under way */
	uint32_t targets;
	bool marked; /* own marker delivered */
	bool drained, barrier_sent, digest_sent;
	uint64_t seq_next; /* next chunk */
	uint64_t seq_seen; /* own chunks delivered */
	uint64_t seq_acked[HA_NODES_MAX];
	struct ha_cursor cursor;
	uint64_t changed_ns;
};

/* ---- what is known of one node in one RG */

struct ha_place {
	int ahead;	       /* its history compared with ours: -1 behind, 0 equal, 1 ahead */
	bool synced;	       /* it says so */
	bool needs;	       /* it asked for a copy */
	bool ready;	       /* its copy is whole (READY in this view) */
	uint64_t copy;	       /* the transfer that made it ready */
	struct ha_epoch epoch; /* of its Hello */
	uint64_t index, seen;
	uint32_t priority, monitors;
	bool vacant;	    /* owns but does not act, it says */
	uint64_t acked;	    /* index, of the current epoch, in this view */
	uint64_t synced_ns; /* admitted */
	uint64_t acked_ns;  /* when it last had everything, or caught up a little */
	bool fabric_active;
	uint64_t fabric_epoch, fabric_idle_ns; /* not active since */
};

enum ha_handover_step {
	HA_HAND_NONE,
	HA_HAND_DRAIN,	/* no more proposals; wait until everything is committed */
	HA_HAND_FREEZE, /* dataplane asked */
	HA_HAND_STATE,	/* its state is in the log, not yet committed */
	HA_HAND_CLAIM,	/* CLAIM for the target is on its way */
	HA_HAND_FORWARD /* not owner any more; waits for the target's dataplane */
};

struct ha_handover {
	enum ha_handover_step step;
	uint32_t target;
	uint32_t range;	    /* which one is under way */
	bool frozen;	    /* the dataplane holds a queue of ours */
	bool manual, blind; /* blind: no dataplane here, nothing to freeze */
	uint64_t began_ns;
	uint64_t request;
	uint32_t requester;
	const char *reason;
};

/* Pieces of a predecessor's state, by range (target). */
struct ha_piece {
	struct list link;
	uint32_t first, last;
	bool ended;
	struct blob states;
};

struct ha_rg {
	const struct ha_rg_config *cfg;
	uint32_t at; /* place in ha->rg */
	/* the log: state as of `index` */
	struct ha_epoch epoch;
	uint64_t index;
	struct ha_epoch view_epoch; /* position at the start of the view */
	uint64_t view_index;
	uint64_t seen;		     /* highest epoch number ever heard of */
	struct ha_epoch held_before; /* without our own claims not committed yet */
	bool unsure;		     /* there are such claims, and where we stood before */
	struct ha_epoch sure_epoch;
	struct ha_epoch held; /* highest one acknowledged here, in any life of this node */
	bool doubt; /* the owner was heard after the group had split: it may have gone on alone */
	uint64_t doubt_ns, lapse_ns;
	uint64_t tie_ns; /* since when another owner of the same number is heard */
	uint32_t set;	 /* commit set */
	uint64_t set_incarnation[HA_NODES_MAX];
	uint64_t set_copy[HA_NODES_MAX];
	uint64_t copy;		    /* of this node */
	uint32_t failovers, manual; /* manual: 1 + node, 0 = none */
	bool synced;		    /* this node is in the set and its state is whole */
	struct ha_store store;
	/* acknowledging: config entries only once they are on disk (rule 17) */
	uint64_t hold_index, hold_serial, told_index;
	/* ownership */
	bool acting;	      /* claim committed, deadline not passed */
	bool acted;	      /* ROLE active was told to the host */
	bool lapsed;	      /* owner of the epoch, but must claim again before acting */
	uint64_t claim_index; /* of the present epoch's CLAIM */
	uint64_t claim_renew; /* and the id whose acknowledgement shows that others have it */
	bool continued;	      /* acted without interruption since before that CLAIM */
	bool reclaim;	      /* a new epoch is needed (its dataplane restarted) */
	bool told_deaf;	      /* ROLE active was told while there was no dataplane to hear it */
	bool vacant;	      /* told others that we own but do not act */
	uint32_t expelling;   /* EXPEL is on its way */
	uint32_t admitting;   /* SYNCED is on its way */
	uint64_t told_deadline_ns, acting_ns, told_epoch;
	Repl__ClaimReason claim_reason;
	uint64_t deadline_ns;
	uint64_t committed;
	struct list outbox;
	size_t n_outbox, in_flight;
	/* claiming */
	bool claim_sent; /* in this view, not delivered yet */
	uint64_t claim_ns, claim_sent_renew;
	uint64_t epoch_ns; /* when the present epoch was applied here */
	/* succession */
	uint64_t headless_ns; /* since when the owner's tandemd is gone while its node lives; 0 = no
			       */
	uint64_t
		renewed_ns; /* newest deadline extension that may have been given over the fabric */
	uint64_t fence_ns;  /* FENCE sent; 0 = none */
	bool fenced;	    /* answered for the current epoch */
	uint64_t vacant_ns; /* since when somebody else could claim */
	uint64_t failover_ns; /* last change of owner */
	uint64_t preempt_ns;  /* since when a better node is there */
	bool probe_known, probe_alive, dual;
	uint64_t probe_answer_ns, heard_ns;
	struct ha_join join;
	struct ha_source source;
	struct ha_handover hand;
	struct list pieces;
	uint64_t request, request_ns; /* an operator's, sent to the owner */
	uint32_t request_node;
	uint32_t told_owner;
	enum ha_role told_role;
	bool told_any;
	uint32_t monitors;
	bool monitor_failed;
	struct ha_place place[HA_NODES_MAX];
};

struct ha_view {
	uint64_t id; /* 0 = not in the group */
	uint64_t ring_seq;
	uint32_t ring_node, nodes, ring_nodes;
	uint64_t since_ns;
	bool merged; /* somebody joined: wait for Hellos where positions matter */
};

enum ha_count {
	COUNT_SENT,
	COUNT_RECEIVED,
	COUNT_BAD_ENVELOPE,
	COUNT_BAD_SEAL,
	COUNT_REPLAYED,
	COUNT_UNKNOWN_SALT,
	COUNT_STALE_VIEW,
	COUNT_BAD_MESSAGE,
	COUNT_STALE_EPOCH,
	COUNT_DUPLICATE,
	COUNT_GAP,
	COUNT_ENTRIES,
	COUNT_COMMITTED,
	COUNT_REJECTED,
	COUNT_CLAIMS,
	COUNT_EXPELS,
	COUNT_SNAPSHOTS_SENT,
	COUNT_SNAPSHOTS_TAKEN,
	COUNT_DIGEST_MISMATCH,
	COUNT_LAPSED,
	COUNT_DUAL,
	COUNT_MAX_
};

struct ha {
	struct ha_config cfg;
	const struct ha_policy *policy;
	uint64_t now_ns, start_ns;
	uint64_t last_event_ns, stall_ns; /* stall_ns: end of the last pause of this process */
	uint64_t slept_ns; /* end of the last one long enough for a ring without us */
	struct ha_effects *fx;
	bool failed;
	/* time constants */
	uint64_t lease_ns; /* D */
	uint64_t silence_ns, renew_ns, start_wait_ns, stuck_ns;
	/* identity */
	uint64_t incarnation;
	uint32_t starts;
	uint64_t serial, persisted; /* of PERSIST */
	bool started;		    /* incarnation is on disk */
	/* sending */
	struct ha_key *tx_key;
	uint8_t tx_salt[SALT_LEN];
	uint64_t tx_counter;
	uint8_t challenge[CHALLENGE_LEN]; /* of this view */
	uint64_t renew_id, last_sent_ns, hello_ns, refused_ns;

	struct {
		uint64_t first, ns; /* ids from `first` on were sent at ns or later */
	} renew_at[RENEWS];

	size_t renew_newest;
	bool ack_due, hello_due, status_due, renew_due;
	bool withhold; /* of the entry being applied nothing is told to the host yet */
	struct ha_view view;
	bool quorum_known, quorate;
	uint64_t quorum_ring_seq;
	uint32_t quorum_ring_node;
	bool dataplane_up, dataplane_known;
	uint32_t dataplane_incarnation;
	uint64_t dataplane_ns;
	bool leaving, left;
	uint64_t leave_ns;
	struct ha_peer peer[HA_NODES_MAX];
	struct ha_rg *rg;
	uint32_t n_rg, top; /* highest configured node + 1 */
	uint64_t counters[COUNT_MAX_];
	uint8_t *scratch; /* HA_MESSAGE_MAX, envelope under construction */
	uint8_t *plain;	  /* the same, opened or packed message */
};

/* ---- effect.c */
struct ha_effect *ha_do(struct ha *h, enum ha_effect_type type); /* never NULL */
struct view ha_lend(struct ha *h, struct view v); /* copies into the effects' arena */
void ha_say(struct ha *h, enum log_level level, const char *event, const char *fmt, ...)
	PRINTF(4, 5);

/* ---- epoch.c */
struct ha_epoch ha_epoch_of(const Repl__Epoch *e);
void ha_epoch_out(const struct ha_epoch *e, Repl__Epoch *out);
bool ha_epoch_equal(const struct ha_epoch *a, const struct ha_epoch *b);

/* ---- envelope.c */
struct ha_head {
	bool hello;
	uint32_t rg;
	uint64_t view, epoch, index;
};

int ha_envelope_start(struct ha *h) MUST_CHECK;
void ha_envelope_stop(struct ha *h);
/* Seals and multicasts. */
void ha_send_hello(struct ha *h);
void ha_send(struct ha *h, Repl__Message *m);
void ha_send_as(struct ha *h, const struct ha_head *head, Repl__Message *m);
void ha_deliver(struct ha *h, const struct ha_ev_deliver *d);

/* When the message with this id was sent, or somewhat earlier; 0 when that is long ago. */
uint64_t ha_renew_sent(const struct ha *h, uint64_t id);
/* n octets to pack into, lent until the next message is built; NULL = too many. */
uint8_t *ha_scratch(struct ha *h, size_t n);

/* ---- member.c: views, introductions, what nodes say of themselves */
void ha_on_view(struct ha *h, const struct ha_ev_view *v);
void ha_on_quorum(struct ha *h, const struct ha_ev_quorum *q);
void ha_on_bus_down(struct ha *h);
void ha_on_hello(struct ha *h, uint32_t from, const Repl__Hello *m);
void ha_on_status(struct ha *h, uint32_t from, const Repl__Status *m);
/* Started from nothing, and not known to be committed: yields to anybody who holds something. */
bool ha_is_tentative(const struct ha *h, const struct ha_rg *rg);
/* In the group, introduced, and the very process that the commit set means. */
bool ha_member_here(const struct ha *h, const struct ha_rg *rg, uint32_t node);

static inline bool ha_in_set(const struct ha_rg *rg, uint32_t node)
{
	return node < HA_NODES_MAX && (rg->set & 1u << node);
}

void ha_doubt(struct ha *h, struct ha_rg *rg);
uint32_t ha_own_priority(const struct ha *h, const struct ha_rg *rg);
uint32_t ha_own_monitors(const struct ha *h, const struct ha_rg *rg);
struct ha_rg *ha_rg_find(const struct ha *h, uint32_t id);
bool ha_is_owner(const struct ha *h, const struct ha_rg *rg);
/* Is the present view primary for rg (rule 2)? */
bool ha_view_is_primary(const struct ha *h, const struct ha_rg *rg);
/* Quorate, and a majority of all nodes has been greeted: a CLAIM could be committed. */
bool ha_view_is_quorate(const struct ha *h);
uint32_t ha_majority(const struct ha *h);

/* ---- log.c: the outbox of an owner, and applying */
int ha_propose(struct ha *h, const struct ha_ev_propose *p);
int ha_lease(struct ha *h, const struct ha_ev_leases *p);
/* One item of our own; `item` is packed at once. */
void ha_log_item(struct ha *h, struct ha_rg *rg, Repl__Item *item, bool config);
/* Index of the last entry on its way in this view. */
uint64_t ha_log_sent_index(const struct ha_rg *rg);
void ha_log_flush(struct ha *h, struct ha_rg *rg);
void ha_log_view_changed(struct ha *h, struct ha_rg *rg);
void ha_on_log(struct ha *h, const struct ha_head *head, uint32_t from, struct view packed);
/* Unknown fields of a record, packed. */
int ha_record_extra(const Repl__Record *r, struct blob *out) MUST_CHECK;
void ha_log_lost(struct ha *h, struct ha_rg *rg, enum ha_reject reason);
void ha_log_renumber(struct ha_rg *rg);
void ha_log_release(struct ha *h, struct ha_rg *rg, uint64_t committed);
/* The caller may fill in more. */
struct ha_do_apply *ha_apply_record(struct ha *h, struct ha_rg *rg, const struct ha_put *put);

/* ---- commit.c: acknowledgements, commit index, deadline */
void ha_on_ack(struct ha *h, uint32_t from, const Repl__Ack *m);
void ha_send_ack(struct ha *h);
/* What that node acknowledged so far counts no more. */
void ha_forget_ack(struct ha *h, struct ha_rg *rg, uint32_t node);
void ha_config_applied(struct ha *h, struct ha_rg *rg);
void ha_commit(struct ha *h, struct ha_rg *rg);
void ha_lapse(struct ha *h, struct ha_rg *rg, const char *reason);
void ha_check_stuck(struct ha *h, struct ha_rg *rg);

/* ---- claim.c: CLAIM sent and applied; roles */
struct ha_claim {
	Repl__ClaimReason reason;
	uint32_t owner, members;
	uint32_t manual;
};

void ha_claim_send(struct ha *h, struct ha_rg *rg, const struct ha_claim *c);
void ha_on_claim(struct ha *h, uint32_t from, const Repl__Claim *m);
/* Tells the host what this node is now, when that changed. */
void ha_role_tell(struct ha *h, struct ha_rg *rg, const char *reason);
void ha_become_stale(struct ha *h, struct ha_rg *rg, const char *reason);
void ha_become_synced(struct ha *h, struct ha_rg *rg);
/* The claim is committed and the deadline lies ahead. */
void ha_become_active(struct ha *h, struct ha_rg *rg);

/* ---- owner.c: who should own, and when it may claim */
void ha_evaluate(struct ha *h, struct ha_rg *rg);
bool ha_set_is_here(const struct ha *h, const struct ha_rg *rg);
void ha_on_probe(struct ha *h, const struct ha_ev_probe *p);
void ha_on_fabric(struct ha *h, const struct ha_ev_fabric *f);
void ha_on_fenced(struct ha *h, const struct ha_ev_fenced *f);
void ha_on_refused(struct ha *h, const struct ha_ev_refused *r);
void ha_on_dataplane(struct ha *h, const struct ha_ev_dataplane *d);

/* ---- handover.c */
void ha_handover_begin(struct ha *h, struct ha_rg *rg, const struct ha_handover *plan);
void ha_handover_step(struct ha *h, struct ha_rg *rg);
void ha_handover_abort(struct ha *h, struct ha_rg *rg, const char *reason);
void ha_handover_item(struct ha *h, struct ha_rg *rg, const Repl__Item *item);
void ha_handover_forget(struct ha_rg *rg); /* pieces of a predecessor's state */
bool ha_handover_activate(struct ha *h, struct ha_rg *rg);
void ha_on_frozen(struct ha *h, const struct ha_ev_frozen *f);
void ha_on_activated(struct ha *h, const struct ha_ev_activated *a);
void ha_on_failover(struct ha *h, const struct ha_event *ev);
void ha_on_request(struct ha *h, uint32_t from, const Repl__Request *m);
void ha_handover_activated(struct ha *h, struct ha_rg *rg, uint32_t from);
void ha_preempt(struct ha *h, struct ha_rg *rg);
void ha_request_expire(struct ha *h, struct ha_rg *rg);

/* ---- snapshot.c */
void ha_on_marker(struct ha *h, uint32_t from, const Repl__Marker *m);
void ha_on_chunk(struct ha *h, uint32_t from, const Repl__Chunk *m);
void ha_on_sync(struct ha *h, uint32_t from, const Repl__Sync *m);
void ha_snapshot_step(struct ha *h, struct ha_rg *rg);
void ha_snapshot_reset(struct ha *h, struct ha_rg *rg);
/* True when the message was kept for later. */
bool ha_snapshot_keep(
	struct ha *h, struct ha_rg *rg, uint32_t from, bool claim, struct view octets);
void ha_want_sync(struct ha *h, struct ha_rg *rg);
void ha_snapshot_fini(struct ha_rg *rg);

/* ---- persist.c */
int ha_state_load(struct ha *h, struct view octets) MUST_CHECK;
uint64_t ha_state_save(struct ha *h); /* the serial to wait for */
