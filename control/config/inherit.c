#include "config/inherit.h"

#include "config/value.h"

#define NODE_GROUP "${node}"

struct inherit {
	const struct tree *from;
	struct tree *to;
	int node;
	struct complaints *c;
	bool failed, exhausted;
};

static bool is_meta(const struct node *n)
{
	return !n->is_name && (strncmp(n->word, "apply-groups", 12) == 0 ||
				      (strcmp(n->word, "groups") == 0 && !n->parent->parent));
}

static struct node *copy_one(struct inherit *in, struct node *parent, const struct node *n)
{
	struct node *made = tree_add(in->to, parent, n->schema, n->word, n->is_name);

	if (!made) {
		in->exhausted = true;
		return NULL;
	}
	if (made->line == 0) {
		made->line = n->line;
		made->column = n->column;
	}
	return made;
}

static void copy_local(struct inherit *in, struct node *to, const struct node *from)
{
	for (const struct node *n = from->first; n && !in->exhausted; n = n->next) {
		if (n->inactive || is_meta(n))
			continue;
		struct node *made = copy_one(in, to, n);
		if (made)
			copy_local(in, made, n);
	}
}

static bool is_pattern(const struct node *n)
{
	return n->is_name && n->word[0] == '<';
}

/* Pattern without its brackets against a name. */
static bool pattern_matches(struct inherit *in, const struct node *pattern, const char *name)
{
	size_t n = strlen(pattern->word);
	const char *inner;

	if (n < 2 || pattern->word[n - 1] != '>')
		return false;
	inner = arena_text(in->to->arena, view_of(pattern->word + 1, n - 2));
	return inner && value_matches(inner, name);
}

static bool is_excepted(const struct inherit *in, const struct node *written, const char *group)
{
	const struct node *except =
		written ? tree_find(in->from, written, "apply-groups-except") : NULL;

	return except && !except->inactive && tree_find(in->from, except, group);
}

static void merge(struct inherit *in, struct node *to, const struct node *group,
	const struct node *written, const char *name);

static const struct node *written_below(
	const struct inherit *in, const struct node *written, const char *word)
{
	return written ? tree_find(in->from, written, word) : NULL;
}

/* A pattern applies to each entry there is that matches. */
static void merge_pattern(struct inherit *in, struct node *to, const struct node *pattern,
	const struct node *written, const char *name)
{
	for (struct node *e = to->first; e; e = e->next)
		if (e->is_name && pattern_matches(in, pattern, e->word))
			merge(in, e, pattern, written_below(in, written, e->word), name);
}

/* `written` is the local node at the same place, where exceptions are noted; NULL if none. */
static void merge(struct inherit *in, struct node *to, const struct node *group,
	const struct node *written, const char *name)
{
	if (is_excepted(in, written, name))
		return;
	for (const struct node *n = group->first; n && !in->exhausted; n = n->next) {
		bool single = n->is_name && !schema_has(n->schema, SCHEMA_LIST | SCHEMA_MULTI);
		struct node *made;

		if (n->inactive || is_meta(n) || (single && to->first))
			continue; /* a local single value stays */
		if (is_pattern(n)) {
			merge_pattern(in, to, n, written, name);
			continue;
		}
		made = copy_one(in, to, n);
		if (made)
			merge(in, made, n, written_below(in, written, n->word), name);
	}
}

/* Merges what the group says about the place `written` into `to`: walks down the group along the
 * path from the root, through matching patterns too. */
static void merge_at(struct inherit *in, const struct node *group, const struct node *const *path,
	uint32_t depth, struct node *to, const char *name)
{
	if (group->inactive || in->exhausted)
		return;
	if (depth == 0) {
		merge(in, to, group, path[0], name);
		return;
	}
	for (const struct node *n = group->first; n; n = n->next)
		if (strcmp(n->word, path[depth - 1]->word) == 0 ||
			(is_pattern(n) && pattern_matches(in, n, path[depth - 1]->word)))
			merge_at(in, n, path, depth - 1, to, name);
}

#define PATH_MAX_DEPTH 32

static void apply_one(
	struct inherit *in, const struct node *written, struct node *to, const struct node *value)
{
	const struct node *path[PATH_MAX_DEPTH], *groups, *group;
	const char *name = value->word;
	uint32_t depth = 0;
	bool by_node = strcmp(name, NODE_GROUP) == 0;

	if (by_node && in->node < 0)
		return;
	if (by_node)
		name = arena_format(in->to->arena, "node%d", in->node);
	groups = tree_find(in->from, in->from->root, "groups");
	group = groups && name ? tree_find(in->from, groups, name) : NULL;
	if (!group) {
		if (by_node)
			return; /* nothing special about this node */
		struct complaint_place place = {.line = value->line,
			.path = tree_path(written, in->to->arena),
			.statement = arena_format(in->to->arena, "apply-groups %s", name)};
		complain(in->c, COMPLAINT_ERROR, place, "group '%s' is not defined", name);
		in->failed = true;
		return;
	}
	for (const struct node *n = written; n->parent && depth < PATH_MAX_DEPTH; n = n->parent)
		path[depth++] = n;
	/* path[0] is `written` itself unless that is the root */
	if (depth == 0)
		merge(in, to, group, written, name);
	else
		merge_at(in, group, path, depth, to, name);
}

/* Inner places first, so that they win. */
static void apply(struct inherit *in, const struct node *written, struct node *to)
{
	const struct node *groups = tree_find(in->from, written, "apply-groups");

	for (const struct node *n = written->first; n && !in->exhausted; n = n->next) {
		struct node *below = tree_find(in->to, to, n->word);

		if (below && !n->inactive && !is_meta(n))
			apply(in, n, below);
	}
	if (groups && !groups->inactive && !groups->is_name)
		for (const struct node *v = groups->first; v && !in->exhausted; v = v->next)
			if (!v->inactive)
				apply_one(in, written, to, v);
}

/* Keywords and implied containers that inactive statements have left empty are no statements. */
static void prune(struct tree *t, struct node *n)
{
	for (struct node *c = n->first, *next; c; c = next) {
		bool implied = !c->schema->row;

		next = c->next;
		prune(t, c);
		if (!c->first && !c->is_name &&
			(implied || schema_is_list(c->schema) || schema_is_leaf(c->schema)))
			tree_remove(t, c);
	}
}

int inherit(const struct tree *from, struct tree *to, int node, struct complaints *c)
{
	struct inherit in = {.from = from, .to = to, .node = node, .c = c};

	copy_local(&in, to->root, from->root);
	apply(&in, from->root, to->root);
	prune(to, to->root);
	if (in.exhausted || arena_is_exhausted(to->arena))
		return -ERR_NOMEM;
	return in.failed ? -ERR_SYNTAX : 0;
}
