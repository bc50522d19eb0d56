/*
 * Who should own a redundancy group, and when may it claim (rules 2, 4, 5).
 *
 * With quorum: in a quorate view, once the old owner's deadline has passed for certain.
 *
 * Two nodes without a third vote cannot know whether the other one is dead or cut off. The owner
 * stays owner; the other claims only when everything is silent: cluster link, fabric and the
 * layer-2 probes of the RG's addresses. Two traps:
 *  - An owner that was stopped (all of the machine, for longer than the silence takes) and wakes
 *    alone in a new view may have been succeeded meanwhile. So an owner that noticed a pause of
 *    itself does not "stay" in a lonely view, unless the other acknowledged something sent after
 *    the pause, or says over the fabric that it does not act.
 *  - A node whose own ports or dataplane are down hears silence everywhere. It must have a
 *    dataplane that probes, and must not have been paused itself.
 * An owner whose deadline passed is a non-owner. Alone in its view it needs silence too; it may not
 * use the fence below, because the other one may: only one of two may have each right.
 */
#include "core.h"

enum {
	RANK_MS = 200,
	GREET_MS = 300,
	IDLE_MS = 300,
	HEARD_MS = 300,
	CLAIM_AGAIN_MS = 100,
	FIRST_MS =
		2200, /* a tandemd that hangs, and has all that we lack, ends or is back by then */
	SECOND_MS = 3000
};

static bool greeting_over(const struct ha *h)
{
	if (h->now_ns - h->view.since_ns >= MS(GREET_MS))
		return true;
	for (uint32_t n = 0; n < h->top; n++)
		if (h->peer[n].in_view && !h->peer[n].greeted)
			return false;
	return true;
}

/* Members of the set that are here and hold exactly what we hold, and joiners that are ready. */
static uint32_t equals(const struct ha *h, const struct ha_rg *rg)
{
	uint32_t mask = 1u << h->cfg.node;

	for (uint32_t n = 0; n < h->top; n++) {
		if (n == h->cfg.node || !h->peer[n].in_view || !h->peer[n].greeted)
			continue;
		if (ha_member_here(h, rg, n) && rg->place[n].ahead == 0 && !rg->place[n].needs)
			mask |= 1u << n;
		else if (rg->place[n].ready)
			mask |= 1u << n;
	}
	return mask;
}

static bool claim_pending(const struct ha *h, const struct ha_rg *rg)
{
	return rg->claim_sent || (rg->claim_ns && h->now_ns - rg->claim_ns < MS(CLAIM_AGAIN_MS) &&
					 rg->claim_ns >= h->view.since_ns);
}

static void claim(struct ha *h, struct ha_rg *rg, Repl__ClaimReason reason, uint32_t members)
{
	struct ha_claim c = {.reason = reason, .owner = h->cfg.node, .members = members};

	if (!claim_pending(h, rg))
		ha_claim_send(h, rg, &c);
}

/* ---------------------------------------------------------------- silence */

static bool probes_run(const struct ha *h, const struct ha_rg *rg)
{
	return h->dataplane_up && rg->probe_known && h->now_ns - h->dataplane_ns >= h->silence_ns &&
	       h->now_ns - h->stall_ns >= h->silence_ns;
}

static bool layer2_silent(const struct ha *h, const struct ha_rg *rg)
{
	return probes_run(h, rg) && !rg->probe_alive &&
	       (rg->probe_answer_ns == 0 || h->now_ns - rg->probe_answer_ns >= h->silence_ns);
}

static bool fabric_silent(const struct ha *h, uint32_t node)
{
	const struct ha_peer *p = &h->peer[node];

	return !p->fabric_known || !p->fabric_up;
}

/* It owns rg since just now and never answered for its addresses: in this view it may be about to
 * claim anew, and only then will it answer. */
