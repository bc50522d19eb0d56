/*
 * What the operator asks for: each request of control.proto, answered from the cores and the
 * dataplane. Lists of SAs are in show.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "host/daemon.h"
#include "host/show.h"

/* ---------------------------------------------------------------- filters */

static struct addr addr_or_none(const ProtobufCBinaryData *b)
{
	struct addr a = {0};

	if (b->len != 0 && addr_from_view(view_of(b->data, b->len), &a) < 0)
		a.family = 0;
	return a;
}

static uint8_t family_of(Ctl__Family f)
{
	return f == CTL__FAMILY__FAMILY_INET ? 4 : f == CTL__FAMILY__FAMILY_INET6 ? 6 : 0;
}

static struct ike_filter ike_filter_of(const Ctl__IkeFilter *f)
{
	struct ike_filter out = {0};

	if (!f)
		return out;
	out.index = f->index;
	out.peer = addr_or_none(&f->peer);
	out.port = (uint16_t)f->port;
	out.family = family_of(f->family);
	out.gateway = f->gateway;
	return out;
}

static struct ike_filter ipsec_filter_of(const Ctl__IpsecFilter *f)
{
	struct ike_filter out = {0};

	if (!f)
		return out;
	out.index = f->index;
	out.family = family_of(f->family);
	out.vpn = f->vpn;
	out.selector = f->selector;
	return out;
}

static void engine(
	struct daemon *d, struct ctl_call *call, enum ike_operation op, struct ike_filter filter)
{
	struct ike_ev_operator o = {.op = op, .filter = filter};

	runner_operator(&d->runner, &o, call);
}

/* ---------------------------------------------------------------- cluster */

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

static void show_cluster(struct daemon *d, const Ctl__ShowCluster *q, struct ctl_call *call)
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

static void failover(struct daemon *d, const Ctl__Failover *f, struct ctl_call *call)
{
	if (d->clustered && !ha_bridge_owns(&d->ha, f->group))
		ctl_fail(call, "redundancy group %u does not exist", f->group);
	else
		ha_bridge_failover(&d->ha, f->group, f->node, call);
}

/* ---------------------------------------------------------------- statistics */

static const struct {
	const char *counter;
	size_t offset;
} statistics[] = {

#define ROW(name, field)                                                                           \
	{                                                                                          \
		name, offsetof(Ctl__IpsecStatistics, field)                                        \
	}
	ROW("esp.out.bytes", esp_encrypted_bytes),
	ROW("esp.in.bytes", esp_decrypted_bytes),
	ROW("esp.out.packets", esp_encrypted_packets),
	ROW("esp.in.packets", esp_decrypted_packets),
#undef ROW
};

struct stats_ctx {
	struct daemon *d;
	struct ctl_call *call;
	uint32_t spi_in; /* 0 = all */
};

static void add_children(Ctl__IpsecStatistics *s, const Dp__Reply *reply, uint32_t spi_in)
{
	for (size_t i = 0; i < reply->n_children; i++) {
		const Dp__ChildStats *c = reply->children[i];

		if (spi_in != 0 && c->spi_in != spi_in)
			continue;
		s->esp_encrypted_bytes += c->bytes_out;
		s->esp_encrypted_packets += c->packets_out;
		s->esp_decrypted_bytes += c->bytes_in;
		s->esp_decrypted_packets += c->packets_in;
		s->replay_errors += c->replay_errors;
		s->esp_auth_failures += c->auth_errors;
		s->esp_decrypt_failures += c->decrypt_errors;
		s->ts_check_fail += c->selector_errors;
	}
}

static void set_total(Ctl__IpsecStatistics *s, const Dp__Counter *c)
{
	if (strncmp(c->name, "drop.", 5) == 0)
		s->discarded += c->value;
	for (size_t i = 0; i < ARRAY_LEN(statistics); i++)
		if (strcmp(c->name, statistics[i].counter) == 0) {
			uint64_t *field = (uint64_t *)(void *)((char *)s + statistics[i].offset);

			*field = MAX(*field, c->value);
		}
	if (strstr(c->name, "spi") && strncmp(c->name, "drop.", 5) == 0)
		s->invalid_spi += c->value;
	if (strstr(c->name, "mtu"))
		s->exceeds_mtu += c->value;
	if (strstr(c->name, "trailer") || strstr(c->name, "pad"))
		s->bad_trailers += c->value;
	if (strncmp(c->name, "drop.ip", 7) == 0)
		s->bad_headers += c->value;
}

static void on_statistics(void *ctx, int rc, const Dp__Reply *reply)
{
	struct stats_ctx *c = (struct stats_ctx *)ctx;
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__IpsecStatistics s = CTL__IPSEC_STATISTICS__INIT;
	Ctl__NamedCounter *named;
	Ctl__NamedCounter **list;

	if (rc < 0) {
		ctl_fail(c->call, "the dataplane does not answer: %s", err_text(rc));
		free(c);
		return;
	}
	named = calloc(reply->n_counters + 1, sizeof(*named));
	list = calloc(reply->n_counters + 1, sizeof(*list));
	add_children(&s, reply, c->spi_in);
	for (size_t i = 0; named && list && c->spi_in == 0 && i < reply->n_counters; i++) {
		set_total(&s, reply->counters[i]);
		named[i] = (Ctl__NamedCounter)CTL__NAMED_COUNTER__INIT;
		named[i].name = reply->counters[i]->name;
		named[i].value = reply->counters[i]->value;
		list[s.n_counters++] = &named[i];
	}
	s.counters = list;
	r.node = daemon_node(c->d);
	r.body_case = CTL__RESPONSE__BODY_IPSEC_STATISTICS;
	r.ipsec_statistics = &s;
	ctl_end(c->call, &r);
	free(list);
	free(named);
	free(c);
}

