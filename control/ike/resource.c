#include "ike/resource.h"

#include <inttypes.h>

#include "base/emit.h"
#include "ike/engine.h"
#include "ike/schedule.h"
#include "ike/tx.h"

/* A worker that is restarted is back by then. */
#define RETIRE_MS 10000

static uint32_t bit(uint8_t resource)
{
	return UINT32_C(1) << (resource - 1);
}

/* ---------------------------------------------------------------- where it lands */

uint32_t resource_spi(const struct ike *ike, uint32_t low, uint8_t resource)
{
	uint32_t bits = ike->model ? ike->model->dataplane.bucket_bits : 0;
	uint32_t n = (uint32_t)__builtin_popcount(ike->workers), worker, bucket, mask, rest;

	if (resource == 0 || resource > RESOURCE_PLACES || bits < 5 || bits > 16)
		return low;
	mask = (UINT32_C(1) << bits) - 1;
	rest = UINT32_C(1) << (24 - bits);
	worker = resource - UINT32_C(1);
	bucket = ((low / rest) & ~(RESOURCE_PLACES - UINT32_C(1))) | worker;
	/* A dataplane deals buckets out in turn: one that needs no move. */
	for (uint32_t i = 0; i < n && ike->workers == bit((uint8_t)(n + 1)) - 1; i++) {
		if (bucket % n == worker)
			break;
		bucket = (bucket + RESOURCE_PLACES) & mask;
	}
	return bucket * rest | (low & (rest - 1));
}

/* RFC 9611 5.1: for whoever looks into the matter at the other end. */
void resource_write(struct writer *w, uint8_t resource)
{
	uint8_t room[4];
	struct emit e = emit_to(room, sizeof room);

	emit_be32(&e, resource - UINT32_C(1));
	tx_notify(w, N_SA_RESOURCE_INFO, view_of_array(room));
}

/* ---------------------------------------------------------------- what there is */

static bool is_live(const struct child *c)
{
	return (c->state == CHILD_NEW || c->state == CHILD_UP) && !c->want_delete;
}

static bool is_online(const struct ike *ike, uint8_t resource)
{
	return ike->workers == 0 || (ike->workers & bit(resource)) != 0;
}

struct child *resource_fallback(const struct tunnel *t)
{
	struct child *c, *best = NULL;

	list_foreach (c, &t->children, of_tunnel)
		if (is_live(c) && c->resource == 0 && (!best || c->order > best->order))
			best = c;
	return best;
}

static struct child *newest(const struct tunnel *t)
{
	struct child *c, *best = NULL;

	list_foreach (c, &t->children, of_tunnel)
		if (is_live(c) && (!best || c->order > best->order))
			best = c;
	return best;
}

/* On the IKE SA of `base`, for that worker; 0: for any. */
static uint32_t count_own(const struct child *base, uint8_t resource)
{
	const struct child *c;
	uint32_t n = 0;

	list_foreach (c, &base->tunnel->children, of_tunnel)
		n += c->sa == base->sa && is_live(c) && c->resource != 0 &&
		     (resource == 0 || c->resource == resource);
	return n;
}

/* ---------------------------------------------------------------- we ask */

bool resource_may_ask(const struct tunnel *t)
{
	const struct model_vpn *vpn = t && t->model ? t->model->vpn : NULL;

	return vpn && vpn->per_worker &&
	       (vpn->establish == MODEL_ON_TRAFFIC || vpn->establish == MODEL_IMMEDIATELY);
}

bool resource_own_wanted(const struct child *c)
{
	return c->resource == 0 && !c->full && resource_may_ask(c->tunnel);
}

void resource_ask(struct ike *ike, struct tunnel *t, uint8_t resource)
{
	struct child *c = newest(t);

	if (!c || resource == 0 || resource > RESOURCE_PLACES || !resource_may_ask(t))
		return;
	t->own_asked |= bit(resource);
	sched_work(ike, c->sa);
}

static bool is_lacking(struct ike *ike, const struct child *base, uint8_t resource)
{
	uint32_t most = base->tunnel->model->vpn->multi_max;

	return is_online(ike, resource) && count_own(base, resource) == 0 &&
	       count_own(base, 0) < (most ? most : RESOURCE_PLACES);
}

