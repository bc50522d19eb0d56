/*
 * Strangers (V2-009, I9): what a flood costs, and that nobody is locked out by one.
 */
#include <malloc.h>
#include <stdlib.h>

#include "base/emit.h"
#include "base/err.h"
#include "crypto/prf.h"
#include "ike/jobs.h"
#include "pair.h"
#include "wire/writer.h"

#define SOURCE "set security ike session source-limits "
#define HALF   "set security ike session half-open "

/* Everybody may ask. */
#define EVERYBODY                                                                                  \
	"set security ike gateway D ike-policy IP\n"                                               \
	"set security ike gateway D dynamic hostname east.example\n"                               \
	"set security ike gateway D external-interface ge-0/0/0.0\n"                               \
	"set security ike gateway D version v2-only\n"

static unsigned proofs; /* AUTH values that were computed */

int __real_auth_psk(struct crypto *c, uint16_t prf_id, struct view psk, const struct auth_octets *o,
	uint8_t *out);
int __wrap_auth_psk(struct crypto *c, uint16_t prf_id, struct view psk, const struct auth_octets *o,
	uint8_t *out);

int __wrap_auth_psk(struct crypto *c, uint16_t prf_id, struct view psk, const struct auth_octets *o,
	uint8_t *out)
{
	proofs++;
	return __real_auth_psk(c, prf_id, psk, o, out);
}

/* ---------------------------------------------------------------- strangers */

struct stranger {
	struct packet k;
	struct view cookie;
};

/* An IKE_SA_INIT request of somebody who never comes back. */
static void stranger_ask(struct pair *p, struct stranger *s, uint64_t spi)
{
	pair_stranger(p, spi, s->cookie, &s->k);
}

static struct endpoint at(uint32_t host, uint16_t port)
{
	return (struct endpoint){addr_of_v4(host), port};
}

static void stranger_sends(struct pair *p, const struct stranger *s, struct endpoint from)
{
	struct ike_event ev = {.type = IKE_EV_DATAGRAM};

	ev.datagram = (struct ike_ev_datagram){
		.local = s->k.to, .remote = from, .octets = view_of(s->k.octets, s->k.n)};
	assert_int_equal(pair_feed(p, 1, &ev), 0);
}

/* With a new SPI each time; nothing that they cause is done yet. */
static void strangers_send(struct pair *p, struct endpoint from, uint64_t spi, unsigned n)
{
	struct stranger s = {.cookie = {0}};

	for (unsigned i = 0; i < n; i++) {
		stranger_ask(p, &s, spi + i);
		stranger_sends(p, &s, from);
	}
}

/* One that receives what it is sent: asks, and again with the cookie. */
static void real_one_asks(struct pair *p, struct endpoint from, uint64_t spi)
{
	uint8_t cookie[COOKIE_LEN], nonce[32] = {9};
	const struct cookie_of of = {spi, from.addr, view_of_array(nonce)};
	struct stranger s = {.cookie = {0}};

	assert_int_equal(cookie_make(&p->node[1].ike->cookies, p->crypto, &of, cookie), 0);
	s.cookie = view_of_array(cookie);
	stranger_ask(p, &s, spi);
	stranger_sends(p, &s, from);
}

static struct ike_stats *stats(struct pair *p)
{
	return &p->node[1].ike->stats;
}

static struct pair *pair_with(const char *extra)
{
	struct pair_side b = side_b;

	b.extra = extra;
	return pair_of(&side_a, &b);
}

static unsigned sas(struct pair *p)
{
	return HASH_COUNT(p->node[1].ike->sas);
}

/* Node 0 gets in, by whatever it is asked for. */
static void good_peer_gets_in(struct pair *p)
{
	pair_acquire(p, 0);
	pair_settle(p);
	if (!pair_sa(p, 0))
		pair_pass(p, 5000);
	assert_non_null(pair_sa(p, 0));
	assert_int_equal(pair_children(p, 0), 1);
}

/* ---------------------------------------------------------------- floods */

static size_t in_use(void)
{
	return mallinfo2().uordblks; /* 0 with a sanitizer */
}

