#include "host/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "host/clock.h"
#include "host/daemon.h"
#include "ike/names.h"

#define TICK_MS	       500
#define REFRESH_MS     60000
#define FAILED_MS      2000 /* doubling, up to the refresh */
#define ASKED_LEAST_MS 2000
#define AT_ONCE	       4
#define TEXT_MAX       400

struct resolver_name {
	struct list link;
	uint64_t due_ms, asked_ms;
	bool listed, busy;
	unsigned failures;
	char *host;
};

/* One lookup. The thread's until it is done, then the loop's. */
struct lookup {
	struct lookup *next;
	struct resolver_shared *shared;
	char *host;
	int rc; /* of getaddrinfo() */
	size_t n;
	struct addr v[NAME_ADDRESSES_MAX];
};

/* Between the loop and the threads; the last of them frees it. */
struct resolver_shared {
	pthread_mutex_t lock;
	struct lookup *done;
	uv_async_t *over; /* NULL: nobody waits any more */
	unsigned refs;
};

/* ---------------------------------------------------------------- threads */

static void lookup_free(struct lookup *l)
{
	free(l->host);
	free(l);
}

/* Gives the lock back. */
static void shared_unref(struct resolver_shared *s)
{
	bool last = --s->refs == 0;
	struct lookup *l = last ? s->done : NULL, *next;

	(void)pthread_mutex_unlock(&s->lock);
	for (; l; l = next) {
		next = l->next;
		lookup_free(l);
	}
	if (last) {
		(void)pthread_mutex_destroy(&s->lock);
		free(s);
	}
}

static struct view octets(const struct addrinfo *i)
{
	const void *at = i->ai_addr;

	if (i->ai_family == AF_INET)
		return view_of(&((const struct sockaddr_in *)at)->sin_addr, 4);
	if (i->ai_family == AF_INET6)
		return view_of(&((const struct sockaddr_in6 *)at)->sin6_addr, 16);
	return (struct view){0};
}

static void take(struct lookup *l, const struct addrinfo *all)
{
	for (const struct addrinfo *i = all; i && l->n < NAME_ADDRESSES_MAX; i = i->ai_next) {
		struct addr a;
		bool known = false;

		if (addr_from_view(octets(i), &a) < 0)
			continue;
		for (size_t k = 0; k < l->n; k++)
			known |= addr_equal(&l->v[k], &a);
		if (!known)
			l->v[l->n++] = a;
	}
}

/* Not by what the kernel has addresses for (AI_ADDRCONFIG): the dataplane's are others. */
static void *lookup_run(void *arg)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	struct lookup *l = (struct lookup *)arg;
	struct resolver_shared *s = l->shared;
	struct addrinfo *all = NULL;

	l->rc = getaddrinfo(l->host, NULL, &hints, &all);
	if (l->rc == 0)
		take(l, all);
	if (all)
		freeaddrinfo(all);
	(void)pthread_mutex_lock(&s->lock);
	l->next = s->done;
	s->done = l;
	if (s->over)
		(void)uv_async_send(s->over);
	shared_unref(s);
	return NULL;
}

