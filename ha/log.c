/*
 * The log of one redundancy group: the owner's outbox, and applying what is delivered.
 *
 * Single writer: only the owner of the current epoch appends, and numbers what it appends one by
 * one. So within an epoch every node's history is a prefix of the longest one, a hole shows at
 * once, and entries may be multicast again (after each change of view) without harm: who has them
 * skips them. An entry keeps number and octets as long as its epoch lives, because somebody may
 * have it although its own writer has not (survivors can be ahead of the sender).
 */
#include <stdlib.h>

#include "base/err.h"
#include "core.h"

/* ---------------------------------------------------------------- outbox */

static void out_free(struct ha_rg *rg, struct ha_out *o)
{
	list_del(&o->link);
	rg->n_outbox--;
	blob_fini(&o->items);
	free(o->tickets);
	free(o);
}

static struct ha_out *out_last(const struct ha_rg *rg)
{
	return list_is_empty(&rg->outbox) ? NULL : list_item(rg->outbox.prev, struct ha_out, link);
}

static struct ha_out *out_new(struct ha_rg *rg, bool config)
{
	struct ha_out *o = calloc(1, sizeof *o);

	if (!o)
		return NULL;
	o->config = config;
	list_add_tail(&rg->outbox, &o->link);
	rg->n_outbox++;
	return o;
}

/* The entry still gathering, if `more` octets fit, else a new one. */
static struct ha_out *out_open(struct ha_rg *rg, size_t more, bool config)
{
	struct ha_out *o = out_last(rg);

	if (o && o->index == 0 && !o->config && !config && o->items.n + more <= HA_ITEMS_MAX)
		return o;
	return out_new(rg, config);
}

static int out_append(struct ha_out *o, const Repl__Log *items)
{
	size_t n = repl__log__get_packed_size(items);

	if (o->items.n + n > o->cap) {
		size_t cap = MAX(o->cap * 2, o->items.n + n);
		uint8_t *p = realloc(o->items.p, cap);

		if (!p)
			return -ERR_NOMEM;
		o->items.p = p;
		o->cap = cap;
	}
	repl__log__pack(items, o->items.p + o->items.n);
	o->items.n += n;
	return 0;
}

static int out_ticket(struct ha_out *o, uint64_t ticket)
{
	uint64_t *v = realloc(o->tickets, (o->n_tickets + 1) * sizeof *v);

	if (!v)
		return -ERR_NOMEM;
	v[o->n_tickets] = ticket;
	o->tickets = v;
	o->n_tickets++;
	return 0;
}

void ha_log_item(struct ha *h, struct ha_rg *rg, Repl__Item *item, bool config)
{
	Repl__Log m = REPL__LOG__INIT;
	struct ha_out *o;

	m.items = &item;
	m.n_items = 1;
	o = out_open(rg, repl__log__get_packed_size(&m), config);
	if (!o || out_append(o, &m) < 0)
		h->failed = true;
}

static void reject(struct ha *h, uint32_t rg, uint64_t ticket, enum ha_reject reason)
{
	struct ha_effect *e;

	h->counters[COUNT_REJECTED]++;
	if (!ticket)
		return;
	e = ha_do(h, HA_DO_REJECTED);
	e->done.rg = rg;
	e->done.ticket = ticket;
	e->done.reason = reason;
}

/* ---------------------------------------------------------------- proposing */

static void item_pack(const struct ha_item *from, Repl__Record *r, Repl__Item *item)
{
	repl__record__init(r);
	repl__item__init(item);
	item->record = r;
	r->class_ = (uint32_t)from->class;
	r->tombstone = from->tombstone;
	/* packing does not write through these */
	r->key = (ProtobufCBinaryData){from->key.n, (uint8_t *)(uintptr_t)from->key.p};
	if (!from->tombstone)
		r->body = (ProtobufCBinaryData){from->body.n, (uint8_t *)(uintptr_t)from->body.p};
}

static size_t item_size(const struct ha_item *i)
{
	return i->key.n + i->body.n + 24;
}

