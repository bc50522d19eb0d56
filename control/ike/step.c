#include "ike/resource.h"
#include "ike/step.h"

#include <stdlib.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/filter.h"
#include "ike/fsm.h"
#include "ike/jobs.h"
#include "ike/restore.h"
#include "ike/rx.h"
#include "ike/schedule.h"
#include "ike/spoke.h"
#include "ike/v2/exchange.h"
#include "ike/v2/hint.h"
#include "ike/v2/mobike.h"

/* ---------------------------------------------------------------- life */

int ike_new(const struct ike_config *config, struct model *model, struct ike **out)
{
	struct ike *ike = calloc(1, sizeof *ike);
	int rc = 0;

	if (!ike)
		return -ERR_NOMEM;
	ike->cfg = *config;
	env_random(&ike->cfg.env, ike->udp_key, sizeof ike->udp_key);
	ike->next_ticket = ike->next_job = ike->next_order = 1;
	ike->next_index = 1;
	list_init(&ike->dead_sas);
	list_init(&ike->dead_children);
	list_init(&ike->idle_spokes);
	list_init(&ike->work);
	list_init(&ike->waiting);
	txn_init(&ike->txn);
	lingers_init(&ike->lingers);
	cookie_init(&ike->cookies, &config->env, 0);
	if (model) {
		ike->model = model_ref(model);
		guard_configure(ike);
		rc = tunnels_configure(ike);
	}
	if (rc < 0) {
		ike_free(ike);
		return rc;
	}
	*out = ike;
	return 0;
}

static void bury(struct ike *ike)
{
	while (!list_is_empty(&ike->dead_children)) {
		struct child *c = list_item(ike->dead_children.next, struct child, link);

		list_del(&c->link);
		child_free(c);
	}
	while (!list_is_empty(&ike->dead_sas)) {
		struct ike_sa *sa = list_item(ike->dead_sas.next, struct ike_sa, link);

		list_del(&sa->link);
		sa_free(sa);
	}
	spokes_bury(ike);
}

void ike_free(struct ike *ike)
{
	struct ike_sa *sa, *next;

	if (!ike)
		return;
	map_foreach (ike->sas, sa, next)
		sa_drop(ike, sa);
	bury(ike);
	jobs_fini(ike);
	holds_fini(ike);
	lingers_fini(ike);
	restore_fini(ike);
	tunnels_fini(ike);
	names_fini(ike);
	timerq_fini(&ike->timers);
	if (ike->model)
		model_free(ike->model);
	free(ike);
}

uint64_t ike_deadline(const struct ike *ike)
{
	return timerq_deadline(&ike->timers);
}

/* ---------------------------------------------------------------- events */

static void on_child_limit(struct ike *ike, const struct ike_ev_child_limit *l)
{
	struct child *c = child_find(ike, l->spi_in);

	if (!c)
		return;
	if (l->kind == IKE_LIMIT_HARD)
		c->at_hard = ike->now_ms;
	else
		c->at_soft = ike->now_ms;
	sched_child_due(ike, c);
}

static void on_inbound_first(struct ike *ike, uint32_t spi_in)
{
	struct child *c = child_find(ike, spi_in);

	if (c && c->outbound)
		return;
	if (c ? c->state == CHILD_REPLACED : linger_has(ike, spi_in)) {
		linger_hush(ike, spi_in);
		return;
	}
	if (!c)
		return;
	c->at_outbound = ike->now_ms;
	sched_child_due(ike, c);
}

static void on_endpoint_moved(struct ike *ike, const struct ike_ev_moved *m)
{
	struct child *c = child_find(ike, m->spi_in);

	/* Only a peer behind a NAT moves, and only its NAT moves it (2.23). */
	if (c && c->sa->nat_remote && !c->sa->nat_local && c->sa->state == SA_UP)
		sched_moved(ike, c->sa, &m->from);
}

static int on_config(struct ike *ike, struct model *fresh)
{
	struct model *old = ike->model;
	int rc;

	if (!fresh)
		return -ERR_VALUE;
	ike->model = model_ref(fresh);
	guard_configure(ike);
	rc = tunnels_configure(ike);
	if (old)
		model_free(old);
	return rc;
}

