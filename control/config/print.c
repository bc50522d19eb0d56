#include "config/print.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "config/lex.h"
#include "config/secret9.h"

struct printer {
	FILE *f;
	enum config_secrets secrets;
	const char *prefix; /* keyword that goes on the line of the next statement */
	bool failed;
};

static void put(struct printer *p, const char *s)
{
	if (fputs(s, p->f) < 0)
		p->failed = true;
}

static void put_word(struct printer *p, const char *word)
{
	if (lex_is_bare(word)) {
		put(p, word);
		return;
	}
	put(p, "\"");
	for (const char *s = word; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			put(p, "\\");
		if (fputc(*s, p->f) == EOF)
			p->failed = true;
	}
	put(p, "\"");
}

/* The seed is the place in the text's schema, so that output is stable. */
static void put_secret(struct printer *p, const struct node *value)
{
	auto_blob text = {0};

	if (p->secrets == CONFIG_SECRETS_MASKED) {
		put(p, "/* SECRET-DATA */");
		return;
	}
	if (secret9_write(view_of_text(value->word), value->schema->order, &text) < 0) {
		p->failed = true;
		return;
	}
	put(p, "\"");
	put(p, (const char *)text.p);
	put(p, "\"");
}

static bool is_secret(const struct node *n)
{
	return schema_has(n->schema, SCHEMA_SECRET);
}

static void put_value(struct printer *p, const struct node *value)
{
	if (is_secret(value))
		put_secret(p, value);
	else
		put_word(p, value->word);
}

/* ---- curly */

static void indent(struct printer *p, unsigned depth)
{
	while (depth-- > 0)
		put(p, "    ");
}

static void open_statement(struct printer *p, const struct node *n, unsigned depth)
{
	if (n->comment) {
		indent(p, depth);
		put(p, "/*");
		put(p, n->comment);
		put(p, "*/\n");
	}
	indent(p, depth);
	if (n->inactive)
		put(p, "inactive: ");
	if (p->prefix) {
		put(p, p->prefix);
		put(p, " ");
		p->prefix = NULL;
	}
}

static void put_values(struct printer *p, const struct node *leaf)
{
	bool several = leaf->first != leaf->last;

	put(p, several ? " [ " : " ");
	for (const struct node *v = leaf->first; v; v = v->next) {
		put_value(p, v);
		if (several)
			put(p, " ");
	}
	put(p, several ? "];" : ";");
	put(p, is_secret(leaf) ? " ## SECRET-DATA\n" : "\n");
}

static void put_block(struct printer *p, const struct node *n, unsigned depth);

/* `name a b;` for entries that are shown on one line and have nothing but single leaves. */
static bool is_oneline(const struct node *entry)
{
	if (!schema_has(entry->schema, SCHEMA_ONELINE))
		return false;
	for (const struct node *c = entry->first; c; c = c->next)
		if (c->is_name || c->inactive || c->comment || is_secret(c) ||
			schema_is_list(c->schema) || !schema_is_leaf(c->schema) ||
			c->first != c->last)
			return false;
	return true;
}

/* What follows an entry's words: what it holds, or its end. */
static void put_rest(struct printer *p, const struct node *n, unsigned depth)
{
	if (n->first) {
		put(p, " {\n");
		put_block(p, n, depth + 1);
		indent(p, depth);
		put(p, "}\n");
	} else {
		put(p, ";\n");
	}
}

static void put_entry(
	struct printer *p, const struct node *entry, const char *keyword, unsigned depth)
{
	open_statement(p, entry, depth);
	if (keyword) {
		put(p, keyword);
		put(p, " ");
	}
	put_word(p, entry->word);
	if (is_oneline(entry)) {
		for (const struct node *c = entry->first; c; c = c->next) {
			put(p, " ");
			put(p, c->word);
			put(p, " ");
			put_value(p, c->first);
		}
		put(p, ";\n");
	} else {
		put_rest(p, entry, depth);
	}
}

