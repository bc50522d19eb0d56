/*
 * A dynamic gateway and its peers (AVP-001, AVP-002, DYN-001, DYN-002, ID-012): each is a spoke
 * with tunnels of its own, however they come, go, come again and whoever owns them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "ike/spoke.h"
#include "pair.h"

#define HUB   1
#define HEIR  3
#define GROUP "set security ike gateway G dynamic ike-user-type group-ike-id\n"

/* pair_model() writes an address for its gateway: the hub's is another one, for everybody. */
static struct pair_side hub_side(const char *dynamic, char room[2048])
{
	struct pair_side b = side_b;

	(void)snprintf(room, 2048,
		"delete security ike gateway G address\n"
		"%s",
		dynamic);
	b.local_net = "10.0.0.0/16";
	b.remote_net = "10.128.0.0/9";
	b.extra = room;
	return b;
}

static void hub_start(struct pair *p, const char *dynamic)
{
	char room[2048];
	struct pair_side b = hub_side(dynamic, room);

	pair_start(p, HUB, &b);
}

/* Spoke n at node i: spoke<n>.example.net with 10.<128+n>.0.0/16, at 192.0.2.<at>. */
static void spoke_start(struct pair *p, int node, unsigned n, unsigned at)
{
	struct pair_side a = side_a;
	char own[32], net[32], extra[512];

	(void)snprintf(own, sizeof own, "192.0.2.%u", at);
	(void)snprintf(net, sizeof net, "10.%u.%u.0/24", 128 + n / 250, n % 250);
	(void)snprintf(extra, sizeof extra,
		"set security ike gateway G local-identity hostname spoke%u.example.net\n", n);
	a.own = own;
	a.local_net = net;
	a.remote_net = "10.0.0.0/16";
	a.extra = extra;
	pair_start(p, node, &a);
	pair_acquire(p, node);
	pair_settle(p);
}

static struct gateway *hub_gateway(struct pair *p, int hub)
{
	return gateway_find(p->node[hub].ike, "G");
}

static unsigned spokes(struct pair *p, int hub)
{
	return HASH_CNT(of_parent, hub_gateway(p, hub)->spokes);
}

/* The tunnel of the spoke that has this address in its network. */
static struct tunnel *tunnel_to(struct pair *p, int hub, const char *net)
{
	struct child *c, *next;
	struct prefix want;

	assert_int_equal(prefix_parse(net, &want), 0);
	map_foreach (p->node[hub].ike->children, c, next)
		if (addr_equal(&c->remote_ts->v[0].lo, &want.addr) && c->state == CHILD_UP)
			return c->tunnel;
	return NULL;
}

static void each_has_a_tunnel_of_its_own(void **state)
{
	struct pair *p = pair_new();
	const struct tunnel *t[3];

	(void)state;
	hub_start(p, "set security ike gateway G dynamic hostname example.net\n" GROUP);
	spoke_start(p, 0, 1, 51);
	spoke_start(p, 2, 2, 52);
	spoke_start(p, 4, 3, 53);
	assert_int_equal(spokes(p, HUB), 3);
	assert_int_equal(spokes_connected(hub_gateway(p, HUB)), 3);
	assert_int_equal(pair_children(p, HUB), 3);
	t[0] = tunnel_to(p, HUB, "10.128.1.0/24");
	t[1] = tunnel_to(p, HUB, "10.128.2.0/24");
	t[2] = tunnel_to(p, HUB, "10.128.3.0/24");
	for (int i = 0; i < 3; i++) {
		assert_non_null(t[i]);
		assert_non_null(t[i]->gw->parent);
		assert_ptr_equal(
			t[i]->of, tunnel_find(p->node[HUB].ike, model_policy_id("V", "T1")));
		assert_int_equal(t[i]->id, t[i]->policy_id);
		assert_true(t[i]->policy_id != t[(i + 1) % 3]->policy_id);
		assert_true(t[i]->gw->number != t[(i + 1) % 3]->gw->number);
	}
	pair_free(p);
}

