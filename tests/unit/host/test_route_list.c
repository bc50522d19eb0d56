#include "host_case.h"

#include "config/config.h"
#include "host/route_list.h"
#include "record.pb-c.h"

/*
 * What is configured as the operator writes it, which tunnels are up as records say it; the list as
 * a text, a line for each active route that leads somewhere else than a port's own network:
 *
 *	[INSTANCE] PREFIX SOURCE/PREFERENCE [to HOP] via UNIT [by VPN]
 */

#define VPN(name, peer, unit)                                                                      \
	"set security ike gateway " name " ike-policy P address " peer "\n"                        \
	"set security ike gateway " name " external-interface ge-0/0/0.0 version v2-only\n"        \
	"set security ipsec vpn " name " ike gateway " name " ipsec-policy P\n"                    \
	"set security ipsec vpn " name " bind-interface " unit "\n"

#define TS(vpn, name, remote)                                                                      \
	"set security ipsec vpn " vpn " traffic-selector " name                                    \
	" local-ip 10.1.0.0/16 remote-ip " remote "\n"

#define IMMEDIATELY(vpn) "set security ipsec vpn " vpn " establish-tunnels immediately\n"

static const char base[] =
	"set interfaces ge-0/0/0 dpdk-device a\n"
	"set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1/24\n"
	"set interfaces ge-0/0/1 dpdk-device b\n"
	"set interfaces ge-0/0/1 unit 0 family inet address 10.1.0.1/16\n"
	"set security ike proposal P dh-group group19 encryption-algorithm aes-256-gcm\n"
	"set security ike policy P proposals P pre-shared-key ascii-text secretsecret\n"
	"set security ipsec proposal P protocol esp encryption-algorithm aes-128-gcm\n"
	"set security ipsec policy P proposals P\n";

struct world {
	struct model *m;
	struct presence p;
	struct rib learned;
	Rec__ChildSa base; /* of the records that up() makes */
	char text[4096];
};

static void world_init(struct world *w, const char *lines)
{
	auto_complaints c = {0};
	auto_blob said = {0};
	char text[8192];

	*w = (struct world){.base = REC__CHILD_SA__INIT};
	(void)snprintf(text, sizeof text, "%s%s", base, lines);
	if (config_load(view_of_text(text), CONFIG_STANDALONE, &w->m, &c) < 0) {
		assert_int_equal(complaints_text(&c, &said), 0);
		fail_msg("%.*s", (int)said.n, (const char *)said.p);
	}
}

static void world_fini(struct world *w)
{
	presence_fini(&w->p);
	rib_fini(&w->learned);
	model_free(w->m);
}

/* A record of an SA of that tunnel; does it change anything? */
static bool up(
	struct world *w, uint32_t spi, const char *vpn, const char *selector, const char *remote)
{
	Rec__ChildSa s = w->base;
	Rec__Selector ts = REC__SELECTOR__INIT, *list[] = {&ts};
	struct prefix p;
	struct addr lo, hi;
	uint8_t room[256];
	bool changed = false;

	assert_int_equal(prefix_parse(remote, &p), 0);
	prefix_range(&p, &lo, &hi);
	ts.low = (ProtobufCBinaryData){addr_len(&lo), lo.b};
	ts.high = (ProtobufCBinaryData){addr_len(&hi), hi.b};
	s.policy_id = model_policy_id(vpn, selector);
	if (s.peer) { /* of a dynamic gateway */
		s.selector_id = s.policy_id;
		s.policy_id = 1000000 + s.peer;
	}
	s.n_remote_ts = 1;
	s.remote_ts = list;
	assert_true(rec__child_sa__get_packed_size(&s) <= sizeof room);
	assert_int_equal(
		presence_put(&w->p, 1, spi, view_of(room, rec__child_sa__pack(&s, room)), &changed),
		0);
	return changed;
}

static const char *tunnel_name(const struct model *m, uint32_t tunnel)
{
	for (uint32_t i = 0; i < m->n_vpns; i++)
		if (route_tunnel_id(&m->vpns[i]) == tunnel)
			return m->vpns[i].name;
	return tunnel == RIB_TUNNEL_NONE ? "nobody" : "?";
}

