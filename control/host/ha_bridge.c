#include "host/ha_bridge.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "config/corosync.h"
#include "host/clock.h"
#include "host/daemon.h"
#include "host/dp_child.h"
#include "host/dp_orders.h"
#include "host/ha_bus.h"
#include "host/store_file.h"

/* Of an entry that nobody waits for; the engine counts its own from 1. */
#define NOTE_TICKET UINT64_MAX

/* ---------------------------------------------------------------- timer and events */

static void on_tick(uv_timer_t *t)
{
	struct ha_bridge *b = (struct ha_bridge *)t->data;
	struct ha_event ev = {.type = HA_EV_TICK};

	ha_bridge_feed(b, &ev);
	work_drain(&b->d->work, b->d);
}

static void rearm(struct ha_bridge *b)
{
	uint64_t due = ha_deadline(b->ha), now = clock_boot_ns(), wait_ms = 0;

	if (due == UINT64_MAX) {
		(void)uv_timer_stop(&b->tick);
		return;
	}
	if (due > now)
		wait_ms = (due - now + 999999) / 1000000;
	uv_update_time(&b->d->loop);
	(void)uv_timer_start(&b->tick, on_tick, wait_ms, 0);
}

struct event_work {
	struct work work;
	struct ha_event ev;
	struct blob octets; /* what ev points to */
};

static void run_event(struct daemon *d, struct work *w, bool drop)
{
	struct event_work *e = container_of(w, struct event_work, work);

	if (!drop)
		ha_bridge_feed(&d->ha, &e->ev);
	blob_fini(&e->octets);
	free(e);
}

static void post_event(struct ha_bridge *b, const struct ha_event *ev)
{
	struct event_work *e = calloc(1, sizeof *e);

	if (!e) {
		daemon_stop(b->d, "out of memory");
		return;
	}
	e->ev = *ev;
	e->work.run = run_event;
	work_post(&b->d->work, &e->work);
}

static void on_persisted(void *ctx, uint64_t serial, int rc)
{
	struct ha_bridge *b = (struct ha_bridge *)ctx;
	struct ha_event ev = {.type = HA_EV_PERSISTED, .persisted = serial};

	if (rc < 0) {
		daemon_stop(b->d, "the state directory cannot be written");
		return;
	}
	ha_bridge_feed(b, &ev);
	work_drain(&b->d->work, b->d);
}

/* ---------------------------------------------------------------- proposals */

struct propose_work {
	struct work work;
	uint64_t ticket;
	uint32_t rg;
	size_t n;
	struct ha_item *items;
	struct blob octets;
};

static void run_propose(struct daemon *d, struct work *w, bool drop)
{
	struct propose_work *p = container_of(w, struct propose_work, work);
	struct ha_event ev = {.type = HA_EV_PROPOSE};

	ev.propose = (struct ha_ev_propose){
		.rg = p->rg, .ticket = p->ticket, .items = p->items, .n = p->n};
	if (!drop && p->rg < HA_RG_MAX && d->ha.waiting_ns[p->rg] == 0)
		d->ha.waiting_ns[p->rg] = clock_boot_ns();
	if (!drop)
		ha_bridge_feed(&d->ha, &ev);
	secret_wipe_blob(&p->octets);
	free(p->items);
	free(p);
}

static struct view keep(struct blob *room, struct view v)
{
	uint8_t *at = room->p + room->n;

	if (v.n != 0)
		memcpy(at, v.p, v.n);
	room->n += v.n;
	return view_of(at, v.n);
}

/* A child that goes takes its lease along. */
static size_t add_lease_tombstone(struct propose_work *p, const struct ike_fx_item *from)
{
	uint8_t key[4];
	uint32_t spi;

	if (!from->tombstone || !dp_child_key(from->key, &spi))
		return 0;
	dp_lease_key(spi, key);
	p->items[p->n++] = (struct ha_item){.class = HA_CLASS_LEASE,
		.tombstone = true,
		.key = keep(&p->octets, view_of_array(key))};
	return 1;
}

