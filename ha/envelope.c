#include "envelope.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "base/emit.h"
#include "base/err.h"
#include "core.h"

enum { FORMAT = 1 };

static const char purpose[] = "tandem replication message 1";

int ha_envelope_parse(struct view octets, struct ha_envelope *out)
{
	struct cur c = cur_of(octets);
	uint8_t magic = cur_u8(&c), format = cur_u8(&c), kind;

	*out = (struct ha_envelope){0};
	out->cluster = cur_u8(&c);
	out->schema = cur_u8(&c);
	out->sender = cur_u8(&c);
	kind = cur_u8(&c);
	out->rg = cur_be16(&c);
	cur_copy(&c, out->salt, sizeof out->salt);
	out->counter = cur_be64(&c);
	out->view = cur_be64(&c);
	out->epoch = cur_be64(&c);
	out->index = cur_be64(&c);
	out->sealed = cur_rest(&c);
	if (!cur_ok(&c) || out->sealed.n < HA_ENVELOPE_TAG)
		return -ERR_TRUNCATED;
	if (magic != HA_ENVELOPE_MAGIC || format != FORMAT)
		return -ERR_VERSION;
	if (out->sender >= HA_NODES_MAX || out->rg >= HA_RG_MAX ||
		(kind != HA_KIND_HELLO && kind != HA_KIND_MESSAGE))
		return -ERR_VALUE;
	out->kind = (enum ha_kind)kind;
	out->aad = view_of(octets.p, HA_ENVELOPE_HEAD);
	return 0;
}

void ha_envelope_head(const struct ha_envelope *e, uint8_t out[HA_ENVELOPE_HEAD])
{
	struct emit m = emit_to(out, HA_ENVELOPE_HEAD);

	emit_u8(&m, HA_ENVELOPE_MAGIC);
	emit_u8(&m, FORMAT);
	emit_u8(&m, (uint8_t)e->cluster);
	emit_u8(&m, (uint8_t)e->schema);
	emit_u8(&m, (uint8_t)e->sender);
	emit_u8(&m, (uint8_t)e->kind);
	emit_be16(&m, (uint16_t)e->rg);
	emit_bytes(&m, e->salt, sizeof e->salt);
	emit_be64(&m, e->counter);
	emit_be64(&m, e->view);
	emit_be64(&m, e->epoch);
	emit_be64(&m, e->index);
}

/* Our own messages come back through the same gate as everybody's: self has a receiver too. */
int ha_envelope_start(struct ha *h)
{
	const struct ha_seal_ops *ops = &h->cfg.seal;
	struct ha_rx *self = &h->peer[h->cfg.node].rx;
	int rc;

	env_random(&h->cfg.env, h->tx_salt, sizeof h->tx_salt);
	rc = ops->key_new(ops->ctx, purpose, h->cfg.node, h->tx_salt, &h->tx_key);
	if (rc < 0)
		return rc;
	memcpy(self->salt, h->tx_salt, sizeof self->salt);
	return ops->key_new(ops->ctx, purpose, h->cfg.node, h->tx_salt, &self->key);
}

void ha_envelope_stop(struct ha *h)
{
	const struct ha_seal_ops *ops = &h->cfg.seal;

	if (h->tx_key)
		ops->key_free(ops->ctx, h->tx_key);
	for (uint32_t n = 0; n < h->top; n++)
		if (h->peer[n].rx.key)
			ops->key_free(ops->ctx, h->peer[n].rx.key);
}

/* ---------------------------------------------------------------- out */

