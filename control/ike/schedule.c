#include "ike/resource.h"
#include "ike/schedule.h"

#include <inttypes.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/fsm.h"
#include "ike/idle.h"
#include "ike/tx.h"
#include "ike/v2/exchange.h"
#include "ike/v2/follow.h"
#include "ike/v2/mobike.h"
#include "ike/v2/redirect.h"
#include "ike/v2/reauth.h"

/* RFC 7296 2.4 leaves the times to us: about a minute in all. */
#define RETRANSMIT_FIRST_MS 500
#define RETRANSMIT_MOST_MS  10000
#define RETRANSMIT_TRIES    10

#define REFUSED_LINGER_MS   10000
#define CLOSED_LINGER_MS    30000
#define REKEYED_PATIENCE_MS 60000 /* for the peer to delete what it replaced */
#define HEIR_AGAIN_MS	    20
#define HUSHED_MS	    200
#define RETRY_LEAST_MS	    1000
#define RETRY_SPREAD_MS	    2000
#define ANEW_LEAST_MS	    60000 /* of a certificate's life, to ask for another one */
#define JUDGE_MS	    1000  /* for the dataplane to say whether it heard of a peer */
#define KEEPALIVE_RESUME_MS 1000  /* a successor's first ones, spread over so much */

/* ---------------------------------------------------------------- what comes next */

void sched_work(struct ike *ike, struct ike_sa *sa)
{
	list_del(&sa->of_work);
	list_add_tail(&ike->work, &sa->of_work);
}

void sched_later(struct ike *ike, struct ike_sa *sa, uint64_t delay_ms)
{
	sa->at_work = ike->now_ms + delay_ms;
	sa_rearm(ike, sa);
}

void sched_retry(struct ike *ike, struct ike_sa *sa)
{
	sched_later(ike, sa, RETRY_LEAST_MS + env_random32(&ike->cfg.env) % (RETRY_SPREAD_MS + 1));
}

static struct child *child_to_delete(struct ike_sa *sa)
{
	struct child *c;

	list_foreach (c, &sa->children, of_sa)
		if (c->want_delete)
			return c;
	return NULL;
}

static struct child *child_to_rekey(struct ike *ike, struct ike_sa *sa)
{
	struct child *c;

	if (sa->successor != 0 || reauth_is_under_way(ike, sa))
		return NULL; /* it gets another in any case */
	list_foreach (c, &sa->children, of_sa)
		if (c->want_rekey && c->state == CHILD_UP && !c->want_delete)
			return c;
	return NULL;
}

/* Another IKE SA with that peer asks for it already. */
static bool is_being_made(const struct tunnel *t)
{
	const struct ike_sa *sa;

	list_foreach (sa, &t->gw->sas, of_gw)
		if (sa->out && (sa->out->kind == EXCH_CHILD || sa->out->kind == EXCH_AUTH) &&
			sa->out->policy_id == t->policy_id)
			return true;
	return false;
}

static struct tunnel *tunnel_to_make(struct ike *ike, struct ike_sa *sa)
{
	struct tunnel *t = reauth_tunnel(ike, sa);

	if (t)
		return t;
	if (!sa->gw || sa->successor != 0 || reauth_is_under_way(ike, sa))
		return NULL;
	list_foreach (t, &sa->gw->tunnels, of_gw)
		if (t->wanted && !timer_is_armed(&t->timer) && tunnel_lacks(t) && !is_being_made(t))
			return t;
	return NULL;
}

/* RFC 9611: one more, for a worker. */
static struct tunnel *own_to_make(struct ike *ike, const struct ike_sa *sa, uint8_t *resource)
{
	struct tunnel *t;

	if (!sa->gw || sa->successor != 0 || reauth_is_under_way(ike, sa))
		return NULL;
	list_foreach (t, &sa->gw->tunnels, of_gw)
		if (t->own_asked != 0 && !is_being_made(t) && resource_next(ike, sa, t, resource))
			return t;
	return NULL;
}

