/*
 * Planned handover (rule 16): manual failover, preemption, leaving, a failed monitor.
 *
 * drain -> freeze a range of buckets -> its exact state as log entries, committed -> next range ->
 * CLAIM for the target -> (target) activate, announce, say so -> (here) forward the queue.
 *
 * The old owner itself writes the CLAIM, as the last act of its epoch. So there is one moment, the
 * same for all, before which it may change its mind and after which it may not, and no time in
 * which both or neither could think they own the RG. Whatever fails before is undone by taking the
 * buckets back; whatever fails after is an ordinary failure of the new owner.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "core.h"

enum { PIECE_MAX = 48 * 1024, FORWARD_MS = 2000, REQUEST_MS = 3000, TEXT_MAX = 120 };

/* ---------------------------------------------------------------- old owner */

static void range_of(const struct ha *h, uint32_t i, uint32_t *first, uint32_t *last)
{
	uint32_t buckets = 1u << h->cfg.bucket_bits, n = h->cfg.handover_ranges;

	*first = (uint32_t)((uint64_t)buckets * i / n);
	*last = (uint32_t)((uint64_t)buckets * (i + 1) / n) - 1;
}

static struct ha_effect *order(struct ha *h, const struct ha_rg *rg, enum ha_effect_type type)
{
	struct ha_effect *e = ha_do(h, type);

	e->handover.rg = rg->cfg->id;
	e->handover.epoch = rg->epoch.number;
	return e;
}

static void freeze(struct ha *h, struct ha_rg *rg)
{
	struct ha_effect *e = order(h, rg, HA_DO_HANDOVER_FREEZE);
	Repl__Item item = REPL__ITEM__INIT;

	range_of(h, rg->hand.range, &e->handover.first_bucket, &e->handover.last_bucket);
	rg->hand.step = HA_HAND_FREEZE;
	rg->hand.frozen = true;
	if (rg->hand.range == 0) {
		item.handover_begin = true;
		ha_log_item(h, rg, &item, false);
	}
}

static void hand_claim(struct ha *h, struct ha_rg *rg)
{
	struct ha_claim c = {.reason = REPL__CLAIM_REASON__CLAIM_HANDOVER,
		.owner = rg->hand.target,
		.manual = rg->hand.manual ? rg->hand.target + 1 : 0};

	for (uint32_t n = 0; n < h->top; n++)
		if (n == h->cfg.node || ha_member_here(h, rg, n))
			c.members |= 1u << n;
	rg->hand.step = HA_HAND_CLAIM;
	ha_claim_send(h, rg, &c);
}

static void unfreeze(struct ha *h, struct ha_rg *rg)
{
	struct ha_effect *e;

	if (!rg->hand.frozen)
		return;
	rg->hand.frozen = false;
	e = order(h, rg, HA_DO_HANDOVER_ABORT);
	e->handover.last_bucket = (1u << h->cfg.bucket_bits) - 1;
}

void ha_handover_abort(struct ha *h, struct ha_rg *rg, const char *reason)
{
	if (rg->hand.step == HA_HAND_NONE || rg->hand.step == HA_HAND_FORWARD)
		return;
	ha_say(h, LOG_LEVEL_WARN, "ha.handover.aborted", "rg=%u target=node%u reason=\"%s\"",
		rg->cfg->id, rg->hand.target, reason);
	rg->hand.step = HA_HAND_NONE;
	rg->preempt_ns = 0;
	rg->failover_ns = h->now_ns; /* not again at once */
	unfreeze(h, rg);
}

static void forward(struct ha *h, struct ha_rg *rg)
{
	struct ha_effect *e;

	rg->hand.step = HA_HAND_NONE;
	if (!rg->hand.frozen)
		return;
	rg->hand.frozen = false;
	e = order(h, rg, HA_DO_HANDOVER_FORWARD);
	e->handover.last_bucket = (1u << h->cfg.bucket_bits) - 1;
	e->handover.node = rg->epoch.owner;
}

static void drained(struct ha *h, struct ha_rg *rg)
{
	if (rg->hand.step == HA_HAND_STATE && ++rg->hand.range >= h->cfg.handover_ranges)
		hand_claim(h, rg);
	else if (rg->hand.blind)
		hand_claim(h, rg);
	else
		freeze(h, rg);
}

