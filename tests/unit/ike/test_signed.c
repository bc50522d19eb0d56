/*
 * Signatures beside what else changes the keys or what AUTH covers: post-quantum keys (RFC 8784),
 * further key exchanges (RFC 9242), tickets (RFC 5723). V2-012, PKI-020.
 */
#include "pair_story.h"

#include <stdio.h>

#include "base/err.h"
#include "ike/v2/resume.h"

#define LINES	  METHOD("certificates") CERT_LINES
#define KEY	  "set security ike policy IP ppk ascii-text \"a key from a quantum-safe hand\"\n"
#define ID	  "set security ike policy IP ppk id blue\n"
#define REQUIRED  "set security ike policy IP ppk required\n"
#define OTHER_KEY "set security ike policy IP ppk ascii-text \"a key from another good hand\"\n"
#define OTHER_ID  "set security ike policy IP ppk id green\n"
#define MORE	  "set security ike proposal P additional-key-exchange [ group19 group20 ]\n"
#define TICKETS	  "set security ike gateway G session-resumption lifetime 3600\n"

/* ---------------------------------------------------------------- RFC 8784 */

static const struct {
	const char *name, *a, *b;
	bool up, mixed;
	unsigned signs; /* of the one who begins */
} ppks[] = {
	{"both optional", ID KEY, ID KEY, true, true, 2},
	{"both required", ID KEY REQUIRED, ID KEY REQUIRED, true, true, 1},
	{"required by one who begins", ID KEY REQUIRED, ID KEY, true, true, 1},
	{"required by one who answers", ID KEY, ID KEY REQUIRED, true, true, 2},
	{"only one who begins has it", ID KEY, "", true, false, 1},
	{"only one who answers has it", "", ID KEY, true, false, 1},
	{"another name, optional", ID KEY, OTHER_ID KEY, true, false, 2},
	{"another name, required here", ID KEY REQUIRED, OTHER_ID KEY, false, false, 1},
	{"another name, required there", ID KEY, OTHER_ID KEY REQUIRED, false, false, 2},
	{"another key of that name", ID KEY, ID OTHER_KEY, false, false, 2},
	{"after further key exchanges", MORE ID KEY, MORE ID KEY, true, true, 2},
	{"... of another name", MORE ID KEY, MORE OTHER_ID KEY, true, false, 2},
};

struct told {
	bool with, without; /* the request has each of them */
};

static bool look(struct pair *p, struct packet *k)
{
	struct told *t = (struct told *)p->wire_ctx;
	struct ike_header h = packet_header(k);
	const struct ike_sa *sa = sa_find(p->node[0].ike, h.spi_i);

	if (h.exchange != EXCHANGE_IKE_AUTH || k->node != 0 || !sa || !sa->half)
		return true;
	t->with = sa->half->ppk.mixed;
	t->without = sa->half->proof.plain != NULL;
	return true;
}

static void post_quantum_keys(void **state)
{
	static const enum pair_key keys[] = {PAIR_P256, PAIR_RSA};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ppks); i++) {
		char a[2048], b[2048];
		struct told told = {false};
		struct story s;

		print_message("# %s\n", ppks[i].name);
		(void)snprintf(a, sizeof a, "%s%s", LINES, ppks[i].a);
		(void)snprintf(b, sizeof b, "%s%s", LINES, ppks[i].b);
		s = story_of(keys[i % 2], a, b);
		s.p->wire = look;
		s.p->wire_ctx = &told;
		story_start(&s);
		pair_acquire(s.p, 0);
		pair_settle(s.p);
		assert_int_equal(s.a->signs, ppks[i].signs);
		assert_int_equal(told.without, ppks[i].signs == 2);
		if (!ppks[i].up) {
			assert_null(pair_sa(s.p, 0));
			assert_null(pair_sa(s.p, 1));
			story_end(&s);
			continue;
		}
		pair_check_up(s.p, 0, 1);
		assert_true(told.with || !ppks[i].mixed);
		assert_string_equal(pair_sa(s.p, 1)->peer_cert->subject, "O=test, CN=a");
		assert_int_equal(s.b->signs, 1);
		(void)pair_operate(s.p, 1, IKE_OP_REKEY_IKE, NULL);
		pair_pass(s.p, 1000);
		(void)pair_operate(s.p, 0, IKE_OP_REKEY_CHILD, NULL);
		pair_pass(s.p, 60000);
		pair_check_up(s.p, 0, 1);
		story_end(&s);
	}
}

