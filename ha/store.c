#include "store.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/secret.h"

/* Bodies hold keys: wiped before they are freed. */
static void blob_wipe(struct blob *b)
{
	if (b->p)
		secret_wipe(b->p, b->n);
	blob_fini(b);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h ^= v;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint64_t mix_octets(uint64_t h, const uint8_t *p, size_t n)
{
	uint64_t w = 0;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = mix(h, w);
	}
	w = n;
	for (size_t i = 0; i < n; i++)
		w = w << 8 | p[i];
	return mix(h, w);
}

/* Not cryptographic: it finds our mistakes, forgery is the seal's business. */
static uint64_t rec_sum(const struct ha_rec *r, uint64_t seed)
{
	uint64_t h = mix(mix(seed, r->index), r->epoch);

	h = mix_octets(h, r->id, r->id_n);
	h = mix_octets(h, r->body.p, r->body.n);
	h = mix_octets(h, r->extra.p, r->extra.n);
	return mix(h, r->body.n);
}

static void digest_add(struct ha_store *s, const struct ha_rec *r)
{
	s->digest.records++;
	s->digest.sum += rec_sum(r, 1);
	s->digest.sum2 += rec_sum(r, 2);
	s->octets += r->body.n;
}

static void digest_drop(struct ha_store *s, const struct ha_rec *r)
{
	s->digest.records--;
	s->digest.sum -= rec_sum(r, 1);
	s->digest.sum2 -= rec_sum(r, 2);
	s->octets -= r->body.n;
}

bool ha_digest_equal(const struct ha_digest *a, const struct ha_digest *b)
{
	return a->records == b->records && a->sum == b->sum && a->sum2 == b->sum2;
}

void ha_store_init(struct ha_store *s)
{
	*s = (struct ha_store){0};
	list_init(&s->order);
	list_init(&s->cursors);
}

/* No cursor may be left pointing at a record that moves or goes. */
static void rec_unlink(struct ha_store *s, struct ha_rec *r)
{
	struct ha_cursor *c;

	list_foreach (c, &s->cursors, link) {
		bool alone = c->next == r && c->last == r;

		if (c->next == r)
			c->next = list_item(r->link.next, struct ha_rec, link);
		if (c->last == r)
			c->last = list_item(r->link.prev, struct ha_rec, link);
		if (alone)
			c->next = c->last = NULL;
	}
	list_del(&r->link);
}

static void rec_free(struct ha_store *s, struct ha_rec *r)
{
	if (!r->dead)
		digest_drop(s, r);
	rec_unlink(s, r);
	HASH_DEL(s->map, r);
	blob_wipe(&r->body);
	blob_fini(&r->extra);
	free(r);
}

void ha_store_clear(struct ha_store *s)
{
	struct ha_rec *r, *tmp;

	map_foreach (s->map, r, tmp)
		rec_free(s, r);
	s->filling = false;
}

void ha_store_fini(struct ha_store *s)
{
	ha_store_clear(s);
}

static struct ha_rec *rec_find(const struct ha_store *s, uint8_t class, struct view key)
{
	uint8_t id[256];
	struct ha_rec *r = NULL;

	if (key.n > sizeof id - 1)
		return NULL;
	id[0] = class;
	if (key.n)
		memcpy(id + 1, key.p, key.n);
	HASH_FIND(hh, s->map, id, key.n + 1, r);
	return r;
}

const struct ha_rec *ha_store_find(const struct ha_store *s, uint8_t class, struct view key)
{
	const struct ha_rec *r = rec_find(s, class, key);

	return r && !r->dead ? r : NULL;
}

static struct ha_rec *rec_new(struct ha_store *s, const struct ha_put *put)
{
	struct ha_rec *r;

	if (put->key.n > 255)
		return NULL;
	r = calloc(1, sizeof *r + put->key.n + 1);
	if (!r)
		return NULL;
	r->id[0] = put->class;
	if (put->key.n)
		memcpy(r->id + 1, put->key.p, put->key.n);
	r->id_n = (uint32_t)put->key.n + 1;
	r->dead = true;
	list_init(&r->link);
	HASH_ADD_KEYPTR(hh, s->map, r->id, r->id_n, r);
	list_add_tail(&s->order, &r->link);
	return r;
}

static int rec_fill(struct ha_store *s, struct ha_rec *r, const struct ha_put *put)
{
	struct blob body = {0}, extra = {0};
	int rc = blob_copy(put->body, &body);

	if (rc == 0)
		rc = blob_copy(put->extra, &extra);
	if (rc < 0) {
		blob_fini(&body);
		return rc;
	}
	if (!r->dead)
		digest_drop(s, r);
	blob_wipe(&r->body);
	blob_fini(&r->extra);
	r->body = body;
	r->extra = extra;
	r->index = put->index;
	r->epoch = put->epoch;
	r->dead = put->tombstone;
	if (!r->dead)
		digest_add(s, r);
	rec_unlink(s, r);
	list_add_tail(&s->order, &r->link);
	return 1;
}

int ha_store_put(struct ha_store *s, const struct ha_put *put)
{
	struct ha_rec *r = rec_find(s, put->class, put->key);
	int rc;

	if (r && r->index > put->index)
		return 0;
	if (put->tombstone && !s->filling) {
		if (r)
			rec_free(s, r);
		return 1;
	}
	if (!r)
		r = rec_new(s, put);
	if (!r)
		return -ERR_NOMEM;
	rc = rec_fill(s, r, put);
	if (rc < 0 && r->dead)
		rec_free(s, r);
	return rc;
}

void ha_store_settle(struct ha_store *s)
{
	struct ha_rec *r, *tmp;

	if (s->filling)
		map_foreach (s->map, r, tmp) {
			if (r->dead)
				rec_free(s, r);
		}
	s->filling = false;
}

void ha_cursor_begin(struct ha_store *s, struct ha_cursor *c)
{
	*c = (struct ha_cursor){0};
	list_add_tail(&s->cursors, &c->link);
	if (list_is_empty(&s->order))
		return;
	c->next = list_item(s->order.next, struct ha_rec, link);
	c->last = list_item(s->order.prev, struct ha_rec, link);
}

const struct ha_rec *ha_cursor_next(struct ha_store *s, struct ha_cursor *c)
{
	(void)s;
	while (c->next) {
		const struct ha_rec *r = c->next;

		if (c->next == c->last)
			c->next = c->last = NULL;
		else
			c->next = list_item(r->link.next, struct ha_rec, link);
		if (!r->dead)
			return r;
	}
	return NULL;
}

void ha_cursor_end(struct ha_cursor *c)
{
	if (c->link.next)
		list_del(&c->link);
	*c = (struct ha_cursor){0};
	list_init(&c->link);
}
