#include "core/spd_index.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "core/hot.h"

enum { WANTS_PROTOCOL = 1, WANTS_SPORT = 2, WANTS_DPORT = 4 };

#define NO_ENTRY UINT32_MAX

struct key {
	struct ipaddr local, remote;
	uint16_t sport, dport;
	uint8_t protocol;
};

struct entry {
	struct key key;
	uint32_t policy;
	uint32_t next;
	bool exact; /* who has the key matches: nothing is left to verify */
};

/* Everything of one shape. */
struct shape {
	struct ipaddr local_mask, remote_mask;
	uint8_t wants;
	bool v4;
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

/* ---------------------------------------------------------------- keys */

static uint32_t hash(const struct key *k)
{
	uint64_t h = (k->local.lo << 32 ^ k->local.lo >> 32 ^ k->remote.lo) *
		     UINT64_C(0x9e3779b97f4a7c15);

	if (k->local.hi | k->remote.hi) {
		h ^= h >> 29;
		h ^= (k->local.hi ^ (k->remote.hi << 31 | k->remote.hi >> 33)) *
		     UINT64_C(0xc2b2ae3d27d4eb4f);
	}
	h ^= ((uint64_t)k->sport << 32 | (uint32_t)k->dport << 8 | k->protocol) *
	     UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	h *= UINT64_C(0xff51afd7ed558ccd);
	return (uint32_t)(h >> 32);
}

static bool key_equal(const struct key *a, const struct key *b)
{
	return ipaddr_equal(a->local, b->local) && ipaddr_equal(a->remote, b->remote) &&
	       a->sport == b->sport && a->dport == b->dport && a->protocol == b->protocol;
}

/* Of the shortest prefix that holds the whole range. */
static struct ipaddr cover(const struct selector *s)
{
	uint64_t hi = s->low.hi ^ s->high.hi, lo = s->low.lo ^ s->high.lo;

	return ipaddr_mask(hi	? (uint32_t)__builtin_clzll(hi)
			   : lo ? 64 + (uint32_t)__builtin_clzll(lo)
				: (uint32_t)IPADDR_BITS);
}

static bool is_one_port(const struct selector *s)
{
	return s->port_low == s->port_high;
}

static bool is_exact(const struct selector *s, struct ipaddr mask)
{
	struct ipaddr last = {s->low.hi | ~mask.hi, s->low.lo | ~mask.lo};
	bool prefix = ipaddr_equal(ipaddr_and(s->low, mask), s->low) && ipaddr_equal(s->high, last);

	return prefix && (is_one_port(s) || (s->port_low == 0 && s->port_high == UINT16_MAX));
}

static struct shape shape_of(const struct selector *local, const struct selector *remote)
{
	struct shape s = {.local_mask = cover(local),
		.remote_mask = cover(remote),
		.v4 = ipaddr_is_v4(local->low)};