/* Neither signature is sent when one of them cannot be made. */
static void both_signatures_or_none(void **state)
{
	struct story s = story_of(PAIR_P256, LINES ID KEY, LINES ID KEY);

	(void)state;
	s.a->sign_rc = -ERR_IO;
	s.a->sign_from = 2;
	story_start(&s);
	pair_acquire(s.p, 0);
	pair_settle(s.p);
	assert_int_equal(s.a->signs, 2);
	assert_int_equal(s.b->trusts, 0);
	assert_true(pair_said(s.p, 0, "ike.sign.failed"));
	assert_null(pair_sa(s.p, 0));
	story_end(&s);
}

/* A node may die at any step, also between the two signatures; the other one gets there. */
static void a_node_may_die_at_every_step(void **state)
{
	static const char *const there[] = {LINES ID KEY, LINES};

	(void)state;
	for (size_t c = 0; c < 4; c++) {
		int dies = (int)(c & 1);

		for (unsigned after = 0; after < 40; after++) {
			struct story s = story_of(PAIR_P256, LINES ID KEY, there[c >> 1]);
			unsigned left = after;

			story_start(&s);
			s.p->node[2].cert = dies ? s.b : s.a;
			pair_acquire(s.p, 0);
			while (left != 0 && pair_step(s.p))
				left--;
			pair_takeover(
				s.p, dies, 2, dies ? &s.side_b : &s.side_a, PAIR_KEEP_UNCOMMITTED);
			pair_pass(s.p, 200000);
			pair_acquire(s.p, dies ? 0 : 2);
			pair_pass(s.p, 30000);
			pair_check_up(s.p, dies ? 0 : 2, dies ? 2 : 1);
			story_end(&s);
			if (left != 0)
				break;
		}
	}
}

/* ---------------------------------------------------------------- RFC 9242 */

/* The signatures cover what went before: one octet of an IKE_INTERMEDIATE of the initiator's that
 * it does not remember as it sent it, and nobody is authenticated. */
static bool forget_one(struct pair *p, struct packet *k)
{
	struct ike_header h = packet_header(k);
	struct ike_sa *sa = sa_find(p->node[0].ike, h.spi_i);

	if (h.exchange == EXCHANGE_IKE_INTERMEDIATE && k->node == 0 && sa && sa->half)
		sa->half->inter.own[3] ^= 1;
	return true;
}

static void signatures_cover_what_went_before(void **state)
{
	static const enum pair_key keys[] = {PAIR_P256, PAIR_RSA, PAIR_ED25519};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct story s = story_of(keys[i], LINES MORE, LINES MORE);

		story_start(&s);
		pair_acquire(s.p, 0);
		pair_settle(s.p);
		pair_check_up(s.p, 0, 1);
		assert_int_equal(pair_sa(s.p, 0)->auth_method, AUTH_DIGITAL_SIGNATURE);
		story_end(&s);
		s = story_of(keys[i], LINES MORE, LINES MORE);
		s.p->wire = forget_one;
		story_start(&s);
		pair_acquire(s.p, 0);
		pair_settle(s.p);
		assert_true(pair_said(s.p, 1, "does not verify with its certificate"));
		assert_null(pair_sa(s.p, 0));
		assert_null(pair_sa(s.p, 1));
		story_end(&s);
	}
}

/* ---------------------------------------------------------------- RFC 5723 */

