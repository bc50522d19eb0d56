#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dp.h"

enum { SCAN_CHUNK = 2048, HOME_REST = 2 /* intervals: until it is said again */ };

#define INTERVAL_NS (UINT64_C(1000) * 1000 * 1000)

/* What a packet costs beside its octets, in octets. */
#define PACKET_COST 512

static uint32_t buckets(const struct dp *dp)
{
	return 1u << atomic_load(&dp->sh.net)->bucket_bits;
}

static uint64_t cost_of(const struct sa *sa)
{
	return (count_get(&sa->n.packets_in) + count_get(&sa->n.packets_out)) * PACKET_COST +
	       count_get(&sa->n.bytes_in) + count_get(&sa->n.bytes_out);
}

/* An SA of one worker is to be in a bucket of that worker's. With two of two workers in one bucket
 * it stays where it is. */
static void note_home(struct crew *crew, const struct sa *sa)
{
	uint8_t worker = sa_cold(sa)->worker;

	if (worker != WORKER_NONE &&
		(crew->found[sa->bucket] == 0 || crew->owner[sa->bucket] == worker))
		crew->found[sa->bucket] = (uint8_t)(worker + 1);
}

/* True when the last SA was looked at. */
static bool scan_some(struct dp *dp)
{
	struct crew *crew = &dp->crew;
	struct sa *sa;

	for (uint32_t i = 0; i < SCAN_CHUNK; i++, crew->scan++) {
		if (!sad_at(&dp->sh.sad, crew->scan, &sa))
			return true;
		if (!sa)
			continue;
		crew->sum[sa->bucket] += cost_of(sa);
		note_home(crew, sa);
	}
	return false;
}

/* What each bucket cost since the scan before. SAs come and go: less than before is nothing. */
static void scan_end(struct dp *dp)
{
	struct crew *crew = &dp->crew;
	uint64_t *old = crew->last;
	uint8_t *was = crew->home;

	for (uint32_t b = 0; b < buckets(dp); b++)
		crew->load[b] = crew->sum[b] > old[b] ? crew->sum[b] - old[b] : 0;
	crew->last = crew->sum;
	crew->sum = old;
	crew->home = crew->found;
	crew->found = was;
	crew->scan = UINT32_MAX;
}

static bool is_home(const struct crew *crew, uint32_t bucket, uint32_t members)
{
	uint8_t home = crew->home[bucket];

	return home != 0 && crew->owner[bucket] == home - 1 && members >> (home - 1) & 1;
}

/* They do not move for the sake of load, and come back when they did for another reason. */
static void bring_home(struct dp *dp, uint32_t members)
{
	struct crew *crew = &dp->crew;

	for (uint32_t b = 0; b < buckets(dp); b++) {
		uint8_t home = crew->home[b];

		if (is_home(crew, b, members))
			crew->rest[b] = MAX(crew->rest[b], (uint8_t)HOME_REST);
		else if (home != 0 && members >> (home - 1) & 1 && crew->n_todo < BALANCE_MOVES)
			crew->todo[crew->n_todo++] =
				(struct balance_move){b, crew->owner[b], (uint8_t)(home - 1)};
	}
	if (crew->n_todo)
		log_notice(&dp->log, "dp.buckets.home", "moves=%u", crew->n_todo);
}

static void decide(struct dp *dp)
{
	struct crew *crew = &dp->crew;
	uint32_t members = crew_members(dp);

	if (members == 0 || crew->n_todo)
		return;
	bring_home(dp, members);
	if (crew->n_todo)
		return;
	crew->n_todo = balance_load(&crew->damper, crew->owner, crew->load, crew->rest, buckets(dp),
		members, crew->todo);
	if (crew->n_todo)
		log_notice(&dp->log, "dp.buckets.load", "moves=%u", crew->n_todo);
}

void crew_measure(struct dp *dp, uint64_t now_ns)
{
	struct crew *crew = &dp->crew;

	if (crew->scan == UINT32_MAX) {
		if (now_ns - crew->measured_ns < INTERVAL_NS)
			return;
		crew->measured_ns = now_ns;
		memset(crew->sum, 0, buckets(dp) * sizeof *crew->sum);
		memset(crew->found, 0, buckets(dp) * sizeof *crew->found);
		crew->scan = 0;
	}
	if (!scan_some(dp))
		return;
	scan_end(dp);
	decide(dp);
}

/* ---- what the operator asks for */

/* How many steps it takes to make the table even, on a copy. */
static uint32_t steps_to_even(const struct dp *dp)
{
	uint8_t *owner = malloc(BUCKET_MAX);
	struct balance_move m;
	uint32_t at = dp->crew.at, n = 0;

	if (!owner)
		return 0;
	memcpy(owner, dp->crew.owner, BUCKET_MAX);
	while (balance_next(owner, buckets(dp), crew_members(dp), &at, &m)) {
		owner[m.bucket] = m.to;
		n++;
	}
	free(owner);
	return n;
}

static void leave_home(struct crew *crew, uint32_t members)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < crew->n_todo; i++)
		if (!is_home(crew, crew->todo[i].bucket, members))
			crew->todo[k++] = crew->todo[i];
	crew->n_todo = k;
}

void api_rebalance(struct dp *dp, struct reply *r)
{
	struct crew *crew = &dp->crew;
	Dp__Reply body = DP__REPLY__INIT;
	Dp__RebalanceReply n = DP__REBALANCE_REPLY__INIT;

	if (!dp->running) {
		reply_fail(r, -ERR_WRONG_STATE, "not configured yet");
		return;
	}
	n.buckets = buckets(dp);
	n.moves = steps_to_even(dp);
	if (n.moves) {
		crew->even = true;
	} else {
		crew->n_todo = balance_load_now(
			crew->owner, crew->load, n.buckets, crew_members(dp), crew->todo);
		leave_home(crew, crew_members(dp));
		n.moves = crew->n_todo;
	}
	body.rebalance = &n;
	reply_body(r, &body);
}

static bool would_end(const struct dp *dp, uint32_t stay)
{
	return (crew_members(dp) & stay) == 0;
}

void api_worker_set(struct dp *dp, const Dp__WorkerSet *s, struct reply *r)
{
	struct crew *crew = &dp->crew;
	uint32_t set = 0;

	for (size_t i = 0; i < s->n_workers; i++) {
		if (s->workers[i] >= dp->sh.n_workers && s->group && i)
			break;
		if (s->workers[i] >= dp->sh.n_workers) {
			reply_fail(r, -ERR_VALUE, "there is no worker %u, the last is %u",
				s->workers[i], dp->sh.n_workers - 1);
			return;
		}
		set |= UINT32_C(1) << s->workers[i];
	}
	if (s->action != DP__WORKER_ACTION__WORKER_ONLINE && would_end(dp, crew->want & ~set)) {
		reply_fail(r, -ERR_WRONG_STATE, "no other worker is online to take over");
		return;
	}
	if (s->action == DP__WORKER_ACTION__WORKER_ONLINE) {
		crew->want |= set;
	} else if (s->action == DP__WORKER_ACTION__WORKER_OFFLINE) {
		crew->want &= ~set;
		crew->restart &= ~set;
	} else {
		crew->want |= set;
		crew->restart |= set & crew_live(dp);
	}
}
