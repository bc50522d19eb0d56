#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "check.h"
#include "models.h"
#include "net.h"
#include "node.h"
#include "records.h"
#include "theme.h"

#define WALL_MS UINT64_C(1795000000000)

static struct engine *engine_of(const struct world *w, uint32_t n)
{
	return &w->node[n]->engine;
}

bool engine_is_active(const struct world *w, uint32_t n, uint32_t rg)
{
	const struct engine *e = engine_of(w, n);

	return e->has_role[rg] && e->role[rg].role == HA_ACTIVE;
}

/* ---------------------------------------------------------------- the queue */

static struct work *post(struct engine *e, enum work_kind kind, uint64_t ticket)
{
	struct work *k = calloc(1, sizeof *k);

	if (!k)
		abort();
	k->kind = kind;
	k->ticket = ticket;
	*e->last = k;
	e->last = &k->next;
	return k;
}

static struct entry *entry_find(struct engine *e, uint64_t ticket)
{
	struct entry *p = e->entries;

	while (p && p->ticket != ticket)
		p = p->next;
	return p;
}

static void entry_drop(struct engine *e, uint64_t ticket)
{
	struct entry **at = &e->entries, *p;

	while (*at && (*at)->ticket != ticket)
		at = &(*at)->next;
	p = *at;
	if (!p)
		return;
	*at = p->next;
	free(p);
}

/* ---------------------------------------------------------------- what ha told */

void engine_committed(struct world *w, uint32_t n, const struct ha_effect *e)
{
	struct engine *g = engine_of(w, n);
	const struct entry *p = entry_find(g, e->done.ticket);

	if (!p)
		return; /* of a lease */
	check_committed(w, n, p, e->done.index);
	entry_drop(g, e->done.ticket);
	(void)post(g, WORK_COMMITTED, e->done.ticket);
}

void engine_rejected(struct world *w, uint32_t n, const struct ha_effect *e)
{
	struct engine *g = engine_of(w, n);

	if (!entry_find(g, e->done.ticket))
		return;
	entry_drop(g, e->done.ticket);
	/* a handover that is aborted leaves the group here: ask again */
	post(g, WORK_REJECTED, e->done.ticket)->retry =
		e->done.reason == HA_REJECT_BUSY || e->done.reason == HA_REJECT_HANDOVER;
}

void engine_role(struct world *w, uint32_t n, const struct ha_do_role *r)
{
	struct engine *g = engine_of(w, n);

	post(g, WORK_ROLE, 0)->role = *r;
}

void engine_keep_role(struct world *w, uint32_t n, const struct ha_do_role *r)
{
	engine_of(w, n)->role[r->rg] = *r;
	engine_of(w, n)->has_role[r->rg] = true;
}

/* ---------------------------------------------------------------- effects */

static struct view keep(uint8_t **at, struct view v)
{
	struct view kept = view_of(*at, v.n);

	if (v.n)
		memcpy(*at, v.p, v.n);
	*at += v.n;
	return kept;
}

static struct ha_item kept_item(uint8_t **at, const struct ike_fx_item *i)
{
	return (struct ha_item){.class = HA_CLASS_RECORD,
		.tombstone = i->tombstone,
		.key = keep(at, i->key),
		.body = keep(at, i->body)};
}

/* A child that goes takes its lease along. */
static void do_replicate(struct world *w, uint32_t n, const struct ike_fx_replicate *r)
{
	struct engine *e = engine_of(w, n);
	struct entry **last = &e->entries, *p;
	size_t octets = 0;
	uint8_t *at;
	uint32_t spi;

	for (size_t i = 0; i < r->n; i++)
		octets += r->items[i].key.n + r->items[i].body.n + LEASE_KEY_LEN;
	p = calloc(1, sizeof *p + 2 * r->n * sizeof p->items[0] + octets);
	if (!p)
		abort();
	p->ticket = r->ticket;
	p->rg = r->rg;
	at = (uint8_t *)&p->items[2 * r->n];
	for (size_t i = 0; i < r->n; i++) {
		p->items[p->n++] = kept_item(&at, &r->items[i]);
		if (!r->items[i].tombstone || !record_is_child(r->items[i].key, &spi))
			continue;
		lease_key(spi, at);
		p->items[p->n++] = (struct ha_item){.class = HA_CLASS_LEASE,
			.tombstone = true,
			.key = view_of(at, LEASE_KEY_LEN)};
		at += LEASE_KEY_LEN;
	}
	while (*last)
		last = &(*last)->next;
	*last = p;
	check_proposed(w, n, p);
	(void)post(e, WORK_PROPOSE, p->ticket);
	if (w->mutant && w->mutant->commit_at_once)
		(void)post(e, WORK_COMMITTED, p->ticket);
}

static void do_install(struct world *w, uint32_t n, const struct ike_fx_install *i)
{
	const struct ike_child_install *c = &i->child;
	bool first = w->mutant && w->mutant->answer_first;
	struct order o = {.type = ORDER_INSTALL,
		.rg = c->rg,
		.spi = c->spi_in,
		.spi_out = c->spi_out,
		.peer = peer_of_address(&c->remote.addr),
		.remote = c->remote.addr,
		.outbound = c->outbound,
		.tell = !first,
		.ticket = i->ticket,
		.lease = first_lease(c->lease_epoch, c->lease_horizon)};

	to_dp(w, n, &o);
	if (first)
		(void)post(engine_of(w, n), WORK_INSTALLED, i->ticket);
}

