#pragma once
/*
 * A hash table that one thread changes while others read, and that is never built anew: a trie over
 * the bits of the hash, four at a step. Adding and removing touch one path of it, whatever it
 * holds.
 *
 * Life: zeroed .. trie_fini(). Leaves are embedded in their owners and lent. What readers may still
 * look at when it leaves the trie goes to retire(), to be freed a grace period later; so must a
 * leaf that was removed. Those with the same hash are a chain, the highest order first: who looks
 * compares its key.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "base/cleanup.h"

enum { TRIE_BITS = 4, TRIE_WAYS = 1 << TRIE_BITS };

struct trie_leaf {
	_Atomic(struct trie_leaf *) next;
	struct trie_leaf *prev; /* of the writer */
	uint64_t order;
	uint32_t hash;
};

struct trie_node {
	_Atomic uintptr_t way[TRIE_WAYS]; /* 0, a leaf, or with its last bit set a node */
	uint32_t n;			  /* ways in use */
};

struct trie {
	struct trie_node root;
	uint64_t work; /* nodes and leaves that changes have looked at: for tests */
};

/* Frees what malloc() gave, a grace period from now. */
struct retire {
	void (*memory)(void *ctx, void *p);
	void *ctx;
};

/* hash and order are set. -ERR_NOMEM leaves all as it was. */
int trie_add(struct trie *t, struct trie_leaf *leaf) MUST_CHECK;
void trie_remove(struct trie *t, struct trie_leaf *leaf, const struct retire *retire);
/* No reader is left. each, where given, may free the leaf. */
void trie_fini(struct trie *t, void (*each)(struct trie_leaf *leaf));

/* The first of those with that hash, or NULL. */
static inline struct trie_leaf *trie_get(const struct trie *t, uint32_t hash)
{
	const struct trie_node *n = &t->root;

	for (uint32_t h = hash;; h >>= TRIE_BITS) {
		uintptr_t at = atomic_load_explicit(&n->way[h % TRIE_WAYS], memory_order_acquire);

		if (!(at & 1)) {
			struct trie_leaf *leaf = (struct trie_leaf *)at;

			return leaf && leaf->hash == hash ? leaf : NULL;
		}
		n = (const struct trie_node *)(at - 1);
	}
}

static inline struct trie_leaf *trie_next(const struct trie_leaf *leaf)
{
	return atomic_load_explicit(&leaf->next, memory_order_acquire);
}
