/*
 * The process behind keys_client.h: start, frames both ways, death, and a hand that does not move.
 */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/secret.h"
#include "host/keys_job.h"
#include "host/store_file.h"

enum { TRIES = 2, WATCH_MS = 1000, SILENCE_MS = 60000, READ_SIZE = 65536, TOGETHER_MAX = 16 };

/* Ids whose key the process was told to load. */
struct asked {
	struct list link;
	char id[];
};

static bool is_asked(const struct keys_client *k, const char *key_id)
{
	const struct asked *a;

	list_foreach (a, &k->asked, link)
		if (strcmp(a->id, key_id) == 0)
			return true;
	return false;
}

/* True when it was there already. */
bool keys_process_is_asked(struct keys_client *k, const char *key_id)
{
	size_t n = strlen(key_id) + 1;
	struct asked *a;

	if (is_asked(k, key_id))
		return true;
	a = malloc(sizeof *a + n);
	if (a) {
		memcpy(a->id, key_id, n);
		list_add_tail(&k->asked, &a->link);
	}
	return false;
}

void keys_process_forget_asked(struct keys_client *k, const char *key_id)
{
	struct asked *a, *next;

	list_foreach_safe (a, next, &k->asked, link)
		if (!key_id || strcmp(a->id, key_id) == 0) {
			list_del(&a->link);
			free(a);
		}
}

static void pump(struct keys_client *k);

/* ---------------------------------------------------------------- end of the process */

/* What was with it goes to the next one, once; files are rewound for that. */
static void take_back(struct keys_client *k)
{
	struct keys_job *j, *next;

	while (!list_is_empty(&k->sent)) { /* the last one first: before those that wait */
		j = list_item(k->sent.prev, struct keys_job, link);
		list_del(&j->link);
		list_add_head(&k->jobs, &j->link);
	}
	list_foreach_safe (j, next, &k->jobs, link) {
		if (j->tries == 0)
			continue;
		if (j->tries >= TRIES || k->closing) {
			list_del(&j->link);
			keys_job_post(k, j, -ERR_IO);
			continue;
		}
		j->sent = 0;
		if (j->file >= 0)
			(void)lseek(j->file, 0, SEEK_SET);
		if (j->keeps)
			(void)!ftruncate(j->file, 0);
	}
}

static void on_poll_closed(uv_handle_t *h)
{
	struct keys_client *k = (struct keys_client *)h->data;

	(void)close(k->fd);
	k->fd = -1;
	k->polling = false;
	if (!k->closing)
		pump(k);
}

/* No answers from it any more; its jobs are taken back. */
static void drop(struct keys_client *k)
{
	if (!k->alive)
		return;
	k->alive = false;
	frame_in_fini(&k->in);
	keys_process_forget_asked(k, NULL);
	if (k->polling && !uv_is_closing((uv_handle_t *)&k->poll))
		uv_close((uv_handle_t *)&k->poll, on_poll_closed);
	take_back(k);
}

static void on_process_closed(uv_handle_t *h)
{
	struct keys_client *k = (struct keys_client *)h->data;

	k->started = false;
	if (!k->closing)
		pump(k);
}

static void on_exit_status(uv_process_t *p, int64_t status, int signal)
{
	struct keys_client *k = (struct keys_client *)p->data;

	if (!k->closing)
		log_warn(&k->log, "keys.end", "status=%d signal=%d", (int)status, signal);
	drop(k);
	uv_close((uv_handle_t *)p, on_process_closed);
}

void keys_process_kill(struct keys_client *k)
{
	if (k->started && !uv_is_closing((uv_handle_t *)&k->process))
		(void)uv_process_kill(&k->process, SIGKILL);
	drop(k);
}

/* ---------------------------------------------------------------- answers */

static void take_answer(struct keys_client *k, const Keys__Response *r)
{
	struct keys_job *j, *next;

	if (r->id == 0) {
		log_info(&k->log, "keys.start", "%s", r->reason);
		return;
	}
	list_foreach_safe (j, next, &k->sent, link) {
		if (j->id != r->id)
			continue;
		list_del(&j->link);
		keys_job_end(k, j, -(int)MIN(r->error, (uint32_t)ERR_COUNT_ - 1), r);
		return;
	}
}

