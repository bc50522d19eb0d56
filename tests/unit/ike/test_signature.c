/*
 * Authentication by signatures between two engines, with certificates and keys made here.
 * AUT-002, AUT-003, AUT-004, ID-002, ID-004, ID-005, PKI-020, V2-012.
 */
#include "pair_story.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

static void replace(struct pair_cert **place, struct pair_cert *with)
{
	pair_cert_free(*place);
	*place = with;
}

static void expect_up(struct story *s, uint8_t method_a, uint8_t method_b)
{
	pair_acquire(s->p, 0);
	pair_settle(s->p);
	pair_check_up(s->p, 0, 1);
	assert_int_equal(pair_sa(s->p, 0)->auth_method, method_b);
	assert_int_equal(pair_sa(s->p, 1)->auth_method, method_a);
}

/* Both prove themselves by a certificate of P-256. */
static struct story certified(void)
{
	const char *lines = METHOD("certificates") CERT_LINES;

	return story_of(PAIR_P256, lines, lines);
}

static void start_up(struct story *s)
{
	story_start(s);
	expect_up(s, AUTH_DIGITAL_SIGNATURE, AUTH_DIGITAL_SIGNATURE);
}

/* The responder refuses, and says why to its log. */
static void expect_refused(struct story *s, const char *why)
{
	pair_acquire(s->p, 0);
	pair_settle(s->p);
	if (!pair_said(s->p, 1, why))
		fail_msg("not said: %s\n%s", why, s->p->node[1].said);
	assert_null(pair_sa(s->p, 0));
	assert_null(pair_sa(s->p, 1));
	assert_true(pair_said(s->p, 0, "the peer refused our authentication"));
	assert_int_equal(ike_show_stats(s->p->node[1].ike)->auth_failed, 1);
}

/* ---------------------------------------------------------------- good ones */

static const struct {
	const char *method;
	enum pair_key key;
	uint8_t on_wire;
} methods[] = {
	{METHOD("rsa-signatures") CERT_LINES, PAIR_RSA, AUTH_DIGITAL_SIGNATURE},
	{METHOD("ecdsa-signatures-256") CERT_LINES, PAIR_P256, AUTH_DIGITAL_SIGNATURE},
	{METHOD("ecdsa-signatures-384") CERT_LINES, PAIR_P384, AUTH_DIGITAL_SIGNATURE},
	{METHOD("digital-signature") CERT_LINES, PAIR_RSA, AUTH_DIGITAL_SIGNATURE},
	{METHOD("digital-signature") CERT_LINES, PAIR_P256, AUTH_DIGITAL_SIGNATURE},
	{METHOD("digital-signature") CERT_LINES, PAIR_P384, AUTH_DIGITAL_SIGNATURE},
	{METHOD("certificates") CERT_LINES, PAIR_ED25519, AUTH_DIGITAL_SIGNATURE},
};

static void every_method_sets_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		struct story s = story_of(methods[i].key, methods[i].method, methods[i].method);

		story_start(&s);
		expect_up(&s, methods[i].on_wire, methods[i].on_wire);
		/* One job of each kind at each end; EE and the CA below the root are remembered. */
		assert_int_equal(s.a->signs + s.a->trusts, 2);
		assert_int_equal(s.b->signs + s.b->trusts, 2);
		assert_int_equal(pair_sa(s.p, 0)->peer_cert->n_refs, 2);
		assert_string_equal(pair_sa(s.p, 0)->peer_cert->subject, "O=test, CN=b");
		assert_string_equal(pair_sa(s.p, 1)->peer_cert->subject, "O=test, CN=a");
		story_end(&s);
	}
}

/* V2-012: each side by its own key; `certificates` leaves the kind open. */
static void each_side_has_its_own_kind_of_key(void **state)
{
	struct story s = certified();

	(void)state;
	replace(&s.b, pair_cert_new(&story_ca, PAIR_RSA, "CN=b", "IP:192.0.2.2"));
	start_up(&s);
	story_end(&s);
}

/* The responder forgets what the initiator announced, as if that had been nothing. */
static bool nothing_announced(struct pair *p, struct packet *k)
{
	struct ike_sa *sa, *next;

	if (k->node != 0 || packet_header(k).exchange != EXCHANGE_IKE_AUTH)
		return true;
	HASH_ITER(hh, p->node[1].ike->sas, sa, next)
	if (sa->half)
		sa->half->peer_hashes = 0;
	return true;
}

