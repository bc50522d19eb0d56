/*
 * Lifetimes and rekeys, of children and of the IKE SA, with one end acting.
 */
#include "ike/schedule.h"
#include "pair.h"

#define HOUR_MS UINT64_C(3600000)

/* LIF-003: the initiator acts 135 s before the end, the responder would 90 s before. */
static void child_is_rekeyed_at_its_soft_lifetime(void **state)
{
	struct pair *p = pair_up(NULL);
	uint32_t first = pair_child(p, 0)->spi_in;

	(void)state;
	pair_pass(p, HOUR_MS - 135000 - 2000);
	assert_int_equal(pair_child(p, 0)->spi_in, first);
	pair_pass(p, 3000);
	assert_int_not_equal(pair_child(p, 0)->spi_in, first);
	assert_int_equal(p->node[1].ike->stats.child_rekeyed, 1);
	/* V2-011: the old one stays a second for what is on the way. */
	assert_int_equal(pair_children(p, 0), 2);
	pair_pass(p, 3000);
	pair_check_up(p, 0, 1);
	assert_null(child_find(p->node[0].ike, first));
	assert_true(pair_child(p, 1)->outbound);
	pair_free(p);
}

/* LIF-004: the shortest life that may be written, of both kinds of SA: 45 s before the first rekey,
 * and none ever reaches its end. */
static void the_shortest_life_is_renewed_in_time(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;
	uint32_t first;

	(void)state;
	a.extra = b.extra = "set security ipsec proposal E lifetime-seconds 180\n"
			    "set security ike proposal P lifetime-seconds 180\n";
	p = pair_up_of(&a, &b);
	pair_path_on(p);
	first = pair_child(p, 0)->spi_in;
	pair_pass(p, 43000);
	assert_int_equal(pair_child(p, 0)->spi_in, first);
	pair_pass(p, 4000);
	assert_int_not_equal(pair_child(p, 0)->spi_in, first);
	for (unsigned i = 0; i < 180; i++) {
		pair_pass(p, 10000);
		assert_true(pair_sa(p, 0) && pair_sa(p, 1));
		assert_true(pair_child(p, 0) && pair_child(p, 1));
	}
	assert_true(
		p->node[0].ike->stats.child_rekeyed + p->node[1].ike->stats.child_rekeyed >= 20);
	assert_true(p->node[0].ike->stats.ike_rekeyed >= 20);
	for (int n = 0; n < 2; n++) {
		assert_false(pair_said(p, n, "child.expired"));
		assert_false(pair_said(p, n, "ike.expired"));
	}
	pair_free(p);
}

/* V2-011: install-interval, of who rekeyed. */
static void the_old_one_stays_as_long_as_configured(void **state)
{
	static const struct {
		const char *line;
		uint64_t there_ms, gone_ms;
	} rows[] = {
		{"set security ipsec vpn V ike install-interval 7\n", 6500, 7500},
		{"set security ipsec vpn V ike install-interval 0\n", 0, 200},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pair_side a = side_a;
		struct pair *p;

		a.extra = rows[i].line;
		p = pair_up_of(&a, &side_b);
		assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 1);
		pair_settle(p);
		if (rows[i].there_ms != 0) {
			pair_pass(p, rows[i].there_ms);
			assert_int_equal(pair_children(p, 0), 2);
			assert_int_equal(pair_children(p, 1), 2);
		}
		pair_pass(p, rows[i].gone_ms - rows[i].there_ms);
		assert_int_equal(pair_children(p, 0), 1);
		assert_int_equal(pair_children(p, 1), 1);
		pair_free(p);
	}
}

/* PFS-001 */
static void child_is_rekeyed_with_pfs(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	a.pfs = b.pfs = "group19";
	p = pair_up_of(&a, &b);
	assert_null(pair_child(p, 0)->suite.dh);
	assert_int_equal(p->node[0].expected, pair_child(p, 0)->spi_in);
	assert_int_equal(p->node[1].expected, 0);
	for (int i = 0; i < 3; i++) {
		uint32_t was = pair_child(p, 1)->spi_in;

		assert_int_equal(pair_operate(p, i % 2, IKE_OP_REKEY_CHILD, NULL), 1);
		pair_pass(p, 5000);
		pair_check_up(p, 0, 1);
		assert_int_not_equal(pair_child(p, 1)->spi_in, was);
		assert_int_equal(pair_child(p, 0)->suite.dh->id, 19);
		/* The peer may use it before its answer is here. */
		assert_int_equal(p->node[i % 2].expected, pair_child(p, i % 2)->spi_in);
	}
	pair_free(p);
}