static void show_statistics(
	struct daemon *d, const Ctl__ShowIpsecStatistics *q, struct ctl_call *call)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__Query query = DP__QUERY__INIT;
	struct stats_ctx *c = calloc(1, sizeof *c);
	int rc = c ? 0 : -ERR_NOMEM;

	if (rc == 0) {
		*c = (struct stats_ctx){d, call, 0};
		if (q->index != 0 && !show_spi_of_index(d, q->index, &c->spi_in))
			rc = -ERR_NOT_FOUND;
	}
	query.children = true;
	query.counters = true;
	r.body_case = DP__REQUEST__BODY_QUERY;
	r.query = &query;
	if (rc == 0)
		rc = dp_client_send(&d->dp, &r, on_statistics, c);
	if (rc == 0)
		return;
	free(c);
	ctl_fail(call, rc == -ERR_AGAIN ? "the dataplane is not connected" : "%s", err_text(rc));
}

/* ---------------------------------------------------------------- the rest */

static void show_version(struct daemon *d, struct ctl_call *call)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__Version v = CTL__VERSION__INIT;

	v.program = (char *)(uintptr_t)TANDEM_VERSION;
	v.host_name = (char *)(uintptr_t)d->model->host_name;
	v.started_unix = (uint64_t)d->started_wall_s;
	v.dataplane_connected = d->dp_ready;
	r.node = daemon_node(d);
	r.body_case = CTL__RESPONSE__BODY_VERSION;
	r.version = &v;
	ctl_end(call, &r);
}

static void reload(struct daemon *d, const Ctl__Reload *q, struct ctl_call *call)
{
	auto_blob why = {0};

	if (daemon_reload(d, q->check_only, &why) == 0)
		ctl_done(call, daemon_node(d),
			q->check_only ? "configuration check succeeds\n" : "configuration loaded\n",
			1);
	else
		ctl_fail(call, "%.*s", (int)MIN(why.n, (size_t)900), why.n ? (char *)why.p : "");
}

void daemon_ctl(void *ctx, const Ctl__Request *q, struct ctl_call *call)
{
	struct daemon *d = (struct daemon *)ctx;

	switch (q->command_case) {
	case CTL__REQUEST__COMMAND_SHOW_IKE:
		show_ike(d, ike_filter_of(q->show_ike->filter), call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_IPSEC:
		show_ipsec(d, ipsec_filter_of(q->show_ipsec->filter), call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_IPSEC_STATISTICS:
		show_statistics(d, q->show_ipsec_statistics, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_CLUSTER:
		show_cluster(d, q->show_cluster, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_VERSION:
		show_version(d, call);
		break;
	case CTL__REQUEST__COMMAND_CLEAR_IKE:
		engine(d, call, IKE_OP_CLEAR_IKE, ike_filter_of(q->clear_ike->filter));
		break;
	case CTL__REQUEST__COMMAND_CLEAR_IPSEC:
		engine(d, call, IKE_OP_CLEAR_CHILD, ipsec_filter_of(q->clear_ipsec->filter));
		break;
	case CTL__REQUEST__COMMAND_REKEY_IKE:
		engine(d, call, IKE_OP_REKEY_IKE, ike_filter_of(q->rekey_ike->filter));
		break;
	case CTL__REQUEST__COMMAND_REKEY_IPSEC:
		engine(d, call, IKE_OP_REKEY_CHILD, ipsec_filter_of(q->rekey_ipsec->filter));
		break;
	case CTL__REQUEST__COMMAND_FAILOVER:
		failover(d, q->failover, call);
		break;
	case CTL__REQUEST__COMMAND_FAILOVER_RESET:
		ha_bridge_failover_reset(&d->ha, q->failover_reset->group, call);
		break;
	case CTL__REQUEST__COMMAND_RELOAD:
		reload(d, q->reload, call);
		break;
	case CTL__REQUEST__COMMAND_SHOW_REPLICATION:
	case CTL__REQUEST__COMMAND_SHOW_INTERFACES:
	case CTL__REQUEST__COMMAND_SHOW_CONFIGURATION:
	case CTL__REQUEST__COMMAND_CLEAR_IPSEC_STATISTICS:
	case CTL__REQUEST__COMMAND_FORCE_RESTORE:
	case CTL__REQUEST__COMMAND__NOT_SET:
	case _CTL__REQUEST__COMMAND__CASE_IS_INT_SIZE:
		ctl_fail(call, "this command is not supported by this version of tandemd");
		break;
	}
	work_drain(&d->work, d);
}
