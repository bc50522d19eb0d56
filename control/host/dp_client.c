#include "host/dp_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/map.h"

enum { RETRY_MS = 100, WRITE_MAX = 64 };

struct dp_pending {
	uint64_t id;
	dp_reply_fn *done;
	void *ctx;
	UT_hash_handle hh;
};

struct packed {
	struct list link;
	struct blob data;
};

/* What left together. */
struct write_req {
	uv_write_t req;
	struct list packed;
};

static void start_connect(struct dp_client *c);

static void fail_pending(struct dp_client *c)
{
	struct dp_pending *p, *tmp, *all = c->pending;

	c->pending = NULL; /* a callback may send again */
	map_foreach (all, p, tmp) {
		HASH_DEL(all, p);
		if (p->done)
			p->done(p->ctx, -ERR_IO, NULL);
		free(p);
	}
}

static void on_retry(uv_timer_t *t)
{
	start_connect((struct dp_client *)t->data);
}

static void on_pipe_closed(uv_handle_t *h)
{
	struct dp_client *c = (struct dp_client *)h->data;

	c->pipe_open = false;
	if (!c->closing)
		(void)uv_timer_start(&c->retry, on_retry, RETRY_MS, 0);
}

/* They hold keys. */
static void wipe(struct list *packed)
{
	struct packed *p, *next;

	list_foreach_safe (p, next, packed, link) {
		list_del(&p->link);
		secret_wipe_blob(&p->data);
		free(p);
	}
}

static void drop_connection(struct dp_client *c)
{
	bool was_up = c->is_up;

	c->is_up = false;
	if (c->pipe_open && !uv_is_closing((uv_handle_t *)&c->pipe))
		uv_close((uv_handle_t *)&c->pipe, on_pipe_closed);
	frame_in_fini(&c->in);
	wipe(&c->out);
	fail_pending(c);
	if (was_up && !c->closing)
		c->on.down(c->on.ctx);
}

static void handle_reply(struct dp_client *c, const Dp__Reply *r)
{
	struct dp_pending *p;

	HASH_FIND(hh, c->pending, &r->id, sizeof r->id, p);
	if (!p)
		return;
	HASH_DEL(c->pending, p);
	if (p->done)
		p->done(p->ctx, -(int)MIN(r->error, (uint32_t)INT16_MAX), r);
	free(p);
}

/* False when the message made no sense: the connection is then closed and made anew. */
static bool handle_message(struct dp_client *c, struct view m)
{
	Dp__Output *o = dp__output__unpack(NULL, m.n, m.p);

	if (!o) {
		log_err(&c->log, "dataplane.protocol", "reason=\"undecodable message\" octets=%zu",
			m.n);
		return false;
	}
	if (o->body_case == DP__OUTPUT__BODY_REPLY)
		handle_reply(c, o->reply);
	else if (o->body_case == DP__OUTPUT__BODY_EVENT)
		c->on.event(c->on.ctx, o->event);
	dp__output__free_unpacked(o, NULL);
	return true;
}

static void on_alloc(uv_handle_t *h, size_t want, uv_buf_t *buf)
{
	struct dp_client *c = (struct dp_client *)h->data;
	uint8_t *room;

	*buf = frame_in_room(&c->in, want, &room) < 0 ? uv_buf_init(NULL, 0)
						      : uv_buf_init((char *)room, (unsigned)want);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct dp_client *c = (struct dp_client *)s->data;
	struct view m;
	int rc;

	(void)buf;
	if (n < 0) {
		drop_connection(c);
		return;
	}
	frame_in_filled(&c->in, (size_t)n);
	while ((rc = frame_in_next(&c->in, &m)) > 0) {
		if (!handle_message(c, m)) {
			rc = -ERR_VALUE;
			break;
		}
		if (!c->pipe_open || uv_is_closing((uv_handle_t *)&c->pipe))
			return; /* a handler closed us */
	}
	if (rc < 0)
		drop_connection(c);
}

