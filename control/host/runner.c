#include "host/runner.h"

#include <stdlib.h>

#include "base/emit.h"
#include "base/err.h"
#include "crypto/hkdf.h"
#include "host/clock.h"
#include "host/daemon.h"
#include "host/dp_child.h"
#include "host/dp_orders.h"
#include "ike/ticket.h"
#include "host/sign_work.h"

/* About, for one side of an exchange. */
#define KEX_LIGHT_US 60
#define KEX_HEAVY_US 1000

/* ---------------------------------------------------------------- events */

static void rearm(struct runner *r);

static void on_tick(uv_timer_t *t)
{
	struct runner *r = (struct runner *)t->data;
	struct ike_event ev = {.type = IKE_EV_TICK};

	runner_feed(r, &ev);
	work_drain(&r->d->work, r->d);
}

static void rearm(struct runner *r)
{
	uint64_t due = ike_deadline(r->ike), now = clock_boot_ms();

	if (due == UINT64_MAX) {
		(void)uv_timer_stop(&r->tick);
		return;
	}
	uv_update_time(&r->d->loop);
	(void)uv_timer_start(&r->tick, on_tick, due > now ? due - now : 0, 0);
}

struct ticket_work {
	struct work work;
	uint64_t ticket;
	enum ike_event_type type;
	bool retry;
	int rc;
};

static void run_ticket(struct daemon *d, struct work *w, bool drop)
{
	struct ticket_work *t = container_of(w, struct ticket_work, work);
	struct ike_event ev = {.type = t->type};

	if (t->type == IKE_EV_COMMITTED) {
		ev.committed = t->ticket;
	} else if (t->type == IKE_EV_REJECTED) {
		ev.rejected.ticket = t->ticket;
		ev.rejected.retry = t->retry;
	} else {
		ev.installed.ticket = t->ticket;
		ev.installed.rc = t->rc;
	}
	free(t);
	if (!drop)
		runner_feed(&d->runner, &ev);
}

static void post_ticket(struct runner *r, struct ticket_work t)
{
	struct ticket_work *copy = malloc(sizeof *copy);

	if (!copy) {
		daemon_stop(r->d, "out of memory");
		return;
	}
	*copy = t;
	copy->work.run = run_ticket;
	work_post(&r->d->work, &copy->work);
}

void runner_post_committed(struct runner *r, uint64_t ticket)
{
	post_ticket(r, (struct ticket_work){.ticket = ticket, .type = IKE_EV_COMMITTED});
}

void runner_post_rejected(struct runner *r, uint64_t ticket, bool retry)
{
	post_ticket(
		r, (struct ticket_work){.ticket = ticket, .type = IKE_EV_REJECTED, .retry = retry});
}

/* ---------------------------------------------------------------- effects */

static void do_send(struct runner *r, const struct ike_fx_send *s)
{
	struct punt_datagram d = {.interface_id = s->interface_id,
		.rg = s->rg,
		.local = s->local,
		.remote = s->remote,
		.keepalive = s->keepalive};

	if (s->keepalive) {
		punt_send(&r->d->punt, &d);
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		d.data = s->datagrams[i];
		punt_send(&r->d->punt, &d);
	}
}

struct kex_req {
	struct offload_job work;
	struct runner *r;
	struct ike_kex_job *job;
};

static void kex_run(struct offload_job *w)
{
	struct kex_req *q = container_of(w, struct kex_req, work);

	ike_kex_run(q->r->d->crypto, q->job);
}

static void kex_done(struct offload_job *w, bool dropped)
{
	struct kex_req *q = container_of(w, struct kex_req, work);
	struct ike_event ev = {.type = IKE_EV_KEX_DONE, .kex = q->job};
	struct runner *r = q->r;

	free(q);
	if (dropped || !r->started)
		ike_kex_job_free(ev.kex);
	else
		runner_feed(r, &ev);
}

static uint32_t kex_cost_us(uint16_t group)
{
	return group == ALG_CURVE25519 || group == ALG_ECP_256 ? KEX_LIGHT_US : KEX_HEAVY_US;
}

