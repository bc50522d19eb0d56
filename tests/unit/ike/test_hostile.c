/*
 * A peer that knows the keys and means no good: malformed messages inside a valid envelope, in both
 * roles, and garbage outside of one. Afterwards a good peer is served at once.
 */
#include <stdlib.h>

#include "base/err.h"
#include "ike/rx.h"
#include "ike/tx.h"
#include "pair.h"

enum outcome {
	ANSWERED, /* with the notification, the IKE SA stands */
	CLOSED,	  /* the IKE SA is gone: INVALID_SYNTAX (2.21.3) */
	NOTHING,  /* dropped */
	EMPTY	  /* an ordinary answer without an error */
};

#define LIT(s) s, sizeof(s) - 1

/* Inner payloads: the first one's type, then octets as on the wire. */
static const struct {
	const char *name;
	uint8_t exchange, first;
	const char *inner;
	size_t n;
	enum outcome outcome;
	uint16_t notify;
} requests[] = {
	{"nothing", EXCHANGE_INFORMATIONAL, 0, LIT(""), EMPTY, 0},
	{"an empty CREATE_CHILD_SA", EXCHANGE_CREATE_CHILD_SA, 0, LIT(""), CLOSED, 0},
	{"unknown payload, not critical", EXCHANGE_INFORMATIONAL, 200, LIT("\0\0\0\x08zzzz"), EMPTY,
		0},
	{"unknown payload, critical", EXCHANGE_INFORMATIONAL, 200, LIT("\0\x80\0\x08zzzz"),
		ANSWERED, N_UNSUPPORTED_CRITICAL_PAYLOAD},
	{"length below its header", EXCHANGE_INFORMATIONAL, PLD_NOTIFY, LIT("\0\0\0\x03"), CLOSED,
		0},
	{"length of zero", EXCHANGE_INFORMATIONAL, PLD_NOTIFY, LIT("\0\0\0\0\0\0\0\0"), CLOSED, 0},
	{"length beyond the end", EXCHANGE_INFORMATIONAL, PLD_NOTIFY, LIT("\0\0\xff\xff\0\0\0\0"),
		CLOSED, 0},
	{"first says nothing, but there is", EXCHANGE_INFORMATIONAL, 0, LIT("\0\0\0\x08\0\0\0\0"),
		CLOSED, 0},
	{"first says something, but there is not", EXCHANGE_INFORMATIONAL, PLD_NOTIFY, LIT(""),
		CLOSED, 0},
	{"an envelope in the envelope", EXCHANGE_INFORMATIONAL, PLD_SK, LIT("\0\0\0\x08zzzz"),
		CLOSED, 0},
	{"a notification with an SPI that is not there", EXCHANGE_INFORMATIONAL, PLD_NOTIFY,
		LIT("\0\0\0\x08\x03\xff\x40\0"), CLOSED, 0},
	{"an unknown error", EXCHANGE_INFORMATIONAL, PLD_NOTIFY, LIT("\0\0\0\x08\0\0\x1f\xff"),
		EMPTY, 0},
	{"an unknown status", EXCHANGE_INFORMATIONAL, PLD_NOTIFY, LIT("\0\0\0\x08\0\0\xff\xff"),
		EMPTY, 0},
	{"delete of an SPI we do not have", EXCHANGE_INFORMATIONAL, PLD_DELETE,
		LIT("\0\0\0\x0c\x03\x04\0\x01\xde\xad\xbe\xef"), EMPTY, 0},
	{"delete that counts too much", EXCHANGE_INFORMATIONAL, PLD_DELETE,
		LIT("\0\0\0\x0c\x03\x04\xff\xff\xde\xad\xbe\xef"), EMPTY, 0},
	{"delete with SPIs of eight octets", EXCHANGE_INFORMATIONAL, PLD_DELETE,
		LIT("\0\0\0\x10\x03\x08\0\x01\xde\xad\xbe\xef\xde\xad\xbe\xef"), EMPTY, 0},
	{"delete of AH", EXCHANGE_INFORMATIONAL, PLD_DELETE,
		LIT("\0\0\0\x0c\x02\x04\0\x01\xde\xad\xbe\xef"), EMPTY, 0},
	{"rekey of a child we do not have", EXCHANGE_CREATE_CHILD_SA, PLD_NOTIFY,
		LIT("\x21\0\0\x0c\x03\x04\x40\x09\xde\xad\xbe\xef"
		    "\x28\0\0\x04"
		    "\x2c\0\0\x14xxxxxxxxxxxxxxxx"
		    "\x2d\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\0\0\0\0\xff\xff\xff\xff"
		    "\0\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\0\0\0\0\xff\xff\xff\xff"),
		ANSWERED, N_CHILD_SA_NOT_FOUND},
	{"a child with an empty SA payload", EXCHANGE_CREATE_CHILD_SA, PLD_SA,
		LIT("\x28\0\0\x04"
		    "\x2c\0\0\x14xxxxxxxxxxxxxxxx"
		    "\x2d\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\0\0\0\0\xff\xff\xff\xff"
		    "\0\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\0\0\0\0\xff\xff\xff\xff"),
		CLOSED, 0},
	{"selectors that count too much", EXCHANGE_CREATE_CHILD_SA, PLD_SA,
		LIT("\x28\0\0\x24\0\0\0\x20\x01\x03\x04\x02\x01\x02\x03\x04"
		    "\x03\0\0\x0c\x01\0\0\x14\x80\x0e\x01\0\0\0\0\x08\x05\0\0\0"
		    "\x2c\0\0\x14xxxxxxxxxxxxxxxx"
		    "\x2d\0\0\x18\xff\0\0\0\x07\0\0\x10\0\0\xff\xff\0\0\0\0\xff\xff\xff\xff"
		    "\0\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\0\0\0\0\xff\xff\xff\xff"),
		CLOSED, 0},
	{"selectors that run backwards", EXCHANGE_CREATE_CHILD_SA, PLD_SA,
		LIT("\x28\0\0\x24\0\0\0\x20\x01\x03\x04\x02\x01\x02\x03\x04"
		    "\x03\0\0\x0c\x01\0\0\x14\x80\x0e\x01\0\0\0\0\x08\x05\0\0\0"
		    "\x2c\0\0\x14xxxxxxxxxxxxxxxx"
		    "\x2d\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\x0a\0\0\x09\x0a\0\0\x01"
		    "\0\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\0\0\0\0\xff\xff\xff\xff"),
		CLOSED, 0},
	{"selectors outside of ours", EXCHANGE_CREATE_CHILD_SA, PLD_SA,
		LIT("\x28\0\0\x24\0\0\0\x20\x01\x03\x04\x02\x01\x02\x03\x04"
		    "\x03\0\0\x0c\x01\0\0\x14\x80\x0e\x01\0\0\0\0\x08\x05\0\0\0"
		    "\x2c\0\0\x14xxxxxxxxxxxxxxxx"
		    "\x2d\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\xc0\0\x02\0\xc0\0\x02\xff"
		    "\0\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\0\0\0\0\xff\xff\xff\xff"),
		ANSWERED, N_TS_UNACCEPTABLE},
	{"a nonce of one octet", EXCHANGE_CREATE_CHILD_SA, PLD_SA,
		LIT("\x28\0\0\x24\0\0\0\x20\x01\x03\x04\x02\x01\x02\x03\x04"
		    "\x03\0\0\x0c\x01\0\0\x14\x80\x0e\x01\0\0\0\0\x08\x05\0\0\0"
		    "\x2c\0\0\x05x"
		    "\x2d\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\0\0\0\0\xff\xff\xff\xff"
		    "\0\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\0\0\0\0\xff\xff\xff\xff"),
		CLOSED, 0},
	{"an IKE rekey with an empty KE", EXCHANGE_CREATE_CHILD_SA, PLD_SA,
		LIT("\x28\0\0\x04"
		    "\x22\0\0\x14xxxxxxxxxxxxxxxx"
		    "\0\0\0\x08\0\x1f\0\0"),
		CLOSED, 0},
	{"IKE_AUTH once more", EXCHANGE_IKE_AUTH, PLD_IDI,
		LIT("\x27\0\0\x0c\x01\0\0\0\xc0\0\x02\x01"
		    "\0\0\0\x0c\x02\0\0\0xxxx"),
		NOTHING, 0},
	{"an exchange nobody knows", 200, PLD_NOTIFY, LIT("\0\0\0\x08\0\0\x40\x01"), NOTHING, 0},
	{"IKE_INTERMEDIATE out of turn", EXCHANGE_IKE_INTERMEDIATE, 0, LIT(""), NOTHING, 0},
};