void ha_bridge_propose(struct ha_bridge *b, const struct ike_fx_replicate *r)
{
	struct propose_work *p = calloc(1, sizeof *p);
	size_t octets = 1;

	for (size_t i = 0; i < r->n; i++)
		octets += r->items[i].key.n + r->items[i].body.n + 4;
	if (p) {
		p->items = calloc(r->n * 2 + 1, sizeof(*p->items));
		p->octets.p = malloc(octets);
	}
	if (!p || !p->items || !p->octets.p) {
		daemon_stop(b->d, "out of memory");
		if (p) {
			free(p->items);
			free(p->octets.p);
		}
		free(p);
		return;
	}
	p->work.run = run_propose;
	p->ticket = r->ticket;
	p->rg = r->rg;
	for (size_t i = 0; i < r->n; i++) {
		p->items[p->n++] = (struct ha_item){.class = HA_CLASS_RECORD,
			.tombstone = r->items[i].tombstone,
			.key = keep(&p->octets, r->items[i].key),
			.body = keep(&p->octets, r->items[i].body)};
		(void)add_lease_tombstone(p, &r->items[i]);
	}
	work_post(&b->d->work, &p->work);
}

/* ---------------------------------------------------------------- effects */

/* With the lease that is known: a snapshot has the order of last changes, so that it may have come
 * before its SA. */
static int install(struct ha_bridge *b, uint32_t rg, uint32_t spi, struct view body)
{
	struct ha_record r = {0};
	uint8_t key[4];

	dp_lease_key(spi, key);
	if (!ha_record_find(b->ha, rg, HA_CLASS_LEASE, view_of_array(key), &r))
		r.body = (struct view){0};
	return dp_child_install_record(&b->d->dp, body, r.body);
}

/* Records keep a standby's dataplane warm; what the engine here wrote it tells its dataplane itself
 * when that is committed. */
static void apply(struct ha_bridge *b, const struct ha_do_apply *a)
{
	uint32_t spi;

	if (a->item.class == HA_CLASS_LEASE) {
		if (!a->item.tombstone)
			dp_order_lease(&b->d->dp, a->item.body);
		return;
	}
	if (a->item.tombstone)
		routes_record_gone(&b->d->routes, a->item.key);
	else
		routes_record(&b->d->routes, a->rg, a->item.key, a->item.body);
	if (a->own || !dp_child_key(a->item.key, &spi))
		return;
	if (a->item.tombstone) {
		dp_order_delete(&b->d->dp, &spi, 1);
		return;
	}
	if (install(b, a->rg, spi, a->item.body) == -ERR_VALUE)
		log_err(&b->log, "ha.record.damaged", "rg=%u index=%llu", a->rg,
			(unsigned long long)a->index);
}

struct role_work {
	struct work work;
	struct ha_do_role role;
};

static void restore(struct daemon *d, uint32_t rg)
{
	struct ike_event ev = {.type = IKE_EV_RESTORE};
	struct ha_walk at = {0};
	struct ha_record r;
	size_t n = 0;

	while (ha_record_next(d->ha.ha, rg, &at, &r)) {
		if (r.class != HA_CLASS_RECORD)
			continue;
		ev.record = (struct ike_ev_record){.rg = rg, .key = r.key, .body = r.body};
		runner_feed(&d->runner, &ev);
		n++;
	}
	ev = (struct ike_event){.type = IKE_EV_RESTORE_DONE};
	ev.rg.rg = rg;
	runner_feed(&d->runner, &ev);
	pki_service_restored(&d->pki);
	log_notice(&d->log, "ha.restored", "rg=%u records=%zu", rg, n);
}

static void run_role(struct daemon *d, struct work *w, bool drop)
{
	struct role_work *r = container_of(w, struct role_work, work);
	const struct ha_do_role role = r->role;
	struct ike_event ev = {.type = IKE_EV_RG};

	free(r);
	if (drop)
		return;
	ev.rg = (struct ike_ev_rg){.rg = role.rg,
		.active = role.role == HA_ACTIVE,
		.continued = role.continued,
		.epoch = role.epoch.number};
	runner_feed(&d->runner, &ev);
	if (role.role == HA_ACTIVE && !role.continued)
		restore(d, role.rg);
}

