#include "world.h"

#include "ike/record.h"

static void event(struct pair *p, int node, enum ike_event_type type)
{
	struct ike_event ev = {.type = type};

	ev.rg = (struct ike_ev_rg){.active = true, .epoch = 1};
	if (pair_feed(p, node, &ev) < 0)
		abort();
}

static struct pair *established(void)
{
	struct pair *p = pair_ordinary();

	p->unchecked = true;
	pair_acquire(p, 0);
	pair_settle(p);
	if (!pair_child(p, 0) || !pair_child(p, 1))
		abort();
	return p;
}

struct pair *world_restoring(void)
{
	struct pair *p = established();

	pair_kill(p, 0);
	pair_kill(p, 1);
	pair_start(p, WORLD_HEIR, &side_a);
	event(p, WORLD_HEIR, IKE_EV_RG);
	return p;
}

void world_restore(struct pair *p, struct view key, struct view body)
{
	struct ike_event ev = {.type = IKE_EV_RESTORE};

	ev.record = (struct ike_ev_record){.key = key, .body = body};
	if (pair_feed(p, WORLD_HEIR, &ev) < 0)
		abort();
}

uint64_t world_restore_parent(struct pair *p)
{
	struct ike_sa *sa = NULL;

	for (struct pair_record *r = p->node[0].log; r; r = r->next)
		if (r->key[0] == 'I')
			world_restore(p, view_of(r->key, r->key_n), blob_view(&r->body));
	sa = p->node[WORLD_HEIR].ike->sas;
	if (!sa)
		abort();
	return sa->lineage;
}

void world_restored(struct pair *p)
{
	event(p, WORLD_HEIR, IKE_EV_RESTORE_DONE);
}

struct pair *world_up(void)
{
	struct pair *p = established();

	/* Its answers go to node 0, which does not know it: it stays half-open. */
	pair_start(p, 2, &side_a);
	pair_acquire(p, 2);
	pair_settle(p);
	pair_kill(p, 2);
	if (pair_sas(p, 1, SA_HALF_OPEN) != 1)
		abort();
	return p;
}

void world_deliver(struct pair *p, struct view octets)
{
	struct ike_event ev = {.type = IKE_EV_DATAGRAM};

	ev.datagram = (struct ike_ev_datagram){.interface_id = 7,
		.local = {p->node[1].addr, 500},
		.remote = {p->node[0].addr, 500},
		.octets = octets};
	if (pair_feed(p, 1, &ev) < 0)
		abort();
	pair_settle(p);
}

void world_live(struct pair *p)
{
	for (unsigned i = 0; i < 8; i++)
		pair_pass(p, 20000);
}