static bool not_yet_heard(const struct ha *h, const struct ha_rg *rg, uint32_t node)
{
	return node == rg->epoch.owner && rg->probe_answer_ns < rg->epoch_ns &&
	       h->now_ns - h->view.since_ns < h->silence_ns;
}

/* Nothing at all is heard of it: cluster link, fabric, layer 2. */
static bool silent(const struct ha *h, const struct ha_rg *rg, uint32_t node)
{
	const struct ha_peer *p = &h->peer[node];

	if (p->in_view || p->in_ring || not_yet_heard(h, rg, node))
		return false;
	if (h->policy->claim_unheard)
		return true;
	return fabric_silent(h, node) && layer2_silent(h, rg);
}

/* Its dataplane is heard and says that it has not acted for rg for a while, and nobody answers. */
static bool idle(const struct ha *h, const struct ha_rg *rg, uint32_t node)
{
	const struct ha_place *place = &rg->place[node];

	return !fabric_silent(h, node) && !place->fabric_active && place->fabric_idle_ns &&
	       h->now_ns - place->fabric_idle_ns >= MS(IDLE_MS) && layer2_silent(h, rg);
}

static uint32_t other_node(const struct ha *h)
{
	return (uint32_t)__builtin_ctz(h->cfg.nodes & ~(1u << h->cfg.node));
}

/* ---------------------------------------------------------------- the owner */

/* Two nodes, and the other left the group: may the owner go on without its word? */
static bool may_stay(const struct ha *h, const struct ha_rg *rg)
{
	uint32_t o = other_node(h);
	const struct ha_peer *p = &h->peer[o];
	const struct ha_place *place = &rg->place[o];

	if (h->view.nodes == h->cfg.nodes || p->in_ring)
		return true; /* its tandemd is here, or is known to be gone: it cannot have claimed
			      */
	if (p->proven_ns > h->stall_ns)
		return true;
	if (!fabric_silent(h, o) && p->fabric_event_ns > h->stall_ns && !place->fabric_active &&
		place->fabric_epoch <= rg->epoch.number)
		return true;
	return silent(h, rg, o);
}

static bool may_go_on(const struct ha *h, const struct ha_rg *rg)
{
	return h->cfg.two_node ? may_stay(h, rg) : ha_view_is_quorate(h);
}

bool ha_set_is_here(const struct ha *h, const struct ha_rg *rg)
{
	for (uint32_t n = 0; n < h->top; n++)
		if (ha_in_set(rg, n) && !h->peer[n].in_view)
			return false;
	return true;
}

/* Joiners whose copy is whole enter the commit set. */
static void admit(struct ha *h, struct ha_rg *rg)
{
	for (uint32_t n = 0; n < h->top; n++) {
		Repl__Member member = REPL__MEMBER__INIT;
		Repl__Item item = REPL__ITEM__INIT;

		if (!rg->place[n].ready || !h->peer[n].in_view || !h->peer[n].greeted ||
			(rg->admitting & 1u << n))
			continue;
		if (ha_in_set(rg, n) && rg->set_incarnation[n] == h->peer[n].incarnation)
			continue;
		member.node = n;
		member.incarnation = h->peer[n].incarnation;
		member.copy = rg->place[n].copy;
		item.synced = &member;
		rg->admitting |= 1u << n;
		ha_log_item(h, rg, &item, true);
	}
}

/* Somebody else answers for our addresses while the other node is not in the group: two owners.
 * Who claimed in silence has reason to think itself the later one, and gives the other time to
 * hear that; but not for ever, and not both for equally long. */
