/*
 * Fragments (RFC 7383): collecting them, and messages in fragments between two engines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ike/fragment.h"
#include "ike/tx.h"
#include "pair.h"

/* ---------------------------------------------------------------- collecting */

static struct fragment piece(uint32_t mid, uint16_t number, uint16_t total, const char *text)
{
	return (struct fragment){.mid = mid,
		.number = number,
		.total = total,
		.first = number == 1 ? 35 : 0,
		.inner = view_of_text(text),
		.hash = {(uint8_t)number}};
}

static int add(
	struct fragments **held, uint32_t mid, uint16_t number, uint16_t total, const char *text)
{
	const struct fragment f = piece(mid, number, total, text);

	return fragments_add(held, &f);
}

static void check_whole(struct fragments *held, const char *text)
{
	struct fragments_whole whole;
	uint8_t room[256];

	assert_int_equal(fragments_join(held, room, sizeof room, &whole), 0);
	assert_true(view_equal(whole.inner, view_of_text(text)));
	assert_int_equal(whole.first, 35);
	assert_int_equal(whole.hash[0], 1);
}

static void any_order_gives_the_same(void **state)
{
	static const uint16_t orders[][3] = {
		{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
	static const char *const text[] = {"abc", "def", "g"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct fragments *held = NULL;

		for (size_t k = 0; k < 3; k++) {
			uint16_t n = orders[i][k];

			assert_int_equal(
				add(&held, 1, n, 3, text[n - 1]), k == 2 ? 0 : FRAGMENTS_WAIT);
		}
		check_whole(held, "abcdefg");
		fragments_free(held);
	}
}

static void what_is_refused_is_refused_before_decryption(void **state)
{
	struct fragments *held = NULL;
	struct fragment f;

	(void)state;
	assert_int_equal(add(&held, 7, 2, 3, "b"), FRAGMENTS_WAIT);
	f = piece(7, 2, 3, "b");
	assert_int_equal(fragments_admit(held, &f), -ERR_EXISTS);
	f = piece(7, 2, 2, "b"); /* older, coarser */
	assert_int_equal(fragments_admit(held, &f), -ERR_WRONG_STATE);
	f = piece(7, 1, 33, "b"); /* FRG-005 */
	assert_int_equal(fragments_admit(held, &f), -ERR_LIMIT);
	assert_int_equal(fragments_admit(NULL, &f), -ERR_LIMIT);
	f = piece(7, 0, 3, "b");
	assert_int_equal(fragments_admit(held, &f), -ERR_VALUE);
	f = piece(7, 4, 3, "b");
	assert_int_equal(fragments_admit(held, &f), -ERR_VALUE);
	f = piece(7, 1, 32, "b");
	assert_int_equal(fragments_admit(held, &f), 0);
	fragments_free(held);
}

static void a_finer_set_starts_anew(void **state)
{
	struct fragments *held = NULL;

	(void)state;
	assert_int_equal(add(&held, 7, 1, 2, "coarse"), FRAGMENTS_WAIT);
	assert_int_equal(add(&held, 7, 3, 3, "c"), FRAGMENTS_WAIT);
	assert_int_equal(fragments_octets(held), 1); /* FRG-009 */
	assert_int_equal(add(&held, 7, 2, 2, "old"), -ERR_WRONG_STATE);
	assert_int_equal(add(&held, 7, 1, 3, "a"), FRAGMENTS_WAIT);
	assert_int_equal(add(&held, 7, 2, 3, "b"), 0);
	check_whole(held, "abc");
	fragments_free(held);
}

static void another_message_starts_anew(void **state)
{
	struct fragments *held = NULL;

	(void)state;
	assert_int_equal(add(&held, 7, 1, 2, "a"), FRAGMENTS_WAIT);
	assert_int_equal(add(&held, 8, 2, 2, "d"), FRAGMENTS_WAIT);
	assert_int_equal(add(&held, 8, 1, 2, "c"), 0);
	check_whole(held, "cd");
	fragments_free(held);
}

static void what_is_held_is_bounded(void **state)
{
	static uint8_t much[FRAGMENTS_OCTETS_MAX / 2];
	struct fragments *held = NULL;
	struct fragment f = piece(1, 1, 32, "");

	(void)state;
	f.inner = view_of_array(much);
	assert_int_equal(fragments_add(&held, &f), FRAGMENTS_WAIT);
	f.number = 2;
	assert_int_equal(fragments_add(&held, &f), FRAGMENTS_WAIT);
	f.number = 3;
	assert_int_equal(fragments_add(&held, &f), -ERR_LIMIT);
	assert_null(held);
}

/*
 * A model that keeps everything it ever saw: the set that counts is the one with the largest total
 * of the newest message, and it is complete when all its numbers were seen.
 */
struct reference {
	uint32_t mid;
	uint16_t total;
	uint32_t have;
};

static uint32_t draw(uint64_t *s, uint32_t n)
{
	*s = *s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*s >> 33) % n;
}

/* The octets of a fragment tell what it is. */
static void check_pieces(const struct fragments *held, const struct reference *r)
{
	struct fragments_whole whole;
	uint8_t room[256];

	assert_int_equal(fragments_join(held, room, sizeof room, &whole), 0);
	assert_int_equal(whole.inner.n, r->total * 3U);
	for (uint16_t i = 0; i < r->total; i++) {
		assert_int_equal(room[3 * i], (uint8_t)r->mid);
		assert_int_equal(room[3 * i + 1], r->total);
		assert_int_equal(room[3 * i + 2], i + 1);
	}
}

static void random_sequences_are_as_in_the_model(void **state)
{
	uint64_t s = 42;
	unsigned wholes = 0;

	(void)state;
	for (unsigned run = 0; run < 2000; run++) {
		struct fragments *held = NULL;
		struct reference r = {0};

		for (unsigned step = 0; step < 60; step++) {
			struct fragment f = {.mid = r.mid, .first = 35};
			uint8_t octets[3];
			int want;

			if (draw(&s, 40) == 0)
				f.mid++;
			f.total = (uint16_t)(r.total && draw(&s, 8) ? r.total : 1 + draw(&s, 6));
			f.number = (uint16_t)(1 + draw(&s, f.total));
			octets[0] = (uint8_t)f.mid;
			octets[1] = (uint8_t)f.total;
			octets[2] = (uint8_t)f.number;
			f.inner = view_of_array(octets);
			if (f.mid != r.mid || f.total > r.total)
				r = (struct reference){f.mid, f.total, 0};
			if (f.total < r.total)
				want = -ERR_WRONG_STATE;
			else if (r.have & UINT32_C(1) << f.number)
				want = -ERR_EXISTS;
			else {
				r.have |= UINT32_C(1) << f.number;
				want = r.have == (UINT32_C(1) << (r.total + 1)) - 2
					       ? 0
					       : FRAGMENTS_WAIT;
			}
			assert_int_equal(fragments_add(&held, &f), want);
			if (want != 0)
				continue;
			check_pieces(held, &r);
			wholes++;
			fragments_free(held);
			held = NULL;
			r = (struct reference){.mid = r.mid + 1};
		}
		fragments_free(held);
	}
	assert_true(wholes > 1000);
}

/* ---------------------------------------------------------------- between engines */

/* Names so long that IKE_AUTH does not fit into one datagram. */
static const char long_names[] =
	"set security ike gateway G fragmentation size 500\n"
	"set security ike gateway G general-ikeid\n"
	"set security ike gateway G local-identity user-at-hostname "
	"\"a-rather-long-name-for-one-that-has-to-fill-a-datagram-so-that-it-overflows@"
	"and-a-host-name-that-is-just-as-long.in-a-domain-with-many-parts.that-nobody-would-ever-"
	"want-to-type.x"
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.example.net\"\n";

static char extra[2048];

static void sides(struct pair_side *a, struct pair_side *b, const char *more)
{
	*a = side_a;
	*b = side_b;
	(void)snprintf(extra, sizeof extra, "%s%s", long_names, more);
	a->extra = b->extra = extra;
	a->pfs = b->pfs = "group31";
	a->auth = b->auth = "sha-512";
}

struct tally {
	unsigned whole, parts;
	uint16_t total;
	size_t largest;
	uint8_t exchange; /* that is in parts */
	/* what is done to packets */
	uint16_t lose_number;
	unsigned lose;
	bool forge, twice;
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void again(struct pair *p, const struct packet *k, unsigned change)
{
	struct packet copy = *k;

	copy.octets[k->n - 1] ^= (uint8_t)change;
	pair_inject(p, &copy);
}

static bool watch_wire(struct pair *p, struct packet *k)
{
	struct tally *t = (struct tally *)p->wire_ctx;
	struct ike_header h = packet_header(k);
	const uint8_t *body = k->octets + IKE_HEADER_LEN + PAYLOAD_HEADER_LEN;

	if (h.exchange == EXCHANGE_IKE_SA_INIT)
		return true;
	t->largest = MAX(t->largest, k->n);
	if (h.next != PLD_SKF) {
		t->whole++;
		return true;
	}
	t->parts++;
	t->exchange = h.exchange;
	t->total = be16(body + 2);
	if (t->lose != 0 && be16(body) == t->lose_number) {
		t->lose--;
		return false;
	}
	if ((t->forge || t->twice) && t->parts <= 8)
		again(p, k, t->forge);
	return true;
}

static struct pair *watched(struct tally *t, const char *more)
{
	struct pair_side a, b;
	struct pair *p;

	sides(&a, &b, more);
	p = pair_of(&a, &b);
	p->wire = watch_wire;
	p->wire_ctx = t;
	return p;
}

static void check_nothing_held(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(p->node[i].ike->fragment_octets, 0);
		assert_null(pair_sa(p, i)->fragments[0]);
		assert_null(pair_sa(p, i)->fragments[1]);
		assert_int_equal(pair_sa(p, i)->at_fragments, 0);
	}
}

static void large_messages_go_in_fragments(void **state)
{
	struct tally t = {0};
	struct pair *p = watched(&t, "");

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1); /* FRG-001, FRG-002 */
	assert_int_equal(t.parts, 4);
	assert_int_equal(t.whole, 0);
	assert_in_range(t.largest, 400, 500 - 28); /* FRG-004 */
	assert_int_equal(t.exchange, EXCHANGE_IKE_AUTH);
	assert_int_equal(p->node[1].ike->stats.rx_fragments, 2);
	assert_int_equal(pair_sa(p, 1)->count.in_fragments, 2); /* as the operator sees it */
	assert_int_equal(pair_sa(p, 1)->count.out_fragments, 2);
	assert_int_equal(pair_sa(p, 1)->count.in_packets, 3);
	check_nothing_held(p);
	/* small ones do not */
	t.parts = t.whole = 0;
	(void)pair_operate(p, 0, IKE_OP_CLEAR_CHILD, NULL);
	pair_settle(p);
	assert_int_equal(t.parts, 0);
	assert_int_equal(t.whole, 2);
	pair_free(p);
}

