#include "ike/idle.h"

#include <inttypes.h>

#include "ike/engine.h"
#include "ike/schedule.h"

static uint64_t idle_ms(const struct child *c)
{
	return c->tunnel ? c->tunnel->model->vpn->idle_s * UINT64_C(1000) : 0;
}

void idle_begin(struct ike *ike, struct child *c)
{
	uint64_t ms = idle_ms(c);

	c->idle_from_ms = ike->now_ms;
	c->at_idle = ms ? ike->now_ms + ms : 0;
}

void idle_due(struct ike *ike, struct child *c)
{
	struct ike_effect *e;
	uint32_t *spi;

	c->at_idle = 0;
	if (idle_ms(c) == 0 || c->state != CHILD_UP || c->want_delete)
		return;
	/* Asked again if nobody answers. */
	c->at_idle = ike->now_ms + idle_ms(c);
	e = ike_effects_add(ike->fx, IKE_FX_ASK_ACTIVITY);
	spi = ike_effects_alloc(ike->fx, sizeof *spi);
	if (!e || !spi)
		return;
	*spi = c->spi_in;
	e->ask = (struct ike_fx_ask){.child = c->spi_in, .spi_in = spi, .n = 1};
}

void idle_told(struct ike *ike, const struct ike_ev_activity *a)
{
	struct child *c = child_find(ike, a->child);
	uint64_t idle = MIN(a->idle_in_ms, a->idle_out_ms);

	if (!c || idle_ms(c) == 0 || c->state != CHILD_UP || c->want_delete)
		return;
	idle = MIN(idle, ike->now_ms - c->idle_from_ms);
	if (idle < idle_ms(c)) {
		c->at_idle = ike->now_ms + idle_ms(c) - idle;
		child_rearm(ike, c);
		return;
	}
	sa_info(ike, c->sa, "child.idle", "spi=%08" PRIx32 " seconds=%" PRIu64, c->spi_in,
		idle / 1000);
	c->want_delete = true;
	sched_work(ike, c->sa);
}
