/*
 * How often a peer may ask, what is believed of lost SAs, and SAs that nobody uses: [edit security
 * ike session], respond-bad-spi, idle-time.
 */
#include <stdio.h>

#include "base/emit.h"
#include "ike/v2/hint.h"
#include "pair.h"
#include "wire/iana.h"
#include "wire/pld_notify.h"
#include "wire/writer.h"

static struct pair *pair_with(const char *extra_a, const char *extra_b)
{
	struct pair_side a = side_a, b = side_b;

	a.extra = extra_a;
	b.extra = extra_b;
	return pair_up_of(&a, &b);
}

/* ---------------------------------------------------------------- rates */

/* The third within a second is told to wait, and comes through later. */
static void ike_rekeys_have_a_rate(void **state)
{
	struct pair *p = pair_with(NULL,
		"set security ike session full-open incoming-exchange-max-rates ike-rekey 2\n");

	(void)state;
	for (uint32_t i = 1; i <= 3; i++) {
		assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_IKE, NULL), 1);
		pair_settle(p);
		assert_int_equal(pair_sa(p, 1)->rekeys, MIN(i, 2u));
	}
	assert_int_equal(p->node[1].ike->stats.rekeys_refused, 1);
	assert_int_equal(p->node[1].ike->stats.collisions, 0);
	pair_pass(p, 10000);
	assert_int_equal(pair_sa(p, 1)->rekeys, 3);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static void child_rekeys_have_a_rate(void **state)
{
	struct pair *p = pair_with(NULL,
		"set security ike session full-open incoming-exchange-max-rates ipsec-rekey 1\n");

	(void)state;
	for (uint32_t i = 1; i <= 2; i++) {
		assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 1);
		pair_settle(p);
		assert_int_equal(p->node[1].ike->stats.child_rekeyed, 1);
	}
	assert_int_equal(p->node[1].ike->stats.rekeys_refused, 1);
	/* What we begin ourselves has none. */
	assert_int_equal(pair_operate(p, 1, IKE_OP_REKEY_CHILD, NULL), 1);
	pair_pass(p, 10000);
	assert_in_range(p->node[1].ike->stats.child_rekeyed, 2, 3);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static void probe(struct pair *p, int node)
{
	struct ike_event ev = {.type = IKE_EV_TICK};
	struct ike_sa *sa = pair_sa(p, node);

	sa->want_probe = true;
	list_add_tail(&p->node[node].ike->work, &sa->of_work);
	assert_int_equal(pair_feed(p, node, &ev), 0);
	pair_settle(p);
}

