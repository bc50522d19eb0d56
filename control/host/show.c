#include "host/show.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/map.h"
#include "host/clock.h"
#include "host/daemon.h"
#include "host/manual.h"
#include "host/show_records.h"
#include "ike/show.h"

static Ctl__Endpoint endpoint_of(const struct endpoint *e)
{
	Ctl__Endpoint out = CTL__ENDPOINT__INIT;

	out.address.data = (uint8_t *)(uintptr_t)e->addr.b;
	out.address.len = addr_len(&e->addr);
	out.port = e->port;
	return out;
}

static Ctl__Ha ha_of(const struct daemon *d, uint32_t rg)
{
	Ctl__Ha out = CTL__HA__INIT;

	out.group = rg;
	out.owner = ha_bridge_owner(&d->ha, rg);
	out.no_owner = out.owner == HA_NODE_NONE;
	return out;
}

/* ---------------------------------------------------------------- IKE */

struct ike_part {
	struct daemon *d;
	struct ctl_call *call;
	Ctl__IkeList list;
};

/* How the peer proved itself. */
static Ctl__AuthMethod auth_of(uint8_t method)
{
	switch (method) {
	case AUTH_RSA_SIGNATURE:
		return CTL__AUTH_METHOD__AUTH_RSA_SIGNATURES;
	case AUTH_DSS_SIGNATURE:
		return CTL__AUTH_METHOD__AUTH_DSA_SIGNATURES;
	case AUTH_ECDSA_256:
		return CTL__AUTH_METHOD__AUTH_ECDSA_256_SIGNATURES;
	case AUTH_ECDSA_384:
		return CTL__AUTH_METHOD__AUTH_ECDSA_384_SIGNATURES;
	case AUTH_ECDSA_521:
		return CTL__AUTH_METHOD__AUTH_ECDSA_521_SIGNATURES;
	case AUTH_DIGITAL_SIGNATURE:
		return CTL__AUTH_METHOD__AUTH_DIGITAL_SIGNATURE;
	default:
		return CTL__AUTH_METHOD__AUTH_PRE_SHARED_KEYS;
	}
}

static void ike_each(void *ctx, const struct ike_sa_row *row)
{
	struct ike_part *p = (struct ike_part *)ctx;
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__IkeSa s = CTL__IKE_SA__INIT, *list[] = {&s};
	Ctl__Endpoint local = endpoint_of(&row->local), remote = endpoint_of(&row->remote);
	Ctl__Ha ha = ha_of(p->d, row->rg);
	Ctl__Negotiation n = CTL__NEGOTIATION__INIT, *negotiations[] = {&n};

	s.index = row->index;
	s.up = row->up;
	s.initiator_spi = row->spi_i;
	s.responder_spi = row->spi_r;
	s.local = &local;
	s.remote = &remote;
	s.gateway = (char *)(uintptr_t)row->gateway;
	s.role = row->initiator ? CTL__ROLE__ROLE_INITIATOR : CTL__ROLE__ROLE_RESPONDER;
	s.expires_s = row->expires_s;
	s.reauth = row->reauth_frequency != 0;
	s.reauth_expires_s = row->reauth_s;
	s.fragmentation = row->fragmentation;
	s.fragment_size = row->fragment_size;
	s.local_id = (char *)(uintptr_t)row->local_id;
	s.peer_id = (char *)(uintptr_t)row->peer_id;
	s.auth = auth_of(row->auth_method);
	s.peer_certificate = (char *)(uintptr_t)row->peer_subject;
	s.encr = row->encr;
	s.key_bits = row->key_bits;
	s.integ = row->integ;
	s.prf = row->prf;
	s.dh = row->dh;
	s.in_bytes = row->in_bytes;
	s.out_bytes = row->out_bytes;
	s.in_packets = row->in_packets;
	s.out_packets = row->out_packets;
	s.in_fragments = row->in_fragments;
	s.out_fragments = row->out_fragments;
	s.children_created = row->children_created;
	s.children_deleted = row->children_deleted;
	s.rekeys_since_auth = row->rekeys;
	s.reauth_frequency = row->reauth_frequency;
	s.next_send_mid = row->next_send_mid;
	s.next_receive_mid = row->next_receive_mid;
	s.nat_local = row->nat_local;
	s.nat_remote = row->nat_remote;
	s.established_unix = row->established_unix_s;
	if (ha_bridge_owns(&p->d->ha, row->rg))
		s.ha = &ha;
	if (row->negotiating) {
		n.type = (char *)(uintptr_t) "Quick mode";
		n.message_id = row->negotiating_mid;
		n.local = &local;
		n.remote = &remote;
		n.local_id = s.local_id;
		n.remote_id = s.peer_id;
		s.n_negotiations = 1;
		s.negotiations = negotiations;
	}
	p->list = (Ctl__IkeList)CTL__IKE_LIST__INIT;
	p->list.n_sas = 1;
	p->list.sas = list;
	r.node = daemon_node(p->d);
	r.body_case = CTL__RESPONSE__BODY_IKE;
	r.ike = &p->list;
	ctl_part(p->call, &r);
}