static void listen(struct ha *h, struct ha_rg *rg)
{
	bool lone = rg->claim_reason == REPL__CLAIM_REASON__CLAIM_TAKEOVER &&
		    rg->set == 1u << h->cfg.node;
	uint64_t grace = lone ? MS(1000) + MS(500) * h->cfg.node : MS(HEARD_MS);

	if (!rg->probe_alive || h->view.nodes == h->cfg.nodes ||
		rg->probe_answer_ns < rg->acting_ns) {
		rg->heard_ns = 0;
		return;
	}
	if (!rg->heard_ns) {
		rg->heard_ns = h->now_ns;
		rg->dual = true;
		h->counters[COUNT_DUAL]++;
		ha_say(h, LOG_LEVEL_ERR, "ha.rg.dual", "rg=%u epoch=%llu heard=layer2", rg->cfg->id,
			(unsigned long long)rg->epoch.number);
	}
	if (h->now_ns - rg->heard_ns >= grace)
		ha_lapse(h, rg, "another node answers for its addresses");
}

static void owner_acting(struct ha *h, struct ha_rg *rg)
{
	if (h->cfg.two_node)
		listen(h, rg);
	if (rg->tie_ns && h->now_ns - rg->tie_ns >= MS(HEARD_MS))
		ha_lapse(h, rg, "another owner is heard and does not hear us");
	if (rg->lapsed)
		return;
	if ((!ha_set_is_here(h, rg) || rg->reclaim) && may_go_on(h, rg) && greeting_over(h) &&
		rg->hand.step < HA_HAND_CLAIM)
		claim(h, rg, REPL__CLAIM_REASON__CLAIM_RECLAIM, equals(h, rg));
	ha_check_stuck(h, rg);
	admit(h, rg);
	if (rg->acting)
		ha_preempt(h, rg);
}

/* It claimed, and waits for acknowledgements; members that are gone are left out by a new CLAIM. */
static void owner_waiting(struct ha *h, struct ha_rg *rg)
{
	if (!ha_set_is_here(h, rg) && may_go_on(h, rg) && greeting_over(h))
		claim(h, rg, REPL__CLAIM_REASON__CLAIM_TAKEOVER, equals(h, rg));
	ha_check_stuck(h, rg);
}

static bool somebody_ahead(const struct ha *h, const struct ha_rg *rg)
{
	for (uint32_t n = 0; n < h->top; n++)
		if (n != h->cfg.node && ha_member_here(h, rg, n) && rg->place[n].ahead > 0)
			return true;
	return false;
}

/* Two nodes. While we did not act the other one may have claimed, unless it was no member. It says
 * so itself (its Hello), or its dataplane does: in the epoch we know it never acted in a later one.
 */
static bool lapsed_may_claim(struct ha *h, struct ha_rg *rg)
{
	uint32_t o = other_node(h);
	const struct ha_peer *p = &h->peer[o];
	const struct ha_place *place = &rg->place[o];

	if (p->known)
		return p->in_view ? p->greeted : true;
	if (p->in_ring || !silent(h, rg, o)) {
		if (!fabric_silent(h, o) && place->fabric_epoch > rg->epoch.number)
			ha_become_stale(h, rg, "a later owner was heard");
		rg->doubt_ns = h->now_ns;
		return false;
	}
	if (!ha_in_set(rg, o) || h->policy->no_doubt)
		return true;
	if (h->now_ns - rg->doubt_ns >= h->start_wait_ns)
		ha_become_stale(h, rg, "another owner may have come and gone");
	return false;
}

/* Its own deadline passed. The epoch is spent: nothing more is written in it. */
static void owner_lapsed(struct ha *h, struct ha_rg *rg)
{
	bool may;

	if (ha_own_priority(h, rg) == 0 || !greeting_over(h) || somebody_ahead(h, rg))
		return;
	if (!h->cfg.two_node)
		may = ha_view_is_quorate(h);
	else
		may = lapsed_may_claim(h, rg);
	if (rg->synced && may)
		claim(h, rg, REPL__CLAIM_REASON__CLAIM_TAKEOVER, equals(h, rg));
}

/* ---------------------------------------------------------------- its successor */

/* Two nodes, and the group has split. If the owner is heard after that, by whatever path, it may
 * have gone on alone, and committed what we do not have. Unless the fabric says that it does not
 * act and is in the epoch we know. Heard before only, as when it dies, our copy is as good as its.
 */
