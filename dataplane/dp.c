#include "dp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "node/neighbour.h"
#include "qsbr.h"

enum { EVENTS = 16, TICK_MS = 5 };

#define LEASE_HOLD_NS (UINT64_C(400) * 1000 * 1000) /* token + consensus */

uint64_t dp_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void dp_give_up(const struct dp *dp, const char *fmt, ...)
{
	char why[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	log_err(&dp->log, "dp.gave.up", "reason=\"%s\"", why);
	_exit(atomic_load(&dp->stop) ? 0 : DP_GAVE_UP);
}

static void os_random(void *ctx, void *out, size_t n)
{
	uint8_t *p = out;

	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno != EINTR)
			dp_give_up(ctx, "no random octets");
		if (got > 0) {
			p += got;
			n -= (size_t)got;
		}
	}
}

static int watch(const struct dp *dp, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	return fd >= 0 && epoll_ctl(dp->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -ERR_IO;
}

static int open_sockets(struct dp *dp, const struct dp_args *args)
{
	dp->epoll = epoll_create1(EPOLL_CLOEXEC);
	dp->sh.api_wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (dp->epoll < 0 || watch(dp, dp->sh.api_wake) < 0)
		return -ERR_IO;
	dp->listener = api_listen(args->socket, SOCK_STREAM);
	dp->punt_listener = api_listen(args->punt, SOCK_SEQPACKET);
	if (watch(dp, dp->listener) < 0 || watch(dp, dp->punt_listener) < 0) {
		log_err(&dp->log, "dp.socket", "socket=%s punt=%s errno=%d", args->socket,
			args->punt, errno);
		return -ERR_IO;
	}
	if (test_listen(dp, args->test) < 0 || (dp->test >= 0 && watch(dp, dp->test) < 0))
		return -ERR_IO;
	return 0;
}

static int init_shared(struct dp *dp, const struct dp_args *args)
{
	int rc = sad_init(&dp->sh.sad);

	if (rc < 0)
		return rc;
	rc = rg_ctl_init(dp);
	if (rc == 0)
		rc = await_ctl_init(dp);
	if (rc < 0)
		return rc;
	atomic_store(&dp->sh.lease_hold_ns, LEASE_HOLD_NS);
	dp->sh.neighbours = neighbours_new();
	dp->sh.qsbr = qsbr_new(WORKER_MAX);
	dp->engine = suite_engine_new(&dp->env);
	if (!dp->sh.neighbours || !dp->sh.qsbr || !dp->engine)
		return -ERR_NOMEM;
	rc = buffers_init(dp, args->packets, args->mtu);
	if (rc < 0)
		return rc;
	return crew_init(dp);
}

int dp_init(struct dp *dp, const struct dp_args *args)
{
	int rc;

	dp->env = (struct env){os_random, dp};
	dp->sh.env = &dp->env;
	dp->sh.flow_key[0] = env_random64(&dp->env);
	dp->sh.flow_key[1] = env_random64(&dp->env);
	dp->conn = dp->punt = dp->listener = dp->punt_listener = dp->epoll = -1;
	dp->sh.api_wake = dp->test = -1;
	dp->heartbeat_ms = 50;
	dp->lease_batch_ms = 10;
	list_init(&dp->out);
	list_init(&dp->replies);
	list_init(&dp->deferred);
	list_init(&dp->stalled);
	list_init(&dp->buried);
	for (uint32_t i = 0; i < WORKER_MAX; i++)
		list_init(&dp->overflow[i]);
	map_seed(&dp->env);
	rc = incarnation_begin(&dp->incarnation, args->state, &dp->env);
	if (rc < 0) {
		log_err(&dp->log, "dp.incarnation", "dir=%s reason=\"%s\"",
			args->state ? args->state : "none", err_text(rc));
		return rc;
	}
	dp->reserved = dp->incarnation.now;
	iv_pool_init(&dp->sh.ivs, dp->incarnation.now);
	rc = init_shared(dp, args);
	return rc < 0 ? rc : open_sockets(dp, args);
}

void dp_fini(struct dp *dp)
{
	api_close(dp);
	punt_close(dp);
	kernel_fini(dp);
	/* A thread we cannot wait for may use anything here. */
	if (dp->crew.hung || (dp->sh.qsbr && !plumb_down(dp))) {
		log_warn(&dp->log, "dp.stopped", "reason=\"without a worker that does not end\"");
		_exit(0);
	}
	child_drop_all(dp);
	await_ctl_fini(dp);
	crew_fini(dp);
	slot_index_fini(&dp->slots);
	rg_ctl_fini(dp);
	events_fini(dp);
	net_free(atomic_load(&dp->sh.net));
	neighbours_free(dp->sh.neighbours);
	qsbr_free(dp->sh.qsbr);
	buffers_fini(dp);
	suite_engine_free(dp->engine);
	if (dp->listener >= 0)
		(void)close(dp->listener);
	if (dp->punt_listener >= 0)
		(void)close(dp->punt_listener);
	if (dp->test >= 0)
		(void)close(dp->test);
	if (dp->sh.api_wake >= 0)
		(void)close(dp->sh.api_wake);
	if (dp->epoll >= 0)
		(void)close(dp->epoll);
}

/* The next incarnation is on disk long before the counter reaches it. */
static void reserve_ivs(struct dp *dp)
{
	if (!iv_pool_is_half(&dp->sh.ivs))
		return;
	if (incarnation_reserve(&dp->incarnation, dp->reserved, &dp->reserved) == 0)
		iv_pool_reserve(&dp->sh.ivs, dp->reserved);
	else
		log_err(&dp->log, "dp.incarnation", "reserved=%u", dp->reserved);
}

static void handle_fd(struct dp *dp, const struct epoll_event *e)
{
	uint64_t drained;
	int fd = e->data.fd;

	if (fd == dp->sh.api_wake) {
		(void)!read(fd, &drained, sizeof drained);
	} else if (fd == dp->listener) {
		api_accept(dp);
	} else if (fd == dp->punt_listener) {
		punt_accept(dp);
	} else if (fd == dp->punt) {
		punt_readable(dp);
	} else if (fd == dp->test) {
		test_readable(dp);
	} else if (fd == dp->conn) {
		if (e->events & EPOLLOUT)
			api_flush(dp);
		if (dp->conn == fd && e->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			api_readable(dp);
	} else {
		(void)kernel_readable(dp, fd);
	}
}

static bool rings_have_work(const struct dp *dp)
{
	for (uint32_t i = 0; i < dp->sh.n_workers; i++) {
		const struct worker *w = dp->sh.workers[i];

		if (!ring_is_empty(&w->done) || !ring_is_empty(&w->notes) ||
			!ring_is_empty(&w->punt))
			return true;
	}
	return false;
}

/* Grace periods last microseconds: look again soon while one is under way. */
static int wait_events(struct dp *dp, struct epoll_event *ev)
{
	uint64_t now = dp_now(), due = MIN(dp->next_timer_ns, events_due(dp));
	struct timespec t = {0};
	int n;

	if (!list_is_empty(&dp->deferred))
		due = MIN(due, now + UINT64_C(50000));
	if (due > now && !dp->again)
		t = (struct timespec){
			(time_t)((due - now) / 1000000000u), (long)((due - now) % 1000000000u)};
	dp->again = false;
	atomic_store(&dp->sh.api_sleeps, true);
	atomic_thread_fence(memory_order_seq_cst);
	if (rings_have_work(dp))
		t = (struct timespec){0};
	n = epoll_pwait2(dp->epoll, ev, EVENTS, &t, NULL);
	atomic_store(&dp->sh.api_sleeps, false);
	return n;
}

static void step_timers(struct dp *dp)
{
	uint64_t now = dp_now();

	if (now < dp->next_timer_ns)
		return;
	dp->next_timer_ns = now + TICK_MS * UINT64_C(1000000);
	rg_ctl_step(dp, now);
	fabric_step(dp, now);
	probe_step(dp, now);
	plumb_links(dp, now);
	buffers_step(dp);
	reserve_ivs(dp);
}

int dp_run(struct dp *dp)
{
	struct epoll_event ev[EVENTS];

	while (!atomic_load(&dp->stop)) {
		int n = wait_events(dp, ev);

		for (int i = 0; i < n; i++)
			handle_fd(dp, &ev[i]);
		dp_order_step(dp);
		dp_defer_step(dp);
		api_stalled_step(dp);
		crew_step(dp, dp_now());
		api_stalled_step(dp);
		events_step(dp, dp_now());
		punt_step(dp);
		step_timers(dp);
		api_flush(dp);
	}
	return 0;
}
