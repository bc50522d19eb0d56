#include "check_in.h"

#include <stdlib.h>
#include <string.h>

#include "models.h"
#include "peer.h"
#include "theme.h"

enum { LOOK_MS = 50, UNTAINT_MS = 1500, BEAT_MS = 60 };

bool check_is_tainted(const struct world *w, uint32_t rg)
{
	return info(w, rg)->tainted;
}

bool check_acts(const struct world *w, uint32_t n, uint32_t rg)
{
	return dp_acts(w, n, rg) && !w->node[n]->dp.frozen[rg];
}

static void taint(struct world *w, uint32_t rg, const char *why)
{
	struct rg_info *r = info(w, rg);

	if (!r->tainted)
		world_say(w, "-- rg%u tainted: %s", rg, why);
	r->tainted = true;
	r->taints++;
	r->single_ns = 0;
	esp_is_tainted(w, rg);
}

static void restart_peers(struct world *w, uint32_t rg, bool begin)
{
	for (uint32_t p = 0; p < w->peers; p++)
		if (p % w->rgs == rg && w->peer[p]->ike)
			peer_restart(w, p, begin);
}

/* ---------------------------------------------------------------- where a history began */

static struct ha_epoch root_of(const struct rg_info *r, const struct ha_epoch *e)
{
	for (size_t i = r->n_roots; i > 0; i--)
		if (ha_epoch_equal(&r->roots[i - 1].epoch, e))
			return r->roots[i - 1].root;
	return r->root;
}

/* Called after every step: at most one CLAIM was applied since, or several of one history. */
static void note_epoch(struct world *w, uint32_t n, uint32_t rg)
{
	struct ha_epoch *last = &w->check->s->last[n][rg];
	const struct ha_rg *c = core_of(w, n, rg);
	struct rg_info *r = info(w, rg);

	if (!c || ha_epoch_equal(last, &c->epoch))
		return;
	if (c->epoch_ns == w->node[n]->ha->now_ns && r->n_roots < EPOCHS)
		r->roots[r->n_roots++] = (struct root){c->epoch,
			c->claim_reason == REPL__CLAIM_REASON__CLAIM_GENESIS ? c->epoch
									     : root_of(r, last)};
	*last = c->epoch;
}

/* ---------------------------------------------------------------- looking */

/* Exactly one node acts, and every synced copy is of its epoch. */
static bool is_single(const struct world *w, uint32_t rg, uint32_t *who)
{
	uint32_t count = 0;

	for (uint32_t n = 0; n < w->nodes; n++)
		if (check_acts(w, n, rg)) {
			count++;
			*who = n;
		}
	if (count != 1 || !w->node[*who]->ha || !core_of(w, *who, rg)->acting)
		return false;
	for (uint32_t n = 0; n < w->nodes; n++)
		if (w->node[n]->ha && core_of(w, n, rg)->synced &&
			!ha_epoch_equal(&core_of(w, n, rg)->epoch, &core_of(w, *who, rg)->epoch))
			return false;
	return true;
}

/* A history that lost to another one: at heal the highest epoch wins, and one owner remains. */
static void look_rg(struct world *w, uint32_t rg)
{
	struct rg_info *r = info(w, rg);
	uint32_t who = 0;

	if (!r->tainted || !is_single(w, rg, &who)) {
		r->single_ns = 0;
		return;
	}
	if (!r->single_ns)
		r->single_ns = w->now;
	if (w->now - r->single_ns < MSEC(UNTAINT_MS))
		return;
	world_say(w, "-- rg%u one history again, of n%u", rg, who);
	r->tainted = false;
	r->root = root_of(r, &core_of(w, who, rg)->epoch);
	log_is_of(w, who, rg);
	restart_peers(w, rg, true);
}

static void look_paths(struct world *w)
{
	struct check_state *s = w->check->s;

	for (uint32_t p = 0; p < PATHS; p++)
		for (uint32_t a = 0; a < w->nodes; a++)
			for (uint32_t b = 0; b < w->nodes; b++) {
				if (w->cut[p][a][b])
					s->open_ns[p][a][b] = 0;
				else if (!s->open_ns[p][a][b])
					s->open_ns[p][a][b] = w->now;
			}
	for (uint32_t n = 0; n < w->nodes; n++)
		if (!proc_runs(w, n, WHO_DATAPLANE))
			s->stopped_ns[n] = w->now;
}

