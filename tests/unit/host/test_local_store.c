#include "host_case.h"

#include "host/local_store.h"

struct seen {
	char text[256]; /* "rg:key=body " in the order of keys */
	size_t n;
	char rows[8][48];
};

static int by_text(const void *a, const void *b)
{
	return strcmp((const char *)a, (const char *)b);
}

static void note(void *ctx, uint32_t rg, struct view key, struct view body)
{
	struct seen *s = (struct seen *)ctx;

	assert_true(s->n < ARRAY_LEN(s->rows));
	(void)snprintf(s->rows[s->n++], sizeof s->rows[0], "%u:%.*s=%.*s ", (unsigned)rg,
		(int)key.n, (const char *)key.p, (int)body.n, (const char *)body.p);
}

static void assert_holds(const struct local_store *s, const char *wanted)
{
	struct seen seen = {0};
	size_t at = 0;

	local_store_each(s, note, &seen);
	qsort(seen.rows, seen.n, sizeof seen.rows[0], by_text);
	for (size_t i = 0; i < seen.n; i++)
		at += (size_t)snprintf(seen.text + at, sizeof seen.text - at, "%s", seen.rows[i]);
	assert_string_equal(seen.text, wanted);
	/* "rg:key=body " has four octets more than key and body */
	assert_int_equal(s->octets, at - 4 * seen.n);
	assert_int_equal(seen.n, s->n);
}

static int put(struct local_store *s, uint32_t rg, const char *key, const char *body)
{
	return local_store_put(s, rg, view_of_text(key), view_of_text(body));
}

static void local_store_puts_replaces_removes(void **state)
{
	struct local_store s = {0};
	struct view found;

	(void)state;
	assert_holds(&s, "");
	assert_int_equal(put(&s, 0, "a", "one"), 0);
	assert_int_equal(put(&s, 1, "b", "two"), 0);
	assert_int_equal(put(&s, 1, "bb", ""), 0);
	assert_holds(&s, "0:a=one 1:b=two 1:bb= ");
	assert_int_equal(put(&s, 2, "a", "another, longer one"), 0);
	assert_holds(&s, "1:b=two 1:bb= 2:a=another, longer one ");
	assert_true(local_store_find(&s, view_of_text("b"), &found));
	assert_true(view_equal(found, view_of_text("two")));
	local_store_remove(&s, view_of_text("b"));
	assert_false(local_store_find(&s, view_of_text("b"), &found));
	assert_false(local_store_find(&s, view_of_text(""), &found));
	local_store_remove(&s, view_of_text("b"));
	local_store_remove(&s, view_of_text("never there"));
	assert_holds(&s, "1:bb= 2:a=another, longer one ");
	local_store_fini(&s);
	assert_holds(&s, "");
}

static void local_store_owns_its_octets(void **state)
{
	struct local_store s = {0};
	char key[] = "key", body[] = "body";

	(void)state;
	assert_int_equal(put(&s, 3, key, body), 0);
	memset(key, 'x', 3);
	memset(body, 'x', 4);
	assert_holds(&s, "3:key=body ");
	local_store_fini(&s);
}

static void local_store_bounds_keys(void **state)
{
	struct local_store s = {0};

	(void)state;
	assert_int_equal(put(&s, 0, "", "x"), -ERR_VALUE);
	assert_int_equal(put(&s, 0, "0123456789abcdefg", "x"), -ERR_VALUE);
	assert_int_equal(put(&s, 0, "0123456789abcdef", "x"), 0);
	local_store_remove(&s, view_of_text("0123456789abcdefg"));
	assert_holds(&s, "0:0123456789abcdef=x ");
	local_store_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_store_puts_replaces_removes),
		cmocka_unit_test(local_store_owns_its_octets),
		cmocka_unit_test(local_store_bounds_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
