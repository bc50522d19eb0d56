#pragma once
/*
 * `clear security ipsec statistics`: the dataplane's counters only ever grow, so zero is where they
 * stood when the operator said so.
 *
 * Life: zeroed .. baseline_fini(). Owns copies. A dataplane that starts again counts from zero:
 * baseline_forget(). Thread: the loop.
 */
#include "base/view.h"
#include "dataplane.pb-c.h"

struct baseline_child;
struct baseline_counter;

struct baseline {
	struct baseline_child *children;   /* by inbound SPI */
	struct baseline_counter *counters; /* by name */
};

/* From here on all that the reply tells counts as zero; what it does not name is forgotten. */
int baseline_set(struct baseline *b, const Dp__Reply *now) MUST_CHECK;
/* Only this SA. The totals go on. */
int baseline_set_child(struct baseline *b, const Dp__ChildStats *now) MUST_CHECK;
/* Takes off, in place, what was there before the operator's clear. */
void baseline_apply(const struct baseline *b, const Dp__Reply *reply);
void baseline_forget(struct baseline *b);
void baseline_fini(struct baseline *b);
