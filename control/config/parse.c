#include "config/parse.h"

#include <stdlib.h>

#include "base/secret.h"
#include "config/lex.h"
#include "config/secret9.h"

struct parser {
	struct lexer lx;
	struct token tok;
	struct tree *t;
	struct complaints *c;
	const char *comment; /* what stood before the statement that comes next */
	bool lines;	     /* in a `set` line: it ends with the line */
	bool hidden;	     /* a secret stood before: what follows may be the rest of it */
};

/* Statements of the documents that a later release reads. */
static const char *const later[] = {"access", "applications", "event-options", "firewall",
	"forwarding-options", "policy-options", "protocols", "routing-instances",
	"security policies", "security flow", "security screen", "services", "snmp", "system login",
	"system services", "system syslog", "vlans"};

static void next(struct parser *p)
{
	for (;;) {
		p->tok = lex_next(&p->lx);
		if (p->tok.kind != TOKEN_COMMENT)
			return;
		p->comment = p->comment
				     ? arena_format(p->t->arena, "%s\n%s", p->comment, p->tok.text)
				     : p->tok.text;
	}
}

static bool is_end(const struct parser *p)
{
	if (p->lines)
		return p->tok.first_on_line || p->tok.kind == TOKEN_END;
	return p->tok.kind == TOKEN_SEMICOLON || p->tok.kind == TOKEN_END;
}

static bool is_word(const struct parser *p)
{
	return p->tok.kind == TOKEN_WORD && !(p->lines && p->tok.first_on_line);
}

static int refuse(struct parser *p, const struct node *at, const struct token *tok,
	const char *statement, const char *reason)
{
	struct complaint_place place = {.line = tok->line,
		.column = tok->column,
		.path = tree_path(at, p->t->arena),
		.statement = statement};

	complain(p->c, COMPLAINT_ERROR, place, "%s", reason ? reason : "syntax error");
	return -ERR_SYNTAX;
}

static const char *token_text(const struct token *t)
{
	static const char *const marks[] = {
		[TOKEN_END] = "end of text",
		[TOKEN_WORD] = "",
		[TOKEN_COMMENT] = "",
		[TOKEN_OPEN] = "{",
		[TOKEN_CLOSE] = "}",
		[TOKEN_SEMICOLON] = ";",
		[TOKEN_LIST_OPEN] = "[",
		[TOKEN_LIST_CLOSE] = "]",
		[TOKEN_BAD] = "?",
	};

	return t->kind == TOKEN_WORD ? t->text : marks[t->kind];
}

/* The current token is not what belongs here. */
static int unexpected(struct parser *p, const struct node *at, const char *wanted)
{
	const char *reason = p->tok.text;

	if (p->tok.kind != TOKEN_BAD)
		reason = arena_format(p->t->arena, "syntax error: expecting %s", wanted);
	return refuse(p, at, &p->tok,
		p->hidden && p->tok.kind == TOKEN_WORD ? "/* SECRET-DATA */" : token_text(&p->tok),
		reason);
}

/* Behind the statement that could not be read, with all its blocks. */
static void skip(struct parser *p)
{
	unsigned depth = 0;

	if (p->lines) {
		while (!is_end(p))
			next(p);
		return;
	}
	for (;; next(p)) {
		if (p->tok.kind == TOKEN_END || (p->tok.kind == TOKEN_CLOSE && depth == 0))
			return;
		if (p->tok.kind == TOKEN_OPEN)
			depth++;
		if ((p->tok.kind == TOKEN_CLOSE && --depth == 0) ||
			(p->tok.kind == TOKEN_SEMICOLON && depth == 0))
			break;
	}
	next(p);
}

static bool is_in_group(const struct node *n)
{
	while (n->parent && n->parent->parent)
		n = n->parent;
	return n->parent && strcmp(n->word, "groups") == 0;
}

/* A word that stands where a key belongs, or behind one, is not repeated in a complaint. */
static bool may_be_secret(const struct parser *p, const struct node *at)
{
	const struct schema *s = at->schema->first;

	if (p->hidden)
		return true;
	while (s && schema_has(s, SCHEMA_SECRET))
		s = s->next;
	return at->schema->first && !s;
}

