/* The generated initialisers cast constant strings. */
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/client.h"
#include "frame.h"

/* A daemon that takes one request and answers with the octets it was given, in small pieces. */
struct fake {
	int listener;
	char dir[64], path[108];
	struct blob answer;
	size_t piece;
	pthread_t thread;
	uint32_t asked; /* the command of the request */
};

static void read_request(struct fake *f, int fd)
{
	struct view message = {0};
	struct frame_in in;
	uint8_t buf[4096];
	ssize_t n = 1;

	frame_in_init(&in, FRAME_MAX_DEFAULT);
	while (n > 0 && frame_in_next(&in, &message) == 0) {
		n = recv(fd, buf, sizeof buf, 0);
		if (n > 0 && frame_in_push(&in, view_of(buf, (size_t)n)) < 0)
			n = 0;
	}
	Ctl__Request *r = n > 0 ? ctl__request__unpack(NULL, message.n, message.p) : NULL;
	if (r) {
		f->asked = (uint32_t)r->command_case;
		ctl__request__free_unpacked(r, NULL);
	}
	frame_in_fini(&in);
}

static void *serve(void *arg)
{
	struct fake *f = arg;
	int fd = accept(f->listener, NULL, NULL);

	if (fd < 0)
		return NULL;
	read_request(f, fd);
	for (size_t at = 0; at < f->answer.n; at += f->piece)
		if (send(fd, f->answer.p + at, MIN(f->piece, f->answer.n - at), MSG_NOSIGNAL) < 0)
			break;
	(void)close(fd);
	return NULL;
}

static void fake_start(struct fake *f, size_t piece)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	(void)snprintf(f->dir, sizeof f->dir, "/tmp/tandem-cli-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof f->path, "%s/s", f->dir);
	memcpy(at.sun_path, f->path, strlen(f->path));
	f->piece = piece;
	f->asked = 0;
	f->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(f->listener, 1), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
}

static void fake_stop(struct fake *f)
{
	(void)pthread_join(f->thread, NULL);
	(void)close(f->listener);
	(void)unlink(f->path);
	(void)rmdir(f->dir);
	blob_fini(&f->answer);
}

static void add_part(struct fake *f, int32_t node, bool more)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__Done done = CTL__DONE__INIT;
	auto_blob packed = {0};

	r.node = node;
	r.more = more;
	r.body_case = CTL__RESPONSE__BODY_DONE;
	r.done = &done;
	assert_int_equal(frame_pack(&r.base, &packed), 0);
	assert_int_equal(blob_append(&f->answer, blob_view(&packed)), 0);
}

static int sum_nodes(void *ctx, const Ctl__Response *r)
{
	*(int *)ctx += r->node;
	return 0;
}

static int ask(struct fake *f, client_part_fn *part, void *ctx)
{
	Ctl__Request r = CTL__REQUEST__INIT;
	Ctl__ShowVersion v = CTL__SHOW_VERSION__INIT;

	r.command_case = CTL__REQUEST__COMMAND_SHOW_VERSION;
	r.show_version = &v;
	return client_ask(f->path, &r, part, ctx);
}

static void client_takes_parts(void **state)
{
	static const size_t pieces[] = {1, 3, 7, 4096};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct fake f = {.answer = {0}};
		int sum = 0;

		add_part(&f, 1, true);
		add_part(&f, 10, true);
		add_part(&f, 100, false);
		add_part(&f, 1000, false); /* behind the last: not ours */
		fake_start(&f, pieces[i]);
		assert_int_equal(ask(&f, sum_nodes, &sum), 0);
		fake_stop(&f);
		assert_int_equal(sum, 111);
		assert_int_equal(f.asked, CTL__REQUEST__COMMAND_SHOW_VERSION);
	}
}

static int stop_at_once(void *ctx, const Ctl__Response *r)
{
	(void)ctx;
	(void)r;
	return -ERR_WRONG_STATE;
}

static void client_reports_failures(void **state)
{
	struct fake cut = {.answer = {0}}, wrong = {.answer = {0}}, stopped = {.answer = {0}};
	struct fake gone = {.path = "/tmp/tandem-cli-none/s"};
	int sum = 0;

	(void)state;
	assert_int_equal(ask(&gone, sum_nodes, &sum), -ERR_NOT_FOUND);
	add_part(&cut, 1, true);
	fake_start(&cut, 4096);
	assert_int_equal(ask(&cut, sum_nodes, &sum), -ERR_IO);
	fake_stop(&cut);
	assert_int_equal(blob_copy(view_of_literal("\0\0\0\3\xff\xff\xff"), &wrong.answer), 0);
	fake_start(&wrong, 4096);
	assert_int_equal(ask(&wrong, sum_nodes, &sum), -ERR_SYNTAX);
	fake_stop(&wrong);
	add_part(&stopped, 1, true);
	fake_start(&stopped, 4096);
	assert_int_equal(ask(&stopped, stop_at_once, NULL), -ERR_WRONG_STATE);
	fake_stop(&stopped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_takes_parts),
		cmocka_unit_test(client_reports_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
