#include "host/manual.h"

#include <stdlib.h>

#include "base/err.h"
#include "host/daemon.h"
#include "host/dp_child.h"
#include "host/dp_orders.h"
#include "host/show_records.h"
#include "ike/child.h"

enum { LEASE_KEY = 5, FLOWS_MAX = 64 };

static const struct model_vpn *vpn_of(const struct daemon *d, uint32_t spi_in)
{
	for (uint32_t i = 0; i < d->model->n_vpns; i++) {
		const struct model_vpn *v = &d->model->vpns[i];

		if (v->manual && v->manual->spi == spi_in)
			return v;
	}
	return NULL;
}

bool manual_has(const struct daemon *d, uint32_t spi_in)
{
	return spi_in <= MODEL_MANUAL_SPI_LAST && vpn_of(d, spi_in);
}

/* ---------------------------------------------------------------- its parts */

/* Where the last lease ended; 0: it never had one. */
static uint64_t horizon(const struct daemon *d, const struct model_manual *m)
{
	uint8_t key[LEASE_KEY] = {'L'};
	struct view body = {0};
	struct ha_record r;
	Dp__Lease *lease;
	uint64_t out;

	dp_lease_key(m->spi, key + 1);
	if (d->clustered &&
		ha_record_find(d->ha.ha, m->rg, HA_CLASS_LEASE, view_of(key + 1, 4), &r))
		body = r.body;
	else
		(void)local_store_find(&d->local.store, view_of_array(key), &body);
	lease = body.n ? dp__lease__unpack(NULL, body.n, body.p) : NULL;
	out = lease ? lease->out_horizon : 0;
	if (lease)
		dp__lease__free_unpacked(lease, NULL);
	return out;
}

struct selectors {
	struct tsel local[FLOWS_MAX], remote[FLOWS_MAX];
	uint32_t n;
};

static struct tsel selector_of(const struct model_vpn *v, const struct model_flow *f, bool local)
{
	struct tsel s = tsel_of_prefix(local ? &f->local : &f->remote, f->protocol);

	s.port_lo = local ? f->local_port_lo : f->remote_port_lo;
	s.port_hi = local ? f->local_port_hi : f->remote_port_hi;
	if (v->transport) /* what the ends say themselves */
		s.lo = s.hi = local ? v->manual->local : v->manual->remote;
	return s;
}

static void selectors_fill(const struct model_vpn *v, struct selectors *out)
{
	const struct model_selector *s = &v->selectors[0];

	for (out->n = 0; out->n < s->n_flows && out->n < FLOWS_MAX; out->n++) {
		out->local[out->n] = selector_of(v, &s->flows[out->n], true);
		out->remote[out->n] = selector_of(v, &s->flows[out->n], false);
	}
}

static struct ike_child_install install_of(
	const struct daemon *d, const struct model_vpn *v, const struct selectors *ts)
{
	const struct model_manual *m = v->manual;

	return (struct ike_child_install){
		.spi_in = m->spi,
		.spi_out = m->spi,
		.rg = m->rg,
		.policy_id = v->selectors[0].policy_id,
		.interface_id = model_interface_id(m->external->name),
		.local = {.addr = m->local},
		.remote = {.addr = m->remote},
		.transport = v->transport,
		.manual = true,
		.encr = m->encr,
		.key_bits = m->key_bits,
		.integ = m->integ,
		.encr_key_in = m->encr_key,
		.encr_key_out = m->encr_key,
		.integ_key_in = m->integ_key,
		.integ_key_out = m->integ_key,
		.local_ts = ts->local,
		.remote_ts = ts->remote,
		.n_local_ts = ts->n,
		.n_remote_ts = ts->n,
		.outbound = true,
		.outer = ike_outer_of(v),
		.lease_horizon = horizon(d, m),
	};
}

/* ---------------------------------------------------------------- installing */

struct asked {
	struct daemon *d;
	uint32_t spi;
	bool again;
};

static void install(struct daemon *d, const struct model_vpn *v, bool again);

