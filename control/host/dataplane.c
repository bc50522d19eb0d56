/*
 * tandemd's side of the dataplane connection: what it is told when it comes (back), and what its
 * events mean for the cores.
 */
#include <stdlib.h>

#include "base/emit.h"
#include "base/err.h"
#include "host/daemon.h"
#include "host/dp_child.h"
#include "host/dp_config.h"
#include "host/dp_orders.h"
#include "host/manual.h"
#include "ike/record.h"

enum { SCHEMA = 1, LEASE_MAX = 128, CONFIGURE_AGAIN_MS = 1000 };

/* ---------------------------------------------------------------- coming up */

static void on_again(uv_timer_t *t)
{
	struct daemon *d = (struct daemon *)t->data;

	if (d->dp_greeted)
		daemon_dp_configure(d);
}

/* A device may come later than we, and a worker that hangs may wake up: it is asked again. What the
 * dataplane refuses before it touches a port leaves everything as it was (dataplane.proto);
 * otherwise it has no ports any more, and somebody else had better own. */
static void configure_again(struct daemon *d, int rc)
{
	struct ha_event ev = {.type = HA_EV_DATAPLANE};

	if (rc == -ERR_VALUE) /* and will again */
		return;
	if (rc != -ERR_WRONG_STATE && d->dp_ready) {
		d->dp_ready = false;
		ha_bridge_feed(&d->ha, &ev);
		work_drain(&d->work, d);
	}
	(void)uv_timer_start(&d->dp_again, on_again, CONFIGURE_AGAIN_MS, 0);
}

static void on_configured(void *ctx, int rc, const Dp__Reply *reply)
{
	struct daemon *d = (struct daemon *)ctx;
	struct ha_event ev = {.type = HA_EV_DATAPLANE};

	if (rc < 0) {
		log_err(&d->log, "dataplane.configure.failed", "reason=\"%s\"",
			reply && reply->reason && reply->reason[0] ? reply->reason : err_text(rc));
		if (reply)
			configure_again(d, rc);
		return;
	}
	(void)uv_timer_stop(&d->dp_again);
	d->dp_ready = true;
	routes_again(&d->routes);
	ha_bridge_refill(&d->ha);
	ev.dataplane = (struct ha_ev_dataplane){.up = true, .incarnation = d->dp_incarnation};
	ha_bridge_feed(&d->ha, &ev);
	local_begin(&d->local);
	manual_apply(d);
	work_drain(&d->work, d);
}

int daemon_dp_init(struct daemon *d)
{
	if (uv_timer_init(&d->loop, &d->dp_again) != 0)
		return -ERR_IO;
	d->dp_again.data = d;
	return 0;
}

void daemon_dp_configure(struct daemon *d)
{
	const struct dp_config_args a = {.model = d->model,
		.routes = &d->routes.rib,
		.node = d->node,
		.cluster_id = d->clustered ? d->args.cluster_id : 0,
		.iv_node_id = d->node,
		.iv_incarnation = d->iv.esp_least};
	Dp__Request r = DP__REQUEST__INIT;
	int rc;

	routes_make(&d->routes);
	rc = dp_config_build(&a, &r.configure);
	if (rc < 0) {
		daemon_stop(d, err_text(rc));
		return;
	}
	r.body_case = DP__REQUEST__BODY_CONFIGURE;
	rc = dp_client_send(&d->dp, &r, on_configured, d);
	dp__configure__free_unpacked(r.configure, NULL);
	if (rc < 0 && rc != -ERR_AGAIN)
		daemon_stop(d, err_text(rc));
}

/* The engine deals its SAs out among them. */
static void tell_workers(struct daemon *d, uint32_t online)
{
	struct ike_event ev = {.type = IKE_EV_WORKERS, .workers = online};

	if (online != 0)
		runner_feed(&d->runner, &ev);
}

