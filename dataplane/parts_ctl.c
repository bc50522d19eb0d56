#include "parts.h"

#include "base/err.h"
#include "dp.h"

static void retire(void *ctx, void *p)
{
	dp_defer((struct dp *)ctx, defer_free, p, NULL);
}

/* The index of the parts of a policy; made when it is wanted. */
static struct spd_live *index_of(struct dp *dp, struct policy_sas *whole)
{
	const struct retire how = {retire, dp};
	struct spd_live *x = atomic_load(&whole->parts);

	if (!x) {
		x = spd_live_new(&how);
		atomic_store(&whole->parts, x);
	}
	return x;
}

static struct spd_live_item *item_of(const struct policy_sas *p, uint32_t spi_in)
{
	struct spd_live_item *i;

	list_foreach (i, &p->items, link)
		if (i->tag == spi_in)
			return i;
	return NULL;
}

static void item_remove(const struct policy_sas *p, struct spd_live_item *i)
{
	if (i)
		spd_live_remove(atomic_load(&p->of->parts), i);
}

/* The new one first: there is no moment without. */
void parts_sa_in(struct dp *dp, struct policy_sas *p, const struct sa *sa)
{
	const struct sa_cold *cold = sa_cold(sa);
	const struct spd_live_spec spec = {.what = p,
		.group = p->peer,
		.tag = sa->spi_in,
		.order = cold->order,
		.ts = &cold->ts};
	struct spd_live *x = p->of ? index_of(dp, p->of) : NULL;
	struct spd_live_item *old = p->of ? item_of(p, sa->spi_in) : NULL, *fresh;

	if (!p->of)
		return;
	fresh = x ? spd_live_add(x, &spec) : NULL;
	if (!fresh) {
		log_err(&dp->log, "dp.parts.failed", "policy=%08x reason=\"out of memory\"",
			p->of->id);
		return; /* as it was */
	}
	item_remove(p, old);
	list_add_tail(&p->items, &fresh->link);
}

void parts_sa_out(struct policy_sas *p, const struct sa *sa)
{
	if (p->of)
		item_remove(p, item_of(p, sa->spi_in));
}

static void leave(struct policy_sas *p)
{
	struct spd_live_item *i, *next;

	list_foreach_safe (i, next, &p->items, link)
		item_remove(p, i);
	p->of->n_parts--;
	p->of = NULL;
}

void parts_join(struct dp *dp, struct policy_sas *p, const struct sa_cold *cold)
{
	struct policy_sas *whole = cold->selector_id ? policy_sas_get(dp, cold->selector_id) : NULL;
	const struct sa_set *set = atomic_load(&p->set);

	if (p->of == whole && p->peer == cold->peer)
		return;
	if (p->of)
		leave(p);
	p->of = whole;
	p->peer = cold->peer;
	if (!whole)
		return;
	whole->n_parts++;
	for (uint32_t i = 0; set && i < set->n; i++)
		parts_sa_in(dp, p, set->v[i]);
}

void parts_prune(struct dp *dp, struct policy_sas *p)
{
	const struct sa_set *set = atomic_load(&p->set);

	if (!p->of || (set && set->n))
		return;
	leave(p);
	policy_sas_drop(dp, p);
}
