#include "net.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static void fib_fini(struct fib *f)
{
	lpm_free(f->v4);
	lpm6_free(f->v6);
}

static int fib_init(struct fib *f)
{
	*f = (struct fib){lpm_new(), lpm6_new()};
	if (f->v4 && f->v6)
		return 0;
	fib_fini(f);
	return -ERR_NOMEM;
}

struct net *net_new(void)
{
	struct net *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	if (fib_init(&n->fib) < 0) {
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
	fib_fini(&n->fib);
	free(n->hops);
	free(n);
}

int net_add_route(struct net *n, struct fib *f, struct iface_addr to, const struct hop *hop)
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
	if (!ipaddr_is_v4(to.addr))
		return lpm6_add(f->v6, to.addr, to.len, n->n_hops++);
	if (to.len < IPADDR_V4_BITS)
		return -ERR_VALUE;
	return lpm_add(
		f->v4, ipaddr_to_v4(to.addr), to.len - (uint32_t)IPADDR_V4_BITS, n->n_hops++);
}

static int add_addresses(struct net *n, const struct iface *i)
{
	for (uint32_t k = 0; k < i->n_addrs; k++) {
		struct iface_addr own = {i->addrs[k].addr, IPADDR_BITS};
		struct hop local = {.kind = HOP_LOCAL, .iface = i->slot};
		struct hop connected = {.kind = HOP_CONNECTED, .iface = i->slot};
		int rc = 0;

		if (i->kind != IFACE_TUNNEL)
			rc = net_add_route(n, &n->fib, i->addrs[k], &connected);
		if (rc == 0)
			rc = net_add_route(n, &n->fib, own, &local);
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

struct ipaddr iface_source(const struct iface *i, struct ipaddr peer)
{
	struct ipaddr first = {0};

	for (uint32_t k = 0; k < i->n_addrs; k++) {
		struct ipaddr own = i->addrs[k].addr;

		if (ipaddr_is_v4(own) != ipaddr_is_v4(peer))
			continue;
		if (ipaddr_shares(own, peer, i->addrs[k].len))
			return own;
		if (ipaddr_is_none(first))
			first = own;
	}
	return first;
}

bool iface_owns(const struct iface *i, struct ipaddr addr)
{
	for (uint32_t k = 0; k < i->n_addrs; k++)
		if (ipaddr_equal(i->addrs[k].addr, addr))
			return true;
	return false;
}

bool iface_reaches(const struct iface *i, struct ipaddr addr)
{
	for (uint32_t k = 0; k < i->n_addrs; k++)
		if (ipaddr_is_v4(i->addrs[k].addr) == ipaddr_is_v4(addr) &&
			ipaddr_shares(i->addrs[k].addr, addr, i->addrs[k].len))
			return true;
	return false;
}
