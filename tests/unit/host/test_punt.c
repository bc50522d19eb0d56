/* The generated initialisers cast constant strings. */
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "host_case.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane.pb-c.h"
#include "host/punt.h"

enum { SEEN_MAX = 128, PACKET_MAX = 1 << 20 };

/* A dataplane of the test's own on the other side; datagrams that came are noted. */
struct punt_case {
	struct host_case *h;
	struct punt p;
	int listener, fd;
	struct punt_datagram seen[SEEN_MAX]; /* without data */
	char text[SEEN_MAX][16];
	size_t lengths[SEEN_MAX];
	size_t n, awaited;
	uint32_t silent_rg; /* may not send; 0: all may */
};

static void on_datagram(void *ctx, const struct punt_datagram *d)
{
	struct punt_case *t = (struct punt_case *)ctx;

	assert_true(t->n < SEEN_MAX);
	t->seen[t->n] = *d;
	t->lengths[t->n] = d->data.n;
	if (d->data.n != 0)
		memcpy(t->text[t->n], d->data.p, MIN(d->data.n, sizeof t->text[0] - 1));
	t->n++;
}

static bool may_send(void *ctx, uint32_t rg)
{
	const struct punt_case *t = (const struct punt_case *)ctx;

	return rg == 0 || rg != t->silent_rg;
}

/* The end of what was sent in a turn. */
static void send_now(struct punt_case *t)
{
	(void)uv_run(&t->h->loop, UV_RUN_NOWAIT);
}

static bool has_seen(void *ctx)
{
	const struct punt_case *t = (const struct punt_case *)ctx;

	return t->n == t->awaited;
}

static bool is_polling(void *ctx)
{
	return ((struct punt_case *)ctx)->p.polling;
}

static bool is_not_polling(void *ctx)
{
	return !((struct punt_case *)ctx)->p.polling;
}

static void begin(struct punt_case *t, struct host_case *h)
{
	memset(t, 0, sizeof *t);
	t->h = h;
	t->listener = host_listen(h, SOCK_SEQPACKET);
	assert_int_equal(punt_init(&t->p, &h->loop, h->path,
				 (struct punt_handlers){on_datagram, may_send, t}),
		0);
	t->fd = host_accept(h, t->listener);
}

static void end(struct punt_case *t)
{
	punt_close(&t->p);
	host_settle(t->h);
	(void)close(t->fd);
	(void)close(t->listener);
}

static struct endpoint endpoint_of(const char *text, uint16_t port)
{
	struct endpoint e = {.port = port};

	assert_int_equal(addr_parse(text, &e.addr), 0);
	return e;
}

/* ---------------------------------------------------------------- the dataplane's side */

struct wire {
	Dp__PuntBatch batch;
	Dp__PuntDatagram m[SEEN_MAX], *list[SEEN_MAX];
	Dp__Endpoint local[SEEN_MAX], remote[SEEN_MAX];
	struct endpoint ends[SEEN_MAX][2];
};

static void wire_add(
	struct wire *w, struct endpoint local, struct endpoint remote, const char *data)
{
	size_t i = w->batch.n_datagrams;

	if (i == 0)
		w->batch = (Dp__PuntBatch)DP__PUNT_BATCH__INIT;
	w->batch.n_datagrams = i + 1;
	w->batch.datagrams = w->list;
	w->list[i] = &w->m[i];
	w->m[i] = (Dp__PuntDatagram)DP__PUNT_DATAGRAM__INIT;
	w->local[i] = w->remote[i] = (Dp__Endpoint)DP__ENDPOINT__INIT;
	w->ends[i][0] = local;
	w->ends[i][1] = remote;
	for (int k = 0; k < 2; k++) {
		Dp__Endpoint *e = k ? &w->remote[i] : &w->local[i];

		e->address.data = w->ends[i][k].addr.b;
		e->address.len = addr_len(&w->ends[i][k].addr);
		e->port = w->ends[i][k].port;
	}
	w->m[i].local = &w->local[i];
	w->m[i].remote = &w->remote[i];
	w->m[i].interface_id = 7;
	w->m[i].data.data = (uint8_t *)(uintptr_t)data;
	w->m[i].data.len = strlen(data);
}

static void wire_send(struct punt_case *t, struct wire *w)
{
	uint8_t packed[8192];
	size_t n = dp__punt_batch__get_packed_size(&w->batch);

	assert_true(n <= sizeof packed);
	(void)dp__punt_batch__pack(&w->batch, packed);
	assert_int_equal(send(t->fd, packed, n, 0), n);
}

/* All datagrams of the packets that are there, counted; calls each(). */
static size_t wire_receive(
	struct punt_case *t, void (*each)(size_t i, const Dp__PuntDatagram *m), size_t *packets)
{
	uint8_t *packet = malloc(PACKET_MAX);
	size_t n = 0;
	ssize_t got;

