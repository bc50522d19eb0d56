/*
 * Sessions that go on from a ticket (RFC 5723): at a node that knows nothing of them, and when that
 * is refused.
 */
#include <string.h>

#include "base/err.h"
#include "ike/ticket.h"
#include "ike/v2/resume.h"
#include "pair.h"

#define TICKETS "set security ike gateway G session-resumption lifetime 3600\n"
#define DPD                                                                                        \
	"set security ike gateway G dead-peer-detection always-send\n"                             \
	"set security ike gateway G dead-peer-detection interval 5\n"                              \
	"set security ike gateway G dead-peer-detection threshold 2\n"                             \
	"set security ipsec vpn V establish-tunnels immediately\n"

static struct pair_side with(const struct pair_side *s, const char *extra)
{
	struct pair_side x = *s;

	x.extra = extra;
	return x;
}

static const struct ike_stats *stats(struct pair *p, int n)
{
	return &p->node[n].ike->stats;
}

static struct gateway *gateway(struct pair *p, int n)
{
	return gateway_find(p->node[n].ike, "G");
}

static struct pair *up(void)
{
	struct pair_side a = with(&side_a, TICKETS DPD), b = with(&side_b, TICKETS);
	struct pair *p = pair_of(&a, &b);

	pair_pass(p, 1000);
	pair_check_up(p, 0, 1);
	assert_int_equal(stats(p, 1)->tickets_given, 1);
	assert_non_null(gateway(p, 0)->ticket);
	return p;
}

/* The node is gone with all it knew; another one has the configuration and the key. */
static void other_node(struct pair *p, const struct pair_side *b)
{
	pair_kill(p, 1);
	pair_start(p, 2, b);
}

static void session_goes_on_at_another_node(void **state)
{
	struct pair_side b = with(&side_b, TICKETS);
	struct pair *p = up();

	(void)state;
	other_node(p, &b);
	pair_pass(p, 60000);
	pair_check_up(p, 0, 2);
	assert_int_equal(stats(p, 2)->resumed, 1);
	assert_int_equal(stats(p, 0)->tickets_refused, 0);
	/* No key exchange was done for it, and there is a new ticket. */
	assert_int_equal(p->node[2].ike->next_job, 1);
	assert_non_null(gateway(p, 0)->ticket);
	pair_operate(p, 2, IKE_OP_REKEY_IKE, NULL);
	pair_pass(p, 5000);
	pair_check_up(p, 0, 2);
	pair_free(p);
}

/* The rest begins anew, at once. */
static void expect_anew(struct pair *p)
{
	pair_pass(p, 60000);
	pair_check_up(p, 0, 2);
	assert_int_equal(stats(p, 2)->tickets_refused, 1);
	assert_int_equal(stats(p, 0)->tickets_refused, 1);
	assert_int_equal(stats(p, 2)->resumed, 0);
	pair_free(p);
}

static void who_gives_none_takes_none(void **state)
{
	struct pair_side b = with(&side_b, "");
	struct pair *p = up();

	(void)state;
	other_node(p, &b);
	expect_anew(p);
}

static void other_cluster_takes_none(void **state)
{
	struct pair_side b = with(&side_b, TICKETS);
	struct pair *p = up();

	(void)state;
	other_node(p, &b);
	p->node[2].ike->cfg.ticket_key[5] ^= 1;
	expect_anew(p);
}

static void other_algorithms_take_none(void **state)
{
	struct pair_side b = with(&side_b,
		TICKETS "set security ike proposal Q authentication-method pre-shared-keys\n"
			"set security ike proposal Q dh-group group19\n"
			"set security ike proposal Q encryption-algorithm aes-128-gcm\n"
			"delete security ike policy IP proposals P\n"
			"set security ike policy IP proposals Q\n");
	struct pair_side a = with(&side_a,
		TICKETS DPD "set security ike proposal Q authentication-method pre-shared-keys\n"
			    "set security ike proposal Q dh-group group19\n"
			    "set security ike proposal Q encryption-algorithm aes-128-gcm\n"
			    "set security ike policy IP proposals Q\n");
	struct pair_side usual = with(&side_b, TICKETS);
	struct pair *p = pair_of(&a, &usual);

	(void)state;
	pair_pass(p, 1000);
	other_node(p, &b);
	expect_anew(p);
}

