#include "host/keys_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/secret.h"
#include "host/store_file.h"

/* ---------------------------------------------------------------- jobs */

struct keys_job *keys_job_new(struct keys_client *k, const char *key_id, int file)
{
	struct keys_job *j = calloc(1, sizeof *j);

	if (j)
		j->key_id = strdup(key_id);
	if (!j || !j->key_id) {
		free(j);
		if (file >= 0)
			(void)close(file);
		return NULL;
	}
	list_init(&j->link);
	j->id = ++k->last;
	j->file = file;
	return j;
}

int keys_job_pack(struct keys_job *j, Keys__Request *r)
{
	r->id = j->id;
	r->files = j->file >= 0 ? 1 : 0;
	j->kind = r->job_case;
	return frame_pack(&r->base, &j->frame);
}

void keys_job_free(struct keys_job *j)
{
	list_del(&j->link);
	secret_wipe_blob(&j->frame);
	if (j->file >= 0)
		(void)close(j->file);
	free(j->key_id);
	free(j->uri);
	free(j);
}

static void on_soon(uv_idle_t *h)
{
	struct keys_client *k = (struct keys_client *)h->data;

	(void)uv_idle_stop(h);
	while (!list_is_empty(&k->ended)) {
		struct keys_job *j = list_item(k->ended.next, struct keys_job, link);

		keys_job_end(k, j, j->rc, NULL);
	}
}

void keys_job_post(struct keys_client *k, struct keys_job *j, int rc)
{
	j->rc = k->closing ? -ERR_IO : rc;
	if (j->rc == 0) {
		list_add_tail(&k->jobs, &j->link);
		(void)uv_prepare_start(&k->turn, keys_process_turn);
	} else {
		list_add_tail(&k->ended, &j->link);
		(void)uv_idle_start(&k->soon, on_soon);
	}
}

/* ---------------------------------------------------------------- files */

static int new_file(const struct keys_client *k, const char *key_id, int *out)
{
	char path[PKI_PATH_MAX], fresh[PKI_PATH_MAX + 8];
	int rc = pki_path(k->dir, PKI_KEY, key_id, path);

	if (rc < 0)
		return rc;
	(void)snprintf(fresh, sizeof fresh, "%s.new", path);
	(void)unlink(fresh); /* of a daemon that died */
	*out = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *out < 0 ? -ERR_IO : 0;
}

static void remove_one(const struct keys_client *k, enum pki_kind kind, const char *key_id)
{
	char path[PKI_PATH_MAX];

	if (pki_path(k->dir, kind, key_id, path) == 0)
		(void)unlink(path);
}

/* The new key takes its place; a key of that name in a token is not asked any more. */
static int keep_file(const struct keys_client *k, const struct keys_job *j, bool good)
{
	char path[PKI_PATH_MAX], fresh[PKI_PATH_MAX + 8], folder[PKI_PATH_MAX];
	int rc = pki_path(k->dir, PKI_KEY, j->key_id, path), fd;

	if (rc < 0)
		return rc;
	(void)snprintf(fresh, sizeof fresh, "%s.new", path);
	if (!good) {
		(void)unlink(fresh);
		return 0;
	}
	if (rename(fresh, path) != 0)
		return -ERR_IO;
	remove_one(k, PKI_KEY_URI, j->key_id);
	rc = pki_folder(k->dir, PKI_KEY, folder);
	fd = rc == 0 ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	rc = fd >= 0 && fsync(fd) == 0 ? 0 : -ERR_IO;
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static int keep_uri(const struct keys_client *k, const struct keys_job *j)
{
	char path[PKI_PATH_MAX];
	int rc = pki_path(k->dir, PKI_KEY_URI, j->key_id, path);

	if (rc == 0)
		rc = store_file_write(path, view_of_text(j->uri));
	if (rc == 0)
		remove_one(k, PKI_KEY, j->key_id);
	return rc;
}

void keys_job_end(struct keys_client *k, struct keys_job *j, int rc, const Keys__Response *r)
{
	int kept = 0;

	if (j->keeps)
		kept = keep_file(k, j, rc == 0);
	else if (j->uri && rc == 0)
		kept = keep_uri(k, j);
	if (rc == 0)
		rc = kept;
	if (rc < 0 && j->kind != KEYS__REQUEST__JOB_SIGN)
		keys_process_forget_asked(k, j->key_id);
	if (j->done)
		j->done(j->ctx, rc, r);
	keys_job_free(j);
}

/* A PIN is for us alone, or it is none. */
static int open_pin(const char *path, int *out)
{
	struct stat st;

	if (*path == '\0')
		return 0;
	*out = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*out < 0)
		return errno == ENOENT ? -ERR_NOT_FOUND : -ERR_IO;
	if (fstat(*out, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) == 0)
		return 0;
	(void)close(*out);
	*out = -1;
	return -ERR_AUTH;
}

