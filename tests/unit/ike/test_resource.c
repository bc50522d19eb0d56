/*
 * Child SAs of workers (RFC 9611): who asks, who gets, what becomes of them. Data flows on every
 * worker of both ends, and none of it is lost.
 */
#include <stdlib.h>

#include "ike/resource.h"
#include "ike/schedule.h"
#include "pair_walk.h"

#define ON    "set security ipsec vpn V multi-sa per-worker\n"
#define MAX_1 "set security ipsec vpn V multi-sa maximum 1\n"

#define HOUR_MS UINT64_C(3600000)

static struct pair *up_of(const char *a, const char *b, int workers)
{
	struct pair_side sides[2] = {side_a, side_b};
	struct pair *p;

	sides[0].extra = a;
	sides[1].extra = b;
	p = pair_up_of(&sides[0], &sides[1]);
	pair_workers(p, workers);
	pair_path_on(p);
	return p;
}

static struct child *find_own(struct pair *p, int node, uint8_t worker)
{
	struct child *c, *next, *found = NULL;

	map_foreach (p->node[node].ike->children, c, next)
		if (c->resource == worker + 1 && c->state == CHILD_UP)
			found = c;
	return found;
}

static struct child *own(struct pair *p, int node, uint8_t worker)
{
	struct child *c = find_own(p, node, worker);

	if (!c) {
		fail_msg("%s: worker %u has none of its own", p->node[node].name, worker);
		abort();
	}
	return c;
}

static struct child *fallback(struct pair *p, int node)
{
	struct child *c = pair_child(p, node);

	c = c && c->tunnel ? resource_fallback(c->tunnel) : NULL;
	if (!c) {
		fail_msg("%s: there is none for all", p->node[node].name);
		abort();
	}
	return c;
}

static struct pair_child *held(struct pair *p, int node, uint32_t spi_in)
{
	struct pair_child *c = p->node[node].sad;

	while (c && c->spi_in != spi_in)
		c = c->next;
	if (!c) {
		fail_msg("%08x is not installed", spi_in);
		abort();
	}
	return c;
}

static uint32_t bucket_of(const struct pair *p, int node, const struct child *c)
{
	uint32_t bits = p->node[node].ike->model->dataplane.bucket_bits;

	return (c->spi_in & 0xffffff) >> (24 - bits);
}

static void a_worker_gets_one_of_its_own(void **state)
{
	struct pair *p = up_of(ON, NULL, 3);
	struct child *c;

	(void)state;
	assert_true(held(p, 0, fallback(p, 0)->spi_in)->own_wanted);
	assert_false(held(p, 1, fallback(p, 1)->spi_in)->own_wanted);
	pair_own(p, 0, 1);
	pair_pass(p, 5000);
	pair_check_agreed(p, 0, 1);
	assert_int_equal(pair_children(p, 0), 2);
	c = own(p, 0, 1);
	assert_true(tsel_set_equal(c->local_ts, fallback(p, 0)->local_ts));
	assert_true(tsel_set_equal(c->remote_ts, fallback(p, 0)->remote_ts));
	assert_int_equal(held(p, 0, c->spi_in)->worker_hint, 2);
	assert_int_equal(bucket_of(p, 0, c) % RESOURCE_PLACES, 1);
	assert_int_equal(bucket_of(p, 0, c) % 3, 1);
	assert_false(held(p, 0, c->spi_in)->own_wanted);
	/* The peer gives it to one of its own. */
	assert_non_null(find_own(p, 1, 0));
	assert_int_equal(p->node[0].ike->stats.child_own, 1);
	/* It has one: nothing more happens. */
	pair_own(p, 0, 1);
	pair_pass(p, 5000);
	assert_int_equal(pair_children(p, 0), 2);
	pair_free(p);
}