/* One request, the most urgent; 0 also when there is nothing to do. */
static int begin_one(struct ike *ike, struct ike_sa *sa)
{
	struct child *c = child_to_delete(sa);
	struct tunnel *t;
	uint8_t resource;
	int rc;

	if (sa->want_close)
		return fsm_on(ike, sa, ON_CLOSE);
	if (c)
		return xchg_begin_delete_child(ike, sa, c->spi_in);
	if (sa->orphan)
		return xchg_begin_delete_child(ike, sa, sa->orphan);
	if (sa->state != SA_UP)
		return 0;
	/* Whatever the peer asks for goes to where we were, and until it is answered it may refuse
	 * what we want. */
	if (sa->want_update)
		return mobike_begin_update(ike, sa);
	if (follow_is_waiting(ike, sa)) {
		sched_later(ike, sa, RETRY_LEAST_MS);
		return 0;
	}
	/* One that was just made by a crossing rekey waits until it is clear which one stays. */
	if (sa->want_rekey && sa->has_children) {
		if (!reauth_is_next(sa))
			return xchg_begin_rekey(ike, sa);
		rc = reauth_begin(ike, sa);
		if (rc < 0)
			return rc;
	}
	c = child_to_rekey(ike, sa);
	if (c)
		return xchg_begin_child(ike, sa, c->tunnel, c);
	t = tunnel_to_make(ike, sa);
	if (t)
		return xchg_begin_child(ike, sa, t, NULL);
	t = own_to_make(ike, sa, &resource);
	if (t)
		return xchg_begin_own_child(ike, sa, t, resource);
	if (sa->want_redirect)
		return redirect_begin(ike, sa);
	if (sa->want_verify)
		return mobike_begin_verify(ike, sa);
	reauth_done(ike, sa);
	return sa->want_probe ? xchg_begin_probe(ike, sa) : 0;
}

static void work_one(struct ike *ike, struct ike_sa *sa)
{
	int rc;

	/* Before UP there is nothing to begin; one request at a time; a refusal is waited out. */
	if ((sa->state != SA_UP && sa->state != SA_REKEYED) || sa->out ||
		(sa->at_work != 0 && !sa->want_update))
		return;
	rc = begin_one(ike, sa);
	if (rc < 0 && rc != -ERR_NOMEM) {
		sa_warn(ike, sa, "ike.begin.failed", "reason=\"%s\"", err_text(rc));
		sched_later(ike, sa, RETRY_LEAST_MS);
	}
}

void sched_run(struct ike *ike)
{
	while (!list_is_empty(&ike->work)) {
		struct ike_sa *sa = list_item(ike->work.next, struct ike_sa, of_work);

		list_del(&sa->of_work);
		work_one(ike, sa);
	}
}

/* ---------------------------------------------------------------- turns of life */

static uint64_t dpd_interval_ms(const struct ike_sa *sa)
{
	const struct model_gateway *gw = sa->gw ? sa->gw->model : NULL;

	return gw && gw->dpd != MODEL_DPD_OFF ? gw->dpd_interval_s * UINT64_C(1000) : 0;
}

static uint64_t keepalive_ms(const struct ike_sa *sa)
{
	return sa->gw && sa->natt && sa->nat_local ? sa->gw->model->nat_keepalive_s * UINT64_C(1000)
						   : 0;
}

static void quiet(struct ike_sa *sa)
{
	sa->at_soft = sa->at_dpd = sa->at_keepalive = sa->at_work = 0;
}

void sched_entered(struct ike *ike, struct ike_sa *sa)
{
	switch (sa->state) {
	case SA_RESPONDING:
	case SA_HALF_OPEN:
		if (sa->at_linger == 0)
			sa->at_linger = ike->now_ms + guard_patience_ms(ike);
		break;
	case SA_REFUSED:
		guard_refused(ike, sa);
		sa->at_linger = ike->now_ms + REFUSED_LINGER_MS;
		break;
	case SA_UP:
		sa->at_linger = 0;
		sched_work(ike, sa);
		break;
	case SA_REKEYED:
		sa->at_hard = ike->now_ms + REKEYED_PATIENCE_MS;
		quiet(sa);
		sched_work(ike, sa);
		break;
	case SA_CLOSING:
		quiet(sa);
		break;
	case SA_CLOSED:
		quiet(sa);
		sa->at_hard = sa->at_retransmit = 0;
		sa->at_linger = ike->now_ms + CLOSED_LINGER_MS;
		break;
	case SA_IDLE:
	case SA_KEYING:
	case SA_INIT_SENT:
	case SA_DERIVING:
	case SA_AUTH_SENT:
	case SA_GONE:
	case SA_STATE_END:
	default:
		break;
	}
	sa_rearm(ike, sa);
}

static uint64_t soft_ms(uint64_t hard_ms, bool initiator)
{
	uint64_t margin = initiator ? SOFT_MARGIN_INITIATOR_MS : SOFT_MARGIN_RESPONDER_MS;

	return hard_ms > margin + 1000 ? hard_ms - margin : hard_ms / 2;
}

