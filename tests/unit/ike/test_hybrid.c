/*
 * Further key exchanges in IKE_INTERMEDIATE (RFC 9242, RFC 9370) between two engines.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/emit.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/prf.h"
#include "ike/tx.h"
#include "pair.h"

#define MORE "set security ike proposal P additional-key-exchange "

static struct pair_side a, b;

static struct pair *two(const char *additional, const char *more_b)
{
	static char extra[2][1024];

	a = side_a;
	b = side_b;
	(void)snprintf(extra[0], sizeof extra[0], MORE "%s\n", additional);
	(void)snprintf(extra[1], sizeof extra[1], "%s", more_b ? more_b : extra[0]);
	a.extra = extra[0];
	b.extra = extra[1];
	return pair_of(&a, &b);
}

static const struct {
	const char *list;
	unsigned n;
} lists[] = {
	{"group19", 1},
	{"[ group20 group32 ]", 2},
	{"[ group19 group20 group21 group32 group14 group5 group2 ]", 7},
};

static void each_one_is_an_exchange(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct pair *p = two(lists[i].list, NULL);

		pair_acquire(p, 0);
		pair_settle(p);
		pair_check_up(p, 0, 1);
		assert_int_equal(p->packets, 4 + 2 * lists[i].n);
		assert_int_equal(pair_sa(p, 0)->next_tx, 2 + lists[i].n);
		/* What their rekeys are: test_follow.c. */
		pair_check_rekeys(p);
		pair_free(p);
	}
}

