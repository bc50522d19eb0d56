#include "host_case.h"

#include <sys/stat.h>
#include <unistd.h>

#include "host/journal.h"
#include "host/store_file.h"

/* A journal, its store, and what it told. */
struct keeper {
	struct host_case *h;
	struct journal j;
	struct local_store store;
	struct journal_found found;
	const char *why;
	char file[96], key[96];
	uint64_t told, awaited;
	enum journal_end end;
};

static void on_done(void *ctx, uint64_t serial, enum journal_end end)
{
	struct keeper *k = (struct keeper *)ctx;

	assert_true(serial >= k->told);
	k->told = serial;
	k->end = end;
}

static void paths(struct keeper *k, struct host_case *h)
{
	*k = (struct keeper){.h = h};
	(void)snprintf(k->file, sizeof k->file, "%s/journal", h->dir);
	(void)snprintf(k->key, sizeof k->key, "%s/journal.key", h->dir);
}

static void open_at(struct keeper *k)
{
	k->told = 0;
	assert_int_equal(journal_open(&k->j, &k->h->loop, &(struct journal_paths){k->file, k->key},
				 &k->store, &k->found, &k->why),
		0);
	k->j.done = on_done;
	k->j.ctx = k;
}

/* As a process dies: nothing more is written, nobody is told. */
static void die(struct keeper *k)
{
	journal_close(&k->j);
	local_store_fini(&k->store);
}

static uint64_t put(struct keeper *k, const char *key, const char *body)
{
	const struct journal_item i = {
		.rg = 1, .key = view_of_text(key), .body = view_of_text(body)};
	uint64_t serial = 0;

	assert_int_equal(local_store_put(&k->store, i.rg, i.key, i.body), 0);
	assert_int_equal(journal_append(&k->j, &i, 1, &serial), 0);
	return serial;
}

static uint64_t drop(struct keeper *k, const char *key)
{
	const struct journal_item i = {.tombstone = true, .rg = 1, .key = view_of_text(key)};
	uint64_t serial = 0;

	local_store_remove(&k->store, i.key);
	assert_int_equal(journal_append(&k->j, &i, 1, &serial), 0);
	return serial;
}

static bool is_told(void *ctx)
{
	const struct keeper *k = (const struct keeper *)ctx;

	return k->told >= k->awaited && !k->j.busy;
}

static void wait_told(struct keeper *k, uint64_t serial)
{
	k->awaited = serial;
	host_wait(k->h, is_told, k);
}

static void assert_has(const struct keeper *k, const char *key, const char *body)
{
	struct view have;

	if (!body) {
		assert_false(local_store_find(&k->store, view_of_text(key), &have));
		return;
	}
	assert_true(local_store_find(&k->store, view_of_text(key), &have));
	assert_true(view_equal(have, view_of_text(body)));
}

static void journal_remembers_what_it_told(void **state)
{
	struct keeper k;

	paths(&k, *state);
	open_at(&k);
	assert_null(k.why);
	assert_int_equal(k.found.items, 0);
	(void)put(&k, "Ia", "one");
	(void)put(&k, "Cb", "two");
	(void)put(&k, "Ia", "three");
	wait_told(&k, drop(&k, "Cb"));
	assert_int_equal(k.end, JOURNAL_WRITTEN);
	die(&k);
	for (uint32_t i = 0; i < 3; i++) { /* each start writes the file anew */
		open_at(&k);
		assert_null(k.why);
		assert_int_equal(k.store.n, 1);
		assert_has(&k, "Ia", "three");
		die(&k);
	}
}

/* What is appended while a write is under way goes with the next, all of it, in its order. */
static void journal_writes_in_batches(void **state)
{
	struct keeper k;
	uint64_t last = 0;
	char key[8];

	paths(&k, *state);
	open_at(&k);
	wait_told(&k, put(&k, "I0", "before")); /* the file of the start is there */
	for (uint32_t i = 0; i < 500; i++) {
		(void)snprintf(key, sizeof key, "C%u", i);
		last = put(&k, key, i % 2 ? "odd" : "even");
	}
	assert_true(k.told < last);
	wait_told(&k, last);
	assert_true(k.j.file.frames < 10);
	die(&k);
	open_at(&k);
	assert_int_equal(k.store.n, 501);
	assert_has(&k, "C17", "odd");
	assert_has(&k, "C498", "even");
	die(&k);
}