static uint64_t hard_ms(const struct ike_sa *sa)
{
	return sa->gw->model->policy->proposals[0].lifetime_s * UINT64_C(1000);
}

uint64_t sched_soft_ms(const struct ike_sa *sa)
{
	return soft_ms(hard_ms(sa), sa->initiator);
}

/* A gateway with one responder-only-no-rekey VPN has only such (RSP-005). */
static bool gateway_may_rekey(const struct gateway *gw)
{
	struct tunnel *t;

	list_foreach (t, &gw->tunnels, of_gw)
		if (!tunnel_may_rekey(t))
			return false;
	return true;
}

bool sched_ends_with_certificate(const struct ike_sa *sa)
{
	return sa->gw && peer_cert_left_ms(sa->peer_cert, sa->established_wall_ms) < hard_ms(sa);
}

/* RFC 4945 5.1: no longer than what the peer was authenticated by. What would be a rekey is a
 * reauthentication then (reauth_is_next()): the peer may have a new certificate. */
static void end_with_certificate(struct ike *ike, struct ike_sa *sa)
{
	uint64_t left = peer_cert_left_ms(sa->peer_cert, ike->wall_ms);

	sa->at_hard = ike->now_ms + MAX(left, (uint64_t)1);
	if (left < ANEW_LEAST_MS)
		sa->at_soft = 0;
	else if (sa->at_soft != 0)
		sa->at_soft = ike->now_ms + soft_ms(left, sa->initiator);
}

void sched_established(struct ike *ike, struct ike_sa *sa)
{
	uint64_t hard = hard_ms(sa);
	uint64_t dpd = dpd_interval_ms(sa), keepalive = keepalive_ms(sa);

	sa->established_wall_ms = ike->wall_ms;
	sa->last_rx_ms = ike->now_ms;
	sa->at_hard = ike->now_ms + hard;
	sa->at_soft = gateway_may_rekey(sa->gw) ? ike->now_ms + sched_soft_ms(sa) : 0;
	if (sched_ends_with_certificate(sa))
		end_with_certificate(ike, sa);
	sa->at_dpd = dpd ? ike->now_ms + dpd : 0;
	sa->at_keepalive = keepalive ? ike->now_ms + keepalive : 0;
	sa_rearm(ike, sa);
}

void sched_resumed(struct ike *ike, struct ike_sa *sa)
{
	uint64_t dpd = dpd_interval_ms(sa);

	sa->last_rx_ms = ike->now_ms;
	if (sa->state != SA_UP)
		return;
	sa->at_dpd = dpd ? ike->now_ms + dpd : 0;
	/* Nobody knows when the last owner sent one, and a mapping may be about to end. */
	sa->last_tx_ms = 0;
	sa->at_keepalive =
		keepalive_ms(sa)
			? ike->now_ms + 1 + env_random32(&ike->cfg.env) % KEEPALIVE_RESUME_MS
			: 0;
}

void sched_child_established(struct ike *ike, struct child *c)
{
	uint64_t hard = c->suite.lifetime_s * UINT64_C(1000);

	c->established_wall_ms = ike->wall_ms;
	c->at_hard = ike->now_ms + hard;
	c->at_soft = tunnel_may_rekey(c->tunnel) ? ike->now_ms + soft_ms(hard, c->initiator) : 0;
	child_rearm(ike, c);
}

void sched_child_installed(struct ike *ike, struct child *c, int rc)
{
	if (rc < 0) {
		sa_warn(ike, c->sa, "child.install.failed", "spi=%08" PRIx32 " reason=\"%s\"",
			c->spi_in, err_text(rc));
		c->want_delete = true;
		sched_work(ike, c->sa);
		return;
	}
	c->installed = true;
	if (c->state == CHILD_NEW)
		c->state = CHILD_UP;
	if (c->at_idle == 0)
		idle_begin(ike, c);
	if (!c->outbound && c->state == CHILD_UP)
		c->at_outbound = ike->now_ms + OUTBOUND_AFTER_MS;
	child_rearm(ike, c);
	sched_work(ike, c->sa);
}

void sched_answered_again(struct ike *ike, struct ike_sa *sa)
{
	struct child *c;

	list_foreach (c, &sa->children, of_sa) {
		if (c->at_outbound == 0)
			continue;
		c->at_outbound = ike->now_ms + OUTBOUND_AFTER_MS;
		child_rearm(ike, c);
	}
}

