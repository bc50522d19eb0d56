#include "host_case.h"

#include "config/config.h"
#include "host/dp_config.h"
#include "host/route_list.h"

/*
 * What is configured is written as the operator writes it, what the dataplane gets is read as a
 * text, a line for each port, interface, route and policy:
 *
 *	port NAME DEVICE mtu N [mac]
 *	if NAME KIND on PORT rg N mtu N [mac ..] [ike] ADDRESS..
 *	route PREFIX [via ADDRESS] [if NAME]
 *	policy NAME if NAME rg N: [protocol P] LOW-HIGH:PORTS > LOW-HIGH:PORTS, ..
 */

#define TEXT_MAX 8192

struct text {
	char p[TEXT_MAX];
	size_t n;
};

static void add(struct text *t, const char *fmt, ...) PRINTF(2, 3);

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->n += (size_t)vsnprintf(t->p + t->n, TEXT_MAX - t->n, fmt, ap);
	va_end(ap);
	assert_true(t->n < TEXT_MAX);
}

static void add_addr(struct text *t, const ProtobufCBinaryData *b)
{
	char out[ADDR_TEXT_MAX];
	struct addr a;

	assert_int_equal(addr_from_view(view_of(b->data, b->len), &a), 0);
	add(t, "%s", addr_text(&a, out));
}

/* Ids must lead back to one name. */
static const char *name_of(const Dp__Configure *c, uint32_t id)
{
	const char *found = NULL;

	for (size_t i = 0; i < c->n_interfaces; i++) {
		if (c->interfaces[i]->id != id)
			continue;
		assert_null(found);
		found = c->interfaces[i]->name;
	}
	assert_non_null(found);
	return found;
}

static void add_port(struct text *t, const Dp__Port *p)
{
	add(t, "port %s %s mtu %u%s\n", p->name, p->device, p->mtu, p->mac.len ? " mac" : "");
}

static void add_interface(struct text *t, const Dp__Configure *c, const Dp__Interface *i)
{
	static const char *const kind[] = {"physical", "reth", "fabric", "tunnel"};

	assert_int_equal(i->id, model_interface_id(i->name));
	assert_string_equal(name_of(c, i->id), i->name);
	add(t, "if %s %s on %s rg %u mtu %u", i->name, kind[i->kind], i->port[0] ? i->port : "-",
		i->rg, i->mtu);
	for (size_t k = 0; k < i->mac.len; k++)
		add(t, "%s%02x", k ? ":" : " mac ", i->mac.data[k]);
	add(t, "%s", i->ike ? " ike" : "");
	for (size_t k = 0; k < i->n_addresses; k++) {
		add(t, " ");
		add_addr(t, &i->addresses[k]->address);
		add(t, "/%u", i->addresses[k]->length);
	}
	add(t, "\n");
}

static void add_route(struct text *t, const Dp__Configure *c, const Dp__Route *r)
{
	add(t, "route ");
	add_addr(t, &r->destination->address);
	add(t, "/%u", r->destination->length);
	if (r->instance)
		add(t, " in %u", r->instance);
	if (r->next_hop.len) {
		add(t, " via ");
		add_addr(t, &r->next_hop);
	}
	add(t, "%s%s\n", r->interface_id ? " if " : "",
		r->interface_id ? name_of(c, r->interface_id) : "");
}

static void add_selector(struct text *t, const Dp__Selector *s)
{
	add_addr(t, &s->low);
	add(t, "-");
	add_addr(t, &s->high);
	add(t, ":%u-%u", s->port_low, s->port_high);
}

static void add_policy(struct text *t, const Dp__Configure *c, const Dp__Policy *p)
{
	add(t, "policy %s if %s rg %u:", p->name, name_of(c, p->interface_id), p->rg);
	assert_int_equal(p->n_local, p->n_remote);
	for (size_t i = 0; i < p->n_local; i++) {
		assert_int_equal(p->local[i]->protocol, p->remote[i]->protocol);
		add(t, "%s ", i ? "," : "");
		if (p->local[i]->protocol)
			add(t, "protocol %u ", p->local[i]->protocol);
		add_selector(t, p->local[i]);
		add(t, " > ");
		add_selector(t, p->remote[i]);
	}
	add(t, "\n");
}

