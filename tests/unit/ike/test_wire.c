/*
 * What the wire does: loss, repetition, reordering, NAT; message IDs and the window.
 */
#include <stdlib.h>

#include "pair.h"

/* ---------------------------------------------------------------- loss and repetition */

struct fate {
	unsigned at, seen; /* which datagram, by order of arrival */

	enum { LOSE, REPEAT, LATE } what;
	struct packet kept;
	bool has_kept;
};

static bool one_is_hit(struct pair *p, struct packet *k)
{
	struct fate *f = (struct fate *)p->wire_ctx;

	if (f->seen++ != f->at)
		return true;
	f->kept = *k;
	f->has_kept = true;
	if (f->what == REPEAT)
		pair_inject(p, k);
	return f->what == REPEAT;
}

static void every_message_may_be_lost_or_repeated(void **state)
{
	static const char *const words[] = {"lost", "repeated", "late"};

	(void)state;
	for (unsigned what = LOSE; what <= LATE; what++) {
		for (unsigned at = 0; at < 12; at++) {
			struct fate f = {.at = at, .what = what};
			struct pair *p = pair_ordinary();

			print_message("# datagram %u %s\n", at, words[what]);
			p->wire_ctx = &f;
			p->wire = one_is_hit;
			pair_acquire(p, 0);
			pair_pass(p, 30000);
			pair_check_up(p, 0, 1);
			pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
			pair_pass(p, 30000);
			pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL);
			pair_pass(p, 90000);
			if (what == LATE && f.has_kept)
				pair_inject(p, &f.kept); /* when all is over */
			pair_pass(p, 60000);
			pair_check_up(p, 0, 1);
			assert_int_equal(pair_sa(p, 0)->rekeys, 1);
			assert_int_equal(p->node[0].ike->stats.child_rekeyed, 1);
			pair_free(p);
		}
	}
}

/* Everything that was ever sent, sent again: answered from the cache or dropped, nothing changes.
 */
struct tape {
	struct packet at[64];
	unsigned n;
};

static bool taped(struct pair *p, struct packet *k)
{
	struct tape *t = (struct tape *)p->wire_ctx;

	if (t->n < ARRAY_LEN(t->at))
		t->at[t->n++] = *k;
	return true;
}

static void replayed_messages_change_nothing(void **state)
{
	struct tape *t = calloc(1, sizeof *t);
	struct pair *p = pair_ordinary();
	unsigned n;

	(void)state;
	assert_non_null(t);
	p->wire_ctx = t;
	p->wire = taped;
	pair_acquire(p, 0);
	pair_settle(p);
	pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	pair_pass(p, 20000);
	pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL);
	pair_pass(p, 20000);
	p->wire = NULL;
	n = t->n;
	assert_in_range(n, 10, 60);
	for (unsigned i = 0; i < n; i++) {
		uint64_t up = p->node[1].ike->stats.child_up + p->node[0].ike->stats.child_up;

		pair_inject(p, &t->at[i]);
		pair_settle(p);
		assert_int_equal(
			up, p->node[1].ike->stats.child_up + p->node[0].ike->stats.child_up);
	}
	pair_pass(p, 120000);
	pair_check_up(p, 0, 1);
	free(t);
	pair_free(p);
}

/* V2-003, V2-004 */
static void window_is_one(void **state)
{
	struct pair *p = pair_ordinary();
	struct ike_sa *a;

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	a = pair_sa(p, 0);
	/* Two things to do: the second waits for the first. */
	pair_child(p, 0)->want_rekey = true;
	a->want_probe = true;
	pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	pair_step(p);
	pair_step(p);
	assert_int_equal(a->next_tx, 3);
	pair_pass(p, 5000);
	assert_in_range(a->next_tx, 5, 5); /* rekey, probe, delete */
	pair_check_up(p, 0, 1);
	/* A message ID from the future is nothing. */
	a->next_tx += 5;
	pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	pair_pass(p, 100);
	assert_true(p->node[1].ike->stats.rx_window > 0);
	pair_free(p);
}

static void answers_are_byte_identical(void **state)
{
	struct tape *t = calloc(1, sizeof *t);
	struct pair *p = pair_ordinary();
	struct packet again;

	(void)state;
	assert_non_null(t);
	p->wire_ctx = t;
	p->wire = taped;
	pair_acquire(p, 0);
	pair_settle(p);
	assert_int_equal(t->n, 4);
	again = t->at[2]; /* the IKE_AUTH request */
	pair_inject(p, &again);
	pair_settle(p);
	assert_int_equal(t->n, 6);
	assert_int_equal(t->at[5].n, t->at[3].n);
	assert_memory_equal(t->at[5].octets, t->at[3].octets, t->at[3].n);
	/* The same ID with other octets gets nothing. */
	again.octets[again.n - 1] ^= 1;
	pair_inject(p, &again);
	pair_settle(p);
	assert_int_equal(t->n, 7);
	free(t);
	pair_free(p);
}

