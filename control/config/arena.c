#include "config/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"

#define CHUNK_MIN (16u << 10)

struct chunk {
	struct chunk *next;
	size_t cap, n;
	max_align_t data[];
};

struct arena {
	struct chunk *chunks; /* the one being filled first */
	size_t used, limit;
	bool exhausted;
};

struct arena *arena_new(size_t limit)
{
	struct arena *a = calloc(1, sizeof *a);

	if (a)
		a->limit = limit;
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct chunk *c = a->chunks, *next; c; c = next) {
		next = c->next;
		secret_wipe(c->data, c->n);
		free(c);
	}
	free(a);
}

void arena_cleanup(struct arena **a)
{
	arena_free(*a);
}

static struct chunk *chunk_add(struct arena *a, size_t want)
{
	size_t cap = MAX(want, (size_t)CHUNK_MIN);
	struct chunk *c;

	if (want > a->limit || a->used > a->limit - want)
		return NULL;
	c = calloc(1, sizeof *c + cap);
	if (!c)
		return NULL;
	c->cap = cap;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
	const size_t align = _Alignof(max_align_t);
	struct chunk *c = a->chunks;
	void *p;

	if (a->exhausted || n > a->limit) {
		a->exhausted = true;
		return NULL;
	}
	n = (MAX(n, (size_t)1) + align - 1) / align * align;
	if (!c || c->cap - c->n < n)
		c = chunk_add(a, n);
	if (!c) {
		a->exhausted = true;
		return NULL;
	}
	p = (char *)c->data + c->n;
	c->n += n;
	a->used += n;
	return p;
}

char *arena_text(struct arena *a, struct view v)
{
	char *s = arena_alloc(a, v.n + 1);

	if (s && v.n)
		memcpy(s, v.p, v.n);
	return s;
}

char *arena_format(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		s = arena_alloc(a, (size_t)n + 1);
	if (s)
		(void)vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return s;
}

bool arena_is_exhausted(const struct arena *a)
{
	return a->exhausted;
}
