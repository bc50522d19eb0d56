#include "node/handover.h"

#include <stdlib.h>

enum { QUEUE_MAX = 8192 };

/* First in, first out over all frozen buckets of this worker. */
struct freeze {
	uint32_t n;
	struct pkt *first, **last;
};

struct freeze *freeze_new(void)
{
	struct freeze *f = calloc(1, sizeof *f);

	if (f)
		f->last = &f->first;
	return f;
}

void freeze_free(struct freeze *f)
{
	if (!f)
		return;
	while (f->first) {
		struct pkt *p = f->first;

		f->first = p->next;
		pkt_free(p);
	}
	free(f);
}

static bool keep(struct worker *w, struct sa *sa, struct pkt *p, enum counter full)
{
	struct freeze *f = w->freeze;

	if (f->n >= QUEUE_MAX) {
		worker_drop(w, p, full);
		return false;
	}
	p->spi = sa->spi_in;
	p->next = NULL;
	*f->last = p;
	f->last = &p->next;
	f->n++;
	return true;
}

void handover_queue(struct worker *w, struct sa *sa, struct pkt *p)
{
	if (keep(w, sa, p, STAT_DROP_HANDOVER_QUEUE))
		worker_count(w, STAT_HANDOVER_QUEUED);
}

void handover_hold(struct worker *w, struct sa *sa, struct pkt *p)
{
	(void)keep(w, sa, p, STAT_DROP_MOVE_QUEUE);
}

void handover_clear(struct worker *w)
{
	struct freeze *f = w->freeze;

	while (f->first) {
		struct pkt *p = f->first;

		f->first = p->next;
		worker_drop(w, p, STAT_DROP_WORKER_GONE);
	}
	f->last = &f->first;
	f->n = 0;
}

void handover_mode(
	struct worker *w, struct rg_handover *h, struct bucket_range r, enum bucket_mode mode)
{
	for (uint32_t b = r.first; b <= r.last && b < h->n; b++)
		if (worker_of_bucket(w, b) == w->id)
			atomic_store(&h->mode[b], (uint8_t)mode);
}

enum { ANY_RG = -1 };

static uint32_t rg_of(const struct worker *w, uint32_t spi)
{
	const struct sa *sa = spi_is_manual(spi) ? sad_find(&w->sh->sad, spi) : NULL;

	return sa ? sa->rg : spi_rg(spi);
}

static bool is_in(const struct worker *w, const struct pkt *p, int rg, struct bucket_range r)
{
	uint32_t b = spi_bucket(p->spi, w->net->bucket_bits);

	return (rg == ANY_RG || (int)rg_of(w, p->spi) == rg) && b >= r.first && b <= r.last;
}

/* Takes the matching packets out of the queue, in order. */
static struct pkt *take_matching(struct worker *w, int rg, struct bucket_range r)
{
	struct freeze *f = w->freeze;
	struct pkt **at = &f->first, *taken = NULL, **end = &taken;

	while (*at) {
		struct pkt *p = *at;

		if (!is_in(w, p, rg, r)) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->next = NULL;
		*end = p;
		end = &p->next;
		f->n--;
	}
	f->last = at;
	return taken;
}

static void release(struct worker *w, struct pkt *p)
{
	struct pkt *v[PKT_BURST];

	while (p) {
		uint32_t n = 0;

		for (; p && n < PKT_BURST; p = p->next)
			v[n++] = p;
		worker_burst(w, v, n);
	}
}

void handover_release(struct worker *w, uint8_t rg, struct bucket_range r)
{
	release(w, take_matching(w, rg, r));
}

void handover_release_held(struct worker *w)
{
	uint32_t bucket = (uint32_t)w->holding;

	if (w->holding < 0)
		return;
	w->holding = -1;
	release(w, take_matching(w, ANY_RG, (struct bucket_range){bucket, bucket}));
}
