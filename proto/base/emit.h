#pragma once
/*
 * Bounded writer, big endian, with lengths that are filled in afterwards.
 *
 * Writes into memory the caller lends. Overflow sticks: nothing is written past the end, every
 * later write is ignored, and emit_done() reports -ERR_SPACE.
 */
#include "base/view.h"

struct emit {
	uint8_t *p;
	size_t cap, n;
	bool bad;
};

static inline struct emit emit_to(void *p, size_t cap)
{
	return (struct emit){.p = (uint8_t *)p, .cap = cap};
}

void emit_u8(struct emit *e, uint8_t v);
void emit_be16(struct emit *e, uint16_t v);
void emit_be32(struct emit *e, uint32_t v);
void emit_be64(struct emit *e, uint64_t v);
void emit_view(struct emit *e, struct view v);
void emit_bytes(struct emit *e, const void *p, size_t n);
void emit_zero(struct emit *e, size_t n);
/* Reserves 16 bits and returns where; emit_patch16() fills them later, typically with
 * e->n - start, and marks the writer bad when the value does not fit. */
size_t emit_len16(struct emit *e);
void emit_patch16(struct emit *e, size_t mark, size_t value);
/* Overwrites one octet written before (next-payload chains). */
void emit_patch8(struct emit *e, size_t at, uint8_t value);
/* Skips n octets and lends them for in-place work (encryption); NULL on overflow. */
uint8_t *emit_reserve(struct emit *e, size_t n);
/* 0 and the written bytes, or -ERR_SPACE. */
int emit_done(const struct emit *e, struct view *out) MUST_CHECK;