static void note_doubt(struct ha *h, struct ha_rg *rg)
{
	uint32_t o = rg->epoch.owner;
	const struct ha_peer *p = &h->peer[o];
	const struct ha_place *place = &rg->place[o];
	bool idle_here = p->fabric_known && p->fabric_heard_ns > h->view.since_ns &&
			 !place->fabric_active && place->fabric_epoch == rg->epoch.number;
	/* it is heard once a heartbeat: it may have lived on for one after the last */
	uint64_t split = h->view.since_ns - MIN(h->view.since_ns, h->silence_ns * 2 / 3);
	/* nor can be heard what nobody listened to */
	bool deaf = !h->dataplane_up || h->dataplane_ns > split || !rg->probe_known;
	bool heard = (p->fabric_known && p->fabric_heard_ns > split) ||
		     (rg->probe_known && rg->probe_answer_ns > split);

	if (!h->cfg.two_node || p->in_view || p->in_ring)
		return;
	if (p->fabric_known && place->fabric_active && place->fabric_epoch > rg->epoch.number) {
		ha_become_stale(h, rg, "the owner went on alone");
		return;
	}
	if (heard || deaf)
		ha_doubt(h, rg);
	if (idle_here)
		rg->doubt = false;
}

static bool is_candidate(const struct ha *h, const struct ha_rg *rg, uint32_t node)
{
	if (node == h->cfg.node && rg->doubt)
		return false;
	if (!ha_member_here(h, rg, node) || node == rg->epoch.owner || rg->place[node].needs)
		return false;
	if (node == h->cfg.node)
		return ha_own_priority(h, rg) > 0;
	return rg->place[node].ahead >= 0 && rg->place[node].priority > 0;
}

/* Does a come before b? Longer history, then priority, then number. */
static bool before(const struct ha *h, const struct ha_rg *rg, uint32_t a, uint32_t b)
{
	uint32_t pa = a == h->cfg.node ? ha_own_priority(h, rg) : rg->place[a].priority;
	uint32_t pb = b == h->cfg.node ? ha_own_priority(h, rg) : rg->place[b].priority;
	int aa = a == h->cfg.node ? 0 : rg->place[a].ahead;
	int ab = b == h->cfg.node ? 0 : rg->place[b].ahead;

	if (aa != ab)
		return aa > ab;
	if (pa != pb)
		return pa > pb;
	return a < b;
}

/* 0 = it is my turn; each rank waits a little longer. -1 = not mine at all. */
static int my_rank(const struct ha *h, const struct ha_rg *rg)
{
	int rank = 0;

	if (!is_candidate(h, rg, h->cfg.node) || somebody_ahead(h, rg))
		return -1;
	for (uint32_t n = 0; n < h->top; n++)
		if (n != h->cfg.node && is_candidate(h, rg, n) && before(h, rg, n, h->cfg.node))
			rank++;
	return rank;
}

/* Conditions hold: claim, at once when it is our turn. */
static void succeed(struct ha *h, struct ha_rg *rg, Repl__ClaimReason reason, uint32_t members)
{
	int rank = my_rank(h, rg);

	if (!rg->vacant_ns)
		rg->vacant_ns = h->now_ns;
	if (rank < 0 || !greeting_over(h) ||
		h->now_ns - rg->vacant_ns < MS(RANK_MS) * (uint64_t)rank)
		return;
	claim(h, rg, reason, members);
}

/* Who keeps a headless owner alive, adopts it, or stops it: one, whether or not it could own. */
static bool is_keeper(const struct ha *h, const struct ha_rg *rg)
{
	for (uint32_t n = 0; n < h->cfg.node; n++)
		if (n != rg->epoch.owner && ha_member_here(h, rg, n) && rg->place[n].ahead >= 0 &&
			!rg->place[n].needs)
			return false;
	return !rg->doubt && !somebody_ahead(h, rg);
}

