#include "held.h"

#include "worker.h"

void held_init(struct held *h)
{
	h->n = 0;
	h->first = NULL;
	h->last = &h->first;
}

void held_add(struct held *h, struct pkt *p)
{
	p->next = NULL;
	*h->last = p;
	h->last = &p->next;
	h->n++;
}

struct pkt *held_take(
	struct held *h, bool (*wanted)(const struct pkt *, const void *), const void *arg)
{
	struct pkt **at = &h->first, *taken = NULL, **end = &taken;

	while (*at) {
		struct pkt *p = *at;

		if (!wanted(p, arg)) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->next = NULL;
		*end = p;
		end = &p->next;
		h->n--;
	}
	h->last = at;
	return taken;
}

void held_go_on(struct worker *w, struct pkt *chain)
{
	struct pkt *v[PKT_BURST];

	while (chain) {
		uint32_t n = 0;

		for (; chain && n < PKT_BURST; chain = chain->next)
			v[n++] = chain;
		worker_burst(w, v, n);
	}
}

void held_drop(struct worker *w, struct pkt *chain, enum counter why)
{
	while (chain) {
		struct pkt *p = chain;

		chain = p->next;
		worker_drop(w, p, why);
	}
}

void held_clear(struct worker *w, struct held *h)
{
	held_drop(w, h->first, STAT_DROP_WORKER_GONE);
	held_init(h);
}
