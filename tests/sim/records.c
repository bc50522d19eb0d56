#include "records.h"

#include <string.h>

#include "base/cursor.h"
#include "base/emit.h"
#include "engine.h"
#include "inside.h"
#include "models.h"
#include "record.pb-c.h"

bool record_is_child(struct view key, uint32_t *spi_in)
{
	struct cur c = cur_of(key);
	bool child = cur_u8(&c) == 'C';

	*spi_in = cur_be32(&c);
	return child && cur_done(&c);
}

void lease_key(uint32_t spi_in, uint8_t out[LEASE_KEY_LEN])
{
	struct emit e = emit_to(out, LEASE_KEY_LEN);

	emit_be32(&e, spi_in);
}

struct lease first_lease(uint64_t epoch, uint64_t horizon)
{
	return (struct lease){
		.epoch = epoch, .out_horizon = horizon < FIRST_LEASE ? horizon : FIRST_LEASE};
}

bool record_install(uint32_t rg, struct view body, struct order *out)
{
	Rec__ChildSa *s = rec__child_sa__unpack(NULL, body.n, body.p);
	struct addr remote = {0};
	bool good = s && s->remote &&
		    addr_from_view(
			    view_of(s->remote->address.data, s->remote->address.len), &remote) == 0;

	if (good)
		*out = (struct order){.type = ORDER_INSTALL,
			.rg = rg,
			.spi = s->spi_in,
			.spi_out = s->spi_out,
			.peer = peer_of_address(&remote),
			.remote = remote,
			.outbound = s->outbound,
			.lease = first_lease(s->lease_epoch, s->lease_horizon)};
	if (s)
		rec__child_sa__free_unpacked(s, NULL);
	return good;
}

static struct order grant_of(uint32_t rg, struct view body)
{
	struct order o = {.type = ORDER_GRANT, .rg = rg};
	struct sa_lease r;

	memcpy(&r, body.p, sizeof r);
	o.spi = r.spi;
	o.lease = r.lease;
	return o;
}

/* The lease may have come before its SA: a snapshot has the order of last changes. */
static void grant_known(struct world *w, uint32_t n, uint32_t rg, uint32_t spi)
{
	uint8_t key[LEASE_KEY_LEN];
	struct ha_record r;
	struct order o;

	if (w->mutant && w->mutant->lease_lost)
		return;
	lease_key(spi, key);
	if (!ha_record_find(w->node[n]->ha, rg, HA_CLASS_LEASE, view_of_array(key), &r))
		return;
	o = grant_of(rg, r.body);
	to_dp(w, n, &o);
}

/* What the engine of this node wrote it tells its own dataplane when that is committed. */
void records_apply(struct world *w, uint32_t n, const struct ha_do_apply *a)
{
	struct order o = {.type = ORDER_DELETE, .rg = a->rg};

	if (a->item.class == HA_CLASS_LEASE) {
		if (a->item.tombstone)
			return;
		o = grant_of(a->rg, a->item.body);
		to_dp(w, n, &o);
		return;
	}
	if (w->mutant && w->mutant->own_skipped && engine_is_active(w, n, a->rg))
		return;
	if (a->own || !record_is_child(a->item.key, &o.spi))
		return;
	if (!a->item.tombstone && !record_install(a->rg, a->item.body, &o))
		world_violate(w, "n%u applies a damaged record", n);
	to_dp(w, n, &o);
	if (!a->item.tombstone)
		grant_known(w, n, a->rg, o.spi);
}

static void refill_rg(struct world *w, uint32_t n, uint32_t rg)
{
	struct ha_walk at = {0};
	struct ha_record r;
	struct order o;
	uint32_t spi;

	while (ha_record_next(w->node[n]->ha, rg, &at, &r))
		if (r.class == HA_CLASS_RECORD && record_is_child(r.key, &spi) &&
			record_install(rg, r.body, &o))
			to_dp(w, n, &o);
	/* leases after the SAs they belong to */
	at = (struct ha_walk){0};
	while (ha_record_next(w->node[n]->ha, rg, &at, &r)) {
		if (r.class != HA_CLASS_LEASE)
			continue;
		o = grant_of(rg, r.body);
		to_dp(w, n, &o);
	}
}

void records_refill(struct world *w, uint32_t n)
{
	struct order hello = {.type = ORDER_HELLO};

	for (uint32_t rg = 0; rg < w->rgs; rg++)
		refill_rg(w, n, rg);
	telling_refilled(w, n);
	to_dp(w, n, &hello);
}

void records_reconcile(struct world *w, uint32_t n, uint32_t rg)
{
	struct node *nd = w->node[n];

	for (uint32_t i = 0; i < SAS; i++) {
		struct order o = {.type = ORDER_DELETE, .rg = rg, .spi = nd->dp.sa[i].spi};
		uint8_t key[5] = {'C'};
		struct ha_record r;

		if (!nd->dp.sa[i].used || nd->dp.sa[i].rg != rg)
			continue;
		lease_key(o.spi, key + 1);
		if (!ha_record_find(nd->ha, rg, HA_CLASS_RECORD, view_of_array(key), &r))
			to_dp(w, n, &o);
	}
}

void records_wants(struct world *w, uint32_t n, const struct wants *v)
{
	struct ha_item items[SAS];
	uint8_t keys[SAS][LEASE_KEY_LEN];
	struct ha_event ev = {
		.type = HA_EV_LEASES, .leases = {.rg = v->rg, .epoch = v->epoch, .items = items}};

	for (size_t i = 0; i < v->n; i++) {
		uint8_t *key = keys[ev.leases.n], child[5] = {'C'};

		lease_key(v->v[i].spi, key);
		lease_key(v->v[i].spi, child + 1);
		/* one that is on its way out takes its lease along */
		if (!inside_knows(w->node[n]->engine.ike, view_of_array(child)))
			continue;
		items[ev.leases.n++] = (struct ha_item){HA_CLASS_LEASE, false,
			view_of(key, LEASE_KEY_LEN), view_of(&v->v[i], sizeof v->v[i])};
	}
	if (ev.leases.n)
		control_event(w, n, &ev);
}