static const char *list(struct world *w)
{
	static const char *const source[] = {
		"direct", "local", "static", "auto", "reverse", "kernel", "hop", "guard"};
	struct rib rib = {0};
	size_t n = 0;

	assert_int_equal(
		route_list(
			&(struct route_world){.m = w->m, .p = &w->p, .learned = &w->learned}, &rib),
		0);
	rib_settle(&rib, NULL, 0);
	w->text[0] = '\0';
	for (size_t i = 0; i < rib.n; i++) {
		const struct rib_route *r = &rib.v[i];
		char to[ADDR_TEXT_MAX], hop[ADDR_TEXT_MAX];

		if (!r->active || r->source == RIB_LOCAL || strncmp(r->name, "ge", 2) == 0)
			continue;
		if (r->instance)
			n += (size_t)snprintf(w->text + n, sizeof w->text - n, "%s ",
				model_instance_name(w->m, r->instance));
		n += (size_t)snprintf(w->text + n, sizeof w->text - n,
			"%s/%u %s/%u%s%s via %s%s%s\n", addr_text(&r->to.addr, to), r->to.len,
			source[r->source], r->source == RIB_GUARD ? 0 : r->preference,
			r->via.family ? " to " : "", r->via.family ? addr_text(&r->via, hop) : "",
			r->name, r->tunnel ? " by " : "",
			r->tunnel ? tunnel_name(w->m, r->tunnel) : "");
		assert_true(n < sizeof w->text);
	}
	rib_fini(&rib);
	return w->text;
}

/* ARI: the selector's route comes and goes with its SA; while it is away nothing leaves in clear by
 * a less specific route. A VPN that waits for traffic keeps it: it is what asks. */
static void routes_follow_selectors(void **state)
{
	struct world w;

	(void)state;
	world_init(&w,
		"set interfaces st0 unit 1 family inet\n"
		"set interfaces st0 unit 2 family inet\n" VPN("A", "192.0.2.9", "st0.1")
			VPN("B", "192.0.2.10", "st0.2") IMMEDIATELY("A") TS("A", "T", "10.2.0.0/16")
				TS("A", "ALL", "0.0.0.0/0") TS("B", "T", "10.3.0.0/16"));
	assert_string_equal(list(&w), "10.2.0.0/16 guard/0 via st0.1\n"
				      "10.3.0.0/16 auto/5 via st0.2\n");
	assert_true(up(&w, 1, "A", "T", "10.2.0.0/16"));
	assert_string_equal(list(&w), "10.2.0.0/16 auto/5 via st0.1\n"
				      "10.3.0.0/16 auto/5 via st0.2\n");
	/* a rekey: two SAs, then the new one alone */
	assert_false(up(&w, 2, "A", "T", "10.2.0.0/16"));
	assert_false(presence_remove(&w.p, 1));
	assert_true(presence_remove(&w.p, 2));
	assert_string_equal(list(&w), "10.2.0.0/16 guard/0 via st0.1\n"
				      "10.3.0.0/16 auto/5 via st0.2\n");
	world_fini(&w);
}

/* ST0-001: through a unit that is down there is no way. */
static void routes_over_a_unit_follow_its_link(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "set interfaces st0 unit 1 family inet address 10.255.0.1/30\n"
		       "set routing-options static route 10.2.0.0/16 next-hop st0.1\n"
		       "set routing-options static route 10.3.0.0/16 next-hop "
		       "10.255.0.2\n" VPN("A", "192.0.2.9", "st0.1") IMMEDIATELY("A"));
	assert_string_equal(list(&w), "");
	assert_false(route_unit_is_up(&w.p, w.m, model_unit(w.m, "st0.1")));
	assert_true(up(&w, 1, "A", "", "0.0.0.0/0"));
	assert_true(route_unit_is_up(&w.p, w.m, model_unit(w.m, "st0.1")));
	assert_string_equal(list(&w), "10.2.0.0/16 static/5 via st0.1\n"
				      "10.3.0.0/16 static/5 to 10.255.0.2 via st0.1\n"
				      "10.255.0.0/30 direct/0 via st0.1\n");
	world_fini(&w);
}

/* ST0-002, ST0-003 */
static void routes_over_a_multipoint_unit_name_their_vpn(void **state)
{
	struct bindings b = {0};
	struct world w;

	(void)state;
	world_init(&w, "set interfaces st0 unit 1 multipoint family inet address 10.255.0.1/24\n"
		       "set interfaces st0 unit 1 family inet next-hop-tunnel 10.255.0.2 "
		       "ipsec-vpn A\n"
		       "set routing-options static route 10.2.0.0/16 next-hop 10.255.0.2\n"
		       "set routing-options static route 10.3.0.0/16 next-hop 10.255.0.3\n"
		       "set routing-options static route 10.4.0.0/16 next-hop 10.255.0.4\n" VPN(
			       "A", "192.0.2.9", "st0.1") VPN("B", "192.0.2.10", "st0.1")
			       TS("B", "T", "10.255.0.3/32"));
	assert_true(up(&w, 2, "B", "T", "10.255.0.3/32"));
	/* 10.255.0.3 leads to B by its selector and by the binding that it brought: both say B */
	assert_string_equal(list(&w), "10.2.0.0/16 static/5 to 10.255.0.2 via st0.1 by A\n"
				      "10.3.0.0/16 static/5 to 10.255.0.3 via st0.1 by B\n"
				      "10.255.0.0/24 direct/0 via st0.1 by nobody\n"
				      "10.255.0.2/32 hop/0 via st0.1 by A\n"
				      "10.255.0.3/32 hop/0 via st0.1 by B\n");
	assert_int_equal(route_bindings(w.m, &w.p, &b), 0);
	assert_int_equal(b.n, 2);
	assert_false(b.v[0].learned);
	assert_true(b.v[1].learned);
	assert_string_equal(b.v[1].vpn->name, "B");
	bindings_fini(&b);
	world_fini(&w);
}

