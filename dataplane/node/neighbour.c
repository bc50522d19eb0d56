#include "node/neighbour.h"

#include <stdlib.h>

enum {
	SETS = 1024,
	WAYS = 8,
	HOPS_WAITING = 256,
	QUEUE_MAX = 512,
	QUEUED_MAX = 2048,
	TRIES_MAX = 5,
};

#define RETRY_NS   (UINT64_C(200) * 1000 * 1000)
#define REFRESH_NS (UINT64_C(20) * 1000 * 1000 * 1000)
#define FORGET_NS  (UINT64_C(60) * 1000 * 1000 * 1000)
#define SCAN_NS	   (UINT64_C(1000) * 1000 * 1000)

struct neighbour {
	_Atomic uint64_t key; /* 0 = free */
	_Atomic uint64_t mac;
	uint64_t heard_ns; /* worker 0's */
	_Atomic bool used;
};

struct neighbours {
	struct neighbour sets[SETS][WAYS];
};

/* A next hop that has not answered yet. */
struct waiting {
	uint64_t key; /* 0 = free */
	uint64_t asked_ns;
	uint32_t tries, n;
	struct pkt *first, **last;
};

struct pending {
	struct waiting hops[HOPS_WAITING];
	uint32_t n_hops, n_packets;
	uint64_t scanned_ns;
};

static uint64_t key_of(uint16_t iface, uint32_t addr)
{
	return UINT64_C(1) << 63 | (uint64_t)iface << 32 | addr;
}

static struct neighbour *set_of(const struct neighbours *n, uint64_t key)
{
	uint64_t h = key * UINT64_C(0x9e3779b97f4a7c15);

	return ((struct neighbours *)(uintptr_t)n)->sets[h >> 54];
}

struct neighbours *neighbours_new(void)
{
	return calloc(1, sizeof(struct neighbours));
}

void neighbours_free(struct neighbours *n)
{
	free(n);
}

struct pending *pending_new(void)
{
	return calloc(1, sizeof(struct pending));
}

static void queue_drop(struct pending *q, struct waiting *h)
{
	while (h->first) {
		struct pkt *p = h->first;

		h->first = p->next;
		pkt_free(p);
	}
	q->n_packets -= h->n;
	q->n_hops--;
	*h = (struct waiting){0};
}

void pending_free(struct pending *q)
{
	if (!q)
		return;
	for (uint32_t i = 0; i < HOPS_WAITING; i++)
		if (q->hops[i].key)
			queue_drop(q, &q->hops[i]);
	free(q);
}

uint32_t pending_count(const struct pending *q)
{
	return q->n_packets;
}

bool neighbour_find(const struct neighbours *n, uint16_t iface, uint32_t addr, uint8_t mac[6])
{
	uint64_t key = key_of(iface, addr);
	struct neighbour *set = set_of(n, key);

	for (uint32_t i = 0; i < WAYS; i++) {
		struct neighbour *e = &set[i];
		uint64_t v;

		if (atomic_load_explicit(&e->key, memory_order_acquire) != key)
			continue;
		v = atomic_load_explicit(&e->mac, memory_order_acquire);
		if (atomic_load_explicit(&e->key, memory_order_acquire) != key)
			continue; /* reused for another in between */
		if (!atomic_load_explicit(&e->used, memory_order_relaxed))
			atomic_store_explicit(&e->used, true, memory_order_relaxed);
		for (uint32_t k = 0; k < 6; k++)
			mac[k] = (uint8_t)(v >> (8 * k));
		return true;
	}
	return false;
}

static struct neighbour *entry_of(struct neighbour *set, uint64_t key)
{
	for (uint32_t i = 0; i < WAYS; i++)
		if (atomic_load_explicit(&set[i].key, memory_order_relaxed) == key)
			return &set[i];
	return NULL;
}

static void entry_write(struct neighbour *e, uint64_t key, const uint8_t *mac, uint64_t now_ns)
{
	uint64_t v = 0;

	for (uint32_t k = 0; k < 6; k++)
		v |= (uint64_t)mac[k] << (8 * k);
	if (atomic_load_explicit(&e->key, memory_order_relaxed) != key) {
		atomic_store(&e->key, 0);
		atomic_store(&e->used, false);
	}
	atomic_store(&e->mac, v);
	atomic_store(&e->key, key);
	e->heard_ns = now_ns;
}

/* A free entry of the set, or the one heard of longest ago. */
static struct neighbour *entry_victim(struct neighbour *set)
{
	struct neighbour *oldest = &set[0];

	for (uint32_t i = 0; i < WAYS; i++) {
		if (atomic_load_explicit(&set[i].key, memory_order_relaxed) == 0)
			return &set[i];
		if (set[i].heard_ns < oldest->heard_ns)
			oldest = &set[i];
	}
	return oldest;
}

static struct waiting *waiting_find(struct pending *q, uint64_t key)
{
	for (uint32_t i = 0; i < HOPS_WAITING && q->n_hops; i++)
		if (q->hops[i].key == key)
			return &q->hops[i];
	return NULL;
}

