#pragma once
/*
 * Redundancy groups that no cluster replicates: all of a stand-alone node's, and those that belong
 * to no group elsewhere. This node is always their owner. Their records are in a journal, so that a
 * tandemd that died adopts what its dataplane still forwards, and a dataplane that died is
 * refilled.
 *
 * The store holds the engine's records under their own keys, 'L' and the inbound SPI for the lease
 * of a child (packed dp.Lease), 'E' for the epoch, and 'V' for this node's IVs (iv_floor.h).
 *
 * Life: local_init() .. local_fini(). Thread: the loop. Nothing here may be called while effects of
 * the IKE engine are executed, except local_replicate().
 */
#include "dataplane.pb-c.h"
#include "host/journal.h"
#include "ike/effect.h"

struct daemon;
struct local_waiting;

struct local {
	struct daemon *d;
	struct local_store store;
	struct journal journal;
	struct local_waiting *first, **last; /* for what is being written, in order */
	uint64_t epoch;			     /* of all these groups */
	uint32_t round;			     /* of local_begin() */
	bool fresh;			     /* the dataplane does not act yet */
	bool active;			     /* the engine acts for these groups */
};

int local_init(struct local *l, struct daemon *d) MUST_CHECK;
void local_fini(struct local *l);

/* COMMITTED reaches the runner through the work queue when the records are on disk. */
void local_replicate(struct local *l, const struct ike_fx_replicate *p);
/* Grants them when they are on disk. */
void local_leases(struct local *l, const Dp__LeaseWant *w);

/* What the dataplane said when it came: whether it was at work, and in which epoch. */
void local_hello(struct local *l, const Dp__HelloReply *h);
/* The dataplane is configured: refills it, then makes groups and engine active, then logs
 * daemon.ready. */
void local_begin(struct local *l);

/* ---- between local.c and local_start.c */

/* The epoch is on disk: act in it. */
void local_act(struct local *l);
/* 0: none was kept. */
uint64_t local_epoch_kept(const struct local *l);
/* What is remembered of this node's IVs; empty: nothing. */
struct view local_ivs_kept(const struct local *l);
/* Writes l->epoch and IVs, then local_act(), unless another local_begin() came in between. */
void local_life_keep(struct local *l);
void local_forget(struct local *l, uint32_t rg, struct view key);