static void seal_and_cast(struct ha *h, const struct ha_head *head, size_t plain_n)
{
	struct ha_envelope e = {.cluster = h->cfg.cluster_id,
		.schema = HA_SCHEMA,
		.sender = h->cfg.node,
		.kind = head->hello ? HA_KIND_HELLO : HA_KIND_MESSAGE,
		.rg = head->rg,
		.counter = ++h->tx_counter,
		.view = h->view.id,
		.epoch = head->epoch,
		.index = head->index};
	int rc;

	memcpy(e.salt, h->tx_salt, sizeof e.salt);
	ha_envelope_head(&e, h->scratch);
	rc = h->cfg.seal.seal(h->cfg.seal.ctx, h->tx_key, e.counter,
		view_of(h->scratch, HA_ENVELOPE_HEAD), view_of(h->plain, plain_n),
		h->scratch + HA_ENVELOPE_HEAD);
	if (rc < 0) {
		h->failed = true;
		return;
	}
	h->counters[COUNT_SENT]++;
	ha_do(h, HA_DO_MCAST)->mcast =
		ha_lend(h, view_of(h->scratch, HA_ENVELOPE_HEAD + plain_n + HA_ENVELOPE_TAG));
}

static bool fits(struct ha *h, size_t n)
{
	if (n <= HA_MESSAGE_MAX - HA_ENVELOPE_HEAD - HA_ENVELOPE_TAG)
		return true;
	ha_say(h, LOG_LEVEL_ERR, "ha.message.large", "octets=%zu", n);
	h->failed = true; /* ours to keep: every caller bounds what it sends */
	return false;
}

uint8_t *ha_scratch(struct ha *h, size_t n)
{
	return n <= HA_MESSAGE_MAX ? h->scratch : NULL;
}

/* Each message has an id of its own, so that hearing it can be acknowledged; send times are kept a
 * millisecond at a time, so that they reach back long enough at any rate. */
static uint64_t renew_now(struct ha *h)
{
	h->renew_id++;
	if (h->renew_id == 1 || h->now_ns - h->renew_at[h->renew_newest].ns >= MS(1)) {
		h->renew_newest = (h->renew_newest + 1) % RENEWS;
		h->renew_at[h->renew_newest].first = h->renew_id;
		h->renew_at[h->renew_newest].ns = h->now_ns;
	}
	return h->renew_id;
}

uint64_t ha_renew_sent(const struct ha *h, uint64_t id)
{
	for (size_t i = 0; i < RENEWS && id; i++) {
		size_t at = (h->renew_newest + RENEWS - i) % RENEWS;

		if (h->renew_at[at].first == 0)
			break;
		if (h->renew_at[at].first <= id)
			return h->renew_at[at].ns;
	}
	return 0;
}

void ha_send(struct ha *h, Repl__Message *m)
{
	struct ha_head head = {0};

	if (m->claim) {
		head.rg = m->claim->rg;
		head.epoch = m->claim->next->number;
		head.index = m->claim->prev_index + 1;
	}
	ha_send_as(h, &head, m);
}

void ha_send_as(struct ha *h, const struct ha_head *head, Repl__Message *m)
{
	size_t n;

	if (h->view.id == 0)
		return;
	m->renew = renew_now(h);
	if (!m->ack) /* nobody acknowledges an acknowledgement */
		h->last_sent_ns = h->now_ns;
	n = repl__message__get_packed_size(m);
	if (!fits(h, n))
		return;
	repl__message__pack(m, h->plain);
	seal_and_cast(h, head, n);
}

struct hello_parts {
	Repl__Echo echo[HA_NODES_MAX], *echoes[HA_NODES_MAX];
	Repl__RgHello rg[HA_RG_MAX], *rgs[HA_RG_MAX];
	Repl__RgStatus status[HA_RG_MAX];
	Repl__Epoch epoch[HA_RG_MAX], held[HA_RG_MAX], now[HA_RG_MAX], sure[HA_RG_MAX];
	Repl__Member member[HA_RG_MAX][HA_NODES_MAX], *members[HA_RG_MAX][HA_NODES_MAX];
};

