/* The generated initialisers cast constant strings. */
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "host_case.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/calls.h"
#include "host/ctl_server.h"

/*
 * A handler for every kind of answer: Failover answers with its group as count at once, ShowIke is
 * kept for later, ShowInterfaces gets two parts and an end, Reload fails, ShowVersion gets a text
 * of many octets, anything else says that it is nothing.
 */
struct operator_case {
	struct host_case *h;
	struct ctl_server s;
	struct ctl_call *later;
	uint64_t handled, awaited;
	char *long_text;
};

enum { LONG_TEXT = 16384 };

static void send_part(struct ctl_call *call, bool is_last)
{
	Ctl__Response r = CTL__RESPONSE__INIT;

	r.node = 3;
	if (is_last)
		ctl_end(call, &r);
	else
		ctl_part(call, &r);
}

static void handle(void *ctx, const Ctl__Request *q, struct ctl_call *call)
{
	struct operator_case *o = (struct operator_case *)ctx;

	o->handled++;
	if (q->command_case == CTL__REQUEST__COMMAND_FAILOVER) {
		ctl_done(call, 1, "", q->failover->group);
	} else if (q->command_case == CTL__REQUEST__COMMAND_SHOW_IKE) {
		assert_null(o->later);
		o->later = call;
	} else if (q->command_case == CTL__REQUEST__COMMAND_SHOW_INTERFACES) {
		send_part(call, false);
		send_part(call, false);
		send_part(call, true);
	} else if (q->command_case == CTL__REQUEST__COMMAND_RELOAD) {
		ctl_fail(call, "line %d: %s", 7, "no");
	} else if (q->command_case == CTL__REQUEST__COMMAND_SHOW_VERSION) {
		ctl_done(call, -1, o->long_text, 0);
	} else {
		ctl_fail(call, "nothing");
	}
}

static void begin(struct operator_case *o, struct host_case *h)
{
	*o = (struct operator_case){.h = h, .long_text = calloc(1, LONG_TEXT + 1)};
	assert_non_null(o->long_text);
	memset(o->long_text, 'v', LONG_TEXT);
	assert_int_equal(ctl_server_init(&o->s, &h->loop, h->path, handle, o), 0);
}

static bool has_connections(void *ctx)
{
	const struct operator_case *o = (const struct operator_case *)ctx;

	return o->s.connections == o->awaited;
}

static void wait_connections(struct operator_case *o, uint64_t n)
{
	o->awaited = n;
	host_wait(o->h, has_connections, o);
}

static bool has_handled(void *ctx)
{
	const struct operator_case *o = (const struct operator_case *)ctx;

	return o->handled == o->awaited;
}

static void wait_handled(struct operator_case *o, uint64_t n)
{
	o->awaited = n;
	host_wait(o->h, has_handled, o);
}

static void end(struct operator_case *o)
{
	ctl_server_close(&o->s);
	wait_connections(o, 0);
	host_settle(o->h);
	free(o->long_text);
}

/* ---------------------------------------------------------------- requests and answers */

static void pack(struct blob *to, Ctl__Request *q)
{
	auto_blob b = {0};

	q->schema = 1;
	assert_int_equal(frame_pack(&q->base, &b), 0);
	assert_int_equal(blob_append(to, blob_view(&b)), 0);
}

static void pack_failover(struct blob *to, uint32_t group)
{
	Ctl__Request q = CTL__REQUEST__INIT;
	Ctl__Failover f = CTL__FAILOVER__INIT;

	f.group = group;
	q.command_case = CTL__REQUEST__COMMAND_FAILOVER;
	q.failover = &f;
	pack(to, &q);
}

static void pack_show_ike(struct blob *to)
{
	Ctl__Request q = CTL__REQUEST__INIT;
	Ctl__ShowIke s = CTL__SHOW_IKE__INIT;

	q.command_case = CTL__REQUEST__COMMAND_SHOW_IKE;
	q.show_ike = &s;
	pack(to, &q);
}

