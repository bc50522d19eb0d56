/*
 * [edit chassis], [edit system].
 */
#include <stdlib.h>

#include "base/secret.h"
#include "config/build.h"
#include "config/value.h"

#define CLUSTER_KEY_N 32

static struct model_cluster *cluster(struct build *b)
{
	return &b->m->cluster;
}

static int by_node(const void *a, const void *b)
{
	const struct model_member *ma = a, *mb = b;

	return ma->node < mb->node ? -1 : ma->node > mb->node;
}

static void fill_members(struct build *b, const struct node *n, struct model_rg *rg)
{
	const struct node *list = stmt(b, n, "node");
	struct model_member *all = arena_array(b->arena, struct model_member, stmt_count(list));

	if (!all)
		return;
	for (const struct node *e = list ? list->first : NULL; e; e = e->next) {
		uint64_t node = 0;

		if (!e->is_name || !value_uint(e->word, &node))
			continue;
		all[rg->n_members++] = (struct model_member){
			.node = (uint32_t)node, .priority = stmt_u32(b, e, "priority")};
	}
	qsort(all, rg->n_members, sizeof *all, by_node);
	rg->members = all;
	if (rg->n_members == 0)
		refuse_missing(b, n, "node");
}

static void fill_if_monitors(struct build *b, const struct node *n, struct model_rg *rg)
{
	const struct node *list = stmt(b, n, "interface-monitor");
	struct model_if_monitor *all =
		arena_array(b->arena, struct model_if_monitor, stmt_count(list));

	if (!all)
		return;
	for (const struct node *e = list ? list->first : NULL; e; e = e->next) {
		const struct model_interface *i = model_interface(b->m, e->word);

		if (!e->is_name)
			continue;
		if (!i || i->kind != MODEL_IF_PORT) {
			refuse_at(b, e, "'%s' is not a configured port", e->word);
			continue;
		}
		if (!stmt(b, e, "weight"))
			refuse_missing(b, e, "weight");
		all[rg->n_if_monitors++] = (struct model_if_monitor){
			.interface = i, .weight = stmt_u32(b, e, "weight")};
	}
	rg->if_monitors = all;
}

static void fill_ip_monitor(struct build *b, const struct node *e, struct model_ip_monitor *to)
{
	const struct node *via = stmt(b, e, "interface");

	to->weight = stmt_u32(b, e, "weight");
	if (addr_parse(e->word, &to->target) < 0 || !via || !via->first)
		return;
	to->unit = model_unit(b->m, via->first->word);
	if (!to->unit)
		refuse_at(b, via->first, "interface unit '%s' is not configured", via->first->word);
	(void)stmt_addr(b, via->first, "secondary-ip-address", &to->secondary);
}

static void fill_ip_monitors(struct build *b, const struct node *n, struct model_rg *rg)
{
	const struct node *ip = stmt(b, n, "ip-monitoring");
	const struct node *list = stmt(b, n, "ip-monitoring family inet address");
	struct model_ip_monitor *all =
		arena_array(b->arena, struct model_ip_monitor, stmt_count(list));

	rg->ip_global_weight = stmt_u32(b, n, "ip-monitoring global-weight");
	rg->ip_global_threshold = stmt_u32(b, n, "ip-monitoring global-threshold");
	rg->ip_retry_interval_s = stmt_u32(b, n, "ip-monitoring retry-interval");
	rg->ip_retry_count = stmt_u32(b, n, "ip-monitoring retry-count");
	if (!all || !ip)
		return;
	for (const struct node *e = list ? list->first : NULL; e; e = e->next)
		if (e->is_name)
			fill_ip_monitor(b, e, &all[rg->n_ip_monitors++]);
	rg->ip_monitors = all;
}