/* What a dataplane was told is what the record says. */
static void the_dataplane_knows_them_apart(void **state)
{
	struct pair *p = pair_new();
	const struct pair_child *a, *b;

	(void)state;
	hub_start(p, "set security ike gateway G dynamic hostname example.net\n" GROUP);
	spoke_start(p, 0, 1, 51);
	spoke_start(p, 2, 2, 52);
	a = p->node[HUB].sad;
	b = a->next;
	assert_non_null(b);
	assert_int_equal(a->selector_id, model_policy_id("V", "T1"));
	assert_int_equal(b->selector_id, a->selector_id);
	assert_true(a->policy_id != b->policy_id && a->policy_id != a->selector_id);
	assert_true(a->peer != b->peer && a->peer != 0 && b->peer != 0);
	assert_int_equal(p->node[0].sad->selector_id, 0);
	assert_int_equal(p->node[0].sad->peer, 0);
	pair_free(p);
}

static void rekeys_stay_with_the_spoke(void **state)
{
	struct pair *p = pair_new();
	uint32_t id;

	(void)state;
	hub_start(p, "set security ike gateway G dynamic hostname example.net\n" GROUP);
	spoke_start(p, 0, 1, 51);
	spoke_start(p, 2, 2, 52);
	id = tunnel_to(p, HUB, "10.128.1.0/24")->policy_id;
	assert_int_equal(pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL), 1);
	assert_int_equal(pair_operate(p, HUB, IKE_OP_REKEY_IKE, NULL), 2);
	pair_settle(p);
	assert_int_equal(pair_operate(p, HUB, IKE_OP_REKEY_CHILD, NULL), 2);
	pair_settle(p);
	pair_pass(p, 60000);
	assert_int_equal(pair_children(p, HUB), 2);
	assert_int_equal(spokes(p, HUB), 2);
	assert_int_equal(tunnel_to(p, HUB, "10.128.1.0/24")->policy_id, id);
	pair_free(p);
}

static void a_closed_spoke_leaves_nothing(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	hub_start(p, "set security ike gateway G dynamic hostname example.net\n" GROUP);
	spoke_start(p, 0, 1, 51);
	spoke_start(p, 2, 2, 52);
	assert_int_equal(pair_operate(p, 0, IKE_OP_CLEAR_IKE, NULL), 1);
	pair_settle(p);
	assert_int_equal(spokes_connected(hub_gateway(p, HUB)), 1);
	pair_pass(p, 300000);
	assert_int_equal(spokes(p, HUB), 1);
	assert_int_equal(HASH_CNT(by_number, p->node[HUB].ike->spokes), 1);
	assert_int_equal(HASH_COUNT(p->node[HUB].ike->tunnels), 2); /* configured, and one copy */
	pair_free(p);
}

/* DYN-002: traffic of ours alone begins nothing. */
static void the_hub_never_begins(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	hub_start(p, "set security ike gateway G dynamic hostname example.net\n" GROUP);
	pair_acquire(p, HUB);
	pair_settle(p);
	assert_int_equal(p->packets, 0);
	pair_free(p);
}

/* AVP-002, ID-012. */
static void one_more_than_the_limit_is_refused(void **state)
{
	struct pair *p = pair_new();
	unsigned before;

	(void)state;
	hub_start(p, "set security ike gateway G dynamic hostname example.net\n" GROUP
		     "set security ike gateway G dynamic connections-limit 2\n");
	spoke_start(p, 0, 1, 51);
	spoke_start(p, 2, 2, 52);
	spoke_start(p, 4, 3, 53);
	assert_int_equal(pair_children(p, 4), 0);
	assert_int_equal(p->node[HUB].ike->stats.peers_over_limit, 1);
	assert_true(pair_said(p, HUB, "connections-limit is reached"));
	assert_true(pair_said(p, 4, "notify=43")); /* TEMPORARY_FAILURE */
	assert_int_equal(pair_children(p, HUB), 2);
	/* One that is in already may come again, */
	pair_kill(p, 0);
	spoke_start(p, 0, 1, 51);
	assert_int_equal(pair_children(p, 0), 1);
	/* and when one leaves there is room: a closed SA that still answers does not count. */
	before = (unsigned)p->node[HUB].ike->stats.peers_over_limit;
	assert_int_equal(pair_operate(p, 2, IKE_OP_CLEAR_IKE, NULL), 1);
	pair_settle(p);
	pair_kill(p, 4);
	spoke_start(p, 4, 3, 53);
	assert_int_equal(pair_children(p, 4), 1);
	assert_int_equal(p->node[HUB].ike->stats.peers_over_limit, before);
	pair_free(p);
}