void ha_handover_step(struct ha *h, struct ha_rg *rg)
{
	struct ha_handover *hand = &rg->hand;

	if (hand->step == HA_HAND_NONE)
		return;
	if (hand->step == HA_HAND_FORWARD) {
		/* the queue is of no use to a node that never says it is ready */
		if (h->now_ns - hand->began_ns >= MS(FORWARD_MS))
			forward(h, rg);
		return;
	}
	if (hand->step == HA_HAND_CLAIM && rg->claim_sent)
		return; /* the log decides */
	if (!ha_member_here(h, rg, hand->target) || rg->place[hand->target].needs)
		ha_handover_abort(h, rg, "the target is gone");
	else if (h->now_ns - hand->began_ns >= MS(h->cfg.handover_ms))
		ha_handover_abort(h, rg,
			hand->step == HA_HAND_DRAIN    ? "draining takes too long"
			: hand->step == HA_HAND_FREEZE ? "the dataplane does not freeze"
						       : "committing its state takes too long");
	else if (hand->step == HA_HAND_CLAIM)
		hand_claim(h, rg); /* the view changed before it was delivered, or it was void */
	else if ((hand->step == HA_HAND_DRAIN || hand->step == HA_HAND_STATE) &&
		 list_is_empty(&rg->outbox))
		drained(h, rg);
}

void ha_on_frozen(struct ha *h, const struct ha_ev_frozen *f)
{
	struct ha_rg *rg = ha_rg_find(h, f->rg);
	Repl__HandoverRange range = REPL__HANDOVER_RANGE__INIT;
	Repl__Item end = REPL__ITEM__INIT;
	uint32_t first, last;

	if (!rg || rg->hand.step != HA_HAND_FREEZE)
		return;
	range_of(h, rg->hand.range, &first, &last);
	if (f->first_bucket != first || f->last_bucket != last)
		return; /* of an attempt before */
	if (f->error) {
		ha_handover_abort(h, rg, err_text(f->error));
		return;
	}
	for (size_t at = 0; at < f->states.n; at += PIECE_MAX) {
		Repl__Item piece = REPL__ITEM__INIT;
		size_t n = MIN(f->states.n - at, (size_t)PIECE_MAX);

		/* packing does not write through this */
		piece.handover = (ProtobufCBinaryData){n, (uint8_t *)(uintptr_t)(f->states.p + at)};
		ha_log_item(h, rg, &piece, false);
	}
	range.first = first;
	range.last = last;
	end.handover_end = &range;
	ha_log_item(h, rg, &end, false);
	rg->hand.step = HA_HAND_STATE;
}

void ha_handover_begin(struct ha *h, struct ha_rg *rg, const struct ha_handover *plan)
{
	bool frozen = rg->hand.frozen;

	rg->hand = *plan;
	rg->hand.frozen = frozen;
	rg->hand.step = HA_HAND_DRAIN;
	rg->hand.range = 0;
	rg->hand.began_ns = h->now_ns;
	rg->hand.blind = !h->dataplane_up;
	if (rg->hand.blind) {
		Repl__Item item = REPL__ITEM__INIT;

		/* without a state: none of an attempt before may be taken for it */
		item.handover_begin = true;
		ha_log_item(h, rg, &item, false);
	}
	ha_say(h, LOG_LEVEL_NOTICE, "ha.handover.begin", "rg=%u target=node%u reason=\"%s\"",
		rg->cfg->id, plan->target, plan->reason);
}

/* ---------------------------------------------------------------- new owner */

void ha_handover_forget(struct ha_rg *rg)
{
	struct ha_piece *p, *tmp;

	list_foreach_safe (p, tmp, &rg->pieces, link) {
		list_del(&p->link);
		blob_fini(&p->states);
		free(p);
	}
}

static struct ha_piece *piece_open(struct ha_rg *rg)
{
	struct ha_piece *p = list_is_empty(&rg->pieces)
				     ? NULL
				     : list_item(rg->pieces.prev, struct ha_piece, link);

	if (p && !p->ended)
		return p;
	p = calloc(1, sizeof *p);
	if (p)
		list_add_tail(&rg->pieces, &p->link);
	return p;
}

void ha_handover_item(struct ha *h, struct ha_rg *rg, const Repl__Item *item)
{
	struct ha_piece *p;

	if (item->handover_begin)
		ha_handover_forget(rg);
	if (rg->epoch.owner == h->cfg.node || (!item->handover.len && !item->handover_end))
		return;
	p = piece_open(rg);
	if (!p || blob_append(&p->states, view_of(item->handover.data, item->handover.len)) < 0) {
		h->failed = true;
		return;
	}
	if (item->handover_end) {
		p->first = item->handover_end->first;
		p->last = item->handover_end->last;
		p->ended = true;
	}
}

