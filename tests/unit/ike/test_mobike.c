/*
 * Peers that move (RFC 4555): what they say, what is done about it, and that a takeover in the
 * middle of it loses nothing.
 */
#include <string.h>

#include "base/emit.h"
#include "ike/tx.h"
#include "ike/v2/mobike.h"
#include "pair.h"
#include "wire/writer.h"

#define MOBIKE "set security ike gateway G mobike enable\n"

static struct addr outside; /* of the NAT, family 0: none */
static struct addr behind;

/* Node 0 is behind it. */
static bool nat(struct pair *p, struct packet *k)
{
	if (outside.family == 0)
		return true;
	if (addr_equal(&k->from.addr, &p->node[0].addr)) {
		behind = k->from.addr;
		k->from.addr = outside;
		k->from.port = (uint16_t)(k->from.port + 1000);
	} else if (addr_equal(&k->to.addr, &outside)) {
		k->to.addr = behind;
		k->to.port = (uint16_t)(k->to.port - 1000);
	}
	return true;
}

static struct pair_side with(const struct pair_side *s, const char *extra)
{
	struct pair_side x = *s;

	x.extra = extra;
	return x;
}

static struct pair *up(void)
{
	struct pair_side a = with(&side_a, MOBIKE), b = with(&side_b, MOBIKE);
	struct pair *p = pair_up_of(&a, &b);

	outside = (struct addr){0};
	p->wire = nat;
	assert_true(pair_sa(p, 0)->supports & SA_MOBIKE);
	assert_true(pair_sa(p, 1)->supports & SA_MOBIKE);
	return p;
}

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void node_moves(struct pair *p, const char *to)
{
	struct ike_event ev = {.type = IKE_EV_ADDRESS};

	ev.address = (struct ike_ev_address){p->node[0].addr, address(to), 9};
	p->node[0].addr = ev.address.to;
	assert_int_equal(pair_feed(p, 0, &ev), 0);
}

/* Both ends of the SAs and the children are there, on node n. */
static void check_at(struct pair *p, int n, const char *peer, bool encap)
{
	struct addr a = address(peer);

	assert_non_null(pair_sa(p, n));
	assert_true(addr_equal(&pair_sa(p, n)->remote.addr, &a));
	assert_non_null(p->node[n].sad);
	for (const struct pair_child *c = p->node[n].sad; c; c = c->next) {
		assert_true(addr_equal(&c->remote.addr, &a));
		assert_int_equal(c->udp_encap, encap);
	}
	pair_check_mirrored(p, 0, n);
}

static const struct ike_stats *stats(struct pair *p, int n)
{
	return &p->node[n].ike->stats;
}

static void peer_moves(void **state)
{
	struct pair *p = up();
	uint64_t sent;

	(void)state;
	/* 3.3: by port 4500 although there is no NAT. */
	assert_int_equal(pair_sa(p, 1)->remote.port, 4500);
	node_moves(p, "192.0.2.77");
	pair_settle(p);
	check_at(p, 1, "192.0.2.77", false);
	assert_int_equal(stats(p, 1)->mobike_moves, 1);
	/* 3.7: we asked whether it is there. */
	assert_int_equal(pair_sa(p, 1)->next_tx, 1);
	assert_null(pair_sa(p, 1)->out);
	assert_false(pair_sa(p, 1)->want_close);
	/* There and back, and a rekey goes by the new way. */
	node_moves(p, "192.0.2.1");
	pair_settle(p);
	check_at(p, 1, "192.0.2.1", false);
	sent = stats(p, 1)->mobike_moves;
	assert_int_equal(sent, 2);
	pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL);
	pair_settle(p);
	assert_true(pair_sa(p, 1)->supports & SA_MOBIKE);
	node_moves(p, "192.0.2.78");
	pair_pass(p, 10000);
	check_at(p, 1, "192.0.2.78", false);
	pair_free(p);
}

static void peer_moves_behind_a_nat_and_out_again(void **state)
{
	struct pair *p = up();

	(void)state;
	outside = address("198.51.100.9");
	node_moves(p, "192.0.2.77");
	pair_settle(p);
	check_at(p, 1, "198.51.100.9", true);
	assert_true(pair_sa(p, 1)->nat_remote);
	assert_true(pair_sa(p, 0)->nat_local);
	assert_true(p->node[0].sad->udp_encap);
	assert_int_equal(pair_sa(p, 1)->remote.port, 5500);
	/* It sends keepalives now. */
	p->node[0].idle_out_ms = UINT64_MAX;
	pair_pass(p, 25000);
	assert_true(p->node[0].keepalives > 0);
	outside = (struct addr){0};
	node_moves(p, "192.0.2.78");
	pair_settle(p);
	check_at(p, 1, "192.0.2.78", false);
	assert_false(p->node[0].sad->udp_encap);
	assert_false(pair_sa(p, 1)->nat_remote);
	pair_free(p);
}

