#include "await.h"

#include "node/node.h"

void await_init(struct await *a)
{
	a->n = 0;
	a->first = NULL;
	a->last = &a->first;
}

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
	p->next = NULL;
	*w->await.last = p;
	w->await.last = &p->next;
	w->await.n++;
	worker_count(w, STAT_AWAITED);
	return true;
}

/* Takes out what `wanted` says, in order. */
static struct pkt *take(struct worker *w,
	bool (*wanted)(const struct worker *, const struct pkt *, uint32_t), uint32_t arg)
{
	struct pkt **at = &w->await.first, *taken = NULL, **end = &taken;

	while (*at) {
		struct pkt *p = *at;

		if (!wanted(w, p, arg)) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->next = NULL;
		*end = p;
		end = &p->next;
		w->await.n--;
	}
	w->await.last = at;
	return taken;
}

static void go_on(struct worker *w, struct pkt *p)
{
	struct pkt *v[PKT_BURST];

	while (p) {
		uint32_t n = 0;

		for (; p && n < PKT_BURST; p = p->next)
			v[n++] = p;
		worker_burst(w, v, n);
	}
}

static bool is_of(const struct worker *w, const struct pkt *p, uint32_t spi)
{
	(void)w;
	return p->spi == spi;
}

void await_release(struct worker *w, uint32_t spi)
{
	struct awaited *a = await_find(w->sh->awaited, spi);

	if (a)
		atomic_store(&a->over, true);
	go_on(w, take(w, is_of, spi));
}

static bool is_late(const struct worker *w, const struct pkt *p, uint32_t unused)
{
	(void)unused;
	return w->now_ns - p->seq >= AWAIT_HELD_NS;
}

static bool has_sa(const struct worker *w, const struct pkt *p, uint32_t unused)
{
	const struct awaited *a = await_find(w->sh->awaited, p->spi);

	(void)unused;
	return (!a || atomic_load(&a->over)) && sad_find(&w->sh->sad, p->spi);
}

void await_tick(struct worker *w)
{
	struct pkt *late;

	if (w->await.n == 0)
		return;
	go_on(w, take(w, has_sa, 0)); /* its bucket moved here, or from here, meanwhile */
	late = take(w, is_late, 0);
	while (late) {
		struct pkt *p = late;

		late = p->next;
		worker_drop(w, p, STAT_DROP_AWAIT_LATE);
	}
}

void await_clear(struct worker *w)
{
	while (w->await.first) {
		struct pkt *p = w->await.first;

		w->await.first = p->next;
		worker_drop(w, p, STAT_DROP_WORKER_GONE);
	}
	await_init(&w->await);
}