static void on_hello(void *ctx, int rc, const Dp__Reply *reply)
{
	struct daemon *d = (struct daemon *)ctx;

	if (rc < 0 || !reply->hello) {
		log_err(&d->log, "dataplane.hello.failed", "reason=\"%s\"", err_text(rc));
		return;
	}
	d->dp_greeted = true;
	iv_guard_hello(&d->iv, reply->hello);
	d->dp_incarnation = d->iv.in_use.esp;
	local_hello(&d->local, reply->hello);
	tell_workers(d, reply->hello->workers);
	if (reply->hello->configured)
		ha_bridge_adopt(&d->ha);
	else
		baseline_forget(&d->baseline);
	log_notice(&d->log, "dataplane.up", "version=%s incarnation=%u adopted=%zu",
		reply->hello->version, reply->hello->incarnation, reply->hello->n_spi_in);
	daemon_dp_configure(d);
}

void daemon_dp_up(void *ctx)
{
	struct daemon *d = (struct daemon *)ctx;
	Dp__Request r = DP__REQUEST__INIT;
	Dp__Hello h = DP__HELLO__INIT;

	h.schema = SCHEMA;
	h.version = (char *)(uintptr_t)TANDEM_VERSION;
	r.body_case = DP__REQUEST__BODY_HELLO;
	r.hello = &h;
	if (dp_client_send(&d->dp, &r, on_hello, d) < 0)
		log_err(&d->log, "dataplane.hello.failed", "reason=\"not sent\"");
}

void daemon_dp_down(void *ctx)
{
	struct daemon *d = (struct daemon *)ctx;
	struct ha_event ev = {.type = HA_EV_DATAPLANE};

	d->dp_ready = d->dp_greeted = false;
	(void)uv_timer_stop(&d->dp_again);
	d->crew = (struct crew_seen){0};
	log_warn(&d->log, "dataplane.down", "socket=%s", d->dp.path);
	ha_bridge_feed(&d->ha, &ev);
	work_drain(&d->work, d);
}

/* ---------------------------------------------------------------- reconcile */

struct reconcile_ctx {
	struct daemon *d;
	uint32_t rg;
};

static void on_held(void *ctx, int rc, const Dp__Reply *reply)
{
	struct reconcile_ctx *c = (struct reconcile_ctx *)ctx;
	struct daemon *d = c->d;
	size_t removed = 0;

	for (size_t i = 0; rc == 0 && i < reply->n_children; i++) {
		uint8_t key[5] = {'C'};
		struct ha_record r;

		dp_lease_key(reply->children[i]->spi_in, key + 1);
		if (reply->children[i]->rg != c->rg || manual_has(d, reply->children[i]->spi_in) ||
			ha_record_find(d->ha.ha, c->rg, HA_CLASS_RECORD, view_of_array(key), &r))
			continue;
		dp_order_delete(&d->dp, &reply->children[i]->spi_in, 1);
		removed++;
	}
	if (removed != 0)
		log_notice(&d->log, "dataplane.reconciled", "rg=%u removed=%zu", c->rg, removed);
	free(c);
}

void daemon_dp_reconcile(struct daemon *d, uint32_t rg)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__Query query = DP__QUERY__INIT;
	struct reconcile_ctx *c = malloc(sizeof *c);

	if (!c)
		return;
	*c = (struct reconcile_ctx){d, rg};
	query.children = true;
	q.body_case = DP__REQUEST__BODY_QUERY;
	q.query = &query;
	if (dp_client_send(&d->dp, &q, on_held, c) < 0)
		free(c);
}

/* ---------------------------------------------------------------- events */

static int endpoint_of(const Dp__Endpoint *e, struct endpoint *out)
{
	if (!e || e->port > UINT16_MAX)
		return -ERR_VALUE;
	out->port = (uint16_t)e->port;
	return addr_from_view(view_of(e->address.data, e->address.len), &out->addr);
}