/* Many refusals are one line a second. */
static void refusals_are_not_a_flood_of_lines(void **state)
{
	struct pair *p = pair_new();
	unsigned lines = 0;

	(void)state;
	hub_start(p, "set security ike gateway G dynamic hostname example.net\n" GROUP
		     "set security ike gateway G dynamic connections-limit 1\n");
	spoke_start(p, 0, 1, 51);
	for (unsigned i = 0; i < 20; i++) {
		pair_kill(p, 2);
		spoke_start(p, 2, 10 + i, 60 + i);
	}
	assert_int_equal(p->node[HUB].ike->stats.peers_over_limit, 20);
	for (const char *at = p->node[HUB].said; (at = strstr(at, "peer.refused")) != NULL; at++)
		lines++;
	assert_in_range(lines, 1, 2);
	pair_free(p);
}

static void the_newer_replaces_the_older(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	hub_start(p, "set security ike gateway G dynamic hostname example.net\n" GROUP);
	spoke_start(p, 0, 1, 51);
	spoke_start(p, 2, 1, 52); /* the same, elsewhere */
	assert_int_equal(spokes(p, HUB), 1);
	assert_int_equal(pair_children(p, 2), 1);
	assert_int_equal(pair_children(p, HUB), 1);
	assert_int_equal(pair_sa(p, HUB)->remote.addr.b[3], 52);
	pair_check_mirrored(p, 2, HUB);
	pair_free(p);
}

static void with_the_flag_the_older_stays(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	hub_start(p, "set security ike gateway G dynamic hostname example.net\n" GROUP
		     "set security ike gateway G dynamic reject-duplicate-connection\n");
	spoke_start(p, 0, 1, 51);
	spoke_start(p, 2, 1, 52);
	assert_int_equal(pair_children(p, 2), 0);
	assert_int_equal(p->node[HUB].ike->stats.peers_duplicate, 1);
	assert_true(pair_said(p, HUB, "this identity is connected from elsewhere"));
	pair_check_up(p, 0, HUB);
	/* From where it was it may come again. */
	pair_kill(p, 0);
	spoke_start(p, 0, 1, 51);
	assert_int_equal(pair_children(p, 0), 1);
	pair_free(p);
}

static void a_shared_identity_is_no_duplicate(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	hub_start(p, "set security ike gateway G dynamic hostname spoke1.example.net\n"
		     "set security ike gateway G dynamic ike-user-type shared-ike-id\n"
		     "set security ike gateway G dynamic reject-duplicate-connection\n"
		     "delete security ipsec vpn V traffic-selector\n");
	spoke_start(p, 0, 1, 51);
	spoke_start(p, 2, 1, 52);
	assert_int_equal(spokes(p, HUB), 2);
	assert_int_equal(pair_children(p, HUB), 2);
	assert_int_equal(p->node[HUB].ike->stats.peers_replaced, 0);
	pair_free(p);
}

/* Who came first keeps its network. */
static void overlapping_networks_are_refused(void **state)
{
	struct pair *p = pair_new();
	struct pair_side a = side_a;

	(void)state;
	hub_start(p, "set security ike gateway G dynamic hostname example.net\n" GROUP);
	spoke_start(p, 0, 1, 51);
	a.own = "192.0.2.52";
	a.local_net = "10.128.0.0/23";
	a.remote_net = "10.0.0.0/16";
	a.extra = "set security ike gateway G local-identity hostname other.example.net\n";
	pair_start(p, 2, &a);
	pair_acquire(p, 2);
	pair_settle(p);
	assert_int_equal(pair_children(p, 2), 0);
	assert_true(pair_said(p, HUB, "another peer has these addresses"));
	assert_int_equal(spokes_connected(hub_gateway(p, HUB)), 2); /* the IKE SA stands */
	pair_free(p);
}

