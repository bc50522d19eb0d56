#include "pair.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/err.h"
#include "config/config.h"
#include "ike/record.h"
#include "pair_cert.h"
#include "wire/message.h"

#define WALL_MS UINT64_C(1795000000000)

const struct pair_side side_a = {
	.own = "192.0.2.1",
	.peer = "192.0.2.2",
	.psk = "correct horse battery",
	.ike_encr = "aes-256-gcm",
	.dh = "group31",
	.esp = "aes-256-gcm",
	.establish = "on-traffic",
	.local_net = "10.1.0.0/16",
	.remote_net = "10.2.0.0/16",
};

const struct pair_side side_b = {
	.own = "192.0.2.2",
	.peer = "192.0.2.1",
	.psk = "correct horse battery",
	.ike_encr = "aes-256-gcm",
	.dh = "group31",
	.esp = "aes-256-gcm",
	.establish = "on-traffic",
	.local_net = "10.2.0.0/16",
	.remote_net = "10.1.0.0/16",
};

/* ---------------------------------------------------------------- configuration */

struct model *pair_model(const struct pair_side *s)
{
	char text[8192], auth[128] = "", pfs[128] = "";
	auto_complaints complaints = {0};
	struct model *m = NULL;

	if (s->auth)
		(void)snprintf(auth, sizeof auth,
			"set security ike proposal P authentication-algorithm %s\n", s->auth);
	if (s->pfs)
		(void)snprintf(pfs, sizeof pfs,
			"set security ipsec policy EP perfect-forward-secrecy keys %s\n", s->pfs);
	(void)snprintf(text, sizeof text,
		"set interfaces ge-0/0/0 unit 0 family inet address %s/24\n"
		"set interfaces st0 unit 0 family inet\n"
		"set security ike proposal P authentication-method pre-shared-keys\n"
		"set security ike proposal P dh-group %s\n"
		"set security ike proposal P encryption-algorithm %s\n"
		"%s"
		"set security ike policy IP proposals P\n"
		"set security ike policy IP pre-shared-key ascii-text \"%s\"\n"
		"set security ike gateway G ike-policy IP\n"
		"set security ike gateway G address %s\n"
		"set security ike gateway G external-interface ge-0/0/0.0\n"
		"set security ike gateway G version v2-only\n"
		"set security ipsec proposal E protocol esp\n"
		"set security ipsec proposal E encryption-algorithm %s\n"
		"%s"
		"set security ipsec policy EP proposals E\n"
		"%s"
		"set security ipsec vpn V ike gateway G\n"
		"set security ipsec vpn V ike ipsec-policy EP\n"
		"set security ipsec vpn V traffic-selector T1 local-ip %s\n"
		"set security ipsec vpn V traffic-selector T1 remote-ip %s\n"
		"set security ipsec vpn V establish-tunnels %s\n"
		"%s",
		s->own, s->dh, s->ike_encr, auth, s->psk, s->peer, s->esp, pfs,
		s->extra && strstr(s->extra, "mode transport")
			? ""
			: "set security ipsec vpn V bind-interface st0.0\n",
		s->local_net, s->remote_net, s->establish, s->extra ? s->extra : "");
	if (config_load(view_of_text(text), CONFIG_STANDALONE, &m, &complaints) < 0) {
		struct blob said = {0};

		(void)!complaints_text(&complaints, &said);
		fail_msg("configuration: %.*s", (int)said.n, (const char *)said.p);
	}
	return m;
}

/* ---------------------------------------------------------------- the log */

static void log_put(struct pair_node *node, const struct ike_fx_item *it)
{
	struct pair_record **at = &node->log, *r;

	while (*at && !view_equal(view_of((*at)->key, (*at)->key_n), it->key))
		at = &(*at)->next;
	r = *at;
	if (r) {
		*at = r->next;
		blob_fini(&r->body);
		free(r);
	}
	if (it->tombstone)
		return;
	assert_true(it->body.n != 0);
	r = calloc(1, sizeof *r);
	assert_non_null(r);
	memcpy(r->key, it->key.p, it->key.n);
	r->key_n = it->key.n;
	assert_int_equal(blob_copy(it->body, &r->body), 0);
	/* Last written, last read. */
	for (at = &node->log; *at; at = &(*at)->next)
		;
	*at = r;
}

static struct view view_keep(struct view v)
{
	struct blob b = {0};

