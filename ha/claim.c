/*
 * CLAIM: the first entry of an epoch, and what follows from it (rule 3).
 *
 * It names the epoch and the very index it was made on, and the whole new commit set. It applies
 * where exactly these are held: of two CLAIMs on the same state the first delivered wins everywhere
 * and the other is void. The owner it names acts once every member has acknowledged it, on disk;
 * since they acknowledge in order, that commits everything before it as well, including entries of
 * the dead owner that it never knew to be committed: they are kept.
 *
 * The owner itself makes a new CLAIM whenever a member of its commit set is gone. Otherwise a
 * CLAIM delivered only at the node that is gone would outrank what is committed without it: so any
 * history in which something may have been committed after two nodes parted has the higher epoch.
 */
#include "base/err.h"
#include "core.h"

enum { GENESIS_STEP = 16 };

void ha_claim_send(struct ha *h, struct ha_rg *rg, const struct ha_claim *c)
{
	Repl__Message m = REPL__MESSAGE__INIT;
	Repl__Claim claim = REPL__CLAIM__INIT;
	Repl__Epoch prev, next;
	Repl__Member member[HA_NODES_MAX], *members[HA_NODES_MAX];
	struct ha_epoch e = {.number = MAX(rg->epoch.number, rg->seen) + 1,
		.ring_seq = h->view.ring_seq,
		.ring_node = h->view.ring_node,
		.owner = c->owner};
	struct ha_epoch none = {0};
	bool genesis = c->reason == REPL__CLAIM_REASON__CLAIM_GENESIS;

	/* Far above claims that were never committed and may still be held somewhere. */
	if (genesis)
		e.number += GENESIS_STEP;
	if (h->policy->reuse_epoch && rg->epoch.number)
		e.number = rg->epoch.number;
	ha_epoch_out(genesis ? &none : &rg->epoch, &prev);
	ha_epoch_out(&e, &next);
	claim.rg = rg->cfg->id;
	claim.prev = &prev;
	claim.prev_index = genesis ? 0 : ha_log_sent_index(rg);
	claim.next = &next;
	claim.reason = c->reason;
	claim.manual = c->manual;
	claim.members = members;
	for (uint32_t n = 0; n < h->top; n++) {
		if (!(c->members & 1u << n))
			continue;
		repl__member__init(&member[n]);
		member[n].node = n;
		member[n].incarnation = h->peer[n].incarnation;
		if (!genesis)
			member[n].copy =
				ha_member_here(h, rg, n) ? rg->set_copy[n] : rg->place[n].copy;
		members[claim.n_members++] = &member[n];
	}
	m.claim = &claim;
	rg->claim_sent = true;
	rg->claim_ns = h->now_ns;
	ha_say(h, LOG_LEVEL_NOTICE, "ha.claim.send",
		"rg=%u epoch=%llu owner=%u members=0x%x reason=%u index=%llu", rg->cfg->id,
		(unsigned long long)e.number, c->owner, c->members, (unsigned)c->reason,
		(unsigned long long)claim.prev_index);
	ha_send(h, &m);
	rg->claim_sent_renew = h->renew_id;
}

/* ---------------------------------------------------------------- roles */

