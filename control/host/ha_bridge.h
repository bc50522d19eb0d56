#pragma once
/*
 * Between the replication core and the rest: Corosync and dataplane events in, effects executed.
 *
 * Life: zeroed (stand-alone: everything acts, nothing is replicated) or ha_bridge_init() ..
 * ha_bridge_fini(). Thread: the loop. ha_bridge_feed() must not be called while effects of either
 * core are being executed.
 */
#include <uv.h>

#include "ha/step.h"
#include "host/calls.h"
#include "host/persist.h"
#include "host/seal_ops.h"
#include "ike/effect.h"

struct daemon;
struct ctl_call;
struct ha_bus;

struct ha_bridge {
	struct daemon *d;
	struct log_ctx log;
	struct ha *ha; /* NULL stand-alone */
	struct ha_effects fx;
	struct seal_ctx seal;
	struct persist persist;
	struct ha_bus *bus; /* Corosync */
	uv_timer_t tick;
	struct ha_do_role
		role[HA_RG_MAX]; /* last one of each group: tells a dataplane that came back */
	bool has_role[HA_RG_MAX];
	bool was_active[HA_RG_MAX];  /* since this tandemd started */
	bool told[HA_RG_MAX];	     /* this dataplane knows some role */
	bool told_active[HA_RG_MAX]; /* and it was the active one */
	bool giving[HA_RG_MAX];	     /* frozen for a handover: its role changes with FORWARD */
	bool adopting[HA_RG_MAX];    /* its dataplane forwards on for a tandemd that died */
	uint64_t deadline_ns[HA_RG_MAX];
	uint64_t
		waiting_ns[HA_RG_MAX]; /* since when an entry waits for its commit; 0 = none does */
	struct calls calls;
	bool active;
};

int ha_bridge_init(struct ha_bridge *b, struct daemon *d) MUST_CHECK;
void ha_bridge_fini(struct ha_bridge *b);
void ha_bridge_feed(struct ha_bridge *b, struct ha_event *ev);

/* True when this group is replicated, whether or not this node acts for it now. */
bool ha_bridge_owns(const struct ha_bridge *b, uint32_t rg);
/* The last role said so. */
bool ha_bridge_is_active(const struct ha_bridge *b, uint32_t rg);
/* HA_NODE_NONE when nobody is known. */
uint32_t ha_bridge_owner(const struct ha_bridge *b, uint32_t rg);
/* How long the owner has been waiting for its members; 0 when all is committed. */
uint32_t ha_bridge_lag_ms(const struct ha_bridge *b, uint32_t rg);
/* The check before each SEND. Groups that are not replicated always may. */
bool ha_bridge_may_act(const struct ha_bridge *b, uint32_t rg);
/* Copies; COMMITTED or REJECTED reaches the runner through the work queue. */
void ha_bridge_propose(struct ha_bridge *b, const struct ike_fx_replicate *p);
/* The dataplane was at work before this tandemd: it is told nothing that would stop it until ha has
 * decided who owns each group. Its own deadline bounds that. */
void ha_bridge_adopt(struct ha_bridge *b);
/* What a dataplane that came (back) must know: records, leases, roles. */
void ha_bridge_refill(struct ha_bridge *b);
void ha_bridge_failover(struct ha_bridge *b, uint32_t rg, uint32_t node, struct ctl_call *call);
void ha_bridge_failover_reset(struct ha_bridge *b, uint32_t rg, struct ctl_call *call);
/* SIGTERM: hand over, then daemon_stop(). */
void ha_bridge_leave(struct ha_bridge *b);
