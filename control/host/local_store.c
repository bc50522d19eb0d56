#include "host/local_store.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/map.h"
#include "base/secret.h"

enum { KEY_MAX = 16 };

struct local_record {
	uint8_t key[KEY_MAX]; /* zero padded; keys of the engine never differ in trailing zeros only
			       */
	uint8_t key_len;
	uint32_t rg;
	struct blob body;
	UT_hash_handle hh;
};

static bool key_of(struct view key, uint8_t out[KEY_MAX])
{
	memset(out, 0, KEY_MAX);
	if (key.n == 0 || key.n > KEY_MAX)
		return false;
	memcpy(out, key.p, key.n);
	return true;
}

static struct local_record *find(const struct local_store *s, const uint8_t key[KEY_MAX])
{
	struct local_record *r;

	HASH_FIND(hh, s->head, key, KEY_MAX, r);
	return r;
}

int local_store_put(struct local_store *s, uint32_t rg, struct view key, struct view body)
{
	uint8_t padded[KEY_MAX];
	struct local_record *r;
	struct blob copy;

	if (!key_of(key, padded))
		return -ERR_VALUE;
	if (blob_copy(body, &copy) < 0)
		return -ERR_NOMEM;
	r = find(s, padded);
	if (!r) {
		r = calloc(1, sizeof *r);
		if (!r) {
			secret_wipe_blob(&copy);
			return -ERR_NOMEM;
		}
		memcpy(r->key, padded, KEY_MAX);
		r->key_len = (uint8_t)key.n;
		s->octets += key.n;
		HASH_ADD(hh, s->head, key, KEY_MAX, r);
		s->n++;
	}
	s->octets += copy.n - r->body.n;
	secret_wipe_blob(&r->body);
	r->body = copy;
	r->rg = rg;
	return 0;
}

static void drop(struct local_store *s, struct local_record *r)
{
	HASH_DEL(s->head, r);
	s->n--;
	s->octets -= r->key_len + r->body.n;
	secret_wipe_blob(&r->body);
	free(r);
}

void local_store_remove(struct local_store *s, struct view key)
{
	uint8_t padded[KEY_MAX];
	struct local_record *r = key_of(key, padded) ? find(s, padded) : NULL;

	if (r)
		drop(s, r);
}

bool local_store_find(const struct local_store *s, struct view key, struct view *body)
{
	uint8_t padded[KEY_MAX];
	const struct local_record *r = key_of(key, padded) ? find(s, padded) : NULL;

	if (r)
		*body = blob_view(&r->body);
	return r != NULL;
}

void local_store_each(const struct local_store *s,
	void (*each)(void *ctx, uint32_t rg, struct view key, struct view body), void *ctx)
{
	struct local_record *r, *tmp;

	map_foreach (s->head, r, tmp)
		each(ctx, r->rg, view_of(r->key, r->key_len), blob_view(&r->body));
}

void local_store_fini(struct local_store *s)
{
	struct local_record *r, *tmp;

	map_foreach (s->head, r, tmp)
		drop(s, r);
}