void ha_bridge_adopt(struct ha_bridge *b)
{
	for (uint32_t rg = 0; rg < HA_RG_MAX; rg++)
		b->adopting[rg] = !b->was_active[rg];
}

/*
 * Not every role is the dataplane's business:
 * - that a dataplane acts which the core does not know to be there (its CONFIGURE is on its way):
 *   the core may hand over at once, as nobody sends (it claims a new epoch when that one is there);
 * - one that would stop a dataplane which forwards on for a tandemd that died (adopting);
 * - that our own claim is on its way, while it stands by anyway: the next message may be the exact
 *   state of a handover, which must come before the new epoch;
 * - that the other node owns the group, while our frozen queue still waits for it to be ready
 *   (giving): told with FORWARD.
 */
static bool is_for_dataplane(const struct ha_bridge *b, const struct ha_do_role *r)
{
	bool nobody = r->owner == HA_NODE_NONE, us = r->owner == b->d->node;

	if (r->role == HA_ACTIVE)
		return b->d->dp_ready;
	if (b->adopting[r->rg] && (us || nobody))
		return false;
	if (nobody && b->told[r->rg] && !b->told_active[r->rg])
		return false;
	return !b->giving[r->rg];
}

/* A dataplane was told to act in an epoch; it says when it will not: another node has fenced it. */
struct asked {
	struct ha_bridge *b;
	uint32_t rg;
	uint64_t epoch;
};

static void on_asked(void *ctx, int rc, const Dp__Reply *reply)
{
	struct asked *a = (struct asked *)ctx;
	struct ha_event ev = {.type = HA_EV_REFUSED};

	(void)reply;
	if (rc == -ERR_EPOCH) {
		ev.refused = (struct ha_ev_refused){a->rg, a->epoch};
		ha_bridge_feed(a->b, &ev);
		work_drain(&a->b->d->work, a->b->d);
	}
	free(a);
}

/* NULL: out of memory, and nobody will ask. */
static struct asked *asked_new(struct ha_bridge *b, uint32_t rg, uint64_t epoch)
{
	struct asked *a = malloc(sizeof *a);

	if (a)
		*a = (struct asked){b, rg, epoch};
	return a;
}

static void tell_dataplane(struct ha_bridge *b, const struct ha_do_role *r)
{
	struct asked *asked;
	const struct dp_rg_order o = {.rg = r->rg,
		.active = r->role == HA_ACTIVE,
		.epoch = r->epoch.number,
		.deadline_ns = r->role == HA_ACTIVE ? b->deadline_ns[r->rg] : 0,
		.owner = r->owner};

	if (!is_for_dataplane(b, r))
		return;
	b->adopting[r->rg] = b->giving[r->rg] = false;
	b->told[r->rg] = true;
	b->told_active[r->rg] = r->role == HA_ACTIVE;
	b->was_active[r->rg] |= r->role == HA_ACTIVE;
	asked = r->role == HA_ACTIVE ? asked_new(b, r->rg, r->epoch.number) : NULL;
	if (dp_order_rg(&b->d->dp, &o, asked ? on_asked : NULL, asked) < 0)
		free(asked); /* away: told again when it is back */
}

/* Before its role was told, an epoch is none that the dataplane could know. */
static void tell_deadline(struct ha_bridge *b, const struct ha_do_deadline *x)
{
	struct asked *asked = NULL;

	b->deadline_ns[x->rg] = x->deadline_ns;
	if (b->told_active[x->rg] && b->role[x->rg].epoch.number == x->epoch)
		asked = asked_new(b, x->rg, x->epoch);
	if (dp_order_deadline(&b->d->dp, x, asked ? on_asked : NULL, asked) < 0)
		free(asked);
}

static struct view ivs_kept(const struct ha_bridge *b, uint32_t rg)
{
	uint8_t key[IV_FLOOR_KEY_LEN];
	struct ha_record r;

	iv_floor_key(b->d->node, key);
	return ha_record_find(b->ha, rg, HA_CLASS_RECORD, view_of_array(key), &r)
		       ? r.body
		       : (struct view){0};
}

