/*
 * The node dies at every step of a story and another takes its records over: the peer must not
 * notice (I1, I2, I6, I8; DPD-005, HA-012, HA-025). Both fates of what was not committed yet.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ike/record.h"
#include "pair.h"

struct story {
	const char *name;
	/* Begins on two ends that are up (or not, for set-up). */
	void (*begin)(struct pair *p);
	bool from_nothing;
	bool ends_closed; /* afterwards nothing is up */
	const char *pfs;
	int dies; /* node */
};

static void begin_setup(struct pair *p)
{
	pair_acquire(p, 0);
}

static void rekey_child_a(struct pair *p)
{
	(void)pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
}

static void rekey_child_b(struct pair *p)
{
	(void)pair_operate(p, 1, IKE_OP_REKEY_CHILD, NULL);
}

static void rekey_ike_a(struct pair *p)
{
	(void)pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL);
}

static void rekey_ike_b(struct pair *p)
{
	(void)pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL);
}

static void rekey_child_both(struct pair *p)
{
	rekey_child_a(p);
	rekey_child_b(p);
}

static void rekey_ike_both(struct pair *p)
{
	rekey_ike_a(p);
	rekey_ike_b(p);
}

static void rekey_crosswise(struct pair *p)
{
	rekey_ike_a(p);
	rekey_child_b(p);
}

static void clear_ike_a(struct pair *p)
{
	(void)pair_operate(p, 0, IKE_OP_CLEAR_IKE, NULL);
}

static void clear_ike_b(struct pair *p)
{
	(void)pair_operate(p, 1, IKE_OP_CLEAR_IKE, NULL);
}

static const struct story stories[] = {
	{"set-up, initiator dies", begin_setup, .from_nothing = true, .dies = 0},
	{"set-up, responder dies", begin_setup, .from_nothing = true, .dies = 1},
	{"child rekey, initiator dies", rekey_child_a},
	{"child rekey, responder dies", rekey_child_b},
	{"child rekey with PFS, initiator dies", rekey_child_a, .pfs = "group31"},
	{"child rekey with PFS, responder dies", rekey_child_b, .pfs = "group31"},
	{"IKE rekey, initiator dies", rekey_ike_a},
	{"IKE rekey, responder dies", rekey_ike_b},
	{"crossing child rekeys", rekey_child_both},
	{"crossing child rekeys with PFS", rekey_child_both, .pfs = "group31"},
	{"crossing IKE rekeys", rekey_ike_both},
	{"IKE rekey crosses child rekey", rekey_crosswise},
	{"IKE delete, initiator dies", clear_ike_a, .ends_closed = true},
	{"IKE delete, responder dies", clear_ike_b, .ends_closed = true},
};

static void check_after(struct pair *p, const struct story *s, int a, int b)
{
	const struct ike_stats *peer = &p->node[s->dies == 0 ? b : a].ike->stats;

	pair_pass(p, 180000);
	pair_check_agreed(p, a, b);
	assert_int_equal(peer->ike_dead, 0);
	/* The order to close it may have died with the node; then it is still there. */
	if (s->ends_closed && pair_open_sas(p, a) == 0)
		return;
	if (s->from_nothing && pair_open_sas(p, a) == 0) {
		/* IKE_SA_INIT is not replicated: traffic asks again. */
		pair_acquire(p, a);
		pair_pass(p, 180000);
	}
	pair_check_up(p, a, b);
	if (!s->from_nothing)
		assert_int_equal(peer->ike_initiated + peer->ike_responded, 1);
	/* And it works on. */
	(void)pair_operate(p, a, IKE_OP_REKEY_CHILD, NULL);
	pair_pass(p, 20000);
	(void)pair_operate(p, b, IKE_OP_REKEY_IKE, NULL);
	pair_pass(p, 180000);
	pair_check_up(p, a, b);
}

/* False: the story was over before that step. */
static bool dies_at(const struct story *s, unsigned step, enum pair_fate fate, uint64_t gap_ms)
{
	struct pair_side side[2] = {side_a, side_b};
	int successor = 2, a, b;
	struct pair *p;
	bool more = true;

	side[0].pfs = side[1].pfs = s->pfs;
	p = pair_of(&side[0], &side[1]);
	if (!s->from_nothing) {
		pair_acquire(p, 0);
		pair_settle(p);
		pair_check_up(p, 0, 1);
	}
	s->begin(p);
	for (unsigned i = 0; i < step && more; i++)
		more = pair_step(p);
	if (gap_ms != 0) {
		pair_kill(p, s->dies);
		pair_pass(p, gap_ms);
	}
	pair_takeover(p, s->dies, successor, &side[s->dies], fate);
	a = s->dies == 0 ? successor : 0;
	b = s->dies == 0 ? 1 : successor;
	check_after(p, s, a, b);
	pair_free(p);
	return more;
}

