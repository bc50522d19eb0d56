/*
 * Who is here: views of the group, introductions, and what each node says of itself.
 *
 * A view's number is a digest of ring id and members: all who are in it compute the same. Messages
 * of another view are refused by everybody, so within a view all members see the same messages in
 * the same order from its first one; what was under way is sent again in the new view by its
 * sender.
 */
#include "core.h"

#include "base/err.h"

struct ha_rg *ha_rg_find(const struct ha *h, uint32_t id)
{
	for (uint32_t i = 0; i < h->n_rg; i++)
		if (h->rg[i].cfg->id == id)
			return &h->rg[i];
	return NULL;
}

bool ha_member_here(const struct ha *h, const struct ha_rg *rg, uint32_t node)
{
	const struct ha_peer *p = &h->peer[node];

	return ha_in_set(rg, node) && p->in_view && p->greeted &&
	       p->incarnation == rg->set_incarnation[node];
}

bool ha_is_tentative(const struct ha *h, const struct ha_rg *rg)
{
	return ha_is_owner(h, rg) && !rg->acting && !rg->lapsed &&
	       rg->claim_reason == REPL__CLAIM_REASON__CLAIM_GENESIS &&
	       rg->claim_index > rg->committed;
}

bool ha_is_owner(const struct ha *h, const struct ha_rg *rg)
{
	return rg->synced && rg->epoch.owner == h->cfg.node && rg->epoch.number > 0;
}

uint32_t ha_majority(const struct ha *h)
{
	uint32_t nodes = (uint32_t)__builtin_popcount(h->cfg.nodes);

	/* two nodes, with a third vote elsewhere (quorate alone is possible) or none at all */
	return nodes <= 2 ? 1 : nodes / 2 + 1;
}

bool ha_view_is_quorate(const struct ha *h)
{
	uint32_t here = 0;

	for (uint32_t n = 0; n < h->top; n++)
		here += h->peer[n].in_view && h->peer[n].greeted;
	return here >= ha_majority(h) && h->quorum_known && h->quorate &&
	       h->quorum_ring_seq == h->view.ring_seq && h->quorum_ring_node == h->view.ring_node;
}

static bool other_is_greeted(const struct ha *h)
{
	for (uint32_t n = 0; n < h->top; n++)
		if ((h->cfg.nodes & 1u << n) && !h->peer[n].greeted)
			return false;
	return true;
}

/* Two nodes without a third vote are never refused by Corosync, so its word means nothing. With
 * both in the group nobody else can act. Alone, only who has claimed in this very ring may go on:
 * owner.c lets nobody claim alone who has not met the rule of silence, or has not been the owner
 * without interruption. */
bool ha_view_is_primary(const struct ha *h, const struct ha_rg *rg)
{
	if (h->view.id == 0)
		return false;
	if (!h->cfg.two_node)
		return ha_view_is_quorate(h);
	if (h->view.nodes == h->cfg.nodes)
		return other_is_greeted(h);
	return rg->epoch.owner == h->cfg.node && rg->epoch.ring_seq == h->view.ring_seq &&
	       rg->epoch.ring_node == h->view.ring_node;
}

uint32_t ha_own_monitors(const struct ha *h, const struct ha_rg *rg)
{
	return rg->monitors | (rg->synced ? 0 : HA_MON_CS) | (h->dataplane_up ? 0 : HA_MON_SP) |
	       (h->leaving ? HA_MON_RE : 0);
}

/* 0 = cannot own it now. What is not synced is told by another field: it can still be chosen when
 * nobody is. */
uint32_t ha_own_priority(const struct ha *h, const struct ha_rg *rg)
{
	if (!h->dataplane_up || rg->monitor_failed || h->leaving)
		return 0;
	return rg->cfg->priority[h->cfg.node];
}

/* Two nodes: a copy whose owner may have gone on without us is not to be acted upon, until the
 * other one's Hello says what it did. */
void ha_doubt(struct ha *h, struct ha_rg *rg)
{
	if (!h->cfg.two_node || !rg->synced || rg->doubt || rg->epoch.owner == h->cfg.node ||
		h->policy->no_doubt)
		return;
	rg->doubt = true;
	rg->doubt_ns = h->now_ns;
}

/* ---------------------------------------------------------------- views */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

static uint64_t view_number(const struct ha_ev_view *v)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < v->n_members; i++)
		sum += mix(mix(3, v->members[i].node), v->members[i].pid);
	sum = mix(mix(mix(1, v->ring_seq), v->ring_node), sum);
	return sum ? sum : 1;
}