/* Appends v[0..n) as one atomic piece. */
static int items_append(
	struct ha *h, struct ha_rg *rg, const struct ha_item *v, size_t n, uint64_t ticket)
{
	Repl__Log m = REPL__LOG__INIT;
	Repl__Record *records = calloc(n + 1, sizeof *records);
	Repl__Item *items = calloc(n + 1, sizeof *items);
	Repl__Item **p = calloc(n + 1, sizeof(Repl__Item *));
	struct ha_out *o = NULL;
	int rc = -ERR_NOMEM;

	if (records && items && p) {
		for (size_t i = 0; i < n; i++) {
			item_pack(&v[i], &records[i], &items[i]);
			p[i] = &items[i];
		}
		m.items = p;
		m.n_items = n;
		o = out_open(rg, repl__log__get_packed_size(&m), false);
		rc = o ? out_append(o, &m) : -ERR_NOMEM;
		if (rc == 0 && ticket)
			rc = out_ticket(o, ticket);
	}
	free(records);
	free(items);
	free(p);
	h->failed |= rc < 0;
	return rc;
}

/* Why this node may not write now; -1 = it may. */
static int why_not(const struct ha *h, const struct ha_rg *rg)
{
	if (!rg || !ha_is_owner(h, rg) || !rg->acting || rg->lapsed ||
		(h->now_ns >= rg->deadline_ns && !h->policy->no_deadline))
		return HA_REJECT_NOT_OWNER;
	if (rg->hand.step != HA_HAND_NONE)
		return HA_REJECT_HANDOVER;
	if (rg->n_outbox >= OUTBOX_MAX)
		return HA_REJECT_BUSY;
	return -1;
}

int ha_propose(struct ha *h, const struct ha_ev_propose *p)
{
	struct ha_rg *rg = ha_rg_find(h, p->rg);
	int why = why_not(h, rg);
	size_t n = 0;

	if (p->ticket == 0 || p->n == 0)
		return -ERR_VALUE;
	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].key.n > HA_KEY_MAX)
			return -ERR_VALUE;
		n += item_size(&p->items[i]);
	}
	if (why < 0 && n > HA_ITEMS_MAX)
		why = HA_REJECT_SIZE;
	if (why >= 0) {
		reject(h, p->rg, p->ticket, (enum ha_reject)why);
		return 0;
	}
	return items_append(h, rg, p->items, p->n, p->ticket);
}

int ha_lease(struct ha *h, const struct ha_ev_leases *l)
{
	struct ha_rg *rg = ha_rg_find(h, l->rg);
	int why = why_not(h, rg), rc = 0;

	if (rg && l->epoch != rg->epoch.number)
		why = HA_REJECT_NOT_OWNER;
	if (why >= 0) {
		reject(h, l->rg, l->ticket, (enum ha_reject)why);
		return 0;
	}
	for (size_t i = 0; i < l->n && rc == 0;) {
		size_t first = i, n = 0;

		while (i < l->n && n + item_size(&l->items[i]) <= HA_ITEMS_MAX / 2)
			n += item_size(&l->items[i++]);
		if (i == first)
			return -ERR_VALUE;
		rc = items_append(h, rg, l->items + first, i - first, i == l->n ? l->ticket : 0);
	}
	return rc;
}

/* ---------------------------------------------------------------- sending */

uint64_t ha_log_sent_index(const struct ha_rg *rg)
{
	uint64_t last = rg->index;
	struct ha_out *o;

	list_foreach (o, &rg->outbox, link) {
		if (o->sent && o->index > last)
			last = o->index;
	}
	return last;
}

static uint64_t next_index(const struct ha_rg *rg, const struct ha_out *o)
{
	const struct ha_out *before =
		o->link.prev == &rg->outbox ? NULL : list_item(o->link.prev, struct ha_out, link);

	return (before && before->index > rg->index ? before->index : rg->index) + 1;
}