void ha_role_tell(struct ha *h, struct ha_rg *rg, const char *reason)
{
	bool owner = ha_is_owner(h, rg);
	/* an empty dataplane acts in a new epoch only */
	enum ha_role role = owner && rg->acting && !rg->reclaim ? HA_ACTIVE : HA_STANDBY;
	uint32_t node = owner && !rg->acting ? HA_NODE_NONE : rg->epoch.owner;
	struct ha_effect *e;

	if (rg->epoch.number == 0)
		node = HA_NODE_NONE;
	if (rg->told_any && rg->told_role == role && rg->told_owner == node &&
		rg->told_epoch == rg->epoch.number)
		return;
	if (role == HA_ACTIVE && rg->hand.frozen) {
		/* a handover that did not work out: what was queued here is used here */
		rg->hand.frozen = false;
		e = ha_do(h, HA_DO_HANDOVER_ABORT);
		e->handover.rg = rg->cfg->id;
		e->handover.last_bucket = (1u << h->cfg.bucket_bits) - 1;
		e->handover.epoch = rg->epoch.number;
	}
	e = ha_do(h, HA_DO_ROLE);
	e->role.rg = rg->cfg->id;
	e->role.role = role;
	e->role.epoch = rg->epoch;
	e->role.owner = node;
	e->role.reason = reason;
	if (role == HA_ACTIVE) {
		e->role.deadline_ns = rg->deadline_ns;
		e->role.continued = rg->continued && rg->told_role == HA_ACTIVE;
		e->role.adopt = rg->claim_reason == REPL__CLAIM_REASON__CLAIM_ADOPT;
		e->role.handover = rg->claim_reason == REPL__CLAIM_REASON__CLAIM_HANDOVER &&
				   !list_is_empty(&rg->pieces);
		rg->told_deadline_ns = rg->deadline_ns;
		rg->told_deaf |= !h->dataplane_up;
	}
	rg->told_any = true;
	rg->told_role = role;
	rg->told_owner = node;
	rg->told_epoch = rg->epoch.number;
}

static const char *reason_text(const struct ha_rg *rg)
{
	switch (rg->claim_reason) {
	case REPL__CLAIM_REASON__CLAIM_HANDOVER:
		return rg->manual ? "Manual failover" : "Remote yield";
	case REPL__CLAIM_REASON__CLAIM_GENESIS:
		return "Better priority";
	case REPL__CLAIM_REASON__CLAIM_ADOPT:
		return "Control restarted";
	case REPL__CLAIM_REASON__CLAIM_RECLAIM:
		return "Members changed";
	case REPL__CLAIM_REASON__CLAIM_TAKEOVER:
	case REPL__CLAIM_REASON__CLAIM_FENCED:
	case _REPL__CLAIM_REASON_IS_INT_SIZE:
	default:
		return "Remote node is lost";
	}
}

void ha_become_active(struct ha *h, struct ha_rg *rg)
{
	bool exact = ha_handover_activate(h, rg);
	struct ha_effect *e;

	rg->acting = true;
	rg->vacant = false;
	rg->acting_ns = h->now_ns;
	rg->heard_ns = 0;
	ha_say(h, LOG_LEVEL_NOTICE, "ha.rg.active", "rg=%u epoch=%llu reason=\"%s\"", rg->cfg->id,
		(unsigned long long)rg->epoch.number, reason_text(rg));
	ha_role_tell(h, rg, reason_text(rg));
	if (!rg->continued && !exact) {
		e = ha_do(h, HA_DO_ANNOUNCE);
		e->announce.rg = rg->cfg->id;
		e->announce.count = rg->cfg->announce_count;
	}
	rg->continued = true;
	h->status_due = true;
}

void ha_become_synced(struct ha *h, struct ha_rg *rg)
{
	if (rg->synced)
		return;
	rg->synced = true;
	ha_store_settle(&rg->store);
	ha_snapshot_reset(h, rg);
	rg->place[h->cfg.node].synced = true;
	ha_do(h, HA_DO_SYNCED)->rg = rg->cfg->id;
	h->status_due = h->ack_due = true;
	rg->told_index = 0;
}

/* Its copy is no continuation of what the others hold. It stays readable until a snapshot replaces
 * it, and may never be acted upon. */
