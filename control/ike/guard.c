#include "ike/guard.h"

#include <stdlib.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/fsm.h"

#define HALF_OPEN_MAX	  10000
#define HALF_OPEN_S	  30
#define COOKIE_THRESHOLD  500
/* One source may hold that part of the negotiations, but so many in any case, */
#define SHARE		  4
#define SHARE_LEAST	  50
/* begin so many a second (and twice as many at once), */
#define INIT_RATE	  500
/* and be refused so often a minute. */
#define FAILED_PER_MINUTE 60
/* Key exchanges for strangers at once. Bounds what waits, and how old it is when it is done. */
#define JOBS_MAX	  1000
/* Messages that fail their check, of one negotiation: so many at once, */
#define SPOILED_MAX	  16
/* and one more each. */
#define SPOILED_MS	  100
#define SAID_MAX	  20
#define SAID_MS		  500
#define SWEEP_MAX	  8

static uint32_t or_else(uint32_t set, uint32_t otherwise)
{
	return set ? set : otherwise;
}

void guard_configure(struct ike *ike)
{
	const struct model_ike_limits *l = &ike->model->limits;
	uint32_t init = or_else(l->source_init_rate, INIT_RATE);
	uint32_t failed = or_else(l->source_failures, FAILED_PER_MINUTE);
	struct source_rate *rate = ike->guard.sources.rate;

	rate[SOURCE_BEGAN] = rate[SOURCE_PROVEN] = (struct source_rate){2 * init, 60 * init};
	rate[SOURCE_FAILED] = (struct source_rate){failed, failed};
}

/* ---------------------------------------------------------------- what is there */

static void peer_key(const struct endpoint *from, uint8_t out[GUARD_PEER_KEY])
{
	out[0] = from->addr.family;
	memcpy(out + 1, from->addr.b, 16);
	out[17] = (uint8_t)(from->port >> 8);
	out[18] = (uint8_t)from->port;
}

static struct crowd *crowd_find(struct ike *ike, const struct addr *from)
{
	uint8_t key[SOURCE_KEY];
	struct crowd *c;

	source_key(from, key);
	HASH_FIND(hh, ike->guard.crowds, key, sizeof key, c);
	return c;
}

static struct half_guard *same_peer(struct ike *ike, const struct endpoint *from)
{
	uint8_t key[GUARD_PEER_KEY];
	struct half_guard *g;

	peer_key(from, key);
	HASH_FIND(hh, ike->guard.peers, key, sizeof key, g);
	return g;
}

static struct crowd *crowd_join(struct ike *ike, const struct addr *from)
{
	struct crowd *c = crowd_find(ike, from);

	if (!c) {
		c = calloc(1, sizeof *c);
		if (!c)
			return NULL;
		source_key(from, c->key);
		HASH_ADD(hh, ike->guard.crowds, key, sizeof c->key, c);
	}
	c->n++;
	return c;
}

int guard_enter(struct ike *ike, struct half *h, const struct endpoint *from, bool proven)
{
	struct half_guard *g = &h->guard;

	g->crowd = crowd_join(ike, &from->addr);
	if (!g->crowd)
		return -ERR_NOMEM;
	g->began_ms = ike->now_ms;
	g->proven = proven;
	g->crowd->proven += proven;
	peer_key(from, g->peer);
	HASH_ADD(hh, ike->guard.peers, peer, sizeof g->peer, g);
	return 0;
}

void guard_leave(struct ike *ike, struct half *h)
{
	struct half_guard *g = &h->guard;
	struct crowd *c = g->crowd;

	if (!c)
		return;
	HASH_DELETE(hh, ike->guard.peers, g);
	g->crowd = NULL;
	c->proven -= g->proven;
	if (--c->n > 0)
		return;
	HASH_DELETE(hh, ike->guard.crowds, c);
	free(c);
}

/* ---------------------------------------------------------------- how long */

static bool is_reduced(const struct ike *ike)
{
	const struct model_ike_limits *l = &ike->model->limits;

	return l->reduce_threshold && l->reduce_timeout_s && ike->half_open >= l->reduce_threshold;
}

uint64_t guard_patience_ms(const struct ike *ike)
{
	uint32_t s = ike->model ? or_else(ike->model->limits.half_open_timeout_s, HALF_OPEN_S)
				: HALF_OPEN_S;

	if (ike->model && is_reduced(ike))
		s = MIN(s, ike->model->limits.reduce_timeout_s);
	return s * UINT64_C(1000);
}

/* Those that were promised more time before it became scarce: the oldest are first. */
static void sweep(struct ike *ike)
{
	uint64_t most = guard_patience_ms(ike);

	for (int i = 0; i < SWEEP_MAX && ike->halves && is_reduced(ike); i++) {
		struct ike_sa *sa = sa_find(ike, ike->halves->spi_local);

		if (!sa || ike->now_ms - ike->halves->guard.began_ms < most ||
			fsm_on(ike, sa, ON_LINGER) != 0)
			return;
		ike->stats.half_swept++;
	}
}

/* ---------------------------------------------------------------- may it go on */

static uint32_t share_of(const struct model_ike_limits *l)
{
	uint32_t max = or_else(l->half_open_max, HALF_OPEN_MAX);

	return or_else(l->half_open_per_source, MAX(max / SHARE, (uint32_t)SHARE_LEAST));
}