	assert_int_equal(blob_copy(v, &b), 0);
	return blob_view(&b);
}

static void batch_free(struct pair_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free((void *)(uintptr_t)b->items[i].key.p);
		free((void *)(uintptr_t)b->items[i].body.p);
	}
	free(b->items);
	free(b);
}

/* Takes the oldest out; with `put` it becomes part of the log. */
static void batch_end(struct pair_node *node, bool put)
{
	struct pair_batch *b = node->batches;

	node->batches = b->next;
	for (size_t i = 0; put && i < b->n; i++)
		log_put(node, &b->items[i]);
	batch_free(b);
}

/* Commits are in order: whatever was proposed before that ticket is committed too. */
static void log_commit(struct pair_node *node, uint64_t ticket)
{
	while (node->batches && node->batches->ticket <= ticket)
		batch_end(node, true);
}

/* ---------------------------------------------------------------- tasks */

struct task *pair_task_add(struct pair *p, enum task_kind kind, int node)
{
	struct task *t = calloc(1, sizeof *t);
	/* Who makes it: data is the other end's. */
	int by = kind == TASK_DATA ? !node : node;

	assert_non_null(t);
	t->kind = kind;
	t->node = node;
	t->life = p->node[node].life;
	t->id = (uint32_t)(by + 1) << 24 | ++p->node[by].born;
	memcpy(t->clock, p->node[by].clock, sizeof t->clock);
	*p->last = t;
	p->last = &t->next;
	return t;
}

static void task_free(struct task *t)
{
	ike_kex_job_free(t->job);
	ike_sign_job_free(t->sign);
	ike_trust_job_free(t->trust);
	free(t);
}

static int node_at(struct pair *p, const struct addr *a)
{
	for (int i = 0; i < PAIR_NODES; i++)
		if (p->node[i].up && addr_equal(&p->node[i].addr, a))
			return i;
	return -1;
}

int pair_task_at(struct pair *p, const struct task *t)
{
	return t->kind == TASK_PACKET ? node_at(p, &t->packet.to.addr) : t->node;
}

static void packet_deliver(struct pair *p, struct packet *k)
{
	struct ike_event ev = {.type = IKE_EV_DATAGRAM};
	int to;

	if (p->wire && !p->wire(p, k))
		return;
	to = node_at(p, &k->to.addr);
	if (to < 0 || k->keepalive)
		return;
	ev.datagram = (struct ike_ev_datagram){.interface_id = 7,
		.local = k->to,
		.remote = k->from,
		.natt = k->natt,
		.octets = view_of(k->octets, k->n)};
	(void)pair_feed(p, to, &ev);
}

/* The stamp is that of the step that hears of it. */
static void sad_live(struct pair_node *n, const struct task *t)
{
	for (struct pair_child *c = n->sad; c; c = c->next)
		if (c->spi_in == t->spi && !c->live) {
			c->live = true;
			c->stamp = n->clock[t->node] + 1;
		}
}

static void task_run(struct pair *p, struct task *t)
{
	struct pair_node *n = &p->node[t->node];
	bool alive = n->up && n->life == t->life;
	struct ike_event ev = {.type = IKE_EV_TICK};

	switch (t->kind) {
	case TASK_PACKET:
		packet_deliver(p, &t->packet);
		return;
	case TASK_DATA:
		pair_path_data(p, t);
		return;
	case TASK_KEX:
		if (!alive)
			return;
		ike_kex_run(p->crypto, t->job);
		ev.type = IKE_EV_KEX_DONE;
		ev.kex = take_ptr(t->job);
		break;
	case TASK_SIGN:
		if (!alive)
			return;
		pair_cert_sign(n->cert, p->crypto, t->sign);
		ev.type = IKE_EV_SIGNED;
		ev.sign = take_ptr(t->sign);
		break;
	case TASK_TRUST:
		if (!alive)
			return;
		pair_cert_trust(n->cert, p->crypto, t->trust);
		if (n->cert->hold) {
			assert_null(n->cert->held);
			n->cert->held = take_ptr(t->trust);
			return;
		}
		ev.type = IKE_EV_TRUSTED;
		ev.trust = take_ptr(t->trust);
		break;
	case TASK_COMMITTED:
		if (alive)
			log_commit(n, t->ticket);
		ev.type = IKE_EV_COMMITTED;
		ev.committed = t->ticket;
		break;
	case TASK_INSTALLED:
		if (alive)
			sad_live(n, t);
		ev.type = IKE_EV_INSTALLED;
		ev.installed.ticket = t->ticket;
		ev.installed.rc = n->install_rc;
		break;
	default:
		break;
	}
	if (alive)
		assert_int_equal(pair_feed(p, t->node, &ev), 0);
}