static void pack_show_interfaces(struct blob *to)
{
	Ctl__Request q = CTL__REQUEST__INIT;
	Ctl__ShowInterfaces s = CTL__SHOW_INTERFACES__INIT;

	q.command_case = CTL__REQUEST__COMMAND_SHOW_INTERFACES;
	q.show_interfaces = &s;
	pack(to, &q);
}

static void pack_show_version(struct blob *to)
{
	Ctl__Request q = CTL__REQUEST__INIT;
	Ctl__ShowVersion s = CTL__SHOW_VERSION__INIT;

	q.command_case = CTL__REQUEST__COMMAND_SHOW_VERSION;
	q.show_version = &s;
	pack(to, &q);
}

static void pack_reload(struct blob *to)
{
	Ctl__Request q = CTL__REQUEST__INIT;
	Ctl__Reload r = CTL__RELOAD__INIT;

	q.command_case = CTL__REQUEST__COMMAND_RELOAD;
	q.reload = &r;
	pack(to, &q);
}

struct client {
	struct operator_case *o;
	int fd;
	struct frame_in in;
};

static void client_open(struct client *c, struct operator_case *o)
{
	*c = (struct client){.o = o, .fd = host_connect(o->h, SOCK_STREAM)};
	frame_in_init(&c->in, FRAME_MAX_DEFAULT);
}

static void client_close(struct client *c)
{
	(void)close(c->fd);
	frame_in_fini(&c->in);
}

static void client_send(struct client *c, struct blob *packed)
{
	host_send(c->o->h, c->fd, blob_view(packed));
	blob_fini(packed);
}

/* The next response; owned by the caller. */
static Ctl__Response *client_receive(struct client *c)
{
	struct view m = host_receive(c->o->h, c->fd, &c->in);
	Ctl__Response *r = ctl__response__unpack(NULL, m.n, m.p);

	assert_non_null(r);
	assert_int_equal(r->schema, m.n == 0 ? 0 : 1);
	return r;
}

static void expect_done(struct client *c, uint32_t count)
{
	Ctl__Response *r = client_receive(c);

	assert_false(r->more);
	assert_int_equal(r->node, 1);
	assert_int_equal(r->body_case, CTL__RESPONSE__BODY_DONE);
	assert_int_equal(r->done->count, count);
	ctl__response__free_unpacked(r, NULL);
}

static void expect_error(struct client *c, const char *text)
{
	Ctl__Response *r = client_receive(c);

	assert_false(r->more);
	assert_int_equal(r->body_case, CTL__RESPONSE__BODY_ERROR);
	assert_string_equal(r->error->text, text);
	ctl__response__free_unpacked(r, NULL);
}

static void expect_part(struct client *c, bool more)
{
	Ctl__Response *r = client_receive(c);

	assert_int_equal(r->more, more);
	assert_int_equal(r->node, 3);
	ctl__response__free_unpacked(r, NULL);
}

/* ---------------------------------------------------------------- stories */

static void ctl_server_answers_one_after_the_other(void **state)
{
	struct operator_case o;
	struct client c;
	struct blob q = {0};

	begin(&o, *state);
	client_open(&c, &o);
	for (uint32_t i = 0; i < 5; i++) {
		pack_failover(&q, i);
		client_send(&c, &q);
		expect_done(&c, i);
	}
	pack_reload(&q);
	client_send(&c, &q);
	expect_error(&c, "line 7: no");
	client_close(&c);
	end(&o);
}

static void ctl_server_keeps_the_order_of_requests_sent_ahead(void **state)
{
	struct operator_case o;
	struct client c;
	struct blob q = {0};

	begin(&o, *state);
	client_open(&c, &o);
	pack_failover(&q, 1);
	pack_show_interfaces(&q);
	pack_show_ike(&q);
	client_send(&c, &q);
	expect_done(&c, 1);
	expect_part(&c, true);
	expect_part(&c, true);
	expect_part(&c, false);
	wait_handled(&o, 3);
	pack_failover(&q, 2); /* waits for the third */
	client_send(&c, &q);
	host_settle(o.h);
	assert_int_equal(o.handled, 3);
	ctl_done(o.later, 1, "", 77);
	expect_done(&c, 77);
	expect_done(&c, 2);
	client_close(&c);
	end(&o);
}

