#include "config/tree.h"

#include "base/map.h"

#define FEW 8 /* children that are searched one by one */

int tree_init(struct tree *t, struct arena *arena, const struct schema *root)
{
	*t = (struct tree){.arena = arena};
	t->root = arena_alloc(arena, sizeof *t->root);
	t->n_buckets = 1024;
	t->buckets = arena_array(arena, struct node *, t->n_buckets);
	if (!t->root || !t->buckets)
		return -ERR_NOMEM;
	t->root->schema = root;
	t->root->word = "";
	return 0;
}

static uint32_t place(const struct tree *t, const struct node *parent, const char *word)
{
	struct {
		uint64_t parent, word;
	} key = {(uintptr_t)parent, map_hash(word, strlen(word))};

	return map_hash(&key, sizeof key) & (t->n_buckets - 1);
}

struct node *tree_find(const struct tree *t, const struct node *parent, const char *word)
{
	if (!parent->hashed) {
		for (struct node *n = parent->first; n; n = n->next)
			if (strcmp(n->word, word) == 0)
				return n;
		return NULL;
	}
	for (struct node *n = t->buckets[place(t, parent, word)]; n; n = n->chain)
		if (n->parent == parent && strcmp(n->word, word) == 0)
			return n;
	return NULL;
}

static void link_node(struct tree *t, struct node *n)
{
	struct node **bucket = &t->buckets[place(t, n->parent, n->word)];

	n->chain = *bucket;
	*bucket = n;
	t->n_hashed++;
}

static void unlink_node(struct tree *t, struct node *n)
{
	struct node **at = &t->buckets[place(t, n->parent, n->word)];

	while (*at != n)
		at = &(*at)->chain;
	*at = n->chain;
	t->n_hashed--;
}

/* The outgrown table stays in the arena: all of them together are no larger than the last. */
static bool grow(struct tree *t)
{
	struct node **old = t->buckets;
	uint32_t n_old = t->n_buckets;
	struct node **wider = arena_array(t->arena, struct node *, n_old * 2);

	if (!wider)
		return false;
	t->buckets = wider;
	t->n_buckets = n_old * 2;
	t->n_hashed = 0;
	for (uint32_t i = 0; i < n_old; i++)
		for (struct node *n = old[i], *next; n; n = next) {
			next = n->chain;
			link_node(t, n);
		}
	return true;
}

static void append(struct node *parent, struct node *n)
{
	n->parent = parent;
	n->prev = parent->last;
	n->next = NULL;
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
	parent->n_children++;
}

static void detach(struct node *n)
{
	struct node *parent = n->parent;

	if (n->prev)
		n->prev->next = n->next;
	else
		parent->first = n->next;
	if (n->next)
		n->next->prev = n->prev;
	else
		parent->last = n->prev;
	parent->n_children--;
}

/* Makes the new child findable; all of them move to the table when they are no longer few. */
static bool index_child(struct tree *t, struct node *n)
{
	struct node *parent = n->parent;

	if (!parent->hashed && parent->n_children <= FEW)
		return true;
	if (t->n_hashed >= t->n_buckets && !grow(t))
		return false;
	for (struct node *c = parent->hashed ? n : parent->first; c; c = c->next)
		link_node(t, c);
	parent->hashed = true;
	return true;
}

struct node *tree_add(struct tree *t, struct node *parent, const struct schema *schema,
	const char *word, bool is_name)
{
	struct node *n = tree_find(t, parent, word);

	if (n)
		return n;
	n = arena_alloc(t->arena, sizeof *n);
	if (!n)
		return NULL;
	n->schema = schema;
	n->word = word;
	n->is_name = is_name;
	append(parent, n);
	if (index_child(t, n))
		return n;
	detach(n);
	return NULL;
}

void tree_remove(struct tree *t, struct node *n)
{
	while (n->first)
		tree_remove(t, n->first);
	if (n->parent->hashed)
		unlink_node(t, n);
	detach(n);
}

int tree_rename(struct tree *t, struct node *n, const char *word)
{
	if (tree_find(t, n->parent, word))
		return -ERR_EXISTS;
	if (n->parent->hashed)
		unlink_node(t, n);
	n->word = word;
	if (n->parent->hashed)
		link_node(t, n);
	return 0;
}

void tree_move(struct node *n, struct node *sibling, bool behind)
{
	struct node *parent = n->parent;
	struct node *before = behind ? sibling->next : sibling;

	if (n == sibling || before == n)
		return;
	detach(n);
	if (!before) {
		append(parent, n);
		return;
	}
	n->prev = before->prev;
	n->next = before;
	if (before->prev)
		before->prev->next = n;
	else
		parent->first = n;
	before->prev = n;
	parent->n_children++;
}

char *tree_path(const struct node *n, struct arena *arena)
{
	char *path = NULL;

	for (; n && n->parent; n = n->parent)
		path = path ? arena_format(arena, "%s %s", n->word, path)
			    : arena_format(arena, "%s", n->word);
	return path ? path : arena_format(arena, "%s", "");
}

/* Recursion is as deep as the schema. */
bool tree_equal(
	const struct tree *ta, const struct node *a, const struct tree *tb, const struct node *b)
{
	bool ordered = !a->is_name && a->schema && schema_has(a->schema, SCHEMA_ORDERED);
	const struct node *cb = b->first;

	if (a->inactive != b->inactive || strcmp(a->word, b->word) != 0 ||
		a->n_children != b->n_children)
		return false;
	for (const struct node *ca = a->first; ca; ca = ca->next) {
		const struct node *same = ordered ? cb : tree_find(tb, b, ca->word);

		if (!same || !tree_equal(ta, ca, tb, same))
			return false;
		if (cb)
			cb = cb->next;
	}
	return true;
}
