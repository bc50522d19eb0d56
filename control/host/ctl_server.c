#include "host/ctl_server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/secret.h"

enum { SCHEMA = 1, CONNECTIONS_MAX = 64, BACKLOG = 16, REQUEST_MAX = 1 << 20 };

struct conn {
	struct ctl_server *server;
	struct list link;
	uv_pipe_t pipe;
	struct frame_in in;
	struct ctl_call *call; /* being answered */
	uint32_t writing;      /* parts of answers that the client has not taken yet */
};

struct ctl_call {
	struct conn *conn; /* NULL once the client has gone */
};

struct write_req {
	uv_write_t req;
	struct conn *conn;
	struct blob data;
};

static void next_request(struct conn *c);

static void on_conn_closed(uv_handle_t *h)
{
	struct conn *c = (struct conn *)h->data;

	c->server->connections--;
	list_del(&c->link);
	frame_in_fini(&c->in);
	free(c);
}

static void conn_close(struct conn *c)
{
	if (c->call)
		c->call->conn = NULL;
	c->call = NULL;
	if (!uv_is_closing((uv_handle_t *)&c->pipe))
		uv_close((uv_handle_t *)&c->pipe, on_conn_closed);
}

/* The next request has its turn when the client has taken the whole answer to the last one: who
 * sends and does not read costs no memory, and requests sent ahead do not nest. */
static void proceed(struct conn *c)
{
	if (!c->call && c->writing == 0 && !uv_is_closing((uv_handle_t *)&c->pipe))
		next_request(c);
}

static void write_free(struct write_req *w)
{
	if (w)
		blob_fini(&w->data);
	free(w);
}

static void on_written(uv_write_t *req, int status)
{
	struct write_req *w = container_of(req, struct write_req, req);
	struct conn *c = w->conn;

	write_free(w);
	c->writing--;
	if (status == 0)
		proceed(c);
}

static void conn_send(struct conn *c, Ctl__Response *r)
{
	struct write_req *w = calloc(1, sizeof *w);
	uv_buf_t buf;

	r->schema = SCHEMA;
	if (!w || frame_pack(&r->base, &w->data) < 0) {
		write_free(w);
		conn_close(c);
		return;
	}
	w->conn = c;
	buf = uv_buf_init((char *)w->data.p, (unsigned)w->data.n);
	log_flush(&c->server->log);
	if (uv_write(&w->req, (uv_stream_t *)&c->pipe, &buf, 1, on_written) != 0) {
		write_free(w);
		conn_close(c);
		return;
	}
	c->writing++;
}

void ctl_part(struct ctl_call *call, Ctl__Response *r)
{
	r->more = true;
	if (call->conn)
		conn_send(call->conn, r);
}

void ctl_end(struct ctl_call *call, Ctl__Response *r)
{
	struct conn *c = call->conn;

	r->more = false;
	free(call);
	if (!c)
		return;
	c->call = NULL;
	conn_send(c, r);
}

void ctl_fail(struct ctl_call *call, const char *fmt, ...)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__Error e = CTL__ERROR__INIT;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	e.text = text;
	r.node = -1;
	r.body_case = CTL__RESPONSE__BODY_ERROR;
	r.error = &e;
	ctl_end(call, &r);
}

void ctl_done(struct ctl_call *call, int32_t node, const char *text, uint32_t count)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__Done d = CTL__DONE__INIT;

	d.text = (char *)(uintptr_t)text;
	d.count = count;
	r.node = node;
	r.body_case = CTL__RESPONSE__BODY_DONE;
	r.done = &d;
	ctl_end(call, &r);
}

static void next_request(struct conn *c)
{
	struct view m;
	int rc = frame_in_next(&c->in, &m);
	Ctl__Request *q;
	struct ctl_call *call;

	if (rc == 0)
		return;
	q = rc < 0 ? NULL : ctl__request__unpack(NULL, m.n, m.p);
	if (q && q->command_case == CTL__REQUEST__COMMAND_PKI_LOAD)
		secret_wipe((void *)(uintptr_t)m.p, m.n); /* it may have brought a key */
	call = q ? calloc(1, sizeof *call) : NULL;
	if (!call) {
		if (q)
			ctl__request__free_unpacked(q, NULL);
		conn_close(c);
		return;
	}
	call->conn = c;
	c->call = call;
	c->server->handle(c->server->ctx, q, call);
	ctl__request__free_unpacked(q, NULL);
}

static void on_alloc(uv_handle_t *h, size_t want, uv_buf_t *buf)
{
	struct conn *c = (struct conn *)h->data;
	uint8_t *room;

	*buf = frame_in_room(&c->in, want, &room) < 0 ? uv_buf_init(NULL, 0)
						      : uv_buf_init((char *)room, (unsigned)want);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = (struct conn *)s->data;

	(void)buf;
	if (n < 0) {
		conn_close(c);
		return;
	}
	frame_in_filled(&c->in, (size_t)n);
	/* Requests sent ahead wait in the buffer, which is bounded here. */
	if (c->in.end - c->in.start > REQUEST_MAX)
		conn_close(c);
	else
		proceed(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct ctl_server *s = (struct ctl_server *)listener->data;
	struct conn *c = status < 0 ? NULL : calloc(1, sizeof *c);

	if (!c)
		return;
	c->server = s;
	list_add_tail(&s->conns, &c->link);
	s->connections++;
	frame_in_init(&c->in, REQUEST_MAX);
	(void)uv_pipe_init(s->loop, &c->pipe, 0);
	c->pipe.data = c;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) != 0 || s->connections > CONNECTIONS_MAX ||
		uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0)
		conn_close(c);
}

int ctl_server_init(
	struct ctl_server *s, uv_loop_t *loop, const char *path, ctl_request_fn *handle, void *ctx)
{
	const struct log_ctx log = s->log;
	mode_t mask;
	int rc;

	*s = (struct ctl_server){.loop = loop, .handle = handle, .ctx = ctx, .log = log};
	if (snprintf(s->path, sizeof s->path, "%s", path) >= (int)sizeof s->path)
		return -ERR_LIMIT;
	list_init(&s->conns);
	(void)unlink(path); /* of a daemon that crashed */
	if (uv_pipe_init(loop, &s->pipe, 0) != 0)
		return -ERR_IO;
	s->pipe.data = s;
	s->open = true;
	mask = umask(0117); /* owner and group only */
	rc = uv_pipe_bind(&s->pipe, path);
	(void)umask(mask);
	if (rc != 0 || uv_listen((uv_stream_t *)&s->pipe, BACKLOG, on_connection) != 0)
		return -ERR_IO;
	return 0;
}

void ctl_server_close(struct ctl_server *s)
{
	struct conn *c;

	if (s->open)
		list_foreach (c, &s->conns, link)
			conn_close(c);
	if (s->open && !uv_is_closing((uv_handle_t *)&s->pipe))
		uv_close((uv_handle_t *)&s->pipe, NULL);
	s->open = false;
}
