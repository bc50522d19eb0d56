#include "host/show_interfaces.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "host/daemon.h"
#include "host/dp_config.h"
#include "host/route_list.h"

enum { ADDRESSES_MAX = 32, PREFIX_TEXT_MAX = ADDR_TEXT_MAX + 4 };

struct listing {
	struct daemon *d;
	struct ctl_call *call;
	const Dp__Reply *ports; /* NULL: the dataplane is away */
};

static void part(const struct listing *l, Ctl__Interface *i)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__InterfaceList list = CTL__INTERFACE_LIST__INIT;

	list.n_interfaces = 1;
	list.interfaces = &i;
	r.node = daemon_node(l->d);
	r.body_case = CTL__RESPONSE__BODY_INTERFACES;
	r.interfaces = &list;
	ctl_part(l->call, &r);
}

static const Dp__PortStats *port_stats(const struct listing *l, const char *name)
{
	for (size_t i = 0; l->ports && i < l->ports->n_ports; i++)
		if (strcmp(l->ports->ports[i]->name, name) == 0)
			return l->ports->ports[i];
	return NULL;
}

static bool is_here(const struct model_interface *i)
{
	return i->kind != MODEL_IF_PORT || i->device;
}

/* A tunnel interface is up while there is somebody to forward for it (its units with their SAs,
 * ST0-001); a bundle with one of its ports. */
static bool link_up(const struct listing *l, const struct model_interface *i)
{
	const Dp__PortStats *s;

	if (i->disabled)
		return false;
	if (i->kind == MODEL_IF_TUNNEL)
		return l->ports != NULL;
	if (i->kind == MODEL_IF_PORT) {
		s = port_stats(l, i->name);
		return s && s->link_up;
	}
	for (uint32_t k = 0; k < i->n_members; k++)
		if (is_here(i->members[k]) && link_up(l, i->members[k]))
			return true;
	return false;
}

static void add_counters(
	const struct listing *l, const struct model_interface *i, Ctl__Interface *o)
{
	const Dp__PortStats *s = i->kind == MODEL_IF_PORT ? port_stats(l, i->name) : NULL;

	for (uint32_t k = 0; k < i->n_members; k++)
		add_counters(l, i->members[k], o);
	if (!s)
		return;
	o->in_packets += s->rx_packets;
	o->in_bytes += s->rx_bytes;
	o->out_packets += s->tx_packets;
	o->out_bytes += s->tx_bytes;
	o->drops += s->rx_missed + s->tx_dropped;
}

static Ctl__Interface row_of(const struct listing *l, const struct model_interface *i)
{
	Ctl__Interface o = CTL__INTERFACE__INIT;

	o.name = (char *)(uintptr_t)i->name;
	o.admin_up = !i->disabled;
	o.link_up = link_up(l, i);
	return o;
}

static void put_unit(const struct listing *l, const struct model_unit *u)
{
	char text[ADDRESSES_MAX][PREFIX_TEXT_MAX], *addresses[ADDRESSES_MAX];
	Ctl__Interface o = row_of(l, u->interface);

	o.name = (char *)(uintptr_t)u->name;
	if (u->interface->kind == MODEL_IF_TUNNEL)
		o.link_up = o.link_up && route_unit_is_up(&l->d->routes.presence, l->d->model, u);
	for (uint32_t k = 0; k < u->n_addresses && k < ADDRESSES_MAX; k++) {
		char address[ADDR_TEXT_MAX];

		(void)snprintf(text[k], sizeof text[k], "%s/%u",
			addr_text(&u->addresses[k].addr, address), u->addresses[k].len);
		addresses[k] = text[k];
		o.n_addresses++;
	}
	o.addresses = addresses;
	part(l, &o);
}

/* A port of a bundle has the units of the bundle, without their addresses. */
static void put_member_units(const struct listing *l, const struct model_interface *i)
{
	for (uint32_t k = 0; i->reth && k < i->reth->n_units; k++) {
		Ctl__Interface o = row_of(l, i);
		char name[64];

		(void)snprintf(name, sizeof name, "%s.%u", i->name, i->reth->units[k].number);
		o.name = name;
		o.parent = (char *)(uintptr_t)i->reth->units[k].name;
		part(l, &o);
	}
}

static void put_interface(const struct listing *l, const struct model_interface *i)
{
	Ctl__Interface o = row_of(l, i);
	uint8_t mac[6];

	if (i->kind == MODEL_IF_RETH)
		dp_reth_mac(i, l->d->args.cluster_id, mac);
	else
		memcpy(mac, i->mac, sizeof mac);
	if (i->kind == MODEL_IF_RETH || i->has_mac)
		o.mac = (ProtobufCBinaryData){sizeof mac, mac};
	add_counters(l, i, &o);
	part(l, &o);
	put_member_units(l, i);
	for (uint32_t k = 0; k < i->n_units; k++)
		put_unit(l, &i->units[k]);
}

static void on_ports(void *ctx, int rc, const Dp__Reply *reply)
{
	struct listing *l = (struct listing *)ctx;
	const struct model *m = l->d->model;
	Ctl__Response end = CTL__RESPONSE__INIT;
	Ctl__InterfaceList none = CTL__INTERFACE_LIST__INIT;

	l->ports = rc == 0 ? reply : NULL;
	for (uint32_t i = 0; i < m->n_interfaces; i++)
		if (is_here(&m->interfaces[i]))
			put_interface(l, &m->interfaces[i]);
	end.node = daemon_node(l->d);
	end.body_case = CTL__RESPONSE__BODY_INTERFACES;
	end.interfaces = &none;
	ctl_end(l->call, &end);
	free(l);
}

void show_interfaces(struct daemon *d, struct ctl_call *call)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__Query query = DP__QUERY__INIT;
	struct listing *l = malloc(sizeof *l);

	if (!l) {
		ctl_fail(call, "%s", err_text(ERR_NOMEM));
		return;
	}
	*l = (struct listing){.d = d, .call = call};
	query.ports = true;
	r.body_case = DP__REQUEST__BODY_QUERY;
	r.query = &query;
	if (dp_client_send(&d->dp, &r, on_ports, l) < 0)
		on_ports(l, -ERR_AGAIN, NULL);
}