void sched_child_replaced(struct ike *ike, struct child *c, uint32_t by, bool ours)
{
	uint64_t after = c->tunnel ? c->tunnel->model->vpn->install_interval_s * UINT64_C(1000) : 0;
	const struct child *heir = child_find(ike, by);

	/* Its worker would go on with it: that the heir is newer says nothing to it. */
	if (c->resource != 0 && c->outbound && heir && heir->resource != c->resource) {
		c->outbound = false;
		txn_outbound(ike, c);
	}
	c->state = CHILD_REPLACED;
	c->replaced_by = by;
	c->want_rekey = false;
	c->at_soft = c->at_outbound = 0;
	if (ours)
		c->at_delete = ike->now_ms + after + 1;
	txn_child(ike, c);
	child_rearm(ike, c);
}

/* Before the one goes that we send with: the peer's delete may come before any packet on the new
 * one, and says as well that the peer has it (RFC 7296 2.8). That another of ours goes, the loser
 * of a crossing, says nothing of the kind. The heir may have been replaced since: that it still
 * lives is what is known. */
static void heir_sends(struct ike *ike, const struct child *c)
{
	struct child *by = c->replaced_by ? child_find(ike, c->replaced_by) : NULL;

	if (!by)
		by = child_sibling(c);
	if (!c->outbound || !by || by->outbound)
		return;
	by->at_outbound = 0;
	by->outbound = true;
	txn_outbound(ike, by);
	child_rearm(ike, by);
}

/* Who waited for it inherits from the next. */
static void heirs_move_up(struct ike *ike, const struct child *gone)
{
	struct child *c;

	if (!gone->tunnel || gone->replaced_by == 0)
		return;
	list_foreach (c, &gone->tunnel->children, of_tunnel) {
		if (c->replaced_by != gone->spi_in || c == gone)
			continue;
		c->replaced_by = gone->replaced_by;
		txn_child(ike, c);
	}
}

void sched_child_gone(struct ike *ike, struct child *c, int why)
{
	struct tunnel *t = c->tunnel;
	struct ike_sa *sa = c->sa;
	bool replaced = c->state == CHILD_REPLACED, lingers = linger_is_due(ike, c);

	sa_info(ike, sa, "child.down", "spi=%08" PRIx32 " out=%08" PRIx32 " reason=\"%s\"",
		c->spi_in, c->spi_out,
		replaced ? "replaced" : tunnel_down_text((enum tunnel_down)why));
	ike->stats.child_down++;
	sa->children_deleted++;
	heir_sends(ike, c);
	if (replaced)
		heirs_move_up(ike, c);
	txn_gone_child(ike, c);
	if (lingers)
		txn_linger(ike, c);
	else
		txn_delete(ike, c);
	child_drop(ike, c);
	if (t)
		tunnel_lost(ike, t, (enum tunnel_down)why);
}

void sched_sa_gone(struct ike *ike, struct ike_sa *sa, int why)
{
	struct child *c, *next;

	list_foreach_safe (c, next, &sa->children, of_sa)
		sched_child_gone(ike, c, why);
	ike->stats.ike_down += sa_is_open(sa);
	/* Who still waits for this one would wait for ever. */
	if (sa->gw && !sa->successor)
		gateway_lost(ike, sa->gw, sa, (enum tunnel_down)why);
}

void sched_moved(struct ike *ike, struct ike_sa *sa, const struct endpoint *to)
{
	struct child *c;

	sa->remote = *to;
	txn_sa(ike, sa);
	list_foreach (c, &sa->children, of_sa)
		txn_moved(ike, c);
}

/* ---------------------------------------------------------------- retransmission */

uint64_t sched_retransmit_ms(const struct ike_sa *sa)
{
	uint64_t ms = RETRANSMIT_FIRST_MS;

	if (sa->out->kind == EXCH_PROBE && dpd_interval_ms(sa))
		return dpd_interval_ms(sa);
	for (uint32_t i = 0; i < sa->out->tries && ms < RETRANSMIT_MOST_MS; i++)
		ms *= 2;
	return MIN(ms, (uint64_t)RETRANSMIT_MOST_MS);
}

bool sched_gives_up(const struct ike_sa *sa)
{
	if (sa->out->kind == EXCH_PROBE && dpd_interval_ms(sa))
		return sa->out->tries >= sa->gw->model->dpd_threshold;
	return sa->out->tries >= RETRANSMIT_TRIES;
}

