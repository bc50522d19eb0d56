/*
 * State transfer to joiners (rule 15). CPG gives none.
 *
 * The source multicasts a marker. When it comes back, the source's state is the base; the joiners
 * keep what is delivered after it. First goes the base (epoch, index, commit set), on which the
 * joiner applies what it kept, and from then on follows the log like everybody. Records follow in
 * chunks, under a window that the slowest joiner opens. A chunk shows a record as it was when the
 * chunk was sent, so it applies only where nothing later is known, tombstones included. At the
 * barrier both take their digest; if they agree the joiner is ready, and the owner admits it.
 *
 * Anything that goes wrong (a change of view, a hole, different digests) starts from the beginning.
 */
#include <stdlib.h>

#include "base/err.h"
#include "core.h"

enum {
	CHUNK_OCTETS = 48 * 1024,
	CHUNK_RECORDS = 512,
	CHUNKS_A_STEP = 2, /* the loop never stalls over it */
	KEPT_MAX = 16 << 20,
	AGAIN_MS = 1000,
	STALLED_MS = 2000, /* without one chunk or acknowledgement */
};

/* ---------------------------------------------------------------- source */

static bool wants(const struct ha *h, const struct ha_rg *rg, uint32_t n)
{
	const struct ha_peer *p = &h->peer[n];
	const struct ha_place *place = &rg->place[n];

	if (n == h->cfg.node || !p->in_view || !p->greeted || place->ready)
		return false;
	return !ha_member_here(h, rg, n) && !(rg->admitting & 1u << n);
}

/* The owner, or else the lowest synced member that is here. */
static bool is_source(const struct ha *h, const struct ha_rg *rg)
{
	if (!rg->synced)
		return false;
	if (ha_is_owner(h, rg))
		return true;
	if (ha_member_here(h, rg, rg->epoch.owner))
		return false;
	for (uint32_t n = 0; n < h->cfg.node; n++)
		if (ha_member_here(h, rg, n) && rg->place[n].ahead >= 0)
			return false;
	return true;
}

static void source_stop(struct ha_rg *rg)
{
	ha_cursor_end(&rg->source.cursor);
	rg->source = (struct ha_source){0};
	list_init(&rg->source.cursor.link);
}

static void source_begin(struct ha *h, struct ha_rg *rg)
{
	Repl__Message m = REPL__MESSAGE__INIT;
	Repl__Marker marker = REPL__MARKER__INIT;
	uint32_t targets = 0;

	for (uint32_t n = 0; n < h->top; n++)
		targets |= wants(h, rg, n) ? 1u << n : 0;
	if (!targets)
		return;
	source_stop(rg);
	rg->source.transfer = env_random64(&h->cfg.env) | 1;
	rg->source.targets = targets;
	rg->source.changed_ns = h->now_ns;
	marker.rg = rg->cfg->id;
	marker.transfer = rg->source.transfer;
	marker.targets = targets;
	m.marker = &marker;
	ha_say(h, LOG_LEVEL_INFO, "ha.snapshot.begin", "rg=%u targets=0x%x records=%llu",
		rg->cfg->id, targets, (unsigned long long)rg->store.digest.records);
	ha_send(h, &m);
}

static void chunk_send(struct ha *h, struct ha_rg *rg, Repl__Chunk *c)
{
	Repl__Message m = REPL__MESSAGE__INIT;

	c->rg = rg->cfg->id;
	c->transfer = rg->source.transfer;
	c->seq = rg->source.seq_next++;
	rg->source.changed_ns = h->now_ns;
	m.chunk = c;
	ha_send(h, &m);
}

