/* What is committed, and who holds it (I1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_in.h"

const struct fact *fact_find(const struct world *w, uint32_t rg, struct view key)
{
	struct fact *f;

	HASH_FIND(hh, info(w, rg)->facts, key.p, key.n, f);
	return f;
}

static struct fact *fact_get(struct world *w, uint32_t rg, struct view key)
{
	struct rg_info *r = info(w, rg);
	struct fact *f;

	HASH_FIND(hh, r->facts, key.p, key.n, f);
	if (f)
		return f;
	f = calloc(1, sizeof *f);
	if (!f || key.n > FACT_KEY)
		abort();
	memcpy(f->key, key.p, key.n);
	f->key_n = (uint8_t)key.n;
	f->since_ns = w->now;
	HASH_ADD_KEYPTR(hh, r->facts, f->key, f->key_n, f);
	return f;
}

static void fact_set(struct fact *f, struct view body, bool dead, uint64_t index)
{
	f->dead = dead;
	f->index = index;
	if (!dead && view_equal(blob_view(&f->body), body))
		return;
	blob_fini(&f->body);
	if (!dead && blob_copy(body, &f->body) < 0)
		abort();
}

static const char *key_text(struct view key, char room[24])
{
	room[0] = (char)key.p[0];
	(void)view_hex(view_of(key.p + 1, key.n - 1u), room + 1, 23);
	return room;
}

static void tell(struct world *w, uint32_t n, const struct entry *p, const char *what)
{
	char line[400] = "", room[24];
	size_t at = 0;

	if (!w->trace)
		return;
	for (size_t i = 0; i < p->n && at < sizeof line - 32; i++)
		if (p->items[i].class == HA_CLASS_RECORD)
			at += (size_t)snprintf(line + at, sizeof line - at, " %s%s",
				p->items[i].tombstone ? "-" : "", key_text(p->items[i].key, room));
	world_say(w, "n%u %s %llu:%s", n, what, (unsigned long long)p->ticket, line);
}

/* ---------------------------------------------------------------- a new owner */

static void fact_kept(struct world *w, uint32_t n, uint32_t rg, const struct fact *f)
{
	struct ha_record r;
	bool has =
		ha_record_find(w->node[n]->ha, rg, HA_CLASS_RECORD, view_of(f->key, f->key_n), &r);
	char room[24];

	if (f->dead && has)
		world_violate(w, "I1 rg%u: n%u acts with %s, whose end was committed", rg, n,
			key_text(view_of(f->key, f->key_n), room));
	if (!f->dead && (!has || r.index < f->index))
		world_violate(w, "I1 rg%u: n%u acts without entry %llu, which was committed", rg, n,
			(unsigned long long)f->index);
	if (!f->dead && has && r.index == f->index && !view_equal(r.body, blob_view(&f->body)))
		world_violate(w, "I1 rg%u: n%u has another entry %llu", rg, n,
			(unsigned long long)f->index);
}

/* A record whose end was delivered but is not known to be committed is rightly missing. */
static bool ended(const struct world *w, uint32_t n, uint32_t rg, const struct fact *f)
{
	struct view key = view_of(f->key, f->key_n);
	struct ha_record r;

	return *table_at(&w->check->s->ends, digest_of(rg, key)) &&
	       !ha_record_find(w->node[n]->ha, rg, HA_CLASS_RECORD, key, &r);
}

void check_proposed(struct world *w, uint32_t n, const struct entry *p)
{
	tell(w, n, p, "proposes");
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].tombstone)
			*table_at(&w->check->s->ends, digest_of(p->rg, p->items[i].key)) = 1;
}

void log_is_kept(struct world *w, uint32_t n, uint32_t rg)
{
	struct rg_info *r = info(w, rg);
	struct fact *f, *next;

	if (r->tainted)
		return;
	map_foreach (r->facts, f, next)
		if (!ended(w, n, rg, f))
			fact_kept(w, n, rg, f);
}

