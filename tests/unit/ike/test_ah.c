/*
 * AH and transport mode, negotiated (RFC 7296 1.3.1, 3.3): between two engines, and where a NAT
 * forbids them.
 */
#include <stdio.h>

#include "base/err.h"
#include "pair.h"

#define AH_POLICY                                                                                  \
	"set security ipsec proposal A protocol ah\n"                                              \
	"set security ipsec proposal A authentication-algorithm %s\n"                              \
	"set security ipsec policy AP proposals A\n"                                               \
	"set security ipsec vpn V ike ipsec-policy AP\n"

static const char transport[] =
	"set security ipsec vpn V mode transport\n"
	"set security ipsec vpn V traffic-selector T1 local-ip 192.0.2.0/24\n"
	"set security ipsec vpn V traffic-selector T1 remote-ip 192.0.2.0/24\n";

static char *ah_with(const char *hash, char *out, size_t cap)
{
	(void)snprintf(out, cap, AH_POLICY, hash);
	return out;
}

/* V2, PRO-002 */
static void ah_comes_up_with_each_hash(void **state)
{
	static const struct {
		const char *word;
		uint16_t integ, len;
	} hashes[] = {{"hmac-md5-96", 1, 16}, {"hmac-sha1-96", 2, 20}, {"hmac-sha-256-128", 12, 32},
		{"hmac-sha-384", 13, 48}, {"hmac-sha-512", 14, 64}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
		struct pair_side a = side_a, b = side_b;
		struct ike_child_install in;
		char text[512];
		struct pair *p;

		a.extra = b.extra = ah_with(hashes[i].word, text, sizeof text);
		p = pair_up_of(&a, &b);
		child_install_fill(pair_child(p, 0), &in);
		assert_int_equal(in.encr, 0);
		assert_int_equal(in.encr_key_in.n, 0);
		assert_int_equal(in.integ, hashes[i].integ);
		assert_int_equal(in.integ_key_out.n, hashes[i].len);
		assert_false(in.transport);
		pair_free(p);
	}
}

/* REKEY_SA and the deletes that follow name AH: else the peer would keep the old one. */
static void ah_is_rekeyed_and_deleted(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct ike_filter all = {0};
	char text[512];
	struct pair *p;
	uint32_t was;

	(void)state;
	a.extra = b.extra = ah_with("hmac-sha-256-128", text, sizeof text);
	p = pair_up_of(&a, &b);
	was = pair_child(p, 0)->spi_in;
	pair_pass(p, UINT64_C(3600) * 1000);
	pair_check_up(p, 0, 1);
	assert_int_not_equal(pair_child(p, 0)->spi_in, was);
	assert_int_equal(pair_children(p, 1), 1);
	(void)pair_operate(p, 0, IKE_OP_CLEAR_CHILD, &all);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0), 0);
	assert_int_equal(pair_children(p, 1), 0);
	pair_free(p);
}

static void ah_and_esp_do_not_meet(void **state)
{
	struct pair_side a = side_a;
	char text[512];
	struct pair *p;

	(void)state;
	a.extra = ah_with("hmac-sha-256-128", text, sizeof text);
	p = pair_of(&a, &side_b);
	pair_acquire(p, 0);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0) + pair_children(p, 1), 0);
	assert_true(pair_said(p, 1, "child.refused"));
	pair_free(p);
}

static void check_ends(const struct tsel_set *ts, const char *addr)
{
	struct addr want;

	assert_int_equal(addr_parse(addr, &want), 0);
	assert_int_equal(ts->n, 1);
	assert_true(addr_equal(&ts->v[0].lo, &want) && addr_equal(&ts->v[0].hi, &want));
}

/* RFC-010: what the two ends say themselves, whatever range was configured. */
static void transport_is_between_the_ends(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct ike_child_install in;
	struct pair *p;

	(void)state;
	a.extra = b.extra = transport;
	p = pair_up_of(&a, &b);
	for (int i = 0; i < 2; i++) {
		child_install_fill(pair_child(p, i), &in);
		assert_true(in.transport);
		check_ends(pair_child(p, i)->local_ts, i ? "192.0.2.2" : "192.0.2.1");
		check_ends(pair_child(p, i)->remote_ts, i ? "192.0.2.1" : "192.0.2.2");
	}
	pair_pass(p, UINT64_C(3600) * 1000); /* so is the next one */
	pair_check_up(p, 0, 1);
	assert_true(pair_child(p, 1)->transport);
	pair_free(p);
}