void ha_become_stale(struct ha *h, struct ha_rg *rg, const char *reason)
{
	bool acted = rg->acting;

	if (!rg->synced && rg->join.state == HA_SYNC_WANT)
		return;
	ha_say(h, LOG_LEVEL_WARN, "ha.rg.stale", "rg=%u epoch=%llu index=%llu reason=\"%s\"",
		rg->cfg->id, (unsigned long long)rg->epoch.number, (unsigned long long)rg->index,
		reason);
	ha_handover_abort(h, rg, reason);
	rg->acting = rg->lapsed = rg->vacant = false;
	ha_log_lost(h, rg, HA_REJECT_LOST);
	rg->synced = rg->doubt = rg->unsure = false;
	rg->place[h->cfg.node].synced = false;
	h->counters[COUNT_LAPSED] += acted;
	ha_handover_forget(rg);
	ha_snapshot_reset(h, rg);
	ha_want_sync(h, rg);
	ha_role_tell(h, rg, reason);
	h->status_due = true;
}

/* ---------------------------------------------------------------- applying */

static bool hold_epoch(struct ha_rg *rg, const struct ha_epoch *e)
{
	if (ha_epoch_compare(e, &rg->held) <= 0)
		return false;
	rg->held = *e;
	return true;
}

/* With quorum a node without a copy helps to commit a CLAIM too. So it must remember it, on disk,
 * before it does: whoever comes later with an older copy learns from it that there was a later one.
 */
static void remember(struct ha *h, struct ha_rg *rg, uint32_t from, const struct ha_epoch *next)
{
	if (hold_epoch(rg, next))
		h->peer[from].renew_serial = ha_state_save(h);
}

/* Does it name us, that is, the copy we hold? */
static bool names_us(const struct ha *h, const struct ha_rg *rg, const Repl__Claim *m)
{
	bool genesis = m->reason == REPL__CLAIM_REASON__CLAIM_GENESIS;
	bool whole = rg->synced || rg->join.state == HA_SYNC_READY;
	uint64_t copy = rg->synced ? rg->copy : rg->join.transfer;

	for (size_t i = 0; i < m->n_members; i++)
		if (m->members[i]->node == h->cfg.node &&
			m->members[i]->incarnation == h->incarnation)
			return genesis || (whole && m->members[i]->copy == copy);
	return false;
}

static void set_install(struct ha *h, struct ha_rg *rg, const Repl__Claim *m)
{
	rg->set = 0;
	for (uint32_t n = 0; n < h->top; n++) {
		ha_forget_ack(h, rg, n);
		rg->place[n].synced = false;
		rg->place[n].vacant = false;
	}
	for (size_t i = 0; i < m->n_members; i++) {
		uint32_t n = m->members[i]->node;

		if (n >= HA_NODES_MAX)
			continue;
		rg->set |= 1u << n;
		rg->set_incarnation[n] = m->members[i]->incarnation;
		rg->set_copy[n] = m->members[i]->copy;
		rg->place[n].ahead = 0;
		rg->place[n].needs = rg->place[n].ready = false;
		rg->place[n].synced = h->peer[n].incarnation == m->members[i]->incarnation;
	}
	rg->expelling = rg->admitting = 0;
}

/* With quorum, nobody helps a successor to act before the old owner's deadline has passed as far as
 * this node's own acknowledgements allowed it to reach. */
static void wait_out(struct ha *h, struct ha_rg *rg, uint32_t claimant, uint32_t old)
{
	struct ha_peer *p = &h->peer[claimant];
	uint64_t last = MAX(h->peer[old].last_rx_ns, rg->renewed_ns);
	uint64_t until;

	if (h->cfg.two_node || rg->claim_reason != REPL__CLAIM_REASON__CLAIM_TAKEOVER ||
		old == claimant || ha_in_set(rg, old) || old == h->cfg.node)
		return;
	until = last + h->lease_ns;
	if (until > p->renew_hold_ns)
		p->renew_hold_ns = until;
}

