/*
 * What comes late, or only when it is too late: requests that meet one of ours that nobody has
 * answered yet, answers that a delete overtook, deletes that are long under way (RFC 7296 1.4.1,
 * 2.25). Each of these was a fault that the walks of test_explore.c do not find.
 */
#include "ike/schedule.h"
#include "pair.h"

/* What does not come through. */
struct cut {
	int from; /* node */
	uint8_t exchange;
	bool answers;
};

static bool is_cut(struct pair *p, struct packet *k)
{
	const struct cut *c = p->wire_ctx;
	struct ike_header h = packet_header(k);

	return k->node != c->from || h.exchange != c->exchange ||
	       c->answers != ((h.flags & IKE_FLAG_RESPONSE) != 0);
}

static void cut(struct pair *p, struct cut *c)
{
	p->wire = is_cut;
	p->wire_ctx = c;
}

/* 2.25.2: the children go to the new IKE SA, so none may be made on the old one any more. */
static void no_child_while_the_ike_sa_is_rekeyed(void **state)
{
	static const enum ike_operation asked[] = {IKE_OP_REKEY_CHILD, IKE_OP_INITIATE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct cut c = {.from = 0, .exchange = EXCHANGE_CREATE_CHILD_SA};
		struct pair *p = pair_up(NULL);
		uint32_t was = pair_child(p, 0)->spi_in;

		cut(p, &c);
		assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL), 1);
		pair_settle(p);
		if (asked[i] == IKE_OP_INITIATE) {
			struct child *mine = pair_child(p, 1);

			list_del(&mine->of_tunnel); /* as if there were none */
			assert_int_equal(pair_operate(p, 1, asked[i], NULL), 1);
			list_add_tail(&mine->tunnel->children, &mine->of_tunnel);
		} else {
			assert_int_equal(pair_operate(p, 1, asked[i], NULL), 1);
		}
		pair_settle(p);
		assert_true(pair_said(p, 1, "child.refused"));
		assert_true(pair_said(p, 1, "notify=43")); /* TEMPORARY_FAILURE */
		assert_int_equal(pair_children(p, 0), 1);
		assert_int_equal(pair_child(p, 0)->spi_in, was);
		p->wire = NULL;
		pair_pass(p, 60000);
		pair_check_up(p, 0, 1);
		assert_int_equal(pair_sa(p, 0)->rekeys, 1);
		pair_free(p);
	}
}

/* 2.25.1: the peer deletes what it made for us before we hear that it did. */
static void a_child_that_died_before_its_answer_came(void **state)
{
	(void)state;
	for (int rekeys = 0; rekeys < 2; rekeys++) {
		struct cut c = {.from = 1, .exchange = EXCHANGE_CREATE_CHILD_SA, .answers = true};
		struct pair *p = pair_up(NULL);
		uint32_t dead;

		cut(p, &c);
		if (!rekeys) { /* another one, not in the place of the first */
			assert_int_equal(pair_operate(p, 0, IKE_OP_CLEAR_CHILD, NULL), 1);
			pair_settle(p);
			pair_acquire(p, 0);
		} else {
			assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 1);
		}
		pair_settle(p);
		assert_int_equal(pair_children(p, 1), rekeys ? 2 : 1);
		dead = pair_child(p, 1)->spi_in;
		assert_int_equal(pair_operate(p, 1, IKE_OP_CLEAR_CHILD, NULL), 1);
		pair_settle(p);
		assert_null(child_find(p->node[1].ike, dead));
		p->wire = NULL;
		pair_pass(p, 60000);
		assert_true(pair_said(p, 0, "child.stillborn"));
		pair_check_agreed(p, 0, 1);
		/* What is asked for next comes up. */
		pair_acquire(p, 0);
		pair_pass(p, 60000);
		pair_check_up(p, 0, 1);
		pair_free(p);
	}
}

/* It does not switch before it hears that the old IKE SA goes. */
static void cling_to_the_old_one(struct pair *p)
{
	const struct child *fresh = pair_child(p, 1);

	for (struct pair_child *c = p->node[1].sad; c; c = c->next)
		if (c->spi_in == fresh->spi_in)
			c->outbound = false;
}

/* After a reauthentication the peer may send with the old children until it reads our delete, and
 * that may take its time. */
static void the_old_children_stay_until_the_delete_is_answered(void **state)
{
	struct cut c = {.from = 0, .exchange = EXCHANGE_INFORMATIONAL};
	struct pair *p = pair_up(NULL);
	uint32_t old = pair_child(p, 0)->spi_in;

	(void)state;
	cut(p, &c);
	assert_int_equal(pair_operate(p, 0, IKE_OP_REAUTH_IKE, NULL), 1);
	for (int i = 0; i < 4 * LINGER_MS / 100; i++) {
		pair_pass(p, 100);
		cling_to_the_old_one(p);
	}
	assert_int_equal(pair_sas(p, 0, SA_CLOSING), 1);
	assert_non_null(child_find(p->node[0].ike, old));
	pair_path_on(p); /* with the old one: it has to be there */
	p->wire = NULL;
	pair_pass(p, 60000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_child_while_the_ike_sa_is_rekeyed),
		cmocka_unit_test(a_child_that_died_before_its_answer_came),
		cmocka_unit_test(the_old_children_stay_until_the_delete_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
