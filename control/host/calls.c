#include "host/calls.h"

#include <stdlib.h>

#include "host/ctl_server.h"

int calls_add(struct calls *c, struct ctl_call *call, uint64_t *request)
{
	if (c->n == c->cap) {
		size_t cap = c->cap + 8;
		struct calls_row *grown = realloc(c->rows, cap * sizeof(*grown));

		if (!grown)
			return -ERR_NOMEM;
		c->rows = grown;
		c->cap = cap;
	}
	*request = ++c->last;
	c->rows[c->n++] = (struct calls_row){*request, call};
	return 0;
}

struct ctl_call *calls_take(struct calls *c, uint64_t request)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->rows[i].request == request) {
			struct ctl_call *call = c->rows[i].call;

			c->rows[i] = c->rows[--c->n];
			return call;
		}
	return NULL;
}

void calls_fini(struct calls *c)
{
	while (c->n != 0)
		ctl_fail(c->rows[--c->n].call, "tandemd is going down");
	free(c->rows);
	*c = (struct calls){.last = c->last};
}
