#include "host/pki_io.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/* ---------------------------------------------------------------- sockets and time */

struct watched {
	struct list link;
	uv_poll_t poll;
	struct pki_io *io;
	int fd;
};

static void watched_freed(uv_handle_t *h)
{
	free(container_of((uv_poll_t *)h, struct watched, poll));
}

static void watched_end(struct watched *w)
{
	list_del(&w->link);
	(void)uv_poll_stop(&w->poll);
	uv_close((uv_handle_t *)&w->poll, watched_freed);
}

static struct watched *watched_find(struct pki_io *io, int fd)
{
	struct watched *w;

	list_foreach (w, &io->polls, link)
		if (w->fd == fd)
			return w;
	return NULL;
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	struct watched *w = container_of(p, struct watched, poll);
	int what = 0;

	/* An error shows itself when the socket is used. */
	if (status < 0 || (events & UV_READABLE))
		what |= FETCH_READ;
	if (status < 0 || (events & UV_WRITABLE))
		what |= FETCH_WRITE;
	fetch_on_socket(w->io->fetch, w->fd, what);
}

static void do_watch(void *ctx, int fd, int events)
{
	struct pki_io *io = (struct pki_io *)ctx;
	struct watched *w = watched_find(io, fd);
	int what = 0;

	if (events == 0) {
		if (w)
			watched_end(w);
		return;
	}
	if (!w) {
		w = calloc(1, sizeof *w);
		if (!w || uv_poll_init(io->loop, &w->poll, fd) != 0) {
			free(w); /* it ends with its time */
			return;
		}
		w->io = io;
		w->fd = fd;
		list_add_tail(&io->polls, &w->link);
	}
	if (events & FETCH_READ)
		what |= UV_READABLE;
	if (events & FETCH_WRITE)
		what |= UV_WRITABLE;
	(void)uv_poll_start(&w->poll, what, on_poll);
}

static void on_timer(uv_timer_t *t)
{
	fetch_on_timer(((struct pki_io *)t->data)->fetch);
}

static void do_timer(void *ctx, long ms)
{
	struct pki_io *io = (struct pki_io *)ctx;

	if (ms < 0)
		(void)uv_timer_stop(io->timer);
	else
		(void)uv_timer_start(io->timer, on_timer, (uint64_t)ms, 0);
}

/* ---------------------------------------------------------------- threads for ldap */

struct ldap {
	struct list link;
	struct pki_io *io;
	uv_thread_t thread;
	uv_async_t over;
	struct fetch_ask ask; /* texts are copies */
	char *url, *password;
	struct blob body;
	char why[FETCH_WHY_MAX];
	int rc;
	fetch_done_fn *done;
	void *ctx;
};

static void ldap_free(struct ldap *l)
{
	free(l->url);
	if (l->password)
		secret_wipe(l->password, strlen(l->password));
	free(l->password);
	blob_fini(&l->body);
	free(l);
}

static void ldap_freed(uv_handle_t *h)
{
	ldap_free(container_of((uv_async_t *)h, struct ldap, over));
}

static void ldap_run(void *arg)
{
	struct ldap *l = (struct ldap *)arg;

	l->rc = fetch_wait(&l->ask, &l->io->stop, &l->body, l->why);
	(void)uv_async_send(&l->over);
}

static void ldap_end(struct ldap *l)
{
	(void)uv_thread_join(&l->thread);
	list_del(&l->link);
	l->io->n_ldaps--;
	uv_close((uv_handle_t *)&l->over, ldap_freed);
}

static void on_ldap_over(uv_async_t *a)
{
	struct ldap *l = container_of(a, struct ldap, over);

	ldap_end(l);
	l->done(l->ctx, l->rc, blob_view(&l->body), l->why);
}

static int ldap_start(
	struct pki_io *io, const struct fetch_ask *ask, fetch_done_fn *done, void *ctx)
{
	struct ldap *l = io->n_ldaps < PKI_IO_LDAP_MAX ? calloc(1, sizeof *l) : NULL;

	if (!l)
		return -ERR_LIMIT;
	l->io = io;
	l->done = done;
	l->ctx = ctx;
	l->ask = *ask;
	l->ask.url = l->url = strdup(ask->url);
	l->ask.password = l->password = ask->password ? strdup(ask->password) : NULL;
	if (!l->url || (ask->password && !l->password) ||
		uv_async_init(io->loop, &l->over, on_ldap_over) != 0) {
		ldap_free(l);
		return -ERR_NOMEM;
	}
	if (uv_thread_create(&l->thread, ldap_run, l) != 0) {
		uv_close((uv_handle_t *)&l->over, ldap_freed);
		return -ERR_NOMEM;
	}
	list_add_tail(&io->ldaps, &l->link);
	io->n_ldaps++;
	return 0;
}

/* ---------------------------------------------------------------- life */

int pki_io_get(struct pki_io *io, const struct fetch_ask *ask, fetch_done_fn *done, void *ctx)
{
	return fetch_is_ldap(ask->url) ? ldap_start(io, ask, done, ctx)
				       : fetch_start(io->fetch, ask, done, ctx);
}

int pki_io_init(struct pki_io *io, uv_loop_t *loop)
{
	const struct fetch_ops ops = {io, do_watch, do_timer};
	uv_timer_t *timer = calloc(1, sizeof *timer);

	*io = (struct pki_io){0};
	if (!timer || uv_timer_init(loop, timer) != 0) {
		free(timer);
		return -ERR_NOMEM;
	}
	io->loop = loop;
	io->timer = timer;
	timer->data = io;
	list_init(&io->polls);
	list_init(&io->ldaps);
	return fetch_new(&ops, &io->fetch);
}

static void timer_freed(uv_handle_t *h)
{
	free(h);
}

void pki_io_fini(struct pki_io *io)
{
	struct watched *w, *w_next;
	struct ldap *l, *l_next;

	if (!io->loop)
		return;
	__atomic_store_n(&io->stop, 1, __ATOMIC_RELAXED);
	list_foreach_safe (l, l_next, &io->ldaps, link)
		ldap_end(l);
	fetch_free(io->fetch);
	list_foreach_safe (w, w_next, &io->polls, link)
		watched_end(w);
	uv_close((uv_handle_t *)io->timer, timer_freed);
	*io = (struct pki_io){0};
}
