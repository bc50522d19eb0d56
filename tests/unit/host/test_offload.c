#include "host_case.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "host/offload.h"

enum { JOBS_MAX = 64, LIGHT = 60, HEAVY = 1000 };

/* What became of each job, and where. */
struct world {
	uv_loop_t loop;
	struct work_queue queue;
	struct offload o;
	pthread_t thread; /* of the loop */
	size_t n, done, dropped, here;
	char order[JOBS_MAX + 1]; /* in which they came back */
	atomic_bool held;	  /* those in the pool do not end */
};

struct job {
	struct offload_job job;
	struct world *w;
	char c;
	bool ran, here;
};

static struct daemon *daemon_of_test(struct world *w)
{
	return (struct daemon *)(void *)w; /* only handed through */
}

static void run(struct offload_job *j)
{
	struct job *k = container_of(j, struct job, job);

	k->ran = true;
	k->here = pthread_equal(pthread_self(), k->w->thread);
	while (atomic_load(&k->w->held) && !k->here)
		(void)sched_yield();
}

static void done(struct offload_job *j, bool dropped)
{
	struct job *k = container_of(j, struct job, job);

	assert_true(pthread_equal(pthread_self(), k->w->thread));
	assert_int_equal(k->ran, !dropped);
	k->w->order[k->w->done++] = k->c;
	k->w->dropped += dropped;
	k->w->here += k->here;
	free(k);
}

static void post(struct world *w, char c, uint32_t cost_us, bool stranger)
{
	struct job *k = calloc(1, sizeof *k);
	size_t before = w->done;

	assert_non_null(k);
	k->job = (struct offload_job){
		.cost_us = cost_us, .stranger = stranger, .run = run, .done = done};
	k->w = w;
	k->c = c;
	w->n++;
	offload_post(&w->o, &k->job);
	assert_int_equal(w->done, before); /* never from inside */
}

static void settle(struct world *w)
{
	work_drain(&w->queue, daemon_of_test(w));
	for (int i = 0; w->done < w->n && i < 1000; i++)
		(void)uv_run(&w->loop, UV_RUN_ONCE);
	assert_int_equal(w->done, w->n);
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	if (!w)
		return -1;
	w->thread = pthread_self();
	work_init(&w->queue);
	*state = w;
	return uv_loop_init(&w->loop) == 0 &&
			       offload_init(&w->o, &w->loop, &w->queue, daemon_of_test(w)) == 0
		       ? 0
		       : -1;
}

static int end(void **state)
{
	struct world *w = *state;

	atomic_store(&w->held, false);
	offload_fini(&w->o);
	work_fini(&w->queue, daemon_of_test(w));
	(void)uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(w->done, w->n);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	free(w);
	return 0;
}

static void a_few_light_ones_are_done_on_the_loop(void **state)
{
	struct world *w = *state;

	for (char c = 'a'; c < 'a' + 20; c++)
		post(w, c, LIGHT, false);
	settle(w);
	assert_int_equal(w->here, 5); /* 300 us in one turn */
	assert_memory_equal(w->order, "abcde", 5);
	/* the next turn has a budget of its own */
	(void)uv_run(&w->loop, UV_RUN_NOWAIT);
	post(w, 'z', LIGHT, true);
	settle(w);
	assert_int_equal(w->here, 6);
}

static void what_is_heavy_never_holds_up_the_loop(void **state)
{
	struct world *w = *state;

	post(w, 'a', HEAVY, false);
	post(w, 'b', LIGHT, false); /* does not overtake */
	settle(w);
	assert_int_equal(w->here, 0);
}

/* I9: strangers have handfuls of a size, and so many of them at once. */
static void strangers_wait_for_their_share_of_the_pool(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 10; i++)
		post(w, 's', HEAVY, true);
	atomic_store(&w->held, true);
	(void)uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_int_equal(w->o.strangers_running, 4);
	post(w, 'k', HEAVY, false); /* behind those at most */
	(void)uv_run(&w->loop, UV_RUN_NOWAIT);
	atomic_store(&w->held, false);
	settle(w);
	assert_in_range((size_t)(strchr(w->order, 'k') - w->order), 0, 8);
}

static void light_ones_go_to_a_thread_together(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 25; i++)
		post(w, 'a', LIGHT, false);
	settle(w);
	assert_int_equal(w->here, 5);
	assert_int_equal(w->o.handfuls, 2); /* the other twenty, ten by ten */
}

static void what_waits_at_the_end_is_dropped(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 8; i++)
		post(w, 'a', HEAVY, true);
	post(w, 'b', HEAVY, false);
	offload_fini(&w->o);
	assert_int_equal(w->done, 9);
	assert_int_equal(w->dropped, 9);
	w->o.loop = NULL; /* it is over */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_few_light_ones_are_done_on_the_loop, begin, end),
		cmocka_unit_test_setup_teardown(what_is_heavy_never_holds_up_the_loop, begin, end),
		cmocka_unit_test_setup_teardown(
			strangers_wait_for_their_share_of_the_pool, begin, end),
		cmocka_unit_test_setup_teardown(light_ones_go_to_a_thread_together, begin, end),
		cmocka_unit_test_setup_teardown(what_waits_at_the_end_is_dropped, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