/* The exact state, before ROLE active. False when there is none: the lazy jump does. */
bool ha_handover_activate(struct ha *h, struct ha_rg *rg)
{
	struct ha_piece *p;
	bool any = false;

	list_foreach (p, &rg->pieces, link) {
		struct ha_effect *e;

		if (!p->ended)
			continue;
		e = order(h, rg, HA_DO_HANDOVER_ACTIVATE);
		e->handover.first_bucket = p->first;
		e->handover.last_bucket = p->last;
		e->handover.deadline_ns = rg->deadline_ns;
		e->handover.states = ha_lend(h, blob_view(&p->states));
		any = true;
	}
	return any;
}

void ha_on_activated(struct ha *h, const struct ha_ev_activated *a)
{
	struct ha_rg *rg = ha_rg_find(h, a->rg);
	Repl__Message m = REPL__MESSAGE__INIT;
	Repl__Sync sync = REPL__SYNC__INIT;
	Repl__Epoch epoch;
	struct ha_effect *e;

	if (!rg || !ha_is_owner(h, rg) || a->epoch != rg->epoch.number ||
		list_is_empty(&rg->pieces))
		return;
	ha_handover_forget(rg);
	if (a->error)
		ha_say(h, LOG_LEVEL_ERR, "ha.handover.activate", "rg=%u reason=\"%s\"", rg->cfg->id,
			err_text(a->error));
	e = ha_do(h, HA_DO_ANNOUNCE);
	e->announce.rg = rg->cfg->id;
	e->announce.count = rg->cfg->announce_count;
	ha_epoch_out(&rg->epoch, &epoch);
	sync.rg = rg->cfg->id;
	sync.kind = REPL__SYNC_KIND__SYNC_ACTIVATED;
	sync.epoch = &epoch;
	m.sync = &sync;
	ha_send(h, &m);
}

void ha_handover_activated(struct ha *h, struct ha_rg *rg, uint32_t from)
{
	if (rg->hand.step == HA_HAND_FORWARD && from == rg->epoch.owner)
		forward(h, rg);
}

/* ---------------------------------------------------------------- who decides on one */

static uint32_t best_other(const struct ha *h, const struct ha_rg *rg, uint32_t *priority)
{
	uint32_t best = HA_NODE_NONE;

	*priority = 0;
	for (uint32_t n = 0; n < h->top; n++) {
		if (n == h->cfg.node || !ha_member_here(h, rg, n) || rg->place[n].needs ||
			rg->place[n].priority <= *priority)
			continue;
		*priority = rg->place[n].priority;
		best = n;
	}
	return best;
}

/* The owner asks itself whether somebody else had better own. */
void ha_preempt(struct ha *h, struct ha_rg *rg)
{
	struct ha_handover plan = {0};
	uint32_t own = ha_own_priority(h, rg), other;
	bool better;

	if (rg->hand.step != HA_HAND_NONE)
		return;
	plan.target = best_other(h, rg, &other);
	better = plan.target != HA_NODE_NONE &&
		 (own == 0 || (rg->cfg->preempt && !rg->manual && other > own));
	if (!better) {
		rg->preempt_ns = 0;
		return;
	}
	if (!rg->preempt_ns)
		rg->preempt_ns = h->now_ns;
	if (own > 0 && (h->now_ns - rg->preempt_ns < MS(rg->cfg->preempt_delay_ms) ||
			       h->now_ns - rg->failover_ns < MS(rg->cfg->hold_down_ms)))
		return;
	plan.reason = h->leaving ? "leaving" : own ? "preempt" : "monitor failed";
	ha_handover_begin(h, rg, &plan);
}

/* ---------------------------------------------------------------- operators */

static void answer(struct ha *h, uint64_t request, int error, const char *text)
{
	struct view lent = ha_lend(h, view_of(text, strlen(text) + 1));
	struct ha_effect *e = ha_do(h, HA_DO_OPERATOR_DONE);

	e->operator_done.request = request;
	e->operator_done.error = error;
	e->operator_done.text = lent.p ? (const char *)lent.p : "";
}

