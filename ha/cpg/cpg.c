#include "ha/cpg/cpg.h"

#include <corosync/cpg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "base/err.h"
#include "base/list.h"
#include "ha/cpg/gather.h"

enum {
	READ_MESSAGES_MAX = 512, /* a turn; timers and sockets of the loop get theirs */
	READ_OCTETS_MAX = 2 << 20
};

struct queued {
	struct list link;
	size_t n;
	uint8_t p[];
};

struct cpg_bus {
	cpg_handle_t handle;
	struct cpg_name group;
	int fd;
	bool joined;
	struct gather in;
	struct list out; /* struct queued */
	size_t out_octets;
};

/* Corosync's nodeid is Tandem's node + 1. False: not a node of ours. */
static bool node_of(uint32_t nodeid, uint32_t *node)
{
	*node = nodeid - 1;
	return nodeid >= 1 && nodeid <= HA_NODES_MAX;
}

/* ---------------------------------------------------------------- what the library calls */

static struct cpg_bus *bus_of(cpg_handle_t handle)
{
	void *ctx = NULL;

	return cpg_context_get(handle, &ctx) == CS_OK ? (struct cpg_bus *)ctx : NULL;
}

static void on_deliver(cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid,
	uint32_t pid, void *msg, size_t n)
{
	struct cpg_bus *b = bus_of(handle);
	uint32_t node;

	(void)group;
	if (b && node_of(nodeid, &node))
		gather_deliver(&b->in, node, pid, view_of(msg, n));
}

static enum ha_left_reason reason_of(uint32_t reason)
{
	switch (reason) {
	case CPG_REASON_LEAVE:
		return HA_LEFT_LEAVE;
	case CPG_REASON_NODEDOWN:
		return HA_LEFT_NODEDOWN;
	default:
		return HA_LEFT_PROCDOWN;
	}
}

static size_t processes_of(
	const struct cpg_address *list, size_t n, struct gather_process out[GATHER_LIST_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < n && count < GATHER_LIST_MAX; i++) {
		struct gather_process p = {.pid = list[i].pid,
			.reason = reason_of(list[i].reason),
			.with_node = list[i].reason == CPG_REASON_NODEDOWN ||
				     list[i].reason == CPG_REASON_NODEUP};

		if (node_of(list[i].nodeid, &p.node))
			out[count++] = p;
	}
	return count;
}

/* NOLINTNEXTLINE(readability-function-size): the library's signature */
static void on_confchg(cpg_handle_t handle, const struct cpg_name *name,
	const struct cpg_address *members, size_t n_members, const struct cpg_address *left,
	size_t n_left, const struct cpg_address *joined, size_t n_joined)
{
	struct gather_process in[GATHER_LIST_MAX], gone[GATHER_LIST_MAX], came[GATHER_LIST_MAX];
	struct cpg_bus *b = bus_of(handle);
	struct gather_group g = {.members = in, .left = gone, .joined = came};

	(void)name;
	if (!b)
		return;
	g.n_members = processes_of(members, n_members, in);
	for (size_t i = 0; i < g.n_members; i++)
		in[i].with_node = false; /* their reasons are not set */
	g.n_left = processes_of(left, n_left, gone);
	g.n_joined = processes_of(joined, n_joined, came);
	gather_confchg(&b->in, &g);
}

static void on_ring(
	cpg_handle_t handle, struct cpg_ring_id ring, uint32_t n_members, const uint32_t *members)
{
	struct cpg_bus *b = bus_of(handle);
	uint32_t nodes = 0, node;

	for (uint32_t i = 0; i < n_members; i++)
		if (node_of(members[i], &node))
			nodes |= 1u << node;
	if (b && node_of(ring.nodeid, &node))
		gather_ring(&b->in, ring.seq, node, nodes);
}

/* ---------------------------------------------------------------- life */

static int connect_bus(struct cpg_bus *b, uint32_t node)
{
	cpg_model_v1_data_t model = {.model = CPG_MODEL_V1,
		.cpg_deliver_fn = on_deliver,
		.cpg_confchg_fn = on_confchg,
		.cpg_totem_confchg_fn = on_ring,
		.flags = CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF};
	unsigned int nodeid = 0;

	if (cpg_model_initialize(&b->handle, CPG_MODEL_V1, (cpg_model_data_t *)&model, b) != CS_OK)
		return -ERR_IO;
	if (cpg_fd_get(b->handle, &b->fd) == CS_OK && cpg_local_get(b->handle, &nodeid) == CS_OK) {
		if (nodeid == node + 1)
			return 0;
		(void)cpg_finalize(b->handle);
		return -ERR_VALUE;
	}
	(void)cpg_finalize(b->handle);
	return -ERR_IO;
}