static void owner_changed(struct ha *h, struct ha_rg *rg, const struct ha_epoch *old, bool acted)
{
	bool was_owner = old->owner == h->cfg.node && old->number;
	bool is_owner = rg->epoch.owner == h->cfg.node;

	if (was_owner && !is_owner) {
		bool handed = rg->claim_reason == REPL__CLAIM_REASON__CLAIM_HANDOVER;

		rg->acting = rg->lapsed = rg->vacant = false;
		if (handed)
			rg->hand.step = HA_HAND_FORWARD;
		else
			ha_handover_abort(h, rg, "another node claimed");
		rg->hand.began_ns = h->now_ns;
		ha_log_lost(h, rg, handed ? HA_REJECT_HANDOVER : HA_REJECT_LOST);
	}
	if (is_owner) {
		/* what was frozen for it is used again with the new epoch's role */
		ha_handover_abort(h, rg, "the members changed");
		rg->hand.step = HA_HAND_NONE; /* nor is anything to be forwarded any more */
		rg->continued = was_owner && acted && !rg->reclaim;
		rg->acting = rg->continued;
		rg->lapsed = false;
		if (!rg->continued) {
			/* the host starts over from what the log holds by then */
			rg->deadline_ns = 0;
			ha_log_lost(h, rg, HA_REJECT_LOST);
		}
		rg->reclaim = false;
		ha_log_renumber(rg);
		h->renew_due = true;
	}
}

/* Only the owner knows whether its claim was committed. One that was not, and what was written
 * after it, has had no effect: it need not outrank what others have committed without us. */
static void note_unsure(struct ha *h, struct ha_rg *rg, uint32_t from, const Repl__Claim *m)
{
	bool ours = from == h->cfg.node && m->next->owner == h->cfg.node;

	if (ours && !rg->unsure) {
		rg->held_before = rg->held;
		rg->sure_epoch = rg->epoch;
	}
	rg->unsure = ours;
}

static void claim_apply(struct ha *h, struct ha_rg *rg, uint32_t from, const Repl__Claim *m)
{
	struct ha_epoch old = rg->epoch;
	bool acted = rg->acting, named = names_us(h, rg, m);

	note_unsure(h, rg, from, m);
	rg->epoch = ha_epoch_of(m->next);
	rg->index = m->prev_index + 1;
	rg->claim_index = rg->index;
	rg->epoch_ns = h->now_ns;
	hold_epoch(rg, &rg->epoch);
	rg->doubt = false;
	rg->tie_ns = 0;
	rg->claim_reason = m->reason;
	rg->claim_renew = from == h->cfg.node ? rg->claim_sent_renew : h->renew_id + 1;
	h->counters[COUNT_CLAIMS]++;
	set_install(h, rg, m);
	if (rg->epoch.owner != old.owner || old.number == 0) {
		rg->failovers++;
		rg->failover_ns = h->now_ns;
	}
	if (m->manual)
		rg->manual = m->manual;
	wait_out(h, rg, from, old.owner);
	rg->headless_ns = rg->fence_ns = rg->renewed_ns = rg->vacant_ns = rg->preempt_ns = 0;
	rg->fenced = false;
	if (rg->claim_reason != REPL__CLAIM_REASON__CLAIM_HANDOVER ||
		rg->epoch.owner != h->cfg.node)
		ha_handover_forget(rg);
	ha_say(h, LOG_LEVEL_NOTICE, "ha.claim.applied", "rg=%u epoch=%llu owner=%u index=%llu",
		rg->cfg->id, (unsigned long long)rg->epoch.number, rg->epoch.owner,
		(unsigned long long)rg->index);
	owner_changed(h, rg, &old, acted);
	ha_config_applied(h, rg);
	if (named) {
		rg->copy = rg->set_copy[h->cfg.node];
		ha_become_synced(h, rg);
	} else if (rg->synced) {
		ha_become_stale(h, rg, "left out of a claim");
	} else if (ha_in_set(rg, h->cfg.node) &&
		   rg->set_incarnation[h->cfg.node] == h->incarnation) {
		ha_want_sync(h, rg); /* it counts on a copy that we have discarded since */
	}
	/* an owner that goes on tells when the claim is committed */
	if (!(rg->acting && ha_is_owner(h, rg)))
		ha_role_tell(h, rg, reason_text(rg));
	h->ack_due = true;
}

