#pragma once
/*
 * show security ike statistics: what the engine counted since it began, by the names of
 * ike/stats.h, and what it holds now. Both together tell a leak from a load. Thread: the loop's.
 */
#include "host/ctl_server.h"

struct daemon;

/* Ends the call. */
void ike_statistics_show(struct daemon *d, struct ctl_call *call);