/* The message as node 0 would send it, inside its own envelope. */
static void envelope(struct pair *p, struct ike_sa *sa, uint8_t exchange, bool answer, uint32_t mid,
	uint8_t first, struct view inner)
{
	struct ike *ike = p->node[0].ike;
	struct packet k = {.from = sa->local, .to = sa->remote, .natt = sa->natt};
	struct flight *f = NULL;
	struct writer w;

	tx_open(ike, sa, &w, exchange, answer, mid);
	emit_view(&w.e, inner);
	emit_patch8(&w.e, w.sk_at, first);
	assert_int_equal(tx_seal(ike, sa, &w, &f), 0);
	k.n = flight_at(f, 0).n;
	memcpy(k.octets, flight_at(f, 0).p, k.n);
	flight_free(f);
	pair_inject(p, &k);
}

/* The last answer of node 1, opened with node 0's keys: the notification in it. */
static uint16_t answered_notify(struct pair *p, struct ike_sa *sa, struct ike_sa *at)
{
	struct message m;
	struct sk_in in;
	struct aead aead;
	struct view inner;
	struct chain chain;
	struct notes notes;
	uint8_t room[4096];

	assert_non_null(at->answer.flight);
	assert_int_equal(message_parse(flight_at(at->answer.flight, 0), &m), 0);
	assert_int_equal(sk_parse(&m, tx_shape(&sa->suite), &in), 0);
	assert_int_equal(keymat_ike_aead(&sa->suite, sa->keys, at->initiator, &aead), 0);
	assert_int_equal(aead_open(p->crypto, &aead,
				 &(struct aead_io){.aad = in.aad,
					 .iv = in.iv.p,
					 .in = in.text.p,
					 .out = room,
					 .n = in.text.n},
				 in.icv.p),
		0);
	assert_int_equal(sk_unpad(view_of(room, in.text.n), &inner), 0);
	assert_int_equal(chain_parse_inner(in.inner_first, inner, &chain), 0);
	assert_int_equal(notes_read(&chain, &notes), 0);
	return notes.error;
}