static void ctl_server_takes_requests_in_pieces(void **state)
{
	struct operator_case o;
	struct client c;
	struct blob q = {0};

	begin(&o, *state);
	client_open(&c, &o);
	pack_failover(&q, 4711);
	pack_failover(&q, 4712);
	for (size_t i = 0; i < q.n; i++) {
		host_send(o.h, c.fd, view_of(q.p + i, 1));
		host_turn(o.h);
	}
	blob_fini(&q);
	expect_done(&c, 4711);
	expect_done(&c, 4712);
	client_close(&c);
	end(&o);
}

static void ctl_server_serves_many_clients_at_once(void **state)
{
	struct operator_case o;
	struct client slow, c[8];
	struct blob q = {0};

	begin(&o, *state);
	client_open(&slow, &o);
	pack_show_ike(&q);
	client_send(&slow, &q);
	for (uint32_t i = 0; i < ARRAY_LEN(c); i++) {
		client_open(&c[i], &o);
		pack_failover(&q, i);
		client_send(&c[i], &q);
	}
	for (uint32_t i = ARRAY_LEN(c); i-- > 0;) {
		expect_done(&c[i], i);
		client_close(&c[i]);
	}
	wait_connections(&o, 1);
	ctl_done(o.later, 1, "", 9);
	expect_done(&slow, 9);
	client_close(&slow);
	end(&o);
}

static void ctl_server_outlives_a_client_that_goes_away(void **state)
{
	struct operator_case o;
	struct client c;
	struct blob q = {0};

	begin(&o, *state);
	client_open(&c, &o);
	pack_show_ike(&q);
	pack_failover(&q, 1); /* never comes to its turn */
	client_send(&c, &q);
	wait_handled(&o, 1);
	client_close(&c);
	wait_connections(&o, 0);
	send_part(o.later, false);
	send_part(o.later, true);
	host_settle(o.h);
	assert_int_equal(o.handled, 1);
	end(&o);
}

static void ctl_server_outlives_one_that_goes_while_being_answered(void **state)
{
	struct operator_case o;
	struct client c;
	struct blob q = {0};

	begin(&o, *state);
	for (int i = 0; i < 20; i++) {
		client_open(&c, &o);
		for (int k = 0; k < 50; k++)
			pack_show_version(&q);
		client_send(&c, &q);
		for (int turns = 0; turns < i; turns++)
			(void)uv_run(&o.h->loop, UV_RUN_NOWAIT);
		client_close(&c);
	}
	wait_connections(&o, 0);
	end(&o);
}

/* ---------------------------------------------------------------- hostile clients */

static const struct {
	const char *name;
	const char *octets;
	size_t n;
} hostile[] = {
	{"not protobuf", "\0\0\0\5hello", 9},
	{"a length beyond the limit", "\0\x10\0\1", 4},
	{"a length without measure", "\xff\xff\xff\xff", 4},
	{"another protocol", "GET / HTTP/1.1\r\n\r\n", 18},
};

static void ctl_server_closes_on_garbage(void **state)
{
	struct operator_case o;
	struct client good, bad;
	struct blob q = {0};

	begin(&o, *state);
	client_open(&good, &o);
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		client_open(&bad, &o);
		host_send(o.h, bad.fd, view_of(hostile[i].octets, hostile[i].n));
		assert_true(host_is_closed(o.h, bad.fd));
		client_close(&bad);
	}
	assert_int_equal(o.handled, 0);
	pack_failover(&q, 5);
	client_send(&good, &q);
	expect_done(&good, 5);
	client_close(&good);
	end(&o);
}