/* V2-009: a million forged ones leave nothing behind, and their victim still gets in. */
static void flood_leaves_nothing(void **state)
{
	const char *many = getenv("IKE_FLOOD");
	unsigned n = many ? (unsigned)strtoul(many, NULL, 10) : 1000000;
	struct pair *p = pair_with(
		EVERYBODY HALF "thresholds send-cookie session-count 50\n" HALF "timeout 180\n");
	struct stranger s = {.cookie = {0}};
	const unsigned warm = 1000;
	struct ike_effects fx;
	size_t before = 0;

	(void)state;
	ike_effects_init(&fx);
	stranger_ask(p, &s, 1);
	for (unsigned i = 0; i < n; i++) {
		struct ike_event ev = {.type = IKE_EV_DATAGRAM,
			.now_ms = p->now_ms + i / 100,
			.wall_ms = 1795000000000 + i / 100};
		struct emit e = emit_to(s.k.octets, 8);

		emit_be64(&e, i + 1);
		/* Every 16th says to be node 0. */
		ev.datagram = (struct ike_ev_datagram){.local = s.k.to,
			.remote = at(i % 16 ? 0x0b000000 + i : 0xc0000201, 500),
			.octets = view_of(s.k.octets, s.k.n)};
		if (i == warm) {
			pair_settle(p);
			assert_int_equal(HASH_COUNT(p->node[1].ike->jobs), 0);
		}
		if (i == 2 * warm)
			before = in_use();
		if (i < warm) {
			assert_int_equal(pair_feed(p, 1, &ev), 0);
			continue;
		}
		ike_effects_clear(&fx);
		assert_int_equal(ike_step(p->node[1].ike, &ev, &fx), 0);
		assert_int_equal(fx.n, 1);
		assert_int_equal(fx.v[0].type, IKE_FX_SEND);
	}
	ike_effects_clear(&fx);
	assert_in_range(in_use(), 0, before);
	assert_int_equal(sas(p), 50);
	assert_int_equal(HASH_COUNT(p->node[1].ike->jobs), 0);
	assert_int_equal(stats(p)->cookies_sent, n - 50);
	p->now_ms += n / 100 + 1;
	good_peer_gets_in(p);
	ike_effects_fini(&fx);
	pair_free(p);
}

/* One that asks much needs a cookie; with one it has a limit. Others do not feel it. */
static void busy_source_is_limited(void **state)
{
	struct pair *p = pair_with(EVERYBODY SOURCE "init-rate 10\n" HALF "timeout 1\n");
	struct endpoint one = at(0x0b000001, 500), other = at(0x0b000002, 500);

	(void)state;
	strangers_send(p, one, 1, 30);
	assert_int_equal(sas(p), 20);
	assert_int_equal(stats(p)->cookies_sent, 10);
	strangers_send(p, other, 100, 5);
	assert_int_equal(sas(p), 25);
	for (unsigned i = 0; i < 30; i++)
		real_one_asks(p, one, 200 + i);
	assert_int_equal(sas(p), 45);
	assert_int_equal(stats(p)->rx_source_rate, 10);
	pair_settle(p);
	pair_pass(p, 2000);
	assert_int_equal(sas(p), 0);
	strangers_send(p, one, 300, 30);
	assert_int_equal(sas(p), 20);
	pair_free(p);
}

/* Whoever forges the address of a peer cannot use up what that peer has. */
static void forged_source_locks_nobody_out(void **state)
{
	struct pair *p = pair_with(SOURCE "init-rate 5\n" SOURCE "half-open-count 8\n");

	(void)state;
	strangers_send(p, at(0xc0000201, 500), 1, 200);
	assert_int_equal(sas(p), 8);
	assert_int_equal(stats(p)->cookies_sent, 192);
	good_peer_gets_in(p);
	pair_free(p);
}

/* One that has cookies has its share of the room, and no more. */
static void one_source_has_a_share(void **state)
{
	struct pair *p = pair_with(EVERYBODY SOURCE "half-open-count 5\n");
	struct endpoint one = at(0x0b000001, 500);

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		real_one_asks(p, one, 1 + i);
	assert_int_equal(sas(p), 5);
	assert_int_equal(stats(p)->rx_source_limit, 25);
	good_peer_gets_in(p);
	pair_free(p);
}

