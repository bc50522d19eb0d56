#include "config/build.h"

#include <stdio.h>

#include "config/value.h"

const struct node *stmt(const struct build *b, const struct node *from, const char *path)
{
	const struct node *n = from ? from : b->t->root;
	char word[64];

	while (n && *path) {
		size_t len = strcspn(path, " ");

		if (len >= sizeof word)
			return NULL;
		memcpy(word, path, len);
		word[len] = '\0';
		path += len + (path[len] == ' ');
		n = tree_find(b->t, n, word);
	}
	return n;
}

const char *stmt_text(const struct build *b, const struct node *from, const char *path)
{
	const struct node *n = stmt(b, from, path);

	return n && n->first ? n->first->word : NULL;
}

/* The row that describes `path` below `from`. */
static const struct schema_row *row_of(
	const struct build *b, const struct node *from, const char *path)
{
	const struct schema *s = schema_find(from ? from->schema : b->schema, path);

	return s ? s->row : NULL;
}

uint64_t stmt_uint(const struct build *b, const struct node *from, const char *path)
{
	const struct schema_row *row;
	const char *text = stmt_text(b, from, path);
	uint64_t v = 0;

	if (!text) {
		row = row_of(b, from, path);
		text = row ? row->initial : NULL;
	}
	return text && value_uint(text, &v) ? v : 0;
}

uint32_t stmt_u32(const struct build *b, const struct node *from, const char *path)
{
	return (uint32_t)MIN(stmt_uint(b, from, path), (uint64_t)UINT32_MAX);
}

bool stmt_flag(const struct build *b, const struct node *from, const char *path)
{
	return stmt(b, from, path) != NULL;
}

const char *stmt_word(const struct build *b, const struct node *from, const char *path)
{
	const char *text = stmt_text(b, from, path);
	const struct schema_row *row;

	if (text)
		return text;
	row = row_of(b, from, path);
	return row ? row->initial : NULL;
}

bool stmt_addr(const struct build *b, const struct node *from, const char *path, struct addr *out)
{
	const char *text = stmt_text(b, from, path);

	return text && addr_parse(text, out) == 0;
}

uint32_t stmt_count(const struct node *list)
{
	uint32_t n = 0;

	for (const struct node *e = list ? list->first : NULL; e; e = e->next)
		n += e->is_name;
	return n;
}

/* "ike-policy NOPE", "proposals [ A B ]", "vpn X", "pre-shared-key ascii-text <hidden>". */
static const char *statement_of(struct build *b, const struct node *n)
{
	const struct node *keyword = n->is_name ? n->parent : n;
	bool hidden = schema_has(keyword->schema, SCHEMA_SECRET);

	if (n->is_name)
		return arena_format(
			b->arena, "%s %s", keyword->word, hidden ? "/* SECRET-DATA */" : n->word);
	if (!keyword->schema->row || !schema_is_leaf(keyword->schema) || !n->first)
		return n->word;
	if (hidden)
		return arena_format(b->arena, "%s /* SECRET-DATA */", n->word);
	if (n->first == n->last)
		return arena_format(b->arena, "%s %s", n->word, n->first->word);
	const char *all = arena_format(b->arena, "%s [", n->word);
	for (const struct node *v = n->first; v && all; v = v->next)
		all = arena_format(b->arena, "%s %s", all, v->word);
	return all ? arena_format(b->arena, "%s ]", all) : n->word;
}

static PRINTF(4, 0) void complain_at(struct build *b, enum complaint_level level,
	const struct node *n, const char *fmt, va_list ap)
{
	const struct node *parent = n->is_name ? n->parent->parent : n->parent;
	struct complaint_place place = {.line = n->line,
		.path = parent ? tree_path(parent, b->arena) : "",
		.statement = statement_of(b, n)};

	complain_v(b->c, level, place, fmt, ap);
}

void refuse_at(struct build *b, const struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain_at(b, COMPLAINT_ERROR, n, fmt, ap);
	va_end(ap);
}

void warn_at(struct build *b, const struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain_at(b, COMPLAINT_WARNING, n, fmt, ap);
	va_end(ap);
}

void refuse_missing(struct build *b, const struct node *n, const char *keyword)
{
	refuse_at(b, n, "missing mandatory statement: '%s'", keyword);
}

unsigned word_index(const char *const *words, const char *word)
{
	for (unsigned i = 0; word && words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return 0;
}

int model_by_name(const void *a, const void *b)
{
	const char *const *na = a, *const *nb = b;

	return strcmp(*na, *nb);
}