/* No room at all, cookie or not. */
static bool is_full(struct ike *ike, const struct crowd *c)
{
	const struct model_ike_limits *l = &ike->model->limits;
	uint32_t max = or_else(l->half_open_max, HALF_OPEN_MAX);

	if (ike->half_open >= max)
		ike->stats.rx_limit++;
	else if (c && c->proven >= share_of(l))
		ike->stats.rx_source_limit++;
	else if (ike->guard.jobs >= JOBS_MAX)
		ike->stats.rx_jobs++;
	else
		return false;
	return true;
}

static bool cookie_is_due(struct ike *ike, const struct endpoint *from, const struct crowd *c)
{
	const struct model_ike_limits *l = &ike->model->limits;

	if (ike->half_open >= or_else(l->cookie_threshold, COOKIE_THRESHOLD))
		return true;
	/* Those without a proof may have that much, besides those with one. */
	if (c && c->n - c->proven >= share_of(l))
		return true;
	if (l->half_open_discard_duplicate && same_peer(ike, from))
		return true;
	return !sources_add(&ike->guard.sources, &from->addr, SOURCE_BEGAN, ike->now_ms);
}

/*
 * discard-duplicate: one negotiation for each peer (address and port: those behind one NAT are
 * several). Without a cookie it is not known whether it is that peer, so the older one stays, and
 * yields only to one with a proof that it has not got itself.
 */
static bool is_second(struct ike *ike, const struct endpoint *from)
{
	struct half_guard *g = same_peer(ike, from);
	struct ike_sa *sa;

	if (!ike->model->limits.half_open_discard_duplicate || !g)
		return false;
	sa = g->proven ? NULL : sa_find(ike, container_of(g, struct half, guard)->spi_local);
	if (sa && fsm_on(ike, sa, ON_LINGER) == 0)
		return false;
	ike->stats.rx_second++;
	return true;
}

enum guard_verdict guard_admit(struct ike *ike, const struct endpoint *from, bool proven)
{
	const struct crowd *c;

	sweep(ike);
	c = crowd_find(ike, &from->addr);
	if (sources_over(&ike->guard.sources, &from->addr, SOURCE_FAILED, ike->now_ms)) {
		ike->stats.rx_source_failed++;
		return GUARD_DROP;
	}
	if (is_full(ike, c))
		return GUARD_DROP;
	switch (backoff_look(ike, from, proven)) {
	case BACKOFF_DROP:
		return GUARD_DROP;
	case BACKOFF_COOKIE:
		return GUARD_COOKIE;
	case BACKOFF_NONE:
	default:
		break;
	}
	if (!proven)
		return cookie_is_due(ike, from, c) ? GUARD_COOKIE : GUARD_PASS;
	if (is_second(ike, from))
		return GUARD_DROP;
	if (!sources_add(&ike->guard.sources, &from->addr, SOURCE_PROVEN, ike->now_ms)) {
		ike->stats.rx_source_rate++;
		return GUARD_DROP;
	}
	return GUARD_PASS;
}

/* ---------------------------------------------------------------- afterwards */

/* It has the keys of this negotiation, so it receives where that was begun: no cookie proves more.
 * What it says by now of where it is proves nothing. */
void guard_refused(struct ike *ike, const struct ike_sa *sa)
{
	struct endpoint from = {.port = 0};
	const uint8_t *peer;

	if (!sa->half || sa->initiator)
		return;
	peer = sa->half->guard.peer;
	from.addr.family = peer[0];
	memcpy(from.addr.b, peer + 1, sizeof from.addr.b);
	from.port = (uint16_t)(peer[17] << 8 | peer[18]);
	if (from.addr.family == 0)
		return;
	(void)sources_add(&ike->guard.sources, &from.addr, SOURCE_FAILED, ike->now_ms);
	backoff_failed(ike, &from, BACKOFF_AUTH, true);
}

static uint32_t spoiled_now(const struct ike *ike, const struct half_guard *g)
{
	uint64_t paid = (ike->now_ms - g->spoiled_ms) / SPOILED_MS;

	return paid >= g->spoiled ? 0 : g->spoiled - (uint32_t)paid;
}

bool guard_may_open(struct ike *ike, const struct ike_sa *sa)
{
	if (!sa->half || sa->initiator || spoiled_now(ike, &sa->half->guard) < SPOILED_MAX)
		return true;
	ike->stats.rx_spoiled++;
	return false;
}

void guard_spoiled(struct ike *ike, const struct ike_sa *sa)
{
	struct half_guard *g;

	if (!sa->half)
		return;
	g = &sa->half->guard;
	g->spoiled = spoiled_now(ike, g) + 1;
	g->spoiled_ms = ike->now_ms;
}

bool guard_may_say(struct ike *ike)
{
	struct guard *g = &ike->guard;
	uint64_t more = (ike->now_ms - g->said_ms) / SAID_MS;

	if (more > 0) {
		g->said = more >= g->said ? 0 : g->said - (uint32_t)more;
		g->said_ms = ike->now_ms;
	}
	if (g->said >= SAID_MAX) {
		ike->stats.unsaid++;
		return false;
	}
	g->said++;
	return true;
}