/* False: it does not speak our language. */
static bool take_answers(struct keys_client *k)
{
	struct view m;
	int rc = 0;

	while (k->alive && (rc = frame_in_next(&k->in, &m)) > 0) {
		Keys__Response *r = keys__response__unpack(NULL, m.n, m.p);

		if (!r)
			return false;
		take_answer(k, r);
		keys__response__free_unpacked(r, NULL);
	}
	return rc >= 0;
}

static void receive(struct keys_client *k)
{
	uint8_t *room;
	ssize_t n;

	while (k->alive && frame_in_room(&k->in, READ_SIZE, &room) == 0) {
		n = recv(k->fd, room, READ_SIZE, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0)
			frame_in_filled(&k->in, (size_t)n);
		if (n <= 0 || !take_answers(k))
			break;
		if (n < READ_SIZE)
			return; /* no more of it now */
	}
	keys_process_kill(k);
}

/* ---------------------------------------------------------------- questions */

/* A file goes along with the first octet of its job. */
static void file_attach(struct msghdr *m, void *room, size_t room_n, int file)
{
	struct cmsghdr *c;

	m->msg_control = room;
	m->msg_controllen = room_n;
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &file, sizeof file);
}

/* Signatures with keys that are there, behind the first job. */
static bool goes_along(const struct keys_client *k, const struct keys_job *j)
{
	return j->kind == KEYS__REQUEST__JOB_SIGN && j->file < 0 && is_asked(k, j->key_id);
}

static size_t gather(const struct keys_client *k, struct iovec io[TOGETHER_MAX])
{
	const struct keys_job *j;
	size_t n = 0;

	list_foreach (j, &k->jobs, link) {
		if (n == TOGETHER_MAX || (n != 0 && !goes_along(k, j)))
			break;
		io[n++] = (struct iovec){j->frame.p + j->sent, j->frame.n - j->sent};
	}
	return n;
}

/* Octets of the first jobs that went. */
static void account(struct keys_client *k, size_t octets)
{
	while (octets != 0) {
		struct keys_job *j = list_item(k->jobs.next, struct keys_job, link);
		size_t n = MIN(octets, j->frame.n - j->sent);

		if (j->sent == 0) {
			j->tries++;
			j->since_ms = uv_now(k->loop);
		}
		j->sent += n;
		octets -= n;
		if (j->sent != j->frame.n)
			return;
		list_del(&j->link);
		list_add_tail(&k->sent, &j->link);
	}
}

/* 1: some of it went; 0: no room now; negative: it is gone. */
static int send_first(struct keys_client *k)
{
	struct keys_job *first = list_item(k->jobs.next, struct keys_job, link);
	struct iovec io[TOGETHER_MAX];
	struct msghdr m = {.msg_iov = io, .msg_iovlen = gather(k, io)};

	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(int))];
	} control = {0};

	ssize_t n;

	if (first->file >= 0 && first->sent == 0)
		file_attach(&m, &control, sizeof control.room, first->file);
	n = sendmsg(k->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ETOOMANYREFS))
		return 0;
	if (n < 0) {
		first->tries += first->sent == 0;
		return -ERR_IO;
	}
	account(k, (size_t)n);
	return 1;
}

/* A signature needs its key there first. */
static int load_before(struct keys_client *k, struct keys_job *j)
{
	struct keys_job *load;
	int rc;

	if (j->kind != KEYS__REQUEST__JOB_SIGN || j->sent != 0 ||
		keys_process_is_asked(k, j->key_id))
		return 0;
	rc = keys_job_load(k, j->key_id, &load);
	if (rc < 0) {
		keys_process_forget_asked(k, j->key_id);
		list_del(&j->link);
		keys_job_post(k, j, rc);
		return rc;
	}
	list_add_tail(&j->link, &load->link); /* before it */
	return 1;
}

static void on_poll(uv_poll_t *p, int status, int events);