static void key_exchanges_for_strangers_are_bounded(void **state)
{
	struct pair *p = pair_with(EVERYBODY HALF "thresholds send-cookie session-count 5000\n");

	(void)state;
	for (unsigned i = 0; i < 1200; i++)
		strangers_send(p, at(0x0b000001 + i, 500), 1 + i, 1);
	assert_int_equal(p->node[1].ike->guard.jobs, 1000);
	assert_int_equal(stats(p)->rx_jobs, 200);
	pair_settle(p);
	assert_int_equal(p->node[1].ike->guard.jobs, 0);
	strangers_send(p, at(0x0c000001, 500), 9000, 1);
	assert_int_equal(p->node[1].ike->guard.jobs, 1);
	pair_free(p);
}

static void one_negotiation_for_each_peer(void **state)
{
	struct pair *p = pair_with(EVERYBODY HALF "discard-duplicate\n");
	struct endpoint one = at(0x0b000001, 500), neighbour = at(0x0b000001, 4500);

	(void)state;
	strangers_send(p, one, 1, 1);
	pair_settle(p);
	strangers_send(p, one, 2, 1);
	assert_int_equal(stats(p)->cookies_sent, 1);
	assert_int_equal(sas(p), 1);
	/* Who proves to be there takes the place of one who did not, */
	real_one_asks(p, one, 3);
	pair_settle(p);
	assert_int_equal(sas(p), 1);
	/* but not of one who did. */
	real_one_asks(p, one, 4);
	assert_int_equal(stats(p)->rx_second, 1);
	strangers_send(p, neighbour, 5, 1);
	assert_int_equal(sas(p), 2);
	pair_free(p);
}

static void time_is_shorter_when_there_are_many(void **state)
{
	struct pair *p = pair_with(EVERYBODY HALF
		"timeout 60\n" HALF "thresholds reduce-timeout session-count 10\n" HALF
		"thresholds reduce-timeout timeout 2\n");

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		strangers_send(p, at(0x0b000001 + i, 500), 1 + i, 1);
	pair_settle(p);
	pair_pass(p, 3000);
	assert_int_equal(sas(p), 9);
	/* From the tenth on: two seconds, also for the oldest. */
	strangers_send(p, at(0x0c000001, 500), 100, 3);
	assert_int_equal(stats(p)->half_swept, 2);
	assert_int_equal(sas(p), 10);
	pair_settle(p);
	pair_pass(p, 2500);
	assert_int_equal(sas(p), 7);
	pair_pass(p, 57500);
	assert_int_equal(sas(p), 0);
	pair_free(p);
}

/* ---------------------------------------------------------------- after the first message */

static bool drop_auth(struct pair *p, struct packet *k)
{
	(void)p;
	return packet_header(k).exchange != EXCHANGE_IKE_AUTH;
}

