#include "theme.h"

#include <stdlib.h>

#include "check_in.h"
#include "inside.h"
#include "models.h"
#include "peer.h"

enum {
	THEMES_FROM = 100000,
	LEAVES_FROM = 200000,
	REST_MS = 5000,
	LAST_SILENCE_MS = 6000,
	SETTLE_MS = 3000,
	PLACES = 4,
	HEARSAY_MS = 2500
};

enum theme theme_of(uint64_t seed)
{
	if (seed >= LEAVES_FROM)
		return (enum theme)(seed % THEMES);
	return seed < THEMES_FROM ? THEME_NONE : (enum theme)(1 + seed % (THEMES - 1));
}

bool theme_leaves(uint64_t seed)
{
	return seed >= LEAVES_FROM;
}

struct addr address_of_place(uint32_t p, uint32_t k)
{
	return addr_of_v4(0xc6330001 + ((100 + k) << 8) + p); /* 198.51.(100 + k).(1 + p) */
}

bool theme_is_cut_off(const struct world *w, uint32_t p)
{
	return w->now < w->peer[p]->cut_off_ns;
}

/* ---------------------------------------------------------------- jobs that name a peer */

static void later(struct world *w, uint64_t ms, uint32_t node, job_fn *fn, uint32_t p)
{
	uint32_t *x = malloc(sizeof *x);

	if (!x)
		abort();
	*x = p;
	world_at(w, MSEC(ms), WHO_WORLD, node, fn, x);
}

/* ---------------------------------------------------------------- spokes */

static void comes_back(struct world *w, uint32_t node, void *data)
{
	uint32_t p = *(const uint32_t *)data;

	(void)node;
	peer_restart(w, p, true);
}

static void goes(struct world *w, uint32_t node, void *data)
{
	uint32_t p = *(const uint32_t *)data;

	(void)node;
	if (w->peer[p]->ike)
		peer_leave(w, p);
	later(w, rnd_between(w, 50, 3000), 0, comes_back, p);
}

/* With a farewell, or without: then it comes again while its old SAs are still there. */
static void leave(struct world *w, uint32_t p)
{
	struct ike_event ev = {.type = IKE_EV_OPERATOR};
	bool farewell = chance(w, 50);

	world_say(w, "-- peer %u %s", p, farewell ? "takes its leave" : "is gone");
	w->peer[p]->up = false;
	w->peer[p]->leaving = true;
	ev.operator_.op = IKE_OP_CLEAR_IKE;
	if (farewell)
		peer_event(w, p, &ev);
	later(w, farewell ? rnd_between(w, 1, 400) : 0, 0, goes, p);
}

/* ---------------------------------------------------------------- moves, silence, orders */

/* Our engine plays the peer, and moves what is up: not what a rekey has half handed over. */
static bool may_move(const struct peer *a)
{
	struct inside_sa v[INSIDE_MAX];

	for (size_t i = inside_sas(a->ike, v); i-- > 0;)
		if (!v[i].up)
			return false;
	return true;
}

static void move(struct world *w, uint32_t p)
{
	struct peer *a = w->peer[p];
	struct ike_event ev = {.type = IKE_EV_ADDRESS};
	uint32_t place = (a->place + 1 + (uint32_t)rnd_below(w, PLACES - 1)) % PLACES;

	ev.address = (struct ike_ev_address){
		address_of_place(p, a->place), address_of_place(p, place), interface_of("any")};
	world_say(w, "-- peer %u moves to place %u", p, place);
	a->place = place;
	peer_event(w, p, &ev);
}

static void silence(struct world *w, uint32_t p)
{
	struct peer *a = w->peer[p];
	uint64_t ms = chance(w, 70) ? rnd_between(w, 5000, 8000) : rnd_between(w, 200, 5000);

	if (w->now < a->excused_ns || w->now > MSEC(LAST_SILENCE_MS))
		return;
	world_say(w, "-- peer %u hears nothing for %llu ms", p, (unsigned long long)ms);
	a->cut_off_ns = w->now + MSEC(ms);
	a->excused_ns = a->cut_off_ns + MSEC(REST_MS);
}

static void clear(struct world *w, uint32_t p)
{
	struct ike_event ev = {.type = IKE_EV_OPERATOR};
	bool cluster = chance(w, 60);

	world_say(w, "-- the IKE SA of peer %u is cleared at %s", p, cluster ? "ours" : "its end");
	w->peer[p]->excused_ns = w->now + MSEC(REST_MS);
	ev.operator_.op = IKE_OP_CLEAR_IKE;
	ev.operator_.filter.gateway = gateway_of_peer(p);
	if (cluster)
		nudge_cluster(w, p % w->rgs, &ev);
	else
		peer_event(w, p, &ev);
}