static void do_update(struct world *w, uint32_t n, const struct ike_fx_update *u)
{
	struct order o = {.type = ORDER_UPDATE, .spi = u->spi_in, .outbound = u->outbound};

	if (!u->moved)
		to_dp(w, n, &o);
}

static void do_delete(struct world *w, uint32_t n, const struct ike_fx_delete *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct order o = {.type = ORDER_DELETE, .rg = d->rg, .spi = d->spi_in[i]};

		to_dp(w, n, &o);
	}
}

static void kex_ready(struct world *w, uint32_t n, void *data)
{
	struct ike_event ev = {.type = IKE_EV_TICK};

	if (kexes_do(&engine_of(w, n)->kexes, *(uint64_t *)data, w->crypto, w->node[n]->lists, &ev))
		engine_event(w, n, &ev);
}

static void do_kex(struct world *w, uint32_t n, struct ike_effect *e)
{
	uint64_t *id = malloc(sizeof *id);

	if (!id)
		abort();
	*id = kexes_add(&engine_of(w, n)->kexes, e);
	world_at(w, US(rnd_between(w, 50, chance(w, 5) ? 20000 : 800)), WHO_CONTROL, n, kex_ready,
		id);
}

/* A node past its deadline stays silent (I7). */
static void do_send(struct world *w, uint32_t n, const struct ike_fx_send *s)
{
	bool no_deadline = w->mutant && w->mutant->no_dp_deadline;

	if (ha_may_act(w->node[n]->ha, s->rg, no_deadline ? 0 : node_clock(w, n)))
		net_from_node(w, n, s);
}

static void execute(struct world *w, uint32_t n, struct ike_effect *e)
{
	switch (e->type) {
	case IKE_FX_SEND:
		do_send(w, n, &e->send);
		break;
	case IKE_FX_KEX:
	case IKE_FX_SIGN:
	case IKE_FX_TRUST:
		do_kex(w, n, e);
		break;
	case IKE_FX_INSTALL:
		do_install(w, n, &e->install);
		break;
	case IKE_FX_UPDATE:
		do_update(w, n, &e->update);
		break;
	case IKE_FX_DELETE:
		do_delete(w, n, &e->del);
		break;
	case IKE_FX_REPLICATE:
		do_replicate(w, n, &e->replicate);
		break;
	case IKE_FX_ASK_ACTIVITY:
		(void)post(engine_of(w, n), WORK_ACTIVITY, e->ask.sa);
		break;
	case IKE_FX_EXPECT: /* packets of this world do not overtake messages */
	case IKE_FX_OPERATOR_DONE:
	case IKE_FX_RESOLVE:
	default:
		break;
	}
}

/* ---------------------------------------------------------------- stepping */

static void tick(struct world *w, uint32_t n, void *data)
{
	struct ike_event ev = {.type = IKE_EV_TICK};

	(void)data;
	engine_of(w, n)->tick_at = UINT64_MAX;
	engine_event(w, n, &ev);
}

static void rearm(struct world *w, uint32_t n)
{
	struct engine *e = engine_of(w, n);
	uint64_t due = ike_deadline(e->ike), clock = node_clock(w, n), at;

	if (due == UINT64_MAX)
		return;
	at = w->now + (MSEC(due) > clock ? MSEC(due) - clock : 0);
	/* an earlier one that is armed already does as well */
	if (e->tick_at <= at && e->tick_at > w->now)
		return;
	e->tick_at = at;
	world_at(w, at - w->now, WHO_CONTROL, n, tick, NULL);
}

static void feed(struct world *w, uint32_t n, struct ike_event *ev)
{
	struct engine *e = engine_of(w, n);

	ev->now_ms = node_clock(w, n) / MSEC(1);
	ev->wall_ms = WALL_MS + w->now / MSEC(1);
	if (ike_step(e->ike, ev, &e->fx) < 0)
		world_violate(w, "n%u ike_step failed on event %d", n, ev->type);
	for (size_t i = 0; i < e->fx.n && !w->violation[0]; i++)
		execute(w, n, &e->fx.v[i]);
	ike_effects_clear(&e->fx);
	rearm(w, n);
}

void engine_event(struct world *w, uint32_t n, struct ike_event *ev)
{
	struct engine *e = engine_of(w, n);

	if (!e->ike) {
		if (ev->type == IKE_EV_KEX_DONE)
			ike_kex_job_free(ev->kex);
		return;
	}
	feed(w, n, ev);
	engine_drain(w, n);
}

/* ---------------------------------------------------------------- the queue runs */

