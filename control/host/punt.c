#include "host/punt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "dataplane.pb-c.h"

enum { RETRY_MS = 100, PACKET_MAX = 512 * 1024, SOCKET_BUFFER = 4 << 20 };

static void try_connect(struct punt *p);

static void on_retry(uv_timer_t *t)
{
	try_connect((struct punt *)t->data);
}

static void retry_later(struct punt *p)
{
	if (!p->closing)
		(void)uv_timer_start(&p->retry, on_retry, RETRY_MS, 0);
}

static void on_poll_closed(uv_handle_t *h)
{
	struct punt *p = (struct punt *)h->data;

	(void)close(p->fd);
	p->fd = -1;
	p->polling = false;
	retry_later(p);
}

static void disconnect(struct punt *p)
{
	if (p->polling && !uv_is_closing((uv_handle_t *)&p->poll))
		uv_close((uv_handle_t *)&p->poll, on_poll_closed);
}

static int endpoint_of(const Dp__Endpoint *e, struct endpoint *out)
{
	if (!e || e->port > UINT16_MAX)
		return -ERR_VALUE;
	out->port = (uint16_t)e->port;
	return addr_from_view(view_of(e->address.data, e->address.len), &out->addr);
}

static void deliver(struct punt *p, struct view packet)
{
	Dp__PuntBatch *b = dp__punt_batch__unpack(NULL, packet.n, packet.p);

	if (!b)
		return;
	for (size_t i = 0; i < b->n_datagrams; i++) {
		const Dp__PuntDatagram *m = b->datagrams[i];
		struct punt_datagram d = {.interface_id = m->interface_id,
			.data = view_of(m->data.data, m->data.len)};

		if (endpoint_of(m->local, &d.local) == 0 && endpoint_of(m->remote, &d.remote) == 0)
			p->on.received(p->on.ctx, &d);
	}
	dp__punt_batch__free_unpacked(b, NULL);
}

static void on_readable(uv_poll_t *h, int status, int events)
{
	struct punt *p = (struct punt *)h->data;
	uint8_t *packet = malloc(PACKET_MAX);

	(void)events;
	/* At most 64 packets a turn: timers and other sockets get theirs. */
	for (int i = 0; packet && status == 0 && i < 64; i++) {
		ssize_t n = recv(p->fd, packet, PACKET_MAX, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			status = -1;
			break;
		}
		deliver(p, view_of(packet, (size_t)n));
	}
	free(packet);
	if (status < 0)
		disconnect(p);
}

static void try_connect(struct punt *p)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int size = SOCKET_BUFFER;

	if (p->closing || p->polling)
		return;
	memcpy(sa.sun_path, p->path, sizeof sa.sun_path);
	p->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || connect(p->fd, (const struct sockaddr *)&sa, sizeof sa) != 0) {
		if (p->fd >= 0)
			(void)close(p->fd);
		p->fd = -1;
		retry_later(p);
		return;
	}
	(void)setsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	(void)uv_poll_init(p->loop, &p->poll, p->fd);
	p->poll.data = p;
	p->polling = true;
	(void)uv_poll_start(&p->poll, UV_READABLE, on_readable);
}

/* ---------------------------------------------------------------- sending */

static Dp__Endpoint to_wire(const struct endpoint *e)
{
	Dp__Endpoint out = DP__ENDPOINT__INIT;

	out.address.data = (uint8_t *)(uintptr_t)e->addr.b;
	out.address.len = addr_len(&e->addr);
	out.port = e->port;
	return out;
}

static bool room_for(struct punt_out *o, size_t more)
{
	size_t want = o->n_octets + more;
	uint8_t *room;

	if (want <= o->room_n)
		return true;
	want = MAX(want, (size_t)PUNT_BATCH_OCTETS);
	room = realloc(o->room, want);
	if (!room)
		return false;
	o->room = room;
	o->room_n = want;
	return true;
}

