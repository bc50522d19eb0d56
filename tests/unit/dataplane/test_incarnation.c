#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "incarnation.h"

static void fixed(void *ctx, void *out, size_t n)
{
	(void)ctx;
	memset(out, 0x11, n);
}

static const struct env env = {fixed, NULL};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static void incarnation_rises_at_each_start(void **state)
{
	char dir[] = "/tmp/tdp-incarnation-XXXXXX", path[128];
	struct incarnation i;
	uint16_t more;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/iv-incarnation", dir);
	assert_int_equal(incarnation_begin(&i, dir, &env), 0);
	assert_true(i.is_fresh);
	assert_int_equal(i.now, 0x1112);
	assert_int_equal(incarnation_begin(&i, dir, &env), 0);
	assert_false(i.is_fresh);
	assert_int_equal(i.now, 0x1113);
	/* what was reserved ahead is never used again */
	assert_int_equal(incarnation_reserve(&i, i.now, &more), 0);
	assert_int_equal(more, 0x1114);
	assert_int_equal(incarnation_begin(&i, dir, &env), 0);
	assert_int_equal(i.now, 0x1115);
	/* a spoilt file is as good as none */
	write_file(path, "");
	assert_int_equal(incarnation_begin(&i, dir, &env), 0);
	assert_true(i.is_fresh);
	write_file(path, "70000\n");
	assert_int_equal(incarnation_begin(&i, dir, &env), 0);
	assert_true(i.is_fresh);
	write_file(path, "12");
	assert_int_equal(incarnation_begin(&i, dir, &env), 0);
	assert_true(i.is_fresh);
	(void)unlink(path);
	(void)rmdir(dir);
	/* nowhere to write: no start, for nothing could keep the promise */
	assert_true(incarnation_begin(&i, dir, &env) < 0);
	assert_int_equal(incarnation_begin(&i, NULL, &env), 0);
	assert_true(i.is_fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(incarnation_rises_at_each_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