static int unknown(struct parser *p, const struct node *at)
{
	const char *path = tree_path(at, p->t->arena);
	const char *full = arena_format(
		p->t->arena, "%s%s%s", path ? path : "", path && *path ? " " : "", p->tok.text);

	for (size_t i = 0; full && i < ARRAY_LEN(later); i++)
		if (strcmp(later[i], full) == 0)
			return refuse(p, at, &p->tok, p->tok.text,
				"syntax error: this statement is not supported in this release");
	return refuse(p, at, &p->tok, may_be_secret(p, at) ? "/* SECRET-DATA */" : p->tok.text,
		"syntax error: unknown statement");
}

/* Clear text of a secret given either way; NULL when the $9$ form is broken. */
static const char *reveal(struct parser *p, const char *text)
{
	auto_blob octets = {0};
	const char *clear = NULL;

	if (!secret9_is(text))
		return text;
	if (secret9_read(text, &octets) < 0)
		return NULL;
	if (!memchr(octets.p, 0, octets.n))
		clear = arena_text(p->t->arena, blob_view(&octets));
	secret_wipe(octets.p, octets.n);
	return clear;
}

/* Checks and adds the word at hand as a value of a leaf or the name of a list entry. */
static int take_name(struct parser *p, struct node *owner, struct node **out)
{
	const struct schema_row *row = owner->schema->row;
	struct token tok = p->tok;
	const char *value = tok.text, *reason = NULL, *shown;
	struct node *n;

	if (!is_word(p))
		return unexpected(p, owner, schema_is_list(owner->schema) ? "a name" : "a value");
	p->hidden = p->hidden || (row->flags & SCHEMA_SECRET) != 0;
	shown = (row->flags & SCHEMA_SECRET) ? "/* SECRET-DATA */" : tok.text;
	if (row->flags & SCHEMA_SECRET)
		value = reveal(p, value);
	if (!value)
		reason = "not a valid $9$ string";
	else if (!(value[0] == '<' && schema_is_list(owner->schema) && is_in_group(owner)))
		reason = schema_value(row, value, p->t->arena, &value);
	if (reason) {
		shown = arena_format(p->t->arena, "%s %s", owner->word, shown);
		return refuse(p, owner->parent, &tok, shown ? shown : "", reason);
	}
	if (!(row->flags & (SCHEMA_MULTI | SCHEMA_LIST)) && owner->first &&
		strcmp(owner->first->word, value) != 0)
		tree_remove(p->t, owner->first);
	n = tree_add(p->t, owner, owner->schema, value, true);
	if (!n)
		return -ERR_NOMEM;
	n->line = tok.line;
	n->column = tok.column;
	*out = n;
	next(p);
	return 0;
}

/* [ a b c ] */
static int take_names(struct parser *p, struct node *owner)
{
	struct node *n;
	int rc;

	if (!schema_has(owner->schema, SCHEMA_MULTI | SCHEMA_LIST))
		return unexpected(p, owner, "a single value");
	next(p);
	while (p->tok.kind != TOKEN_LIST_CLOSE) {
		rc = take_name(p, owner, &n);
		if (rc < 0)
			return rc;
	}
	if (!owner->first)
		return unexpected(p, owner, "a value");
	next(p);
	return 0;
}

static int block(struct parser *p, struct node *at);

static void mark_head(struct node **head, struct node *n)
{
	if (!*head)
		*head = n;
}

/* The list's keyword has been read: entries in brackets or in a block, or one entry. */
static int take_entry(struct parser *p, struct node **at, struct node **head)
{
	struct node *list = *at, *entry = NULL;
	int rc;

	if (p->tok.kind == TOKEN_LIST_OPEN) {
		mark_head(head, list);
		*at = list->parent;
		return take_names(p, list);
	}
	rc = take_name(p, list, &entry);
	if (rc < 0)
		return rc;
	mark_head(head, entry);
	*at = entry;
	return 0;
}

/* Reads a keyword and what belongs to it, and moves *at to where the next word continues. */
static int take_keyword(struct parser *p, struct node **at, struct node **head)
{
	const struct schema *s = schema_child((*at)->schema, p->tok.text);
	struct token tok = p->tok;
	struct node *n, *value;

	if (!s || tok.quoted || (strncmp(tok.text, "apply-", 6) == 0 && is_in_group(*at)))
		return unknown(p, *at);
	n = tree_add(p->t, *at, s, s->word, false);
	if (!n)
		return -ERR_NOMEM;
	if (n->line == 0) {
		n->line = tok.line;
		n->column = tok.column;
	}
	next(p);
	if (schema_is_list(s)) {
		*at = n;
		return p->tok.kind == TOKEN_OPEN ? 0 : take_entry(p, at, head);
	}
	if (!schema_is_joined(s))
		mark_head(head, n);
	if (schema_is_leaf(s)) {
		if (p->tok.kind == TOKEN_LIST_OPEN)
			return take_names(p, n);
		return take_name(p, n, &value);
	}
	if (!schema_has(s, SCHEMA_IS_FLAG))
		*at = n;
	return 0;
}