static bool was_member(const struct ha *h, const struct ha_member *m)
{
	const struct ha_peer *p = &h->peer[m->node];

	return p->in_view && p->pid == m->pid;
}

static bool is_joined(const struct ha_ev_view *v, uint32_t node)
{
	for (uint32_t i = 0; i < v->n_joined; i++)
		if (v->joined[i].node == node)
			return true;
	return false;
}

static void peer_left(struct ha *h, uint32_t node)
{
	struct ha_peer *p = &h->peer[node];

	if (p->in_view)
		p->left_ns = h->now_ns;
	p->in_view = p->greeted = p->joined = false;
	p->challenged = p->echoed = false;
}

/* A stay in the group begins: nothing it said before counts. */
static void peer_joined(struct ha *h, uint32_t node, uint32_t pid)
{
	struct ha_peer *p = &h->peer[node];
	bool apart = !p->known;

	peer_left(h, node);
	p->known = false;
	p->in_view = true;
	p->joined = true;
	p->pid = pid;
	for (uint32_t i = 0; i < h->n_rg; i++) {
		struct ha_place *place = &h->rg[i].place[node];

		place->synced = place->needs = place->ready = false;
		place->ahead = 0;
		/* an owner that was elsewhere may have gone on alone there */
		if (apart && h->rg[i].epoch.owner == node)
			ha_doubt(h, &h->rg[i]);
	}
	h->view.merged = true;
}

static void members_apply(struct ha *h, const struct ha_ev_view *v)
{
	bool again = h->view.id == 0 || is_joined(v, h->cfg.node); /* we are the newcomer */
	uint32_t here = 0;

	for (uint32_t n = 0; again && n < h->top; n++)
		h->peer[n].known = false;

	for (uint32_t i = 0; i < v->n_members; i++) {
		const struct ha_member *m = &v->members[i];

		if (m->node >= h->top || !(h->cfg.nodes & 1u << m->node))
			continue; /* not ours: nothing it says is heard */
		here |= 1u << m->node;
		if (m->node == h->cfg.node)
			continue;
		if (again || is_joined(v, m->node) || !was_member(h, m))
			peer_joined(h, m->node, m->pid);
	}
	for (uint32_t n = 0; n < h->top; n++) {
		if (n != h->cfg.node && !(here & 1u << n))
			peer_left(h, n);
		h->peer[n].in_ring = v->ring_nodes & 1u << n;
		h->peer[n].known &= h->peer[n].in_ring;
	}
	h->view.nodes = here;
}

/* In another ring only those who came along with us are known: whatever else is in it may have been
 * on its own in between. */
static void known_apply(struct ha *h, const struct ha_ev_view *v)
{
	bool same = v->ring_seq == h->view.ring_seq && v->ring_node == h->view.ring_node;

	for (uint32_t n = 0; n < h->top; n++)
		if (!same && !h->peer[n].in_view)
			h->peer[n].known = false;
	for (uint32_t i = 0; i < v->n_left; i++)
		if (v->left[i].node < h->top && v->left[i].reason == HA_LEFT_NODEDOWN)
			h->peer[v->left[i].node].known = false;
}

static void self_apply(struct ha *h, const struct ha_ev_view *v)
{
	struct ha_peer *self = &h->peer[h->cfg.node];

	for (uint32_t i = 0; i < v->n_members; i++)
		if (v->members[i].node == h->cfg.node)
			self->pid = v->members[i].pid;
	self->in_view = self->greeted = true;
	self->incarnation = h->incarnation;
	self->schema = HA_SCHEMA;
}

/* Headless: its tandemd is gone while its Corosync lives (rule 5). */
static void note_headless(struct ha *h, struct ha_rg *rg)
{
	uint32_t o = rg->epoch.owner;
	const struct ha_peer *p = &h->peer[o];
	bool headless = rg->synced && rg->epoch.number && o != h->cfg.node && p->in_ring &&
			(!p->in_view || (p->greeted && p->incarnation != rg->set_incarnation[o]));

	if (headless && !rg->headless_ns) {
		rg->headless_ns = h->now_ns;
		ha_say(h, LOG_LEVEL_WARN, "ha.rg.headless", "rg=%u owner=node%u epoch=%llu",
			rg->cfg->id, o, (unsigned long long)rg->epoch.number);
	} else if (!headless && !(p->in_view && !p->greeted)) {
		rg->headless_ns = 0; /* a newcomer not yet introduced may be a restarted owner */
	}
}

