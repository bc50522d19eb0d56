#include "ike/fragment.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/secret.h"

struct fragments {
	uint32_t mid;
	uint16_t total, n;
	uint8_t first;
	uint8_t hash[16];
	size_t octets;
	uint32_t have; /* bit number - 1 */
	struct blob part[FRAGMENTS_MAX];
};

_Static_assert(FRAGMENTS_MAX <= 32, "one bit each");

static uint32_t bit_of(const struct fragment *f)
{
	return UINT32_C(1) << (f->number - 1);
}

int fragments_admit(const struct fragments *held, const struct fragment *f)
{
	if (f->total > FRAGMENTS_MAX)
		return -ERR_LIMIT;
	if (f->number == 0 || f->number > f->total)
		return -ERR_VALUE;
	if (!held || held->mid != f->mid || f->total > held->total)
		return 0;
	if (f->total < held->total)
		return -ERR_WRONG_STATE;
	return held->have & bit_of(f) ? -ERR_EXISTS : 0;
}

static void empty(struct fragments *h)
{
	for (size_t i = 0; i < FRAGMENTS_MAX; i++)
		secret_wipe_blob(&h->part[i]);
	*h = (struct fragments){.mid = h->mid};
}

static int begin(struct fragments **held, const struct fragment *f)
{
	struct fragments *h = *held;

	if (!h) {
		h = calloc(1, sizeof *h);
		if (!h)
			return -ERR_NOMEM;
		*held = h;
	}
	empty(h);
	h->mid = f->mid;
	h->total = f->total;
	return 0;
}

static void drop(struct fragments **held)
{
	fragments_free(*held);
	*held = NULL;
}

int fragments_add(struct fragments **held, const struct fragment *f)
{
	struct fragments *h = *held;
	int rc = fragments_admit(h, f);

	if (rc == 0 && (!h || h->mid != f->mid || h->total != f->total))
		rc = begin(held, f);
	if (rc < 0)
		return rc;
	h = *held;
	if (f->inner.n > FRAGMENTS_OCTETS_MAX - h->octets) {
		drop(held);
		return -ERR_LIMIT;
	}
	if (blob_copy(f->inner, &h->part[f->number - 1]) < 0)
		return -ERR_NOMEM;
	h->have |= bit_of(f);
	h->octets += f->inner.n;
	h->n++;
	if (f->number == 1) {
		h->first = f->first;
		memcpy(h->hash, f->hash, sizeof h->hash);
	}
	return h->n == h->total ? 0 : FRAGMENTS_WAIT;
}

size_t fragments_octets(const struct fragments *held)
{
	return held ? held->octets : 0;
}

int fragments_join(
	const struct fragments *held, uint8_t *room, size_t cap, struct fragments_whole *out)
{
	size_t at = 0;

	if (!held || held->n == 0 || held->n != held->total)
		return -ERR_WRONG_STATE;
	if (held->octets > cap)
		return -ERR_SPACE;
	for (size_t i = 0; i < held->total; i++) {
		const struct blob *b = &held->part[i];

		if (b->n)
			memcpy(room + at, b->p, b->n);
		at += b->n;
	}
	out->first = held->first;
	out->inner = view_of(room, at);
	memcpy(out->hash, held->hash, sizeof out->hash);
	return 0;
}

void fragments_free(struct fragments *held)
{
	if (!held)
		return;
	empty(held);
	free(held);
}
