#include "host_case.h"

#include "host/baseline.h"

/* What a dataplane tells: two SAs and two counters, all with one number in every field. */
struct told {
	Dp__ChildStats one[2], *children[2];
	Dp__Counter count[2], *counters[2];
	Dp__Reply reply;
};

static void tell(struct told *t, uint64_t n)
{
	static char names[2][16] = {"esp.in", "drop.esp.auth"};

	t->reply = (Dp__Reply)DP__REPLY__INIT;
	for (uint32_t i = 0; i < 2; i++) {
		Dp__ChildStats *c = &t->one[i];

		*c = (Dp__ChildStats)DP__CHILD_STATS__INIT;
		c->spi_in = 100 + i;
		c->packets_in = c->bytes_in = c->packets_out = c->bytes_out = n;
		c->replay_errors = c->auth_errors = n;
		c->decrypt_errors = c->selector_errors = n;
		c->out_next = c->in_top = n;
		t->children[i] = c;
		t->count[i] = (Dp__Counter)DP__COUNTER__INIT;
		t->count[i].name = names[i];
		t->count[i].value = n;
		t->counters[i] = &t->count[i];
	}
	t->reply.children = t->children;
	t->reply.n_children = 2;
	t->reply.counters = t->counters;
	t->reply.n_counters = 2;
}

static void assert_child(const Dp__ChildStats *c, uint64_t n)
{
	assert_int_equal(c->packets_in, n);
	assert_int_equal(c->bytes_in, n);
	assert_int_equal(c->packets_out, n);
	assert_int_equal(c->bytes_out, n);
	assert_int_equal(c->replay_errors, n);
	assert_int_equal(c->auth_errors, n);
	assert_int_equal(c->decrypt_errors, n);
	assert_int_equal(c->selector_errors, n);
}

static void baseline_zeroes_what_was_there(void **state)
{
	struct baseline b = {0};
	struct told t;

	(void)state;
	tell(&t, 10);
	baseline_apply(&b, &t.reply);
	assert_child(&t.one[0], 10); /* nothing was cleared yet */
	assert_int_equal(baseline_set(&b, &t.reply), 0);
	tell(&t, 15);
	baseline_apply(&b, &t.reply);
	assert_child(&t.one[0], 5);
	assert_child(&t.one[1], 5);
	assert_int_equal(t.count[0].value, 5);
	assert_int_equal(t.count[1].value, 5);
	assert_int_equal(t.one[0].out_next, 15); /* state, not statistics */
	assert_int_equal(t.one[0].in_top, 15);
	tell(&t, 20);
	assert_int_equal(baseline_set(&b, &t.reply), 0);
	tell(&t, 21);
	baseline_apply(&b, &t.reply);
	assert_child(&t.one[1], 1);
	assert_int_equal(t.count[1].value, 1);
	baseline_fini(&b);
}

static void baseline_clears_one(void **state)
{
	struct baseline b = {0};
	struct told t;

	(void)state;
	tell(&t, 10);
	assert_int_equal(baseline_set_child(&b, &t.one[1]), 0);
	tell(&t, 30);
	assert_int_equal(baseline_set_child(&b, &t.one[1]), 0);
	tell(&t, 31);
	baseline_apply(&b, &t.reply);
	assert_child(&t.one[0], 31);
	assert_child(&t.one[1], 1);
	assert_int_equal(t.count[0].value, 31);
	baseline_fini(&b);
}

/* Another dataplane, or another SA with the same SPI, counts from zero. */
static void baseline_never_goes_below_zero(void **state)
{
	struct baseline b = {0};
	struct told t;

	(void)state;
	tell(&t, 100);
	assert_int_equal(baseline_set(&b, &t.reply), 0);
	tell(&t, 3);
	baseline_apply(&b, &t.reply);
	assert_child(&t.one[0], 3);
	assert_int_equal(t.count[0].value, 3);
	baseline_forget(&b);
	tell(&t, 200);
	baseline_apply(&b, &t.reply);
	assert_child(&t.one[0], 200);
	assert_int_equal(t.count[1].value, 200);
	baseline_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(baseline_zeroes_what_was_there),
		cmocka_unit_test(baseline_clears_one),
		cmocka_unit_test(baseline_never_goes_below_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