/* An empty message is a request that asks nothing. */
static void ctl_server_answers_an_empty_request(void **state)
{
	struct operator_case o;
	struct client c;

	begin(&o, *state);
	client_open(&c, &o);
	host_send(o.h, c.fd, view_of("\0\0\0", 4));
	expect_error(&c, "nothing");
	client_close(&c);
	end(&o);
}

static void ctl_server_bounds_what_is_sent_ahead(void **state)
{
	struct operator_case o;
	struct client c;
	struct blob q = {0}, rest = {calloc(1, 3 << 20), 3 << 20};

	assert_non_null(rest.p);
	begin(&o, *state);
	client_open(&c, &o);
	pack_show_ike(&q);
	client_send(&c, &q);
	wait_handled(&o, 1);
	client_send(&c, &rest);
	assert_true(host_is_closed(o.h, c.fd));
	ctl_done(o.later, 1, "", 0);
	client_close(&c);
	end(&o);
}

/* Small requests, many of them in one piece: neither the stack nor memory grows with their number.
 */
static void ctl_server_answers_a_hundred_thousand_sent_ahead(void **state)
{
	enum { COUNT = 100000 };
	struct operator_case o;
	struct client c;
	struct blob q = {calloc(COUNT, 4), (size_t)COUNT * 4};

	assert_non_null(q.p);
	begin(&o, *state);
	client_open(&c, &o);
	client_send(&c, &q);
	for (int i = 0; i < COUNT; i++)
		expect_error(&c, "nothing");
	assert_int_equal(o.handled, COUNT);
	client_close(&c);
	end(&o);
}

/* Who does not read gets no more answers made, and all of them once it reads. */
static void ctl_server_waits_for_a_slow_reader(void **state)
{
	enum { COUNT = 2000 };
	struct operator_case o;
	struct client c;
	struct blob q = {0};
	size_t whole = 0;

	begin(&o, *state);
	client_open(&c, &o);
	for (int i = 0; i < COUNT; i++) {
		pack_show_version(&q);
		if (i % 5 == 4) {
			client_send(&c, &q);
			(void)uv_run(&o.h->loop, UV_RUN_NOWAIT);
		}
	}
	assert_true(o.handled < 200); /* what fits the socket's buffer, and one */
	for (int i = 0; i < COUNT; i++) {
		Ctl__Response *r = client_receive(&c);

		assert_int_equal(r->body_case, CTL__RESPONSE__BODY_DONE);
		whole += strlen(r->done->text);
		ctl__response__free_unpacked(r, NULL);
	}
	assert_int_equal(whole, (size_t)COUNT * LONG_TEXT);
	client_close(&c);
	end(&o);
}

static void ctl_server_bounds_connections(void **state)
{
	enum { MAX_ = 64 };
	struct operator_case o;
	struct client c[MAX_], more;
	struct blob q = {0};

	begin(&o, *state);
	for (uint32_t i = 0; i < MAX_; i++) {
		client_open(&c[i], &o);
		wait_connections(&o, i + 1);
	}
	client_open(&more, &o);
	assert_true(host_is_closed(o.h, more.fd));
	client_close(&more);
	client_close(&c[0]);
	wait_connections(&o, MAX_ - 1);
	client_open(&c[0], &o); /* a place is free again */
	pack_failover(&q, 6);
	client_send(&c[0], &q);
	expect_done(&c[0], 6);
	for (uint32_t i = 0; i < MAX_; i++)
		client_close(&c[i]);
	end(&o);
}

/* ---------------------------------------------------------------- beginning and end */

static void ctl_server_closes_with_everything_open(void **state)
{
	struct operator_case o;
	struct client idle, waiting;
	struct blob q = {0};

	begin(&o, *state);
	client_open(&idle, &o);
	client_open(&waiting, &o);
	pack_show_ike(&q);
	client_send(&waiting, &q);
	wait_handled(&o, 1);
	end(&o);
	ctl_fail(o.later, "the daemon ends");
	assert_true(host_is_closed(o.h, idle.fd));
	assert_true(host_is_closed(o.h, waiting.fd));
	client_close(&idle);
	client_close(&waiting);
}