/* PFS-003 */
static void other_pfs_group_keeps_the_old_child(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	a.pfs = "group19";
	b.pfs = "group20";
	p = pair_up_of(&a, &b);
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 1);
	pair_pass(p, 5000);
	pair_check_up(p, 0, 1);
	assert_true(pair_said(p, 0, "child.refused"));
	pair_free(p);
}

/* V2-010 */
static void ike_sa_is_rekeyed_and_keeps_its_children(void **state)
{
	struct pair *p = pair_up(NULL);
	uint32_t child = pair_child(p, 0)->spi_in;
	uint64_t was = pair_sa(p, 0)->spi_local;

	(void)state;
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL), 1);
	pair_settle(p);
	pair_pass(p, 60000);
	pair_check_up(p, 0, 1);
	assert_true(pair_sa(p, 0)->spi_local != was);
	assert_int_equal(pair_sa(p, 0)->next_tx, 0);
	assert_int_equal(pair_child(p, 0)->spi_in, child);
	assert_int_equal(p->node[0].installs, 1); /* the dataplane was not bothered */
	assert_int_equal(pair_sa(p, 0)->rekeys, 1);
	/* From the other end, twice, and the new SA works. */
	assert_int_equal(pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL), 1);
	pair_pass(p, 60000);
	pair_check_up(p, 0, 1);
	assert_false(pair_sa(p, 0)->initiator);
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 1);
	pair_pass(p, 10000);
	pair_check_up(p, 0, 1);
	assert_int_equal(p->node[1].ike->stats.ike_responded, 1);
	pair_free(p);
}

static void ike_sa_is_rekeyed_at_its_soft_lifetime(void **state)
{
	struct pair *p = pair_up(NULL);

	(void)state;
	pair_pass(p, 8 * HOUR_MS - 135000 - 5000);
	assert_int_equal(pair_sa(p, 0)->rekeys, 0);
	pair_pass(p, 10000);
	assert_int_equal(pair_sa(p, 0)->rekeys, 1);
	pair_pass(p, 24 * HOUR_MS);
	pair_check_up(p, 0, 1);
	assert_in_range(pair_sa(p, 0)->rekeys, 4, 4);
	assert_int_equal(p->node[1].ike->stats.ike_responded, 1);
	assert_int_equal(p->node[0].ike->stats.collisions, 0);
	pair_free(p);
}

static void ike_rekey_retries_with_the_peers_group(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	a.dh = "group19";
	b.dh = "group19";
	a.extra = "set security ike proposal Q authentication-method pre-shared-keys\n"
		  "set security ike proposal Q dh-group group31\n"
		  "set security ike proposal Q encryption-algorithm aes-256-gcm\n"
		  "set security ike policy IP proposals Q\n";
	p = pair_up_of(&a, &b);
	b.dh = "group31";
	pair_reconfigure(p, 1, &b);
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL), 1);
	pair_pass(p, 60000);
	pair_check_up(p, 0, 1);
	assert_int_equal(pair_sa(p, 0)->suite.dh->id, 31);
	pair_free(p);
}

/* RSP-003, LIF-008 */
static void no_rekey_ends_at_the_hard_lifetime(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	b.establish = "responder-only-no-rekey";
	p = pair_of(&a, &b);
	pair_acquire(p, 0);
	pair_settle(p);
	/* Our end would rekey: make it a silent one. */
	pair_child(p, 0)->at_soft = 0;
	child_rearm(p->node[0].ike, pair_child(p, 0));
	pair_pass(p, HOUR_MS - 2000);
	pair_check_up(p, 0, 1);
	pair_pass(p, 5000);
	assert_int_equal(pair_children(p, 0), 0);
	assert_int_equal(pair_children(p, 1), 0);
	pair_free(p);
}

/* The dataplane says when a volume or sequence limit is near. */
static bool sends(struct pair *p, int node, uint32_t spi_in)
{
	for (const struct pair_child *c = p->node[node].sad; c; c = c->next)
		if (c->spi_in == spi_in)
			return c->outbound;
	return false;
}

/* The peer rekeys `old` at node 0 and says no more: it waits with the delete. */
static uint32_t rekeyed_by_peer(struct pair *p)
{
	assert_int_equal(pair_operate(p, 1, IKE_OP_REKEY_CHILD, NULL), 1);
	pair_settle(p);
	return pair_child(p, 0)->spi_in;
}

