#include "await.h"

#include "node/node.h"

/* Nobody counts alone: it may be one too many, never many. */
static bool has_room(const struct worker *w, const struct awaited *a, const struct pkt *p)
{
	return w->await.n < AWAIT_PACKETS &&
	       atomic_load_explicit(&a->packets, memory_order_relaxed) < AWAIT_SPI_PACKETS &&
	       atomic_load_explicit(&a->octets, memory_order_relaxed) + p->len <= AWAIT_SPI_OCTETS;
}

bool await_hold(struct worker *w, struct pkt *p)
{
	struct awaited *a = await_find(w->sh->awaited, p->spi);

	if (!a || awaited_is_over(a, w->now_ns) || !ipaddr_equal(a->from, ip_src(p->p - p->outer)))
		return false;
	/* With the SA there, only behind others: their order is to stay. */
	if (p->sa && atomic_load_explicit(&a->packets, memory_order_relaxed) == 0)
		return false;
	if (!has_room(w, a, p)) {
		if (p->sa)
			return false;
		worker_drop(w, p, STAT_DROP_AWAIT_QUEUE);
		return true;
	}
	(void)atomic_fetch_add_explicit(&a->packets, 1, memory_order_relaxed);
	(void)atomic_fetch_add_explicit(&a->octets, p->len, memory_order_relaxed);
	p->seq = w->now_ns;
	held_add(&w->await, p);
	worker_count(w, STAT_AWAITED);
	return true;
}

static bool is_of(const struct pkt *p, const void *spi)
{
	return p->spi == *(const uint32_t *)spi;
}

void await_release(struct worker *w, uint32_t spi)
{
	struct awaited *a = await_find(w->sh->awaited, spi);

	if (a)
		atomic_store(&a->over, true);
	held_go_on(w, held_take(&w->await, is_of, &spi));
}

static bool is_late(const struct pkt *p, const void *worker)
{
	const struct worker *w = worker;

	return w->now_ns - p->seq >= AWAIT_HELD_NS;
}

static bool has_sa(const struct pkt *p, const void *worker)
{
	const struct worker *w = worker;
	const struct awaited *a = await_find(w->sh->awaited, p->spi);

	return (!a || atomic_load(&a->over)) && sad_find(&w->sh->sad, p->spi);
}

void await_tick(struct worker *w)
{
	if (w->await.n == 0)
		return;
	/* Its bucket moved here, or from here, meanwhile. */
	held_go_on(w, held_take(&w->await, has_sa, w));
	held_drop(w, held_take(&w->await, is_late, w), STAT_DROP_AWAIT_LATE);
}