static void out_send(struct ha *h, struct ha_rg *rg, struct ha_out *o)
{
	Repl__Log top = REPL__LOG__INIT;
	Repl__Epoch epoch;
	Repl__Message m = REPL__MESSAGE__INIT;
	struct ha_head head = {.rg = rg->cfg->id, .epoch = rg->epoch.number};
	uint8_t *p;
	size_t n;

	if (o->index == 0)
		o->index = next_index(rg, o);
	ha_epoch_out(&rg->epoch, &epoch);
	top.rg = rg->cfg->id;
	top.epoch = &epoch;
	top.index = head.index = o->index;
	n = repl__log__get_packed_size(&top);
	p = malloc(n + o->items.n);
	if (!p) {
		h->failed = true;
		return;
	}
	/* protobuf: fields one after the other make one message */
	repl__log__pack(&top, p);
	memcpy(p + n, o->items.p, o->items.n);
	m.log = (ProtobufCBinaryData){n + o->items.n, p};
	ha_send_as(h, &head, &m);
	free(p);
	o->sent = true;
	o->renew = h->renew_id;
	rg->in_flight++;
}

/* Called once a step, so that what was proposed in it travels together; while IN_FLIGHT messages
 * have not come back, more gathers. Held back while a CLAIM of ours is on its way: it ends the
 * epoch in which entries would be numbered. Likewise while a member of the commit set has left the
 * group: without it the epoch must not go on, not even by an EXPEL that was under way. */
void ha_log_flush(struct ha *h, struct ha_rg *rg)
{
	struct ha_out *o;

	if (h->view.id == 0 || !ha_is_owner(h, rg) || rg->lapsed || rg->claim_sent ||
		!ha_set_is_here(h, rg))
		return;
	list_foreach (o, &rg->outbox, link) {
		if (rg->in_flight >= IN_FLIGHT)
			break;
		if (!o->sent)
			out_send(h, rg, o);
	}
}

/* Everything not committed goes out again: in a new view nobody takes messages of the old one. */
void ha_log_view_changed(struct ha *h, struct ha_rg *rg)
{
	struct ha_out *o;

	(void)h;
	rg->in_flight = 0;
	list_foreach (o, &rg->outbox, link)
		o->sent = false;
}

/* Our own CLAIM began a new epoch: what was not delivered before it is numbered anew after it. */
void ha_log_renumber(struct ha_rg *rg)
{
	struct ha_out *o;

	rg->in_flight = 0;
	list_foreach (o, &rg->outbox, link) {
		if (!o->delivered) {
			o->index = 0;
			o->sent = false;
		}
	}
}

/* ---------------------------------------------------------------- applying */

struct ha_do_apply *ha_apply_record(struct ha *h, struct ha_rg *rg, const struct ha_put *put)
{
	struct ha_effect *e = ha_do(h, HA_DO_APPLY);

	e->apply.rg = rg->cfg->id;
	e->apply.index = put->index;
	e->apply.epoch = put->epoch;
	e->apply.item.class = (enum ha_class)put->class;
	e->apply.item.tombstone = put->tombstone;
	e->apply.item.key = ha_lend(h, put->key);
	e->apply.item.body = ha_lend(h, put->body);
	return &e->apply;
}

static struct ha_put put_of(const Repl__Record *r, uint64_t index, uint64_t epoch)
{
	return (struct ha_put){.class = (uint8_t)r->class_,
		.tombstone = r->tombstone,
		.key = view_of(r->key.data, r->key.len),
		.body = view_of(r->body.data, r->body.len),
		.index = index,
		.epoch = epoch};
}

static bool record_ok(const Repl__Record *r)
{
	return r->class_ > 0 && r->class_ < 256 && r->key.len <= HA_KEY_MAX;
}

/* Fields of a later schema version stay with the record (rule 18). */
int ha_record_extra(const Repl__Record *r, struct blob *out)
{
	Repl__Record only = REPL__RECORD__INIT;
	uint8_t *p;
	size_t n;

	if (r->base.n_unknown_fields == 0)
		return 0;
	only.base.n_unknown_fields = r->base.n_unknown_fields;
	only.base.unknown_fields = r->base.unknown_fields;
	n = repl__record__get_packed_size(&only);
	p = malloc(n);
	if (!p)
		return -ERR_NOMEM;
	repl__record__pack(&only, p);
	*out = (struct blob){p, n};
	return 0;
}

