#include "ike/hold.h"

#include <stdlib.h>

#include "base/err.h"
#include "ike/cut.h"
#include "ike/engine.h"
#include "ike/record.h"
#include "ike/schedule.h"
#include "ike/tx.h"

/* A REPLICATE stays well below the largest multicast of the replication core: where it may be cut
 * early, where it must be at the latest. */
#define TXN_OCTETS_MAX	   40000
#define LINEAGE_OCTETS_MAX 56000
#define ITEM_OCTETS	   24 /* beside key and body */
#define RETRY_MS	   100

struct install {
	UT_hash_handle hh;
	uint64_t ticket, hold;
	uint32_t spi_in;
};

void txn_init(struct txn *t)
{
	*t = (struct txn){0};
	list_init(&t->sas);
	list_init(&t->children);
}

static void hold_free(struct ike *ike, struct hold *h)
{
	ike->holds.rejected -= h->rejected;
	timer_cancel(&ike->timers, &h->timer);
	blob_fini(&h->keys);
	free(h->acts);
	free(h);
}

/* ---------------------------------------------------------------- gathering */

static void take_rejected(struct ike *ike, uint32_t rg);

static void txn_begin(struct ike *ike, uint32_t rg)
{
	if (ike->txn.open && ike->txn.rg != rg)
		txn_flush(ike);
	if (ike->txn.open)
		return;
	ike->txn.open = true;
	ike->txn.rg = rg;
	if (!ike->txn.hold)
		ike->txn.hold = calloc(1, sizeof *ike->txn.hold);
	if (ike->txn.hold)
		ike->txn.hold->timer.kind = TIMER_HOLD;
	else
		ike->failed = true;
	if (ike->holds.rejected != 0)
		take_rejected(ike, rg);
}

void txn_sa(struct ike *ike, struct ike_sa *sa)
{
	if (sa->changed || sa->state == SA_GONE)
		return;
	txn_begin(ike, sa->rg);
	if (sa->changed)
		return; /* came along with what was refused */
	sa->changed = true;
	sa->recorded = true;
	list_add_tail(&ike->txn.sas, &sa->link);
}

void txn_child(struct ike *ike, struct child *c)
{
	if (c->changed || c->state == CHILD_GONE)
		return;
	txn_begin(ike, c->sa->rg);
	if (c->changed)
		return;
	c->changed = true;
	list_add_tail(&ike->txn.children, &c->link);
}

struct named {
	uint64_t lineage;
	struct view key;
};

static void key_append(struct ike *ike, struct blob *to, uint64_t lineage, struct view key)
{
	uint8_t n = (uint8_t)key.n;

	if (blob_append(to, view_of(&n, 1)) < 0 ||
		blob_append(to, view_of(&lineage, sizeof lineage)) < 0 || blob_append(to, key) < 0)
		ike->failed = true;
}

/* The key at `at`, which goes on to the next; false: there is none. */
static bool key_next(const struct blob *keys, size_t *at, struct named *out)
{
	const size_t head = 1 + sizeof out->lineage;
	const uint8_t *p;

	if (*at + head > keys->n)
		return false;
	p = keys->p + *at;
	memcpy(&out->lineage, p + 1, sizeof out->lineage);
	out->key = view_of(p + head, p[0]);
	*at += head + p[0];
	return true;
}

void txn_gone_sa(struct ike *ike, const struct ike_sa *sa)
{
	uint8_t room[IKE_RECORD_KEY_MAX];

	if (!sa->recorded)
		return;
	txn_begin(ike, sa->rg);
	key_append(ike, &ike->txn.gone, sa->lineage, record_key_sa(sa->spi_local, room));
}

void txn_gone_child(struct ike *ike, const struct child *c)
{
	uint8_t room[IKE_RECORD_KEY_MAX];

	txn_begin(ike, c->sa->rg);
	key_append(ike, &ike->txn.gone, c->sa->lineage, record_key_child(c->spi_in, room));
}