static void fence(struct ha *h, struct ha_rg *rg, uint32_t node)
{
	struct ha_effect *e;

	if (rg->fence_ns)
		return;
	rg->fence_ns = h->now_ns;
	ha_say(h, LOG_LEVEL_WARN, "ha.rg.fence", "rg=%u node=%u epoch=%llu", rg->cfg->id, node,
		(unsigned long long)rg->epoch.number);
	e = ha_do(h, HA_DO_FABRIC_FENCE);
	e->fabric.node = node;
	e->fabric.rg = rg->cfg->id;
	/* also the next one: should it claim at this very moment, its dataplane refuses */
	e->fabric.epoch = MAX(rg->epoch.number, rg->seen) + 1;
}

/* Its dataplane answered, or D has passed since anybody could have extended its deadline. */
static bool is_stopped(const struct ha *h, const struct ha_rg *rg)
{
	uint64_t last = MAX(rg->fence_ns, rg->renewed_ns);

	return rg->fenced || (rg->fence_ns && h->now_ns >= last + h->lease_ns);
}

/* Has the group brought what we sent since then? It stands still, on its way to another view, when
 * it does not: that says nothing of the owner, who goes on alone in that view, while we could not.
 */
static bool group_moves(struct ha *h, uint64_t since_ns)
{
	if (h->peer[h->cfg.node].last_rx_ns >= since_ns)
		return true;
	h->renew_due |= h->last_sent_ns < since_ns;
	return false;
}

/* The owner's tandemd is in the group. It hangs, or has said that it does not act. */
static void owner_present(struct ha *h, struct ha_rg *rg, uint32_t o)
{
	uint64_t heard = latest(h->peer[o].last_rx_ns, h->stall_ns, h->view.since_ns);
	uint32_t members = equals(h, rg);

	if (rg->place[o].vacant || rg->place[o].needs) { /* it has not even its copy any more */
		if (!rg->vacant_ns)
			rg->vacant_ns = h->now_ns;
		/* it may claim again itself, and comes first */
		if (h->now_ns - rg->vacant_ns >= MS(RANK_MS))
			succeed(h, rg, REPL__CLAIM_REASON__CLAIM_TAKEOVER, members);
		return;
	}
	if (h->now_ns - heard < h->lease_ns + MS(100)) {
		rg->fence_ns = rg->vacant_ns = 0;
		return;
	}
	if (!rg->fence_ns && !group_moves(h, heard + h->lease_ns))
		return;
	if (my_rank(h, rg) == 0)
		fence(h, rg, o);
	if (is_stopped(h, rg))
		succeed(h, rg, REPL__CLAIM_REASON__CLAIM_FENCED, members & ~(1u << o));
}

static void adopt(struct ha *h, struct ha_rg *rg, uint32_t o)
{
	struct ha_claim c = {
		.reason = REPL__CLAIM_REASON__CLAIM_ADOPT, .owner = o, .members = equals(h, rg)};

	if (rg->place[o].priority > 0 && (c.members & 1u << o) && !claim_pending(h, rg))
		ha_claim_send(h, rg, &c);
}

static void renew_headless(struct ha *h, struct ha_rg *rg, uint32_t o)
{
	struct ha_effect *e;

	if (h->now_ns - rg->renewed_ns < h->lease_ns / 5)
		return;
	rg->renewed_ns = h->now_ns;
	e = ha_do(h, HA_DO_FABRIC_RENEW);
	e->fabric.node = o;
	e->fabric.rg = rg->cfg->id;
	e->fabric.epoch = rg->epoch.number;
	e->fabric.duration_ms = (uint32_t)(h->lease_ns / MS(1));
}

/* Its tandemd died, its node lives: the dataplane forwards on, nobody writes, until tandemd is back
 * and whole, or control-hold is over. */
