#include "host/dp_child.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "base/emit.h"
#include "base/err.h"
#include "record.pb-c.h"

enum { SELECTORS_MAX = 255 };

bool dp_child_key(struct view key, uint32_t *spi_in)
{
	struct cur c = cur_of(key);

	if (cur_u8(&c) != 'C')
		return false;
	*spi_in = cur_be32(&c);
	return cur_done(&c);
}

void dp_lease_key(uint32_t spi_in, uint8_t out[4])
{
	struct emit e = emit_to(out, 4);

	emit_be32(&e, spi_in);
}

static ProtobufCBinaryData bytes_of(struct view v)
{
	return (ProtobufCBinaryData){.len = v.n, .data = (uint8_t *)(uintptr_t)v.p};
}

static Dp__Endpoint endpoint_of(const struct endpoint *e)
{
	Dp__Endpoint out = DP__ENDPOINT__INIT;

	out.address = bytes_of(addr_view(&e->addr));
	out.port = e->port;
	return out;
}

static int send_install(struct dp_client *c, Dp__ChildInstall *m, dp_reply_fn *done, void *ctx)
{
	Dp__Request r = DP__REQUEST__INIT;

	r.body_case = DP__REQUEST__BODY_CHILD_INSTALL;
	r.child_install = m;
	return dp_client_send(c, &r, done, ctx);
}

struct selector_list {
	Dp__Selector one[SELECTORS_MAX], *list[SELECTORS_MAX];
};

static size_t put_selectors(struct selector_list *l, const struct tsel *ts, uint32_t n)
{
	n = MIN(n, (uint32_t)SELECTORS_MAX);
	for (uint32_t i = 0; i < n; i++) {
		l->one[i] = (Dp__Selector)DP__SELECTOR__INIT;
		l->one[i].protocol = ts[i].protocol;
		l->one[i].port_low = ts[i].port_lo;
		l->one[i].port_high = ts[i].port_hi;
		l->one[i].low = bytes_of(addr_view(&ts[i].lo));
		l->one[i].high = bytes_of(addr_view(&ts[i].hi));
		l->list[i] = &l->one[i];
	}
	return n;
}

static void put_outer(Dp__ChildInstall *m, const struct ike_outer *o)
{
	m->df_bit = o->df;
	m->ttl = o->ttl;
	m->copy_ttl = o->copy_ttl;
	m->tos = o->tos;
	m->fixed_tos = o->fixed_tos;
	m->copy_outer_dscp = o->copy_dscp;
	m->tunnel_mtu = o->mtu;
	m->no_too_big = o->no_too_big;
	m->udp_port = o->udp_port;
	m->udp_key = bytes_of(o->udp_key);
}

int dp_child_install(
	struct dp_client *c, const struct ike_child_install *i, dp_reply_fn *done, void *ctx)
{
	struct selector_list *local = malloc(sizeof *local), *remote = malloc(sizeof *remote);
	Dp__ChildInstall m = DP__CHILD_INSTALL__INIT;
	Dp__Endpoint from = endpoint_of(&i->local), to = endpoint_of(&i->remote);
	Dp__Lease lease = DP__LEASE__INIT;
	int rc = -ERR_NOMEM;

	if (local && remote) {
		m.n_local_ts = put_selectors(local, i->local_ts, i->n_local_ts);
		m.local_ts = local->list;
		m.n_remote_ts = put_selectors(remote, i->remote_ts, i->n_remote_ts);
		m.remote_ts = remote->list;
		m.spi_in = i->spi_in;
		m.spi_out = i->spi_out;
		m.rg = i->rg;
		m.policy_id = i->policy_id;
		m.selector_id = i->selector_id;
		m.peer = i->peer;
		m.worker_hint = i->worker_hint;
		m.own_wanted = i->own_wanted;
		m.interface_id = i->interface_id;
		m.local = &from;
		m.remote = &to;
		m.udp_encap = i->udp_encap;
		m.transport = i->transport;
		m.manual = i->manual;
		m.encr = i->encr;
		m.key_bits = i->key_bits;
		m.integ = i->integ;
		m.encr_key_in = bytes_of(i->encr_key_in);
		m.encr_key_out = bytes_of(i->encr_key_out);
		m.integ_key_in = bytes_of(i->integ_key_in);
		m.integ_key_out = bytes_of(i->integ_key_out);
		m.esn = i->esn;
		m.replay_window = i->replay_window;
		m.strict_replay = i->strict_replay;
		m.outbound = i->outbound;
		put_outer(&m, &i->outer);
		m.soft_bytes = i->soft_bytes;
		m.hard_bytes = i->hard_bytes;
		m.order = i->order;
		lease.spi_in = i->spi_in;
		lease.epoch = i->lease_epoch;
		lease.out_horizon = i->lease_horizon;
		m.lease = &lease;
		rc = send_install(c, &m, done, ctx);
	}
	free(local);
	free(remote);
	return rc;
}

static Dp__Endpoint endpoint_of_record(const Rec__Endpoint *e)
{
	Dp__Endpoint out = DP__ENDPOINT__INIT;

	if (e) {
		out.address = e->address;
		out.port = e->port;
	}
	return out;
}