static void hello_rg(struct ha *h, const struct ha_rg *rg, struct hello_parts *p, size_t i)
{
	Repl__RgHello *r = &p->rg[i];

	p->rgs[i] = r;
	repl__rg_hello__init(r);
	repl__rg_status__init(&p->status[i]);
	r->rg = rg->cfg->id;
	r->status = &p->status[i];
	r->status->rg = rg->cfg->id;
	r->status->priority = ha_own_priority(h, rg);
	r->status->monitors = ha_own_monitors(h, rg);
	r->status->vacant = rg->vacant;
	r->epoch = &p->epoch[i];
	ha_epoch_out(&rg->view_epoch, r->epoch);
	r->index = rg->view_index;
	r->synced = rg->synced && !ha_is_tentative(h, rg);
	r->seen = rg->seen;
	r->now = &p->now[i];
	ha_epoch_out(&rg->epoch, r->now);
	r->held = &p->held[i];
	ha_epoch_out(rg->unsure ? &rg->held_before : &rg->held, r->held);
	if (rg->unsure) {
		r->sure = &p->sure[i];
		ha_epoch_out(&rg->sure_epoch, r->sure);
	}
	r->members = p->members[i];
	for (uint32_t n = 0; r->synced && n < h->top; n++) {
		Repl__Member *m = &p->member[i][r->n_members];

		if (!ha_in_set(rg, n))
			continue;
		repl__member__init(m);
		m->node = n;
		m->incarnation = rg->set_incarnation[n];
		m->copy = rg->set_copy[n];
		p->members[i][r->n_members++] = m;
	}
}

void ha_send_hello(struct ha *h)
{
	Repl__Hello m = REPL__HELLO__INIT;
	struct ha_head head = {.hello = true};
	struct hello_parts *p = calloc(1, sizeof *p);
	size_t n;

	if (!p) {
		h->failed = true;
		return;
	}
	h->hello_due = false;
	h->hello_ns = h->now_ns;
	m.incarnation = h->incarnation;
	m.schema = m.schema_min = HA_SCHEMA;
	m.challenge = (ProtobufCBinaryData){CHALLENGE_LEN, h->challenge};
	m.echoes = p->echoes;
	for (uint32_t i = 0; i < h->top; i++) {
		struct ha_peer *peer = &h->peer[i];

		if (!peer->in_view || !peer->challenged || i == h->cfg.node)
			continue;
		p->echoes[m.n_echoes] = &p->echo[m.n_echoes];
		repl__echo__init(&p->echo[m.n_echoes]);
		p->echo[m.n_echoes].node = i;
		p->echo[m.n_echoes].challenge =
			(ProtobufCBinaryData){CHALLENGE_LEN, peer->challenge};
		peer->echoed = true;
		m.n_echoes++;
	}
	m.rgs = p->rgs;
	for (uint32_t i = 0; i < h->n_rg; i++)
		hello_rg(h, &h->rg[i], p, m.n_rgs++);
	n = repl__hello__get_packed_size(&m);
	if (fits(h, n)) {
		repl__hello__pack(&m, h->plain);
		seal_and_cast(h, &head, n);
	}
	free(p);
}

/* ---------------------------------------------------------------- in */

static void refuse(struct ha *h, enum ha_count why, uint32_t from)
{
	h->counters[why]++;
	/* who joins does not know the salts of those who were there, until their next Hello */
	if (why == COUNT_UNKNOWN_SALT && !h->peer[from].greeted)
		return;
	/* at most one line a second: what is refused may come in floods */
	if (h->now_ns - h->refused_ns < MS(1000))
		return;
	h->refused_ns = h->now_ns;
	ha_say(h, LOG_LEVEL_WARN, "ha.message.refused", "from=%u why=%s", from,
		why == COUNT_BAD_ENVELOPE   ? "envelope"
		: why == COUNT_BAD_SEAL	    ? "seal"
		: why == COUNT_REPLAYED	    ? "replay"
		: why == COUNT_UNKNOWN_SALT ? "salt"
					    : "content");
}

