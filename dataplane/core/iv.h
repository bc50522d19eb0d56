#pragma once
/*
 * AEAD IVs that never repeat (architecture rule 6): node(8) | incarnation(16) | counter(40).
 *
 * One counter serves the whole process, handed to workers in blocks, so that no (key, IV) pair can
 * repeat however often an SA is deleted and installed again. Counter and incarnation are one
 * 56-bit number: the counter overflows into the next incarnation, which iv_pool_take() enters only
 * when the state file already reserves it (iv_pool_reserve()).
 *
 * Life: one pool a process; one block a worker. Thread: the pool any, a block its worker.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

enum { IV_COUNTER_BITS = 40, IV_BLOCK = 1 << 16 };

struct iv_pool {
	_Atomic uint64_t next;	   /* incarnation | counter, start of the next block */
	_Atomic uint64_t reserved; /* exclusive end of what the state file has reserved */
};

struct iv_block {
	uint64_t next, end;
};

/* Starts at the incarnation; it and nothing more is reserved. */
void iv_pool_init(struct iv_pool *p, uint16_t incarnation);
/* The state file now reserves everything up to and including this incarnation. */
void iv_pool_reserve(struct iv_pool *p, uint16_t incarnation);
/* Nothing below this incarnation is given from here on; it is on disk. Blocks that workers hold are
 * theirs to drop. False: was beyond it already. */
bool iv_pool_raise(struct iv_pool *p, uint16_t incarnation);
/* The incarnation in use, and whether the next one should be reserved soon. */
uint16_t iv_pool_incarnation(const struct iv_pool *p);
bool iv_pool_is_half(const struct iv_pool *p);
int iv_pool_take(struct iv_pool *p, struct iv_block *b) MUST_CHECK;

/* One IV, host order. -ERR_LIMIT when the pool may give no more. */
static inline int iv_next(struct iv_pool *p, struct iv_block *b, uint8_t node, uint64_t *iv)
{
	if (__builtin_expect(b->next == b->end, 0)) {
		int rc = iv_pool_take(p, b);

		if (rc < 0)
			return rc;
	}
	*iv = (uint64_t)node << 56 | b->next++;
	return 0;
}