/* ADR 0037: no ticket is asked for, given or taken where the peer has a certificate. */
static void no_tickets_with_certificates(void **state)
{
	struct story s = story_of(PAIR_P256, LINES TICKETS, LINES TICKETS);

	(void)state;
	story_start(&s);
	pair_acquire(s.p, 0);
	pair_settle(s.p);
	pair_check_up(s.p, 0, 1);
	assert_null(gateway_find(s.p->node[0].ike, "G")->ticket);
	assert_int_equal(ike_show_stats(s.p->node[1].ike)->tickets_given, 0);
	(void)pair_operate(s.p, 0, IKE_OP_CLEAR_IKE, NULL);
	pair_pass(s.p, 5000);
	pair_acquire(s.p, 0);
	pair_settle(s.p);
	pair_check_up(s.p, 0, 1);
	assert_int_equal(s.b->trusts, 2);
	story_end(&s);
}

/* ---------------------------------------------------------------- the end of a certificate */

#define PAIR_BEGINS                                                                                \
	(INT64_C(1795000000) - FORGE_NOW) /* where the pair's clock is in the forge's              \
					   */

static struct pair_cert *ends_in(int64_t seconds)
{
	const struct forge_cert form = {.subject = "CN=a",
		.not_after = PAIR_BEGINS + seconds,
		.ext = {{"subjectAltName", "IP:192.0.2.1"}}};

	return pair_cert_of(&story_ca, &form, &story_ca.sub);
}

/* RFC 4945 5.1. The SA would live for eight hours, the peer's certificate one. */
static struct story ends_in_an_hour(const char *more_b)
{
	struct story s = story_of(PAIR_P256, LINES, more_b);

	pair_cert_free(s.a);
	s.a = ends_in(3600);
	story_start(&s);
	pair_acquire(s.p, 0);
	pair_settle(s.p);
	pair_check_up(s.p, 0, 1);
	return s;
}

static void no_sa_outlives_a_certificate(void **state)
{
	struct story s = ends_in_an_hour(LINES);

	(void)state;
	/* A rekey does not make it live longer. */
	(void)pair_operate(s.p, 0, IKE_OP_REKEY_IKE, NULL);
	pair_pass(s.p, 3000000);
	pair_check_up(s.p, 0, 1);
	/* The peer is asked anew before, and shows the same one again. */
	pair_pass(s.p, 590000);
	assert_true(s.b->trusts > 1);
	pair_check_up(s.p, 0, 1);
	pair_pass(s.p, 12000);
	assert_null(pair_sa(s.p, 1));
	assert_null(pair_sa(s.p, 0));
	assert_true(pair_said(s.p, 1, "the peer's certificate or one above it has expired"));
	assert_true(pair_said(s.p, 1, "subject=\"CN=a\""));
	story_end(&s);
}

static void a_renewed_certificate_goes_on(void **state)
{
	struct story s = ends_in_an_hour(LINES);
	struct pair_cert *renewed = ends_in(86400), *old = s.a;

	(void)state;
	pair_pass(s.p, 1000000);
	s.p->node[0].cert = s.a = renewed;
	s.p->node[0].ike->cfg.credentials = &renewed->face;
	pair_pass(s.p, 5000000);
	pair_check_up(s.p, 0, 1);
	assert_int_equal(s.b->trusts, 2);
	assert_false(pair_said(s.p, 1, "has expired"));
	pair_cert_free(old);
	story_end(&s);
}

/* Who takes over knows it too. */
static void a_certificate_ends_after_a_takeover(void **state)
{
	struct story s = ends_in_an_hour(
		LINES "set security ipsec vpn V establish-tunnels responder-only-no-rekey\n");

	(void)state;
	s.p->node[3].cert = s.b;
	pair_takeover(s.p, 1, 3, &s.side_b, PAIR_LOSE_UNCOMMITTED);
	s.a->sign_rc = -ERR_IO; /* it cannot authenticate anew */
	pair_pass(s.p, 3595000);
	assert_non_null(pair_sa(s.p, 3));
	pair_pass(s.p, 10000);
	assert_null(pair_sa(s.p, 3));
	assert_true(pair_said(s.p, 3, "has expired"));
	story_end(&s);
}

struct lists {
	size_t n;
	struct trail_step v[4];
};

