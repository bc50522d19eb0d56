#include "ike/claims.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/map.h"
#include "ike/engine.h"

/* By family, then as numbers. */
static int addr_order(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof *a);
}

static int order(const struct claim *a, const struct claim *b)
{
	int o = addr_order(&a->range->lo, &b->range->lo);

	return o ? o : ((uintptr_t)a > (uintptr_t)b) - ((uintptr_t)a < (uintptr_t)b);
}

static void refresh(struct claim *c)
{
	c->last = &c->range->hi;
	if (c->left && addr_order(c->left->last, c->last) > 0)
		c->last = c->left->last;
	if (c->right && addr_order(c->right->last, c->last) > 0)
		c->last = c->right->last;
}

/* Those before `at`, and the rest. */
static void split(
	struct claim *root, const struct claim *at, struct claim **before, struct claim **after)
{
	if (!root) {
		*before = *after = NULL;
		return;
	}
	if (order(root, at) < 0) {
		split(root->right, at, &root->right, after);
		*before = root;
	} else {
		split(root->left, at, before, &root->left);
		*after = root;
	}
	refresh(root);
}

/* All of a are before all of b. */
static struct claim *join(struct claim *a, struct claim *b)
{
	if (!a || !b)
		return a ? a : b;
	if (a->rank > b->rank) {
		a->right = join(a->right, b);
		refresh(a);
		return a;
	}
	b->left = join(a, b->left);
	refresh(b);
	return b;
}

static struct claim *insert(struct claim *root, struct claim *c)
{
	if (!root || c->rank > root->rank) {
		split(root, c, &c->left, &c->right);
		root = c;
	} else if (order(c, root) < 0) {
		root->left = insert(root->left, c);
	} else {
		root->right = insert(root->right, c);
	}
	refresh(root);
	return root;
}

static struct claim *erase(struct claim *root, const struct claim *c)
{
	if (!root)
		return NULL;
	if (root == c)
		return join(root->left, root->right);
	if (order(c, root) < 0)
		root->left = erase(root->left, c);
	else
		root->right = erase(root->right, c);
	refresh(root);
	return root;
}

int claims_add(struct child *c)
{
	struct tunnel *of = c->tunnel ? c->tunnel->of : NULL;

	if (!of || c->claims)
		return 0;
	c->claims = calloc(MAX(c->remote_ts->n, 1u), sizeof *c->claims);
	if (!c->claims)
		return -ERR_NOMEM;
	for (uint32_t i = 0; i < c->remote_ts->n; i++) {
		const uint32_t name[] = {c->spi_in, i};
		struct claim *n = &c->claims[i];

		*n = (struct claim){.child = c,
			.range = &c->remote_ts->v[i],
			.rank = map_hash(name, sizeof name)};
		of->claims = insert(of->claims, n);
	}
	return 0;
}

void claims_remove(struct child *c)
{
	struct tunnel *of = c->tunnel ? c->tunnel->of : NULL;

	/* Without the configured tunnel the tree is gone, too. */
	for (uint32_t i = 0; of && c->claims && i < c->remote_ts->n; i++)
		of->claims = erase(of->claims, &c->claims[i]);
	free(c->claims);
	c->claims = NULL;
}

static bool any(const struct claim *root, const struct tsel *of,
	bool (*is_so)(const struct child *c, const void *ctx), const void *ctx)
{
	for (; root && addr_order(root->last, &of->lo) >= 0; root = root->right) {
		if (any(root->left, of, is_so, ctx))
			return true;
		if (addr_order(&root->range->lo, &of->hi) > 0)
			return false;
		if (addr_order(&root->range->hi, &of->lo) >= 0 && is_so(root->child, ctx))
			return true;
	}
	return false;
}

bool claims_any(const struct tunnel *t, const struct tsel *of,
	bool (*is_so)(const struct child *c, const void *ctx), const void *ctx)
{
	return any(t->claims, of, is_so, ctx);
}
