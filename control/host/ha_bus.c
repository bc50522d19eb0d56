#include "host/ha_bus.h"

#include <stdlib.h>

#include "base/err.h"
#include "ha/cpg/cpg.h"
#include "ha/cpg/quorum.h"
#include "host/daemon.h"

enum {
	RETRY_MIN_MS = 100,
	RETRY_MAX_MS = 2000, /* to find a Corosync that came back */
	JOIN_RETRY_MS = 20,  /* a ring is being formed */
	FLUSH_MS = 2	     /* Corosync was too busy to take a message */
};

enum bus_state {
	BUS_AWAY,    /* no connection; the timer looks again */
	BUS_JOINING, /* connected; the timer asks again to join */
	BUS_JOINED,  /* the timer flushes the queue */
	BUS_LEFT     /* for good */
};

/* A polled fd of an adapter. It outlives the connection until libuv has let go of it. */
struct bus_watch {
	uv_poll_t poll;
	struct ha_bus *bus;
	void (*ready)(struct ha_bus *b);
};

struct ha_bus {
	struct daemon *d;
	struct log_ctx log;
	uint32_t cluster_id;
	enum bus_state state;
	struct cpg_bus *cpg;
	struct quorum_watch *quorum;
	struct bus_watch *cpg_watch, *quorum_watch;
	uv_timer_t timer;
	uint32_t retry_ms;
	int last_error; /* why it could not be opened: each reason is logged once */
	bool told;	/* the core has heard of this connection, and must hear of its end */
	bool failed;	/* a send failed; the core cannot be told in the middle of its effects */
};

static void on_timer(uv_timer_t *t);

static void arm(struct ha_bus *b, uint64_t ms)
{
	(void)uv_timer_start(&b->timer, on_timer, ms, 0);
}

bool ha_bus_is_up(const struct ha_bus *b)
{
	return b && b->state == BUS_JOINED;
}

/* ---------------------------------------------------------------- polling */

static void on_watch_closed(uv_handle_t *h)
{
	free(h->data);
}

static void watch_close(struct bus_watch **w)
{
	if (*w)
		uv_close((uv_handle_t *)&(*w)->poll, on_watch_closed);
	*w = NULL;
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	struct bus_watch *w = (struct bus_watch *)p->data;

	(void)status; /* the adapter's read tells what is wrong */
	(void)events;
	w->ready(w->bus);
}

static int watch_open(
	struct ha_bus *b, int fd, void (*ready)(struct ha_bus *b), struct bus_watch **out)
{
	struct bus_watch *w = calloc(1, sizeof *w);

	if (!w)
		return -ERR_NOMEM;
	if (uv_poll_init(&b->d->loop, &w->poll, fd) != 0) {
		free(w);
		return -ERR_IO;
	}
	w->poll.data = w;
	w->bus = b;
	w->ready = ready;
	*out = w;
	return uv_poll_start(&w->poll, UV_READABLE, on_poll) == 0 ? 0 : -ERR_IO;
}

/* ---------------------------------------------------------------- going down */

static void feed(struct ha_bus *b, struct ha_event *ev)
{
	b->told = ev->type != HA_EV_BUS_DOWN;
	ha_bridge_feed(&b->d->ha, ev);
	work_drain(&b->d->work, b->d);
}

/* Polls before connections: the library closes the fds. */
static void disconnect(struct ha_bus *b)
{
	watch_close(&b->cpg_watch);
	watch_close(&b->quorum_watch);
	quorum_watch_close(b->quorum);
	cpg_bus_close(b->cpg);
	b->quorum = NULL;
	b->cpg = NULL;
	b->failed = false;
}

static void retry_later(struct ha_bus *b)
{
	b->state = BUS_AWAY;
	arm(b, b->retry_ms);
	b->retry_ms = MIN(b->retry_ms * 2, (uint32_t)RETRY_MAX_MS);
}

static void go_down(struct ha_bus *b, int rc)
{
	struct ha_event ev = {.type = HA_EV_BUS_DOWN};

	log_warn(&b->log, "cluster.bus.down", "reason=\"%s\"", err_text(rc));
	disconnect(b);
	retry_later(b);
	if (b->told)
		feed(b, &ev);
}

/* ---------------------------------------------------------------- coming up */

static void flush(struct ha_bus *b)
{
	int rc = cpg_bus_flush(b->cpg);

	if (rc == -ERR_AGAIN)
		arm(b, FLUSH_MS);
	else if (rc < 0)
		go_down(b, rc);
}

static void on_view(struct ha_bus *b, const struct ha_ev_view *v)
{
	log_notice(&b->log, "cluster.view", "ring=%u.%llu nodes=0x%x members=%u joined=%u left=%u",
		v->ring_node, (unsigned long long)v->ring_seq, v->ring_nodes, v->n_members,
		v->n_joined, v->n_left);
	b->state = BUS_JOINED;
	b->retry_ms = RETRY_MIN_MS;
	b->last_error = 0;
}