/* An owner leaves word of its incarnations, for the day on which it has lost them. */
static void note_ivs(struct ha_bridge *b, uint32_t rg)
{
	uint8_t key[IV_FLOOR_KEY_LEN], body[IV_FLOOR_BODY_LEN];
	const struct ike_fx_item item = {.key = view_of_array(key), .body = view_of_array(body)};

	iv_floor_key(b->d->node, key);
	if (iv_guard_note(&b->d->iv, rg, ivs_kept(b, rg), body))
		ha_bridge_propose(b, &(struct ike_fx_replicate){NOTE_TICKET, rg, &item, 1});
}

static void change_role(struct ha_bridge *b, const struct ha_do_role *r)
{
	struct role_work *w = calloc(1, sizeof *w);

	if (!w) {
		daemon_stop(b->d, "out of memory");
		return;
	}
	if (r->role == HA_ACTIVE && !iv_guard_admits(&b->d->iv, r->rg, ivs_kept(b, r->rg))) {
		free(w);
		return;
	}
	b->role[r->rg] = *r;
	b->has_role[r->rg] = true;
	b->deadline_ns[r->rg] = r->deadline_ns;
	log_notice(&b->log, "ha.role", "rg=%u role=%s epoch=%llu owner=%u reason=\"%s\"", r->rg,
		r->role == HA_ACTIVE ? "primary" : "secondary", (unsigned long long)r->epoch.number,
		r->owner, r->reason ? r->reason : "");
	/* Packets first: the dataplane is what peers notice. */
	tell_dataplane(b, r);
	w->role = *r;
	w->work.run = run_role;
	work_post(&b->d->work, &w->work);
	if (r->role == HA_ACTIVE)
		note_ivs(b, r->rg);
}

struct handover_ctx {
	struct ha_bridge *b;
	uint32_t rg, first, last;
	uint64_t epoch;
};

static struct handover_ctx *handover_ctx(struct ha_bridge *b, const struct ha_do_handover *h)
{
	struct handover_ctx *c = malloc(sizeof *c);

	if (c)
		*c = (struct handover_ctx){b, h->rg, h->first_bucket, h->last_bucket, h->epoch};
	return c;
}

static void on_frozen(void *ctx, int rc, const Dp__Reply *reply)
{
	struct handover_ctx *c = (struct handover_ctx *)ctx;
	struct ha_event ev = {.type = HA_EV_FROZEN};
	auto_blob states = {0};

	if (rc == 0)
		rc = dp_states_pack(reply, &states);
	ev.frozen = (struct ha_ev_frozen){.rg = c->rg,
		.first_bucket = c->first,
		.last_bucket = c->last,
		.error = rc,
		.states = blob_view(&states)};
	ha_bridge_feed(c->b, &ev);
	work_drain(&c->b->d->work, c->b->d);
	free(c);
}

static void freeze(struct ha_bridge *b, const struct ha_do_handover *h)
{
	struct handover_ctx *c = handover_ctx(b, h);
	int rc = c ? dp_order_freeze(&b->d->dp, h, on_frozen, c) : -ERR_NOMEM;
	struct ha_event ev = {.type = HA_EV_FROZEN};

	if (rc == 0)
		return;
	free(c);
	ev.frozen = (struct ha_ev_frozen){h->rg, h->first_bucket, h->last_bucket, rc, {0}};
	post_event(b, &ev);
}

static void on_activated(void *ctx, int rc, const Dp__Reply *reply)
{
	struct handover_ctx *c = (struct handover_ctx *)ctx;
	struct ha_event ev = {.type = HA_EV_ACTIVATED};

	(void)reply;
	ev.activated = (struct ha_ev_activated){c->rg, c->epoch, rc};
	ha_bridge_feed(c->b, &ev);
	work_drain(&c->b->d->work, c->b->d);
	free(c);
}

