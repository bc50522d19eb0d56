/*
 * Peers that are configured by host name: what the engine does with what it is told of them.
 */
#include "pair.h"

#include "ike/names.h"

#define NAMED                                                                                      \
	"delete security ike gateway G address\n"                                                  \
	"set security ike gateway G address hub.example\n"
#define DPD "set security ike gateway G dead-peer-detection always-send interval 5 threshold 2\n"

static void told(struct pair *p, int node, const char *host, const char *a, const char *b)
{
	struct ike_event ev = {.type = IKE_EV_RESOLVED};
	struct addr v[2];
	size_t n = 0;

	assert_int_equal(addr_parse(a, &v[n++]), 0);
	if (b)
		assert_int_equal(addr_parse(b, &v[n++]), 0);
	ev.resolved.host = host;
	ev.resolved.v = v;
	ev.resolved.n = n;
	assert_int_equal(pair_feed(p, node, &ev), 0);
}

static struct pair *named(int which, const char *extra)
{
	struct pair_side a = side_a, b = side_b;

	(which ? &b : &a)->extra = extra;
	return pair_of(&a, &b);
}

/* Nothing is sent before the name means something; then what waits begins at once. */
static void waits_for_its_address(void **state)
{
	struct pair *p = named(0, NAMED "set security ipsec vpn V establish-tunnels immediately\n");

	(void)state;
	pair_pass(p, 1500);
	assert_int_equal(p->packets, 0);
	assert_true(p->node[0].resolves != 0);
	told(p, 0, "other.example", "192.0.2.2", NULL);
	pair_pass(p, 100);
	assert_int_equal(p->packets, 0);
	told(p, 0, "hub.example", "192.0.2.2", NULL);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* An SA stays where it is; the next attempt goes to where the name leads then. */
static void the_peer_moves(void **state)
{
	struct pair *p =
		named(0, NAMED DPD "set security ipsec vpn V establish-tunnels immediately\n");
	struct pair_side c = side_b;
	unsigned asked;

	(void)state;
	told(p, 0, "hub.example", "192.0.2.2", NULL);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	told(p, 0, "hub.example", "192.0.2.2", NULL);
	told(p, 0, "hub.example", "192.0.2.7", NULL);
	pair_pass(p, 3000);
	pair_check_up(p, 0, 1);
	asked = p->node[0].resolves;
	pair_kill(p, 1);
	c.own = "192.0.2.7";
	pair_start(p, 2, &c);
	pair_pass(p, 60000);
	assert_true(p->node[0].resolves > asked);
	pair_check_up(p, 0, 2);
	pair_free(p);
}

/* Several addresses: one after the other, as with several that are configured (DPD-004). */
static void several_addresses(void **state)
{
	struct pair *p = named(0, NAMED "set security ipsec vpn V establish-tunnels immediately\n");

	(void)state;
	told(p, 0, "hub.example", "192.0.2.9", "192.0.2.2");
	pair_pass(p, 120000);
	pair_check_up(p, 0, 1);
	/* Of the other family there is none that could be reached. */
	pair_free(p);
	p = named(0, NAMED "set security ipsec vpn V establish-tunnels immediately\n");
	told(p, 0, "hub.example", "2001:db8::2", "192.0.2.2");
	pair_settle(p);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* The responder knows its peer by what the name means, and by nothing else. */
static void answers_to_a_name(void **state)
{
	static const char peer[] = "delete security ike gateway G address\n"
				   "set security ike gateway G address spoke.example\n";
	struct pair *p = named(1, peer);

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	assert_null(pair_sa(p, 1));
	pair_free(p);
	p = named(1, peer);
	told(p, 1, "spoke.example", "192.0.2.1", NULL);
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* Names that the configuration loses are forgotten; the same name again changes nothing. */
static void configuration_changes(void **state)
{
	struct pair *p = named(0, NAMED);
	struct pair_side a = side_a;

	(void)state;
	told(p, 0, "hub.example", "192.0.2.2", NULL);
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	a.extra = NAMED DPD;
	pair_reconfigure(p, 0, &a);
	pair_check_up(p, 0, 1);
	assert_non_null(p->node[0].ike->names);
	a.extra = "delete security ike gateway G address\n"
		  "set security ike gateway G address other.example\n";
	pair_reconfigure(p, 0, &a);
	assert_null(p->node[0].ike->names);
	assert_null(pair_sa(p, 0));
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_for_its_address),
		cmocka_unit_test(the_peer_moves),
		cmocka_unit_test(several_addresses),
		cmocka_unit_test(answers_to_a_name),
		cmocka_unit_test(configuration_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
