#include "node/handover.h"

enum { QUEUE_MAX = 8192 };

static bool keep(struct worker *w, struct sa *sa, struct pkt *p, enum counter full)
{
	if (w->frozen.n >= QUEUE_MAX) {
		worker_drop(w, p, full);
		return false;
	}
	p->spi = sa->spi_in;
	held_add(&w->frozen, p);
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

/* What is released: of one group, or of any. */
struct choice {
	const struct worker *w;
	int rg;
	struct bucket_range r;
};

static bool is_in(const struct pkt *p, const void *choice)
{
	const struct choice *c = choice;
	uint32_t b = spi_bucket(p->spi, c->w->net->bucket_bits);

	return (c->rg == ANY_RG || (int)rg_of(c->w, p->spi) == c->rg) && b >= c->r.first &&
	       b <= c->r.last;
}

static void release(struct worker *w, int rg, struct bucket_range r)
{
	held_go_on(w, held_take(&w->frozen, is_in, &(struct choice){w, rg, r}));
}

void handover_release(struct worker *w, uint8_t rg, struct bucket_range r)
{
	release(w, rg, r);
}

void handover_release_held(struct worker *w)
{
	uint32_t bucket = (uint32_t)w->holding;

	if (w->holding < 0)
		return;
	w->holding = -1;
	release(w, ANY_RG, (struct bucket_range){bucket, bucket});
}