/* In a block of list entries the first word is a name. */
static bool is_entry_expected(const struct node *at)
{
	return !at->is_name && at->schema && schema_is_list(at->schema);
}

static int take_words(struct parser *p, struct node *at, struct node **head)
{
	int rc;

	do {
		if (is_entry_expected(at) && strncmp(token_text(&p->tok), "apply-groups", 12) != 0)
			rc = take_entry(p, &at, head);
		else if (is_word(p))
			rc = take_keyword(p, &at, head);
		else
			rc = unexpected(p, at, "a statement");
		if (rc < 0)
			return rc;
		if (p->tok.kind == TOKEN_OPEN && !p->lines) {
			mark_head(head, at);
			return block(p, at);
		}
	} while (is_word(p));
	return is_end(p) ? 0 : unexpected(p, at, p->lines ? "the end of the line" : "';'");
}

static int statement(struct parser *p, struct node *at)
{
	const char *comment = p->comment;
	struct node *head = NULL;
	bool inactive = false;
	int rc;

	p->comment = NULL;
	p->hidden = false;
	while (!p->lines && is_word(p) && !p->tok.quoted && strcmp(p->tok.text, "inactive:") == 0) {
		inactive = true;
		next(p);
	}
	rc = take_words(p, at, &head);
	if (rc < 0) {
		skip(p);
		return rc == -ERR_SYNTAX ? 0 : rc;
	}
	if (head && inactive)
		head->inactive = true;
	if (head && comment && !p->lines)
		head->comment = comment;
	if (p->tok.kind == TOKEN_SEMICOLON && !p->lines) {
		p->comment = NULL;
		next(p);
	}
	return 0;
}

/* Reads the '{' at hand up to and with its '}', and makes that look like the end of a statement. */
static int block(struct parser *p, struct node *at)
{
	struct token open = p->tok;
	int rc;

	p->comment = NULL;
	next(p);
	while (p->tok.kind != TOKEN_CLOSE) {
		if (p->tok.kind == TOKEN_END)
			return refuse(
				p, at, &open, "{", "syntax error: the matching '}' is missing");
		rc = statement(p, at);
		if (rc < 0)
			return rc;
	}
	p->comment = NULL;
	next(p);
	if (is_entry_expected(at) && !at->first)
		tree_remove(p->t, at); /* a list without entries says nothing */
	return 0;
}

/* The node a path of words leads to; NULL with a complaint when there is none. */
static struct node *take_path(struct parser *p)
{
	struct node *n = p->t->root, *found;

	if (!is_word(p))
		(void)unexpected(p, n, "a statement");
	while (is_word(p) && strcmp(p->tok.text, "to") != 0 && strcmp(p->tok.text, "before") != 0 &&
		strcmp(p->tok.text, "after") != 0) {
		found = tree_find(p->t, n, p->tok.text);
		if (!found) {
			struct complaint_place place = {.line = p->tok.line,
				.column = p->tok.column,
				.path = tree_path(n, p->t->arena),
				.statement = p->tok.text};

			complain(p->c, COMPLAINT_WARNING, place, "statement not found");
			skip(p);
			return NULL;
		}
		n = found;
		next(p);
	}
	return n == p->t->root ? NULL : n;
}

static int line_delete(struct parser *p)
{
	struct node *n = take_path(p), *parent;

	if (!n)
		return 0;
	if (!is_end(p))
		return unexpected(p, n, "the end of the line");
	/* What means nothing without it goes along: keywords of values and entries, containers. */
	for (;; n = parent) {
		const struct schema_row *row;

		parent = n->parent;
		row = parent->schema->row;
		tree_remove(p->t, n);
		if (parent == p->t->root || parent->first || parent->is_name ||
			(row && row->type == SCHEMA_NONE && !(row->flags & SCHEMA_LIST)))
			return 0;
	}
}