/* Forged messages of a negotiation cost a few tries, and do not end it. */
static void forged_auth_does_not_end_it(void **state)
{
	struct pair *p = pair_ordinary();
	struct ike_sa *sa;
	struct stranger s = {.cookie = {0}};
	struct ike_header h = {
		.exchange = EXCHANGE_IKE_AUTH, .flags = IKE_FLAG_INITIATOR, .mid = 1};
	uint8_t room[256], body[120] = {1};
	struct writer w;
	struct view message;

	(void)state;
	p->wire = drop_auth;
	pair_acquire(p, 0);
	pair_settle(p);
	sa = p->node[1].ike->sas;
	assert_int_equal(sa->state, SA_HALF_OPEN);
	h.spi_i = sa->spi_remote;
	h.spi_r = sa->spi_local;
	writer_begin(&w, room, sizeof room, &h);
	writer_add(&w, PLD_SK, view_of_array(body));
	assert_int_equal(writer_end(&w, &message), 0);
	memcpy(s.k.octets, message.p, message.n);
	s.k.n = message.n;
	s.k.to = sa->local;
	for (unsigned i = 0; i < 100; i++)
		stranger_sends(p, &s, sa->remote);
	assert_int_equal(stats(p)->rx_integrity, 16);
	assert_int_equal(stats(p)->rx_spoiled, 84);
	assert_int_equal(sa->state, SA_HALF_OPEN);
	p->wire = NULL;
	pair_pass(p, 1000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static void fail_once(struct pair *p)
{
	pair_acquire(p, 0);
	pair_settle(p);
	assert_null(pair_sa(p, 0));
	pair_pass(p, 100);
}

/* Who is refused again and again is not listened to for a while. */
static void refused_source_is_let_wait(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	a.psk = "not the right one";
	b.extra = SOURCE "authentication-failures 5\n";
	p = pair_of(&a, &b);
	for (int i = 0; i < 5; i++)
		fail_once(p);
	assert_int_equal(stats(p)->auth_failed, 5);
	fail_once(p);
	assert_int_equal(stats(p)->auth_failed, 5);
	assert_true(stats(p)->rx_source_failed > 0);
	a.psk = side_a.psk;
	pair_reconfigure(p, 0, &a);
	pair_pass(p, 20000);
	good_peer_gets_in(p);
	pair_free(p);
}

struct refusal {
	unsigned proofs;
	size_t n; /* of the answer */
};

static size_t refused_with;

static bool see_answer(struct pair *p, struct packet *k)
{
	struct ike_header h = packet_header(k);

	(void)p;
	if (h.exchange == EXCHANGE_IKE_AUTH && ike_header_is_response(&h))
		refused_with = k->n;
	return true;
}

static struct refusal refusal_of(const struct pair_side *a, const struct pair_side *b)
{
	struct pair *p = pair_of(a, b);
	struct refusal r;

	refused_with = 0;
	p->wire = see_answer;
	pair_acquire(p, 0);
	while (pair_sas(p, 1, SA_HALF_OPEN) == 0 && pair_step(p))
		;
	while (refused_with == 0 && pair_waiting(p) != 0) {
		/* Only what the responder computes. */
		proofs = p->running || pair_sas(p, 1, SA_REFUSED) ? proofs : 0;
		if (!pair_step(p))
			break;
	}
	r = (struct refusal){proofs, refused_with};
	assert_int_equal(stats(p)->auth_failed, 1);
	pair_free(p);
	return r;
}

/* Nobody learns which identities there are: the same answer, for the same work. */
static void unknown_identity_costs_as_much_as_a_wrong_key(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct refusal wrong_key, wrong_id;

	(void)state;
	a.psk = "not the right one";
	wrong_key = refusal_of(&a, &b);
	a = side_a;
	a.extra = "set security ike gateway G local-identity hostname nobody.example\n";
	wrong_id = refusal_of(&a, &b);
	assert_int_equal(wrong_key.proofs, 1);
	assert_int_equal(wrong_id.proofs, wrong_key.proofs);
	assert_true(wrong_key.n > 0);
	assert_int_equal(wrong_id.n, wrong_key.n);
}

/* What strangers do fills no disk. */
static void strangers_fill_no_log(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;
	size_t before;

	(void)state;
	a.ike_encr = "aes-128-gcm";
	b.extra = EVERYBODY;
	p = pair_of(&a, &b);
	before = p->node[1].said_n;
	for (unsigned i = 0; i < 200; i++) {
		struct stranger s = {.cookie = {0}};
		struct model *keep = p->node[1].model;

		p->node[1].model = p->node[0].model; /* what is offered */
		stranger_ask(p, &s, 1 + i);
		p->node[1].model = keep;
		stranger_sends(p, &s, at(0x0b000001, 500));
	}
	assert_true(p->node[1].said_n > before);
	assert_int_equal(stats(p)->unsaid, 180);
	pair_free(p);
}

/* ---------------------------------------------------------------- sources.c */

/* A flood of sources does not wash away the memory of one that did much. */
static void guilty_sources_are_remembered(void **state)
{
	struct sources *s = calloc(1, sizeof *s);
	struct addr guilty = addr_of_v4(0x0a000001), a;
	struct addr six[2] = {{.family = 6, .b = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 1}},
		{.family = 6, .b = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 2}}};

	(void)state;
	assert_non_null(s);
	s->rate[SOURCE_FAILED] = s->rate[SOURCE_BEGAN] = (struct source_rate){5, 5};
	for (int i = 0; i < 5; i++)
		assert_true(sources_add(s, &guilty, SOURCE_FAILED, 1000));
	assert_false(sources_add(s, &guilty, SOURCE_FAILED, 1000));
	for (uint32_t i = 0; i < 200000; i++) {
		a = addr_of_v4(0x0b000000 + i);
		(void)sources_add(s, &a, SOURCE_BEGAN, 1000);
	}
	assert_true(sources_over(s, &guilty, SOURCE_FAILED, 1000));
	assert_true(sources_over(s, &guilty, SOURCE_FAILED, 12999));
	assert_false(sources_over(s, &guilty, SOURCE_FAILED, 13000));
	/* A /64 is one source. */
	for (int i = 0; i < 5; i++)
		assert_true(sources_add(s, &six[i & 1], SOURCE_FAILED, 1000));
	assert_false(sources_add(s, &six[1], SOURCE_FAILED, 1000));
	six[1].b[7] = 2;
	assert_true(sources_add(s, &six[1], SOURCE_FAILED, 1000));
	free(s);
}