static void begun_from_either_end(void **state)
{
	struct pair *p = two("group19", NULL);

	(void)state;
	pair_acquire(p, 1);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* ---------------------------------------------------------------- what AUTH covers, done again */

struct cover {
	uint8_t sum[2][ALG_DIGEST_MAX]; /* of requests, of answers */
	unsigned n[2];
	uint8_t keys[8][256]; /* SK_d after each exchange */
	unsigned renewed;
};

/* The message decrypted, in a copy of it: what is before the IV stays, lengths are corrected. */
static size_t uncovered(struct pair *p, const struct packet *k, struct ike_sa *sa, uint8_t *out)
{
	bool request = !ike_header_is_response(&(struct ike_header){.flags = k->octets[19]});
	struct message m;
	struct sk_in in;
	struct aead aead;
	struct view inner;
	size_t head = IKE_HEADER_LEN + PAYLOAD_HEADER_LEN, n;
	struct emit e;

	assert_int_equal(message_parse(view_of(k->octets, k->n), &m), 0);
	assert_int_equal(sk_parse(&m, tx_shape(&sa->suite), &in), 0);
	assert_int_equal(keymat_ike_aead(&sa->suite, sa->keys, request, &aead), 0);
	assert_int_equal(aead_open(p->crypto, &aead,
				 &(struct aead_io){.aad = in.aad,
					 .iv = in.iv.p,
					 .in = in.text.p,
					 .out = out + head,
					 .n = in.text.n},
				 in.icv.p),
		0);
	assert_int_equal(sk_unpad(view_of(out + head, in.text.n), &inner), 0);
	n = head + inner.n;
	memcpy(out, k->octets, head);
	e = emit_to(out + 24, 4);
	emit_be32(&e, (uint32_t)n);
	e = emit_to(out + 30, 2);
	emit_be16(&e, (uint16_t)(n - IKE_HEADER_LEN));
	return n;
}

/* RFC 9242 3.3.2 with HMAC-SHA-384 by hand. */
static void add(struct pair *p, struct cover *c, struct ike_sa *sa, bool answer, struct view octets)
{
	uint8_t *sum = c->sum[answer];
	struct view sk_p = sa_key(sa, answer ? SK_PR : SK_PI);

	assert_int_equal(hmac(p->crypto, HASH_SHA384, sk_p,
				 VIEWS(view_of(sum, c->n[answer] ? 48 : 0), octets), sum),
		0);
	c->n[answer]++;
}

static void check_covered(const struct cover *c, const struct ike_sa *sa)
{
	const struct blob *have = &sa->half->int_auth;

	assert_int_equal(have->n, 48 + 48 + 4);
	assert_memory_equal(have->p, c->sum[0], 48);
	assert_memory_equal(have->p + 48, c->sum[1], 48);
	assert_memory_equal(have->p + 96, "\0\0\0\3", 4); /* after two exchanges */
}

static bool watch_cover(struct pair *p, struct packet *k)
{
	struct cover *c = (struct cover *)p->wire_ctx;
	struct ike_header h = packet_header(k);
	/* The initiator has the keys of a message until it has read the answer. */
	struct ike_sa *sa = sa_find(p->node[0].ike, h.spi_i);
	uint8_t octets[4096];
	size_t n;

	if (h.exchange == EXCHANGE_IKE_INTERMEDIATE) {
		n = uncovered(p, k, sa, octets);
		add(p, c, sa, ike_header_is_response(&h), view_of(octets, n));
	}
	if (h.exchange == EXCHANGE_IKE_AUTH && !ike_header_is_response(&h)) {
		check_covered(c, sa);
		c->renewed++;
	}
	return true;
}

static void auth_covers_every_message(void **state)
{
	struct cover c = {.renewed = 0};
	struct pair *p = two("[ group19 group20 ]", NULL);

	(void)state;
	p->wire = watch_cover;
	p->wire_ctx = &c;
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_int_equal(c.renewed, 1);
	assert_int_equal(c.n[0], 2);
	assert_int_equal(c.n[1], 2);
	pair_free(p);
}

/* Somebody who could have changed a message would be noticed by AUTH. */
static void what_was_changed_is_noticed(void **state)
{
	(void)state;
	for (int at = 0; at < 2; at++) {
		struct pair *p = two("group19", NULL);
		struct ike_sa *sa, *next;
		bool done = false;

		pair_acquire(p, 0);
		while (!done && pair_step(p))
			map_foreach (p->node[1].ike->sas, sa, next)
				if (sa->half && sa->half->int_auth.n != 0) {
					sa->half->int_auth.p[at ? 50 : 3] ^= 1;
					done = true;
				}
		pair_settle(p);
		assert_true(done);
		assert_null(pair_sa(p, 1));
		assert_int_equal(p->node[1].ike->stats.auth_failed, 1);
		pair_free(p);
	}
}

/* SKEYSEED(n) by hand from what the engines have (RFC 9370 2.2.2). */
static void keys_are_made_anew_each_time(void **state)
{
	struct pair *p = two("[ group19 group20 ]", NULL);
	uint8_t was[3][64];
	unsigned n = 0;
	struct ike_sa *sa, *next;

	(void)state;
	pair_acquire(p, 0);
	do {
		map_foreach (p->node[0].ike->sas, sa, next) {
			struct view d = sa_key(sa, SK_D);

			if (d.n != 48 || (n && memcmp(was[n - 1], d.p, d.n) == 0))
				continue;
			assert_in_range(n, 0, 2);
			memcpy(was[n++], d.p, d.n);
		}
	} while (pair_step(p));
	assert_int_equal(n, 3);
	pair_free(p);
}

/* ---------------------------------------------------------------- losses, takeovers, refusals */

struct loss {
	unsigned nth, seen;
};

static bool lose_nth(struct pair *p, struct packet *k)
{
	struct loss *l = (struct loss *)p->wire_ctx;

	(void)k;
	return l->seen++ != l->nth;
}

static void any_message_may_be_lost(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct loss l = {.nth = i};
		struct pair *p = two("[ group19 group20 ]", NULL);

		p->wire = lose_nth;
		p->wire_ctx = &l;
		pair_acquire(p, 0);
		pair_pass(p, 30000);
		pair_check_up(p, 0, 1);
		pair_free(p);
	}
}