/* RFC 4754 is for those that do not announce RFC 7427; who announces may have only that. */
static void methods_differ_on_the_wire(void **state)
{
	const char *lines = METHOD("ecdsa-signatures-256") CERT_LINES;
	struct story s = story_of(PAIR_P256, lines, lines);

	(void)state;
	s.p->wire = nothing_announced;
	story_start(&s);
	expect_up(&s, AUTH_DIGITAL_SIGNATURE, AUTH_ECDSA_256);
	story_end(&s);
}

/* Takes SIGNATURE_HASH_ALGORITHMS out of what passes, by making it a notification nobody knows;
 * what AUTH covers then differs, so both ends must not have got it. */
static bool unknown_hashes(struct pair *p, struct packet *k)
{
	static const uint8_t notify[] = {0, 0, 0x40, 0x2f};

	(void)p;
	for (size_t i = 28; packet_header(k).exchange == EXCHANGE_IKE_SA_INIT && i + 4 < k->n; i++)
		if (memcmp(k->octets + i, notify, sizeof notify) == 0)
			k->octets[i + 2] = 0x7f;
	return true;
}

/* A downgrade is noticed: IKE_SA_INIT is covered by both signatures. */
static void a_downgrade_is_noticed(void **state)
{
	const char *lines = METHOD("rsa-signatures") CERT_LINES;
	struct story s = story_of(PAIR_RSA, lines, lines);

	(void)state;
	s.p->wire = unknown_hashes;
	s.p->unchecked = true;
	story_start(&s);
	expect_refused(&s, "does not verify with its certificate");
	story_end(&s);
}

/* ---------------------------------------------------------------- identities */

static void subject_as_identity(void **state)
{
	struct story s = story_of(PAIR_P256,
		METHOD("certificates") CERT_LINES
		"set security ike gateway G local-identity distinguished-name\n"
		"set security ike gateway G remote-identity distinguished-name container "
		"\"O=test, CN=b\"\n",
		METHOD("certificates") CERT_LINES
		"set security ike gateway G local-identity distinguished-name\n"
		"set security ike gateway G remote-identity distinguished-name wildcard CN=a\n");

	(void)state;
	start_up(&s);
	assert_int_equal(pair_sa(s.p, 1)->remote_id.type, ID_DER_ASN1_DN);
	assert_true(pair_said(s.p, 1, "peer-id=\"O=test, CN=a\""));
	assert_true(
		view_equal(blob_view(&pair_sa(s.p, 1)->remote_id.data), s.a->leaf.cert->subject));
	story_end(&s);
}

static void another_subject_is_refused(void **state)
{
	struct story s = story_of(PAIR_P256,
		METHOD("certificates") CERT_LINES
		"set security ike gateway G local-identity distinguished-name\n",
		METHOD("certificates") CERT_LINES
		"set security ike gateway G remote-identity distinguished-name wildcard CN=z\n");

	(void)state;
	story_start(&s);
	expect_refused(&s, "no gateway has this peer identity");
	assert_int_equal(s.b->trusts, 1); /* as much work as for a wrong signature */
	story_end(&s);
}