/* As the daemon ends: the answer leaves although the server is closed in the same breath. */
static void calls_answers_what_is_open_at_the_end(void **state)
{
	struct operator_case o;
	struct calls calls = {0};
	struct client waiting;
	struct blob q = {0};
	uint64_t request;

	begin(&o, *state);
	client_open(&waiting, &o);
	pack_show_ike(&q);
	client_send(&waiting, &q);
	wait_handled(&o, 1);
	assert_int_equal(calls_add(&calls, o.later, &request), 0);
	calls_fini(&calls);
	end(&o);
	expect_error(&waiting, "tandemd is going down");
	client_close(&waiting);
}

static void calls_finds_each_once(void **state)
{
	enum { MANY = 20 };
	struct calls calls = {0};
	uint64_t request[MANY], again;
	char call[MANY]; /* opaque here */

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(
			calls_add(&calls, (struct ctl_call *)(void *)&call[i], &request[i]), 0);
		assert_int_not_equal(request[i], 0);
	}
	for (size_t i = 0; i < MANY; i++)
		assert_ptr_equal(calls_take(&calls, request[i]), &call[i]);
	for (size_t i = 0; i < MANY; i++)
		assert_null(calls_take(&calls, request[i]));
	assert_null(calls_take(&calls, 0));
	assert_int_equal(calls_add(&calls, (struct ctl_call *)(void *)call, &again), 0);
	for (size_t i = 0; i < MANY; i++)
		assert_int_not_equal(again, request[i]);
	assert_ptr_equal(calls_take(&calls, again), call);
	calls_fini(&calls);
}

static void ctl_server_takes_the_place_of_one_that_crashed(void **state)
{
	struct host_case *h = *state;
	struct operator_case o;
	struct client c;
	struct blob q = {0};
	struct stat st;

	(void)close(host_listen(h, SOCK_STREAM)); /* leaves its socket file behind */
	begin(&o, h);
	assert_int_equal(stat(h->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	client_open(&c, &o);
	pack_failover(&q, 8);
	client_send(&c, &q);
	expect_done(&c, 8);
	client_close(&c);
	end(&o);
}

static void ctl_server_refuses_a_path_it_cannot_have(void **state)
{
	struct host_case *h = *state;
	struct operator_case o = {.h = h};
	char path[200];

	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_int_equal(ctl_server_init(&o.s, &h->loop, path, handle, &o), -ERR_LIMIT);
	ctl_server_close(&o.s);
	(void)snprintf(path, sizeof path, "%s/none/x", h->dir);
	assert_int_equal(ctl_server_init(&o.s, &h->loop, path, handle, &o), -ERR_IO);
	ctl_server_close(&o.s);
	host_settle(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(ctl_server_answers_one_after_the_other),
		host_test(ctl_server_keeps_the_order_of_requests_sent_ahead),
		host_test(ctl_server_takes_requests_in_pieces),
		host_test(ctl_server_serves_many_clients_at_once),
		host_test(ctl_server_outlives_a_client_that_goes_away),
		host_test(ctl_server_outlives_one_that_goes_while_being_answered),
		host_test(ctl_server_closes_on_garbage),
		host_test(ctl_server_answers_an_empty_request),
		host_test(ctl_server_bounds_what_is_sent_ahead),
		host_test(ctl_server_answers_a_hundred_thousand_sent_ahead),
		host_test(ctl_server_waits_for_a_slow_reader),
		host_test(ctl_server_bounds_connections),
		host_test(ctl_server_closes_with_everything_open),
		host_test(calls_answers_what_is_open_at_the_end),
		cmocka_unit_test(calls_finds_each_once),
		host_test(ctl_server_takes_the_place_of_one_that_crashed),
		host_test(ctl_server_refuses_a_path_it_cannot_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