/* Told means durable: a copy of the files made at that moment holds it. */
static void journal_tells_when_it_is_on_disk(void **state)
{
	struct keeper k, other;
	auto_blob octets = {0};

	paths(&k, *state);
	open_at(&k);
	wait_told(&k, put(&k, "I0", "first"));
	wait_told(&k, put(&k, "Ia", "second"));
	assert_int_equal(store_file_read(k.file, 65536, &octets), 0);
	paths(&other, *state);
	(void)snprintf(other.file, sizeof other.file, "%s/copy", k.h->dir);
	assert_int_equal(store_file_write(other.file, blob_view(&octets)), 0);
	open_at(&other);
	assert_has(&other, "I0", "first");
	assert_has(&other, "Ia", "second");
	die(&other);
	die(&k);
	(void)unlink(other.file);
}

static void journal_stays_small(void **state)
{
	enum { BODY = 4000, TIMES = 2000 };
	struct keeper k;
	struct stat st;
	char body[BODY + 1];

	paths(&k, *state);
	open_at(&k);
	memset(body, 'x', BODY);
	body[BODY] = '\0';
	for (uint32_t i = 0; i < TIMES; i++) {
		uint64_t serial = put(&k, "Ia", body);

		if (i % 100 == 0)
			wait_told(&k, serial);
	}
	(void)put(&k, "Cb", "last");
	wait_told(&k, k.j.serial);
	host_settle(k.h);
	assert_int_equal(stat(k.file, &st), 0);
	assert_true(st.st_size < 2 << 20); /* eight megabytes were written */
	die(&k);
	open_at(&k);
	assert_int_equal(k.store.n, 2);
	assert_has(&k, "Ia", body);
	assert_has(&k, "Cb", "last");
	die(&k);
}

/* A file of another boot, a damaged one, a key that others could read: as if there were none. */
static void journal_begins_anew_without_its_key(void **state)
{
	struct keeper k;
	struct stat st;
	auto_blob octets = {0};

	paths(&k, *state);
	open_at(&k);
	wait_told(&k, put(&k, "Ia", "one"));
	die(&k);
	assert_int_equal(stat(k.key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(k.file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	assert_int_equal(unlink(k.key), 0);
	open_at(&k);
	assert_int_equal(k.store.n, 0);
	wait_told(&k, put(&k, "Ia", "two"));
	die(&k);
	open_at(&k);
	assert_null(k.why);
	assert_has(&k, "Ia", "two");
	die(&k);

	assert_int_equal(chmod(k.key, 0640), 0);
	open_at(&k);
	assert_int_equal(k.store.n, 0);
	wait_told(&k, put(&k, "Ia", "three"));
	die(&k);

	assert_int_equal(store_file_read(k.file, 65536, &octets), 0);
	octets.p[octets.n - 1] ^= 1;
	assert_int_equal(store_file_write(k.file, blob_view(&octets)), 0);
	open_at(&k);
	assert_non_null(k.why);
	assert_int_equal(k.store.n, 0);
	die(&k);
}

/* An old state is worse than none: a disk that refuses leaves nothing to be read. */
static void journal_goes_when_the_disk_refuses(void **state)
{
	struct keeper k;
	uint64_t serial = 0;
	const struct journal_item i = {.key = view_of_text("x")};

	paths(&k, *state);
	open_at(&k);
	wait_told(&k, put(&k, "Ia", "one"));
	assert_int_equal(close(k.j.file.fd), 0); /* the next write fails */
	wait_told(&k, put(&k, "Ia", "two"));
	assert_int_equal(k.end, JOURNAL_OFF);
	assert_int_equal(access(k.file, F_OK), -1);
	assert_int_equal(access(k.key, F_OK), -1);
	assert_int_equal(journal_append(&k.j, &i, 1, &serial), -ERR_WRONG_STATE);
	die(&k);
	open_at(&k);
	assert_int_equal(k.store.n, 0);
	wait_told(&k, put(&k, "Ia", "three"));
	die(&k);
}

static void journal_refuses_a_folder_that_is_not_there(void **state)
{
	struct keeper k;

	paths(&k, *state);
	(void)snprintf(k.key, sizeof k.key, "%s/none/key", k.h->dir);
	assert_int_equal(journal_open(&k.j, &k.h->loop, &(struct journal_paths){k.file, k.key},
				 &k.store, &k.found, &k.why),
		-ERR_IO);
	die(&k);
	paths(&k, *state);
	(void)snprintf(k.file, sizeof k.file, "%s/none/journal", k.h->dir);
	open_at(&k);
	wait_told(&k, put(&k, "Ia", "one"));
	assert_int_equal(k.end, JOURNAL_OFF);
	die(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(journal_remembers_what_it_told),
		host_test(journal_writes_in_batches),
		host_test(journal_tells_when_it_is_on_disk),
		host_test(journal_stays_small),
		host_test(journal_begins_anew_without_its_key),
		host_test(journal_goes_when_the_disk_refuses),
		host_test(journal_refuses_a_folder_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