/* ST0-004 */
static void routes_of_an_instance_stay_in_it(void **state)
{
	struct world w;

	(void)state;
	world_init(&w,
		"set interfaces st0 unit 1 family inet\n"
		"set routing-instances BLUE instance-type virtual-router interface st0.1\n"
		"set routing-instances BLUE interface ge-0/0/1.0\n"
		"set routing-instances BLUE routing-options static route 10.8.0.0/16 "
		"next-hop st0.1\n"
		"set routing-instances BLUE routing-options static route 10.9.0.0/16 "
		"next-hop 192.0.2.9\n" VPN("A", "192.0.2.9", "st0.1") TS("A", "T", "10.2.0.0/16"));
	assert_string_equal(list(&w), "BLUE 10.2.0.0/16 auto/5 via st0.1\n"
				      "BLUE 10.8.0.0/16 static/5 via st0.1\n");
	world_fini(&w);
}

/* RRI-002, 003, 006. Who sets reverse_preference is the services flavour; here the test does. */
static void routes_in_reverse(void **state)
{
	struct model_vpn *v;
	struct world w;

	(void)state;
	world_init(&w, "set interfaces st0 unit 1 family inet\n"
		       "set routing-options static route 172.16.2.0/24 next-hop 192.0.2.77\n" VPN(
			       "A", "192.0.2.9", "st0.1") IMMEDIATELY("A"));
	memcpy(&v, &w.m->vpns, sizeof v);
	v->reverse_preference = RIB_PREFER_REVERSE;
	assert_string_equal(list(&w), "");
	assert_true(up(&w, 1, "A", "", "172.16.2.0/24"));
	assert_true(up(&w, 2, "A", "", "0.0.0.0/0"));
	assert_string_equal(list(&w), "172.16.2.0/24 reverse/1 via st0.1\n");
	/* the same network by a second SA: one route, until the last one goes */
	assert_false(up(&w, 3, "A", "", "172.16.2.0/24"));
	assert_false(presence_remove(&w.p, 1));
	assert_string_equal(list(&w), "172.16.2.0/24 reverse/1 via st0.1\n");
	assert_true(presence_remove(&w.p, 3));
	assert_string_equal(list(&w), "");
	world_fini(&w);
}

#define HUB                                                                                        \
	"set security ike gateway H ike-policy P dynamic hostname example.net\n"                   \
	"set security ike gateway H external-interface ge-0/0/0.0 version v2-only\n"               \
	"set security ipsec vpn H ike gateway H ipsec-policy P\n"                                  \
	"set security ipsec vpn H bind-interface st0.1\n"

/* TS-008, AVP-001: each peer brings routes to what it has, and never to more. */
static void routes_of_spokes(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "set interfaces st0 unit 1 family inet\n" HUB TS("H", "T", "10.8.0.0/16"));
	assert_string_equal(list(&w), "10.8.0.0/16 guard/0 via st0.1\n");
	w.base.peer = 7;
	assert_true(up(&w, 1, "H", "T", "10.8.1.0/24"));
	w.base.peer = 8;
	assert_true(up(&w, 2, "H", "T", "10.8.2.0/24"));
	assert_string_equal(list(&w), "10.8.0.0/16 guard/0 via st0.1\n"
				      "10.8.1.0/24 auto/5 via st0.1\n"
				      "10.8.2.0/24 auto/5 via st0.1\n");
	assert_false(up(&w, 3, "H", "T", "10.8.2.0/24")); /* a rekey */
	assert_false(presence_remove(&w.p, 2));
	assert_true(presence_remove(&w.p, 1));
	assert_string_equal(list(&w), "10.8.0.0/16 guard/0 via st0.1\n"
				      "10.8.2.0/24 auto/5 via st0.1\n");
	world_fini(&w);
}

static uint32_t peer_behind(struct world *w, const char *hop)
{
	struct rib rib = {0};
	struct addr a;
	uint32_t peer;

	assert_int_equal(addr_parse(hop, &a), 0);
	assert_int_equal(route_list(&(struct route_world){.m = w->m, .p = &w->p}, &rib), 0);
	rib_settle(&rib, NULL, 0);
	peer = rib_find(&rib, 0, &a) ? rib_find(&rib, 0, &a)->peer : 0;
	rib_fini(&rib);
	return peer;
}

