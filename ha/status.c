/* What operators and metrics may see. Changes nothing. */
#include "base/err.h"
#include "core.h"

static const char *const counter_names[COUNT_MAX_] = {
	[COUNT_SENT] = "ha.sent",
	[COUNT_RECEIVED] = "ha.received",
	[COUNT_BAD_ENVELOPE] = "ha.refused.envelope",
	[COUNT_BAD_SEAL] = "ha.refused.seal",
	[COUNT_REPLAYED] = "ha.refused.replay",
	[COUNT_UNKNOWN_SALT] = "ha.refused.salt",
	[COUNT_STALE_VIEW] = "ha.refused.view",
	[COUNT_BAD_MESSAGE] = "ha.refused.message",
	[COUNT_STALE_EPOCH] = "ha.refused.epoch",
	[COUNT_DUPLICATE] = "ha.duplicates",
	[COUNT_GAP] = "ha.gaps",
	[COUNT_ENTRIES] = "ha.entries",
	[COUNT_COMMITTED] = "ha.committed",
	[COUNT_REJECTED] = "ha.rejected",
	[COUNT_CLAIMS] = "ha.claims",
	[COUNT_EXPELS] = "ha.expels",
	[COUNT_SNAPSHOTS_SENT] = "ha.snapshots.sent",
	[COUNT_SNAPSHOTS_TAKEN] = "ha.snapshots.taken",
	[COUNT_DIGEST_MISMATCH] = "ha.snapshots.mismatch",
	[COUNT_LAPSED] = "ha.lapsed",
	[COUNT_DUAL] = "ha.dual",
};

bool ha_counter(const struct ha *h, size_t i, const char **name, uint64_t *value)
{
	if (i >= COUNT_MAX_)
		return false;
	*name = counter_names[i];
	*value = h->counters[i];
	return true;
}

uint64_t ha_incarnation(const struct ha *h)
{
	return h->incarnation;
}

static enum ha_node_status status_of(
	const struct ha *h, const struct ha_rg *rg, uint32_t n, const struct ha_node_row *row)
{
	bool self = n == h->cfg.node;

	if (!self && (!h->peer[n].in_view || !h->peer[n].greeted))
		return HA_LOST;
	if (rg->epoch.number && rg->epoch.owner == n) {
		if (self ? rg->acting : !rg->place[n].vacant)
			return HA_PRIMARY;
		return HA_HOLD;
	}
	if (rg->epoch.number == 0)
		return HA_HOLD;
	if (row->priority == 0 && row->synced)
		return HA_INELIGIBLE;
	return rg->hand.step != HA_HAND_NONE && self ? HA_SECONDARY_HOLD : HA_SECONDARY;
}

static void row_fill(
	const struct ha *h, const struct ha_rg *rg, uint32_t n, struct ha_node_row *row)
{
	bool self = n == h->cfg.node;
	bool here = self || (h->peer[n].in_view && h->peer[n].greeted);

	*row = (struct ha_node_row){.preempt = rg->cfg->preempt};
	row->synced = self ? rg->synced : ha_member_here(h, rg, n);
	row->manual = rg->manual == n + 1;
	row->incarnation = h->peer[n].incarnation;
	row->schema = h->peer[n].schema;
	if (here) {
		row->priority = self ? ha_own_priority(h, rg) : rg->place[n].priority;
		row->monitors = self ? ha_own_monitors(h, rg) : rg->place[n].monitors;
		if (!row->synced)
			row->monitors |= HA_MON_CS;
		if (!row->synced && rg->epoch.number)
			row->priority = 0;
		else if (row->manual && row->priority)
			row->priority = 255;
	}
	row->acked_index = self ? rg->index : rg->place[n].acked;
	row->status = status_of(h, rg, n, row);
}

int ha_rg_status(const struct ha *h, uint32_t id, struct ha_rg_status *out)
{
	const struct ha_rg *rg = ha_rg_find(h, id);

	if (!rg)
		return -ERR_NOT_FOUND;
	*out = (struct ha_rg_status){
		.role = rg->acting ? HA_ACTIVE : HA_STANDBY,
		.epoch = rg->epoch,
		.owner = rg->epoch.number ? rg->epoch.owner : HA_NODE_NONE,
		.headless = rg->headless_ns != 0,
		.primary_view = ha_view_is_primary(h, rg),
		.dual = rg->dual,
		.deadline_ns = rg->deadline_ns,
		.failovers = rg->failovers,
		.index = rg->index,
		.committed = rg->committed,
		.records = rg->store.digest.records,
		.digest = rg->store.digest.sum ^ rg->store.digest.sum2,
	};
	for (uint32_t n = 0; n < h->top; n++)
		if (h->cfg.nodes & 1u << n)
			row_fill(h, rg, n, &out->node[n]);
	return 0;
}

/* ---------------------------------------------------------------- records */

static void record_fill(const struct ha_rec *r, struct ha_record *out)
{
	*out = (struct ha_record){.class = (enum ha_class)ha_rec_class(r),
		.index = r->index,
		.epoch = r->epoch,
		.key = ha_rec_key(r),
		.body = blob_view(&r->body)};
}

bool ha_record_next(const struct ha *h, uint32_t id, struct ha_walk *at, struct ha_record *out)
{
	const struct ha_rg *rg = ha_rg_find(h, id);
	const struct list *l;

	if (!rg)
		return false;
	l = at->begun ? (const struct list *)at->next : rg->store.order.next;
	at->begun = true;
	while (l != &rg->store.order) {
		const struct ha_rec *r =
			(const struct ha_rec *)(const void *)((const char *)l -
							      offsetof(struct ha_rec, link));

		l = l->next;
		at->next = l;
		if (r->dead)
			continue;
		record_fill(r, out);
		return true;
	}
	at->next = l;
	return false;
}

bool ha_record_find(const struct ha *h, uint32_t id, enum ha_class class, struct view key,
	struct ha_record *out)
{
	const struct ha_rg *rg = ha_rg_find(h, id);
	const struct ha_rec *r = rg ? ha_store_find(&rg->store, (uint8_t) class, key) : NULL;

	if (!r)
		return false;
	record_fill(r, out);
	return true;
}
