#include "ike/v2/reauth.h"

#include <inttypes.h>

#include "ike/engine.h"
#include "ike/schedule.h"
#include "ike/v2/exchange.h"

#define REAUTH_AGAIN_MS	  30000 /* after one that came to nothing */
#define RIVAL_PATIENCE_MS 30000 /* for the peer to close the redundant one */
#define REDUNDANT_LOOK_MS 200

/* ---------------------------------------------------------------- when */

bool reauth_is_next(const struct ike_sa *sa)
{
	uint32_t every = sa->gw ? sa->gw->model->policy->reauth_frequency : 0;

	return sa->want_reauth || sched_ends_with_certificate(sa) ||
	       (every != 0 && sa->rekeys + 1 >= every);
}

bool reauth_is_one(const struct ike_sa *sa)
{
	return sa->initiator && sa->predecessor != 0 && sa->lineage == sa->spi_local;
}

bool reauth_is_under_way(struct ike *ike, const struct ike_sa *old)
{
	return old->heir != 0 && sa_find(ike, old->heir) != NULL;
}

/* What `sa` takes over; NULL: nothing, or that is gone. A rekey's successor is of its lineage. */
static struct ike_sa *target(struct ike *ike, const struct ike_sa *sa)
{
	struct ike_sa *old = sa->predecessor != 0 && sa->lineage == sa->spi_local
				     ? sa_find(ike, sa->predecessor)
				     : NULL;

	return old && sa_is_open(old) ? old : NULL;
}

static bool is_live(const struct child *c)
{
	return c->tunnel && (c->state == CHILD_UP || c->state == CHILD_NEW);
}

static bool has_tunnel(const struct ike_sa *sa, const struct tunnel *t)
{
	const struct child *c;

	list_foreach (c, &sa->children, of_sa)
		if (c->tunnel == t)
			return true;
	return false;
}

/* A tunnel of `old` that `sa` (NULL: nobody yet) does not have. */
static struct tunnel *tunnel_left(const struct ike_sa *old, const struct ike_sa *sa)
{
	const struct child *c;

	list_foreach (c, &old->children, of_sa)
		if (is_live(c) && !c->want_delete && !c->left_behind &&
			(!sa || !has_tunnel(sa, c->tunnel)))
			return c->tunnel;
	return NULL;
}

int reauth_begin(struct ike *ike, struct ike_sa *old)
{
	const struct tunnel *t = tunnel_left(old, NULL);
	struct ike_sa *sa;

	old->want_rekey = false;
	old->at_soft = ike->now_ms + REAUTH_AGAIN_MS;
	sa_rearm(ike, old);
	if (reauth_is_under_way(ike, old))
		return 0;
	if (!t) {
		/* It carries nothing: whoever needs a tunnel authenticates. */
		old->want_close = true;
		sched_work(ike, old);
		return 0;
	}
	sa = x_init_anew(ike, old, t);
	if (!sa)
		return 0; /* again, a little later */
	old->heir = sa->spi_local;
	sa_info(ike, old, "ike.reauth.begin", "rekeys=%u", old->rekeys);
	return 0;
}

/* ---------------------------------------------------------------- who */

bool reauth_same_peer(struct ike *ike, const struct ike_sa *sa)
{
	const struct ike_sa *old = target(ike, sa);

	return !old || ident_equal(&old->remote_id, &sa->remote_id);
}

