#include "host/presence.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/secret.h"
#include "policy/rib.h"
#include "record.pb-c.h"

struct presence_child {
	uint32_t spi_in, rg, policy_id, selector_id, peer;
	bool doubtful;
	uint16_t n_nets;
	UT_hash_handle hh;
	struct list of_policy;
	struct prefix nets[];
};

struct presence_policy {
	uint32_t id;
	struct list children;
	UT_hash_handle hh;
};

struct presence_selector {
	uint32_t id, n; /* of children */
	UT_hash_handle hh;
};

static struct presence_child *child_find(const struct presence *p, uint32_t spi_in)
{
	struct presence_child *c;

	HASH_FIND(hh, p->children, &spi_in, sizeof spi_in, c);
	return c;
}

static struct presence_policy *policy_find(const struct presence *p, uint32_t id)
{
	struct presence_policy *found;

	HASH_FIND(hh, p->policies, &id, sizeof id, found);
	return found;
}

static struct presence_policy *policy_get(struct presence *p, uint32_t id)
{
	struct presence_policy *e = policy_find(p, id);

	if (e)
		return e;
	e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->id = id;
	list_init(&e->children);
	HASH_ADD(hh, p->policies, id, sizeof e->id, e);
	return e;
}

static struct presence_selector *selector_find(const struct presence *p, uint32_t id)
{
	struct presence_selector *s;

	HASH_FIND(hh, p->selectors, &id, sizeof id, s);
	return s;
}

static bool selector_count(struct presence *p, uint32_t id)
{
	struct presence_selector *s = selector_find(p, id);

	if (!s) {
		s = calloc(1, sizeof *s);
		if (!s)
			return false;
		s->id = id;
		HASH_ADD(hh, p->selectors, id, sizeof s->id, s);
	}
	s->n++;
	return true;
}

static void selector_discount(struct presence *p, uint32_t id)
{
	struct presence_selector *s = selector_find(p, id);

	if (!s || --s->n > 0)
		return;
	HASH_DEL(p->selectors, s);
	free(s);
}

static void child_drop(struct presence *p, struct presence_child *c)
{
	struct presence_policy *e = policy_find(p, c->policy_id);

	selector_discount(p, c->selector_id);
	HASH_DEL(p->children, c);
	list_del(&c->of_policy);
	free(c);
	if (!e || !list_is_empty(&e->children))
		return;
	HASH_DEL(p->policies, e);
	free(e);
}

static bool protects_same(const struct presence_child *a, const struct presence_child *b)
{
	return a->n_nets == b->n_nets &&
	       memcmp(a->nets, b->nets, a->n_nets * sizeof a->nets[0]) == 0;
}

/* Another SA of the tunnel protects the same, as in a rekey. */
static bool is_covered(const struct presence *p, const struct presence_child *by)
{
	const struct presence_policy *e = policy_find(p, by->policy_id);
	const struct presence_child *c;

	if (!e)
		return false;
	list_foreach (c, &e->children, of_policy)
		if (c != by && protects_same(c, by))
			return true;
	return false;
}

static struct presence_child *child_of(const Rec__ChildSa *s)
{
	struct presence_child *c = calloc(1, sizeof *c + s->n_remote_ts * sizeof c->nets[0]);

	if (!c)
		return NULL;
	c->policy_id = s->policy_id;
	c->selector_id = s->selector_id ? s->selector_id : s->policy_id;
	c->peer = s->peer;
	for (size_t i = 0; i < s->n_remote_ts; i++) {
		const Rec__Selector *r = s->remote_ts[i];
		struct addr lo, hi;
		struct prefix net;

		if (addr_from_view(view_of(r->low.data, r->low.len), &lo) == 0 &&
			addr_from_view(view_of(r->high.data, r->high.len), &hi) == 0 &&
			rib_prefix_of(&lo, &hi, &net))
			c->nets[c->n_nets++] = net;
	}
	return c;
}

static bool is_same(const struct presence_child *a, const struct presence_child *b)
{
	return a->policy_id == b->policy_id && a->selector_id == b->selector_id &&
	       a->peer == b->peer && a->rg == b->rg && protects_same(a, b);
}

static void wipe(Rec__ChildSa *s)
{
	secret_wipe(s->encr_key_in.data, s->encr_key_in.len);
	secret_wipe(s->encr_key_out.data, s->encr_key_out.len);
	secret_wipe(s->integ_key_in.data, s->integ_key_in.len);
	secret_wipe(s->integ_key_out.data, s->integ_key_out.len);
	rec__child_sa__free_unpacked(s, NULL);
}

int presence_put(struct presence *p, uint32_t rg, uint32_t spi_in, struct view body, bool *changed)
{
	struct presence_child *old = child_find(p, spi_in), *c;
	Rec__ChildSa *s = rec__child_sa__unpack(NULL, body.n, body.p);
	struct presence_policy *e;

	if (!s)
		return -ERR_VALUE;
	c = child_of(s);
	wipe(s);
	if (!c)
		return -ERR_NOMEM;
	c->spi_in = spi_in;
	c->rg = rg;
	if (old && is_same(old, c)) {
		old->doubtful = false;
		free(c);
		*changed = false;
		return 0;
	}
	*changed = !is_covered(p, c);
	if (old) {
		child_drop(p, old);
		*changed = true;
	}
	e = policy_get(p, c->policy_id);
	if (!e || !selector_count(p, c->selector_id)) {
		free(c);
		return -ERR_NOMEM;
	}
	list_add_tail(&e->children, &c->of_policy);
	HASH_ADD(hh, p->children, spi_in, sizeof c->spi_in, c);
	return 0;
}

bool presence_remove(struct presence *p, uint32_t spi_in)
{
	struct presence_child *c = child_find(p, spi_in);
	bool changed = c && !is_covered(p, c);

	if (c)
		child_drop(p, c);
	return changed;
}

void presence_doubt(struct presence *p, uint32_t rg)
{
	struct presence_child *c, *tmp;

	map_foreach (p->children, c, tmp)
		if (c->rg == rg)
			c->doubtful = true;
}

bool presence_sweep(struct presence *p, uint32_t rg)
{
	struct presence_child *c, *tmp;
	bool any = false;

	map_foreach (p->children, c, tmp)
		if (c->rg == rg && c->doubtful) {
			child_drop(p, c);
			any = true;
		}
	return any;
}

bool presence_is_up(const struct presence *p, uint32_t selector_id)
{
	return selector_find(p, selector_id) != NULL;
}

void presence_each(const struct presence *p,
	void (*each)(void *ctx, const struct presence_row *row), void *ctx)
{
	struct presence_child *c, *tmp;

	map_foreach (p->children, c, tmp) {
		const struct presence_row row = {c->policy_id, c->spi_in, c->rg, c->selector_id,
			c->peer, c->nets, c->n_nets};

		each(ctx, &row);
	}
}

void presence_fini(struct presence *p)
{
	struct presence_child *c, *tmp;

	map_foreach (p->children, c, tmp)
		child_drop(p, c);
}
