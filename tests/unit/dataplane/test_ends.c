/*
 * What goes while workers may still look at it, and workers that are told to end (DPL-001,
 * DPL-003). The workers are real threads; the test plays the API thread.
 */
#include <stdlib.h>
#include <time.h>

#include "crowd.h"
#include "qsbr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { RG = 1, PATIENCE = 5000 };

/* ---- free() tells of one object */

void __real_free(void *p);
void __wrap_free(void *p);

static _Atomic(void *) watched;
static _Atomic bool freed;

void __wrap_free(void *p)
{
	if (p && p == atomic_load(&watched)) {
		atomic_store(&freed, true);
		atomic_store(&watched, NULL);
	}
	__real_free(p);
}

/* ---- a worker that sleeps with orders in its ring */

struct nap {
	struct order o;
	_Atomic bool *begun, *wake;
};

static void doze(void)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	(void)nanosleep(&ms, NULL);
}

static void nap_run(struct worker *w, struct command *c)
{
	struct nap *n = container_of(c, struct nap, o.c);

	qsbr_offline(w->sh->qsbr, w->id);
	atomic_store(n->begun, true);
	while (!atomic_load(n->wake))
		doze();
	qsbr_online(w->sh->qsbr, w->id);
}

static void put_to_sleep(struct dp *dp, uint32_t worker, _Atomic bool *wake)
{
	struct nap *n = calloc(1, sizeof *n);
	_Atomic bool begun = false;

	assert_non_null(n);
	n->o.c.run = nap_run;
	n->begun = &begun;
	n->wake = wake;
	dp_order(dp, worker, &n->o, NULL);
	for (int i = 0; i < PATIENCE && !atomic_load(&begun); i++)
		doze();
	assert_true(atomic_load(&begun));
}

static void step(struct dp *dp)
{
	dp_order_step(dp);
	dp_defer_step(dp);
}

static void set_role(struct dp *dp, uint64_t epoch, Dp__RgRole role)
{
	Dp__RgSet s = DP__RG_SET__INIT;
	struct reply *r = reply_new(dp, epoch);

	assert_non_null(r);
	s.rg = RG;
	s.epoch = epoch;
	s.role = role;
	s.deadline_ns = UINT64_MAX;
	api_rg_set(dp, &s, r);
	assert_int_equal(r->error, 0);
	reply_done(dp, r);
}

static void freeze_and_forward(struct dp *dp)
{
	Dp__HandoverFreeze f = DP__HANDOVER_FREEZE__INIT;
	Dp__HandoverForward to = DP__HANDOVER_FORWARD__INIT;
	Dp__BucketRange all = DP__BUCKET_RANGE__INIT;
	struct reply *r[2] = {reply_new(dp, 100), reply_new(dp, 101)};

	all.last = (1u << atomic_load(&dp->sh.net)->bucket_bits) - 1;
	f.rg = to.rg = RG;
	f.buckets = to.buckets = &all;
	to.node = 3;
	api_handover_freeze(dp, &f, r[0]);
	assert_int_equal(r[0]->error, 0);
	reply_done(dp, r[0]);
	api_handover_forward(dp, &to, r[1]);
	assert_int_equal(r[1]->error, 0);
	reply_done(dp, r[1]);
}

/* The group is given away while a worker sleeps that has not yet read what to do with its buckets:
 * the new role ends the handover, and what it is made of may not go before that worker has. */
static void a_handover_outlives_orders_that_name_it(void **state)
{
	struct crowd *c = crowd_new(2);
	struct dp *dp = crowd_take_over(c);
	_Atomic bool wake = false;

	(void)state;
	set_role(dp, 1, DP__RG_ROLE__RG_ACTIVE);
	put_to_sleep(dp, 1, &wake);
	freeze_and_forward(dp);
	atomic_store(&freed, false);
	atomic_store(&watched, atomic_load(&dp->sh.rgs[RG].handover));
	assert_non_null(atomic_load(&watched));
	set_role(dp, 2, DP__RG_ROLE__RG_STANDBY);
	for (int i = 0; i < 50; i++) { /* the other worker answers, grace periods pass */
		step(dp);
		doze();
	}
	assert_false(atomic_load(&freed));
	atomic_store(&wake, true);
	for (int i = 0; i < PATIENCE && !atomic_load(&freed); i++) {
		step(dp);
		doze();
	}
	assert_true(atomic_load(&freed));
	crowd_free(c);
}

/* What comes in never ends; told to stop, workers do. */
static void workers_end_while_queues_are_full(void **state)
{
	struct crowd *c = crowd_new(2);
	struct dp *dp = crowd_take_over(c);
	uint64_t before = count_get(&dp->sh.workers[0]->packets);

	(void)state;
	crowd_flood(c);
	for (int i = 0; i < PATIENCE && count_get(&dp->sh.workers[0]->packets) == before; i++)
		doze();
	assert_true(count_get(&dp->sh.workers[0]->packets) > before);
	assert_true(plumb_down(dp));
	crowd_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handover_outlives_orders_that_name_it),
		cmocka_unit_test(workers_end_while_queues_are_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
