#pragma once
/*
 * Key bytes: fixed length, wiped on free. (The daemons lock their memory as a whole at start.)
 *
 * Life: secret_new() .. secret_free(), or an auto_secret. Never printed, never compared except by
 * view_equal_ct(). A NULL secret is an empty view.
 */
#include "base/view.h"

struct secret {
	size_t n;
	uint8_t p[];
};

#define auto_secret struct secret *CLEANUP(secret_cleanup)

struct secret *secret_new(size_t n);
struct secret *secret_copy(struct view from);
void secret_free(struct secret *s);
void secret_cleanup(struct secret **s);

static inline struct view secret_view(const struct secret *s)
{
	return s ? (struct view){s->p, s->n} : (struct view){0};
}

/* Not removed by the optimiser. */
void secret_wipe(void *p, size_t n);

/* Wipes, then frees, a blob that held keys (packed messages to the dataplane). */
void secret_wipe_blob(struct blob *b);
