#pragma once
/*
 * What both ESP directions share: asking for leases, telling of lifetimes.
 * Thread: the worker that owns the SA.
 */
#include "node/handover.h"

/* After numbers were used: asks the log for more in time, tells when the SA grows old. */
void sa_tend(struct worker *w, struct sa *sa);