static bool open_with(struct ha *h, struct ha_key *key, const struct ha_envelope *e)
{
	return h->cfg.seal.open(h->cfg.seal.ctx, key, e->counter, e->aad, e->sealed, h->plain) == 0;
}

static bool echoes_us(const struct ha *h, const Repl__Hello *m)
{
	for (size_t i = 0; i < m->n_echoes; i++)
		if (m->echoes[i]->node == h->cfg.node &&
			view_equal(
				view_of(m->echoes[i]->challenge.data, m->echoes[i]->challenge.len),
				view_of_array(h->challenge)))
			return true;
	return false;
}

/* What a sender not yet proven fresh may cause: one Hello with its challenge in it. */
static void note_challenge(struct ha *h, struct ha_peer *peer, const Repl__Hello *m)
{
	if (m->challenge.len != CHALLENGE_LEN)
		return;
	if (peer->challenged && memcmp(peer->challenge, m->challenge.data, CHALLENGE_LEN) == 0 &&
		peer->echoed)
		return;
	memcpy(peer->challenge, m->challenge.data, CHALLENGE_LEN);
	peer->challenged = true;
	peer->echoed = false;
	h->hello_due = true;
}

/* Takes key over when the Hello proves fresh: under a salt already known by being of this view,
 * under a new one by echoing our challenge. */
static void hello_in(
	struct ha *h, const struct ha_envelope *e, struct ha_key **key, const Repl__Hello *m)
{
	struct ha_peer *peer = &h->peer[e->sender];

	if (e->view != h->view.id) {
		/* of ours, sent just before the view changed: nobody took it, say it again */
		h->hello_due |= e->sender == h->cfg.node;
		return;
	}
	if (e->sender != h->cfg.node)
		note_challenge(h, peer, m);
	if (*key) {
		if (!echoes_us(h, m)) {
			h->counters[COUNT_UNKNOWN_SALT]++;
			return;
		}
		if (peer->rx.key)
			h->cfg.seal.key_free(h->cfg.seal.ctx, peer->rx.key);
		peer->rx.key = take_ptr(*key);
		memcpy(peer->rx.salt, e->salt, sizeof e->salt);
	}
	peer->rx.counter = e->counter;
	ha_on_hello(h, e->sender, m);
}

static void deliver_hello(struct ha *h, const struct ha_envelope *e, bool known)
{
	struct ha_peer *peer = &h->peer[e->sender];
	struct ha_key *key = NULL;
	Repl__Hello *m = NULL;

	if (!known && h->cfg.seal.key_new(h->cfg.seal.ctx, purpose, e->sender, e->salt, &key) < 0)
		return;
	if (known && e->counter <= peer->rx.counter && !h->policy->accept_replays)
		refuse(h, COUNT_REPLAYED, e->sender);
	else if (!open_with(h, known ? peer->rx.key : key, e))
		refuse(h, COUNT_BAD_SEAL, e->sender);
	else
		m = repl__hello__unpack(NULL, e->sealed.n - HA_ENVELOPE_TAG, h->plain);
	if (m)
		hello_in(h, e, &key, m);
	if (key)
		h->cfg.seal.key_free(h->cfg.seal.ctx, key);
	if (m)
		repl__hello__free_unpacked(m, NULL);
}

