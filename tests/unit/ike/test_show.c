/* What the operator is told of tunnels that are not up (CLI-004, OBS-001). */
#include "pair_story.h"

#include <stdio.h>

#include "ike/show.h"

struct seen {
	unsigned rows, immediately;
	struct ike_inactive_row last;
};

static void note(void *ctx, const struct ike_inactive_row *row)
{
	struct seen *s = ctx;

	s->rows++;
	s->immediately += row->immediately;
	s->last = *row;
}

static struct seen look(struct pair *p, int node)
{
	struct seen s = {0};

	assert_int_equal(ike_show_inactive(p->node[node].ike, note, &s), 0);
	return s;
}

static void check_reason(struct pair *p, int node, const char *reason)
{
	const struct seen s = look(p, node);

	assert_int_equal(s.rows, 1);
	assert_int_equal(s.last.index, 500001);
	assert_string_equal(s.last.gateway, "G");
	assert_string_equal(s.last.selector->vpn->name, "V");
	assert_string_equal(s.last.reason, reason);
}

/* Why a tunnel is not up after node 0 has tried, or waited, for a while. */
static void reasons(void **state)
{
	static const struct {
		const char *name, *reason;
		struct pair_side a, b;
		bool asked, silent;
	} cases[] = {
		{.name = "nobody asked", .reason = "Waiting for traffic"},
		{.name = "it only answers",
			.reason = "Responder-only waiting for peer",
			.a.establish = "responder-only"},
		{.name = "a name without an address",
			.reason = "Peer address not reachable",
			.a.extra = "delete security ike gateway G address\n"
				   "set security ike gateway G address nowhere.example\n"},
		{.name = "nobody is there",
			.reason = "No response from peer",
			.asked = true,
			.silent = true},
		{.name = "another key",
			.reason = "Authentication failed",
			.b.psk = "another horse altogether",
			.asked = true},
		{.name = "another name",
			.reason = "ID validation failed",
			.b.extra =
				"set security ike gateway G local-identity hostname who.example\n",
			.asked = true},
		{.name = "other algorithms of IKE",
			.reason = "Phase1 proposal mismatch detected",
			.b.dh = "group20",
			.b.ike_encr = "aes-128-gcm",
			.asked = true},
		{.name = "other algorithms of ESP",
			.reason = "Phase2 proposal mismatch detected",
			.b.esp = "aes-128-gcm",
			.asked = true},
		{.name = "other networks",
			.reason = "Traffic selector mismatch",
			.b.remote_net = "10.99.0.0/16",
			.asked = true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pair_side side[2] = {side_a, side_b};
		struct pair *p;
		struct seen s;

		print_message("# %s\n", cases[i].name);
		side[0].establish = cases[i].a.establish ? cases[i].a.establish : side[0].establish;
		side[0].extra = cases[i].a.extra;
		side[1].extra = cases[i].b.extra;
		side[1].psk = cases[i].b.psk ? cases[i].b.psk : side[1].psk;
		side[1].dh = cases[i].b.dh ? cases[i].b.dh : side[1].dh;
		side[1].ike_encr = cases[i].b.ike_encr ? cases[i].b.ike_encr : side[1].ike_encr;
		side[1].esp = cases[i].b.esp ? cases[i].b.esp : side[1].esp;
		side[1].remote_net =
			cases[i].b.remote_net ? cases[i].b.remote_net : side[1].remote_net;
		p = pair_of(&side[0], &side[1]);
		if (cases[i].silent)
			pair_kill(p, 1);
		if (cases[i].asked)
			pair_acquire(p, 0);
		pair_pass(p, cases[i].asked ? 200000 : 1000);
		check_reason(p, 0, cases[i].reason);
		s = look(p, 0);
		assert_int_equal(s.last.failures > 0, cases[i].asked);
		assert_int_equal(s.last.last_fail_unix_s != 0, cases[i].asked);
		assert_int_equal(s.last.negotiations, 0);
		assert_int_equal(s.immediately, 0);
		pair_free(p);
	}
}

static void a_certificate_that_is_not_trusted(void **state)
{
	const char *lines = METHOD("certificates") CERT_LINES;
	struct story s = story_of(PAIR_P256, lines, lines);

	(void)state;
	s.a->anchor = story_ca.other.cert;
	story_start(&s);
	pair_acquire(s.p, 0);
	pair_pass(s.p, 200000);
	check_reason(s.p, 0, "Certificate verification failed");
	story_end(&s);
}

static void what_is_up_is_not_listed(void **state)
{
	struct pair_side side = side_a;
	struct pair *p;
	struct seen s;

	(void)state;
	side.establish = "immediately";
	p = pair_of(&side, &side_b);
	s = look(p, 0);
	assert_int_equal(s.rows, 1);
	assert_int_equal(s.immediately, 1);
	assert_true(s.last.remote.family != 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	assert_int_equal(look(p, 0).rows, 0);
	assert_int_equal(look(p, 1).rows, 0);
	pair_free(p);
}

/* Whose SAs were cleared is told so, and the peer that it was the other end. */
static void cleared_is_told(void **state)
{
	struct pair *p = pair_up(NULL);

	(void)state;
	assert_int_equal(pair_operate(p, 0, IKE_OP_CLEAR_IKE, NULL), 1);
	pair_settle(p);
	check_reason(p, 0, "Cleared via CLI");
	check_reason(p, 1, "Deleted by peer");
	assert_int_equal(look(p, 0).last.negotiations, 1);
	assert_true(look(p, 0).last.last_up_unix_s != 0);
	pair_free(p);
}

/* It knows the tunnels of a group that it does not own, but not whether they are up. */
static void only_the_owner_knows(void **state)
{
	struct ike_event ev = {.type = IKE_EV_RG, .rg = {.rg = 0, .active = false}};
	struct pair *p = pair_ordinary();

	(void)state;
	assert_int_equal(look(p, 0).rows, 1);
	assert_int_equal(pair_feed(p, 0, &ev), 0);
	assert_int_equal(look(p, 0).rows, 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons),
		cmocka_unit_test(a_certificate_that_is_not_trusted),
		cmocka_unit_test(what_is_up_is_not_listed),
		cmocka_unit_test(cleared_is_told),
		cmocka_unit_test(only_the_owner_knows),
	};

	return cmocka_run_group_tests(tests, story_ca_setup, story_ca_teardown);
}
