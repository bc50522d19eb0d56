#include "base/err.h"
#include "dp.h"
#include "parts.h"

/* With very many peers it takes milliseconds: what changes meanwhile is one. */
#define PAUSE_TIMES  3u
#define PAUSE_MAX_NS UINT64_C(50000000)

void parts_join(struct dp *dp, struct policy_sas *p, const struct sa_cold *cold)
{
	struct policy_sas *whole = cold->selector_id ? policy_sas_get(dp, cold->selector_id) : NULL;

	if (p->of == whole && p->peer == cold->peer)
		return;
	if (p->of) {
		list_del(&p->link);
		parts_changed(dp, p);
	}
	p->of = whole;
	p->peer = cold->peer;
	if (whole)
		list_add_tail(&whole->parts_of, &p->link);
	parts_changed(dp, p);
}

void parts_changed(struct dp *dp, struct policy_sas *p)
{
	if (p->of && list_is_empty(&p->of->stale))
		list_add_tail(&dp->stale_policies, &p->of->stale);
}

static void defer_parts(struct dp *dp, void *p)
{
	(void)dp;
	parts_free((struct parts *)p);
}

/* Parts without an SA are forgotten: the next one may be of another peer. */
static void drop_empty(struct dp *dp, struct policy_sas *whole)
{
	struct policy_sas *p, *next;

	list_foreach_safe (p, next, &whole->parts_of, link) {
		const struct sa_set *set = atomic_load(&p->set);

		if (set && set->n)
			continue;
		list_del(&p->link);
		p->of = NULL;
		policy_sas_drop(dp, p);
	}
}

static void settle(struct dp *dp, struct policy_sas *whole)
{
	struct parts *fresh, *old;

	if (parts_build(whole, &fresh) < 0) {
		log_err(&dp->log, "dp.parts.failed", "policy=%08x reason=\"out of memory\"",
			whole->id);
		return; /* as it was: what is new waits for the next change */
	}
	old = atomic_exchange(&whole->parts, fresh);
	if (old)
		dp_defer(dp, defer_parts, old, NULL);
	drop_empty(dp, whole);
}

bool parts_settle(struct dp *dp)
{
	struct policy_sas *whole, *next;
	uint64_t began = dp_now(), now;

	if (list_is_empty(&dp->stale_policies))
		return true;
	if (began < dp->parts_due_ns)
		return false;
	list_foreach_safe (whole, next, &dp->stale_policies, stale) {
		list_del(&whole->stale);
		settle(dp, whole);
	}
	now = dp_now();
	dp->parts_due_ns = now + MIN(PAUSE_TIMES * (now - began), PAUSE_MAX_NS);
	return true;
}
