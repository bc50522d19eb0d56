/*
 * Acknowledgements, the commit index, and the deadline that rests on them (rules 1 and 4).
 *
 * An entry is committed when every member of the commit set has said, in this view, as the process
 * the set means, and in this epoch, that it applied it; a CLAIM, SYNCED or EXPEL moreover only when
 * that member has it on disk. With quorum a majority of all nodes must have heard the message too
 * (members of the set or not), so that an owner cut off from a majority can neither commit nor
 * expel its way to freedom.
 *
 * Ownership lasts until the send time of the newest message heard by all of those, plus D. Whoever
 * claims in its absence has waited until D after the last message of the owner that it, and each of
 * those who acknowledge its CLAIM, ever acknowledged: the two groups share a node, so the owner's
 * deadline has passed by then. (Two nodes: see owner.c.)
 */
#include "core.h"

/* ---------------------------------------------------------------- giving them */

/* A config entry counts as held when it is on disk. */
static uint64_t own_position(const struct ha *h, const struct ha_rg *rg)
{
	if (rg->hold_index && rg->hold_serial > h->persisted)
		return MIN(rg->hold_index - 1, rg->index);
	return rg->index;
}

void ha_config_applied(struct ha *h, struct ha_rg *rg)
{
	uint64_t serial = ha_state_save(h);

	/* a history that begins anew begins with lower numbers */
	if (!rg->hold_index || rg->hold_serial <= h->persisted || rg->index < rg->hold_index)
		rg->hold_index = rg->index;
	rg->hold_serial = serial;
}

static uint64_t renew_to_tell(const struct ha *h, struct ha_peer *p)
{
	if (h->now_ns >= p->renew_hold_ns && h->persisted >= p->renew_serial)
		p->renew_told = p->renew_seen;
	return p->renew_told;
}

void ha_send_ack(struct ha *h)
{
	Repl__Message m = REPL__MESSAGE__INIT;
	Repl__Ack ack = REPL__ACK__INIT;
	Repl__RenewAck renew[HA_NODES_MAX], *renews[HA_NODES_MAX];
	Repl__Position pos[HA_RG_MAX], *positions[HA_RG_MAX];
	Repl__Epoch epoch[HA_RG_MAX];

	h->ack_due = false;
	for (uint32_t n = 0; n < h->top; n++) {
		struct ha_peer *p = &h->peer[n];

		if (n == h->cfg.node || !p->in_view || !p->greeted || !p->renew_seen)
			continue;
		repl__renew_ack__init(&renew[ack.n_renews]);
		renew[ack.n_renews].node = n;
		renew[ack.n_renews].renew = renew_to_tell(h, p);
		renews[ack.n_renews] = &renew[ack.n_renews];
		ack.n_renews++;
	}
	for (uint32_t i = 0; i < h->n_rg; i++) {
		struct ha_rg *rg = &h->rg[i];
		uint64_t at = own_position(h, rg);

		if (!rg->synced || at == rg->told_index)
			continue;
		rg->told_index = at;
		repl__position__init(&pos[ack.n_positions]);
		ha_epoch_out(&rg->epoch, &epoch[ack.n_positions]);
		pos[ack.n_positions].rg = rg->cfg->id;
		pos[ack.n_positions].epoch = &epoch[ack.n_positions];
		pos[ack.n_positions].index = at;
		pos[ack.n_positions].copy = rg->copy;
		positions[ack.n_positions] = &pos[ack.n_positions];
		ack.n_positions++;
	}
	if (ack.n_renews == 0 && ack.n_positions == 0)
		return;
	ack.incarnation = h->incarnation;
	ack.renews = renews;
	ack.positions = positions;
	m.ack = &ack;
	ha_send(h, &m);
}

/* ---------------------------------------------------------------- taking them */

void ha_forget_ack(struct ha *h, struct ha_rg *rg, uint32_t node)
{
	if (!h->policy->stale_acks_count)
		rg->place[node].acked = 0;
}

static void position_in(struct ha *h, uint32_t from, const Repl__Position *p)
{
	struct ha_rg *rg = ha_rg_find(h, p->rg);
	struct ha_epoch epoch = ha_epoch_of(p->epoch);

	if (!rg)
		return;
	/* in another epoch the same number is another entry; another copy is another member */
	if ((!ha_epoch_equal(&epoch, &rg->epoch) || p->copy != rg->set_copy[from]) &&
		!h->policy->stale_acks_count)
		return;
	rg->place[from].needs = false; /* it has what it speaks of */
	if (p->index > rg->place[from].acked) {
		rg->place[from].acked = p->index;
		rg->place[from].acked_ns = h->now_ns;
	}
}

