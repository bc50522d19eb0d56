#include "core/lpm.h"

#include <stdlib.h>

#include "base/err.h"

enum { ROOT = 65536, NODE = 256 };

/* A row of cells under one step of the address; addressed by index because nodes may move. */
struct level {
	uint32_t node; /* LPM_NONE: the root */
	uint32_t bits; /* of the address before and in this level */
};

struct lpm *lpm_new(void)
{
	struct lpm *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->root = malloc(ROOT * sizeof l->root[0]);
	l->root_len = calloc(ROOT, sizeof l->root_len[0]);
	if (!l->root || !l->root_len) {
		lpm_free(l);
		return NULL;
	}
	for (uint32_t i = 0; i < ROOT; i++)
		l->root[i] = LPM_NONE;
	return l;
}

void lpm_free(struct lpm *l)
{
	if (!l)
		return;
	free(l->root);
	free(l->root_len);
	free(l->cells);
	free(l->lens);
	free(l);
}

static int node_new(struct lpm *l, uint32_t value, uint8_t len, uint32_t *out)
{
	if (l->n_nodes == l->cap_nodes) {
		uint32_t cap = l->cap_nodes ? l->cap_nodes * 2 : 16;
		uint32_t *cells = realloc(l->cells, (size_t)cap * NODE * sizeof cells[0]);
		uint8_t *lens;

		if (!cells)
			return -ERR_NOMEM;
		l->cells = cells;
		lens = realloc(l->lens, (size_t)cap * NODE);
		if (!lens)
			return -ERR_NOMEM;
		l->lens = lens;
		l->cap_nodes = cap;
	}
	for (uint32_t i = 0; i < NODE; i++) {
		l->cells[l->n_nodes * NODE + i] = value;
		l->lens[l->n_nodes * NODE + i] = len;
	}
	*out = l->n_nodes++;
	return 0;
}

static uint32_t *cell_at(struct lpm *l, struct level at, uint32_t i)
{
	return at.node == LPM_NONE ? &l->root[i] : &l->cells[at.node * NODE + i];
}

static uint8_t *len_at(struct lpm *l, struct level at, uint32_t i)
{
	return at.node == LPM_NONE ? &l->root_len[i] : &l->lens[at.node * NODE + i];
}

/* Writes the value wherever nothing longer is, below nodes too. */
static void cells_fill(
	struct lpm *l, struct level at, uint32_t first, uint32_t n, uint64_t lenvalue)
{
	uint8_t len = (uint8_t)(lenvalue >> 32);

	for (uint32_t i = first; i < first + n; i++) {
		uint32_t *c = cell_at(l, at, i);

		if (*c != LPM_NONE && (*c & LPM_NODE)) {
			struct level below = {*c & ~LPM_NODE, at.bits + 8};

			cells_fill(l, below, 0, NODE, lenvalue);
		} else if (*len_at(l, at, i) <= len) {
			*c = (uint32_t)lenvalue;
			*len_at(l, at, i) = len;
		}
	}
}

int lpm_add(struct lpm *l, uint32_t addr, uint32_t len, uint32_t value)
{
	struct level at = {LPM_NONE, 16};

	if (len > 32 || value >= LPM_NONE)
		return -ERR_VALUE;
	for (;;) {
		uint32_t width = at.bits == 16 ? ROOT : NODE;
		uint32_t i = addr >> (32 - at.bits) & (width - 1);
		uint32_t *c = cell_at(l, at, i);
		uint32_t node;

		if (len <= at.bits) {
			uint32_t n = 1u << (at.bits - len);

			n = n > width ? width : n;
			cells_fill(l, at, i & ~(n - 1), n, (uint64_t)len << 32 | value);
			return 0;
		}
		if (*c & LPM_NODE) {
			node = *c & ~LPM_NODE;
		} else {
			int rc = node_new(l, *c, *len_at(l, at, i), &node);

			if (rc < 0)
				return rc;
			*cell_at(l, at, i) = node | LPM_NODE;
		}
		at = (struct level){node, at.bits + 8};
	}
}