static void on_connect(uv_connect_t *req, int status)
{
	struct dp_client *c = (struct dp_client *)req->data;

	if (status < 0) {
		if (!c->warned)
			log_warn(&c->log, "dataplane.absent", "socket=%s reason=\"%s\"", c->path,
				uv_strerror(status));
		c->warned = true;
		if (!uv_is_closing((uv_handle_t *)&c->pipe))
			uv_close((uv_handle_t *)&c->pipe, on_pipe_closed);
		return;
	}
	c->warned = false;
	c->is_up = true;
	frame_in_init(&c->in, FRAME_MAX_DEFAULT * 4);
	(void)uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
	c->on.up(c->on.ctx);
}

static void start_connect(struct dp_client *c)
{
	if (c->closing || c->pipe_open)
		return;
	(void)uv_pipe_init(c->loop, &c->pipe, 0);
	c->pipe.data = c;
	c->connect.data = c;
	c->pipe_open = true;
	uv_pipe_connect(&c->connect, &c->pipe, c->path, on_connect);
}

static void on_written(uv_write_t *req, int status)
{
	struct write_req *w = container_of(req, struct write_req, req);

	(void)status; /* a broken pipe shows as a read error too */
	wipe(&w->packed);
	free(w);
}

static bool write_all(struct dp_client *c, struct write_req *w)
{
	uv_buf_t buf[WRITE_MAX];
	unsigned n = 0;

	list_init(&w->packed);
	while (n < WRITE_MAX && !list_is_empty(&c->out)) {
		struct packed *p = list_item(c->out.next, struct packed, link);

		list_del(&p->link);
		list_add_tail(&w->packed, &p->link);
		buf[n++] = uv_buf_init((char *)p->data.p, (unsigned)p->data.n);
	}
	if (uv_write(&w->req, (uv_stream_t *)&c->pipe, buf, n, on_written) == 0)
		return true;
	on_written(&w->req, 0);
	return false;
}

static void on_turn(uv_prepare_t *t)
{
	struct dp_client *c = (struct dp_client *)t->data;

	(void)uv_prepare_stop(t);
	while (c->is_up && !list_is_empty(&c->out)) {
		struct write_req *w = calloc(1, sizeof *w);

		/* One that is lost leaves its sender without an answer: begin anew instead. */
		if (!w || !write_all(c, w))
			drop_connection(c);
	}
}

int dp_client_init(struct dp_client *c, uv_loop_t *loop, const char *path, struct dp_handlers on)
{
	const struct log_ctx log = c->log;

	*c = (struct dp_client){.loop = loop, .on = on, .log = log, .next_id = 1};
	list_init(&c->out);
	if (snprintf(c->path, sizeof c->path, "%s", path) >= (int)sizeof c->path)
		return -ERR_LIMIT;
	if (uv_timer_init(loop, &c->retry) != 0 || uv_prepare_init(loop, &c->turn) != 0)
		return -ERR_IO;
	c->retry.data = c;
	c->turn.data = c;
	start_connect(c);
	return 0;
}

int dp_client_send(struct dp_client *c, Dp__Request *r, dp_reply_fn *done, void *ctx)
{
	struct dp_pending *p;
	struct packed *m;

	if (!c->is_up)
		return -ERR_AGAIN;
	m = calloc(1, sizeof *m);
	p = calloc(1, sizeof *p);
	r->id = c->next_id++;
	if (!m || !p || frame_pack(&r->base, &m->data) < 0) {
		free(m);
		free(p);
		return -ERR_NOMEM;
	}
	*p = (struct dp_pending){.id = r->id, .done = done, .ctx = ctx};
	HASH_ADD(hh, c->pending, id, sizeof p->id, p);
	list_add_tail(&c->out, &m->link);
	(void)uv_prepare_start(&c->turn, on_turn);
	return 0;
}

void dp_client_close(struct dp_client *c)
{
	c->closing = true;
	drop_connection(c);
	if (!uv_is_closing((uv_handle_t *)&c->retry))
		uv_close((uv_handle_t *)&c->retry, NULL);
	if (!uv_is_closing((uv_handle_t *)&c->turn))
		uv_close((uv_handle_t *)&c->turn, NULL);
}