static void owner_headless(struct ha *h, struct ha_rg *rg, uint32_t o)
{
	bool primary = h->cfg.two_node || ha_view_is_quorate(h);
	bool mine = is_keeper(h, rg);
	uint64_t hold = MS(h->cfg.control_hold_ms);

	if (!primary)
		return;
	if (rg->doubt) {
		if (h->now_ns - rg->headless_ns >= hold)
			ha_become_stale(h, rg, "the owner may have gone on alone");
		return;
	}
	if (h->policy->no_fence) {
		succeed(h, rg, REPL__CLAIM_REASON__CLAIM_FENCED, equals(h, rg) & ~(1u << o));
		return;
	}
	if (h->peer[o].in_view && h->peer[o].greeted)
		hold *= 2; /* it is being filled */
	if (mine && rg->place[o].ready)
		adopt(h, rg, o);
	if (h->now_ns - rg->headless_ns < hold && !fabric_silent(h, o)) {
		if (mine && !rg->fence_ns)
			renew_headless(h, rg, o);
		else
			rg->renewed_ns = h->now_ns; /* by somebody else, perhaps */
		return;
	}
	if (mine)
		fence(h, rg, o);
	if (is_stopped(h, rg))
		succeed(h, rg, REPL__CLAIM_REASON__CLAIM_FENCED, equals(h, rg));
}

/* Its node is gone from the ring. */
static void owner_gone(struct ha *h, struct ha_rg *rg, uint32_t o)
{
	note_doubt(h, rg);
	if (!rg->synced)
		return;
	if (rg->doubt && silent(h, rg, o) && h->now_ns - rg->doubt_ns >= h->start_wait_ns) {
		/* it is gone, and with it perhaps what it committed alone */
		ha_become_stale(h, rg, "the owner may have gone on alone");
		return;
	}
	if (!h->cfg.two_node) {
		uint64_t last = MAX(h->peer[o].last_rx_ns, rg->renewed_ns);

		if (ha_view_is_quorate(h) && h->now_ns >= last + h->lease_ns)
			succeed(h, rg, REPL__CLAIM_REASON__CLAIM_TAKEOVER, equals(h, rg));
		return;
	}
	if (silent(h, rg, o)) {
		/* headless before: only we extended its deadline, and know until when */
		if (!rg->renewed_ns || h->now_ns >= rg->renewed_ns + h->lease_ns)
			succeed(h, rg, REPL__CLAIM_REASON__CLAIM_TAKEOVER, equals(h, rg));
		return;
	}
	if (!idle(h, rg, o) || my_rank(h, rg) != 0) {
		rg->vacant_ns = rg->fence_ns = 0;
		return;
	}
	fence(h, rg, o);
	if (rg->fenced) /* its word, not our clock: it may be alive and the owner */
		succeed(h, rg, REPL__CLAIM_REASON__CLAIM_FENCED, equals(h, rg));
}

static void successor(struct ha *h, struct ha_rg *rg)
{
	uint32_t o = rg->epoch.owner;

	if (ha_member_here(h, rg, o))
		owner_present(h, rg, o);
	else if (rg->headless_ns)
		owner_headless(h, rg, o);
	else if (!h->peer[o].in_view && !h->peer[o].in_ring)
		owner_gone(h, rg, o);
	else if (h->peer[o].greeted && !ha_in_set(rg, o) &&
		 rg->set) /* cannot be: owners are members */
		succeed(h, rg, REPL__CLAIM_REASON__CLAIM_TAKEOVER, equals(h, rg));
}

/* ---------------------------------------------------------------- nobody holds anything */

static bool source_is_here(const struct ha *h, const struct ha_rg *rg)
{
	for (uint32_t n = 0; n < h->top; n++)
		if (n != h->cfg.node && h->peer[n].in_view && h->peer[n].greeted &&
			rg->place[n].synced)
			return true;
	return false;
}

