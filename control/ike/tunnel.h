#pragma once
/*
 * What the configuration wants to be up: a gateway (one peer) and its tunnels (one for each traffic
 * selector), with the will to establish them and the history that the operator sees.
 *
 * Life: made and removed by tunnels_configure(); both are named by the configuration (gateway by
 * name, tunnel by policy id) and live on over reloads. Those of spokes come and go at run time: see
 * spoke.h. Owner: the engine. Thread: the engine's.
 */
#include "base/list.h"
#include "base/map.h"
#include "base/timer.h"
#include "base/view.h"
#include "config/model.h"
#include "ike/v2/redirect.h"
#include "policy/narrow.h"

struct ike;
struct ike_sa;
struct child;

#define TUNNEL_FIRST_ID 500001

struct gateway {
	union {
		UT_hash_handle hh;	  /* by name; not of a spoke, */
		UT_hash_handle of_parent; /* which is in its parent's spokes */
	};

	char *name; /* of a spoke: its parent's */
	const struct model_gateway *model;
	struct list sas;       /* ike_sa.of_gw */
	struct list tunnels;   /* tunnel.of_gw, in configuration order */
	uint32_t peer_at;      /* which of the addresses is tried */
	bool listed;	       /* in the configuration being read */
	uint32_t bad_spi_told; /* without an IKE SA: hint.h */
	struct redirected redirected;
	struct ticket_held *ticket; /* resume.h; NULL: none */

	/* spoke.h: a dynamic gateway has many peers, each a gateway with a parent. */
	struct gateway *parent;
	struct gateway *spokes;	  /* of a dynamic one, by `who` */
	UT_hash_handle by_number; /* and of a spoke: */
	uint32_t number;	  /* in records, routes and the dataplane; never 0 */
	struct blob who;
	struct list idle;	 /* the engine's: may have to go */
	uint64_t quiet_until_ms; /* of a dynamic one: what is said of refused peers */
	uint32_t unspoken;
};

enum tunnel_down {
	TUNNEL_NEVER,
	TUNNEL_NO_RESPONSE,
	TUNNEL_IKE_PROPOSAL,
	TUNNEL_ESP_PROPOSAL,
	TUNNEL_AUTH,
	TUNNEL_ID,
	TUNNEL_CERTIFICATE,
	TUNNEL_SELECTORS,
	TUNNEL_CLEARED,
	TUNNEL_EXPIRED,
	TUNNEL_DPD,
	TUNNEL_PEER_CLOSED,
	TUNNEL_OTHER
};

struct tunnel {
	UT_hash_handle hh; /* by policy_id */
	uint32_t policy_id;
	uint32_t id; /* what the operator sees: 500001 and up, by configuration order */
	const struct model_selector *model;
	struct tunnel *of;    /* of a spoke: the configured one it is a copy of; else NULL */
	struct list copies;   /* tunnel.of_copies, of spokes */
	struct claim *claims; /* of their children */
	struct list of_copies;
	struct gateway *gw;
	struct list of_gw;
	struct list children; /* child.of_tunnel */
	bool wanted;	      /* should be up and is not: somebody asked, or it must always be */
	/* What an SA is wanted for: a packet, or a flow that no SA has. */
	struct tsel_pair *asked; /* NULL: for none of them */
	bool single;		 /* the peer takes one pair of addresses for each SA */
	bool split;		 /* one SA is not enough for all flows */
	uint32_t next_flow;	 /* from which on to look for one that no SA has */
	uint64_t quiet_until_ms; /* the peer refused more than there is */
	uint32_t own_asked;	 /* workers that want one of their own: resource.h */
	bool listed;
	uint32_t failures_in_a_row;
	uint32_t negotiated, failed;
	enum tunnel_down down, last_failure;
	uint64_t last_up_wall_ms, last_fail_wall_ms;
	struct timer timer; /* the next attempt */
};

/* One of each for a spoke (docs/bench-ike.md): who makes them larger says so here. */
_Static_assert(sizeof(struct gateway) <= 312 && sizeof(struct tunnel) <= 264, "spokes are small");

/* Takes over a new model: gateways and tunnels that are gone are closed, new ones started. */
int tunnels_configure(struct ike *ike) MUST_CHECK;
void tunnels_fini(struct ike *ike);
struct tunnel *tunnel_find(struct ike *ike, uint32_t policy_id);
struct gateway *gateway_find(struct ike *ike, const char *name);
/* For spoke.c: a copy of a configured tunnel; the number is free. NULL: out of memory. */
struct tunnel *tunnel_new_for(
	struct ike *ike, struct gateway *spoke, struct tunnel *of, uint32_t policy_id);
void tunnel_drop(struct ike *ike, struct tunnel *t);
/* Starts what must always be up, for groups that are active here. rg UINT32_MAX: all. */
void tunnels_start(struct ike *ike, uint32_t rg);

/* Has a child that is not being replaced. */
bool tunnel_is_up(const struct tunnel *t);
bool tunnel_may_initiate(const struct tunnel *t);
bool tunnel_may_rekey(const struct tunnel *t);
/* Somebody wants it: finds or starts an IKE SA and lets it ask. */
void tunnel_want(struct ike *ike, struct tunnel *t);
/* Is not up, or has no SA for what is asked. */
bool tunnel_lacks(const struct tunnel *t);
/* A packet asks (RFC 7296 2.9). */
void tunnel_ask(struct ike *ike, struct tunnel *t, const struct tsel_pair *packet);
/* An SA of ours was made: must there be another one, for what it is not for? `told`: the peer says
 * that there may be. */
void tunnel_look_further(struct tunnel *t, const struct ike_sa *sa, bool told);
/* The peer wants one pair of addresses: asked again so, when a packet says which. False: none. */
bool tunnel_single(struct tunnel *t);
void tunnel_succeeded(struct ike *ike, struct tunnel *t);
/* An attempt failed: again later, if it must always be up. */
void tunnel_failed(struct ike *ike, struct tunnel *t, enum tunnel_down why);
/* A child is gone: establish again if nothing else serves and it must always be up. */
void tunnel_lost(struct ike *ike, struct tunnel *t, enum tunnel_down why);
/* An IKE SA is gone: what waited for it looks for another. */
void gateway_lost(
	struct ike *ike, struct gateway *gw, const struct ike_sa *lost, enum tunnel_down why);
/* Another try, at once. */
void tunnel_begin_again(struct ike *ike, uint32_t policy_id);
/* Its peer has an address now, or another one: what waits for it begins. */
void gateway_again(struct ike *ike, struct gateway *gw);
/* No IKE SA came of it: everything that waited has failed. */
void gateway_failed(struct ike *ike, struct gateway *gw, enum tunnel_down why);
const char *tunnel_down_text(enum tunnel_down why);