/* ---------------------------------------------------------------- revocation */

static void tell_engine(struct world *w, uint32_t n)
{
	struct cert_ref refs[PEERS];
	struct ike_event ev = {.type = IKE_EV_REVOKED};

	for (uint32_t p = 0; p < w->peers; p++)
		if (w->node[n]->lists & 1u << p)
			kex_ref(p, &refs[ev.revoked.n++]);
	ev.revoked.refs = refs;
	if (ev.revoked.n)
		engine_event(w, n, &ev);
}

static void tell_job(struct world *w, uint32_t n, void *data)
{
	(void)data;
	tell_engine(w, n);
}

void theme_started(struct world *w, uint32_t n)
{
	if (w->theme == THEME_REVOKED)
		world_at(w, MSEC(rnd_between(w, 5, 300)), WHO_CONTROL, n, tell_job, NULL);
}

void theme_restored(struct world *w, uint32_t n)
{
	if (w->theme != THEME_REVOKED || (w->mutant && w->mutant->lists_forgotten))
		return;
	world_at(w, MSEC(rnd_between(w, 0, 1000)), WHO_CONTROL, n, tell_job, NULL);
}

/* The next list has come. One that is down fetches it when it is back. */
static void heard(struct world *w, uint32_t n, void *data)
{
	uint32_t p = *(const uint32_t *)data;

	if (!proc_runs(w, n, WHO_CONTROL)) {
		later(w, 200, n, heard, p);
		return;
	}
	if (w->node[n]->lists & 1u << p)
		return;
	world_say(w, "-- n%u hears that peer %u is revoked", n, p);
	w->node[n]->lists |= 1u << p;
	tell_engine(w, n);
}

static void certificate_ends(struct world *w, uint32_t p)
{
	world_say(w, "-- the certificate of peer %u is revoked", p);
	w->revoked |= 1u << p;
	for (uint32_t n = 0; n < w->nodes; n++)
		later(w, rnd_between(w, 0, HEARSAY_MS), n, heard, p);
}

/* ---------------------------------------------------------------- one after the other */

static void act(struct world *w, uint32_t p)
{
	switch (w->theme) {
	case THEME_HUB:
		leave(w, p);
		break;
	case THEME_MOVES:
		if (may_move(w->peer[p]))
			move(w, p);
		break;
	case THEME_TICKETS:
		silence(w, p);
		break;
	case THEME_CLEARS:
		clear(w, p);
		break;
	case THEME_REVOKED:
		if (p % 2 == 1 && !(w->revoked & 1u << p))
			certificate_ends(w, p);
		break;
	case THEME_NONE:
	case THEMES:
	default:
		break;
	}
}

/* In the middle of what was begun just now. */
static void owner_dies(struct world *w, uint32_t node, void *data)
{
	uint32_t rg = *(const uint32_t *)data % w->rgs;

	(void)node;
	for (uint32_t n = 0; n < w->nodes && !w->calm; n++)
		if (check_acts(w, n, rg) && proc_runs(w, n, WHO_CONTROL)) {
			fault_tandemd(w, n);
			return;
		}
}

static void then_owner_dies(struct world *w, uint32_t p)
{
	uint32_t *x = malloc(sizeof *x);

	if (!x)
		abort();
	*x = p;
	world_at(w, US(rnd_between(w, 0, 6000)), WHO_WORLD, 0, owner_dies, x);
}

static void next_act(struct world *w, uint32_t node, void *data)
{
	uint32_t p = *(const uint32_t *)data;

	(void)node;
	if (w->calm)
		return;
	if (w->peer[p]->up) {
		act(w, p);
		if (chance(w, 20))
			then_owner_dies(w, p);
	}
	later(w, chance(w, 30) ? rnd_between(w, 1, 80) : rnd_between(w, 300, 3000), 0, next_act, p);
}

void theme_begin(struct world *w)
{
	for (uint32_t p = 0; p < w->peers && w->theme != THEME_NONE; p++)
		later(w, rnd_between(w, 1500, 5000), 0, next_act, p);
}

/* ---------------------------------------------------------------- what the observer asks */

