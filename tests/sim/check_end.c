/* When nothing has happened for a while: one owner, equal copies, and both ends of every tunnel
 * agree. */
#include <string.h>

#include "base/cursor.h"
#include "check_in.h"
#include "ike/record.h"
#include "inside.h"
#include "models.h"
#include "peer.h"
#include "record.pb-c.h"
#include "records.h"
#include "theme.h"

enum { HEARD_MS = 6000 };

static void tell_difference(struct world *w, uint32_t rg, uint32_t a, uint32_t b)
{
	struct ha_walk at = {0};
	struct ha_record r, o;

	while (ha_record_next(w->node[a]->ha, rg, &at, &r)) {
		char hex[32];

		if (!ha_record_find(w->node[b]->ha, rg, r.class, r.key, &o))
			world_say(w, "n%u has %u/%s index %llu, n%u not", a, r.class,
				view_hex(r.key, hex, sizeof hex), (unsigned long long)r.index, b);
		else if (r.index != o.index || r.epoch != o.epoch || !view_equal(r.body, o.body))
			world_say(w,
				"n%u has %u/%s index %llu epoch %llu, n%u index %llu epoch %llu", a,
				r.class, view_hex(r.key, hex, sizeof hex),
				(unsigned long long)r.index, (unsigned long long)r.epoch, b,
				(unsigned long long)o.index, (unsigned long long)o.epoch);
	}
}

static void same_as_first(struct world *w, uint32_t rg, uint32_t n, const struct ha_rg_status *st,
	const struct ha_rg_status *first)
{
	if (ha_epoch_compare(&st->epoch, &first->epoch) || st->index > first->index + 20 ||
		first->index > st->index + 20) {
		world_violate(w,
			"rg%u: n%u and n0 differ in the end: epoch %llu/%llu index %llu/%llu", rg,
			n, (unsigned long long)st->epoch.number,
			(unsigned long long)first->epoch.number, (unsigned long long)st->index,
			(unsigned long long)first->index);
	} else if (st->index == first->index && st->digest != first->digest) {
		tell_difference(w, rg, n, 0);
		tell_difference(w, rg, 0, n);
		world_violate(w, "rg%u: n%u and n0 hold different records", rg, n);
	}
}

/* The owner; UINT32_MAX after a violation. */
static uint32_t copies_agree(struct world *w, uint32_t rg)
{
	struct ha_rg_status first = {0}, st;
	uint32_t owners = 0, owner = UINT32_MAX;

	for (uint32_t n = 0; n < w->nodes; n++) {
		if (check_acts(w, n, rg)) {
			owners++;
			owner = n;
		}
		if (!w->node[n]->ha || ha_rg_status(w->node[n]->ha, rg, &st) < 0)
			continue;
		if (!st.node[n].synced)
			world_violate(w, "rg%u: n%u is not synced in the end", rg, n);
		if (n == 0)
			first = st;
		else
			same_as_first(w, rg, n, &st, &first);
	}
	for (uint32_t n = 0; owners != 1 && n < w->nodes; n++)
		world_say(w, "n%u dp role %d epoch %llu deadline %llu clock %llu frozen %d", n,
			w->node[n]->dp.rg[rg].role, (unsigned long long)w->node[n]->dp.rg[rg].epoch,
			(unsigned long long)w->node[n]->dp.rg[rg].deadline_ns,
			(unsigned long long)node_clock(w, n), w->node[n]->dp.frozen[rg]);
	if (owners != 1)
		world_violate(w, "rg%u has %u owners in the end", rg, owners);
	return w->violation[0] ? UINT32_MAX : owner;
}

/* ---------------------------------------------------------------- engine, log, dataplane */

static const struct dpsa *dp_find(const struct world *w, uint32_t n, uint32_t spi)
{
	const struct dp *dp = &w->node[n]->dp;

	for (uint32_t i = 0; i < SAS; i++)
		if (dp->sa[i].used && dp->sa[i].spi == spi)
			return &dp->sa[i];
	return NULL;
}