static void chain_look(void *ctx, const struct peer_cert *peer)
{
	struct lists *c = (struct lists *)ctx;

	assert_true(peer->n_refs <= 4);
	for (c->n = 0; c->n < peer->n_refs; c->n++) {
		assert_true(peer->refs[c->n].serial_len != 0);
		c->v[c->n] = trail_at(&peer->trail, c->n);
	}
}

/* ... and whom to ask about the peer's certificates, below a CA that no profile holds (PKI-009,
 * PKI-013). */
static void a_successor_knows_whom_to_ask(void **state)
{
	const struct forge_cert form = {.subject = "CN=a",
		.ext = {{"subjectAltName", "IP:192.0.2.1"},
			{"crlDistributionPoints", "URI:http://crl.example.net/sub.crl"},
			{"authorityInfoAccess", "OCSP;URI:http://ocsp.example.net/"}}};
	struct story s = story_of(PAIR_P256, LINES, LINES);
	struct lists c = {0};

	(void)state;
	pair_cert_free(s.a);
	s.a = pair_cert_of(&story_ca, &form, &story_ca.sub);
	story_start(&s);
	pair_acquire(s.p, 0);
	pair_settle(s.p);
	s.p->node[3].cert = s.b;
	pair_takeover(s.p, 1, 3, &s.side_b, PAIR_LOSE_UNCOMMITTED);
	(void)pair_operate(s.p, 3, IKE_OP_REKEY_IKE, NULL);
	pair_pass(s.p, 70000);
	ike_peer_chains(s.p->node[3].ike, chain_look, &c);
	assert_int_equal(c.n, 2);
	assert_string_equal(c.v[0].crl_url, "http://crl.example.net/sub.crl");
	assert_string_equal(c.v[0].ocsp_url, "http://ocsp.example.net/");
	assert_true(view_equal(c.v[0].issuer, story_ca.sub.cert->der));
	assert_string_equal(c.v[1].crl_url, "");
	assert_string_equal(c.v[1].ocsp_url, "");
	assert_int_equal(c.v[1].issuer.n, 0); /* of a profile */
	story_end(&s);
}

/* ---------------------------------------------------------------- several gateways */

/* One more gateway of the responder, that differs in its certificate and in whom it trusts. */
#define SECOND(where)                                                                              \
	"set security pki ca-profile Other ca-identity Other\n"                                    \
	"set security ike policy IQ proposals P\n"                                                 \
	"set security ike policy IQ certificate local-certificate me2\n"                           \
	"set security ike gateway H ike-policy IQ\n"                                               \
	"set security ike gateway H " where "\n"                                                   \
	"set security ike gateway H external-interface ge-0/0/0.0\n"                               \
	"set security ike gateway H version v2-only\n"                                             \
	"set interfaces st0 unit 1 family inet\n"                                                  \
	"set security ipsec vpn W bind-interface st0.1\n"                                          \
	"set security ipsec vpn W ike gateway H\n"                                                 \
	"set security ipsec vpn W ike ipsec-policy EP\n"                                           \
	"set security ipsec vpn W traffic-selector T1 local-ip 10.2.0.0/16\n"                      \
	"set security ipsec vpn W traffic-selector T1 remote-ip 10.1.0.0/16\n"
#define TRUSTS(policy, ca)                                                                         \
	"set security ike policy " policy " certificate trusted-ca ca-profile " ca "\n"
#define BOTH_TRUSTED                                                                               \
	"set security pki trusted-ca-group Both ca-profiles [ Root Other ]\n"                      \
	"delete security ike policy IP certificate trusted-ca\n"                                   \
	"set security ike policy IP certificate trusted-ca trusted-ca-group Both\n"                \
	"set security ike policy IQ certificate trusted-ca trusted-ca-group Both\n"
#define ANY_ADDRESS                                                                                \
	"delete security ike gateway G address\n"                                                  \
	"set security ike gateway G dynamic inet 192.0.2.1\n"

/* What the peer and the responder's second gateway have: a certificate below the other root. */
static struct pair_cert *below_other(const char *name, const char *san)
{
	const struct forge_cert form = {.subject = name, .ext = {{"subjectAltName", san}}};
	struct pair_cert *c = pair_cert_of(&story_ca, &form, &story_ca.other);

