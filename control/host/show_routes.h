#pragma once
/*
 * show route, show security ipsec next-hop-tunnels. Thread: the loop.
 */
#include "control.pb-c.h"

struct daemon;
struct ctl_call;

void show_routes(struct daemon *d, const Ctl__ShowRoute *q, struct ctl_call *call);
/* unit: "st0.1", or empty for all. */
void show_next_hop_tunnels(struct daemon *d, const char *unit, struct ctl_call *call);
