#pragma once
/*
 * Operators' requests that a core is working on: its request number -> whom to answer.
 *
 * Life: zeroed .. calls_fini(), which answers those still open. A number is never given twice, so
 * that an answer that comes late or twice finds nobody. Thread: the loop.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ctl_call;

struct calls {
	struct calls_row {
		uint64_t request;
		struct ctl_call *call;
	} * rows;

	size_t n, cap;
	uint64_t last;
};

/* The number to hand to the core; never 0. */
int calls_add(struct calls *c, struct ctl_call *call, uint64_t *request) MUST_CHECK;
/* Whose it was, once; then NULL. */
struct ctl_call *calls_take(struct calls *c, uint64_t request);
void calls_fini(struct calls *c);