/* One too many is not answered before it is sent again. */
static void liveness_checks_have_a_rate(void **state)
{
	struct pair *p = pair_with(NULL,
		"set security ike session full-open incoming-exchange-max-rates keepalive 2\n");

	(void)state;
	probe(p, 0);
	probe(p, 0);
	assert_null(pair_sa(p, 0)->out);
	probe(p, 0);
	assert_non_null(pair_sa(p, 0)->out);
	assert_int_equal(p->node[1].ike->stats.rx_keepalive_rate, 1);
	pair_pass(p, 600);
	assert_non_null(pair_sa(p, 0)->out);
	pair_pass(p, 2000);
	assert_null(pair_sa(p, 0)->out);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* ---------------------------------------------------------------- pauses */

/* A peer with the wrong key is not listened to for a while, and then it is. */
static void a_failed_authentication_has_to_wait(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	a.psk = "a wrong one, sadly";
	b.extra = "set security ike session half-open backoff-timeouts auth-phase-failure "
		  "timeout 20\n";
	p = pair_of(&a, &b);
	pair_acquire(p, 0);
	pair_settle(p);
	assert_int_equal(p->node[1].ike->stats.auth_failed, 1);
	a.psk = side_a.psk;
	pair_reconfigure(p, 0, &a);
	pair_acquire(p, 0);
	pair_pass(p, 15000);
	assert_int_equal(pair_open_sas(p, 1), 0);
	assert_true(p->node[1].ike->stats.rx_backoff >= 3);
	pair_pass(p, 15000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* A bad offer without a cookie may be forged: the next one is only asked for a cookie. With one it
 * has to wait. */
static void a_failed_offer_has_to_prove_itself(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	a.dh = "group19";
	b.extra = "set security ike session half-open backoff-timeouts init-phase-failure "
		  "timeout 30\n";
	p = pair_of(&a, &b);
	pair_acquire(p, 0);
	pair_pass(p, 400);
	assert_int_equal(p->node[1].ike->stats.cookies_sent, 0);
	a.dh = side_a.dh;
	pair_reconfigure(p, 0, &a);
	pair_acquire(p, 0);
	pair_pass(p, 500);
	assert_int_equal(p->node[1].ike->stats.cookies_sent, 1);
	pair_check_up(p, 0, 1);
	pair_free(p);

	a.dh = "group19";
	p = pair_of(&a, &b);
	for (int i = 0; i < 3; i++) {
		pair_acquire(p, 0);
		pair_pass(p, 3500); /* it is asked for that long */
	}
	assert_int_equal(p->node[1].ike->stats.cookies_sent, 1);
	assert_true(p->node[1].ike->stats.rx_backoff >= 1);
	pair_free(p);
}

/* ---------------------------------------------------------------- lost SAs */

static void bad_spi(struct pair *p, int node, uint32_t spi)
{
	struct ike_event ev = {.type = IKE_EV_BAD_SPI};

	ev.bad_spi = (struct ike_ev_bad_spi){spi, p->node[!node].addr, p->node[node].addr};
	assert_int_equal(pair_feed(p, node, &ev), 0);
	pair_settle(p);
}

static void lose_child(struct pair *p, int node)
{
	struct ike *ike = p->node[node].ike;
	struct child *c = pair_child(p, node);

	child_drop(ike, c);
	while (p->node[node].sad) {
		struct pair_child *s = p->node[node].sad;

		p->node[node].sad = s->next;
		free(s);
	}
}

/* SPI-001: the peer has lost a child; told of it inside the IKE SA, we make another. */
static void a_child_that_the_peer_lost_is_made_again(void **state)
{
	struct pair *p = pair_with(NULL, "set security ike respond-bad-spi 5\n");
	uint32_t was = pair_child(p, 0)->spi_in;

	(void)state;
	lose_child(p, 1);
	bad_spi(p, 1, pair_child(p, 0)->spi_out);
	pair_pass(p, 5000);
	pair_check_up(p, 0, 1);
	assert_int_not_equal(pair_child(p, 0)->spi_in, was);
	assert_true(pair_said(p, 0, "child.unknown"));
	assert_int_equal(p->node[0].ike->stats.hints, 1);
	pair_free(p);
}

/* A packet that was on the way names a child that is there after all: it is rekeyed, not lost. */
static void a_child_that_is_there_is_only_rekeyed(void **state)
{
	struct pair *p = pair_with(NULL, "set security ike respond-bad-spi 5\n");

	(void)state;
	pair_path_on(p);
	bad_spi(p, 1, pair_child(p, 0)->spi_out);
	pair_pass(p, 20000);
	pair_check_up(p, 0, 1);
	assert_int_equal(p->node[0].ike->stats.child_rekeyed, 1);
	assert_int_equal(p->node[0].ike->stats.child_up, 2);
	pair_free(p);
}

/* After a restart of ours without a record: what the peer sends makes us set it up, and our
 * INITIAL_CONTACT ends what it remembers. */
static void a_restart_recovers_by_the_first_packet(void **state)
{
	struct pair_side b = side_b;
	struct pair *p;
	uint32_t spi;

	(void)state;
	b.extra = "set security ike respond-bad-spi 5\n";
	p = pair_up_of(&side_a, &b);
	spi = pair_child(p, 0)->spi_out;
	pair_kill(p, 1);
	pair_start(p, 2, &b);
	{
		struct ike_event ev = {.type = IKE_EV_BAD_SPI};

		ev.bad_spi = (struct ike_ev_bad_spi){spi, p->node[0].addr, p->node[2].addr};
		assert_int_equal(pair_feed(p, 2, &ev), 0);
	}
	pair_pass(p, 5000);
	pair_check_up(p, 0, 2);
	pair_free(p);
}

/* SPI-002, I9: in clear it is said so often and not more, and not to strangers. */
static void in_clear_it_is_said_a_few_times(void **state)
{
	struct pair_side b = side_b;
	struct pair *p;
	struct ike_event ev = {.type = IKE_EV_BAD_SPI};

	(void)state;
	b.establish = "responder-only";
	b.extra = "set security ike respond-bad-spi 3\n";
	p = pair_of(&side_a, &b);
	p->unchecked = true;
	for (uint32_t i = 0; i < 9; i++)
		bad_spi(p, 1, 0x12345678 + i);
	assert_int_equal(p->node[1].sent, 3);
	assert_int_equal(p->node[0].ike->stats.hints_ignored, 3);
	ev.bad_spi = (struct ike_ev_bad_spi){7, addr_of_v4(0xcb007101), p->node[1].addr};
	assert_int_equal(pair_feed(p, 1, &ev), 0);
	assert_int_equal(p->node[1].sent, 3);
	pair_free(p);
}

static void in_clear(struct pair *p, uint16_t type, uint32_t spi, uint64_t ike[2])
{
	struct ike_header h = {.spi_i = ike ? ike[0] : 0,
		.spi_r = ike ? ike[1] : 0,
		.exchange = EXCHANGE_INFORMATIONAL,
		.flags = ike ? IKE_FLAG_RESPONSE : IKE_FLAG_INITIATOR};
	struct packet k = {.from = {p->node[1].addr, 500}, .to = {p->node[0].addr, 500}, .node = 1};
	uint8_t octets[4];
	struct emit e = emit_to(octets, sizeof octets);
	const struct pld_notify n = {
		.type = type, .data = view_of(octets, type == N_INVALID_SPI ? 4 : 0)};
	struct view message;
	struct writer w;

	emit_be32(&e, spi);
	writer_begin(&w, k.octets, sizeof k.octets, &h);
	writer_open(&w, PLD_NOTIFY);
	pld_notify_emit(&w.e, &n);
	writer_close(&w);
	assert_int_equal(writer_end(&w, &message), 0);
	memmove(k.octets, message.p, message.n);
	k.n = message.n;
	pair_inject(p, &k);
	pair_settle(p);
}

/* RFC 7296 2.21.4: a thousand of them are one probe each ten seconds, and end nothing. */
static void what_is_said_in_clear_is_probed_at_most(void **state)
{
	struct pair *p = pair_with(NULL, NULL);
	uint64_t spis[2] = {sa_spi_i(pair_sa(p, 0)), sa_spi_r(pair_sa(p, 0))};
	uint32_t out = pair_child(p, 0)->spi_out, was = pair_sa(p, 0)->next_tx;

	(void)state;
	p->unchecked = true;
	/* It has just been heard of. */
	in_clear(p, N_INVALID_SPI, out, NULL);
	assert_int_equal(pair_sa(p, 0)->next_tx, was);
	pair_pass(p, 11000);
	for (int i = 0; i < 500; i++) {
		in_clear(p, N_INVALID_SPI, out, NULL);
		in_clear(p, N_INVALID_IKE_SPI, 0, spis);
	}
	assert_int_equal(pair_sa(p, 0)->next_tx, was + 1);
	pair_pass(p, 11000);
	in_clear(p, N_INVALID_IKE_SPI, 0, spis);
	assert_int_equal(pair_sa(p, 0)->next_tx, was + 2);
	pair_pass(p, 11000);
	/* SPIs that the peer never gave us, and other complaints, say nothing. */
	in_clear(p, N_INVALID_SPI, out + 1, NULL);
	in_clear(p, N_AUTHENTICATION_FAILED, 0, spis);
	assert_int_equal(pair_sa(p, 0)->next_tx, was + 2);
	assert_int_equal(p->node[0].ike->stats.hints, 2);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* I9: to find the SA of an SPI takes a look at all of them, which nobody gets at will. */
static void spis_said_in_clear_are_looked_for_now_and_then(void **state)
{
	struct pair *p = pair_with(NULL, NULL);
	uint32_t out = pair_child(p, 0)->spi_out;

	(void)state;
	p->unchecked = true;
	pair_pass(p, 11000);
	in_clear(p, N_INVALID_SPI, out + 1, NULL);
	in_clear(p, N_INVALID_SPI, out, NULL);
	assert_int_equal(p->node[0].ike->stats.hints, 0);
	assert_int_equal(p->node[0].ike->stats.hints_ignored, 2);
	pair_pass(p, HINT_SCAN_MS);
	in_clear(p, N_INVALID_SPI, out, NULL);
	assert_int_equal(p->node[0].ike->stats.hints, 1);
	pair_free(p);
}

/* ---------------------------------------------------------------- idle-time */

/* LIF-010: gone 60 s after the last packet, either way, and not before. */
static void what_nobody_uses_is_deleted(void **state)
{
	struct pair *p = pair_with("set security ipsec vpn V ike idle-time 60\n", NULL);

	(void)state;
	p->node[0].idle_in_ms = 30000;
	p->node[0].idle_out_ms = IKE_IDLE_NEVER;
	pair_pass(p, 59999);
	assert_int_equal(p->node[0].asked, 0);
	pair_pass(p, 1);
	assert_int_equal(p->node[0].asked, 1);
	assert_int_equal(pair_children(p, 0), 1);
	p->node[0].idle_in_ms = 59999;
	pair_pass(p, 29999);
	assert_int_equal(p->node[0].asked, 1);
	pair_pass(p, 1);
	assert_int_equal(p->node[0].asked, 2);
	assert_int_equal(pair_children(p, 0), 1);
	p->node[0].idle_in_ms = 60000;
	pair_pass(p, 1);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0), 0);
	assert_int_equal(pair_children(p, 1), 0);
	assert_true(pair_said(p, 0, "child.idle"));
	/* The IKE SA stays, and traffic brings the child back. */
	assert_int_equal(pair_open_sas(p, 0), 1);
	pair_acquire(p, 0);
	pair_pass(p, 1000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static void a_takeover_begins_to_count_anew(void **state)
{
	struct pair_side a = side_a;
	struct pair *p;

	(void)state;
	a.extra = "set security ipsec vpn V ike idle-time 60\n";
	p = pair_up_of(&a, &side_b);
	p->node[2].idle_in_ms = p->node[2].idle_out_ms = IKE_IDLE_NEVER;
	pair_pass(p, 50000);
	pair_takeover(p, 0, 2, &a, PAIR_KEEP_UNCOMMITTED);
	pair_pass(p, 59000);
	pair_check_up(p, 2, 1);
	pair_pass(p, 2000);
	assert_int_equal(pair_children(p, 2), 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ike_rekeys_have_a_rate),
		cmocka_unit_test(child_rekeys_have_a_rate),
		cmocka_unit_test(liveness_checks_have_a_rate),
		cmocka_unit_test(a_failed_authentication_has_to_wait),
		cmocka_unit_test(a_failed_offer_has_to_prove_itself),
		cmocka_unit_test(a_child_that_the_peer_lost_is_made_again),
		cmocka_unit_test(a_child_that_is_there_is_only_rekeyed),
		cmocka_unit_test(a_restart_recovers_by_the_first_packet),
		cmocka_unit_test(in_clear_it_is_said_a_few_times),
		cmocka_unit_test(what_is_said_in_clear_is_probed_at_most),
		cmocka_unit_test(spis_said_in_clear_are_looked_for_now_and_then),
		cmocka_unit_test(what_nobody_uses_is_deleted),
		cmocka_unit_test(a_takeover_begins_to_count_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