unsigned pair_waiting(const struct pair *p)
{
	unsigned n = 0;

	for (const struct task *t = p->first; t; t = t->next)
		n++;
	return n;
}

void pair_step_at(struct pair *p, unsigned i)
{
	struct task **at = &p->first, *t;

	while (i-- > 0 && (*at)->next)
		at = &(*at)->next;
	t = *at;
	*at = t->next;
	if (!t->next)
		p->last = at;
	p->steps++;
	p->running = t;
	task_run(p, t);
	p->running = NULL;
	task_free(t);
}

bool pair_step(struct pair *p)
{
	if (!p->first)
		return false;
	pair_step_at(p, 0);
	return true;
}

void pair_settle(struct pair *p)
{
	unsigned n = 0;

	while (pair_step(p))
		if (++n > 100000)
			fail_msg("the world does not come to rest");
}

void pair_pass(struct pair *p, uint64_t ms)
{
	uint64_t end = p->now_ms + ms;

	pair_settle(p);
	for (;;) {
		uint64_t due = UINT64_MAX;

		for (int i = 0; i < PAIR_NODES; i++)
			if (p->node[i].up)
				due = MIN(due, ike_deadline(p->node[i].ike));
		if (due > end)
			break;
		p->now_ms = MAX(p->now_ms, due);
		for (int i = 0; i < PAIR_NODES; i++) {
			struct ike_event ev = {.type = IKE_EV_TICK};

			if (p->node[i].up && ike_deadline(p->node[i].ike) <= p->now_ms)
				assert_int_equal(pair_feed(p, i, &ev), 0);
		}
		pair_settle(p);
	}
	p->now_ms = end;
}

/* ---------------------------------------------------------------- effects */

static void do_send(struct pair *p, int n, const struct ike_fx_send *s)
{
	p->node[n].keepalives += s->keepalive;
	for (size_t i = 0; i < s->n; i++) {
		struct task *t = pair_task_add(p, TASK_PACKET, n);

		pair_watch(p, n, s->datagrams[i]);
		assert_in_range(s->datagrams[i].n, 1, sizeof t->packet.octets);
		assert_int_equal(s->natt, s->local.port == 4500);
		t->packet.from = s->local;
		t->packet.to = s->remote;
		t->packet.natt = s->natt;
		t->packet.n = s->datagrams[i].n;
		memcpy(t->packet.octets, s->datagrams[i].p, s->datagrams[i].n);
		t->packet.node = n;
		t->packet.nth = p->node[n].sent++;
		p->packets++;
	}
}

static void do_replicate(struct pair *p, int n, const struct ike_fx_replicate *r)
{
	struct pair_node *node = &p->node[n];
	struct pair_batch *b = calloc(1, sizeof *b), **at = &node->batches;

	assert_true(r->n != 0);
	assert_non_null(b);
	b->ticket = r->ticket;
	b->n = r->n;
	b->items = calloc(r->n, sizeof *b->items);
	assert_non_null(b->items);
	for (size_t i = 0; i < r->n; i++) {
		b->items[i].key = view_keep(r->items[i].key);
		b->items[i].body = view_keep(r->items[i].body);
		b->items[i].tombstone = r->items[i].tombstone;
	}
	while (*at)
		at = &(*at)->next;
	*at = b;
	if (node->hold_commits) {
		assert_in_range(node->n_held, 0, ARRAY_LEN(node->held) - 1);
		node->held[node->n_held++] = r->ticket;
		return;
	}
	pair_task_add(p, TASK_COMMITTED, n)->ticket = r->ticket;
}

static void do_ask(struct pair *p, int n, const struct ike_fx_ask *a)
{
	struct ike_event ev = {.type = IKE_EV_ACTIVITY};
	struct pair_node *node = &p->node[n];

	node->asked++;
	if (node->idle_in_ms == UINT64_MAX - 1)
		return;
	ev.activity =
		(struct ike_ev_activity){a->sa, a->child, node->idle_in_ms, node->idle_out_ms};
	(void)pair_feed(p, n, &ev);
}

