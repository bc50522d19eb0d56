#include "crew.h"

#include <stdlib.h>

#include "base/err.h"
#include "dp.h"

int crew_init(struct dp *dp)
{
	struct crew *crew = &dp->crew;

	crew->move.bucket = -1;
	crew->scan = UINT32_MAX;
	crew->sum = calloc(BUCKET_MAX, sizeof *crew->sum);
	crew->last = calloc(BUCKET_MAX, sizeof *crew->last);
	crew->load = calloc(BUCKET_MAX, sizeof *crew->load);
	crew->rest = calloc(BUCKET_MAX, sizeof *crew->rest);
	crew->home = calloc(BUCKET_MAX, sizeof *crew->home);
	crew->found = calloc(BUCKET_MAX, sizeof *crew->found);
	return crew->sum && crew->last && crew->load && crew->rest && crew->home && crew->found
		       ? 0
		       : -ERR_NOMEM;
}

void crew_fini(struct dp *dp)
{
	free(dp->crew.sum);
	free(dp->crew.last);
	free(dp->crew.load);
	free(dp->crew.rest);
	free(dp->crew.home);
	free(dp->crew.found);
}

static uint32_t set_of(uint32_t n)
{
	return (UINT32_C(1) << n) - 1;
}

static bool is_in(uint32_t set, uint32_t worker)
{
	return worker < WORKER_MAX && set >> worker & 1;
}

static uint32_t buckets(const struct dp *dp)
{
	const struct net *n = atomic_load(&dp->sh.net);

	return n ? 1u << n->bucket_bits : 0;
}

uint32_t crew_live(const struct dp *dp)
{
	uint32_t set = 0;

	for (uint32_t i = 0; i < dp->sh.n_workers; i++)
		if (dp->crew.state[i] == CREW_ONLINE || dp->crew.state[i] == CREW_LEAVING)
			set |= UINT32_C(1) << i;
	return set;
}

uint32_t crew_members(const struct dp *dp)
{
	uint32_t set = 0;

	for (uint32_t i = 0; i < dp->sh.n_workers; i++)
		if (dp->crew.state[i] == CREW_ONLINE)
			set |= UINT32_C(1) << i;
	return set;
}

bool crew_obeys(const struct dp *dp, uint32_t worker)
{
	enum crew_state s = dp->crew.state[worker];

	return s == CREW_ONLINE || s == CREW_LEAVING || s == CREW_STOPPING;
}

bool crew_is_busy(const struct dp *dp)
{
	return dp->crew.waits != 0;
}

void crew_give_bucket(struct dp *dp, uint32_t bucket, uint8_t to)
{
	dp->crew.owner[bucket] = to;
	atomic_store_explicit(&dp->sh.bucket_worker[bucket], to, memory_order_release);
}

static uint32_t count_fit(const struct dp *dp)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < dp->sh.n_workers; i++)
		n += dp->crew.state[i] == CREW_ONLINE ||
		     (dp->crew.state[i] == CREW_OFFLINE && is_in(dp->crew.want, i));
	return n;
}

void crew_tell(struct dp *dp, uint32_t worker)
{
	static const char *const words[] = {"offline", "online", "leaving", "stopping", "hung"};
	Dp__Event e = DP__EVENT__INIT;
	Dp__WorkerState s = DP__WORKER_STATE__INIT;

	s.worker = worker;
	s.up = dp->crew.state[worker] == CREW_ONLINE;
	s.hung = dp->crew.hung != 0;
	s.online = count_fit(dp);
	s.workers = crew_members(dp);
	e.body_case = DP__EVENT__BODY_WORKER_STATE;
	e.worker_state = &s;
	log_notice(
		&dp->log, "dp.worker", "worker=%u state=%s", worker, words[dp->crew.state[worker]]);
	api_event(dp, &e);
}

static void set_state(struct dp *dp, uint32_t worker, enum crew_state s)
{
	dp->crew.state[worker] = s;
	crew_tell(dp, worker);
}

