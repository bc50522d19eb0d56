#include "net.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct net *net_new(void)
{
	struct net *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	n->routes = lpm_new();
	if (!n->routes) {
		free(n);
		return NULL;
	}
	n->fabric = IFACE_NONE;
	for (uint32_t i = 0; i < PORT_MAX; i++)
		n->port_iface[i] = IFACE_NONE;
	return n;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	free(p->selectors);
	free(p);
}

static void iface_free(struct iface *i)
{
	if (!i)
		return;
	for (uint32_t k = 0; k < i->n_policies; k++)
		policy_free(i->policies[k]);
	free(i->policies);
	spd_index_free(i->index);
	free(i->hot);
	free(i);
}

void net_free(struct net *n)
{
	if (!n)
		return;
	for (uint32_t i = 0; i < n->n_slots; i++)
		iface_free(n->ifaces[i]);
	lpm_free(n->routes);
	free(n->hops);
	free(n);
}

int net_add_route(struct net *n, struct iface_addr to, const struct hop *hop)
{
	if (n->n_hops == n->cap_hops) {
		uint32_t cap = n->cap_hops ? n->cap_hops * 2 : 16;
		struct hop *more = realloc(n->hops, cap * sizeof *more);

		if (!more)
			return -ERR_NOMEM;
		n->hops = more;
		n->cap_hops = cap;
	}
	n->hops[n->n_hops] = *hop;
	return lpm_add(n->routes, to.addr, to.len, n->n_hops++);
}

static int add_addresses(struct net *n, const struct iface *i)
{
	for (uint32_t k = 0; k < i->n_addrs; k++) {
		struct iface_addr own = {i->addrs[k].addr, 32};
		struct hop local = {HOP_LOCAL, i->slot, 0};
		struct hop connected = {HOP_CONNECTED, i->slot, 0};
		int rc = 0;

		if (i->kind != IFACE_TUNNEL)
			rc = net_add_route(n, i->addrs[k], &connected);
		if (rc == 0)
			rc = net_add_route(n, own, &local);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int net_add_iface(struct net *n, struct iface *i)
{
	if (i->slot >= IFACE_MAX || n->ifaces[i->slot]) {
		iface_free(i);
		return -ERR_LIMIT;
	}
	n->ifaces[i->slot] = i;
	n->n_slots = MAX(n->n_slots, i->slot + 1u);
	if (i->port < PORT_MAX)
		n->port_iface[i->port] = i->slot;
	if (i->kind == IFACE_FABRIC)
		n->fabric = i->slot;
	return add_addresses(n, i);
}

int net_add_policy(struct net *n, uint16_t slot, struct policy *p)
{
	struct iface *i = slot < IFACE_MAX ? n->ifaces[slot] : NULL;
	struct policy **more;

	if (!i) {
		policy_free(p);
		return -ERR_NOT_FOUND;
	}
	if (i->n_policies == i->cap_policies) {
		uint32_t cap = i->cap_policies ? i->cap_policies * 2 : 4;

		more = realloc(i->policies, cap * sizeof(struct policy *));
		if (!more) {
			policy_free(p);
			return -ERR_NOMEM;
		}
		i->policies = more;
		i->cap_policies = cap;
	}
	i->policies[i->n_policies++] = p;
	return 0;
}

static int iface_index(struct iface *i)
{
	const struct selectors **v = calloc(i->n_policies, sizeof *v);

	spd_index_free(i->index);
	free(i->hot);
	i->index = NULL;
	i->hot = calloc(i->n_policies, sizeof *i->hot);
	for (uint32_t k = 0; v && i->hot && k < i->n_policies; k++) {
		const struct policy *p = i->policies[k];

		v[k] = &p->ts;
		i->hot[k] = (struct policy_hot){p->sas, p->id, p->rg};
	}
	if (v && i->hot)
		i->index = spd_index_new(v, i->n_policies);
	free(v);
	return i->index ? 0 : -ERR_NOMEM;
}

int net_finish(struct net *n)
{
	int rc = 0;

	for (uint32_t s = 0; s < n->n_slots && rc == 0; s++)
		if (n->ifaces[s] && n->ifaces[s]->n_policies)
			rc = iface_index(n->ifaces[s]);
	return rc;
}

const struct iface *net_iface_by_id(const struct net *n, uint32_t id)
{
	for (uint32_t i = 0; i < n->n_slots; i++)
		if (n->ifaces[i] && n->ifaces[i]->id == id)
			return n->ifaces[i];
	return NULL;
}

uint32_t iface_source(const struct iface *i, uint32_t peer)
{
	for (uint32_t k = 0; k < i->n_addrs; k++) {
		uint32_t mask = i->addrs[k].len ? UINT32_MAX << (32 - i->addrs[k].len) : 0;

		if (((i->addrs[k].addr ^ peer) & mask) == 0)
			return i->addrs[k].addr;
	}
	return i->n_addrs ? i->addrs[0].addr : 0;
}

bool iface_owns(const struct iface *i, uint32_t addr)
{
	for (uint32_t k = 0; k < i->n_addrs; k++)
		if (i->addrs[k].addr == addr)
			return true;
	return false;
}
