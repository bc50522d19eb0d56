/*
 * IKE_FOLLOWUP_KE (RFC 9370 2.2.4): rekeys of IKE SAs with further key exchanges, between two
 * engines, through failovers in the middle, and against a peer that does it wrong.
 */
#include <stdlib.h>

#include "ike/schedule.h"
#include "ike/tx.h"
#include "ike/v2/follow.h"
#include "pair_walk.h"
#include "wire/pld_ke.h"

#define ONE  "set security ike proposal P additional-key-exchange group19\n"
#define MORE "set security ike proposal P additional-key-exchange [ group19 group20 group14 ]\n"

static struct pair *up(const char *extra)
{
	struct pair_side a = side_a, b = side_b;

	a.extra = b.extra = extra;
	return pair_up_of(&a, &b);
}

/* How many requests of that exchange went over the wire, from each end. */
struct count {
	uint8_t exchange;
	unsigned n[PAIR_NODES];
};

static bool count_requests(struct pair *p, struct packet *k)
{
	struct count *c = p->wire_ctx;
	struct ike_header h = packet_header(k);

	c->n[k->node] += h.exchange == c->exchange && !(h.flags & IKE_FLAG_RESPONSE);
	return true;
}

static void watch(struct pair *p, struct count *c)
{
	c->exchange = EXCHANGE_IKE_FOLLOWUP_KE;
	p->wire = count_requests;
	p->wire_ctx = c;
}

static void each_one_is_an_exchange(void **state)
{
	static const struct {
		const char *extra;
		unsigned n;
	} cases[] = {{NULL, 0}, {ONE, 1}, {MORE, 3}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct count c = {0};
		struct pair *p = up(cases[i].extra);
		uint64_t was = pair_sa(p, 0)->spi_local;

		watch(p, &c);
		pair_path_on(p);
		for (int node = 0; node < 2; node++) {
			assert_int_equal(pair_operate(p, node, IKE_OP_REKEY_IKE, NULL), 1);
			pair_pass(p, 20000);
			pair_check_up(p, 0, 1);
			assert_int_equal(c.n[node], cases[i].n);
			assert_int_equal(pair_sa(p, 0)->rekeys, node + 1);
			assert_null(pair_sa(p, node)->follow);
		}
		assert_true(pair_sa(p, 0)->spi_local != was);
		/* Both have the same keys: they understand each other. */
		assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 1);
		pair_pass(p, 20000);
		pair_check_up(p, 0, 1);
		pair_free(p);
	}
}

/* The formula, done again: SKEYSEED = prf(SK_d (old), SK(0) | Ni | Nr | SK(1) ...). */
static void the_further_secrets_count(void **state)
{
	struct crypto *c;
	struct ike_suite s = {.encr = alg_find(ALG_ENCR, ENCR_AES_GCM_16, 256),
		.prf = alg_find(ALG_PRF, PRF_HMAC_SHA2_256, 0),
		.dh = alg_find(ALG_KE, 31, 0)};
	uint8_t d[32] = {1}, shared[32] = {2}, ni[32] = {3}, nr[32] = {4}, more[32] = {5};
	uint8_t joined[96];
	struct keymat_ike_in in = {.shared = view_of_array(shared),
		.ni = view_of_array(ni),
		.nr = view_of_array(nr),
		.more = view_of_array(more),
		.spi_i = 7,
		.spi_r = 8,
		.old_prf = PRF_HMAC_SHA2_256,
		.old_sk_d = view_of_array(d)};
	struct secret *with, *without, *same;

	(void)state;
	assert_int_equal(crypto_new(&c), 0);
	assert_int_equal(keymat_ike(c, &s, &in, &with), 0);
	in.more = (struct view){0};
	assert_int_equal(keymat_ike(c, &s, &in, &without), 0);
	assert_memory_not_equal(with->p, without->p, with->n);
	/* What is behind the nonces is as good as behind the secret that is before them: another
	 * order gives other keys. */
	memcpy(joined, shared, 32);
	memcpy(joined + 32, more, 32);
	in.shared = view_of(joined, 64);
	assert_int_equal(keymat_ike(c, &s, &in, &same), 0);
	assert_memory_not_equal(with->p, same->p, with->n);
	secret_free(with);
	secret_free(without);
	secret_free(same);
	crypto_free(c);
}

