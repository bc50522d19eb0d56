#include "slot_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { CELLS_MIN = 16 };

static void put(struct slot_cell *v, uint32_t mask, struct slot_cell cell)
{
	uint32_t h = slot_index_hash(cell.id);

	while (v[h & mask].id)
		h++;
	v[h & mask] = cell;
}

static int grow(struct slot_index *x)
{
	uint32_t cells = x->v ? 2 * (x->mask + 1) : CELLS_MIN;
	struct slot_cell *v = calloc(cells, sizeof *v);

	if (!v)
		return -ERR_NOMEM;
	for (uint32_t i = 0; x->v && i <= x->mask; i++)
		if (x->v[i].id)
			put(v, cells - 1, x->v[i]);
	free(x->v);
	x->v = v;
	x->mask = cells - 1;
	return 0;
}

int slot_index_put(struct slot_index *x, uint32_t id, uint16_t slot)
{
	if ((!x->v || 2 * x->n > x->mask) && grow(x) < 0)
		return -ERR_NOMEM;
	put(x->v, x->mask, (struct slot_cell){id, slot});
	x->n++;
	return 0;
}

void slot_index_clear(struct slot_index *x)
{
	if (x->v)
		memset(x->v, 0, (x->mask + 1) * sizeof *x->v);
	x->n = 0;
}

void slot_index_fini(struct slot_index *x)
{
	free(x->v);
	*x = (struct slot_index){0};
}
