#include "host_case.h"

#include "host/persist.h"
#include "host/store_file.h"

struct told {
	struct host_case *h;
	struct persist p;
	uint64_t serials[16];
	char contents[16]; /* first octet of the file when it was told */
	size_t n;
	int rc;
	uint64_t again; /* put this one from inside the callback */
};

static struct view octets_of(uint64_t serial, char buf[4096])
{
	memset(buf, 'a' + (int)serial, 4096);
	return view_of(buf, 4096);
}

static void put(struct told *t, uint64_t serial)
{
	char buf[4096];

	assert_int_equal(persist_put(&t->p, serial, octets_of(serial, buf)), 0);
	memset(buf, '!', sizeof buf); /* it was copied */
}

static void on_done(void *ctx, uint64_t serial, int rc)
{
	struct told *t = (struct told *)ctx;
	auto_blob got = {0};

	assert_true(t->n < ARRAY_LEN(t->serials));
	t->rc = rc;
	if (rc == 0) {
		assert_int_equal(store_file_read(t->p.path, 8192, &got), 0);
		assert_int_equal(got.n, 4096);
		t->contents[t->n] = (char)got.p[0];
	}
	t->serials[t->n++] = serial;
	if (t->again != 0)
		put(t, t->again);
	t->again = 0;
}

static void begin(struct told *t, struct host_case *h, const char *path)
{
	*t = (struct told){.h = h};
	assert_int_equal(persist_init(&t->p, &h->loop, path), 0);
	t->p.done = on_done;
	t->p.ctx = t;
}

static bool is_told_two(void *ctx)
{
	return ((struct told *)ctx)->n == 2;
}

static bool is_told_one(void *ctx)
{
	return ((struct told *)ctx)->n == 1;
}

/* The first write is under way when the others come: of those only the newest is worth a write. */
static void persist_writes_the_newest(void **state)
{
	struct told t;

	begin(&t, *state, ((struct host_case *)*state)->path);
	for (uint64_t serial = 1; serial <= 9; serial++)
		put(&t, serial);
	host_wait(t.h, is_told_two, &t);
	host_settle(t.h);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.serials[0], 1);
	assert_int_equal(t.contents[0], 'b');
	assert_int_equal(t.serials[1], 9);
	assert_int_equal(t.contents[1], 'j');
	persist_fini(&t.p);
}

static void persist_may_be_asked_again_when_it_tells(void **state)
{
	struct told t;

	begin(&t, *state, ((struct host_case *)*state)->path);
	t.again = 2;
	put(&t, 1);
	host_wait(t.h, is_told_two, &t);
	assert_int_equal(t.serials[1], 2);
	assert_int_equal(t.contents[1], 'c');
	persist_fini(&t.p);
}

/* What comes while a callback asks again must not be lost, and must win. */
static void persist_loses_nothing_that_waits(void **state)
{
	struct told t;

	begin(&t, *state, ((struct host_case *)*state)->path);
	t.again = 3;
	put(&t, 1);
	put(&t, 2);
	host_wait(t.h, is_told_two, &t);
	host_settle(t.h);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.serials[1], 3);
	persist_fini(&t.p);
}

static void persist_tells_that_the_disk_refuses(void **state)
{
	struct host_case *h = *state;
	struct told t;
	char nowhere[160];

	(void)snprintf(nowhere, sizeof nowhere, "%s/none/x", h->dir);
	begin(&t, h, nowhere);
	put(&t, 1);
	host_wait(h, is_told_one, &t);
	assert_int_equal(t.rc, -ERR_IO);
	persist_fini(&t.p);
}

static void persist_ends_with_its_write(void **state)
{
	struct host_case *h = *state;
	struct told t;
	auto_blob got = {0};

	begin(&t, h, h->path);
	put(&t, 1);
	put(&t, 2);
	persist_fini(&t.p);
	assert_int_equal(t.n, 0); /* nobody is there to be told */
	assert_int_equal(store_file_read(h->path, 8192, &got), 0);
	assert_int_equal(got.p[0], 'b');
	persist_fini(&t.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(persist_writes_the_newest),
		host_test(persist_may_be_asked_again_when_it_tells),
		host_test(persist_loses_nothing_that_waits),
		host_test(persist_tells_that_the_disk_refuses),
		host_test(persist_ends_with_its_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
