#pragma once
/*
 * A growing table of 64-bit digests -> 64-bit values, for what the observer remembers of a run.
 *
 * Life: zeroed .. table_fini().
 */
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct table_row {
	uint64_t key, value; /* key 0: free */
};

struct table {
	struct table_row *v;
	size_t n, cap;
};

uint64_t digest_of(uint64_t seed, struct view octets);
/* The place of the value, made with value 0 when the key is new. */
uint64_t *table_at(struct table *t, uint64_t key);
void table_fini(struct table *t);