static void on_acquire(struct daemon *d, const Dp__Acquire *a)
{
	struct ike_event ev = {.type = IKE_EV_ACQUIRE};
	struct ike_ev_acquire *q = &ev.acquire;

	q->policy_id = a->policy_id;
	q->protocol = (uint8_t)a->protocol;
	q->worker_hint = (uint8_t)MIN(a->worker_hint, (uint32_t)UINT8_MAX);
	if (addr_from_view(view_of(a->source.data, a->source.len), &q->source.addr) < 0 ||
		addr_from_view(view_of(a->destination.data, a->destination.len),
			&q->destination.addr) < 0) {
		q->source.addr.family = 0;
		q->destination.addr.family = 0;
	}
	q->source.port = (uint16_t)a->source_port;
	q->destination.port = (uint16_t)a->destination_port;
	runner_feed(&d->runner, &ev);
}

static void on_lease_want(struct daemon *d, const Dp__LeaseWant *w)
{
	struct ha_event ev = {.type = HA_EV_LEASES};
	struct ha_item *items;
	uint8_t *room;
	size_t n = 0;

	if (!ha_bridge_owns(&d->ha, w->rg)) {
		local_leases(&d->local, w);
		return;
	}
	items = calloc(w->n_wants + 1, sizeof(*items));
	room = malloc(w->n_wants * LEASE_MAX + 1);
	for (size_t i = 0; items && room && i < w->n_wants; i++) {
		uint8_t *key = room + i * LEASE_MAX, *body = key + 4, child[5] = {'C'};

		dp_lease_key(w->wants[i]->spi_in, key);
		dp_lease_key(w->wants[i]->spi_in, child + 1);
		/* the record of one that goes took its lease along: none may come after it */
		if (!manual_has(d, w->wants[i]->spi_in) &&
			!record_key_find_child(d->runner.ike, view_of_array(child)))
			continue;
		items[n++] = (struct ha_item){.class = HA_CLASS_LEASE,
			.key = view_of(key, 4),
			.body = view_of(body, dp__lease__pack(w->wants[i], body))};
	}
	ev.leases = (struct ha_ev_leases){.rg = w->rg, .epoch = w->epoch, .items = items, .n = n};
	if (n != 0)
		ha_bridge_feed(&d->ha, &ev);
	free(items);
	free(room);
}

static void on_moved(struct daemon *d, const Dp__EndpointMoved *m)
{
	struct ike_event ev = {.type = IKE_EV_ENDPOINT_MOVED};

	ev.moved.spi_in = m->spi_in;
	if (endpoint_of(m->from, &ev.moved.from) == 0)
		runner_feed(&d->runner, &ev);
}

static void on_lifetime(struct daemon *d, const Dp__Lifetime *l)
{
	struct ike_event ev = {.type = IKE_EV_CHILD_LIFETIME};

	ev.limit.spi_in = l->spi_in;
	ev.limit.kind = l->kind == DP__LIFETIME_KIND__LIFETIME_HARD_BYTES ? IKE_LIMIT_HARD
			: l->kind == DP__LIFETIME_KIND__LIFETIME_SEQUENCE ? IKE_LIMIT_SEQUENCE
									  : IKE_LIMIT_SOFT;
	runner_feed(&d->runner, &ev);
}

/* At most ten a second and worker reach us. */
static void on_bad_spi(struct daemon *d, const Dp__BadSpi *b)
{
	struct ike_event ev = {.type = IKE_EV_BAD_SPI, .bad_spi.spi = b->spi};
	char from[ENDPOINT_TEXT_MAX], to[ENDPOINT_TEXT_MAX];
	struct endpoint f, t;

	if (endpoint_of(b->from, &f) < 0 || endpoint_of(b->to, &t) < 0)
		return;
	log_debug(&d->log, "esp.spi.unknown", "spi=%08x from=%s to=%s", b->spi,
		endpoint_text(&f, from), endpoint_text(&t, to));
	ev.bad_spi.from = f.addr;
	ev.bad_spi.to = t.addr;
	runner_feed(&d->runner, &ev);
}

