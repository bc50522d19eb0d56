#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/view.h"

static void view_comparisons(void **state)
{
	struct view a = view_of_literal("abc"), b = view_of_literal("abd"),
		    s = view_of_literal("ab");

	(void)state;
	assert_true(view_equal(a, view_of_literal("abc")));
	assert_false(view_equal(a, b));
	assert_false(view_equal_ct(a, b));
	assert_false(view_equal_ct(a, s));
	assert_true(view_equal_ct(a, view_of_literal("abc")));
	assert_true(view_compare(a, b) < 0);
	assert_true(view_compare(a, s) > 0);
	assert_int_equal(view_compare(a, a), 0);
	assert_true(view_equal((struct view){0}, view_of("", 0)));
}

static void blob_hex_round_trip_and_refusals(void **state)
{
	auto_blob b = {0};
	auto_blob none = {0};
	char text[16];

	(void)state;
	assert_int_equal(blob_from_hex("00 ff 1A", &b), 0);
	assert_int_equal(b.n, 3);
	assert_string_equal(view_hex(blob_view(&b), text, sizeof text), "00ff1a");
	assert_int_equal(blob_from_hex("0", &none), -ERR_VALUE);
	assert_int_equal(blob_from_hex("0g", &none), -ERR_VALUE);
	assert_string_equal(view_hex(blob_view(&b), text, 4), "00");
	assert_int_equal(blob_append(&b, view_of_literal("xy")), 0);
	assert_int_equal(b.n, 5);
}

static void log_escape_leaves_nothing_a_terminal_would_obey(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(log_escape(view_of_literal("a\x1b[2J\"\\ b\n"), out, sizeof out),
		"a\\x1b[2J\\x22\\x5c\\x20b\\x0a");
	assert_string_equal(log_escape(view_of_literal("\x01\x02\x03"), out, 8), "\\x01");
}

struct sunk {
	int lines;
	char text[64];
};

static void sink(void *ctx, enum log_level level, const char *event, const char *text)
{
	struct sunk *s = (struct sunk *)ctx;

	(void)level;
	(void)event;
	s->lines++;
	(void)snprintf(s->text, sizeof s->text, "%s", text);
}

static void log_has_its_context_and_its_threshold(void **state)
{
	struct sunk s = {0};
	struct log_sink to = {.line = sink, .ctx = &s, .max = LOG_LEVEL_INFO};
	struct log_ctx ctx = {.sink = &to, .prefix = "gw=paris"};

	(void)state;
	log_debug(&ctx, "x.y", "n=%d", 1);
	assert_int_equal(s.lines, 0);
	log_info(&ctx, "x.y", "n=%d", 1);
	assert_string_equal(s.text, "gw=paris n=1");
	log_info(NULL, "x.y", "n=%d", 1);
}

static void error_names_and_sentences_exist(void **state)
{
	(void)state;
	assert_string_equal(err_name(-ERR_AUTH), "ERR_AUTH");
	assert_string_equal(err_text(ERR_AUTH), "authentication failed");
	assert_string_equal(err_name(0), "OK");
	assert_string_equal(err_name(-9999), "ERR_UNKNOWN");
}

static void map_hash_spreads_and_depends_on_length(void **state)
{
	(void)state;
	assert_true(map_hash("\0\0", 1) != map_hash("\0\0", 2));
	assert_true(map_hash("abcdefgh", 8) != map_hash("abcdefgi", 8));
}

static void secret_is_a_copy(void **state)
{
	auto_secret s = secret_copy(view_of_literal("key"));

	(void)state;
	assert_true(view_equal_ct(secret_view(s), view_of_literal("key")));
	assert_int_equal(secret_view(NULL).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(view_comparisons),
		cmocka_unit_test(blob_hex_round_trip_and_refusals),
		cmocka_unit_test(log_escape_leaves_nothing_a_terminal_would_obey),
		cmocka_unit_test(log_has_its_context_and_its_threshold),
		cmocka_unit_test(error_names_and_sentences_exist),
		cmocka_unit_test(map_hash_spreads_and_depends_on_length),
		cmocka_unit_test(secret_is_a_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
