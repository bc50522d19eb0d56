/* The generated initialisers cast constant strings. */
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "host_case.h"

#include <sys/socket.h>
#include <unistd.h>

#include "host/dp_client.h"

enum { REPLIES_MAX = 32 };

/* A dataplane of the test's own on the other side, and what the client told. */
struct dp_case {
	struct host_case *h;
	struct dp_client c;
	int listener, fd;
	struct frame_in in;
	uint32_t ups, downs, events;
	uint32_t policy;	   /* of the last Acquire */
	char replies[REPLIES_MAX]; /* letters of the requests in the order of their replies */
	int rcs[REPLIES_MAX];
	size_t n_replies, awaited;
	bool asks_again, closes; /* what a callback does */
	int again_rc;
};

struct request {
	struct dp_case *d;
	char letter;
};

static void on_up(void *ctx)
{
	((struct dp_case *)ctx)->ups++;
}

static void on_down(void *ctx)
{
	((struct dp_case *)ctx)->downs++;
}

static void on_event(void *ctx, const Dp__Event *e)
{
	struct dp_case *d = (struct dp_case *)ctx;

	d->events++;
	if (e->body_case == DP__EVENT__BODY_ACQUIRE)
		d->policy = e->acquire->policy_id;
	if (d->closes)
		dp_client_close(&d->c);
}

static void begin(struct dp_case *d, struct host_case *h, bool listens)
{
	const struct dp_handlers on = {on_up, on_down, on_event, d};

	*d = (struct dp_case){.h = h, .listener = -1, .fd = -1};
	frame_in_init(&d->in, FRAME_MAX_DEFAULT);
	if (listens)
		d->listener = host_listen(h, SOCK_STREAM);
	assert_int_equal(dp_client_init(&d->c, &h->loop, h->path, on), 0);
}

static void end(struct dp_case *d)
{
	dp_client_close(&d->c);
	host_settle(d->h);
	if (d->fd >= 0)
		(void)close(d->fd);
	if (d->listener >= 0)
		(void)close(d->listener);
	frame_in_fini(&d->in);
}

static bool is_up(void *ctx)
{
	return ((struct dp_case *)ctx)->c.is_up;
}

static bool is_down(void *ctx)
{
	return !((struct dp_case *)ctx)->c.is_up;
}

static bool has_replies(void *ctx)
{
	const struct dp_case *d = (const struct dp_case *)ctx;

	return d->n_replies == d->awaited;
}

static bool has_events(void *ctx)
{
	const struct dp_case *d = (const struct dp_case *)ctx;

	return d->events == d->awaited;
}

static void accept_client(struct dp_case *d)
{
	d->fd = host_accept(d->h, d->listener);
	host_wait(d->h, is_up, d);
}

/* ---------------------------------------------------------------- requests and replies */

static void on_reply(void *ctx, int rc, const Dp__Reply *reply)
{
	struct request *r = (struct request *)ctx;
	struct dp_case *d = r->d;
	Dp__Request again = DP__REQUEST__INIT;

	assert_true(d->n_replies < REPLIES_MAX);
	assert_true(reply != NULL || rc < 0);
	if (reply)
		assert_int_equal(rc, -(int)MIN(reply->error, (uint32_t)INT16_MAX));
	d->rcs[d->n_replies] = rc;
	d->replies[d->n_replies++] = r->letter;
	free(r);
	if (d->asks_again)
		d->again_rc = dp_client_send(&d->c, &again, NULL, NULL);
}

static uint64_t ask(struct dp_case *d, char letter)
{
	struct request *r = malloc(sizeof *r);
	Dp__Request q = DP__REQUEST__INIT;
	Dp__Hello hello = DP__HELLO__INIT;

	assert_non_null(r);
	*r = (struct request){d, letter};
	hello.schema = 1;
	q.body_case = DP__REQUEST__BODY_HELLO;
	q.hello = &hello;
	assert_int_equal(dp_client_send(&d->c, &q, on_reply, r), 0);
	return q.id;
}

static void expect_hello(struct dp_case *d, uint64_t id)
{
	struct view m = host_receive(d->h, d->fd, &d->in);
	Dp__Request *q = dp__request__unpack(NULL, m.n, m.p);

	assert_non_null(q);
	assert_int_equal(q->body_case, DP__REQUEST__BODY_HELLO);
	assert_int_equal(q->hello->schema, 1);
	assert_int_equal(q->id, id);
	dp__request__free_unpacked(q, NULL);
}

static void reply(struct dp_case *d, uint64_t id, uint32_t error)
{
	Dp__Output o = DP__OUTPUT__INIT;
	Dp__Reply r = DP__REPLY__INIT;

	r.id = id;
	r.error = error;
	o.body_case = DP__OUTPUT__BODY_REPLY;
	o.reply = &r;
	host_send_message(d->h, d->fd, &o.base);
}