static void add_all(struct text *t, const Dp__Configure *c)
{
	for (size_t i = 0; i < c->n_ports; i++)
		add_port(t, c->ports[i]);
	for (size_t i = 0; i < c->n_interfaces; i++)
		add_interface(t, c, c->interfaces[i]);
	for (size_t i = 0; i < c->n_routes; i++)
		add_route(t, c, c->routes[i]);
	for (size_t i = 0; i < c->n_policies; i++)
		add_policy(t, c, c->policies[i]);
}

static struct model *load(const char *config, int node)
{
	auto_complaints c = {0};
	auto_blob said = {0};
	struct model *m = NULL;

	if (config_load(view_of_text(config), node, &m, &c) < 0) {
		assert_int_equal(complaints_text(&c, &said), 0);
		fail_msg("%.*s", (int)said.n, (const char *)said.p);
	}
	return m;
}

static Dp__Configure *build(const char *config, int node)
{
	auto_model m = load(config, node);
	struct presence none = {0};
	struct rib rib = {0};
	const struct dp_config_args args = {.model = m,
		.routes = &rib,
		.node = node < 0 ? 0 : (uint32_t)node,
		.cluster_id = node < 0 ? 0 : 9,
		.iv_node_id = 77};
	Dp__Configure *c = NULL;

	assert_int_equal(route_list(&(struct route_world){.m = m, .p = &none}, &rib), 0);
	rib_settle(&rib, NULL, 0);
	assert_int_equal(dp_config_build(&args, &c), 0);
	rib_fini(&rib);
	return c;
}

static void expect(const char *config, int node, const char *wanted)
{
	Dp__Configure *c = build(config, node);
	struct text t = {0};

	add_all(&t, c);
	assert_string_equal(t.p, wanted);
	dp__configure__free_unpacked(c, NULL);
}

/* ---------------------------------------------------------------- texts */

#define IKE                                                                                        \
	"set security ike proposal P authentication-method pre-shared-keys\n"                      \
	"set security ike proposal P dh-group group19\n"                                           \
	"set security ike proposal P encryption-algorithm aes-256-gcm\n"                           \
	"set security ike policy P proposals P\n"                                                  \
	"set security ike policy P pre-shared-key ascii-text secretsecret\n"                       \
	"set security ipsec proposal P protocol esp\n"                                             \
	"set security ipsec proposal P encryption-algorithm aes-128-gcm\n"                         \
	"set security ipsec policy P proposals P\n"

#define GATEWAY(name, peer, external)                                                              \
	"set security ike gateway " name " ike-policy P\n"                                         \
	"set security ike gateway " name " address " peer "\n"                                     \
	"set security ike gateway " name " version v2-only\n"                                      \
	"set security ike gateway " name " external-interface " external "\n"

#define VPN(name, gateway, unit)                                                                   \
	"set security ipsec vpn " name " ike gateway " gateway "\n"                                \
	"set security ipsec vpn " name " ike ipsec-policy P\n"                                     \
	"set security ipsec vpn " name " bind-interface " unit "\n"

