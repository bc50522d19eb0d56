#include "config_test.h"

#include "config/lex.h"

/* Renders tokens as text: words as they are, punctuation as itself, errors as !reason. */
static void render(const char *text, size_t n, char *out, size_t cap)
{
	auto_arena arena = arena_new(1 << 20);
	struct lexer lx;
	size_t at = 0;

	lex_init(&lx, view_of(text, n), arena);
	out[0] = '\0';
	for (struct token t = lex_next(&lx); t.kind != TOKEN_END && at < cap; t = lex_next(&lx)) {
		static const char *const marks[] = {"", "", "", "{", "}", ";", "[", "]", "!"};

		at += (size_t)snprintf(out + at, cap - at, "%s%s%s|", marks[t.kind],
			t.text ? t.text : "", t.kind == TOKEN_COMMENT ? "*" : "");
	}
}

static void lex_table(void **state)
{
	static const struct {
		const char *name, *text, *tokens;
	} cases[] = {
		{"words and punctuation", "a{b [c d];}", "a|{|b|[|c|d|]|;|}|"},
		{"hash comments go", "a # b\nc ## SECRET-DATA\n", "a|c|"},
		{"block comments stay", "/* x\ny */ a", " x\ny *|a|"},
		{"a comment may touch a word", "a/* x */b", "a| x *|b|"},
		{"escapes between quotes", "\"a\\\"b\\\\c\\d\"", "a\"b\\c\\d|"},
		{"empty string", "\"\"", "|"},
		{"a string ends on its line", "\"a\nb", "!the string does not end on its line|b|"},
		{"control character", "\"a\x1b\" b",
			"!a control character is not allowed in a string|b|"},
		{"stray octet", "a \x01 b", "a|!this character is not allowed here|b|"},
		{"comment without end", "/* x", "!the comment does not end|"},
		{"prefixes, names, URLs", "10.0.0.0/24 2001:db8::/32 http://a/b?c=d,e",
			"10.0.0.0/24|2001:db8::/32|http://a/b?c=d,e|"},
		{"carriage returns are blanks", "a\r\nb\r\n", "a|b|"},
	};

	char out[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		render(cases[i].text, strlen(cases[i].text), out, sizeof out);
		if (strcmp(out, cases[i].tokens) != 0)
			fail_msg("%s: got %s", cases[i].name, out);
	}
}

static void lex_refuses_nul(void **state)
{
	char out[128];

	(void)state;
	render("a\0b", 3, out, sizeof out);
	assert_string_equal(out, "a|!this character is not allowed here|b|");
	render("\"a\0b\"", 5, out, sizeof out);
	assert_string_equal(out, "!a control character is not allowed in a string|");
}

static void lex_counts_lines_and_columns(void **state)
{
	auto_arena arena = arena_new(1 << 20);
	struct lexer lx;
	struct token t;

	(void)state;
	lex_init(&lx, view_of_text("a\n  b /* x\n */ c"), arena);
	t = lex_next(&lx);
	assert_int_equal(t.line, 1);
	assert_true(t.first_on_line);
	t = lex_next(&lx);
	assert_int_equal(t.line, 2);
	assert_int_equal(t.column, 3);
	assert_true(t.first_on_line);
	(void)lex_next(&lx);
	t = lex_next(&lx);
	assert_int_equal(t.line, 3);
	assert_int_equal(t.column, 5);
}

static void lex_bounds_words(void **state)
{
	static char text[3 * LEX_WORD_MAX];
	char out[256];

	(void)state;
	memset(text, 'a', sizeof text);
	render(text, sizeof text, out, sizeof out);
	assert_string_equal(out, "!the word is longer than 4096 octets|");
	text[0] = text[sizeof text - 1] = '"';
	render(text, sizeof text, out, sizeof out);
	assert_string_equal(out, "!the string is longer than 4096 octets|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lex_table),
		cmocka_unit_test(lex_refuses_nul),
		cmocka_unit_test(lex_counts_lines_and_columns),
		cmocka_unit_test(lex_bounds_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
