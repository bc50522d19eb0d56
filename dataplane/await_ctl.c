#include <stdlib.h>

#include "await.h"
#include "base/err.h"
#include "dp.h"

void api_child_expect(struct dp *dp, const Dp__ChildExpect *e, struct reply *r)
{
	uint64_t now = dp_now();
	struct awaited *a = await_find(dp->sh.awaited, e->spi_in), *old;
	struct addr from;

	if (addr_from_view(view_of(e->remote.data, e->remote.len), &from) < 0) {
		reply_fail(r, -ERR_VALUE, "SA %08x: no address", e->spi_in);
		return;
	}
	if (sad_find(&dp->sh.sad, e->spi_in))
		return;
	if (a && ipaddr_equal(a->from, ipaddr_of(&from))) { /* once more: as long again */
		atomic_store(&a->until_ns, now + AWAIT_LIFE_NS);
		return;
	}
	a = calloc(1, sizeof *a);
	if (!a) {
		reply_fail(r, -ERR_NOMEM, "out of memory");
		return;
	}
	a->spi = e->spi_in;
	a->from = ipaddr_of(&from);
	atomic_init(&a->until_ns, now + AWAIT_LIFE_NS);
	if (!await_put(dp->sh.awaited, a, now, &old)) {
		free(a); /* what comes early is lost, as it ever was */
		count_add(&dp->stats[STAT_AWAIT_FULL], 1);
		return;
	}
	if (old)
		dp_defer(dp, defer_free, old, NULL);
}

struct early {
	struct order o;
	uint32_t spi;
};

static void early_run(struct worker *w, struct command *c)
{
	await_release(w, container_of(c, struct early, o.c)->spi);
}

static void early_finish(struct dp *dp, struct order *o)
{
	struct awaited *a = await_take(dp->sh.awaited, container_of(o, struct early, o)->spi);

	if (a)
		dp_defer(dp, defer_free, a, NULL);
}

void await_installed(struct dp *dp, const struct sa *sa)
{
	struct early *e;

	if (!await_find(dp->sh.awaited, sa->spi_in))
		return;
	e = calloc(1, sizeof *e);
	if (!e)
		return; /* a tick of the worker's finds them */
	e->spi = sa->spi_in;
	e->o.c.run = early_run;
	e->o.finish = early_finish;
	dp_order(dp, atomic_load(&dp->sh.bucket_worker[sa->bucket]), &e->o, NULL);
}

int await_ctl_init(struct dp *dp)
{
	dp->sh.awaited = calloc(1, sizeof *dp->sh.awaited);
	return dp->sh.awaited ? 0 : -ERR_NOMEM;
}

void await_ctl_fini(struct dp *dp)
{
	for (uint32_t i = 0; dp->sh.awaited && i < AWAIT_SLOTS; i++)
		free(atomic_load(&dp->sh.awaited->slots[i]));
	free(dp->sh.awaited);
	dp->sh.awaited = NULL;
}