void log_is_empty(struct world *w, uint32_t rg)
{
	struct rg_info *r = info(w, rg);
	struct fact *f, *next;

	map_foreach (r->facts, f, next) {
		HASH_DELETE(hh, r->facts, f);
		blob_fini(&f->body);
		free(f);
	}
}

void log_is_of(struct world *w, uint32_t n, uint32_t rg)
{
	const struct ha_rg *c = core_of(w, n, rg);
	struct rg_info *r = info(w, rg);
	struct ha_walk at = {0};
	struct ha_record rec;
	struct fact *f, *next;

	if (!c)
		return;
	map_foreach (r->facts, f, next) {
		if (f->dead || ha_record_find(w->node[n]->ha, rg, HA_CLASS_RECORD,
				       view_of(f->key, f->key_n), &rec))
			continue;
		fact_set(f, (struct view){0}, true, c->index);
	}
	/* what it has written since its claim is not committed yet */
	while (ha_record_next(w->node[n]->ha, rg, &at, &rec))
		if (rec.class == HA_CLASS_RECORD && rec.index <= MAX(c->claim_index, c->committed))
			fact_set(fact_get(w, rg, rec.key), rec.body, false, rec.index);
}

/* ---------------------------------------------------------------- commits */

/* Its end is on the way already. */
static bool ends_later(const struct entry *after, uint32_t rg, struct view key)
{
	for (; after; after = after->next)
		for (size_t i = 0; i < after->n; i++)
			if (after->rg == rg && after->items[i].tombstone &&
				view_equal(after->items[i].key, key))
				return true;
	return false;
}

static void held_by(struct world *w, uint32_t n, uint32_t m, const struct entry *p,
	const struct ha_item *it, uint64_t index)
{
	struct ha_record r;
	bool has = ha_record_find(w->node[m]->ha, p->rg, it->class, it->key, &r);
	bool good = it->tombstone ? !has || r.index > index : has && r.index >= index;
	const struct ha_rg *c = core_of(w, m, p->rg);

	if (!good && !it->tombstone && !has && ends_later(p->next, p->rg, it->key))
		return;
	if (!good && c)
		world_violate(w,
			"I1 rg%u: n%u lets go entry %llu, n%u has it not (it is at %llu of epoch "
			"%llu)",
			p->rg, n, (unsigned long long)index, m, (unsigned long long)c->index,
			(unsigned long long)c->epoch.number);
}

/* Every member of the owner's commit set that lives has it. */
static void held_by_all(struct world *w, uint32_t n, const struct entry *p, uint64_t index)
{
	const struct ha_rg *own = core_of(w, n, p->rg);

	for (uint32_t m = 0; own && m < w->nodes; m++) {
		if (!w->node[m]->ha || !ha_in_set(own, m) ||
			own->set_incarnation[m] != ha_incarnation(w->node[m]->ha))
			continue;
		for (size_t i = 0; i < p->n; i++)
			if (p->items[i].class == HA_CLASS_RECORD)
				held_by(w, n, m, p, &p->items[i], index);
	}
}

void check_committed(struct world *w, uint32_t n, const struct entry *p, uint64_t index)
{
	if (info(w, p->rg)->tainted)
		return;
	tell(w, n, p, "commits");
	check_alone(w, n, p->rg);
	held_by_all(w, n, p, index);
	for (size_t i = 0; i < p->n; i++) {
		const struct ha_item *it = &p->items[i];
		struct fact *f;

		if (it->class != HA_CLASS_RECORD)
			continue;
		f = fact_get(w, p->rg, it->key);
		if ((f->dead || f->index == 0) && !it->tombstone)
			esp_is_another(w, it->key);
		if (index < f->index)
			world_violate(w, "I1 entry %llu is committed on n%u after entry %llu",
				(unsigned long long)index, n, (unsigned long long)f->index);
		fact_set(f, it->body, it->tombstone, index);
	}
}