static void txn_act(struct ike *ike, uint32_t rg, struct hold_act act)
{
	struct hold *h;

	txn_begin(ike, rg);
	h = ike->txn.hold;
	if (!h)
		return;
	if (h->n == h->cap) {
		uint32_t cap = h->cap ? h->cap * 2 : 4;
		struct hold_act *acts = realloc(h->acts, cap * sizeof *acts);

		if (!acts) {
			ike->failed = true;
			return;
		}
		h->acts = acts;
		h->cap = cap;
	}
	h->acts[h->n++] = act;
}

static void act_child(struct ike *ike, const struct child *c, enum hold_kind kind)
{
	txn_act(ike, c->sa->rg,
		(struct hold_act){.kind = kind, .spi = c->spi_in, .lineage = c->sa->lineage});
}

void txn_install(struct ike *ike, struct child *c)
{
	txn_child(ike, c);
	act_child(ike, c, HOLD_INSTALL);
}

void txn_answer(struct ike *ike, struct ike_sa *sa)
{
	txn_sa(ike, sa);
	txn_act(ike, sa->rg,
		(struct hold_act){HOLD_ANSWER, sa->answer.mid, sa->spi_local, sa->lineage});
}

void txn_request(struct ike *ike, struct ike_sa *sa)
{
	txn_sa(ike, sa);
	txn_act(ike, sa->rg,
		(struct hold_act){HOLD_REQUEST, sa->out->mid, sa->spi_local, sa->lineage});
}

void txn_delete(struct ike *ike, struct child *c)
{
	act_child(ike, c, HOLD_DELETE);
}

void txn_linger(struct ike *ike, struct child *c)
{
	act_child(ike, c, HOLD_LINGER);
}

void txn_outbound(struct ike *ike, struct child *c)
{
	txn_child(ike, c);
	act_child(ike, c, HOLD_OUTBOUND);
}

void txn_moved(struct ike *ike, struct child *c)
{
	txn_child(ike, c);
	act_child(ike, c, HOLD_MOVED);
}

/* ---------------------------------------------------------------- leaving */

static void item_add(struct ike *ike, struct cut *c, struct cut_item item)
{
	item.key = ike_effects_copy(ike->fx, item.key);
	if (cut_add(c, item) < 0)
		ike->failed = true;
}

/* All that changed, as it is now. */
static void items_gather(struct ike *ike, struct cut *out)
{
	uint8_t room[IKE_RECORD_KEY_MAX];
	struct txn *t = &ike->txn;
	struct ike_sa *sa, *next_sa;
	struct child *c, *next_c;
	struct named gone;

	list_foreach_safe (sa, next_sa, &t->sas, link) {
		list_del(&sa->link);
		sa->changed = false;
		item_add(ike, out,
			(struct cut_item){.lineage = sa->lineage,
				.key = record_key_sa(sa->spi_local, room),
				.body = record_sa(ike, sa)});
	}
	list_foreach_safe (c, next_c, &t->children, link) {
		list_del(&c->link);
		c->changed = false;
		item_add(ike, out,
			(struct cut_item){.lineage = c->sa->lineage,
				.key = record_key_child(c->spi_in, room),
				.body = record_child(ike, c)});
	}
	for (size_t at = 0; key_next(&t->gone, &at, &gone);)
		item_add(ike, out,
			(struct cut_item){.lineage = gone.lineage, .key = gone.key, .gone = true});
	blob_fini(&t->gone);
}

static void replicate_emit(struct ike *ike, const struct cut_item *v, size_t n)
{
	struct ike_fx_item *items = ike_effects_alloc(ike->fx, n * sizeof *items);
	struct ike_effect *e = items ? ike_effects_add(ike->fx, IKE_FX_REPLICATE) : NULL;
	uint64_t ticket = ike->next_ticket++;

	for (size_t i = 0; e && i < n; i++)
		items[i] = (struct ike_fx_item){v[i].key, v[i].body, v[i].gone};
	if (e)
		e->replicate = (struct ike_fx_replicate){ticket, ike->txn.rg, items, n};
}