/* Batches one behind the other are one batch: it has nothing but what it repeats. */
static bool out_add(struct punt_out *o, const struct punt_datagram *d)
{
	Dp__PuntBatch batch = DP__PUNT_BATCH__INIT;
	Dp__PuntDatagram m = DP__PUNT_DATAGRAM__INIT, *list[] = {&m};
	Dp__Endpoint local = to_wire(&d->local), remote = to_wire(&d->remote);
	size_t size;

	m.interface_id = d->interface_id;
	m.local = &local;
	m.remote = &remote;
	m.data.data = (uint8_t *)(uintptr_t)d->data.p;
	m.data.len = d->data.n;
	m.keepalive = d->keepalive;
	batch.n_datagrams = 1;
	batch.datagrams = list;
	size = dp__punt_batch__get_packed_size(&batch);
	if (!room_for(o, size))
		return false;
	o->n_octets += dp__punt_batch__pack(&batch, o->room + o->n_octets);
	o->v[o->n].end = o->n_octets;
	o->v[o->n++].rg = d->rg;
	return true;
}

/* Only of those that may act; how many there are. */
static size_t out_sift(struct punt *p, struct punt_out *o)
{
	size_t kept = 0, kept_octets = 0, begin = 0;

	for (size_t i = 0; i < o->n; i++) {
		size_t size = o->v[i].end - begin;

		if (p->on.may_send(p->on.ctx, o->v[i].rg)) {
			if (kept_octets != begin)
				memmove(o->room + kept_octets, o->room + begin, size);
			kept_octets += size;
			kept++;
		}
		begin = o->v[i].end;
	}
	p->withheld += o->n - kept;
	o->n_octets = kept_octets;
	return kept;
}

static void out_flush(struct punt *p)
{
	struct punt_out *o = &p->out;
	size_t n = out_sift(p, o);

	log_flush(&p->log);
	if (n != 0 && p->polling &&
		send(p->fd, o->room, o->n_octets, MSG_DONTWAIT | MSG_NOSIGNAL) ==
			(ssize_t)o->n_octets)
		p->sent += n;
	else
		p->dropped += n;
	o->n = o->n_octets = 0;
}

static void on_turn(uv_prepare_t *t)
{
	(void)uv_prepare_stop(t);
	out_flush((struct punt *)t->data);
}

void punt_send(struct punt *p, const struct punt_datagram *d)
{
	struct punt_out *o = &p->out;

	if (o->n == PUNT_BATCH_MAX || (o->n != 0 && o->n_octets + d->data.n > PUNT_BATCH_OCTETS))
		out_flush(p);
	if (!out_add(o, d)) {
		p->dropped++;
		return;
	}
	(void)uv_prepare_start(&p->turn, on_turn);
}

/* ---------------------------------------------------------------- life */

int punt_init(struct punt *p, uv_loop_t *loop, const char *path, struct punt_handlers on)
{
	const struct log_ctx log = p->log;

	*p = (struct punt){.loop = loop, .fd = -1, .on = on, .log = log};
	if (snprintf(p->path, sizeof p->path, "%s", path) >= (int)sizeof p->path)
		return -ERR_LIMIT;
	if (uv_timer_init(loop, &p->retry) != 0 || uv_prepare_init(loop, &p->turn) != 0)
		return -ERR_IO;
	p->retry.data = p;
	p->turn.data = p;
	try_connect(p);
	return 0;
}

void punt_close(struct punt *p)
{
	if (!p->closing && p->out.n != 0)
		out_flush(p);
	p->closing = true;
	disconnect(p);
	free(take_ptr(p->out.room));
	if (!uv_is_closing((uv_handle_t *)&p->retry))
		uv_close((uv_handle_t *)&p->retry, NULL);
	if (!uv_is_closing((uv_handle_t *)&p->turn))
		uv_close((uv_handle_t *)&p->turn, NULL);
}
