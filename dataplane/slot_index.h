#pragma once
/*
 * Which slot an interface has, by its number, in about constant time.
 *
 * Life: zeroed .. slot_index_fini(). Thread: one puts, then any number reads.
 */
#include <stdint.h>

#include "base/cleanup.h"

struct slot_cell {
	uint32_t id; /* 0: free */
	uint16_t slot;
};

struct slot_index {
	struct slot_cell *v;
	uint32_t n, mask; /* cells in use; cells - 1 */
};

/* id is not 0 and not there yet. -ERR_NOMEM. */
int slot_index_put(struct slot_index *x, uint32_t id, uint16_t slot) MUST_CHECK;
void slot_index_clear(struct slot_index *x);
void slot_index_fini(struct slot_index *x);

static inline uint32_t slot_index_hash(uint32_t id)
{
	uint32_t h = id * 0x9e3779b1u;

	return h ^ h >> 16;
}

/* `none` when it is not there. */
static inline uint16_t slot_index_find(const struct slot_index *x, uint32_t id, uint16_t none)
{
	if (!x->v || id == 0)
		return none;
	for (uint32_t h = slot_index_hash(id);; h++) {
		const struct slot_cell *c = &x->v[h & x->mask];

		if (c->id == id)
			return c->slot;
		if (c->id == 0)
			return none;
	}
}