/* I9: half of it is not replicated; the peer's own tries bring the tunnel up with the successor. */
static void a_node_may_die_at_every_step(void **state)
{
	(void)state;
	for (int dies = 0; dies < 2; dies++) {
		for (unsigned after = 0; after < 60; after++) {
			struct pair *p = two("[ group19 group20 ]", NULL);
			unsigned left = after;

			a.establish = b.establish = "on-traffic";
			pair_acquire(p, 0);
			while (left != 0 && pair_step(p))
				left--;
			pair_takeover(p, dies, 2, dies ? &b : &a, PAIR_KEEP_UNCOMMITTED);
			pair_pass(p, 200000);
			pair_acquire(p, dies ? 0 : 2);
			pair_pass(p, 30000);
			pair_check_up(p, dies ? 0 : 2, dies ? 2 : 1);
			pair_free(p);
			if (left != 0)
				break;
		}
	}
}

static void one_that_cannot_is_refused(void **state)
{
	struct pair *p = two("group19", "");

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	assert_null(pair_sa(p, 0));
	assert_true(pair_said(p, 1, "ike.proposal.refused"));
	pair_free(p);
	/* and the other way round: who wants one more takes no less */
	p = two("group19", "");
	pair_acquire(p, 1);
	pair_settle(p);
	assert_null(pair_sa(p, 0));
	assert_true(pair_said(p, 0, "ike.proposal.refused"));
	pair_free(p);
}

static void a_second_proposal_may_do_without(void **state)
{
	struct pair *p = two("group19\n"
			     "set security ike proposal Q dh-group group31\n"
			     "set security ike proposal Q encryption-algorithm aes-256-gcm\n"
			     "set security ike policy IP proposals Q",
		"");

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_int_equal(p->packets, 4);
	pair_free(p);
}

/* IKE_AUTH before its turn, with keys that are right but for the exchanges left out. */
static bool skip_intermediate(struct pair *p, struct packet *k)
{
	struct ike_header h = packet_header(k);
	struct ike_sa *sa = sa_find(p->node[0].ike, h.spi_i);
	struct flight *f = NULL;
	struct writer w;

	if (h.exchange != EXCHANGE_IKE_INTERMEDIATE || ike_header_is_response(&h))
		return true;
	tx_open(p->node[0].ike, sa, &w, EXCHANGE_IKE_AUTH, false, 1);
	writer_add(&w, PLD_IDI, view_of_literal("\1\0\0\0\xc0\0\2\1"));
	writer_add(&w, PLD_AUTH, view_of_literal("\2\0\0\0xxxxxxxxxxxxxxxx"));
	assert_int_equal(tx_seal(p->node[0].ike, sa, &w, &f), 0);
	k->n = flight_at(f, 0).n;
	memcpy(k->octets, flight_at(f, 0).p, k->n);
	flight_free(f);
	return true;
}

static void auth_does_not_come_before_its_turn(void **state)
{
	struct pair *p = two("group19", NULL);

	(void)state;
	p->unchecked = true;
	p->wire = skip_intermediate;
	pair_acquire(p, 0);
	pair_settle(p);
	assert_null(pair_sa(p, 1));
	assert_int_equal(pair_sas(p, 1, SA_REFUSED), 1);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_one_is_an_exchange),
		cmocka_unit_test(begun_from_either_end),
		cmocka_unit_test(auth_covers_every_message),
		cmocka_unit_test(what_was_changed_is_noticed),
		cmocka_unit_test(keys_are_made_anew_each_time),
		cmocka_unit_test(any_message_may_be_lost),
		cmocka_unit_test(a_node_may_die_at_every_step),
		cmocka_unit_test(one_that_cannot_is_refused),
		cmocka_unit_test(a_second_proposal_may_do_without),
		cmocka_unit_test(auth_does_not_come_before_its_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
