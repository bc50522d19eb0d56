/*
 * A toy in the place of the IKE engine, with the same duties: numbered requests and answers both
 * ways, nothing said before it is committed, answers given again octet by octet, child SAs
 * installed before the answer that creates them.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "node.h"
#include "peer.h"

enum { KEY_LEN = 5, REKEY_EVERY = 6 };

/* 'P' peer, 'S' spi: the key of a record */
static struct view key_of(char kind, uint32_t id, uint8_t out[KEY_LEN])
{
	out[0] = (uint8_t)kind;
	memcpy(out + 1, &id, 4);
	return view_of(out, KEY_LEN);
}

static uint32_t rg_of(const struct world *w, uint32_t peer)
{
	return peer % w->rgs;
}

static void install(struct world *w, uint32_t n, uint32_t rg, const struct sa_record *r, bool tell)
{
	struct order o = {.type = ORDER_INSTALL,
		.rg = rg,
		.spi = r->spi,
		.peer = r->peer,
		.tell = tell,
		.lease = r->lease};

	to_dp(w, n, &o);
}

static void grant(struct world *w, uint32_t n, uint32_t rg, const struct sa_record *r)
{
	struct order o = {.type = ORDER_GRANT, .rg = rg, .spi = r->spi, .lease = r->lease};

	to_dp(w, n, &o);
}

/* ---------------------------------------------------------------- what ha tells */

void app_apply(struct world *w, uint32_t n, const struct ha_do_apply *a)
{
	struct order o = {.type = ORDER_DELETE, .rg = a->rg};
	struct sa_record r;

	if (a->item.key.n != KEY_LEN || a->item.key.p[0] != 'S')
		return;
	memcpy(&o.spi, a->item.key.p + 1, 4);
	if (a->item.tombstone) {
		if (a->item.class == HA_CLASS_RECORD)
			to_dp(w, n, &o);
		return;
	}
	memcpy(&r, a->item.body.p, sizeof r);
	if (a->item.class == HA_CLASS_LEASE)
		grant(w, n, a->rg, &r);
	else
		install(w, n, a->rg, &r, true);
}

void app_reset(struct world *w, uint32_t n, uint32_t rg)
{
	for (uint32_t p = 0; p < w->peers; p++)
		if (rg_of(w, p) == rg)
			w->node[n]->app.peer[p] = (struct app_peer){0};
}

/* SAs the dataplane has and the log has not are of the past. */
void app_synced(struct world *w, uint32_t n, uint32_t rg)
{
	struct node *nd = w->node[n];

	for (uint32_t i = 0; i < SAS; i++) {
		struct order o = {.type = ORDER_DELETE, .rg = rg, .spi = nd->dp.sa[i].spi};
		uint8_t key[KEY_LEN];
		struct ha_record r;

		if (nd->dp.sa[i].used && nd->dp.sa[i].rg == rg &&
			!ha_record_find(nd->ha, rg, HA_CLASS_RECORD, key_of('S', o.spi, key), &r))
			to_dp(w, n, &o);
	}
}

void app_refill(struct world *w, uint32_t n)
{
	struct node *nd = w->node[n];
	struct order hello = {.type = ORDER_HELLO};

	for (uint32_t rg = 0; rg < w->rgs; rg++) {
		struct ha_walk at = {0};
		struct ha_record r;
		struct sa_record sa;

		while (ha_record_next(nd->ha, rg, &at, &r)) {
			if (r.key.p[0] != 'S')
				continue;
			memcpy(&sa, r.body.p, sizeof sa);
			if (r.class == HA_CLASS_RECORD)
				install(w, n, rg, &sa, false);
		}
		for (at = (struct ha_walk){0}; ha_record_next(nd->ha, rg, &at, &r);) {
			if (r.class != HA_CLASS_LEASE)
				continue;
			memcpy(&sa, r.body.p, sizeof sa);
			grant(w, n, rg, &sa);
		}
	}
	to_dp(w, n, &hello);
}

/* ---------------------------------------------------------------- saying */

static bool may_say(struct world *w, uint32_t n, uint32_t peer)
{
	const struct node *nd = w->node[n];
	bool no_deadline = w->mutant && w->mutant->ha && w->mutant->ha->no_deadline;

	return ha_may_act(nd->ha, rg_of(w, peer), no_deadline ? 0 : node_clock(w, n));
}

