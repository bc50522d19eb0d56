#pragma once
/*
 * Bytes: a view borrows them, a blob owns them.
 *
 * A view is two words, passed by value, valid as long as whoever lent it says. A blob is freed by
 * blob_fini() or by leaving the scope of an auto_blob. {NULL, 0} is the valid empty value of both.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

struct view {
	const uint8_t *p;
	size_t n;
};

struct blob {
	uint8_t *p;
	size_t n;
};

#define auto_blob	   struct blob CLEANUP(blob_fini)
#define view_of_array(a)   view_of((a), sizeof(a))
#define view_of_literal(s) view_of((s), sizeof(s) - 1)

static inline struct view view_of(const void *p, size_t n)
{
	return (struct view){(const uint8_t *)p, n};
}

static inline struct view view_of_text(const char *s)
{
	return view_of(s, strlen(s));
}

static inline struct view blob_view(const struct blob *b)
{
	return (struct view){b->p, b->n};
}

/* Ordinary comparison, for public bytes. */
bool view_equal(struct view a, struct view b);
/* Time depends on the lengths only: for keys, digests, authentication data. */
bool view_equal_ct(struct view a, struct view b);
/* memcmp order, shorter first on a tie. */
int view_compare(struct view a, struct view b);

/* Copies; *out is written only on success and then owned by the caller. */
int blob_copy(struct view from, struct blob *out) MUST_CHECK;
/* Appends to an owned blob (reallocates). */
int blob_append(struct blob *b, struct view more) MUST_CHECK;
struct blob blob_take(struct blob *b);
void blob_fini(struct blob *b);

/* Lower-case hex; writes at most cap-1 digits and a NUL. Returns out. */
char *view_hex(struct view v, char *out, size_t cap);
/* Parses an even number of hex digits (blanks allowed between octets). */
int blob_from_hex(const char *hex, struct blob *out) MUST_CHECK;
