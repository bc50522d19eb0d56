#pragma once
/*
 * A worker: one thread that owns some buckets, one queue of each port, and all it counts.
 *
 * Life: worker_new() .. worker_start() .. worker_stop() .. worker_free() by the API thread.
 * Thread: everything in struct worker belongs to its thread but for the rings' other ends and the
 * counters, which are read from outside. A burst runs to completion: nothing is left half done
 * between two, so that buckets, tables and states may change there.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/iv.h"
#include "core/reasm.h"
#include "held.h"
#include "note.h"
#include "pkt.h"
#include "ring.h"
#include "shared.h"
#include "stats.h"
#include "suite.h"

enum { RING_PACKETS = 8192, RING_COMMANDS = 1024, RING_NOTES = 4096, RING_PUNT = 2048 };

/* Something the API thread wants done by the owner. Comes back through w->done when it is. */
struct command {
	void (*run)(struct worker *w, struct command *c);
	void (*done)(void *api, struct command *c);
};

/* The neighbour found last: most packets of a burst go where the one before went. */
struct near_hop {
	struct ipaddr addr;
	uint16_t iface;
	uint8_t mac[6];
	bool known;
};

/* Where a test makes a worker hang: before it seals packets, before it opens some. */
enum hang_at { HANG_OUT, HANG_IN };

struct worker {
	uint32_t id;
	struct shared *sh;
	struct suite_engine *engine;
	/* valid within a burst */
	uint64_t now_ns;
	const struct net *net;
	struct pkt_vec esp_in, ah_in, route, spd_out, esp_out, ah_out;
	struct pkt *tx[PORT_MAX][PKT_BURST];
	uint32_t n_tx[PORT_MAX];
	struct near_hop near;
	/* of its own */
	struct iv_block ivs;
	uint16_t ip_id;
	uint32_t frag_id; /* IPv6 fragments sent */
	uint64_t icmp_tokens, icmp_ns, bad_spi_ns, path_mtu_ns;
	struct pending *pending; /* the lead's: packets waiting for a MAC */
	struct reasm *reasm;	 /* fragments waiting for their others */
	struct held frozen;	 /* packets waiting for a handover */
	struct held await;	 /* packets waiting for their SA */
	uint64_t next_tick_ns;
	uint64_t stats[STAT_COUNT];
	uint64_t packets, busy_ns, idle_ns;
	uint64_t turns; /* of its loop: one that hangs makes none */
	/* One bucket at a time changes hands: held back until the old owner is done with it, or
	 * still ours although the table names the new owner. */
	int32_t holding, giving;
	uint32_t revocations; /* shared.revocations at the start of the burst */
	/* It was found hung: others have its buckets, and it leaves when it sees this. */
	_Atomic bool revoked;
	_Atomic bool in_commands;    /* while it runs what the API thread ordered */
	_Atomic uint32_t hang_ms[2]; /* for tests, by enum hang_at */
	/* in: from each worker, from the API; out: to the API */
	struct ring in[WORKER_MAX];
	struct ring api_in;   /* struct pkt * */
	struct ring commands; /* struct command * */
	struct ring done;     /* struct command * */
	struct ring notes;    /* struct note */
	struct ring punt;     /* struct pkt * */
	int wake;	      /* eventfd */
	_Atomic bool sleeps, stop;
	_Atomic bool exited;
	uint32_t empty_polls;
	uint32_t handed; /* bit of each worker that was given packets in this burst */
	pthread_t thread;
	bool started;
};

struct worker *worker_new(struct shared *sh, uint32_t id);
void worker_free(struct worker *w);
int worker_start(struct worker *w) MUST_CHECK;
/* Asks the thread to end; what is in its rings is sent first, nothing more is received. */
void worker_ask_stop(struct worker *w);
/* Waits for that, up to *naps milliseconds of its own, which are taken off. False: the thread goes
 * on, in a driver or in an order, and may use anything. */
bool worker_join(struct worker *w, uint32_t *naps) MUST_CHECK;
/* After its thread ended: drops what was left in its rings and queues. */
void worker_clear(struct worker *w);
/* Works off all that the other workers and the API had sent it when it was called. */
void worker_drain(struct worker *w);
/* Wakes it when it sleeps; any thread. */
void worker_wake(struct worker *w);
/* Everything there is to do now; how many packets it was. Also for tests, without a thread. */
uint32_t worker_step(struct worker *w);
/* Runs commands; how many. The API thread may call it while the worker is stopped. */
uint32_t worker_step_commands(struct worker *w);
/* One burst of packets of any kind through all steps. */
void worker_burst(struct worker *w, struct pkt **v, uint32_t n);

static inline void worker_count(struct worker *w, enum counter s)
{
	count_add(&w->stats[s], 1);
}

static inline void worker_drop(struct worker *w, struct pkt *p, enum counter why)
{
	worker_count(w, why);
	pkt_free(p);
}

/* Tells the API thread; false when there is no room, and then it is counted. */
bool worker_note(struct worker *w, const struct note *n);
/* Hands a packet to another worker, or drops it when its ring is full. */
void worker_hand(struct worker *w, uint32_t to, struct pkt *p);
/* After something was put into a ring towards it. */
void worker_wake_api(struct worker *w);

/* When a test wants it to: stays here for a while, in the middle of a burst. */
void worker_test_hang(struct worker *w, enum hang_at at);

static inline bool worker_is_lead(const struct worker *w)
{
	return atomic_load_explicit(&w->sh->lead, memory_order_acquire) == w->id;
}

static inline uint32_t worker_lead(const struct worker *w)
{
	return atomic_load_explicit(&w->sh->lead, memory_order_acquire);
}

static inline uint32_t worker_of_bucket(const struct worker *w, uint32_t bucket)
{
	return atomic_load_explicit(&w->sh->bucket_worker[bucket], memory_order_relaxed);
}
