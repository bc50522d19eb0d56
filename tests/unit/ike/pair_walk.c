#include "pair_walk.h"

#include <limits.h>

/* What a node does for itself happens in the order it was asked for. */
static bool may_run(const struct pair *p, const struct task *t)
{
	if (t->kind == TASK_PACKET || t->kind == TASK_DATA)
		return true;
	for (const struct task *o = p->first; o != t; o = o->next)
		if (o->kind != TASK_PACKET && o->kind != TASK_DATA && o->node == t->node)
			return false;
	return true;
}

static bool is_in(const uint32_t *v, unsigned n, uint32_t id)
{
	for (unsigned i = 0; i < n; i++)
		if (v[i] == id)
			return true;
	return false;
}

static int at_of(const struct pair_choice *c, uint32_t id)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->of[i] == id)
			return c->at[i];
	return -1;
}

static void options(struct pair *p, struct pair_choice *c)
{
	c->n = 0;
	for (const struct task *t = p->first; t; t = t->next) {
		if (!may_run(p, t))
			continue;
		assert_in_range(c->n, 0, WALK_WIDE - 1);
		c->of[c->n] = t->id;
		c->at[c->n++] = pair_task_at(p, t);
	}
}

/* What was walked already stays so until something happens at its node. */
static void sleep_on(struct pair_choice *c, const struct pair_choice *before)
{
	int at = at_of(before, before->chosen);

	c->n_sleep = 0;
	for (unsigned i = 0; i < before->n_sleep; i++)
		if (at_of(before, before->sleep[i]) != at)
			c->sleep[c->n_sleep++] = before->sleep[i];
}

static bool choose(struct pair_choice *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		c->chosen = c->of[i];
		if (!is_in(c->sleep, c->n_sleep, c->chosen))
			return true;
	}
	return false;
}

static void run(struct pair *p, uint32_t id)
{
	unsigned i = 0;

	for (const struct task *t = p->first; t && t->id != id; t = t->next)
		i++;
	assert_in_range(i, 0, pair_waiting(p) - 1);
	pair_step_at(p, i);
}

bool pair_walk(struct pair_walk *w, struct pair *p)
{
	unsigned depth = 0;

	while (p->first && depth < WALK_DEEP) {
		struct pair_choice *c = &w->v[depth];

		if (depth == w->n) {
			options(p, c);
			c->n_sleep = 0;
			if (depth > 0)
				sleep_on(c, c - 1);
			if (!choose(c))
				return false;
			w->n++;
		}
		run(p, c->chosen);
		depth++;
	}
	w->cut |= p->first != NULL;
	pair_settle(p);
	return true;
}

bool pair_walk_next(struct pair_walk *w)
{
	while (w->n > 0) {
		struct pair_choice *c = &w->v[w->n - 1];

		c->sleep[c->n_sleep++] = c->chosen;
		if (choose(c))
			return true;
		w->n--;
	}
	return false;
}

void pair_stroll_a_little(
	struct pair *p, unsigned steps, unsigned (*pick)(void *ctx, unsigned n), void *ctx)
{
	struct pair_choice c;

	while (p->first && steps-- > 0) {
		options(p, &c);
		run(p, c.of[pick(ctx, c.n)]);
	}
}

void pair_stroll(struct pair *p, unsigned (*pick)(void *ctx, unsigned n), void *ctx)
{
	pair_stroll_a_little(p, UINT_MAX, pick, ctx);
}

unsigned pair_die_anywhere(pair_death *story, int node)
{
	unsigned step = 0;

	do {
		(void)story(node, step, PAIR_LOSE_UNCOMMITTED);
	} while (story(node, step++, PAIR_KEEP_UNCOMMITTED));
	return step;
}