static int lookup_start(struct resolver *r, const char *host)
{
	struct lookup *l = calloc(1, sizeof *l);
	pthread_attr_t detached;
	pthread_t thread;
	int rc = -1;

	if (l)
		l->host = strdup(host);
	if (!l || !l->host) {
		free(l);
		return -ERR_NOMEM;
	}
	l->shared = r->shared;
	(void)pthread_mutex_lock(&r->shared->lock);
	r->shared->refs++;
	(void)pthread_mutex_unlock(&r->shared->lock);
	if (pthread_attr_init(&detached) == 0) {
		(void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
		rc = pthread_create(&thread, &detached, lookup_run, l);
		(void)pthread_attr_destroy(&detached);
	}
	if (rc == 0) {
		r->running++;
		return 0;
	}
	lookup_free(l);
	(void)pthread_mutex_lock(&r->shared->lock);
	shared_unref(r->shared);
	return -ERR_NOMEM;
}

/* ---------------------------------------------------------------- what came */

static struct resolver_name *name_find(struct resolver *r, const char *host)
{
	struct resolver_name *n;

	list_foreach (n, &r->names, link)
		if (strcmp(n->host, host) == 0)
			return n;
	return NULL;
}

static void failed(const struct resolver *r, struct resolver_name *n, const struct lookup *l)
{
	uint64_t wait = REFRESH_MS;

	if (n->failures < 5)
		wait = MIN((uint64_t)FAILED_MS << n->failures, (uint64_t)REFRESH_MS);
	if (n->failures++ == 0)
		log_warn(&r->d->log, "name.failed", "host=%s reason=\"%s\"", n->host,
			l->rc != 0 ? gai_strerror(l->rc) : "it has no address");
	n->due_ms = clock_boot_ms() + wait;
}

static void resolved(struct resolver *r, struct resolver_name *n, const struct lookup *l)
{
	struct ike_event ev = {.type = IKE_EV_RESOLVED};
	char text[TEXT_MAX] = "", one[ADDR_TEXT_MAX];
	size_t at = 0;

	for (size_t i = 0; i < l->n && at < sizeof text; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? "," : "",
			addr_text(&l->v[i], one));
	if (n->failures != 0 || n->due_ms == 0)
		log_info(&r->d->log, "name.resolved", "host=%s addresses=%s", n->host, text);
	n->failures = 0;
	n->due_ms = clock_boot_ms() + REFRESH_MS;
	ev.resolved.host = n->host;
	ev.resolved.v = l->v;
	ev.resolved.n = l->n;
	runner_feed(&r->d->runner, &ev);
}

static void on_over(uv_async_t *a)
{
	struct resolver *r = (struct resolver *)a->data;
	struct resolver_shared *s = r->shared;
	struct lookup *l, *next;

	if (!s)
		return;
	(void)pthread_mutex_lock(&s->lock);
	l = s->done;
	s->done = NULL;
	(void)pthread_mutex_unlock(&s->lock);
	for (; l; l = next) {
		struct resolver_name *n = name_find(r, l->host);

		next = l->next;
		r->running--;
		if (n) {
			n->busy = false;
			if (l->rc == 0 && l->n != 0)
				resolved(r, n, l);
			else
				failed(r, n, l);
		}
		lookup_free(l);
	}
	work_drain(&r->d->work, r->d);
}

/* ---------------------------------------------------------------- when */

static void on_tick(uv_timer_t *t)
{
	struct resolver *r = (struct resolver *)t->data;
	uint64_t now = clock_boot_ms();
	struct resolver_name *n;

	list_foreach (n, &r->names, link) {
		if (n->busy || now < n->due_ms || r->running >= AT_ONCE)
			continue;
		n->asked_ms = now;
		n->busy = lookup_start(r, n->host) == 0;
	}
}

void resolver_ask(struct resolver *r, const char *host)
{
	struct resolver_name *n = name_find(r, host);

	if (n && !n->busy && n->due_ms != 0)
		n->due_ms = MIN(n->due_ms, n->asked_ms + ASKED_LEAST_MS);
}

/* ---------------------------------------------------------------- life */

static void name_free(struct resolver_name *n)
{
	list_del(&n->link);
	free(n->host);
	free(n);
}

static void name_add(struct resolver *r, const char *host)
{
	struct resolver_name *n = name_find(r, host);

	if (!n) {
		n = calloc(1, sizeof *n);
		if (n)
			n->host = strdup(host);
		if (!n || !n->host) {
			free(n);
			return; /* with the next configuration */
		}
		list_add_tail(&r->names, &n->link);
	}
	n->listed = true;
}

void resolver_configure(struct resolver *r)
{
	const struct model *m = r->d->model;
	struct resolver_name *n, *next;

	list_foreach (n, &r->names, link)
		n->listed = false;
	for (uint32_t i = 0; i < m->n_gateways; i++)
		for (uint32_t k = 0; k < m->gateways[i].n_peers; k++)
			if (m->gateways[i].peers[k].addr.family == 0)
				name_add(r, m->gateways[i].peers[k].host);
	list_foreach_safe (n, next, &r->names, link)
		if (!n->listed)
			name_free(n);
	if (!list_is_empty(&r->names))
		(void)uv_timer_start(&r->tick, on_tick, 0, TICK_MS);
	else
		(void)uv_timer_stop(&r->tick);
}

int resolver_init(struct resolver *r, struct daemon *d)
{
	struct resolver_shared *s = calloc(1, sizeof *s);
	uv_async_t *over = calloc(1, sizeof *over);

	*r = (struct resolver){.d = d};
	list_init(&r->names);
	if (!s || !over || pthread_mutex_init(&s->lock, NULL) != 0 ||
		uv_async_init(&d->loop, over, on_over) != 0) {
		free(s);
		free(over);
		return -ERR_NOMEM;
	}
	over->data = r;
	s->over = over;
	s->refs = 1;
	r->shared = s;
	(void)uv_timer_init(&d->loop, &r->tick);
	r->tick.data = r;
	resolver_configure(r);
	return 0;
}

static void over_freed(uv_handle_t *h)
{
	free(h);
}

void resolver_fini(struct resolver *r)
{
	struct resolver_shared *s = r->shared;
	struct resolver_name *n, *next;

	if (!s)
		return;
	(void)pthread_mutex_lock(&s->lock);
	uv_close((uv_handle_t *)s->over, over_freed);
	s->over = NULL;
	r->shared = NULL;
	shared_unref(s);
	uv_close((uv_handle_t *)&r->tick, NULL);
	list_foreach_safe (n, next, &r->names, link)
		name_free(n);
}