static void base_send(struct ha *h, struct ha_rg *rg)
{
	Repl__Chunk c = REPL__CHUNK__INIT;
	Repl__Start base = REPL__START__INIT;
	Repl__Epoch epoch;
	Repl__Member member[HA_NODES_MAX], *members[HA_NODES_MAX];

	ha_epoch_out(&rg->epoch, &epoch);
	base.epoch = &epoch;
	base.index = rg->index;
	base.failovers = rg->failovers;
	base.manual = rg->manual;
	base.members = members;
	for (uint32_t n = 0; n < h->top; n++) {
		if (!ha_in_set(rg, n))
			continue;
		repl__member__init(&member[n]);
		member[n].node = n;
		member[n].incarnation = rg->set_incarnation[n];
		member[n].copy = rg->set_copy[n];
		members[base.n_members++] = &member[n];
	}
	c.start = &base;
	ha_cursor_begin(&rg->store, &rg->source.cursor);
	chunk_send(h, rg, &c);
}

/* One record, packed, with the fields of later versions behind it. */
static int record_pack(const struct ha_rec *r, ProtobufCBinaryData *out)
{
	Repl__Record m = REPL__RECORD__INIT;
	struct view key = ha_rec_key(r);
	size_t n;

	m.class_ = ha_rec_class(r);
	/* packing does not write through these */
	m.key = (ProtobufCBinaryData){key.n, (uint8_t *)(uintptr_t)key.p};
	m.body = (ProtobufCBinaryData){r->body.n, r->body.p};
	m.index = r->index;
	m.epoch = r->epoch;
	n = repl__record__get_packed_size(&m);
	out->data = malloc(n + r->extra.n);
	if (!out->data)
		return -ERR_NOMEM;
	repl__record__pack(&m, out->data);
	if (r->extra.n)
		memcpy(out->data + n, r->extra.p, r->extra.n);
	out->len = n + r->extra.n;
	return 0;
}

static void records_send(struct ha *h, struct ha_rg *rg)
{
	Repl__Chunk c = REPL__CHUNK__INIT;
	ProtobufCBinaryData v[CHUNK_RECORDS];
	size_t octets = 0, most = CHUNK_RECORDS;

	if (h->cfg.chunk_records)
		most = MIN(most, (size_t)h->cfg.chunk_records);
	c.records = v;
	while (c.n_records < most && octets < CHUNK_OCTETS - HA_MESSAGE_MAX / 8) {
		const struct ha_rec *next = rg->source.cursor.next;
		const struct ha_rec *r;

		/* a record that would not fit any more waits for the next chunk */
		if (next && c.n_records && octets + next->body.n + next->extra.n > CHUNK_OCTETS)
			break;
		r = ha_cursor_next(&rg->store, &rg->source.cursor);
		if (!r) {
			rg->source.drained = true;
			break;
		}
		if (record_pack(r, &v[c.n_records]) < 0) {
			h->failed = true;
			break;
		}
		octets += v[c.n_records++].len;
	}
	if (c.n_records)
		chunk_send(h, rg, &c);
	for (size_t i = 0; i < c.n_records; i++)
		free(v[i].data);
}

static uint64_t slowest(const struct ha_rg *rg)
{
	uint64_t seq = UINT64_MAX;

	for (uint32_t n = 0; n < HA_NODES_MAX; n++)
		if (rg->source.targets & 1u << n)
			seq = MIN(seq, rg->source.seq_acked[n]);
	return seq;
}

/* Those who left, or came in by another way, need nothing more. */
static void source_prune(struct ha *h, struct ha_rg *rg)
{
	for (uint32_t n = 0; n < h->top; n++)
		if ((rg->source.targets & 1u << n) && !wants(h, rg, n))
			rg->source.targets &= ~(1u << n);
	if (!rg->source.targets || h->now_ns - rg->source.changed_ns >= MS(STALLED_MS))
		source_stop(rg);
}

static void source_pump(struct ha *h, struct ha_rg *rg)
{
	struct ha_source *s = &rg->source;

	for (int i = 0; i < CHUNKS_A_STEP && s->marked && !s->drained; i++) {
		if (s->seq_next > slowest(rg) + XFER_WINDOW)
			return;
		records_send(h, rg);
	}
	if (s->drained && !s->barrier_sent) {
		Repl__Chunk c = REPL__CHUNK__INIT;

		c.barrier = true;
		s->barrier_sent = true;
		chunk_send(h, rg, &c);
	}
}

