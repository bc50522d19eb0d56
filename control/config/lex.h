#pragma once
/*
 * Configuration text to tokens, with line and column.
 *
 * Life: lex_init() lends the text, the arena takes the words. Never fails: octets that cannot be
 * a token become one TOKEN_BAD with a reason, and reading goes on behind them.
 */
#include "config/arena.h"

#define LEX_WORD_MAX 4096u

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_COMMENT, /* slash-star kind; text is what is between */
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_SEMICOLON,
	TOKEN_LIST_OPEN,
	TOKEN_LIST_CLOSE,
	TOKEN_BAD
};

struct token {
	enum token_kind kind;
	const char *text; /* WORD, COMMENT: content; BAD: reason; else NULL */
	uint32_t line, column;
	bool quoted;
	bool first_on_line; /* nothing but blanks and comments before it: ends a `set` line */
};

struct lexer {
	struct view in;
	size_t at, line_start;
	uint32_t line;
	bool fresh_line;
	struct arena *arena;
};

void lex_init(struct lexer *lx, struct view text, struct arena *arena);
/* The arena running out ends the input early; ask arena_is_exhausted(). */
struct token lex_next(struct lexer *lx);

/* Whether a word needs no quotes when printed. */
bool lex_is_bare(const char *word);