/* ID-008, ID-009: the whole name; one of several. The peer is "O=test, CN=b". */
static void one_of_several_subjects(void **state)
{
	static const struct {
		const char *line;
		bool want;
	} rows[] = {
		{"container [ \"O=other\" \"O=test, CN=b\" ]\n", true},
		{"container [ \"O=other\" \"CN=b, O=test\" ]\n", false},
		{"wildcard [ CN=z CN=b ]\n", true},
		{"wildcard [ CN=z CN=y ]\n", false},
		{"exact-match \"O=test, CN=b\"\n", true},
		{"exact-match CN=b\n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct story s;
		char lines[1024];

		(void)snprintf(lines, sizeof lines, "%s%s%s", METHOD("certificates") CERT_LINES,
			"set security ike gateway G remote-identity distinguished-name ",
			rows[i].line);
		s = story_of(PAIR_P256, lines,
			METHOD("certificates") CERT_LINES
			"set security ike gateway G local-identity distinguished-name\n");
		story_start(&s);
		pair_acquire(s.p, 0);
		pair_settle(s.p);
		if ((pair_sa(s.p, 0) != NULL) != rows[i].want)
			fail_msg("%s", rows[i].line);
		story_end(&s);
	}
}

/* ID-005: it says what is configured, but its certificate does not. */
static void an_identity_without_backing(void **state)
{
	struct story s = story_of(PAIR_P256,
		METHOD("certificates") CERT_LINES BY_NAME("c.example", "b.example"),
		METHOD("certificates") CERT_LINES BY_NAME("b.example", "c.example"));

	(void)state;
	story_start(&s);
	expect_refused(&s, "its identity is not in the certificate");
	story_end(&s);
}

/* ---------------------------------------------------------------- bad ones */

static size_t answer_n, answers;

/* The length of what the responder says to IKE_AUTH. */
static bool measure(struct pair *p, struct packet *k)
{
	struct ike_header h = packet_header(k);

	(void)p;
	if (k->node == 1 && h.exchange == EXCHANGE_IKE_AUTH) {
		answer_n = k->n;
		answers++;
	}
	return true;
}

/* Unknown identity, wrong certificate, wrong signature: the same answer after the same work. */
static void failures_look_alike(void **state)
{
	const char *lines = METHOD("certificates") CERT_LINES;
	const char *stranger = METHOD("certificates") CERT_LINES
		"set security ike gateway G local-identity hostname nobody.example\n";
	size_t seen = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct story s = story_of(PAIR_P256, i == 0 ? stranger : lines, lines);

		answer_n = answers = 0;
		s.p->wire = measure;
		if (i == 1) {
			const struct forge_cert form = {
				.subject = "CN=a", .ext = {{"subjectAltName", "IP:192.0.2.1"}}};

			replace(&s.a, pair_cert_of(&story_ca, &form, &story_ca.other));
		} else if (i == 2) {
			/* the key of another certificate */
			sign_key_free(s.a->key);
			assert_int_equal(sign_key_wrap(s.b->leaf.key, &s.a->key), 0);
		} else if (i == 3) {
			s.b->trust_rc = -ERR_AUTH;
		}
		story_start(&s);
		pair_acquire(s.p, 0);
		pair_settle(s.p);
		assert_null(pair_sa(s.p, 1));
		assert_int_equal(s.b->trusts, 1);
		assert_int_equal(s.b->signs, 0);
		assert_int_equal(answers, 1);
		assert_true(seen == 0 || seen == answer_n);
		seen = answer_n;
		story_end(&s);
	}
}

static const struct {
	const char *what;
	struct forge_cert form;
	const char *said;
} bad_certs[] = {
	{"expired", {.subject = "CN=a", .not_before = -7200, .not_after = -3600}, "expired"},
	{"not yet valid", {.subject = "CN=a", .not_before = 300 * 86400, .not_after = 400 * 86400},
		"not valid yet"},
	{"for signing of others",
		{.subject = "CN=a", .ext = {{"keyUsage", "critical,keyCertSign"}}},
		"certificate of"},
	{"for servers of the web",
		{.subject = "CN=a", .ext = {{"extendedKeyUsage", "codeSigning"}}},
		"certificate of"},
	{"weak key", {.subject = "CN=a", .key_type = FORGE_RSA1024}, "certificate of"},
};

static void bad_certificates_are_refused(void **state)
{

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_certs); i++) {
		struct forge_cert form = bad_certs[i].form;
		struct story s = certified();

		form.ext[1] = (struct forge_ext){"subjectAltName", "IP:192.0.2.1"};
		if (!form.ext[0].name)
			form.ext[0] = (struct forge_ext){"basicConstraints", "CA:FALSE"};
		replace(&s.a, pair_cert_of(&story_ca, &form, &story_ca.sub));
		story_start(&s);
		expect_refused(&s, bad_certs[i].said);
		story_end(&s);
	}
}

static void truncated_and_missing_certificates(void **state)
{

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct story s = certified();

		if (i == 0)
			s.a->chain[0].n -= 7;
		else if (i == 1)
			s.a->lent.n_chain = 0;
		else
			s.a->chain[0] = view_of_literal("0");
		story_start(&s);
		expect_refused(&s, "ike.auth.failed");
		assert_int_equal(s.b->trusts, 1);
		story_end(&s);
	}
}

/* AUT-003: another curve than the configured one; and our own certificate of another kind. */
static void keys_of_another_method(void **state)
{
	const char *any = METHOD("certificates") CERT_LINES;
	const char *p256 = METHOD("ecdsa-signatures-256") CERT_LINES;
	struct story s = story_of(PAIR_P384, any, p256);

	(void)state;
	story_start(&s);
	expect_refused(&s, "its key is not of the configured method");
	story_end(&s);
	s = story_of(PAIR_P384, p256, p256);
	story_start(&s);
	pair_acquire(s.p, 0);
	pair_settle(s.p);
	assert_null(pair_sa(s.p, 0));
	assert_true(
		pair_said(s.p, 0, "the local certificate's key is not of the configured method"));
	assert_int_equal(ike_show_stats(s.p->node[0].ike)->sign_failed, 1);
	story_end(&s);
}