static void digest_send(struct ha *h, struct ha_rg *rg)
{
	Repl__Chunk c = REPL__CHUNK__INIT;
	Repl__Digest d = REPL__DIGEST__INIT;

	d.index = rg->index;
	d.records = rg->store.digest.records;
	d.sum = rg->store.digest.sum ^ rg->store.digest.sum2;
	c.digest = &d;
	rg->source.digest_sent = true;
	h->counters[COUNT_SNAPSHOTS_SENT]++;
	chunk_send(h, rg, &c);
}

/* Own messages, come back: the order is known. */
static void own_chunk(struct ha *h, struct ha_rg *rg, const Repl__Chunk *m)
{
	if (m->transfer != rg->source.transfer)
		return;
	rg->source.seq_seen = m->seq + 1;
	if (m->barrier)
		digest_send(h, rg);
}

/* ---------------------------------------------------------------- joiner */

static void sync_send(struct ha *h, struct ha_rg *rg, Repl__SyncKind kind)
{
	Repl__Message m = REPL__MESSAGE__INIT;
	Repl__Sync s = REPL__SYNC__INIT;

	s.rg = rg->cfg->id;
	s.kind = kind;
	s.transfer = rg->join.transfer;
	s.seq = rg->join.seq_next;
	m.sync = &s;
	ha_send(h, &m);
}

static void kept_clear(struct ha_rg *rg)
{
	struct ha_kept *k, *tmp;

	list_foreach_safe (k, tmp, &rg->join.kept, link) {
		list_del(&k->link);
		blob_fini(&k->octets);
		free(k);
	}
	rg->join.kept_octets = 0;
}

void ha_want_sync(struct ha *h, struct ha_rg *rg)
{
	kept_clear(rg);
	ha_say(h, LOG_LEVEL_DEBUG, "ha.snapshot.want", "rg=%u state=%u", rg->cfg->id,
		(unsigned)rg->join.state);
	rg->join.state = HA_SYNC_WANT;
	rg->join.changed_ns = h->now_ns;
	sync_send(h, rg, REPL__SYNC_KIND__SYNC_NEED);
}

bool ha_snapshot_keep(
	struct ha *h, struct ha_rg *rg, uint32_t from, bool is_claim, struct view octets)
{
	struct ha_kept *k;

	if (rg->join.state != HA_SYNC_MARKED)
		return false;
	k = calloc(1, sizeof *k);
	if (!k || blob_copy(octets, &k->octets) < 0) {
		free(k);
		h->failed = true;
		return true;
	}
	k->sender = from;
	k->claim = is_claim;
	list_add_tail(&rg->join.kept, &k->link);
	rg->join.kept_octets += octets.n;
	if (rg->join.kept_octets > KEPT_MAX)
		ha_want_sync(h, rg);
	return true;
}

void ha_on_marker(struct ha *h, uint32_t from, const Repl__Marker *m)
{
	struct ha_rg *rg = ha_rg_find(h, m->rg);

	if (!rg)
		return;
	if (from == h->cfg.node) {
		if (m->transfer == rg->source.transfer) {
			rg->source.marked = true;
			base_send(h, rg);
		}
		return;
	}
	if (!(m->targets & 1u << h->cfg.node) || rg->synced)
		return;
	if (rg->join.state == HA_SYNC_READY) {
		/* it follows the log already and only waits to be admitted by one who missed that
		 */
		sync_send(h, rg, REPL__SYNC_KIND__SYNC_READY);
		return;
	}
	if (rg->join.state >= HA_SYNC_MARKED && from != rg->join.source)
		return; /* one source is enough; should it fail, we ask again */
	kept_clear(rg);
	ha_store_clear(&rg->store);
	rg->store.filling = true;
	rg->epoch = (struct ha_epoch){0};
	rg->index = rg->committed = 0; /* numbers of another history say nothing in this one */
	rg->set = 0;
	rg->join.state = HA_SYNC_MARKED;
	rg->join.transfer = m->transfer;
	rg->join.source = from;
	rg->join.seq_next = 0;
	rg->join.changed_ns = h->now_ns;
	ha_say(h, LOG_LEVEL_DEBUG, "ha.snapshot.marked", "rg=%u source=%u", rg->cfg->id, from);
	ha_do(h, HA_DO_RESET)->rg = rg->cfg->id;
}

