#include "ike/cut.h"

#include <stdlib.h>

#include "base/err.h"

static size_t size_of(const struct cut_item *i)
{
	return i->key.n + i->body.n;
}

int cut_add(struct cut *c, struct cut_item item)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 8;
		struct cut_item *v = realloc(c->v, cap * sizeof *v);

		if (!v)
			return -ERR_NOMEM;
		c->v = v;
		c->cap = cap;
	}
	item.order = c->n;
	c->v[c->n++] = item;
	c->octets += size_of(&item);
	return 0;
}

static int compare(const void *x, const void *y)
{
	const struct cut_item *a = (const struct cut_item *)x, *b = (const struct cut_item *)y;

	if (a->lineage != b->lineage)
		return a->lineage < b->lineage ? -1 : 1;
	if (a->gone != b->gone)
		return a->gone ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

void cut_sort(struct cut *c, size_t max)
{
	if (c->octets > max)
		qsort(c->v, c->n, sizeof *c->v, compare);
}

size_t cut_end(const struct cut *c, size_t from, size_t max)
{
	size_t end = from, octets = 0;

	if (c->octets <= max)
		return c->n;
	while (end < c->n) {
		size_t next = end, more = 0;

		for (; next < c->n && c->v[next].lineage == c->v[end].lineage; next++)
			more += size_of(&c->v[next]);
		if (end != from && octets + more > max)
			break;
		octets += more;
		end = next;
	}
	return end;
}

void cut_fini(struct cut *c)
{
	free(c->v);
	*c = (struct cut){0};
}
