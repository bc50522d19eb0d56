#pragma once
/*
 * The queue that keeps the two cores from being entered twice: whatever an effect of one core means
 * for the other is put here and run after the effects at hand are done.
 *
 * Life: work_init() .. work_fini(). An item is owned by the queue once posted and frees itself in
 * run(), which is called exactly once (also by work_fini(), with `drop` set). Thread: the loop.
 */
#include "base/list.h"

struct daemon;

struct work {
	struct list link;
	void (*run)(struct daemon *d, struct work *w, bool drop);
};

struct work_queue {
	struct list items;
	bool draining;
};

void work_init(struct work_queue *q);
void work_post(struct work_queue *q, struct work *w);
/* Runs until empty; a nested call returns at once, the outer one finishes. */
void work_drain(struct work_queue *q, struct daemon *d);
void work_fini(struct work_queue *q, struct daemon *d);
