#pragma once
/*
 * Memory that is freed at once: a configuration tree or model with all its strings.
 *
 * Life: arena_new() .. arena_free(), which wipes every octet first, because configurations hold
 * keys. Allocation is bounded by the limit given; zeroed memory, aligned for any type.
 */
#include "base/view.h"

struct arena;

struct arena *arena_new(size_t limit);
void arena_free(struct arena *a);
void arena_cleanup(struct arena **a);
#define auto_arena struct arena *CLEANUP(arena_cleanup)

/* NULL when memory or the limit is exhausted; sticks, see arena_is_exhausted(). */
void *arena_alloc(struct arena *a, size_t n);
/* Copies and terminates; the octets must hold no NUL. */
char *arena_text(struct arena *a, struct view v);
char *arena_format(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
bool arena_is_exhausted(const struct arena *a);

#define arena_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (size_t)(n)))