/* ---------------------------------------------------------------- the cookies themselves */

static bool is_taken(struct pair *p, const struct cookie_of *of, const uint8_t cookie[COOKIE_LEN])
{
	return cookie_check(&p->node[1].ike->cookies, p->crypto, of, view_of(cookie, COOKIE_LEN));
}

static void time_goes_on(struct pair *p, uint64_t *now_ms, uint64_t ms)
{
	struct ike *ike = p->node[1].ike;

	*now_ms += ms;
	cookie_rotate(&ike->cookies, &ike->cfg.env, *now_ms);
}

/* RFC 7296 2.6: a secret is replaced from time to time; who has a cookie of the one before may
 * come with it, of an older one not, nor after a pause. */
static void secrets_of_cookies_change(void **state)
{
	struct pair *p = pair_with(EVERYBODY);
	uint8_t first[COOKIE_LEN], second[COOKIE_LEN], forged[COOKIE_LEN], nonce[32] = {9};
	const struct cookie_of of = {7, addr_of_v4(0xc6336401), view_of_array(nonce)};
	uint64_t now_ms = p->node[1].ike->cookies.since_ms;

	(void)state;
	assert_int_equal(cookie_make(&p->node[1].ike->cookies, p->crypto, &of, first), 0);
	time_goes_on(p, &now_ms, COOKIE_ROTATE_MS - 1);
	assert_int_equal(cookie_make(&p->node[1].ike->cookies, p->crypto, &of, second), 0);
	assert_memory_equal(second, first, COOKIE_LEN);
	time_goes_on(p, &now_ms, 1);
	assert_int_equal(cookie_make(&p->node[1].ike->cookies, p->crypto, &of, second), 0);
	assert_memory_not_equal(second + 1, first + 1, COOKIE_LEN - 1);
	assert_true(is_taken(p, &of, first));
	assert_true(is_taken(p, &of, second));
	memcpy(forged, first, COOKIE_LEN);
	forged[0] = second[0];
	assert_false(is_taken(p, &of, forged));
	time_goes_on(p, &now_ms, COOKIE_ROTATE_MS);
	assert_false(is_taken(p, &of, first));
	assert_true(is_taken(p, &of, second));
	assert_int_equal(cookie_make(&p->node[1].ike->cookies, p->crypto, &of, forged), 0);
	assert_memory_not_equal(forged + 1, first + 1, COOKIE_LEN - 1);
	time_goes_on(p, &now_ms, 2 * COOKIE_ROTATE_MS);
	assert_false(is_taken(p, &of, second));
	/* What was the last one before a pause is as old as the pause. */
	assert_int_equal(cookie_make(&p->node[1].ike->cookies, p->crypto, &of, first), 0);
	time_goes_on(p, &now_ms, 2 * COOKIE_ROTATE_MS);
	assert_false(is_taken(p, &of, first));
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flood_leaves_nothing),
		cmocka_unit_test(secrets_of_cookies_change),
		cmocka_unit_test(busy_source_is_limited),
		cmocka_unit_test(forged_source_locks_nobody_out),
		cmocka_unit_test(one_source_has_a_share),
		cmocka_unit_test(key_exchanges_for_strangers_are_bounded),
		cmocka_unit_test(one_negotiation_for_each_peer),
		cmocka_unit_test(time_is_shorter_when_there_are_many),
		cmocka_unit_test(forged_auth_does_not_end_it),
		cmocka_unit_test(refused_source_is_let_wait),
		cmocka_unit_test(unknown_identity_costs_as_much_as_a_wrong_key),
		cmocka_unit_test(strangers_fill_no_log),
		cmocka_unit_test(guilty_sources_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