static const char standalone[] =
	"set interfaces ge-0/0/0 dpdk-device net_tap0,iface=a\n"
	"set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1/24\n"
	"set interfaces ge-0/0/0 unit 0 family inet6 address 2001:db8::1/64\n"
	"set interfaces ge-0/0/1 dpdk-device net_tap1,iface=b\n"
	"set interfaces ge-0/0/1 mtu 9000\n"
	"set interfaces ge-0/0/1 mac-address 02:00:00:00:00:09\n"
	"set interfaces ge-0/0/1 unit 0 family inet address 10.1.0.1/24\n"
	"set interfaces ge-0/0/2 unit 0 family inet address 10.9.0.1/24\n"
	"set interfaces ge-0/0/3 dpdk-device net_tap3\n"
	"set interfaces ge-0/0/3 disable\n"
	"set interfaces ge-0/0/3 unit 0 family inet address 10.8.0.1/24\n"
	"set interfaces st0 unit 1 family inet\n"
	"set interfaces st0 unit 2 family inet address 10.255.0.1/30\n"
	"set routing-options static route 0.0.0.0/0 next-hop 192.0.2.254\n"
	"set routing-options static route 10.3.0.0/16 next-hop st0.2\n"
	"set routing-options static route 10.10.0.0/16 next-hop 10.8.0.9\n"
	"set routing-options static route 10.11.0.0/16 next-hop 10.9.0.9\n"
	"set routing-options static route 10.12.0.0/16 next-hop 192.0.3.1\n"
	"set routing-options static route 10.4.0.0/16 next-hop 10.1.0.9\n" IKE GATEWAY(
		"GW", "192.0.2.2", "ge-0/0/0.0") VPN("SEL", "GW", "st0.1") VPN("ANY", "GW",
		"st0.2") "set security ipsec vpn SEL traffic-selector A local-ip 10.1.0.0/24\n"
			 "set security ipsec vpn SEL traffic-selector A remote-ip 10.2.0.0/24\n"
			 "set security ipsec vpn SEL tunnel-mtu 9192\n"
			 "set security ipsec vpn SEL traffic-selector B local-ip 10.1.0.0/24\n"
			 "set security ipsec vpn SEL traffic-selector B remote-ip 10.2.128.0/17\n"
			 "set security ipsec vpn SEL traffic-selector C local-ip 10.5.0.0/24\n"
			 "set security ipsec vpn SEL traffic-selector C remote-ip 10.2.0.0/24\n"
			 "set security ipsec vpn SEL traffic-selector D local-ip 10.1.0.0/24\n"
			 "set security ipsec vpn SEL traffic-selector D remote-ip 10.4.0.0/16\n"
			 "set security ipsec vpn SEL traffic-selector E local-ip 10.6.0.0/24\n"
			 "set security ipsec vpn SEL traffic-selector E remote-ip 0.0.0.0/0\n";

/* Ports that are elsewhere or off are not there, nor what would be on them or go through them. Each
 * selector brings one route, unless the operator wrote one or it were the default route. */
static void dp_config_of_one_node(void **state)
{
	(void)state;
	expect(standalone, -1,
		"port ge-0/0/0 net_tap0,iface=a mtu 1500\n"
		"port ge-0/0/1 net_tap1,iface=b mtu 9000 mac\n"
		"if ge-0/0/0.0 physical on ge-0/0/0 rg 0 mtu 1500 ike 192.0.2.1/24 2001:db8::1/64\n"
		"if ge-0/0/1.0 physical on ge-0/0/1 rg 0 mtu 9000 ike 10.1.0.1/24\n"
		"if st0.1 tunnel on - rg 0 mtu 1500 ike\n"
		"if st0.2 tunnel on - rg 0 mtu 1500 ike 10.255.0.1/30\n"
		"route 0.0.0.0/0 via 192.0.2.254 if ge-0/0/0.0\n"
		"route 10.2.0.0/24 if st0.1\n"
		"route 10.2.128.0/17 if st0.1\n"
		"route 10.3.0.0/16 if st0.2\n"
		"route 10.4.0.0/16 via 10.1.0.9 if ge-0/0/1.0\n"
		"route 10.255.0.0/30 if st0.2\n"
		"policy ANY if st0.2 rg 0: 0.0.0.0-255.255.255.255:0-65535 > "
		"0.0.0.0-255.255.255.255:0-65535\n"
		"policy SEL/A if st0.1 rg 0: 10.1.0.0-10.1.0.255:0-65535 > "
		"10.2.0.0-10.2.0.255:0-65535\n"
		"policy SEL/B if st0.1 rg 0: 10.1.0.0-10.1.0.255:0-65535 > "
		"10.2.128.0-10.2.255.255:0-65535\n"
		"policy SEL/C if st0.1 rg 0: 10.5.0.0-10.5.0.255:0-65535 > "
		"10.2.0.0-10.2.0.255:0-65535\n"
		"policy SEL/D if st0.1 rg 0: 10.1.0.0-10.1.0.255:0-65535 > "
		"10.4.0.0-10.4.255.255:0-65535\n"
		"policy SEL/E if st0.1 rg 0: 10.6.0.0-10.6.0.255:0-65535 > "
		"0.0.0.0-255.255.255.255:0-65535\n");
}

