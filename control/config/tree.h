#pragma once
/*
 * The statements of a configuration as a tree.
 *
 * Life: in an arena, gone with it. A container is a node with its keyword; a list is a node with
 * one child for each entry, whose word is the entry's name; a leaf has its values as children; a
 * flag has none. So the words from the root down are the words of a `set` line.
 *
 * Children keep the order they were written in. A few are searched one by one; beyond that a hash
 * table over (parent, word) finds a child, since lists can hold tens of thousands of entries.
 */
#include "base/err.h"
#include "config/schema.h"

struct node {
	struct node *parent, *first, *last, *prev, *next;
	struct node *chain; /* in the hash table */
	const struct schema
		*schema; /* of the keyword; entries and values have that of their list or leaf */
	const char *word;
	const char *comment; /* NULL, or what stood before it */
	uint32_t line, column;
	uint32_t n_children;
	bool hashed; /* its children are in the hash table */
	bool inactive;
	bool is_name; /* an entry of a list, or a value of a leaf */
};

struct tree {
	struct arena *arena;
	struct node *root;
	struct node **buckets;
	uint32_t n_buckets, n_hashed;
};

/* The arena is lent and must outlive the tree. -ERR_NOMEM. */
int tree_init(struct tree *t, struct arena *arena, const struct schema *root) MUST_CHECK;

struct node *tree_find(const struct tree *t, const struct node *parent, const char *word);
/* The child that is there, or a new one; NULL when memory is exhausted. */
struct node *tree_add(struct tree *t, struct node *parent, const struct schema *schema,
	const char *word, bool is_name);
/* With everything below; its memory stays in the arena. */
void tree_remove(struct tree *t, struct node *n);
int tree_rename(struct tree *t, struct node *n, const char *word) MUST_CHECK;
/* Moves n before or behind a sibling. */
void tree_move(struct node *n, struct node *sibling, bool behind);

/* "security ike gateway GW": the words from the root to n. */
char *tree_path(const struct node *n, struct arena *arena);
/* Same statements: order counts only where the schema says so; comments and lines do not. */
bool tree_equal(
	const struct tree *ta, const struct node *a, const struct tree *tb, const struct node *b);

#define node_foreach(pos, parent_) for (pos = (parent_)->first; pos; pos = (pos)->next)
