#pragma once
/*
 * The inside of struct ike, for the engine's own files only.
 *
 * now_ms, wall_ms and fx are those of the running step. What dies in a step is put on the dead
 * lists and freed at its end.
 */
#include "ike/child.h"
#include "ike/cookie.h"
#include "ike/hold.h"
#include "ike/linger.h"
#include "ike/names.h"
#include "ike/peer.h"
#include "ike/sa.h"
#include "ike/stats.h"
#include "ike/step.h"
#include "ike/tunnel.h"
#include "ike/v2/redirect.h"

#define IKE_ROOM_IN  65536
#define IKE_ROOM_OUT 49152 /* 32 fragments of 1300 octets */

struct rg_state {
	UT_hash_handle hh;
	uint32_t rg;
	bool active, restoring;
	uint64_t epoch;
};

struct ike {
	struct ike_config cfg;
	struct model *model;
	uint64_t now_ms, wall_ms;
	struct ike_effects *fx;

	struct timerq timers;
	struct ike_sa *sas;	/* by spi_local */
	struct half *halves;	/* responders, by what their IKE_SA_INIT looked like */
	struct child *children; /* by spi_in */
	struct gateway *gateways;
	struct gateway *spokes;	 /* of all, by number */
	struct list idle_spokes; /* gateway.idle */
	struct tunnel *tunnels;
	struct peers peers;
	struct name *names; /* of peers: names.h */
	struct rg_state *rgs;
	struct job *jobs;
	struct holds holds;
	struct txn txn;
	struct lingers lingers;
	struct list dead_sas, dead_children;
	struct list work;    /* ike_sa.of_work */
	struct list waiting; /* restore.c: children whose IKE SA has not come yet */

	struct cookie_jar cookies;
	struct guard guard;
	struct backoff backoff;
	struct redirects redirects;
	uint32_t half_open;
	size_t fragment_octets; /* held for messages that are not complete */
	uint64_t iv_counter, next_ticket, next_job, next_order;
	uint32_t next_index;
	uint64_t hint_scan_ms; /* from when on one in clear is worth a look at all SAs */
	uint32_t workers;      /* of the dataplane that are online, a bit each; 0: not known */
	uint8_t udp_key[IKE_UDP_KEY]; /* of new children; the log's, once there is one in it */
	struct ike_stats stats;
	bool failed; /* memory ran out in this step */
	uint8_t room_in[IKE_ROOM_IN], room_out[IKE_ROOM_OUT];
};

/* NULL when this node does not act for it. */
const struct rg_state *rg_active(const struct ike *ike, uint32_t rg);

/* Log lines carry the SA's gateway, SPIs and peer. */
struct log_ctx;
void sa_log_ctx(const struct ike *ike, const struct ike_sa *sa, struct log_ctx *out);

#define sa_log(ike, sa, level, event, ...)                                                         \
	do {                                                                                       \
		if ((ike)->cfg.log && (level) <= (ike)->cfg.log->max) {                            \
			struct log_ctx log_ctx_;                                                   \
			sa_log_ctx((ike), (sa), &log_ctx_);                                        \
			log_emit(&log_ctx_, (level), (event), __VA_ARGS__);                        \
		}                                                                                  \
	} while (0)
#define sa_warn(ike, sa, event, ...)  sa_log(ike, sa, LOG_LEVEL_WARN, event, __VA_ARGS__)
#define sa_info(ike, sa, event, ...)  sa_log(ike, sa, LOG_LEVEL_INFO, event, __VA_ARGS__)
#define sa_debug(ike, sa, event, ...) sa_log(ike, sa, LOG_LEVEL_DEBUG, event, __VA_ARGS__)
