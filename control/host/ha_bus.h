#pragma once
/*
 * Corosync on the loop: the CPG group and the quorum service, polled, as events for ha.
 *
 * Life: ha_bus_new() .. ha_bus_free(). Comes back by itself when Corosync does. Thread: the loop.
 */
#include "base/view.h"

struct daemon;
struct ha_bus;

int ha_bus_new(struct daemon *d, uint32_t cluster_id, struct ha_bus **out) MUST_CHECK;
/* Queues when Corosync is busy; drops when it is away (ha was told BUS_DOWN). */
void ha_bus_send(struct ha_bus *b, struct view octets);
/* In the group. */
bool ha_bus_is_up(const struct ha_bus *b);
/* Leaves the group in order: the others see it at once. */
void ha_bus_leave(struct ha_bus *b);
void ha_bus_free(struct ha_bus *b);