static void rg_view_changed(struct ha *h, struct ha_rg *rg)
{
	rg->view_epoch = rg->epoch;
	rg->view_index = rg->index;
	rg->claim_sent = false;
	rg->vacant_ns = 0;
	rg->told_index = 0;
	for (uint32_t n = 0; n < h->top; n++) {
		ha_forget_ack(h, rg, n);
		rg->place[n].needs = rg->place[n].ready = false;
	}
	note_headless(h, rg);
	/* not one sign from the owner since we slept for long enough to be left behind */
	if (h->peer[rg->epoch.owner % HA_NODES_MAX].proven_ns < h->slept_ns)
		ha_doubt(h, rg);
	ha_snapshot_reset(h, rg);
	ha_log_view_changed(h, rg);
	ha_handover_step(h, rg);
}

void ha_on_view(struct ha *h, const struct ha_ev_view *v)
{
	uint32_t before = h->view.nodes;

	h->view.merged = false;
	members_apply(h, v);
	known_apply(h, v);
	h->view.id = view_number(v);
	h->view.ring_seq = v->ring_seq;
	h->view.ring_node = v->ring_node;
	h->view.ring_nodes = v->ring_nodes;
	h->view.since_ns = h->now_ns;
	self_apply(h, v);
	for (uint32_t n = 0; n < h->top; n++) {
		struct ha_peer *p = &h->peer[n];

		p->renew_acked = 0;
		h->hello_due |= p->in_view && n != h->cfg.node && (!p->greeted || !p->echoed);
	}
	if (h->view.merged)
		env_random(&h->cfg.env, h->challenge, sizeof h->challenge);
	h->ack_due = true; /* positions count anew in each view */
	ha_say(h, LOG_LEVEL_NOTICE, "ha.view", "ring=%u.%llu nodes=0x%x before=0x%x merged=%d",
		v->ring_node, (unsigned long long)v->ring_seq, h->view.nodes, before,
		h->view.merged);
	for (uint32_t i = 0; i < h->n_rg; i++)
		rg_view_changed(h, &h->rg[i]);
}

void ha_on_quorum(struct ha *h, const struct ha_ev_quorum *q)
{
	if (!h->quorum_known || h->quorate != q->quorate)
		ha_say(h, LOG_LEVEL_NOTICE, "ha.quorum", "quorate=%d", q->quorate);
	h->quorum_known = true;
	h->quorate = q->quorate;
	h->quorum_ring_seq = q->ring_seq;
	h->quorum_ring_node = q->ring_node;
}

/* Corosync is gone: nothing can be proven any more, so nothing may be done (I7). */
void ha_on_bus_down(struct ha *h)
{
	if (h->view.id)
		ha_say(h, LOG_LEVEL_ERR, "ha.bus.down", "standby until Corosync is back");
	for (uint32_t n = 0; n < h->top; n++) {
		peer_left(h, n);
		h->peer[n].known = false;
	}
	h->view = (struct ha_view){.since_ns = h->now_ns};
	h->quorum_known = h->quorate = false;
	for (uint32_t i = 0; i < h->n_rg; i++) {
		struct ha_rg *rg = &h->rg[i];

		rg_view_changed(h, rg);
		ha_doubt(h, rg);
		if (ha_is_owner(h, rg))
			ha_lapse(h, rg, "Corosync is gone");
	}
}

/* ---------------------------------------------------------------- introductions */

/* An owner of our epoch is here and acts: it is no history without a future. Not so when it is the
 * one who says that it held a later epoch. */
static bool owner_speaks(const struct ha *h, const struct ha_rg *rg, uint32_t from)
{
	uint32_t o = rg->epoch.owner;

	return o != h->cfg.node && o != from && ha_member_here(h, rg, o) && !rg->place[o].vacant;
}

/* Its epoch is later only by claims of its own that were never committed; ours is one that it does
 * not know. */
static bool is_in_vain(const struct ha_rg *rg, const Repl__RgHello *m)
{
	struct ha_epoch sure;

	if (!m->sure || rg->unsure)
		return false;
	sure = ha_epoch_of(m->sure);
	return ha_epoch_compare(&sure, &rg->view_epoch) < 0;
}

