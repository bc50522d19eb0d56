#pragma once
/*
 * May this node act for a redundancy group now? (architecture rules 3, 4, 5; invariants I4, I7)
 *
 * Life: one struct rg_state a group; changed by the API thread only, as copies that workers read.
 * The deadline is on CLOCK_BOOTTIME of this node. All functions are pure.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

enum rg_role { RG_ROLE_STANDBY, RG_ROLE_ACTIVE };

enum { RG_OWNER_NONE = 255, RG_MAX = 256 };

#define RG_FOREVER UINT64_MAX

struct rg_state {
	enum rg_role role;
	uint8_t owner; /* node to forward to while standby */
	bool fenced;   /* must not act in epochs up to fenced_epoch */
	uint64_t epoch, fenced_epoch;
	uint64_t deadline_ns;
};

static inline bool rg_acts(const struct rg_state *s, uint64_t now_ns)
{
	return s->role == RG_ROLE_ACTIVE && now_ns < s->deadline_ns;
}

/* What tandemd says. -ERR_EPOCH when it is about a superseded or a fenced epoch. */
int rg_set(struct rg_state *s, const struct rg_state *want) MUST_CHECK;
/* Extends, never shortens, the deadline of this very epoch. */
int rg_extend(struct rg_state *s, uint64_t epoch, uint64_t deadline_ns) MUST_CHECK;
/* Stops acting in this and older epochs. True when it acted before or had stopped already, that
 * is, when "fenced" may be answered; false when it acts in a later epoch. */
bool rg_fence(struct rg_state *s, uint64_t epoch);
