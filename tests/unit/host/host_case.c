#include "host_case.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TURN_MS = 2, BOUND_NS = 1000000000 };

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

int host_setup(void **state)
{
	struct host_case *h = calloc(1, sizeof *h);

	if (!h || uv_loop_init(&h->loop) != 0)
		return -1;
	(void)snprintf(h->dir, sizeof h->dir, "/tmp/tandem-host-XXXXXX");
	if (!mkdtemp(h->dir))
		return -1;
	(void)snprintf(h->path, sizeof h->path, "%s/x", h->dir);
	(void)signal(SIGPIPE, SIG_IGN); /* as tandemd does */
	*state = h;
	return 0;
}

static void count_open(uv_handle_t *handle, void *n)
{
	*(int *)n += !uv_is_closing(handle);
}

int host_teardown(void **state)
{
	struct host_case *h = *state;
	int open = 0, rc;

	uv_walk(&h->loop, count_open, &open);
	(void)uv_run(&h->loop, open ? UV_RUN_NOWAIT : UV_RUN_DEFAULT);
	rc = uv_loop_close(&h->loop);
	(void)nftw(h->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(h);
	return open == 0 && rc == 0 ? 0 : -1;
}

/* ---------------------------------------------------------------- waiting */

void host_turn(struct host_case *h)
{
	struct pollfd p = {.fd = uv_backend_fd(&h->loop), .events = POLLIN};

	(void)uv_run(&h->loop, UV_RUN_NOWAIT);
	if (uv_backend_timeout(&h->loop) != 0)
		(void)poll(&p, 1, TURN_MS);
}

void host_wait(struct host_case *h, bool (*is_so)(void *ctx), void *ctx)
{
	uint64_t end = uv_hrtime() + 20ull * BOUND_NS;

	while (!is_so(ctx)) {
		if (uv_hrtime() > end)
			fail_msg("waited in vain");
		host_turn(h);
	}
}

void host_settle(struct host_case *h)
{
	for (int i = 0; i < 3; i++)
		(void)uv_run(&h->loop, UV_RUN_NOWAIT);
}

/* ---------------------------------------------------------------- sockets */

static struct sockaddr_un name_of(const struct host_case *h)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	memcpy(sa.sun_path, h->path, sizeof sa.sun_path);
	return sa;
}

int host_listen(struct host_case *h, int type)
{
	const struct sockaddr_un sa = name_of(h);
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);

	(void)unlink(h->path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

int host_connect(struct host_case *h, int type)
{
	const struct sockaddr_un sa = name_of(h);
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, sizeof sa), 0);
	return fd;
}

struct accepting {
	int listener, fd;
};

static bool has_accepted(void *ctx)
{
	struct accepting *a = (struct accepting *)ctx;

	a->fd = accept4(a->listener, NULL, NULL, SOCK_NONBLOCK);
	return a->fd >= 0;
}

int host_accept(struct host_case *h, int listener)
{
	struct accepting a = {listener, -1};

	host_wait(h, has_accepted, &a);
	return a.fd;
}

struct sending {
	int fd;
	struct view rest;
};

static bool has_sent(void *ctx)
{
	struct sending *s = (struct sending *)ctx;
	ssize_t n = send(s->fd, s->rest.p, s->rest.n, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return true; /* the daemon closed: the test sees that where it matters */
	if (n > 0)
		s->rest = view_of(s->rest.p + n, s->rest.n - (size_t)n);
	return s->rest.n == 0;
}

void host_send(struct host_case *h, int fd, struct view octets)
{
	struct sending s = {fd, octets};

	host_wait(h, has_sent, &s);
}

void host_send_message(struct host_case *h, int fd, const ProtobufCMessage *m)
{
	auto_blob b = {0};

	assert_int_equal(frame_pack(m, &b), 0);
	host_send(h, fd, blob_view(&b));
}

struct receiving {
	int fd;
	struct frame_in *in;
	struct view message;
};

static bool has_received(void *ctx)
{
	struct receiving *r = (struct receiving *)ctx;
	uint8_t buf[65536];
	ssize_t n;

	if (frame_in_next(r->in, &r->message) > 0)
		return true;
	n = recv(r->fd, buf, sizeof buf, 0);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		return true;
	if (n > 0)
		assert_int_equal(frame_in_push(r->in, view_of(buf, (size_t)n)), 0);
	return frame_in_next(r->in, &r->message) > 0;
}

struct view host_receive(struct host_case *h, int fd, struct frame_in *in)
{
	struct receiving r = {fd, in, {0}};

	host_wait(h, has_received, &r);
	return r.message;
}

static bool has_closed(void *ctx)
{
	uint8_t buf[4096];
	ssize_t n = recv(*(int *)ctx, buf, sizeof buf, 0);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

bool host_is_closed(struct host_case *h, int fd)
{
	host_wait(h, has_closed, &fd);
	return true;
}