/* Entries of a list: each with the keyword, or all in one block below it. */
static void put_list(struct printer *p, const struct node *list, unsigned depth)
{
	bool blocked = schema_has(list->schema, SCHEMA_BLOCK) || list->inactive ||
		       strcmp(list->word, "groups") == 0;

	for (const struct node *c = list->first; c; c = c->next)
		blocked = blocked || !c->is_name;
	if (!blocked) {
		for (const struct node *e = list->first; e; e = e->next)
			put_entry(p, e, list->word, depth);
		return;
	}
	open_statement(p, list, depth);
	put(p, list->word);
	put(p, " {\n");
	for (const struct node *e = list->first; e; e = e->next)
		if (!e->is_name) {
			indent(p, depth + 1);
			put(p, e->word);
			put_values(p, e);
		}
	for (const struct node *e = list->first; e; e = e->next)
		if (e->is_name)
			put_entry(p, e, NULL, depth + 1);
	indent(p, depth);
	put(p, "}\n");
}

/* On the line of what it holds, unless there is something to say about itself. */
static bool is_joined(const struct node *n)
{
	return schema_is_joined(n->schema) && n->first && !n->inactive && !n->comment;
}

static void put_statement(struct printer *p, const struct node *n, unsigned depth)
{
	if (schema_is_list(n->schema)) {
		put_list(p, n, depth);
		return;
	}
	if (is_joined(n)) {
		for (const struct node *c = n->first; c; c = c->next) {
			p->prefix = n->word;
			put_statement(p, c, depth);
		}
		return;
	}
	open_statement(p, n, depth);
	put(p, n->word);
	if (schema_is_leaf(n->schema))
		put_values(p, n);
	else
		put_rest(p, n, depth);
}

/* Values of one leaf compare equal, and qsort() of glibc is a stable merge sort only by chance: the
 * place among the siblings decides then. */
struct ranked {
	const struct node *node;
	size_t place;
};

static int by_order(const void *a, const void *b)
{
	const struct ranked *ra = a, *rb = b;
	uint32_t oa = ra->node->is_name ? 0 : ra->node->schema->order;
	uint32_t ob = rb->node->is_name ? 0 : rb->node->schema->order;

	if (oa != ob)
		return oa < ob ? -1 : 1;
	return ra->place < rb->place ? -1 : ra->place > rb->place;
}

/* Children: keywords in the order of the schema, names as they stand; owned by the caller. */
static struct ranked *sorted(const struct node *n, size_t *count)
{
	struct ranked *all;
	size_t k = 0;

	*count = 0;
	for (const struct node *c = n->first; c; c = c->next)
		(*count)++;
	all = malloc((*count + 1) * sizeof *all);
	if (!all)
		return NULL;
	for (const struct node *c = n->first; c; c = c->next, k++)
		all[k] = (struct ranked){c, k};
	qsort(all, *count, sizeof *all, by_order);
	return all;
}

static void put_block(struct printer *p, const struct node *n, unsigned depth)
{
	size_t count;
	struct ranked *all = sorted(n, &count);

	if (!all) {
		p->failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++)
		put_statement(p, all[i].node, depth);
	free(all);
}

/* ---- set */

static void put_path(struct printer *p, const struct node *n)
{
	if (n->parent && n->parent->parent)
		put_path(p, n->parent);
	put(p, " ");
	if (n->is_name)
		put_value(p, n);
	else
		put(p, n->word);
}

static void put_line(struct printer *p, const char *verb, const struct node *n)
{
	put(p, verb);
	put_path(p, n);
	put(p, "\n");
}

/* A line for each end of the tree: value, flag, entry or container without more below. */
static void put_lines(struct printer *p, const struct node *n)
{
	size_t count;
	struct ranked *all;

	if (n->parent && !n->first)
		put_line(p, "set", n);
	all = sorted(n, &count);
	if (!all) {
		p->failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++)
		put_lines(p, all[i].node);
	free(all);
	if (n->inactive)
		put_line(p, "deactivate", n);
}

int print_tree(
	const struct tree *t, enum config_form form, enum config_secrets secrets, struct blob *out)
{
	struct printer p = {.secrets = secrets};
	char *text = NULL;
	size_t n = 0;

	p.f = open_memstream(&text, &n);
	if (!p.f)
		return -ERR_NOMEM;
	if (form == CONFIG_CURLY)
		put_block(&p, t->root, 0);
	else
		put_lines(&p, t->root);
	if (fclose(p.f) != 0 || p.failed) {
		free(text);
		return -ERR_NOMEM;
	}
	*out = (struct blob){(uint8_t *)text, n};
	return 0;
}