/* Every record stands for something that lives. */
static void no_orphans(struct world *w, uint32_t rg, uint32_t n)
{
	struct ike *ike = w->node[n]->engine.ike;
	struct ha_walk at = {0};
	struct ha_record r;

	while (ha_record_next(w->node[n]->ha, rg, &at, &r)) {
		char hex[32];
		uint32_t spi;

		if (r.class == HA_CLASS_LEASE) {
			struct cur c = cur_of(r.key);

			uint8_t key[5] = {'C'};

			lease_key(cur_be32(&c), key + 1);
			if (!inside_knows(ike, view_of_array(key)))
				world_violate(w, "rg%u: the lease of SA %s is left over", rg,
					view_hex(r.key, hex, sizeof hex));
			continue;
		}
		if (!inside_knows(ike, r.key))
			world_violate(w, "rg%u: record %s is left over", rg,
				view_hex(r.key, hex, sizeof hex));
		for (uint32_t m = 0; m < w->nodes && record_is_child(r.key, &spi); m++)
			if (w->proc[m][WHO_DATAPLANE].up && !dp_find(w, m, spi))
				world_violate(
					w, "rg%u: the dataplane of n%u lacks SA %08x", rg, m, spi);
	}
}

/* And everything that lives has one. */
static void no_secrets(struct world *w, uint32_t rg, uint32_t n)
{
	const struct ike *ike = w->node[n]->engine.ike;
	uint8_t room[IKE_RECORD_KEY_MAX];
	struct inside_sa sas[INSIDE_MAX];
	struct inside_child children[INSIDE_MAX];
	struct ha_record r;

	for (size_t i = inside_sas(ike, sas); i-- > 0;)
		if (sas[i].rg == rg && sas[i].recorded &&
			!ha_record_find(w->node[n]->ha, rg, HA_CLASS_RECORD,
				record_key_sa(sas[i].spi_local, room), &r))
			world_violate(w, "rg%u: an IKE SA (%s) has no record", rg, sas[i].state);
	for (size_t i = inside_children(ike, children); i-- > 0;)
		if (children[i].rg == rg && !ha_record_find(w->node[n]->ha, rg, HA_CLASS_RECORD,
						    record_key_child(children[i].spi_in, room), &r))
			world_violate(w, "rg%u: child %08x has no record", rg, children[i].spi_in);
}

static bool is_stray(const struct world *w, uint32_t n, const struct dpsa *sa)
{
	uint8_t key[5] = {'C'};
	struct ha_record r;

	if (!sa->used || inside_lingers(w->node[n]->engine.ike, sa->spi))
		return false;
	lease_key(sa->spi, key + 1);
	return !ha_record_find(w->node[n]->ha, sa->rg, HA_CLASS_RECORD, view_of_array(key), &r);
}

/* Whose own a child is stays so through any number of owners, where there is such a worker. */
static void same_worker(struct world *w, uint32_t n, const struct inside_child *c, struct view body)
{
	const struct ike *ike = w->node[n]->engine.ike;
	Rec__ChildSa *s = rec__child_sa__unpack(NULL, body.n, body.p);

	if (!s || (s->worker_hint != c->worker_hint && inside_has_worker(ike, s->worker_hint)))
		world_violate(w, "I6 rg%u: child %08x is for %u, its record says %u", c->rg,
			c->spi_in, c->worker_hint, s ? s->worker_hint : UINT32_MAX);
	if (s)
		rec__child_sa__free_unpacked(s, NULL);
}

void check_restored(struct world *w, uint32_t n, uint32_t rg)
{
	struct inside_child children[INSIDE_MAX];
	uint8_t room[IKE_RECORD_KEY_MAX];
	struct ha_record r;

	for (size_t i = inside_children(w->node[n]->engine.ike, children); i-- > 0;)
		if (children[i].rg == rg && ha_record_find(w->node[n]->ha, rg, HA_CLASS_RECORD,
						    record_key_child(children[i].spi_in, room), &r))
			same_worker(w, n, &children[i], r.body);
}

/* A while before the end: a delete may be on its way to the dataplane. */
void check_nears_end(struct world *w, uint32_t node, void *data)
{
	(void)node;
	(void)data;
	for (uint32_t n = 0; n < w->nodes; n++)
		for (uint32_t i = 0; i < SAS && w->node[n]->ha; i++)
			if (is_stray(w, n, &w->node[n]->dp.sa[i]))
				w->check->s->strays[n][i] = w->node[n]->dp.sa[i].spi;
}

static void no_strays(struct world *w, uint32_t rg, uint32_t n)
{
	for (uint32_t i = 0; i < SAS; i++) {
		const struct dpsa *sa = &w->node[n]->dp.sa[i];

		if (sa->rg == rg && is_stray(w, n, sa) && w->check->s->strays[n][i] == sa->spi)
			world_violate(w, "rg%u: the dataplane of n%u holds SA %08x for ever", rg, n,
				sa->spi);
	}
}

/* ---------------------------------------------------------------- both ends */