	if (local->protocol || remote->protocol)
		s.wants |= WANTS_PROTOCOL;
	if (is_one_port(local))
		s.wants |= WANTS_SPORT;
	if (is_one_port(remote))
		s.wants |= WANTS_DPORT;
	return s;
}

static struct key key_of(
	const struct shape *s, const struct selector *local, const struct selector *remote)
{
	return (struct key){
		.local = ipaddr_and(local->low, s->local_mask),
		.remote = ipaddr_and(remote->low, s->remote_mask),
		.sport = s->wants & WANTS_SPORT ? local->port_low : 0,
		.dport = s->wants & WANTS_DPORT ? remote->port_low : 0,
		.protocol = local->protocol ? local->protocol : remote->protocol,
	};
}

/* ---------------------------------------------------------------- building */

static bool shape_equal(const struct shape *a, const struct shape *b)
{
	return ipaddr_equal(a->local_mask, b->local_mask) &&
	       ipaddr_equal(a->remote_mask, b->remote_mask) && a->wants == b->wants &&
	       a->v4 == b->v4;
}

/* Shapes are few, or bounded at least: 33 x 33 x 8 and 129 x 129 x 8. NULL: no memory. */
static struct shape *shape_find(struct spd_index *x, const struct shape *like)
{
	for (uint32_t i = 0; i < x->n_shapes; i++)
		if (shape_equal(&x->shapes[i], like))
			return &x->shapes[i];
	if (x->n_shapes == x->cap_shapes) {
		uint32_t cap = x->cap_shapes ? x->cap_shapes * 2 : 4;
		struct shape *more = realloc(x->shapes, cap * sizeof *more);

		if (!more)
			return NULL;
		x->shapes = more;
		x->cap_shapes = cap;
	}
	x->shapes[x->n_shapes] = *like;
	x->shapes[x->n_shapes].best = UINT32_MAX;
	return &x->shapes[x->n_shapes++];
}

typedef void pair_fn(struct spd_index *x, uint32_t policy, const struct selector *local,
	const struct selector *remote);

/* Two protocols, or families, that exclude each other match nothing, and get no entry. */
static void for_pairs(struct spd_index *x, uint32_t n, pair_fn *fn)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t l = 0; l < x->v[i]->n_local; l++)
			for (uint32_t r = 0; r < x->v[i]->n_remote; r++) {
				const struct selector *local = &x->v[i]->local[l];
				const struct selector *remote = &x->v[i]->remote[r];

				if (ipaddr_is_v4(local->low) != ipaddr_is_v4(remote->low) ||
					(local->protocol && remote->protocol &&
						local->protocol != remote->protocol))
					continue;
				fn(x, i, local, remote);
			}
}

static void pair_count(struct spd_index *x, uint32_t policy, const struct selector *local,
	const struct selector *remote)
{
	struct shape like = shape_of(local, remote), *s = shape_find(x, &like);

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
	struct shape like = shape_of(local, remote), *s = shape_find(x, &like);
	struct entry *e = &x->entries[x->n_entries];
	uint32_t *at;

	*e = (struct entry){key_of(s, local, remote), policy, NO_ENTRY,
		is_exact(local, s->local_mask) && is_exact(remote, s->remote_mask)};
	at = &s->buckets[hash(&e->key) & s->mask];
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

static struct key key_out(const struct shape *s, const struct flow *f)
{
	return (struct key){
		.local = ipaddr_and(f->src, s->local_mask),
		.remote = ipaddr_and(f->dst, s->remote_mask),
		.sport = s->wants & WANTS_SPORT ? f->sport : 0,
		.dport = s->wants & WANTS_DPORT ? f->dport : 0,
		.protocol = s->wants & WANTS_PROTOCOL ? f->proto : 0,
	};
}

static bool is_seen(const struct shape *s, const struct flow *f)
{
	return f->v4 == s->v4 && (f->has_ports || !(s->wants & (WANTS_SPORT | WANTS_DPORT)));
}

static uint32_t chain_find(const struct spd_index *x, uint32_t i, const struct key *k,
	const struct flow *f, uint32_t below)
{
	for (; i != NO_ENTRY && x->entries[i].policy < below; i = x->entries[i].next)
		if (key_equal(&x->entries[i].key, k) &&
			(x->entries[i].exact || selectors_match_out(x->v[x->entries[i].policy], f)))
			return x->entries[i].policy;
	return below;
}

/* What is not there yet is fetched for all before it is used for the first. */
static void shape_out(const struct spd_index *x, const struct shape *s, const struct flow *f,
	uint32_t n, uint32_t *out)
{
	struct key k[SPD_BURST] UNINITIALIZED;
	uint32_t at[SPD_BURST] UNINITIALIZED;

	for (uint32_t i = 0; i < n; i++) {
		k[i] = key_out(s, &f[i]);
		at[i] = hash(&k[i]) & s->mask;
		__builtin_prefetch(&s->buckets[at[i]]);
	}
	for (uint32_t i = 0; i < n; i++) {
		at[i] = s->buckets[at[i]];
		if (at[i] != NO_ENTRY)
			__builtin_prefetch(&x->entries[at[i]]);
	}
	for (uint32_t i = 0; i < n; i++)
		if (s->best < out[i] && is_seen(s, &f[i]))
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