static void do_kex(struct runner *r, struct ike_kex_job *job)
{
	struct kex_req *q = calloc(1, sizeof *q);

	if (!q) {
		ike_kex_job_free(job);
		daemon_stop(r->d, "out of memory");
		return;
	}
	q->work = (struct offload_job){.cost_us = kex_cost_us(job->group),
		.stranger = job->stranger,
		.run = kex_run,
		.done = kex_done};
	q->r = r;
	q->job = job;
	offload_post(&r->offload, &q->work);
}

struct ticket_ctx {
	struct runner *r;
	uint64_t ticket;
	uint32_t rg;
};

/* The dataplane is gone: that says nothing of the child, which is in the log. When it is back the
 * group is owned anew, its records fill the dataplane, and the engine goes on from them. */
static bool is_refilled(const struct runner *r, uint32_t rg, int rc)
{
	return (rc == -ERR_IO || rc == -ERR_AGAIN) && ha_bridge_owns(&r->d->ha, rg);
}

static void on_installed(void *ctx, int rc, const Dp__Reply *reply)
{
	struct ticket_ctx *t = (struct ticket_ctx *)ctx;

	if (is_refilled(t->r, t->rg, rc)) {
		free(t);
		return;
	}
	if (rc < 0)
		log_err(&t->r->d->log, "child.install.failed", "reason=\"%s\"",
			reply && reply->reason && reply->reason[0] ? reply->reason : err_text(rc));
	post_ticket(t->r,
		(struct ticket_work){.ticket = t->ticket, .type = IKE_EV_INSTALLED, .rc = rc});
	work_drain(&t->r->d->work, t->r->d);
	free(t);
}

static void do_install(struct runner *r, const struct ike_fx_install *i)
{
	struct ticket_ctx *t = malloc(sizeof *t);
	int rc = -ERR_NOMEM;

	if (t) {
		*t = (struct ticket_ctx){r, i->ticket, i->child.rg};
		rc = dp_child_install(&r->d->dp, &i->child, on_installed, t);
	}
	if (rc == 0)
		return;
	free(t);
	if (is_refilled(r, i->child.rg, rc))
		return;
	post_ticket(
		r, (struct ticket_work){.ticket = i->ticket, .type = IKE_EV_INSTALLED, .rc = rc});
}

struct ask_ctx {
	struct runner *r;
	uint64_t sa;
	uint32_t child;
};

static void on_activity(void *ctx, int rc, const Dp__Reply *reply)
{
	struct ask_ctx *a = (struct ask_ctx *)ctx;
	struct ike_event ev = {.type = IKE_EV_ACTIVITY};

	ev.activity = (struct ike_ev_activity){a->sa, a->child, IKE_IDLE_NEVER, IKE_IDLE_NEVER};
	for (size_t i = 0; rc == 0 && i < reply->n_children; i++) {
		const Dp__ChildStats *s = reply->children[i];

		ev.activity.idle_in_ms = MIN(ev.activity.idle_in_ms, s->idle_in_ms);
		ev.activity.idle_out_ms = MIN(ev.activity.idle_out_ms, s->idle_out_ms);
	}
	if (rc == 0) {
		runner_feed(a->r, &ev);
		work_drain(&a->r->d->work, a->r->d);
	}
	free(a);
}

static void do_ask(struct runner *r, const struct ike_fx_ask *ask)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__Query query = DP__QUERY__INIT;
	struct ask_ctx *a = malloc(sizeof *a);

	if (!a)
		return; /* no answer is harmless */
	*a = (struct ask_ctx){r, ask->sa, ask->child};
	query.children = true;
	query.n_spi_in = ask->n;
	query.spi_in = (uint32_t *)(uintptr_t)ask->spi_in;
	q.body_case = DP__REQUEST__BODY_QUERY;
	q.query = &query;
	if (ask->n == 0 || dp_client_send(&r->d->dp, &q, on_activity, a) < 0)
		free(a);
}

static void operator_done(struct runner *r, uint64_t request, uint32_t count)
{
	struct ctl_call *call = calls_take(&r->calls, request);

	if (call)
		ctl_done(call, daemon_node(r->d), "", count);
}

