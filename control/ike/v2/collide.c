#include "ike/v2/collide.h"

#include <inttypes.h>

#include "ike/engine.h"
#include "ike/schedule.h"
#include "ike/v2/exchange.h"
#include "ike/v2/follow.h"
#include "ike/v2/reauth.h"

#define RIVAL_PATIENCE_MS 30000

static struct view lower(struct view a, struct view b)
{
	return view_compare(a, b) < 0 ? a : b;
}

bool collide_refuses_child(const struct ike_sa *sa, const struct child *old)
{
	const struct exch *x = sa->out;

	if (sa->want_close || (x && (x->kind == EXCH_IKE_REKEY || x->kind == EXCH_DELETE_IKE)))
		return true;
	return old && (old->want_delete || old->state == CHILD_REPLACED);
}

struct exch *collide_makes_child(const struct ike_sa *sa)
{
	struct exch *x = sa->out;
	bool makes = x && x->flight && (x->kind == EXCH_CHILD || x->kind == EXCH_CHILD_REKEY);

	return makes ? x : NULL;
}

bool collide_refuses_rekey(struct ike *ike, const struct ike_sa *sa)
{
	const struct exch *x = sa->out;

	/* Two that take several exchanges each would be more than anybody can sort out. */
	if (x && x->kind == EXCH_IKE_REKEY && x->flight && follow_is_possible(sa))
		return true;
	return sa->want_close || sa->successor != 0 || reauth_is_under_way(ike, sa) ||
	       (x && x->kind != EXCH_IKE_REKEY && x->kind != EXCH_PROBE && x->kind != EXCH_NONE);
}

static void remember(struct exch *x, uint64_t spi, struct view ni, struct view nr)
{
	x->rival_spi = spi;
	blob_fini(&x->rival_nonce);
	/* Without memory the comparison falls to us: the peer's copy of the rule still ends it. */
	if (blob_copy(lower(ni, nr), &x->rival_nonce) < 0)
		x->rival_spi = 0;
}

void collide_child_asked(struct ike_sa *sa, const struct child *old, const struct child *made,
	struct view ni, struct view nr)
{
	struct exch *x = sa->out;

	if (x && x->kind == EXCH_CHILD_REKEY && x->flight && x->old_spi == old->spi_in)
		remember(x, made->spi_in, ni, nr);
}

/* True: the exchange with our nonce `x->nonce` and the answer's `nr` is the one that loses. */
static bool we_lose(const struct exch *x, struct view nr)
{
	struct view ours = lower(view_of_array(x->nonce), nr);

	return view_compare(ours, blob_view(&x->rival_nonce)) < 0;
}

void collide_child_agreed(
	struct ike *ike, struct ike_sa *sa, struct child *old, struct child *made, struct view nr)
{
	struct exch *x = sa->out;
	/* Gone: the peer deleted what it made, which says nothing about which one stays. */
	struct child *rival = x->rival_spi ? child_find(ike, (uint32_t)x->rival_spi) : NULL;
	uint32_t rival_spi = (uint32_t)x->rival_spi;
	bool lost = rival_spi != 0 && we_lose(x, nr);

	if (rival_spi != 0) {
		ike->stats.collisions++;
		sa_info(ike, sa, lost ? "child.rekey.lost" : "child.rekey.won",
			"spi=%08" PRIx32 " other=%08" PRIx32, made->spi_in, rival_spi);
	}
	if (lost) {
		made->outbound = false;
		sched_child_replaced(ike, made, rival_spi, true);
	} else if (rival) {
		sched_child_replaced(ike, rival, made->spi_in, false);
	}
	/* Without `old` the peer deleted it while we asked. */
	if (old)
		sched_child_replaced(ike, old, lost ? rival_spi : made->spi_in, !lost);
}

void collide_first_asked(
	struct ike_sa *sa, const struct child *made, struct view ni, struct view nr)
{
	struct exch *x = sa->out;
	const struct child *c;

	if (!x || x->kind != EXCH_CHILD || !x->flight || !made->tunnel ||
		x->policy_id != made->tunnel->policy_id)
		return;
	/* One more of several: both are meant. */
	list_foreach (c, &made->tunnel->children, of_tunnel)
		if (c != made && c->sa == sa)
			return;
	remember(x, made->spi_in, ni, nr);
}

static bool same_selectors(const struct child *a, const struct child *b)
{
	return tsel_set_equal(a->local_ts, b->local_ts) &&
	       tsel_set_equal(a->remote_ts, b->remote_ts);
}

void collide_first_agreed(struct ike *ike, struct ike_sa *sa, struct child *made, struct view nr)
{
	struct exch *x = sa->out;
	struct child *rival = x->rival_spi ? child_find(ike, (uint32_t)x->rival_spi) : NULL;

	if (!rival || rival->sa != sa || rival->state == CHILD_REPLACED ||
		!same_selectors(rival, made))
		return;
	ike->stats.collisions++;
	if (we_lose(x, nr)) {
		made->outbound = false;
		sched_child_replaced(ike, made, rival->spi_in, true);
		return;
	}
	sched_child_replaced(ike, rival, made->spi_in, false);
	/* The peer deletes it, if it knows this rule, which is not the RFC's. */
	rival->at_delete = ike->now_ms + RIVAL_PATIENCE_MS;
	child_rearm(ike, rival);
}

bool collide_rekey_asked(struct ike *ike, struct ike_sa *sa, const struct ike_sa *made,
	struct view ni, struct view nr)
{
	struct exch *x = sa->out;

	if (!x || x->kind != EXCH_IKE_REKEY)
		return false;
	if (!x->flight) {
		/* Ours has not left: theirs is the only one. */
		xchg_abort(ike, sa);
		return false;
	}
	remember(x, made->spi_local, ni, nr);
	return x->rival_spi != 0;
}

/* What has become of the peer's: it may have been rekeyed again. NULL: gone. */
static struct ike_sa *rival_now(struct ike *ike, const struct exch *x)
{
	struct ike_sa *sa = x->rival_spi ? sa_find(ike, x->rival_spi) : NULL;

	while (sa && sa->successor)
		sa = sa_find(ike, sa->successor);
	return sa;
}

struct ike_sa *collide_rekey_winner(
	struct ike *ike, struct ike_sa *sa, struct ike_sa *ours, struct view nr)
{
	struct exch *x = sa->out;
	struct ike_sa *rival = rival_now(ike, x);

	if (x->rival_spi == 0)
		return ours;
	ike->stats.collisions++;
	if (we_lose(x, nr))
		return rival;
	if (!rival || rival->state != SA_UP)
		return ours;
	/* The peer deletes it, unless our delete of the old one overtook the answer that would have
	 * told it to (2.25.2: then it forgets). */
	rival->at_hard = ike->now_ms + RIVAL_PATIENCE_MS;
	sa_rearm(ike, rival);
	txn_sa(ike, rival);
	return ours;
}

struct ike_sa *collide_heir(struct ike *ike, const struct ike_sa *sa)
{
	const struct exch *x = sa->out;
	struct ike_sa *rival;

	if (!x || x->kind != EXCH_IKE_REKEY || x->rival_spi == 0)
		return NULL;
	rival = rival_now(ike, x);
	return rival && rival->state == SA_UP ? rival : NULL;
}