/* 300..1800 and default 300 for group 0; 0..1800 and default 1 for the others. */
static uint32_t hold_down(struct build *b, const struct node *n, uint32_t id)
{
	const struct node *s = stmt(b, n, "hold-down-interval");
	uint32_t v = stmt_u32(b, n, "hold-down-interval");

	if (!s)
		return id == 0 ? 300 : 1;
	if (id == 0 && v < 300)
		refuse_at(
			b, s, "value %u is not within range (300..1800) of redundancy group 0", v);
	return v;
}

static void fill_rg(struct build *b, const struct node *n, struct model_rg *rg)
{
	const struct node *preempt = stmt(b, n, "preempt");
	uint64_t id = 0;

	if (!value_uint(n->word, &id))
		return;
	rg->id = (uint32_t)id;
	fill_members(b, n, rg);
	rg->preempt = preempt != NULL;
	rg->preempt_delay_s = stmt_u32(b, n, "preempt delay");
	rg->preempt_limit = stmt_u32(b, n, "preempt limit");
	rg->preempt_period_s = stmt_u32(b, n, "preempt period");
	if (preempt && (rg->preempt_limit != 0) != (rg->preempt_period_s != 0))
		refuse_at(b, preempt, "'limit' and 'period' need each other");
	rg->garp_count = stmt_u32(b, n, "gratuitous-arp-count");
	rg->hold_down_s = hold_down(b, n, rg->id);
	fill_if_monitors(b, n, rg);
	fill_ip_monitors(b, n, rg);
}

static int by_id(const void *a, const void *b)
{
	const struct model_rg *ra = a, *rb = b;

	return ra->id < rb->id ? -1 : ra->id > rb->id;
}

static void fill_rgs(struct build *b, const struct node *n)
{
	const struct node *list = stmt(b, n, "redundancy-group");
	struct model_rg *all = arena_array(b->arena, struct model_rg, stmt_count(list));
	uint32_t at = 0;

	if (!all)
		return;
	for (const struct node *e = list ? list->first : NULL; e; e = e->next)
		if (e->is_name)
			fill_rg(b, e, &all[at++]);
	qsort(all, at, sizeof *all, by_id);
	cluster(b)->rgs = all;
	cluster(b)->n_rgs = at;
	if (at == 0)
		refuse_missing(b, n, "redundancy-group");
}

/* All members of all groups, ascending. */
static void fill_nodes(struct build *b, const struct node *n)
{
	struct model_cluster *c = cluster(b);
	bool is_member[255] = {false};

	for (uint32_t i = 0; i < c->n_rgs; i++)
		for (uint32_t k = 0; k < c->rgs[i].n_members; k++)
			is_member[c->rgs[i].members[k].node] = true;
	for (uint32_t node = 0; node < ARRAY_LEN(is_member); node++) {
		if (!is_member[node])
			continue;
		if (c->n_nodes == MODEL_NODES_MAX) {
			refuse_at(b, n, "a cluster has at most %d nodes", MODEL_NODES_MAX);
			return;
		}
		c->nodes[c->n_nodes++] = node;
	}
	if (b->m->node >= 0 && (b->m->node >= 255 || !is_member[b->m->node]))
		refuse_at(
			b, n, "this node, node%d, is a member of no redundancy group", b->m->node);
	if (b->m->node < 0)
		warn_at(b, n,
			"the number of this node is not given (--node N): groups \"${node}\" do "
			"not apply");
}

static void fill_key(struct build *b, const struct node *n)
{
	const struct node *key = stmt(b, n, "replication cluster-key");
	const char *text = stmt_text(b, n, "replication cluster-key");
	auto_blob octets = {0};
	uint8_t *kept;

	if (!text) {
		refuse_missing(b, n, "replication cluster-key");
		return;
	}
	kept = arena_alloc(b->arena, CLUSTER_KEY_N);
	if (!kept)
		return;
	if (strlen(text) == CLUSTER_KEY_N) {
		memcpy(kept, text, CLUSTER_KEY_N);
	} else if (strlen(text) == (size_t)2 * CLUSTER_KEY_N && value_is_hex(text) &&
		   blob_from_hex(text, &octets) == 0) {
		memcpy(kept, octets.p, CLUSTER_KEY_N);
		secret_wipe(octets.p, octets.n);
	} else {
		refuse_at(b, key, "must be 64 hexadecimal digits or 32 characters");
		return;
	}
	cluster(b)->key = view_of(kept, CLUSTER_KEY_N);
}

