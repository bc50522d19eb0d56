/*
 * Setting up: IKE_SA_INIT, IKE_AUTH and the first child between two engines.
 */
#include <stdio.h>

#include "base/err.h"
#include "ike/show.h"
#include "ike/tx.h"
#include "pair.h"

static void traffic_brings_the_tunnel_up(void **state)
{
	struct pair *p = pair_ordinary();

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_int_equal(p->packets, 4); /* V2-001 */
	assert_true(pair_said(p, 0, "ike.up") && pair_said(p, 1, "ike.up"));
	assert_true(pair_said(p, 0, "child.up") && pair_said(p, 1, "child.up"));
	assert_true(pair_sa(p, 0)->initiator);
	assert_int_equal(pair_sa(p, 0)->next_tx, 2);
	assert_true(pair_child(p, 0)->outbound && pair_child(p, 1)->outbound);
	pair_free(p);
}

static void establish_immediately_needs_no_traffic(void **state)
{
	struct pair_side a = side_a;
	struct pair *p;

	(void)state;
	a.establish = "immediately";
	p = pair_of(&a, &side_b); /* RSP-001 */
	pair_pass(p, 5000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static void establish_immediately_tries_again(void **state)
{
	struct pair_side a = side_a;
	struct pair *p = pair_new();

	(void)state;
	a.establish = "immediately";
	pair_start(p, 0, &a);
	pair_pass(p, 200000); /* nobody there */
	assert_int_equal(pair_children(p, 0), 0);
	assert_true(p->node[0].ike->stats.ike_initiated >= 2);
	pair_start(p, 1, &side_b);
	pair_pass(p, 120000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static void responder_only_never_begins(void **state)
{
	struct pair_side a = side_a;
	struct pair *p;

	(void)state;
	a.establish = "responder-only";
	p = pair_of(&a, &side_b); /* RSP-002 */
	pair_acquire(p, 0);
	pair_pass(p, 60000);
	assert_int_equal(p->packets, 0);
	pair_acquire(p, 1);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

static const struct {
	const char *name, *ike_encr, *auth, *dh, *esp, *esp_auth, *pfs;
} suites[] = {
	{"gcm-256 sha-384 31", "aes-256-gcm", "sha-384", "group31", "aes-256-gcm", NULL, NULL},
	{"gcm-128 sha-256 19", "aes-128-gcm", "sha-256", "group19", "aes-128-gcm", NULL, NULL},
	{"gcm-256 sha-512 20", "aes-256-gcm", "sha-512", "group20", "aes-256-gcm", NULL, "group20"},
	{"cbc-128 sha-256 14", "aes-128-cbc", "sha-256", "group14", "aes-128-cbc",
		"hmac-sha-256-128", "group14"},
	{"cbc-256 sha1 14", "aes-256-cbc", "sha1", "group14", "aes-256-cbc", "hmac-sha1-96", NULL},
	{"cbc-256 sha-384 19", "aes-256-cbc", "sha-384", "group19", "aes-192-cbc", "hmac-sha-384",
		"group19"},
	{"chacha", "aes-256-gcm", "sha-384", "group31", "chacha20-poly1305", NULL, NULL},
	{"3des sha1", "aes-256-cbc", "sha1", "group31", "3des-cbc", "hmac-sha1-96", NULL},
	{"des md5", "aes-256-cbc", "sha1", "group31", "des-cbc", "hmac-md5-96", NULL},
	{"IKE des-cbc md5 1", "des-cbc", "md5", "group1", "des-cbc", "hmac-md5-96", "group1"},
	{"IKE 3des-cbc sha1 2", "3des-cbc", "sha1", "group2", "3des-cbc", "hmac-sha1-96", "group2"},
	{"IKE aes-192-cbc sha-512 5", "aes-192-cbc", "sha-512", "group5", "aes-192-cbc",
		"hmac-sha-512", "group5"},
	{"IKE aes-192-gcm 15", "aes-192-gcm", "sha-384", "group15", "aes-192-gcm", NULL, NULL},
	{"IKE chacha20 32", "chacha20-poly1305", "sha-256", "group32", "chacha20-poly1305", NULL,
		"group32"},
	{"IKE aes-128-cbc 24", "aes-128-cbc", "sha-256", "group24", "aes-128-gcm", NULL, "group24"},
	{"IKE aes-128-gcm 21", "aes-128-gcm", "sha-256", "group21", "aes-128-gcm", NULL, "group21"},
	{"IKE aes-128-gcm 16", "aes-128-gcm", "sha-256", "group16", "aes-128-gcm", NULL, NULL},
};

static void every_suite_comes_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		struct pair_side a = side_a, b = side_b;
		char extra[256] = "";
		struct pair *p;

		a.ike_encr = b.ike_encr = suites[i].ike_encr;
		a.auth = b.auth = suites[i].auth;
		a.dh = b.dh = suites[i].dh;
		a.esp = b.esp = suites[i].esp;
		a.pfs = b.pfs = suites[i].pfs;
		if (suites[i].esp_auth)
			(void)snprintf(extra, sizeof extra,
				"set security ipsec proposal E authentication-algorithm %s\n",
				suites[i].esp_auth);
		a.extra = b.extra = extra;
		print_message("# %s\n", suites[i].name);
		p = pair_of(&a, &b);
		pair_acquire(p, 0);
		pair_settle(p);
		pair_check_up(p, 0, 1);
		pair_free(p);
	}
}

/* DH-011 */
static void another_group_is_asked_for(void **state)
{
	struct pair_side a = side_a;
	struct pair *p;

	(void)state;
	a.dh = "group19";
	a.extra = "set security ike proposal Q authentication-method pre-shared-keys\n"
		  "set security ike proposal Q dh-group group31\n"
		  "set security ike proposal Q encryption-algorithm aes-256-gcm\n"
		  "set security ike policy IP proposals Q\n";
	p = pair_of(&a, &side_b);
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_int_equal(p->packets, 6);
	assert_int_equal(pair_sa(p, 0)->suite.dh->id, 31);
	pair_free(p);
}

static void nothing_in_common_is_refused(void **state)
{
	struct pair_side a = side_a;
	struct pair *p;

	(void)state;
	a.ike_encr = "aes-128-gcm";
	p = pair_of(&a, &side_b);
	pair_acquire(p, 0);
	pair_pass(p, 5000);
	assert_int_equal(pair_open_sas(p, 0), 0);
	assert_int_equal(pair_open_sas(p, 1), 0);
	assert_true(pair_said(p, 1, "ike.proposal.refused"));
	assert_true(pair_said(p, 0, "ike.init.refused"));
	pair_free(p);
}

/* PRP-011 */
static void no_common_child_leaves_the_ike_sa(void **state)
{
	struct pair_side a = side_a;
	struct pair *p;

	(void)state;
	a.esp = "aes-128-gcm";
	p = pair_of(&a, &side_b);
	pair_acquire(p, 0);
	pair_pass(p, 5000);
	assert_non_null(pair_sa(p, 0));
	assert_non_null(pair_sa(p, 1));
	assert_int_equal(pair_children(p, 0), 0);
	assert_int_equal(pair_children(p, 1), 0);
	pair_free(p);
}

/* AUT-001, ID-004, PRP-014 */
static void wrong_key_is_refused(void **state)
{
	struct pair_side a = side_a;
	struct pair *p;

	(void)state;
	a.psk = "something else entirely";
	p = pair_of(&a, &side_b);
	pair_acquire(p, 0);
	pair_settle(p);
	assert_int_equal(p->packets, 4);
	assert_true(pair_said(p, 1, "reason=\"the peer's pre-shared key differs\""));
	assert_true(pair_said(p, 0, "ike.auth.failed"));
	assert_int_equal(pair_open_sas(p, 0), 0);
	assert_int_equal(pair_sas(p, 1, SA_REFUSED), 1);
	assert_int_equal(pair_children(p, 1), 0);
	pair_pass(p, 60000);
	assert_int_equal(pair_sas(p, 1, SA_REFUSED), 0);
	assert_null(p->node[1].log); /* I9: nothing was written */
	pair_free(p);
}

static void sum_up(void *ctx, const struct ike_sa_row *row)
{
	*(struct ike_sa_row *)ctx = *row;
}

static struct ike_sa_row counted(struct pair *p, uint32_t who)
{
	const struct ike_filter all = {0};
	struct ike_sa_row r = {0};

	assert_int_equal(ike_show_sas(p->node[who].ike, &all, p->now_ms, sum_up, &r), 0);
	return r;
}

/* What one side sends is what the other one counts, IKE_SA_INIT and each fragment too. */
static void messages_of_an_sa_are_counted(void **state)
{
	struct pair *p = pair_ordinary();
	struct ike_sa_row a, b;

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	a = counted(p, 0);
	b = counted(p, 1);
	assert_int_equal(a.out_packets, 2);
	assert_int_equal(a.in_packets, 2);
	assert_int_equal(a.out_packets, b.in_packets);
	assert_int_equal(a.in_packets, b.out_packets);
	assert_int_equal(a.out_bytes, b.in_bytes);
	assert_int_equal(a.in_bytes, b.out_bytes);
	pair_free(p);
}

static void unknown_identity_looks_like_a_wrong_key(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;
	size_t sizes[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		a.psk = i ? "something else entirely" : side_a.psk;
		a.extra =
			i ? NULL : "set security ike gateway G local-identity hostname x.example\n";
		p = pair_of(&a, &b);
		pair_acquire(p, 0);
		while (!pair_sas(p, 1, SA_REFUSED) && pair_step(p))
			;
		assert_int_equal(p->first->kind, TASK_PACKET);
		sizes[i] = p->first->packet.n;
		pair_settle(p);
		assert_int_equal(pair_open_sas(p, 0), 0);
		pair_free(p);
	}
	assert_int_equal(sizes[0], sizes[1]);
}

/* The responder proves itself with another key than we expect: it is told, and loses the SA. */
static void initiator_refuses_a_strange_responder(void **state)
{
	struct pair_side b = side_b;
	struct pair *p;

	(void)state;
	b.extra = "set security ike gateway G local-identity hostname other.example\n";
	p = pair_of(&side_a, &b);
	pair_acquire(p, 0);
	pair_settle(p);
	assert_true(pair_said(p, 0, "the peer's identity is not the configured one"));
	assert_null(pair_sa(p, 0));
	assert_null(pair_sa(p, 1));
	assert_int_equal(pair_children(p, 0), 0);
	assert_int_equal(pair_children(p, 1), 0);
	pair_pass(p, 60000);
	assert_int_equal(pair_open_sas(p, 0), 0);
	assert_null(p->node[0].log);
	assert_null(p->node[1].log);
	pair_free(p);
}

static const struct {
	const char *statement; /* type and value */
	bool up;
	const char *expected;
} identities[] = {
	{"hostname a.example.net", true, "hostname a.example.net"},
	{"hostname A.Example.NET", true, "hostname a.example.net"},
	{"hostname b.example.net", false, "hostname a.example.net"},
	{"user-at-hostname joe@example.net", true, "user-at-hostname joe@example.net"},
	{"user-at-hostname jim@example.net", false, "user-at-hostname joe@example.net"},
	{"hostname joe.example.net", false, "user-at-hostname joe.example.net@x"},
	{"inet 198.51.100.9", true, "inet 198.51.100.9"},
	{"inet 198.51.100.9", false, "inet 198.51.100.8"},
	{"inet6 2001:db8::9", true, "inet6 2001:db8::9"},
	{"key-id 0a0b", true, "key-id 0a0b"},
	{"key-id 0a0b", false, "key-id 0a0c"},
};

static void identities_must_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(identities); i++) {
		struct pair_side a = side_a, b = side_b;
		char own[256], remote[256];
		struct pair *p;

		(void)snprintf(own, sizeof own, "set security ike gateway G local-identity %s\n",
			identities[i].statement);
		(void)snprintf(remote, sizeof remote,
			"set security ike gateway G remote-identity %s\n", identities[i].expected);
		a.extra = own;
		b.extra = remote;
		print_message("# %s for %s\n", identities[i].statement, identities[i].expected);
		p = pair_of(&a, &b);
		pair_acquire(p, 0);
		pair_settle(p);
		if (identities[i].up)
			pair_check_up(p, 0, 1);
		else
			assert_int_equal(pair_open_sas(p, 1), 0);
		pair_free(p);
	}
}

/* ID-011 */
/* ID-001: without a statement it is the address of the gateway. */
static void who_says_nothing_is_its_address(void **state)
{
	struct pair *p = pair_up(NULL);

	(void)state;
	for (int n = 0; n < 2; n++) {
		const struct ident *said = &pair_sa(p, 1 - n)->remote_id;

		assert_int_equal(said->type, ID_IPV4_ADDR);
		assert_int_equal(said->data.n, 4);
		assert_memory_equal(said->data.p, p->node[n].addr.b, 4);
	}
	pair_free(p);
}

static void general_ikeid_takes_any_identity(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	a.extra = "set security ike gateway G local-identity hostname whoever.example\n";
	b.extra = "set security ike gateway G general-ikeid\n";
	p = pair_of(&a, &b);
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* TS-006 */
static void responder_narrows_selectors(void **state)
{
	struct pair_side b = side_b;
	char text[TSEL_TEXT_MAX];
	struct pair *p;

	(void)state;
	b.local_net = "10.2.7.0/24";
	p = pair_of(&side_a, &b);
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_string_equal(tsel_text(&p->node[0].sad->remote_ts[0], text), "10.2.7.0/24");
	assert_string_equal(tsel_text(&p->node[1].sad->local_ts[0], text), "10.2.7.0/24");
	assert_string_equal(tsel_text(&p->node[1].sad->remote_ts[0], text), "10.1.0.0/16");
	pair_free(p);
}

static void disjoint_selectors_are_refused(void **state)
{
	struct pair_side b = side_b;
	struct pair *p;

	(void)state;
	b.local_net = "10.3.0.0/16";
	p = pair_of(&side_a, &b);
	pair_acquire(p, 0);
	pair_pass(p, 3000);
	assert_non_null(pair_sa(p, 0));
	assert_int_equal(pair_children(p, 0), 0);
	assert_int_equal(pair_children(p, 1), 0);
	pair_free(p);
}

/* TS-004 */
static void each_selector_gets_a_child(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	a.establish = "immediately";
	a.extra = "set security ipsec vpn V traffic-selector T2 local-ip 10.8.0.0/16\n"
		  "set security ipsec vpn V traffic-selector T2 remote-ip 10.9.0.0/16\n"
		  "set security ipsec vpn V traffic-selector T3 local-ip 10.10.0.0/16\n"
		  "set security ipsec vpn V traffic-selector T3 remote-ip 10.11.0.0/16\n";
	b.extra = "set security ipsec vpn V traffic-selector T2 local-ip 10.9.0.0/16\n"
		  "set security ipsec vpn V traffic-selector T2 remote-ip 10.8.0.0/16\n"
		  "set security ipsec vpn V traffic-selector T3 local-ip 10.11.0.0/16\n"
		  "set security ipsec vpn V traffic-selector T3 remote-ip 10.10.0.0/16\n";
	p = pair_of(&a, &b);
	pair_pass(p, 5000);
	assert_int_equal(pair_open_sas(p, 0), 1);
	assert_int_equal(pair_children(p, 0), 3);
	pair_check_mirrored(p, 0, 1);
	pair_free(p);
}

static void extended_sequence_numbers_are_negotiated(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;

	(void)state;
	a.extra = b.extra = "set security ipsec proposal E extended-sequence-number\n";
	p = pair_of(&a, &b);
	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_true(p->node[0].sad->esn && p->node[1].sad->esn);
	pair_free(p);
}

/* RFC 7296 2.4: the peer restarted and says so. */
static void initial_contact_ends_the_old_sa(void **state)
{
	struct pair *p = pair_ordinary();
	uint64_t old;

	(void)state;
	pair_acquire(p, 0);
	pair_settle(p);
	old = pair_sa(p, 1)->spi_local;
	pair_kill(p, 0);
	pair_start(p, 2, &side_a);
	pair_acquire(p, 2);
	pair_settle(p);
	assert_null(sa_find(p->node[1].ike, old));
	pair_check_up(p, 2, 1);
	pair_free(p);
}

/* ... and is not who it says: nothing ends for somebody who is not proved. */
static void initial_contact_of_a_stranger_ends_nothing(void **state)
{
	struct pair_side stranger = side_a;
	struct pair *p = pair_ordinary();
	uint64_t old;

	(void)state;
	stranger.psk = "incorrect horse battery";
	pair_acquire(p, 0);
	pair_settle(p);
	old = pair_sa(p, 1)->spi_local;
	pair_kill(p, 0);
	pair_start(p, 2, &stranger);
	pair_acquire(p, 2);
	pair_settle(p);
	assert_null(pair_sa(p, 2));
	assert_non_null(sa_find(p->node[1].ike, old));
	assert_int_equal(sa_find(p->node[1].ike, old)->state, SA_UP);
	assert_int_equal(pair_children(p, 1), 1);
	pair_free(p);
}

/* RFC 7296 2.4: of the same identities, whatever the address. */
static void initial_contact_ends_nothing_of_another_identity(void **state)
{
	struct pair_side a = side_a, b = side_b;
	struct pair *p;
	uint64_t old;

	(void)state;
	a.extra = "set security ike gateway G local-identity hostname one.example\n";
	b.extra = "set security ike gateway G general-ikeid\n";
	p = pair_of(&a, &b);
	pair_acquire(p, 0);
	pair_settle(p);
	old = pair_sa(p, 1)->spi_local;
	pair_kill(p, 0);
	a.extra = "set security ike gateway G local-identity hostname two.example\n";
	pair_start(p, 2, &a);
	pair_acquire(p, 2);
	pair_settle(p);
	assert_non_null(pair_sa(p, 2));
	assert_non_null(sa_find(p->node[1].ike, old));
	assert_int_equal(sa_find(p->node[1].ike, old)->state, SA_UP);
	pair_free(p);
}

/* A peer that refuses more than one child again and again: when the one goes, the next is tried at
 * once and not as late as after so many failures. */
static void refusals_of_more_delay_no_new_begin(void **state)
{
	struct pair_side a = side_a;
	struct tunnel *t;
	struct pair *p;

	(void)state;
	a.extra = "set security ipsec vpn V establish-tunnels immediately\n";
	p = pair_up_of(&a, &side_b);
	t = tunnel_find(p->node[0].ike, pair_policy(p, 0));
	for (int i = 0; i < 8; i++)
		tunnel_failed(p->node[0].ike, t, TUNNEL_SELECTORS);
	pair_operate(p, 0, IKE_OP_CLEAR_CHILD, NULL);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0), 0);
	pair_pass(p, 2000);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* DYN-001, DYN-003, PSK by identity: addresses that nobody named, told apart by who they say they
 * are. */
static void dynamic_peers_are_told_apart(void **state)
{
	static const char *const names[] = {"east.example", "west.example", "north.example"};
	struct pair_side b = side_b;
	struct pair *p = pair_new();

	(void)state;
	b.extra = "set interfaces st0 unit 1 family inet\n"
		  "set interfaces st0 unit 2 family inet\n"
		  "set security ike policy IP1 proposals P\n"
		  "set security ike policy IP1 pre-shared-key ascii-text \"key of the east\"\n"
		  "set security ike policy IP2 proposals P\n"
		  "set security ike policy IP2 pre-shared-key ascii-text \"key of the west\"\n"
		  "set security ike gateway D1 ike-policy IP1\n"
		  "set security ike gateway D1 dynamic hostname east.example\n"
		  "set security ike gateway D1 external-interface ge-0/0/0.0\n"
		  "set security ike gateway D1 version v2-only\n"
		  "set security ike gateway D2 ike-policy IP2\n"
		  "set security ike gateway D2 dynamic hostname west.example\n"
		  "set security ike gateway D2 external-interface ge-0/0/0.0\n"
		  "set security ike gateway D2 version v2-only\n"
		  "set security ipsec vpn V1 bind-interface st0.1\n"
		  "set security ipsec vpn V1 ike gateway D1\n"
		  "set security ipsec vpn V1 ike ipsec-policy EP\n"
		  "set security ipsec vpn V2 bind-interface st0.2\n"
		  "set security ipsec vpn V2 ike gateway D2\n"
		  "set security ipsec vpn V2 ike ipsec-policy EP\n";
	pair_start(p, 1, &b);
	for (int i = 0; i < 3; i++) {
		struct pair_side a = side_a;
		char extra[256];
		char own[32];

		(void)snprintf(own, sizeof own, "192.0.2.%d", 50 + i);
		(void)snprintf(extra, sizeof extra,
			"set security ike gateway G local-identity hostname %s\n", names[i]);
		a.own = own;
		a.psk = i == 0 ? "key of the east" : "key of the west";
		a.extra = extra;
		if (i == 2)
			pair_kill(p, 0);
		pair_start(p, i == 1 ? 2 : 0, &a);
		pair_acquire(p, i == 1 ? 2 : 0);
		pair_settle(p);
		assert_int_equal(pair_children(p, i == 1 ? 2 : 0), i < 2);
	}
	assert_true(pair_said(p, 1, "gw=D1"));
	assert_true(pair_said(p, 1, "vpn=V1") && pair_said(p, 1, "vpn=V2"));
	assert_true(pair_said(p, 1, "no gateway has this peer identity"));
	assert_int_equal(pair_children(p, 1), 2);
	pair_free(p);
}

static void replication_comes_before_output(void **state)
{
	struct pair *p = pair_ordinary();

	(void)state;
	p->node[0].hold_commits = true;
	pair_acquire(p, 0);
	pair_settle(p);
	assert_int_equal(p->packets, 2); /* IKE_AUTH is held */
	pair_pass(p, 3000);
	assert_int_equal(p->packets, 2);
	p->node[1].hold_commits = true;
	pair_release(p, 0);
	pair_settle(p);
	assert_int_equal(p->node[1].sent, 1);
	assert_int_equal(p->node[1].installs, 0); /* nor is anything installed */
	pair_release(p, 1);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	pair_free(p);
}

/* The answer that makes a child waits for the dataplane; a dataplane that refuses ends the child.
 */
static void child_that_cannot_be_installed_is_deleted(void **state)
{
	struct pair *p = pair_ordinary();

	(void)state;
	p->node[1].install_rc = -ERR_LIMIT;
	pair_acquire(p, 0);
	pair_settle(p);
	assert_int_equal(pair_children(p, 0), 0);
	assert_int_equal(pair_children(p, 1), 0);
	assert_non_null(pair_sa(p, 0));
	pair_free(p);
}

/* ---------------------------------------------------------------- refusals in clear */

struct forger {
	uint16_t notify;
	unsigned left; /* how many answers are hidden behind it */
	unsigned sent;
};

/* Before the answer to an IKE_SA_INIT comes, somebody else refuses. */
static bool forge_refusal(struct pair *p, struct packet *k)
{
	struct forger *f = p->wire_ctx;
	struct ike_header h = packet_header(k);
	struct packet bad = *k;
	struct writer w;
	struct view v;

	if (h.exchange != EXCHANGE_IKE_SA_INIT || !(h.flags & IKE_FLAG_RESPONSE) || f->left == 0)
		return true;
	f->left--;
	h.spi_r = 0;
	writer_begin(&w, bad.octets, sizeof bad.octets, &h);
	tx_notify(&w, f->notify, (struct view){0});
	assert_int_equal(writer_end(&w, &v), 0);
	bad.n = v.n;
	*k = bad;
	f->sent++;
	return true;
}

/* RFC 7296 2.21.1: nobody who cannot do more than talk ends an attempt. */
static void a_forged_refusal_ends_nothing(void **state)
{
	static const uint16_t notifies[] = {N_NO_PROPOSAL_CHOSEN, N_INVALID_SYNTAX,
		N_AUTHENTICATION_FAILED, N_UNSUPPORTED_CRITICAL_PAYLOAD, 8191};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(notifies); i++) {
		struct forger f = {.notify = notifies[i], .left = 2};
		struct pair *p = pair_ordinary();

		p->wire = forge_refusal;
		p->wire_ctx = &f;
		p->unchecked = true;
		pair_acquire(p, 0);
		pair_pass(p, 2900);
		assert_int_equal(f.sent, 2);
		assert_int_equal(p->node[0].ike->stats.init_refusals, 2);
		pair_check_up(p, 0, 1);
		assert_int_equal(p->node[0].ike->stats.ike_initiated, 1);
		pair_pass(p, 10000);
		pair_check_up(p, 0, 1);
		pair_free(p);
	}
}

