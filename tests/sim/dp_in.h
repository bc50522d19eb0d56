#pragma once
/*
 * What the files of a dataplane share: dp.c orders and life, dp_fabric.c what is heard over fabric
 * and layer 2, dp_packets.c what is sent and accepted.
 */
#include "node.h"

enum {
	TICK_US = 5000,
	BEAT_TICKS = 10,
	SAY_BEATS = 10,
	SILENT_MS = 150,
	PAUSE_MS = 120,
	HOLD_MS = 400
};

static inline struct dp *dp_of(const struct world *w, uint32_t n)
{
	return &w->node[n]->dp;
}

/* NULL when it has none. */
struct dpsa *dp_sa(struct dp *dp, uint32_t spi);
/* It does not act, or not any more. */
bool dp_late(const struct world *w, uint32_t n, uint32_t rg);
/* It did not run for longer than a successor needs to find it silent: what it knew before is void.
 */
void dp_note_pause(struct world *w, uint32_t n);
/* Tells tandemd that it does not act in that epoch. */
void dp_refuse(struct world *w, uint32_t n, uint32_t rg, uint64_t epoch);

/* ---- dp_fabric.c */
/* RENEW or FENCE, to another node. */
void dp_beat_order(struct world *w, uint32_t n, const struct order *o);
void dp_beats(struct world *w, uint32_t n);
void dp_probe(struct world *w, uint32_t n, uint32_t rg);

/* ---- dp_packets.c */
void dp_send(struct world *w, uint32_t n, uint32_t rg);