bool reauth_is_superfluous(struct ike *ike, const struct ike_sa *sa)
{
	const struct ike_sa *old = target(ike, sa), *other;

	if (reauth_is_one(sa) && !old)
		return true;
	list_foreach (other, &sa->gw->sas, of_gw) {
		if (other == sa || other->state != SA_UP || !other->has_children ||
			other->want_close)
			continue;
		if (!old || (other->lineage != old->lineage && other->index > old->index &&
				    ident_equal(&other->remote_id, &old->remote_id)))
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------- crossing */

static uint64_t rank(const struct ike_sa *sa)
{
	return sa_spi_i(sa);
}

/* Both know both: of the two that crossed, the one with the lower initiator's SPI goes. */
static void crossing_settle(struct ike *ike, struct ike_sa *ours)
{
	struct ike_sa *theirs = ours->rival ? sa_find(ike, ours->rival) : NULL;
	bool lost;

	ours->rival = 0;
	if (!theirs || theirs->state > SA_UP || theirs->want_close ||
		!ident_equal(&theirs->remote_id, &ours->remote_id))
		return;
	ike->stats.collisions++;
	lost = rank(ours) < rank(theirs);
	sa_info(ike, ours, lost ? "ike.twin.lost" : "ike.twin.won", "other=%016" PRIx64,
		theirs->spi_local);
	if (lost) {
		ours->successor = theirs->spi_local;
		theirs->predecessor = ours->spi_local;
		txn_sa(ike, theirs);
		sched_work(ike, theirs);
		return;
	}
	/* The peer closes it, unless it did not see them cross. */
	theirs->successor = ours->spi_local;
	txn_sa(ike, theirs);
	sched_work(ike, theirs);
}

/* The peer is authenticated on `theirs`, which began before one of ours was up: they cross. What
 * each end made of the other's IKE_AUTH does not matter, so both see it. */
static void crossing_seen(struct ike *ike, struct ike_sa *theirs)
{
	struct ike_sa *ours;

	list_foreach (ours, &theirs->gw->sas, of_gw) {
		if (!ours->initiator || !addr_equal(&ours->remote.addr, &theirs->remote.addr))
			continue;
		if (ours->state == SA_AUTH_SENT)
			ours->rival = theirs->spi_local;
		if (ours->state != SA_UP || ours->want_close || ours->successor != 0 ||
			ours->up_index <= theirs->index || ours->lineage != ours->spi_local)
			continue;
		ours->rival = theirs->spi_local;
		crossing_settle(ike, ours);
	}
}

/* ---------------------------------------------------------------- the new one */

/* What a peer's new SA replaces is not said: an older one with the same identities. */
static void count_theirs(struct ike_sa *sa)
{
	const struct ike_sa *other;

	list_foreach (other, &sa->gw->sas, of_gw)
		if (other != sa && other->state == SA_UP && other->has_children &&
			ident_equal(&other->remote_id, &sa->remote_id))
			sa->reauths = MAX(sa->reauths, other->reauths + 1);
}

void reauth_established(struct ike *ike, struct ike_sa *sa)
{
	struct ike_sa *old = target(ike, sa);

	sa->up_index = ike->next_index;
	sa->gw->bad_spi_told = 0;
	if (!sa->initiator) {
		count_theirs(sa);
		crossing_seen(ike, sa);
		return;
	}
	if (old) {
		sa->reauths = old->reauths + 1;
		ike->stats.ike_reauthenticated++;
		sa_info(ike, sa, "ike.reauthenticated", "was=%016" PRIx64 " reauths=%u",
			old->spi_local, sa->reauths);
	}
	crossing_settle(ike, sa);
}

void reauth_child_made(struct ike *ike, struct ike_sa *sa, const struct child *made)
{
	struct ike_sa *old = target(ike, sa);
	struct child *c, *next;

	if (!old)
		return;
	list_foreach_safe (c, next, &old->children, of_sa)
		if (c->tunnel == made->tunnel && is_live(c))
			sched_child_replaced(ike, c, made->spi_in, false);
}

void reauth_child_refused(struct ike *ike, struct ike_sa *sa, const struct tunnel *t)
{
	struct ike_sa *old = target(ike, sa);
	struct child *c;

	if (!old)
		return;
	list_foreach (c, &old->children, of_sa)
		if (c->tunnel == t)
			c->left_behind = true;
}

struct tunnel *reauth_tunnel(struct ike *ike, const struct ike_sa *sa)
{
	const struct ike_sa *old = target(ike, sa);

	return old && old->state == SA_UP && sa->successor == 0 ? tunnel_left(old, sa) : NULL;
}

static uint64_t install_interval_ms(const struct ike_sa *sa)
{
	uint32_t most = 0;
	const struct child *c;

	list_foreach (c, &sa->children, of_sa)
		if (c->tunnel)
			most = MAX(most, c->tunnel->model->vpn->install_interval_s);
	return most * UINT64_C(1000);
}

/* Everything on it is served by others, which send. */
static bool is_served(const struct ike_sa *sa)
{
	const struct child *c, *by;

	list_foreach (c, &sa->children, of_sa) {
		by = c->tunnel ? child_sibling(c) : NULL;
		if (c->tunnel && (!by || !by->outbound || !by->installed))
			return false;
	}
	return true;
}

/* The one that lost goes when its heir does everything; it is for the end that began it to see to
 * that. Without an heir it stays: that was replaced meanwhile, by this one perhaps. */
static void redundant_done(struct ike *ike, struct ike_sa *sa)
{
	const struct ike_sa *heir = sa_find(ike, sa->successor);

	while (heir && heir->state == SA_REKEYED)
		heir = sa_find(ike, heir->successor);
	if (!heir || heir->state != SA_UP || heir->want_close) {
		sa->successor = 0;
		return;
	}
	if (sa->redundant_ms == 0)
		sa->redundant_ms = ike->now_ms + RIVAL_PATIENCE_MS;
	if (ike->now_ms < sa->redundant_ms &&
		(!sa->initiator || reauth_tunnel(ike, heir) || !is_served(sa))) {
		sched_later(ike, sa, REDUNDANT_LOOK_MS);
		return;
	}
	sa->want_close = true;
	sched_later(ike, sa, install_interval_ms(sa) + 1);
	txn_sa(ike, sa);
}

void reauth_done(struct ike *ike, struct ike_sa *sa)
{
	struct ike_sa *old = target(ike, sa);
	const struct child *c;

	if (sa->successor != 0) {
		redundant_done(ike, sa);
		return;
	}
	if (!old || old->state != SA_UP || old->want_close || old->successor != 0)
		return;
	/* The peer sends with the new ones as soon as it reads our delete. */
	list_foreach (c, &sa->children, of_sa)
		if (!c->installed)
			return;
	old->want_close = true;
	old->successor = sa->spi_local;
	sched_later(ike, old, install_interval_ms(sa) + 1);
	txn_sa(ike, old);
}

void reauth_resumed(struct ike *ike, struct ike_sa *sa)
{
	struct ike_sa *old = target(ike, sa);

	if (old && reauth_is_one(sa))
		old->heir = sa->spi_local;
}