static void execute(struct pair *p, int n, struct ike_effect *e)
{
	struct pair_node *node = &p->node[n];

	switch (e->type) {
	case IKE_FX_SEND:
		do_send(p, n, &e->send);
		break;
	case IKE_FX_KEX:
		pair_task_add(p, TASK_KEX, n)->job = take_ptr(e->kex);
		break;
	case IKE_FX_SIGN:
		pair_task_add(p, TASK_SIGN, n)->sign = take_ptr(e->sign);
		break;
	case IKE_FX_TRUST:
		pair_task_add(p, TASK_TRUST, n)->trust = take_ptr(e->trust);
		break;
	case IKE_FX_INSTALL:
		pair_sad_install(p, n, &e->install);
		break;
	case IKE_FX_UPDATE:
		pair_sad_update(node, &e->update);
		break;
	case IKE_FX_DELETE:
		for (size_t i = 0; i < e->del.n; i++)
			pair_sad_delete(node, e->del.spi_in[i]);
		node->deletes += (unsigned)e->del.n;
		break;
	case IKE_FX_REPLICATE:
		do_replicate(p, n, &e->replicate);
		break;
	case IKE_FX_EXPECT:
		node->expected = e->expect.spi_in;
		break;
	case IKE_FX_ASK_ACTIVITY:
		do_ask(p, n, &e->ask);
		break;
	case IKE_FX_OPERATOR_DONE:
		node->operated = e->operator_done.count;
		break;
	case IKE_FX_RESOLVE:
	default:
		node->resolves += e->type == IKE_FX_RESOLVE;
		break;
	}
}

int pair_feed(struct pair *p, int n, struct ike_event *ev)
{
	struct pair_node *node = &p->node[n];
	struct ike_effects fx;
	int rc;

	for (int i = 0; p->running && i < PAIR_NODES; i++)
		node->clock[i] = MAX(node->clock[i], p->running->clock[i]);
	node->clock[n]++;
	ev->now_ms = p->now_ms;
	ev->wall_ms = WALL_MS + p->now_ms;
	ike_effects_init(&fx);
	rc = ike_step(node->ike, ev, &fx);
	for (size_t i = 0; i < fx.n; i++)
		execute(p, n, &fx.v[i]);
	ike_effects_fini(&fx);
	if (p->path)
		pair_path_look(p);
	return rc;
}

/* ---------------------------------------------------------------- life */

static void node_random(void *ctx, void *out, size_t n)
{
	uint64_t *s = (uint64_t *)ctx;
	uint8_t *p = (uint8_t *)out;

	for (size_t i = 0; i < n; i++) {
		*s += UINT64_C(0x9e3779b97f4a7c15);
		uint64_t z = *s;

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		p[i] = (uint8_t)(z >> 32);
	}
}

static void node_says(void *ctx, enum log_level level, const char *event, const char *text)
{
	struct pair_node *n = (struct pair_node *)ctx;
	size_t room = sizeof n->said - n->said_n;
	int put;

	if (getenv("PAIR_LOG"))
		(void)fprintf(stderr, "%s%s %d %s %s\n", n->said_n ? "" : "----\n", n->name,
			(int)level, event, text);
	if (room < 512) {
		n->said_n = 0;
		room = sizeof n->said;
	}
	put = snprintf(n->said + n->said_n, room, "%s %s\n", event, text);
	n->said_n += put > 0 ? MIN((size_t)put, room - 1) : 0;
}

static uint32_t unit_id(const char *name)
{
	return name ? 7 : 0;
}

struct pair *pair_new(void)
{
	static const char *const names[PAIR_NODES] = {"a", "b", "c", "d", "e", "f"};
	struct pair *p = calloc(1, sizeof *p);

	assert_non_null(p);
	p->last = &p->first;
	p->now_ms = 1000;
	p->workers = 1;
	assert_int_equal(crypto_new(&p->crypto), 0);
	for (int i = 0; i < PAIR_NODES; i++) {
		p->node[i].name = names[i];
		p->node[i].random = (uint64_t)i * 1000003 + 42;
		p->node[i].idle_in_ms = p->node[i].idle_out_ms = IKE_IDLE_NEVER;
	}
	return p;
}

