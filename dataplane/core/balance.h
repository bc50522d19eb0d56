#pragma once
/*
 * Which worker has which bucket: one move at a time towards an even table, and a few towards even
 * load. Pure: a table and a set of workers in, moves out.
 *
 * Consistent: only what has to move moves. When one of n workers joins, about 1 of n + 1 buckets
 * goes to it and nothing moves between the others; when one leaves, only its own buckets move.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

enum { BALANCE_WORKERS = 16, BALANCE_CALM = 3, BALANCE_REST = 30, BALANCE_MOVES = 4 };

struct balance_move {
	uint32_t bucket;
	uint8_t from, to;
};

/* The next step towards a table where every member of the set has as many buckets as any other,
 * give or take one. `*at` is where to look first and is moved on: 0 at the beginning. False: it is
 * even. The set is not empty. */
bool balance_next(
	const uint8_t *owner, uint32_t n, uint32_t members, uint32_t *at, struct balance_move *out);

/* How far automatic balancing has come. Embedded, zeroed. */
struct balance_damper {
	uint32_t over; /* intervals in a row with an uneven load */
};

/* Called once an interval with what each bucket cost in it. Up to BALANCE_MOVES moves that make the
 * load more even; none unless it was uneven (the busiest more than a quarter of the mean above the
 * idlest) BALANCE_CALM times in a row. Each move lessens the difference for good, and a bucket that
 * moved rests for BALANCE_REST intervals (rest[], counted down here): nothing goes to and fro. */
uint32_t balance_load(struct balance_damper *d, const uint8_t *owner, const uint64_t *load,
	uint8_t *rest, uint32_t n, uint32_t members, struct balance_move out[BALANCE_MOVES]);
/* The same at once, without waiting for calm or rest. */
uint32_t balance_load_now(const uint8_t *owner, const uint64_t *load, uint32_t n, uint32_t members,
	struct balance_move out[BALANCE_MOVES]);