static void dp_config_says_how_to_work(void **state)
{
	Dp__Configure *c = build(standalone, -1);

	(void)state;
	assert_int_equal(c->cluster_id, 0);
	assert_int_equal(c->node_id, 0);
	assert_int_equal(c->iv_node_id, 77);
	assert_true(c->workers >= 1);
	assert_in_range(c->bucket_bits, 6, 16);
	assert_int_equal(c->heartbeat_ms, 50);
	assert_int_equal(c->lease_batch_ms, 10);
	dp__configure__free_unpacked(c, NULL);
}

/* The name by which an Acquire comes back to its VPN. */
static void dp_config_names_policies_as_the_model(void **state)
{
	auto_model m = load(standalone, -1);
	Dp__Configure *c = build(standalone, -1);

	(void)state;
	assert_int_equal(c->n_policies, m->n_selectors);
	for (size_t i = 0; i < c->n_policies; i++) {
		const struct model_selector *s = model_selector(m, c->policies[i]->id);
		char name[64];

		assert_non_null(s);
		(void)snprintf(
			name, sizeof name, "%s%s%s", s->vpn->name, s->name[0] ? "/" : "", s->name);
		assert_string_equal(c->policies[i]->name, name);
	}
	dp__configure__free_unpacked(c, NULL);
}

static const char cluster[] =
	"set groups node0 interfaces ge-0/0/4 dpdk-device net_tap4\n"
	"set groups node0 chassis cluster transport ring 0 address 10.255.0.1\n"
	"set groups node1 chassis cluster transport ring 0 address 10.255.0.2\n"
	"set apply-groups \"${node}\"\n"
	"set chassis cluster reth-count 3\n"
	"set chassis cluster redundancy-group 1 node 0 priority 200\n"
	"set chassis cluster redundancy-group 1 node 1 priority 100\n"
	"set chassis cluster redundancy-group 2 node 0 priority 100\n"
	"set chassis cluster redundancy-group 2 node 1 priority 200\n"
	"set chassis cluster replication cluster-key 00112233445566778899aabbccddeeff\n"
	"set interfaces ge-0/0/0 dpdk-device net_tap0\n"
	"set interfaces ge-0/0/0 gigether-options redundant-parent reth0\n"
	"set interfaces ge-0/0/1 dpdk-device net_tap1\n"
	"set interfaces ge-0/0/1 gigether-options redundant-parent reth1\n"
	"set interfaces ge-0/0/2 dpdk-device net_tap2\n"
	"set interfaces ge-0/0/3 dpdk-device net_tap3\n"
	"set interfaces ge-0/0/4 gigether-options redundant-parent reth2\n"
	"set interfaces fab0 fabric-options member-interfaces ge-0/0/2\n"
	"set interfaces fab1 fabric-options member-interfaces ge-0/0/3\n"
	"set interfaces reth0 redundant-ether-options redundancy-group 1\n"
	"set interfaces reth0 unit 0 family inet address 192.0.2.1/24\n"
	"set interfaces reth1 redundant-ether-options redundancy-group 2\n"
	"set interfaces reth1 mac-address 02:00:00:00:00:01\n"
	"set interfaces reth1 unit 0 family inet address 203.0.113.1/24\n"
	"set interfaces reth2 redundant-ether-options redundancy-group 1\n"
	"set interfaces reth2 unit 0 family inet address 10.1.0.1/24\n"
	"set interfaces st0 unit 1 family inet\n"
	"set interfaces st0 unit 2 family inet\n" IKE GATEWAY(
		"ONE", "192.0.2.2", "reth0.0") GATEWAY("TWO", "203.0.113.2", "reth1.0") VPN("ONE",
		"ONE", "st0.1") VPN("TWO", "TWO",
		"st0.2") "set security ipsec vpn TWO traffic-selector ALL local-ip 10.1.0.0/24\n"
			 "set security ipsec vpn TWO traffic-selector ALL remote-ip 0.0.0.0/0\n";

