/*
 * Any octets give tokens that advance through the text, with positions that only grow.
 */
#include <stdlib.h>

#include "config/lex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena arena = arena_new((size_t)1 << 26);
	struct token t, before = {0};
	struct lexer lx;
	size_t n = 0;

	if (!arena)
		return 0;
	lex_init(&lx, view_of(data, size), arena);
	do {
		t = lex_next(&lx);
		if (t.line < before.line || (t.line == before.line && t.column <= before.column) ||
			++n > size + 1)
			abort();
		if ((t.kind == TOKEN_WORD || t.kind == TOKEN_BAD) && !t.text)
			abort();
		before = t;
	} while (t.kind != TOKEN_END);
	return 0;
}