static void execute(struct runner *r, struct ike_effect *e)
{
	switch (e->type) {
	case IKE_FX_SEND:
		do_send(r, &e->send);
		break;
	case IKE_FX_KEX:
		do_kex(r, take_ptr(e->kex));
		break;
	case IKE_FX_INSTALL:
		do_install(r, &e->install);
		break;
	case IKE_FX_UPDATE:
		dp_child_update(&r->d->dp, &e->update);
		break;
	case IKE_FX_DELETE:
		dp_order_delete(&r->d->dp, e->del.spi_in, e->del.n);
		break;
	case IKE_FX_REPLICATE:
		if (ha_bridge_owns(&r->d->ha, e->replicate.rg))
			ha_bridge_propose(&r->d->ha, &e->replicate);
		else
			local_replicate(&r->d->local, &e->replicate);
		break;
	case IKE_FX_EXPECT:
		dp_child_expect(&r->d->dp, &e->expect);
		break;
	case IKE_FX_ASK_ACTIVITY:
		do_ask(r, &e->ask);
		break;
	case IKE_FX_SIGN:
		sign_work(r, take_ptr(e->sign));
		break;
	case IKE_FX_TRUST:
		trust_work(r, take_ptr(e->trust));
		break;
	case IKE_FX_RESOLVE:
		resolver_ask(&r->d->resolver, e->resolve);
		break;
	case IKE_FX_OPERATOR_DONE:
		operator_done(r, e->operator_done.request, e->operator_done.count);
		break;
	}
}

void runner_feed(struct runner *r, struct ike_event *ev)
{
	int rc;

	ev->now_ms = clock_boot_ms();
	ev->wall_ms = clock_wall_ms();
	rc = ike_step(r->ike, ev, &r->fx);
	for (size_t i = 0; i < r->fx.n; i++)
		execute(r, &r->fx.v[i]);
	ike_effects_clear(&r->fx);
	if (rc == -ERR_NOMEM)
		daemon_stop(r->d, "out of memory");
	else if (rc < 0)
		log_err(&r->d->log, "ike.event.refused", "type=%d reason=\"%s\"", (int)ev->type,
			err_text(rc));
	rearm(r);
}

void runner_operator(struct runner *r, struct ike_ev_operator *op, struct ctl_call *call)
{
	struct ike_event ev = {.type = IKE_EV_OPERATOR};
	int rc = calls_add(&r->calls, call, &op->request);

	if (rc < 0) {
		ctl_fail(call, "%s", err_text(rc));
		return;
	}
	ev.operator_ = *op;
	runner_feed(r, &ev);
}

/* ---------------------------------------------------------------- life */

/* The cluster's: any node goes on from a ticket of any other. Alone: of this start, what is older
 * begins anew. */
static int ticket_key(struct daemon *d, uint8_t key[TICKET_KEY_LEN])
{
	const struct hkdf_in in = {
		.key = d->model->cluster.key, .info = view_of_literal("tandem IKE ticket keys")};

	if (d->clustered)
		return hkdf_sha256(d->crypto, &in, key, TICKET_KEY_LEN);
	env_random(&d->env, key, TICKET_KEY_LEN);
	return 0;
}

int runner_init(struct runner *r, struct daemon *d)
{
	struct ike_config config = {
		.env = d->env,
		.log = &d->logger.sink,
		.crypto = d->crypto,
		.iv_node = (uint8_t)d->node,
		.incarnation = d->iv.in_use.ike,
		.interface_id = model_interface_id,
		.credentials = &d->credentials.face,
	};

	*r = (struct runner){.d = d};
	if (ticket_key(d, config.ticket_key) < 0)
		return -ERR_CRYPTO;
	ike_effects_init(&r->fx);
	if (uv_timer_init(&d->loop, &r->tick) != 0 ||
		offload_init(&r->offload, &d->loop, &d->work, d) < 0)
		return -ERR_IO;
	r->tick.data = r;
	r->started = true;
	return ike_new(&config, d->model, &r->ike);
}

void runner_fini(struct runner *r)
{
	if (!r->d)
		return;
	r->started = false;
	if (!uv_is_closing((uv_handle_t *)&r->tick))
		uv_close((uv_handle_t *)&r->tick, NULL);
	offload_fini(&r->offload);
	while (r->signing != 0 && uv_run(&r->d->loop, UV_RUN_ONCE) != 0)
		;
	ike_effects_fini(&r->fx);
	ike_free(r->ike);
	calls_fini(&r->calls);
}
