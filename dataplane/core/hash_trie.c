#include "core/hash_trie.h"

#include <stdlib.h>

#include "base/err.h"

static struct trie_node *node_of(uintptr_t at)
{
	return at & 1 ? (struct trie_node *)(at - 1) : NULL;
}

static struct trie_leaf *leaf_of(uintptr_t at)
{
	return at & 1 ? NULL : (struct trie_leaf *)at;
}

/* A writer alone changes them: it may look without a fence. */
static uintptr_t look(const _Atomic uintptr_t *way)
{
	return atomic_load_explicit(way, memory_order_relaxed);
}

static void publish(_Atomic uintptr_t *way, uintptr_t what)
{
	atomic_store_explicit(way, what, memory_order_release);
}

/* ---------------------------------------------------------------- chains of one hash */

static void chain_put(struct trie *t, _Atomic uintptr_t *way, struct trie_leaf *leaf)
{
	struct trie_leaf *at = leaf_of(look(way)), *before = NULL;

	for (; at && at->order > leaf->order; at = trie_next(at)) {
		before = at;
		t->work++;
	}
	atomic_store_explicit(&leaf->next, at, memory_order_relaxed);
	leaf->prev = before;
	if (at)
		at->prev = leaf;
	if (before)
		atomic_store_explicit(&before->next, leaf, memory_order_release);
	else
		publish(way, (uintptr_t)leaf);
}

/* ---------------------------------------------------------------- adding */

static void nodes_free(struct trie_node *n)
{
	while (n) {
		struct trie_node *below = NULL;

		for (uint32_t i = 0; i < TRIE_WAYS && !below; i++)
			below = node_of(look(&n->way[i]));
		free(n);
		n = below;
	}
}

/* Nodes in which two different hashes part, the first of them at `shift` bits. They have more than
 * one way in the last only. NULL: no memory. */
static struct trie_node *part(uint32_t shift, struct trie_leaf *a, struct trie_leaf *b)
{
	struct trie_node *top = calloc(1, sizeof *top), *n = top;

	for (; n; shift += TRIE_BITS) {
		uint32_t x = a->hash >> shift & (TRIE_WAYS - 1);
		uint32_t y = b->hash >> shift & (TRIE_WAYS - 1);
		struct trie_node *below;

		if (x != y) {
			atomic_init(&n->way[x], (uintptr_t)a);
			atomic_init(&n->way[y], (uintptr_t)b);
			n->n = 2;
			return top;
		}
		below = calloc(1, sizeof *below);
		if (!below)
			break;
		atomic_init(&n->way[x], (uintptr_t)below | 1);
		n->n = 1;
		n = below;
	}
	nodes_free(top);
	return NULL;
}

int trie_add(struct trie *t, struct trie_leaf *leaf)
{
	struct trie_node *n = &t->root, *fresh;

	for (uint32_t shift = 0;; shift += TRIE_BITS) {
		_Atomic uintptr_t *way = &n->way[leaf->hash >> shift & (TRIE_WAYS - 1)];
		uintptr_t at = look(way);

		t->work++;
		if (node_of(at)) {
			n = node_of(at);
			continue;
		}
		if (!at || leaf_of(at)->hash == leaf->hash) {
			n->n += !at;
			chain_put(t, way, leaf);
			return 0;
		}
		leaf->prev = NULL;
		atomic_store_explicit(&leaf->next, NULL, memory_order_relaxed);
		fresh = part(shift + TRIE_BITS, leaf_of(at), leaf);
		if (!fresh)
			return -ERR_NOMEM;
		publish(way, (uintptr_t)fresh | 1);
		return 0;
	}
}

/* ---------------------------------------------------------------- removing */

/* The last leaf of a way is gone: nodes that lead nowhere go too. */
static void way_close(struct trie *t, uint32_t hash, const struct retire *retire)
{
	struct trie_node *path[32 / TRIE_BITS + 1] = {&t->root}, *n;
	uint32_t depth = 0;

	while ((n = node_of(look(&path[depth]->way[hash >> depth * TRIE_BITS & (TRIE_WAYS - 1)]))))
		path[++depth] = n;
	for (;; depth--) {
		n = path[depth];
		t->work++;
		publish(&n->way[hash >> depth * TRIE_BITS & (TRIE_WAYS - 1)], 0);
		if (--n->n != 0 || depth == 0)
			return;
		retire->memory(retire->ctx, n);
	}
}

static _Atomic uintptr_t *way_of(struct trie *t, uint32_t hash)
{
	struct trie_node *n = &t->root, *below;
	uint32_t h = hash;

	while ((below = node_of(look(&n->way[h % TRIE_WAYS])))) {
		n = below;
		h >>= TRIE_BITS;
		t->work++;
	}
	return &n->way[h % TRIE_WAYS];
}

void trie_remove(struct trie *t, struct trie_leaf *leaf, const struct retire *retire)
{
	struct trie_leaf *next = trie_next(leaf);

	t->work++;
	if (next)
		next->prev = leaf->prev;
	if (leaf->prev)
		atomic_store_explicit(&leaf->prev->next, next, memory_order_release);
	else if (next)
		publish(way_of(t, leaf->hash), (uintptr_t)next);
	else
		way_close(t, leaf->hash, retire);
}

static void below_free(struct trie_node *n, void (*each)(struct trie_leaf *leaf))
{
	for (uint32_t i = 0; i < TRIE_WAYS; i++) {
		uintptr_t at = look(&n->way[i]);
		struct trie_leaf *leaf = leaf_of(at), *next;

		for (; each && leaf; leaf = next) {
			next = trie_next(leaf);
			each(leaf);
		}
		if (!node_of(at))
			continue;
		below_free(node_of(at), each);
		free(node_of(at));
	}
}

void trie_fini(struct trie *t, void (*each)(struct trie_leaf *leaf))
{
	below_free(&t->root, each);
	*t = (struct trie){0};
}