static void peer_does_not_notice(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
		unsigned step = 0;

		do {
			print_message("# %s, step %u\n", stories[i].name, step);
			(void)dies_at(&stories[i], step, PAIR_LOSE_UNCOMMITTED, 0);
			(void)dies_at(&stories[i], step, PAIR_LOSE_UNCOMMITTED, 450);
			(void)dies_at(&stories[i], step, PAIR_KEEP_UNCOMMITTED, 450);
		} while (dies_at(&stories[i], step++, PAIR_KEEP_UNCOMMITTED, 0));
		print_message("# %s: %u steps\n", stories[i].name, step);
	}
}

/* I6: what was left of lifetimes goes on, on another clock. */
static void lifetimes_continue(void **state)
{
	struct pair *p = pair_ordinary();
	uint64_t hard, soft, ike_hard;

	(void)state;
	pair_acquire(p, 0);
	pair_pass(p, 600000);
	hard = pair_child(p, 0)->at_hard;
	soft = pair_child(p, 0)->at_soft;
	ike_hard = pair_sa(p, 0)->at_hard;
	pair_kill(p, 0);
	pair_pass(p, 1234);
	p->node[0].up = false;
	pair_takeover(p, 0, 2, &side_a, PAIR_KEEP_UNCOMMITTED);
	assert_in_range(pair_child(p, 2)->at_hard, hard - 2, hard + 2);
	assert_in_range(pair_child(p, 2)->at_soft, soft - 2, soft + 2);
	assert_in_range(pair_sa(p, 2)->at_hard, ike_hard - 2, ike_hard + 2);
	pair_check_up(p, 2, 1);
	pair_pass(p, 3600000);
	pair_check_up(p, 2, 1);
	assert_int_equal(p->node[1].ike->stats.child_rekeyed, 1);
	pair_free(p);
}

/* Back and forth, a rekey after each. */
static void many_takeovers(void **state)
{
	struct pair *p = pair_ordinary();
	int at = 0;

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	for (int i = 0; i < 20; i++) {
		int to = at == 0 ? 2 : 0;

		pair_takeover(p, at, to, &side_a, PAIR_KEEP_UNCOMMITTED);
		at = to;
		(void)pair_operate(
			p, i % 4 < 2 ? at : 1, i % 2 ? IKE_OP_REKEY_IKE : IKE_OP_REKEY_CHILD, NULL);
		pair_pass(p, 90000);
		pair_check_up(p, at, 1);
	}
	assert_int_equal(p->node[1].ike->stats.ike_responded, 1);
	pair_free(p);
}

/* A group that leaves takes everything along; nothing is sent. */
static void standby_is_silent(void **state)
{
	struct ike_event ev = {.type = IKE_EV_RG};
	struct pair *p = pair_ordinary();
	unsigned sent;

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	sent = p->node[0].sent;
	assert_int_equal(pair_feed(p, 0, &ev), 0);
	assert_int_equal(HASH_COUNT(p->node[0].ike->sas), 0);
	assert_int_equal(HASH_COUNT(p->node[0].ike->children), 0);
	pair_acquire(p, 0);
	pair_operate(p, 1, IKE_OP_REKEY_CHILD, NULL);
	pair_pass(p, 20000);
	assert_int_equal(p->node[0].sent, sent);
	pair_free(p);
}

static bool holds_sa(const struct pair_node *n, uint32_t spi_in)
{
	const struct pair_child *c = n->sad;

	while (c && c->spi_in != spi_in)
		c = c->next;
	return c != NULL;
}

static bool has_record(const struct pair_node *n, uint32_t spi_in)
{
	uint8_t room[IKE_RECORD_KEY_MAX];
	struct view key = record_key_child(spi_in, room);
	const struct pair_record *r = n->log;

	while (r && !view_equal(view_of(r->key, r->key_n), key))
		r = r->next;
	return r != NULL;
}

/* The peer begins anew: one transaction installs a child and ends its forerunner. Its author is
 * told of neither by the log: a group that lapses before the dataplane answered takes the end of
 * the old one along when that is committed, and only then. */