/* ---------------------------------------------------------------- liveness */

static void ask_activity(struct ike *ike, struct ike_sa *sa, enum sa_asked why)
{
	struct ike_effect *e = ike_effects_add(ike->fx, IKE_FX_ASK_ACTIVITY);
	const struct child *c;
	size_t n = 0;
	uint32_t *spi;

	if (!e)
		return;
	list_foreach (c, &sa->children, of_sa)
		n++;
	spi = ike_effects_alloc(ike->fx, (n + 1) * sizeof *spi);
	if (!spi)
		return;
	e->ask = (struct ike_fx_ask){.sa = sa->spi_local, .spi_in = spi, .n = n};
	sa->asked |= (uint8_t)why;
	list_foreach (c, &sa->children, of_sa)
		*spi++ = c->spi_in;
}

static void dpd_due(struct ike *ike, struct ike_sa *sa)
{
	uint64_t interval = dpd_interval_ms(sa);

	sa->at_dpd = 0;
	if (interval == 0 || sa->state != SA_UP)
		return;
	sa->at_dpd = ike->now_ms + interval;
	if (sa->out)
		return; /* some request is under way: that tells as well */
	if (sa->gw->model->dpd == MODEL_DPD_ALWAYS) {
		sa->want_probe = true;
		sched_work(ike, sa);
	} else if (ike->now_ms - sa->last_rx_ms >= interval) {
		ask_activity(ike, sa, SA_ASKED_ALIVE);
	} else {
		sa->at_dpd = sa->last_rx_ms + interval;
	}
}

/* Protected traffic is as good as an answer: the peer lives (RFC 7296 2.4). */
static void probe_told(struct ike *ike, struct ike_sa *sa, bool alive)
{
	struct exch *x = sa->out;

	if (alive)
		x->tries = 0;
	if (!x->judging)
		return;
	if (!alive) {
		sa->at_retransmit = ike->now_ms;
		sa_rearm(ike, sa);
		return;
	}
	x->judging = false;
	ike->stats.tx_retransmits++;
	tx_send(ike, sa, x->flight);
	sa->at_retransmit = ike->now_ms + sched_retransmit_ms(sa);
	sa_rearm(ike, sa);
}

static void alive_told(struct ike *ike, struct ike_sa *sa, const struct ike_ev_activity *a)
{
	uint64_t interval = dpd_interval_ms(sa);

	if (interval == 0)
		return;
	if (sa->out) {
		if (sa->out->kind == EXCH_PROBE)
			probe_told(ike, sa, a->idle_in_ms < interval);
		return;
	}
	if (a->idle_in_ms < interval)
		return;
	if (sa->gw->model->dpd == MODEL_DPD_OPTIMIZED && a->idle_out_ms >= interval)
		return;
	sa->want_probe = true;
	sched_work(ike, sa);
}

/* RFC 3948 4: when nothing else went that way for so long, IKE or ESP. */
static void keepalive_told(struct ike *ike, struct ike_sa *sa, uint64_t idle_out_ms)
{
	uint64_t interval = keepalive_ms(sa);

	if (interval == 0)
		return;
	if (idle_out_ms >= interval) {
		tx_keepalive(ike, sa);
		return;
	}
	sa->at_keepalive = ike->now_ms + interval - idle_out_ms;
	sa_rearm(ike, sa);
}

void sched_activity(struct ike *ike, const struct ike_ev_activity *a)
{
	struct ike_sa *sa = sa_find(ike, a->sa);
	uint8_t asked;

	if (a->child != 0) {
		idle_told(ike, a);
		return;
	}
	if (!sa || sa->state != SA_UP)
		return;
	asked = sa->asked;
	sa->asked = 0;
	if (asked & SA_ASKED_ALIVE)
		alive_told(ike, sa, a);
	if (asked & SA_ASKED_KEEPALIVE)
		keepalive_told(ike, sa, a->idle_out_ms);
}

/* ---------------------------------------------------------------- timers */

static bool due(const struct ike *ike, uint64_t at)
{
	return at != 0 && at <= ike->now_ms;
}

/* Before a probe is given up the dataplane is heard: ESP may come through although IKE does not. */
static bool is_judged(struct ike *ike, struct ike_sa *sa)
{
	struct exch *x = sa->out;

	if (x->kind != EXCH_PROBE || list_is_empty(&sa->children) || dpd_interval_ms(sa) == 0)
		return true;
	if (x->judging)
		return true; /* it does not say */
	ask_activity(ike, sa, SA_ASKED_ALIVE);
	if (x->tries + 1 < sa->gw->model->dpd_threshold)
		return true;
	x->judging = true;
	sa->at_retransmit = ike->now_ms + JUDGE_MS;
	return false;
}

