#pragma once
/*
 * Timers on a clock that is handed in: a binary heap of intrusive entries, O(log n) a change.
 *
 * Life: struct timer is embedded in its owner, zeroed before first use; timer_cancel() before the
 * owner is freed. Two timers due at the same time fire in the order they were armed.
 * Unit: milliseconds on whatever clock the caller uses consistently.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct timer {
	uint64_t due_ms, order;
	uint32_t slot; /* 1-based place in the heap, 0 = not armed */
	uint32_t kind; /* the owner's own meaning */
};

struct timerq {
	struct timer **heap;
	uint32_t n, cap;
	uint64_t next_order;
};

#define TIMER_NEVER UINT64_MAX

void timerq_fini(struct timerq *q);
/* Arms, or moves, t. -ERR_NOMEM leaves it as it was. */
int timer_arm(struct timerq *q, struct timer *t, uint64_t due_ms) MUST_CHECK;
void timer_cancel(struct timerq *q, struct timer *t);

static inline bool timer_is_armed(const struct timer *t)
{
	return t->slot != 0;
}

/* When the earliest is due, or TIMER_NEVER. */
uint64_t timerq_deadline(const struct timerq *q);
/* Removes and returns one that is due at now_ms, or NULL. */
struct timer *timerq_pop(struct timerq *q, uint64_t now_ms);