static void activate(struct ha_bridge *b, const struct ha_do_handover *h)
{
	struct handover_ctx *c = handover_ctx(b, h);
	int rc = c ? dp_order_activate(&b->d->dp, h, on_activated, c) : -ERR_NOMEM;
	struct ha_event ev = {.type = HA_EV_ACTIVATED};

	if (rc == 0)
		return;
	free(c);
	ev.activated = (struct ha_ev_activated){h->rg, h->epoch, rc};
	post_event(b, &ev);
}

static void operator_done(struct ha_bridge *b, uint64_t request, int error, const char *text)
{
	struct ctl_call *call = calls_take(&b->calls, request);

	if (!call)
		return;
	if (error != 0)
		ctl_fail(call, "%s", text && text[0] ? text : err_text(error));
	else
		ctl_done(call, daemon_node(b->d), text ? text : "", 1);
}

static void persist(struct ha_bridge *b, uint64_t serial, struct view octets)
{
	if (persist_put(&b->persist, serial, octets) < 0)
		daemon_stop(b->d, "out of memory");
}

static void execute_handover(struct ha_bridge *b, const struct ha_effect *e)
{
	uint32_t rg = e->handover.rg;

	if (e->type == HA_DO_HANDOVER_FREEZE) {
		b->giving[rg] = true;
		freeze(b, &e->handover);
	} else if (e->type == HA_DO_HANDOVER_ACTIVATE) {
		if (iv_guard_admits(&b->d->iv, rg, ivs_kept(b, rg)))
			activate(b, &e->handover);
	} else {
		dp_order_forward(&b->d->dp, &e->handover, e->type == HA_DO_HANDOVER_ABORT);
		if (b->giving[rg] && b->role[rg].role == HA_STANDBY) {
			b->giving[rg] = false;
			tell_dataplane(b, &b->role[rg]);
		}
		b->giving[rg] = false;
	}
}

static void execute(struct ha_bridge *b, const struct ha_effect *e)
{
	struct daemon *d = b->d;

	switch (e->type) {
	case HA_DO_MCAST:
		ha_bus_send(b->bus, e->mcast);
		break;
	case HA_DO_PERSIST:
		persist(b, e->persist.serial, e->persist.octets);
		break;
	case HA_DO_COMMITTED:
		b->waiting_ns[e->done.rg] = 0;
		if (e->done.ticket != NOTE_TICKET)
			runner_post_committed(&d->runner, e->done.ticket);
		break;
	case HA_DO_REJECTED:
		b->waiting_ns[e->done.rg] = 0;
		/* a handover that is aborted leaves the group here: ask again */
		if (e->done.ticket != NOTE_TICKET)
			runner_post_rejected(&d->runner, e->done.ticket,
				e->done.reason == HA_REJECT_BUSY ||
					e->done.reason == HA_REJECT_HANDOVER);
		break;
	case HA_DO_RESET:
		routes_reset(&d->routes, e->rg);
		break; /* what is stale in the dataplane goes at SYNCED */
	case HA_DO_APPLY:
		apply(b, &e->apply);
		break;
	case HA_DO_SYNCED:
		routes_synced(&d->routes, e->rg);
		log_notice(&b->log, "ha.synced", "rg=%u", e->rg);
		/* Now, while somebody else owns it, rather than when it has nobody else. */
		if (!iv_guard_admits(&b->d->iv, e->rg, ivs_kept(b, e->rg)))
			break;
		daemon_dp_reconcile(d, e->rg);
		break;
	case HA_DO_ROLE:
		change_role(b, &e->role);
		break;
	case HA_DO_DEADLINE:
		tell_deadline(b, &e->deadline);
		break;
	case HA_DO_ANNOUNCE:
		dp_order_announce(&d->dp, e->announce.rg, e->announce.count);
		break;
	case HA_DO_FABRIC_RENEW:
	case HA_DO_FABRIC_FENCE:
		dp_order_fabric_renew(&d->dp, &e->fabric, e->type == HA_DO_FABRIC_FENCE);
		break;
	case HA_DO_HANDOVER_FREEZE:
	case HA_DO_HANDOVER_ACTIVATE:
	case HA_DO_HANDOVER_FORWARD:
	case HA_DO_HANDOVER_ABORT:
		execute_handover(b, e);
		break;
	case HA_DO_OPERATOR_DONE:
		operator_done(
			b, e->operator_done.request, e->operator_done.error, e->operator_done.text);
		break;
	case HA_DO_LEAVE:
		ha_bus_leave(b->bus);
		daemon_stop(d, "left the cluster");
		break;
	case HA_DO_LOG:
		log_emit(&b->log, e->log.level, e->log.event, "%s", e->log.text);
		break;
	}
}