void show_ike(struct daemon *d, struct ike_filter filter, struct ctl_call *call)
{
	struct ike_part p = {.d = d, .call = call};
	Ctl__Response end = CTL__RESPONSE__INIT;
	Ctl__IkeList none = CTL__IKE_LIST__INIT;
	int rc = ike_show_sas(d->runner.ike, &filter, clock_boot_ms(), ike_each, &p);

	if (rc < 0) {
		ctl_fail(call, "%s", err_text(rc));
		return;
	}
	show_record_sas(d, &filter, ike_each, &p);
	end.node = daemon_node(d);
	end.body_case = CTL__RESPONSE__BODY_IKE;
	end.ike = &none;
	ctl_end(call, &end);
}

/* ---------------------------------------------------------------- IPsec */

struct ipsec_part {
	struct daemon *d;
	struct ctl_call *call;
	struct ike_filter filter;
	char *text; /* what filter points to */
	const Dp__Reply *stats;
	struct stats_row *by_spi;
	uint32_t tunnels, sas, last_index;
	bool counting;
};

struct stats_row {
	uint32_t spi_in;
	const Dp__ChildStats *s;
	UT_hash_handle hh;
};

struct range_room {
	Ctl__Range one[16], *list[16];
};

static size_t put_ranges(struct range_room *room, const struct tsel *ts, uint32_t n)
{
	n = MIN(n, (uint32_t)ARRAY_LEN(room->one));
	for (uint32_t i = 0; i < n; i++) {
		Ctl__Range *r = &room->one[i];

		*r = (Ctl__Range)CTL__RANGE__INIT;
		r->protocol = ts[i].protocol;
		r->port_low = ts[i].port_lo;
		r->port_high = ts[i].port_hi;
		r->low.data = (uint8_t *)(uintptr_t)ts[i].lo.b;
		r->low.len = addr_len(&ts[i].lo);
		r->high.data = (uint8_t *)(uintptr_t)ts[i].hi.b;
		r->high.len = addr_len(&ts[i].hi);
		room->list[i] = r;
	}
	return n;
}

static void fill_direction(Ctl__Sa *s, const struct ike_child_row *row, bool outbound)
{
	*s = (Ctl__Sa)CTL__SA__INIT;
	s->outbound = outbound;
	s->spi = outbound ? row->spi_out : row->spi_in;
	s->encr = row->encr;
	s->key_bits = row->key_bits;
	s->integ = row->integ;
	s->ah = row->encr == 0;
	s->transport = row->transport;
	s->manual = s->no_lifetime = row->manual;
	s->hard_s = row->hard_s;
	s->soft_s = row->soft_s;
	s->kilobytes_limited = row->lifetime_kb != 0;
	s->kilobytes_left = row->lifetime_kb;
	s->not_installed = !row->installed;
	s->anti_replay_off = row->replay_window == 0;
	s->replay_window = row->replay_window;
	s->esn = row->esn;
}

static void fill_model(Ctl__Tunnel *t, const struct ike_child_row *row)
{
	const struct model_selector *m = row->selector;

	t->gateway = (char *)(uintptr_t)row->gateway;
	if (!m)
		return;
	t->vpn = (char *)(uintptr_t)m->vpn->name;
	t->selector = (char *)(uintptr_t)m->name;
	t->df = (Ctl__DfBit)m->vpn->df;
	t->copy_dscp = m->vpn->copy_outer_dscp;
	t->udp_port = row->natt ? 0 : m->vpn->udp_port;
	t->bind_interface =
		m->vpn->bind ? (char *)(uintptr_t)m->vpn->bind->name : t->bind_interface;
	t->configured_sas = m->vpn->n_selectors;
}