#define SHARED_PORTS                                                                               \
	"port ge-0/0/0 net_tap0 mtu 1500\n"                                                        \
	"port ge-0/0/1 net_tap1 mtu 1500\n"                                                        \
	"port ge-0/0/2 net_tap2 mtu 1500\n"                                                        \
	"port ge-0/0/3 net_tap3 mtu 1500\n"
#define SHARED_RETHS                                                                               \
	"if reth0.0 reth on ge-0/0/0 rg 1 mtu 1500 mac 02:54:44:4d:09:00 ike 192.0.2.1/24\n"       \
	"if reth1.0 reth on ge-0/0/1 rg 2 mtu 1500 mac 02:00:00:00:00:01 ike 203.0.113.1/24\n"
#define SHARED_TUNNELS                                                                             \
	"if st0.1 tunnel on - rg 0 mtu 1500 ike\n"                                                 \
	"if st0.2 tunnel on - rg 0 mtu 1500 ike\n"
#define SHARED_POLICIES                                                                            \
	"policy ONE if st0.1 rg 1: 0.0.0.0-255.255.255.255:0-65535 > "                             \
	"0.0.0.0-255.255.255.255:0-65535\n"                                                        \
	"policy TWO/ALL if st0.2 rg 2: 10.1.0.0-10.1.0.255:0-65535 > "                             \
	"0.0.0.0-255.255.255.255:0-65535\n"

/* A peer may send as much as a tunnel-mtu says, in fragments. */
static void dp_config_asks_for_buffers_of_the_largest_tunnel(void **state)
{
	Dp__Configure *alone = build(standalone, -1), *pair = build(cluster, 0);

	(void)state;
	assert_int_equal(alone->packet_mtu, 9192);
	assert_int_equal(pair->packet_mtu, 0);
	dp__configure__free_unpacked(alone, NULL);
	dp__configure__free_unpacked(pair, NULL);
}

/* Leases outlive what Corosync needs to give a member up: token and consensus (rule 7). */
static void dp_config_holds_leases_as_long_as_corosync(void **state)
{
	Dp__Configure *alone = build(standalone, -1), *pair = build(cluster, 0);

	(void)state;
	assert_int_equal(alone->lease_hold_ms, 0);
	assert_int_equal(pair->lease_hold_ms, 3000 + 1000);
	dp__configure__free_unpacked(alone, NULL);
	dp__configure__free_unpacked(pair, NULL);
}

/* What is shared is the same on both; a reth without a port here is not here; the fabric is each
 * node's own end of it. */
static void dp_config_of_a_pair(void **state)
{
	(void)state;
	expect(cluster, 0,
		SHARED_PORTS "port ge-0/0/4 net_tap4 mtu 1500\n" SHARED_RETHS
			     "if reth2.0 reth on ge-0/0/4 rg 1 mtu 1500 mac 02:54:44:4d:09:02 ike "
			     "10.1.0.1/24\n" SHARED_TUNNELS
			     "if fab0 fabric on ge-0/0/2 rg 0 mtu 1500\n" SHARED_POLICIES);
	expect(cluster, 1,
		SHARED_PORTS SHARED_RETHS SHARED_TUNNELS
		"if fab1 fabric on ge-0/0/3 rg 0 mtu 1500\n" SHARED_POLICIES);
}

static void assert_same_route(const Dp__Route *a, const Dp__Route *b)
{
	uint8_t room[2][256];
	size_t n = dp__route__get_packed_size(a);

	assert_true(n <= sizeof room[0]);
	assert_int_equal(dp__route__get_packed_size(b), n);
	assert_int_equal(dp__route__pack(a, room[0]), n);
	assert_int_equal(dp__route__pack(b, room[1]), n);
	assert_memory_equal(room[0], room[1], n);
}