void ha_bridge_feed(struct ha_bridge *b, struct ha_event *ev)
{
	int rc;

	if (!b->active)
		return;
	ev->now_ns = clock_boot_ns();
	rc = ha_step(b->ha, ev, &b->fx);
	for (size_t i = 0; i < b->fx.n; i++)
		execute(b, &b->fx.v[i]);
	ha_effects_clear(&b->fx);
	if (rc == -ERR_VALUE)
		log_err(&b->log, "ha.event.refused", "type=%d", (int)ev->type);
	else if (rc < 0)
		daemon_stop(b->d, err_text(rc)); /* comes back as a joiner */
	rearm(b);
}

/* ---------------------------------------------------------------- doors */

bool ha_bridge_owns(const struct ha_bridge *b, uint32_t rg)
{
	return b->active && rg != 0 && rg < HA_RG_MAX && model_rg(b->d->model, rg) != NULL;
}

bool ha_bridge_is_active(const struct ha_bridge *b, uint32_t rg)
{
	return rg < HA_RG_MAX && b->has_role[rg] && b->role[rg].role == HA_ACTIVE;
}

uint32_t ha_bridge_owner(const struct ha_bridge *b, uint32_t rg)
{
	return rg < HA_RG_MAX && b->has_role[rg] ? b->role[rg].owner : HA_NODE_NONE;
}

uint32_t ha_bridge_lag_ms(const struct ha_bridge *b, uint32_t rg)
{
	uint64_t since = rg < HA_RG_MAX ? b->waiting_ns[rg] : 0;

	return since == 0 ? 0 : (uint32_t)((clock_boot_ns() - since) / 1000000);
}

bool ha_bridge_may_act(const struct ha_bridge *b, uint32_t rg)
{
	return !ha_bridge_owns(b, rg) || ha_may_act(b->ha, rg, clock_boot_ns());
}

static void refill_rg(struct ha_bridge *b, uint32_t rg)
{
	struct ha_walk at = {0};
	struct ha_record r;
	uint32_t spi;

	while (ha_record_next(b->ha, rg, &at, &r)) {
		if (r.class == HA_CLASS_LEASE)
			continue;
		if (dp_child_key(r.key, &spi) && install(b, rg, spi, r.body) < 0)
			log_err(&b->log, "dataplane.refill.failed", "rg=%u spi=%08x", rg, spi);
	}
	b->told[rg] = b->giving[rg] = false; /* it may be another one */
	/* An empty one does not know which numbers were sent: it acts in a new epoch only, and ha
	 * tells that one. */
	if (b->has_role[rg] && b->role[rg].role == HA_STANDBY)
		tell_dataplane(b, &b->role[rg]);
}

void ha_bridge_refill(struct ha_bridge *b)
{
	for (uint32_t i = 0; b->active && i < b->d->model->cluster.n_rgs; i++) {
		uint32_t rg = b->d->model->cluster.rgs[i].id;

		if (!iv_guard_admits(&b->d->iv, rg, ivs_kept(b, rg)))
			return;
		refill_rg(b, rg);
	}
}

static void ask(struct ha_bridge *b, struct ha_event *ev, struct ctl_call *call)
{
	int rc = b->active ? calls_add(&b->calls, call, &ev->failover.request) : -ERR_UNSUPPORTED;

	if (rc < 0)
		ctl_fail(call, "%s", b->active ? err_text(rc) : "chassis cluster is not enabled");
	else
		ha_bridge_feed(b, ev);
}

void ha_bridge_failover(struct ha_bridge *b, uint32_t rg, uint32_t node, struct ctl_call *call)
{
	struct ha_event ev = {.type = HA_EV_FAILOVER};

	ev.failover.rg = rg;
	ev.failover.node = node;
	ask(b, &ev, call);
}

