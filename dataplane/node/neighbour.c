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

/* Readers take tag, address, MAC and the tag again: it changes with every other user of the entry.
 */
struct neighbour {
	_Atomic uint64_t tag; /* 0 = free; BUSY | interface | number of uses */
	_Atomic uint64_t hi, lo;
	_Atomic uint64_t mac;
	uint64_t heard_ns; /* worker 0's */
	_Atomic bool used;
};

#define BUSY	   (UINT64_C(1) << 63)
#define IFACE_MASK (UINT64_C(0xffff) << 32)

struct neighbours {
	struct neighbour sets[SETS][WAYS];
};

/* A next hop that has not answered yet. */
struct waiting {
	bool used;
	uint16_t iface;
	struct ipaddr addr;
	uint64_t asked_ns;
	uint32_t tries, n;
	struct pkt *first, **last;
};

struct pending {
	struct waiting hops[HOPS_WAITING];
	uint32_t n_hops, n_packets;
	uint32_t uses; /* of entries, so far: no two have one tag */
	uint64_t scanned_ns;
};

static uint64_t tag_of(uint16_t iface)
{
	return BUSY | (uint64_t)iface << 32;
}

static bool tag_is_of(uint64_t tag, uint16_t iface)
{
	return (tag & (BUSY | IFACE_MASK)) == tag_of(iface);
}

static uint16_t tag_iface(uint64_t tag)
{
	return (uint16_t)(tag >> 32);
}

static struct neighbour *set_of(const struct neighbours *n, uint16_t iface, struct ipaddr addr)
{
	uint64_t h = (ipaddr_hash(addr) ^ iface) * UINT64_C(0x9e3779b97f4a7c15);

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
		if (q->hops[i].used)
			queue_drop(q, &q->hops[i]);
	free(q);
}

void neighbour_pass(struct worker *w, uint32_t to)
{
	struct pending *q = w->pending;

	w->sh->workers[to]->pending->uses = q->uses; /* not the lead yet: nobody else looks */
	atomic_store_explicit(&w->sh->lead, (uint8_t)to, memory_order_release);
	for (uint32_t i = 0; i < HOPS_WAITING && q->n_hops; i++) {
		struct waiting *h = &q->hops[i];

		while (h->used && h->first) {
			struct pkt *p = h->first;

			h->first = p->next;
			p->kind = PKT_RESOLVE;
			worker_hand(w, to, p);
		}
		if (h->used)
			queue_drop(q, h);
	}
}

void neighbour_clear(struct worker *w)
{
	struct pending *q = w->pending;

	for (uint32_t i = 0; i < HOPS_WAITING && q->n_hops; i++)
		if (q->hops[i].used) {
			count_add(&w->stats[STAT_DROP_WORKER_GONE], q->hops[i].n);
			queue_drop(q, &q->hops[i]);
		}
}

uint32_t pending_count(const struct pending *q)
{
	return q->n_packets;
}

static struct ipaddr addr_of(const struct neighbour *e)
{
	return (struct ipaddr){atomic_load_explicit(&e->hi, memory_order_acquire),
		atomic_load_explicit(&e->lo, memory_order_acquire)};
}

bool neighbour_find(const struct neighbours *n, uint16_t iface, struct ipaddr addr, uint8_t mac[6])
{
	struct neighbour *set = set_of(n, iface, addr);

	for (uint32_t i = 0; i < WAYS; i++) {
		struct neighbour *e = &set[i];
		uint64_t tag = atomic_load_explicit(&e->tag, memory_order_acquire), v;

		if (!tag_is_of(tag, iface) || !ipaddr_equal(addr_of(e), addr))
			continue;
		v = atomic_load_explicit(&e->mac, memory_order_acquire);
		if (atomic_load_explicit(&e->tag, memory_order_acquire) != tag)
			continue; /* reused for another in between */
		if (!atomic_load_explicit(&e->used, memory_order_relaxed))
			atomic_store_explicit(&e->used, true, memory_order_relaxed);
		for (uint32_t k = 0; k < 6; k++)
			mac[k] = (uint8_t)(v >> (8 * k));
		return true;
	}
	return false;
}

static bool entry_is(const struct neighbour *e, uint16_t iface, struct ipaddr addr)
{
	return tag_is_of(atomic_load_explicit(&e->tag, memory_order_relaxed), iface) &&
	       ipaddr_equal(addr_of(e), addr);
}

static struct neighbour *entry_of(struct neighbour *set, uint16_t iface, struct ipaddr addr)
{
	for (uint32_t i = 0; i < WAYS; i++)
		if (entry_is(&set[i], iface, addr))
			return &set[i];
	return NULL;
}

static void entry_mac(struct neighbour *e, const uint8_t *mac, uint64_t now_ns)
{
	uint64_t v = 0;

	for (uint32_t k = 0; k < 6; k++)
		v |= (uint64_t)mac[k] << (8 * k);
	atomic_store(&e->mac, v);
	e->heard_ns = now_ns;
}