/* A claim that was sent before its sender heard of another one is too late. */
static bool somebody_holds(const struct ha *h, const struct ha_rg *rg, uint32_t from)
{
	for (uint32_t n = 0; n < h->top; n++)
		if (n != h->cfg.node && n != from && h->peer[n].in_view && rg->place[n].synced)
			return true;
	return false;
}

/* Nobody who is here holds anything: start from nothing. */
static void genesis_in(struct ha *h, struct ha_rg *rg, uint32_t from, const Repl__Claim *m)
{
	if (rg->synced || somebody_holds(h, rg, from))
		return;
	if (!names_us(h, rg, m)) {
		struct ha_epoch next = ha_epoch_of(m->next);

		remember(h, rg, from, &next);
		rg->place[from].synced = true; /* a source */
		ha_want_sync(h, rg);
		return;
	}
	ha_snapshot_reset(h, rg);
	ha_store_clear(&rg->store);
	ha_do(h, HA_DO_RESET)->rg = rg->cfg->id;
	rg->committed = 0;
	rg->epoch = (struct ha_epoch){0};
	claim_apply(h, rg, from, m);
}

/* Made on exactly the state held here, by one who may? */
static bool claim_fits(struct ha *h, struct ha_rg *rg, uint32_t from, const Repl__Claim *m)
{
	struct ha_epoch prev = ha_epoch_of(m->prev);
	int order = ha_epoch_compare(&prev, &rg->epoch);
	bool self = from == h->cfg.node;

	if (order < 0)
		return false; /* somebody claimed first */
	if (order > 0) {
		ha_become_stale(h, rg, "an epoch was missed");
		return false;
	}
	if (!ha_in_set(rg, from) || h->peer[from].incarnation != rg->set_incarnation[from])
		return false;
	if (m->prev_index > rg->index) {
		ha_become_stale(h, rg, "an entry was missed");
		return false;
	}
	if (m->prev_index < rg->index) {
		/* Entries of this view came between: void for all. But entries from before this
		 * view that the claimant lacks: it applies there, and our branch ends here. */
		if (m->prev_index < rg->view_index && !self)
			ha_become_stale(h, rg, "the claimant never had our last entries");
		return false;
	}
	return true;
}

void ha_on_claim(struct ha *h, uint32_t from, const Repl__Claim *m)
{
	struct ha_rg *rg = ha_rg_find(h, m->rg);
	struct ha_epoch next;

	if (!rg || !m->prev || !m->next || m->next->owner >= HA_NODES_MAX)
		return;
	if (from == h->cfg.node)
		rg->claim_sent = false;
	next = ha_epoch_of(m->next);
	if (next.number > rg->seen)
		rg->seen = next.number;
	if (m->reason == REPL__CLAIM_REASON__CLAIM_GENESIS) {
		genesis_in(h, rg, from, m);
		return;
	}
	if (rg->join.state == HA_SYNC_MARKED) {
		size_t n = repl__claim__get_packed_size(m);
		uint8_t *p = ha_scratch(h, n);

		if (p && n == repl__claim__pack(m, p))
			(void)ha_snapshot_keep(h, rg, from, true, view_of(p, n));
		return;
	}
	if (!rg->synced)
		remember(h, rg, from, &next);
	if (!rg->synced && rg->join.state < HA_SYNC_FILLING) {
		for (size_t i = 0; i < m->n_members; i++) {
			uint32_t n = m->members[i]->node;

			if (n < HA_NODES_MAX && n != h->cfg.node &&
				h->peer[n].incarnation == m->members[i]->incarnation)
				rg->place[n].synced = true;
		}
		return;
	}
	if (!claim_fits(h, rg, from, m))
		h->counters[COUNT_STALE_EPOCH]++;
	else
		claim_apply(h, rg, from, m);
}