static void look_alone(struct world *w, uint32_t rg);

static void look(struct world *w, uint32_t node, void *data)
{
	(void)node;
	(void)data;
	for (uint32_t rg = 0; rg < w->rgs; rg++) {
		look_rg(w, rg);
		look_alone(w, rg);
	}
	look_paths(w);
	theme_check(w);
	world_at(w, MSEC(LOOK_MS), WHO_WORLD, 0, look, NULL);
}

static bool long_open(const struct world *w, enum path p, uint32_t a, uint32_t b)
{
	uint64_t since = w->check->s->open_ns[p][a][b];

	return since && w->now - since >= MSEC(AUDIBLE_MS) && !w->cut[p][a][b];
}

/* Could n have heard that m lives and owns? */
static bool audible(const struct world *w, uint32_t m, uint32_t n)
{
	const struct check_state *s = w->check->s;

	if (proc_runs(w, m, WHO_CONTROL) && long_open(w, PATH_CLUSTER, m, n) &&
		long_open(w, PATH_CLUSTER, n, m) && bus_same_ring(w, m, n) &&
		w->now - s->stopped_ns[m] >= MSEC(AUDIBLE_MS))
		return true;
	if (w->now - s->stopped_ns[m] < MSEC(AUDIBLE_MS) ||
		w->now - s->dp_started[m] < MSEC(AUDIBLE_MS) ||
		w->now - s->dp_started[n] < MSEC(AUDIBLE_MS))
		return false;
	return long_open(w, PATH_FABRIC, m, n) ||
	       (long_open(w, PATH_LAYER2, m, n) && long_open(w, PATH_LAYER2, n, m));
}

/* Two nodes, every path cut: what one of them commits alone nobody can know of when it dies before
 * it was to be heard again. */
void check_alone(struct world *w, uint32_t n, uint32_t rg)
{
	const struct ha_rg *own = core_of(w, n, rg);

	if (w->two_node && own && own->set == 1u << n && !audible(w, n, 1 - n))
		info(w, rg)->lone = 1 + n;
}

static void look_alone(struct world *w, uint32_t rg)
{
	struct rg_info *r = info(w, rg);

	if (r->lone && audible(w, r->lone - 1, 2 - r->lone))
		r->lone = 0;
}

/* ---------------------------------------------------------------- ownership */

/* Nobody who holds the state may be within reach when somebody starts from nothing. */
static void check_genesis(struct world *w, uint32_t n, uint32_t rg, const struct ha_epoch *root)
{
	bool other = false;

	for (uint32_t m = 0; m < w->nodes; m++) {
		const struct ha_rg *r = core_of(w, m, rg);
		struct ha_epoch theirs;

		if (m == n || !r || !r->synced || r->epoch.number == 0 ||
			!w->proc[m][WHO_CONTROL].up)
			continue;
		theirs = root_of(info(w, rg), &r->epoch);
		if (ha_epoch_equal(&theirs, root))
			continue;
		if (bus_same_ring(w, n, m) && w->node[m]->bus_up && proc_runs(w, m, WHO_CONTROL))
			world_violate(w, "I8 rg%u starts from nothing on n%u beside n%u", rg, n, m);
		other = true;
	}
	if (other) /* stopped or out of reach: it may come back with its history */
		taint(w, rg, "a second history");
	log_is_empty(w, rg);
	info(w, rg)->root = *root;
	restart_peers(w, rg, false);
}

enum { LEAVE_MS = 3000 }; /* as long as a shutdown waits */

/* Whoever leaves owns nothing any more; but it does not wait for ever, nor when it is alone. */
void check_leaves(struct world *w, uint32_t n)
{
	const struct ha *h = w->node[n]->ha;
	bool alone = true;

	for (uint32_t k = 0; k < h->top; k++)
		alone &= k == n || !h->peer[k].in_view;
	if (alone || w->now - w->node[n]->leave_ns >= MSEC(LEAVE_MS))
		return;
	for (uint32_t i = 0; i < h->n_rg; i++)
		if (h->rg[i].acting)
			world_violate(w, "I10 n%u leaves, and owns rg%u", n, h->rg[i].cfg->id);
}