static void who_lapses_holds_what_the_log_holds(void **state)
{
	(void)state;
	for (int committed = 0; committed < 2; committed++) {
		struct ike_event lapse = {.type = IKE_EV_RG};
		struct pair *p = pair_up(NULL);
		struct pair_node *n = &p->node[0];
		uint32_t old = pair_child(p, 0)->spi_in, heir;

		pair_kill(p, 1);
		pair_start(p, 1, &side_b);
		pair_acquire(p, 1);
		while (child_find(n->ike, old))
			assert_true(pair_step(p));
		assert_int_equal(HASH_COUNT(n->ike->children), 1);
		heir = n->ike->children->spi_in;
		while (committed && has_record(n, old))
			assert_true(pair_step(p));
		assert_int_equal(has_record(n, heir), committed);
		assert_true(holds_sa(n, old));
		assert_int_equal(pair_feed(p, 0, &lapse), 0);
		assert_int_equal(holds_sa(n, old), !committed);
		assert_int_equal(holds_sa(n, heir), committed);
		pair_free(p);
	}
}

/* The same, too large for one REPLICATE: it is cut between the two IKE SAs, and whichever part is
 * committed when the group lapses, is so whole, in the dataplane too. */
static void parts_of_a_transaction_lapse_by_themselves(void **state)
{
	bool seen[2][2] = {{false}};

	(void)state;
	for (int i = 0; i < 16; i++) {
		struct ike_event lapse = {.type = IKE_EV_RG};
		struct pair *p = pair_up(NULL);
		struct pair_node *n = &p->node[0];
		uint32_t old = pair_child(p, 0)->spi_in, heir;

		pair_kill(p, 1);
		pair_start(p, 1, &side_b);
		n->ike->cfg.replicate_max = 1;
		n->random += (uint64_t)i / 4; /* which of the lineages is the first */
		pair_acquire(p, 1);
		while (child_find(n->ike, old))
			assert_true(pair_step(p));
		heir = n->ike->children->spi_in;
		for (int wanted = i % 4; !has_record(n, old) + has_record(n, heir) < wanted - 1;)
			assert_true(pair_step(p));
		assert_int_equal(pair_feed(p, 0, &lapse), 0);
		assert_int_equal(holds_sa(n, old), has_record(n, old));
		assert_int_equal(holds_sa(n, heir), has_record(n, heir));
		seen[has_record(n, old)][has_record(n, heir)] = true;
		pair_free(p);
	}
	assert_true(seen[true][false] && seen[false][true]);
	/* Whichever of them came first. */
	assert_true(seen[false][false] || seen[true][true]);
}

/* A transaction that the log could not take is proposed again. */
static void rejected_entries_are_proposed_again(void **state)
{
	struct ike_event ev = {.type = IKE_EV_REJECTED};
	struct pair *p = pair_ordinary();

	(void)state;
	p->node[0].hold_commits = true;
	pair_acquire(p, 0);
	pair_settle(p);
	assert_int_equal(p->node[0].n_held, 1);
	ev.rejected.ticket = p->node[0].held[0];
	ev.rejected.retry = true;
	p->node[0].n_held = 0;
	assert_int_equal(pair_feed(p, 0, &ev), 0);
	p->node[0].hold_commits = false;
	pair_pass(p, 5000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static struct tsel_set *many_selectors(const struct tsel_set *like)
{
	enum { MANY = 900 };

	struct tsel v[MANY];

	for (int i = 0; i < MANY; i++)
		v[i] = like->v[0];
	return tsel_set_of(v, MANY);
}

static void make_large(struct child *c)
{
	struct tsel_set *local = many_selectors(c->local_ts),
			*remote = many_selectors(c->remote_ts);

	assert_non_null(local);
	assert_non_null(remote);
	free(c->local_ts);
	free(c->remote_ts);
	c->local_ts = local;
	c->remote_ts = remote;
}

/* How many of its children the dataplane sends to that port. */
static unsigned sent_to(struct pair *p, uint16_t port)
{
	unsigned n = 0;

	for (const struct pair_child *c = p->node[0].sad; c; c = c->next)
		n += c->remote.port == port;
	return n;
}

/* One that is cut into several entries is committed when all of them are, not when the last is. */
static void a_large_transaction_is_whole(void **state)
{
	struct ike_event moved = {.type = IKE_EV_ENDPOINT_MOVED}, ev;
	struct pair *p = pair_up(NULL);
	struct child *c, *next;
	uint64_t ticket[2];

	(void)state;
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 1);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0), 2);
	map_foreach (p->node[0].ike->children, c, next)
		make_large(c);
	pair_sa(p, 0)->nat_remote = true;
	p->node[0].hold_commits = true;
	moved.moved.spi_in = pair_child(p, 0)->spi_in;
	moved.moved.from = (struct endpoint){pair_sa(p, 0)->remote.addr, 4600};
	assert_int_equal(pair_feed(p, 0, &moved), 0);
	assert_int_equal(p->node[0].n_held, 2);
	ticket[0] = p->node[0].held[0];
	ticket[1] = p->node[0].held[1];

	/* The first is refused, the second is not. */
	ev = (struct ike_event){.type = IKE_EV_REJECTED};
	ev.rejected.ticket = ticket[0];
	ev.rejected.retry = true;
	assert_int_equal(pair_feed(p, 0, &ev), 0);
	ev = (struct ike_event){.type = IKE_EV_COMMITTED, .committed = ticket[1]};
	assert_int_equal(pair_feed(p, 0, &ev), 0);
	assert_int_equal(sent_to(p, 4600), 0);

	/* Again, all of it: the first piece alone releases nothing. */
	p->node[0].n_held = 0;
	pair_pass(p, 150);
	assert_int_equal(p->node[0].n_held, 2);
	ev.committed = p->node[0].held[0];
	assert_int_equal(pair_feed(p, 0, &ev), 0);
	assert_int_equal(sent_to(p, 4600), 0);
	ev.committed = p->node[0].held[1];
	assert_int_equal(pair_feed(p, 0, &ev), 0);
	assert_int_equal(sent_to(p, 4600), 2);
	pair_free(p);
}

