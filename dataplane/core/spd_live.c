#include "core/spd_live.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "core/spd_shape.h"

/* A local and a remote selector of an item. */
struct spd_live_pair {
	struct trie_leaf leaf;
	struct spd_key key;
	bool exact;
	struct spd_live_item *item;
	struct live_shape *shape;
};

struct live_shape {
	struct spd_shape of;
	uint32_t n;
	struct trie pairs;
};

struct shape_list {
	uint32_t n;
	struct live_shape *v[];
};

struct spd_live {
	struct retire retire;
	_Atomic(struct shape_list *) shapes;
	struct trie groups;
	uint32_t n;
	uint64_t work; /* of shapes that are gone, and looking for shapes */
};

static struct shape_list *shapes_of(const struct spd_live *x)
{
	return atomic_load_explicit(&x->shapes, memory_order_acquire);
}

struct spd_live *spd_live_new(const struct retire *retire)
{
	struct spd_live *x = calloc(1, sizeof *x);
	struct shape_list *none = calloc(1, sizeof *none);

	if (!x || !none) {
		free(x);
		free(none);
		return NULL;
	}
	x->retire = *retire;
	atomic_init(&x->shapes, none);
	return x;
}

static void item_free(struct trie_leaf *leaf)
{
	free(container_of(leaf, struct spd_live_item, of_group));
}

void spd_live_free(struct spd_live *x)
{
	struct shape_list *s = x ? shapes_of(x) : NULL;

	if (!x)
		return;
	for (uint32_t i = 0; i < s->n; i++) {
		trie_fini(&s->v[i]->pairs, NULL);
		free(s->v[i]);
	}
	free(s);
	trie_fini(&x->groups, item_free);
	free(x);
}

/* ---------------------------------------------------------------- shapes */

static void retire(struct spd_live *x, void *memory)
{
	x->retire.memory(x->retire.ctx, memory);
}

/* A copy of the list without `out`, or with `in` behind. */
static bool shapes_change(struct spd_live *x, const struct live_shape *out, struct live_shape *in)
{
	struct shape_list *old = shapes_of(x), *fresh;

	fresh = malloc(sizeof *fresh + (old->n + 1) * sizeof(struct live_shape *));
	if (!fresh)
		return false;
	fresh->n = 0;
	for (uint32_t i = 0; i < old->n; i++)
		if (old->v[i] != out)
			fresh->v[fresh->n++] = old->v[i];
	if (in)
		fresh->v[fresh->n++] = in;
	atomic_store_explicit(&x->shapes, fresh, memory_order_release);
	retire(x, old);
	return true;
}

/* NULL: no memory. */
static struct live_shape *shape_get(struct spd_live *x, const struct spd_shape *like)
{
	const struct shape_list *s = shapes_of(x);
	struct live_shape *fresh;

	for (uint32_t i = 0; i < s->n; i++, x->work++)
		if (spd_shape_equal(&s->v[i]->of, like))
			return s->v[i];
	fresh = calloc(1, sizeof *fresh);
	if (!fresh)
		return NULL;
	fresh->of = *like;
	if (!shapes_change(x, NULL, fresh)) {
		free(fresh);
		return NULL;
	}
	return fresh;
}

/* Nothing has this shape any more. Without memory for the shorter list it stays, empty. */
static void shape_put(struct spd_live *x, struct live_shape *s)
{
	if (s->n != 0 || !shapes_change(x, s, NULL))
		return;
	x->work += s->pairs.work;
	retire(x, s);
}

/* ---------------------------------------------------------------- items */

static struct spd_live_item *item_new(const struct spd_live_spec *spec)
{
	const struct selectors *ts = spec->ts;
	size_t pairs = (size_t)ts->n_local * ts->n_remote;
	size_t selectors = (size_t)ts->n_local + ts->n_remote;
	struct spd_live_item *item = calloc(1, sizeof *item + pairs * sizeof(struct spd_live_pair) +
						       selectors * sizeof(struct selector));
	struct selector *room;

	if (!item)
		return NULL;
	item->pairs = (struct spd_live_pair *)(void *)(item + 1);
	room = (struct selector *)(void *)(item->pairs + pairs);
	memcpy(room, ts->local, ts->n_local * sizeof *room);
	memcpy(room + ts->n_local, ts->remote, ts->n_remote * sizeof *room);
	item->ts = (struct selectors){room, room + ts->n_local, ts->n_local, ts->n_remote};
	item->what = spec->what;
	item->group = spec->group;
	item->tag = spec->tag;
	item->order = spec->order;
	list_init(&item->link);
	return item;
}