static void send_jobs(struct keys_client *k)
{
	int events = UV_READABLE;
	struct keys_job *j;

	while (k->alive && !list_is_empty(&k->jobs)) {
		int rc;

		j = list_item(k->jobs.next, struct keys_job, link);
		if (load_before(k, j) != 0)
			continue;
		if (!k->alive) /* it has to start with another module */
			return;
		rc = send_first(k);
		if (rc < 0) {
			keys_process_kill(k);
			return;
		}
		if (rc == 0) {
			events |= UV_WRITABLE;
			break;
		}
	}
	if (!k->alive || events == k->events)
		return;
	k->events = events;
	if (uv_poll_start(&k->poll, events, on_poll) != 0)
		keys_process_kill(k);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	struct keys_client *k = (struct keys_client *)p->data;

	if (status < 0) {
		keys_process_kill(k);
		return;
	}
	if (events & UV_READABLE)
		receive(k);
	if (k->alive)
		send_jobs(k);
}

/* A process that holds jobs and says nothing is ended. */
static void on_watch(uv_timer_t *t)
{
	struct keys_client *k = (struct keys_client *)t->data;
	struct keys_job *j;

	list_foreach (j, &k->sent, link)
		if (uv_now(k->loop) - j->since_ms > SILENCE_MS) {
			log_err(&k->log, "keys.silent", "job=%llu", (unsigned long long)j->id);
			keys_process_kill(k);
			return;
		}
	if (list_is_empty(&k->jobs) && list_is_empty(&k->sent))
		(void)uv_timer_stop(t);
}

/* ---------------------------------------------------------------- start */

static void fail_all(struct keys_client *k, int rc)
{
	while (!list_is_empty(&k->jobs)) {
		struct keys_job *j = list_item(k->jobs.next, struct keys_job, link);

		list_del(&j->link);
		keys_job_post(k, j, rc);
	}
}

static int spawn(struct keys_client *k, int fd)
{
	char *args[4 + 2 * TOKEN_MODULES_MAX], user[] = "--user", module[] = "--module";
	uv_stdio_container_t io[4] = {{.flags = UV_IGNORE}, {.flags = UV_IGNORE},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
		{.flags = UV_INHERIT_FD, .data.fd = fd}};
	uv_process_options_t o = {
		.file = k->program, .args = args, .stdio = io, .stdio_count = ARRAY_LEN(io)};
	size_t n = 0;

	args[n++] = k->program;
	args[n++] = user;
	args[n++] = (char *)(uintptr_t)k->user;
	for (size_t i = 0; i < k->n_modules; i++) {
		args[n++] = module;
		args[n++] = k->modules[i];
	}
	args[n] = NULL;
	o.exit_cb = on_exit_status;
	k->process.data = k;
	return uv_spawn(k->loop, &k->process, &o);
}

static int start(struct keys_client *k)
{
	int pair[2], failed;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -ERR_IO;
	failed = spawn(k, pair[1]);
	(void)close(pair[1]);
	k->started = true; /* uv_close() is needed also when it failed */
	if (failed) {
		log_err(&k->log, "keys.failed", "program=%s reason=\"%s\"", k->program,
			uv_strerror(failed));
		uv_close((uv_handle_t *)&k->process, on_process_closed);
		(void)close(pair[0]);
		return -ERR_NOT_FOUND;
	}
	k->fd = pair[0];
	frame_in_init(&k->in, FRAME_MAX_DEFAULT);
	if (uv_poll_init(k->loop, &k->poll, k->fd) != 0) {
		(void)close(k->fd);
		(void)uv_process_kill(&k->process, SIGKILL);
		return -ERR_IO;
	}
	k->poll.data = k;
	k->polling = k->alive = true;
	k->events = 0;
	k->starts++;
	return 0;
}

static void pump(struct keys_client *k)
{
	int rc = 0;

	if (list_is_empty(&k->jobs) || k->closing)
		return;
	if (!k->alive && (k->started || k->polling))
		return; /* the last one is still going */
	if (!k->alive) {
		keys_process_find_modules(k);
		rc = start(k);
	}
	if (rc < 0) {
		fail_all(k, rc);
		return;
	}
	if (!uv_is_active((uv_handle_t *)&k->watch))
		(void)uv_timer_start(&k->watch, on_watch, WATCH_MS, WATCH_MS);
	send_jobs(k);
}

