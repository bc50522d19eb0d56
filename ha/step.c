/* The door: one event in, effects out; life of the core; when it wants to be called again. */
#include <stdlib.h>

#include "base/err.h"
#include "core.h"

enum { POLL_MS = 10, IDLE_POLL_MS = 100, HELLO_AGAIN_MS = 500, LEAVE_MS = 3000 };

static const struct ha_policy all_rules;

/* ---------------------------------------------------------------- life */

static void config_defaults(struct ha_config *c)
{
	c->renew_ms = c->renew_ms ? c->renew_ms : 50;
	c->silence_ms = c->silence_ms ? c->silence_ms : 150;
	c->start_wait_ms = c->start_wait_ms ? c->start_wait_ms : 1000;
	c->control_hold_ms = c->control_hold_ms ? c->control_hold_ms : 10000;
	c->stuck_ms = c->stuck_ms ? c->stuck_ms : 2000;
	c->handover_ms = c->handover_ms ? c->handover_ms : 2000;
	c->handover_ranges = c->handover_ranges ? c->handover_ranges : 1;
	c->bucket_bits = c->bucket_bits ? c->bucket_bits : 10;
}

static int config_check(const struct ha_config *c)
{
	int nodes = __builtin_popcount(c->nodes);

	if (c->node >= HA_NODES_MAX || !(c->nodes & 1u << c->node) || c->cluster_id == 0 ||
		c->cluster_id > 255 || c->n_rg == 0 || c->n_rg > HA_RG_MAX || nodes < 2 ||
		(c->two_node && nodes != 2) || c->token_ms == 0)
		return -ERR_VALUE;
	for (uint32_t i = 0; i < c->n_rg; i++) {
		if (c->rg[i].id >= HA_RG_MAX)
			return -ERR_VALUE;
		for (uint32_t k = 0; k < i; k++)
			if (c->rg[k].id == c->rg[i].id)
				return -ERR_EXISTS;
	}
	return 0;
}

static void config_take(struct ha *h, const struct ha_config *c)
{
	h->cfg = *c;
	h->top = 32 - (uint32_t)__builtin_clz(c->nodes);
	config_defaults(&h->cfg);
	h->policy = c->policy ? c->policy : &all_rules;
	h->lease_ns = MS((uint64_t)c->token_ms + c->consensus_ms + 100);
	h->silence_ns = MS(h->cfg.silence_ms);
	h->renew_ns = MS(h->cfg.renew_ms);
	h->start_wait_ns = MS(h->cfg.start_wait_ms);
	h->stuck_ns = MS(h->cfg.stuck_ms);
}

static void rg_init(struct ha *h, uint32_t i)
{
	struct ha_rg *rg = &h->rg[i];

	rg->cfg = &h->cfg.rg[i];
	ha_store_init(&rg->store);
	list_init(&rg->outbox);
	list_init(&rg->pieces);
	list_init(&rg->join.kept);
	list_init(&rg->source.cursor.link);
	rg->join.state = HA_SYNC_WANT;
	rg->told_owner = HA_NODE_NONE;
}

int ha_new(const struct ha_config *config, struct view persisted, uint64_t now_ns, struct ha **out)
{
	int rc = config_check(config);
	struct ha *h;

	if (rc < 0)
		return rc;
	h = calloc(1, sizeof *h);
	if (!h)
		return -ERR_NOMEM;
	config_take(h, config);
	h->n_rg = config->n_rg;
	h->rg = calloc(h->n_rg, sizeof *h->rg);
	h->scratch = malloc(HA_MESSAGE_MAX);
	h->plain = malloc(HA_MESSAGE_MAX);
	h->now_ns = h->start_ns = h->last_event_ns = now_ns;
	rc = h->rg && h->scratch && h->plain ? 0 : -ERR_NOMEM;
	for (uint32_t i = 0; h->rg && i < h->n_rg; i++)
		rg_init(h, i);
	if (rc == 0)
		rc = ha_state_load(h, persisted);
	if (rc == 0)
		rc = ha_envelope_start(h);
	if (rc < 0) {
		ha_free(h);
		return rc;
	}
	*out = h;
	return 0;
}

static void outbox_fini(struct ha_rg *rg)
{
	struct ha_out *o, *tmp;

	list_foreach_safe (o, tmp, &rg->outbox, link) {
		list_del(&o->link);
		blob_fini(&o->items);
		free(o->tickets);
		free(o);
	}
}

void ha_free(struct ha *h)
{
	if (!h)
		return;
	for (uint32_t i = 0; h->rg && i < h->n_rg; i++) {
		ha_snapshot_fini(&h->rg[i]);
		ha_handover_forget(&h->rg[i]);
		outbox_fini(&h->rg[i]);
		ha_store_fini(&h->rg[i].store);
	}
	ha_envelope_stop(h);
	free(h->rg);
	free(h->scratch);
	free(h->plain);
	free(h);
}

