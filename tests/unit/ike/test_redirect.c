/*
 * Peers that are sent elsewhere (RFC 5685): before, at and after authentication; those who follow,
 * and those who had better not.
 */
#include <stdio.h>
#include <string.h>

#include "pair.h"

#define WHO    "set security ike gateway G local-identity hostname gw.example\n"
#define PEER   "set security ike gateway G remote-identity hostname gw.example\n"
#define FOLLOW PEER "set security ike gateway G redirect follow\n"
#define OTHER  "192.0.2.3"

static struct pair_side with(const struct pair_side *s, const char *own, const char *extra)
{
	struct pair_side x = *s;

	x.own = own;
	x.extra = extra;
	return x;
}

/* Node 0 begins; 1 is where it thinks to go, 2 is the other gateway. */
static struct pair *three(const char *initiator, const char *gateway, const char *other)
{
	struct pair_side a = with(&side_a, "192.0.2.1", initiator),
			 b = with(&side_b, "192.0.2.2", gateway), c = with(&side_b, OTHER, other);
	struct pair *p = pair_of(&a, &b);

	pair_start(p, 2, &c);
	return p;
}

static const struct ike_stats *stats(struct pair *p, int n)
{
	return &p->node[n].ike->stats;
}

static unsigned order(struct pair *p, const char *to, bool active)
{
	struct ike_event ev = {.type = IKE_EV_OPERATOR};

	ev.operator_ = (struct ike_ev_operator){
		.op = IKE_OP_REDIRECT, .redirect_to = to, .active = active};
	p->node[1].operated = 0;
	assert_int_equal(pair_feed(p, 1, &ev), 0);
	pair_settle(p);
	return p->node[1].operated;
}

static void new_peers_go_elsewhere(void **state)
{
	struct pair *p =
		three(FOLLOW, WHO "set security ike gateway G redirect target " OTHER "\n", WHO);

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 2);
	assert_int_equal(HASH_COUNT(p->node[1].ike->sas), 0);
	assert_int_equal(stats(p, 1)->redirects_sent, 1);
	assert_int_equal(stats(p, 0)->redirects_followed, 1);
	/* The other one is gone: back to who is configured. */
	pair_kill(p, 2);
	pair_operate(p, 0, IKE_OP_CLEAR_IKE, NULL);
	pair_pass(p, 120000);
	pair_acquire(p, 0);
	pair_pass(p, 120000);
	pair_acquire(p, 0);
	pair_settle(p);
	assert_int_equal(stats(p, 1)->redirects_sent, 2);
	pair_free(p);
}

static void who_does_not_follow_stays(void **state)
{
	struct pair *p =
		three(PEER, WHO "set security ike gateway G redirect target " OTHER "\n", WHO);

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_int_equal(order(p, OTHER, true), 0);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* Which gateway it is shows in IKE_AUTH only. */
static void authenticated_peers_go_elsewhere(void **state)
{
	struct pair *p = three(FOLLOW,
		WHO "set security ike gateway G redirect target " OTHER "\n"
		    "set security ike gateway D ike-policy IP\n"
		    "set security ike gateway D dynamic hostname east.example\n"
		    "set security ike gateway D external-interface ge-0/0/0.0\n"
		    "set security ike gateway D version v2-only\n",
		WHO);

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	assert_int_equal(stats(p, 1)->ike_up, 1);
	assert_int_equal(pair_children(p, 1), 0);
	pair_acquire(p, 0);
	pair_pass(p, 5000);
	pair_check_up(p, 0, 2);
	assert_null(pair_sa(p, 1));
	pair_free(p);
}

static void established_peers_go_elsewhere(void **state)
{
	struct pair *p =
		three(FOLLOW "set security ipsec vpn V establish-tunnels immediately\n", WHO, WHO);

	(void)state;
	pair_pass(p, 1000);
	pair_check_up(p, 0, 1);
	assert_int_equal(order(p, OTHER, false), 0);
	pair_check_up(p, 0, 1);
	assert_int_equal(order(p, "", true), 1);
	pair_pass(p, 5000);
	pair_check_up(p, 0, 2);
	assert_null(pair_sa(p, 1));
	pair_free(p);
}

/* The node dies between the order and its request. */
static void order_survives_a_takeover(void **state)
{
	struct pair_side a = with(&side_a, "192.0.2.1",
				 FOLLOW "set security ipsec vpn V establish-tunnels immediately\n"),
			 b = with(&side_b, "192.0.2.2",
				 WHO "set security ike gateway G redirect target " OTHER "\n"),
			 c = with(&side_b, OTHER, WHO);
	struct pair_side before = with(&side_b, "192.0.2.2", WHO);
	struct pair *p = pair_of(&a, &before);

	(void)state;
	pair_start(p, 3, &c);
	pair_pass(p, 1000);
	pair_check_up(p, 0, 1);
	p->node[1].hold_commits = true;
	pair_reconfigure(p, 1, &b);
	(void)order(p, "", true);
	pair_takeover(p, 1, 2, &b, PAIR_KEEP_UNCOMMITTED);
	pair_pass(p, 5000);
	pair_check_up(p, 0, 3);
	pair_free(p);
}

static void circles_end(void **state)
{
	struct pair_side a = with(&side_a, "192.0.2.1", FOLLOW);
	struct pair *p = pair_new();

	(void)state;
	pair_start(p, 0, &a);
	for (int i = 1; i <= 3; i++) {
		char own[32], extra[256];
		struct pair_side s;

		(void)snprintf(own, sizeof own, "192.0.2.%d", i + 1);
		(void)snprintf(extra, sizeof extra,
			WHO "set security ike gateway G redirect target 192.0.2.%d\n", i % 3 + 2);
		s = with(&side_b, own, extra);
		pair_start(p, i, &s);
	}
	pair_acquire(p, 0);
	pair_settle(p);
	assert_int_equal(stats(p, 0)->redirects_followed, REDIRECTS_MAX);
	assert_int_equal(stats(p, 0)->redirects_refused, 1);
	assert_true(pair_said(p, 0, "redirected too often"));
	assert_null(pair_sa(p, 0));
	pair_free(p);
}

/* Two that send to each other: the second one sees where the peer comes from. */
static void nobody_is_sent_back(void **state)
{
	struct pair *p = three(FOLLOW, WHO "set security ike gateway G redirect target " OTHER "\n",
		WHO "set security ike gateway G redirect target 192.0.2.2\n");

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 2);
	pair_free(p);
}

