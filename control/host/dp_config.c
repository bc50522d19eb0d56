#include "host/dp_config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "config/corosync.h"
#include "host/route_list.h"

/* protobuf-c frees with free(), so everything in a message is allocated by itself. */
static int put_bytes(ProtobufCBinaryData *out, struct view v)
{
	auto_blob b = {0};

	if (blob_copy(v, &b) < 0)
		return -ERR_NOMEM;
	out->len = b.n;
	out->data = take_ptr(b.p);
	return 0;
}

static int put_text(char **out, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ERR_NOMEM;
	*out = copy;
	return 0;
}

/* Grows a repeated field by one zeroed message of `size` octets. */
static void *add_message(size_t *n, void ***list, size_t size)
{
	void **grown = realloc(*list, (*n + 1) * sizeof(**list));
	void *m = calloc(1, size);

	if (grown)
		*list = grown;
	if (!grown || !m) {
		free(m);
		return NULL;
	}
	grown[(*n)++] = m;
	return m;
}

#define ADD(message, field, type, init)                                                            \
	({                                                                                         \
		type *added_ = (type *)add_message(                                                \
			&(message)->n_##field, (void ***)(void *)&(message)->field, sizeof(type)); \
		if (added_)                                                                        \
			*added_ = (type)init;                                                      \
		added_;                                                                            \
	})

static int put_prefix(Dp__Prefix *out, const struct prefix *p)
{
	out->length = p->len;
	return put_bytes(&out->address, addr_view(&p->addr));
}

static int put_port(Dp__Configure *c, const struct model_interface *i)
{
	Dp__Port *p = ADD(c, ports, Dp__Port, DP__PORT__INIT);

	if (!p || put_text(&p->name, i->name) < 0 || put_text(&p->device, i->device) < 0)
		return -ERR_NOMEM;
	p->mtu = i->mtu;
	return i->has_mac ? put_bytes(&p->mac, view_of(i->mac, sizeof i->mac)) : 0;
}

void dp_reth_mac(const struct model_interface *i, uint32_t cluster_id, uint8_t out[6])
{
	const uint8_t mac[6] = {0x02, 0x54, 0x44, 0x4d, (uint8_t)cluster_id, (uint8_t)i->index};

	memcpy(out, i->has_mac ? i->mac : mac, sizeof mac);
}

static int put_reth_mac(Dp__Interface *d, const struct model_interface *i, uint32_t cluster_id)
{
	uint8_t mac[6];

	dp_reth_mac(i, cluster_id, mac);
	return put_bytes(&d->mac, view_of_array(mac));
}

static int put_unit(Dp__Configure *c, const struct dp_config_args *a, const struct model_unit *u,
	const char *port)
{
	const struct model_interface *i = u->interface;
	Dp__Interface *d = ADD(c, interfaces, Dp__Interface, DP__INTERFACE__INIT);

	if (!d || put_text(&d->name, u->name) < 0 || put_text(&d->port, port) < 0)
		return -ERR_NOMEM;
	d->id = model_interface_id(u->name);
	d->kind = i->kind == MODEL_IF_RETH     ? DP__INTERFACE_KIND__INTERFACE_RETH
		  : i->kind == MODEL_IF_TUNNEL ? DP__INTERFACE_KIND__INTERFACE_TUNNEL
					       : DP__INTERFACE_KIND__INTERFACE_PHYSICAL;
	d->rg = i->rg;
	d->mtu = i->mtu;
	d->ike = u->ike_allowed;
	d->instance = u->instance;
	if (put_text(&d->kernel_device, u->kernel_device ? u->kernel_device : "") < 0)
		return -ERR_NOMEM;
	if (i->kind == MODEL_IF_RETH && put_reth_mac(d, i, a->cluster_id) < 0)
		return -ERR_NOMEM;
	for (uint32_t k = 0; k < u->n_addresses; k++) {
		Dp__Prefix *p = ADD(d, addresses, Dp__Prefix, DP__PREFIX__INIT);

		if (!p || put_prefix(p, &u->addresses[k]) < 0)
			return -ERR_NOMEM;
	}
	return 0;
}

static int put_fabric(Dp__Configure *c, const struct model_interface *fab, const char *port)
{
	Dp__Interface *d = ADD(c, interfaces, Dp__Interface, DP__INTERFACE__INIT);

	if (!d || put_text(&d->name, fab->name) < 0 || put_text(&d->port, port) < 0)
		return -ERR_NOMEM;
	d->id = model_interface_id(fab->name);
	d->kind = DP__INTERFACE_KIND__INTERFACE_FABRIC;
	d->mtu = fab->mtu;
	return 0;
}

static const struct model_interface *member_here(const struct model_interface *i)
{
	for (uint32_t k = 0; k < i->n_members; k++)
		if (i->members[k]->device && !i->members[k]->disabled)
			return i->members[k];
	return NULL;
}

/* fab<node> is this node's end; a single fab0 serves every node. */
static const struct model_interface *own_fabric(const struct dp_config_args *a)
{
	const struct model_interface *any = NULL;

	for (uint32_t k = 0; k < a->model->n_interfaces; k++) {
		const struct model_interface *i = &a->model->interfaces[k];

		if (i->kind != MODEL_IF_FABRIC)
			continue;
		if (i->index == a->node)
			return i;
		if (i->index == 0)
			any = i;
	}
	return any;
}

static int put_interfaces(Dp__Configure *c, const struct dp_config_args *a)
{
	const struct model_interface *fab = a->cluster_id == 0 ? NULL : own_fabric(a), *port;
	int rc = 0;

	for (uint32_t k = 0; k < a->model->n_interfaces && rc == 0; k++) {
		const struct model_interface *i = &a->model->interfaces[k];

		port = route_port_of(i);
		if (port == i)
			rc = put_port(c, i);
		if (i->kind == MODEL_IF_FABRIC || (!port && i->kind != MODEL_IF_TUNNEL))
			continue;
		for (uint32_t u = 0; u < i->n_units && rc == 0; u++)
			rc = put_unit(c, a, &i->units[u], port ? port->name : "");
	}
	port = fab ? member_here(fab) : NULL;
	return rc == 0 && port ? put_fabric(c, fab, port->name) : rc;
}

/* Those that the dataplane makes of its interfaces itself. */
static bool is_own(const struct rib_route *r)
{
	return r->source == RIB_LOCAL ||
	       (r->source == RIB_DIRECT && strncmp(r->name, "st0.", 4) != 0);
}

static ProtobufCBinaryData lent(const struct addr *a)
{
	const struct view v = addr_view(a);

	return (ProtobufCBinaryData){v.n, (uint8_t *)(uintptr_t)v.p};
}

static void fill_route(Dp__Route *d, Dp__Prefix *to, const struct rib_route *r)
{
	*d = (Dp__Route)DP__ROUTE__INIT;
	*to = (Dp__Prefix)DP__PREFIX__INIT;
	d->interface_id = r->unit;
	d->instance = r->instance;
	d->tunnel = r->tunnel;
	d->peer = r->peer;
	d->destination = to;
	d->next_hop = lent(&r->via);
	to->length = r->to.len;
	to->address = lent(&r->to.addr);
}

static bool is_told(const struct rib_route *r)
{
	return r->active && !is_own(r);
}

int dp_routes_lend(const struct rib *rib, struct dp_routes *out)
{
	struct dp_routes l = {.v = calloc(rib->n + 1, sizeof *l.v),
		.to = calloc(rib->n + 1, sizeof *l.to),
		.list = calloc(rib->n + 1, sizeof(Dp__Route *))};

	*out = l;
	if (!l.v || !l.to || !l.list)
		return -ERR_NOMEM;
	for (size_t i = 0; i < rib->n; i++) {
		if (!is_told(&rib->v[i]))
			continue;
		fill_route(&l.v[out->n], &l.to[out->n], &rib->v[i]);
		l.list[out->n] = &l.v[out->n];
		out->n++;
	}
	return 0;
}

void dp_routes_fini(struct dp_routes *l)
{
	free(l->v);
	free(l->to);
	free(l->list);
	*l = (struct dp_routes){0};
}

/* Of one allocated by itself. */
static int put_route(Dp__Configure *c, const struct rib_route *r)
{
	Dp__Route *d = ADD(c, routes, Dp__Route, DP__ROUTE__INIT), own;
	Dp__Prefix *to = malloc(sizeof *to), prefix;

	if (!d || !to) {
		free(to);
		return -ERR_NOMEM;
	}
	fill_route(&own, &prefix, r);
	*to = prefix;
	to->address = (ProtobufCBinaryData){0};
	*d = own;
	d->destination = to;
	d->next_hop = (ProtobufCBinaryData){0};
	if (put_bytes(&to->address, addr_view(&r->to.addr)) < 0)
		return -ERR_NOMEM;
	return put_bytes(&d->next_hop, addr_view(&r->via));
}

static int put_routes(Dp__Configure *c, const struct rib *rib)
{
	for (size_t i = 0; i < rib->n; i++)
		if (is_told(&rib->v[i]) && put_route(c, &rib->v[i]) < 0)
			return -ERR_NOMEM;
	return 0;
}

static int put_selector(Dp__Selector *s, const struct model_flow *f, bool local)
{
	struct addr lo, hi;

	prefix_range(local ? &f->local : &f->remote, &lo, &hi);
	s->protocol = f->protocol;
	s->port_low = local ? f->local_port_lo : f->remote_port_lo;
	s->port_high = local ? f->local_port_hi : f->remote_port_hi;
	if (put_bytes(&s->low, addr_view(&lo)) < 0)
		return -ERR_NOMEM;
	return put_bytes(&s->high, addr_view(&hi));
}

static struct prefix host_of(const struct addr *a)
{
	return (struct prefix){.addr = *a, .len = (uint8_t)(addr_len(a) * 8)};
}

/* Transport mode is between the two ends, whatever range was configured; the peers of a dynamic
 * gateway are anybody in it. */
static struct model_flow flow_of(const struct model_vpn *v, const struct model_flow *f)
{
	struct model_flow flow = *f;

	if (!v->transport)
		return flow;
	if (v->manual) {
		flow.local = host_of(&v->manual->local);
		flow.remote = host_of(&v->manual->remote);
	} else if (v->gateway) {
		flow.local = host_of(&v->gateway->local);
		if (v->gateway->n_peers == 1 && v->gateway->peers[0].addr.family != 0)
			flow.remote = host_of(&v->gateway->peers[0].addr);
	}
	return flow;
}

static bool has_interface(const Dp__Configure *c, uint32_t id)
{
	for (size_t k = 0; k < c->n_interfaces; k++)
		if (c->interfaces[k]->id == id)
			return true;
	return false;
}

static int put_policy(Dp__Configure *c, const struct model_vpn *v, const struct model_selector *s)
{
	const struct model_unit *unit = model_vpn_unit(v);
	uint32_t interface_id = unit ? model_interface_id(unit->name) : 0;
	Dp__Policy *p;
	char name[128];

	if (v->transport && !has_interface(c, interface_id))
		return 0; /* its port is on another node */
	p = ADD(c, policies, Dp__Policy, DP__POLICY__INIT);
	(void)snprintf(name, sizeof name, "%s%s%s", v->name, s->name[0] ? "/" : "", s->name);
	if (!p || put_text(&p->name, name) < 0)
		return -ERR_NOMEM;
	p->id = s->policy_id;
	p->interface_id = interface_id;
	p->rg = v->manual ? v->manual->rg : v->gateway ? v->gateway->rg : 0;
	p->tunnel = route_tunnel_id(v);
	for (uint32_t k = 0; k < s->n_flows; k++) {
		const struct model_flow flow = flow_of(v, &s->flows[k]);
		Dp__Selector *l = ADD(p, local, Dp__Selector, DP__SELECTOR__INIT);
		Dp__Selector *r = ADD(p, remote, Dp__Selector, DP__SELECTOR__INIT);

		if (!l || !r || put_selector(l, &flow, true) < 0 ||
			put_selector(r, &flow, false) < 0)
			return -ERR_NOMEM;
	}
	return 0;
}

static int put_policies(Dp__Configure *c, const struct model *m)
{
	for (uint32_t k = 0; k < m->n_vpns; k++) {
		const struct model_vpn *v = &m->vpns[k];

		for (uint32_t s = 0; s < v->n_selectors; s++)
			if (put_policy(c, v, &v->selectors[s]) < 0)
				return -ERR_NOMEM;
	}
	return 0;
}

static int put_udp_ports(Dp__Configure *c, const struct model *m)
{
	c->udp_ports = calloc(m->n_vpns + 1, sizeof *c->udp_ports);
	if (!c->udp_ports)
		return -ERR_NOMEM;
	for (uint32_t k = 0; k < m->n_vpns; k++)
		if (m->vpns[k].udp_port)
			c->udp_ports[c->n_udp_ports++] = m->vpns[k].udp_port;
	return 0;
}

/* A peer may send so much in fragments, whatever our links take at a time. */
static uint32_t packet_mtu(const struct model *m)
{
	uint32_t mtu = 0;

	for (uint32_t k = 0; k < m->n_vpns; k++)
		mtu = MAX(mtu, (uint32_t)m->vpns[k].tunnel_mtu);
	return mtu;
}

/* How long a renewal may take at worst: Corosync delivers nothing until it has given a member up.
 * 0 = the dataplane's default. */
static uint32_t lease_hold_ms(const struct model *m)
{
	struct corosync_timers t;

	if (!m->cluster.enabled)
		return 0;
	t = corosync_timers(&m->cluster);
	return t.token_ms + t.consensus_ms;
}

int dp_config_build(const struct dp_config_args *a, Dp__Configure **out)
{
	Dp__Configure *c = calloc(1, sizeof *c);

	if (!c)
		return -ERR_NOMEM;
	*c = (Dp__Configure)DP__CONFIGURE__INIT;
	c->node_id = a->node;
	c->cluster_id = a->cluster_id;
	c->iv_node_id = a->iv_node_id;
	c->iv_incarnation = a->iv_incarnation;
	c->workers = a->model->dataplane.workers;
	c->workers_max = a->model->dataplane.workers_max;
	c->bucket_bits = a->model->dataplane.bucket_bits;
	c->busy_poll = a->model->dataplane.busy_poll;
	c->heartbeat_ms = 50;
	c->lease_batch_ms = 10;
	c->lease_hold_ms = lease_hold_ms(a->model);
	c->packet_mtu = packet_mtu(a->model);
	if (put_interfaces(c, a) < 0 || put_routes(c, a->routes) < 0 ||
		put_policies(c, a->model) < 0 || put_udp_ports(c, a->model) < 0) {
		dp__configure__free_unpacked(c, NULL);
		return -ERR_NOMEM;
	}
	*out = c;
	return 0;
}