static struct tsel end_of(const struct endpoint *e, uint8_t protocol, bool has_ports)
{
	return (struct tsel){.protocol = protocol,
		.port_lo = has_ports ? e->port : 0,
		.port_hi = has_ports ? e->port : UINT16_MAX,
		.lo = e->addr,
		.hi = e->addr};
}

/* RFC 7296 2.9: the addresses, protocol and ports of the packet; of ICMP type and code (3.13.1). */
static bool packet_of(const struct ike_ev_acquire *a, struct tsel_pair *out)
{
	bool has_ports = a->source.port != 0 || a->destination.port != 0;

	out->local = end_of(&a->source, a->protocol, has_ports);
	out->remote = end_of(&a->destination, a->protocol, has_ports);
	return a->source.addr.family != 0 && a->source.addr.family == a->destination.addr.family;
}

static void on_acquire(struct ike *ike, const struct ike_ev_acquire *a)
{
	struct tunnel *t = tunnel_find(ike, a->policy_id);
	struct tsel_pair packet;

	if (t && a->worker_hint != 0 && tunnel_is_up(t))
		resource_ask(ike, t, a->worker_hint);
	else if (t && packet_of(a, &packet))
		tunnel_ask(ike, t, &packet);
	else if (t && !timer_is_armed(&t->timer))
		tunnel_want(ike, t);
}

/* ---------------------------------------------------------------- the operator */

static uint32_t operate_sas(struct ike *ike, const struct ike_ev_operator *o)
{
	struct ike_sa *sa, *next;
	uint32_t n = 0;

	map_foreach (ike->sas, sa, next) {
		if (sa->state != SA_UP || !filter_fits_sa(&o->filter, sa))
			continue;
		n++;
		if (o->op == IKE_OP_CLEAR_IKE) {
			xchg_close(ike, sa);
			continue;
		}
		sa->want_rekey = true;
		sa->want_reauth |= o->op == IKE_OP_REAUTH_IKE;
		sched_work(ike, sa);
	}
	return n;
}

static uint32_t operate_children(struct ike *ike, const struct ike_ev_operator *o)
{
	struct child *c, *next;
	uint32_t n = 0;

	map_foreach (ike->children, c, next) {
		if (!filter_fits_child(&o->filter, c) || c->state != CHILD_UP)
			continue;
		if (o->op == IKE_OP_CLEAR_CHILD)
			c->want_delete = true;
		else
			c->want_rekey = true;
		sched_work(ike, c->sa);
		n++;
	}
	return n;
}

static uint32_t operate_tunnels(struct ike *ike, const struct ike_ev_operator *o)
{
	struct tunnel *t, *next;
	uint32_t n = 0;

	map_foreach (ike->tunnels, t, next) {
		if (!filter_fits_tunnel(&o->filter, t))
			continue;
		tunnel_want(ike, t);
		n++;
	}
	return n;
}

static void on_operator(struct ike *ike, const struct ike_ev_operator *o)
{
	struct ike_effect *e;
	uint32_t n = 0;

	switch (o->op) {
	case IKE_OP_CLEAR_IKE:
	case IKE_OP_REKEY_IKE:
	case IKE_OP_REAUTH_IKE:
		n = operate_sas(ike, o);
		break;
	case IKE_OP_CLEAR_CHILD:
	case IKE_OP_REKEY_CHILD:
		n = operate_children(ike, o);
		break;
	case IKE_OP_INITIATE:
		n = operate_tunnels(ike, o);
		break;
	case IKE_OP_REDIRECT:
		if (redirect_order(ike, o->filter.gateway, o->redirect_to, o->active, &n) < 0)
			n = 0;
		break;
	case IKE_OP_REDIRECT_CLEAR:
		n = redirect_clear(ike, o->filter.gateway);
		break;
	default:
		break;
	}
	e = ike_effects_add(ike->fx, IKE_FX_OPERATOR_DONE);
	if (!e)
		return;
	e->operator_done.request = o->request;
	e->operator_done.count = n;
}

/* ---------------------------------------------------------------- the step */