static void on_fabric_peer(struct daemon *d, const Dp__FabricPeer *p)
{
	struct ha_event ev = {.type = HA_EV_FABRIC};
	struct ha_fabric_rg *rgs = calloc(p->n_rgs + 1, sizeof(*rgs));

	if (!rgs)
		return;
	for (size_t i = 0; i < p->n_rgs; i++)
		rgs[i] = (struct ha_fabric_rg){.rg = p->rgs[i]->rg,
			.active = p->rgs[i]->role == DP__RG_ROLE__RG_ACTIVE,
			.epoch = p->rgs[i]->epoch};
	ev.fabric = (struct ha_ev_fabric){.node = p->node,
		.up = p->up,
		.last_heard_ns = p->last_heard_ns,
		.control_alive = p->control_alive,
		.rgs = rgs,
		.n_rgs = (uint32_t)p->n_rgs};
	ha_bridge_feed(&d->ha, &ev);
	free(rgs);
}

static void on_ha_event(struct daemon *d, const Dp__Event *e)
{
	struct ha_event ev = {0};

	if (e->body_case == DP__EVENT__BODY_PROBE) {
		ev.type = HA_EV_PROBE;
		ev.probe = (struct ha_ev_probe){.rg = e->probe->rg,
			.alive = e->probe->alive,
			.last_answer_ns = e->probe->last_answer_ns};
	} else {
		ev.type = HA_EV_FENCED;
		ev.fenced = (struct ha_ev_fenced){
			.node = e->fenced->node, .rg = e->fenced->rg, .epoch = e->fenced->epoch};
	}
	ha_bridge_feed(&d->ha, &ev);
}

static void on_inbound_first(struct daemon *d, uint32_t spi_in)
{
	struct ike_event ev = {.type = IKE_EV_INBOUND_FIRST, .inbound_first = spi_in};

	runner_feed(&d->runner, &ev);
}

void daemon_dp_event(void *ctx, const Dp__Event *e)
{
	struct daemon *d = (struct daemon *)ctx;

	switch (e->body_case) {
	case DP__EVENT__BODY_ACQUIRE:
		on_acquire(d, e->acquire);
		break;
	case DP__EVENT__BODY_LEASE_WANT:
		on_lease_want(d, e->lease_want);
		break;
	case DP__EVENT__BODY_INBOUND_FIRST:
		on_inbound_first(d, e->inbound_first->spi_in);
		break;
	case DP__EVENT__BODY_ENDPOINT_MOVED:
		on_moved(d, e->endpoint_moved);
		break;
	case DP__EVENT__BODY_LIFETIME:
		on_lifetime(d, e->lifetime);
		break;
	case DP__EVENT__BODY_PROBE:
	case DP__EVENT__BODY_FENCED:
		on_ha_event(d, e);
		break;
	case DP__EVENT__BODY_FABRIC_PEER:
		on_fabric_peer(d, e->fabric_peer);
		break;
	case DP__EVENT__BODY_PORT_STATE:
		daemon_port_state(d, e->port_state->name, e->port_state->up);
		break;
	case DP__EVENT__BODY_EXPIRED:
		log_warn(&d->log, "dataplane.expired", "rg=%u epoch=%llu", e->expired->rg,
			(unsigned long long)e->expired->epoch);
		break;
	case DP__EVENT__BODY_WORKER_STATE:
		log_notice(&d->log, "dataplane.worker", "worker=%u up=%d", e->worker_state->worker,
			e->worker_state->up);
		daemon_worker_state(d, e->worker_state->online, e->worker_state->hung);
		tell_workers(d, e->worker_state->workers);
		break;
	case DP__EVENT__BODY_BAD_SPI:
		on_bad_spi(d, e->bad_spi);
		break;
	case DP__EVENT__BODY_FABRIC_DATA: /* nothing is sent this way yet */
	case DP__EVENT__BODY__NOT_SET:
	case _DP__EVENT__BODY__CASE_IS_INT_SIZE:
		break;
	}
	work_drain(&d->work, d);
}