/* Architecture rule 11: peers of a dynamic gateway are run-time records. */
static void the_heir_knows_them_all(void **state)
{
	struct pair *p = pair_new();
	char room[2048];
	struct pair_side b =
		hub_side("set security ike gateway G dynamic hostname example.net\n" GROUP, room);
	uint32_t id[2], number[2];

	(void)state;
	pair_start(p, HUB, &b);
	spoke_start(p, 0, 1, 51);
	spoke_start(p, 2, 2, 52);
	for (unsigned i = 0; i < 2; i++) {
		struct tunnel *t = tunnel_to(p, HUB, i ? "10.128.2.0/24" : "10.128.1.0/24");

		id[i] = t->policy_id;
		number[i] = t->gw->number;
	}
	pair_takeover(p, HUB, HEIR, &b, PAIR_LOSE_UNCOMMITTED);
	pair_settle(p);
	assert_int_equal(spokes(p, HEIR), 2);
	assert_int_equal(pair_children(p, HEIR), 2);
	for (unsigned i = 0; i < 2; i++) {
		struct tunnel *t = tunnel_to(p, HEIR, i ? "10.128.2.0/24" : "10.128.1.0/24");

		assert_int_equal(t->policy_id, id[i]);
		assert_int_equal(t->gw->number, number[i]);
	}
	/* New ones, rekeys and the limit go on from there. */
	spoke_start(p, 4, 3, 53);
	assert_int_equal(spokes(p, HEIR), 3);
	assert_int_equal(pair_operate(p, HEIR, IKE_OP_REKEY_CHILD, NULL), 3);
	pair_settle(p);
	pair_pass(p, 60000);
	assert_int_equal(tunnel_to(p, HEIR, "10.128.1.0/24")->policy_id, id[0]);
	assert_int_equal(p->node[HEIR].ike->stats.restore_failed, 0);
	pair_free(p);
}

static void a_new_configuration_reaches_them(void **state)
{
	struct pair *p = pair_new();
	char room[2048];
	struct pair_side b =
		hub_side("set security ike gateway G dynamic hostname example.net\n" GROUP
			 "set security ike gateway G dynamic connections-limit 2\n",
			room);
	const struct model_selector *was;

	(void)state;
	hub_start(p, "set security ike gateway G dynamic hostname example.net\n" GROUP);
	spoke_start(p, 0, 1, 51);
	spoke_start(p, 2, 2, 52);
	was = tunnel_to(p, HUB, "10.128.1.0/24")->model;
	pair_reconfigure(p, HUB, &b);
	pair_settle(p);
	assert_int_equal(pair_children(p, HUB), 2);
	assert_true(tunnel_to(p, HUB, "10.128.1.0/24")->model != was);
	spoke_start(p, 4, 3, 53);
	assert_int_equal(pair_children(p, 4), 0);
	/* Without its VPN a tunnel goes, without its gateway everything. */
	b = hub_side("set security ike gateway G dynamic hostname example.net\n" GROUP
		     "delete security ipsec vpn V traffic-selector T1\n"
		     "set security ipsec vpn V traffic-selector T2 local-ip 10.0.0.0/16\n"
		     "set security ipsec vpn V traffic-selector T2 remote-ip 10.128.0.0/9\n",
		room);
	pair_reconfigure(p, HUB, &b);
	pair_settle(p);
	assert_int_equal(pair_children(p, HUB), 0);
	assert_int_equal(spokes_connected(hub_gateway(p, HUB)), 2);
	b = side_b;
	pair_reconfigure(p, HUB, &b);
	pair_settle(p);
	pair_pass(p, 300000);
	assert_int_equal(HASH_CNT(by_number, p->node[HUB].ike->spokes), 0);
	assert_int_equal(pair_open_sas(p, HUB), 0);
	pair_free(p);
}

static bool in_group(enum model_id_type type, const char *group, uint8_t wire, const char *id)
{
	const struct model_identity m = {.type = type, .value = view_of_text(group)};
	const struct pld_id pld = {.type = wire, .data = view_of_text(id)};

	return ident_in_group(&m, &pld);
}