static void changed_octets_are_dropped(void **state)
{
	struct tape *t = calloc(1, sizeof *t);
	struct pair *p = pair_ordinary();

	(void)state;
	assert_non_null(t);
	p->unchecked = true;
	p->wire_ctx = t;
	p->wire = taped;
	pair_acquire(p, 0);
	pair_settle(p);
	pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	while (t->n < 5 && pair_step(p))
		;
	p->wire = NULL;
	/* The request of a rekey, each octet changed in turn. */
	for (size_t i = 0; i < t->at[4].n; i++) {
		struct packet k = t->at[4];

		k.octets[i] ^= 0x80;
		pair_inject(p, &k);
	}
	pair_pass(p, 20000);
	pair_check_up(p, 0, 1);
	assert_int_equal(p->node[1].ike->stats.child_rekeyed, 1);
	free(t);
	pair_free(p);
}

/* ---------------------------------------------------------------- NAT */

/* Who is behind it, and what it makes of them. */
struct nat {
	struct addr inside, outside;
	uint16_t port500, port4500;
	struct pair_side a, b;
	struct packet kept;
	unsigned natd; /* messages with NAT detection */
};

static bool through_nat(struct pair *p, struct packet *k)
{
	struct nat *n = (struct nat *)p->wire_ctx;

	if (addr_equal(&k->from.addr, &n->inside)) {
		k->from.addr = n->outside;
		k->from.port = k->from.port == 500 ? n->port500 : n->port4500;
	} else if (addr_equal(&k->to.addr, &n->outside)) {
		bool is4500 = k->to.port == n->port4500;

		if (!is4500 && k->to.port != n->port500)
			return false; /* no such mapping */
		k->to.addr = n->inside;
		k->to.port = is4500 ? 4500 : 500;
	}
	return true;
}

static struct pair *behind_nat(struct nat *n, const struct pair_side *a, const struct pair_side *b)
{
	struct pair *p = pair_of(a, b);

	p->wire_ctx = n;
	p->wire = through_nat;
	return p;
}

