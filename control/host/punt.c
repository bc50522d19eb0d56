#include "host/punt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "dataplane.pb-c.h"

enum { RETRY_MS = 100, BATCH_MAX = 32, PACKET_MAX = 512 * 1024, SOCKET_BUFFER = 4 << 20 };

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
			p->received(p->ctx, &d);
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

int punt_init(struct punt *p, uv_loop_t *loop, const char *path, punt_fn *received, void *ctx)
{
	const struct log_ctx log = p->log;

	*p = (struct punt){.loop = loop, .fd = -1, .received = received, .ctx = ctx, .log = log};
	if (snprintf(p->path, sizeof p->path, "%s", path) >= (int)sizeof p->path)
		return -ERR_LIMIT;
	if (uv_timer_init(loop, &p->retry) != 0)
		return -ERR_IO;
	p->retry.data = p;
	try_connect(p);
	return 0;
}

static Dp__Endpoint to_wire(const struct endpoint *e)
{
	Dp__Endpoint out = DP__ENDPOINT__INIT;

	out.address.data = (uint8_t *)(uintptr_t)e->addr.b;
	out.address.len = addr_len(&e->addr);
	out.port = e->port;
	return out;
}

static bool send_batch(struct punt *p, const struct punt_datagram *d, size_t n)
{
	Dp__PuntBatch batch = DP__PUNT_BATCH__INIT;
	Dp__PuntDatagram m[BATCH_MAX], *list[BATCH_MAX];
	Dp__Endpoint local[BATCH_MAX], remote[BATCH_MAX];
	size_t size;
	uint8_t *packed;
	bool ok;

	for (size_t i = 0; i < n; i++) {
		m[i] = (Dp__PuntDatagram)DP__PUNT_DATAGRAM__INIT;
		local[i] = to_wire(&d[i].local);
		remote[i] = to_wire(&d[i].remote);
		m[i].interface_id = d[i].interface_id;
		m[i].local = &local[i];
		m[i].remote = &remote[i];
		m[i].data.data = (uint8_t *)(uintptr_t)d[i].data.p;
		m[i].data.len = d[i].data.n;
		m[i].keepalive = d[i].keepalive;
		list[i] = &m[i];
	}
	batch.n_datagrams = n;
	batch.datagrams = list;
	size = dp__punt_batch__get_packed_size(&batch);
	packed = malloc(size);
	if (!packed)
		return false;
	(void)dp__punt_batch__pack(&batch, packed);
	ok = send(p->fd, packed, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
	free(packed);
	return ok;
}

void punt_send(struct punt *p, const struct punt_datagram *d, size_t n)
{
	while (n != 0) {
		size_t batch = MIN(n, (size_t)BATCH_MAX);

		if (p->polling && send_batch(p, d, batch))
			p->sent += batch;
		else
			p->dropped += batch;
		d += batch;
		n -= batch;
	}
}

void punt_close(struct punt *p)
{
	p->closing = true;
	disconnect(p);
	if (!uv_is_closing((uv_handle_t *)&p->retry))
		uv_close((uv_handle_t *)&p->retry, NULL);
}