bool crew_start(struct dp *dp, uint32_t worker)
{
	struct crew *crew = &dp->crew;

	if (worker_start(dp->sh.workers[worker]) < 0)
		return false;
	crew->turns[worker] = 0;
	crew->still[worker] = 0;
	crew->state[worker] = CREW_ONLINE;
	return true;
}

int crew_begin(struct dp *dp, uint32_t workers)
{
	struct crew *crew = &dp->crew;

	crew->asked = workers;
	crew->want = set_of(workers);
	crew->restart = 0;
	crew->even = false;
	for (uint32_t b = 0; b < BUCKET_MAX; b++)
		crew_give_bucket(dp, b, (uint8_t)(b % workers));
	for (uint32_t i = 0; i < GATHER_SLOTS; i++)
		atomic_store(&dp->sh.gather_worker[i], (uint8_t)(i % workers));
	for (uint32_t i = 0; i < dp->sh.n_ports; i++)
		for (uint32_t q = 0; q < dp->sh.ports[i]->n_rx; q++)
			atomic_store(&dp->sh.ports[i]->rx_worker[q], (uint8_t)(q % workers));
	atomic_store(&dp->sh.lead, 0);
	for (uint32_t i = 0; i < workers; i++)
		if (!crew_start(dp, i))
			return -ERR_LIMIT;
	crew_tell(dp, 0);
	return 0;
}

void crew_ask(struct dp *dp, uint32_t workers)
{
	if (workers == dp->crew.asked)
		return;
	dp->crew.asked = workers;
	dp->crew.want = set_of(workers);
}

/* ---- who comes and goes */

static bool start_one(struct dp *dp)
{
	struct crew *crew = &dp->crew;

	for (uint32_t i = 0; i < dp->sh.n_workers; i++) {
		if (!is_in(crew->want, i) || crew->state[i] != CREW_OFFLINE)
			continue;
		if (!crew_start(dp, i)) {
			log_err(&dp->log, "dp.worker.start", "worker=%u", i);
			crew->want &= ~(UINT32_C(1) << i);
			continue;
		}
		crew->restart &= ~(UINT32_C(1) << i);
		crew->even = true;
		crew_tell(dp, i);
		return true;
	}
	return false;
}

/* Never the last one. */
static bool leave_one(struct dp *dp)
{
	struct crew *crew = &dp->crew;
	uint32_t stay = crew->want & ~crew->restart, members = crew_members(dp);

	for (uint32_t i = 0; i < dp->sh.n_workers; i++) {
		uint32_t me = UINT32_C(1) << i;

		if (crew->state[i] != CREW_ONLINE || stay & me || (members & ~me) == 0)
			continue;
		crew->even = true;
		set_state(dp, i, CREW_LEAVING);
		return true;
	}
	return false;
}

static void reap(struct dp *dp)
{
	uint32_t naps = 0; /* its thread has ended */

	for (uint32_t i = 0; i < dp->sh.n_workers; i++) {
		enum crew_state s = dp->crew.state[i];
		struct worker *w = dp->sh.workers[i];

		if ((s != CREW_STOPPING && s != CREW_HUNG) || !atomic_load(&w->exited))
			continue;
		dp_order_step(dp);
		if (!worker_join(w, &naps))
			continue;
		worker_clear(w);
		if (s == CREW_HUNG)
			dp->crew.hung--;
		set_state(dp, i, CREW_OFFLINE);
	}
	if (dp->crew.hung == 0)
		dp_bury(dp);
}

/* ---- who has what */

static uint32_t queues_of(const struct dp *dp, uint32_t worker)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < dp->sh.n_ports; i++)
		for (uint32_t q = 0; q < dp->sh.ports[i]->n_rx; q++)
			n += atomic_load(&dp->sh.ports[i]->rx_worker[q]) == worker;
	return n;
}

