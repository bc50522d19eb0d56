#include "config_test.h"

#include "config/secret9.h"

/* Strings made elsewhere, published with their clear text. */
static void secret9_reads_published_strings(void **state)
{
	static const struct {
		const char *text, *clear;
	} cases[] = {{"$9$LbHX-wg4Z", "lc"}, {"$9$FNkC3/t1IcevLuOWx", "hello"},
		{"$9$o1aGiPfz/Cuk.tO", "hello"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_blob clear = {0};

		assert_int_equal(secret9_read(cases[i].text, &clear), 0);
		assert_true(view_equal(blob_view(&clear), view_of_text(cases[i].clear)));
	}
}

static void secret9_refuses_the_rest(void **state)
{
	static const char *const cases[] = {"", "$9$", "$9$Q", "$9$QzF3", "$9$LbHX-wg4",
		"$9$LbHX-wg4Z!", "$9$example", "$8$LbHX-wg4Z"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_blob clear = {0};

		if (secret9_read(cases[i], &clear) != -ERR_SYNTAX)
			fail_msg("%s was accepted", cases[i]);
	}
}

static void secret9_reads_what_it_writes(void **state)
{
	uint8_t octets[300];
	uint32_t seed = 1;

	(void)state;
	for (size_t n = 1; n < sizeof octets; n++) {
		auto_blob text = {0}, clear = {0};

		for (size_t i = 0; i < n; i++) {
			seed = seed * 1664525u + 1013904223u;
			octets[i] = (uint8_t)(seed >> 24);
		}
		assert_int_equal(secret9_write(view_of(octets, n), seed, &text), 0);
		assert_int_equal(secret9_read((const char *)text.p, &clear), 0);
		assert_true(view_equal(blob_view(&clear), view_of(octets, n)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret9_reads_published_strings),
		cmocka_unit_test(secret9_refuses_the_rest),
		cmocka_unit_test(secret9_reads_what_it_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
