#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "peer.h"

enum {
	SAID_MAX = 65536,
	SA_MAX = 4096,
	SPANS = 256,
	LOOK_MS = 50,
	AUDIBLE_MS = 420,
	UNTAINT_MS = 1500
};

struct span { /* of sequence numbers one node sent without a gap */
	uint32_t node;
	uint64_t first, last;
};

struct sa_info {
	uint32_t spi, rg;
	bool used, skip; /* skip: owners contradicted each other */
	struct span span[SPANS];
	size_t n_spans;
	uint8_t *ever, *reign; /* accepted inbound, bitmaps */
	size_t bits;
	uint64_t floor; /* nothing at or below may be accepted a second time */
};

struct committed {
	bool any;
	struct pstate st;
	uint64_t index;
};

struct rg_info {
	bool tainted;
	uint64_t single_ns; /* since when at most one acts */
	struct committed peer[PEERS];
};

struct check_state {
	struct rg_info rg[RGS];
	struct sa_info *sa[SA_MAX];
	uint64_t last_iv[NODES], dp_started[NODES], stopped_ns[NODES];
	uint64_t open_ns[PATHS][NODES][NODES]; /* since when, 0 = cut */
	uint64_t progress[PEERS];
	uint64_t said[SAID_MAX]; /* what may be said, for all time: digests of committed content */
};

/* ---------------------------------------------------------------- looking */

static const struct ha_rg *rg_of(const struct world *w, uint32_t n, uint32_t rg)
{
	const struct node *nd = w->node[n];

	return nd->ha ? &nd->ha->rg[rg] : NULL;
}

static struct rg_info *info(struct world *w, uint32_t rg)
{
	return &w->check->s->rg[rg];
}

bool check_is_tainted(const struct world *w, uint32_t rg)
{
	return w->check->s->rg[rg].tainted;
}

static bool acts(const struct world *w, uint32_t n, uint32_t rg)
{
	const struct node *nd = w->node[n];

	/* tandemd says nothing but through its dataplane */
	return dp_acts(w, n, rg) && !nd->dp.frozen[rg];
}

static void taint(struct world *w, uint32_t rg, const char *why)
{
	struct rg_info *r = info(w, rg);

	if (!r->tainted)
		world_say(w, "-- rg%u tainted: %s", rg, why);
	r->tainted = true;
	r->single_ns = 0;
	for (uint32_t p = 0; p < w->peers; p++)
		if (p % w->rgs == rg)
			peer_forgive(w, p);
	for (size_t i = 0; i < SA_MAX; i++)
		if (w->check->s->sa[i] && w->check->s->sa[i]->rg == rg)
			w->check->s->sa[i]->skip = true;
}

static void restart_peers(struct world *w, uint32_t rg)
{
	for (uint32_t p = 0; p < w->peers; p++)
		if (p % w->rgs == rg)
			peer_restart(w, p);
}

