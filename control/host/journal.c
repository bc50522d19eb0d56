#include "host/journal.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "crypto/random.h"
#include "host/store_file.h"

enum {
	ANEW_MIN = 1 << 20, /* a file below this is left alone */
	ANEW_TIMES = 4,	    /* so many times as large as what it is worth */
	PAUSE_TIMES = 4,    /* after each write, of what that took: what comes meanwhile is one */
	NS_PER_MS = 1000000
};

#define PAUSE_MIN_NS UINT64_C(8000000) /* what a quick disk does not wait for costs CPU still */
#define PAUSE_MAX_NS UINT64_C(20000000)

static struct journal_secrets secrets_of(const struct journal *j)
{
	return (struct journal_secrets){j->crypto, secret_view(j->key), &j->env};
}

/* ---------------------------------------------------------------- key */

/* Ours, and nobody else's to read or to change. */
static bool is_private(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & 077) == 0;
}

static int key_read(struct journal *j)
{
	auto_blob octets = {0};
	int rc;

	if (!is_private(j->key_path))
		return -ERR_NOT_FOUND;
	rc = store_file_read(j->key_path, JOURNAL_KEY_LEN, &octets);
	if ((rc == 0 && octets.n != JOURNAL_KEY_LEN) || rc == -ERR_LIMIT || rc == -ERR_IO)
		rc = -ERR_NOT_FOUND; /* not one of ours: another is made */
	if (rc == 0) {
		j->key = secret_copy(blob_view(&octets));
		rc = j->key ? 0 : -ERR_NOMEM;
	}
	secret_wipe(octets.p, octets.n);
	return rc;
}

static int key_make(struct journal *j)
{
	uint8_t octets[JOURNAL_KEY_LEN];
	int rc;

	env_random(&j->env, octets, sizeof octets);
	j->key = secret_copy(view_of_array(octets));
	rc = j->key ? store_file_write(j->key_path, view_of_array(octets)) : -ERR_NOMEM;
	secret_wipe(octets, sizeof octets);
	return rc;
}

/* ---------------------------------------------------------------- the whole store as items */

struct size_ctx {
	size_t n;
};

static void add_size(void *ctx, uint32_t rg, struct view key, struct view body)
{
	struct size_ctx *s = (struct size_ctx *)ctx;

	s->n += journal_item_size(&(struct journal_item){.rg = rg, .key = key, .body = body});
}

static void add_item(void *ctx, uint32_t rg, struct view key, struct view body)
{
	journal_item_put(
		(struct emit *)ctx, &(struct journal_item){.rg = rg, .key = key, .body = body});
}

static int store_pack(const struct local_store *store, struct blob *out)
{
	struct size_ctx size = {0};
	struct emit e;

	local_store_each(store, add_size, &size);
	out->p = malloc(size.n + 1);
	if (!out->p)
		return -ERR_NOMEM;
	e = emit_to(out->p, size.n);
	local_store_each(store, add_item, &e);
	out->n = e.n;
	return 0;
}

/* ---------------------------------------------------------------- writing */

static int sync_folder(const char *path)
{
	char dir[PATH_MAX];
	int fd, rc;

	(void)snprintf(dir, sizeof dir, "%s", path);
	fd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -ERR_IO;
	rc = fsync(fd) == 0 ? 0 : -ERR_IO;
	(void)close(fd);
	return rc;
}

static int write_anew(struct journal *j)
{
	const struct journal_secrets s = secrets_of(j);
	int rc = journal_file_create(&j->fresh, &s, j->fresh_path);

	if (rc == 0)
		rc = journal_file_append(&j->fresh, blob_view(&j->writing));
	if (rc == 0)
		rc = journal_file_sync(&j->fresh);
	if (rc == 0 && rename(j->fresh_path, j->path) != 0)
		rc = -ERR_IO;
	if (rc == 0)
		rc = sync_folder(j->path);
	if (rc < 0) {
		journal_file_close(&j->fresh);
		return rc;
	}
	journal_file_close(&j->file);
	j->file = j->fresh;
	j->fresh = (struct journal_file){.fd = -1};
	return 0;
}

/* In the thread pool. */
static void write_out(uv_work_t *w)
{
	struct journal *j = (struct journal *)w->data;

	if (j->writing_anew) {
		j->rc = write_anew(j);
		return;
	}
	j->rc = journal_file_append(&j->file, blob_view(&j->writing));
	if (j->rc == 0)
		j->rc = journal_file_sync(&j->file);
}

/* Gone, or not readable any more: either will do. */
static enum journal_end give_up(struct journal *j)
{
	bool is_gone;

	j->on = false;
	secret_wipe_blob(&j->next);
	journal_file_close(&j->file);
	(void)unlink(j->fresh_path);
	is_gone = unlink(j->path) == 0 || access(j->path, F_OK) != 0;
	if (unlink(j->key_path) == 0)
		is_gone = true;
	return is_gone ? JOURNAL_OFF : JOURNAL_STALE;
}

static void start(struct journal *j);

static void on_pause_over(uv_timer_t *t)
{
	struct journal *j = (struct journal *)t->data;

	if (j->on && !j->busy && (j->anew || j->next.n != 0))
		start(j);
}

/* A commit is a wait for the disk, whatever its size: under load many share one. */
static void start_when_due(struct journal *j)
{
	uint64_t now = uv_hrtime();

	if (uv_is_active((uv_handle_t *)&j->pause))
		return;
	if (now >= j->not_before_ns) {
		start(j);
		return;
	}
	uv_update_time(j->loop);
	(void)uv_timer_start(
		&j->pause, on_pause_over, (j->not_before_ns - now + NS_PER_MS - 1) / NS_PER_MS, 0);
}