static void all_workers_get_one(void **state)
{
	struct pair *p = up_of(ON, ON, 3);

	(void)state;
	for (uint8_t w = 0; w < 3; w++)
		pair_own(p, 0, w);
	pair_pass(p, 10000);
	pair_check_agreed(p, 0, 1);
	assert_int_equal(pair_children(p, 0), 4);
	for (uint8_t w = 0; w < 3; w++) {
		assert_non_null(find_own(p, 0, w));
		assert_non_null(find_own(p, 1, w));
	}
	/* A worker that is not there has none. */
	pair_own(p, 0, 3);
	pair_pass(p, 5000);
	assert_int_equal(pair_children(p, 0), 4);
	pair_free(p);
}

static void who_is_not_told_to_does_not_ask(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	a.extra = ON;
	b.extra = ON;
	b.establish = "responder-only";
	p = pair_up_of(&a, &b);
	pair_workers(p, 3);
	pair_own(p, 1, 1);
	pair_pass(p, 5000);
	pair_check_up(p, 0, 1);
	a.extra = NULL;
	pair_reconfigure(p, 0, &a);
	pair_pass(p, 5000);
	pair_own(p, 0, 1);
	pair_pass(p, 5000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* RFC 9611 5.2 */
static void max_queue_is_believed_until_the_next_ike_sa(void **state)
{
	struct pair *p = up_of(ON, MAX_1, 3);
	unsigned sent;

	(void)state;
	pair_own(p, 0, 0);
	pair_own(p, 0, 1);
	pair_pass(p, 10000);
	pair_check_agreed(p, 0, 1);
	assert_int_equal(pair_children(p, 0), 2);
	assert_int_equal(p->node[1].ike->stats.child_max_queue, 1);
	assert_int_equal(p->node[0].ike->stats.child_own_refused, 1);
	assert_int_equal(p->node[0].ike->stats.child_failed, 0);
	/* The dataplane is told, and who asks nevertheless is not heard. */
	assert_false(held(p, 0, fallback(p, 0)->spi_in)->own_wanted);
	sent = p->node[0].sent;
	pair_own(p, 0, 1);
	pair_own(p, 0, 2);
	pair_pass(p, 2000);
	assert_int_equal(p->node[0].sent, sent);
	assert_int_equal(pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL), 1);
	pair_pass(p, 10000);
	assert_true(held(p, 0, fallback(p, 0)->spi_in)->own_wanted);
	pair_own(p, 0, 2);
	pair_pass(p, 5000);
	assert_int_equal(p->node[1].ike->stats.child_max_queue, 2);
	pair_check_agreed(p, 0, 1);
	pair_free(p);
}

/* RFC 9611 3 */
static void rekeys_keep_the_worker(void **state)
{
	struct pair *p = up_of(ON, NULL, 3);
	uint32_t was, theirs;

	(void)state;
	pair_own(p, 0, 1);
	pair_pass(p, 5000);
	for (int i = 0; i < 4; i++) {
		was = own(p, 0, 1)->spi_in;
		theirs = own(p, 1, 0)->spi_in;
		assert_int_equal(pair_operate(p, i % 2, IKE_OP_REKEY_CHILD, NULL), 2);
		pair_pass(p, 10000);
		pair_check_agreed(p, 0, 1);
		assert_int_equal(pair_children(p, 0), 2);
		assert_int_not_equal(own(p, 0, 1)->spi_in, was);
		assert_int_not_equal(own(p, 1, 0)->spi_in, theirs);
		assert_int_equal(bucket_of(p, 1, own(p, 1, 0)) % RESOURCE_PLACES, 0);
	}
	pair_pass(p, 10 * HOUR_MS);
	assert_non_null(find_own(p, 0, 1));
	assert_int_equal(pair_children(p, 0), 2);
	pair_free(p);
}

static void clear(struct pair *p, int node, struct child *c)
{
	struct ike_event tick = {.type = IKE_EV_TICK};

	c->want_delete = true;
	sched_work(p->node[node].ike, c->sa);
	assert_int_equal(pair_feed(p, node, &tick), 0);
}

/* The fallback serves who has none. */
static void a_deleted_one_is_asked_for_again(void **state)
{
	struct pair *p = up_of(ON, NULL, 2);

	(void)state;
	pair_own(p, 0, 1);
	pair_pass(p, 5000);
	p->path = false; /* a child that is cleared is not missed politely */
	clear(p, 1, own(p, 1, 0));
	pair_pass(p, 5000);
	assert_null(find_own(p, 0, 1));
	pair_check_up(p, 0, 1);
	pair_path_on(p);
	pair_own(p, 0, 1);
	pair_pass(p, 5000);
	assert_non_null(find_own(p, 0, 1));
	pair_check_agreed(p, 0, 1);
	pair_free(p);
}

static void the_fallback_comes_first(void **state)
{
	struct pair *p = up_of(ON, NULL, 3);

	(void)state;
	pair_own(p, 0, 1);
	pair_pass(p, 5000);
	p->path = false;
	clear(p, 1, fallback(p, 1));
	pair_pass(p, 5000);
	pair_path_on(p); /* with another's */
	assert_int_equal(pair_children(p, 0), 1);
	pair_own(p, 0, 2);
	pair_pass(p, 5000);
	assert_int_equal(fallback(p, 0)->resource, 0);
	assert_non_null(find_own(p, 0, 2));
	assert_int_equal(pair_children(p, 0), 3);
	pair_check_agreed(p, 0, 1);
	pair_free(p);
}

static void workers_leave(struct pair *p, int node, uint32_t online)
{
	struct ike_event ev = {.type = IKE_EV_WORKERS, .workers = online};

	assert_int_equal(pair_feed(p, node, &ev), 0);
}

static void ours_goes_with_its_worker(void **state)
{
	struct pair *p = up_of(ON, NULL, 3);

	(void)state;
	pair_own(p, 0, 1);
	pair_own(p, 0, 2);
	pair_pass(p, 5000);
	/* One that is restarted keeps it. */
	workers_leave(p, 0, 5);
	pair_pass(p, 5000);
	workers_leave(p, 0, 7);
	pair_pass(p, 30000);
	assert_int_equal(pair_children(p, 0), 3);
	p->workers = 1; /* of ours, what sends from here on: worker 0 */
	workers_leave(p, 0, 1);
	pair_pass(p, 30000);
	pair_check_up(p, 0, 1);
	assert_int_equal(p->node[1].ike->stats.child_down, 2);
	pair_free(p);
}

static void the_peers_serves_another_worker(void **state)
{
	struct pair *p = up_of(ON, NULL, 2);

	(void)state;
	pair_own(p, 0, 1);
	pair_pass(p, 5000);
	assert_non_null(find_own(p, 1, 0));
	workers_leave(p, 1, 2);
	pair_pass(p, 30000);
	assert_null(find_own(p, 1, 0));
	assert_non_null(find_own(p, 1, 1));
	assert_int_equal(held(p, 1, own(p, 1, 1)->spi_in)->worker_hint, 2);
	assert_int_equal(pair_children(p, 1), 2);
	pair_check_agreed(p, 0, 1);
	pair_free(p);
}

/* What is no longer configured goes. */
static void the_statement_taken_away(void **state)
{
	struct pair_side a = side_a;
	struct pair *p = up_of(ON, NULL, 2);

	(void)state;
	pair_own(p, 0, 1);
	pair_pass(p, 5000);
	pair_reconfigure(p, 0, &a);
	assert_int_equal(pair_children(p, 0), 2);
	pair_pass(p, 30000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static void both_ask_at_once(void **state)
{
	struct pair *p = up_of(ON, ON, 2);

	(void)state;
	pair_own(p, 0, 0);
	pair_pass(p, 5000);
	/* The last one of each. */
	pair_own(p, 0, 1);
	pair_own(p, 1, 1);
	pair_pass(p, 10000);
	pair_check_agreed(p, 0, 1);
	assert_non_null(find_own(p, 0, 1));
	assert_non_null(find_own(p, 1, 1));
	assert_int_equal(p->node[0].ike->stats.child_max_queue, 0);
	assert_int_equal(p->node[1].ike->stats.child_max_queue, 0);
	pair_free(p);
}

/* With the new IKE SA comes a fallback; nobody goes on with what the old one had. */
static void reauthentication_falls_back(void **state)
{
	struct pair *p = up_of(ON, ON, 3);

	(void)state;
	for (int i = 0; i < 2; i++) {
		pair_own(p, 0, 1);
		pair_own(p, 1, 2);
		pair_pass(p, 5000);
		assert_non_null(find_own(p, 0, 1));
		assert_non_null(find_own(p, 1, 2));
		assert_int_equal(pair_operate(p, i, IKE_OP_REAUTH_IKE, NULL), 1);
		pair_pass(p, 60000);
		pair_check_up(p, 0, 1);
	}
	pair_free(p);
}

static void rekeying_the_ike_sa_keeps_them(void **state)
{
	struct pair *p = up_of(ON, ON, 3);

	(void)state;
	pair_own(p, 0, 1);
	pair_pass(p, 5000);
	(void)pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL);
	(void)pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL);
	pair_own(p, 1, 2);
	pair_pass(p, 60000);
	pair_check_agreed(p, 0, 1);
	assert_non_null(find_own(p, 0, 1));
	assert_non_null(find_own(p, 1, 2));
	pair_free(p);
}

/* A successor goes on where its node died; false: the story was over before that step. */
static bool dies_at(int dies, unsigned step, enum pair_fate fate)
{
	struct pair_side sides[2] = {side_a, side_b};
	int a = dies == 0 ? 2 : 0, b = dies == 1 ? 2 : 1;
	struct pair *p;
	bool more = true;

	sides[0].extra = sides[1].extra = ON;
	sides[0].pfs = sides[1].pfs = "group31";
	p = pair_up_of(&sides[0], &sides[1]);
	pair_workers(p, 3);
	pair_own(p, 0, 1);
	for (unsigned i = 0; i < step && more; i++)
		more = pair_step(p);
	pair_takeover(p, dies, 2, &sides[dies], fate);
	pair_pass(p, 20000);
	pair_check_agreed(p, a, b);
	pair_own(p, a, 1);
	pair_pass(p, 20000);
	pair_check_agreed(p, a, b);
	assert_non_null(find_own(p, a, 1));
	assert_int_equal(pair_children(p, a), 2);
	(void)pair_operate(p, b, IKE_OP_REKEY_CHILD, NULL);
	pair_pass(p, 20000);
	pair_check_agreed(p, a, b);
	assert_non_null(find_own(p, a, 1));
	assert_non_null(find_own(p, b, 0));
	pair_free(p);
	return more;
}

static void takeovers_keep_them(void **state)
{
	(void)state;
	for (int dies = 0; dies < 2; dies++)
		(void)pair_die_anywhere(dies_at, dies);
}

/* The successor has fewer workers: what served one it does not have goes. */
static void a_smaller_successor(void **state)
{
	struct pair_side side = side_a;
	struct pair *p = up_of(ON, NULL, 3);

	(void)state;
	side.extra = ON;
	pair_own(p, 0, 2);
	pair_pass(p, 5000);
	p->path = false;
	p->workers = 1;
	pair_takeover(p, 0, 2, &side, PAIR_KEEP_UNCOMMITTED);
	assert_int_equal(pair_children(p, 2), 2);
	workers_leave(p, 2, 1);
	pair_pass(p, 30000);
	pair_check_up(p, 2, 1);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_gets_one_of_its_own),
		cmocka_unit_test(all_workers_get_one),
		cmocka_unit_test(who_is_not_told_to_does_not_ask),
		cmocka_unit_test(max_queue_is_believed_until_the_next_ike_sa),
		cmocka_unit_test(rekeys_keep_the_worker),
		cmocka_unit_test(a_deleted_one_is_asked_for_again),
		cmocka_unit_test(the_fallback_comes_first),
		cmocka_unit_test(ours_goes_with_its_worker),
		cmocka_unit_test(the_peers_serves_another_worker),
		cmocka_unit_test(the_statement_taken_away),
		cmocka_unit_test(both_ask_at_once),
		cmocka_unit_test(reauthentication_falls_back),
		cmocka_unit_test(rekeying_the_ike_sa_keeps_them),
		cmocka_unit_test(takeovers_keep_them),
		cmocka_unit_test(a_smaller_successor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
