#pragma once
/*
 * Single producer, single consumer ring of fixed-size items, in C11 atomics alone so that the
 * thread sanitizer can prove it.
 *
 * Life: ring_init() .. ring_fini(), both while nobody uses it. Items are copied in and out.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"

struct ring {
	uint8_t *items;
	uint32_t mask, size;		    /* items - 1; octets of one */
	_Alignas(64) _Atomic uint32_t head; /* written by the producer */
	uint32_t seen_tail;		    /* the producer's copy */
	_Alignas(64) _Atomic uint32_t tail; /* written by the consumer */
	uint32_t seen_head;		    /* the consumer's copy */
};

/* n is a power of two. */
static inline int ring_init(struct ring *r, uint32_t n, uint32_t size)
{
	r->items = calloc(n, size);
	if (!r->items)
		return -ERR_NOMEM;
	r->mask = n - 1;
	r->size = size;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	r->seen_tail = r->seen_head = 0;
	return 0;
}

static inline void ring_fini(struct ring *r)
{
	free(r->items);
	r->items = NULL;
}

/* False when it is full. */
static inline bool ring_put(struct ring *r, const void *item)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - r->seen_tail > r->mask) {
		r->seen_tail = atomic_load_explicit(&r->tail, memory_order_acquire);
		if (head - r->seen_tail > r->mask)
			return false;
	}
	memcpy(r->items + (size_t)(head & r->mask) * r->size, item, r->size);
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

/* Up to n items; how many. */
static inline uint32_t ring_get(struct ring *r, void *items, uint32_t n)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed), have;

	if (tail == r->seen_head)
		r->seen_head = atomic_load_explicit(&r->head, memory_order_acquire);
	have = r->seen_head - tail;
	if (have > n)
		have = n;
	for (uint32_t i = 0; i < have; i++)
		memcpy((uint8_t *)items + (size_t)i * r->size,
			r->items + (size_t)((tail + i) & r->mask) * r->size, r->size);
	if (have)
		atomic_store_explicit(&r->tail, tail + have, memory_order_release);
	return have;
}

/* For the consumer: what it may take now. */
static inline uint32_t ring_count(const struct ring *r)
{
	return atomic_load_explicit(&r->head, memory_order_acquire) -
	       atomic_load_explicit(&r->tail, memory_order_relaxed);
}

/* For the consumer, before it sleeps. */
static inline bool ring_is_empty(const struct ring *r)
{
	return atomic_load_explicit(&r->tail, memory_order_relaxed) ==
	       atomic_load_explicit(&r->head, memory_order_seq_cst);
}