/* Where does its history stand against ours? Both as of the start of this view. */
static void place_compare(struct ha *h, struct ha_rg *rg, uint32_t from, const Repl__RgHello *m)
{
	struct ha_place *place = &rg->place[from];
	struct ha_epoch theirs = ha_epoch_of(m->epoch), now = ha_epoch_of(m->now), held;
	bool has_us = false;
	int order;

	place->ahead = 0;
	held = ha_epoch_of(m->held);
	/* Of several claims of one number in one ring the first one counted. Who had no copy could
	 * not tell which of them did; we can. */
	held.owner = rg->epoch.owner;
	if (rg->synced && !rg->acting && !owner_speaks(h, rg, from) &&
		ha_epoch_compare(&held, &rg->epoch) > 0) {
		/* That process may have forgotten what it held, but entries were perhaps committed
		 * in that epoch, and our copy has none of them. */
		ha_become_stale(h, rg, "a later epoch was held");
		return;
	}
	/* the other one's disk says that it never claimed again: nothing was committed without us
	 */
	if (h->cfg.two_node)
		rg->doubt = false;
	if (!m->synced || !rg->synced)
		return;
	if (ha_is_tentative(h, rg)) {
		if (!ha_epoch_equal(&now, &rg->epoch)) /* else it follows us */
			ha_become_stale(h, rg, "somebody holds something");
		return;
	}
	order = ha_epoch_compare(&theirs, &rg->view_epoch);
	if (!ha_epoch_equal(&rg->epoch, &rg->view_epoch)) {
		/* a CLAIM came first in this view: its members are where we are */
		if (ha_epoch_compare(&theirs, &rg->epoch) > 0)
			ha_become_stale(h, rg, "a later epoch was met");
		return;
	}
	for (size_t i = 0; i < m->n_members; i++)
		has_us |= m->members[i]->node == h->cfg.node &&
			  m->members[i]->incarnation == h->incarnation &&
			  m->members[i]->copy == rg->copy;
	if (order < 0 && rg->unsure && !m->sure && ha_epoch_compare(&theirs, &rg->sure_epoch) > 0) {
		ha_become_stale(h, rg, "others went on while our claim was in vain");
	} else if (order > 0 && is_in_vain(rg, m)) {
		place->ahead = -1;
	} else if (order > 0) {
		ha_become_stale(h, rg, "a later epoch was met");
	} else if (order == 0 && m->index > rg->view_index) {
		place->ahead = 1;
		/* Same epoch, longer history, and we are not in its commit set: entries may be
		 * committed that we never saw. */
		if (!has_us)
			ha_become_stale(h, rg, "expelled while away");
	} else if (order < 0 || m->index < rg->view_index) {
		place->ahead = -1;
	}
}

static void place_from_hello(struct ha *h, uint32_t from, const Repl__RgHello *m)
{
	struct ha_rg *rg = ha_rg_find(h, m->rg);
	struct ha_place *place;

	if (!rg)
		return;
	place = &rg->place[from];
	place->epoch = ha_epoch_of(m->epoch);
	place->index = m->index;
	place->synced = m->synced;
	place->seen = m->seen;
	if (m->status) {
		place->priority = m->status->priority;
		place->monitors = m->status->monitors;
		place->vacant = m->status->vacant;
	}
	if (m->seen > rg->seen)
		rg->seen = m->seen;
	if (h->peer[from].joined)
		place_compare(h, rg, from, m);
}

void ha_on_hello(struct ha *h, uint32_t from, const Repl__Hello *m)
{
	struct ha_peer *p = &h->peer[from];
	bool first = !p->greeted || p->incarnation != m->incarnation;

	if (from == h->cfg.node)
		return;
	if (m->schema_min > HA_SCHEMA) {
		ha_say(h, LOG_LEVEL_ERR, "ha.peer.version", "peer=%u needs=%u here=%u", from,
			m->schema_min, HA_SCHEMA);
		return;
	}
	if (p->incarnation != m->incarnation) {
		/* a new process: what the old one acknowledged or was acknowledged is past */
		p->renew_seen = p->renew_told = p->renew_acked = p->proven_ns = 0;
		p->incarnation = m->incarnation;
	}
	p->schema = MIN(m->schema, (uint32_t)HA_SCHEMA);
	p->greeted = p->known = true;
	p->last_rx_ns = h->now_ns;
	if (first)
		ha_say(h, LOG_LEVEL_INFO, "ha.peer.greeted", "peer=%u schema=%u", from, p->schema);
	for (size_t i = 0; i < m->n_rgs; i++)
		place_from_hello(h, from, m->rgs[i]);
	for (uint32_t i = 0; i < h->n_rg; i++)
		note_headless(h, &h->rg[i]);
	h->ack_due = true;
}

void ha_on_status(struct ha *h, uint32_t from, const Repl__Status *m)
{
	for (size_t i = 0; i < m->n_rgs; i++) {
		struct ha_rg *rg = ha_rg_find(h, m->rgs[i]->rg);

		if (!rg || from == h->cfg.node)
			continue;
		rg->place[from].priority = m->rgs[i]->priority;
		rg->place[from].monitors = m->rgs[i]->monitors;
		rg->place[from].vacant = m->rgs[i]->vacant;
	}
}