static void send_acquire(struct dp_case *d, uint32_t policy)
{
	Dp__Output o = DP__OUTPUT__INIT;
	Dp__Event e = DP__EVENT__INIT;
	Dp__Acquire a = DP__ACQUIRE__INIT;

	a.policy_id = policy;
	e.body_case = DP__EVENT__BODY_ACQUIRE;
	e.acquire = &a;
	o.body_case = DP__OUTPUT__BODY_EVENT;
	o.event = &e;
	host_send_message(d->h, d->fd, &o.base);
}

static void wait_replies(struct dp_case *d, const char *letters)
{
	d->awaited = strlen(letters);
	host_wait(d->h, has_replies, d);
	assert_string_equal(d->replies, letters);
}

static void wait_events(struct dp_case *d, uint32_t n)
{
	d->awaited = n;
	host_wait(d->h, has_events, d);
}

/* ---------------------------------------------------------------- stories */

static void dp_client_says_hello(void **state)
{
	struct dp_case d;
	uint64_t id;

	begin(&d, *state, true);
	accept_client(&d);
	assert_int_equal(d.ups, 1);
	id = ask(&d, 'h');
	expect_hello(&d, id);
	reply(&d, id, 0);
	wait_replies(&d, "h");
	assert_int_equal(d.rcs[0], 0);
	end(&d);
	assert_int_equal(d.downs, 0); /* who closes knows */
}

static void dp_client_finds_the_request_of_each_reply(void **state)
{
	struct dp_case d;
	uint64_t a, b, c;

	begin(&d, *state, true);
	accept_client(&d);
	a = ask(&d, 'a');
	b = ask(&d, 'b');
	c = ask(&d, 'c');
	assert_true(a < b && b < c);
	reply(&d, c, ERR_NOT_FOUND);
	reply(&d, a, 0);
	reply(&d, c, 0);	/* once is enough */
	reply(&d, c + 1000, 0); /* nobody asked */
	reply(&d, b, UINT32_MAX);
	wait_replies(&d, "cab");
	assert_int_equal(d.rcs[0], -ERR_NOT_FOUND);
	assert_int_equal(d.rcs[1], 0);
	assert_true(d.rcs[2] < 0); /* whatever it means, it is not done */
	end(&d);
}

static void dp_client_needs_no_callback(void **state)
{
	struct dp_case d;
	Dp__Request q = DP__REQUEST__INIT;
	uint64_t a;

	begin(&d, *state, true);
	accept_client(&d);
	assert_int_equal(dp_client_send(&d.c, &q, NULL, NULL), 0);
	a = ask(&d, 'a');
	reply(&d, q.id, 0);
	reply(&d, a, 0);
	wait_replies(&d, "a");
	assert_int_equal(dp_client_send(&d.c, &q, NULL, NULL), 0);
	end(&d); /* with one under way */
}

static void dp_client_hands_on_events(void **state)
{
	struct dp_case d;

	begin(&d, *state, true);
	accept_client(&d);
	for (uint32_t i = 1; i <= 3; i++)
		send_acquire(&d, 100 + i);
	wait_events(&d, 3);
	assert_int_equal(d.policy, 103);
	end(&d);
}

static void dp_client_takes_messages_in_pieces(void **state)
{
	struct dp_case d;
	Dp__Output o = DP__OUTPUT__INIT;
	Dp__Reply r = DP__REPLY__INIT;
	auto_blob packed = {0};

	begin(&d, *state, true);
	accept_client(&d);
	r.id = ask(&d, 'p');
	r.reason = (char *)(uintptr_t) "in very small pieces";
	o.body_case = DP__OUTPUT__BODY_REPLY;
	o.reply = &r;
	assert_int_equal(frame_pack(&o.base, &packed), 0);
	for (size_t i = 0; i < packed.n; i++) {
		assert_int_equal(d.n_replies, 0);
		host_send(d.h, d.fd, view_of(packed.p + i, 1));
		host_turn(d.h);
	}
	wait_replies(&d, "p");
	end(&d);
}

/* ---------------------------------------------------------------- losses */

static void dp_client_fails_what_is_under_way(void **state)
{
	struct dp_case d;
	Dp__Request q = DP__REQUEST__INIT;

	begin(&d, *state, true);
	accept_client(&d);
	(void)ask(&d, 'a');
	(void)ask(&d, 'b');
	d.asks_again = true; /* from inside: refused, the connection is gone */
	(void)close(d.fd);
	d.awaited = 2;
	host_wait(d.h, has_replies, &d);
	assert_int_equal(d.rcs[0], -ERR_IO);
	assert_int_equal(d.rcs[1], -ERR_IO);
	assert_int_equal(d.again_rc, -ERR_AGAIN);
	assert_int_equal(d.downs, 1);
	assert_int_equal(dp_client_send(&d.c, &q, NULL, NULL), -ERR_AGAIN);
	d.fd = -1;
	end(&d);
}

