#include "host/show_records.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/secret.h"
#include "host/clock.h"
#include "host/daemon.h"
#include "ike/ident.h"
#include "ike/sa.h"
#include "record.pb-c.h"

enum { SELECTORS_MAX = 16, FIRST_TUNNEL = 500001 };

static struct endpoint endpoint_of(const Rec__Endpoint *e)
{
	struct endpoint out = {0};

	if (e && addr_from_view(view_of(e->address.data, e->address.len), &out.addr) == 0)
		out.port = (uint16_t)e->port;
	return out;
}

static void id_text(const Rec__Identity *id, char out[IDENT_TEXT_MAX])
{
	struct ident i = {0};

	out[0] = '\0';
	if (!id || ident_copy((uint8_t)id->type, view_of(id->data.data, id->data.len), &i) < 0)
		return;
	(void)ident_text(&i, out);
	ident_fini(&i);
}

/* Lifetimes are kept as what was left when the record was written. */
static uint32_t seconds_left(uint64_t left_ms, uint64_t written_unix_ms)
{
	uint64_t now = clock_wall_ms(), gone = now > written_unix_ms ? now - written_unix_ms : 0;

	return left_ms > gone ? (uint32_t)((left_ms - gone) / 1000) : 0;
}

static bool text_matches(const char *wanted, const char *have)
{
	return !wanted || wanted[0] == '\0' || strcmp(wanted, have) == 0;
}

static bool is_shown(uint32_t state)
{
	return state == SA_UP || state == SA_REKEYED || state == SA_CLOSING ||
	       state == SA_AUTH_SENT;
}

static void wipe_sa(Rec__IkeSa *s)
{
	secret_wipe(s->keys.data, s->keys.len);
	rec__ike_sa__free_unpacked(s, NULL);
}

static void wipe_child(Rec__ChildSa *c)
{
	secret_wipe(c->encr_key_in.data, c->encr_key_in.len);
	secret_wipe(c->encr_key_out.data, c->encr_key_out.len);
	secret_wipe(c->integ_key_in.data, c->integ_key_in.len);
	secret_wipe(c->integ_key_out.data, c->integ_key_out.len);
	rec__child_sa__free_unpacked(c, NULL);
}

static void fill_sa(const struct daemon *d, const Rec__IkeSa *s, struct ike_sa_row *r)
{
	const struct model_gateway *gw = model_gateway(d->model, s->gateway);

	*r = (struct ike_sa_row){.index = s->index,
		.rg = s->rg,
		.peer = s->peer,
		.up = s->state == SA_UP || s->state == SA_REKEYED,
		.initiator = s->initiator,
		.spi_i = s->initiator ? s->spi_local : s->spi_remote,
		.spi_r = s->initiator ? s->spi_remote : s->spi_local,
		.local = endpoint_of(s->local),
		.remote = endpoint_of(s->remote),
		.gateway = s->gateway,
		.expires_s = seconds_left(s->hard_ms, s->written_unix_ms),
		.reauth_frequency = gw ? gw->policy->reauth_frequency : 0,
		.rekeys = s->rekeys,
		.reauths = s->reauths,
		.fragmentation = (s->supports & SA_FRAGMENTATION) != 0,
		.fragment_size = gw ? gw->fragment_size : 0,
		.nat_local = s->nat_local,
		.nat_remote = s->nat_remote,
		.children_created = s->children_created,
		.children_deleted = s->children_deleted,
		.next_send_mid = s->next_send_id,
		.next_receive_mid = s->next_receive_id,
		.established_unix_s = s->established_unix_ms / 1000};
	if (s->suite) {
		r->encr = (uint16_t)s->suite->encr;
		r->key_bits = (uint16_t)s->suite->key_bits;
		r->integ = (uint16_t)s->suite->integ;
		r->prf = (uint16_t)s->suite->prf;
		r->dh = (uint16_t)s->suite->dh;
	}
}

static bool sa_matches(const struct ike_sa_row *r, const struct ike_filter *f)
{
	return (f->index == 0 || f->index == r->index) &&
	       (f->peer.family == 0 || addr_equal(&f->peer, &r->remote.addr)) &&
	       (f->port == 0 || f->port == r->remote.port) &&
	       (f->family == 0 || f->family == r->remote.addr.family) &&
	       text_matches(f->gateway, r->gateway);
}

/* Walks the records of groups that this node holds for another one. */
static void walk(
	struct daemon *d, uint8_t kind, void (*one)(void *ctx, struct view body), void *ctx)
{
	const struct model_cluster *c = &d->model->cluster;

	for (uint32_t i = 0; d->clustered && i < c->n_rgs; i++) {
		uint32_t rg = c->rgs[i].id;
		struct ha_walk at = {0};
		struct ha_record r;

		if (!ha_bridge_owns(&d->ha, rg) || ha_bridge_is_active(&d->ha, rg))
			continue;
		while (ha_record_next(d->ha.ha, rg, &at, &r))
			if (r.class == HA_CLASS_RECORD && r.key.n != 0 && r.key.p[0] == kind)
				one(ctx, r.body);
	}
}