int cpg_bus_open(uint32_t cluster_id, uint32_t node, struct cpg_bus **out)
{
	struct cpg_bus *b = calloc(1, sizeof *b);
	int rc;

	if (!b)
		return -ERR_NOMEM;
	list_init(&b->out);
	b->group.length = (uint32_t)snprintf(
		b->group.value, sizeof b->group.value, "tandem-%u", (unsigned)cluster_id);
	rc = connect_bus(b, node);
	if (rc < 0) {
		free(b);
		return rc;
	}
	*out = b;
	return 0;
}

int cpg_bus_fd(const struct cpg_bus *b)
{
	return b->fd;
}

int cpg_bus_join(struct cpg_bus *b)
{
	cs_error_t rc = cpg_join(b->handle, &b->group);

	if (rc == CS_ERR_TRY_AGAIN || rc == CS_ERR_BUSY)
		return -ERR_AGAIN;
	b->joined = rc == CS_OK;
	return rc == CS_OK ? 0 : -ERR_IO;
}

static void drop_queue(struct cpg_bus *b)
{
	struct queued *q, *tmp;

	list_foreach_safe (q, tmp, &b->out, link) {
		list_del(&q->link);
		free(q);
	}
	b->out_octets = 0;
}

void cpg_bus_leave(struct cpg_bus *b)
{
	if (!b->joined)
		return;
	/* Refused while a ring is being formed: the close that follows is seen as PROCDOWN then. */
	if (cpg_bus_flush(b) == 0)
		(void)cpg_leave(b->handle, &b->group);
	b->joined = false;
}

void cpg_bus_close(struct cpg_bus *b)
{
	if (!b)
		return;
	(void)cpg_finalize(b->handle);
	drop_queue(b);
	gather_fini(&b->in);
	free(b);
}

/* ---------------------------------------------------------------- reading */

int cpg_bus_read(struct cpg_bus *b)
{
	cs_error_t rc = CS_OK;

	gather_reset(&b->in);
	for (int i = 0; i < READ_MESSAGES_MAX && b->in.n_octets < READ_OCTETS_MAX; i++) {
		rc = cpg_dispatch(b->handle, CS_DISPATCH_ONE_NONBLOCKING);
		if (rc != CS_OK)
			break;
	}
	/* What came before the end is still true and in order. */
	if (gather_end(&b->in) < 0)
		return -ERR_NOMEM;
	return rc == CS_OK || rc == CS_ERR_TRY_AGAIN ? 0 : -ERR_IO;
}

bool cpg_bus_next(struct cpg_bus *b, struct ha_event *ev)
{
	return gather_next(&b->in, ev);
}

/* ---------------------------------------------------------------- sending */

static int mcast(struct cpg_bus *b, struct view octets)
{
	struct iovec iov = {.iov_len = octets.n};
	cs_error_t rc;

	memcpy(&iov.iov_base, &octets.p, sizeof iov.iov_base); /* only read from */
	rc = cpg_mcast_joined(b->handle, CPG_TYPE_AGREED, &iov, 1);
	if (rc == CS_OK)
		return 0;
	return rc == CS_ERR_TRY_AGAIN ? -ERR_AGAIN : -ERR_IO;
}

static int enqueue(struct cpg_bus *b, struct view octets)
{
	struct queued *q;

	if (b->out_octets + octets.n > CPG_QUEUE_MAX)
		return -ERR_LIMIT;
	q = malloc(sizeof *q + octets.n);
	if (!q)
		return -ERR_NOMEM;
	q->n = octets.n;
	memcpy(q->p, octets.p, octets.n);
	list_add_tail(&b->out, &q->link);
	b->out_octets += octets.n;
	return 0;
}

int cpg_bus_send(struct cpg_bus *b, struct view octets)
{
	int rc = -ERR_AGAIN;

	if (octets.n == 0 || octets.n > HA_MESSAGE_MAX)
		return -ERR_VALUE;
	if (list_is_empty(&b->out))
		rc = mcast(b, octets);
	return rc == -ERR_AGAIN ? enqueue(b, octets) : rc;
}

int cpg_bus_flush(struct cpg_bus *b)
{
	struct queued *q, *tmp;

	list_foreach_safe (q, tmp, &b->out, link) {
		int rc = mcast(b, view_of(q->p, q->n));

		if (rc < 0)
			return rc;
		list_del(&q->link);
		b->out_octets -= q->n;
		free(q);
	}
	return 0;
}

size_t cpg_bus_queued(const struct cpg_bus *b)
{
	return b->out_octets;
}
