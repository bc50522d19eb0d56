#pragma once
/*
 * A whole cluster in one process on a virtual clock: N machines with Corosync, tandemd (the ha core
 * and the IKE engine) and a dataplane (its core code), peers outside (the IKE engine), and an
 * observer.
 *
 * Life: world_new(seed) .. world_free(). Everything that happens is a job in one heap; equal seeds
 * give equal worlds. A violated invariant is written down once, with its time, and ends the run.
 *
 * Jobs belong to a process of a machine: a dead one's are dropped, a stopped one's wait until it
 * goes on. Clocks of machines differ by an offset, as CLOCK_BOOTTIME does.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/env.h"

#define US(n)	((uint64_t)(n)*1000)
#define MSEC(n) ((uint64_t)(n)*1000000)

enum { NODES = 4, RGS = 2, PEERS = 4, TOKEN_MS = 300, CONSENSUS_MS = 100, CALM_MS = 12000 };

struct world;

/* See theme.h. */
enum theme {
	THEME_NONE,
	THEME_HUB,
	THEME_MOVES,
	THEME_TICKETS,
	THEME_CLEARS,
	THEME_REVOKED,
	THEMES
};

enum who { WHO_WORLD, WHO_COROSYNC, WHO_CONTROL, WHO_DATAPLANE };

typedef void job_fn(struct world *w, uint32_t node, void *data);

struct job {
	uint64_t at, order;
	job_fn *fn;
	enum who who;
	uint32_t node, life;
	void *data; /* freed with the job */
};

/* A process: alive, and stopped until. */
struct proc {
	bool up;
	uint32_t life;	     /* grows at each start */
	uint64_t stopped_ns; /* its jobs wait until then */
};

/* Paths from one machine to another, one way each. */
enum path { PATH_CLUSTER, PATH_FABRIC, PATH_LAYER2, PATHS };

struct bus;
struct crypto;
struct models;
struct node;
struct peer;
struct check;

struct world {
	uint64_t seed, rng, now, order, end;
	uint64_t jobs_done;
	struct job *heap;
	size_t n_heap, cap_heap;
	uint32_t nodes, rgs, peers;
	uint32_t begins; /* enum begins: who sets up IKE SAs */
	bool pfs;
	bool reauth; /* IKE SAs are authenticated anew, at one end or both; answerers only answer */
	enum theme theme;
	bool leaves;		    /* nodes are shut down as planned, and come back */
	uint32_t revoked;	    /* peers, a bit each */
	struct crypto *crypto;	    /* lent */
	struct models *models;	    /* lent */
	bool two_node, trace, calm; /* calm: no more faults */
	const struct mutant *mutant;
	bool cut[PATHS][NODES][NODES];
	uint64_t offset[NODES]; /* of its clock */
	struct proc proc[NODES][4];
	struct bus *bus;
	struct node *node[NODES];
	struct peer *peer[PEERS];
	struct check *check;
	char violation[256];
};

/* A rule broken on purpose. */
struct ha_policy;

struct mutant {
	const char *name;
	const char *dies_of; /* what a violation that counts begins with */
	const struct ha_policy *ha;
	bool themed;	      /* of no use in worlds without a theme */
	bool constant_iv;     /* no incarnation in the IV */
	bool constant_jump;   /* takeover adds a constant instead of starting at the lease */
	bool no_dp_deadline;  /* the dataplane ignores it */
	bool answer_first;    /* answers before the SA is installed */
	bool constant_ike_iv; /* no incarnation in the IVs of IKE SAs */
	bool commit_at_once;  /* the engine hears COMMITTED when it proposes */
	bool lease_lost;      /* a lease that comes before its SA */
	bool count_lost;      /* a successor forgets how many rekeys there were */
	bool spoke_lost;      /* a successor numbers run-time peers anew */
	bool move_lost;	      /* a successor goes by the configured address of a peer */
	bool delete_anew;     /* a successor closes an SA once more that is being closed */
	bool ticket_keys;     /* each node seals tickets under a key of its own */
	bool lists_forgotten; /* a successor does not look who is revoked */
	bool worker_lost;     /* a successor forgets whose own a child SA is */
	bool own_skipped;     /* an owner's dataplane hears nothing of what the log applies */
	bool leaving;	      /* of no use where nobody leaves */
};

struct blob;
struct view;
/* A record as a mutant reads it; room: for what it makes of it. */
struct view mutant_record(
	const struct world *w, struct view key, struct view body, struct blob *room);
const struct mutant *mutant_find(const char *name);
const struct mutant *mutant_at(size_t i); /* NULL at the end */

/* What worlds share: made once a process. */
struct setting {
	struct crypto *crypto;
	struct models *models;
};

struct world *world_new(
	const struct setting *s, uint64_t seed, const struct mutant *mutant, bool trace);
void world_free(struct world *w);
/* True when no invariant was violated. */
bool world_run(struct world *w);
void world_violate(struct world *w, const char *fmt, ...) PRINTF(2, 3);
void world_say(struct world *w, const char *fmt, ...) PRINTF(2, 3);

uint64_t rnd(struct world *w);
uint64_t rnd_below(struct world *w, uint64_t n);
uint64_t rnd_between(struct world *w, uint64_t low, uint64_t high);
bool chance(struct world *w, uint32_t percent);
void world_random(struct world *w, void *out, size_t n);

void world_at(struct world *w, uint64_t delay, enum who who, uint32_t node, job_fn *fn, void *data);
uint64_t node_clock(const struct world *w, uint32_t node);
bool proc_runs(const struct world *w, uint32_t node, enum who who);
bool path_open(const struct world *w, enum path path, uint32_t from, uint32_t to);

/* ---- bus.c */
struct bus *bus_new(struct world *w);
void bus_free(struct bus *b);
void bus_start(struct world *w, uint32_t node); /* Corosync comes up */
void bus_stop(struct world *w, uint32_t node);
void bus_join(struct world *w, uint32_t node); /* tandemd joins the group */
void bus_leave(struct world *w, uint32_t node, bool crashed);
void bus_send(struct world *w, uint32_t node, const uint8_t *p, size_t n);
void bus_paths_changed(struct world *w);
bool bus_same_ring(const struct world *w, uint32_t a, uint32_t b);
void bus_woke(struct world *w, uint32_t node);

/* ---- node.c: tandemd */
struct node *node_new(struct world *w, uint32_t n);
void node_free(struct node *nd);
void control_start(struct world *w, uint32_t n);
void control_crash(struct world *w, uint32_t n);
void dataplane_start(struct world *w, uint32_t n);
void dataplane_crash(struct world *w, uint32_t n);
void control_shutdown(struct world *w, uint32_t n);
void control_failover(struct world *w, uint32_t n, uint32_t rg, uint32_t target);
void control_monitor(struct world *w, uint32_t n, uint32_t rg, bool failed);

/* ---- nudge.c: rekeys, deletes, limits */
void nudge_begin(struct world *w);

/* ---- fault.c */
void fault_begin(struct world *w);
/* Dies, and is started again. */
void fault_tandemd(struct world *w, uint32_t n);
void fault_heal_all(struct world *w);
/* tandemd has left the cluster and ended, as planned. */
void fault_left(struct world *w, uint32_t n);
