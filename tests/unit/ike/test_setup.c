/*
 * Setting up: IKE_SA_INIT, IKE_AUTH and the first child between two engines.
 */

#include "pair.h"

static void traffic_brings_the_tunnel_up(void **state)
{
	struct pair *p = pair_ordinary();

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_int_equal(p->packets, 4); /* V2-001 */
	assert_true(pair_said(p, 0, "ike.up") && pair_said(p, 1, "ike.up"));
	assert_true(pair_sa(p, 0)->initiator);
	assert_int_equal(pair_sa(p, 0)->next_tx, 2);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traffic_brings_the_tunnel_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
