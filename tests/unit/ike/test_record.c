/*
 * Records: what one engine wrote another one continues, at any moment; what is damaged is refused
 * as a whole. The peer must not notice a takeover (the observer of pair.h compares the octets).
 *
 * Twin of: record.c record_read.c
 */
#include <stdlib.h>

#include "base/err.h"
#include "ike/record.h"
#include "pair.h"

/* ---------------------------------------------------------------- takeover */

struct takeover {
	const char *pfs;
	int rekeys; /* the node that begins: 0 or 1 */
	enum ike_operation op;
	enum pair_fate fate;
};

/* Nothing is under way: what falls due next begins the delete of what was replaced. */
static bool let_time_begin_more(struct pair *p)
{
	p->now_ms += 50;
	for (int i = 0; i < 2; i++) {
		struct ike_event ev = {.type = IKE_EV_TICK};

		assert_int_equal(pair_feed(p, i, &ev), 0);
	}
	return pair_step(p);
}

/* False: all was over before that many steps, so there are no more moments to try. */
static bool take_over_after(const struct takeover *t, unsigned steps)
{
	struct pair *p = pair_up(t->pfs);
	struct pair_side a = side_a;
	bool under_way = true;

	a.pfs = t->pfs;
	assert_int_equal(pair_operate(p, t->rekeys, t->op, NULL), 1);
	for (unsigned i = 0; i < steps && under_way; i++)
		under_way = pair_step(p) || let_time_begin_more(p);
	pair_takeover(p, 0, 2, &a, t->fate);
	pair_settle(p);
	pair_pass(p, 90000);
	pair_check_up(p, 2, 1);
	/* The peer lost nothing, was never called anew, and refused nothing. */
	assert_int_equal(ike_show_stats(p->node[1].ike)->ike_responded, 1);
	assert_int_equal(ike_show_stats(p->node[1].ike)->ike_dead, 0);
	assert_int_equal(ike_show_stats(p->node[1].ike)->rx_integrity, 0);
	assert_int_equal(ike_show_stats(p->node[2].ike)->rx_integrity, 0);
	assert_int_equal(ike_show_stats(p->node[2].ike)->restore_failed, 0);
	pair_free(p);
	return under_way;
}

static void take_over_at_every_step(struct takeover t)
{
	for (int fate = PAIR_LOSE_UNCOMMITTED; fate <= PAIR_KEEP_UNCOMMITTED; fate++) {
		unsigned steps = 0;

		t.fate = (enum pair_fate)fate;
		while (take_over_after(&t, steps))
			assert_in_range(++steps, 1, 200);
		assert_in_range(steps, 4, 200);
	}
}

static void takeover_during_our_child_rekey(void **state)
{
	(void)state;
	take_over_at_every_step(
		(struct takeover){NULL, 0, IKE_OP_REKEY_CHILD, PAIR_LOSE_UNCOMMITTED});
	take_over_at_every_step(
		(struct takeover){"group31", 0, IKE_OP_REKEY_CHILD, PAIR_LOSE_UNCOMMITTED});
}

static void takeover_during_the_peers_child_rekey(void **state)
{
	(void)state;
	take_over_at_every_step(
		(struct takeover){NULL, 1, IKE_OP_REKEY_CHILD, PAIR_LOSE_UNCOMMITTED});
	take_over_at_every_step(
		(struct takeover){"group31", 1, IKE_OP_REKEY_CHILD, PAIR_LOSE_UNCOMMITTED});
}

static void takeover_during_an_ike_rekey(void **state)
{
	(void)state;
	take_over_at_every_step(
		(struct takeover){NULL, 0, IKE_OP_REKEY_IKE, PAIR_LOSE_UNCOMMITTED});
	take_over_at_every_step(
		(struct takeover){NULL, 1, IKE_OP_REKEY_IKE, PAIR_LOSE_UNCOMMITTED});
}

/* ---------------------------------------------------------------- keys */

static void keys_name_objects(void **state)
{
	struct pair *p = pair_up(NULL);
	struct ike *ike = p->node[0].ike;
	struct ike_sa *sa = pair_sa(p, 0);
	struct child *c = pair_child(p, 0);
	uint8_t room[IKE_RECORD_KEY_MAX];
	struct view key = record_key_sa(sa->spi_local, room);

	(void)state;
	assert_ptr_equal(record_key_find_sa(ike, key), sa);
	assert_null(record_key_find_child(ike, key));
	assert_null(record_key_find_sa(ike, view_of(key.p, key.n - 1)));
	key = record_key_child(c->spi_in, room);
	assert_ptr_equal(record_key_find_child(ike, key), c);
	assert_null(record_key_find_sa(ike, key));
	assert_null(record_key_find_child(ike, view_of(key.p, key.n - 1)));
	assert_null(record_key_find_sa(ike, (struct view){0}));
	pair_free(p);
}

/* ---------------------------------------------------------------- damage */

static void step_alone(struct pair *p, int node, struct ike_event *ev)
{
	struct ike_effects fx;

	ev->now_ms = p->now_ms;
	ev->wall_ms = p->now_ms;
	ike_effects_init(&fx);
	assert_int_equal(ike_step(p->node[node].ike, ev, &fx), 0);
	ike_effects_fini(&fx);
}