/* A gateway of one kind never takes the other, whichever side it is. */
static void no_mixing_with_pre_shared_keys(void **state)
{
	const char *lines = METHOD("certificates") CERT_LINES;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct story s = story_of(PAIR_P256, i ? lines : NULL, i ? NULL : lines);

		story_start(&s);
		expect_refused(&s, "it does not use the configured authentication method");
		assert_int_equal(s.b->trusts + s.b->signs, 0);
		story_end(&s);
	}
}

/* What does not trust the responder says so (2.21.2). */
static void the_initiator_distrusts(void **state)
{
	struct story s = certified();

	(void)state;
	s.a->anchor = story_ca.other.cert;
	story_start(&s);
	pair_acquire(s.p, 0);
	pair_settle(s.p);
	assert_null(pair_sa(s.p, 0));
	assert_null(pair_sa(s.p, 1));
	assert_true(pair_said(s.p, 0, "ike.auth.failed"));
	assert_int_equal(pair_children(s.p, 1), 0);
	story_end(&s);
}

/* ---------------------------------------------------------------- on the way */

/* PKI-020: the chain, or as much of it as the peer lacks. */
static void what_the_peer_has_is_not_sent(void **state)
{
	struct story s = certified();

	(void)state;
	start_up(&s);
	assert_int_equal(s.a->n_certs, 2);
	assert_int_equal(s.b->n_certs, 2);
	story_end(&s);
	s = certified();
	s.b->anchor = story_ca.sub.cert; /* trusts the lower CA itself */
	start_up(&s);
	assert_int_equal(s.b->n_certs, 1);
	assert_int_equal(pair_sa(s.p, 1)->peer_cert->n_refs, 1);
	story_end(&s);
}

/* SS-007, PKI-020: nothing but our own is sent, and the peer has to have the rest. */
static void only_our_own_is_sent(void **state)
{
	const char *lines = METHOD("certificates") CERT_LINES;
	const char *one = METHOD("certificates") CERT_LINES
		"set security ike policy IP certificate no-certificate-chain-in-ike\n";
	struct story s = story_of(PAIR_P256, one, lines);

	(void)state;
	story_start(&s);
	expect_refused(&s, "ike.auth.failed");
	assert_int_equal(s.b->n_certs, 1);
	story_end(&s);
	s = story_of(PAIR_P256, lines, one);
	s.a->anchor = story_ca.sub.cert;
	start_up(&s);
	assert_int_equal(s.a->n_certs, 1);
	assert_int_equal(s.b->n_certs, 2);
	story_end(&s);
}

static bool twice(struct pair *p, struct packet *k)
{
	static unsigned n;

	/* every packet is delivered twice, the second time at once behind the first */
	if (n++ % 2 == 0)
		pair_inject(p, k);
	return true;
}

static unsigned lost;

/* The first of each kind of message is lost. */
static bool first_is_lost(struct pair *p, struct packet *k)
{
	struct ike_header h = packet_header(k);
	unsigned bit = 1u << ((h.exchange & 7) * 2 + ike_header_is_response(&h));

	(void)p;
	if ((lost & bit) != 0)
		return true;
	lost |= bit;
	return false;
}

static void losses_and_repetitions(void **state)
{
	struct story s = certified();

	(void)state;
	s.p->wire = twice;
	start_up(&s);
	assert_int_equal(s.b->trusts, 1);
	assert_int_equal(s.b->signs, 1);
	assert_int_equal(s.a->trusts, 1);
	story_end(&s);
	s = certified();
	lost = 0;
	s.p->wire = first_is_lost;
	story_start(&s);
	pair_acquire(s.p, 0);
	pair_pass(s.p, 20000);
	pair_check_up(s.p, 0, 1);
	assert_int_equal(s.b->trusts, 1);
	story_end(&s);
}

static void tell_held(struct story *s, int node)
{
	struct pair_cert *c = node ? s->b : s->a;
	struct ike_event ev = {.type = IKE_EV_TRUSTED, .trust = take_ptr(c->held)};

	assert_non_null(ev.trust);
	(void)pair_feed(s->p, node, &ev);
	pair_settle(s->p);
}

