#include "policy/narrow.h"

#include <string.h>

/* What a combination selects: both ends with the protocol that both are of. False: nothing. */
static bool combine(const struct tsel *local, const struct tsel *remote, struct tsel_pair *out)
{
	uint8_t protocol = local->protocol ? local->protocol : remote->protocol;

	if (local->lo.family != remote->lo.family ||
		(remote->protocol != 0 && remote->protocol != protocol))
		return false;
	*out = (struct tsel_pair){*local, *remote};
	out->local.protocol = out->remote.protocol = protocol;
	return true;
}

static bool pair_contains(const struct tsel_pair *a, const struct tsel_pair *b)
{
	return tsel_contains(&a->local, &b->local) && tsel_contains(&a->remote, &b->remote);
}

static bool pair_intersect(
	const struct tsel_pair *a, const struct tsel_pair *b, struct tsel_pair *out)
{
	struct tsel local, remote;

	return tsel_intersect(&a->local, &b->local, &local) &&
	       tsel_intersect(&a->remote, &b->remote, &remote) && combine(&local, &remote, out);
}

bool narrow_meets(const struct tsel_pair *a, const struct tsel_pair *b)
{
	struct tsel_pair x, y, both;

	return combine(&a->local, &a->remote, &x) && combine(&b->local, &b->remote, &y) &&
	       pair_intersect(&x, &y, &both);
}

static bool allows(const struct tsel_pair *allowed, uint32_t n, const struct tsel *local,
	const struct tsel *remote)
{
	struct tsel_pair one;

	if (!combine(local, remote, &one))
		return true; /* nothing is always allowed */
	for (uint32_t i = 0; i < n; i++)
		if (pair_contains(&allowed[i], &one))
			return true;
	return false;
}

bool narrow_within(const struct tsel_sides *s, const struct tsel_pair *allowed, uint32_t n)
{
	for (uint32_t l = 0; l < s->n_local; l++)
		for (uint32_t r = 0; r < s->n_remote; r++)
			if (!allows(allowed, n, &s->local[l], &s->remote[r]))
				return false;
	return true;
}

bool narrow_covers(const struct tsel_sides *s, const struct tsel_pair *p)
{
	struct tsel_pair whole, one;

	if (!combine(&p->local, &p->remote, &one))
		return true;
	for (uint32_t l = 0; l < s->n_local; l++)
		for (uint32_t r = 0; r < s->n_remote; r++)
			if (combine(&s->local[l], &s->remote[r], &whole) &&
				pair_contains(&whole, &one))
				return true;
	return false;
}

/* ---------------------------------------------------------------- the first choice */

/* The rank of the first combination of `wanted` that has something of that pair; UINT32_MAX: none.
 */
static uint32_t rank_of(const struct tsel_pair *allowed, const struct tsel_sides *wanted)
{
	struct tsel_pair one, both;

	for (uint32_t l = 0; l < wanted->n_local; l++)
		for (uint32_t r = 0; r < wanted->n_remote; r++)
			if (combine(&wanted->local[l], &wanted->remote[r], &one) &&
				pair_intersect(allowed, &one, &both))
				return l * NARROW_MAX + r;
	return UINT32_MAX;
}

/* Which pair the result begins with; n: none. */
static uint32_t base_of(
	const struct tsel_pair *allowed, uint32_t n, const struct tsel_sides *wanted)
{
	uint32_t best = UINT32_MAX, at = n;
	struct tsel_pair first;
	bool is_pair = wanted->n_local && wanted->n_remote &&
		       combine(&wanted->local[0], &wanted->remote[0], &first);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t rank;

		if (is_pair && pair_contains(&allowed[i], &first))
			return i;
		rank = rank_of(&allowed[i], wanted);
		if (rank < best) {
			best = rank;
			at = i;
		}
	}
	return at;
}

/* ---------------------------------------------------------------- both sides */

/* What of `wanted` lies in that pair: every combination of it is allowed. */
static void block_of(
	const struct tsel_pair *allowed, const struct tsel_sides *wanted, struct tsel_sides *out)
{
	out->n_local = tsel_narrow(
		&allowed->local, 1, wanted->local, wanted->n_local, out->local, NARROW_MAX);
	out->n_remote = tsel_narrow(
		&allowed->remote, 1, wanted->remote, wanted->n_remote, out->remote, NARROW_MAX);
}

static bool holds(const struct tsel *v, uint32_t n, const struct tsel *s)
{
	for (uint32_t i = 0; i < n; i++)
		if (tsel_contains(&v[i], s))
			return true;
	return false;
}

/* Adds what passes with all that is on the other side already. */
static void add(const struct tsel_pair *allowed, uint32_t n, const struct tsel_sides *block,
	struct tsel_sides *out)
{
	for (uint32_t i = 0; i < block->n_local && out->n_local < NARROW_MAX; i++) {
		bool fits = !holds(out->local, out->n_local, &block->local[i]);

		for (uint32_t r = 0; fits && r < out->n_remote; r++)
			fits = allows(allowed, n, &block->local[i], &out->remote[r]);
		if (fits)
			out->local[out->n_local++] = block->local[i];
	}
	for (uint32_t i = 0; i < block->n_remote && out->n_remote < NARROW_MAX; i++) {
		bool fits = !holds(out->remote, out->n_remote, &block->remote[i]);

		for (uint32_t l = 0; fits && l < out->n_local; l++)
			fits = allows(allowed, n, &out->local[l], &block->remote[i]);
		if (fits)
			out->remote[out->n_remote++] = block->remote[i];
	}
}

/* Without what is inside another one, or selects nothing with the other side. */
static uint32_t tidy(struct tsel *v, uint32_t n, const struct tsel *other, uint32_t n_other)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct tsel_pair p;
		bool used = false, inside = false;

		for (uint32_t k = 0; k < n_other && !used; k++)
			used = combine(&v[i], &other[k], &p);
		for (uint32_t k = 0; k < kept && !inside; k++)
			inside = tsel_contains(&v[k], &v[i]);
		for (uint32_t k = i + 1; k < n && !inside; k++)
			inside = tsel_contains(&v[k], &v[i]) && !tsel_equal(&v[k], &v[i]);
		if (used && !inside)
			v[kept++] = v[i];
	}
	return kept;
}

static bool covers_all(const struct tsel_sides *out, const struct tsel_sides *block)
{
	struct tsel_pair one;

	for (uint32_t l = 0; l < block->n_local; l++)
		for (uint32_t r = 0; r < block->n_remote; r++)
			if (combine(&block->local[l], &block->remote[r], &one) &&
				!narrow_covers(out, &one))
				return false;
	return true;
}

bool narrow(const struct tsel_pair *allowed, uint32_t n, const struct tsel_sides *wanted,
	struct tsel_sides *out, bool *more)
{
	uint32_t base = base_of(allowed, n, wanted);
	struct tsel_sides got, block;

	if (base == n)
		return false;
	block_of(&allowed[base], wanted, &got);
	for (uint32_t i = 0; i < n; i++) {
		if (i == base)
			continue;
		block_of(&allowed[i], wanted, &block);
		if (block.n_local && block.n_remote)
			add(allowed, n, &block, &got);
	}
	got.n_local = tidy(got.local, got.n_local, got.remote, got.n_remote);
	got.n_remote = tidy(got.remote, got.n_remote, got.local, got.n_local);
	*more = false;
	for (uint32_t i = 0; i < n && !*more; i++) {
		block_of(&allowed[i], wanted, &block);
		*more = !covers_all(&got, &block);
	}
	*out = got;
	return true;
}