static void feed_record(struct pair *p, int node, const struct pair_record *r, struct view body)
{
	struct ike_event ev = {.type = IKE_EV_RESTORE};

	ev.record = (struct ike_ev_record){.key = view_of(r->key, r->key_n), .body = body};
	step_alone(p, node, &ev);
}

/* Restores `body` in the place of r's, beside the IKE SA if that is needed. True: accepted. */
static bool restore_alone(struct pair *p, int node, const struct pair_record *r, struct view body)
{
	struct ike *ike = p->node[node].ike;
	struct ike_event ev = {.type = IKE_EV_RG};
	uint64_t before = ike_show_stats(ike)->restore_failed;
	bool is_child = r->key[0] == 'C';
	uint64_t refused;

	ev.rg = (struct ike_ev_rg){.active = true, .epoch = 1};
	step_alone(p, node, &ev);
	assert_int_equal(HASH_COUNT(ike->sas) + HASH_COUNT(ike->children), 0);
	for (struct pair_record *o = p->node[0].log; is_child && o; o = o->next)
		if (o->key[0] == 'I')
			feed_record(p, node, o, blob_view(&o->body));
	feed_record(p, node, r, body);
	ev.type = IKE_EV_RESTORE_DONE;
	step_alone(p, node, &ev);
	refused = ike_show_stats(ike)->restore_failed - before;
	assert_in_range(refused, 0, 1);
	/* Whole or not at all. */
	if (refused)
		assert_int_equal(is_child ? HASH_COUNT(ike->children) : HASH_COUNT(ike->sas), 0);
	/* What was believed must also be able to live and to end. */
	for (unsigned i = 0; i < 8; i++) {
		p->now_ms += 40000;
		ev = (struct ike_event){.type = IKE_EV_TICK};
		step_alone(p, node, &ev);
	}
	return refused == 0;
}

static void damage_record(struct pair *p, int node, const struct pair_record *r)
{
	uint8_t *copy = malloc(r->body.n);
	unsigned accepted = 0;

	assert_non_null(copy);
	assert_true(restore_alone(p, node, r, blob_view(&r->body)));
	assert_false(restore_alone(p, node, r, (struct view){0}));
	for (size_t n = 1; n < r->body.n; n++) {
		/* A copy of exactly that size: the sanitizer sees one octet too many. */
		uint8_t *cut = malloc(n);

		assert_non_null(cut);
		memcpy(cut, r->body.p, n);
		accepted += restore_alone(p, node, r, view_of(cut, n));
		free(cut);
	}
	/* Only numbers for people come last; most cuts take something that is needed. */
	assert_in_range(accepted, 0, r->body.n / 2);
	for (size_t bit = 0; bit < r->body.n * 8; bit++) {
		memcpy(copy, r->body.p, r->body.n);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		(void)restore_alone(p, node, r, view_of(copy, r->body.n));
	}
	free(copy);
}

static bool nothing_arrives(struct pair *p, struct packet *k)
{
	(void)p;
	(void)k;
	return false;
}

static void damaged_records_are_refused_whole(void **state)
{
	struct pair *p = pair_up("group31");
	unsigned n = 0;

	(void)state;
	p->wire = nothing_arrives;
	pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	pair_settle(p); /* an outstanding request is in the record now */
	assert_non_null(pair_sa(p, 0)->out);
	p->unchecked = true;
	pair_start(p, 3, &side_a);
	for (struct pair_record *r = p->node[0].log; r; r = r->next, n++)
		damage_record(p, 3, r);
	assert_in_range(n, 2, 8);
	pair_free(p);
}

static void a_record_of_another_group_is_refused(void **state)
{
	struct pair *p = pair_up(NULL);
	struct ike_event ev = {.type = IKE_EV_RG};

	(void)state;
	pair_start(p, 3, &side_a);
	ev.rg = (struct ike_ev_rg){.rg = 1, .active = true, .epoch = 1};
	step_alone(p, 3, &ev);
	for (struct pair_record *r = p->node[0].log; r; r = r->next) {
		ev = (struct ike_event){.type = IKE_EV_RESTORE};
		ev.record =
			(struct ike_ev_record){1, view_of(r->key, r->key_n), blob_view(&r->body)};
		step_alone(p, 3, &ev);
	}
	ev = (struct ike_event){.type = IKE_EV_RESTORE_DONE};
	ev.rg.rg = 1;
	step_alone(p, 3, &ev);
	assert_int_equal(ike_show_stats(p->node[3].ike)->restore_failed, 2);
	assert_int_equal(HASH_COUNT(p->node[3].ike->sas), 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_name_objects),
		cmocka_unit_test(takeover_during_our_child_rekey),
		cmocka_unit_test(takeover_during_the_peers_child_rekey),
		cmocka_unit_test(takeover_during_an_ike_rekey),
		cmocka_unit_test(damaged_records_are_refused_whole),
		cmocka_unit_test(a_record_of_another_group_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