static const struct inside_sa *sa_of(const struct inside_sa *v, size_t n, uint64_t spi_local)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].spi_local == spi_local)
			return &v[i];
	return NULL;
}

static void sas_agree(struct world *w, const struct peer *a, const struct ike *ike)
{
	struct inside_sa theirs[INSIDE_MAX], ours[INSIDE_MAX];
	size_t n = inside_sas(ike, ours), k = inside_sas(a->ike, theirs);

	for (size_t i = k; i-- > 0;) {
		const struct inside_sa *x = &theirs[i], *y = sa_of(ours, n, x->spi_remote);

		if (!x->up)
			continue;
		if (!y || !y->up)
			world_violate(w, "peer %u has an IKE SA that the cluster has not", a->p);
		else if (x->next_tx != y->next_rx || x->next_rx != y->next_tx)
			world_violate(w, "I6 peer %u counts %u/%u messages, the cluster %u/%u",
				a->p, x->next_tx, x->next_rx, y->next_rx, y->next_tx);
		else if (x->rekeys != y->rekeys)
			world_violate(w, "I6 peer %u counts %u rekeys, the cluster %u", a->p,
				x->rekeys, y->rekeys);
		else if (x->has_children != y->has_children)
			world_violate(w, "peer %u: children hang on another IKE SA", a->p);
		else if (peer_clock_ms(w) > x->last_rx_ms + HEARD_MS)
			world_violate(w, "peer %u hears nothing any more", a->p);
	}
	for (size_t i = 0; i < n; i++) {
		const struct inside_sa *x = &ours[i];

		if (!x->up || x->rg != a->rg || peer_of_address(&x->remote) != a->p)
			continue;
		if (!sa_of(theirs, k, x->spi_remote))
			world_violate(w, "the cluster has an IKE SA that peer %u has not", a->p);
	}
}

static const struct inside_child *child_of(
	const struct inside_child *v, size_t n, uint32_t in, uint32_t out)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].spi_in == in && v[i].spi_out == out)
			return &v[i];
	return NULL;
}

static void children_agree(
	struct world *w, const struct peer *a, const struct ike *ike, uint32_t owner)
{
	struct inside_child theirs[INSIDE_MAX], ours[INSIDE_MAX];
	size_t n = inside_children(ike, ours), k = inside_children(a->ike, theirs);
	bool sends = k == 0;

	for (size_t i = 0; i < k; i++) {
		const struct inside_child *x = &theirs[i];
		const struct dpsa *sa = dp_find(w, owner, x->spi_out);

		if (!child_of(ours, n, x->spi_out, x->spi_in))
			world_violate(w, "peer %u has child %08x that the cluster has not", a->p,
				x->spi_in);
		else if (!sa || sa->spi_out != x->spi_in)
			world_violate(w, "peer %u: no dataplane has child %08x", a->p, x->spi_in);
		else
			sends |= sa->outbound && x->outbound;
	}
	if (!sends)
		world_violate(w, "peer %u: nothing is sent both ways", a->p);
	for (size_t i = 0; i < n; i++)
		if (peer_of_address(&ours[i].peer) == a->p &&
			!child_of(theirs, k, ours[i].spi_out, ours[i].spi_in))
			world_violate(w, "the cluster has child %08x that peer %u has not",
				ours[i].spi_in, a->p);
}

static void ends_agree(struct world *w, const struct peer *a, uint32_t n)
{
	const struct ike *ike = w->node[n]->engine.ike;

	if (w->revoked & 1u << a->p)
		return;
	if (!a->up || !inside_has_sa(a->ike))
		world_violate(w, "peer %u is not up in the end", a->p);
	if (inside_is_busy(a->ike, 0) || inside_is_busy(ike, a->rg))
		return; /* an exchange is under way: no time to compare */
	sas_agree(w, a, ike);
	children_agree(w, a, ike, n);
}

void check_at_end(struct world *w)
{
	for (uint32_t rg = 0; rg < w->rgs; rg++) {
		uint32_t owner = copies_agree(w, rg);

		if (owner == UINT32_MAX)
			return;
		if (!inside_is_busy(w->node[owner]->engine.ike, rg)) {
			no_orphans(w, rg, owner);
			no_secrets(w, rg, owner);
			for (uint32_t n = 0; n < w->nodes; n++)
				no_strays(w, rg, n);
		}
		theme_check_end(w, rg, owner);
		for (uint32_t p = 0; p < w->peers; p++)
			if (p % w->rgs == rg)
				ends_agree(w, w->peer[p], owner);
	}
}