/* Alone of two nodes at the start: nothing may be heard of the other one's ownership. */
static bool start_is_quiet(const struct ha *h, const struct ha_rg *rg)
{
	uint32_t o = other_node(h);

	if (silent(h, rg, o))
		return true;
	if (h->peer[o].in_view || !layer2_silent(h, rg))
		return false;
	if (fabric_silent(h, o))
		return true;
	/* Its node is heard and does not act: its tandemd may hang, or be about to claim, too. One
	 * goes first. */
	return idle(h, rg, o) && h->now_ns - latest(h->start_ns, h->view.since_ns, 0) >=
					 MS(h->cfg.node < o ? FIRST_MS : SECOND_MS);
}

static bool start_is_primary(const struct ha *h, const struct ha_rg *rg)
{
	if (!h->cfg.two_node)
		return ha_view_is_quorate(h);
	return h->view.nodes == h->cfg.nodes || start_is_quiet(h, rg);
}

/* All who could come are here with a dataplane, or were waited for; the best one claims. */
/* A dataplane forwards on for a history that no tandemd holds any more: its deadline ends that. */
static bool still_forwards(const struct ha *h, const struct ha_rg *rg)
{
	for (uint32_t n = 0; n < h->top; n++)
		if (h->peer[n].fabric_up && rg->place[n].fabric_active)
			return true;
	return rg->probe_known && rg->probe_alive;
}

static void genesis(struct ha *h, struct ha_rg *rg)
{
	uint64_t begun = MAX(h->start_ns, h->view.since_ns);
	uint32_t own = ha_own_priority(h, rg), members = 0, ready = 0;

	for (uint32_t n = 0; n < h->top; n++) {
		uint32_t p = n == h->cfg.node ? own : rg->place[n].priority;

		if (!h->peer[n].in_view)
			continue;
		if (!h->peer[n].greeted && h->now_ns - h->view.since_ns < MS(10000))
			return;
		if (!h->peer[n].greeted)
			continue;
		members |= 1u << n;
		ready |= p ? 1u << n : 0;
		if (n != h->cfg.node && (p > own || (p == own && n < h->cfg.node)) && p)
			own = 0; /* somebody comes before us */
	}
	/* the dataplane of whoever came anew may act on for a deadline */
	if (own == 0 || h->now_ns - begun < h->lease_ns ||
		(ready != h->cfg.nodes && h->now_ns - begun < h->start_wait_ns) ||
		!start_is_primary(h, rg) || still_forwards(h, rg))
		return;
	claim(h, rg, REPL__CLAIM_REASON__CLAIM_GENESIS, members);
}

/* ---------------------------------------------------------------- the whole */

void ha_evaluate(struct ha *h, struct ha_rg *rg)
{
	if (!h->started || h->view.id == 0)
		return;
	if (!rg->synced) {
		if (rg->join.state < HA_SYNC_MARKED && !source_is_here(h, rg))
			genesis(h, rg);
	} else if (!ha_is_owner(h, rg)) {
		successor(h, rg);
	} else if (rg->lapsed) {
		owner_lapsed(h, rg);
	} else if (rg->acting) {
		owner_acting(h, rg);
	} else {
		owner_waiting(h, rg);
	}
	ha_handover_step(h, rg);
	ha_snapshot_step(h, rg);
	ha_log_flush(h, rg);
}

void ha_on_probe(struct ha *h, const struct ha_ev_probe *p)
{
	struct ha_rg *rg = ha_rg_find(h, p->rg);

	if (!rg)
		return;
	rg->probe_known = true;
	rg->probe_alive = p->alive;
	rg->probe_answer_ns = p->last_answer_ns;
}