	assert_non_null(packet);
	for (*packets = 0; (got = recv(t->fd, packet, PACKET_MAX, 0)) > 0; (*packets)++) {
		Dp__PuntBatch *b = dp__punt_batch__unpack(NULL, (size_t)got, packet);

		assert_non_null(b);
		for (size_t i = 0; i < b->n_datagrams; i++)
			each(n++, b->datagrams[i]);
		dp__punt_batch__free_unpacked(b, NULL);
	}
	assert_int_equal(errno, EAGAIN);
	free(packet);
	return n;
}

/* ---------------------------------------------------------------- stories */

static void punt_delivers_each_datagram_of_a_batch(void **state)
{
	struct punt_case *t = malloc(sizeof *t);
	struct wire *w = calloc(1, sizeof *w);
	const struct endpoint here = endpoint_of("192.0.2.1", 500),
			      there = endpoint_of("198.51.100.9", 65535),
			      here6 = endpoint_of("2001:db8::1", 4500),
			      there6 = endpoint_of("2001:db8::9", 1);

	assert_non_null(w);
	assert_non_null(t);
	begin(t, *state);
	wire_add(w, here, there, "one");
	wire_add(w, here6, there6, "two");
	wire_add(w, here, there, "");
	wire_send(t, w);
	t->awaited = 3;
	host_wait(t->h, has_seen, t);
	assert_string_equal(t->text[0], "one");
	assert_true(endpoint_equal(&t->seen[0].local, &here));
	assert_true(endpoint_equal(&t->seen[0].remote, &there));
	assert_int_equal(t->seen[0].interface_id, 7);
	assert_string_equal(t->text[1], "two");
	assert_true(endpoint_equal(&t->seen[1].local, &here6));
	assert_true(endpoint_equal(&t->seen[1].remote, &there6));
	assert_int_equal(t->lengths[2], 0);
	end(t);
	free(w);
	free(t);
}

/* A bad datagram does not take its neighbours along, a bad packet not the next one. */
static void punt_skips_nonsense(void **state)
{
	struct punt_case *t = malloc(sizeof *t);
	struct wire *w = calloc(1, sizeof *w);
	const struct endpoint here = endpoint_of("192.0.2.1", 500);

	assert_non_null(w);
	assert_non_null(t);
	begin(t, *state);
	assert_int_equal(send(t->fd, "\xff\xff\xff", 3, 0), 3);
	for (int i = 0; i < 5; i++)
		wire_add(w, here, here, i == 4 ? "good" : "bad");
	w->remote[0].address.len = 3;
	w->local[1].port = 65536;
	w->m[2].remote = NULL;
	w->local[3].address.len = 0;
	wire_send(t, w);
	t->awaited = 1;
	host_wait(t->h, has_seen, t);
	assert_string_equal(t->text[0], "good");
	end(t);
	free(w);
	free(t);
}

static void check_sent(size_t i, const Dp__PuntDatagram *m)
{
	static const uint8_t address[4] = {192, 0, 2, 1};

	assert_int_equal(m->interface_id, 100 + i);
	assert_int_equal(m->local->port, 4500);
	assert_int_equal(m->local->address.len, 4);
	assert_memory_equal(m->local->address.data, address, 4);
	assert_int_equal(m->remote->port, i + 1);
	assert_int_equal(m->remote->address.len, 16);
	assert_int_equal(m->data.len, i);
	assert_int_equal(m->keepalive, i % 2);
	for (size_t k = 0; k < i; k++)
		assert_int_equal(m->data.data[k], i);
}

static void punt_sends_in_batches(void **state)
{
	enum { COUNT = 75 };
	struct punt_case *t = malloc(sizeof *t);
	struct punt_datagram d[COUNT];
	uint8_t data[COUNT][COUNT];
	size_t packets;

	assert_non_null(t);
	begin(t, *state);
	for (size_t i = 0; i < COUNT; i++) {
		memset(data[i], (int)i, sizeof data[i]);
		d[i] = (struct punt_datagram){.interface_id = (uint32_t)(100 + i),
			.local = endpoint_of("192.0.2.1", 4500),
			.remote = endpoint_of("2001:db8::2", (uint16_t)(i + 1)),
			.data = view_of(data[i], i),
			.keepalive = i % 2};
	}
	for (size_t i = 0; i < COUNT; i++)
		punt_send(&t->p, &d[i]);
	memset(data, 0xff, sizeof data); /* it was lent */
	assert_int_equal(t->p.sent, COUNT / PUNT_BATCH_MAX * PUNT_BATCH_MAX);
	send_now(t);
	assert_int_equal(t->p.sent, COUNT);
	assert_int_equal(t->p.dropped, 0);
	assert_int_equal(wire_receive(t, check_sent, &packets), COUNT);
	assert_int_equal(packets, 3); /* 32 at most in one */
	end(t);
	free(t);
}

static void ignore(size_t i, const Dp__PuntDatagram *m)
{
	(void)i;
	(void)m;
}

