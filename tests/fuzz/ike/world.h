#pragma once
/*
 * What the fuzzers of ike start from: engines of tests/unit/ike/pair.h in a known state.
 * Life: from world_*() to pair_free().
 */
#include <stdlib.h>

#include "tests/unit/ike/pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORLD_HEIR 3

/* Node WORLD_HEIR has begun to take group 0 over from node 0, whose log is still there. */
struct pair *world_restoring(void);
void world_restore(struct pair *p, struct view key, struct view body);
/* The IKE SA of node 0's log; returns its lineage. */
uint64_t world_restore_parent(struct pair *p);
void world_restored(struct pair *p);
/* Node 1 has an established IKE SA with a child, and a half-open one, with node 0's address. */
struct pair *world_up(void);
/* To node 1, from its peer; what it asks for is done. */
void world_deliver(struct pair *p, struct view octets);
/* Timers, until everything has had its chance to end. */
void world_live(struct pair *p);