/* Newest first. */
struct history {
	Ctl__TunnelEvent one[2], *list[2];
	size_t n;
};

static void put_event(struct history *h, uint64_t unix_s, const char *text, uint32_t count)
{
	Ctl__TunnelEvent *e = &h->one[h->n];

	if (count == 0)
		return;
	*e = (Ctl__TunnelEvent)CTL__TUNNEL_EVENT__INIT;
	e->unix_s = unix_s;
	e->text = (char *)(uintptr_t)text;
	e->count = count;
	h->list[h->n++] = e;
}

static void fill_history(Ctl__Tunnel *t, struct history *h, const struct ike_child_row *row)
{
	static const char made[] = "IPSec SA negotiation successfully completed";
	bool failed_since = row->last_fail_unix_s > row->last_up_unix_s;

	h->n = 0;
	if (row->last_failure && failed_since)
		put_event(h, row->last_fail_unix_s, row->last_failure, row->failures);
	put_event(h, row->last_up_unix_s, made, row->negotiations);
	if (row->last_failure && !failed_since)
		put_event(h, row->last_fail_unix_s, row->last_failure, row->failures);
	t->n_events = h->n;
	t->events = h->list;
}

/* What is left of each direction; the limit is that of the one that carried more. */
static void count_kilobytes(Ctl__Sa *s, uint64_t octets)
{
	if (s->kilobytes_limited)
		s->kilobytes_left -= MIN(s->kilobytes_left, octets / 1024);
}

static void fill_stats(const struct ipsec_part *p, Ctl__Tunnel *t, uint32_t spi_in)
{
	struct stats_row *row;

	HASH_FIND(hh, p->by_spi, &spi_in, sizeof spi_in, row);
	if (!row)
		return;
	t->worker = row->s->worker;
	t->bucket = row->s->bucket;
	t->in_bytes = row->s->bytes_in;
	t->in_packets = row->s->packets_in;
	t->out_bytes = row->s->bytes_out;
	t->out_packets = row->s->packets_out;
	t->replay_errors = row->s->replay_errors;
	t->auth_errors = row->s->auth_errors;
	if (row->s->epoch != 0 && row->s->in_top < UINT64_MAX)
		t->replay_exposure = 0;
}

static void ipsec_each(void *ctx, const struct ike_child_row *row)
{
	struct ipsec_part *p = (struct ipsec_part *)ctx;
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__IpsecList l = CTL__IPSEC_LIST__INIT;
	Ctl__Tunnel t = CTL__TUNNEL__INIT, *tunnels[] = {&t};
	Ctl__Sa in, out, *sas[] = {&in, &out};
	Ctl__Endpoint local = endpoint_of(&row->local), remote = endpoint_of(&row->remote);
	Ctl__Ha ha = ha_of(p->d, row->rg);
	struct range_room ours, theirs;
	struct history history;

	if (p->counting) {
		p->tunnels += row->index != p->last_index;
		p->last_index = row->index;
		p->sas++;
		return;
	}
	fill_direction(&in, row, false);
	fill_direction(&out, row, true);
	t.index = row->index;
	t.local = &local;
	t.remote = &remote;
	remote.port = row->natt ? 4500 : 500;
	local.port = remote.port;
	t.n_sas = 2;
	t.sas = sas;
	fill_model(&t, row);
	fill_stats(p, &t, row->spi_in);
	count_kilobytes(&in, t.in_bytes);
	count_kilobytes(&out, t.out_bytes);
	t.n_local_ts = put_ranges(&ours, row->local_ts, row->n_local_ts);
	t.local_ts = ours.list;
	t.n_remote_ts = put_ranges(&theirs, row->remote_ts, row->n_remote_ts);
	t.remote_ts = theirs.list;
	t.ike_version = row->manual ? 0 : 2;
	t.ike_index = row->ike_index;
	t.role = row->initiator ? CTL__ROLE__ROLE_INITIATOR : CTL__ROLE__ROLE_RESPONDER;
	t.negotiations = row->negotiations;
	t.own_worker = row->resource;
	t.failures = row->failures;
	t.negotiated_sas = 1;
	fill_history(&t, &history, row);
	if (ha_bridge_owns(&p->d->ha, row->rg))
		t.ha = &ha;
	l.n_tunnels = 1;
	l.tunnels = tunnels;
	l.total_tunnels = p->tunnels;
	l.total_sas = p->sas;
	r.node = daemon_node(p->d);
	r.body_case = CTL__RESPONSE__BODY_IPSEC;
	r.ipsec = &l;
	ctl_part(p->call, &r);
}