/* ---------------------------------------------------------------- questions */

static int load_by_uri(
	struct keys_client *k, const char *key_id, const char *text, struct keys_job **out)
{
	Keys__Request r = KEYS__REQUEST__INIT;
	Keys__Load l = KEYS__LOAD__INIT;
	struct key_uri u;
	const char *why;
	int file = -1, rc = key_uri_parse(text, &u, &why);

	if (rc < 0) {
		log_err(&k->log, "keys.uri.refused", "key=%s reason=\"%s\"", key_id, why);
		return rc;
	}
	rc = keys_process_module(k, u.module);
	if (rc == 0)
		rc = open_pin(u.pin_source, &file);
	if (rc < 0)
		return rc;
	*out = keys_job_new(k, key_id, file);
	if (!*out)
		return -ERR_NOMEM;
	r.job_case = KEYS__REQUEST__JOB_LOAD;
	r.load = &l;
	l.key_id = (*out)->key_id;
	l.uri = (char *)(uintptr_t)text;
	return keys_job_pack(*out, &r);
}

static int load_by_file(struct keys_client *k, const char *key_id, struct keys_job **out)
{
	Keys__Request r = KEYS__REQUEST__INIT;
	Keys__Load l = KEYS__LOAD__INIT;
	char path[PKI_PATH_MAX];
	int file, rc = pki_path(k->dir, PKI_KEY, key_id, path);

	if (rc < 0)
		return rc;
	file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (file < 0)
		return errno == ENOENT ? -ERR_NOT_FOUND : -ERR_IO;
	*out = keys_job_new(k, key_id, file);
	if (!*out)
		return -ERR_NOMEM;
	r.job_case = KEYS__REQUEST__JOB_LOAD;
	r.load = &l;
	l.key_id = (*out)->key_id;
	return keys_job_pack(*out, &r);
}

int keys_job_load(struct keys_client *k, const char *key_id, struct keys_job **out)
{
	char path[PKI_PATH_MAX];
	auto_blob text = {0};
	struct keys_job *j = NULL;
	int rc = pki_path(k->dir, PKI_KEY_URI, key_id, path);

	if (rc == 0)
		rc = store_file_read(path, KEY_URI_MAX, &text);
	if (rc == 0)
		text.p[strcspn((const char *)text.p, "\r\n")] = '\0';
	if (rc == 0)
		rc = load_by_uri(k, key_id, (const char *)text.p, &j);
	else if (rc == -ERR_NOT_FOUND)
		rc = load_by_file(k, key_id, &j);
	if (rc < 0 && j)
		keys_job_free(j);
	if (rc == 0)
		*out = j;
	return rc;
}

/* A job that ends before it begins still answers later; without memory for that the daemon is lost
 * anyway, and whoever asked is answered at once. */
static void fail_later(
	struct keys_client *k, const char *key_id, int rc, keys_done_fn *done, void *ctx)
{
	struct keys_job *j = keys_job_new(k, key_id, -1);

	if (!j) {
		done(ctx, -ERR_NOMEM, NULL);
		return;
	}
	j->done = done;
	j->ctx = ctx;
	keys_job_post(k, j, rc);
}

static void load_begin(struct keys_client *k, struct keys_job *j, keys_done_fn *done, void *ctx)
{
	(void)keys_process_is_asked(k, j->key_id);
	j->done = done;
	j->ctx = ctx;
	keys_job_post(k, j, 0);
}

void keys_client_load(struct keys_client *k, const char *key_id, keys_done_fn *done, void *ctx)
{
	struct keys_job *j;
	int rc = keys_job_load(k, key_id, &j);

	if (rc < 0) {
		fail_later(k, key_id, rc, done, ctx);
		return;
	}
	load_begin(k, j, done, ctx);
}

void keys_client_refresh(struct keys_client *k)
{
	keys_process_forget_asked(k, NULL);
}

int keys_client_sign(struct keys_client *k, const char *key_id, uint32_t scheme, struct view octets,
	keys_done_fn *done, void *ctx)
{
	Keys__Request r = KEYS__REQUEST__INIT;
	Keys__Sign s = KEYS__SIGN__INIT;
	struct keys_job *j = keys_job_new(k, key_id, -1);

	if (!j)
		return -ERR_NOMEM;
	r.job_case = KEYS__REQUEST__JOB_SIGN;
	r.sign = &s;
	s.key_id = j->key_id;
	s.scheme = scheme;
	s.octets = (ProtobufCBinaryData){octets.n, (uint8_t *)(uintptr_t)octets.p};
	if (keys_job_pack(j, &r) < 0) {
		keys_job_free(j);
		return -ERR_NOMEM;
	}
	j->done = done;
	j->ctx = ctx;
	keys_job_post(k, j, 0);
	return 0;
}