/* The peer asks again and again while it is being judged: one job, one answer. */
static void asked_again_while_judged(void **state)
{
	struct story s = certified();

	(void)state;
	s.b->hold = true;
	story_start(&s);
	pair_acquire(s.p, 0);
	pair_pass(s.p, 5000);
	assert_int_equal(s.b->trusts, 1);
	assert_true(ike_show_stats(s.p->node[1].ike)->rx_busy >= 2);
	assert_int_equal(pair_sas(s.p, 1, SA_HALF_OPEN), 1);
	tell_held(&s, 1);
	pair_check_up(s.p, 0, 1);
	story_end(&s);
}

/* Half-open time is over while it is being judged; the verdict finds nobody. */
static void judged_too_late(void **state)
{
	struct story s = certified();

	(void)state;
	s.b->hold = true;
	story_start(&s);
	pair_acquire(s.p, 0);
	pair_pass(s.p, 31000);
	assert_int_equal(pair_open_sas(s.p, 1), 0);
	tell_held(&s, 1);
	assert_int_equal(pair_open_sas(s.p, 1), 0);
	assert_int_equal(s.b->signs, 0);
	story_end(&s);
}

/* The initiator's last resort: nobody ever tells whether the peer is to be trusted. */
static void never_judged(void **state)
{
	struct story s = certified();

	(void)state;
	s.a->hold = true;
	story_start(&s);
	pair_acquire(s.p, 0);
	pair_pass(s.p, 60000);
	assert_int_equal(pair_sas(s.p, 0, SA_AUTH_SENT), 1);
	pair_pass(s.p, 31000);
	assert_int_equal(pair_sas(s.p, 0, SA_AUTH_SENT), 0);
	tell_held(&s, 0);
	story_end(&s);
}

/* A verdict by a configuration that is no more does not count. */
static void configuration_changes_while_judged(void **state)
{

	(void)state;
	for (int held = 0; held < 2; held++) {
		struct story s = certified();
		struct pair_cert *c = held ? s.b : s.a;

		c->hold = true;
		story_start(&s);
		pair_acquire(s.p, 0);
		pair_settle(s.p);
		pair_reconfigure(s.p, held, held ? &s.side_b : &s.side_a);
		c->hold = false;
		tell_held(&s, held);
		assert_true(pair_said(s.p, held, "the configuration changed meanwhile"));
		assert_null(pair_sa(s.p, held));
		story_end(&s);
	}
}

static void signing_fails(void **state)
{

	(void)state;
	for (int who = 0; who < 2; who++) {
		struct story s = certified();

		(who ? s.b : s.a)->sign_rc = -ERR_IO;
		story_start(&s);
		pair_acquire(s.p, 0);
		pair_settle(s.p);
		assert_null(pair_sa(s.p, 0));
		assert_null(pair_sa(s.p, 1));
		assert_int_equal(ike_show_stats(s.p->node[who].ike)->sign_failed, 1);
		assert_true(pair_said(s.p, who, "ike.sign.failed"));
		story_end(&s);
	}
}

/* ---------------------------------------------------------------- afterwards */

static void say_revoked(struct pair *p, int node, const struct cert_ref *refs, size_t n)
{
	struct ike_event ev = {.type = IKE_EV_REVOKED};

	ev.revoked.refs = refs;
	ev.revoked.n = n;
	(void)pair_feed(p, node, &ev);
	pair_settle(p);
}

static void revoked_later(void **state)
{
	struct story s = certified();
	struct cert_ref other;

	(void)state;
	start_up(&s);
	assert_int_equal(
		pair_operate(s.p, 1, IKE_OP_REKEY_IKE, &(struct ike_filter){.index = 0}), 1);
	pair_pass(s.p, 100);
	assert_non_null(pair_sa(s.p, 1)->peer_cert);
	other = s.b->refs[0];
	other.serial[0] ^= 1;
	say_revoked(s.p, 1, &other, 1);
	pair_check_up(s.p, 0, 1);
	/* the CA in the middle */
	say_revoked(s.p, 1, &s.b->refs[1], 1);
	assert_null(pair_sa(s.p, 1));
	assert_null(pair_sa(s.p, 0));
	assert_int_equal(ike_show_stats(s.p->node[1].ike)->ike_revoked, 1);
	story_end(&s);
}