static int dispatch(struct ike *ike, const struct ike_event *ev)
{
	switch (ev->type) {
	case IKE_EV_TICK:
		break;
	case IKE_EV_DATAGRAM:
		rx_datagram(ike, &ev->datagram);
		break;
	case IKE_EV_KEX_DONE:
		job_done(ike, ev->kex);
		break;
	case IKE_EV_COMMITTED:
		hold_committed(ike, ev->committed);
		break;
	case IKE_EV_REJECTED:
		hold_rejected(ike, ev->rejected.ticket, ev->rejected.retry);
		break;
	case IKE_EV_INSTALLED:
		hold_installed(ike, ev->installed.ticket, ev->installed.rc);
		break;
	case IKE_EV_ACQUIRE:
		on_acquire(ike, &ev->acquire);
		break;
	case IKE_EV_CHILD_LIFETIME:
		on_child_limit(ike, &ev->limit);
		break;
	case IKE_EV_WORKERS:
		resource_workers(ike, ev->workers);
		break;
	case IKE_EV_INBOUND_FIRST:
		on_inbound_first(ike, ev->inbound_first);
		break;
	case IKE_EV_BAD_SPI:
		hint_bad_spi(ike, &ev->bad_spi);
		break;
	case IKE_EV_ENDPOINT_MOVED:
		on_endpoint_moved(ike, &ev->moved);
		break;
	case IKE_EV_ACTIVITY:
		sched_activity(ike, &ev->activity);
		break;
	case IKE_EV_ADDRESS:
		mobike_readdress(ike, &ev->address);
		break;
	case IKE_EV_CONFIG:
		return on_config(ike, ev->model);
	case IKE_EV_RG:
		restore_rg(ike, &ev->rg);
		break;
	case IKE_EV_RESTORE:
		restore_record(ike, &ev->record);
		break;
	case IKE_EV_FORGET:
		restore_forget(ike, &ev->record);
		break;
	case IKE_EV_RESTORE_DONE:
		restore_done(ike, ev->rg.rg);
		break;
	case IKE_EV_OPERATOR:
		on_operator(ike, &ev->operator_);
		break;
	case IKE_EV_SIGNED:
		proof_signed(ike, ev->sign);
		break;
	case IKE_EV_TRUSTED:
		proof_trusted(ike, ev->trust);
		break;
	case IKE_EV_REVOKED:
		proof_revoked(ike, ev->revoked.refs, ev->revoked.n);
		break;
	case IKE_EV_RESOLVED:
		return names_told(ike, ev->resolved.host, ev->resolved.v, ev->resolved.n);
	default:
		return -ERR_VALUE;
	}
	return 0;
}

static void tunnel_due(struct ike *ike, struct tunnel *t)
{
	if (t->wanted)
		tunnel_want(ike, t);
}

static void run_timers(struct ike *ike)
{
	struct timer *t;

	while ((t = timerq_pop(&ike->timers, ike->now_ms)) != NULL) {
		switch ((enum timer_kind)t->kind) {
		case TIMER_SA:
			sched_sa_due(ike, container_of(t, struct ike_sa, timer));
			break;
		case TIMER_CHILD:
			sched_child_due(ike, container_of(t, struct child, timer));
			break;
		case TIMER_TUNNEL:
			tunnel_due(ike, container_of(t, struct tunnel, timer));
			break;
		case TIMER_HOLD:
			hold_retry(ike, container_of(t, struct hold, timer));
			break;
		case TIMER_LINGER:
			linger_run(ike);
			break;
		default:
			break;
		}
	}
}

int ike_step(struct ike *ike, const struct ike_event *ev, struct ike_effects *fx)
{
	int rc;

	ike->now_ms = ev->now_ms;
	ike->wall_ms = ev->wall_ms;
	ike->fx = fx;
	ike->failed = false;
	rc = dispatch(ike, ev);
	run_timers(ike);
	/* What nothing was written for is released at once and may begin more work. */
	do {
		sched_run(ike);
		txn_flush(ike);
	} while (!list_is_empty(&ike->work) || ike->txn.open);
	bury(ike);
	ike->fx = NULL;
	return ike->failed || fx->failed ? -ERR_NOMEM : rc;
}
