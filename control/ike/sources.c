#include "ike/sources.h"

#include "base/map.h"

#define EVENT 60000u /* one per minute is one of these per ms */

void source_key(const struct addr *a, uint8_t out[SOURCE_KEY])
{
	memset(out, 0, SOURCE_KEY);
	out[0] = a->family;
	memcpy(out + 1, a->b, a->family == 6 ? 8 : 4);
}

/* What is left of a debt after a while. */
static uint64_t debt_at(
	const struct sources *s, const struct source *x, enum source_event e, uint64_t now_ms)
{
	uint64_t paid;

	if (now_ms <= x->at_ms)
		return x->debt[e];
	paid = (now_ms - x->at_ms) * s->rate[e].per_minute;
	return paid >= x->debt[e] ? 0 : x->debt[e] - paid;
}

static uint64_t ceiling(const struct sources *s, enum source_event e)
{
	return (uint64_t)s->rate[e].burst * EVENT;
}

/* In thousandths of what is allowed, the worst kind: what makes it worth remembering. */
static uint64_t guilt(const struct sources *s, const struct source *x, uint64_t now_ms)
{
	uint64_t most = 0;

	for (int e = 0; e < SOURCE_EVENTS; e++) {
		uint64_t of = ceiling(s, (enum source_event)e);
		uint64_t d = debt_at(s, x, (enum source_event)e, now_ms);

		most = MAX(most, of ? d * 1000 / of : 0);
	}
	return most;
}

static struct source *find(const struct sources *s, const uint8_t key[SOURCE_KEY])
{
	/* Callers that only read do not write through it. */
	struct sources *all = (struct sources *)(uintptr_t)s;
	struct source *set = all->v[map_hash(key, SOURCE_KEY) % SOURCES_SETS];

	for (size_t i = 0; i < SOURCES_WAYS; i++)
		if (memcmp(set[i].key, key, SOURCE_KEY) == 0)
			return &set[i];
	return NULL;
}

static struct source *make(struct sources *s, const uint8_t key[SOURCE_KEY], uint64_t now_ms)
{
	struct source *set = s->v[map_hash(key, SOURCE_KEY) % SOURCES_SETS], *least = &set[0];
	uint64_t least_guilt = guilt(s, least, now_ms);

	for (size_t i = 1; i < SOURCES_WAYS && least->key[0] != 0; i++) {
		uint64_t g = guilt(s, &set[i], now_ms);

		if (set[i].key[0] != 0 && g >= least_guilt)
			continue;
		least = &set[i];
		least_guilt = g;
	}
	*least = (struct source){.at_ms = now_ms};
	memcpy(least->key, key, SOURCE_KEY);
	return least;
}

bool sources_add(struct sources *s, const struct addr *from, enum source_event e, uint64_t now_ms)
{
	uint8_t key[SOURCE_KEY];
	struct source *x;
	bool fits;

	source_key(from, key);
	x = find(s, key);
	if (!x)
		x = make(s, key, now_ms);
	for (int i = 0; i < SOURCE_EVENTS; i++)
		x->debt[i] = debt_at(s, x, (enum source_event)i, now_ms);
	x->at_ms = MAX(x->at_ms, now_ms);
	fits = x->debt[e] + EVENT <= ceiling(s, e);
	/* What was refused costs nothing more: who slows down is let in again at once. */
	if (fits)
		x->debt[e] += EVENT;
	return fits;
}

bool sources_over(
	const struct sources *s, const struct addr *from, enum source_event e, uint64_t now_ms)
{
	uint8_t key[SOURCE_KEY];
	const struct source *x;

	source_key(from, key);
	x = find(s, key);
	return x && debt_at(s, x, e, now_ms) + EVENT > ceiling(s, e);
}