/* A later owner, heard over the fabric while the group is split: ours is the branch that ends. */
static void fabric_rg(struct ha *h, uint32_t node, const struct ha_fabric_rg *f)
{
	struct ha_rg *rg = ha_rg_find(h, f->rg);
	struct ha_place *place;

	if (!rg)
		return;
	place = &rg->place[node];
	if (f->active)
		place->fabric_idle_ns = 0;
	else if (place->fabric_active || !place->fabric_idle_ns)
		place->fabric_idle_ns = h->now_ns;
	place->fabric_active = f->active;
	place->fabric_epoch = f->epoch;
	if (f->active && !rg->acting && rg->synced && h->cfg.two_node &&
		f->epoch > rg->epoch.number && !h->peer[node].greeted)
		ha_become_stale(h, rg, "the other node went on without this one");
	if (!f->active && rg->tie_ns) {
		rg->tie_ns = 0;
		rg->reclaim = true;
	}
	if (!f->active || !rg->acting)
		return;
	if (f->epoch > rg->epoch.number) {
		rg->dual = true;
		h->counters[COUNT_DUAL]++;
		ha_become_stale(h, rg, "a later owner was heard");
	} else if (f->epoch == rg->epoch.number && !h->peer[node].in_view && !rg->tie_ns) {
		/* Two claims of one number, in two rings: the fabric does not say which ring is the
		 * later. The lower node stops. The other waits for that, because it may be heard
		 * only one way; then it goes on in a new epoch, which outranks both. */
		rg->dual = true;
		h->counters[COUNT_DUAL]++;
		if (node > h->cfg.node)
			ha_lapse(h, rg, "another owner was heard");
		else
			rg->tie_ns = h->now_ns;
	}
}

void ha_on_fabric(struct ha *h, const struct ha_ev_fabric *f)
{
	struct ha_peer *p;

	if (f->node >= HA_NODES_MAX || f->node == h->cfg.node)
		return;
	p = &h->peer[f->node];
	p->fabric_known = true;
	p->fabric_up = f->up;
	p->control_alive = f->control_alive;
	p->fabric_heard_ns = f->last_heard_ns;
	if (!f->up)
		return;
	p->fabric_event_ns = h->now_ns;
	for (uint32_t i = 0; i < f->n_rgs; i++)
		fabric_rg(h, f->node, &f->rgs[i]);
}

void ha_on_fenced(struct ha *h, const struct ha_ev_fenced *f)
{
	struct ha_rg *rg = ha_rg_find(h, f->rg);

	if (rg && rg->fence_ns && f->node == rg->epoch.owner && f->epoch >= rg->epoch.number)
		rg->fenced = true;
}

/* The other node fenced us first. */
void ha_on_refused(struct ha *h, const struct ha_ev_refused *r)
{
	struct ha_rg *rg = ha_rg_find(h, r->rg);

	if (rg && rg->acting && r->epoch == rg->epoch.number)
		ha_lapse(h, rg, "its dataplane was fenced");
}

/* What a dataplane that starts empty sent before is not known to it: only a new epoch lets it send
 * beyond everything that was ever leased (rule 7). */
void ha_on_dataplane(struct ha *h, const struct ha_ev_dataplane *d)
{
	bool restarted =
		d->up && h->dataplane_incarnation && h->dataplane_incarnation != d->incarnation;

	if (d->up && !h->dataplane_up)
		h->dataplane_ns = h->now_ns;
	h->stall_ns = h->now_ns; /* not heard for a while, as after a pause */
	h->dataplane_up = d->up;
	if (d->up)
		h->dataplane_incarnation = d->incarnation;
	h->status_due = true;
	for (uint32_t i = 0; i < h->n_rg; i++) {
		struct ha_rg *rg = &h->rg[i];

		if (!d->up)
			rg->probe_known = false;
		if (!d->up || (h->dataplane_known && !restarted && !rg->told_deaf))
			continue;
		rg->told_deaf = false;
		if (rg->acting) {
			rg->told_role = HA_STANDBY; /* that is what an empty one does */
			rg->reclaim = true;
		} else {
			rg->told_any = false;
			ha_role_tell(h, rg, "dataplane started");
		}
	}
	h->dataplane_known |= d->up;
	for (uint32_t n = 0; n < h->top && !d->up; n++)
		h->peer[n].fabric_known = false;
}
