#pragma once
/*
 * Planned handover as a worker sees it (architecture rule 16): some buckets of an RG are frozen,
 * then given away or taken back; on the other node they act ahead of the role.
 *
 * Thread: each call belongs to the worker given, between two bursts, and touches only the buckets
 * that are its own.
 */
#include "node/node.h"

struct bucket_range {
	uint32_t first, last; /* inclusive */
};

/* Keeps the packet until the handover is decided; p as its kind says. */
void handover_queue(struct worker *w, struct sa *sa, struct pkt *p);
/* Keeps a packet of the bucket that is on its way here (struct worker.holding). */
void handover_hold(struct worker *w, struct sa *sa, struct pkt *p);
/* The bucket is ours now: what was kept goes on, before anything newer. */
void handover_release_held(struct worker *w);
/* Sets the mode of the worker's own buckets in the range. */
void handover_mode(
	struct worker *w, struct rg_handover *h, struct bucket_range r, enum bucket_mode mode);
/* Sends what was queued for the range on its way: by the gates, as if it arrived now. */
void handover_release(struct worker *w, uint8_t rg, struct bucket_range r);
