#include "host_case.h"

#include <unistd.h>

#include "host/incarnation.h"
#include "host/store_file.h"

static void draw(void *ctx, void *out, size_t n)
{
	memset(out, *(const uint8_t *)ctx, n);
}

static int raise_drawn(const char *path, uint8_t drawn, uint16_t *n, bool *fresh)
{
	const struct env env = {draw, &drawn};

	return incarnation_raise(path, &env, n, fresh);
}

/* Without a file any number may have been used: a node that lost it must not begin again with 1. */
static void incarnation_begins_anywhere_and_rises(void **state)
{
	struct host_case *h = *state;

	for (unsigned drawn = 0; drawn < 256; drawn += 51) {
		uint16_t n = 0, first = 0;
		bool fresh = false;

		(void)unlink(h->path);
		assert_int_equal(raise_drawn(h->path, (uint8_t)drawn, &first, &fresh), 0);
		assert_true(fresh);
		assert_true(first >= 1 && first <= 0x7fff);
		assert_int_equal(first, drawn * 0x01010101u % 0x7fff + 1);
		for (uint16_t i = 1; i <= 5; i++) {
			assert_int_equal(raise_drawn(h->path, 0x77, &n, &fresh), 0);
			assert_int_equal(n, first + i);
			assert_false(fresh);
		}
	}
}

static const struct {
	const char *name, *text;
	int rc;
	uint16_t n;
} files[] = {
	{"without a line's end", "41", 0, 42},
	{"the last number there is", "65534\n", 0, 65535},
	{"used up", "65535\n", -ERR_LIMIT, 0},
	{"beyond its range", "70000\n", -ERR_LIMIT, 0},
	{"beyond any range", "99999999999999999999999\n", -ERR_LIMIT, 0},
	{"negative", "-1\n", -ERR_LIMIT, 0},
	{"no number", "seven\n", -ERR_LIMIT, 0},
	{"empty", "", -ERR_LIMIT, 0},
	{"a number and more", "7 or so\n", -ERR_LIMIT, 0},
	{"much too long", "0000000000000000000000000000000000000001\n", -ERR_LIMIT, 0},
};

/* A damaged file must not look like a fresh node: its numbers were used. */
static void incarnation_reads_what_is_there(void **state)
{
	struct host_case *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		uint16_t n = 0;
		bool fresh = true;
		auto_blob left = {0};

		assert_int_equal(store_file_write(h->path, view_of_text(files[i].text)), 0);
		if (raise_drawn(h->path, 0, &n, &fresh) != files[i].rc || n != files[i].n)
			fail_msg("%s", files[i].name);
		assert_int_equal(store_file_read(h->path, 64, &left), 0);
		if (files[i].rc < 0 && strcmp((const char *)left.p, files[i].text) != 0)
			fail_msg("%s: changed", files[i].name);
		if (files[i].rc == 0 && fresh)
			fail_msg("%s: called fresh", files[i].name);
	}
}

static void incarnation_needs_its_disk(void **state)
{
	struct host_case *h = *state;
	char nowhere[160];
	uint16_t n = 77;
	bool fresh;

	(void)snprintf(nowhere, sizeof nowhere, "%s/none/x", h->dir);
	assert_int_equal(raise_drawn(nowhere, 0, &n, &fresh), -ERR_IO);
	assert_int_equal(n, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(incarnation_begins_anywhere_and_rises),
		host_test(incarnation_reads_what_is_there),
		host_test(incarnation_needs_its_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
