/*
 * Dead peers, deletes and half-open limits: what time does.
 */
#include <stdio.h>

#include "pair.h"

static struct pair *with_dpd(const char *mode)
{
	static char extra[256];
	struct pair_side a = side_a;
	struct pair *p;

	(void)snprintf(extra, sizeof extra,
		"set security ike gateway G dead-peer-detection %s\n"
		"set security ike gateway G dead-peer-detection interval 10\n"
		"set security ike gateway G dead-peer-detection threshold 3\n",
		mode);
	a.extra = extra;
	p = pair_of(&a, &side_b);
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	return p;
}

/* DPD-001, DPD-002 */
static void always_send_probes_each_interval(void **state)
{
	struct pair *p = with_dpd("always-send");
	uint32_t was = pair_sa(p, 0)->next_tx;

	(void)state;
	pair_pass(p, 60500);
	assert_in_range(pair_sa(p, 0)->next_tx, was + 5, was + 7);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static void unknown_spi(struct pair *p, const struct endpoint *from, uint32_t spi)
{
	struct ike_event ev = {.type = IKE_EV_BAD_SPI};

	ev.bad_spi = (struct ike_ev_bad_spi){spi, from->addr, pair_sa(p, 0)->local.addr};
	assert_int_equal(pair_feed(p, 0, &ev), 0);
	pair_settle(p);
}

/* respond-bad-spi, RFC 7296 1.5: inside the IKE SA, so often and not more; to nobody else. */
static void unknown_spis_are_told_a_few_times(void **state)
{
	struct pair_side a = side_a;
	struct endpoint stranger = {addr_of_v4(0xcb007101), 0};
	struct pair *p;
	uint32_t was;

	(void)state;
	a.extra = "set security ike respond-bad-spi 2\n";
	p = pair_of(&a, &side_b);
	pair_acquire(p, 0);
	pair_settle(p);
	was = pair_sa(p, 0)->next_tx;
	unknown_spi(p, &stranger, 0x1234);
	assert_int_equal(pair_sa(p, 0)->next_tx, was);
	for (uint32_t i = 0; i < 5; i++)
		unknown_spi(p, &pair_sa(p, 0)->remote, 0x12345678 + i);
	assert_int_equal(pair_sa(p, 0)->next_tx, was + 2);
	assert_int_equal(ike_show_stats(p->node[0].ike)->bad_spis, 6);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static void unknown_spis_are_nobodys_business(void **state)
{
	struct pair *p = pair_up(NULL);
	uint32_t was = pair_sa(p, 0)->next_tx;

	(void)state;
	unknown_spi(p, &pair_sa(p, 0)->remote, 0x12345678);
	assert_int_equal(pair_sa(p, 0)->next_tx, was);
	pair_free(p);
}

static void probe_idle_asks_the_dataplane_first(void **state)
{
	struct pair *p = with_dpd("probe-idle-tunnel");
	uint32_t was = pair_sa(p, 0)->next_tx;

	(void)state;
	p->node[0].idle_in_ms = 100; /* traffic flows */
	pair_pass(p, 60000);
	assert_int_equal(pair_sa(p, 0)->next_tx, was);
	assert_true(p->node[0].asked >= 5);
	p->node[0].idle_in_ms = IKE_IDLE_NEVER;
	pair_pass(p, 30000);
	assert_true(pair_sa(p, 0)->next_tx > was);
	pair_free(p);
}

static void optimized_probes_only_while_sending(void **state)
{
	struct pair *p = with_dpd("optimized");
	uint32_t was = pair_sa(p, 0)->next_tx;

	(void)state;
	p->node[0].idle_in_ms = 20000;
	p->node[0].idle_out_ms = 20000;
	pair_pass(p, 60000);
	assert_int_equal(pair_sa(p, 0)->next_tx, was);
	p->node[0].idle_out_ms = 500; /* we send and hear nothing */
	pair_pass(p, 25000);
	assert_true(pair_sa(p, 0)->next_tx > was);
	pair_free(p);
}

/* DPD-002: dead after interval times threshold; DPD-004: everything of it goes. */
static void silent_peer_is_declared_dead(void **state)
{
	struct pair *p = with_dpd("always-send");

	(void)state;
	pair_kill(p, 1);
	pair_pass(p, 38000);
	assert_non_null(pair_sa(p, 0));
	pair_pass(p, 4000);
	assert_null(pair_sa(p, 0));
	assert_int_equal(pair_children(p, 0), 0);
	assert_null(p->node[0].sad);
	assert_null(p->node[0].log);
	assert_true(pair_said(p, 0, "ike.dead"));
	pair_free(p);
}

/* Protected traffic is a sign of life, whoever loses the probes. */
static bool nothing_passes(struct pair *p, struct packet *k)
{
	(void)p;
	(void)k;
	return false;
}

static void traffic_keeps_the_peer_alive(void **state)
{
	struct pair *p = with_dpd("always-send");

	(void)state;
	p->wire = nothing_passes;
	p->node[0].idle_in_ms = 50;
	pair_pass(p, 120000);
	assert_non_null(pair_sa(p, 0));
	p->wire = NULL;
	pair_pass(p, 30000);
	pair_check_up(p, 0, 1);
	p->wire = nothing_passes;
	p->node[0].idle_in_ms = 60000;
	pair_pass(p, 60000);
	assert_null(pair_sa(p, 0));
	pair_free(p);
}

/* RSP-001: immediately also means again. */
static void dead_tunnel_comes_back(void **state)
{
	struct pair_side a = side_a;
	struct pair *p;

	(void)state;
	a.establish = "immediately";
	a.extra = "set security ike gateway G dead-peer-detection always-send\n"
		  "set security ike gateway G dead-peer-detection interval 2\n"
		  "set security ike gateway G dead-peer-detection threshold 2\n";
	p = pair_of(&a, &side_b);
	pair_pass(p, 2000);
	pair_check_up(p, 0, 1);
	pair_kill(p, 1);
	pair_pass(p, 20000);
	assert_int_equal(pair_children(p, 0), 0);
	pair_start(p, 2, &side_b);
	pair_pass(p, 120000);
	pair_check_up(p, 0, 2);
	pair_free(p);
}

/* DPD-004: the next address of the gateway. */
static void next_address_is_tried(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p = pair_new();

	(void)state;
	a.establish = "immediately";
	a.peer = "[ 192.0.2.9 192.0.2.2 ]";
	pair_start(p, 0, &a);
	pair_start(p, 1, &b);
	pair_pass(p, 180000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static void removed_gateway_takes_its_sas_along(void **state)
{
	struct pair_side c = side_a;
	struct pair *p = pair_ordinary();

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	/* The tunnel has other selectors now: the child goes, the IKE SA stays. */
	c.extra = "delete security ipsec vpn V traffic-selector T1\n"
		  "set security ipsec vpn V traffic-selector T9 local-ip 10.1.0.0/16\n"
		  "set security ipsec vpn V traffic-selector T9 remote-ip 10.2.0.0/16\n";
	pair_reconfigure(p, 0, &c);
	pair_pass(p, 5000);
	assert_int_equal(pair_children(p, 0), 0);
	assert_int_equal(pair_children(p, 1), 0);
	assert_non_null(pair_sa(p, 0));
	/* The peer has another address: everything goes. */
	c.peer = "192.0.2.77";
	pair_reconfigure(p, 0, &c);
	pair_pass(p, 60000);
	assert_null(pair_sa(p, 0));
	assert_null(pair_sa(p, 1));
	pair_free(p);
}

static void gateway_that_is_gone_leaves_nothing(void **state)
{
	struct pair_side c = side_a;
	struct pair *p = pair_ordinary();

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	c.extra = "delete security ipsec vpn V\ndelete security ike gateway G\n";
	pair_reconfigure(p, 0, &c);
	pair_pass(p, 5000);
	assert_int_equal(HASH_COUNT(p->node[0].ike->sas), 0);
	assert_int_equal(pair_children(p, 0), 0);
	assert_null(p->node[0].log);
	assert_null(p->node[0].sad);
	pair_free(p);
}

static void same_configuration_changes_nothing(void **state)
{
	struct ike_event ev = {.type = IKE_EV_CONFIG};
	struct pair *p = pair_ordinary();
	unsigned sent;

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	sent = p->packets;
	for (int i = 0; i < 3; i++) {
		ev.model = pair_model(&side_a);
		assert_int_equal(pair_feed(p, 0, &ev), 0);
		model_free(ev.model);
	}
	pair_pass(p, 10000);
	assert_int_equal(p->packets, sent);
	pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL);
	pair_pass(p, 90000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* ---------------------------------------------------------------- strangers */

/* An IKE_SA_INIT request of somebody who never comes back. */
static void stranger(struct pair *p, uint64_t spi, uint8_t host)
{
	struct packet k = {.n = 0};

	pair_stranger(p, spi, (struct view){0}, &k);
	k.from.addr.b[3] = host;
	pair_inject(p, &k);
}

/* V2-009 */
static void cookies_keep_strangers_stateless(void **state)
{
	struct pair_side b = side_b;
	struct pair *p;

	(void)state;
	b.extra = "set security ike session half-open thresholds send-cookie session-count 5\n"
		  "set security ike session half-open timeout 20\n";
	p = pair_of(&side_a, &b);
	for (unsigned i = 0; i < 1000; i++)
		stranger(p, 1000 + i, 1);
	pair_settle(p);
	assert_int_equal(HASH_COUNT(p->node[1].ike->sas), 5);
	assert_int_equal(p->node[1].ike->stats.cookies_sent, 995);
	/* Someone who is really there gets through. */
	pair_acquire(p, 0);
	pair_settle(p);
	assert_non_null(pair_sa(p, 0));
	assert_int_equal(pair_children(p, 0), 1);
	/* And the strangers are forgotten. */
	pair_pass(p, 25000);
	pair_check_up(p, 0, 1);
	assert_int_equal(p->node[1].ike->half_open, 0);
	pair_free(p);
}

static void wrong_and_old_cookies_are_refused(void **state)
{
	struct pair_side b = side_b;
	struct pair *p;

	(void)state;
	b.extra = "set security ike session half-open thresholds send-cookie session-count 1\n"
		  "set security ike session half-open timeout 180\n";
	p = pair_of(&side_a, &b);
	stranger(p, 99, 1);
	pair_settle(p);
	/* The secret changes twice between question and answer. */
	pair_acquire(p, 0);
	while (p->node[1].ike->stats.cookies_sent == 0 && pair_step(p))
		;
	p->node[1].ike->cookies.version += 2;
	pair_settle(p);
	assert_true(p->node[1].ike->stats.cookies_bad > 0);
	pair_pass(p, 10000);
	assert_int_equal(pair_children(p, 0), 1);
	pair_free(p);
}

static void half_open_sas_are_limited(void **state)
{
	struct pair_side b = side_b;
	struct pair *p;

	(void)state;
	b.extra = "set security ike session half-open max-count 7\n"
		  "set security ike session half-open thresholds send-cookie session-count 9\n"
		  "set security ike session half-open timeout 3\n";
	p = pair_of(&side_a, &b);
	for (unsigned i = 0; i < 50; i++)
		stranger(p, 1000 + i, 1);
	pair_settle(p);
	assert_int_equal(HASH_COUNT(p->node[1].ike->sas), 7);
	assert_int_equal(p->node[1].ike->stats.rx_limit, 43);
	pair_pass(p, 3500);
	assert_int_equal(HASH_COUNT(p->node[1].ike->sas), 0);
	pair_free(p);
}

static void unknown_peers_get_nothing(void **state)
{
	struct pair *p = pair_ordinary();

	(void)state;
	stranger(p, 1000, 77);
	pair_settle(p);
	assert_int_equal(p->packets, 0);
	assert_int_equal(p->node[1].ike->stats.rx_no_gateway, 1);
	assert_int_equal(HASH_COUNT(p->node[1].ike->sas), 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(always_send_probes_each_interval),
		cmocka_unit_test(unknown_spis_are_told_a_few_times),
		cmocka_unit_test(unknown_spis_are_nobodys_business),
		cmocka_unit_test(probe_idle_asks_the_dataplane_first),
		cmocka_unit_test(optimized_probes_only_while_sending),
		cmocka_unit_test(silent_peer_is_declared_dead),
		cmocka_unit_test(traffic_keeps_the_peer_alive),
		cmocka_unit_test(dead_tunnel_comes_back),
		cmocka_unit_test(next_address_is_tried),
		cmocka_unit_test(removed_gateway_takes_its_sas_along),
		cmocka_unit_test(gateway_that_is_gone_leaves_nothing),
		cmocka_unit_test(same_configuration_changes_nothing),
		cmocka_unit_test(cookies_keep_strangers_stateless),
		cmocka_unit_test(wrong_and_old_cookies_are_refused),
		cmocka_unit_test(half_open_sas_are_limited),
		cmocka_unit_test(unknown_peers_get_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