void ha_bridge_failover_reset(struct ha_bridge *b, uint32_t rg, struct ctl_call *call)
{
	struct ha_event ev = {.type = HA_EV_FAILOVER_RESET};

	ev.failover.rg = rg;
	ask(b, &ev, call);
}

void ha_bridge_leave(struct ha_bridge *b)
{
	struct ha_event ev = {.type = HA_EV_SHUTDOWN};

	ha_bridge_feed(b, &ev);
}

/* ---------------------------------------------------------------- life */

static void fill_rg(struct ha_rg_config *out, const struct model_rg *rg)
{
	*out = (struct ha_rg_config){.id = rg->id,
		.preempt = rg->preempt,
		.preempt_delay_ms = rg->preempt_delay_s * 1000,
		.hold_down_ms = rg->hold_down_s * 1000,
		.announce_count = rg->garp_count};
	for (uint32_t i = 0; i < rg->n_members; i++)
		if (rg->members[i].node < HA_NODES_MAX)
			out->priority[rg->members[i].node] = (uint8_t)rg->members[i].priority;
}

static void fill_config(const struct daemon *d, struct ha_config *c)
{
	const struct model_cluster *m = &d->model->cluster;
	const struct corosync_timers timers = corosync_timers(m);

	c->node = d->node;
	c->cluster_id = d->args.cluster_id;
	for (uint32_t i = 0; i < m->n_nodes; i++)
		c->nodes |= 1u << m->nodes[i];
	c->two_node = m->n_nodes == 2;
	for (uint32_t i = 0; i < m->n_rgs; i++)
		if (m->rgs[i].id != 0 && c->n_rg < HA_RG_MAX)
			fill_rg(&c->rg[c->n_rg++], &m->rgs[i]);
	c->token_ms = timers.token_ms;
	c->consensus_ms = timers.consensus_ms;
	c->control_hold_ms = m->control_hold_s * 1000;
	c->bucket_bits = d->model->dataplane.bucket_bits;
	c->env = d->env;
}

static int start_core(struct ha_bridge *b)
{
	struct ha_config *c = calloc(1, sizeof *c);
	auto_blob persisted = {0};
	int rc = c ? 0 : -ERR_NOMEM;

	if (rc == 0) {
		fill_config(b->d, c);
		rc = seal_ops_init(&b->seal, b->d->crypto, b->d->model->cluster.key, &c->seal);
	}
	if (rc == 0)
		rc = store_file_read(b->persist.path, 1 << 20, &persisted);
	if (rc == 0 || rc == -ERR_NOT_FOUND)
		rc = ha_new(c, blob_view(&persisted), clock_boot_ns(), &b->ha);
	free(c);
	return rc;
}

int ha_bridge_init(struct ha_bridge *b, struct daemon *d)
{
	char path[512];
	int rc;
	const struct log_ctx log = b->log;

	*b = (struct ha_bridge){.d = d, .log = log};
	ha_effects_init(&b->fx);
	(void)snprintf(path, sizeof path, "%s/cluster.state", d->args.state_dir);
	rc = persist_init(&b->persist, &d->loop, path);
	if (rc < 0)
		return rc;
	b->persist.done = on_persisted;
	b->persist.ctx = b;
	if (uv_timer_init(&d->loop, &b->tick) != 0)
		return -ERR_IO;
	b->tick.data = b;
	rc = start_core(b);
	if (rc < 0)
		return rc;
	b->active = true;
	rc = ha_bus_new(d, d->args.cluster_id, &b->bus);
	if (rc == 0)
		rearm(b);
	return rc;
}

void ha_bridge_fini(struct ha_bridge *b)
{
	if (!b->d)
		return;
	b->active = false;
	ha_bus_free(b->bus);
	persist_fini(&b->persist);
	if (!uv_is_closing((uv_handle_t *)&b->tick))
		uv_close((uv_handle_t *)&b->tick, NULL);
	ha_effects_fini(&b->fx);
	ha_free(b->ha);
	seal_ops_fini(&b->seal);
	calls_fini(&b->calls);
}
