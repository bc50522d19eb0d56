#pragma once
/*
 * Memory for very many things of few sizes that packets touch: in arenas of 2 MiB, on huge pages
 * where the system grants them (one TLB entry instead of five hundred), each thing on cache lines
 * of its own.
 *
 * Life: embedded, zeroed; slab_fini() when everything was put back. Arenas are kept until then.
 * Thread: one.
 */
#include <stddef.h>
#include <stdint.h>

enum { SLAB_CLASSES = 64 };

struct slab {
	struct slab_arena *arenas;
	uint8_t *at; /* in the newest arena */
	size_t left;
	uint32_t n_classes;

	struct {
		size_t size;
		void *free;
	} classes[SLAB_CLASSES];
};

/* n octets, zeroed, on a line of its own; NULL: no memory. */
void *slab_get(struct slab *s, size_t n);
/* Of the same size. What was secret has been wiped by the caller. */
void slab_put(struct slab *s, void *p, size_t n);
void slab_fini(struct slab *s);

/* A table of n octets, zeroed, on huge pages when it is large; for free(). */
void *big_new(size_t n);
