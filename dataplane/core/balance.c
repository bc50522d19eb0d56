#include "core/balance.h"

static bool is_member(uint32_t members, uint32_t worker)
{
	return worker < BALANCE_WORKERS && members >> worker & 1;
}

static uint32_t worker_least(const uint64_t *v, uint32_t members)
{
	uint32_t best = BALANCE_WORKERS;

	for (uint32_t i = 0; i < BALANCE_WORKERS; i++)
		if (is_member(members, i) && (best == BALANCE_WORKERS || v[i] < v[best]))
			best = i;
	return best;
}

static uint32_t worker_most(const uint64_t *v, uint32_t members)
{
	uint32_t best = BALANCE_WORKERS;

	for (uint32_t i = 0; i < BALANCE_WORKERS; i++)
		if (is_member(members, i) && (best == BALANCE_WORKERS || v[i] > v[best]))
			best = i;
	return best;
}

bool balance_next(
	const uint8_t *owner, uint32_t n, uint32_t members, uint32_t *at, struct balance_move *out)
{
	uint64_t count[BALANCE_WORKERS] = {0};
	uint32_t stray = n, least, most;

	for (uint32_t b = 0; b < n; b++) {
		if (is_member(members, owner[b]))
			count[owner[b]]++;
		else if (stray == n)
			stray = b;
	}
	least = worker_least(count, members);
	if (stray < n) {
		*out = (struct balance_move){stray, owner[stray], (uint8_t)least};
		return true;
	}
	most = worker_most(count, members);
	if (count[most] <= count[least] + 1)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t b = (*at + i) % n;

		if (owner[b] != most)
			continue;
		*at = b + 1;
		*out = (struct balance_move){b, (uint8_t)most, (uint8_t)least};
		return true;
	}
	return false;
}

struct loads {
	uint64_t of[BALANCE_WORKERS], all;
	uint32_t hot, cool;
	bool uneven;
};

static void loads_judge(struct loads *l, uint32_t members)
{
	l->hot = worker_most(l->of, members);
	l->cool = worker_least(l->of, members);
	l->uneven =
		l->of[l->hot] - l->of[l->cool] > l->all / (uint32_t)__builtin_popcount(members) / 4;
}

static void loads_sum(
	struct loads *l, const uint8_t *owner, const uint64_t *load, uint32_t n, uint32_t members)
{
	*l = (struct loads){0};
	for (uint32_t b = 0; b < n; b++) {
		if (!is_member(members, owner[b]))
			continue;
		l->of[owner[b]] += load[b];
		l->all += load[b];
	}
	loads_judge(l, members);
}

static bool is_chosen(const struct balance_move *v, uint32_t n, uint32_t bucket)
{
	for (uint32_t i = 0; i < n; i++)
		if (v[i].bucket == bucket)
			return true;
	return false;
}

struct table {
	const uint8_t *owner;
	const uint64_t *load;
	const uint8_t *rest; /* may be NULL */
	uint32_t n;
};

/* The heaviest bucket of the hottest worker that does not make the coolest one the hotter of both,
 * and is not among the k chosen; n when there is none. */
static uint32_t bucket_pick(
	const struct table *t, const struct loads *l, const struct balance_move *out, uint32_t k)
{
	uint64_t room = (l->of[l->hot] - l->of[l->cool]) / 2;
	uint32_t best = t->n;

	for (uint32_t b = 0; b < t->n; b++)
		if (t->owner[b] == l->hot && t->load[b] && t->load[b] <= room &&
			!(t->rest && t->rest[b]) && (best == t->n || t->load[b] > t->load[best]) &&
			!is_chosen(out, k, b))
			best = b;
	return best;
}

static uint32_t choose(const struct table *t, uint32_t members, struct balance_move *out)
{
	struct loads l;
	uint32_t k = 0;

	loads_sum(&l, t->owner, t->load, t->n, members);
	while (k < BALANCE_MOVES && l.uneven) {
		uint32_t b = bucket_pick(t, &l, out, k);

		if (b == t->n)
			break;
		out[k++] = (struct balance_move){b, (uint8_t)l.hot, (uint8_t)l.cool};
		l.of[l.hot] -= t->load[b];
		l.of[l.cool] += t->load[b];
		loads_judge(&l, members);
	}
	return k;
}

uint32_t balance_load_now(const uint8_t *owner, const uint64_t *load, uint32_t n, uint32_t members,
	struct balance_move out[BALANCE_MOVES])
{
	return choose(&(struct table){owner, load, NULL, n}, members, out);
}

uint32_t balance_load(struct balance_damper *d, const uint8_t *owner, const uint64_t *load,
	uint8_t *rest, uint32_t n, uint32_t members, struct balance_move out[BALANCE_MOVES])
{
	struct loads l;
	uint32_t moves;

	for (uint32_t b = 0; b < n; b++)
		if (rest[b])
			rest[b]--;
	loads_sum(&l, owner, load, n, members);
	d->over = l.uneven ? d->over + 1 : 0;
	if (d->over < BALANCE_CALM)
		return 0;
	moves = choose(&(struct table){owner, load, rest, n}, members, out);
	for (uint32_t i = 0; i < moves; i++)
		rest[out[i].bucket] = BALANCE_REST;
	if (moves)
		d->over = 0;
	return moves;
}