static void dp_client_comes_back(void **state)
{
	struct dp_case d;
	uint64_t before, after;

	begin(&d, *state, true);
	accept_client(&d);
	before = ask(&d, 'a');
	host_send(d.h, d.fd, view_of("\0\0\1", 4)); /* half of a message: forgotten */
	for (uint32_t i = 1; i <= 3; i++) {
		(void)close(d.fd);
		host_wait(d.h, is_down, &d);
		assert_int_equal(d.downs, i);
		accept_client(&d);
		assert_int_equal(d.ups, i + 1);
	}
	frame_in_fini(&d.in);
	frame_in_init(&d.in, FRAME_MAX_DEFAULT);
	after = ask(&d, 'b');
	assert_true(after > before);
	expect_hello(&d, after);
	reply(&d, before, 0); /* of the life before: nobody waits for it */
	reply(&d, after, 0);
	wait_replies(&d, "ab");
	assert_int_equal(d.rcs[0], -ERR_IO);
	assert_int_equal(d.rcs[1], 0);
	end(&d);
}

static void dp_client_waits_for_a_dataplane(void **state)
{
	struct dp_case d;
	Dp__Request q = DP__REQUEST__INIT;

	begin(&d, *state, false);
	host_settle(d.h);
	assert_int_equal(dp_client_send(&d.c, &q, NULL, NULL), -ERR_AGAIN);
	assert_int_equal(d.ups + d.downs, 0);
	d.listener = host_listen(d.h, SOCK_STREAM);
	accept_client(&d);
	assert_int_equal(d.ups, 1);
	end(&d);
}

static const struct {
	const char *name, *octets;
	size_t n;
} nonsense[] = {
	{"not protobuf", "\0\0\0\5hello", 9},
	{"a length without measure", "\xff\xff\xff\xff", 4},
};

static void dp_client_drops_who_talks_nonsense(void **state)
{
	struct dp_case d;

	begin(&d, *state, true);
	for (uint32_t i = 0; i < ARRAY_LEN(nonsense); i++) {
		accept_client(&d);
		(void)ask(&d, 'x');
		host_send(d.h, d.fd, view_of(nonsense[i].octets, nonsense[i].n));
		host_wait(d.h, is_down, &d);
		assert_true(host_is_closed(d.h, d.fd));
		(void)close(d.fd);
		assert_int_equal(d.n_replies, i + 1);
		assert_int_equal(d.rcs[i], -ERR_IO);
	}
	accept_client(&d);
	end(&d);
}

/* An output that says nothing is of a newer schema: skipped. */
static void dp_client_skips_what_it_does_not_know(void **state)
{
	struct dp_case d;

	begin(&d, *state, true);
	accept_client(&d);
	host_send(d.h, d.fd, view_of("\0\0\0\0\0\0\0\3\xfa\x06", 11));
	send_acquire(&d, 5);
	wait_events(&d, 1);
	assert_int_equal(d.policy, 5);
	end(&d);
}

static void dp_client_may_be_closed_by_its_handler(void **state)
{
	struct dp_case d;

	begin(&d, *state, true);
	accept_client(&d);
	(void)ask(&d, 'a');
	d.closes = true;
	send_acquire(&d, 1);
	send_acquire(&d, 2); /* in the same read: nobody is there any more */
	wait_replies(&d, "a");
	assert_int_equal(d.rcs[0], -ERR_IO);
	host_settle(d.h);
	assert_int_equal(d.events, 1);
	assert_int_equal(d.downs, 0);
	end(&d);
}

static void dp_client_refuses_a_path_without_end(void **state)
{
	struct host_case *h = *state;
	const struct dp_handlers on = {on_up, on_down, on_event, NULL};
	struct dp_client c = {0};
	char path[200];

	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_int_equal(dp_client_init(&c, &h->loop, path, on), -ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(dp_client_says_hello),
		host_test(dp_client_finds_the_request_of_each_reply),
		host_test(dp_client_needs_no_callback),
		host_test(dp_client_hands_on_events),
		host_test(dp_client_takes_messages_in_pieces),
		host_test(dp_client_fails_what_is_under_way),
		host_test(dp_client_comes_back),
		host_test(dp_client_waits_for_a_dataplane),
		host_test(dp_client_drops_who_talks_nonsense),
		host_test(dp_client_skips_what_it_does_not_know),
		host_test(dp_client_may_be_closed_by_its_handler),
		host_test(dp_client_refuses_a_path_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