/* For another neighbour: nobody finds it until it is whole. */
static void entry_take(
	struct neighbour *e, uint16_t iface, struct ipaddr addr, const uint8_t *mac, uint32_t use)
{
	atomic_store(&e->tag, 0);
	atomic_store(&e->used, false);
	atomic_store(&e->hi, addr.hi);
	atomic_store(&e->lo, addr.lo);
	entry_mac(e, mac, 0);
	atomic_store(&e->tag, tag_of(iface) | use);
}

/* A free entry of the set, or the one heard of longest ago. */
static struct neighbour *entry_victim(struct neighbour *set)
{
	struct neighbour *oldest = &set[0];

	for (uint32_t i = 0; i < WAYS; i++) {
		if (atomic_load_explicit(&set[i].tag, memory_order_relaxed) == 0)
			return &set[i];
		if (set[i].heard_ns < oldest->heard_ns)
			oldest = &set[i];
	}
	return oldest;
}

static struct waiting *waiting_find(struct pending *q, uint16_t iface, struct ipaddr addr)
{
	for (uint32_t i = 0; i < HOPS_WAITING && q->n_hops; i++)
		if (q->hops[i].used && q->hops[i].iface == iface &&
			ipaddr_equal(q->hops[i].addr, addr))
			return &q->hops[i];
	return NULL;
}

/* What waited here while the RG went elsewhere is not ours to send any more. */
static bool may_send(const struct worker *w, const struct iface *iface)
{
	uint8_t node;

	return iface->rg == 0 || gate_rg(w, iface->rg, &node) == GATE_ACT ||
	       atomic_load(&w->sh->rgs[iface->rg].handover) != NULL;
}

void neighbour_learn(struct worker *w, const struct iface *iface, struct ipaddr addr,
	const uint8_t *mac, bool create)
{
	struct neighbour *set = set_of(w->sh->neighbours, iface->slot, addr);
	struct neighbour *e = entry_of(set, iface->slot, addr);
	struct waiting *h = waiting_find(w->pending, iface->slot, addr);

	if (!iface_reaches(iface, addr) || (!e && !h && !create))
		return;
	if (!e) {
		e = entry_victim(set);
		entry_take(e, iface->slot, addr, mac, w->pending->uses++);
	}
	entry_mac(e, mac, w->now_ns);
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

static struct waiting *waiting_new(struct pending *q, uint16_t iface, struct ipaddr addr)
{
	for (uint32_t i = 0; i < HOPS_WAITING; i++) {
		if (!q->hops[i].used) {
			q->hops[i] = (struct waiting){.used = true, .iface = iface, .addr = addr};
			q->n_hops++;
			return &q->hops[i];
		}
	}
	return NULL;
}

static void ask(struct worker *w, const struct iface *iface, struct ipaddr addr)
{
	if (ipaddr_is_v4(addr))
		arp_request(w, iface, ipaddr_to_v4(addr));
	else
		nd_solicit(w, iface, addr);
}

void node_resolve(struct worker *w, struct pkt *p)
{
	const struct iface *iface = net_iface(w->net, p->iface);
	struct pending *q = w->pending;
	struct ipaddr addr = ipaddr_load(p->p - RESOLVE_HDR);
	struct waiting *h = waiting_find(q, p->iface, addr);
	uint8_t mac[6];

	if (!iface) {
		worker_drop(w, p, STAT_DROP_PORT);
		return;
	}
	if (neighbour_find(w->sh->neighbours, p->iface, addr, mac)) { /* answered meanwhile */
		node_output(w, p, iface, addr);
		return;
	}
	if (!h) {
		h = waiting_new(q, p->iface, addr);
		if (h) {
			h->asked_ns = w->now_ns;
			ask(w, iface, addr);
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
	const struct iface *iface = net_iface(w->net, h->iface);

	if (w->now_ns - h->asked_ns < RETRY_NS)
		return;
	if (!iface || ++h->tries >= TRIES_MAX) {
		count_add(&w->stats[STAT_DROP_NEIGHBOUR], h->n);
		queue_drop(w->pending, h);
		return;
	}
	h->asked_ns = w->now_ns;
	ask(w, iface, h->addr);
}

/* Asks again for entries in use that grow old, and forgets those that no longer answer. */
static void entry_age(struct worker *w, struct neighbour *e)
{
	uint64_t tag = atomic_load_explicit(&e->tag, memory_order_relaxed);
	uint64_t age = w->now_ns - e->heard_ns;
	const struct iface *iface;

	if (tag == 0 || age < REFRESH_NS)
		return;
	iface = net_iface(w->net, tag_iface(tag));
	if (!iface || age > FORGET_NS) {
		atomic_store(&e->tag, 0);
		return;
	}
	if (atomic_exchange(&e->used, false))
		ask(w, iface, addr_of(e));
}

void neighbour_tick(struct worker *w)
{
	struct pending *q = w->pending;

	for (uint32_t i = 0; i < HOPS_WAITING && q->n_hops; i++)
		if (q->hops[i].used)
			waiting_retry(w, &q->hops[i]);
	if (w->now_ns - q->scanned_ns < SCAN_NS)
		return;
	q->scanned_ns = w->now_ns;
	for (uint32_t s = 0; s < SETS; s++)
		for (uint32_t i = 0; i < WAYS; i++)
			entry_age(w, &w->sh->neighbours->sets[s][i]);
}