static void a_peer_without_is_rekeyed_without(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct count c = {0};
	struct pair *p;

	(void)state;
	a.extra = ONE "set security ike proposal Q authentication-method pre-shared-keys\n"
		      "set security ike proposal Q dh-group group31\n"
		      "set security ike proposal Q encryption-algorithm aes-256-gcm\n"
		      "set security ike policy IP proposals Q\n";
	p = pair_up_of(&a, &b);
	watch(p, &c);
	for (int node = 0; node < 2; node++) {
		assert_int_equal(pair_operate(p, node, IKE_OP_REKEY_IKE, NULL), 1);
		pair_pass(p, 20000);
		pair_check_up(p, 0, 1);
	}
	assert_int_equal(c.n[0] + c.n[1], 0);
	assert_int_equal(pair_sa(p, 0)->rekeys, 2);
	pair_free(p);
}

/* Each tells the other to try later; one of them comes first. */
static void both_at_once(void **state)
{
	struct pair *p = up(MORE);

	(void)state;
	pair_path_on(p);
	(void)pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL);
	(void)pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL);
	(void)pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	(void)pair_operate(p, 1, IKE_OP_REKEY_CHILD, NULL);
	pair_pass(p, 60000);
	pair_check_up(p, 0, 1);
	assert_true(pair_sa(p, 0)->rekeys >= 1);
	assert_true(pair_said(p, 0, "notify=43")); /* TEMPORARY_FAILURE */
	assert_true(pair_said(p, 1, "notify=43"));
	assert_int_equal(p->node[0].ike->stats.collisions, 0);
	pair_free(p);
}

/* While one is under way: everything else that either end may want. */
static void other_deeds_in_the_middle(void **state)
{
	static const enum ike_operation deeds[] = {
		IKE_OP_REKEY_CHILD, IKE_OP_REKEY_IKE, IKE_OP_REAUTH_IKE, IKE_OP_CLEAR_IKE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(deeds) * 2; i++) {
		unsigned step = 0;
		bool more = true;

		while (more) {
			struct pair *p = up(MORE);

			(void)pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL);
			for (unsigned s = 0; s < step && more; s++)
				more = pair_step(p);
			step += 2;
			(void)pair_operate(p, i % 2, deeds[i / 2], NULL);
			pair_pass(p, 180000);
			if (deeds[i / 2] == IKE_OP_CLEAR_IKE && pair_open_sas(p, 0) == 0)
				pair_acquire(p, 0);
			pair_pass(p, 60000);
			pair_check_up(p, 0, 1);
			pair_free(p);
		}
	}
}

/* False: the story was over before that step. */
static bool dies_at(int dies, unsigned step, enum pair_fate fate)
{
	struct pair_side sides[2] = {side_a, side_b};
	int a = dies == 0 ? 2 : 0, b = dies == 1 ? 2 : 1;
	struct pair *p = up(MORE);
	bool more = true;

	sides[0].extra = sides[1].extra = MORE;
	(void)pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL);
	for (unsigned i = 0; i < step && more; i++)
		more = pair_step(p);
	pair_takeover(p, dies, 2, &sides[dies], fate);
	pair_pass(p, 180000);
	pair_check_up(p, a, b);
	(void)pair_operate(p, b, IKE_OP_REKEY_IKE, NULL);
	pair_pass(p, 60000);
	pair_check_up(p, a, b);
	/* Nobody noticed, or had to begin again. */
	assert_false(pair_said(p, a, "notify=47")); /* STATE_NOT_FOUND */
	assert_int_equal(p->node[dies == 0 ? b : a].ike->stats.ike_dead, 0);
	assert_int_equal(p->node[dies == 0 ? b : a].ike->stats.ike_initiated +
				 p->node[dies == 0 ? b : a].ike->stats.ike_responded,
		1);
	pair_free(p);
	return more;
}

static void a_node_dies_at_every_step(void **state)
{
	(void)state;
	for (int dies = 0; dies < 2; dies++)
		print_message("# node %d: %u steps\n", dies, pair_die_anywhere(dies_at, dies));
}

/* Every packet once lost, and once twice. */
struct fault {
	unsigned at, seen;
	bool twice;
};

static bool faulty(struct pair *p, struct packet *k)
{
	struct fault *f = p->wire_ctx;

	if (f->seen++ != f->at)
		return true;
	if (f->twice)
		pair_inject(p, k);
	return f->twice;
}

static void losses_and_repetitions(void **state)
{
	(void)state;
	for (int twice = 0; twice < 2; twice++) {
		for (unsigned at = 0;; at++) {
			struct fault f = {.at = at, .twice = twice};
			struct pair *p = up(MORE);

			p->wire = faulty;
			p->wire_ctx = &f;
			pair_path_on(p);
			(void)pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL);
			pair_pass(p, 60000);
			pair_check_up(p, 0, 1);
			assert_int_equal(pair_sa(p, 0)->rekeys, 1);
			pair_free(p);
			if (f.seen <= at)
				break;
		}
	}
}