/* The peer deletes what goes in with that SPI here so much later. */
static void deleted_after(struct pair *p, uint32_t spi_in, uint64_t ms)
{
	struct ike *ike = p->node[1].ike;
	struct child *c, *next;

	map_foreach (ike->children, c, next) {
		if (c->spi_out != spi_in)
			continue;
		c->at_delete = p->now_ms + ms;
		child_rearm(ike, c);
	}
}

/* Architecture rule 10, ADR 0016: by a packet, by the peer's delete, else after a long while. */
static void answering_end_sends_when_the_peer_has_the_new_one(void **state)
{
	struct ike_event first = {.type = IKE_EV_INBOUND_FIRST};
	struct pair *p = pair_up(NULL);
	uint32_t old = pair_child(p, 0)->spi_in, heir = rekeyed_by_peer(p);

	(void)state;
	assert_true(sends(p, 0, old));
	assert_false(sends(p, 0, heir));
	assert_true(sends(p, 1, pair_child(p, 1)->spi_in));
	first.inbound_first = heir;
	assert_int_equal(pair_feed(p, 0, &first), 0);
	pair_settle(p);
	assert_true(sends(p, 0, heir));
	pair_pass(p, 20000);
	pair_check_up(p, 0, 1);

	/* The delete, without any packet. */
	old = pair_child(p, 0)->spi_in;
	heir = rekeyed_by_peer(p);
	deleted_after(p, old, 2000);
	pair_pass(p, 1990);
	assert_true(sends(p, 0, old));
	assert_false(sends(p, 0, heir));
	pair_pass(p, 20);
	assert_false(sends(p, 0, old));
	assert_true(sends(p, 0, heir));
	pair_pass(p, 20000);
	pair_check_up(p, 0, 1);

	/* Neither. */
	old = pair_child(p, 0)->spi_in;
	heir = rekeyed_by_peer(p);
	deleted_after(p, old, 60000);
	pair_pass(p, OUTBOUND_AFTER_MS - 10);
	assert_false(sends(p, 0, heir));
	pair_pass(p, 20);
	assert_true(sends(p, 0, heir));
	pair_pass(p, 60000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static bool once_more(struct pair *p, struct packet *k)
{
	struct packet *kept = (struct packet *)p->wire_ctx;

	if (k->node == 1 && packet_header(k).exchange == EXCHANGE_CREATE_CHILD_SA)
		*kept = *k;
	return true;
}

/* The peer sends with the new one as soon as it reads our delete of the old one. */
static void the_old_one_stays_until_the_new_one_is_installed(void **state)
{
	struct ike_event tick = {.type = IKE_EV_TICK};
	struct pair *p = pair_up(NULL);
	struct child *old = pair_child(p, 0);

	(void)state;
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 1);
	while (p->first && !(p->first->kind == TASK_INSTALLED && p->first->node == 0))
		pair_step(p);
	assert_non_null(p->first);
	assert_int_equal(old->state, CHILD_REPLACED);
	for (int i = 0; i < 50; i++) {
		p->now_ms += 100;
		assert_int_equal(pair_feed(p, 0, &tick), 0);
		assert_null(pair_sa(p, 0)->out);
	}
	pair_pass(p, 20000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* A peer that repeats its request had not read our answer. */
static void a_repeated_request_defers_the_hope(void **state)
{
	struct packet kept = {.n = 0};
	struct pair *p = pair_up(NULL);
	uint32_t old = pair_child(p, 0)->spi_in, heir;

	(void)state;
	p->wire = once_more;
	p->wire_ctx = &kept;
	heir = rekeyed_by_peer(p);
	deleted_after(p, old, 60000);
	pair_pass(p, OUTBOUND_AFTER_MS - 10);
	assert_true(kept.n != 0);
	pair_inject(p, &kept);
	pair_pass(p, OUTBOUND_AFTER_MS - 10);
	assert_int_equal(p->node[0].ike->stats.rx_duplicate, 1);
	assert_false(sends(p, 0, heir));
	pair_pass(p, 20);
	assert_true(sends(p, 0, heir));
	pair_free(p);
}

/* Rekeys that follow each other faster than their deletes: whoever is left sends. */
static void heirs_of_heirs_send(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct pair *p = pair_up(NULL);
		uint32_t a = pair_child(p, 0)->spi_in, b, c;

		b = rekeyed_by_peer(p);
		c = rekeyed_by_peer(p);
		deleted_after(p, a, 60000);
		deleted_after(p, b, 60000);
		assert_true(sends(p, 0, a));
		/* The peer deletes one, then the other, before it has sent anything. */
		for (int i = 0; i < 2; i++) {
			uint32_t spi = (i == 0) == (order == 0) ? a : b;

			deleted_after(p, spi, 1);
			pair_pass(p, 2);
			if (i == 0)
				assert_true(sends(p, 0, order == 0 ? b : a));
		}
		assert_true(sends(p, 0, c));
		pair_free(p);
	}
}

static void limits_of_the_dataplane_start_a_rekey(void **state)
{
	struct pair *p = pair_up(NULL);

	(void)state;
	for (int kind = IKE_LIMIT_SOFT; kind <= IKE_LIMIT_SEQUENCE; kind++) {
		struct ike_event ev = {.type = IKE_EV_CHILD_LIFETIME};
		uint32_t was = pair_child(p, 0)->spi_in;

		ev.limit = (struct ike_ev_child_limit){was, (enum ike_child_limit)kind};
		assert_int_equal(pair_feed(p, 0, &ev), 0);
		pair_pass(p, 5000);
		assert_null(child_find(p->node[0].ike, was));
		if (kind == IKE_LIMIT_HARD) {
			assert_int_equal(pair_children(p, 0), 0);
			pair_acquire(p, 0);
			pair_settle(p);
		}
		pair_check_up(p, 0, 1);
	}
	pair_free(p);
}

static void clear_ipsec_deletes_at_both_ends(void **state)
{
	struct pair *p = pair_up(NULL);

	(void)state;
	assert_int_equal(pair_operate(p, 1, IKE_OP_CLEAR_CHILD, NULL), 1);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0), 0);
	assert_int_equal(pair_children(p, 1), 0);
	assert_null(p->node[0].sad);
	assert_null(p->node[1].sad);
	assert_non_null(pair_sa(p, 0));
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* V2-005 */
static void clear_ike_takes_the_children_along(void **state)
{
	struct ike_filter f = {.gateway = "NOPE"};
	struct pair *p = pair_up(NULL);

	(void)state;
	assert_int_equal(pair_operate(p, 0, IKE_OP_CLEAR_IKE, &f), 0);
	f = (struct ike_filter){.gateway = "G", .family = 4};
	assert_int_equal(pair_operate(p, 0, IKE_OP_CLEAR_IKE, &f), 1);
	pair_settle(p);
	for (int i = 0; i < 2; i++) {
		assert_null(pair_sa(p, i));
		assert_int_equal(pair_children(p, i), 0);
		assert_null(p->node[i].sad);
	}
	pair_pass(p, 60000);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(HASH_COUNT(p->node[i].ike->sas), 0);
		assert_null(p->node[i].log);
	}
	pair_free(p);
}