void keys_client_import(struct keys_client *k, const char *key_id, struct view octets,
	const char *passphrase, keys_done_fn *done, void *ctx)
{
	Keys__Request r = KEYS__REQUEST__INIT;
	Keys__Import i = KEYS__IMPORT__INIT;
	struct keys_job *j = NULL;
	int file = -1, rc = new_file(k, key_id, &file);

	if (rc == 0)
		j = keys_job_new(k, key_id, file);
	if (!j) {
		fail_later(k, key_id, rc < 0 ? rc : -ERR_NOMEM, done, ctx);
		return;
	}
	r.job_case = KEYS__REQUEST__JOB_IMPORT;
	r.import = &i;
	i.key_id = j->key_id;
	i.octets = (ProtobufCBinaryData){octets.n, (uint8_t *)(uintptr_t)octets.p};
	i.passphrase = (char *)(uintptr_t)passphrase;
	rc = keys_job_pack(j, &r);
	j->keeps = true;
	j->done = done;
	j->ctx = ctx;
	keys_job_post(k, j, rc);
}

static int generate_job(struct keys_client *k, const char *key_id, bool ecdsa, uint32_t bits,
	const char *uri, struct keys_job **out)
{
	Keys__Request r = KEYS__REQUEST__INIT;
	Keys__Generate g = KEYS__GENERATE__INIT;
	struct key_uri u;
	const char *why;
	int file = -1, rc;

	if (*uri != '\0') {
		rc = key_uri_parse(uri, &u, &why);
		if (rc == 0)
			rc = keys_process_module(k, u.module);
		if (rc == 0)
			rc = open_pin(u.pin_source, &file);
	} else {
		rc = new_file(k, key_id, &file);
	}
	if (rc < 0)
		return rc;
	*out = keys_job_new(k, key_id, file);
	if (!*out)
		return -ERR_NOMEM;
	if (*uri != '\0')
		(*out)->uri = strdup(uri);
	(*out)->keeps = *uri == '\0';
	r.job_case = KEYS__REQUEST__JOB_GENERATE;
	r.generate = &g;
	g.key_id = (*out)->key_id;
	g.type = ecdsa ? KEYS__KEY_TYPE__KEY_ECDSA : KEYS__KEY_TYPE__KEY_RSA;
	g.bits = bits;
	g.uri = (char *)(uintptr_t)uri;
	return keys_job_pack(*out, &r);
}

void keys_client_generate(struct keys_client *k, const char *key_id, bool ecdsa, uint32_t bits,
	const char *uri, keys_done_fn *done, void *ctx)
{
	struct keys_job *j = NULL;
	int rc = generate_job(k, key_id, ecdsa, bits, uri, &j);

	if (!j) {
		fail_later(k, key_id, rc, done, ctx);
		return;
	}
	j->done = done;
	j->ctx = ctx;
	keys_job_post(k, j, rc);
}

void keys_client_adopt(
	struct keys_client *k, const char *key_id, const char *uri, keys_done_fn *done, void *ctx)
{
	struct keys_job *j = NULL;
	int rc = load_by_uri(k, key_id, uri, &j);

	if (rc == 0) {
		j->uri = strdup(uri);
		rc = j->uri ? 0 : -ERR_NOMEM;
	}
	if (rc < 0) {
		if (j)
			keys_job_free(j);
		fail_later(k, key_id, rc, done, ctx);
		return;
	}
	load_begin(k, j, done, ctx);
}

/* ---------------------------------------------------------------- the store */

bool keys_client_has(const struct keys_client *k, const char *key_id)
{
	char path[PKI_PATH_MAX];

	return (pki_path(k->dir, PKI_KEY, key_id, path) == 0 && access(path, F_OK) == 0) ||
	       (pki_path(k->dir, PKI_KEY_URI, key_id, path) == 0 && access(path, F_OK) == 0);
}

void keys_client_remove(struct keys_client *k, const char *key_id)
{
	Keys__Request r = KEYS__REQUEST__INIT;
	Keys__Forget f = KEYS__FORGET__INIT;
	struct keys_job *j;

	remove_one(k, PKI_KEY, key_id);
	remove_one(k, PKI_KEY_URI, key_id);
	keys_process_forget_asked(k, key_id);
	if (!k->alive)
		return;
	j = keys_job_new(k, key_id, -1);
	if (!j)
		return;
	r.job_case = KEYS__REQUEST__JOB_FORGET;
	r.forget = &f;
	f.key_id = j->key_id;
	keys_job_post(k, j, keys_job_pack(j, &r));
}