static void on_cpg_ready(struct ha_bus *b)
{
	int rc = cpg_bus_read(b->cpg);
	struct ha_event ev;

	while (b->state != BUS_LEFT && cpg_bus_next(b->cpg, &ev)) {
		if (ev.type == HA_EV_VIEW)
			on_view(b, &ev.view);
		feed(b, &ev);
	}
	if (b->state == BUS_LEFT)
		disconnect(b);
	else if (rc < 0 || b->failed)
		go_down(b, rc < 0 ? rc : -ERR_IO);
	else if (cpg_bus_queued(b->cpg) != 0)
		flush(b);
}

static void on_quorum_ready(struct ha_bus *b)
{
	int rc = quorum_watch_read(b->quorum);
	struct ha_event ev;

	if (rc == 0 && b->state != BUS_LEFT && quorum_watch_next(b->quorum, &ev)) {
		log_notice(&b->log, "cluster.quorum", "ring=%u.%llu quorate=%s",
			ev.quorum.ring_node, (unsigned long long)ev.quorum.ring_seq,
			ev.quorum.quorate ? "yes" : "no");
		feed(b, &ev);
	}
	/* Both services are of one Corosync: a connection without quorum is none. */
	if (rc < 0 && b->state != BUS_LEFT)
		go_down(b, rc);
}

static void join(struct ha_bus *b)
{
	int rc = cpg_bus_join(b->cpg);

	if (rc == -ERR_AGAIN)
		arm(b, JOIN_RETRY_MS);
	else if (rc < 0)
		go_down(b, rc);
	else
		on_cpg_ready(b);
}

static int open_adapters(struct ha_bus *b)
{
	int rc = cpg_bus_open(b->cluster_id, b->d->node, &b->cpg);

	if (rc == 0)
		rc = quorum_watch_open(&b->quorum);
	if (rc == 0)
		rc = watch_open(b, cpg_bus_fd(b->cpg), on_cpg_ready, &b->cpg_watch);
	if (rc == 0)
		rc = watch_open(b, quorum_watch_fd(b->quorum), on_quorum_ready, &b->quorum_watch);
	return rc;
}

static void open_bus(struct ha_bus *b)
{
	int rc = open_adapters(b);

	if (rc == 0) {
		b->state = BUS_JOINING;
		join(b);
		return;
	}
	disconnect(b);
	retry_later(b);
	if (rc == b->last_error)
		return;
	b->last_error = rc;
	log_warn(&b->log, "cluster.bus.absent", "reason=\"%s\"",
		rc == -ERR_VALUE ? "Corosync's nodeid is not that of this node"
				 : "Corosync does not answer");
}

static void on_timer(uv_timer_t *t)
{
	struct ha_bus *b = (struct ha_bus *)t->data;

	switch (b->state) {
	case BUS_AWAY:
		open_bus(b);
		break;
	case BUS_JOINING:
		join(b);
		break;
	case BUS_JOINED:
		if (b->failed)
			go_down(b, -ERR_IO);
		else
			flush(b);
		break;
	case BUS_LEFT:
		break;
	}
}

/* ---------------------------------------------------------------- doors */

int ha_bus_new(struct daemon *d, uint32_t cluster_id, struct ha_bus **out)
{
	struct ha_bus *b = calloc(1, sizeof *b);

	if (!b)
		return -ERR_NOMEM;
	b->d = d;
	b->log = d->log;
	b->cluster_id = cluster_id;
	b->retry_ms = RETRY_MIN_MS;
	if (uv_timer_init(&d->loop, &b->timer) != 0) {
		free(b);
		return -ERR_IO;
	}
	b->timer.data = b;
	arm(b, 0); /* from the loop, when everything else has started too */
	*out = b;
	return 0;
}

void ha_bus_send(struct ha_bus *b, struct view octets)
{
	int rc;

	if (b->state != BUS_JOINED || b->failed)
		return;
	rc = cpg_bus_send(b->cpg, octets);
	if (rc < 0) {
		log_err(&b->log, "cluster.send.failed", "octets=%zu reason=\"%s\"", octets.n,
			err_text(rc));
		b->failed = true;
		arm(b, 0);
	} else if (cpg_bus_queued(b->cpg) != 0 && !uv_is_active((uv_handle_t *)&b->timer)) {
		arm(b, FLUSH_MS);
	}
}

void ha_bus_leave(struct ha_bus *b)
{
	if (b->state == BUS_JOINED && !b->failed)
		cpg_bus_leave(b->cpg);
	b->state = BUS_LEFT;
	(void)uv_timer_stop(&b->timer);
}

static void on_timer_closed(uv_handle_t *h)
{
	free(h->data);
}

void ha_bus_free(struct ha_bus *b)
{
	if (!b)
		return;
	disconnect(b);
	uv_close((uv_handle_t *)&b->timer, on_timer_closed);
}