static void apply_record(struct ha *h, struct ha_rg *rg, const Repl__Log *m, const Repl__Record *r)
{
	struct ha_put put = put_of(r, m->index, m->epoch->number);
	auto_blob extra = {0};
	int rc;

	if (!record_ok(r)) {
		h->counters[COUNT_BAD_MESSAGE]++;
		return;
	}
	rc = ha_record_extra(r, &extra);
	put.extra = blob_view(&extra);
	if (rc == 0)
		rc = ha_store_put(&rg->store, &put);
	if (rc < 0)
		h->failed = true;
	else if (rc == 1 && !h->withhold)
		(void)ha_apply_record(h, rg, &put);
}

static void apply_synced(struct ha *h, struct ha_rg *rg, const Repl__Member *m)
{
	if (m->node >= HA_NODES_MAX)
		return;
	rg->set |= 1u << m->node;
	rg->admitting &= ~(1u << m->node);
	rg->set_incarnation[m->node] = m->incarnation;
	rg->set_copy[m->node] = m->copy;
	ha_forget_ack(h, rg, m->node);
	rg->place[m->node].acked_ns = rg->place[m->node].synced_ns = h->now_ns;
	rg->place[m->node].ahead = 0;
	rg->place[m->node].needs = rg->place[m->node].ready = false;
	rg->place[m->node].synced = true;
	ha_say(h, LOG_LEVEL_NOTICE, "ha.rg.synced", "rg=%u node=%u index=%llu", rg->cfg->id,
		m->node, (unsigned long long)rg->index);
	if (m->node != h->cfg.node || m->incarnation != h->incarnation || rg->synced)
		return;
	if (h->policy->synced_unchecked ||
		(rg->join.state == HA_SYNC_READY && rg->join.transfer == m->copy)) {
		rg->copy = m->copy;
		ha_become_synced(h, rg);
		return;
	}
	/* Said for a transfer that a change of view has voided since: what we hold now is not
	 * whole. Asking again has us expelled first. */
	ha_want_sync(h, rg);
}

static void apply_expel(struct ha *h, struct ha_rg *rg, const Repl__Member *m)
{
	if (m->node < HA_NODES_MAX)
		rg->expelling &= ~(1u << m->node);
	if (!ha_in_set(rg, m->node) || rg->set_incarnation[m->node] != m->incarnation ||
		rg->set_copy[m->node] != m->copy)
		return;
	rg->set &= ~(1u << m->node);
	rg->place[m->node].synced = false;
	h->counters[COUNT_EXPELS]++;
	ha_say(h, LOG_LEVEL_WARN, "ha.rg.expelled", "rg=%u node=%u index=%llu", rg->cfg->id,
		m->node, (unsigned long long)rg->index);
	if (m->node == h->cfg.node && m->incarnation == h->incarnation)
		ha_become_stale(h, rg, "expelled");
}

static void apply_item(struct ha *h, struct ha_rg *rg, const Repl__Log *m, const Repl__Item *item)
{
	if (item->record)
		apply_record(h, rg, m, item->record);
	if (item->synced)
		apply_synced(h, rg, item->synced);
	if (item->expel)
		apply_expel(h, rg, item->expel);
	if (item->manual_reset)
		rg->manual = 0;
	if (item->handover_begin || item->handover.len || item->handover_end)
		ha_handover_item(h, rg, item);
}

static void apply(struct ha *h, struct ha_rg *rg, const Repl__Log *m)
{
	bool config = false;

	rg->index = m->index;
	h->counters[COUNT_ENTRIES]++;
	for (size_t i = 0; i < m->n_items; i++) {
		apply_item(h, rg, m, m->items[i]);
		config |= m->items[i]->synced || m->items[i]->expel;
	}
	if (config)
		ha_config_applied(h, rg);
}

/* False when it is no longer waited for: the ownership it was written in has ended since. */
static bool own_delivered(struct ha_rg *rg, const Repl__Log *m)
{
	struct ha_out *o;

	list_foreach (o, &rg->outbox, link) {
		if (o->index != m->index)
			continue;
		if (!o->delivered)
			o->epoch = m->epoch->number;
		o->delivered = true;
		return true;
	}
	return false;
}