static uint64_t digest(uint64_t lineage, uint32_t mid, uint64_t content, uint64_t kind)
{
	uint64_t h = (lineage ^ content * 3) + mid + kind;

	h = (h ^ h >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	return (h ^ h >> 29) | 1;
}

static uint64_t *said_slot(struct world *w, uint64_t d)
{
	uint64_t *said = w->check->s->said;

	for (size_t i = 0; i < SAID_MAX; i++) {
		uint64_t *slot = &said[(d + i) % SAID_MAX];

		if (*slot == d || *slot == 0)
			return slot;
	}
	abort();
}

static void may_say(struct world *w, const struct pstate *st)
{
	uint64_t a = digest(st->lineage, st->in_mid, st->answer, 1);
	uint64_t r = digest(st->lineage, st->out_mid, st->request, 2);

	*said_slot(w, a) = a;
	if (st->request)
		*said_slot(w, r) = r;
}

/* What the store of an owner says is from now on what is committed. */
static void committed_from(struct world *w, uint32_t n, uint32_t rg)
{
	struct rg_info *r = info(w, rg);

	for (uint32_t p = 0; p < w->peers; p++) {
		uint8_t key[5] = {'P'};
		struct ha_record rec;

		if (p % w->rgs != rg)
			continue;
		memcpy(key + 1, &p, 4);
		r->peer[p].any =
			ha_record_find(w->node[n]->ha, rg, HA_CLASS_RECORD, view_of(key, 5), &rec);
		if (!r->peer[p].any)
			continue;
		memcpy(&r->peer[p].st, rec.body.p, sizeof r->peer[p].st);
		r->peer[p].index = rec.index;
		may_say(w, &r->peer[p].st);
	}
}

/* Exactly one node acts, and every synced copy is of its epoch. */
static bool is_single(const struct world *w, uint32_t rg, uint32_t *who)
{
	uint32_t count = 0;

	for (uint32_t n = 0; n < w->nodes; n++)
		if (acts(w, n, rg)) {
			count++;
			*who = n;
		}
	if (count != 1 || !w->node[*who]->ha || !rg_of(w, *who, rg)->acting)
		return false;
	for (uint32_t n = 0; n < w->nodes; n++)
		if (w->node[n]->ha && rg_of(w, n, rg)->synced &&
			!ha_epoch_equal(&rg_of(w, n, rg)->epoch, &rg_of(w, *who, rg)->epoch))
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
	committed_from(w, who, rg);
	restart_peers(w, rg);
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

static void look(struct world *w, uint32_t node, void *data)
{
	(void)node;
	(void)data;
	for (uint32_t rg = 0; rg < w->rgs; rg++)
		look_rg(w, rg);
	look_paths(w);
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
	if (proc_runs(w, m, WHO_CONTROL) && long_open(w, PATH_CLUSTER, m, n) &&
		long_open(w, PATH_CLUSTER, n, m) && bus_same_ring(w, m, n) &&
		w->now - w->check->s->stopped_ns[m] >= MSEC(AUDIBLE_MS))
		return true;
	if (w->now - w->check->s->stopped_ns[m] < MSEC(AUDIBLE_MS) ||
		w->now - w->check->s->dp_started[m] < MSEC(AUDIBLE_MS) ||
		w->now - w->check->s->dp_started[n] < MSEC(AUDIBLE_MS))
		return false;
	return long_open(w, PATH_FABRIC, m, n) ||
	       (long_open(w, PATH_LAYER2, m, n) && long_open(w, PATH_LAYER2, n, m));
}

/* ---------------------------------------------------------------- ownership */

/* Nobody who holds the state may be within reach when somebody starts from nothing. */
static void check_genesis(struct world *w, uint32_t n, uint32_t rg)
{
	bool other = false;

	for (uint32_t m = 0; m < w->nodes; m++) {
		const struct ha_rg *r = rg_of(w, m, rg);

		if (m == n || !r || !r->synced || r->epoch.number == 0 ||
			!w->proc[m][WHO_CONTROL].up)
			continue;
		if (ha_epoch_equal(&r->epoch, &rg_of(w, n, rg)->epoch))
			continue;
		if (bus_same_ring(w, n, m) && w->node[m]->bus_up && proc_runs(w, m, WHO_CONTROL))
			world_violate(w, "I8 rg%u starts from nothing on n%u beside n%u", rg, n, m);
		other = true;
	}
	if (other) /* stopped or out of reach: it may come back with its history */
		taint(w, rg, "a second history");
	memset(info(w, rg)->peer, 0, sizeof info(w, rg)->peer);
	restart_peers(w, rg);
}

void check_sole(struct world *w, uint32_t n, uint32_t rg)
{
	for (uint32_t m = 0; m < w->nodes; m++) {
		if (m == n || !acts(w, m, rg) || info(w, rg)->tainted)
			continue;
		if (!w->two_node)
			world_violate(w, "I7 rg%u: n%u acts while n%u may", rg, n, m);
		else if (audible(w, m, n))
			world_violate(w, "I7 rg%u: n%u acts while n%u is heard to", rg, n, m);
		else if (proc_runs(w, m, WHO_DATAPLANE)) /* a stopped one must find out itself */
			taint(w, rg, "two owners, every path cut");
	}
}

/* Every path from an owner cut: what follows contradicts it, rightly. */
static void check_dual(struct world *w, uint32_t n, uint32_t rg)
{
	for (uint32_t m = 0; m < w->nodes; m++)
		if (m != n && w->two_node && !info(w, rg)->tainted && acts(w, m, rg) &&
			!audible(w, m, n) && proc_runs(w, m, WHO_DATAPLANE))
			taint(w, rg, "two owners, every path cut");
}

static void check_kept(struct world *w, uint32_t n, uint32_t rg)
{
	struct rg_info *r = info(w, rg);

	for (uint32_t p = 0; p < w->peers; p++) {
		const struct committed *c = &r->peer[p];
		uint8_t key[5] = {'P'};
		struct ha_record rec;

		if (!c->any || r->tainted)
			continue;
		memcpy(key + 1, &p, 4);
		if (!ha_record_find(w->node[n]->ha, rg, HA_CLASS_RECORD, view_of(key, 5), &rec) ||
			rec.index < c->index)
			world_violate(w,
				"I1 rg%u: n%u acts without entry %llu, which was committed", rg, n,
				(unsigned long long)c->index);
		else if (rec.index == c->index && memcmp(rec.body.p, &c->st, sizeof c->st) != 0)
			world_violate(w, "I1 rg%u: n%u has another entry %llu", rg, n,
				(unsigned long long)c->index);
	}
}

/* Inbound: what the new owner knows of the old one's window. */
static void new_reign(struct world *w, uint32_t n, const struct ha_do_role *role)
{
	for (size_t i = 0; i < SA_MAX; i++) {
		struct sa_info *sa = w->check->s->sa[i];
		uint8_t key[5] = {'S'};
		struct ha_record rec;
		struct sa_record body;

		if (!sa || sa->rg != role->rg)
			continue;
		if (sa->reign)
			memset(sa->reign, 0, sa->bits / 8);
		sa->floor = 0;
		memcpy(key + 1, &sa->spi, 4);
		if (!ha_record_find(
			    w->node[n]->ha, role->rg, HA_CLASS_LEASE, view_of(key, 5), &rec))
			continue;
		memcpy(&body, rec.body.p, sizeof body);
		sa->floor = body.lease.in_top;
	}
}

void check_role(struct world *w, uint32_t n, const struct ha_do_role *r)
{
	const struct ha_rg *rg = rg_of(w, n, r->rg);

	if (r->role != HA_ACTIVE || r->continued)
		return;
	check_dual(w, n, r->rg);
	if (rg->claim_reason == REPL__CLAIM_REASON__CLAIM_GENESIS)
		check_genesis(w, n, r->rg);
	else
		check_kept(w, n, r->rg);
	if (!info(w, r->rg)->tainted)
		committed_from(w, n, r->rg);
	new_reign(w, n, r);
}

void check_died(struct world *w, uint32_t n)
{
	(void)w;
	(void)n;
}

void check_dp_started(struct world *w, uint32_t n)
{
	w->check->s->dp_started[n] = w->now;
}

void check_step(struct world *w, uint32_t n)
{
	(void)n;
	if (w->check->nonce_twice)
		world_violate(w, "I3 a sealing nonce was used twice");
}

/* ---------------------------------------------------------------- what is let go */

/* Every member of the owner's commit set that lives has it. */
static void check_held(struct world *w, uint32_t n, uint32_t peer, uint64_t index)
{
	uint32_t rg = peer % w->rgs;
	const struct ha_rg *own = rg_of(w, n, rg);
	uint8_t key[5] = {'P'};

	memcpy(key + 1, &peer, 4);
	for (uint32_t m = 0; m < w->nodes; m++) {
		const struct ha_rg *r = rg_of(w, m, rg);
		struct ha_record rec;

		if (m == n || !r || !ha_in_set(own, m) ||
			own->set_incarnation[m] != ha_incarnation(w->node[m]->ha))
			continue;
		if (!ha_record_find(w->node[m]->ha, rg, HA_CLASS_RECORD, view_of(key, 5), &rec) ||
			rec.index < index)
			world_violate(w,
				"I1 rg%u: n%u lets go entry %llu, n%u has it not (it is at %llu of "
				"epoch %llu)",
				rg, n, (unsigned long long)index, m, (unsigned long long)r->index,
				(unsigned long long)r->epoch.number);
	}
}

void check_committed(
	struct world *w, uint32_t n, uint32_t peer, const struct pstate *st, uint64_t index)
{
	struct rg_info *r = info(w, peer % w->rgs);

	if (r->tainted)
		return;
	check_held(w, n, peer, index);
	if (r->peer[peer].any && index < r->peer[peer].index)
		world_violate(w, "I1 entry %llu is committed on n%u after entry %llu",
			(unsigned long long)index, n, (unsigned long long)r->peer[peer].index);
	r->peer[peer] = (struct committed){true, *st, index};
	may_say(w, st);
}

/* A successor may have gone further; what was committed once is the same octets for ever. */
void check_said(struct world *w, uint32_t n, uint32_t peer, const struct pstate *st, bool request)
{
	uint64_t d = request ? digest(st->lineage, st->out_mid, st->request, 2)
			     : digest(st->lineage, st->in_mid, st->answer, 1);

	if (!info(w, peer % w->rgs)->tainted && *said_slot(w, d) != d)
		world_violate(w, "I1 n%u says to peer %u what is not committed", n, peer);
}

void check_mid(struct world *w, uint32_t n, uint32_t peer, uint32_t has, uint32_t got)
{
	/* older ones are late copies; a later one shows that something was forgotten */
	if (got > has + 1 && !info(w, peer % w->rgs)->tainted && peer_is_at(w, peer, got))
		world_violate(
			w, "I6 n%u is at message %u of peer %u, which is at %u", n, has, peer, got);
}

/* ---------------------------------------------------------------- packets */

static struct sa_info *sa_info(struct world *w, uint32_t spi, uint32_t rg)
{
	struct sa_info **slot = NULL;

	for (size_t i = 0; i < SA_MAX; i++) {
		slot = &w->check->s->sa[(spi + i) % SA_MAX];
		if (!*slot || (*slot)->spi == spi)
			break;
	}
	if (!*slot) {
		*slot = calloc(1, sizeof **slot);
		if (!*slot)
			abort();
		(*slot)->spi = spi;
		(*slot)->rg = rg;
		(*slot)->skip = info(w, rg)->tainted;
	}
	return *slot;
}

void check_sent(struct world *w, uint32_t n, uint32_t rg, uint32_t spi, uint64_t seq, uint64_t iv)
{
	struct sa_info *sa = sa_info(w, spi, rg);
	struct span *mine = NULL;

	if (iv <= w->check->s->last_iv[n])
		world_violate(w, "I3 n%u uses an IV again: %llx", n, (unsigned long long)iv);
	w->check->s->last_iv[n] = iv;
	for (size_t i = 0; i < sa->n_spans; i++) {
		struct span *s = &sa->span[i];

		if (seq >= s->first && seq <= s->last && !sa->skip)
			world_violate(w, "I4 SA %08x: n%u sends number %llu again, after n%u", spi,
				n, (unsigned long long)seq, s->node);
		if (s->node == n && s->last + 1 == seq)
			mine = s;
	}
	if (mine)
		mine->last = seq;
	else if (sa->n_spans < SPANS)
		sa->span[sa->n_spans++] = (struct span){n, seq, seq};
}

void check_received(struct world *w, uint32_t n, uint32_t rg, uint32_t spi, uint64_t seq)
{
	struct sa_info *sa = sa_info(w, spi, rg);
	uint8_t bit = (uint8_t)(1u << seq % 8);

	if (seq >= sa->bits) {
		size_t bits = (seq / 65536 + 1) * 65536;

		sa->ever = realloc(sa->ever, bits / 8);
		sa->reign = realloc(sa->reign, bits / 8);
		if (!sa->ever || !sa->reign)
			abort();
		memset(sa->ever + sa->bits / 8, 0, (bits - sa->bits) / 8);
		memset(sa->reign + sa->bits / 8, 0, (bits - sa->bits) / 8);
		sa->bits = bits;
	}
	if (!sa->skip && (sa->reign[seq / 8] & bit))
		world_violate(w, "I5 SA %08x: n%u accepts number %llu twice", spi, n,
			(unsigned long long)seq);
	else if (!sa->skip && (sa->ever[seq / 8] & bit) && seq <= sa->floor)
		world_violate(w, "I5 SA %08x: n%u accepts number %llu again, below %llu", spi, n,
			(unsigned long long)seq, (unsigned long long)sa->floor);
	sa->ever[seq / 8] |= bit;
	sa->reign[seq / 8] |= bit;
}

void check_no_sa(struct world *w, uint32_t n, uint32_t spi)
{
	for (uint32_t p = 0; p < w->peers; p++) {
		const struct rg_info *r = info(w, p % w->rgs);

		if (!r->tainted && r->peer[p].any && r->peer[p].st.spi == spi &&
			dp_acts(w, n, p % w->rgs) &&
			w->now - w->check->s->dp_started[n] > MSEC(200))
			world_violate(w, "I10 n%u answered before SA %08x was installed", n, spi);
	}
}

/* ---------------------------------------------------------------- the end */

void check_calm_begins(struct world *w)
{
	for (uint32_t p = 0; p < w->peers; p++)
		w->check->s->progress[p] = peer_progress(w, p);
}

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

static void rg_at_end(struct world *w, uint32_t rg)
{
	struct ha_rg_status first = {0}, st;
	uint32_t owners = 0;

	for (uint32_t n = 0; n < w->nodes; n++) {
		owners += acts(w, n, rg);
		if (!w->node[n]->ha || ha_rg_status(w->node[n]->ha, rg, &st) < 0)
			continue;
		if (!st.node[n].synced)
			world_violate(w, "rg%u: n%u is not synced in the end", rg, n);
		if (n == 0)
			first = st;
		else if (ha_epoch_compare(&st.epoch, &first.epoch) || st.index > first.index + 20 ||
			 first.index > st.index + 20)
			world_violate(w,
				"rg%u: n%u and n0 differ in the end: epoch %llu/%llu index "
				"%llu/%llu",
				rg, n, (unsigned long long)st.epoch.number,
				(unsigned long long)first.epoch.number,
				(unsigned long long)st.index, (unsigned long long)first.index);
		else if (st.index == first.index && st.digest != first.digest) {
			tell_difference(w, rg, n, 0);
			tell_difference(w, rg, 0, n);
			world_violate(w, "rg%u: n%u and n0 hold different records", rg, n);
		}
	}
	if (owners != 1)
		world_violate(w, "rg%u has %u owners in the end", rg, owners);
}

void check_at_end(struct world *w)
{
	for (uint32_t rg = 0; rg < w->rgs; rg++)
		rg_at_end(w, rg);
	for (uint32_t p = 0; p < w->peers; p++)
		if (peer_progress(w, p) <= w->check->s->progress[p])
			world_violate(w, "peer %u was not answered any more", p);
}

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
	for (size_t i = 0; i < SA_MAX; i++)
		if (c->s->sa[i]) {
			free(c->s->sa[i]->ever);
			free(c->s->sa[i]->reign);
			free(c->s->sa[i]);
		}
	free(c->s);
	free(c);
}