static void both_ends_have_to_want_it(void **state)
{
	static const char off[] = "set security ike gateway G general-ikeid\n"
				  "set security ike gateway G fragmentation disable\n";

	(void)state;
	for (int without = 0; without < 2; without++) {
		struct tally t = {0};
		struct pair_side a, b;
		struct pair *p;

		sides(&a, &b, "");
		if (without)
			b.extra = off;
		else
			a.extra = off;
		p = pair_of(&a, &b);
		p->wire = watch_wire;
		p->wire_ctx = &t;
		pair_acquire(p, 0);
		pair_settle(p);
		pair_check_up(p, 0, 1); /* FRG-003 */
		assert_int_equal(t.parts, 0);
		assert_int_equal(pair_sa(p, 0)->supports & SA_FRAGMENTATION, 0);
		assert_int_equal(pair_sa(p, 1)->supports & SA_FRAGMENTATION, 0);
		pair_free(p);
	}
}

static void a_lost_fragment_means_all_again(void **state)
{
	(void)state;
	for (uint16_t lost = 1; lost <= 2; lost++) {
		struct tally t = {.lose_number = lost, .lose = 1};
		struct pair *p = watched(&t, "");

		pair_acquire(p, 0);
		pair_pass(p, 20000);
		pair_check_up(p, 0, 1);
		/* FRG-006: the observer has checked that they are the same octets. */
		assert_int_equal(p->node[0].ike->stats.tx_retransmits, 1);
		/* The first one of the retry completes it, or is there already. */
		assert_int_equal(p->node[1].ike->stats.rx_fragment_again, lost == 2);
		check_nothing_held(p);
		pair_free(p);
	}
}

