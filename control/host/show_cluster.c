#include "host/show_cluster.h"

#include <stdlib.h>

#include "base/err.h"
#include "host/clock.h"
#include "host/daemon.h"
#include "host/ha_bus.h"

/* ---------------------------------------------------------------- groups */

static const Ctl__NodeStatus status_of[] = {
	[HA_LOST] = CTL__NODE_STATUS__STATUS_LOST,
	[HA_HOLD] = CTL__NODE_STATUS__STATUS_HOLD,
	[HA_SECONDARY] = CTL__NODE_STATUS__STATUS_SECONDARY,
	[HA_SECONDARY_HOLD] = CTL__NODE_STATUS__STATUS_SECONDARY_HOLD,
	[HA_PRIMARY] = CTL__NODE_STATUS__STATUS_PRIMARY,
	[HA_INELIGIBLE] = CTL__NODE_STATUS__STATUS_INELIGIBLE,
};

static const struct {
	uint32_t bit;
	const char *code;
} monitors[] = {
	{HA_MON_CS, "CS"},
	{HA_MON_IF, "IF"},
	{HA_MON_IP, "IP"},
	{HA_MON_SP, "SP"},
	{HA_MON_CF, "CF"},
	{HA_MON_FL, "FL"},
	{HA_MON_RE, "RE"},
};

struct group_room {
	Ctl__Group group;
	Ctl__Member member[HA_NODES_MAX], *members[HA_NODES_MAX];
	char *codes[HA_NODES_MAX][ARRAY_LEN(monitors)];
};

static void put_member(struct group_room *g, uint32_t node, const struct ha_node_row *row)
{
	size_t at = g->group.n_members++;
	Ctl__Member *m = &g->member[at];

	*m = (Ctl__Member)CTL__MEMBER__INIT;
	m->node = node;
	m->priority = row->priority;
	m->status = status_of[row->status];
	m->preempt = row->preempt;
	m->manual = row->manual;
	m->failures = g->codes[at];
	for (size_t i = 0; i < ARRAY_LEN(monitors); i++)
		if (row->monitors & monitors[i].bit)
			g->codes[at][m->n_failures++] = (char *)(uintptr_t)monitors[i].code;
	g->members[at] = m;
}

static void put_group(const struct daemon *d, uint32_t rg, struct group_room *g)
{
	struct ha_rg_status s;

	g->group = (Ctl__Group)CTL__GROUP__INIT;
	g->group.id = rg;
	g->group.members = g->members;
	if (ha_rg_status(d->ha.ha, rg, &s) < 0)
		return;
	g->group.failovers = s.failovers;
	g->group.epoch = s.epoch.number;
	for (uint32_t i = 0; i < d->model->cluster.n_nodes; i++) {
		uint32_t node = d->model->cluster.nodes[i];

		if (node < HA_NODES_MAX)
			put_member(g, node, &s.node[node]);
	}
}

void show_cluster(struct daemon *d, const Ctl__ShowCluster *q, struct ctl_call *call)
{
	const struct model_cluster *m = &d->model->cluster;
	struct group_room *rooms = calloc(m->n_rgs + 1, sizeof(*rooms));
	Ctl__Group **groups = calloc(m->n_rgs + 1, sizeof(*groups));
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__ClusterStatus s = CTL__CLUSTER_STATUS__INIT;

	for (uint32_t i = 0; rooms && groups && d->clustered && i < m->n_rgs; i++) {
		if (!ha_bridge_owns(&d->ha, m->rgs[i].id) ||
			(q->one_group && q->group != m->rgs[i].id))
			continue;
		put_group(d, m->rgs[i].id, &rooms[s.n_groups]);
		groups[s.n_groups] = &rooms[s.n_groups].group;
		s.n_groups++;
	}
	if (!rooms || !groups) {
		ctl_fail(call, "%s", err_text(ERR_NOMEM));
	} else if (!d->clustered) {
		ctl_fail(call, "Chassis cluster is not enabled");
	} else if (q->one_group && s.n_groups == 0) {
		ctl_fail(call, "redundancy group %u does not exist", q->group);
	} else {
		s.cluster_id = d->args.cluster_id;
		s.groups = groups;
		r.node = daemon_node(d);
		r.body_case = CTL__RESPONSE__BODY_CLUSTER;
		r.cluster = &s;
		ctl_end(call, &r);
	}
	free(groups);
	free(rooms);
}