/* Of the port's queues the members have each as many as any other, give or take one. */
static bool move_queue_of(struct dp *dp, uint16_t port, uint32_t members)
{
	struct port *p = dp->sh.ports[port];
	struct balance_move m;
	uint8_t owner[PORT_QUEUES];
	uint32_t at = 0;

	for (uint32_t q = 0; q < p->n_rx; q++)
		owner[q] = atomic_load(&p->rx_worker[q]);
	if (!balance_next(owner, p->n_rx, members, &at, &m))
		return false;
	if (!is_in(crew_live(dp), m.from)) { /* nobody's */
		atomic_store(&p->rx_worker[m.bucket], m.to);
		worker_wake(dp->sh.workers[m.to]);
		return true;
	}
	crew_move_queue(dp, port, (uint16_t)m.bucket, m.from, m.to);
	return true;
}

static bool move_queues(struct dp *dp, uint32_t members)
{
	for (uint16_t i = 0; i < dp->sh.n_ports; i++)
		if (move_queue_of(dp, i, members))
			return true;
	return false;
}

static bool move_lead(struct dp *dp, uint32_t members)
{
	if (is_in(members, atomic_load(&dp->sh.lead)))
		return false;
	crew_move_lead(dp, (uint8_t)__builtin_ctz(members));
	return true;
}

/* What was gathered of packets half here is given up after its time: fragments of one packet come
 * close together. */
static void move_gather(struct dp *dp, uint32_t members)
{
	uint8_t owner[GATHER_SLOTS];
	struct balance_move m;
	uint32_t at = 0;

	for (uint32_t i = 0; i < GATHER_SLOTS; i++)
		owner[i] = atomic_load(&dp->sh.gather_worker[i]);
	while (balance_next(owner, GATHER_SLOTS, members, &at, &m)) {
		owner[m.bucket] = m.to;
		atomic_store(&dp->sh.gather_worker[m.bucket], m.to);
	}
}

static bool move_buckets(struct dp *dp, uint32_t members)
{
	struct crew *crew = &dp->crew;
	struct balance_move m;

	if (crew->even) {
		if (balance_next(crew->owner, buckets(dp), members, &crew->at, &m)) {
			crew_move_bucket(dp, &m);
			return true;
		}
		crew->even = false;
		log_notice(&dp->log, "dp.buckets.even", "workers=%d moved=%u",
			__builtin_popcount(members), crew->moved);
	}
	while (crew->n_todo) {
		m = crew->todo[--crew->n_todo];
		if (crew->owner[m.bucket] == m.from && is_in(members, m.to)) {
			crew_move_bucket(dp, &m);
			return true;
		}
	}
	return false;
}

static bool dismiss_one(struct dp *dp)
{
	for (uint32_t i = 0; i < dp->sh.n_workers; i++)
		if (dp->crew.state[i] == CREW_LEAVING && queues_of(dp, i) == 0) {
			crew_dismiss(dp, (uint8_t)i);
			return true;
		}
	return false;
}

static bool handover_is_on(const struct dp *dp)
{
	for (uint32_t rg = 0; rg < RG_MAX; rg++)
		if (atomic_load(&dp->sh.rgs[rg].handover))
			return true;
	return false;
}

/* One thing; false: everything is as it should be. */
static bool step(struct dp *dp)
{
	uint32_t members;

	if (start_one(dp) || leave_one(dp))
		return true;
	members = crew_members(dp);
	if (members == 0)
		return false;
	if (move_queues(dp, members) || move_lead(dp, members))
		return true;
	move_gather(dp, members);
	return move_buckets(dp, members) || dismiss_one(dp);
}

void crew_step(struct dp *dp, uint64_t now_ns)
{
	if (!dp->running)
		return;
	crew_watch(dp, now_ns);
	reap(dp);
	if (crew_is_busy(dp))
		return;
	crew_measure(dp, now_ns);
	if (list_is_empty(&dp->stalled) && !handover_is_on(dp) && step(dp) && !crew_is_busy(dp))
		dp->again = true;
}