static void good_peer_is_served(struct pair *p)
{
	p->unchecked = false;
	p->wire = NULL;
	pair_kill(p, 0);
	pair_start(p, 2, &side_a);
	pair_acquire(p, 2);
	pair_settle(p);
	assert_non_null(pair_sa(p, 2));
	assert_int_equal(pair_children(p, 2), 1);
}

static void malformed_requests_are_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct pair *p = pair_ordinary();
		struct ike_sa *a, *b;
		uint32_t mid;

		print_message("# %s\n", requests[i].name);
		pair_acquire(p, 0);
		pair_settle(p);
		a = pair_sa(p, 0);
		b = pair_sa(p, 1);
		assert_true(a && b);
		mid = b->next_rx;
		p->unchecked = true;
		p->node[0].ike->iv_counter += 1000;
		envelope(p, a, requests[i].exchange, false, mid, requests[i].first,
			view_of(requests[i].inner, requests[i].n));
		pair_settle(p);
		switch (requests[i].outcome) {
		case ANSWERED:
		case EMPTY:
			assert_int_equal(b->state, SA_UP);
			assert_int_equal(b->next_rx, mid + 1);
			assert_int_equal(answered_notify(p, a, b), requests[i].notify);
			assert_int_equal(pair_children(p, 1), 1);
			break;
		case CLOSED:
			assert_int_equal(b->state, SA_CLOSED);
			assert_int_equal(answered_notify(p, a, b), N_INVALID_SYNTAX);
			assert_int_equal(pair_children(p, 1), 0);
			assert_null(p->node[1].sad);
			break;
		case NOTHING:
		default:
			assert_int_equal(b->state, SA_UP);
			assert_int_equal(b->next_rx, mid);
			break;
		}
		good_peer_is_served(p);
		pair_free(p);
	}
}

/* ---------------------------------------------------------------- answers */

static const struct {
	const char *name;
	uint8_t exchange, first;
	const char *inner;
	size_t n;
} answers[] = {
	{"nothing", EXCHANGE_CREATE_CHILD_SA, 0, LIT("")},
	{"another exchange", EXCHANGE_INFORMATIONAL, 0, LIT("")},
	{"a malformed payload", EXCHANGE_CREATE_CHILD_SA, PLD_SA, LIT("\0\0\xff\xff")},
	{"a critical payload", EXCHANGE_CREATE_CHILD_SA, 200, LIT("\0\x80\0\x08zzzz")},
	{"INVALID_SYNTAX", EXCHANGE_CREATE_CHILD_SA, PLD_NOTIFY, LIT("\0\0\0\x08\0\0\0\x07")},
	{"NO_PROPOSAL_CHOSEN", EXCHANGE_CREATE_CHILD_SA, PLD_NOTIFY, LIT("\0\0\0\x08\0\0\0\x0e")},
	{"NO_ADDITIONAL_SAS", EXCHANGE_CREATE_CHILD_SA, PLD_NOTIFY, LIT("\0\0\0\x08\0\0\0\x23")},
	{"TEMPORARY_FAILURE", EXCHANGE_CREATE_CHILD_SA, PLD_NOTIFY, LIT("\0\0\0\x08\0\0\0\x2b")},
	{"CHILD_SA_NOT_FOUND", EXCHANGE_CREATE_CHILD_SA, PLD_NOTIFY, LIT("\0\0\0\x08\0\0\0\x2c")},
	{"an error nobody knows", EXCHANGE_CREATE_CHILD_SA, PLD_NOTIFY,
		LIT("\0\0\0\x08\0\0\x1f\xff")},
	{"another proposal", EXCHANGE_CREATE_CHILD_SA, PLD_SA,
		LIT("\x28\0\0\x24\0\0\0\x20\x01\x03\x04\x02\x01\x02\x03\x04"
		    "\x03\0\0\x0c\x01\0\0\x14\x80\x0e\0\x80\0\0\0\x08\x05\0\0\0"
		    "\x2c\0\0\x14xxxxxxxxxxxxxxxx"
		    "\x2d\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\x0a\x01\0\0\x0a\x01\xff\xff"
		    "\0\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\x0a\x02\0\0\x0a\x02\xff\xff")},
	{"wider selectors", EXCHANGE_CREATE_CHILD_SA, PLD_SA,
		LIT("\x28\0\0\x24\0\0\0\x20\x01\x03\x04\x02\x01\x02\x03\x04"
		    "\x03\0\0\x0c\x01\0\0\x14\x80\x0e\x01\0\0\0\0\x08\x05\0\0\0"
		    "\x2c\0\0\x14xxxxxxxxxxxxxxxx"
		    "\x2d\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\0\0\0\0\xff\xff\xff\xff"
		    "\0\0\0\x18\x01\0\0\0\x07\0\0\x10\0\0\xff\xff\0\0\0\0\xff\xff\xff\xff")},
};

