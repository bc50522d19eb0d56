#include "core/spd_index.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "core/hot.h"
#include "core/spd_shape.h"

#define NO_ENTRY UINT32_MAX

struct entry {
	struct spd_key key;
	uint32_t policy;
	uint32_t next;
	bool exact; /* who has the key matches: nothing is left to verify */
};

/* Everything of one shape. */
struct shape {
	struct spd_shape of;
	uint32_t best;	  /* least policy in it */
	uint32_t n, mask; /* entries, buckets - 1 */
	uint32_t *buckets;
};

struct spd_index {
	const struct selectors *const *v;
	uint32_t n_shapes, cap_shapes, n_entries;
	bool failed; /* out of memory while it was built */
	struct shape *shapes;
	struct entry *entries;
	const struct selectors **copy;
};

/* ---------------------------------------------------------------- building */

/* Shapes are few, or bounded at least: 33 x 33 x 8 and 129 x 129 x 8. NULL: no memory. */
static struct shape *shape_find(struct spd_index *x, const struct spd_shape *like)
{
	for (uint32_t i = 0; i < x->n_shapes; i++)
		if (spd_shape_equal(&x->shapes[i].of, like))
			return &x->shapes[i];
	if (x->n_shapes == x->cap_shapes) {
		uint32_t cap = x->cap_shapes ? x->cap_shapes * 2 : 4;
		struct shape *more = realloc(x->shapes, cap * sizeof *more);

		if (!more)
			return NULL;
		x->shapes = more;
		x->cap_shapes = cap;
	}
	x->shapes[x->n_shapes] = (struct shape){.of = *like, .best = UINT32_MAX};
	return &x->shapes[x->n_shapes++];
}

typedef void pair_fn(struct spd_index *x, uint32_t policy, const struct selector *local,
	const struct selector *remote);

/* What matches nothing gets no entry. */
static void for_pairs(struct spd_index *x, uint32_t n, pair_fn *fn)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t l = 0; l < x->v[i]->n_local; l++)
			for (uint32_t r = 0; r < x->v[i]->n_remote; r++) {
				const struct selector *local = &x->v[i]->local[l];
				const struct selector *remote = &x->v[i]->remote[r];

				if (!spd_pair_is_void(local, remote))
					fn(x, i, local, remote);
			}
}

static void pair_count(struct spd_index *x, uint32_t policy, const struct selector *local,
	const struct selector *remote)
{
	const struct spd_shape like = spd_shape_of(local, remote);
	struct shape *s = shape_find(x, &like);

	if (!s) {
		x->failed = true;
		return;
	}
	s->best = MIN(s->best, policy);
	s->n++;
	x->n_entries++;
}

/* Chains are in order of preference, because policies come in it and are put last. */
static void pair_put(struct spd_index *x, uint32_t policy, const struct selector *local,
	const struct selector *remote)
{
	const struct spd_shape like = spd_shape_of(local, remote);
	struct shape *s = shape_find(x, &like);
	struct entry *e = &x->entries[x->n_entries];
	uint32_t *at;

	*e = (struct entry){spd_key_of(&like, local, remote), policy, NO_ENTRY,
		spd_is_exact(&like, local, remote)};
	at = &s->buckets[spd_key_hash(&e->key) & s->mask];
	e->next = *at;
	*at = x->n_entries++;
}

static int by_best(const void *a, const void *b)
{
	const struct shape *x = a, *y = b;

	return x->best < y->best ? -1 : x->best > y->best;
}

static bool tables_new(struct spd_index *x)
{
	for (uint32_t i = 0; i < x->n_shapes; i++) {
		struct shape *s = &x->shapes[i];
		uint32_t n = 8;

		while (n < 2 * s->n)
			n *= 2;
		s->mask = n - 1;
		s->buckets = malloc(n * sizeof s->buckets[0]);
		if (!s->buckets)
			return false;
		for (uint32_t k = 0; k < n; k++)
			s->buckets[k] = NO_ENTRY;
	}
	x->entries = calloc(x->n_entries ? x->n_entries : 1, sizeof x->entries[0]);
	return x->entries != NULL;
}

/* They were put first in first, so every chain is backwards. */
static void chains_turn(struct spd_index *x)
{
	for (uint32_t i = 0; i < x->n_shapes; i++)
		for (uint32_t k = 0; k <= x->shapes[i].mask; k++) {
			uint32_t *at = &x->shapes[i].buckets[k], e = *at, turned = NO_ENTRY;

			while (e != NO_ENTRY) {
				uint32_t next = x->entries[e].next;

				x->entries[e].next = turned;
				turned = e;
				e = next;
			}
			*at = turned;
		}
}

struct spd_index *spd_index_new(const struct selectors *const *v, uint32_t n)
{
	struct spd_index *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	x->copy = malloc((n ? n : 1) * sizeof x->copy[0]);
	if (!x->copy) {
		spd_index_free(x);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++)
		x->copy[i] = v[i];
	x->v = x->copy;
	for_pairs(x, n, pair_count);
	if (x->n_shapes)
		qsort(x->shapes, x->n_shapes, sizeof x->shapes[0], by_best);
	if (x->failed || !tables_new(x)) {
		spd_index_free(x);
		return NULL;
	}
	x->n_entries = 0;
	for_pairs(x, n, pair_put);
	chains_turn(x);
	return x;
}

void spd_index_free(struct spd_index *x)
{
	if (!x)
		return;
	for (uint32_t i = 0; i < x->n_shapes; i++)
		free(x->shapes[i].buckets);
	free(x->shapes);
	free(x->entries);
	free(x->copy);
	free(x);
}

/* ---------------------------------------------------------------- looking up */

static uint32_t chain_find(const struct spd_index *x, uint32_t i, const struct spd_key *k,
	const struct flow *f, uint32_t below)
{
	for (; i != NO_ENTRY && x->entries[i].policy < below; i = x->entries[i].next)
		if (spd_key_equal(&x->entries[i].key, k) &&
			(x->entries[i].exact || selectors_match_out(x->v[x->entries[i].policy], f)))
			return x->entries[i].policy;
	return below;
}

/* What is not there yet is fetched for all before it is used for the first. */
static void shape_out(const struct spd_index *x, const struct shape *s, const struct flow *f,
	uint32_t n, uint32_t *out)
{
	struct spd_key k[SPD_BURST] UNINITIALIZED;
	uint32_t at[SPD_BURST] UNINITIALIZED;

	for (uint32_t i = 0; i < n; i++) {
		k[i] = spd_key_out(&s->of, &f[i]);
		at[i] = spd_key_hash(&k[i]) & s->mask;
		__builtin_prefetch(&s->buckets[at[i]]);
	}
	for (uint32_t i = 0; i < n; i++) {
		at[i] = s->buckets[at[i]];
		if (at[i] != NO_ENTRY)
			__builtin_prefetch(&x->entries[at[i]]);
	}
	for (uint32_t i = 0; i < n; i++)
		if (s->best < out[i] && spd_shape_sees(&s->of, &f[i]))
			out[i] = chain_find(x, at[i], &k[i], &f[i], out[i]);
}

void spd_index_out(const struct spd_index *x, const struct flow *f, uint32_t n, uint32_t *out)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = SPD_NONE;
	for (uint32_t i = 0; i < x->n_shapes; i++)
		shape_out(x, &x->shapes[i], f, n, out);
}

uint32_t spd_index_shapes(const struct spd_index *x)
{
	return x->n_shapes;
}
