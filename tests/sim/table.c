#include "table.h"

#include <stdlib.h>
#include <string.h>

uint64_t digest_of(uint64_t seed, struct view octets)
{
	uint64_t h = seed * UINT64_C(0x9e3779b97f4a7c15) + octets.n, v;
	const uint8_t *p = octets.p;
	size_t n = octets.n;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&v, p, 8);
		h = (h ^ v) * UINT64_C(0x9fb21c651e98df25);
		h ^= h >> 28;
	}
	for (; n; p++, n--)
		h = (h ^ *p) * UINT64_C(0x100000001b3);
	h = (h ^ h >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	return (h ^ h >> 29) | 1;
}

static struct table_row *row_at(const struct table *t, uint64_t key)
{
	size_t i = (size_t)(key >> 7) & (t->cap - 1);

	while (t->v[i].key != 0 && t->v[i].key != key)
		i = (i + 1) & (t->cap - 1);
	return &t->v[i];
}

static void grow(struct table *t)
{
	struct table old = *t;

	t->cap = old.cap ? old.cap * 2 : 1024;
	t->v = calloc(t->cap, sizeof t->v[0]);
	if (!t->v)
		abort();
	for (size_t i = 0; i < old.cap; i++)
		if (old.v[i].key)
			*row_at(t, old.v[i].key) = old.v[i];
	free(old.v);
}

uint64_t *table_at(struct table *t, uint64_t key)
{
	struct table_row *r;

	if (t->n * 2 >= t->cap)
		grow(t);
	r = row_at(t, key);
	if (r->key == 0) {
		r->key = key;
		t->n++;
	}
	return &r->value;
}

void table_fini(struct table *t)
{
	free(t->v);
	*t = (struct table){0};
}
