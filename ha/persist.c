/*
 * The state file: what must survive a restart of everything (rules 3, 6, 17): how often this node
 * started, and per RG the highest epoch and the commit set of the last primary view.
 */
#include <stdlib.h>

#include "base/err.h"
#include "core.h"

enum { STATE_VERSION = 1 };

static void rg_load(struct ha *h, const Repl__RgState *s)
{
	struct ha_rg *rg = ha_rg_find(h, s->rg);

	if (!rg || !s->epoch)
		return;
	rg->held = ha_epoch_of(s->epoch);
	rg->seen = MAX(s->seen, rg->held.number);
}

/* The incarnation's lower half is random: should the file be lost, none is used twice all the
 * same. */
int ha_state_load(struct ha *h, struct view octets)
{
	Repl__State *m;

	h->starts = 1;
	if (octets.n) {
		m = repl__state__unpack(NULL, octets.n, octets.p);
		if (!m || m->version != STATE_VERSION) {
			if (m)
				repl__state__free_unpacked(m, NULL);
			return -ERR_VERSION;
		}
		h->starts = m->starts + 1;
		for (size_t i = 0; i < m->n_rgs; i++)
			rg_load(h, m->rgs[i]);
		repl__state__free_unpacked(m, NULL);
	}
	h->incarnation = (uint64_t)h->starts << 32 | env_random32(&h->cfg.env);
	return 0;
}

struct state_parts {
	Repl__RgState rg[HA_RG_MAX], *rgs[HA_RG_MAX];
	Repl__Epoch epoch[HA_RG_MAX];
	Repl__Member member[HA_RG_MAX][HA_NODES_MAX], *members[HA_RG_MAX][HA_NODES_MAX];
};

static void rg_save(const struct ha_rg *rg, struct state_parts *p, size_t i)
{
	Repl__RgState *s = &p->rg[i];

	p->rgs[i] = s;
	repl__rg_state__init(s);
	s->rg = rg->cfg->id;
	s->epoch = &p->epoch[i];
	ha_epoch_out(&rg->held, s->epoch);
	s->seen = rg->seen;
	s->index = rg->index;
	s->members = p->members[i];
	for (uint32_t n = 0; n < HA_NODES_MAX; n++) {
		Repl__Member *m = &p->member[i][s->n_members];

		if (!ha_in_set(rg, n))
			continue;
		repl__member__init(m);
		m->node = n;
		m->incarnation = rg->set_incarnation[n];
		p->members[i][s->n_members++] = m;
	}
}

uint64_t ha_state_save(struct ha *h)
{
	Repl__State m = REPL__STATE__INIT;
	struct state_parts *p = calloc(1, sizeof *p);
	struct ha_effect *e;
	uint8_t *octets = NULL;
	size_t n;

	h->serial++;
	if (!p) {
		h->failed = true;
		return h->serial;
	}
	m.version = STATE_VERSION;
	m.starts = h->starts;
	m.rgs = p->rgs;
	m.n_rgs = h->n_rg;
	for (uint32_t i = 0; i < h->n_rg; i++)
		rg_save(&h->rg[i], p, i);
	n = repl__state__get_packed_size(&m);
	octets = malloc(n);
	if (octets) {
		repl__state__pack(&m, octets);
		e = ha_do(h, HA_DO_PERSIST);
		e->persist.serial = h->serial;
		e->persist.octets = ha_lend(h, view_of(octets, n));
	} else {
		h->failed = true;
	}
	free(octets);
	free(p);
	return h->serial;
}