static void fragments_that_come_twice_or_forged_do_no_harm(void **state)
{
	(void)state;
	for (int forge = 0; forge < 2; forge++) {
		struct tally t = {.forge = forge != 0, .twice = forge == 0};
		struct pair *p = watched(&t, "");

		pair_acquire(p, 0);
		pair_settle(p);
		pair_check_up(p, 0, 1);
		check_nothing_held(p);
		if (forge)
			assert_true(p->node[1].ike->stats.rx_integrity != 0);
		pair_free(p);
	}
}

static void what_does_not_come_is_given_up(void **state)
{
	struct tally t = {.lose_number = 2, .lose = 1000};
	struct pair *p = watched(&t, "");

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	assert_in_range(p->node[1].ike->fragment_octets, 300, 500);
	p->wire_ctx = &t;
	pair_kill(p, 0);
	pair_pass(p, FRAGMENTS_PATIENCE_MS + 1000);
	assert_int_equal(p->node[1].ike->fragment_octets, 0);
	pair_free(p);
}

/* ---------------------------------------------------------------- one message of a chosen size */

/* A request of node 0's, INFORMATIONAL with a vendor ID of n octets, not sent. NULL: too large. */
static struct flight *request(struct pair *p, uint32_t mid, size_t n)
{
	static const uint8_t zeros[60000];
	struct ike *ike = p->node[0].ike;
	struct flight *f = NULL;
	struct writer w;

