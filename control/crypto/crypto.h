#pragma once
/*
 * The handle every primitive of this folder works with: algorithms looked up once, and scratch
 * contexts that are keyed again per call instead of being allocated.
 *
 * Life: one per thread that hashes or encrypts; crypto_new() at the thread's start, crypto_free()
 * at its end. The lookups inside never change, so kex_*() may share one handle over threads;
 * everything else uses the scratch contexts and belongs to one thread at a time.
 */
#include "base/err.h"
#include "base/view.h"

struct crypto;

#define auto_crypto struct crypto *CLEANUP(crypto_cleanup)

int crypto_new(struct crypto **out) MUST_CHECK;
void crypto_free(struct crypto *c);
void crypto_cleanup(struct crypto **c);

/* Several pieces taken as if they were one: VIEWS(ni, nr, spi). */
struct views {
	const struct view *v;
	size_t n;
};

#define VIEWS(...)                                                                                 \
	((struct views){(const struct view[]){__VA_ARGS__},                                        \
		sizeof((const struct view[]){__VA_ARGS__}) / sizeof(struct view)})