static void base_in(struct ha *h, struct ha_rg *rg, const Repl__Start *b)
{
	struct ha_kept *k, *tmp;
	struct list kept;

	rg->epoch = ha_epoch_of(b->epoch);
	rg->index = b->index;
	rg->failovers = b->failovers;
	rg->manual = b->manual;
	rg->set = 0;
	for (size_t i = 0; i < b->n_members; i++) {
		uint32_t n = b->members[i]->node;

		if (n >= HA_NODES_MAX)
			continue;
		rg->set |= 1u << n;
		rg->set_incarnation[n] = b->members[i]->incarnation;
		rg->set_copy[n] = b->members[i]->copy;
	}
	rg->seen = MAX(rg->seen, rg->epoch.number);
	rg->view_epoch = rg->epoch;
	rg->view_index = rg->index;
	rg->join.state = HA_SYNC_FILLING;
	list_init(&kept);
	if (!list_is_empty(&rg->join.kept)) { /* the ring moves to a head of our own */
		kept = rg->join.kept;
		kept.next->prev = kept.prev->next = &kept;
		list_init(&rg->join.kept);
	}
	list_foreach_safe (k, tmp, &kept, link) {
		list_del(&k->link);
		if (k->claim) {
			Repl__Claim *c = repl__claim__unpack(NULL, k->octets.n, k->octets.p);

			if (c)
				ha_on_claim(h, k->sender, c);
			if (c)
				repl__claim__free_unpacked(c, NULL);
		} else {
			ha_on_log(h, NULL, k->sender, blob_view(&k->octets));
		}
		blob_fini(&k->octets);
		free(k);
	}
	rg->join.kept_octets = 0;
	ha_role_tell(h, rg, "joining");
}

static void record_in(struct ha *h, struct ha_rg *rg, const ProtobufCBinaryData *packed)
{
	Repl__Record *r = repl__record__unpack(NULL, packed->len, packed->data);
	struct ha_put put;
	auto_blob extra = {0};
	int rc;

	if (!r || r->class_ == 0 || r->class_ > 255 || r->key.len > HA_KEY_MAX) {
		h->counters[COUNT_BAD_MESSAGE]++;
	} else {
		put = (struct ha_put){.class = (uint8_t)r->class_,
			.key = view_of(r->key.data, r->key.len),
			.body = view_of(r->body.data, r->body.len),
			.index = r->index,
			.epoch = r->epoch};
		rc = ha_record_extra(r, &extra);
		put.extra = blob_view(&extra);
		if (rc == 0)
			rc = ha_store_put(&rg->store, &put);
		h->failed |= rc < 0;
		if (rc == 1)
			ha_apply_record(h, rg, &put)->snapshot = true;
	}
	if (r)
		repl__record__free_unpacked(r, NULL);
}

static void digest_in(struct ha *h, struct ha_rg *rg, const Repl__Digest *d)
{
	const struct ha_digest *own = &rg->join.barrier;

	if (rg->join.state != HA_SYNC_BARRIER || d->index != rg->join.barrier_index ||
		d->records != own->records || d->sum != (own->sum ^ own->sum2)) {
		h->counters[COUNT_DIGEST_MISMATCH]++;
		ha_say(h, LOG_LEVEL_ERR, "ha.snapshot.digest",
			"rg=%u records=%llu/%llu index=%llu/%llu: copies differ, again",
			rg->cfg->id, (unsigned long long)own->records,
			(unsigned long long)d->records, (unsigned long long)rg->join.barrier_index,
			(unsigned long long)d->index);
		ha_want_sync(h, rg);
		return;
	}
	rg->join.state = HA_SYNC_READY;
	h->counters[COUNT_SNAPSHOTS_TAKEN]++;
	sync_send(h, rg, REPL__SYNC_KIND__SYNC_READY);
}

