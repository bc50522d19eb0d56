/*
 * show chassis cluster status, show security ha replication
 */
#include <inttypes.h>

#include "cli/names.h"
#include "cli/show.h"

static const char legend[] =
	"Monitor Failure codes:\n"
	"    CS  Cold Sync monitoring        FL  Fabric Connection monitoring\n"
	"    GR  GRES monitoring             HW  Hardware monitoring\n"
	"    IF  Interface monitoring        IP  IP monitoring\n"
	"    LB  Loopback monitoring         MB  Mbuf monitoring\n"
	"    NH  Nexthop monitoring          NP  NPC monitoring\n"
	"    SP  SPU monitoring              SM  Schedule monitoring\n"
	"    CF  Config Sync monitoring      RE  Relinquish monitoring\n"
	"    IS  IRQ storm\n"
	"\n";

static const char *yes_no(bool v)
{
	return v ? "yes" : "no";
}

static void member(struct show *s, const Ctl__Member *m)
{
	bool lost = m->status == CTL__NODE_STATUS__STATUS_LOST;
	char name[16], code[512];

	(void)snprintf(name, sizeof name, "node%u", m->node);
	(void)fprintf(s->f, "%-6s %-8u %-20s %-7s %-8s ", name, lost ? 0 : m->priority,
		name_status(m->status), lost ? "n/a" : yes_no(m->preempt),
		lost ? "n/a" : yes_no(m->manual));
	if (lost || m->n_failures == 0)
		(void)fputs(lost ? "n/a" : "None", s->f);
	for (size_t i = 0; !lost && i < m->n_failures; i++)
		(void)fprintf(s->f, "%s%s", i ? " " : "", show_safe(m->failures[i], code));
	(void)fputc('\n', s->f);
}

static void group_json(struct json *j, const Ctl__Group *g)
{
	json_open(j, NULL, '{');
	json_uint(j, "id", g->id);
	json_uint(j, "failover-count", g->failovers);
	json_uint(j, "epoch", g->epoch);
	json_open(j, "nodes", '[');
	for (size_t i = 0; i < g->n_members; i++) {
		const Ctl__Member *m = g->members[i];

		json_open(j, NULL, '{');
		json_uint(j, "node", m->node);
		json_uint(j, "priority", m->priority);
		json_text(j, "status", name_status(m->status));
		json_bool(j, "preempt", m->preempt);
		json_bool(j, "manual", m->manual);
		json_open(j, "monitor-failures", '[');
		for (size_t k = 0; k < m->n_failures; k++)
			json_text(j, NULL, m->failures[k]);
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

void show_cluster(struct show *s, const Ctl__ClusterStatus *c)
{
	if (s->as_json) {
		json_open(&s->json, NULL, '{');
		json_uint(&s->json, "cluster-id", c->cluster_id);
		json_open(&s->json, "redundancy-groups", '[');
		for (size_t i = 0; i < c->n_groups; i++)
			group_json(&s->json, c->groups[i]);
		json_close(&s->json, ']');
		json_close(&s->json, '}');
		return;
	}
	(void)fprintf(s->f,
		"%sCluster ID: %u\n"
		"Node   Priority Status               Preempt Manual   Monitor-failures\n",
		legend, c->cluster_id);
	for (size_t i = 0; i < c->n_groups; i++) {
		const Ctl__Group *g = c->groups[i];

		(void)fprintf(
			s->f, "\nRedundancy group: %u , Failover count: %u\n", g->id, g->failovers);
		for (size_t k = 0; k < g->n_members; k++)
			member(s, g->members[k]);
	}
}

/* ---- replication */

static void replica_json(struct json *j, const Ctl__ReplicationPeer *p)
{
	json_open(j, NULL, '{');
	json_uint(j, "node", p->node);
	json_uint(j, "schema", p->schema);
	json_text(j, "state", p->state);
	json_uint(j, "last-sent", p->last_sent);
	json_uint(j, "last-applied", p->last_applied);
	json_uint(j, "lag-ms", p->lag_ms);
	json_text(j, "snapshot", p->snapshot);
	json_close(j, '}');
}

static void replication_json(struct show *s, const Ctl__Replication *r)
{
	struct json *j = &s->json;

	show_row_open(s);
	json_text(j, "transport", r->transport);
	json_open(j, "redundancy-groups", '[');
	for (size_t i = 0; i < r->n_groups; i++) {
		const Ctl__ReplicationGroup *g = r->groups[i];

		json_open(j, NULL, '{');
		json_uint(j, "id", g->id);
		json_int(j, "owner", g->owner);
		json_uint(j, "epoch", g->epoch);
		json_uint(j, "ike-sas", g->ike_sas);
		json_uint(j, "ipsec-sas", g->ipsec_sas);
		json_uint(j, "leases", g->leases);
		json_hex(j, "digest", g->digest, 8);
		json_open(j, "peers", '[');
		for (size_t k = 0; k < g->n_peers; k++)
			replica_json(j, g->peers[k]);
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void replication_group(struct show *s, const Ctl__ReplicationGroup *g)
{
	char state[512], snapshot[512];

	(void)fprintf(s->f, "Redundancy group: %u, Owner: ", g->id);
	if (g->owner < 0)
		(void)fputs("none", s->f);
	else
		(void)fprintf(s->f, "node%d", g->owner);
	(void)fprintf(s->f,
		", Epoch: %" PRIu64 "\n"
		"  Peer    Schema  State        Last sent   Last applied  Lag(ms)  Snapshot\n",
		g->epoch);
	for (size_t i = 0; i < g->n_peers; i++) {
		const Ctl__ReplicationPeer *p = g->peers[i];
		char name[16];

		(void)snprintf(name, sizeof name, "node%u", p->node);
		(void)fprintf(s->f, "  %-7s %-7u %-12s %-11" PRIu64 " %-13" PRIu64 " %-8u %s\n",
			name, p->schema, show_safe(p->state, state), p->last_sent, p->last_applied,
			p->lag_ms, show_safe(p->snapshot, snapshot));
	}
	(void)fprintf(s->f,
		"  IKE SAs: %" PRIu64 ", IPsec SAs: %" PRIu64 ", Leases: %" PRIu64
		", Digest: %08x\n",
		g->ike_sas, g->ipsec_sas, g->leases, g->digest);
}

void show_replication(struct show *s, const Ctl__Replication *r)
{
	char text[512];

	if (s->as_json) {
		replication_json(s, r);
		return;
	}
	if (r->transport && *r->transport)
		(void)fprintf(s->f, "Transport: %s\n", show_safe(r->transport, text));
	for (size_t i = 0; i < r->n_groups; i++)
		replication_group(s, r->groups[i]);
}