/* What is large leaves before it is more than the dataplane takes in one. */
static void large_ones_go_by_themselves(void **state)
{
	struct punt_case *t = malloc(sizeof *t);
	uint8_t *data = calloc(1, UINT16_MAX);
	struct punt_datagram d = {.local = endpoint_of("192.0.2.1", 4500),
		.remote = endpoint_of("192.0.2.2", 4500),
		.data = view_of(data, UINT16_MAX)};
	size_t packets;

	assert_non_null(t);
	assert_non_null(data);
	begin(t, *state);
	for (int i = 0; i < 3; i++)
		punt_send(&t->p, &d);
	assert_int_equal(t->p.sent, 2);
	send_now(t);
	assert_int_equal(t->p.sent, 3);
	assert_int_equal(wire_receive(t, ignore, &packets), 3);
	assert_int_equal(packets, 3);
	end(t);
	free(data);
	free(t);
}

static void check_kept(size_t i, const Dp__PuntDatagram *m)
{
	static const uint32_t kept[] = {0, 2, 4, 5};

	assert_true(i < ARRAY_LEN(kept));
	assert_int_equal(m->interface_id, kept[i]);
	assert_int_equal(m->data.len, kept[i] + 1);
}

/* I7: asked when it leaves, not when it is said; the others' go on, whole. */
static void who_may_not_act_any_more_stays_silent(void **state)
{
	struct punt_case *t = malloc(sizeof *t);
	static const uint32_t groups[] = {1, 2, 1, 2, 0, 1};
	uint8_t data[8] = {0};
	size_t packets;

	assert_non_null(t);
	begin(t, *state);
	for (uint32_t i = 0; i < ARRAY_LEN(groups); i++) {
		struct punt_datagram d = {.interface_id = i,
			.rg = groups[i],
			.local = endpoint_of("192.0.2.1", 500),
			.remote = endpoint_of("192.0.2.2", 500),
			.data = view_of(data, i + 1)};

		punt_send(&t->p, &d);
	}
	t->silent_rg = 2;
	send_now(t);
	assert_int_equal(t->p.sent, 4);
	assert_int_equal(t->p.withheld, 2);
	assert_int_equal(t->p.dropped, 0);
	assert_int_equal(wire_receive(t, check_kept, &packets), 4);
	assert_int_equal(packets, 1);
	end(t);
	free(t);
}

/* A dataplane that does not read costs datagrams, not memory and not time. */
static void punt_drops_what_nobody_takes(void **state)
{
	struct punt_case *t = malloc(sizeof *t);
	uint8_t data[1400] = {0};
	struct punt_datagram d = {.local = endpoint_of("192.0.2.1", 4500),
		.remote = endpoint_of("192.0.2.2", 4500),
		.data = view_of_array(data)};
	size_t packets;

	assert_non_null(t);
	begin(t, *state);
	for (int i = 0; i < 20000; i++)
		punt_send(&t->p, &d);
	send_now(t);
	assert_int_equal(t->p.sent + t->p.dropped, 20000);
	assert_true(t->p.sent > 0 && t->p.dropped > 0);
	assert_int_equal(wire_receive(t, ignore, &packets), t->p.sent);
	punt_send(&t->p, &d);
	send_now(t);
	assert_int_equal(wire_receive(t, ignore, &packets), 1);
	end(t);
	free(t);
}

static void punt_comes_back(void **state)
{
	struct punt_case *t = malloc(sizeof *t);
	struct punt_datagram d = {
		.local = endpoint_of("192.0.2.1", 4500), .remote = endpoint_of("192.0.2.2", 4500)};
	struct wire *w = calloc(1, sizeof *w);
	size_t packets;

	assert_non_null(w);
	assert_non_null(t);
	begin(t, *state);
	(void)close(t->fd);
	(void)close(t->listener);
	host_wait(t->h, is_not_polling, t);
	punt_send(&t->p, &d);
	send_now(t);
	assert_int_equal(t->p.dropped, 1);
	t->listener = host_listen(t->h, SOCK_SEQPACKET);
	t->fd = host_accept(t->h, t->listener);
	host_wait(t->h, is_polling, t);
	punt_send(&t->p, &d);
	send_now(t);
	assert_int_equal(t->p.sent, 1);
	assert_int_equal(wire_receive(t, ignore, &packets), 1);
	wire_add(w, d.local, d.remote, "back");
	wire_send(t, w);
	t->awaited = 1;
	host_wait(t->h, has_seen, t);
	assert_string_equal(t->text[0], "back");
	end(t);
	free(w);
	free(t);
}

/* Many at once: none is lost, timers get their turn in between (64 packets a turn). */
static void punt_takes_a_flood(void **state)
{
	struct punt_case *t = malloc(sizeof *t);
	struct wire *w = calloc(1, sizeof *w);

	assert_non_null(w);
	assert_non_null(t);
	begin(t, *state);
	wire_add(w, endpoint_of("192.0.2.1", 500), endpoint_of("192.0.2.2", 500), "x");
	for (int i = 0; i < 100; i++)
		wire_send(t, w);
	t->awaited = 100;
	host_wait(t->h, has_seen, t);
	end(t);
	free(w);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(punt_delivers_each_datagram_of_a_batch),
		host_test(punt_skips_nonsense),
		host_test(punt_sends_in_batches),
		host_test(large_ones_go_by_themselves),
		host_test(who_may_not_act_any_more_stays_silent),
		host_test(punt_drops_what_nobody_takes),
		host_test(punt_comes_back),
		host_test(punt_takes_a_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
