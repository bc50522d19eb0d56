/*
 * ha_bus on a loop of its own, with a core that only prints what it is fed: for the scenario that
 * sets it on a real Corosync.
 *
 *     bus-probe NODE CLUSTER-ID
 *
 * Reads "send TEXT", "flood COUNT OCTETS", "leave", "end", a line each; prints an event a line. The
 * messages of a flood are numbered: only their end, or a number out of order, is printed.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "host/daemon.h"
#include "host/ha_bus.h"

#define FLOOD "flood "

enum { LINE_MAX_OCTETS = 512 };

struct probe {
	struct daemon d;
	struct ha_bus *bus;
	uv_pipe_t in;
	char line[LINE_MAX_OCTETS];
	size_t n;
	char room[LINE_MAX_OCTETS];
	struct log_sink sink;
	uint64_t next[HA_NODES_MAX]; /* number of the flood message that is due from each node */
	uint64_t gathered;	     /* deliveries that said more follows */
	bool expects_delivery;	     /* the last one did */
};

static struct probe *probe_of(struct ha_bridge *b)
{
	return container_of(container_of(b, struct daemon, ha), struct probe, d);
}

/* ---------------------------------------------------------------- the core's side */

static void print_view(const struct ha_ev_view *v)
{
	static const char *const reason[] = {"LEAVE", "PROCDOWN", "NODEDOWN"};

	printf("VIEW ring=%u.%" PRIu64 " nodes=%x members=", v->ring_node, v->ring_seq,
		v->ring_nodes);
	for (uint32_t i = 0; i < v->n_members; i++)
		printf("%s%u:%u", i ? "," : "", v->members[i].node, v->members[i].pid);
	printf(" joined=");
	for (uint32_t i = 0; i < v->n_joined; i++)
		printf("%s%u:%u", i ? "," : "", v->joined[i].node, v->joined[i].pid);
	printf(" left=");
	for (uint32_t i = 0; i < v->n_left; i++)
		printf("%s%u:%u:%s", i ? "," : "", v->left[i].node, v->left[i].pid,
			reason[v->left[i].reason]);
	printf("\n");
}

/* "flood 12 of 100" */
static bool read_flood(const char *text, uint64_t *number, uint64_t *count)
{
	char *end;

	if (strncmp(text, FLOOD, sizeof FLOOD - 1) != 0)
		return false;
	*number = strtoull(text + sizeof FLOOD - 1, &end, 10);
	if (strncmp(end, " of ", 4) != 0)
		return false;
	*count = strtoull(end + 4, &end, 10);
	return true;
}

static void print_delivery(struct probe *p, const struct ha_ev_deliver *d)
{
	char text[64] = "";
	uint64_t number, count;

	memcpy(text, d->octets.p, MIN(d->octets.n, sizeof text - 1));
	p->gathered += d->more;
	if (!read_flood(text, &number, &count)) {
		printf("DELIVER node=%u pid=%u octets=%zu text=%s\n", d->node, d->pid, d->octets.n,
			text);
		return;
	}
	if (number != p->next[d->node])
		printf("DISORDER node=%u number=%" PRIu64 " due=%" PRIu64 "\n", d->node, number,
			p->next[d->node]);
	p->next[d->node] = number + 1;
	if (number + 1 < count)
		return;
	printf("FLOODED node=%u count=%" PRIu64 " gathered=%" PRIu64 "\n", d->node, count,
		p->gathered);
	p->next[d->node] = p->gathered = 0;
}