	tx_open(ike, pair_sa(p, 0), &w, EXCHANGE_INFORMATIONAL, false, mid);
	writer_add(&w, PLD_VENDOR, view_of(zeros, n));
	return tx_seal(ike, pair_sa(p, 0), &w, &f) < 0 ? NULL : f;
}

static void deliver(struct pair *p, const struct flight *f, size_t i)
{
	struct ike_sa *sa = pair_sa(p, 0);
	struct packet k = {.from = sa->local, .to = sa->remote, .natt = sa->natt};

	k.n = flight_at(f, i).n;
	memcpy(k.octets, flight_at(f, i).p, k.n);
	pair_inject(p, &k);
	pair_settle(p);
}

/* What one fragment takes: 472 octets less header, SKF, IV, ICV and pad length. */
#define CHUNK (500U - 28 - 28 - 8 - 8 - 16 - 1)

static struct pair *up(void)
{
	static struct tally t;
	struct pair *p = watched(&t, "");

	pair_acquire(p, 0);
	pair_settle(p);
	p->wire = NULL;
	p->unchecked = true;
	return p;
}

static void thirty_two_pass_and_one_more_does_not(void **state)
{
	struct pair *p = up();
	uint32_t mid = pair_sa(p, 1)->next_rx;
	struct flight *f = request(p, mid, 32 * CHUNK - PAYLOAD_HEADER_LEN);

	(void)state;
	assert_non_null(f); /* FRG-005 */
	assert_int_equal(f->n, 32);
	for (size_t i = 0; i < f->n; i++) {
		assert_in_range(flight_at(f, i).n, 1, 500 - 28);
		assert_int_equal(pair_sa(p, 1)->next_rx, mid);
		deliver(p, f, f->n - 1 - i);
	}
	assert_int_equal(pair_sa(p, 1)->next_rx, mid + 1);
	check_nothing_held(p);
	flight_free(f);
	assert_null(request(p, mid + 1, 32 * CHUNK - PAYLOAD_HEADER_LEN + 1));
	assert_int_equal(p->node[0].ike->stats.tx_too_large, 1);
	assert_true(pair_said(p, 0, "ike.message.too-large"));
	pair_free(p);
}

static void a_set_of_more_than_thirty_two_is_dropped_unread(void **state)
{
	struct pair *p = up();
	struct flight *f = request(p, pair_sa(p, 1)->next_rx, 3 * CHUNK);
	uint64_t forged = p->node[1].ike->stats.rx_integrity;
	struct ike_sa *sa = pair_sa(p, 0);
	struct packet k = {.from = sa->local, .to = sa->remote};

	(void)state;
	k.n = flight_at(f, 0).n;
	memcpy(k.octets, flight_at(f, 0).p, k.n);
	k.octets[IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + 3] = 33;
	pair_inject(p, &k);
	pair_settle(p);
	assert_int_equal(p->node[1].ike->stats.rx_fragment_limit, 1);
	assert_int_equal(p->node[1].ike->stats.rx_integrity, forged);
	check_nothing_held(p);
	flight_free(f);
	pair_free(p);
}