/* A key that was changed is a peer that was locked out. */
static void changed_key_takes_none(void **state)
{
	struct pair_side b = with(&side_b, TICKETS);
	struct pair *p = up();

	(void)state;
	b.psk = "another battery staple";
	other_node(p, &b);
	pair_pass(p, 60000);
	assert_int_equal(stats(p, 2)->tickets_refused, 1);
	assert_int_equal(stats(p, 2)->resumed, 0);
	assert_null(pair_sa(p, 2));
	pair_free(p);
}

static bool cut(struct pair *p, struct packet *k)
{
	(void)p;
	(void)k;
	return false;
}

/* The gateway was not dead at all: what it held goes when the peer is back. */
static void old_session_is_replaced(void **state)
{
	struct pair *p = up();

	(void)state;
	p->wire = cut;
	while (pair_sa(p, 0))
		pair_pass(p, 1000);
	assert_non_null(pair_sa(p, 1));
	p->wire = NULL;
	pair_pass(p, 60000);
	assert_int_equal(stats(p, 1)->resumed, 1);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* Who has the ticket but not its keys gets nowhere, and ends nothing. */
static void stolen_ticket_is_worth_nothing(void **state)
{
	struct pair *p = up();
	uint64_t before = stats(p, 1)->rx_integrity;

	(void)state;
	gateway(p, 0)->ticket->sk_d->p[0] ^= 1;
	p->wire = cut;
	while (pair_sa(p, 0))
		pair_pass(p, 1000);
	p->wire = NULL;
	pair_pass(p, 4000);
	assert_true(stats(p, 1)->rx_integrity > before);
	assert_int_equal(stats(p, 1)->resumed, 0);
	assert_non_null(pair_sa(p, 1));
	pair_free(p);
}

static void closed_session_is_not_resumed(void **state)
{
	struct pair *p = up();

	(void)state;
	pair_operate(p, 0, IKE_OP_CLEAR_IKE, NULL);
	pair_settle(p);
	assert_null(gateway(p, 0)->ticket);
	pair_pass(p, 10000);
	pair_check_up(p, 0, 1);
	assert_int_equal(stats(p, 1)->resumed, 0);
	pair_free(p);
}

static void ticket_is_whole_or_nothing(void **state)
{
	struct pair *p = up();
	struct ike *ike = p->node[1].ike;
	uint8_t sealed[TICKET_MAX], room[TICKET_MAX];
	struct ticket t;
	size_t n;

	(void)state;
	assert_int_equal(ticket_seal(ike, pair_sa(p, 1), 60, sealed, &n), 0);
	assert_int_equal(ticket_open(ike, view_of(sealed, n), room, &t), 0);
	assert_true(t.sa == pair_sa(p, 1)->spi_local);
	for (size_t i = 0; i < n; i++) {
		sealed[i] ^= 0x10;
		assert_int_equal(ticket_open(ike, view_of(sealed, n), room, &t), -ERR_AUTH);
		sealed[i] ^= 0x10;
		assert_int_equal(ticket_open(ike, view_of(sealed, i), room, &t), -ERR_AUTH);
	}
	ike->wall_ms += 59999;
	assert_int_equal(ticket_open(ike, view_of(sealed, n), room, &t), 0);
	ike->wall_ms += 1;
	assert_int_equal(ticket_open(ike, view_of(sealed, n), room, &t), -ERR_LIMIT);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_goes_on_at_another_node),
		cmocka_unit_test(who_gives_none_takes_none),
		cmocka_unit_test(other_cluster_takes_none),
		cmocka_unit_test(other_algorithms_take_none),
		cmocka_unit_test(changed_key_takes_none),
		cmocka_unit_test(old_session_is_replaced),
		cmocka_unit_test(stolen_ticket_is_worth_nothing),
		cmocka_unit_test(closed_session_is_not_resumed),
		cmocka_unit_test(ticket_is_whole_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