void check_sole(struct world *w, uint32_t n, uint32_t rg)
{
	const struct check_state *s = w->check->s;

	w->check->s->acts_ns[n][rg] = w->now;
	for (uint32_t m = 0; m < w->nodes; m++) {
		if (m == n || !check_acts(w, m, rg) || info(w, rg)->tainted)
			continue;
		if (!w->two_node)
			world_violate(w, "I7 rg%u: n%u acts while n%u may", rg, n, m);
		else if (audible(w, m, n) && w->now - s->acts_ns[m][rg] >= MSEC(BEAT_MS))
			world_violate(w, "I7 rg%u: n%u acts while n%u is heard to", rg, n, m);
		else if (proc_runs(w, m, WHO_DATAPLANE)) /* a stopped one must find out itself */
			taint(w, rg, "two owners, every path cut");
	}
}

/* It went on in an epoch that is no older, and stands still at the moment. */
static bool went_on(const struct world *w, uint32_t m, uint32_t n, uint32_t rg)
{
	const struct ha_rg *them = core_of(w, m, rg), *us = core_of(w, n, rg);

	return them && us && them->acting && them->epoch.number >= us->epoch.number;
}

/* Every path from an owner cut: what follows contradicts it, rightly. */
static void check_dual(struct world *w, uint32_t n, uint32_t rg)
{
	for (uint32_t m = 0; m < w->nodes; m++)
		if (m != n && w->two_node && !info(w, rg)->tainted && !audible(w, m, n) &&
			(went_on(w, m, n, rg) ||
				(check_acts(w, m, rg) && proc_runs(w, m, WHO_DATAPLANE))))
			taint(w, rg, "two owners, every path cut");
}

static void check_lone(struct world *w, uint32_t n, uint32_t rg)
{
	if (info(w, rg)->lone && info(w, rg)->lone != 1 + n && !info(w, rg)->tainted)
		taint(w, rg, "the other one went on alone, and nobody could hear of it");
	info(w, rg)->lone = 0;
}

void check_role(struct world *w, uint32_t n, const struct ha_do_role *r)
{
	struct rg_info *i = info(w, r->rg);
	struct ha_epoch root;

	if (r->role != HA_ACTIVE)
		return;
	/* One that goes on commits at once; its dataplane hears a little later that it may act
	 * again. */
	check_dual(w, n, r->rg);
	if (r->continued)
		return;
	note_epoch(w, n, r->rg);
	root = root_of(i, &core_of(w, n, r->rg)->epoch);
	check_lone(w, n, r->rg);
	if (!ha_epoch_equal(&root, &i->root))
		check_genesis(w, n, r->rg, &root);
	else
		log_is_kept(w, n, r->rg);
	if (!i->tainted)
		log_is_of(w, n, r->rg);
	esp_new_reign(w, n, r->rg);
}

void check_dp_started(struct world *w, uint32_t n)
{
	w->check->s->dp_started[n] = w->now;
}

void check_step(struct world *w, uint32_t n)
{
	for (uint32_t rg = 0; rg < w->rgs; rg++)
		note_epoch(w, n, rg);
	if (w->check->nonce_twice)
		world_violate(w, "I3 a sealing nonce was used twice");
}

/* ---------------------------------------------------------------- life */

struct check *check_new(struct world *w)
{
	struct check *c = calloc(1, sizeof *c);

	if (!c)
		abort();
	c->s = calloc(1, sizeof *c->s);
	if (!c->s)
		abort();
	world_at(w, 0, WHO_WORLD, 0, look, NULL);
	return c;
}

void check_free(struct check *c)
{
	struct check_state *s = c->s;

	for (uint32_t rg = 0; rg < RGS; rg++) {
		struct fact *f, *next;

		map_foreach (s->rg[rg].facts, f, next) {
			HASH_DELETE(hh, s->rg[rg].facts, f);
			blob_fini(&f->body);
			free(f);
		}
	}
	table_fini(&s->messages);
	table_fini(&s->ivs);
	table_fini(&s->sas);
	table_fini(&s->mids);
	table_fini(&s->said);
	table_fini(&s->ends);
	esp_fini(s);
	free(s);
	free(c);
}