static size_t put_record_selectors(struct selector_list *l, Rec__Selector *const *ts, size_t n)
{
	n = MIN(n, (size_t)SELECTORS_MAX);
	for (size_t i = 0; i < n; i++) {
		l->one[i] = (Dp__Selector)DP__SELECTOR__INIT;
		l->one[i].protocol = ts[i]->protocol;
		l->one[i].port_low = ts[i]->port_low;
		l->one[i].port_high = ts[i]->port_high;
		l->one[i].low = ts[i]->low;
		l->one[i].high = ts[i]->high;
		l->list[i] = &l->one[i];
	}
	return n;
}

static void put_record_outer(Dp__ChildInstall *m, const Rec__ChildSa *s)
{
	m->df_bit = s->df;
	m->ttl = s->ttl;
	m->copy_ttl = s->copy_ttl;
	m->tos = s->tos;
	m->fixed_tos = s->fixed_tos;
	m->copy_outer_dscp = s->copy_outer_dscp;
	m->tunnel_mtu = s->tunnel_mtu;
	m->no_too_big = s->no_too_big;
	m->udp_port = s->udp_port;
	m->udp_key = s->udp_key;
}

static int install_record(
	struct dp_client *c, const Rec__ChildSa *s, struct selector_list *room, Dp__Lease *lease)
{
	Dp__ChildInstall m = DP__CHILD_INSTALL__INIT;
	Dp__Endpoint from = endpoint_of_record(s->local), to = endpoint_of_record(s->remote);
	struct selector_list *local = &room[0], *remote = &room[1];

	m.n_local_ts = put_record_selectors(local, s->local_ts, s->n_local_ts);
	m.local_ts = local->list;
	m.n_remote_ts = put_record_selectors(remote, s->remote_ts, s->n_remote_ts);
	m.remote_ts = remote->list;
	m.spi_in = s->spi_in;
	m.spi_out = s->spi_out;
	m.rg = s->rg;
	m.policy_id = s->policy_id;
	m.selector_id = s->selector_id;
	m.peer = s->peer;
	m.worker_hint = s->worker_hint;
	m.own_wanted = s->own_wanted;
	m.interface_id = s->interface_id;
	m.local = &from;
	m.remote = &to;
	m.udp_encap = s->udp_encap;
	m.transport = s->transport;
	m.encr = s->encr;
	m.key_bits = s->key_bits;
	m.integ = s->integ;
	m.encr_key_in = s->encr_key_in;
	m.encr_key_out = s->encr_key_out;
	m.integ_key_in = s->integ_key_in;
	m.integ_key_out = s->integ_key_out;
	m.esn = s->esn;
	m.replay_window = s->replay_window;
	m.strict_replay = s->strict_replay;
	m.outbound = s->outbound;
	put_record_outer(&m, s);
	m.soft_bytes = s->soft_bytes;
	m.hard_bytes = s->hard_bytes;
	m.order = s->order;
	m.lease = lease;
	return send_install(c, &m, NULL, NULL);
}

static void wipe_keys(Rec__ChildSa *s)
{
	secret_wipe(s->encr_key_in.data, s->encr_key_in.len);
	secret_wipe(s->encr_key_out.data, s->encr_key_out.len);
	secret_wipe(s->integ_key_in.data, s->integ_key_in.len);
	secret_wipe(s->integ_key_out.data, s->integ_key_out.len);
	secret_wipe(s->udp_key.data, s->udp_key.len);
}

int dp_child_install_record(struct dp_client *c, struct view body, struct view lease)
{
	Rec__ChildSa *s = rec__child_sa__unpack(NULL, body.n, body.p);
	Dp__Lease *last = lease.n != 0 ? dp__lease__unpack(NULL, lease.n, lease.p) : NULL;
	struct selector_list *room = calloc(2, sizeof *room);
	Dp__Lease birth = DP__LEASE__INIT;
	int rc = !s ? -ERR_VALUE : lease.n != 0 && !last ? -ERR_VALUE : !room ? -ERR_NOMEM : 0;

	if (rc == 0) {
		birth.spi_in = s->spi_in;
		birth.epoch = s->lease_epoch;
		birth.out_horizon = s->lease_horizon;
		rc = install_record(c, s, room, last ? last : &birth);
	}
	if (s) {
		wipe_keys(s);
		rec__child_sa__free_unpacked(s, NULL);
	}
	if (last)
		dp__lease__free_unpacked(last, NULL);
	free(room);
	return rc;
}

void dp_child_expect(struct dp_client *c, const struct ike_fx_expect *x)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__ChildExpect m = DP__CHILD_EXPECT__INIT;

	m.spi_in = x->spi_in;
	m.remote = bytes_of(addr_view(&x->remote));
	r.body_case = DP__REQUEST__BODY_CHILD_EXPECT;
	r.child_expect = &m;
	if (dp_client_send(c, &r, NULL, NULL) < 0)
		return; /* away: what comes early is lost */
}

void dp_child_update(struct dp_client *c, const struct ike_fx_update *u)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__ChildUpdate m = DP__CHILD_UPDATE__INIT;
	Dp__Endpoint to = endpoint_of(&u->remote);

	m.spi_in = u->spi_in;
	if (u->moved) {
		m.what_case = DP__CHILD_UPDATE__WHAT_REMOTE;
		m.remote = &to;
	} else {
		m.what_case = DP__CHILD_UPDATE__WHAT_OUTBOUND;
		m.outbound = u->outbound;
	}
	r.body_case = DP__REQUEST__BODY_CHILD_UPDATE;
	r.child_update = &m;
	if (dp_client_send(c, &r, NULL, NULL) < 0)
		return; /* away: it will be refilled from the record */
}
