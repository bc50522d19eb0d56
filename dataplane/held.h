#pragma once
/*
 * Packets that a worker keeps for a while, first in, first out: until their SA is here, until it is
 * decided who has their bucket.
 *
 * Life: held_init() .. held_clear(), in its worker. Owner: the list owns its packets; what is taken
 * out is a chain by pkt.next, and who took it owns that. Thread: the worker's, or none.
 */
#include <stdbool.h>
#include <stdint.h>

#include "stats.h"

struct pkt;
struct worker;

struct held {
	uint32_t n;
	struct pkt *first, **last;
};

void held_init(struct held *h);
void held_add(struct held *h, struct pkt *p);
/* Those that `wanted` says, in order. */
struct pkt *held_take(
	struct held *h, bool (*wanted)(const struct pkt *, const void *arg), const void *arg);
/* By all steps, in bursts, as if they came now. */
void held_go_on(struct worker *w, struct pkt *chain);
void held_drop(struct worker *w, struct pkt *chain, enum counter why);
/* Drops all of them: the worker's thread is gone. */
void held_clear(struct worker *w, struct held *h);