static void say_answer(struct world *w, uint32_t n, uint32_t peer)
{
	const struct pstate *st = &w->node[n]->app.peer[peer].st;
	struct datagram d = {.peer = peer,
		.answer = true,
		.lineage = st->lineage,
		.content = st->answer,
		.token = st->token,
		.mid = st->in_mid,
		.spi = st->spi};

	if (!may_say(w, n, peer))
		return;
	check_said(w, n, peer, st, false);
	peer_datagram(w, n, &d);
}

static void say_request(struct world *w, uint32_t n, uint32_t peer)
{
	const struct pstate *st = &w->node[n]->app.peer[peer].st;
	struct datagram d = {
		.peer = peer, .lineage = st->lineage, .content = st->request, .mid = st->out_mid};

	if (!may_say(w, n, peer) || !st->request)
		return;
	check_said(w, n, peer, st, true);
	peer_datagram(w, n, &d);
}

static void say(struct world *w, uint32_t n, uint32_t peer)
{
	struct app_peer *a = &w->node[n]->app.peer[peer];

	a->wait = WAIT_NONE;
	if (a->sends_request)
		say_request(w, n, peer);
	else
		say_answer(w, n, peer);
}

/* ---------------------------------------------------------------- proposing */

static void propose(struct world *w, uint32_t n, uint32_t peer)
{
	struct node *nd = w->node[n];
	struct app_peer *a = &nd->app.peer[peer];
	uint8_t key[3][KEY_LEN];
	struct ha_rg_status status;
	struct sa_record sa = {.spi = a->next.spi, .peer = peer};
	struct ha_item items[4];
	struct ha_event ev = {
		.type = HA_EV_PROPOSE, .propose = {.rg = rg_of(w, peer), .items = items}};
	size_t i = 0;

	if (ha_rg_status(nd->ha, rg_of(w, peer), &status) < 0)
		return;
	sa.lease = (struct lease){.epoch = status.epoch.number, .out_horizon = 2000};
	items[i++] = (struct ha_item){HA_CLASS_RECORD, false, key_of('P', peer, key[0]),
		view_of(&a->next, sizeof a->next)};
	if (a->next.spi != a->st.spi) {
		items[i++] = (struct ha_item){HA_CLASS_RECORD, false, key_of('S', sa.spi, key[1]),
			view_of(&sa, sizeof sa)};
		if (a->st.spi) {
			struct view old = key_of('S', a->st.spi, key[2]);

			items[i++] = (struct ha_item){HA_CLASS_RECORD, true, old, {0}};
			items[i++] = (struct ha_item){HA_CLASS_LEASE, true, old, {0}};
		}
	}
	a->wait = WAIT_COMMIT;
	a->ticket = ++nd->app.tickets;
	ev.propose.ticket = a->ticket;
	ev.propose.n = i;
	control_event(w, n, &ev);
}

void app_committed(struct world *w, uint32_t n, uint64_t ticket, uint64_t index)
{
	struct app *app = &w->node[n]->app;

	for (uint32_t p = 0; p < w->peers; p++) {
		struct app_peer *a = &app->peer[p];
		bool child;

		if (a->wait != WAIT_COMMIT || a->ticket != ticket)
			continue;
		child = a->next.spi != a->st.spi;
		a->st = a->next;
		a->known = true;
		check_committed(w, n, p, &a->st, index);
		if (child && !(w->mutant && w->mutant->answer_first))
			a->wait = WAIT_INSTALL;
		else
			say(w, n, p);
	}
}

void app_installed(struct world *w, uint32_t n, uint32_t peer, uint32_t spi)
{
	struct app_peer *a = &w->node[n]->app.peer[peer];

	if (a->wait == WAIT_INSTALL && a->st.spi == spi)
		say(w, n, peer);
}

void app_rejected(struct world *w, uint32_t n, uint64_t ticket)
{
	struct app *app = &w->node[n]->app;

	for (uint32_t p = 0; p < w->peers; p++)
		if (app->peer[p].wait == WAIT_COMMIT && app->peer[p].ticket == ticket)
			app->peer[p].wait = WAIT_NONE;
}

