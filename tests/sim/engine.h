#pragma once
/*
 * The IKE engine of a node, wired to the ha core and to the dataplane as control/host does it: what
 * one core means for the other waits in a queue until the effects of the first are all executed.
 *
 * Life: engine_start() .. engine_stop(), with tandemd.
 */
#include "ha/step.h"
#include "ike/step.h"
#include "kex.h"
#include "world.h"

/* One REPLICATE until it is committed or rejected: keys and bodies are copies. */
struct entry {
	struct entry *next;
	uint64_t ticket;
	uint32_t rg;
	size_t n;
	struct ha_item items[]; /* what they point to follows */
};

enum work_kind {
	WORK_PROPOSE,
	WORK_COMMITTED,
	WORK_REJECTED,
	WORK_ROLE,
	WORK_INSTALLED,
	WORK_ACTIVITY
};

struct work {
	struct work *next;
	enum work_kind kind;
	uint64_t ticket; /* or the SA whose activity was asked for */
	bool retry;
	struct ha_do_role role;
};

struct engine {
	struct ike *ike;
	struct ike_effects fx;
	struct log_sink log;
	uint64_t tick_at;
	struct kexes kexes;
	struct work *first, **last;
	bool draining;
	struct entry *entries;
	struct ha_do_role role[RGS];
	bool has_role[RGS];
};

void engine_start(struct world *w, uint32_t n);
void engine_stop(struct world *w, uint32_t n);
/* Steps, executes, and does what follows from it. */
void engine_event(struct world *w, uint32_t n, struct ike_event *ev);
/* Runs what waits; nothing while it does already. */
void engine_drain(struct world *w, uint32_t n);
/* True: the last role said so. */
bool engine_is_active(const struct world *w, uint32_t n, uint32_t rg);

/* ---- what the ha core told */
void engine_committed(struct world *w, uint32_t n, const struct ha_effect *e);
void engine_rejected(struct world *w, uint32_t n, const struct ha_effect *e);
/* The last role; then what it means for the engine. */
void engine_keep_role(struct world *w, uint32_t n, const struct ha_do_role *r);
void engine_role(struct world *w, uint32_t n, const struct ha_do_role *r);
