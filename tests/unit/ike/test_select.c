/*
 * Traffic selectors between two engines (TS-001 .. TS-007, RFC 7296 2.9): terms, ports, both
 * families, the packet first, one SA after the other where one is not enough, single pairs of
 * addresses.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "ike/v2/select.h"
#include "pair.h"

#define T1 "set security ipsec vpn V traffic-selector T1 "
#define NO_RANGES                                                                                  \
	"delete security ipsec vpn V traffic-selector T1 local-ip\n"                               \
	"delete security ipsec vpn V traffic-selector T1 remote-ip\n"
#define TERM(name, local, remote) T1 "term " name " local-ip " local " remote-ip " remote "\n"

static struct pair *world(const char *a_extra, const char *b_extra)
{
	struct pair_side a = side_a, b = side_b;

	a.extra = a_extra;
	b.extra = b_extra;
	return pair_of(&a, &b);
}

static void packet(struct pair *p, const char *from, const char *to)
{
	pair_acquire_packet(p, 0, model_policy_id("V", "T1"), from, to);
	pair_settle(p);
}

/* What the newest child of a node lets through, as text: "L, L > R, R". */
static const char *newest(struct pair *p, int node)
{
	static char text[1024];
	const struct child *c = pair_child(p, node);
	size_t n = 0;
	char one[TSEL_TEXT_MAX];

	assert_non_null(c);
	for (uint32_t i = 0; i < c->local_ts->n; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i ? ", " : "",
			tsel_text(&c->local_ts->v[i], one));
	for (uint32_t i = 0; i < c->remote_ts->n; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i ? ", " : " > ",
			tsel_text(&c->remote_ts->v[i], one));
	return text;
}

/* Terms at the responder that are no product: the packet says which one is meant. */
static void the_packet_says_which_term(void **state)
{
	struct pair *p = world("", NO_RANGES TERM("A", "10.2.1.0/24", "10.1.1.0/24")
					   TERM("B", "10.2.2.0/24", "10.1.2.0/24"));

	(void)state;
	packet(p, "10.1.2.9 6:1000", "10.2.2.9 6:80");
	assert_int_equal(pair_children(p, 0), 1);
	assert_string_equal(newest(p, 0), "10.1.2.0/24 > 10.2.2.0/24");
	pair_check_mirrored(p, 0, 1);
	/* The same again asks for nothing, another term for one more SA. */
	packet(p, "10.1.2.7 17:5", "10.2.2.1 17:5");
	assert_int_equal(pair_children(p, 0), 1);
	packet(p, "10.1.1.9 6:1000", "10.2.1.9 6:80");
	assert_int_equal(pair_children(p, 0), 2);
	assert_string_equal(newest(p, 0), "10.1.1.0/24 > 10.2.1.0/24");
	pair_check_mirrored(p, 0, 1);
	assert_int_equal(pair_open_sas(p, 0), 1);
	pair_free(p);
}

/* Each is rekeyed as itself. */
static void two_of_one_tunnel_are_rekeyed_apart(void **state)
{
	struct pair *p = world("", NO_RANGES TERM("A", "10.2.1.0/24", "10.1.1.0/24")
					   TERM("B", "10.2.2.0/24", "10.1.2.0/24"));
	struct child *c, *next;
	unsigned a = 0, b = 0;

	(void)state;
	packet(p, "10.1.2.9 6:1000", "10.2.2.9 6:80");
	packet(p, "10.1.1.9 6:1000", "10.2.1.9 6:80");
	for (int node = 0; node < 2; node++) {
		assert_int_equal(pair_operate(p, node, IKE_OP_REKEY_CHILD, NULL), 2);
		pair_settle(p);
		pair_pass(p, 30000);
		assert_int_equal(pair_children(p, 0), 2);
	}
	map_foreach (p->node[0].ike->children, c, next) {
		a += c->state == CHILD_UP && c->local_ts->v[0].lo.b[2] == 1;
		b += c->state == CHILD_UP && c->local_ts->v[0].lo.b[2] == 2;
	}
	assert_int_equal(a, 1);
	assert_int_equal(b, 1);
	pair_check_mirrored(p, 0, 1);
	pair_free(p);
}

