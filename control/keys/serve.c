#include "keys/serve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "crypto/crypto.h"
#include "crypto/key_file.h"

enum { FILES = 2, PIN_MAX = 256, TOGETHER_MAX = 8 /* answers: the first of them waits */ };

struct answer {
	uint64_t id;
	int rc;
	const char *reason;
	struct blob public_key, signature;
};

/* An import or a new key, on the slow thread. */
struct job {
	struct slow_job slow;
	Keys__Request *request;
	const struct token_modules *modules;
	int files[FILES];
	struct vault_key key; /* out, with the rest of the answer */
	struct answer answer;
};

static void answer_fini(struct answer *a)
{
	blob_fini(&a->public_key);
	blob_fini(&a->signature);
}

static ProtobufCBinaryData lent(const struct blob *b)
{
	return (ProtobufCBinaryData){.len = b->n, .data = b->p};
}

static int send_answer(struct serve *s, const struct answer *a)
{
	Keys__Response r = KEYS__RESPONSE__INIT;
	char reason[128];

	r.id = a->id;
	r.error = (uint32_t)-a->rc;
	if (a->reason) {
		size_t n = MIN(strlen(a->reason), sizeof reason - 1);

		memcpy(reason, a->reason, n);
		reason[n] = '\0';
		r.reason = reason;
	}
	r.public_key = lent(&a->public_key);
	r.signature = lent(&a->signature);
	return links_send(&s->links, &r);
}

/* ---------------------------------------------------------------- files */

static void close_files(int files[FILES])
{
	for (int i = 0; i < FILES; i++) {
		if (files[i] >= 0)
			(void)close(files[i]);
		files[i] = -1;
	}
}