/* The node dies between the request and its commit, or between that and its answer. */
static void move_survives_a_takeover(void **state)
{
	(void)state;
	for (int fate = PAIR_LOSE_UNCOMMITTED; fate <= PAIR_KEEP_UNCOMMITTED; fate++) {
		struct pair_side b = with(&side_b, MOBIKE);
		struct pair *p = up();

		p->node[1].hold_commits = true;
		node_moves(p, "192.0.2.77");
		pair_settle(p);
		/* Nothing is said, nor done, before it is committed (I1, rule 9). */
		assert_true(addr_equal(
			&p->node[1].sad->remote.addr, &(struct addr){4, {192, 0, 2, 1}}));
		assert_non_null(pair_sa(p, 0)->out);
		pair_kill(p, 1);
		pair_takeover(p, 1, 2, &b, (enum pair_fate)fate);
		pair_pass(p, 5000);
		check_at(p, 2, "192.0.2.77", false);
		assert_null(pair_sa(p, 0)->out);
		assert_null(pair_sa(p, 2)->out);
		/* The successor asks whether the peer is there. */
		assert_false(pair_sa(p, 2)->want_verify);
		assert_int_equal(pair_sa(p, 0)->next_rx, 1);
		pair_free(p);
	}
}

static void who_may_not_move_is_told(void **state)
{
	struct pair_side a = with(&side_a, MOBIKE),
			 b = with(&side_b, "set security ike gateway G mobike disable\n");
	struct pair *p = pair_up_of(&a, &b);

	(void)state;
	assert_false(pair_sa(p, 0)->supports & SA_MOBIKE);
	assert_false(pair_sa(p, 1)->supports & SA_MOBIKE);
	pair_sa(p, 0)->supports |= SA_MOBIKE;
	node_moves(p, "192.0.2.77");
	pair_settle(p);
	assert_true(pair_said(p, 1, "ike.move.refused") && pair_said(p, 1, "notify=40"));
	assert_int_equal(stats(p, 1)->mobike_moves, 0);
	assert_true(pair_said(p, 0, "notify=40"));
	pair_free(p);
}

/* For others than dynamic gateways it has to be said. */
static void defaults_are_by_kind_of_gateway(void **state)
{
	struct pair_side b =
		with(&side_b, "set security ike gateway D ike-policy IP\n"
			      "set security ike gateway D dynamic hostname east.example\n"
			      "set security ike gateway D external-interface ge-0/0/0.0\n"
			      "set security ike gateway D version v2-only\n");
	struct model *m = pair_model(&b);

	(void)state;
	assert_true(model_gateway(m, "D")->mobike);
	assert_false(model_gateway(m, "G")->mobike);
	model_free(m);
}

static void who_is_not_there_is_closed(void **state)
{
	struct pair *p = up();

	(void)state;
	node_moves(p, "192.0.2.77");
	while (!(pair_sa(p, 1)->out && pair_sa(p, 1)->out->kind == EXCH_VERIFY) && pair_step(p))
		;
	pair_sa(p, 1)->out->nonce[3] ^= 1; /* as if the peer had another */
	pair_settle(p);
	assert_int_equal(stats(p, 1)->mobike_unverified, 1);
	assert_null(pair_sa(p, 1));
	pair_free(p);
}

/* RFC 4555 3.7: an answer without any proves as little as one with another's. */
static void who_does_not_repeat_it_is_closed(void **state)
{
	const struct rx silent = {.dg = NULL};
	struct pair *p = up();

	(void)state;
	node_moves(p, "192.0.2.77");
	while (!(pair_sa(p, 1)->out && pair_sa(p, 1)->out->kind == EXCH_VERIFY) && pair_step(p))
		;
	mobike_told(p->node[1].ike, pair_sa(p, 1), &silent);
	assert_int_equal(stats(p, 1)->mobike_unverified, 1);
	assert_true(pair_sa(p, 1)->want_close);
	pair_free(p);
}