/* But who says nothing else is believed, after a while, and the log says it once. */
static void a_refusal_is_believed_at_last(void **state)
{
	struct forger f = {.notify = N_NO_PROPOSAL_CHOSEN, .left = 1000};
	struct pair *p = pair_ordinary();

	(void)state;
	p->wire = forge_refusal;
	p->wire_ctx = &f;
	p->unchecked = true;
	pair_acquire(p, 0);
	pair_pass(p, 2900);
	assert_int_equal(pair_open_sas(p, 0), 1);
	assert_true(pair_said(p, 0, "ike.init.refused"));
	pair_pass(p, 200);
	assert_int_equal(pair_open_sas(p, 0), 0);
	assert_int_equal(tunnel_find(p->node[0].ike, pair_policy(p, 0))->down, TUNNEL_IKE_PROPOSAL);
	f.left = 0;
	pair_acquire(p, 0);
	pair_pass(p, 1000);
	assert_int_equal(pair_children(p, 0), 1);
	assert_int_equal(pair_children(p, 1), 1);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traffic_brings_the_tunnel_up),
		cmocka_unit_test(establish_immediately_needs_no_traffic),
		cmocka_unit_test(establish_immediately_tries_again),
		cmocka_unit_test(responder_only_never_begins),
		cmocka_unit_test(every_suite_comes_up),
		cmocka_unit_test(another_group_is_asked_for),
		cmocka_unit_test(nothing_in_common_is_refused),
		cmocka_unit_test(no_common_child_leaves_the_ike_sa),
		cmocka_unit_test(wrong_key_is_refused),
		cmocka_unit_test(unknown_identity_looks_like_a_wrong_key),
		cmocka_unit_test(initiator_refuses_a_strange_responder),
		cmocka_unit_test(identities_must_match),
		cmocka_unit_test(who_says_nothing_is_its_address),
		cmocka_unit_test(general_ikeid_takes_any_identity),
		cmocka_unit_test(responder_narrows_selectors),
		cmocka_unit_test(disjoint_selectors_are_refused),
		cmocka_unit_test(each_selector_gets_a_child),
		cmocka_unit_test(extended_sequence_numbers_are_negotiated),
		cmocka_unit_test(initial_contact_ends_the_old_sa),
		cmocka_unit_test(refusals_of_more_delay_no_new_begin),
		cmocka_unit_test(initial_contact_of_a_stranger_ends_nothing),
		cmocka_unit_test(initial_contact_ends_nothing_of_another_identity),
		cmocka_unit_test(dynamic_peers_are_told_apart),
		cmocka_unit_test(replication_comes_before_output),
		cmocka_unit_test(child_that_cannot_be_installed_is_deleted),
		cmocka_unit_test(messages_of_an_sa_are_counted),
		cmocka_unit_test(a_forged_refusal_ends_nothing),
		cmocka_unit_test(a_refusal_is_believed_at_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