/* The same routes, whether they come with a configuration or by themselves. */
static void lent_routes_are_those_of_the_configuration(void **state)
{
	auto_model m = load(standalone, -1);
	struct presence none = {0};
	struct rib rib = {0};
	const struct dp_config_args args = {.model = m, .routes = &rib};
	struct dp_routes lent;
	Dp__Configure *c = NULL;

	(void)state;
	assert_int_equal(route_list(&(struct route_world){.m = m, .p = &none}, &rib), 0);
	rib_settle(&rib, NULL, 0);
	assert_int_equal(dp_config_build(&args, &c), 0);
	assert_int_equal(dp_routes_lend(&rib, &lent), 0);
	assert_true(lent.n > 1);
	assert_int_equal(lent.n, c->n_routes);
	for (size_t i = 0; i < lent.n; i++)
		assert_same_route(lent.list[i], c->routes[i]);
	dp_routes_fini(&lent);
	dp__configure__free_unpacked(c, NULL);
	rib_fini(&rib);
}

/* A sanitizer looks at each octet of them for half a minute, and at these not otherwise. */
#if defined __has_feature
#if __has_feature(address_sanitizer)
#define MANY_VPNS 322
#endif
#endif
#ifndef MANY_VPNS
#define MANY_VPNS 3226
#endif

/* 100 006 selectors and as many routes are one message that the dataplane takes. */
static void dp_config_of_very_many_selectors(void **state)
{
	enum { VPNS = MANY_VPNS, EACH = 31, LINE = 160 };

	size_t cap = sizeof standalone + (size_t)VPNS * (EACH + 3) * LINE, n = 0;
	char *text = malloc(cap);
	Dp__Configure *c;

	(void)state;
	assert_non_null(text);
	n += (size_t)snprintf(text, cap, "%s",
		"set interfaces ge-0/0/0 dpdk-device net_tap0\n"
		"set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1/24\n" IKE GATEWAY(
			"GW", "192.0.2.2", "ge-0/0/0.0"));
	for (unsigned v = 0; v < VPNS; v++) {
		n += (size_t)snprintf(text + n, cap - n,
			"set interfaces st0 unit %u family inet\n"
			"set security ipsec vpn V%u bind-interface st0.%u\n"
			"set security ipsec vpn V%u ike gateway GW ipsec-policy P\n",
			v, v, v, v);
		for (unsigned t = 0; t < EACH; t++)
			n += (size_t)snprintf(text + n, cap - n,
				"set security ipsec vpn V%u traffic-selector T%u local-ip "
				"10.0.0.0/8 remote-ip %u.%u.%u.0/24\n",
				v, t, 11 + (v * EACH + t) / 65536, (v * EACH + t) / 256 % 256,
				(v * EACH + t) % 256);
		assert_true(n < cap);
	}
	c = build(text, -1);
	assert_int_equal(c->n_policies, VPNS * EACH);
	assert_int_equal(c->n_routes, VPNS * EACH);
	assert_true(dp__configure__get_packed_size(c) + 64 < FRAME_MAX_DEFAULT);
	dp__configure__free_unpacked(c, NULL);
	free(text);
}

static void dp_config_is_empty_without_a_configuration(void **state)
{
	(void)state;
	expect("set system host-name x\n", -1, "");
}

static void dp_interface_ids_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(model_interface_id("reth0.0"), model_interface_id("reth0.0"));
	assert_int_not_equal(model_interface_id("reth0.0"), model_interface_id("reth0.1"));
	assert_int_not_equal(model_interface_id("reth0.0"), model_interface_id("reth1.0"));
	assert_int_not_equal(model_interface_id(""), 0);
	/* It is part of records and must not change: FNV-1a. */
	assert_int_equal(model_interface_id("a"), 0xe40c292c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dp_config_of_one_node),
		cmocka_unit_test(dp_config_says_how_to_work),
		cmocka_unit_test(dp_config_names_policies_as_the_model),
		cmocka_unit_test(dp_config_asks_for_buffers_of_the_largest_tunnel),
		cmocka_unit_test(dp_config_holds_leases_as_long_as_corosync),
		cmocka_unit_test(dp_config_of_a_pair),
		cmocka_unit_test(lent_routes_are_those_of_the_configuration),
		cmocka_unit_test(dp_config_of_very_many_selectors),
		cmocka_unit_test(dp_config_is_empty_without_a_configuration),
		cmocka_unit_test(dp_interface_ids_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
