#pragma once
/*
 * The CPG group "tandem-<cluster id>": one connection to Corosync, its deliveries and views as
 * events for the core, and an ordered queue of what Corosync is too busy to take.
 *
 * Life: cpg_bus_open() .. cpg_bus_close(), which leaves the group if it still is in it. After any
 * error but -ERR_AGAIN the connection is of no use: close it and open another, later. Thread: the
 * loop; nothing calls back by itself. Every call is a short conversation with the Corosync of this
 * node, which is trusted to answer; a hung one shows as a stalled loop.
 */
#include "ha/step.h"

#define CPG_QUEUE_MAX (16u << 20) /* octets */

struct cpg_bus;

/* -ERR_IO: Corosync is not there. -ERR_VALUE: it is, but calls this node another number. */
int cpg_bus_open(uint32_t cluster_id, uint32_t node, struct cpg_bus **out) MUST_CHECK;
int cpg_bus_fd(const struct cpg_bus *b);
/* Until 0; -ERR_AGAIN: a ring is being formed, or an earlier self has not left yet. */
int cpg_bus_join(struct cpg_bus *b) MUST_CHECK;

/* When the fd is readable, and once after the join. Then events until cpg_bus_next() is false; what
 * they point to is lent until the next cpg_bus_read(). Bounded: the fd stays readable when more is
 * there. */
int cpg_bus_read(struct cpg_bus *b) MUST_CHECK;
bool cpg_bus_next(struct cpg_bus *b, struct ha_event *ev);

/* In order, at most HA_MESSAGE_MAX octets. -ERR_LIMIT: Corosync has taken nothing for too long. */
int cpg_bus_send(struct cpg_bus *b, struct view octets) MUST_CHECK;
/* 0: the queue is empty; -ERR_AGAIN: call again in a few milliseconds. */
int cpg_bus_flush(struct cpg_bus *b) MUST_CHECK;
size_t cpg_bus_queued(const struct cpg_bus *b); /* octets */

/* So that the others see LEAVE and not PROCDOWN. */
void cpg_bus_leave(struct cpg_bus *b);
void cpg_bus_close(struct cpg_bus *b);