static void fill_rings(struct build *b, const struct node *n)
{
	const struct node *list = stmt(b, n, "transport ring");
	uint32_t used = 0;

	for (const struct node *e = list ? list->first : NULL; e; e = e->next) {
		uint64_t ring = 0;

		if (!e->is_name || !value_uint(e->word, &ring) || ring >= MODEL_RINGS_MAX)
			continue;
		if (!stmt_addr(b, e, "address", &cluster(b)->rings[ring]))
			refuse_missing(b, e, "address");
		used++;
	}
	for (uint32_t i = 0; i < used && i < MODEL_RINGS_MAX; i++)
		if (cluster(b)->rings[i].family == 0) {
			refuse_at(b, list, "rings are numbered from 0 without gaps");
			return;
		}
	if (used == 0)
		refuse_missing(b, n, "transport ring 0 address");
}

static void fill_cluster(struct build *b, const struct node *n)
{
	struct model_cluster *c = cluster(b);

	c->enabled = true;
	c->id = stmt_u32(b, n, "cluster-id");
	c->active_backup = strcmp(stmt_word(b, n, "redundancy-mode"), "active-backup") == 0;
	c->reth_count = stmt_u32(b, n, "reth-count");
	c->control_link_recovery = stmt_flag(b, n, "control-link-recovery");
	c->heartbeat_interval_ms = stmt_u32(b, n, "heartbeat-interval");
	c->heartbeat_threshold = stmt_u32(b, n, "heartbeat-threshold");
	c->control_hold_s = stmt_u32(b, n, "control-hold");
	c->checkpoint_packets = stmt_u32(b, n, "replication checkpoint packets");
	c->checkpoint_ms = stmt_u32(b, n, "replication checkpoint milliseconds");
	c->replicate_half_open = stmt_flag(b, n, "replication half-open");
	c->workers_minimum = stmt_u32(b, n, "workers minimum");
	fill_rgs(b, n);
	fill_nodes(b, n);
	fill_key(b, n);
	fill_rings(b, n);
}

static void fill_workers_max(struct build *b)
{
	struct model_dataplane *d = &b->m->dataplane;
	const struct node *max = stmt(b, NULL, "chassis dataplane workers-maximum");

	d->workers_max = MAX(d->workers, stmt_u32(b, NULL, "chassis dataplane workers-maximum"));
	if (max && stmt_u32(b, NULL, "chassis dataplane workers-maximum") < d->workers)
		refuse_at(b, max, "less than the %u workers to begin with", d->workers);
}

void build_cluster(struct build *b)
{
	const struct node *n = stmt(b, NULL, "chassis cluster");
	const char *host = stmt_text(b, NULL, "system host-name");

	b->m->host_name = host ? host : "";
	b->m->dataplane.workers = stmt_u32(b, NULL, "chassis dataplane workers");
	b->m->dataplane.bucket_bits = stmt_u32(b, NULL, "chassis cluster workers bucket-bits");
	b->m->dataplane.busy_poll = stmt_flag(b, NULL, "chassis dataplane busy-poll");
	if (n && n->first)
		fill_cluster(b, n);
	if (!stmt(b, NULL, "chassis dataplane workers"))
		b->m->dataplane.workers =
			MAX(b->m->dataplane.workers, b->m->cluster.workers_minimum);
	fill_workers_max(b);
	if (b->m->cluster.workers_minimum > b->m->dataplane.workers)
		refuse_at(b, stmt(b, n, "workers"),
			"'minimum' is more than 'chassis dataplane workers' (%u)",
			b->m->dataplane.workers);
}