/* ---------------------------------------------------------------- roles */

void app_standby(struct world *w, uint32_t n, uint32_t rg)
{
	app_reset(w, n, rg);
}

/* Restored from the log; what was outstanding is said again, the same octets. */
void app_active(struct world *w, uint32_t n, const struct ha_do_role *r)
{
	struct node *nd = w->node[n];

	for (uint32_t p = 0; p < w->peers; p++) {
		struct app_peer *a = &nd->app.peer[p];
		struct ha_record rec;
		uint8_t key[KEY_LEN];

		if (rg_of(w, p) != r->rg)
			continue;
		*a = (struct app_peer){0};
		if (!ha_record_find(nd->ha, r->rg, HA_CLASS_RECORD, key_of('P', p, key), &rec))
			continue;
		a->known = true;
		memcpy(&a->st, rec.body.p, sizeof a->st);
		say_request(w, n, p);
	}
}

/* ---------------------------------------------------------------- exchanges */

static uint32_t new_spi(struct world *w)
{
	return (uint32_t)rnd(w) | 1;
}

static void on_request(struct world *w, uint32_t n, const struct datagram *d)
{
	struct app_peer *a = &w->node[n]->app.peer[d->peer];

	if (a->wait != WAIT_NONE)
		return; /* its retransmission will find it done */
	if (d->lineage == 0 && a->known && d->token <= a->st.token) {
		if (d->token == a->st.token && a->st.in_mid == 0)
			say_answer(w, n, d->peer);
		return;
	}
	if (d->lineage == 0) { /* a new IKE SA */
		a->next = (struct pstate){.lineage = rnd(w) | 1,
			.answer = rnd(w),
			.spi = new_spi(w),
			.token = d->token};
	} else if (!a->known || d->lineage != a->st.lineage) {
		struct datagram no = {.peer = d->peer, .lineage = d->lineage, .lost_state = true};

		if (may_say(w, n, d->peer))
			peer_datagram(w, n, &no);
		return;
	} else if (d->mid == a->st.in_mid) {
		say_answer(w, n, d->peer);
		return;
	} else if (d->mid != a->st.in_mid + 1) {
		check_mid(w, n, d->peer, a->st.in_mid, d->mid);
		return;
	} else {
		a->next = a->st;
		a->next.in_mid++;
		a->next.answer = rnd(w);
		a->next.count++;
		if (a->next.count % REKEY_EVERY == 0)
			a->next.spi = new_spi(w);
	}
	a->sends_request = false;
	propose(w, n, d->peer);
}

static void on_answer(struct world *w, uint32_t n, const struct datagram *d)
{
	struct app_peer *a = &w->node[n]->app.peer[d->peer];

	if (!a->known || a->wait != WAIT_NONE || d->lineage != a->st.lineage || !a->st.request ||
		d->mid != a->st.out_mid)
		return;
	a->next = a->st;
	a->next.request = 0;
	a->sends_request = true; /* nothing to say */
	propose(w, n, d->peer);
}

void app_datagram(struct world *w, uint32_t n, const struct datagram *d)
{
	if (!may_say(w, n, d->peer))
		return;
	if (d->answer)
		on_answer(w, n, d);
	else
		on_request(w, n, d);
}

/* Requests of our own, and their retransmission. */
static void wish(struct world *w, uint32_t n, void *data)
{
	uint32_t p = (uint32_t)rnd_below(w, w->peers);
	struct app_peer *a = &w->node[n]->app.peer[p];

	(void)data;
	if (a->known && a->wait == WAIT_NONE && may_say(w, n, p)) {
		if (a->st.request) {
			say_request(w, n, p);
		} else {
			a->next = a->st;
			a->next.out_mid++;
			a->next.request = rnd(w) | 1;
			a->sends_request = true;
			propose(w, n, p);
		}
	}
	world_at(w, MSEC(rnd_between(w, 20, 120)), WHO_CONTROL, n, wish, NULL);
}

void app_begin(struct world *w, uint32_t n)
{
	world_at(w, MSEC(50), WHO_CONTROL, n, wish, NULL);
}
