#include "config/lex.h"

void lex_init(struct lexer *lx, struct view text, struct arena *arena)
{
	*lx = (struct lexer){.in = text, .line = 1, .fresh_line = true, .arena = arena};
}

/* The grammar's own set: what is printed without quotes. */
static bool is_strict(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("_.:/*@%<>+-", c) != NULL);
}

/* Read without quotes too: URLs, DNs and $9$ strings are often written so. */
static bool is_word(uint8_t c)
{
	return is_strict(c) || (c != '\0' && strchr("=,$&?!~()|^'", c) != NULL);
}

bool lex_is_bare(const char *word)
{
	if (*word == '\0' || strstr(word, "/*") || strcmp(word, "inactive:") == 0)
		return false;
	for (; *word != '\0'; word++)
		if (!is_strict((uint8_t)*word))
			return false;
	return true;
}

static int peek(const struct lexer *lx, size_t ahead)
{
	return ahead < lx->in.n - lx->at ? lx->in.p[lx->at + ahead] : -1;
}

static void newline(struct lexer *lx)
{
	lx->at++;
	lx->line++;
	lx->line_start = lx->at;
	lx->fresh_line = true;
}

/* Blanks and # comments. */
static void skip_blank(struct lexer *lx)
{
	for (;;) {
		int c = peek(lx, 0);

		if (c == '\n') {
			newline(lx);
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
			lx->at++;
		} else if (c == '#') {
			while (peek(lx, 0) >= 0 && peek(lx, 0) != '\n')
				lx->at++;
		} else {
			return;
		}
	}
}

static struct token bad(struct token t, const char *reason)
{
	t.kind = TOKEN_BAD;
	t.text = reason;
	return t;
}

static struct token finish(struct lexer *lx, struct token t, struct view content)
{
	if (memchr(content.p ? (const void *)content.p : "", 0, content.n))
		return bad(t, "a NUL octet is not allowed");
	t.text = arena_text(lx->arena, content);
	if (!t.text)
		t.kind = TOKEN_END;
	return t;
}

static struct token lex_comment(struct lexer *lx, struct token t)
{
	size_t start = lx->at + 2;

	lx->at = start;
	while (!(peek(lx, 0) == '*' && peek(lx, 1) == '/')) {
		if (peek(lx, 0) < 0)
			return bad(t, "the comment does not end");
		if (peek(lx, 0) == '\n') {
			newline(lx);
			continue;
		}
		lx->at++;
	}
	lx->at += 2;
	lx->fresh_line = t.first_on_line || lx->fresh_line;
	t.kind = TOKEN_COMMENT;
	return finish(lx, t, view_of(lx->in.p + start, lx->at - 2 - start));
}

/* Between quotes only \" and \\ are escapes; any other backslash stands for itself. */
static struct token lex_quoted(struct lexer *lx, struct token t)
{
	char word[LEX_WORD_MAX];
	size_t n = 0;

	lx->at++;
	for (;;) {
		int c = peek(lx, 0);

		if (c < 0 || c == '\n')
			return bad(t, "the string does not end on its line");
		lx->at++;
		if (c == '"')
			break;
		if (c == '\\' && (peek(lx, 0) == '"' || peek(lx, 0) == '\\'))
			c = lx->in.p[lx->at++];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			t.kind = TOKEN_BAD;
		if (n < sizeof word)
			word[n++] = (char)c;
		else
			t.text = "too long";
	}
	if (t.kind == TOKEN_BAD)
		return bad(t, "a control character is not allowed in a string");
	if (t.text)
		return bad(t, "the string is longer than 4096 octets");
	t.kind = TOKEN_WORD;
	t.quoted = true;
	return finish(lx, t, view_of(word, n));
}

static struct token lex_word(struct lexer *lx, struct token t)
{
	size_t start = lx->at;

	/* Slash-star begins a comment even behind a word. */
	while (peek(lx, 0) >= 0 && is_word((uint8_t)peek(lx, 0)) &&
		!(lx->at > start && peek(lx, 0) == '/' && peek(lx, 1) == '*'))
		lx->at++;
	if (lx->at == start) {
		lx->at++;
		return bad(t, "this character is not allowed here");
	}
	if (lx->at - start > LEX_WORD_MAX)
		return bad(t, "the word is longer than 4096 octets");
	t.kind = TOKEN_WORD;
	return finish(lx, t, view_of(lx->in.p + start, lx->at - start));
}

static enum token_kind punctuation(int c)
{
	switch (c) {
	case '{':
		return TOKEN_OPEN;
	case '}':
		return TOKEN_CLOSE;
	case ';':
		return TOKEN_SEMICOLON;
	case '[':
		return TOKEN_LIST_OPEN;
	case ']':
		return TOKEN_LIST_CLOSE;
	default:
		return TOKEN_END;
	}
}

struct token lex_next(struct lexer *lx)
{
	struct token t = {.kind = TOKEN_END};

	skip_blank(lx);
	t.line = lx->line;
	t.column = (uint32_t)(lx->at - lx->line_start + 1);
	t.first_on_line = lx->fresh_line;
	lx->fresh_line = false;
	if (peek(lx, 0) < 0) {
		t.first_on_line = true;
		return t;
	}
	if (peek(lx, 0) == '/' && peek(lx, 1) == '*')
		return lex_comment(lx, t);
	if (peek(lx, 0) == '"')
		return lex_quoted(lx, t);
	t.kind = punctuation(peek(lx, 0));
	if (t.kind != TOKEN_END) {
		lx->at++;
		return t;
	}
	return lex_word(lx, t);
}