/* It waits for the tickets from the first one on. */
static void hold_enter(struct ike *ike, struct hold *h, uint64_t first)
{
	h->first = first;
	h->ticket = ike->next_ticket - 1;
	h->pieces = (uint32_t)(ike->next_ticket - first);
	h->rg = ike->txn.rg;
	HASH_ADD(hh, ike->holds.by_ticket, ticket, sizeof h->ticket, h);
}

/* One part, by itself: as one REPLICATE, or where a single lineage is too large as several. */
static void part_emit(struct ike *ike, struct hold *h, const struct cut_item *v, size_t n)
{
	uint64_t first = ike->next_ticket;

	for (size_t from = 0, end; from < n; from = end) {
		size_t octets = 0;

		for (end = from; end < n; end++) {
			octets += v[end].key.n + v[end].body.n + ITEM_OCTETS;
			if (end != from && octets > LINEAGE_OCTETS_MAX)
				break;
		}
		replicate_emit(ike, v + from, end - from);
	}
	for (size_t i = 0; h && i < n; i++)
		key_append(ike, &h->keys, v[i].lineage, v[i].key);
	if (h)
		hold_enter(ike, h, first);
}

/* The acts of the lineages up to the last one of a part, which go with it. */
static struct hold *acts_split(struct ike *ike, struct hold *all, uint64_t last)
{
	struct hold *h = calloc(1, sizeof *h);
	uint32_t kept = 0;

	if (h)
		h->acts = calloc(all->n + 1, sizeof *h->acts);
	if (!h || !h->acts) {
		free(h);
		ike->failed = true;
		return NULL;
	}
	h->timer.kind = TIMER_HOLD;
	h->cap = all->n + 1;
	for (uint32_t i = 0; i < all->n; i++)
		if (all->acts[i].lineage <= last)
			h->acts[h->n++] = all->acts[i];
		else
			all->acts[kept++] = all->acts[i];
	all->n = kept;
	return h;
}

void txn_flush(struct ike *ike)
{
	size_t max = ike->cfg.replicate_max ? ike->cfg.replicate_max : TXN_OCTETS_MAX;
	struct txn *t = &ike->txn;
	struct cut items = {0};
	struct hold *all = t->hold;

	if (!t->open)
		return;
	items_gather(ike, &items);
	cut_sort(&items, max);
	t->hold = NULL;
	t->open = false;
	for (size_t from = 0, end; from < items.n; from = end) {
		end = cut_end(&items, from, max);
		part_emit(ike,
			end == items.n || !all ? all
					       : acts_split(ike, all, items.v[end - 1].lineage),
			items.v + from, end - from);
	}
	if (items.n == 0 && all) {
		/* Nothing to write: nothing to wait for. */
		hold_enter(ike, all, ike->next_ticket++);
		hold_committed(ike, all->ticket);
	}
	cut_fini(&items);
}

/* ---------------------------------------------------------------- releasing */

static void update_emit(struct ike *ike, const struct hold_act *a)
{
	struct child *c = child_find(ike, (uint32_t)a->spi);
	struct ike_effect *e;

	if (!c)
		return;
	e = ike_effects_add(ike->fx, IKE_FX_UPDATE);
	if (!e)
		return;
	e->update = (struct ike_fx_update){.spi_in = c->spi_in,
		.outbound = a->kind == HOLD_OUTBOUND && c->outbound,
		.moved = a->kind == HOLD_MOVED,
		.remote = c->sa->remote};
}

void hold_emit_delete(struct ike *ike, uint32_t rg, uint32_t spi_in)
{
	struct ike_effect *e = ike_effects_add(ike->fx, IKE_FX_DELETE);
	uint32_t *spi = ike_effects_alloc(ike->fx, sizeof *spi);

	if (!e || !spi)
		return;
	*spi = spi_in;
	e->del = (struct ike_fx_delete){rg, spi, 1};
}

