/* The list of effects and the arena beneath it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/secret.h"
#include "core.h"

enum { CHUNK_MIN = 16384 };

struct ha_chunk {
	struct ha_chunk *next;
	size_t n, cap;
	uint8_t p[];
};

void ha_effects_init(struct ha_effects *fx)
{
	*fx = (struct ha_effects){0};
}

/* Bodies may hold keys, so used octets are wiped. Ordinary steps reuse one chunk. */
void ha_effects_clear(struct ha_effects *fx)
{
	struct ha_chunk *keep = NULL, *next;

	for (struct ha_chunk *c = fx->arena; c; c = next) {
		next = c->next;
		secret_wipe(c->p, c->n);
		c->n = 0;
		c->next = NULL;
		if (!keep && c->cap == CHUNK_MIN)
			keep = c;
		else
			free(c);
	}
	fx->arena = keep;
	fx->n = 0;
	fx->failed = false;
}

void ha_effects_fini(struct ha_effects *fx)
{
	ha_effects_clear(fx);
	free(fx->arena);
	free(fx->v);
	*fx = (struct ha_effects){0};
}

static uint8_t *arena_take(struct ha_effects *fx, size_t n)
{
	struct ha_chunk *c = fx->arena;
	size_t want = (n + 15) & ~(size_t)15;
	uint8_t *p;

	if (!c || c->cap - c->n < want) {
		size_t cap = MAX(want, (size_t)CHUNK_MIN);

		c = malloc(sizeof *c + cap);
		if (!c)
			return NULL;
		c->n = 0;
		c->cap = cap;
		c->next = fx->arena;
		fx->arena = c;
	}
	p = c->p + c->n;
	c->n += want;
	return p;
}

struct view ha_lend(struct ha *h, struct view v)
{
	uint8_t *p;

	if (v.n == 0)
		return (struct view){0};
	p = arena_take(h->fx, v.n);
	if (!p) {
		h->failed = true;
		return (struct view){0};
	}
	memcpy(p, v.p, v.n);
	return view_of(p, v.n);
}

/* When memory is out, effects go to a slot nobody reads and the step fails as a whole. */
struct ha_effect *ha_do(struct ha *h, enum ha_effect_type type)
{
	struct ha_effects *fx = h->fx;
	struct ha_effect *e;

	if (fx->n == fx->cap) {
		size_t cap = fx->cap ? fx->cap * 2 : 16;
		struct ha_effect *v = realloc(fx->v, cap * sizeof *v);

		if (!v) {
			h->failed = true;
			if (fx->cap == 0)
				abort(); /* not even the first 16: nothing can run */
			fx->n--;
		} else {
			fx->v = v;
			fx->cap = cap;
		}
	}
	e = &fx->v[fx->n++];
	*e = (struct ha_effect){.type = type};
	return e;
}

void ha_say(struct ha *h, enum log_level level, const char *event, const char *fmt, ...)
{
	char text[400];
	struct view lent;
	struct ha_effect *e;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	lent = ha_lend(h, view_of(text, strlen(text) + 1));
	e = ha_do(h, HA_DO_LOG);
	e->log.level = level;
	e->log.event = event;
	e->log.text = lent.p ? (const char *)lent.p : "";
}
