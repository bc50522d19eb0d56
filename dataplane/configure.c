#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "core/ip6.h"
#include "core/spi.h"
#include "dp.h"
#include "pbconv.h"

enum { MTU_DEFAULT = 1500, MTU_MIN = 68, ADDRS_MAX = IFACE_ADDRS, UDP_PORT_MIN = 1025 };

/* The slot of an interface id; slots stay while the id is configured. */
static uint16_t slot_of(struct dp *dp, uint32_t id)
{
	uint16_t slot = slot_find(dp, id);

	if (slot != IFACE_NONE || id == 0)
		return slot;
	while (dp->slot_next < IFACE_MAX && dp->slot_id[dp->slot_next])
		dp->slot_next++;
	if (dp->slot_next == IFACE_MAX ||
		slot_index_put(&dp->slots, id, (uint16_t)dp->slot_next) < 0)
		return IFACE_NONE;
	dp->slot_id[dp->slot_next] = id;
	return (uint16_t)dp->slot_next;
}

static int iface_fill(struct dp *dp, const Dp__Interface *c, struct iface *i)
{
	const struct port *port;

	i->id = c->id;
	(void)snprintf(i->name, sizeof i->name, "%s", c->name);
	i->kind = (enum iface_kind)c->kind;
	i->slot = slot_of(dp, c->id);
	i->port = i->kind == IFACE_TUNNEL ? PORT_NONE : plumb_port(dp, c->port);
	i->rg = (uint8_t)c->rg;
	i->ike = c->ike;
	i->instance = (uint8_t)c->instance;
	(void)snprintf(i->kernel_device, sizeof i->kernel_device, "%s", c->kernel_device);
	i->kernel = i->kernel_device[0] != '\0' && i->kind != IFACE_FABRIC;
	i->mtu = c->mtu ? c->mtu : i->kind == IFACE_TUNNEL ? 0 : MTU_DEFAULT;
	if (c->id == 0 || c->rg >= RG_MAX || c->instance >= INSTANCE_MAX ||
		c->kind > DP__INTERFACE_KIND__INTERFACE_TUNNEL ||
		(c->mac.len != 0 && c->mac.len != 6) || (i->mtu && i->mtu < MTU_MIN))
		return -ERR_VALUE;
	if (i->slot == IFACE_NONE || c->n_addresses > ADDRS_MAX)
		return -ERR_LIMIT;
	if (i->port == PORT_NONE && i->kind != IFACE_TUNNEL)
		return 0; /* a reth with no member on this node */
	port = i->port < PORT_MAX ? dp->sh.ports[i->port] : NULL;
	if (i->kind == IFACE_FABRIC && c->mtu == 0 && port)
		i->mtu = port->mtu;
	if (c->mac.len == 6)
		memcpy(i->mac, c->mac.data, 6);
	else if (port)
		memcpy(i->mac, port->mac, 6);
	return 0;
}

static int iface_add(struct dp *dp, struct net *n, const Dp__Interface *c, struct reply *r)
{
	struct iface *i = calloc(1, sizeof *i);
	int rc;

	if (!i)
		return -ERR_NOMEM;
	rc = iface_fill(dp, c, i);
	for (size_t k = 0; k < c->n_addresses && rc == 0; k++) {
		struct iface_addr *a = &i->addrs[i->n_addrs++];

		rc = address_of_pb(c->addresses[k], a);
		/* RFC 8200 5: a link that carries IPv6 carries this much */
		if (rc == 0 && !ipaddr_is_v4(a->addr) && i->mtu && i->mtu < IP6_MTU_MIN &&
			i->kind != IFACE_TUNNEL)
			rc = -ERR_VALUE;
	}
	if (rc < 0) {
		free(i);
		reply_fail(r, rc, "interface %s: %s", c->name, err_text(rc));
		return rc;
	}
	return net_add_iface(n, i);
}

static int policy_fill(const Dp__Policy *c, struct policy *p)
{
	size_t n = c->n_local + c->n_remote;
	int rc = 0;

	p->selectors = calloc(n ? n : 1, sizeof *p->selectors);
	if (!p->selectors)
		return -ERR_NOMEM;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = selector_of_pb(
			i < c->n_local ? c->local[i] : c->remote[i - c->n_local], &p->selectors[i]);
	p->ts = (struct selectors){p->selectors, p->selectors + c->n_local, (uint16_t)c->n_local,
		(uint16_t)c->n_remote};
	return rc;
}

static int policy_add(struct dp *dp, struct net *n, const Dp__Policy *c)
{
	struct policy *p = calloc(1, sizeof *p);
	int rc;

	if (!p)
		return -ERR_NOMEM;
	p->id = c->id;
	p->rg = (uint8_t)c->rg;
	p->tunnel = c->tunnel;
	(void)snprintf(p->name, sizeof p->name, "%s", c->name);
	p->sas = policy_sas_get(dp, c->id);
	rc = p->sas ? policy_fill(c, p) : -ERR_NOMEM;
	if (rc < 0) {
		policy_free(p);
		return rc;
	}
	return net_add_policy(n, slot_find(dp, c->interface_id), p);
}

static int udp_port_add(struct net *n, uint32_t port)
{
	if (port < UDP_PORT_MIN || port > UINT16_MAX || port == ESP_UDP_PORT)
		return -ERR_VALUE;
	n->udp_ports[port / 64] |= UINT64_C(1) << port % 64;
	return 0;
}