static void node_new(struct pair *p, int i, const struct pair_side *side)
{
	struct pair_node *n = &p->node[i];
	/* The sink must outlive the engine. */
	static struct log_sink sinks[PAIR_NODES];
	struct ike_config cfg = {.crypto = p->crypto,
		.log = &sinks[i],
		.iv_node = (uint8_t)i,
		.incarnation = (uint16_t)++p->lives,
		.interface_id = unit_id,
		.credentials = n->cert ? &n->cert->face : NULL};

	sinks[i] = (struct log_sink){.line = node_says, .ctx = n, .max = LOG_LEVEL_DEBUG};
	cfg.env = (struct env){.random = node_random, .ctx = &n->random};
	assert_int_equal(addr_parse(side->own, &n->addr), 0);
	n->model = pair_model(side);
	assert_int_equal(ike_new(&cfg, n->model, &n->ike), 0);
	n->up = true;
	n->life = p->lives;
	if (p->workers > 1)
		pair_workers(p, p->workers);
}

static void rg_event(struct pair *p, int i, enum ike_event_type type, bool active)
{
	struct ike_event ev = {.type = type};

	ev.rg = (struct ike_ev_rg){.rg = 0, .active = active, .epoch = 1};
	assert_int_equal(pair_feed(p, i, &ev), 0);
}

void pair_start(struct pair *p, int node, const struct pair_side *side)
{
	node_new(p, node, side);
	rg_event(p, node, IKE_EV_RG, true);
	rg_event(p, node, IKE_EV_RESTORE_DONE, true);
}

struct pair *pair_of(const struct pair_side *a, const struct pair_side *b)
{
	struct pair *p = pair_new();

	pair_start(p, 0, a);
	pair_start(p, 1, b);
	return p;
}

struct pair *pair_ordinary(void)
{
	return pair_of(&side_a, &side_b);
}

static void log_free(struct pair_node *n)
{
	while (n->log) {
		struct pair_record *r = n->log;

		n->log = r->next;
		blob_fini(&r->body);
		free(r);
	}
}

void pair_kill(struct pair *p, int node)
{
	struct pair_node *n = &p->node[node];

	if (!n->up)
		return;
	n->up = false;
	ike_free(n->ike);
	model_free(n->model);
	n->ike = NULL;
	n->model = NULL;
	n->n_held = 0;
}

void pair_free(struct pair *p)
{
	for (int i = 0; i < PAIR_NODES; i++) {
		pair_kill(p, i);
		while (p->node[i].batches)
			batch_end(&p->node[i], false);
		log_free(&p->node[i]);
		while (p->node[i].sad)
			pair_sad_delete(&p->node[i], p->node[i].sad->spi_in);
	}
	while (p->first) {
		struct task *t = p->first;

		p->first = t->next;
		task_free(t);
	}
	pair_watch_end(p);
	crypto_free(p->crypto);
	free(p);
}

void pair_takeover(
	struct pair *p, int from, int to, const struct pair_side *side, enum pair_fate fate)
{
	struct pair_node *a = &p->node[from], *b = &p->node[to];

	while (a->batches)
		batch_end(a, fate == PAIR_KEEP_UNCOMMITTED);

	pair_kill(p, from);
	node_new(p, to, side);
	rg_event(p, to, IKE_EV_RG, true);
	log_free(b);
	while (b->sad)
		pair_sad_delete(b, b->sad->spi_in);
	b->log = take_ptr(a->log);
	while (a->sad)
		pair_sad_delete(a, a->sad->spi_in);
	for (struct pair_record *r = b->log; r; r = r->next) {
		struct ike_event ev = {.type = IKE_EV_RESTORE};

		if (r->key[0] == 'C')
			pair_sad_restore(b, r);
		ev.record = (struct ike_ev_record){
			.key = view_of(r->key, r->key_n), .body = blob_view(&r->body)};
		assert_int_equal(pair_feed(p, to, &ev), 0);
	}
	rg_event(p, to, IKE_EV_RESTORE_DONE, true);
}

void pair_release(struct pair *p, int node)
{
	struct pair_node *n = &p->node[node];

	n->hold_commits = false;
	for (unsigned i = 0; i < n->n_held; i++)
		pair_task_add(p, TASK_COMMITTED, node)->ticket = n->held[i];
	n->n_held = 0;
}

void pair_inject(struct pair *p, const struct packet *k)
{
	pair_task_add(p, TASK_PACKET, 0)->packet = *k;
}