static void restore(struct world *w, uint32_t n, uint32_t rg)
{
	struct ike_event ev = {.type = IKE_EV_RESTORE};
	struct ha_walk at = {0};
	struct ha_record r;
	struct blob room = {0};

	while (ha_record_next(w->node[n]->ha, rg, &at, &r)) {
		if (r.class != HA_CLASS_RECORD)
			continue;
		ev.record = (struct ike_ev_record){.rg = rg, .key = r.key, .body = r.body};
		if (w->mutant)
			ev.record.body = mutant_record(w, r.key, r.body, &room);
		feed(w, n, &ev);
		blob_fini(&room);
	}
	ev = (struct ike_event){.type = IKE_EV_RESTORE_DONE};
	ev.rg.rg = rg;
	feed(w, n, &ev);
	check_restored(w, n, rg);
	theme_restored(w, n);
}

static void run_role(struct world *w, uint32_t n, const struct ha_do_role *r)
{
	struct ike_event ev = {.type = IKE_EV_RG};

	ev.rg = (struct ike_ev_rg){.rg = r->rg,
		.active = r->role == HA_ACTIVE,
		.continued = r->continued,
		.epoch = r->epoch.number};
	feed(w, n, &ev);
	if (r->role == HA_ACTIVE && !r->continued)
		restore(w, n, r->rg);
}

static void run_propose(struct world *w, uint32_t n, uint64_t ticket)
{
	const struct entry *p = entry_find(engine_of(w, n), ticket);
	struct ha_event ev = {.type = HA_EV_PROPOSE};

	if (!p)
		return;
	ev.propose = (struct ha_ev_propose){
		.rg = p->rg, .ticket = p->ticket, .items = p->items, .n = p->n};
	control_event(w, n, &ev);
}

static void run(struct world *w, uint32_t n, const struct work *k)
{
	struct ike_event ev = {.type = IKE_EV_COMMITTED};

	switch (k->kind) {
	case WORK_PROPOSE:
		run_propose(w, n, k->ticket);
		return;
	case WORK_ROLE:
		run_role(w, n, &k->role);
		return;
	case WORK_COMMITTED:
		ev.committed = k->ticket;
		break;
	case WORK_REJECTED:
		ev.type = IKE_EV_REJECTED;
		ev.rejected.ticket = k->ticket;
		ev.rejected.retry = k->retry;
		break;
	case WORK_INSTALLED:
		ev.type = IKE_EV_INSTALLED;
		ev.installed.ticket = k->ticket;
		break;
	case WORK_ACTIVITY:
	default:
		ev.type = IKE_EV_ACTIVITY;
		ev.activity = (struct ike_ev_activity){.sa = k->ticket,
			.idle_in_ms = IKE_IDLE_NEVER,
			.idle_out_ms = IKE_IDLE_NEVER};
		break;
	}
	feed(w, n, &ev);
}

void engine_drain(struct world *w, uint32_t n)
{
	struct engine *e = engine_of(w, n);

	if (e->draining)
		return;
	e->draining = true;
	while (e->first && !w->violation[0]) {
		struct work *k = e->first;

		e->first = k->next;
		if (!e->first)
			e->last = &e->first;
		run(w, n, k);
		free(k);
	}
	e->draining = false;
}

/* ---------------------------------------------------------------- life */

static void said(void *ctx, enum log_level level, const char *event, const char *text)
{
	struct node *nd = ctx;

	(void)level;
	world_say(nd->world, "n%u %s %s", nd->n, event, text);
}

static void random_octets(void *ctx, void *out, size_t n)
{
	world_random(ctx, out, n);
}

void engine_start(struct world *w, uint32_t n)
{
	struct node *nd = w->node[n];
	struct engine *e = &nd->engine;
	struct ike_config c = {.env = {random_octets, w},
		.log = &e->log,
		.crypto = w->crypto,
		.iv_node = (uint8_t)n,
		.interface_id = interface_of,
		.credentials = &sim_credentials,
		/* no dice: here each IKE SA is a REPLICATE of its own */
		.replicate_max = w->seed % 11 == 4 ? 1 : 0};

	struct ike_event workers = {.type = IKE_EV_WORKERS, .workers = (1u << WORKERS_CLUSTER) - 1};

	*e = (struct engine){.tick_at = UINT64_MAX};
	e->last = &e->first;
	e->log = (struct log_sink){
		.line = said, .ctx = nd, .max = w->trace ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERR};
	/* raised and synced before anything is sent */
	nd->disk_control_incarnation++;
	c.incarnation = w->mutant && w->mutant->constant_ike_iv ? 1 : nd->disk_control_incarnation;
	ike_effects_init(&e->fx);
	if (w->mutant && w->mutant->ticket_keys)
		c.ticket_key[0] = (uint8_t)(1 + n);
	if (ike_new(&c, models_cluster(w->models, w), &e->ike) < 0)
		abort();
	feed(w, n, &workers);
	theme_started(w, n);
}

void engine_stop(struct world *w, uint32_t n)
{
	struct engine *e = engine_of(w, n);

	if (!e->ike)
		return;
	while (e->first) {
		struct work *k = e->first;

		e->first = k->next;
		free(k);
	}
	while (e->entries)
		entry_drop(e, e->entries->ticket);
	kexes_fini(&e->kexes);
	ike_effects_fini(&e->fx);
	ike_free(e->ike);
	e->ike = NULL;
}