static void what_the_peer_refuses_is_not_asked_for_at_once(void **state)
{
	struct pair *p = world("", NO_RANGES TERM("A", "10.2.1.0/24", "10.1.1.0/24"));
	unsigned sent;

	(void)state;
	packet(p, "10.1.1.9 6:1000", "10.2.1.9 6:80");
	assert_int_equal(pair_children(p, 0), 1);
	packet(p, "10.1.5.5 6:1000", "10.2.5.5 6:80");
	assert_int_equal(pair_children(p, 0), 2); /* the same again: narrowed to what there is */
	sent = p->node[0].sent;
	packet(p, "10.1.1.8 6:1000", "10.2.1.9 6:80");
	assert_int_equal(p->node[0].sent, sent);
	pair_free(p);
}

/* Always up, and one SA is not enough: the rest is asked for without a packet. */
static void every_term_comes_up_immediately(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	a.establish = "immediately";
	b.extra = NO_RANGES TERM("A", "10.2.1.0/24", "10.1.1.0/24")
		TERM("B", "10.2.2.0/24", "10.1.2.0/24");
	a.extra = NO_RANGES TERM("A", "10.1.1.0/24", "10.2.1.0/24")
		TERM("B", "10.1.2.0/24", "10.2.2.0/24");
	p = pair_of(&a, &b);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0), 2);
	pair_check_mirrored(p, 0, 1);
	pair_pass(p, 100000);
	assert_int_equal(pair_children(p, 0), 2);
	pair_free(p);
}

/* ADDITIONAL_TS_POSSIBLE (RFC 7296 2.9): the responder has a second selector for the rest. */
static void the_rest_is_in_another_selector(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	a.establish = "immediately";
	b.local_net = "10.2.1.0/24";
	b.extra = "set security ipsec vpn V traffic-selector T2 local-ip 10.2.2.0/24\n"
		  "set security ipsec vpn V traffic-selector T2 remote-ip 10.1.0.0/16\n";
	p = pair_of(&a, &b);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0), 2);
	assert_string_equal(newest(p, 0), "10.1.0.0/16 > 10.2.2.0/24");
	pair_check_mirrored(p, 0, 1);
	pair_free(p);
	/* On traffic, a packet asks for it. */
	a.establish = "on-traffic";
	p = pair_of(&a, &b);
	packet(p, "10.1.0.1 6:1", "10.2.2.1 6:1");
	assert_string_equal(newest(p, 0), "10.1.0.0/16 > 10.2.2.0/24");
	packet(p, "10.1.0.1 6:1", "10.2.1.1 6:1");
	assert_string_equal(newest(p, 0), "10.1.0.0/16 > 10.2.1.0/24");
	assert_int_equal(pair_children(p, 1), 2);
	pair_free(p);
}

/* TS-007. */
static void protocols_and_ports_are_narrowed(void **state)
{
	struct pair *p =
		world("", T1 "protocol tcp destination-port 1000-2000\n" T1 "source-port 80-443\n");

	(void)state;
	packet(p, "10.1.2.9 6:1500", "10.2.2.9 6:80");
	assert_string_equal(newest(p, 0), "6/10.1.0.0/16:1000-2000 > 6/10.2.0.0/16:80-443");
	pair_check_mirrored(p, 0, 1);
	pair_free(p);
	p = world(T1 "protocol tcp destination-port 443-500\n",
		T1 "protocol tcp source-port 80-443\n");
	packet(p, "10.1.2.9 6:1500", "10.2.2.9 6:443");
	assert_string_equal(newest(p, 1), "6/10.2.0.0/16:443-443 > 6/10.1.0.0/16");
	pair_free(p);
	/* TS-006: nothing in common. */
	p = world(T1 "protocol udp\n", T1 "protocol tcp\n");
	packet(p, "10.1.2.9 17:1500", "10.2.2.9 17:443");
	assert_int_equal(pair_children(p, 0), 0);
	assert_true(pair_said(p, 0, "notify=38")); /* TS_UNACCEPTABLE */
	pair_free(p);
}

