#pragma once
/*
 * What one read of the bus brought, as events for the core: confchg, ring id and deliveries become
 * VIEWs and DELIVERs in their order.
 *
 * Corosync tells a ring change in parts, without a delivery between them: the group without the
 * nodes that went (NODEDOWN), the group with each process that came (NODEUP), and last the new
 * ring. A process that joins, leaves or dies in an unchanged ring brings a group alone; a ring
 * change that changes no group brings a ring alone; a fresh client hears its own JOIN and then the
 * ring that was there. So a VIEW waits for the ring when it is not known yet or when a node came
 * or went, and otherwise only for whatever comes next.
 *
 * Life: one per connection to the bus. Zeroed; gather_end() after a read; gather_next() until
 * false; gather_reset() before the next read; gather_fini(). Thread: the loop. Knows no library.
 */
#include "ha/step.h"

#define GATHER_LIST_MAX 128 /* processes of a group, as Corosync bounds them */

struct gather_view {
	struct ha_ev_view ev; /* its lists are the arrays below */
	struct ha_member members[GATHER_LIST_MAX], joined[GATHER_LIST_MAX];
	struct ha_left left[GATHER_LIST_MAX];
};

struct gather_item {
	struct gather_view *view; /* owned; NULL: a delivery */
	uint32_t node, pid;
	size_t at, n; /* in octets */
};

struct gather {
	uint64_t ring_seq;
	uint32_t ring_node, ring_nodes;
	bool has_ring, has_group;
	struct gather_view *group; /* the last one, with what came and went since the last VIEW */
	bool is_pending;	   /* group has news */
	bool wants_ring;	   /* a node came or went: its ring follows */
	struct gather_item *items;
	size_t n_items, cap_items, next;
	uint8_t *octets;
	size_t n_octets, cap_octets;
	bool failed; /* memory ran out: the connection must be made anew */
};

struct gather_process {
	uint32_t node, pid;
	enum ha_left_reason reason; /* of one that left */
	bool with_node;		    /* came or went because its node did */
};

struct gather_group {
	const struct gather_process *members, *left, *joined;
	size_t n_members, n_left, n_joined;
};

void gather_confchg(struct gather *g, const struct gather_group *group);
void gather_ring(struct gather *g, uint64_t seq, uint32_t node, uint32_t nodes);
void gather_deliver(struct gather *g, uint32_t node, uint32_t pid, struct view octets);

/* Nothing more comes for now. -ERR_NOMEM: events are missing. */
int gather_end(struct gather *g) MUST_CHECK;
/* In order; what *ev points to is lent until gather_reset(). now_ns is left alone. */
bool gather_next(struct gather *g, struct ha_event *ev);
void gather_reset(struct gather *g);
void gather_fini(struct gather *g);