static void written(uv_work_t *w, int status)
{
	struct journal *j = (struct journal *)w->data;
	enum journal_end end = JOURNAL_WRITTEN;
	uint64_t now = uv_hrtime();

	j->busy = false;
	j->not_before_ns =
		now + MAX(PAUSE_MIN_NS, MIN(PAUSE_TIMES * (now - j->began_ns), PAUSE_MAX_NS));
	secret_wipe_blob(&j->writing);
	if (status != 0 || j->rc < 0) {
		end = give_up(j);
		j->writing_serial = j->serial;
	} else if (j->file.size > MAX((uint64_t)ANEW_MIN, ANEW_TIMES * j->store->octets)) {
		j->anew = true;
	}
	if (j->done)
		j->done(j->ctx, j->writing_serial, end);
	if (j->on && !j->busy && (j->anew || j->next.n != 0))
		start_when_due(j);
}

static void start(struct journal *j)
{
	j->writing_anew = j->anew;
	j->writing_serial = j->serial;
	if (j->anew) {
		/* The store has all that waits in `next` already. */
		secret_wipe_blob(&j->next);
		j->rc = store_pack(j->store, &j->writing);
	} else {
		j->writing = blob_take(&j->next);
		j->rc = 0;
	}
	j->anew = false;
	j->busy = true;
	j->began_ns = uv_hrtime();
	j->work.data = j;
	if (j->rc < 0) {
		written(&j->work, -1);
		return;
	}
	(void)uv_queue_work(j->loop, &j->work, write_out, written);
}

/* Not realloc(): what it leaves behind would not be wiped, and there are keys in it. */
static int next_room(struct journal *j, size_t more)
{
	size_t cap = 4096 + 2 * j->next.n + more;
	uint8_t *p;

	if (j->next.p && j->next.n + more <= j->next_cap)
		return 0;
	p = malloc(cap);
	if (!p)
		return -ERR_NOMEM;
	if (j->next.n != 0)
		memcpy(p, j->next.p, j->next.n);
	secret_wipe(j->next.p, j->next.n);
	free(j->next.p);
	j->next.p = p;
	j->next_cap = cap;
	return 0;
}

int journal_append(struct journal *j, const struct journal_item *items, size_t n, uint64_t *serial)
{
	size_t size = 0;
	struct emit e;
	int rc;

	if (!j->on)
		return -ERR_WRONG_STATE;
	for (size_t i = 0; i < n; i++)
		size += journal_item_size(&items[i]);
	rc = next_room(j, size);
	if (rc < 0)
		return rc;
	e = emit_to(j->next.p + j->next.n, size);
	for (size_t i = 0; i < n; i++)
		journal_item_put(&e, &items[i]);
	j->next.n += e.n;
	*serial = ++j->serial;
	if (!j->busy)
		start_when_due(j);
	return 0;
}

/* ---------------------------------------------------------------- life */

static int keep(void *ctx, const struct journal_item *i)
{
	struct local_store *store = (struct local_store *)ctx;

	if (!i->tombstone)
		return local_store_put(store, i->rg, i->key, i->body);
	local_store_remove(store, i->key);
	return 0;
}

static int read_old(
	struct journal *j, struct local_store *store, struct journal_found *found, const char **why)
{
	const struct journal_secrets s = secrets_of(j);
	int rc = journal_file_read(j->path, &s, keep, store, found);

	if (rc == -ERR_NOT_FOUND)
		return 0;
	if (rc == -ERR_NOMEM)
		return rc;
	if (rc < 0) {
		local_store_fini(store);
		*why = rc == -ERR_AUTH ? "damaged, or of another boot" : err_text(rc);
	}
	return 0;
}

int journal_open(struct journal *j, uv_loop_t *loop, const struct journal_paths *paths,
	struct local_store *store, struct journal_found *found, const char **why)
{
	int rc;

	*j = (struct journal){.loop = loop, .store = store, .env = random_env()};
	j->file.fd = j->fresh.fd = -1;
	*found = (struct journal_found){0};
	*why = NULL;
	if (snprintf(j->path, sizeof j->path, "%s", paths->file) >= (int)sizeof j->path ||
		snprintf(j->key_path, sizeof j->key_path, "%s", paths->key) >=
			(int)sizeof j->key_path)
		return -ERR_LIMIT;
	(void)snprintf(j->fresh_path, sizeof j->fresh_path, "%s.new", j->path);
	rc = crypto_new(&j->crypto);
	if (rc == 0)
		rc = key_read(j);
	if (rc == 0)
		rc = read_old(j, store, found, why);
	else if (rc == -ERR_NOT_FOUND)
		rc = key_make(j);
	if (rc < 0)
		return rc;
	/* What an earlier process may have half written is not written on. */
	if (uv_timer_init(loop, &j->pause) != 0)
		return -ERR_IO;
	j->pause.data = j;
	j->on = j->anew = true;
	start(j);
	return 0;
}

void journal_close(struct journal *j)
{
	if (!j->loop)
		return;
	j->done = NULL;
	j->on = false;
	if (j->pause.data && !uv_is_closing((uv_handle_t *)&j->pause))
		uv_close((uv_handle_t *)&j->pause, NULL);
	while (j->busy && uv_run(j->loop, UV_RUN_ONCE) != 0)
		;
	(void)uv_run(j->loop, UV_RUN_NOWAIT); /* the timer is ours to the end */
	secret_wipe_blob(&j->next);
	secret_wipe_blob(&j->writing);
	journal_file_close(&j->file);
	journal_file_close(&j->fresh);
	secret_free(j->key);
	crypto_free(j->crypto);
	j->key = NULL;
	j->crypto = NULL;
	j->loop = NULL;
}
