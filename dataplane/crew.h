#pragma once
/*
 * The workers as the API thread manages them: which slots have a thread, which bucket, queue and
 * duty is whose, and one thing at a time on its way from one worker to another.
 *
 * Life: embedded in struct dp; crew_init() .. crew_fini(). Thread: the API thread.
 *
 * A slot is one worker that may run: slot = FPC * CREW_PICS + PIC. A bucket changes hands in four
 * rounds of orders, each ended by the last answer:
 *
 *	1  the old owner goes on with it whatever the table says; the new one holds it back
 *	2  the table names the new one; every worker answers between two bursts: what it sent to the
 *	   old owner is in that one's ring (the worker's barrier)
 *	3  the old owner works its rings off and lets go (no job outlives a burst)
 *	4  the new one works off what it held back, then goes on
 *
 * Requests of tandemd that mean SAs wait while a bucket is on its way.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/balance.h"
#include "shared.h"

enum { CREW_PICS = 2 };

enum crew_state {
	CREW_OFFLINE,
	CREW_ONLINE,
	CREW_LEAVING,  /* gives away what it has */
	CREW_STOPPING, /* has nothing; its thread ends */
	CREW_HUNG,     /* was robbed of all; its thread is somewhere */
};

struct dp;
struct reply;

/* What is on its way. */
struct crew_move {
	int32_t bucket; /* -1: something else */
	uint8_t from, to;
	uint16_t port, queue;
	uint32_t round; /* of a bucket: 1 .. 4; 0 = nothing */
};

struct crew {
	enum crew_state state[WORKER_MAX];
	uint32_t want;	  /* slots that are to be online */
	uint32_t restart; /* and of these, those that go offline first */
	uint32_t asked;	  /* how many the configuration says */
	uint32_t slots_asked;
	uint8_t owner[BUCKET_MAX];
	uint32_t at;
	bool even; /* the table is to be made even */
	/* orders under way, and what comes after the last answer */
	uint32_t waits, serial;
	void (*next)(struct dp *dp);
	struct crew_move move;
	_Atomic uint32_t moved; /* buckets, ever */
	/* hung workers */
	uint32_t hung;
	uint64_t turns[WORKER_MAX];
	uint32_t still[WORKER_MAX];
	uint64_t checked_ns;
	/* load */
	struct balance_damper damper;
	struct balance_move todo[BALANCE_MOVES];
	uint32_t n_todo;
	uint64_t measured_ns;
	uint32_t scan; /* next slot of the SAD; UINT32_MAX = not scanning */
	uint64_t *sum, *last, *load;
	uint8_t *rest;
	/* Buckets with SAs of one worker (RFC 9611): worker + 1. Theirs, and those being found. */
	uint8_t *home, *found;
	bool rebalance; /* by load, as soon as it is measured */
};

int crew_init(struct dp *dp) MUST_CHECK;
void crew_fini(struct dp *dp);
/* Everything starts: as many workers as are asked for; the first has the duties. */
int crew_begin(struct dp *dp, uint32_t workers) MUST_CHECK;
/* A slot gets a thread. False: there is none to be had. */
bool crew_start(struct dp *dp, uint32_t worker) MUST_CHECK;
/* The configuration asks for so many now; the same number again changes nothing. */
void crew_ask(struct dp *dp, uint32_t workers);
/* Whatever is to be done next, if nothing is under way. */
void crew_step(struct dp *dp, uint64_t now_ns);
bool crew_is_busy(const struct dp *dp);
/* Sets of slots: those whose threads take part; those among them that stay. */
uint32_t crew_live(const struct dp *dp);
uint32_t crew_members(const struct dp *dp);
/* Has the slot a thread that does what it is told? */
bool crew_obeys(const struct dp *dp, uint32_t worker);
/* An event of its state, and a line in the log. */
void crew_tell(struct dp *dp, uint32_t worker);
void crew_give_bucket(struct dp *dp, uint32_t bucket, uint8_t to);

/* crew_move.c */
void crew_move_bucket(struct dp *dp, const struct balance_move *m);
void crew_move_queue(struct dp *dp, uint16_t port, uint16_t queue, uint8_t from, uint8_t to);
void crew_move_lead(struct dp *dp, uint8_t to);
/* It has nothing any more: no one sends to it when its thread is told to end. */
void crew_dismiss(struct dp *dp, uint8_t worker);
/* The round will not be answered by this worker. */
void crew_round_without(struct dp *dp, uint32_t worker);

/* crew_hung.c */
void crew_watch(struct dp *dp, uint64_t now_ns);
void crew_revoke(struct dp *dp, uint32_t worker);

/* crew_load.c */
void crew_measure(struct dp *dp, uint64_t now_ns);
