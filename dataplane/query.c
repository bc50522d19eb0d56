#include <stdlib.h>

#include "base/err.h"
#include "dp.h"

enum { CHUNK = 128 }; /* SAs a worker describes between two bursts */

/* One query under way: pieces are filled in by the owners of the SAs. */
struct query {
	Dp__Reply body;
	Dp__ChildStats *children, **child_refs;
	Dp__Counter *counters, **counter_refs;
	Dp__WorkerStats *workers, **worker_refs;
	Dp__PortStats *ports, **port_refs;
	struct reply *reply;
	uint32_t pieces;
};

struct piece {
	struct order o;
	struct query *q;
	uint32_t n;
	uint32_t at[CHUNK]; /* indices into q->children */
};

static void query_free(struct query *q)
{
	free(q->children);
	free(q->child_refs);
	free(q->counters);
	free(q->counter_refs);
	free(q->workers);
	free(q->worker_refs);
	free(q->ports);
	free(q->port_refs);
	free(q);
}

static uint64_t ms_since(uint64_t now_ns, uint64_t then_ns)
{
	return then_ns ? (now_ns - then_ns) / UINT64_C(1000000) : UINT64_MAX;
}

/* In the owner's thread: the numbers of one moment. */
static void describe(const struct worker *w, const struct sa *sa, Dp__ChildStats *s)
{
	s->rg = sa->rg;
	s->worker = w->id;
	s->bucket = sa->bucket;
	s->packets_in = sa->n.packets_in;
	s->bytes_in = sa->n.bytes_in;
	s->packets_out = sa->n.packets_out;
	s->bytes_out = sa->n.bytes_out;
	s->replay_errors = sa->n.replay_errors;
	s->auth_errors = sa->n.auth_errors;
	s->decrypt_errors = sa->n.decrypt_errors;
	s->selector_errors = sa->n.selector_errors;
	s->idle_in_ms = ms_since(w->now_ns, sa->n.last_in_ns);
	s->idle_out_ms = ms_since(w->now_ns, sa->n.last_out_ns);
	s->out_next = sa->out.next;
	s->out_horizon = sa->out.limit;
	s->in_top = sa->in.top;
	s->epoch = sa->out.epoch;
	s->outbound = atomic_load(&sa->outbound);
	s->policy_id = sa_cold(sa)->policy_id;
}

static void piece_run(struct worker *w, struct command *c)
{
	struct piece *p = container_of(c, struct piece, o.c);

	for (uint32_t i = 0; i < p->n; i++) {
		Dp__ChildStats *s = &p->q->children[p->at[i]];
		const struct sa *sa = sad_find(&w->sh->sad, s->spi_in);

		if (sa)
			describe(w, sa, s);
		else
			s->spi_in = 0; /* deleted meanwhile */
	}
}

static void query_finish(struct query *q)
{
	size_t n = 0;

	for (size_t i = 0; i < q->body.n_children; i++)
		if (q->children[i].spi_in)
			q->child_refs[n++] = &q->children[i];
	q->body.n_children = n;
	reply_body(q->reply, &q->body);
	query_free(q);
}

static void piece_finish(struct dp *dp, struct order *o)
{
	struct piece *p = container_of(o, struct piece, o);

	(void)dp;
	if (--p->q->pieces == 0)
		query_finish(p->q);
}

static int fill_counters(struct dp *dp, struct query *q)
{
	q->counters = calloc(STAT_COUNT, sizeof *q->counters);
	q->counter_refs = calloc(STAT_COUNT, sizeof(void *));
	if (!q->counters || !q->counter_refs)
		return -ERR_NOMEM;
	for (uint32_t i = 0; i < STAT_COUNT; i++) {
		Dp__Counter *c = &q->counters[i];

		dp__counter__init(c);
		c->name = (char *)(uintptr_t)stat_name((enum counter)i);
		c->value = dp->stats[i];
		for (uint32_t k = 0; k < dp->sh.n_workers; k++)
			c->value += count_get(&dp->sh.workers[k]->stats[i]);
		q->counter_refs[i] = c;
	}
	q->body.counters = q->counter_refs;
	q->body.n_counters = STAT_COUNT;
	return 0;
}

static int fill_workers(struct dp *dp, struct query *q)
{
	struct sa *sa;

	q->workers = calloc(WORKER_MAX, sizeof *q->workers);
	q->worker_refs = calloc(WORKER_MAX, sizeof(void *));
	if (!q->workers || !q->worker_refs)
		return -ERR_NOMEM;
	for (uint32_t i = 0; i < dp->sh.n_workers; i++) {
		const struct worker *w = dp->sh.workers[i];
		Dp__WorkerStats *s = &q->workers[i];

		dp__worker_stats__init(s);
		s->worker = i;
		s->packets = count_get(&w->packets);
		s->busy_ns = count_get(&w->busy_ns);
		s->idle_ns = count_get(&w->idle_ns);
		s->state = (Dp__WorkerSlot)dp->crew.state[i];
		s->group = i / CREW_PICS;
		s->place = i % CREW_PICS;
		s->lead = atomic_load(&dp->sh.lead) == i;
		s->handoffs = count_get(&w->stats[STAT_HANDOFFS]);
		q->worker_refs[i] = s;
	}
	for (uint32_t b = 0; dp->sh.n_workers && b < 1u << atomic_load(&dp->sh.net)->bucket_bits;
		b++)
		q->workers[atomic_load(&dp->sh.bucket_worker[b])].buckets++;
	for (uint32_t i = 0; sad_at(&dp->sh.sad, i, &sa); i++)
		if (sa)
			q->workers[atomic_load(&dp->sh.bucket_worker[sa->bucket])].children++;
	q->body.workers = q->worker_refs;
	q->body.n_workers = dp->sh.n_workers;
	return 0;
}