bool theme_excuses(const struct world *w, const struct peer *a)
{
	if (w->revoked & 1u << a->p)
		return true;
	/* Whoever is that impatient gives a cluster up that is busy with its faults. */
	if (w->theme == THEME_TICKETS && w->now < w->end - MSEC(CALM_MS - SETTLE_MS))
		return true;
	return a->excused_ns != 0 && (w->theme == THEME_TICKETS || w->theme == THEME_CLEARS);
}

/* Who takes a hub over knows every spoke by the numbers that it had (AVP-001). */
static void check_spoke(struct world *w, const struct inside_spoke *s)
{
	uint32_t p = peer_of_address(&s->peer);
	struct peer *a = p == UINT32_MAX ? NULL : w->peer[p];

	if (!a || !a->up || a->leaving)
		return;
	if (a->excused_ns)
		a->spoke_policy = 0; /* a tunnel without SAs has no record */
	if (a->spoke_life == a->life && a->spoke != s->number)
		world_violate(w, "I6 peer %u was spoke %u, and is %u now", p, a->spoke, s->number);
	if (a->spoke_life == a->life && s->policy_id && a->spoke_policy &&
		a->spoke_policy != s->policy_id)
		world_violate(w, "I6 the tunnel of peer %u was %u, and is %u now", p,
			a->spoke_policy, s->policy_id);
	a->spoke_life = a->life;
	a->spoke = s->number;
	if (s->policy_id && !a->excused_ns)
		a->spoke_policy = s->policy_id;
}

static void check_spokes(struct world *w, uint32_t n)
{
	struct inside_spoke v[INSIDE_MAX];

	for (size_t i = inside_spokes(w->node[n]->engine.ike, v); i-- > 0;)
		if (!check_is_tainted(w, v[i].rg) && check_acts(w, n, v[i].rg))
			check_spoke(w, &v[i]);
}

void theme_check(struct world *w)
{
	for (uint32_t n = 0; n < w->nodes; n++) {
		const struct ike *ike = w->node[n]->engine.ike;

		if (!ike)
			continue;
		if (w->theme == THEME_HUB)
			check_spokes(w, n);
		if (inside_tickets_refused(ike) != 0)
			world_violate(w, "I10 n%u refuses a ticket of the cluster's", n);
	}
}

/* No more spokes than there are peers, and each has its own. */
static void spokes_agree(struct world *w, uint32_t rg, uint32_t owner)
{
	struct inside_spoke v[INSIDE_MAX];
	uint32_t found = 0, peers = 0;

	for (size_t i = inside_spokes(w->node[owner]->engine.ike, v); i-- > 0;)
		found += v[i].rg == rg;
	for (uint32_t p = 0; p < w->peers; p++)
		peers += p % w->rgs == rg;
	if (found != peers)
		world_violate(w, "rg%u: %u spokes of %u peers in the end", rg, found, peers);
}

static void moved_along(struct world *w, uint32_t rg, uint32_t owner)
{
	for (uint32_t n = 0; n < w->nodes; n++)
		for (uint32_t i = 0; i < SAS; i++) {
			const struct dpsa *sa = &w->node[n]->dp.sa[i];
			const struct peer *a =
				sa->used && sa->peer < w->peers ? w->peer[sa->peer] : NULL;
			struct addr at;

			if (!a || sa->rg != rg || !sa->outbound)
				continue;
			at = address_of_place(a->p, a->place);
			if (!addr_equal(&sa->remote, &at))
				world_violate(w, "I8 n%u%s sends to where peer %u was", n,
					n == owner ? ", the owner," : "", a->p);
		}
}

/* It may keep the IKE SA for a while by not answering, but nothing that carries packets. */
static void revoked_is_gone(struct world *w, uint32_t rg, uint32_t owner)
{
	struct inside_child v[INSIDE_MAX];

	for (size_t i = inside_children(w->node[owner]->engine.ike, v); i-- > 0;) {
		uint32_t p = peer_of_address(&v[i].peer);

		if (v[i].rg == rg && p != UINT32_MAX && (w->revoked & 1u << p))
			world_violate(w, "I6 peer %u is revoked, and up in the end", p);
	}
}

void theme_check_end(struct world *w, uint32_t rg, uint32_t owner)
{
	if (w->theme == THEME_HUB)
		spokes_agree(w, rg, owner);
	if (w->theme == THEME_MOVES)
		moved_along(w, rg, owner);
	revoked_is_gone(w, rg, owner);
}