void ha_on_ack(struct ha *h, uint32_t from, const Repl__Ack *m)
{
	struct ha_peer *p = &h->peer[from];

	if (from == h->cfg.node)
		return;
	if ((!p->greeted || m->incarnation != p->incarnation) && !h->policy->stale_acks_count)
		return;
	for (size_t i = 0; i < m->n_renews; i++) {
		uint64_t id = m->renews[i]->renew;

		if (m->renews[i]->node != h->cfg.node || id <= p->renew_acked || id > h->renew_id)
			continue;
		p->renew_acked = id;
		p->proven_ns = ha_renew_sent(h, id);
	}
	for (size_t i = 0; i < m->n_positions; i++)
		position_in(h, from, m->positions[i]);
}

/* ---------------------------------------------------------------- counting them */

static uint64_t renew_of(const struct ha *h, uint32_t node)
{
	const struct ha_peer *p = &h->peer[node];

	if (!p->in_view || !p->greeted)
		return 0;
	return node == h->cfg.node ? p->renew_seen : p->renew_acked;
}

/* The newest id of ours that a majority of all nodes, this one included, has heard. */
static uint64_t majority_renew(const struct ha *h)
{
	uint64_t best = 0;

	for (uint32_t n = 0; n < h->top; n++) {
		uint64_t id = renew_of(h, n);
		uint32_t count = 0;

		for (uint32_t k = 0; id > best && k < h->top; k++)
			count += renew_of(h, k) >= id;
		if (id > best && count >= ha_majority(h))
			best = id;
	}
	return best;
}

/* The newest id that everybody needed has heard; 0 when a member of the set is not here. */
static uint64_t set_renew(const struct ha *h, const struct ha_rg *rg)
{
	uint64_t id = MIN(majority_renew(h), renew_of(h, h->cfg.node));

	for (uint32_t n = 0; n < h->top; n++) {
		if (!ha_in_set(rg, n) || n == h->cfg.node)
			continue;
		if (!ha_member_here(h, rg, n))
			return 0;
		id = MIN(id, renew_of(h, n));
	}
	return id;
}

static uint64_t set_position(const struct ha *h, const struct ha_rg *rg)
{
	uint64_t at = own_position(h, rg);

	for (uint32_t n = 0; n < h->top; n++) {
		if (!ha_in_set(rg, n) || n == h->cfg.node)
			continue;
		if (!ha_member_here(h, rg, n) && !h->policy->stale_acks_count)
			return 0;
		at = MIN(at, rg->place[n].acked);
	}
	return at;
}

/* Entries that no majority has heard of are not committed, whoever acknowledged them. */
static uint64_t cut_to_majority(const struct ha *h, const struct ha_rg *rg, uint64_t at)
{
	uint64_t heard = majority_renew(h);
	const struct ha_out *o;

	if (rg->claim_index > rg->committed && rg->claim_index <= at && rg->claim_renew > heard)
		return rg->claim_index - 1;
	list_foreach (o, &rg->outbox, link) {
		if (o->index == 0 || o->index > at)
			break;
		if (!o->sent || o->renew > heard)
			return o->index - 1;
	}
	return at;
}

static void deadline_move(struct ha *h, struct ha_rg *rg)
{
	uint64_t sent = ha_renew_sent(h, set_renew(h, rg)), until;

	/* under a CLAIM not yet committed nothing is extended */
	if (rg->claim_index > rg->committed || sent == 0)
		return;
	until = h->policy->no_deadline ? UINT64_MAX : sent + h->lease_ns;
	if (until > rg->deadline_ns)
		rg->deadline_ns = until;
	if (rg->acting && rg->told_role == HA_ACTIVE &&
		rg->deadline_ns - rg->told_deadline_ns >= h->renew_ns / 4) {
		struct ha_effect *e = ha_do(h, HA_DO_DEADLINE);

		e->deadline.rg = rg->cfg->id;
		e->deadline.epoch = rg->epoch.number;
		e->deadline.deadline_ns = rg->told_deadline_ns = rg->deadline_ns;
	}
}