static void index_stats(struct ipsec_part *p)
{
	for (size_t i = 0; p->stats && i < p->stats->n_children; i++) {
		struct stats_row *row = calloc(1, sizeof *row);

		if (!row)
			return; /* counters stay zero */
		row->spi_in = p->stats->children[i]->spi_in;
		row->s = p->stats->children[i];
		HASH_ADD(hh, p->by_spi, spi_in, sizeof row->spi_in, row);
	}
}

static void on_stats(void *ctx, int rc, const Dp__Reply *reply)
{
	struct ipsec_part *p = (struct ipsec_part *)ctx;
	struct ike *ike = p->d->runner.ike;
	Ctl__Response end = CTL__RESPONSE__INIT;
	Ctl__IpsecList totals = CTL__IPSEC_LIST__INIT;
	struct stats_row *row, *tmp;

	p->stats = rc == 0 ? reply : NULL;
	index_stats(p);
	p->counting = true;
	rc = ike_show_children(ike, &p->filter, clock_boot_ms(), ipsec_each, p);
	show_record_children(p->d, &p->filter, ipsec_each, p);
	manual_show(p->d, &p->filter, ipsec_each, p);
	p->counting = false;
	if (rc == 0)
		rc = ike_show_children(ike, &p->filter, clock_boot_ms(), ipsec_each, p);
	show_record_children(p->d, &p->filter, ipsec_each, p);
	manual_show(p->d, &p->filter, ipsec_each, p);
	totals.total_tunnels = p->tunnels;
	totals.total_sas = p->sas;
	end.node = daemon_node(p->d);
	end.body_case = CTL__RESPONSE__BODY_IPSEC;
	end.ipsec = &totals;
	if (rc < 0)
		ctl_fail(p->call, "%s", err_text(rc));
	else
		ctl_end(p->call, &end);
	map_foreach (p->by_spi, row, tmp) {
		HASH_DEL(p->by_spi, row);
		free(row);
	}
	free(p->text);
	free(p);
}

/* The request's strings are gone when the dataplane answers. */
static bool keep_filter(struct ipsec_part *p, const struct ike_filter *f)
{
	size_t vpn = f->vpn ? strlen(f->vpn) + 1 : 1;
	size_t selector = f->selector ? strlen(f->selector) + 1 : 1;

	p->filter = *f;
	p->text = calloc(1, vpn + selector);
	if (!p->text)
		return false;
	if (f->vpn)
		memcpy(p->text, f->vpn, vpn);
	if (f->selector)
		memcpy(p->text + vpn, f->selector, selector);
	p->filter.vpn = p->text;
	p->filter.selector = p->text + vpn;
	return true;
}

void show_ipsec(struct daemon *d, struct ike_filter filter, struct ctl_call *call)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__Query query = DP__QUERY__INIT;
	struct ipsec_part *p = calloc(1, sizeof *p);

	if (!p || !keep_filter(p, &filter)) {
		free(p);
		ctl_fail(call, "%s", err_text(ERR_NOMEM));
		return;
	}
	p->d = d;
	p->call = call;
	query.children = true;
	q.body_case = DP__REQUEST__BODY_QUERY;
	q.query = &query;
	if (dp_client_send(&d->dp, &q, on_stats, p) < 0)
		on_stats(p, -ERR_AGAIN, NULL);
}

struct find_spis {
	uint32_t *spis;
	size_t n, max;
};

static void find_each(void *ctx, const struct ike_child_row *row)
{
	struct find_spis *f = (struct find_spis *)ctx;

	if (f->n < f->max)
		f->spis[f->n++] = row->spi_in;
}

size_t show_spis_of_index(struct daemon *d, uint32_t index, uint32_t *spis, size_t max)
{
	const struct ike_filter filter = {.index = index};
	struct find_spis f = {spis, 0, max};

	if (ike_show_children(d->runner.ike, &filter, clock_boot_ms(), find_each, &f) < 0)
		return 0;
	show_record_children(d, &filter, find_each, &f);
	manual_show(d, &filter, find_each, &f);
	return f.n;
}