/* UDP-004: the number that source ports are drawn with goes with the SA, to whoever owns it and
 * whatever replaces it. */
static void udp_key_outlives_owner_and_rekey(void **state)
{
	struct pair_side a = side_a;
	uint8_t key[IKE_UDP_KEY], none[IKE_UDP_KEY] = {0};
	struct pair *p;

	(void)state;
	a.extra = "set security ipsec vpn V udp-encapsulate\n";
	p = pair_up_of(&a, &side_b);
	assert_int_equal(p->node[0].sad->udp_port, 4565);
	assert_int_equal(p->node[1].sad->udp_port, 0); /* nothing is negotiated */
	memcpy(key, p->node[0].sad->udp_key, sizeof key);
	assert_memory_not_equal(key, none, sizeof key);
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 1);
	pair_pass(p, 5000);
	assert_memory_equal(p->node[0].sad->udp_key, key, sizeof key);
	pair_takeover(p, 0, 2, &a, PAIR_KEEP_UNCOMMITTED);
	pair_settle(p);
	assert_memory_equal(p->node[2].ike->udp_key, key, sizeof key);
	assert_int_equal(pair_operate(p, 2, IKE_OP_REKEY_CHILD, NULL), 1);
	pair_pass(p, 5000);
	assert_memory_equal(p->node[2].sad->udp_key, key, sizeof key);
	assert_int_equal(pair_operate(p, 1, IKE_OP_REKEY_CHILD, NULL), 1); /* by the peer */
	pair_pass(p, 5000);
	assert_memory_equal(p->node[2].sad->udp_key, key, sizeof key);
	assert_false(pair_said(p, 0, "udp"));
	pair_free(p);
}

/* Other outer headers need no other keys. */
static void outer_headers_change_on_living_children(void **state)
{
	struct pair_side a = side_a;
	struct pair *p = pair_up_of(&a, &side_b);
	uint32_t spi = pair_child(p, 0)->spi_in;
	unsigned packets = p->packets, installs = p->node[0].installs;

	(void)state;
	assert_int_equal(p->node[0].sad->udp_port, 0);
	a.extra = "set security ipsec vpn V udp-encapsulate dest-port 5000\n";
	pair_reconfigure(p, 0, &a);
	pair_settle(p);
	assert_int_equal(p->node[0].sad->udp_port, 5000);
	assert_int_equal(pair_child(p, 0)->spi_in, spi);
	assert_int_equal(p->packets, packets);
	assert_int_equal(p->node[0].installs, installs + 1);
	pair_reconfigure(p, 0, &a); /* the same again */
	pair_settle(p);
	assert_int_equal(p->node[0].installs, installs + 1);
	pair_takeover(p, 0, 2, &a, PAIR_KEEP_UNCOMMITTED);
	pair_settle(p);
	pair_check_up(p, 2, 1);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peer_does_not_notice),
		cmocka_unit_test(lifetimes_continue),
		cmocka_unit_test(many_takeovers),
		cmocka_unit_test(standby_is_silent),
		cmocka_unit_test(who_lapses_holds_what_the_log_holds),
		cmocka_unit_test(parts_of_a_transaction_lapse_by_themselves),
		cmocka_unit_test(udp_key_outlives_owner_and_rekey),
		cmocka_unit_test(outer_headers_change_on_living_children),
		cmocka_unit_test(rejected_entries_are_proposed_again),
		cmocka_unit_test(a_large_transaction_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