/* ---------------------------------------------------------------- NO_NATS_ALLOWED */

/* Node 0 says it, from its address, naming that source. */
static void say_no_nats(struct pair *p, const char *named, uint16_t port)
{
	struct ike_sa *sa = pair_sa(p, 0);
	struct packet k = {.from = sa->local, .to = sa->remote, .natt = sa->natt};
	struct addr a = address(named);
	uint8_t room[12];
	struct emit e = emit_to(room, sizeof room);
	struct writer w;
	struct flight *f;

	emit_bytes(&e, a.b, 4);
	emit_bytes(&e, sa->remote.addr.b, 4);
	emit_be16(&e, port);
	emit_be16(&e, sa->remote.port);
	p->node[0].ike->iv_counter += 1000;
	tx_open(p->node[0].ike, sa, &w, EXCHANGE_INFORMATIONAL, false, sa->next_tx++);
	tx_notify(&w, N_UPDATE_SA_ADDRESSES, (struct view){0});
	tx_notify(&w, N_NO_NATS_ALLOWED, view_of_array(room));
	assert_int_equal(tx_seal(p->node[0].ike, sa, &w, &f), 0);
	k.n = flight_at(f, 0).n;
	memcpy(k.octets, flight_at(f, 0).p, k.n);
	flight_free(f);
	pair_inject(p, &k);
	pair_settle(p);
}

static void nats_are_refused_on_demand(void **state)
{
	struct pair *p = up();

	(void)state;
	say_no_nats(p, "192.0.2.1", 4500);
	assert_int_equal(stats(p, 1)->mobike_refused, 0);
	say_no_nats(p, "192.0.2.9", 4500);
	assert_int_equal(stats(p, 1)->mobike_refused, 1);
	assert_true(pair_said(p, 1, "notify=41"));
	say_no_nats(p, "192.0.2.1", 4501);
	assert_int_equal(stats(p, 1)->mobike_refused, 2);
	check_at(p, 1, "192.0.2.1", false);
	pair_free(p);
}

/* Until it is told, what the peer asks goes astray, and it refuses what we ask meanwhile. */
static void told_before_anything_else(void **state)
{
	struct pair *p = up();

	(void)state;
	pair_operate(p, 1, IKE_OP_REKEY_CHILD, NULL);
	pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL);
	node_moves(p, "192.0.2.77");
	pair_pass(p, 6000);
	check_at(p, 1, "192.0.2.77", false);
	assert_null(pair_sa(p, 1)->out);
	pair_free(p);
}

static bool nothing_passes(struct pair *p, struct packet *k)
{
	(void)p;
	(void)k;
	return false;
}

/* RFC 7296 2.11: whatever was asked, the answer goes to where the question came from. */
static void answered_where_it_was_asked(void **state)
{
	struct pair *p = up();

	(void)state;
	p->wire = nothing_passes;
	pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	pair_settle(p);
	p->wire = nat;
	node_moves(p, "192.0.2.77");
	/* one retransmission is enough */
	pair_pass(p, 700);
	check_at(p, 1, "192.0.2.77", false);
	pair_free(p);
}

/* What one end still has to tell or to ask is not forgotten by a rekey that was under way. */
static void moves_during_a_rekey(void **state)
{
	(void)state;
	for (unsigned steps = 0; steps < 12; steps++)
		for (int who = 0; who < 2; who++) {
			struct pair *p = up();

			pair_operate(p, who, IKE_OP_REKEY_IKE, NULL);
			for (unsigned i = 0; i < steps; i++)
				(void)pair_step(p);
			node_moves(p, "192.0.2.77");
			pair_pass(p, 40000);
			check_at(p, 1, "192.0.2.77", false);
			assert_false(pair_sa(p, 1)->want_verify);
			pair_free(p);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peer_moves),
		cmocka_unit_test(told_before_anything_else),
		cmocka_unit_test(answered_where_it_was_asked),
		cmocka_unit_test(moves_during_a_rekey),
		cmocka_unit_test(peer_moves_behind_a_nat_and_out_again),
		cmocka_unit_test(move_survives_a_takeover),
		cmocka_unit_test(who_may_not_move_is_told),
		cmocka_unit_test(defaults_are_by_kind_of_gateway),
		cmocka_unit_test(who_is_not_there_is_closed),
		cmocka_unit_test(who_does_not_repeat_it_is_closed),
		cmocka_unit_test(nats_are_refused_on_demand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
