/*
 * Local groups become active: a dataplane came (back), or tandemd did.
 */
#include <stdlib.h>

#include "base/err.h"
#include "host/daemon.h"
#include "host/manual.h"
#include "host/dp_child.h"
#include "host/dp_orders.h"
#include "ike/show.h"

enum { CHILD_KEY_LEN = 5, RG_COUNT = 256, ANNOUNCEMENTS = 2 };

static bool is_local(const struct local *l, uint32_t rg)
{
	return !ha_bridge_owns(&l->d->ha, rg);
}

void local_hello(struct local *l, const Dp__HelloReply *h)
{
	l->epoch = MAX(l->epoch, local_epoch_kept(l));
	l->fresh = true;
	for (size_t i = 0; i < h->n_rgs; i++) {
		if (!is_local(l, h->rgs[i]->rg))
			continue;
		l->epoch = MAX(l->epoch, h->rgs[i]->epoch);
		if (h->rgs[i]->role == DP__RG_ROLE__RG_ACTIVE && h->rgs[i]->epoch != 0)
			l->fresh = false;
	}
	/* A refilled dataplane starts beyond what the one before it may have sent. That it is
	 * configured says nothing: a tandemd may have died before it filled it. */
	if (l->fresh)
		l->epoch++;
}

/* ---------------------------------------------------------------- becoming active */

static void refill_child(void *ctx, uint32_t rg, struct view key, struct view body)
{
	struct local *l = (struct local *)ctx;
	uint8_t lease_key[CHILD_KEY_LEN] = {'L'};
	struct view lease = {0};
	uint32_t spi;

	(void)rg;
	if (!dp_child_key(key, &spi))
		return;
	dp_lease_key(spi, lease_key + 1);
	(void)local_store_find(&l->store, view_of_array(lease_key), &lease);
	if (dp_child_install_record(&l->d->dp, body, lease) < 0)
		log_err(&l->d->log, "dataplane.refill.failed", "spi=%08x", spi);
}

/* Keys, because restoring changes the store. */
struct keys {
	struct key_row {
		uint32_t rg;
		uint8_t n, octets[IKE_RECORD_KEY_MAX];
	} * v;

	size_t n;
};

static void add_key(void *ctx, uint32_t rg, struct view key, struct view body)
{
	struct keys *k = (struct keys *)ctx;
	struct key_row *row = &k->v[k->n];

	(void)body;
	if (key.n > sizeof row->octets || (key.p[0] != 'I' && key.p[0] != 'C'))
		return;
	row->rg = rg;
	row->n = (uint8_t)key.n;
	memcpy(row->octets, key.p, key.n);
	k->n++;
}

static int keys_of(const struct local *l, struct keys *out)
{
	*out = (struct keys){.v = calloc(l->store.n + 1, sizeof *out->v)};
	if (!out->v)
		return -ERR_NOMEM;
	local_store_each(&l->store, add_key, out);
	return 0;
}

static void restore(struct local *l, uint32_t rg, const struct keys *k)
{
	struct ike_event ev = {.type = IKE_EV_RESTORE};
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++) {
		struct view key = view_of(k->v[i].octets, k->v[i].n), body;

		if (k->v[i].rg != rg || !local_store_find(&l->store, key, &body))
			continue;
		ev.record = (struct ike_ev_record){.rg = rg, .key = key, .body = body};
		runner_feed(&l->d->runner, &ev);
		n++;
	}
	ev = (struct ike_event){.type = IKE_EV_RESTORE_DONE};
	ev.rg.rg = rg;
	runner_feed(&l->d->runner, &ev);
	pki_service_restored(&l->d->pki);
	if (n != 0)
		log_notice(&l->d->log, "local.restored", "rg=%u records=%zu", rg, n);
}

/* Records that the engine could not use: their gateway or tunnel is configured no more. */
static void forget_unknown(struct local *l, const struct keys *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++) {
		struct view key = view_of(k->v[i].octets, k->v[i].n), body;
		uint32_t spi;

		if (ike_knows(l->d->runner.ike, key) || !local_store_find(&l->store, key, &body))
			continue;
		local_forget(l, k->v[i].rg, key);
		if (dp_child_key(key, &spi))
			dp_order_delete(&l->d->dp, &spi, 1);
		n++;
	}
	if (n != 0)
		log_notice(&l->d->log, "local.forgotten", "records=%zu", n);
}

/* What the dataplane holds and no record tells of: its negotiation was never finished. */
static void on_held(void *ctx, int rc, const Dp__Reply *reply)
{
	struct local *l = (struct local *)ctx;
	size_t removed = 0;

	for (size_t i = 0; rc == 0 && i < reply->n_children; i++) {
		uint8_t key[CHILD_KEY_LEN] = {'C'};
		struct view body;

		dp_lease_key(reply->children[i]->spi_in, key + 1);
		if (!is_local(l, reply->children[i]->rg) ||
			manual_has(l->d, reply->children[i]->spi_in) ||
			local_store_find(&l->store, view_of_array(key), &body))
			continue;
		dp_order_delete(&l->d->dp, &reply->children[i]->spi_in, 1);
		removed++;
	}
	if (removed != 0)
		log_notice(&l->d->log, "dataplane.reconciled", "rg=local removed=%zu", removed);
}

static void reconcile(struct local *l)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__Query query = DP__QUERY__INIT;

	query.children = true;
	q.body_case = DP__REQUEST__BODY_QUERY;
	q.query = &query;
	if (dp_client_send(&l->d->dp, &q, on_held, l) < 0)
		return; /* away: it comes back and is asked again */
}

static void act_for(struct local *l, uint32_t rg, const struct keys *k)
{
	struct daemon *d = l->d;
	const struct dp_rg_order o = {.rg = rg,
		.active = true,
		.epoch = l->epoch,
		.deadline_ns = UINT64_MAX,
		.owner = d->node};
	struct ike_event ev = {.type = IKE_EV_RG};

	(void)dp_order_rg(&d->dp, &o, NULL, NULL); /* away: told again when it is back */
	dp_order_announce(&d->dp, rg, ANNOUNCEMENTS);
	ev.rg = (struct ike_ev_rg){
		.rg = rg, .active = true, .continued = l->active, .epoch = l->epoch};
	runner_feed(&d->runner, &ev);
	if (!l->active)
		restore(l, rg, k);
}

void local_act(struct local *l)
{
	struct daemon *d = l->d;
	bool seen[RG_COUNT] = {[0] = true};
	struct keys k;

	if (keys_of(l, &k) < 0) {
		daemon_stop(d, "out of memory");
		return;
	}
	for (uint32_t i = 0; i < d->model->n_interfaces; i++)
		seen[d->model->interfaces[i].rg % RG_COUNT] = true;
	for (uint32_t rg = 0; rg < RG_COUNT; rg++)
		if (seen[rg] && is_local(l, rg))
			act_for(l, rg, &k);
	if (!l->active)
		forget_unknown(l, &k);
	l->active = true;
	l->fresh = false;
	free(k.v);
	reconcile(l);
	log_notice(&d->log, "daemon.ready", "incarnation=%u", d->dp_incarnation);
	work_drain(&d->work, d);
}

void local_begin(struct local *l)
{
	l->round++;
	if (!iv_guard_admits(&l->d->iv, 0, local_ivs_kept(l)))
		return;
	local_store_each(&l->store, refill_child, l);
	local_life_keep(l);
}
