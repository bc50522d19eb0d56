#pragma once
/*
 * idle-time (LIF-010): a child SA without traffic either way for so long is deleted. The dataplane
 * is asked when that can be the case at the earliest; NAT keepalives and liveness checks are no
 * traffic. A rekey, or another owner, begins to count anew: never earlier than configured.
 */
#include "ike/event.h"

struct ike;
struct child;

/* It may be used from now on, here. */
void idle_begin(struct ike *ike, struct child *c);
void idle_due(struct ike *ike, struct child *c);
void idle_told(struct ike *ike, const struct ike_ev_activity *a);