static void operator_may_initiate(void **state)
{
	struct pair *p = pair_ordinary();

	(void)state;
	assert_int_equal(pair_operate(p, 0, IKE_OP_INITIATE, NULL), 1);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_is_rekeyed_at_its_soft_lifetime),
		cmocka_unit_test(the_shortest_life_is_renewed_in_time),
		cmocka_unit_test(the_old_one_stays_as_long_as_configured),
		cmocka_unit_test(child_is_rekeyed_with_pfs),
		cmocka_unit_test(other_pfs_group_keeps_the_old_child),
		cmocka_unit_test(ike_sa_is_rekeyed_and_keeps_its_children),
		cmocka_unit_test(ike_sa_is_rekeyed_at_its_soft_lifetime),
		cmocka_unit_test(ike_rekey_retries_with_the_peers_group),
		cmocka_unit_test(no_rekey_ends_at_the_hard_lifetime),
		cmocka_unit_test(answering_end_sends_when_the_peer_has_the_new_one),
		cmocka_unit_test(the_old_one_stays_until_the_new_one_is_installed),
		cmocka_unit_test(a_repeated_request_defers_the_hope),
		cmocka_unit_test(heirs_of_heirs_send),
		cmocka_unit_test(limits_of_the_dataplane_start_a_rekey),
		cmocka_unit_test(clear_ipsec_deletes_at_both_ends),
		cmocka_unit_test(clear_ike_takes_the_children_along),
		cmocka_unit_test(operator_may_initiate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