/* 0 when it has begun, else a negative error; text says what happened either way. */
static int failover(struct ha *h, struct ha_rg *rg, uint32_t target, char text[TEXT_MAX])
{
	struct ha_handover plan = {.target = target, .manual = true, .reason = "manual"};

	if (target == h->cfg.node) {
		(void)snprintf(text, TEXT_MAX, "Node %u is already primary for redundancy group %u",
			target, rg->cfg->id);
		return -ERR_EXISTS;
	}
	if (rg->manual) {
		(void)snprintf(text, TEXT_MAX, "Manual failover already in effect. Reset it first");
		return -ERR_WRONG_STATE;
	}
	if (target >= HA_NODES_MAX || !ha_member_here(h, rg, target) || !rg->acting ||
		rg->hand.step != HA_HAND_NONE || rg->place[target].priority == 0) {
		(void)snprintf(text, TEXT_MAX, "Node %u is not ready for redundancy group %u",
			target, rg->cfg->id);
		return -ERR_WRONG_STATE;
	}
	(void)snprintf(
		text, TEXT_MAX, "Initiated manual failover for redundancy group %u", rg->cfg->id);
	ha_handover_begin(h, rg, &plan);
	return 0;
}

static int reset(struct ha *h, struct ha_rg *rg, char text[TEXT_MAX])
{
	Repl__Item item = REPL__ITEM__INIT;

	if (!rg->manual) {
		(void)snprintf(
			text, TEXT_MAX, "No reset required for redundancy group %u.", rg->cfg->id);
		return 0;
	}
	item.manual_reset = true;
	ha_log_item(h, rg, &item, false);
	(void)snprintf(text, TEXT_MAX, "Successfully reset manual failover for redundancy group %u",
		rg->cfg->id);
	return 0;
}

static int execute(struct ha *h, struct ha_rg *rg, uint32_t target, char text[TEXT_MAX])
{
	return target ? failover(h, rg, target - 1, text) : reset(h, rg, text);
}

static void ask_owner(struct ha *h, struct ha_rg *rg, uint32_t target, uint64_t request)
{
	Repl__Message m = REPL__MESSAGE__INIT;
	Repl__Request r = REPL__REQUEST__INIT;

	r.rg = rg->cfg->id;
	r.target = target;
	r.id = request;
	r.node = h->cfg.node;
	r.text = (char *)(uintptr_t) "";
	m.request = &r;
	rg->request = request;
	rg->request_ns = h->now_ns;
	ha_send(h, &m);
}

void ha_on_failover(struct ha *h, const struct ha_event *ev)
{
	struct ha_rg *rg = ha_rg_find(h, ev->failover.rg);
	uint32_t target = ev->type == HA_EV_FAILOVER ? ev->failover.node + 1 : 0;
	char text[TEXT_MAX];
	int rc;

	if (!rg) {
		answer(h, ev->failover.request, -ERR_NOT_FOUND, "No such redundancy group");
	} else if (ha_is_owner(h, rg) && rg->acting) {
		rc = execute(h, rg, target, text);
		answer(h, ev->failover.request, rc, text);
	} else if (rg->request || !ha_member_here(h, rg, rg->epoch.owner)) {
		answer(h, ev->failover.request, -ERR_WRONG_STATE,
			"The redundancy group has no primary that could hand over");
	} else {
		ask_owner(h, rg, target, ev->failover.request);
	}
}

void ha_on_request(struct ha *h, uint32_t from, const Repl__Request *m)
{
	struct ha_rg *rg = ha_rg_find(h, m->rg);
	Repl__Message out = REPL__MESSAGE__INIT;
	Repl__Request r = REPL__REQUEST__INIT;
	char text[TEXT_MAX];

	if (!rg)
		return;
	if (m->answer) {
		if (m->node != h->cfg.node || m->id != rg->request || !rg->request)
			return;
		answer(h, m->id, m->error ? -(int)(m->error % ERR_COUNT_) : 0, m->text);
		rg->request = 0;
		return;
	}
	if (!ha_is_owner(h, rg) || !rg->acting || from == h->cfg.node)
		return;
	r.error = (uint32_t)-execute(h, rg, m->target, text);
	r.rg = m->rg;
	r.id = m->id;
	r.node = from;
	r.answer = true;
	r.text = text;
	out.request = &r;
	ha_send(h, &out);
}

void ha_request_expire(struct ha *h, struct ha_rg *rg)
{
	if (!rg->request || h->now_ns - rg->request_ns < MS(REQUEST_MS))
		return;
	answer(h, rg->request, -ERR_AGAIN, "The primary node did not answer");
	rg->request = 0;
}