struct sa_walk {
	struct daemon *d;
	const struct ike_filter *f;
	void (*each)(void *ctx, const struct ike_sa_row *row);
	void *ctx;
};

static void one_sa(void *ctx, struct view body)
{
	struct sa_walk *w = (struct sa_walk *)ctx;
	Rec__IkeSa *s = rec__ike_sa__unpack(NULL, body.n, body.p);
	char local[IDENT_TEXT_MAX], peer[IDENT_TEXT_MAX];
	struct ike_sa_row row;

	if (!s)
		return;
	fill_sa(w->d, s, &row);
	id_text(s->local_id, local);
	id_text(s->remote_id, peer);
	row.local_id = local;
	row.peer_id = peer;
	if (is_shown(s->state) && sa_matches(&row, w->f))
		w->each(w->ctx, &row);
	wipe_sa(s);
}

void show_record_sas(struct daemon *d, const struct ike_filter *f,
	void (*each)(void *ctx, const struct ike_sa_row *row), void *ctx)
{
	struct sa_walk w = {d, f, each, ctx};

	walk(d, 'I', one_sa, &w);
}

struct child_walk {
	struct daemon *d;
	const struct ike_filter *f;
	void (*each)(void *ctx, const struct ike_child_row *row);
	void *ctx;
};

static uint32_t selectors_of(Rec__Selector *const *from, size_t n, struct tsel out[SELECTORS_MAX])
{
	uint32_t used = 0;

	for (size_t i = 0; i < n && used < SELECTORS_MAX; i++) {
		struct tsel *t = &out[used];

		*t = (struct tsel){.protocol = (uint8_t)from[i]->protocol,
			.port_lo = (uint16_t)from[i]->port_low,
			.port_hi = (uint16_t)from[i]->port_high};
		if (addr_from_view(view_of(from[i]->low.data, from[i]->low.len), &t->lo) == 0 &&
			addr_from_view(view_of(from[i]->high.data, from[i]->high.len), &t->hi) == 0)
			used++;
	}
	return used;
}

/* Tunnels are numbered in configuration order, on every node alike. */
uint32_t show_tunnel_index(const struct model *m, uint32_t policy_id)
{
	uint32_t index = FIRST_TUNNEL;

	for (uint32_t v = 0; v < m->n_vpns; v++)
		for (uint32_t s = 0; s < m->vpns[v].n_selectors; s++, index++)
			if (m->vpns[v].selectors[s].policy_id == policy_id)
				return index;
	return 0;
}

static void one_child(void *ctx, struct view body)
{
	struct child_walk *w = (struct child_walk *)ctx;
	Rec__ChildSa *c = rec__child_sa__unpack(NULL, body.n, body.p);
	struct tsel local[SELECTORS_MAX], remote[SELECTORS_MAX];
	struct ike_child_row r = {0};

	if (!c)
		return;
	r.selector = model_selector(w->d->model, c->selector_id ? c->selector_id : c->policy_id);
	/* A peer of a dynamic gateway has a number of its own. */
	r.index = c->selector_id ? c->policy_id : show_tunnel_index(w->d->model, c->policy_id);
	r.rg = c->rg;
	r.spi_in = c->spi_in;
	r.spi_out = c->spi_out;
	r.initiator = c->initiator;
	r.installed = true;
	r.outbound = c->outbound;
	r.replaced = c->replaced_by != 0;
	r.local = endpoint_of(c->local);
	r.remote = endpoint_of(c->remote);
	r.natt = c->udp_encap;
	r.gateway = r.selector ? r.selector->vpn->gateway->name : "";
	r.local_ts = local;
	r.n_local_ts = selectors_of(c->local_ts, c->n_local_ts, local);
	r.remote_ts = remote;
	r.n_remote_ts = selectors_of(c->remote_ts, c->n_remote_ts, remote);
	r.transport = c->transport;
	r.resource = (uint8_t)c->worker_hint;
	r.encr = (uint16_t)c->encr;
	r.key_bits = (uint16_t)c->key_bits;
	r.integ = (uint16_t)c->integ;
	r.esn = c->esn;
	r.replay_window = c->replay_window;
	r.hard_s = seconds_left(c->hard_ms, c->written_unix_ms);
	r.soft_s = seconds_left(c->soft_ms, c->written_unix_ms);
	r.lifetime_kb = c->hard_bytes / 1024;
	r.last_up_unix_s = c->established_unix_ms / 1000;
	r.negotiations = 1;
	if ((w->f->index == 0 || w->f->index == r.index) &&
		text_matches(w->f->vpn, r.selector ? r.selector->vpn->name : "") &&
		text_matches(w->f->selector, r.selector ? r.selector->name : ""))
		w->each(w->ctx, &r);
	wipe_child(c);
}

void show_record_children(struct daemon *d, const struct ike_filter *f,
	void (*each)(void *ctx, const struct ike_child_row *row), void *ctx)
{
	struct child_walk w = {d, f, each, ctx};

	walk(d, 'C', one_child, &w);
}