static int line_activate(struct parser *p, bool inactive)
{
	struct node *n = take_path(p);

	if (!n)
		return 0;
	n->inactive = inactive;
	return is_end(p) ? 0 : unexpected(p, n, "the end of the line");
}

/* rename PATH NAME to [KEYWORD] NAME */
static int line_rename(struct parser *p)
{
	struct node *n = take_path(p), *made;
	const char *reason, *word;
	struct token tok;

	if (!n)
		return 0;
	if (!n->is_name || !is_word(p))
		return unexpected(p, n, "'to' and a new name");
	next(p);
	tok = p->tok;
	if (is_word(p) && strcmp(p->tok.text, n->parent->word) == 0) {
		next(p);
		if (is_word(p))
			tok = p->tok;
	}
	if (tok.kind != TOKEN_WORD || tok.first_on_line)
		return unexpected(p, n, "a new name");
	if (is_word(p))
		next(p);
	reason = schema_value(n->schema->row, tok.text, p->t->arena, &word);
	if (reason)
		return refuse(p, n->parent, &tok, tok.text, reason);
	made = tree_find(p->t, n->parent, word);
	if ((made && made != n) || (!made && tree_rename(p->t, n, word) < 0))
		return refuse(p, n->parent, &tok, tok.text, "this name is taken");
	return is_end(p) ? 0 : unexpected(p, n, "the end of the line");
}

/* insert PATH NAME (before | after) [KEYWORD] NAME */
static int line_insert(struct parser *p)
{
	struct node *n = take_path(p), *sibling;
	bool behind;

	if (!n)
		return 0;
	if (!n->is_name || !is_word(p) || strcmp(p->tok.text, "to") == 0)
		return unexpected(p, n, "'before' or 'after' and a name");
	behind = strcmp(p->tok.text, "after") == 0;
	next(p);
	sibling = is_word(p) ? tree_find(p->t, n->parent, p->tok.text) : NULL;
	if (!sibling && is_word(p) && strcmp(p->tok.text, n->parent->word) == 0) {
		next(p);
		sibling = is_word(p) ? tree_find(p->t, n->parent, p->tok.text) : NULL;
	}
	if (!sibling)
		return unexpected(p, n->parent, "the name of another entry");
	tree_move(n, sibling, behind);
	next(p);
	return is_end(p) ? 0 : unexpected(p, n, "the end of the line");
}

static bool is_verb(const struct parser *p, const char *verb)
{
	return p->tok.kind == TOKEN_WORD && !p->tok.quoted && strcmp(p->tok.text, verb) == 0;
}

static bool is_line(const struct parser *p)
{
	return p->tok.first_on_line &&
	       (is_verb(p, "set") || is_verb(p, "delete") || is_verb(p, "activate") ||
		       is_verb(p, "deactivate") || is_verb(p, "rename") || is_verb(p, "insert"));
}

static int line(struct parser *p)
{
	const char *verb = p->tok.text;
	int rc;

	p->lines = true;
	p->comment = NULL;
	next(p);
	if (strcmp(verb, "set") == 0)
		rc = statement(p, p->t->root);
	else if (strcmp(verb, "delete") == 0)
		rc = line_delete(p);
	else if (strcmp(verb, "rename") == 0)
		rc = line_rename(p);
	else if (strcmp(verb, "insert") == 0)
		rc = line_insert(p);
	else
		rc = line_activate(p, *verb == 'd');
	skip(p);
	p->lines = false;
	return rc == -ERR_SYNTAX ? 0 : rc;
}

int parse_text(struct tree *t, struct view text, struct complaints *c)
{
	struct parser p = {.t = t, .c = c};
	uint32_t errors = c->n_errors;
	int rc = 0;

	if (text.n > CONFIG_TEXT_MAX)
		return -ERR_LIMIT;
	lex_init(&p.lx, text, t->arena);
	next(&p);
	while (rc == 0 && p.tok.kind != TOKEN_END) {
		if (is_line(&p)) {
			rc = line(&p);
		} else if (p.tok.kind == TOKEN_CLOSE) {
			(void)refuse(
				&p, t->root, &p.tok, "}", "syntax error: nothing is open here");
			next(&p);
		} else {
			rc = statement(&p, t->root);
		}
	}
	if (arena_is_exhausted(t->arena))
		return -ERR_NOMEM;
	if (rc < 0)
		return rc;
	return c->n_errors > errors ? -ERR_SYNTAX : 0;
}
