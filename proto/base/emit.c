#include "base/emit.h"

#include "base/err.h"

uint8_t *emit_reserve(struct emit *e, size_t n)
{
	uint8_t *p;

	if (e->bad || n > e->cap - e->n) {
		e->bad = true;
		return NULL;
	}
	p = e->p + e->n;
	e->n += n;
	return p;
}

static void write_be(struct emit *e, uint64_t v, size_t n)
{
	uint8_t *p = emit_reserve(e, n);

	if (!p)
		return;
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

void emit_u8(struct emit *e, uint8_t v)
{
	write_be(e, v, 1);
}

void emit_be16(struct emit *e, uint16_t v)
{
	write_be(e, v, 2);
}

void emit_be32(struct emit *e, uint32_t v)
{
	write_be(e, v, 4);
}

void emit_be64(struct emit *e, uint64_t v)
{
	write_be(e, v, 8);
}

void emit_bytes(struct emit *e, const void *from, size_t n)
{
	uint8_t *p = emit_reserve(e, n);

	if (p && n != 0)
		memcpy(p, from, n);
}

void emit_view(struct emit *e, struct view v)
{
	emit_bytes(e, v.p, v.n);
}

void emit_zero(struct emit *e, size_t n)
{
	uint8_t *p = emit_reserve(e, n);

	if (p && n != 0)
		memset(p, 0, n);
}

size_t emit_len16(struct emit *e)
{
	size_t at = e->n;

	emit_be16(e, 0);
	return at;
}

void emit_patch16(struct emit *e, size_t mark, size_t value)
{
	if (e->bad)
		return;
	if (value > UINT16_MAX || mark + 2 > e->n) {
		e->bad = true;
		return;
	}
	e->p[mark] = (uint8_t)(value >> 8);
	e->p[mark + 1] = (uint8_t)value;
}

void emit_patch8(struct emit *e, size_t at, uint8_t value)
{
	if (e->bad)
		return;
	if (at >= e->n) {
		e->bad = true;
		return;
	}
	e->p[at] = value;
}

int emit_done(const struct emit *e, struct view *out)
{
	if (e->bad)
		return -ERR_SPACE;
	*out = (struct view){e->p, e->n};
	return 0;
}
