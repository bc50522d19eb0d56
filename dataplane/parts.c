#include "parts.h"

#include <stdlib.h>

#include "base/err.h"
#include "sad.h"

/* One for each SA: two of one peer may protect different things. */
struct part {
	struct policy_sas *sas;
	uint32_t peer;
	uint64_t order;
	struct selectors ts;
};

struct parts {
	struct spd_index *index;
	uint32_t n;
	struct part *v;	       /* the newest first */
	uint32_t *by_peer;     /* indices into v */
	struct selector *room; /* of all of v */
};

void parts_free(struct parts *p)
{
	if (!p)
		return;
	spd_index_free(p->index);
	free(p->v);
	free(p->by_peer);
	free(p->room);
	free(p);
}

/* ---- finding */

static struct policy_sas *find_of_peer(const struct parts *p, uint32_t peer, const struct flow *f)
{
	uint32_t lo = 0, hi = p->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (p->v[p->by_peer[mid]].peer < peer)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < p->n && p->v[p->by_peer[lo]].peer == peer; lo++)
		if (selectors_match_out(&p->v[p->by_peer[lo]].ts, f))
			return p->v[p->by_peer[lo]].sas;
	return NULL;
}

struct policy_sas *parts_find(const struct parts *p, uint32_t peer, const struct flow *f)
{
	uint32_t at;

	if (peer)
		return find_of_peer(p, peer, f);
	spd_index_out(p->index, f, 1, &at);
	return at == SPD_NONE ? NULL : p->v[at].sas;
}

/* ---- building */

static int newest_first(const void *x, const void *y)
{
	const struct part *a = x, *b = y;

	return a->order > b->order ? -1 : a->order < b->order;
}

static int peer_first(const void *x, const void *y, void *of)
{
	const struct part *v = of;
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	if (v[a].peer != v[b].peer)
		return v[a].peer < v[b].peer ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* How many SAs the parts of a policy have, and selectors. */
static uint32_t count(const struct policy_sas *whole, uint32_t *selectors)
{
	const struct policy_sas *p;
	uint32_t n = 0;

	*selectors = 0;
	list_foreach (p, &whole->parts_of, link) {
		const struct sa_set *set = atomic_load(&p->set);

		for (uint32_t i = 0; set && i < set->n; i++) {
			const struct selectors *ts = &sa_cold(set->v[i])->ts;

			*selectors += (uint32_t)ts->n_local + ts->n_remote;
			n++;
		}
	}
	return n;
}

/* A copy: the SA may go before its index does. */
static struct selector *ts_copy(
	struct selectors *to, const struct selectors *from, struct selector *room)
{
	memcpy(room, from->local, from->n_local * sizeof *room);
	memcpy(room + from->n_local, from->remote, from->n_remote * sizeof *room);
	*to = (struct selectors){room, room + from->n_local, from->n_local, from->n_remote};
	return room + from->n_local + from->n_remote;
}

static void fill(struct parts *x, struct policy_sas *whole)
{
	struct selector *room = x->room;
	struct policy_sas *p;

	list_foreach (p, &whole->parts_of, link) {
		const struct sa_set *set = atomic_load(&p->set);

		for (uint32_t i = 0; set && i < set->n; i++) {
			const struct sa_cold *cold = sa_cold(set->v[i]);
			struct part *to = &x->v[x->n++];

			to->sas = p;
			to->peer = p->peer;
			to->order = cold->order;
			room = ts_copy(&to->ts, &cold->ts, room);
		}
	}
	qsort(x->v, x->n, sizeof *x->v, newest_first);
	for (uint32_t i = 0; i < x->n; i++)
		x->by_peer[i] = i;
	qsort_r(x->by_peer, x->n, sizeof *x->by_peer, peer_first, x->v);
}

static int index_make(struct parts *x)
{
	const struct selectors **ts = calloc(x->n, sizeof *ts);

	for (uint32_t i = 0; ts && i < x->n; i++)
		ts[i] = &x->v[i].ts;
	if (ts)
		x->index = spd_index_new(ts, x->n);
	free(ts);
	return x->index ? 0 : -ERR_NOMEM;
}

int parts_build(struct policy_sas *whole, struct parts **out)
{
	uint32_t n_selectors, n = count(whole, &n_selectors);
	struct parts *x;

	*out = NULL;
	if (n == 0)
		return 0;
	x = calloc(1, sizeof *x);
	if (!x)
		return -ERR_NOMEM;
	x->v = calloc(n, sizeof *x->v);
	x->by_peer = calloc(n, sizeof *x->by_peer);
	x->room = calloc(n_selectors + 1u, sizeof *x->room);
	if (!x->v || !x->by_peer || !x->room) {
		parts_free(x);
		return -ERR_NOMEM;
	}
	fill(x, whole);
	if (index_make(x) < 0) {
		parts_free(x);
		return -ERR_NOMEM;
	}
	*out = x;
	return 0;
}