int ha_reconfigure(struct ha *h, const struct ha_config *config)
{
	int rc = config_check(config);

	if (rc < 0)
		return rc;
	if (config->node != h->cfg.node || config->nodes != h->cfg.nodes ||
		config->two_node != h->cfg.two_node || config->cluster_id != h->cfg.cluster_id ||
		config->n_rg != h->n_rg)
		return -ERR_UNSUPPORTED;
	for (uint32_t i = 0; i < h->n_rg; i++)
		if (config->rg[i].id != h->cfg.rg[i].id)
			return -ERR_UNSUPPORTED;
	config_take(h, config);
	h->status_due = true;
	return 0;
}

/* ---------------------------------------------------------------- one step */

static void on_persisted(struct ha *h, uint64_t serial)
{
	if (serial > h->persisted && serial <= h->serial)
		h->persisted = serial;
	if (!h->started) {
		h->started = true;
		h->hello_due = h->view.id != 0;
	}
	h->ack_due = true;
}

static void on_monitor(struct ha *h, const struct ha_ev_monitor *m)
{
	struct ha_rg *rg = ha_rg_find(h, m->rg);

	if (!rg || (rg->monitors == m->codes && rg->monitor_failed == m->failed))
		return;
	rg->monitors = m->codes;
	rg->monitor_failed = m->failed;
	h->status_due = true;
}

static int event_in(struct ha *h, const struct ha_event *ev)
{
	switch (ev->type) {
	case HA_EV_TICK:
		return 0;
	case HA_EV_VIEW:
		ha_on_view(h, &ev->view);
		return 0;
	case HA_EV_QUORUM:
		ha_on_quorum(h, &ev->quorum);
		return 0;
	case HA_EV_DELIVER:
		ha_deliver(h, &ev->deliver);
		return 0;
	case HA_EV_BUS_DOWN:
		ha_on_bus_down(h);
		return 0;
	case HA_EV_PROPOSE:
		return ha_propose(h, &ev->propose);
	case HA_EV_LEASES:
		return ha_lease(h, &ev->leases);
	case HA_EV_PROBE:
		ha_on_probe(h, &ev->probe);
		return 0;
	case HA_EV_FABRIC:
		ha_on_fabric(h, &ev->fabric);
		return 0;
	case HA_EV_DATAPLANE:
		ha_on_dataplane(h, &ev->dataplane);
		return 0;
	case HA_EV_FENCED:
		ha_on_fenced(h, &ev->fenced);
		return 0;
	case HA_EV_REFUSED:
		ha_on_refused(h, &ev->refused);
		return 0;
	case HA_EV_FROZEN:
		ha_on_frozen(h, &ev->frozen);
		return 0;
	case HA_EV_ACTIVATED:
		ha_on_activated(h, &ev->activated);
		return 0;
	case HA_EV_PERSISTED:
		on_persisted(h, ev->persisted);
		return 0;
	case HA_EV_MONITOR:
		on_monitor(h, &ev->monitor);
		return 0;
	case HA_EV_FAILOVER:
	case HA_EV_FAILOVER_RESET:
		ha_on_failover(h, ev);
		return 0;
	case HA_EV_SHUTDOWN:
		if (!h->leaving)
			h->leave_ns = h->now_ns;
		h->leaving = h->status_due = true;
		return 0;
	default:
		return -ERR_VALUE;
	}
}

/* This process did not run for a while: what others may have concluded from its silence counts. */
static void note_pause(struct ha *h)
{
	if (h->now_ns - h->last_event_ns >= h->silence_ns * 4 / 5) {
		h->stall_ns = h->now_ns;
		h->renew_due = true; /* whoever acknowledges it is still with us */
		if (h->now_ns - h->last_event_ns >= MS(h->cfg.token_ms) * 4 / 5)
			h->slept_ns = h->now_ns;
		ha_say(h, LOG_LEVEL_WARN, "ha.paused", "ms=%llu",
			(unsigned long long)((h->now_ns - h->last_event_ns) / MS(1)));
	}
	h->last_event_ns = h->now_ns;
}

static void check_deadlines(struct ha *h)
{
	if (h->policy->no_deadline)
		return;
	for (uint32_t i = 0; i < h->n_rg; i++) {
		struct ha_rg *rg = &h->rg[i];

		if (rg->acting && h->now_ns >= rg->deadline_ns)
			ha_lapse(h, rg, "its deadline passed");
	}
}

static bool owns_any(const struct ha *h)
{
	for (uint32_t i = 0; i < h->n_rg; i++)
		if (ha_is_owner(h, &h->rg[i]) && !h->rg[i].lapsed)
			return true;
	return false;
}

static void send_status(struct ha *h)
{
	Repl__Message m = REPL__MESSAGE__INIT;
	Repl__Status status = REPL__STATUS__INIT;
	Repl__RgStatus rg[HA_RG_MAX], *rgs[HA_RG_MAX];

	h->status_due = false;
	status.rgs = rgs;
	for (uint32_t i = 0; i < h->n_rg; i++) {
		repl__rg_status__init(&rg[i]);
		rgs[status.n_rgs++] = &rg[i];
		rg[i].rg = h->rg[i].cfg->id;
		rg[i].priority = ha_own_priority(h, &h->rg[i]);
		rg[i].monitors = ha_own_monitors(h, &h->rg[i]);
		rg[i].vacant = h->rg[i].vacant;
	}
	m.status = &status;
	ha_send(h, &m);
}