	c->anchor = story_ca.other.cert;
	return c;
}

static struct story two_gateways(const char *lines_b)
{
	struct story s = story_of(PAIR_P256, LINES, lines_b);

	s.b->more = below_other("CN=b2", "IP:192.0.2.2");
	return s;
}

static void two_gateways_end(struct story *s)
{
	struct pair_cert *more = s->b->more;

	story_end(s);
	pair_cert_free(more);
}

static const struct {
	const char *name, *b;
	bool peer_below_other; /* else below Root */
	const char *gateway;   /* NULL: refused */
} gateways[] = {
	{"by address, the first", LINES SECOND("address 192.0.2.1") TRUSTS("IQ", "Other"), false,
		"G"},
	{"by address, the second", LINES SECOND("address 192.0.2.1") TRUSTS("IQ", "Other"), true,
		"H"},
	{"dynamic ones, the first",
		LINES ANY_ADDRESS SECOND("dynamic inet 192.0.2.1") TRUSTS("IQ", "Other"), false,
		"G"},
	{"dynamic ones, the second",
		LINES ANY_ADDRESS SECOND("dynamic inet 192.0.2.1") TRUSTS("IQ", "Other"), true,
		"H"},
	{"a dynamic one behind one with that address",
		LINES SECOND("dynamic inet 192.0.2.1") TRUSTS("IQ", "Other"), true, "H"},
	{"trusts both: the peer asks for what it can check",
		LINES SECOND("address 192.0.2.1") BOTH_TRUSTED, true, "H"},
	{"... the first otherwise", LINES SECOND("address 192.0.2.1") BOTH_TRUSTED, false, "G"},
	{"none of them", LINES SECOND("address 192.0.2.1") TRUSTS("IQ", "Root"), true, NULL},
	{"the second is of a peer with another name",
		LINES SECOND("address 192.0.2.1") TRUSTS("IQ",
			"Other") "set security ike gateway H remote-identity hostname z.example\n",
		true, NULL},
};

/* ADR 0028: the first whose terms hold for the peer, with one judgement. PKI-005, PKI-007. */
static void gateways_differ_in_whom_they_trust(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(gateways); i++) {
		struct story s = two_gateways(gateways[i].b);

		print_message("# %s\n", gateways[i].name);
		if (gateways[i].peer_below_other) {
			pair_cert_free(s.a);
			s.a = below_other("CN=a2", "IP:192.0.2.1");
		}
		story_start(&s);
		pair_acquire(s.p, 0);
		pair_settle(s.p);
		assert_int_equal(s.b->trusts, 1);
		if (gateways[i].gateway) {
			pair_check_up(s.p, 0, 1);
			assert_string_equal(pair_sa(s.p, 1)->gw->model->name, gateways[i].gateway);
			assert_string_equal(pair_sa(s.p, 0)->peer_cert->subject,
				gateways[i].gateway[0] == 'H' ? "CN=b2" : "O=test, CN=b");
		} else {
			assert_null(pair_sa(s.p, 0));
			assert_null(pair_sa(s.p, 1));
			assert_true(pair_said(s.p, 1, "gw=G"));
			assert_true(pair_said(s.p, 1, "certificate of CN=a2"));
		}
		two_gateways_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(post_quantum_keys),
		cmocka_unit_test(both_signatures_or_none),
		cmocka_unit_test(a_node_may_die_at_every_step),
		cmocka_unit_test(signatures_cover_what_went_before),
		cmocka_unit_test(no_tickets_with_certificates),
		cmocka_unit_test(no_sa_outlives_a_certificate),
		cmocka_unit_test(a_renewed_certificate_goes_on),
		cmocka_unit_test(a_certificate_ends_after_a_takeover),
		cmocka_unit_test(a_successor_knows_whom_to_ask),
		cmocka_unit_test(gateways_differ_in_whom_they_trust),
	};

	return cmocka_run_group_tests(tests, story_ca_setup, story_ca_teardown);
}