static void act_release(struct ike *ike, const struct hold *h, const struct hold_act *a)
{
	struct ike_sa *sa;

	switch (a->kind) {
	case HOLD_ANSWER:
		sa = sa_find(ike, a->spi);
		if (sa)
			tx_answer_release(ike, sa, a->mid);
		break;
	case HOLD_REQUEST:
		sa = sa_find(ike, a->spi);
		if (sa)
			tx_request_release(ike, sa, a->mid);
		break;
	case HOLD_DELETE:
		hold_emit_delete(ike, h->rg, (uint32_t)a->spi);
		break;
	case HOLD_LINGER:
		linger_begin(ike, h->rg, (uint32_t)a->spi);
		break;
	case HOLD_OUTBOUND:
	case HOLD_MOVED:
		update_emit(ike, a);
		break;
	case HOLD_INSTALL:
	default:
		break;
	}
}

static void hold_release(struct ike *ike, struct hold *h)
{
	HASH_DELETE(hh, ike->holds.by_ticket, h);
	for (uint32_t i = 0; i < h->n; i++)
		act_release(ike, h, &h->acts[i]);
	hold_free(ike, h);
}

static void install_emit(struct ike *ike, struct hold *h, uint32_t spi_in)
{
	struct child *c = child_find(ike, spi_in);
	struct install *i;
	struct ike_effect *e;
	struct ike_child_install *out;

	if (!c)
		return;
	i = calloc(1, sizeof *i);
	e = ike_effects_add(ike->fx, IKE_FX_INSTALL);
	if (!i || !e) {
		free(i);
		ike->failed = true;
		return;
	}
	*i = (struct install){.ticket = ike->next_ticket++, .hold = h->ticket, .spi_in = spi_in};
	HASH_ADD(hh, ike->holds.installs, ticket, sizeof i->ticket, i);
	h->installing++;
	e->install.ticket = i->ticket;
	out = &e->install.child;
	child_install_fill(c, out);
	out->encr_key_in = ike_effects_copy(ike->fx, out->encr_key_in);
	out->encr_key_out = ike_effects_copy(ike->fx, out->encr_key_out);
	out->integ_key_in = ike_effects_copy(ike->fx, out->integ_key_in);
	out->integ_key_out = ike_effects_copy(ike->fx, out->integ_key_out);
	out->local_ts = (const struct tsel *)(const void *)ike_effects_copy(
		ike->fx, view_of(c->local_ts->v, c->local_ts->n * sizeof(struct tsel)))
				.p;
	out->remote_ts = (const struct tsel *)(const void *)ike_effects_copy(
		ike->fx, view_of(c->remote_ts->v, c->remote_ts->n * sizeof(struct tsel)))
				 .p;
}

static struct hold *hold_find(struct ike *ike, uint64_t ticket)
{
	struct hold *h, *next;

	HASH_FIND(hh, ike->holds.by_ticket, &ticket, sizeof ticket, h);
	if (h)
		return h;
	/* A piece of one, or nobody's any more: both are rare. */
	map_foreach (ike->holds.by_ticket, h, next)
		if (ticket >= h->first && ticket < h->ticket)
			return h;
	return NULL;
}

void hold_committed(struct ike *ike, uint64_t ticket)
{
	struct hold *h = hold_find(ike, ticket);

	if (!h || h->committed)
		return;
	h->partly = true;
	/* A rejected one is written again as a whole. */
	if (h->rejected || --h->pieces > 0)
		return;
	h->committed = true;
	for (uint32_t i = 0; i < h->n; i++)
		if (h->acts[i].kind == HOLD_INSTALL)
			install_emit(ike, h, (uint32_t)h->acts[i].spi);
	if (h->installing == 0)
		hold_release(ike, h);
}

void hold_installed(struct ike *ike, uint64_t ticket, int rc)
{
	struct install *i;
	struct hold *h;
	struct child *c;

	HASH_FIND(hh, ike->holds.installs, &ticket, sizeof ticket, i);
	if (!i)
		return;
	HASH_DELETE(hh, ike->holds.installs, i);
	HASH_FIND(hh, ike->holds.by_ticket, &i->hold, sizeof i->hold, h);
	c = child_find(ike, i->spi_in);
	free(i);
	if (c)
		sched_child_installed(ike, c, rc);
	if (h && --h->installing == 0)
		hold_release(ike, h);
}