static bool is_alone(const struct ha *h)
{
	for (uint32_t n = 0; n < h->top; n++)
		if (n != h->cfg.node && h->peer[n].in_view)
			return false;
	return true;
}

/* A shutdown is through when nothing is owned, or nobody takes it: at once when there is nobody. */
static void check_leave(struct ha *h)
{
	bool busy = false;

	if (!h->leaving || h->left)
		return;
	for (uint32_t i = 0; i < h->n_rg; i++)
		busy |= (h->rg[i].acting && !is_alone(h)) || h->rg[i].hand.step != HA_HAND_NONE;
	if (busy && !h->policy->leave_at_once && h->now_ns - h->leave_ns < MS(LEAVE_MS))
		return;
	h->left = true;
	ha_do(h, HA_DO_LEAVE);
}

/* Before anything else: who is greeted here must be able to open what we say next. */
static void send_hello(struct ha *h)
{
	if (!h->started || h->view.id == 0)
		return;
	for (uint32_t n = 0; n < h->top; n++)
		if (h->peer[n].in_view && !h->peer[n].greeted &&
			h->now_ns - h->hello_ns >= MS(HELLO_AGAIN_MS))
			h->hello_due = true;
	if (h->hello_due)
		ha_send_hello(h);
}

static void send_due(struct ha *h, bool more)
{
	if (!h->started || h->view.id == 0)
		return;
	if (h->status_due)
		send_status(h);
	if (h->renew_due || (owns_any(h) && h->now_ns - h->last_sent_ns >= h->renew_ns)) {
		Repl__Message m = REPL__MESSAGE__INIT;

		h->renew_due = false;
		ha_send(h, &m);
	}
	if (h->ack_due && !more)
		ha_send_ack(h);
}

/* A hold on acknowledgements that ran out makes one due. */
static void check_holds(struct ha *h)
{
	for (uint32_t n = 0; n < h->top; n++) {
		struct ha_peer *p = &h->peer[n];

		if (p->renew_hold_ns && h->now_ns >= p->renew_hold_ns) {
			p->renew_hold_ns = 0;
			h->ack_due = true;
		}
	}
}

int ha_step(struct ha *h, const struct ha_event *ev, struct ha_effects *fx)
{
	bool more = ev->type == HA_EV_DELIVER && ev->deliver.more;
	int rc;

	h->fx = fx;
	h->now_ns = MAX(ev->now_ns, h->now_ns);
	if (h->serial == 0)
		(void)ha_state_save(h);
	note_pause(h);
	check_deadlines(h); /* before anything the event might let go */
	rc = event_in(h, ev);
	send_hello(h);
	check_holds(h);
	for (uint32_t i = 0; i < h->n_rg; i++) {
		ha_commit(h, &h->rg[i]);
		if (!more)
			ha_evaluate(h, &h->rg[i]);
		ha_request_expire(h, &h->rg[i]);
	}
	send_due(h, more);
	check_leave(h);
	h->fx = NULL;
	if (h->failed)
		fx->failed = true;
	return h->failed ? -ERR_NOMEM : rc;
}

/* ---------------------------------------------------------------- time */

/* Waiting for time to pass, or for others to do something within a time? */
static bool is_unsettled(const struct ha *h, const struct ha_rg *rg)
{
	const struct ha_peer *owner = &h->peer[rg->epoch.owner % HA_NODES_MAX];

	return !rg->synced || rg->lapsed || (ha_is_owner(h, rg) && !rg->acting) ||
	       !list_is_empty(&rg->outbox) || rg->hand.step != HA_HAND_NONE || rg->headless_ns ||
	       rg->fence_ns || rg->claim_sent || rg->reclaim || rg->probe_alive ||
	       rg->source.transfer || rg->request || !owner->in_view ||
	       rg->place[owner - h->peer].vacant;
}

uint64_t ha_deadline(const struct ha *h)
{
	uint64_t due = h->now_ns + MS(IDLE_POLL_MS);

	/* being silent for longer would look like a pause to itself */
	due = MIN(due, h->now_ns + h->silence_ns / 2);
	if (owns_any(h))
		due = MIN(due, latest(h->last_sent_ns + h->renew_ns, h->now_ns, 0));
	for (uint32_t i = 0; i < h->n_rg; i++) {
		const struct ha_rg *rg = &h->rg[i];

		if (rg->acting && !h->policy->no_deadline)
			due = MIN(due, rg->deadline_ns);
		if (is_unsettled(h, rg))
			due = MIN(due, h->now_ns + MS(POLL_MS));
	}
	for (uint32_t n = 0; n < h->top; n++)
		if (h->peer[n].renew_hold_ns)
			due = MIN(due, h->peer[n].renew_hold_ns);
	return due;
}

bool ha_may_act(const struct ha *h, uint32_t id, uint64_t now_ns)
{
	const struct ha_rg *rg = ha_rg_find(h, id);

	return rg && ha_is_owner(h, rg) && rg->acting && !rg->lapsed && now_ns < rg->deadline_ns;
}
