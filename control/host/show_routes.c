#include "host/show_routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "host/clock.h"
#include "host/daemon.h"
#include "host/route_list.h"
#include "host/show_records.h"
#include "ike/ident.h"
#include "ike/show.h"

enum { PART = 256, TABLE_NAME_MAX = 144, METRIC_USUAL = 5 };

static void *lent(const void *p)
{
	return (void *)(uintptr_t)p;
}

/* ---------------------------------------------------------------- routes */

static const char *protocol_of(enum rib_source s)
{
	if (s == RIB_DIRECT)
		return "Direct";
	return s == RIB_LOCAL ? "Local" : s == RIB_KERNEL ? "Kernel" : "Static";
}

static const char *source_of(enum rib_source s)
{
	static const char *const names[] = {[RIB_DIRECT] = "interface",
		[RIB_LOCAL] = "interface",
		[RIB_STATIC] = "configured",
		[RIB_AUTO] = "auto",
		[RIB_REVERSE] = "reverse",
		[RIB_KERNEL] = "kernel"};

	return names[s];
}

static ProtobufCBinaryData octets_of(const struct addr *a)
{
	return (ProtobufCBinaryData){addr_len(a), lent(a->b)};
}

static Ctl__Route row_of(const struct rib_route *r, uint64_t now_ms)
{
	Ctl__Route o = CTL__ROUTE__INIT;

	o.destination = octets_of(&r->to.addr);
	o.length = r->to.len;
	o.protocol = lent(protocol_of(r->source));
	o.source = lent(source_of(r->source));
	o.preference = r->preference;
	o.metric = r->metric == METRIC_USUAL ? 0 : r->metric;
	o.age_s = (now_ms - r->since_ms) / 1000;
	o.active = r->active;
	o.next_hop = octets_of(&r->via);
	o.interface = lent(r->name);
	return o;
}

struct table {
	const struct rib *rib;
	size_t first, end; /* of it in the list */
	char name[TABLE_NAME_MAX];
	Ctl__RouteList totals;
	const struct rib_route *only; /* NULL: all */
};

static bool is_shown(const struct table *t, const struct rib_route *r)
{
	return !rib_is_hidden(r) && (!t->only || t->only == r);
}

static bool is_new_prefix(const struct table *t, size_t i)
{
	const struct rib_route *v = t->rib->v;

	return i == t->first || v[i].to.len != v[i - 1].to.len ||
	       !addr_equal(&v[i].to.addr, &v[i - 1].to.addr);
}

static void count(struct table *t)
{
	bool said = false;

	for (size_t i = t->first; i < t->end; i++) {
		said = said && !is_new_prefix(t, i);
		if (!is_shown(t, &t->rib->v[i]))
			continue;
		t->totals.total++;
		t->totals.active += t->rib->v[i].active;
		t->totals.destinations += !said;
		said = true;
	}
}

static void send_part(struct daemon *d, struct ctl_call *call, const Ctl__RouteList *list)
{
	Ctl__Response r = CTL__RESPONSE__INIT;

	r.node = daemon_node(d);
	r.body_case = CTL__RESPONSE__BODY_ROUTES;
	r.routes = lent(list);
	ctl_part(call, &r);
}

static void send_table(struct daemon *d, struct ctl_call *call, struct table *t)
{
	Ctl__Route rows[PART], *list[PART];
	uint64_t now = clock_boot_ms();
	size_t n = 0;

	count(t);
	t->totals.routes = list;
	for (size_t i = t->first; i < t->end; i++) {
		if (!is_shown(t, &t->rib->v[i]))
			continue;
		rows[n] = row_of(&t->rib->v[i], now);
		list[n] = &rows[n];
		if (++n < PART)
			continue;
		t->totals.n_routes = n;
		send_part(d, call, &t->totals);
		n = 0;
	}
	t->totals.n_routes = n;
	if (n != 0)
		send_part(d, call, &t->totals);
}