/* ---------------------------------------------------------------- rejection */

void hold_rejected(struct ike *ike, uint64_t ticket, bool retry)
{
	struct hold *h = hold_find(ike, ticket);

	ike->stats.rejected++;
	/* Without retry the group is about to become standby: what was held never leaves. */
	if (!h || !retry || h->rejected)
		return;
	h->rejected = true;
	ike->holds.rejected++;
	ike->failed |= timer_arm(&ike->timers, &h->timer, ike->now_ms + RETRY_MS) < 0;
}

static void take_keys(struct ike *ike, const struct blob *keys)
{
	struct named k;

	for (size_t at = 0; key_next(keys, &at, &k);) {
		struct ike_sa *sa = record_key_find_sa(ike, k.key);
		struct child *c = record_key_find_child(ike, k.key);

		if (sa)
			txn_sa(ike, sa);
		else if (c)
			txn_child(ike, c);
		else
			key_append(ike, &ike->txn.gone, k.lineage, k.key);
	}
}

/* What is committed is so for every node, and the log will not tell the one who wrote it: its
 * dataplane hears of it now, although an acknowledgement is missing. Its messages stay unsent. Of
 * several REPLICATEs the first has the tombstones. */
static void hold_settle(struct ike *ike, const struct hold *h)
{
	if (!h->partly)
		return;
	for (uint32_t i = 0; i < h->n; i++) {
		const struct hold_act *a = &h->acts[i];

		if (a->kind == HOLD_DELETE || a->kind == HOLD_LINGER)
			hold_emit_delete(ike, h->rg, (uint32_t)a->spi);
		else if (h->committed && (a->kind == HOLD_OUTBOUND || a->kind == HOLD_MOVED))
			update_emit(ike, a);
	}
}

/* Records are written as they are now. So whatever is written for a group while something of it
 * waits to be written again must take that along: else an answer could be committed without the
 * end of the child that it confirms. */
static void take_rejected(struct ike *ike, uint32_t rg)
{
	struct hold *h, *next;

	map_foreach (ike->holds.by_ticket, h, next) {
		if (!h->rejected || h->rg != rg)
			continue;
		HASH_DELETE(hh, ike->holds.by_ticket, h);
		hold_settle(ike, h); /* what it will be part of may never be committed */
		take_keys(ike, &h->keys);
		for (uint32_t i = 0; i < h->n; i++)
			txn_act(ike, rg, h->acts[i]);
		hold_free(ike, h);
	}
}

void hold_retry(struct ike *ike, struct hold *h)
{
	uint32_t rg = h->rg;

	if (ike->txn.open)
		txn_flush(ike);
	/* it may have gone with that */
	if (ike->holds.rejected == 0)
		return;
	txn_begin(ike, rg);
	txn_flush(ike);
}

void holds_forget(struct ike *ike, uint32_t rg)
{
	struct hold *h, *next;

	map_foreach (ike->holds.by_ticket, h, next) {
		if (h->rg != rg)
			continue;
		HASH_DELETE(hh, ike->holds.by_ticket, h);
		hold_settle(ike, h);
		hold_free(ike, h);
	}
}

void holds_fini(struct ike *ike)
{
	struct hold *h, *next_h;
	struct install *i, *next;

	map_foreach (ike->holds.by_ticket, h, next_h) {
		HASH_DELETE(hh, ike->holds.by_ticket, h);
		hold_free(ike, h);
	}
	map_foreach (ike->holds.installs, i, next) {
		HASH_DELETE(hh, ike->holds.installs, i);
		free(i);
	}
	if (ike->txn.hold)
		hold_free(ike, ike->txn.hold);
	blob_fini(&ike->txn.gone);
}
