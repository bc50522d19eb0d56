#include "slab.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Under the address sanitizer each thing is an allocation, so that it sees who uses it after. */
#if defined(__SANITIZE_ADDRESS__)
#define SLAB_PLAIN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_PLAIN 1
#endif
#endif
#ifndef SLAB_PLAIN
#define SLAB_PLAIN 0
#endif

enum { LINE = 64, ARENA = 2 << 20 };

struct slab_arena {
	struct slab_arena *next;
};

static size_t lines(size_t n)
{
	return (n + LINE - 1) & ~(size_t)(LINE - 1);
}

static void *huge_new(size_t n)
{
	void *p = aligned_alloc(ARENA, (n + ARENA - 1) & ~(size_t)(ARENA - 1));

	if (p)
		(void)madvise(p, n, MADV_HUGEPAGE); /* a wish; without it it is only slower */
	return p;
}

/* The rest of the last one is left: things are small against an arena. */
static int arena_new(struct slab *s)
{
	struct slab_arena *a = huge_new(ARENA);

	if (!a)
		return -1;
	a->next = s->arenas;
	s->arenas = a;
	s->at = (uint8_t *)a + LINE;
	s->left = ARENA - LINE;
	return 0;
}

static void **class_of(struct slab *s, size_t size)
{
	for (uint32_t i = 0; i < s->n_classes; i++)
		if (s->classes[i].size == size)
			return &s->classes[i].free;
	if (s->n_classes == SLAB_CLASSES)
		return NULL;
	s->classes[s->n_classes].size = size;
	return &s->classes[s->n_classes++].free;
}

void *slab_get(struct slab *s, size_t n)
{
	size_t size = lines(n);
	void **list = class_of(s, size), *p;

	if (!list || size > ARENA - LINE)
		return NULL;
	if (SLAB_PLAIN) {
		p = aligned_alloc(LINE, size);
		if (!p)
			return NULL;
	} else if (*list) {
		p = *list;
		memcpy(list, p, sizeof *list);
	} else {
		if (s->left < size && arena_new(s) < 0)
			return NULL;
		p = s->at;
		s->at += size;
		s->left -= size;
	}
	memset(p, 0, size);
	return p;
}

void slab_put(struct slab *s, void *p, size_t n)
{
	void **list = class_of(s, lines(n));

	if (!p || !list)
		return;
	if (SLAB_PLAIN) {
		free(p);
		return;
	}
	memcpy(p, list, sizeof *list);
	*list = p;
}

void slab_fini(struct slab *s)
{
	while (s->arenas) {
		struct slab_arena *a = s->arenas;

		s->arenas = a->next;
		free(a);
	}
	memset(s, 0, sizeof *s);
}

void *big_new(size_t n)
{
	void *p;

	if (n < ARENA)
		return calloc(1, n);
	p = huge_new(n);
	if (p)
		memset(p, 0, n);
	return p;
}