/* Called after everything that may move it: acknowledgements, deliveries, views, disk. */
void ha_commit(struct ha *h, struct ha_rg *rg)
{
	uint64_t at;

	if (!ha_is_owner(h, rg) || rg->lapsed || !ha_view_is_primary(h, rg))
		return;
	at = set_position(h, rg);
	if (!h->cfg.two_node)
		at = cut_to_majority(h, rg, at);
	if (h->policy->release_at_delivery)
		at = rg->index;
	if (at > rg->committed)
		rg->committed = at;
	rg->unsure &= rg->claim_index > rg->committed;
	deadline_move(h, rg);
	if (rg->claim_index > rg->committed || h->now_ns >= rg->deadline_ns)
		return;
	if (!rg->acting || rg->told_epoch != rg->epoch.number)
		ha_become_active(h, rg);
	ha_log_release(h, rg, rg->committed);
}

/* ---------------------------------------------------------------- when they do not come */

void ha_lapse(struct ha *h, struct ha_rg *rg, const char *reason)
{
	if (rg->lapsed)
		return;
	h->counters[COUNT_LAPSED] += rg->acting;
	ha_say(h, LOG_LEVEL_WARN, "ha.rg.lapsed", "rg=%u epoch=%llu reason=\"%s\"", rg->cfg->id,
		(unsigned long long)rg->epoch.number, reason);
	ha_handover_abort(h, rg, reason);
	rg->lapsed = true;
	rg->tie_ns = 0;
	rg->lapse_ns = rg->doubt_ns = h->now_ns;
	rg->acting = false;
	rg->vacant = true;
	h->status_due = true;
	ha_log_lost(h, rg, HA_REJECT_LOST);
	ha_role_tell(h, rg, reason);
}

/* Enough nodes must stay behind to commit the EXPEL itself. */
static bool can_spare(const struct ha *h, uint32_t node)
{
	uint32_t left = 0;

	for (uint32_t n = 0; n < h->top; n++)
		left += n != node && h->peer[n].in_view && h->peer[n].greeted;
	return left >= ha_majority(h);
}

/* A member that acknowledges nothing holds up everybody. It is expelled (loudly) before it takes
 * the owner's deadline with it; where another vote may already have passed ownership on (a third
 * vote beside two nodes), only after that is excluded. */
static bool lags(const struct ha *h, const struct ha_rg *rg, uint32_t n, uint64_t base_ns)
{
	const struct ha_place *place = &rg->place[n];

	return place->acked < rg->index && h->now_ns - MAX(place->acked_ns, base_ns) >= h->stuck_ns;
}

void ha_check_stuck(struct ha *h, struct ha_rg *rg)
{
	uint64_t limit = h->stuck_ns;
	bool third = !h->cfg.two_node && __builtin_popcount(h->cfg.nodes) <= 2;

	uint64_t moved = ha_renew_sent(h, h->peer[h->cfg.node].renew_seen);

	if (!third)
		limit = MIN(limit, h->lease_ns - MS(150));
	for (uint32_t n = 0; n < h->top; n++) {
		const struct ha_peer *p = &h->peer[n];
		uint64_t base = latest(h->view.since_ns, h->stall_ns, rg->epoch_ns);
		/* behind what has come back to ourselves: when the whole bus rests, nobody is stuck
		 */
		uint64_t reached;
		Repl__Member member = REPL__MEMBER__INIT;
		Repl__Item item = REPL__ITEM__INIT;
		bool gone = p->in_view && p->greeted &&
			    (p->incarnation != rg->set_incarnation[n] || rg->place[n].needs);

		if (!ha_in_set(rg, n) || n == h->cfg.node || (rg->expelling & 1u << n))
			continue;
		base = MAX(base, rg->place[n].synced_ns);
		reached = MAX(p->proven_ns, base);
		if (rg->place[n].acked >= rg->index)
			rg->place[n].acked_ns = h->now_ns;
		if (!gone && (!ha_member_here(h, rg, n) || !can_spare(h, n)))
			continue;
		if (!gone && moved < reached + limit && !lags(h, rg, n, base))
			continue;
		member.node = n;
		member.incarnation = rg->set_incarnation[n];
		member.copy = rg->set_copy[n];
		item.expel = &member;
		rg->expelling |= 1u << n;
		ha_say(h, LOG_LEVEL_WARN, "ha.rg.expel", "rg=%u node=%u reason=\"%s\"", rg->cfg->id,
			n, gone ? "its copy is gone" : "acknowledges nothing");
		ha_log_item(h, rg, &item, true);
	}
}
