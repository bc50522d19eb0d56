#include <stdlib.h>

#include "base/err.h"
#include "dp.h"
#include "pbconv.h"

uint16_t slot_find(const struct dp *dp, uint32_t id)
{
	return slot_index_find(&dp->slots, id, IFACE_NONE);
}

int address_of_pb(const Dp__Prefix *p, struct iface_addr *out)
{
	struct ipaddr addr = {0};
	int rc = p ? ipaddr_of_pb(&p->address, &addr) : -ERR_VALUE;

	if (rc < 0)
		return rc;
	if (p->length > (ipaddr_is_v4(addr) ? 32 : 128))
		return -ERR_VALUE;
	out->addr = addr;
	out->len = (uint8_t)(p->length + (ipaddr_is_v4(addr) ? IPADDR_V4_BITS : 0));
	return 0;
}

/* Of a route whose interface is not said: the connected one that leads to its next hop. */
static int hop_via(const struct net *n, const struct fib *f, struct hop *hop)
{
	const struct hop *via = net_route(n, f, hop->next_hop);

	if (!via || via->kind != HOP_CONNECTED)
		return -ERR_NOT_FOUND;
	hop->iface = via->iface;
	return 0;
}

static int hop_of(const struct dp *dp, const struct net *n, const Dp__Route *c, struct hop *hop)
{
	const struct iface *iface;
	int rc = 0;

	*hop = (struct hop){.kind = HOP_CONNECTED, .iface = slot_find(dp, c->interface_id)};
	if (c->next_hop.len) {
		rc = ipaddr_of_pb(&c->next_hop, &hop->next_hop);
		hop->kind = HOP_VIA;
		if (rc == 0 && hop->iface == IFACE_NONE)
			rc = hop_via(n, &n->fib[c->instance], hop);
	}
	iface = rc == 0 ? net_iface(n, hop->iface) : NULL;
	if (rc < 0 || !iface)
		return rc < 0 ? rc : -ERR_NOT_FOUND;
	if (iface->kind == IFACE_TUNNEL) {
		hop->kind = HOP_TUNNEL;
		hop->spd = iface_spd(iface, c->tunnel);
		hop->peer = c->peer;
	}
	return 0;
}

static int route_add(struct dp *dp, struct net *n, const Dp__Route *c)
{
	struct iface_addr to;
	struct hop hop;
	int rc = c->instance < INSTANCE_MAX && n->fib[c->instance].v4
			 ? address_of_pb(c->destination, &to)
			 : -ERR_NOT_FOUND;

	if (rc == 0)
		rc = hop_of(dp, n, c, &hop);
	if (rc == 0 && hop.kind == HOP_VIA && ipaddr_is_v4(hop.next_hop) != ipaddr_is_v4(to.addr))
		rc = -ERR_VALUE;
	return rc == 0 ? net_add_route(n, &n->fib[c->instance], to, &hop) : rc;
}

int routes_add(struct dp *dp, struct net *n, Dp__Route *const *v, size_t n_v)
{
	size_t nowhere = 0;

	for (size_t i = 0; i < n_v; i++) {
		int rc = route_add(dp, n, v[i]);

		if (rc == -ERR_NOMEM)
			return rc;
		nowhere += rc < 0;
	}
	if (nowhere)
		log_warn(&dp->log, "dp.routes.nowhere", "routes=%zu", nowhere);
	return 0;
}

static void defer_net(struct dp *dp, void *n)
{
	(void)dp;
	net_free(n);
}

void api_route_set(struct dp *dp, const Dp__RouteSet *c, struct reply *r)
{
	struct net *old = atomic_load(&dp->sh.net), *n;

	if (!dp->running || !old) {
		reply_fail(r, -ERR_WRONG_STATE, "not configured yet");
		return;
	}
	n = net_again(old);
	if (!n || routes_add(dp, n, c->routes, c->n_routes) < 0) {
		if (n)
			n->lent = true;
		net_free(n);
		reply_fail(r, -ERR_NOMEM, "out of memory");
		return;
	}
	old->lent = true;
	atomic_store(&dp->sh.net, n);
	dp_defer(dp, defer_net, old, r);
	log_info(&dp->log, "dp.routes", "routes=%zu", c->n_routes);
}
