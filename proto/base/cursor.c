#include "base/cursor.h"

struct view cur_take(struct cur *c, size_t n)
{
	if (c->bad || n > c->in.n - c->at) {
		c->bad = true;
		return (struct view){0};
	}
	struct view v = {n ? c->in.p + c->at : NULL, n};
	c->at += n;
	return v;
}

static uint64_t read_be(struct cur *c, size_t n)
{
	struct view v = cur_take(c, n);
	uint64_t x = 0;

	for (size_t i = 0; i < v.n; i++)
		x = x << 8 | v.p[i];
	return x;
}

uint8_t cur_u8(struct cur *c)
{
	return (uint8_t)read_be(c, 1);
}

uint16_t cur_be16(struct cur *c)
{
	return (uint16_t)read_be(c, 2);
}

uint32_t cur_be32(struct cur *c)
{
	return (uint32_t)read_be(c, 4);
}

uint64_t cur_be64(struct cur *c)
{
	return read_be(c, 8);
}

struct view cur_rest(struct cur *c)
{
	return cur_take(c, cur_left(c));
}

void cur_copy(struct cur *c, void *out, size_t n)
{
	struct view v = cur_take(c, n);

	memset(out, 0, n);
	if (v.n == n && n != 0)
		memcpy(out, v.p, n);
}

struct cur cur_sub(struct cur *c, size_t n)
{
	struct view v = cur_take(c, n);

	return (struct cur){.in = v, .bad = c->bad};
}

size_t cur_left(const struct cur *c)
{
	return c->bad ? 0 : c->in.n - c->at;
}