static void table_begin(
	const struct daemon *d, const struct rib *rib, size_t first, struct table *t)
{
	const struct rib_route *r = &rib->v[first];
	const char *family = r->to.addr.family == 6 ? "inet6.0" : "inet.0";

	*t = (struct table){.rib = rib, .first = first, .end = first};
	while (t->end < rib->n && rib->v[t->end].instance == r->instance &&
		rib->v[t->end].to.addr.family == r->to.addr.family)
		t->end++;
	if (r->instance == 0)
		(void)snprintf(t->name, sizeof t->name, "%s", family);
	else
		(void)snprintf(t->name, sizeof t->name, "%s.%s",
			model_instance_name(d->model, r->instance), family);
	t->totals = (Ctl__RouteList)CTL__ROUTE_LIST__INIT;
	t->totals.table = t->name;
}

void show_routes(struct daemon *d, const Ctl__ShowRoute *q, struct ctl_call *call)
{
	Ctl__Response end = CTL__RESPONSE__INIT;
	Ctl__RouteList none = CTL__ROUTE_LIST__INIT;
	const struct rib *rib = &d->routes.rib;
	struct addr to = {0};
	struct table t;

	if (q->to.len != 0 && addr_from_view(view_of(q->to.data, q->to.len), &to) < 0) {
		ctl_fail(call, "not an address");
		return;
	}
	for (size_t i = 0; i < rib->n; i = t.end) {
		table_begin(d, rib, i, &t);
		if (q->table && *q->table && strcmp(q->table, t.name) != 0)
			continue;
		if (to.family != 0) {
			t.only = rib_find(rib, rib->v[i].instance, &to);
			if (!t.only || to.family != rib->v[i].to.addr.family)
				continue;
		}
		send_table(d, call, &t);
	}
	end.node = daemon_node(d);
	end.body_case = CTL__RESPONSE__BODY_ROUTES;
	end.routes = &none;
	ctl_end(call, &end);
}

/* ---------------------------------------------------------------- next hops */

struct identity {
	char text[IDENT_TEXT_MAX];
	uint32_t peer; /* of a dynamic gateway; else 0 */
};

static void note_identity(void *ctx, const struct ike_sa_row *row)
{
	struct identity *id = (struct identity *)ctx;

	if (row->up && row->peer_id && row->peer == id->peer)
		(void)snprintf(id->text, sizeof id->text, "%s", row->peer_id);
}

/* Whose SA it is, on the owner from the engine, elsewhere from the records. */
static void find_identity(struct daemon *d, const struct model_vpn *v, struct identity *id)
{
	const struct ike_filter f = {.gateway = v->gateway ? v->gateway->name : ""};

	if (!v->gateway || ike_show_sas(d->runner.ike, &f, clock_boot_ms(), note_identity, id) < 0)
		return;
	show_record_sas(d, &f, note_identity, id);
}

static void send_binding(struct daemon *d, struct ctl_call *call, const struct binding *b)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__NextHopTunnel t = CTL__NEXT_HOP_TUNNEL__INIT, *list[] = {&t};
	Ctl__NextHopTunnelList l = CTL__NEXT_HOP_TUNNEL_LIST__INIT;
	struct identity id = {.peer = b->peer};

	find_identity(d, b->vpn, &id);
	t.next_hop = octets_of(&b->hop);
	t.interface = lent(b->unit->name);
	t.vpn = lent(b->vpn->name);
	t.learned = b->learned;
	t.ike_id = id.text;
	l.n_tunnels = 1;
	l.tunnels = list;
	r.node = daemon_node(d);
	r.body_case = CTL__RESPONSE__BODY_NEXT_HOP_TUNNELS;
	r.next_hop_tunnels = &l;
	ctl_part(call, &r);
}

void show_next_hop_tunnels(struct daemon *d, const char *unit, struct ctl_call *call)
{
	Ctl__Response end = CTL__RESPONSE__INIT;
	Ctl__NextHopTunnelList none = CTL__NEXT_HOP_TUNNEL_LIST__INIT;
	struct bindings b = {0};
	int rc = route_bindings(d->model, &d->routes.presence, &b);

	for (size_t i = 0; rc == 0 && i < b.n; i++)
		if (!unit || !*unit || strcmp(unit, b.v[i].unit->name) == 0)
			send_binding(d, call, &b.v[i]);
	bindings_fini(&b);
	end.node = daemon_node(d);
	end.body_case = CTL__RESPONSE__BODY_NEXT_HOP_TUNNELS;
	end.next_hop_tunnels = &none;
	if (rc < 0)
		ctl_fail(call, "%s", err_text(rc));
	else
		ctl_end(call, &end);
}