/* A successor has it from the record. */
static void transport_and_ah_survive_a_takeover(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct ike_child_install in;
	char text[1024];
	struct pair *p;

	(void)state;
	(void)snprintf(text, sizeof text, AH_POLICY "%s", "hmac-sha-384", transport);
	a.extra = b.extra = text;
	p = pair_up_of(&a, &b);
	pair_kill(p, 0);
	pair_takeover(p, 0, 2, &a, PAIR_LOSE_UNCOMMITTED);
	pair_settle(p);
	child_install_fill(pair_child(p, 2), &in);
	assert_true(in.transport);
	assert_int_equal(in.encr, 0);
	assert_int_equal(in.integ, 13);
	pair_free(p);
}

/* One end alone: RFC 7296 lets the other make a tunnel, which is not what was configured. */
static void transport_is_never_replaced_by_a_tunnel(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair_side a = side_a, b = side_b;
		char wide[512];
		struct pair *p;

		(void)snprintf(wide, sizeof wide, "%s", strchr(transport, '\n') + 1);
		a.extra = i ? wide : transport;
		b.extra = i ? transport : wide;
		p = pair_of(&a, &b);
		pair_acquire(p, 0);
		pair_settle(p);
		assert_int_equal(pair_children(p, 0) + pair_children(p, 1), 0);
		assert_true(pair_said(p, i, "child.refused"));
		assert_true(pair_said(p, 0, "ike.up"));
		pair_free(p);
	}
}

/* ---------------------------------------------------------------- behind a NAT */

/* Maps the ports of node 0. */
static bool through_nat(struct pair *p, struct packet *k)
{
	(void)p;
	if (k->node == 0)
		k->from.port = (uint16_t)(k->from.port + 10000);
	else if (k->to.port >= 10000)
		k->to.port = (uint16_t)(k->to.port - 10000);
	return true;
}

static unsigned times_said(struct pair *p, int node, const char *text)
{
	unsigned n = 0;

	for (const char *at = p->node[node].said; (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

/* PRO-004 */
static void ah_behind_nat_is_not_offered(void **state)
{
	struct pair_side a = side_a, b = side_b;
	char text[512];
	struct pair *p;

	(void)state;
	a.extra = b.extra = ah_with("hmac-sha1-96", text, sizeof text);
	p = pair_of(&a, &b);
	p->wire = through_nat;
	pair_acquire(p, 0);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0) + pair_children(p, 1), 0);
	assert_int_equal(times_said(p, 0, "AH cannot pass the NAT"), 1);
	pair_free(p);
}

/* PRO-004: a peer that does offer it. */
static void ah_behind_nat_is_refused(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct ike_sa *sa, *next;
	char text[512];
	struct pair *p;

	(void)state;
	a.extra = b.extra = ah_with("hmac-sha1-96", text, sizeof text);
	p = pair_of(&a, &b);
	p->wire = through_nat;
	pair_acquire(p, 0);
	for (unsigned known = 0; !known && pair_step(p);)
		HASH_ITER(hh, p->node[0].ike->sas, sa, next)
	if (sa->nat_local) { /* it does not know */
		sa->nat_local = false;
		known = 1;
	}
	pair_settle(p);
	assert_int_equal(pair_children(p, 0) + pair_children(p, 1), 0);
	assert_int_equal(times_said(p, 1, "AH cannot pass the NAT"), 1);
	assert_true(pair_said(p, 0, "notify=14 said=NO_PROPOSAL_CHOSEN"));
	pair_free(p);
}

/* With ESP as second choice there is a tunnel all the same. */
static void behind_nat_esp_is_what_remains(void **state)
{
	struct pair_side a = side_a, b = side_b;
	char text[512];
	struct pair *p;

	(void)state;
	(void)snprintf(text, sizeof text,
		"set security ipsec proposal A protocol ah\n"
		"set security ipsec policy AP proposals A\n"
		"set security ipsec policy AP proposals E\n"
		"set security ipsec vpn V ike ipsec-policy AP\n");
	a.extra = b.extra = text;
	p = pair_up_of(&a, &b);
	assert_true(esp_suite_is_ah(&pair_child(p, 0)->suite));
	pair_free(p);
	p = pair_of(&a, &b);
	p->wire = through_nat;
	pair_acquire(p, 0);
	pair_settle(p);
	assert_non_null(pair_child(p, 0));
	assert_false(esp_suite_is_ah(&pair_child(p, 0)->suite));
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ah_comes_up_with_each_hash),
		cmocka_unit_test(ah_is_rekeyed_and_deleted),
		cmocka_unit_test(ah_and_esp_do_not_meet),
		cmocka_unit_test(transport_is_between_the_ends),
		cmocka_unit_test(transport_and_ah_survive_a_takeover),
		cmocka_unit_test(transport_is_never_replaced_by_a_tunnel),
		cmocka_unit_test(ah_behind_nat_is_not_offered),
		cmocka_unit_test(ah_behind_nat_is_refused),
		cmocka_unit_test(behind_nat_esp_is_what_remains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