static void both_families_in_one_sa(void **state)
{
	struct pair *p = world(T1 "term SIX local-ip 2001:db8:1::/48 remote-ip 2001:db8:2::/48\n",
		T1 "term SIX local-ip 2001:db8:2::/48 remote-ip 2001:db8:1::/48\n");

	(void)state;
	packet(p, "2001:db8:1::7 58:32768", "2001:db8:2::7 58:32768");
	assert_int_equal(pair_children(p, 0), 1);
	assert_non_null(strstr(newest(p, 1), "10.2.0.0/16"));
	assert_non_null(strstr(newest(p, 1), "2001:db8:2::/48"));
	packet(p, "10.1.0.1 1:2048", "10.2.0.1 1:2048");
	assert_int_equal(pair_children(p, 0), 1);
	pair_check_mirrored(p, 0, 1);
	pair_free(p);
}

/* SINGLE_PAIR_REQUIRED (RFC 7296 2.9), both ways. */
static void one_pair_of_addresses_for_each_sa(void **state)
{
	static const char single[] = "set security ipsec vpn V ike single-address-pair\n";
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	for (int who = 0; who < 3; who++) {
		a.extra = who == 1 ? "" : single;
		b.extra = who == 0 ? "" : single;
		p = pair_of(&a, &b);
		packet(p, "10.1.2.9 6:1500", "10.2.2.9 6:80");
		assert_string_equal(newest(p, 0), "10.1.2.9/32 > 10.2.2.9/32");
		packet(p, "10.1.2.9 6:1500", "10.2.2.9 6:80");
		assert_int_equal(pair_children(p, 0), 1);
		packet(p, "10.1.2.9 6:1500", "10.2.2.10 6:80");
		assert_int_equal(pair_children(p, 0), 2);
		assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 2);
		pair_settle(p);
		pair_pass(p, 30000);
		assert_int_equal(pair_children(p, 1), 2);
		pair_check_mirrored(p, 0, 1);
		pair_free(p);
	}
	/* Without a packet nobody knows which pair: refused, and a packet helps. */
	a.extra = "";
	b.extra = single;
	p = pair_of(&a, &b);
	pair_acquire(p, 0);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0), 0);
	assert_true(pair_said(p, 0, "notify=34"));
	packet(p, "10.1.2.9 6:1500", "10.2.2.9 6:80");
	assert_int_equal(pair_children(p, 0), 1);
	pair_free(p);
}

/* TS-001: a service narrows the proxy identity. */
static void proxy_identity_is_one_selector(void **state)
{
	static const char a_extra[] =
		"delete security ipsec vpn V traffic-selector\n"
		"set security ipsec vpn V ike proxy-identity local 10.1.0.0/24 "
		"remote 10.2.0.0/24 service junos-http\n";
	static const char b_extra[] =
		"delete security ipsec vpn V traffic-selector\n"
		"set security ipsec vpn V ike proxy-identity local 10.2.0.0/24 "
		"remote 10.1.0.0/24 service any\n";
	struct pair *p = world(a_extra, b_extra);

	(void)state;
	pair_acquire_packet(p, 0, model_policy_id("V", ""), "10.1.0.1 6:2000", "10.2.0.1 6:80");
	pair_settle(p);
	assert_string_equal(newest(p, 1), "6/10.2.0.0/24:80-80 > 6/10.1.0.0/24");
	pair_check_mirrored(p, 0, 1);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_packet_says_which_term),
		cmocka_unit_test(two_of_one_tunnel_are_rekeyed_apart),
		cmocka_unit_test(what_the_peer_refuses_is_not_asked_for_at_once),
		cmocka_unit_test(every_term_comes_up_immediately),
		cmocka_unit_test(the_rest_is_in_another_selector),
		cmocka_unit_test(protocols_and_ports_are_narrowed),
		cmocka_unit_test(both_families_in_one_sa),
		cmocka_unit_test(one_pair_of_addresses_for_each_sa),
		cmocka_unit_test(proxy_identity_is_one_selector),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
