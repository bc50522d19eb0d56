#include "core/lpm6.h"

#include <stdlib.h>

#include "base/err.h"

enum { FIRST = 64 };

struct lpm6 *lpm6_new(void)
{
	struct lpm6 *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->cells = calloc(FIRST, sizeof l->cells[0]);
	l->mask = FIRST - 1;
	if (!l->cells) {
		free(l);
		return NULL;
	}
	return l;
}

void lpm6_free(struct lpm6 *l)
{
	if (!l)
		return;
	free(l->cells);
	free(l);
}

/* The cell of this prefix, or the empty one where it would be. */
static struct lpm6_cell *cell_find(
	struct lpm6_cell *cells, uint32_t mask, struct ipaddr prefix, uint32_t len)
{
	uint32_t i = (uint32_t)ipaddr_hash(prefix) + len;

	for (;; i++) {
		struct lpm6_cell *c = &cells[i & mask];

		if (!c->used || (c->len == len && ipaddr_equal(c->prefix, prefix)))
			return c;
	}
}

static int grow(struct lpm6 *l)
{
	uint32_t mask = 2 * l->mask + 1;
	struct lpm6_cell *more = calloc(mask + 1, sizeof *more);

	if (!more)
		return -ERR_NOMEM;
	for (uint32_t i = 0; i <= l->mask; i++)
		if (l->cells[i].used)
			*cell_find(more, mask, l->cells[i].prefix, l->cells[i].len) = l->cells[i];
	free(l->cells);
	l->cells = more;
	l->mask = mask;
	return 0;
}

static void len_note(struct lpm6 *l, uint8_t len)
{
	uint32_t at = 0;

	while (at < l->n_lens && l->lens[at] > len)
		at++;
	if (at < l->n_lens && l->lens[at] == len)
		return;
	memmove(&l->lens[at + 1], &l->lens[at], l->n_lens - at);
	l->lens[at] = len;
	l->n_lens++;
}

int lpm6_add(struct lpm6 *l, struct ipaddr addr, uint32_t len, uint32_t value)
{
	struct ipaddr prefix = ipaddr_and(addr, ipaddr_mask(len));
	struct lpm6_cell *c;

	if (len > IPADDR_BITS || value >= LPM_NONE)
		return -ERR_VALUE;
	if (2 * (l->n + 1) > l->mask) { /* at most half full: short probes */
		int rc = grow(l);

		if (rc < 0)
			return rc;
	}
	c = cell_find(l->cells, l->mask, prefix, len);
	if (!c->used)
		l->n++;
	*c = (struct lpm6_cell){prefix, value, (uint8_t)len, true};
	len_note(l, (uint8_t)len);
	return 0;
}

uint32_t lpm6_get(const struct lpm6 *l, struct ipaddr addr)
{
	for (uint32_t i = 0; i < l->n_lens; i++) {
		struct ipaddr prefix = ipaddr_and(addr, ipaddr_mask(l->lens[i]));
		const struct lpm6_cell *c = cell_find(l->cells, l->mask, prefix, l->lens[i]);

		if (c->used)
			return c->value;
	}
	return LPM_NONE;
}
