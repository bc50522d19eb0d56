#include "host_case.h"

#include <sys/stat.h>
#include <unistd.h>

#include "host/store_file.h"

static void store_file_gives_back_what_it_took(void **state)
{
	struct host_case *h = *state;
	const uint8_t octets[] = {0, 1, 0xff, '\n', 0};
	auto_blob got = {0};

	assert_int_equal(store_file_write(h->path, view_of_array(octets)), 0);
	assert_int_equal(store_file_read(h->path, sizeof octets, &got), 0);
	assert_true(view_equal(blob_view(&got), view_of_array(octets)));
	assert_int_equal(got.p[got.n], 0); /* a text can be read as a string */
}

static void store_file_replaces(void **state)
{
	struct host_case *h = *state;
	auto_blob got = {0};
	char beside[128];

	assert_int_equal(store_file_write(h->path, view_of_literal("a longer text")), 0);
	assert_int_equal(store_file_write(h->path, view_of_literal("short")), 0);
	assert_int_equal(store_file_read(h->path, 64, &got), 0);
	assert_true(view_equal(blob_view(&got), view_of_literal("short")));
	(void)snprintf(beside, sizeof beside, "%s.new", h->path);
	assert_int_equal(access(beside, F_OK), -1);
}

/* What a crash in the middle of a write left beside the file is neither read nor in the way. */
static void store_file_survives_an_unfinished_write(void **state)
{
	struct host_case *h = *state;
	auto_blob got = {0};
	char beside[128];
	FILE *f;

	assert_int_equal(store_file_write(h->path, view_of_literal("whole")), 0);
	(void)snprintf(beside, sizeof beside, "%s.new", h->path);
	f = fopen(beside, "w");
	assert_non_null(f);
	assert_true(fputs("half of something much longer", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(store_file_read(h->path, 64, &got), 0);
	assert_true(view_equal(blob_view(&got), view_of_literal("whole")));
	blob_fini(&got);
	assert_int_equal(store_file_write(h->path, view_of_literal("next")), 0);
	assert_int_equal(store_file_read(h->path, 64, &got), 0);
	assert_true(view_equal(blob_view(&got), view_of_literal("next")));
}

static void store_file_is_for_the_owner_only(void **state)
{
	struct host_case *h = *state;
	struct stat st;

	assert_int_equal(store_file_write(h->path, view_of_literal("keys")), 0);
	assert_int_equal(stat(h->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void store_file_keeps_an_empty_file(void **state)
{
	struct host_case *h = *state;
	auto_blob got = {0};

	assert_int_equal(store_file_write(h->path, (struct view){0}), 0);
	assert_int_equal(store_file_read(h->path, 0, &got), 0);
	assert_int_equal(got.n, 0);
}

static void store_file_refuses(void **state)
{
	struct host_case *h = *state;
	char nowhere[160], endless[5000], beside[128];
	struct blob got = {(uint8_t *)h, 7};

	(void)snprintf(nowhere, sizeof nowhere, "%s/none/x", h->dir);
	memset(endless, 'x', sizeof endless - 1);
	endless[sizeof endless - 1] = '\0';
	assert_int_equal(store_file_read(h->path, 64, &got), -ERR_NOT_FOUND);
	assert_int_equal(store_file_read(h->dir, 64, &got), -ERR_IO);
	assert_int_equal(store_file_write(nowhere, view_of_literal("x")), -ERR_IO);
	assert_int_equal(store_file_write(endless, view_of_literal("x")), -ERR_LIMIT);
	assert_int_equal(store_file_write(h->dir, view_of_literal("x")), -ERR_IO);
	(void)snprintf(beside, sizeof beside, "%s.new", h->dir);
	assert_int_equal(access(beside, F_OK), -1);
	assert_int_equal(store_file_write(h->path, view_of_literal("12345")), 0);
	assert_int_equal(store_file_read(h->path, 4, &got), -ERR_LIMIT);
	assert_ptr_equal(got.p, h); /* untouched by failures */
	assert_int_equal(got.n, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(store_file_gives_back_what_it_took),
		host_test(store_file_replaces),
		host_test(store_file_survives_an_unfinished_write),
		host_test(store_file_is_for_the_owner_only),
		host_test(store_file_keeps_an_empty_file),
		host_test(store_file_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
