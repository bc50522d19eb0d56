#include <stdlib.h>

#include "dp.h"
#include "node/handover.h"

enum {
	WATCH_MS = 25,
	STILL_MAX = 18,	 /* looks without a turn: 450 ms */
	STUCK_MAX = 120, /* and where nobody can take over */
};

#define MS UINT64_C(1000000)

/* From here on it takes no order. False: it is in one, or in a driver. */
static bool shut_out(struct dp *dp, uint32_t i)
{
	struct worker *w = dp->sh.workers[i];

	if (atomic_exchange(&w->in_commands, true))
		return false;
	for (uint32_t k = 0; k < dp->sh.n_ports; k++) {
		const struct port *p = dp->sh.ports[k];

		for (uint32_t q = 0; q < p->n_rx; q++)
			if (atomic_load(&p->rx_worker[q]) == i && atomic_load(&p->rx_locked[q])) {
				atomic_store(&w->in_commands, false);
				return false;
			}
	}
	return true;
}

/* Another member; else a slot that was free. */
static uint32_t find_heir(struct dp *dp, uint32_t hung)
{
	uint32_t others = crew_members(dp) & ~(UINT32_C(1) << hung);

	if (!others)
		others = crew_live(dp) & ~(UINT32_C(1) << hung);
	if (others)
		return (uint32_t)__builtin_ctz(others);
	for (uint32_t i = 0; i < dp->sh.n_workers; i++)
		if (dp->crew.state[i] == CREW_OFFLINE && crew_start(dp, i)) {
			dp->crew.want |= UINT32_C(1) << i;
			return i;
		}
	dp_give_up(dp, "worker %u hangs and there is no other", hung);
}

static void run_end_holding(struct worker *w, struct command *c)
{
	(void)c;
	handover_release_held(w);
	w->giving = -1;
}

/* Both sides of the move that was under way forget it; what was held goes on. */
static void forget_move(struct dp *dp, uint32_t worker)
{
	struct order *o;

	if (!crew_obeys(dp, worker))
		return;
	o = calloc(1, sizeof *o);
	if (!o)
		dp_give_up(dp, "out of memory");
	o->c.run = run_end_holding;
	dp_order(dp, worker, o, NULL);
}

/* A bucket on its way: whose is it now that one of both is gone? Returns with the table saying so.
 * Until it has let go (round 3), the old owner is the owner. */
static void settle_move(struct dp *dp, uint32_t hung)
{
	struct crew_move *m = &dp->crew.move;

	if (m->bucket < 0 || (m->from != hung && m->to != hung))
		return;
	crew_give_bucket(dp, (uint32_t)m->bucket, m->round < 4 ? m->from : m->to);
}

static void inherit(struct dp *dp, uint32_t hung, uint8_t heir)
{
	struct crew *crew = &dp->crew;

	for (uint32_t b = 0; b < BUCKET_MAX; b++)
		if (crew->owner[b] == hung)
			crew_give_bucket(dp, b, heir);
	for (uint32_t i = 0; i < dp->sh.n_ports; i++)
		for (uint32_t q = 0; q < dp->sh.ports[i]->n_rx; q++)
			if (atomic_load(&dp->sh.ports[i]->rx_worker[q]) == hung)
				atomic_store(&dp->sh.ports[i]->rx_worker[q], heir);
	for (uint32_t i = 0; i < GATHER_SLOTS; i++)
		if (atomic_load(&dp->sh.gather_worker[i]) == hung)
			atomic_store(&dp->sh.gather_worker[i], heir);
	if (atomic_load(&dp->sh.lead) == hung)
		atomic_store(&dp->sh.lead, heir);
	crew->even = true;
}

/* Nobody can take over what a thread holds that is inside a driver or in the middle of an order:
 * the dataplane is restarted as a whole, as after a crash. */
void crew_revoke(struct dp *dp, uint32_t hung)
{
	struct crew *crew = &dp->crew;
	struct crew_move was = crew->move;
	bool ours = was.from == hung || was.to == hung;
	uint32_t heir;

	if (!shut_out(dp, hung)) {
		if (crew->still[hung] > STUCK_MAX)
			dp_give_up(dp, "worker %u is stuck in %s", hung,
				atomic_load(&dp->sh.workers[hung]->in_commands) ? "an order"
										: "a driver");
		return;
	}
	heir = find_heir(dp, hung);
	log_err(&dp->log, "dp.worker.hung", "worker=%u heir=%u", hung, heir);
	atomic_store(&dp->sh.workers[hung]->revoked, true);
	crew->state[hung] = CREW_HUNG;
	crew->hung++;
	crew_tell(dp, hung);
	atomic_fetch_add(&dp->sh.revocations, 1);
	/* It is told, then its windows are looked at: worker.c, drop_robbed(). */
	atomic_thread_fence(memory_order_seq_cst);
	if (crew->waits && ours) {
		settle_move(dp, hung);
		crew->waits = 0;
		crew->next = NULL;
		crew->move = (struct crew_move){.bucket = -1};
	}
	child_clone_of(dp, hung);
	inherit(dp, hung, (uint8_t)heir);
	if (ours) {
		forget_move(dp, was.from);
		forget_move(dp, was.to);
	}
	dp_order_inherit(dp, hung, heir);
	crew_round_without(dp, hung);
	for (uint32_t i = 0; i < dp->sh.n_workers; i++)
		if (crew_obeys(dp, i))
			worker_wake(dp->sh.workers[i]);
}

/* A worker that does nothing still makes a turn every 10 ms. Time in which we were not running
 * ourselves (a stopped process, a machine with too much to do) does not count. */
void crew_watch(struct dp *dp, uint64_t now_ns)
{
	struct crew *crew = &dp->crew;
	uint64_t since = now_ns - crew->checked_ns;

	if (since < WATCH_MS * MS)
		return;
	crew->checked_ns = now_ns;
	for (uint32_t i = 0; i < dp->sh.n_workers; i++) {
		uint64_t turns;
		bool ended;

		if (!crew_obeys(dp, i))
			continue;
		turns = count_get(&dp->sh.workers[i]->turns);
		ended = crew->state[i] == CREW_STOPPING && atomic_load(&dp->sh.workers[i]->exited);
		if (turns != crew->turns[i] || since > 4 * WATCH_MS * MS || ended)
			crew->still[i] = 0;
		else
			crew->still[i]++;
		crew->turns[i] = turns;
		if (crew->still[i] >= STILL_MAX)
			crew_revoke(dp, i);
	}
}