static void on_installed(void *ctx, int rc, const Dp__Reply *reply)
{
	struct asked *a = (struct asked *)ctx;
	const struct model_vpn *v = vpn_of(a->d, a->spi);

	if (rc == 0 || !v) {
		if (rc == 0 && v)
			log_info(&a->d->log, "manual.up", "vpn=%s spi=%08x", v->name, a->spi);
	} else if (rc == -ERR_EXISTS && !a->again) { /* its keys changed */
		dp_order_delete(&a->d->dp, &a->spi, 1);
		install(a->d, v, true);
	} else {
		log_err(&a->d->log, "manual.failed", "vpn=%s spi=%08x reason=\"%s\"", v->name,
			a->spi,
			reply && reply->reason && reply->reason[0] ? reply->reason : err_text(rc));
	}
	free(a);
}

static void install(struct daemon *d, const struct model_vpn *v, bool again)
{
	struct selectors *ts = calloc(1, sizeof *ts);
	struct asked *a = malloc(sizeof *a);
	struct ike_child_install i;

	if (!ts || !a) {
		free(ts);
		free(a);
		return;
	}
	*a = (struct asked){d, v->manual->spi, again};
	selectors_fill(v, ts);
	i = install_of(d, v, ts);
	if (dp_child_install(&d->dp, &i, on_installed, a) < 0)
		free(a); /* away: all are installed when it is back */
	free(ts);
}

static void on_held(void *ctx, int rc, const Dp__Reply *reply)
{
	struct daemon *d = (struct daemon *)ctx;

	for (size_t i = 0; rc == 0 && i < reply->n_children; i++) {
		uint32_t spi = reply->children[i]->spi_in;

		if (spi > MODEL_MANUAL_SPI_LAST || manual_has(d, spi))
			continue;
		dp_order_delete(&d->dp, &spi, 1);
		log_info(&d->log, "manual.down", "spi=%08x", spi);
	}
}

void manual_apply(struct daemon *d)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__Query query = DP__QUERY__INIT;

	for (uint32_t i = 0; i < d->model->n_vpns; i++)
		if (d->model->vpns[i].manual)
			install(d, &d->model->vpns[i], false);
	query.children = true;
	q.body_case = DP__REQUEST__BODY_QUERY;
	q.query = &query;
	(void)!dp_client_send(&d->dp, &q, on_held, d); /* away: asked again when it is back */
}

/* ---------------------------------------------------------------- showing */

static bool text_matches(const char *wanted, const char *have)
{
	return !wanted || wanted[0] == '\0' || strcmp(wanted, have) == 0;
}

static void show_one(struct daemon *d, const struct model_vpn *v, const struct ike_filter *f,
	void (*each)(void *ctx, const struct ike_child_row *row), void *ctx)
{
	const struct model_manual *m = v->manual;
	struct selectors ts;
	struct ike_child_row r = {
		.index = show_tunnel_index(d->model, v->selectors[0].policy_id),
		.rg = m->rg,
		.spi_in = m->spi,
		.spi_out = m->spi,
		.installed = true,
		.outbound = true,
		.manual = true,
		.transport = v->transport,
		.local = {.addr = m->local},
		.remote = {.addr = m->remote},
		.selector = &v->selectors[0],
		.gateway = "",
		.local_ts = ts.local,
		.remote_ts = ts.remote,
		.encr = m->encr,
		.key_bits = m->key_bits,
		.integ = m->integ,
	};

	if ((f->index != 0 && f->index != r.index) || !text_matches(f->vpn, v->name) ||
		!text_matches(f->selector, r.selector->name))
		return;
	selectors_fill(v, &ts);
	r.n_local_ts = r.n_remote_ts = ts.n;
	each(ctx, &r);
}

void manual_show(struct daemon *d, const struct ike_filter *f,
	void (*each)(void *ctx, const struct ike_child_row *row), void *ctx)
{
	for (uint32_t i = 0; i < d->model->n_vpns; i++)
		if (d->model->vpns[i].manual)
			show_one(d, &d->model->vpns[i], f, each, ctx);
}