/* ---------------------------------------------------------------- hostile */

/* One that is authentic and wrong, from node 0 on its IKE SA. */
static void say(struct pair *p, bool with_ke, uint16_t group, struct view link)
{
	static uint8_t key[65] = {0};
	struct ike *ike = p->node[0].ike;
	struct ike_sa *sa = pair_sa(p, 0);
	const struct pld_ke ke = {group, view_of(key, 64)};
	struct ike_effects fx;
	struct packet k = {.node = 0};
	struct writer w;
	struct flight *f;

	ike_effects_init(&fx);
	ike->fx = &fx;
	tx_open(ike, sa, &w, EXCHANGE_IKE_FOLLOWUP_KE, false, pair_sa(p, 1)->next_rx);
	if (with_ke) {
		writer_open(&w, PLD_KE);
		pld_ke_emit(&w.e, &ke);
		writer_close(&w);
	}
	if (link.n)
		tx_notify(&w, N_ADDITIONAL_KEY_EXCHANGE, link);
	assert_int_equal(tx_seal(ike, sa, &w, &f), 0);
	ike->fx = NULL;
	k.from = sa->local;
	k.to = sa->remote;
	k.natt = sa->natt;
	k.n = flight_at(f, 0).n;
	memcpy(k.octets, flight_at(f, 0).p, k.n);
	flight_free(f);
	ike_effects_fini(&fx);
	pair_inject(p, &k);
	pair_settle(p);
}

static const uint8_t nonsense[16] = "sixteen octets!!";

/* RFC 9370 2.2.4: STATE_NOT_FOUND, and the SA goes on. */
static void an_unknown_link_is_refused(void **state)
{
	struct pair *p = up(ONE);

	(void)state;
	p->unchecked = true;
	say(p, true, 19, view_of_array(nonsense));
	say(p, true, 19, (struct view){0});
	say(p, false, 0, view_of_array(nonsense));
	assert_int_equal(pair_sa(p, 1)->next_rx, pair_sa(p, 0)->next_tx + 3);
	pair_sa(p, 0)->next_tx += 3;
	assert_int_equal(pair_sas(p, 1, SA_UP), 1);
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL), 1);
	pair_pass(p, 60000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static bool drop_followups(struct pair *p, struct packet *k)
{
	(void)p;
	return packet_header(k).exchange != EXCHANGE_IKE_FOLLOWUP_KE || k->nth == 0;
}

/* The same while the right one is awaited: nothing is made of it. */
static void another_link_is_refused(void **state)
{
	struct pair *p = up(ONE);

	(void)state;
	p->unchecked = true;
	p->wire = drop_followups;
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL), 1);
	pair_settle(p);
	say(p, true, 19, view_of_array(nonsense));
	assert_int_equal(pair_sas(p, 1, SA_REKEYED), 0);
	assert_non_null(pair_sa(p, 1)->follow);
	assert_int_equal(pair_sa(p, 1)->follow->at, 0);
	pair_free(p);
}

/* The state is over after a while; who comes then begins again. */

static void a_late_one_begins_again(void **state)
{
	struct pair *p = up(ONE);

	(void)state;
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL), 1);
	p->wire = drop_followups;
	pair_pass(p, FOLLOW_MS - 1000);
	assert_non_null(pair_sa(p, 1)->follow);
	/* Who answers waits with its own. */
	(void)pair_operate(p, 1, IKE_OP_REKEY_CHILD, NULL);
	pair_settle(p);
	assert_int_equal(pair_sa(p, 1)->next_tx, 0);
	pair_pass(p, 2000);
	p->wire = NULL;
	pair_pass(p, 60000);
	assert_true(pair_said(p, 0, "notify=47"));
	pair_check_up(p, 0, 1);
	assert_int_equal(pair_sa(p, 0)->rekeys, 1);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_one_is_an_exchange),
		cmocka_unit_test(the_further_secrets_count),
		cmocka_unit_test(a_peer_without_is_rekeyed_without),
		cmocka_unit_test(both_at_once),
		cmocka_unit_test(other_deeds_in_the_middle),
		cmocka_unit_test(a_node_dies_at_every_step),
		cmocka_unit_test(losses_and_repetitions),
		cmocka_unit_test(an_unknown_link_is_refused),
		cmocka_unit_test(another_link_is_refused),
		cmocka_unit_test(a_late_one_begins_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