static int net_build(struct dp *dp, const Dp__Configure *c, struct net *n, struct reply *r)
{
	int rc = 0;

	n->node_id = c->node_id;
	n->cluster_id = c->cluster_id;
	n->bucket_bits = c->bucket_bits;
	n->iv_node = (uint8_t)c->iv_node_id;
	for (size_t i = 0; i < c->n_interfaces && rc == 0; i++)
		rc = iface_add(dp, n, c->interfaces[i], r);
	for (size_t i = 0; i < c->n_policies && rc == 0; i++) {
		rc = policy_add(dp, n, c->policies[i]);
		if (rc < 0)
			reply_fail(r, rc, "policy %s: %s", c->policies[i]->name, err_text(rc));
	}
	for (size_t i = 0; i < c->n_udp_ports && rc == 0; i++) {
		rc = udp_port_add(n, c->udp_ports[i]);
		if (rc < 0)
			reply_fail(r, rc, "UDP port %u: %s", c->udp_ports[i], err_text(rc));
	}
	if (rc == 0)
		rc = net_finish(n);
	return rc == 0 ? routes_add(dp, n, c->routes, c->n_routes) : rc;
}

static int check(const struct dp *dp, const Dp__Configure *c, struct reply *r)
{
	const struct net *now = atomic_load(&dp->sh.net);

	if (c->bucket_bits < SPI_BUCKET_BITS_MIN || c->bucket_bits > SPI_BUCKET_BITS_MAX ||
		c->iv_node_id > UINT8_MAX || c->iv_incarnation > UINT16_MAX ||
		c->node_id >= RG_OWNER_NONE) {
		reply_fail(r, -ERR_VALUE, "bucket bits, node id or IV numbers out of range");
		return -ERR_VALUE;
	}
	if (now && now->bucket_bits != c->bucket_bits && dp->sh.sad.n_live) {
		reply_fail(r, -ERR_WRONG_STATE, "bucket bits cannot change while there are SAs");
		return -ERR_WRONG_STATE;
	}
	return 0;
}

static void slots_release(struct dp *dp, const struct net *n)
{
	slot_index_clear(&dp->slots);
	dp->slot_next = 0;
	for (uint32_t i = 0; i < IFACE_MAX; i++) {
		if (!n->ifaces[i])
			dp->slot_id[i] = 0;
		/* there is room: they were in it before */
		else if (slot_index_put(&dp->slots, dp->slot_id[i], (uint16_t)i) < 0)
			dp_give_up(dp, "out of memory");
	}
}

static void defer_net(struct dp *dp, void *n)
{
	net_free(n);
	policy_sas_prune(dp);
}

static void apply_settings(struct dp *dp, const Dp__Configure *c)
{
	dp->lease_batch_ms = c->lease_batch_ms ? c->lease_batch_ms : 10;
	atomic_store(&dp->sh.lease_hold_ns,
		(uint64_t)(c->lease_hold_ms ? c->lease_hold_ms : 400) * 1000 * 1000);
	dp->next_beat_ns = dp->next_probe_ns = 0;
	dp->heartbeat_ms = c->heartbeat_ms ? c->heartbeat_ms : 50;
	atomic_store(&dp->sh.busy_poll, c->busy_poll);
}

/* In each worker: what is left of its block belongs to an incarnation that may have been used. */
static void drop_block(struct worker *w, struct command *c)
{
	(void)c;
	w->ivs = (struct iv_block){0};
}

/* Before an SA that was sent with elsewhere, or in another life of this node, becomes active. */
static int raise_ivs(struct dp *dp, const Dp__Configure *c, struct reply *r)
{
	uint16_t to = (uint16_t)c->iv_incarnation;
	int rc;

	if (to <= iv_pool_incarnation(&dp->sh.ivs))
		return 0;
	rc = incarnation_reserve(&dp->incarnation, (uint16_t)(to - 1), &dp->reserved);
	if (rc < 0 || !iv_pool_raise(&dp->sh.ivs, to))
		return rc;
	for (uint32_t i = 0; i < dp->sh.n_workers; i++) {
		struct order *o = calloc(1, sizeof *o);

		if (!o)
			return -ERR_NOMEM;
		o->c.run = drop_block;
		dp_order(dp, i, o, r);
	}
	log_notice(&dp->log, "dp.incarnation", "raised=%u", to);
	return 0;
}

/* Ports first (the only part that stops workers), then the new picture in one piece. A failure
 * leaves the picture as it was. */
void api_configure(struct dp *dp, const Dp__Configure *c, struct reply *r)
{
	struct net *n, *old;

	if (check(dp, c, r) < 0 || plumb_apply(dp, c, r) < 0)
		return;
	n = net_new();
	if (!n || net_build(dp, c, n, r) < 0) {
		reply_fail(r, -ERR_NOMEM, "out of memory");
		net_free(n);
		return;
	}
	old = atomic_exchange(&dp->sh.net, n);
	slots_release(dp, n);
	child_place_all(dp);
	kernel_apply(dp);
	apply_settings(dp, c);
	if (plumb_start(dp) < 0) {
		reply_fail(r, -ERR_LIMIT, "workers cannot be started");
		return;
	}
	if (old)
		dp_defer(dp, defer_net, old, r);
	if (raise_ivs(dp, c, r) < 0) {
		reply_fail(r, -ERR_IO, "the incarnation of IVs cannot be raised");
		return;
	}
	dp->configured = true;
	crew_tell(dp, atomic_load(&dp->sh.lead)); /* who asked may not know yet */
	log_notice(&dp->log, "dp.configured",
		"node=%u workers=%u ports=%u interfaces=%zu routes=%zu policies=%zu", c->node_id,
		dp->sh.n_workers, dp->sh.n_ports, c->n_interfaces, c->n_routes, c->n_policies);
}