static void dispatch(struct ha *h, const struct ha_envelope *e, const Repl__Message *m)
{
	struct ha_peer *peer = &h->peer[e->sender];
	struct ha_head head = {.rg = e->rg, .epoch = e->epoch, .index = e->index};

	/* what the header says and what is inside must agree */
	if (m->claim &&
		(!m->claim->next || m->claim->rg != e->rg || m->claim->next->number != e->epoch ||
			m->claim->prev_index + 1 != e->index)) {
		refuse(h, COUNT_BAD_MESSAGE, e->sender);
		return;
	}
	if (m->log.len)
		ha_on_log(h, &head, e->sender, view_of(m->log.data, m->log.len));
	if (m->claim)
		ha_on_claim(h, e->sender, m->claim);
	if (m->ack)
		ha_on_ack(h, e->sender, m->ack);
	if (m->status)
		ha_on_status(h, e->sender, m->status);
	if (m->marker)
		ha_on_marker(h, e->sender, m->marker);
	if (m->chunk)
		ha_on_chunk(h, e->sender, m->chunk);
	if (m->sync)
		ha_on_sync(h, e->sender, m->sync);
	if (m->request)
		ha_on_request(h, e->sender, m->request);
	/* Last: an acknowledgement of this id says that all of the above was taken in. */
	if (m->renew > peer->renew_seen) {
		peer->renew_seen = m->renew;
		peer->last_rx_ns = h->now_ns;
	}
	/* an acknowledgement is not acknowledged, and we know what we have ourselves */
	h->ack_due |= e->sender != h->cfg.node && (!m->ack || m->log.len || m->claim);
}

static void deliver_message(struct ha *h, const struct ha_envelope *e)
{
	struct ha_peer *peer = &h->peer[e->sender];
	Repl__Message *m;

	if (e->view != h->view.id && !h->policy->stale_acks_count) {
		h->counters[COUNT_STALE_VIEW]++;
		return;
	}
	if (e->counter <= peer->rx.counter && !h->policy->accept_replays) {
		refuse(h, COUNT_REPLAYED, e->sender);
		return;
	}
	if (!open_with(h, peer->rx.key, e)) {
		refuse(h, COUNT_BAD_SEAL, e->sender);
		return;
	}
	peer->rx.counter = e->counter;
	m = repl__message__unpack(NULL, e->sealed.n - HA_ENVELOPE_TAG, h->plain);
	if (!m) {
		refuse(h, COUNT_BAD_MESSAGE, e->sender);
		return;
	}
	if (e->view == h->view.id)
		dispatch(h, e, m);
	else if (m->ack) /* only a mutant comes here */
		ha_on_ack(h, e->sender, m->ack);
	repl__message__free_unpacked(m, NULL);
}

/*
 * Of a sender that we cannot read yet: it joined while this process stood still. Entries that are
 * missed show by their numbers, a CLAIM would not: others have applied it, and what we take for the
 * first one of its number would be another. Only a member of the commit set can have made one that
 * counts; one that starts from nothing (its index is 1) is not for those who hold something.
 */
static void unreadable(struct ha *h, const struct ha_envelope *e)
{
	struct ha_rg *rg = ha_rg_find(h, e->rg);

	if (rg && rg->synced && e->view == h->view.id && e->epoch > rg->epoch.number &&
		e->index > 1 && ha_in_set(rg, e->sender))
		ha_become_stale(h, rg, "a claim could not be read");
	refuse(h, COUNT_UNKNOWN_SALT, e->sender);
}

void ha_deliver(struct ha *h, const struct ha_ev_deliver *d)
{
	struct ha_envelope e;
	struct ha_peer *peer;
	bool known;

	h->counters[COUNT_RECEIVED]++;
	if (d->octets.n > HA_MESSAGE_MAX || ha_envelope_parse(d->octets, &e) < 0 ||
		e.cluster != h->cfg.cluster_id || e.sender != d->node) {
		refuse(h, COUNT_BAD_ENVELOPE, d->node);
		return;
	}
	peer = &h->peer[e.sender];
	if (!peer->in_view || peer->pid != d->pid) {
		h->counters[COUNT_STALE_VIEW]++; /* left meanwhile, or not one of us */
		return;
	}
	known = peer->rx.key && memcmp(peer->rx.salt, e.salt, sizeof e.salt) == 0;
	if (e.kind == HA_KIND_HELLO)
		deliver_hello(h, &e, known);
	else if (!known)
		unreadable(h, &e);
	else
		deliver_message(h, &e);
}
