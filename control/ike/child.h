#pragma once
/*
 * One child SA: both directions, keys, selectors, lifetimes.
 *
 * Life: child_new() puts it into the engine's tables; child_drop() takes it out, and it is freed
 * when the step is over. Hangs on its IKE SA and on the tunnel (selector) it serves.
 * Thread: the engine's. Replicated as rec.ChildSa.
 */
#include "base/list.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/timer.h"
#include "ike/effect.h"
#include "ike/negotiate.h"
#include "policy/ts.h"

struct ike;
struct ike_sa;
struct tunnel;
struct ike_child_install;

/* Numbers are in records: never renumber. */
enum child_state {
	CHILD_NEW = 1, /* waits for commit and dataplane */
	CHILD_UP = 2,
	CHILD_REPLACED = 3, /* rekeyed: goes when its delete is through */
	CHILD_GONE = 4
};

struct child {
	UT_hash_handle hh; /* by spi_in */
	uint32_t spi_in, spi_out;
	struct ike_sa *sa;
	struct list of_sa;
	struct tunnel *tunnel;
	struct list of_tunnel;
	struct list link; /* the engine's lists: of dead, of changed ones */

	enum child_state state;
	bool initiator; /* we asked for it */
	bool outbound;	/* sends */
	bool installed;
	bool changed; /* is in the running transaction */
	bool want_rekey;
	bool want_delete; /* a delete to the peer is to be sent, or under way */
	bool left_behind; /* the peer does not want it on the new IKE SA */
	uint8_t rekey_tries;
	uint8_t resource; /* n: for worker n - 1 (resource.h); 0: for all, the fallback */
	bool full;	  /* a fallback: the peer wants no more beside it */
	bool transport;	  /* between the two ends alone; else a tunnel */
	struct esp_suite suite;
	struct secret *keys; /* in the order of keymat.h */
	bool keys_swapped;   /* the exchange's initiator was the peer */
	struct tsel_set *local_ts, *remote_ts;
	struct claim *claims;	      /* of a spoke: remote_ts among all (claims.h); else NULL */
	uint8_t udp_key[IKE_UDP_KEY]; /* of the whole chain of rekeys: flows keep their ports */
	uint64_t order;
	uint64_t lease_epoch;
	uint32_t replaced_by; /* spi_in, 0 = none */
	uint64_t established_wall_ms;

	struct timer timer; /* due at the earliest of these; 0 = none */
	uint64_t at_soft, at_hard, at_outbound, at_delete, at_idle;
	uint64_t idle_from_ms; /* idle.h: not used before that, as far as this node knows */
};

/* Numbers a new child may send before its first lease is granted. */
#define CHILD_FIRST_LEASE 65536

/* An inbound SPI of that group that nothing uses (architecture rule 13); 0: none was found. That of
 * a worker's own child is in a bucket of that worker's: resource.h. */
uint32_t child_spi_draw(struct ike *ike, uint32_t rg, uint8_t resource);
/* NULL when out of memory. Owned by the tables. */
struct child *child_new(struct ike *ike, struct ike_sa *sa, struct tunnel *t, uint32_t spi_in);
struct child *child_find(struct ike *ike, uint32_t spi_in);
/* The one whose packets go out with that SPI. */
struct child *child_find_out(struct ike_sa *sa, uint32_t spi_out);
/* The newest other one that serves the same tunnel with the same peer, on another IKE SA; NULL. */
struct child *child_sibling(const struct child *c);
void child_drop(struct ike *ike, struct child *c);
void child_free(struct child *c);
void child_move(struct child *c, struct ike_sa *to);
void child_rearm(struct ike *ike, struct child *c);
/* How the outer header follows from the inner one; without UDP. */
struct ike_outer ike_outer_of(const struct model_vpn *vpn);
/* Keys and selectors are lent from the child. */
void child_install_fill(const struct child *c, struct ike_child_install *out);