/* Judged to be good, our own signature is on its way, then the list comes. */
static void revoked_while_we_sign(void **state)
{
	struct story s = certified();

	(void)state;
	story_start(&s);
	pair_acquire(s.p, 0);
	while (s.b->trusts == 0)
		assert_true(pair_step(s.p));
	assert_int_equal(s.b->signs, 0);
	say_revoked(s.p, 1, &s.b->refs[1], 1);
	assert_null(pair_sa(s.p, 0));
	assert_null(pair_sa(s.p, 1));
	assert_true(pair_said(s.p, 1, "revoked"));
	story_end(&s);
}

/* A successor that is being made does not escape. */
static void revoked_during_a_rekey(void **state)
{
	const char *lines = METHOD("certificates") CERT_LINES;

	(void)state;
	for (unsigned steps = 0; steps < 14; steps++)
		for (int who = 0; who < 2; who++) {
			struct story s = story_of(PAIR_P256, lines, lines);

			story_start(&s);
			expect_up(&s, AUTH_DIGITAL_SIGNATURE, AUTH_DIGITAL_SIGNATURE);
			pair_operate(s.p, who, IKE_OP_REKEY_IKE, NULL);
			for (unsigned i = 0; i < steps; i++)
				(void)pair_step(s.p);
			say_revoked(s.p, 1, &s.b->refs[1], 1);
			pair_pass(s.p, 40000);
			assert_int_equal(pair_children(s.p, 1), 0);
			assert_null(pair_sa(s.p, 1));
			assert_null(pair_sa(s.p, 0));
			story_end(&s);
		}
}

static void revoked_after_a_takeover(void **state)
{
	struct story s = certified();

	(void)state;
	start_up(&s);
	s.p->node[3].cert = s.b;
	pair_takeover(s.p, 1, 3, &s.side_b, PAIR_LOSE_UNCOMMITTED);
	assert_string_equal(pair_sa(s.p, 3)->peer_cert->subject, "O=test, CN=a");
	say_revoked(s.p, 3, s.b->refs, 1);
	assert_null(pair_sa(s.p, 3));
	assert_null(pair_sa(s.p, 0));
	story_end(&s);
}

/* The node dies while the peer's answer is being judged: the successor asks again and judges. */
static void takeover_while_judged(void **state)
{
	struct story s = certified();

	(void)state;
	s.a->hold = true;
	story_start(&s);
	pair_acquire(s.p, 0);
	pair_settle(s.p);
	assert_int_equal(pair_sas(s.p, 0, SA_AUTH_SENT), 1);
	s.a->hold = false;
	s.p->node[2].cert = s.a;
	pair_takeover(s.p, 0, 2, &s.side_a, PAIR_LOSE_UNCOMMITTED);
	pair_pass(s.p, 5000);
	pair_check_up(s.p, 2, 1);
	assert_int_equal(s.a->trusts, 2);
	assert_int_equal(s.a->signs, 1);
	story_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_sets_up),
		cmocka_unit_test(each_side_has_its_own_kind_of_key),
		cmocka_unit_test(methods_differ_on_the_wire),
		cmocka_unit_test(a_downgrade_is_noticed),
		cmocka_unit_test(subject_as_identity),
		cmocka_unit_test(another_subject_is_refused),
		cmocka_unit_test(one_of_several_subjects),
		cmocka_unit_test(an_identity_without_backing),
		cmocka_unit_test(failures_look_alike),
		cmocka_unit_test(bad_certificates_are_refused),
		cmocka_unit_test(truncated_and_missing_certificates),
		cmocka_unit_test(keys_of_another_method),
		cmocka_unit_test(no_mixing_with_pre_shared_keys),
		cmocka_unit_test(the_initiator_distrusts),
		cmocka_unit_test(what_the_peer_has_is_not_sent),
		cmocka_unit_test(only_our_own_is_sent),
		cmocka_unit_test(losses_and_repetitions),
		cmocka_unit_test(asked_again_while_judged),
		cmocka_unit_test(judged_too_late),
		cmocka_unit_test(never_judged),
		cmocka_unit_test(configuration_changes_while_judged),
		cmocka_unit_test(signing_fails),
		cmocka_unit_test(revoked_later),
		cmocka_unit_test(revoked_while_we_sign),
		cmocka_unit_test(revoked_during_a_rekey),
		cmocka_unit_test(revoked_after_a_takeover),
		cmocka_unit_test(takeover_while_judged),
	};

	return cmocka_run_group_tests(tests, story_ca_setup, story_ca_teardown);
}