static int fill_ports(struct dp *dp, struct query *q)
{
	q->ports = calloc(PORT_MAX, sizeof *q->ports);
	q->port_refs = calloc(PORT_MAX, sizeof(void *));
	if (!q->ports || !q->port_refs)
		return -ERR_NOMEM;
	for (uint32_t i = 0; i < dp->sh.n_ports; i++) {
		Dp__PortStats *s = &q->ports[i];
		struct port_counts n;

		port_counts(dp->sh.ports[i], &n);
		dp__port_stats__init(s);
		s->name = dp->sh.ports[i]->name;
		s->link_up = n.link_up;
		s->rx_packets = n.rx_packets;
		s->rx_bytes = n.rx_bytes;
		s->tx_packets = n.tx_packets;
		s->tx_bytes = n.tx_bytes;
		s->rx_missed = n.rx_missed;
		s->tx_dropped = n.tx_dropped;
		q->port_refs[i] = s;
	}
	q->body.ports = q->port_refs;
	q->body.n_ports = dp->sh.n_ports;
	return 0;
}

/* The SAs asked for, by SPI; what is known of each comes from its owner. */
static int list_children(struct dp *dp, const Dp__Query *c, struct query *q)
{
	size_t max = c->n_spi_in ? c->n_spi_in : dp->sh.sad.n_live, n = 0;
	struct sa *sa;

	q->children = calloc(max + 1, sizeof *q->children);
	q->child_refs = calloc(max + 1, sizeof(void *));
	if (!q->children || !q->child_refs)
		return -ERR_NOMEM;
	for (size_t i = 0; i < c->n_spi_in; i++)
		if (sad_find(&dp->sh.sad, c->spi_in[i])) {
			dp__child_stats__init(&q->children[n]);
			q->children[n++].spi_in = c->spi_in[i];
		}
	for (uint32_t i = 0; c->n_spi_in == 0 && sad_at(&dp->sh.sad, i, &sa); i++)
		if (sa) {
			dp__child_stats__init(&q->children[n]);
			q->children[n++].spi_in = sa->spi_in;
		}
	q->body.children = q->child_refs;
	q->body.n_children = n;
	return 0;
}

static void piece_send(struct dp *dp, struct query *q, uint32_t worker, struct piece **p)
{
	if (!*p)
		return;
	q->pieces++;
	dp_order(dp, worker, &take_ptr(*p)->o, q->reply);
}

static int ask_owners(struct dp *dp, struct query *q)
{
	struct piece *v[WORKER_MAX] = {0};

	for (uint32_t i = 0; i < q->body.n_children; i++) {
		const struct sa *sa = sad_find(&dp->sh.sad, q->children[i].spi_in);
		uint32_t to = atomic_load(&dp->sh.bucket_worker[sa->bucket]);

		if (!v[to]) {
			v[to] = calloc(1, sizeof *v[to]);
			if (!v[to])
				goto undo;
			v[to]->o.c.run = piece_run;
			v[to]->o.finish = piece_finish;
			v[to]->q = q;
		}
		v[to]->at[v[to]->n++] = i;
		if (v[to]->n == CHUNK)
			piece_send(dp, q, to, &v[to]);
	}
	for (uint32_t i = 0; i < WORKER_MAX; i++)
		piece_send(dp, q, i, &v[i]);
	return 0;
undo:
	for (uint32_t i = 0; i < WORKER_MAX; i++)
		free(v[i]);
	return -ERR_NOMEM;
}

void api_query(struct dp *dp, const Dp__Query *c, struct reply *r)
{
	struct query *q = calloc(1, sizeof *q);
	int rc = q ? 0 : -ERR_NOMEM;

	if (rc == 0) {
		dp__reply__init(&q->body);
		q->reply = r;
		rc = c->counters ? fill_counters(dp, q) : 0;
	}
	if (rc == 0 && c->workers)
		rc = fill_workers(dp, q);
	if (rc == 0 && c->ports)
		rc = fill_ports(dp, q);
	if (rc == 0 && (c->children || c->n_spi_in) && dp->running)
		rc = list_children(dp, c, q);
	if (rc == 0 && q->body.n_children)
		rc = ask_owners(dp, q);
	if (rc < 0) {
		reply_fail(r, rc, "%s", err_text(rc));
		if (q && q->pieces == 0)
			query_free(q);
		return;
	}
	if (q->pieces == 0)
		query_finish(q);
}
