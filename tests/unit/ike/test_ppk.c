/*
 * Post-quantum pre-shared keys (RFC 8784) between two engines.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "ike/v2/ppk.h"
#include "pair.h"

#define KEY	  "set security ike policy IP ppk ascii-text \"a key from a quantum-safe hand\"\n"
#define ID	  "set security ike policy IP ppk id blue\n"
#define REQUIRED  "set security ike policy IP ppk required\n"
#define OTHER_KEY "set security ike policy IP ppk ascii-text \"a key from another good hand\"\n"
#define OTHER_ID  "set security ike policy IP ppk id green\n"

/* Of another gateway of the same node. */
#define ANOTHERS                                                                                   \
	"set security ike policy IQ proposals P\n"                                                 \
	"set security ike policy IQ pre-shared-key ascii-text \"incorrect horse\"\n"               \
	"set security ike policy IQ ppk ascii-text \"a key from another good hand\"\n"             \
	"set security ike policy IQ ppk id green\n"

static struct pair *two(const char *a, const char *b)
{
	struct pair_side x = side_a, y = side_b;

	x.extra = a;
	y.extra = b;
	return pair_of(&x, &y);
}

static const struct {
	const char *name, *a, *b;
	bool up, mixed;
} cases[] = {
	{"both optional", ID KEY, ID KEY, true, true},
	{"both required", ID KEY REQUIRED, ID KEY REQUIRED, true, true},
	{"required by one who begins", ID KEY REQUIRED, ID KEY, true, true},
	{"required by one who answers", ID KEY, ID KEY REQUIRED, true, true},
	{"only one who begins has it", ID KEY, "", true, false},
	{"only one who answers has it", "", ID KEY, true, false},
	{"another name, optional", ID KEY, OTHER_ID KEY, true, false},
	{"another name, required here", ID KEY REQUIRED, OTHER_ID KEY, false, false},
	{"another name, required there", ID KEY, OTHER_ID KEY REQUIRED, false, false},
	{"required here, not there", ID KEY REQUIRED, "", false, false},
	{"required there, not here", "", ID KEY REQUIRED, false, false},
	{"another key of that name", ID KEY, ID OTHER_KEY, false, false},
	{"one that another gateway has", OTHER_ID OTHER_KEY, ID KEY ANOTHERS, false, false},
	{"in hexadecimal", ID "set security ike policy IP ppk hexadecimal 00112233445566778899\n",
		ID "set security ike policy IP ppk hexadecimal 00112233445566778899\n", true, true},
};

struct keys {
	uint8_t before[512], after[512];
	size_t n;
	bool mixed;
};

/* SK_d SK_ai SK_ar SK_ei SK_er SK_pi SK_pr of the one who begins, when IKE_AUTH leaves it. */
static bool look(struct pair *p, struct packet *k)
{
	struct keys *keys = (struct keys *)p->wire_ctx;
	struct ike_header h = packet_header(k);
	struct ike_sa *sa = sa_find(p->node[0].ike, h.spi_i);

	if (h.exchange != EXCHANGE_IKE_AUTH || !sa || !sa->half || !sa->half->ppk.without)
		return true;
	keys->n = sa->keys->n;
	memcpy(keys->before, sa->half->ppk.without->p, keys->n);
	memcpy(keys->after, sa->keys->p, keys->n);
	return true;
}

static void every_combination(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pair *p = two(cases[i].a, cases[i].b);
		struct keys keys = {.n = 0};

		print_message("# %s\n", cases[i].name);
		p->wire = look;
		p->wire_ctx = &keys;
		pair_acquire(p, 0);
		pair_settle(p);
		if (!cases[i].up) {
			assert_null(pair_sa(p, 0));
			assert_null(pair_sa(p, 1));
			assert_int_equal(
				p->node[0].deletes + p->node[1].installs, p->node[0].deletes);
			pair_free(p);
			continue;
		}
		pair_check_up(p, 0, 1);
		assert_int_equal(p->packets, 4);
		if (keys.n != 0)
			assert_memory_equal(pair_sa(p, 0)->keys->p,
				cases[i].mixed ? keys.after : keys.before, keys.n);
		assert_true(!cases[i].mixed || keys.n != 0);
		/* Children and rekeys come from it. */
		pair_check_rekeys(p);
		pair_free(p);
	}
}

