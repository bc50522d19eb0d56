#pragma once
/*
 * Lists of IKE SAs and tunnels for the operator. Thread: the loop.
 */
#include "ike/event.h"

struct daemon;
struct ctl_call;

void show_ike(struct daemon *d, struct ike_filter filter, struct ctl_call *call);
/* Asks the dataplane for counters first; answers without them when it is away. */
void show_ipsec(struct daemon *d, struct ike_filter filter, struct ctl_call *call);
/* Tunnels of this node's groups that are not up. */
void show_inactive(struct daemon *d, struct ctl_call *call);
/* Inbound SPIs of one tunnel, those being replaced included; how many. */
size_t show_spis_of_index(struct daemon *d, uint32_t index, uint32_t *spis, size_t max);
