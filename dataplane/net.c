#include "net.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "core/ip6.h"

static void fib_fini(struct fib *f)
{
	lpm_free(f->v4);
	lpm6_free(f->v6);
}

/* When its first interface comes. */
static int fib_need(struct fib *f)
{
	if (f->v4)
		return 0;
	*f = (struct fib){lpm_new(), lpm6_new()};
	if (f->v4 && f->v6)
		return 0;
	fib_fini(f);
	*f = (struct fib){0};
	return -ERR_NOMEM;
}

struct net *net_new(void)
{
	struct net *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	if (fib_need(&n->fib[0]) < 0) {
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

static void spds_free(struct iface *i)
{
	for (uint32_t k = 0; k < i->n_spds; k++) {
		spd_index_free(i->spds[k].index);
		free(i->spds[k].hot);
	}
	free(i->spds);
	i->spds = NULL;
	i->n_spds = 0;
}

static void iface_free(struct iface *i)
{
	if (!i)
		return;
	for (uint32_t k = 0; k < i->n_policies; k++)
		policy_free(i->policies[k]);
	free(i->policies);
	spds_free(i);
	free(i);
}

void net_free(struct net *n)
{
	if (!n)
		return;
	for (uint32_t i = 0; i < n->n_slots && !n->lent; i++)
		iface_free(n->ifaces[i]);
	if (!n->lent)
		slot_index_fini(&n->by_id);
	for (uint32_t i = 0; i < INSTANCE_MAX; i++)
		fib_fini(&n->fib[i]);
	free(n->hops);
	free(n);
}

static int hop_add(struct net *n, const struct hop *hop, uint32_t *at)
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
	*at = n->n_hops++;
	return 0;
}

int net_add_route(struct net *n, struct fib *f, struct iface_addr to, const struct hop *hop)
{
	uint32_t at;

	if (hop_add(n, hop, &at) < 0)
		return -ERR_NOMEM;
	if (!ipaddr_is_v4(to.addr))
		return lpm6_add(f->v6, to.addr, to.len, at);
	if (to.len < IPADDR_V4_BITS)
		return -ERR_VALUE;
	return lpm_add(f->v4, ipaddr_to_v4(to.addr), to.len - (uint32_t)IPADDR_V4_BITS, at);
}

static int add_addresses(struct net *n, const struct iface *i)
{
	struct fib *fib = &n->fib[i->instance];

	if (fib_need(fib) < 0)
		return -ERR_NOMEM;
	if (i->kind == IFACE_TUNNEL &&
		hop_add(n, &(struct hop){.kind = HOP_TUNNEL, .iface = i->slot},
			&n->tunnel_hop[i->slot]) < 0)
		return -ERR_NOMEM;
	for (uint32_t k = 0; k < i->n_addrs; k++) {
		struct iface_addr own = {i->addrs[k].addr, IPADDR_BITS};
		struct hop local = {.kind = HOP_LOCAL, .iface = i->slot};
		struct hop connected = {.kind = HOP_CONNECTED, .iface = i->slot};
		int rc = 0;

		if (i->kind != IFACE_TUNNEL)
			rc = net_add_route(n, fib, i->addrs[k], &connected);
		if (rc == 0)
			rc = net_add_route(n, fib, own, &local);
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
	if (slot_index_put(&n->by_id, i->id, i->slot) < 0) {
		iface_free(i);
		return -ERR_NOMEM;
	}
	n->ifaces[i->slot] = i;
	n->n_slots = MAX(n->n_slots, i->slot + 1u);
	if (i->port < PORT_MAX)
		n->port_iface[i->port] = i->slot;
	if (i->kind == IFACE_FABRIC)
		n->fabric = i->slot;
	for (uint32_t k = 0; k < i->n_addrs; k++)
		if (!ipaddr_is_v4(i->addrs[k].addr) && i->kind != IFACE_TUNNEL)
			i->link_local = ip6_link_local(i->mac);
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
	p->sas->slot = slot;
	i->policies[i->n_policies++] = p;
	return 0;
}

static int spd_fill(struct spd *s, struct policy *const *policies, uint32_t n)
{
	const struct selectors **v = calloc(n, sizeof *v);

	s->hot = calloc(n, sizeof *s->hot);
	for (uint32_t k = 0; v && s->hot && k < n; k++) {
		const struct policy *p = policies[k];

		v[k] = &p->ts;
		s->hot[k] = (struct policy_hot){p->sas, p->id, p->rg};
	}
	if (v && s->hot)
		s->index = spd_index_new(v, n);
	free(v);
	return s->index ? 0 : -ERR_NOMEM;
}

struct ranked {
	struct policy *policy;
	uint32_t rank;
};

static int by_tunnel(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;

	if (a->policy->tunnel != b->policy->tunnel)
		return a->policy->tunnel < b->policy->tunnel ? -1 : 1;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

static uint32_t count_tunnels(const struct ranked *v, uint32_t n)
{
	uint32_t tunnels = 0;

	for (uint32_t k = 0; k < n; k++)
		tunnels += k == 0 || v[k].policy->tunnel != v[k - 1].policy->tunnel;
	return tunnels;
}

/* v: by tunnel, in order of preference; room: as long. */
static int spds_fill(struct iface *i, const struct ranked *v, struct policy **room)
{
	uint32_t tunnels = count_tunnels(v, i->n_policies), first = 0, n = i->n_policies;
	int rc;

	i->spds = calloc(1 + tunnels, sizeof *i->spds);
	if (!i->spds)
		return -ERR_NOMEM;
	i->n_spds = 1;
	rc = spd_fill(&i->spds[0], i->policies, n);
	for (uint32_t k = 0; k < n; k++)
		room[k] = v[k].policy;
	for (uint32_t k = 1; rc == 0 && tunnels > 1 && k <= n; k++) {
		if (k < n && room[k]->tunnel == room[first]->tunnel)
			continue;
		i->spds[i->n_spds].tunnel = room[first]->tunnel;
		rc = spd_fill(&i->spds[i->n_spds++], &room[first], k - first);
		first = k;
	}
	return rc;
}

static int iface_index(struct iface *i)
{
	struct ranked *v = calloc(i->n_policies, sizeof *v);
	struct policy **room = calloc(i->n_policies, sizeof *room);
	int rc = -ERR_NOMEM;

	spds_free(i);
	for (uint32_t k = 0; v && k < i->n_policies; k++)
		v[k] = (struct ranked){i->policies[k], k};
	if (v && room) {
		qsort(v, i->n_policies, sizeof *v, by_tunnel);
		rc = spds_fill(i, v, room);
	}
	free(v);
	free(room);
	return rc;
}

uint16_t iface_spd(const struct iface *i, uint32_t tunnel)
{
	uint32_t lo = 1, hi = i->n_spds;

	if (tunnel == 0)
		return 0;
	if (i->n_spds == 1)
		return i->n_policies && i->policies[0]->tunnel == tunnel ? 0 : SPD_NOBODY;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (i->spds[mid].tunnel == tunnel)
			return mid < SPD_NOBODY ? (uint16_t)mid : SPD_NOBODY;
		if (i->spds[mid].tunnel < tunnel)
			lo = mid + 1;
		else
			hi = mid;
	}
	return SPD_NOBODY;
}

/* A unit without addresses answers with one of its instance (RFC 1812 4.3.2.4 wants any): the first
 * that has one. */
static void voices_find(struct net *n)
{
	uint16_t first[INSTANCE_MAX];

	for (uint32_t i = 0; i < INSTANCE_MAX; i++)
		first[i] = IFACE_NONE;
	for (uint32_t s = n->n_slots; s-- > 0;)
		if (n->ifaces[s] && n->ifaces[s]->kind != IFACE_FABRIC && n->ifaces[s]->n_addrs)
			first[n->ifaces[s]->instance] = (uint16_t)s;
	for (uint32_t s = 0; s < n->n_slots; s++) {
		struct iface *i = n->ifaces[s];

		if (i)
			i->voice = i->n_addrs || first[i->instance] == IFACE_NONE
					   ? i->slot
					   : first[i->instance];
	}
}

int net_finish(struct net *n)
{
	int rc = 0;

	voices_find(n);
	for (uint32_t s = 0; s < n->n_slots && rc == 0; s++)
		if (n->ifaces[s] && n->ifaces[s]->n_policies)
			rc = iface_index(n->ifaces[s]);
	return rc;
}

struct net *net_again(const struct net *old)
{
	struct net *n = malloc(sizeof *n);
	int rc = 0;

	if (!n)
		return NULL;
	*n = *old;
	memset(n->fib, 0, sizeof n->fib);
	n->hops = NULL;
	n->n_hops = n->cap_hops = 0;
	rc = fib_need(&n->fib[0]);
	for (uint32_t i = 0; i < n->n_slots && rc == 0; i++)
		if (n->ifaces[i])
			rc = add_addresses(n, n->ifaces[i]);
	if (rc < 0) {
		n->lent = true;
		net_free(n);
		return NULL;
	}
	return n;
}

const struct iface *net_iface_by_id(const struct net *n, uint32_t id)
{
	return net_iface(n, slot_index_find(&n->by_id, id, IFACE_NONE));
}

struct ipaddr iface_source(const struct iface *i, struct ipaddr peer)
{
	struct ipaddr first = {0};

	if (ip6_is_link_local(peer))
		return i->link_local;
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
	return ip6_is_link_local(addr) && ipaddr_equal(i->link_local, addr);
}

bool iface_reaches(const struct iface *i, struct ipaddr addr)
{
	for (uint32_t k = 0; k < i->n_addrs; k++)
		if (ipaddr_is_v4(i->addrs[k].addr) == ipaddr_is_v4(addr) &&
			ipaddr_shares(i->addrs[k].addr, addr, i->addrs[k].len))
			return true;
	return ip6_is_link_local(addr) && !ipaddr_is_none(i->link_local);
}

struct ipaddr net_source(const struct net *n, const struct iface *from, struct ipaddr peer)
{
	struct ipaddr a = from ? iface_source(from, peer) : (struct ipaddr){0};

	for (uint32_t s = 0; s < n->n_slots && ipaddr_is_none(a); s++)
		if (n->ifaces[s] && !ip6_is_link_local(peer) &&
			n->ifaces[s]->instance == (from ? from->instance : 0))
			a = iface_source(n->ifaces[s], peer);
	return a;
}