static bool dropped(struct pair *p, struct packet *k)
{
	(void)p;
	(void)k;
	return false;
}

/* Node 1 asked for a rekey (of the child, of the IKE SA, a delete, a probe); node 0 answers badly.
 */
static void malformed_answers_are_survived(void **state)
{
	static const enum ike_operation asked[] = {
		IKE_OP_REKEY_CHILD, IKE_OP_REKEY_IKE, IKE_OP_CLEAR_CHILD, IKE_OP_CLEAR_IKE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers) * ARRAY_LEN(asked); i++) {
		size_t n = i / ARRAY_LEN(asked);
		struct pair *p = pair_ordinary();
		struct ike_sa *a, *b;

		print_message("# %s to %zu\n", answers[n].name, i % ARRAY_LEN(asked));
		pair_acquire(p, 0);
		pair_settle(p);
		a = pair_sa(p, 0);
		b = pair_sa(p, 1);
		assert_true(a && b);
		p->unchecked = true;
		p->wire = dropped;
		pair_operate(p, 1, asked[i % ARRAY_LEN(asked)], NULL);
		pair_settle(p);
		assert_non_null(b->out);
		p->wire = NULL;
		p->node[0].ike->iv_counter += 1000;
		envelope(p, a, answers[n].exchange, true, b->out->mid, answers[n].first,
			view_of(answers[n].inner, answers[n].n));
		pair_step(p);
		p->wire = dropped;
		pair_pass(p, 200);
		pair_pass(p, 120000);
		good_peer_is_served(p);
		pair_free(p);
	}
}

/* ---------------------------------------------------------------- no envelope */

static void garbage_is_counted(void **state)
{
	struct pair *p = pair_ordinary();
	struct packet k = {.n = 0};
	uint64_t before;
	uint32_t x = 12345;

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	p->unchecked = true;
	k.from = pair_sa(p, 0)->local;
	k.to = pair_sa(p, 0)->remote;
	before = p->node[1].ike->stats.rx_datagrams;
	for (unsigned i = 0; i < 3000; i++) {
		k.n = i % 200;
		for (size_t b = 0; b < k.n; b++) {
			x = x * 1664525 + 1013904223;
			k.octets[b] = (uint8_t)(x >> 24);
		}
		if (i % 3 && k.n >= IKE_HEADER_LEN) {
			struct emit e = emit_to(k.octets, k.n);

			emit_be64(&e, i % 2 ? pair_sa(p, 0)->spi_local : i);
			emit_be64(&e, i % 5 ? pair_sa(p, 1)->spi_local : 0);
			emit_u8(&e, (uint8_t)(33 + i % 16));
			emit_u8(&e, 0x20);
			emit_u8(&e, (uint8_t)(34 + i % 4));
			emit_u8(&e, i % 7 ? 0x08 : 0x20);
			emit_be32(&e, i % 3);
			emit_be32(&e, (uint32_t)k.n);
		}
		pair_inject(p, &k);
		pair_settle(p);
	}
	assert_int_equal(p->node[1].ike->stats.rx_datagrams - before, 3000);
	pair_pass(p, 60000);
	p->unchecked = false;
	pair_check_up(p, 0, 1);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_requests_are_survived),
		cmocka_unit_test(malformed_answers_are_survived),
		cmocka_unit_test(garbage_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