static void retransmit_due(struct ike *ike, struct ike_sa *sa)
{
	if (sa->out && !is_judged(ike, sa))
		return;
	if (tx_request_again(ike, sa) < 0)
		(void)fsm_on(ike, sa, ON_TIMEOUT);
}

static void soft_due(struct ike *ike, struct ike_sa *sa)
{
	sa->at_soft = 0;
	sa->want_rekey = true;
	sched_work(ike, sa);
}

static void keepalive_due(struct ike *ike, struct ike_sa *sa)
{
	uint64_t interval = keepalive_ms(sa), idle;

	sa->at_keepalive = 0;
	if (interval == 0)
		return;
	sa->at_keepalive = ike->now_ms + interval;
	idle = sa->last_tx_ms == 0 ? IKE_IDLE_NEVER : ike->now_ms - sa->last_tx_ms;
	if (idle < interval)
		sa->at_keepalive -= idle;
	else if (list_is_empty(&sa->children))
		tx_keepalive(ike, sa);
	else
		ask_activity(ike, sa, SA_ASKED_KEEPALIVE);
}

void sched_sa_due(struct ike *ike, struct ike_sa *sa)
{
	if (due(ike, sa->at_hard)) {
		sa->at_hard = 0;
		(void)fsm_on(ike, sa, ON_EXPIRED);
	}
	if (sa->state != SA_GONE && due(ike, sa->at_linger)) {
		sa->at_linger = 0;
		(void)fsm_on(ike, sa, ON_LINGER);
	}
	if (sa->state != SA_GONE && due(ike, sa->at_retransmit))
		retransmit_due(ike, sa);
	if (sa->state == SA_GONE)
		return;
	if (due(ike, sa->at_soft))
		soft_due(ike, sa);
	if (due(ike, sa->at_dpd))
		dpd_due(ike, sa);
	if (due(ike, sa->at_keepalive))
		keepalive_due(ike, sa);
	if (due(ike, sa->at_fragments)) {
		ike->stats.rx_fragment_timeouts++;
		sa_fragments_drop(ike, sa, false);
		sa_fragments_drop(ike, sa, true);
	}
	if (due(ike, sa->at_work)) {
		sa->at_work = 0;
		sched_work(ike, sa);
	}
	sa_rearm(ike, sa);
}

static void child_hard_due(struct ike *ike, struct child *c)
{
	sa_info(ike, c->sa, "child.expired", "spi=%08" PRIx32, c->spi_in);
	c->at_hard = 0;
	c->want_delete = true;
	if (c->state == CHILD_REPLACED)
		heir_sends(ike, c);
	/* Its keys are over, whatever the peer answers. */
	txn_delete(ike, c);
	c->installed = false;
	sched_work(ike, c->sa);
}

/* The peer sends with the heir as soon as it reads our delete: the dataplane has to have it. */
static void delete_due(struct ike *ike, struct child *c)
{
	const struct child *heir = c->replaced_by ? child_find(ike, c->replaced_by) : NULL;

	if (heir && !heir->installed) {
		c->at_delete = ike->now_ms + HEIR_AGAIN_MS;
		return;
	}
	/* Of a worker that is gone: nobody sends with it when the peer drops it. */
	if (c->state == CHILD_UP && c->outbound) {
		c->outbound = false;
		txn_outbound(ike, c);
		c->at_delete = ike->now_ms + HUSHED_MS;
		return;
	}
	c->at_delete = 0;
	c->want_delete = true;
	sched_work(ike, c->sa);
}

void sched_child_due(struct ike *ike, struct child *c)
{
	if (due(ike, c->at_outbound)) {
		c->at_outbound = 0;
		c->outbound = true;
		txn_outbound(ike, c);
	}
	if (due(ike, c->at_delete))
		delete_due(ike, c);
	if (due(ike, c->at_soft)) {
		c->at_soft = 0;
		c->want_rekey = c->state == CHILD_UP || c->state == CHILD_NEW;
		sched_work(ike, c->sa);
	}
	if (due(ike, c->at_idle))
		idle_due(ike, c);
	if (due(ike, c->at_hard))
		child_hard_due(ike, c);
	child_rearm(ike, c);
}