static int read_all(int fd, size_t max, struct blob *out)
{
	uint8_t chunk[4096];
	ssize_t n;
	int rc = fd < 0 ? -ERR_VALUE : 0;

	while (rc == 0 && (n = read(fd, chunk, sizeof chunk)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		rc = n < 0			? -ERR_IO
		     : out->n + (size_t)n > max ? -ERR_LIMIT
						: blob_append(out, view_of(chunk, (size_t)n));
	}
	secret_wipe(chunk, sizeof chunk);
	return rc;
}

static int write_synced(int fd, struct view v)
{
	int rc = fd < 0 ? -ERR_VALUE : file_write(fd, v);

	return rc == 0 && fsync(fd) != 0 ? -ERR_IO : rc;
}

/* The first line of a file; empty without one. */
static int read_pin(int fd, struct blob *out)
{
	int rc = fd < 0 ? 0 : read_all(fd, PIN_MAX, out);

	while (rc == 0 && out->n > 0 && strchr("\r\n", out->p[out->n - 1]))
		out->n--;
	return rc;
}

/* ---------------------------------------------------------------- keys */

static int open_token(const struct token_modules *modules, const char *uri, int pin_file,
	struct vault_key *out, const char **why)
{
	auto_blob pin = {0};
	struct key_uri u;
	int rc = key_uri_parse(uri, &u, why);

	if (rc < 0)
		return rc;
	*why = NULL;
	rc = read_pin(pin_file, &pin);
	if (rc == 0)
		rc = token_key_open(modules, &u, blob_view(&pin), &out->token, &out->public_key);
	secret_wipe(pin.p, pin.n);
	return rc;
}

static int make_in_token(struct job *j, const Keys__Generate *g)
{
	auto_blob pin = {0};
	struct key_uri u;
	int rc = key_uri_parse(g->uri, &u, &j->answer.reason);

	if (rc < 0)
		return rc;
	j->answer.reason = NULL;
	rc = read_pin(j->files[0], &pin);
	if (rc == 0)
		rc = token_key_make(j->modules, &u, blob_view(&pin),
			g->type == KEYS__KEY_TYPE__KEY_ECDSA, g->bits);
	if (rc == 0)
		rc = token_key_open(
			j->modules, &u, blob_view(&pin), &j->key.token, &j->key.public_key);
	secret_wipe(pin.p, pin.n);
	return rc;
}

static void run_job(struct slow_job *slow)
{
	struct job *j = container_of(slow, struct job, slow);
	const Keys__Request *r = j->request;
	bool is_new = r->job_case == KEYS__REQUEST__JOB_GENERATE;
	struct blob pem = {0};
	int rc;

	if (is_new && *r->generate->uri != '\0') {
		j->answer.rc = make_in_token(j, r->generate);
		return;
	}
	if (is_new)
		rc = vault_make_new(r->generate->type == KEYS__KEY_TYPE__KEY_ECDSA,
			r->generate->bits, &j->key, &pem);
	else
		rc = vault_make_read(view_of(r->import->octets.data, r->import->octets.len),
			r->import->passphrase, &j->key, &pem);
	if (rc == 0)
		rc = write_synced(j->files[0], blob_view(&pem));
	secret_wipe_blob(&pem);
	j->answer.rc = rc;
}

static void wipe_request(Keys__Request *r)
{
	if (r->job_case == KEYS__REQUEST__JOB_IMPORT) {
		secret_wipe(r->import->octets.data, r->import->octets.len);
		secret_wipe(r->import->passphrase, strlen(r->import->passphrase));
	}
}

static void job_free(struct slow_job *slow)
{
	struct job *j = container_of(slow, struct job, slow);

	wipe_request(j->request);
	keys__request__free_unpacked(j->request, NULL);
	close_files(j->files);
	vault_key_fini(&j->key);
	answer_fini(&j->answer);
	free(j);
}

static const char *job_key_id(const Keys__Request *r)
{
	return r->job_case == KEYS__REQUEST__JOB_GENERATE ? r->generate->key_id : r->import->key_id;
}

/* Back from the slow thread: the key is kept, whoever asked is told. */
static int end_job(struct serve *s, struct job *j)
{
	int rc = j->answer.rc;

	j->answer.id = j->request->id;
	if (rc == 0)
		rc = blob_copy(blob_view(&j->key.public_key), &j->answer.public_key);
	if (rc == 0)
		rc = vault_put(s->vault, job_key_id(j->request), &j->key);
	j->answer.rc = rc;
	rc = send_answer(s, &j->answer);
	job_free(&j->slow);
	return rc;
}

/* ---------------------------------------------------------------- questions */

static int load(struct serve *s, const Keys__Load *l, const int files[FILES], struct answer *a)
{
	auto_vault_key k = {0};
	auto_blob text = {0};
	struct blob pem = {0};
	int rc;

	if (*l->uri != '\0') {
		rc = open_token(&s->modules, l->uri, files[0], &k, &a->reason);
	} else {
		rc = read_all(files[0], KEY_FILE_MAX, &text);
		if (rc == 0)
			rc = vault_make_read(blob_view(&text), "", &k, &pem);
		secret_wipe(text.p, text.n);
		secret_wipe_blob(&pem);
	}
	if (rc == 0)
		rc = blob_copy(blob_view(&k.public_key), &a->public_key);
	return rc < 0 ? rc : vault_put(s->vault, l->key_id, &k);
}

static int quick(struct serve *s, const Keys__Request *r, const int files[FILES], struct answer *a)
{
	switch (r->job_case) {
	case KEYS__REQUEST__JOB_LOAD:
		return load(s, r->load, files, a);
	case KEYS__REQUEST__JOB_SIGN:
		return vault_sign(s->vault, r->sign->key_id, r->sign->scheme,
			view_of(r->sign->octets.data, r->sign->octets.len), &a->signature);
	case KEYS__REQUEST__JOB_FORGET:
		vault_forget(s->vault, r->forget->key_id);
		return 0;
	case KEYS__REQUEST__JOB_IMPORT:
	case KEYS__REQUEST__JOB_GENERATE:
	case KEYS__REQUEST__JOB__NOT_SET:
	case _KEYS__REQUEST__JOB__CASE_IS_INT_SIZE:
	default:
		return -ERR_UNSUPPORTED;
	}
}

/* Takes the request and its files. */
static int post(struct serve *s, Keys__Request *r, const int files[FILES])
{
	struct job *j = calloc(1, sizeof *j);

	if (!j)
		return -ERR_NOMEM;
	j->slow.run = run_job;
	j->request = r;
	j->modules = &s->modules;
	memcpy(j->files, files, sizeof j->files);
	slow_post(&s->slow, &j->slow);
	return 0;
}

static int handle(struct serve *s, Keys__Request *r)
{
	struct answer a = {.id = r->id};
	int files[FILES] = {-1, -1}, rc = 0;

	if (r->files > FILES)
		rc = -ERR_SYNTAX;
	for (uint32_t i = 0; rc == 0 && i < r->files; i++) {
		files[i] = links_file(&s->links);
		if (files[i] < 0)
			rc = -ERR_SYNTAX; /* they come with the first octet at the latest */
	}
	if (rc == 0 && (r->job_case == KEYS__REQUEST__JOB_IMPORT ||
			       r->job_case == KEYS__REQUEST__JOB_GENERATE)) {
		rc = post(s, r, files);
		if (rc == 0)
			return 0;
	}
	if (rc == 0) {
		a.rc = quick(s, r, files, &a);
		rc = send_answer(s, &a);
	}
	wipe_request(r);
	close_files(files);
	answer_fini(&a);
	keys__request__free_unpacked(r, NULL);
	return rc;
}

/* ---------------------------------------------------------------- the loop */

int serve_init(struct serve *s, int fd)
{
	int rc = crypto_new(&s->crypto);

	links_init(&s->links, fd);
	if (rc == 0)
		rc = vault_new(s->crypto, &s->vault);
	if (rc == 0)
		rc = slow_start(&s->slow);
	if (rc < 0) {
		vault_free(s->vault);
		crypto_free(s->crypto);
		links_fini(&s->links);
	}
	return rc;
}

void serve_fini(struct serve *s)
{
	slow_stop(&s->slow, job_free);
	vault_free(s->vault);
	token_modules_free(&s->modules);
	crypto_free(s->crypto);
	links_fini(&s->links);
}

static int take_all(struct serve *s)
{
	Keys__Request *r;
	int rc = links_fill(&s->links);

	if (rc == -ERR_IO)
		return 0; /* tandemd is gone */
	for (unsigned n = 1; rc == 0; n++) {
		rc = links_next(&s->links, &r);
		if (rc == 0)
			return 1;
		if (rc > 0)
			rc = handle(s, r);
		if (rc == 0 && n % TOGETHER_MAX == 0)
			rc = links_flush(&s->links);
	}
	return rc;
}

int serve_once(struct serve *s)
{
	struct pollfd p[] = {{s->links.fd, POLLIN, 0}, {s->slow.fd, POLLIN, 0}};
	struct slow_job *j;
	int rc = 1;

	if (poll(p, ARRAY_LEN(p), -1) < 0)
		return errno == EINTR ? 1 : -ERR_IO;
	while (p[1].revents != 0 && rc > 0 && (j = slow_take(&s->slow)) != NULL)
		rc = end_job(s, container_of(j, struct job, slow)) == 0 ? 1 : 0;
	if (rc > 0 && p[0].revents != 0)
		rc = take_all(s);
	if (rc > 0 && links_flush(&s->links) < 0)
		rc = 0;
	return rc;
}

int serve_run(struct serve *s, const char *ready)
{
	struct answer hello = {.reason = ready};
	int rc = send_answer(s, &hello);

	if (rc == 0)
		rc = links_flush(&s->links);
	if (rc == 0)
		rc = 1;
	while (rc > 0)
		rc = serve_once(s);
	return rc;
}
