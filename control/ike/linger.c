#include "ike/linger.h"

#include <stdlib.h>

#include "ike/engine.h"

struct linger {
	UT_hash_handle hh;
	struct list link;
	uint32_t spi_in, rg;
	uint64_t until_ms;
};

void lingers_init(struct lingers *l)
{
	list_init(&l->order);
	l->timer.kind = TIMER_LINGER;
}

bool linger_has(const struct ike *ike, uint32_t spi_in)
{
	struct linger *l;

	HASH_FIND(hh, ike->lingers.by_spi, &spi_in, sizeof spi_in, l);
	return l != NULL;
}

uint32_t linger_count(const struct ike *ike)
{
	return HASH_COUNT(ike->lingers.by_spi);
}

/* Its heir, or that one's: rekeys may follow each other faster than their deletes. */
static bool is_served(const struct child *c)
{
	const struct child *other;

	if (!c->tunnel)
		return false;
	list_foreach (other, &c->tunnel->children, of_tunnel)
		if (other != c && other->installed)
			return true;
	return false;
}

bool linger_is_due(const struct ike *ike, const struct child *c)
{
	return (c->state == CHILD_REPLACED || c->resource != 0 || child_sibling(c)) &&
	       c->installed && is_served(c) &&
	       (c->at_hard == 0 || c->at_hard > ike->now_ms + LINGER_MS);
}

static void remove_one(struct ike *ike, struct linger *l)
{
	hold_emit_delete(ike, l->rg, l->spi_in);
	HASH_DELETE(hh, ike->lingers.by_spi, l);
	list_del(&l->link);
	free(l);
}

static struct linger *oldest(const struct ike *ike)
{
	const struct list *order = &ike->lingers.order;

	return list_is_empty(order) ? NULL : list_item(order->next, struct linger, link);
}

static void rearm(struct ike *ike)
{
	const struct linger *l = oldest(ike);

	if (!l)
		timer_cancel(&ike->timers, &ike->lingers.timer);
	else if (timer_arm(&ike->timers, &ike->lingers.timer, l->until_ms) < 0)
		ike->failed = true;
}

/* RFC 7296 1.4.1: the peer has no use for what we would send with it. */
void linger_hush(struct ike *ike, uint32_t spi_in)
{
	struct ike_effect *e = ike_effects_add(ike->fx, IKE_FX_UPDATE);

	if (e)
		e->update = (struct ike_fx_update){.spi_in = spi_in, .outbound = false};
}

void linger_begin(struct ike *ike, uint32_t rg, uint32_t spi_in)
{
	struct linger *l = calloc(1, sizeof *l);

	if (!l) {
		/* Early is harmless, forgotten would not be. */
		hold_emit_delete(ike, rg, spi_in);
		return;
	}
	if (linger_count(ike) >= LINGER_MAX)
		remove_one(ike, oldest(ike));
	l->spi_in = spi_in;
	l->rg = rg;
	l->until_ms = ike->now_ms + LINGER_MS;
	HASH_ADD(hh, ike->lingers.by_spi, spi_in, sizeof l->spi_in, l);
	list_add_tail(&ike->lingers.order, &l->link);
	linger_hush(ike, spi_in);
	rearm(ike);
}

void linger_end(struct ike *ike, uint32_t rg)
{
	struct linger *l, *next;

	list_foreach_safe (l, next, &ike->lingers.order, link)
		if (l->rg == rg)
			remove_one(ike, l);
	rearm(ike);
}

void linger_run(struct ike *ike)
{
	struct linger *l;

	while ((l = oldest(ike)) != NULL && l->until_ms <= ike->now_ms)
		remove_one(ike, l);
	rearm(ike);
}

void lingers_fini(struct ike *ike)
{
	struct linger *l, *next;

	HASH_CLEAR(hh, ike->lingers.by_spi);
	list_foreach_safe (l, next, &ike->lingers.order, link)
		free(l);
	list_init(&ike->lingers.order);
	timer_cancel(&ike->timers, &ike->lingers.timer);
}