/* prf+(PPK, SK') of one block is HMAC(PPK, SK' | 1): SK_d, SK_pi and SK_pr, and nothing else. */
static void three_keys_are_mixed(void **state)
{
	static const char ppk[] = "a key from a quantum-safe hand";
	struct pair *p = two(ID KEY, ID KEY);
	struct keys keys = {.n = 0};
	size_t n = 48, rest;
	uint8_t want[HASH_MAX];

	(void)state;
	p->wire = look;
	p->wire_ctx = &keys;
	pair_acquire(p, 0);
	pair_settle(p);
	/* AES-256-GCM with PRF_HMAC_SHA2_384: SK_ei and SK_er of 36 octets, no SK_a. */
	rest = 2 * 36;
	assert_int_equal(keys.n, 3 * n + rest);
	for (size_t i = 0; i < 3; i++) {
		size_t at = i == 0 ? 0 : n + rest + (i - 1) * n;

		assert_int_equal(
			hmac(p->crypto, HASH_SHA384, view_of(ppk, sizeof ppk - 1),
				VIEWS(view_of(keys.before + at, n), view_of("\1", 1)), want),
			0);
		assert_memory_equal(keys.after + at, want, n);
	}
	assert_memory_equal(keys.after + n, keys.before + n, rest);
	pair_free(p);
}

/* Who has only broken the classical exchange answers as if it had no such key: with `required` that
 * is the end, whatever the answer proves; else the answer is judged by the keys without. */
static void an_answer_without_it(void **state)
{
	(void)state;
	for (int required = 0; required < 2; required++) {
		struct pair *p = two(required ? ID KEY REQUIRED : ID KEY, ID KEY);
		const struct rx rx = {.dg = NULL};
		struct ike_sa *sa;
		struct keys keys = {.n = 0};

		p->wire = look;
		p->wire_ctx = &keys;
		pair_acquire(p, 0);
		while (keys.n == 0)
			assert_true(pair_step(p));
		sa = p->node[0].ike->sas;
		assert_non_null(sa);
		assert_int_equal(sa->state, SA_AUTH_SENT);
		assert_memory_equal(sa->keys->p, keys.after, keys.n);
		assert_int_equal(ppk_answered(p->node[0].ike, sa, &rx), required ? -ERR_AUTH : 0);
		assert_memory_equal(sa->keys->p, required ? keys.after : keys.before, keys.n);
		pair_free(p);
	}
}

static void it_goes_with_further_key_exchanges(void **state)
{
	static const char more[] =
		ID KEY REQUIRED "set security ike proposal P additional-key-exchange group19\n";
	struct pair *p = two(more, more);

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_int_equal(p->packets, 6);
	pair_free(p);
}

/* What a successor needs to judge the answer is in the record, also when the peer did without. */
static void a_node_may_die_at_every_step(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 2; c++) {
		const char *there = c ? "" : ID KEY;

		for (int dies = 0; dies < 2; dies++) {
			for (unsigned after = 0; after < 40; after++) {
				struct pair *p = two(ID KEY, there);
				struct pair_side side = dies ? side_b : side_a;
				unsigned left = after;

				side.extra = dies ? there : ID KEY;
				pair_acquire(p, 0);
				while (left != 0 && pair_step(p))
					left--;
				pair_takeover(p, dies, 2, &side, PAIR_KEEP_UNCOMMITTED);
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
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination),
		cmocka_unit_test(three_keys_are_mixed),
		cmocka_unit_test(an_answer_without_it),
		cmocka_unit_test(it_goes_with_further_key_exchanges),
		cmocka_unit_test(a_node_may_die_at_every_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
