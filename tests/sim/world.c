/* The clock, the heap of jobs, and what is random. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "models.h"
#include "node.h"
#include "peer.h"
#include "theme.h"

uint64_t rnd(struct world *w)
{
	uint64_t z = w->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t rnd_below(struct world *w, uint64_t n)
{
	return n ? rnd(w) % n : 0;
}

uint64_t rnd_between(struct world *w, uint64_t low, uint64_t high)
{
	return low + rnd_below(w, high - low + 1);
}

bool chance(struct world *w, uint32_t percent)
{
	return rnd_below(w, 100) < percent;
}

void world_random(struct world *w, void *out, size_t n)
{
	uint8_t *p = out;

	for (; n > 0; n -= n < 8 ? n : 8, p += 8) {
		uint64_t v = rnd(w);

		memcpy(p, &v, n < 8 ? n : 8);
	}
}

/* ---------------------------------------------------------------- jobs */

static bool job_before(const struct job *a, const struct job *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_swap(struct world *w, size_t a, size_t b)
{
	struct job t = w->heap[a];

	w->heap[a] = w->heap[b];
	w->heap[b] = t;
}

static void heap_push(struct world *w, struct job j)
{
	size_t i = w->n_heap++;

	if (w->n_heap > w->cap_heap) {
		w->cap_heap = w->cap_heap ? w->cap_heap * 2 : 256;
		w->heap = realloc(w->heap, w->cap_heap * sizeof *w->heap);
		if (!w->heap)
			abort();
	}
	w->heap[i] = j;
	for (; i > 0 && job_before(&w->heap[i], &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap_swap(w, i, (i - 1) / 2);
}

static struct job heap_pop(struct world *w)
{
	struct job top = w->heap[0];
	size_t i = 0;

	w->heap[0] = w->heap[--w->n_heap];
	for (;;) {
		size_t l = 2 * i + 1, r = l + 1, m = i;

		if (l < w->n_heap && job_before(&w->heap[l], &w->heap[m]))
			m = l;
		if (r < w->n_heap && job_before(&w->heap[r], &w->heap[m]))
			m = r;
		if (m == i)
			return top;
		heap_swap(w, i, m);
		i = m;
	}
}

void world_at(struct world *w, uint64_t delay, enum who who, uint32_t node, job_fn *fn, void *data)
{
	heap_push(w, (struct job){.at = w->now + delay,
			     .order = w->order++,
			     .fn = fn,
			     .who = who,
			     .node = node,
			     .life = who == WHO_WORLD ? 0 : w->proc[node][who].life,
			     .data = data});
}

static void job_run(struct world *w, struct job j)
{
	const struct proc *p = &w->proc[j.node][j.who];

	if (j.who != WHO_WORLD) {
		if (!p->up || p->life != j.life) {
			free(j.data);
			return;
		}
		if (p->stopped_ns > w->now) {
			j.at = p->stopped_ns; /* order kept: first come, first served */
			heap_push(w, j);
			return;
		}
	}
	w->jobs_done++;
	j.fn(w, j.node, j.data);
	free(j.data);
}

uint64_t node_clock(const struct world *w, uint32_t node)
{
	return w->now + w->offset[node];
}

bool proc_runs(const struct world *w, uint32_t node, enum who who)
{
	const struct proc *p = &w->proc[node][who];

	return p->up && p->stopped_ns <= w->now;
}

bool path_open(const struct world *w, enum path path, uint32_t from, uint32_t to)
{
	return !w->cut[path][from][to];
}

/* ---------------------------------------------------------------- words */

static void stamp(const struct world *w)
{
	printf("%10.3f ", (double)w->now / 1e6);
}

void world_say(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (!w->trace)
		return;
	stamp(w);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void world_violate(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->violation[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(w->violation, sizeof w->violation, fmt, ap);
	va_end(ap);
	if (w->trace) {
		stamp(w);
		printf("VIOLATION %s\n", w->violation);
	}
}

/* ---------------------------------------------------------------- life */

/* After a long time without an answer whoever waits asks again after 8 s, or 16. */
enum { RUN_MS = 9000, PATIENCE_MS = 12000 };

static void begin_calm(struct world *w, uint32_t node, void *data)
{
	(void)node;
	(void)data;
	w->calm = true;
	fault_heal_all(w);
}

struct world *world_new(
	const struct setting *s, uint64_t seed, const struct mutant *mutant, bool trace)
{
	struct world *w = calloc(1, sizeof *w);

	if (!w)
		abort();
	w->seed = seed;
	w->rng = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
	w->mutant = mutant;
	w->trace = trace;
	w->nodes = chance(w, 60) ? 2 : chance(w, 75) ? 3 : 4;
	w->two_node = w->nodes == 2;
	w->rgs = chance(w, 60) ? 1 : 2;
	w->peers = w->rgs * 2;
	w->begins = (uint32_t)rnd_below(w, BEGINS_END);
	w->pfs = chance(w, 10);
	w->reauth = seed % 7 == 5; /* no dice: the other worlds stay what they were */
	w->theme = theme_of(seed);
	w->leaves = theme_leaves(seed);
	if (w->theme == THEME_HUB || w->theme == THEME_MOVES || w->theme == THEME_TICKETS)
		w->begins = BEGINS_PEER;
	if (w->theme != THEME_NONE && w->theme != THEME_CLEARS)
		w->reauth = false;
	w->crypto = s->crypto;
	w->models = s->models;
	w->check = check_new(w);
	w->bus = bus_new(w);
	for (uint32_t n = 0; n < w->nodes; n++) {
		w->offset[n] = MSEC(1000) + rnd_below(w, MSEC(1000000));
		w->node[n] = node_new(w, n);
	}
	for (uint32_t p = 0; p < w->peers; p++)
		w->peer[p] = peer_new(w, p);
	w->end = MSEC(RUN_MS + CALM_MS + (w->leaves ? PATIENCE_MS : 0));
	fault_begin(w);
	nudge_begin(w);
	theme_begin(w);
	world_at(w, MSEC(RUN_MS), WHO_WORLD, 0, begin_calm, NULL);
	world_at(w, w->end - MSEC(100), WHO_WORLD, 0, check_nears_end, NULL);
	return w;
}

bool world_run(struct world *w)
{
	while (w->n_heap && !w->violation[0]) {
		struct job j = heap_pop(w);

		if (j.at > w->end) {
			free(j.data);
			break;
		}
		w->now = j.at;
		job_run(w, j);
	}
	if (!w->violation[0])
		check_at_end(w);
	return !w->violation[0];
}

void world_free(struct world *w)
{
	for (size_t i = 0; i < w->n_heap; i++)
		free(w->heap[i].data);
	for (uint32_t n = 0; n < w->nodes; n++)
		node_free(w->node[n]);
	for (uint32_t p = 0; p < w->peers; p++)
		peer_free(w->peer[p]);
	bus_free(w->bus);
	check_free(w->check);
	free(w->heap);
	free(w);
}