static void only_the_first_fragment_asks_again(void **state)
{
	struct pair *p = up();
	struct flight *f = request(p, pair_sa(p, 1)->next_rx, 3 * CHUNK), *finer;
	struct ike_stats *s = &p->node[1].ike->stats;
	const struct model_gateway *m = pair_sa(p, 0)->gw->model;
	unsigned sent;

	(void)state;
	for (size_t i = 0; i < f->n; i++)
		deliver(p, f, i);
	sent = p->node[1].sent;
	for (size_t i = f->n; i-- > 0;)
		deliver(p, f, i);
	assert_int_equal(p->node[1].sent, sent + 1); /* RFC 7383 2.6.1 */
	assert_int_equal(s->rx_fragment_answered, f->n - 1);
	/* The same request cut finer: other octets, the same question. */
	((struct model_gateway *)(uintptr_t)m)->fragment_size = 520;
	finer = request(p, pair_sa(p, 1)->next_rx - 1, 3 * CHUNK);
	deliver(p, finer, 0);
	assert_int_equal(p->node[1].sent, sent + 2);
	flight_free(finer);
	flight_free(f);
	pair_free(p);
}

static void outside_of_the_window_nothing_is_collected(void **state)
{
	struct pair *p = up();
	struct flight *f = request(p, pair_sa(p, 1)->next_rx + 1, 3 * CHUNK);
	uint64_t before = p->node[1].ike->stats.rx_window;

	(void)state;
	deliver(p, f, 0);
	assert_int_equal(p->node[1].ike->stats.rx_window, before + 1);
	check_nothing_held(p);
	flight_free(f);
	pair_free(p);
}

/* FRG-010: nothing of half a message is replicated, the peer's retry brings all of it. */
static void a_takeover_amid_fragments_costs_a_retry(void **state)
{
	struct pair *p = up();
	struct flight *f = request(p, pair_sa(p, 1)->next_rx, 3 * CHUNK);
	struct pair_side a, b;
	uint32_t mid;

	(void)state;
	sides(&a, &b, "");
	deliver(p, f, 0);
	assert_int_equal(fragments_octets(pair_sa(p, 1)->fragments[0]), CHUNK);
	pair_takeover(p, 1, 2, &b, PAIR_KEEP_UNCOMMITTED);
	mid = pair_sa(p, 2)->next_rx;
	assert_null(pair_sa(p, 2)->fragments[0]);
	for (size_t i = 1; i < f->n; i++)
		deliver(p, f, i);
	assert_int_equal(pair_sa(p, 2)->next_rx, mid);
	for (size_t i = 0; i < f->n; i++)
		deliver(p, f, i);
	assert_int_equal(pair_sa(p, 2)->next_rx, mid + 1);
	flight_free(f);
	pair_free(p);
}

static void another_size_makes_all_anew(void **state)
{
	struct tally t = {0};
	struct pair *p = watched(&t, "");
	struct pair_side a, b;
	uint64_t spi;

	(void)state;
	sides(&a, &b, "");
	a.establish = "immediately";
	pair_reconfigure(p, 0, &a);
	pair_pass(p, 5000);
	pair_check_up(p, 0, 1);
	spi = pair_sa(p, 0)->spi_local;
	sides(&a, &b, "set security ike gateway G fragmentation size 501\n");
	a.establish = "immediately";
	pair_reconfigure(p, 0, &a);
	pair_pass(p, 10000); /* FRG-008 */
	pair_check_up(p, 0, 1);
	assert_int_not_equal(pair_sa(p, 0)->spi_local, spi);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_gives_the_same),
		cmocka_unit_test(what_is_refused_is_refused_before_decryption),
		cmocka_unit_test(a_finer_set_starts_anew),
		cmocka_unit_test(another_message_starts_anew),
		cmocka_unit_test(what_is_held_is_bounded),
		cmocka_unit_test(random_sequences_are_as_in_the_model),
		cmocka_unit_test(large_messages_go_in_fragments),
		cmocka_unit_test(both_ends_have_to_want_it),
		cmocka_unit_test(a_lost_fragment_means_all_again),
		cmocka_unit_test(fragments_that_come_twice_or_forged_do_no_harm),
		cmocka_unit_test(what_does_not_come_is_given_up),
		cmocka_unit_test(thirty_two_pass_and_one_more_does_not),
		cmocka_unit_test(a_set_of_more_than_thirty_two_is_dropped_unread),
		cmocka_unit_test(only_the_first_fragment_asks_again),
		cmocka_unit_test(outside_of_the_window_nothing_is_collected),
		cmocka_unit_test(a_takeover_amid_fragments_costs_a_retry),
		cmocka_unit_test(another_size_makes_all_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