static uint32_t group_hash(uint32_t group)
{
	uint32_t h = group * 0x9e3779b1u;

	return h ^ h >> 15;
}

static int pair_add(struct spd_live *x, struct spd_live_item *item, const struct selector *local,
	const struct selector *remote)
{
	struct spd_live_pair *p = &item->pairs[item->n_pairs];
	const struct spd_shape like = spd_shape_of(local, remote);
	struct live_shape *s;
	int rc;

	if (spd_pair_is_void(local, remote))
		return 0;
	s = shape_get(x, &like);
	if (!s)
		return -ERR_NOMEM;
	*p = (struct spd_live_pair){.key = spd_key_of(&like, local, remote),
		.exact = spd_is_exact(&like, local, remote),
		.item = item,
		.shape = s};
	p->leaf.hash = spd_key_hash(&p->key);
	p->leaf.order = item->order;
	rc = trie_add(&s->pairs, &p->leaf);
	if (rc < 0) {
		shape_put(x, s);
		return rc;
	}
	s->n++;
	item->n_pairs++;
	return 0;
}

static void pairs_remove(struct spd_live *x, struct spd_live_item *item)
{
	for (uint32_t i = 0; i < item->n_pairs; i++) {
		struct spd_live_pair *p = &item->pairs[i];

		trie_remove(&p->shape->pairs, &p->leaf, &x->retire);
		p->shape->n--;
		shape_put(x, p->shape);
	}
}

static int pairs_add(struct spd_live *x, struct spd_live_item *item)
{
	int rc = 0;

	for (uint32_t l = 0; l < item->ts.n_local && rc == 0; l++)
		for (uint32_t r = 0; r < item->ts.n_remote && rc == 0; r++)
			rc = pair_add(x, item, &item->ts.local[l], &item->ts.remote[r]);
	if (rc < 0)
		pairs_remove(x, item);
	return rc;
}

struct spd_live_item *spd_live_add(struct spd_live *x, const struct spd_live_spec *spec)
{
	struct spd_live_item *item = item_new(spec);

	if (!item)
		return NULL;
	item->of_group.hash = group_hash(item->group);
	item->of_group.order = item->order;
	if (trie_add(&x->groups, &item->of_group) < 0) {
		free(item);
		return NULL;
	}
	if (pairs_add(x, item) < 0) {
		trie_remove(&x->groups, &item->of_group, &x->retire);
		retire(x, item);
		return NULL;
	}
	x->n++;
	return item;
}

void spd_live_remove(struct spd_live *x, struct spd_live_item *item)
{
	pairs_remove(x, item);
	trie_remove(&x->groups, &item->of_group, &x->retire);
	list_del(&item->link);
	x->n--;
	retire(x, item);
}

uint32_t spd_live_count(const struct spd_live *x)
{
	return x->n;
}

uint64_t spd_live_work(const struct spd_live *x)
{
	const struct shape_list *s = shapes_of(x);
	uint64_t work = x->work + x->groups.work;

	for (uint32_t i = 0; i < s->n; i++)
		work += s->v[i]->pairs.work;
	return work;
}

uint32_t spd_live_shapes(const struct spd_live *x)
{
	return shapes_of(x)->n;
}

/* ---------------------------------------------------------------- looking up */

static const struct spd_live_item *shape_find(
	const struct live_shape *s, const struct flow *f, const struct spd_live_item *best)
{
	const struct spd_key k = spd_key_out(&s->of, f);

	for (struct trie_leaf *at = trie_get(&s->pairs, spd_key_hash(&k)); at; at = trie_next(at)) {
		const struct spd_live_pair *p = container_of(at, struct spd_live_pair, leaf);

		if (best && at->order <= best->order)
			break;
		if (spd_key_equal(&p->key, &k) &&
			(p->exact || selectors_match_out(&p->item->ts, f)))
			return p->item;
	}
	return best;
}

void *spd_live_find(const struct spd_live *x, const struct flow *f)
{
	const struct shape_list *s = shapes_of(x);
	const struct spd_live_item *best = NULL;

	for (uint32_t i = 0; i < s->n; i++)
		if (spd_shape_sees(&s->v[i]->of, f))
			best = shape_find(s->v[i], f, best);
	return best ? best->what : NULL;
}

void *spd_live_find_in(const struct spd_live *x, uint32_t group, const struct flow *f)
{
	for (struct trie_leaf *at = trie_get(&x->groups, group_hash(group)); at;
		at = trie_next(at)) {
		const struct spd_live_item *item = container_of(at, struct spd_live_item, of_group);

		if (item->group == group && selectors_match_out(&item->ts, f))
			return item->what;
	}
	return NULL;
}
