/*
 * Workers that come, go and hang while SAs are used, installed and deleted (ISHU-001..003,
 * DPL-001..003, I3, I4). All threads are real: this is what runs under the thread sanitizer.
 */
#include <stdlib.h>

#include "core/spi.h"
#include "crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { ROUNDS = 60, LOADS_A_ROUND = 400, PATIENCE = 4000 };

static uint32_t rng = 7;

static uint32_t draw(uint32_t n)
{
	rng = rng * 1664525u + 1013904223u;
	return (rng >> 8) % n;
}

/* A refusal (the last one may not go) is an answer too. */
static void worker_set(struct crowd *c, uint32_t worker, Dp__WorkerAction action)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__WorkerSet s = DP__WORKER_SET__INIT;

	s.n_workers = 1;
	s.workers = &worker;
	s.action = action;
	q.body_case = DP__REQUEST__BODY_WORKER_SET;
	q.worker_set = &s;
	(void)crowd_ask(c, &q);
}

static void rebalance(struct crowd *c)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__Rebalance r = DP__REBALANCE__INIT;

	q.body_case = DP__REQUEST__BODY_REBALANCE;
	q.rebalance = &r;
	assert_int_equal(crowd_ask(c, &q), 0);
}

static void query(struct crowd *c, bool counters)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__Query k = DP__QUERY__INIT;

	k.children = k.workers = true;
	k.counters = counters;
	q.body_case = DP__REQUEST__BODY_QUERY;
	q.query = &k;
	assert_int_equal(crowd_ask(c, &q), 0);
}

static void delete (struct crowd *c, uint32_t spi)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__ChildDelete d = DP__CHILD_DELETE__INIT;

	d.n_spi_in = 1;
	d.spi_in = &spi;
	q.body_case = DP__REQUEST__BODY_CHILD_DELETE;
	q.child_delete = &d;
	assert_int_equal(crowd_ask(c, &q), 0);
}

static void wait_traffic(struct crowd *c, uint64_t more)
{
	uint64_t goal = crowd_arrived(c) + more;

	for (int i = 0; i < PATIENCE && crowd_arrived(c) < goal; i++)
		crowd_pump(c, 1);
	if (crowd_arrived(c) < goal)
		query(c, true);
	assert_true(crowd_arrived(c) >= goal);
}

static void act(struct crowd *c)
{
	uint32_t extra = CROWD_SAS + draw(CROWD_SAS);

	switch (draw(6)) {
	case 0:
		worker_set(c, draw(CROWD_SLOTS), DP__WORKER_ACTION__WORKER_OFFLINE);
		break;
	case 1:
	case 2:
		worker_set(c, draw(CROWD_SLOTS), DP__WORKER_ACTION__WORKER_ONLINE);
		break;
	case 3:
		worker_set(c, draw(CROWD_SLOTS), DP__WORKER_ACTION__WORKER_RESTART);
		break;
	case 4:
		rebalance(c);
		query(c, false);
		break;
	default:
		crowd_install(c, extra);
		delete (c, crowd_spi(extra));
		break;
	}
}

/* The end of every story: nothing garbled, and no number or IV used twice (I3, I4). */
static struct crowd_verdict judged(struct crowd *c)
{
	struct crowd_verdict v;

	crowd_traffic(c, false);
	crowd_settle(c);
	v = crowd_judge(c);
	if (v.lost)
		query(c, true);
	print_message("# %lu packets, %u buckets moved, %u workers seemed to hang\n",
		(unsigned long)v.packets, crowd_dp(c)->crew.moved, crowd_revocations(c));
	assert_int_equal(v.garbled, 0);
	assert_int_equal(v.repeated_seq, 0);
	assert_int_equal(v.repeated_iv, 0);
	return v;
}

/* ... of one in which no worker is made to hang. */
static void close_planned(struct crowd *c)
{
	struct crowd_verdict v = judged(c);

	assert_int_equal(v.reordered, 0);
	/* On a machine so slow that a worker seemed to hang, packets may be lost; nothing else. */
	if (crowd_revocations(c) == 0)
		assert_int_equal(v.lost, 0);
	crowd_free(c);
}

/* Planned moves at random: nothing lost, nothing overtaken, nothing repeated. */
static void workers_come_and_go(void **state)
{
	struct crowd *c = crowd_new(2);

	(void)state;
	crowd_traffic(c, true);
	wait_traffic(c, LOADS_A_ROUND);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		act(c);
		wait_traffic(c, draw(LOADS_A_ROUND));
	}
	close_planned(c);
}

static uint32_t owner_of(struct crowd *c, uint32_t sa)
{
	struct shared *sh = &crowd_dp(c)->sh;

	return atomic_load(
		&sh->bucket_worker[spi_bucket(crowd_spi(sa), atomic_load(&sh->net)->bucket_bits)]);
}

static bool all_at_home(struct crowd *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (owner_of(c, i) != i % 2)
			return false;
	return true;
}

static void wait_home(struct crowd *c, uint32_t n)
{
	for (int i = 0; i < 4 * PATIENCE && !all_at_home(c, n); i++)
		crowd_pump(c, 1);
	assert_true(all_at_home(c, n));
}

/* RFC 9611: an SA of one worker comes to that worker, stays there for all the load it makes, and
 * comes back when that worker does. */
static void a_workers_own_comes_home(void **state)
{
	enum { OWN = 6 };

	struct crowd *c = crowd_new(2);

	(void)state;
	crowd_traffic(c, true);
	wait_traffic(c, LOADS_A_ROUND);
	for (uint32_t i = 0; i < OWN; i++)
		crowd_install_for(c, i, i % 2 + 1);
	wait_home(c, OWN);
	rebalance(c);
	wait_traffic(c, LOADS_A_ROUND);
	assert_true(all_at_home(c, OWN));
	worker_set(c, 1, DP__WORKER_ACTION__WORKER_RESTART);
	for (int i = 0; i < PATIENCE && owner_of(c, 1) != 0; i++)
		crowd_pump(c, 1);
	assert_int_equal(owner_of(c, 1), 0);
	wait_home(c, OWN);
	close_planned(c);
}

/* A worker stops in the middle of a burst, its SAs go on elsewhere, and then it wakes up and sends.
 */
static void a_hung_worker_does_no_harm(void **state)
{
	struct crowd *c = crowd_new(3);

	(void)state;
	crowd_traffic(c, true);
	wait_traffic(c, LOADS_A_ROUND);
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t before = crowd_revocations(c);

		atomic_store(&crowd_dp(c)->sh.workers[i]->hang_ms[HANG_OUT], 900);
		for (int k = 0; k < PATIENCE && crowd_revocations(c) == before; k++)
			crowd_pump(c, 1);
		assert_true(crowd_revocations(c) > before);
		wait_traffic(c, LOADS_A_ROUND); /* with the clones */
		for (int k = 0; k < PATIENCE && crowd_hung(c); k++)
			crowd_pump(c, 1);
		assert_false(crowd_hung(c));
		wait_traffic(c, LOADS_A_ROUND);
	}
	(void)judged(c);
	crowd_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_come_and_go),
		cmocka_unit_test(a_hung_worker_does_no_harm),
		cmocka_unit_test(a_workers_own_comes_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
