#include <stdlib.h>

#include "dp.h"
#include "node/handover.h"
#include "node/neighbour.h"

/* What one worker is asked in a round. */
struct crew_order {
	struct order o;
	uint32_t worker, serial;
	struct crew_move move;
};

static struct crew_move *move_of(struct command *c)
{
	return &container_of(c, struct crew_order, o.c)->move;
}

void crew_round_without(struct dp *dp, uint32_t worker)
{
	struct crew *crew = &dp->crew;
	void (*next)(struct dp *) = crew->next;

	if (!(crew->waits >> worker & 1))
		return;
	crew->waits &= ~(UINT32_C(1) << worker);
	if (crew->waits || !next)
		return;
	crew->next = NULL;
	next(dp);
}

static void answered(struct dp *dp, struct order *o)
{
	const struct crew_order *c = container_of(o, struct crew_order, o);

	if (c->serial == dp->crew.serial) /* else of a round that was given up */
		crew_round_without(dp, c->worker);
}

static void order_one(
	struct dp *dp, uint32_t worker, void (*run)(struct worker *, struct command *))
{
	struct crew_order *o = calloc(1, sizeof *o);

	if (!o)
		dp_give_up(dp, "out of memory"); /* half a move is none */
	o->o.c.run = run;
	o->o.finish = answered;
	o->o.crew = true;
	o->worker = worker;
	o->serial = dp->crew.serial;
	o->move = dp->crew.move;
	dp_order(dp, worker, &o->o, NULL);
}

/* Every one of the set is asked; `next` when all have answered. */
static void round_begin(struct dp *dp, uint32_t set, void (*run)(struct worker *, struct command *),
	void (*next)(struct dp *))
{
	dp->crew.serial++;
	dp->crew.waits = set;
	dp->crew.next = next;
	for (uint32_t i = 0; i < WORKER_MAX; i++)
		if (set >> i & 1)
			order_one(dp, i, run);
}

static uint32_t one(uint32_t worker)
{
	return UINT32_C(1) << worker;
}

/* Between two bursts: all it sent before is in the others' rings. */
static void run_nothing(struct worker *w, struct command *c)
{
	(void)w;
	(void)c;
}

static void run_drain(struct worker *w, struct command *c)
{
	(void)c;
	worker_drain(w);
}

static void move_done(struct dp *dp)
{
	dp->crew.move = (struct crew_move){.bucket = -1};
}

/* ---- a bucket */

static void run_part(struct worker *w, struct command *c)
{
	const struct crew_move *m = move_of(c);

	if (w->id == m->from)
		w->giving = m->bucket;
	else
		w->holding = m->bucket;
}

static void run_let_go(struct worker *w, struct command *c)
{
	(void)c;
	worker_drain(w);
	w->giving = -1;
}

static void run_take(struct worker *w, struct command *c)
{
	(void)c;
	handover_release_held(w);
}

static void bucket_moved(struct dp *dp)
{
	dp->crew.moved++;
	move_done(dp);
}

static void bucket_take(struct dp *dp)
{
	dp->crew.move.round = 4;
	round_begin(dp, one(dp->crew.move.to), run_take, bucket_moved);
}

static void bucket_let_go(struct dp *dp)
{
	dp->crew.move.round = 3;
	round_begin(dp, one(dp->crew.move.from), run_let_go, bucket_take);
}

static void bucket_named(struct dp *dp)
{
	crew_give_bucket(dp, (uint32_t)dp->crew.move.bucket, dp->crew.move.to);
	dp->crew.move.round = 2;
	round_begin(dp, crew_live(dp), run_nothing, bucket_let_go);
}

void crew_move_bucket(struct dp *dp, const struct balance_move *m)
{
	dp->crew.move =
		(struct crew_move){.bucket = (int32_t)m->bucket, .from = m->from, .to = m->to};
	dp->crew.move.round = 1;
	round_begin(dp, one(m->from) | one(m->to), run_part, bucket_named);
}

/* ---- a queue: what the old one received from it is worked off before the new one receives */

static void run_leave_queue(struct worker *w, struct command *c)
{
	const struct crew_move *m = move_of(c);

	atomic_store(&w->sh->ports[m->port]->rx_worker[m->queue], WORKER_NONE);
}

static void queue_take(struct dp *dp)
{
	const struct crew_move *m = &dp->crew.move;

	atomic_store(&dp->sh.ports[m->port]->rx_worker[m->queue], m->to);
	worker_wake(dp->sh.workers[m->to]);
	move_done(dp);
}

static void queue_drain(struct dp *dp)
{
	uint32_t others = crew_live(dp) & ~one(dp->crew.move.from);

	round_begin(dp, others, run_drain, queue_take);
}

void crew_move_queue(struct dp *dp, uint16_t port, uint16_t queue, uint8_t from, uint8_t to)
{
	dp->crew.move = (struct crew_move){
		.bucket = -1, .from = from, .to = to, .port = port, .queue = queue};
	round_begin(dp, one(from), run_leave_queue, queue_drain);
}

/* ---- the lead */

static void run_pass_lead(struct worker *w, struct command *c)
{
	neighbour_pass(w, move_of(c)->to);
}

void crew_move_lead(struct dp *dp, uint8_t to)
{
	uint8_t from = atomic_load(&dp->sh.lead);

	dp->crew.move = (struct crew_move){.bucket = -1, .from = from, .to = to};
	round_begin(dp, one(from), run_pass_lead, move_done);
}

/* ---- the end of a thread */

static void dismiss_stop(struct dp *dp)
{
	uint8_t who = dp->crew.move.from;

	dp->crew.state[who] = CREW_STOPPING;
	worker_ask_stop(dp->sh.workers[who]);
	move_done(dp);
}

static void dismiss_drain(struct dp *dp)
{
	round_begin(dp, one(dp->crew.move.from), run_drain, dismiss_stop);
}

void crew_dismiss(struct dp *dp, uint8_t worker)
{
	dp->crew.move = (struct crew_move){.bucket = -1, .from = worker};
	round_begin(dp, crew_live(dp) & ~one(worker), run_nothing, dismiss_drain);
}