bool resource_next(struct ike *ike, const struct ike_sa *sa, struct tunnel *t, uint8_t *resource)
{
	const struct child *base = resource_fallback(t);

	if (t->own_asked == 0 || ike->now_ms < t->quiet_until_ms)
		return false;
	if (!base) { /* the peer deleted it: nobody is to be without */
		base = newest(t);
		*resource = 0;
		return base && base->sa == sa;
	}
	if (base->full || !resource_may_ask(t))
		t->own_asked = 0;
	if (base->sa != sa)
		return false;
	for (uint8_t n = 1; n <= RESOURCE_PLACES; n++) {
		if (!(t->own_asked & bit(n)))
			continue;
		*resource = n;
		if (is_lacking(ike, base, n))
			return true;
		t->own_asked &= ~bit(n);
	}
	return false;
}

void resource_made(struct ike *ike, struct child *c)
{
	c->tunnel->own_asked &= ~bit(c->resource);
	ike->stats.child_own++;
	sa_info(ike, c->sa, "child.own", "spi=%08" PRIx32 " worker=%u", c->spi_in,
		c->resource - 1u);
}

void resource_refused(struct ike *ike, struct ike_sa *sa, struct tunnel *t, uint16_t notify)
{
	struct child *base = t ? resource_fallback(t) : NULL;

	if (notify == N_TEMPORARY_FAILURE) {
		sched_retry(ike, sa);
		return;
	}
	ike->stats.child_own_refused++;
	if (!base)
		return;
	t->own_asked = 0;
	base->full = true;
	txn_install(ike, base); /* the dataplane need not ask any more */
}

void resource_handed_over(struct ike *ike, struct ike_sa *to)
{
	struct child *c;

	list_foreach (c, &to->children, of_sa) {
		if (!c->full)
			continue;
		c->full = false;
		txn_install(ike, c);
	}
}

/* ---------------------------------------------------------------- we answer */

/* The one with the fewest on that IKE SA. */
static uint8_t idlest(const struct ike *ike, const struct child *base)
{
	uint32_t online = ike->workers ? ike->workers : 1, fewest = UINT32_MAX;
	uint8_t best = 1;

	for (uint8_t n = 1; n <= RESOURCE_PLACES; n++) {
		uint32_t has = count_own(base, n);

		if (!(online & bit(n)) || has >= fewest)
			continue;
		fewest = has;
		best = n;
	}
	return best;
}

int resource_assign(const struct ike *ike, const struct child *base)
{
	const struct exch *x = base->sa->out;
	uint32_t most = base->tunnel->model->vpn->multi_max;

	if (most == 0)
		most = MAX((uint32_t)__builtin_popcount(ike->workers), UINT32_C(1));
	/* Both ends may ask for their last one at once: both get it, or neither would. */
	if (x && x->kind == EXCH_CHILD && x->resource != 0 &&
		x->policy_id == base->tunnel->policy_id)
		most++;
	return count_own(base, 0) < most ? idlest(ike, base) : -ERR_LIMIT;
}

/* ---------------------------------------------------------------- workers come and go */

void resource_workers(struct ike *ike, uint32_t online)
{
	ike->workers = online & ((UINT32_C(1) << RESOURCE_PLACES) - 1);
	resource_check(ike);
}

static void check_ours(struct ike *ike, struct child *c)
{
	bool stays = is_online(ike, c->resource) && resource_may_ask(c->tunnel);

	if (stays == (c->at_delete == 0))
		return;
	c->at_delete = stays ? 0 : ike->now_ms + RETIRE_MS;
	child_rearm(ike, c);
}

void resource_check(struct ike *ike)
{
	struct child *c, *next;

	map_foreach (ike->children, c, next) {
		if (c->resource == 0 || c->state != CHILD_UP || c->want_delete || !c->tunnel)
			continue;
		if (c->initiator) {
			check_ours(ike, c);
		} else if (!is_online(ike, c->resource)) {
			c->resource = idlest(ike, c);
			txn_install(ike, c);
		}
	}
}