/* NAT-001, NAT-003 */
static void initiator_behind_nat_floats(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct nat n = {.port500 = 10500, .port4500 = 14500};
	struct pair *p;

	(void)state;
	assert_int_equal(addr_parse("10.99.0.7", &n.inside), 0);
	assert_int_equal(addr_parse("192.0.2.1", &n.outside), 0);
	a.own = "10.99.0.7";
	a.extra = "set security ike gateway G local-identity hostname a.example\n";
	b.extra = "set security ike gateway G remote-identity hostname a.example\n";
	p = behind_nat(&n, &a, &b);
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_true(pair_sa(p, 0)->nat_local && !pair_sa(p, 0)->nat_remote);
	assert_true(pair_sa(p, 1)->nat_remote && !pair_sa(p, 1)->nat_local);
	assert_int_equal(pair_sa(p, 1)->remote.port, 14500);
	assert_true(p->node[0].sad->udp_encap && p->node[1].sad->udp_encap);
	assert_int_equal(p->node[1].sad->remote.port, 14500);
	assert_int_equal(p->node[0].sad->remote.port, 4500);
	/* NAT-004: every 20 s when idle, and only from behind the NAT. */
	pair_pass(p, 61000);
	assert_in_range(p->node[0].keepalives, 3, 3);
	assert_int_equal(p->node[1].keepalives, 0);
	/* NAT-006: the mapping changes; the next authenticated message moves the peer. */
	n.port4500 = 24500;
	pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	pair_pass(p, 5000);
	pair_check_up(p, 0, 1);
	assert_int_equal(pair_sa(p, 1)->remote.port, 24500);
	assert_int_equal(p->node[1].sad->remote.port, 24500);
	/* And one more, seen first by ESP. */
	n.port4500 = 34500;
	{
		struct ike_event ev = {.type = IKE_EV_ENDPOINT_MOVED};

		ev.moved.spi_in = pair_child(p, 1)->spi_in;
		ev.moved.from = (struct endpoint){n.outside, 34500};
		assert_int_equal(pair_feed(p, 1, &ev), 0);
		pair_settle(p);
	}
	assert_int_equal(p->node[1].sad->remote.port, 34500);
	pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL);
	pair_pass(p, 60000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static void responder_behind_nat_floats(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct nat n = {.port500 = 500, .port4500 = 4500};
	struct pair *p;

	(void)state;
	assert_int_equal(addr_parse("10.99.0.7", &n.inside), 0);
	assert_int_equal(addr_parse("192.0.2.2", &n.outside), 0);
	b.own = "10.99.0.7";
	b.extra = "set security ike gateway G local-identity hostname b.example\n";
	a.extra = "set security ike gateway G remote-identity hostname b.example\n";
	p = behind_nat(&n, &a, &b);
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_true(pair_sa(p, 1)->nat_local);
	assert_true(pair_sa(p, 0)->nat_remote);
	assert_true(p->node[0].sad->udp_encap && p->node[1].sad->udp_encap);
	pair_pass(p, 41000);
	assert_true(p->node[1].keepalives > 0);
	pair_free(p);
}

/* A pair of which node 0 is behind a NAT, up. */
static struct pair *up_behind_nat(struct nat *n)
{
	struct pair *p;

	assert_int_equal(addr_parse("10.99.0.7", &n->inside), 0);
	assert_int_equal(addr_parse("192.0.2.1", &n->outside), 0);
	n->a = side_a;
	n->b = side_b;
	n->a.own = "10.99.0.7";
	n->a.extra = "set security ike gateway G local-identity hostname a.example\n"
		     "set security ipsec vpn V udp-encapsulate dest-port 4565\n";
	n->b.extra = "set security ike gateway G remote-identity hostname a.example\n";
	p = behind_nat(n, &n->a, &n->b);
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	return p;
}

/* NAT-004, RFC 3948 4: ESP keeps the mapping as well, and the dataplane knows when it last did. */
static void keepalives_only_when_nothing_else_goes(void **state)
{
	struct nat n = {.port500 = 10500, .port4500 = 14500};
	struct pair *p = up_behind_nat(&n);

	(void)state;
	p->node[0].idle_out_ms = 300;
	pair_pass(p, 100000);
	assert_int_equal(p->node[0].keepalives, 0);
	/* UDP-005 */
	assert_true(p->node[0].sad->udp_encap && p->node[0].sad->udp_port == 0);
	assert_true(p->node[0].asked >= 5);
	p->node[0].idle_out_ms = 15000; /* .. and would have been 20 s old 5 s later */
	pair_pass(p, 100);
	p->node[0].asked = 0;
	pair_pass(p, 40000);
	assert_int_equal(p->node[0].keepalives, 0);
	assert_in_range(p->node[0].asked, 4, 6); /* 20 s after it was last told, then each 5 s */
	p->node[0].idle_out_ms = IKE_IDLE_NEVER;
	pair_pass(p, 60000);
	assert_in_range(p->node[0].keepalives, 3, 4);
	pair_free(p);
}

/* HA-023: a successor cannot know when the last one was sent; mappings live 30 s in bad NATs. */
static void successor_keeps_the_mapping(void **state)
{
	struct nat n = {.port500 = 10500, .port4500 = 14500};
	struct pair *p = up_behind_nat(&n);

	(void)state;
	pair_pass(p, 15000);
	assert_int_equal(p->node[0].keepalives, 0);
	pair_takeover(p, 0, 2, &n.a, PAIR_KEEP_UNCOMMITTED);
	pair_pass(p, 1500);
	assert_int_equal(p->node[2].keepalives, 1);
	assert_int_equal(p->node[0].keepalives, 0);
	pair_pass(p, 41000);
	assert_int_equal(p->node[2].keepalives, 3);
	pair_free(p);
}

static bool note_last(struct pair *p, struct packet *k)
{
	struct nat *n = (struct nat *)p->wire_ctx;

	if (!through_nat(p, k))
		return false;
	if (k->from.port == 14500 && k->natt)
		n->kept = *k; /* the last one through the old mapping */
	return true;
}

/* Rule 9: the port that was learned is in the record, and nothing old moves it back. */
static void moved_port_survives_takeover_and_replay(void **state)
{
	struct nat n = {.port500 = 10500, .port4500 = 14500};
	struct pair *p = up_behind_nat(&n);
	struct ike_event ev = {.type = IKE_EV_DATAGRAM};

	(void)state;
	p->wire = note_last;
	pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	pair_pass(p, 5000);
	n.port4500 = 24500;
	pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	pair_pass(p, 5000);
	assert_int_equal(pair_sa(p, 1)->remote.port, 24500);
	ev.datagram =
		(struct ike_ev_datagram){.local = n.kept.to, .remote = n.kept.from, .natt = true};
	ev.datagram.octets = view_of(n.kept.octets, n.kept.n);
	assert_true(n.kept.n > 0);
	assert_int_equal(pair_feed(p, 1, &ev), 0);
	pair_settle(p);
	assert_int_equal(pair_sa(p, 1)->remote.port, 24500);
	pair_takeover(p, 1, 3, &n.b, PAIR_KEEP_UNCOMMITTED);
	pair_settle(p);
	assert_int_equal(pair_sa(p, 3)->remote.port, 24500);
	assert_int_equal(pair_feed(p, 3, &ev), 0);
	pair_settle(p);
	assert_int_equal(pair_sa(p, 3)->remote.port, 24500);
	pair_free(p);
}

/* A notification of NAT detection (RFC 7296 2.23): length 28, no protocol, no SPI, its type. */
static bool has_natd(const struct packet *k)
{
	static const uint8_t source[] = {0, 28, 0, 0, 0x40, 0x04},
			     dest[] = {0, 28, 0, 0, 0x40, 0x05};

	for (size_t i = 0; i + sizeof source <= k->n; i++)
		if (memcmp(k->octets + i, source, sizeof source) == 0 ||
			memcmp(k->octets + i, dest, sizeof dest) == 0)
			return true;
	return false;
}

static bool nat_sees_natd(struct pair *p, struct packet *k)
{
	struct nat *n = (struct nat *)p->wire_ctx;

	n->natd += has_natd(k);
	return through_nat(p, k);
}

/* NAT-005: through a NAT, and nobody says a word about it; and with the statement gone they do. */
static void nat_traversal_can_be_off(void **state)
{
	struct nat n = {.port500 = 10500, .port4500 = 14500};
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	assert_int_equal(addr_parse("10.99.0.7", &n.inside), 0);
	assert_int_equal(addr_parse("192.0.2.1", &n.outside), 0);
	a.own = "10.99.0.7";
	b.extra = "set security ike gateway G remote-identity hostname a.example\n"
		  "set security ike gateway G no-nat-traversal\n";
	for (int off = 1; off >= 0; off--) {
		a.extra = off ? "set security ike gateway G local-identity hostname a.example\n"
				"set security ike gateway G no-nat-traversal\n"
			      : "set security ike gateway G local-identity hostname a.example\n";
		p = behind_nat(&n, &a, &b);
		p->wire = nat_sees_natd;
		pair_acquire(p, 0);
		pair_settle(p);
		pair_check_up(p, 0, 1);
		assert_int_equal(n.natd, off ? 0 : 1); /* the other end never answers it */
		assert_int_equal(pair_sa(p, 0)->local.port, 500);
		assert_int_equal(pair_sa(p, 1)->remote.port, 10500);
		assert_false(p->node[0].sad->udp_encap || p->node[1].sad->udp_encap);
		pair_pass(p, 100000);
		assert_int_equal(p->node[0].keepalives + p->node[1].keepalives, 0);
		pair_free(p);
	}
}

/* Without a NAT nobody moves, whatever the outer addresses say. */
static bool address_forged(struct pair *p, struct packet *k)
{
	(void)p;
	if (k->from.addr.b[3] == 1)
		k->from.addr.b[3] = 66;
	return true;
}

static void without_nat_nobody_moves(void **state)
{
	struct pair *p = pair_ordinary();

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	p->wire = address_forged;
	pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	pair_pass(p, 5000);
	assert_int_equal(pair_sa(p, 1)->remote.addr.b[3], 1);
	assert_int_equal(p->node[1].sad->remote.addr.b[3], 1);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_may_be_lost_or_repeated),
		cmocka_unit_test(replayed_messages_change_nothing),
		cmocka_unit_test(window_is_one),
		cmocka_unit_test(answers_are_byte_identical),
		cmocka_unit_test(changed_octets_are_dropped),
		cmocka_unit_test(initiator_behind_nat_floats),
		cmocka_unit_test(responder_behind_nat_floats),
		cmocka_unit_test(keepalives_only_when_nothing_else_goes),
		cmocka_unit_test(successor_keeps_the_mapping),
		cmocka_unit_test(moved_port_survives_takeover_and_replay),
		cmocka_unit_test(nat_traversal_can_be_off),
		cmocka_unit_test(without_nat_nobody_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