static bool spoil_nonce(struct pair *p, struct packet *k)
{
	struct ike_header h = packet_header(k);

	(void)p;
	if (h.exchange == EXCHANGE_IKE_SA_INIT && ike_header_is_response(&h) && h.spi_r == 0)
		k->octets[k->n - 1] ^= 1;
	return true;
}

static void forged_redirects_are_ignored(void **state)
{
	struct pair *p =
		three(FOLLOW, WHO "set security ike gateway G redirect target " OTHER "\n", WHO);

	(void)state;
	p->wire = spoil_nonce;
	pair_acquire(p, 0);
	pair_pass(p, 3000);
	assert_int_equal(stats(p, 0)->redirects_followed, 0);
	assert_true(stats(p, 0)->rx_unexpected > 1);
	assert_int_equal(HASH_COUNT(p->node[2].ike->sas), 0);
	p->wire = NULL;
	pair_pass(p, 10000);
	pair_check_up(p, 0, 2);
	pair_free(p);
}

static void names_are_sent_but_not_followed(void **state)
{
	struct pair *p = three(
		FOLLOW, WHO "set security ike gateway G redirect target other.example\n", WHO);

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	assert_true(pair_said(p, 0, "to=other.example"));
	assert_int_equal(stats(p, 0)->redirects_refused, 1);
	assert_null(pair_sa(p, 0));
	pair_free(p);
}

#define L(s) view_of(s, sizeof(s) - 1)

static void data_is_read(void **state)
{
	struct redirect r;
	uint8_t room[16];

	(void)state;
	assert_int_equal(redirect_parse(L("\x01\x04\x0a\x01\x02\x03nonce"), &r), 0);
	assert_int_equal(r.nonce.n, 5);
	assert_int_equal(redirect_parse(L("\x01\x05\x0a\x01\x02\x03\x04"), &r), -ERR_VALUE);
	assert_int_equal(redirect_parse(L("\x02\x04\x0a\x01\x02\x03"), &r), -ERR_VALUE);
	assert_int_equal(redirect_parse(L("\x03\x09gw.a-b.c1"), &r), 0);
	assert_int_equal(redirect_parse(L("\x03\x04gw\"x"), &r), -ERR_VALUE);
	assert_int_equal(redirect_parse(L("\x03\x00"), &r), -ERR_VALUE);
	assert_int_equal(redirect_parse(L("\x04\x01x"), &r), -ERR_UNSUPPORTED);
	assert_int_equal(redirect_parse(L("\x03\x09gw"), &r), -ERR_TRUNCATED);
	assert_int_equal(redirect_parse(L(""), &r), -ERR_TRUNCATED);
	assert_int_equal(redirect_of_text("2001:db8::1", room, &r), 0);
	assert_int_equal(r.type, REDIRECT_IPV6);
	assert_int_equal(redirect_of_text("not a name", room, &r), -ERR_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_peers_go_elsewhere),
		cmocka_unit_test(who_does_not_follow_stays),
		cmocka_unit_test(authenticated_peers_go_elsewhere),
		cmocka_unit_test(established_peers_go_elsewhere),
		cmocka_unit_test(order_survives_a_takeover),
		cmocka_unit_test(circles_end),
		cmocka_unit_test(nobody_is_sent_back),
		cmocka_unit_test(forged_redirects_are_ignored),
		cmocka_unit_test(names_are_sent_but_not_followed),
		cmocka_unit_test(data_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
