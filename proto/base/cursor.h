#pragma once
/*
 * Bounded reader of peer-supplied bytes, big endian.
 *
 * A failed read sticks: it consumes nothing, yields zero (or an empty view), and every later read
 * fails too. A parser reads a whole structure in RFC order and asks cur_done() or cur_ok() once.
 * Nothing is copied: views live as long as the bytes given to cur_of().
 */
#include "base/view.h"

struct cur {
	struct view in;
	size_t at;
	bool bad;
};

static inline struct cur cur_of(struct view in)
{
	return (struct cur){.in = in};
}

uint8_t cur_u8(struct cur *c);
uint16_t cur_be16(struct cur *c);
uint32_t cur_be32(struct cur *c);
uint64_t cur_be64(struct cur *c);
struct view cur_take(struct cur *c, size_t n);
/* All that is left. */
struct view cur_rest(struct cur *c);
/* Copies exactly n octets to out; zeroes out when the read fails. */
void cur_copy(struct cur *c, void *out, size_t n);
/* A child reader that cannot see past its own n bytes; consumes them here. Bad if this one is. */
struct cur cur_sub(struct cur *c, size_t n);
size_t cur_left(const struct cur *c);

static inline bool cur_ok(const struct cur *c)
{
	return !c->bad;
}

/* Nothing failed and nothing is left. */
static inline bool cur_done(const struct cur *c)
{
	return !c->bad && c->at == c->in.n;
}