/* ---------------------------------------------------------------- replication */

struct replica_room {
	Ctl__ReplicationGroup group;
	Ctl__ReplicationPeer peer[HA_NODES_MAX], *peers[HA_NODES_MAX];
};

static char *constant(const char *text)
{
	return (char *)(uintptr_t)text;
}

static void put_peer(
	struct replica_room *g, const struct daemon *d, uint32_t node, const struct ha_rg_status *s)
{
	const struct ha_node_row *row = &s->node[node];
	Ctl__ReplicationPeer *p = &g->peer[g->group.n_peers];
	bool lost = row->status == HA_LOST;

	*p = (Ctl__ReplicationPeer)CTL__REPLICATION_PEER__INIT;
	p->node = node;
	p->schema = row->schema;
	p->state = constant(lost ? "lost" : row->synced ? "synchronized" : "synchronizing");
	p->snapshot = constant(lost ? "none" : row->synced ? "complete" : "running");
	p->last_sent = s->index;
	/* What is known here was written by the owner: it has applied it. */
	p->last_applied = lost ? 0 : node == s->owner ? s->index : row->acked_index;
	if (!lost && p->last_applied < s->index)
		p->lag_ms = ha_bridge_lag_ms(&d->ha, g->group.id);
	g->peers[g->group.n_peers++] = p;
}

static void count_records(const struct daemon *d, Ctl__ReplicationGroup *g)
{
	struct ha_walk at = {0};
	struct ha_record r;

	while (ha_record_next(d->ha.ha, g->id, &at, &r)) {
		g->leases += r.class == HA_CLASS_LEASE;
		if (r.class == HA_CLASS_RECORD && r.key.n != 0) {
			g->ike_sas += r.key.p[0] == 'I';
			g->ipsec_sas += r.key.p[0] == 'C';
		}
	}
}

static void put_replica(const struct daemon *d, uint32_t rg, struct replica_room *g)
{
	struct ha_rg_status s;

	g->group = (Ctl__ReplicationGroup)CTL__REPLICATION_GROUP__INIT;
	g->group.id = rg;
	g->group.owner = -1;
	g->group.peers = g->peers;
	if (ha_rg_status(d->ha.ha, rg, &s) < 0)
		return;
	if (s.owner != HA_NODE_NONE)
		g->group.owner = (int32_t)s.owner;
	g->group.epoch = s.epoch.number;
	g->group.digest = (uint32_t)(s.digest ^ s.digest >> 32);
	count_records(d, &g->group);
	for (uint32_t i = 0; i < d->model->cluster.n_nodes; i++) {
		uint32_t node = d->model->cluster.nodes[i];

		if (node < HA_NODES_MAX && node != d->node)
			put_peer(g, d, node, &s);
	}
}

void show_replication(struct daemon *d, struct ctl_call *call)
{
	const struct model_cluster *m = &d->model->cluster;
	struct replica_room *rooms = calloc(m->n_rgs + 1, sizeof(*rooms));
	Ctl__ReplicationGroup **groups = calloc(m->n_rgs + 1, sizeof(*groups));
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__Replication s = CTL__REPLICATION__INIT;

	for (uint32_t i = 0; rooms && groups && d->clustered && i < m->n_rgs; i++) {
		if (!ha_bridge_owns(&d->ha, m->rgs[i].id))
			continue;
		put_replica(d, m->rgs[i].id, &rooms[s.n_groups]);
		groups[s.n_groups] = &rooms[s.n_groups].group;
		s.n_groups++;
	}
	if (!rooms || !groups) {
		ctl_fail(call, "%s", err_text(ERR_NOMEM));
	} else if (!d->clustered) {
		ctl_fail(call, "Chassis cluster is not enabled");
	} else {
		s.groups = groups;
		s.transport = constant(ha_bus_is_up(d->ha.bus) ? "up" : "down: no Corosync");
		r.node = daemon_node(d);
		r.body_case = CTL__RESPONSE__BODY_REPLICATION;
		r.replication = &s;
		ctl_end(call, &r);
	}
	free(groups);
	free(rooms);
}