static void chunk_in(struct ha *h, struct ha_rg *rg, const Repl__Chunk *m)
{
	struct ha_join *j = &rg->join;

	if (m->seq != j->seq_next || (m->seq == 0) != (m->start != NULL)) {
		ha_want_sync(h, rg);
		return;
	}
	j->seq_next++;
	j->changed_ns = h->now_ns;
	if (m->start)
		base_in(h, rg, m->start);
	if (j->state < HA_SYNC_FILLING)
		return; /* what was kept did not fit */
	for (size_t i = 0; i < m->n_records; i++)
		record_in(h, rg, &m->records[i]);
	if (m->barrier) {
		j->state = HA_SYNC_BARRIER;
		j->barrier = rg->store.digest;
		j->barrier_index = rg->index;
	}
	if (m->digest)
		digest_in(h, rg, m->digest);
	else if (h->policy->synced_unchecked)
		sync_send(h, rg, REPL__SYNC_KIND__SYNC_READY);
	else
		sync_send(h, rg, REPL__SYNC_KIND__SYNC_PROGRESS);
}

void ha_on_chunk(struct ha *h, uint32_t from, const Repl__Chunk *m)
{
	struct ha_rg *rg = ha_rg_find(h, m->rg);

	if (!rg)
		return;
	if (from == h->cfg.node)
		own_chunk(h, rg, m);
	else if (!rg->synced && rg->join.state >= HA_SYNC_MARKED && from == rg->join.source &&
		 m->transfer == rg->join.transfer)
		chunk_in(h, rg, m);
}

void ha_on_sync(struct ha *h, uint32_t from, const Repl__Sync *m)
{
	struct ha_rg *rg = ha_rg_find(h, m->rg);
	struct ha_place *place;
	struct ha_epoch epoch = ha_epoch_of(m->epoch);

	if (!rg || from == h->cfg.node)
		return;
	place = &rg->place[from];
	switch (m->kind) {
	case REPL__SYNC_KIND__SYNC_NEED:
		place->needs = true;
		place->ready = place->synced = false;
		rg->source.targets &= ~(1u << from); /* from the beginning, with a new marker */
		if (!rg->synced && rg->join.state > HA_SYNC_WANT && rg->join.source == from)
			ha_want_sync(h, rg); /* what we copy from is no good itself */
		break;
	case REPL__SYNC_KIND__SYNC_PROGRESS:
		if (m->transfer == rg->source.transfer) {
			rg->source.seq_acked[from] = m->seq;
			rg->source.changed_ns = h->now_ns;
		}
		break;
	case REPL__SYNC_KIND__SYNC_READY:
		place->ready = true;
		place->copy = m->transfer;
		place->needs = false;
		break;
	case REPL__SYNC_KIND__SYNC_ACTIVATED:
		if (ha_epoch_equal(&epoch, &rg->epoch))
			ha_handover_activated(h, rg, from);
		break;
	case _REPL__SYNC_KIND_IS_INT_SIZE:
	default:
		break;
	}
}

/* ---------------------------------------------------------------- both */

void ha_snapshot_reset(struct ha *h, struct ha_rg *rg)
{
	source_stop(rg);
	kept_clear(rg);
	rg->join.state = rg->synced ? HA_SYNC_IDLE : HA_SYNC_WANT;
	rg->join.changed_ns = h->now_ns;
}

void ha_snapshot_step(struct ha *h, struct ha_rg *rg)
{
	uint64_t waited;

	if (rg->source.transfer)
		source_prune(h, rg);
	if (rg->source.transfer)
		source_pump(h, rg);
	else if (is_source(h, rg))
		source_begin(h, rg);
	if (rg->synced || rg->claim_sent) /* our own claim will make it whole, or fail */
		return;
	waited = h->now_ns - rg->join.changed_ns;
	if (waited >= MS(rg->join.state <= HA_SYNC_WANT ? AGAIN_MS : STALLED_MS))
		ha_want_sync(h, rg);
}

void ha_snapshot_fini(struct ha_rg *rg)
{
	source_stop(rg);
	kept_clear(rg);
}
