#pragma once
/*
 * A peer outside: requests with growing message IDs, retransmitted until answered; answers to ours,
 * from a cache when they come again; ESP through its newest child SA. It never fails and never
 * forgets, and notices everything that a real one would.
 *
 * Life: peer_new() .. peer_free().
 */
#include "node.h"
#include "world.h"

struct peer;

struct peer *peer_new(struct world *w, uint32_t p);
void peer_free(struct peer *peer);
/* From node n, over a network that loses and delays. */
void peer_datagram(struct world *w, uint32_t n, const struct datagram *d);
/* The observer found that its SAs may rightly be lost or contradictory: it may begin anew. */
void peer_forgive(struct world *w, uint32_t p);
/* Its SAs are gone for good reason: it sets up new ones. */
void peer_restart(struct world *w, uint32_t p);
uint64_t peer_progress(const struct world *w, uint32_t p);
/* It has an IKE SA and works on that request: no copy of a time before it began anew. */
bool peer_is_at(const struct world *w, uint32_t p, uint32_t mid);