/* What was asked in a turn leaves together. */
void keys_process_turn(uv_prepare_t *turn)
{
	(void)uv_prepare_stop(turn);
	pump((struct keys_client *)turn->data);
}

/* ---------------------------------------------------------------- modules */

static int add_module(struct keys_client *k, const char *path, bool *fresh)
{
	*fresh = false;
	for (size_t i = 0; i < k->n_modules; i++)
		if (strcmp(k->modules[i], path) == 0)
			return 0;
	if (k->n_modules == TOKEN_MODULES_MAX)
		return -ERR_LIMIT;
	(void)snprintf(k->modules[k->n_modules++], sizeof k->modules[0], "%s", path);
	*fresh = true;
	return 0;
}

/* Modules come before the walls: with a new one the process starts again. */
int keys_process_module(struct keys_client *k, const char *path)
{
	bool fresh;
	int rc = add_module(k, path, &fresh);

	if (rc == 0 && fresh)
		keys_process_kill(k);
	return rc;
}

static void module_of(struct keys_client *k, const char *key_id)
{
	char path[PKI_PATH_MAX];
	auto_blob text = {0};
	struct key_uri u;
	const char *why;
	bool fresh;

	if (pki_path(k->dir, PKI_KEY_URI, key_id, path) < 0 ||
		store_file_read(path, KEY_URI_MAX, &text) < 0)
		return;
	text.p[strcspn((const char *)text.p, "\r\n")] = '\0';
	if (key_uri_parse((const char *)text.p, &u, &why) < 0 ||
		add_module(k, u.module, &fresh) < 0)
		log_err(&k->log, "keys.uri.refused", "key=%s", key_id);
}

void keys_process_find_modules(struct keys_client *k)
{
	char folder[PKI_PATH_MAX], id[PKI_PATH_MAX];
	struct dirent *e;
	DIR *d;

	if (pki_folder(k->dir, PKI_KEY_URI, folder) < 0)
		return;
	d = opendir(folder);
	while (d && (e = readdir(d)) != NULL)
		if (pki_name_of(PKI_KEY_URI, e->d_name, id))
			module_of(k, id);
	if (d)
		(void)closedir(d);
}

/* ---------------------------------------------------------------- life */

/* Beside this program, or where the build puts it. */
static void find_program(char out[512])
{
	static const char *const places[] = {"tandem-keys", "../keys/tandem-keys"};
	char self[400] = "";
	const char *folder;

	if (readlink("/proc/self/exe", self, sizeof self - 1) <= 0)
		self[0] = '\0';
	folder = dirname(self);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		(void)snprintf(out, 512, "%s/%s", folder, places[i]);
		if (access(out, X_OK) == 0)
			return;
	}
	(void)snprintf(out, 512, "%s/%s", folder, places[0]);
}

int keys_client_init(struct keys_client *k, uv_loop_t *loop, const char *dir, const char *program,
	const char *user)
{
	k->loop = loop;
	k->dir = dir;
	k->user = user;
	k->fd = -1;
	list_init(&k->jobs);
	list_init(&k->sent);
	list_init(&k->ended);
	list_init(&k->asked);
	if (program)
		(void)snprintf(k->program, sizeof k->program, "%s", program);
	else
		find_program(k->program);
	if (uv_timer_init(loop, &k->watch) != 0 || uv_idle_init(loop, &k->soon) != 0 ||
		uv_prepare_init(loop, &k->turn) != 0)
		return -ERR_IO;
	k->watch.data = k->soon.data = k->turn.data = k;
	uv_unref((uv_handle_t *)&k->watch);
	return 0;
}

void keys_client_close(struct keys_client *k)
{
	if (!k->loop || k->closing)
		return;
	k->closing = true;
	keys_process_kill(k);
	fail_all(k, -ERR_IO);
	while (!list_is_empty(&k->ended))
		keys_job_end(k, list_item(k->ended.next, struct keys_job, link), -ERR_IO, NULL);
	uv_close((uv_handle_t *)&k->watch, NULL);
	uv_close((uv_handle_t *)&k->soon, NULL);
	uv_close((uv_handle_t *)&k->turn, NULL);
}
