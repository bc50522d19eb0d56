#pragma once
/*
 * Which tunnels have an SA, on every node: told by the records of children as they are written,
 * applied and removed, so that a standby knows the same as the owner.
 *
 * Life: zeroed .. presence_fini(). Thread: the loop. Nothing secret is kept of a record.
 */
#include "base/addr.h"
#include "base/cleanup.h"

struct presence_child;
struct presence_policy;
struct presence_selector;

struct presence {
	struct presence_child *children;     /* by inbound SPI */
	struct presence_policy *policies;    /* by id, those with children only */
	struct presence_selector *selectors; /* by id, likewise */
};

/* What a child protects at the peer's end. */
struct presence_row {
	uint32_t policy_id, spi_in, rg;
	uint32_t selector_id; /* the configured one: policy_id itself, but of a dynamic gateway's */
	uint32_t peer;	      /* peers, who have policies of their own; else 0 */
	const struct prefix *nets; /* ranges that are no prefix are left out */
	size_t n_nets;
};

/* body: packed rec.ChildSa. *changed: another set of tunnels, or of what they protect. -ERR_VALUE
 * for a damaged record. */
int presence_put(struct presence *p, uint32_t rg, uint32_t spi_in, struct view body,
	bool *changed) MUST_CHECK;
/* True when that was the last one of its tunnel, or of what it protects. */
bool presence_remove(struct presence *p, uint32_t spi_in);
/* A snapshot of the group follows: what it does not name again goes with presence_sweep(), which
 * tells whether anything did. */
void presence_doubt(struct presence *p, uint32_t rg);
bool presence_sweep(struct presence *p, uint32_t rg);
/* A configured selector. */
bool presence_is_up(const struct presence *p, uint32_t selector_id);
/* In no particular order; `each` must not change the table. */
void presence_each(const struct presence *p,
	void (*each)(void *ctx, const struct presence_row *row), void *ctx);
void presence_fini(struct presence *p);
