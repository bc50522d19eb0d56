#include "host/routes.h"

#include <stdlib.h>

#include "base/err.h"
#include "host/clock.h"
#include "host/daemon.h"
#include "host/dp_child.h"
#include "host/dp_config.h"
#include "host/route_list.h"

enum { PAUSE_TIMES = 30, PAUSE_MAX_MS = 500 };

/* ---------------------------------------------------------------- telling */

static void tell(struct routes *r)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__RouteSet set = DP__ROUTE_SET__INIT;
	struct dp_routes l;
	int rc = dp_routes_lend(&r->rib, &l);

	set.n_routes = l.n;
	set.routes = l.list;
	q.body_case = DP__REQUEST__BODY_ROUTE_SET;
	q.route_set = &set;
	if (rc == 0)
		rc = dp_client_send(&r->d->dp, &q, NULL, NULL);
	if (rc < 0 && rc != -ERR_AGAIN) /* away: it is configured when it comes back */
		log_err(&r->d->log, "routes.failed", "reason=\"%s\"", err_text(rc));
	dp_routes_fini(&l);
}

/* True when packets go another way than before. */
static bool make(struct routes *r)
{
	struct rib fresh = {0};
	const struct route_world w = {
		.m = r->d->model, .p = &r->presence, .learned = &r->kernel.learned};
	int rc = route_list(&w, &fresh);
	bool same;

	if (rc < 0) {
		daemon_stop(r->d, err_text(rc)); /* names in the old list may be gone */
		return false;
	}
	rib_settle(&fresh, &r->rib, clock_boot_ms());
	same = rib_same(&fresh, &r->rib);
	rib_fini(&r->rib);
	r->rib = fresh;
	return !same;
}

void routes_make(struct routes *r)
{
	(void)make(r);
}

static void later(struct routes *r, bool changed);

static void on_timer(uv_timer_t *t)
{
	struct routes *r = (struct routes *)t->data;
	uint64_t begin = uv_hrtime(), took_us;

	r->pending = false;
	if (make(r) && r->d->dp_ready)
		tell(r);
	if (kernel_sync(&r->kernel))
		later(r, true);
	took_us = (uv_hrtime() - begin) / 1000;
	r->pause_ms = ROUTES_GATHER_MS + MIN(PAUSE_TIMES * took_us / 1000, (uint64_t)PAUSE_MAX_MS);
}

static void later(struct routes *r, bool changed)
{
	if (!changed || r->pending)
		return;
	r->pending = true;
	uv_update_time(&r->d->loop);
	(void)uv_timer_start(&r->timer, on_timer, r->pause_ms, 0);
}

void routes_again(struct routes *r)
{
	later(r, true);
}

/* ---------------------------------------------------------------- records */

void routes_record(struct routes *r, uint32_t rg, struct view key, struct view body)
{
	bool changed = false;
	uint32_t spi;
	int rc;

	if (!dp_child_key(key, &spi))
		return;
	rc = presence_put(&r->presence, rg, spi, body, &changed);
	if (rc == -ERR_NOMEM)
		daemon_stop(r->d, err_text(rc));
	later(r, changed);
}

void routes_record_gone(struct routes *r, struct view key)
{
	uint32_t spi;

	if (dp_child_key(key, &spi))
		later(r, presence_remove(&r->presence, spi));
}

void routes_reset(struct routes *r, uint32_t rg)
{
	presence_doubt(&r->presence, rg);
}

void routes_synced(struct routes *r, uint32_t rg)
{
	later(r, presence_sweep(&r->presence, rg));
}

/* ---------------------------------------------------------------- life */

int routes_init(struct routes *r, struct daemon *d)
{
	*r = (struct routes){.d = d, .pause_ms = ROUTES_GATHER_MS};
	if (uv_timer_init(&d->loop, &r->timer) != 0)
		return -ERR_IO;
	r->timer.data = r;
	return kernel_init(&r->kernel, d);
}

void routes_fini(struct routes *r)
{
	if (!r->d)
		return;
	if (!uv_is_closing((uv_handle_t *)&r->timer))
		uv_close((uv_handle_t *)&r->timer, NULL);
	kernel_fini(&r->kernel);
	presence_fini(&r->presence);
	rib_fini(&r->rib);
}