static bool is_on_link(const struct iface *iface, uint32_t addr)
{
	for (uint32_t i = 0; i < iface->n_addrs; i++) {
		uint32_t len = iface->addrs[i].len;
		uint32_t mask = len ? UINT32_MAX << (32 - len) : 0;

		if (((iface->addrs[i].addr ^ addr) & mask) == 0)
			return true;
	}
	return false;
}

/* What waited here while the RG went elsewhere is not ours to send any more. */
static bool may_send(const struct worker *w, const struct iface *iface)
{
	uint8_t node;

	return iface->rg == 0 || gate_rg(w, iface->rg, &node) == GATE_ACT ||
	       atomic_load(&w->sh->rgs[iface->rg].handover) != NULL;
}

void neighbour_learn(
	struct worker *w, const struct iface *iface, uint32_t addr, const uint8_t *mac, bool create)
{
	uint64_t key = key_of(iface->slot, addr);
	struct neighbour *set = set_of(w->sh->neighbours, key), *e = entry_of(set, key);
	struct waiting *h = waiting_find(w->pending, key);

	if (!is_on_link(iface, addr) || (!e && !h && !create))
		return;
	entry_write(e ? e : entry_victim(set), key, mac, w->now_ns);
	if (!h)
		return;
	while (h->first) {
		struct pkt *p = h->first;

		h->first = p->next;
		if (may_send(w, iface))
			node_output(w, p, iface, addr);
		else
			worker_drop(w, p, STAT_DROP_RG_STANDBY);
	}
	h->last = NULL;
	w->pending->n_packets -= h->n;
	w->pending->n_hops--;
	*h = (struct waiting){0};
}

static struct waiting *waiting_new(struct pending *q, uint64_t key)
{
	for (uint32_t i = 0; i < HOPS_WAITING; i++) {
		if (q->hops[i].key == 0) {
			q->hops[i] = (struct waiting){.key = key};
			q->n_hops++;
			return &q->hops[i];
		}
	}
	return NULL;
}

void node_resolve(struct worker *w, struct pkt *p)
{
	const struct iface *iface = net_iface(w->net, p->iface);
	struct pending *q = w->pending;
	uint64_t key = key_of(p->iface, p->next_hop);
	struct waiting *h = waiting_find(q, key);
	uint8_t mac[6];

	if (!iface) {
		worker_drop(w, p, STAT_DROP_PORT);
		return;
	}
	if (neighbour_find(
		    w->sh->neighbours, p->iface, p->next_hop, mac)) { /* answered meanwhile */
		node_output(w, p, iface, p->next_hop);
		return;
	}
	if (!h) {
		h = waiting_new(q, key);
		if (h) {
			h->asked_ns = w->now_ns;
			arp_request(w, iface, p->next_hop);
		}
	}
	if (!h || h->n >= QUEUE_MAX || q->n_packets >= QUEUED_MAX) {
		worker_drop(w, p, STAT_DROP_NEIGHBOUR_QUEUE);
		return;
	}
	p->next = NULL;
	if (h->n == 0)
		h->last = &h->first;
	*h->last = p;
	h->last = &p->next;
	h->n++;
	q->n_packets++;
}

static void waiting_retry(struct worker *w, struct waiting *h)
{
	const struct iface *iface = net_iface(w->net, h->key >> 32 & 0xffff);

	if (w->now_ns - h->asked_ns < RETRY_NS)
		return;
	if (!iface || ++h->tries >= TRIES_MAX) {
		count_add(&w->stats[STAT_DROP_NEIGHBOUR], h->n);
		queue_drop(w->pending, h);
		return;
	}
	h->asked_ns = w->now_ns;
	arp_request(w, iface, (uint32_t)h->key);
}

/* Asks again for entries in use that grow old, and forgets those that no longer answer. */
static void entry_age(struct worker *w, struct neighbour *e)
{
	uint64_t key = atomic_load_explicit(&e->key, memory_order_relaxed);
	uint64_t age = w->now_ns - e->heard_ns;
	const struct iface *iface;

	if (key == 0 || age < REFRESH_NS)
		return;
	iface = net_iface(w->net, key >> 32 & 0xffff);
	if (!iface || age > FORGET_NS) {
		atomic_store(&e->key, 0);
		return;
	}
	if (atomic_exchange(&e->used, false))
		arp_request(w, iface, (uint32_t)key);
}

void neighbour_tick(struct worker *w)
{
	struct pending *q = w->pending;

	for (uint32_t i = 0; i < HOPS_WAITING && q->n_hops; i++)
		if (q->hops[i].key)
			waiting_retry(w, &q->hops[i]);
	if (w->now_ns - q->scanned_ns < SCAN_NS)
		return;
	q->scanned_ns = w->now_ns;
	for (uint32_t s = 0; s < SETS; s++)
		for (uint32_t i = 0; i < WAYS; i++)
			entry_age(w, &w->sh->neighbours->sets[s][i]);
}