void ha_bridge_feed(struct ha_bridge *b, struct ha_event *ev)
{
	struct probe *p = probe_of(b);

	if (p->expects_delivery && ev->type != HA_EV_DELIVER)
		printf("BROKEN PROMISE\n");
	p->expects_delivery = ev->type == HA_EV_DELIVER && ev->deliver.more;
	if (ev->type == HA_EV_VIEW)
		print_view(&ev->view);
	else if (ev->type == HA_EV_DELIVER)
		print_delivery(p, &ev->deliver);
	else if (ev->type == HA_EV_QUORUM)
		printf("QUORUM ring=%u.%" PRIu64 " quorate=%d\n", ev->quorum.ring_node,
			ev->quorum.ring_seq, ev->quorum.quorate);
	else if (ev->type == HA_EV_BUS_DOWN)
		printf("BUS_DOWN\n");
	if (ev->type == HA_EV_BUS_DOWN)
		memset(p->next, 0, sizeof p->next);
}

static void print_line(void *ctx, enum log_level level, const char *event, const char *text)
{
	(void)ctx;
	(void)level;
	printf("LOG %s %s\n", event, text);
}

/* ---------------------------------------------------------------- the tester's side */

static void flood(struct probe *p, unsigned long count, unsigned long octets)
{
	char *m = calloc(1, octets + 64);

	for (unsigned long i = 0; m && i < count; i++) {
		(void)snprintf(m, 64, FLOOD "%lu of %lu", i, count);
		ha_bus_send(p->bus, view_of(m, octets));
	}
	free(m);
}

static void obey(struct probe *p, const char *line)
{
	unsigned long count;
	char *end;

	if (strncmp(line, "send ", 5) == 0) {
		ha_bus_send(p->bus, view_of_text(line + 5));
	} else if (strncmp(line, FLOOD, sizeof FLOOD - 1) == 0) {
		count = strtoul(line + sizeof FLOOD - 1, &end, 10);
		flood(p, count, strtoul(end, NULL, 10));
	} else if (strcmp(line, "leave") == 0) {
		ha_bus_leave(p->bus);
	} else {
		uv_stop(&p->d.loop);
	}
}

static void on_alloc(uv_handle_t *h, size_t want, uv_buf_t *buf)
{
	struct probe *p = (struct probe *)h->data;

	(void)want;
	*buf = uv_buf_init(p->room, sizeof p->room);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct probe *p = (struct probe *)s->data;

	if (n < 0)
		uv_stop(&p->d.loop);
	for (ssize_t i = 0; i < n; i++) {
		if (buf->base[i] != '\n') {
			if (p->n + 1 < sizeof p->line)
				p->line[p->n++] = buf->base[i];
			continue;
		}
		p->line[p->n] = '\0';
		p->n = 0;
		obey(p, p->line);
	}
}

static void close_handle(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

static int start(struct probe *p, uint32_t cluster_id)
{
	if (uv_loop_init(&p->d.loop) != 0 || uv_pipe_init(&p->d.loop, &p->in, 0) != 0 ||
		uv_pipe_open(&p->in, STDIN_FILENO) != 0 ||
		uv_read_start((uv_stream_t *)&p->in, on_alloc, on_read) != 0)
		return -ERR_IO;
	return ha_bus_new(&p->d, cluster_id, &p->bus);
}

int main(int argc, char **argv)
{
	struct probe *p = calloc(1, sizeof *p);
	int rc;

	if (!p)
		return 1;
	if (argc != 3) {
		free(p);
		return 2;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 1 << 16);
	(void)signal(SIGPIPE, SIG_IGN);
	p->sink = (struct log_sink){.line = print_line, .max = LOG_LEVEL_DEBUG};
	p->d.log.sink = &p->sink;
	p->d.node = (uint32_t)strtoul(argv[1], NULL, 10);
	work_init(&p->d.work);
	p->in.data = p;
	rc = start(p, (uint32_t)strtoul(argv[2], NULL, 10));
	if (rc == 0)
		(void)uv_run(&p->d.loop, UV_RUN_DEFAULT);
	ha_bus_free(p->bus);
	uv_walk(&p->d.loop, close_handle, NULL);
	(void)uv_run(&p->d.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&p->d.loop);
	free(p);
	return rc == 0 ? 0 : 1;
}