/* Of the owner of the current epoch, next in number? */
static bool is_next(struct ha *h, struct ha_rg *rg, uint32_t from, const Repl__Log *m)
{
	struct ha_epoch epoch = ha_epoch_of(m->epoch);
	int order = ha_epoch_compare(&epoch, &rg->epoch);

	if (order < 0) {
		h->counters[COUNT_STALE_EPOCH]++;
		return false;
	}
	if (order > 0) { /* its CLAIM went past us */
		h->counters[COUNT_GAP]++;
		ha_become_stale(h, rg, "an epoch was missed");
		return false;
	}
	if (from != rg->epoch.owner) {
		h->counters[COUNT_BAD_MESSAGE]++;
		return false;
	}
	if (m->index <= rg->index) {
		h->counters[COUNT_DUPLICATE]++;
		if (from == h->cfg.node)
			(void)own_delivered(rg, m);
		return false;
	}
	if (m->index > rg->index + 1) {
		h->counters[COUNT_GAP]++;
		ha_become_stale(h, rg, "an entry was missed");
		return false;
	}
	return true;
}

static void log_in(struct ha *h, uint32_t from, const Repl__Log *m, struct view packed)
{
	struct ha_rg *rg = ha_rg_find(h, m->rg);

	if (!rg)
		return;
	if (from == h->cfg.node && rg->in_flight)
		rg->in_flight--;
	if (ha_snapshot_keep(h, rg, from, false, packed))
		return;
	if (!rg->synced && rg->join.state < HA_SYNC_FILLING)
		return;
	if (!is_next(h, rg, from, m))
		return;
	/* the owner's host hears of its own entries when they are committed */
	h->withhold = from == h->cfg.node && own_delivered(rg, m);
	apply(h, rg, m);
}

void ha_on_log(struct ha *h, const struct ha_head *head, uint32_t from, struct view packed)
{
	Repl__Log *m = repl__log__unpack(NULL, packed.n, packed.p);

	if (!m || !m->epoch ||
		(head && (m->rg != head->rg || m->epoch->number != head->epoch ||
				 m->index != head->index)))
		h->counters[COUNT_BAD_MESSAGE]++;
	else
		log_in(h, from, m, packed);
	if (m)
		repl__log__free_unpacked(m, NULL);
}

/* ---------------------------------------------------------------- letting go */

static void out_apply(struct ha *h, struct ha_rg *rg, const struct ha_out *o, bool committed)
{
	Repl__Log *m = repl__log__unpack(NULL, o->items.n, o->items.p);

	if (!m) {
		h->failed = true;
		return;
	}
	for (size_t i = 0; i < m->n_items; i++)
		if (m->items[i]->record && record_ok(m->items[i]->record)) {
			struct ha_put put = put_of(m->items[i]->record, o->index, o->epoch);

			ha_apply_record(h, rg, &put)->own = committed && o->n_tickets != 0;
		}
	repl__log__free_unpacked(m, NULL);
}

/* The only place where COMMITTED is said: index is what every member of the commit set has. */
void ha_log_release(struct ha *h, struct ha_rg *rg, uint64_t committed)
{
	struct ha_out *o, *tmp;

	list_foreach_safe (o, tmp, &rg->outbox, link) {
		if (!o->delivered || o->index > committed)
			break;
		out_apply(h, rg, o, true);
		for (size_t i = 0; i < o->n_tickets; i++) {
			struct ha_effect *e = ha_do(h, HA_DO_COMMITTED);

			e->done.rg = rg->cfg->id;
			e->done.ticket = o->tickets[i];
			e->done.index = o->index;
			h->counters[COUNT_COMMITTED]++;
		}
		out_free(rg, o);
	}
}

/* Not owner any more. What is in the log stays there (its next owner keeps it), so the host's copy
 * gets it; what waited for it is not let go. */
void ha_log_lost(struct ha *h, struct ha_rg *rg, enum ha_reject reason)
{
	struct ha_out *o, *tmp;

	list_foreach_safe (o, tmp, &rg->outbox, link) {
		if (o->delivered && rg->synced)
			out_apply(h, rg, o, false);
		for (size_t i = 0; i < o->n_tickets; i++)
			reject(h, rg->cfg->id, o->tickets[i], reason);
		out_free(rg, o);
	}
	rg->in_flight = 0;
}