static void groups_of_identities(void **state)
{
	(void)state;
	assert_true(in_group(MODEL_ID_HOSTNAME, "example.net", ID_FQDN, "a.Example.net"));
	assert_true(in_group(MODEL_ID_HOSTNAME, "example.net", ID_FQDN, "a.b.example.net"));
	assert_true(in_group(MODEL_ID_HOSTNAME, ".example.net", ID_FQDN, "a.example.net"));
	assert_true(in_group(MODEL_ID_HOSTNAME, "example.net", ID_FQDN, "example.net"));
	assert_false(in_group(MODEL_ID_HOSTNAME, "example.net", ID_FQDN, "badexample.net"));
	assert_false(in_group(MODEL_ID_HOSTNAME, "example.net", ID_FQDN, "example.net.evil"));
	assert_false(in_group(MODEL_ID_HOSTNAME, "example.net", ID_FQDN, ""));
	assert_false(in_group(MODEL_ID_HOSTNAME, "example.net", ID_RFC822_ADDR, "a.example.net"));
	assert_true(in_group(MODEL_ID_USER_AT_HOSTNAME, "@x.net", ID_RFC822_ADDR, "a@x.net"));
	assert_false(in_group(MODEL_ID_USER_AT_HOSTNAME, "@x.net", ID_RFC822_ADDR, "a@b.x.net"));
	assert_true(in_group(MODEL_ID_USER_AT_HOSTNAME, "x.net", ID_RFC822_ADDR, "a@b.x.net"));
	assert_true(in_group(MODEL_ID_USER_AT_HOSTNAME, "x.net", ID_RFC822_ADDR, "a@x.net"));
	assert_false(in_group(MODEL_ID_USER_AT_HOSTNAME, "x.net", ID_RFC822_ADDR, "y.x.net"));
	assert_false(in_group(MODEL_ID_USER_AT_HOSTNAME, "b@x.net", ID_RFC822_ADDR, "a@x.net"));
	assert_false(in_group(MODEL_ID_USER_AT_HOSTNAME, "b@x.net", ID_RFC822_ADDR, "a.b@x.net"));
}

/* AVP-001: many with one gateway; each costs the same, whoever was there before. */
static void a_thousand_spokes(void **state)
{
	enum { MANY = 1000 };
	struct pair *p = pair_new();

	(void)state;
	p->unchecked = true; /* the observer remembers everything */
	hub_start(p, "set security ike gateway G dynamic hostname example.net\n" GROUP
		     "set security ike gateway G dynamic connections-limit 1000\n");
	for (unsigned i = 0; i <= MANY; i++) {
		spoke_start(p, 0, i, 51);
		assert_int_equal(pair_children(p, 0), i < MANY);
		pair_kill(p, 0);
	}
	assert_int_equal(spokes(p, HUB), MANY);
	assert_int_equal(pair_children(p, HUB), MANY);
	assert_int_equal(p->node[HUB].ike->stats.peers_over_limit, 1);
	print_message("# a spoke: %zu octets, its tunnel %zu\n", sizeof(struct gateway),
		sizeof(struct tunnel));
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_a_tunnel_of_its_own),
		cmocka_unit_test(the_dataplane_knows_them_apart),
		cmocka_unit_test(rekeys_stay_with_the_spoke),
		cmocka_unit_test(a_closed_spoke_leaves_nothing),
		cmocka_unit_test(the_hub_never_begins),
		cmocka_unit_test(one_more_than_the_limit_is_refused),
		cmocka_unit_test(refusals_are_not_a_flood_of_lines),
		cmocka_unit_test(the_newer_replaces_the_older),
		cmocka_unit_test(with_the_flag_the_older_stays),
		cmocka_unit_test(a_shared_identity_is_no_duplicate),
		cmocka_unit_test(overlapping_networks_are_refused),
		cmocka_unit_test(the_heir_knows_them_all),
		cmocka_unit_test(a_new_configuration_reaches_them),
		cmocka_unit_test(groups_of_identities),
		cmocka_unit_test(a_thousand_spokes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