/* ST0-002, ST0-003: the next hop says which of them. */
static void next_hops_of_spokes(void **state)
{
	struct world w;

	(void)state;
	world_init(&w,
		"set interfaces st0 unit 1 multipoint family inet address 10.255.0.1/24\n" HUB
		"set routing-options static route 10.8.0.0/16 next-hop 10.255.0.8\n"
		"set routing-options static route 10.7.0.0/16 next-hop 10.255.0.7\n");
	w.base.peer = 7;
	assert_true(up(&w, 1, "H", "", "10.255.0.7/32"));
	w.base.peer = 8;
	assert_true(up(&w, 2, "H", "", "10.255.0.8/32"));
	assert_int_equal(peer_behind(&w, "10.7.1.1"), 7);
	assert_int_equal(peer_behind(&w, "10.8.1.1"), 8);
	assert_int_equal(peer_behind(&w, "10.255.0.8"), 8);
	assert_true(presence_remove(&w.p, 2));
	assert_int_equal(peer_behind(&w, "10.8.1.1"), 0);
	world_fini(&w);
}

static void learn(struct world *w, const char *to, const char *via, const char *unit)
{
	struct rib_route r = {.source = RIB_KERNEL,
		.preference = RIB_PREFER_KERNEL,
		.unit = model_interface_id(unit),
		.name = unit};

	assert_int_equal(prefix_parse(to, &r.to), 0);
	assert_int_equal(addr_parse(via, &r.via), 0);
	rib_add(&w->learned, &r);
}

/* Routing daemons: last of all, over units that are there, by bound next hops only. */
static void routes_of_the_kernel(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "set interfaces st0 unit 1 family inet address 10.254.0.1/30\n"
		       "set interfaces st0 unit 2 multipoint family inet address 10.255.0.1/24\n"
		       "set interfaces st0 unit 2 family inet next-hop-tunnel 10.255.0.2 "
		       "ipsec-vpn B\n" VPN("A", "192.0.2.9", "st0.1")
			       VPN("B", "192.0.2.10", "st0.2") TS("A", "T", "10.2.0.0/16"));
	learn(&w, "10.2.0.0/16", "10.254.0.2", "st0.1");
	learn(&w, "10.3.0.0/16", "10.254.0.2", "st0.1");
	learn(&w, "10.4.0.0/16", "10.255.0.2", "st0.2");
	learn(&w, "10.5.0.0/16", "10.255.0.3", "st0.2");
	learn(&w, "10.6.0.0/16", "10.255.0.3", "st0.9");
	assert_string_equal(list(&w), "10.2.0.0/16 auto/5 via st0.1\n"
				      "10.3.0.0/16 kernel/170 to 10.254.0.2 via st0.1\n"
				      "10.4.0.0/16 kernel/170 to 10.255.0.2 via st0.2 by B\n"
				      "10.254.0.0/30 direct/0 via st0.1\n"
				      "10.255.0.0/24 direct/0 via st0.2 by nobody\n"
				      "10.255.0.2/32 hop/0 via st0.2 by B\n");
	world_fini(&w);
}

/* A joiner: what the snapshot does not name again is gone, what it names was there all the time. */
static void presence_after_a_snapshot(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "set interfaces st0 unit 1 family inet\n" VPN("A", "192.0.2.9", "st0.1"));
	assert_true(up(&w, 1, "A", "", "10.2.0.0/16"));
	assert_true(up(&w, 2, "A", "", "10.3.0.0/16"));
	presence_doubt(&w.p, 1);
	assert_false(up(&w, 1, "A", "", "10.2.0.0/16"));
	assert_true(presence_sweep(&w.p, 1));
	assert_false(presence_sweep(&w.p, 1));
	assert_true(presence_remove(&w.p, 1));
	assert_false(presence_remove(&w.p, 2));
	world_fini(&w);
}

static void presence_of_a_damaged_record(void **state)
{
	struct presence p = {0};
	bool changed;

	(void)state;
	assert_int_equal(presence_put(&p, 0, 1, view_of_text("\xff\xff"), &changed), -ERR_VALUE);
	assert_false(presence_remove(&p, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_follow_selectors),
		cmocka_unit_test(routes_over_a_unit_follow_its_link),
		cmocka_unit_test(routes_over_a_multipoint_unit_name_their_vpn),
		cmocka_unit_test(routes_of_spokes),
		cmocka_unit_test(next_hops_of_spokes),
		cmocka_unit_test(routes_of_an_instance_stay_in_it),
		cmocka_unit_test(routes_in_reverse),
		cmocka_unit_test(routes_of_the_kernel),
		cmocka_unit_test(presence_after_a_snapshot),
		cmocka_unit_test(presence_of_a_damaged_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
