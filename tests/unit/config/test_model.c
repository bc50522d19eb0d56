#include "config_test.h"

static struct model *example(const char *name, int node)
{
	auto_blob text = test_file(name);
	auto_complaints c = {0};
	struct model *m = NULL;

	if (config_load(blob_view(&text), node, &m, &c) < 0)
		fail_msg("%s", test_complaints(&c));
	return m;
}

static void assert_addr(const struct addr *a, const char *text)
{
	char got[ADDR_TEXT_MAX];

	assert_string_equal(addr_text(a, got), text);
}

static void model_of_site_to_site(void **state)
{
	auto_model m = example("site-to-site.conf", CONFIG_STANDALONE);
	const struct model_gateway *g = model_gateway(m, "GW-BRANCH");
	const struct model_vpn *v = model_vpn(m, "VPN-BRANCH");

	(void)state;
	assert_non_null(g);
	assert_int_equal(g->policy->reauth_frequency, 3);
	assert_int_equal(g->policy->n_proposals, 1);
	assert_int_equal(g->policy->proposals[0].encr, 12);
	assert_int_equal(g->policy->proposals[0].key_bits, 256);
	assert_int_equal(g->policy->proposals[0].integ, 12);
	assert_int_equal(g->policy->proposals[0].prf, 5);
	assert_int_equal(g->policy->proposals[0].dh, 14);
	assert_int_equal(g->policy->proposals[0].lifetime_s, 28800);
	assert_true(view_equal(g->policy->psk, view_of_text("N0t-a-real-Key-42")));
	assert_int_equal(g->n_peers, 1);
	assert_addr(&g->peers[0].addr, "198.51.100.2");
	assert_addr(&g->local, "192.0.2.1");
	assert_string_equal(g->external->name, "ge-0/0/0.0");
	assert_true(g->ike_allowed);
	assert_int_equal(g->dpd, MODEL_DPD_PROBE_IDLE);
	assert_int_equal(g->dpd_interval_s, 10);
	assert_int_equal(g->dpd_threshold, 3);
	assert_int_equal(g->version, MODEL_IKE_V2);
	assert_int_equal(g->fragment_size, 1200);
	assert_int_equal(g->local_id.type, MODEL_ID_HOSTNAME);
	assert_true(view_equal(g->local_id.value, view_of_text("hub.example.net")));
	assert_int_equal(g->rg, 0);
	assert_null(g->unsupported);
	assert_non_null(v);
	assert_ptr_equal(v->gateway, g);
	assert_string_equal(v->bind->name, "st0.10");
	assert_int_equal(v->df, MODEL_DF_COPY);
	assert_int_equal(v->establish, MODEL_IMMEDIATELY);
	assert_int_equal(v->replay_window, 256);
	assert_int_equal(v->policy->pfs, 19);
	assert_int_equal(v->policy->proposals[0].encr, 20);
	assert_int_equal(v->policy->proposals[0].integ, 0);
	assert_int_equal(v->n_selectors, 1);
	assert_string_equal(v->selectors[0].name, "TS1");
	assert_ptr_equal(v->selectors[0].vpn, v);
	assert_int_equal(v->selectors[0].n_flows, 1);
	assert_int_equal(v->selectors[0].flows[0].remote.len, 24);
	assert_int_equal(v->selectors[0].flows[0].remote_port_hi, 65535);
	assert_ptr_equal(model_selector(m, model_policy_id("VPN-BRANCH", "TS1")), v->selectors);
	assert_int_equal(m->n_routes, 1);
	assert_ptr_equal(m->routes[0].unit, model_unit(m, "st0.10"));
}

static void model_of_cluster(void **state)
{
	auto_model m = example("cluster.conf", 1);
	const struct model_rg *rg = model_rg(m, 2);

	(void)state;
	assert_string_equal(m->host_name, "vpn-b");
	assert_true(m->cluster.enabled);
	assert_int_equal(m->cluster.n_nodes, 2);
	assert_int_equal(m->cluster.n_rgs, 3);
	assert_int_equal(m->cluster.heartbeat_interval_ms, 1000);
	assert_int_equal(m->cluster.control_hold_s, 10);
	assert_true(
		view_equal(m->cluster.key, view_of_literal("0123456789abcdef0123456789abcdef")));
	assert_addr(&m->cluster.rings[1], "10.255.1.1");
	assert_int_equal(m->cluster.workers_minimum, 2);
	assert_int_equal(m->dataplane.workers, 2);
	assert_int_equal(m->dataplane.bucket_bits, 10);
	assert_true(rg->preempt);
	assert_int_equal(model_rg_priority(rg, 1), 200);
	assert_int_equal(model_rg_priority(rg, 5), 0);
	assert_int_equal(rg->n_if_monitors, 2);
	assert_int_equal(rg->hold_down_s, 1);
	assert_int_equal(model_rg(m, 0)->hold_down_s, 300);
	assert_int_equal(model_rg(m, 1)->preempt_delay_s, 60);
	assert_int_equal(model_gateway(m, "SPOKES")->rg, 1);
	assert_int_equal(model_gateway(m, "DC2")->rg, 2);
	assert_true(model_gateway(m, "SPOKES")->dynamic);
	assert_int_equal(model_gateway(m, "SPOKES")->connections_limit, 5000);
	assert_int_equal(model_gateway(m, "DC2")->n_peers, 2);
	assert_int_equal(model_interface(m, "reth0")->n_members, 2);
	assert_string_equal(model_interface(m, "reth0")->members[1]->name, "ge-7/0/2");
	assert_int_equal(model_interface(m, "ge-7/0/2")->rg, 1);
	assert_int_equal(model_interface(m, "fab1")->n_members, 1);
	assert_true(model_unit(m, "st0.1")->multipoint);
}

/* PRP-004..009, SUI-001..005: what each set stands for. */
static void model_of_proposal_sets(void **state)
{
	static const struct {
		const char *set;
		uint32_t n_ike, n_esp;
		uint16_t encr, bits, prf, dh, esp_encr, esp_integ, pfs;
		enum model_auth auth;
	} cases[] = {
		{"basic", 2, 2, 2, 0, 2, 1, 2, 2, 0, MODEL_AUTH_PSK},
		{"compatible", 4, 4, 3, 0, 2, 2, 3, 2, 0, MODEL_AUTH_PSK},
		{"standard", 2, 2, 3, 0, 2, 2, 3, 2, 2, MODEL_AUTH_PSK},
		{"suiteb-gcm-128", 1, 1, 12, 128, 5, 19, 20, 0, 19, MODEL_AUTH_ECDSA_256},
		{"suiteb-gcm-256", 1, 1, 12, 256, 6, 20, 20, 0, 20, MODEL_AUTH_ECDSA_384},
		{"prime-128", 1, 1, 20, 128, 5, 19, 20, 0, 19, MODEL_AUTH_ECDSA_256},
		{"prime-256", 1, 1, 20, 256, 6, 20, 20, 0, 20, MODEL_AUTH_ECDSA_384},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[512];

		(void)snprintf(text, sizeof text,
			"set security ike policy p proposal-set %s pre-shared-key ascii-text "
			"abcdefghijklm\nset security ike policy p certificate local-certificate "
			"c\nset security ipsec policy q proposal-set %s\n",
			cases[i].set, cases[i].set);
		auto_model m = test_model(text, CONFIG_STANDALONE);
		const struct model_ike_policy *p = model_ike_policy(m, "p");
		const struct model_ipsec_policy *q = model_ipsec_policy(m, "q");

		assert_int_equal(p->n_proposals, cases[i].n_ike);
		assert_int_equal(q->n_proposals, cases[i].n_esp);
		assert_int_equal(p->proposals[0].encr, cases[i].encr);
		assert_int_equal(p->proposals[0].key_bits, cases[i].bits);
		assert_int_equal(p->proposals[0].prf, cases[i].prf);
		assert_int_equal(p->proposals[0].dh, cases[i].dh);
		assert_int_equal(p->proposals[0].auth, cases[i].auth);
		assert_int_equal(q->proposals[0].encr, cases[i].esp_encr);
		assert_int_equal(q->proposals[0].integ, cases[i].esp_integ);
		assert_int_equal(q->pfs, cases[i].pfs);
	}
}

/* ALG-001..007, LIF-001, LIF-002 and the defaults of the reference. */
static void model_of_defaults(void **state)
{
	auto_model m = test_model("set security ike proposal p\n"
				  "set security ike proposal g encryption-algorithm aes-256-gcm\n"
				  "set security ike policy p proposals [ p ]\n"
				  "set security ike policy p pre-shared-key hexadecimal 00ff10\n"
				  "set security ike policy g proposals [ g ] pre-shared-key "
				  "ascii-text abcdefghijklm\n"
				  "set security ipsec proposal e\n"
				  "set security ipsec proposal n protocol esp "
				  "authentication-algorithm hmac-sha-256-128\n"
				  "set security ipsec policy e proposals [ e n ]\n",
		CONFIG_STANDALONE);
	const struct model_ike_proposal *p = &model_ike_policy(m, "p")->proposals[0];
	const struct model_ike_proposal *g = &model_ike_policy(m, "g")->proposals[0];
	const struct model_ipsec_proposal *e = model_ipsec_policy(m, "e")->proposals;

	(void)state;
	assert_int_equal(p->encr, 3);
	assert_int_equal(p->integ, 2);
	assert_int_equal(p->prf, 2);
	assert_int_equal(p->dh, 2);
	assert_int_equal(p->lifetime_s, 28800);
	assert_int_equal(g->integ, 0);
	assert_int_equal(g->prf, 6);
	assert_true(view_equal(model_ike_policy(m, "p")->psk, view_of("\0\xff\x10", 3)));
	assert_int_equal(e[0].encr, 3);
	assert_int_equal(e[0].integ, 2);
	assert_int_equal(e[0].lifetime_s, 3600);
	assert_int_equal(e[0].lifetime_kb, 0);
	assert_int_equal(e[1].encr, 11);
	assert_int_equal(e[1].integ, 12);
	assert_false(m->cluster.enabled);
	assert_int_equal(m->dataplane.workers, 1);
}

static const char many_ids[] =
	"set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1/30\n"
	"set interfaces ge-0/0/0 unit 0 family inet6 address 2001:db8::1/64\n"
	"set security ike proposal p encryption-algorithm aes-128-gcm dh-group group31\n"
	"set security ike policy p proposals p pre-shared-key ascii-text abcdefghijklm\n"
	"set security ike gateway a ike-policy p version v2-only external-interface ge-0/0/0.0\n"
	"set security ike gateway a address 2001:db8::2\n"
	"set security ike gateway a remote-identity user-at-hostname u@example.net\n"
	"set security ike gateway b ike-policy p version v2-only external-interface ge-0/0/0.0\n"
	"set security ike gateway b address 192.0.2.2 local-identity key-id \"k 1\"\n"
	"set security ike gateway b remote-identity distinguished-name wildcard \"O=x\"\n"
	"set security ike gateway b general-ikeid no-nat-traversal fragmentation disable\n"
	"set security ike gateway c ike-policy p version v2-only external-interface ge-0/0/0.0\n"
	"set security ike gateway c dynamic hostname c.example.net\n"
	"set security ike gateway c local-identity inet 10.9.9.9\n"
	"set security ike gateway c dead-peer-detection\n";

static void model_of_identities(void **state)
{
	auto_model m = test_model(many_ids, CONFIG_STANDALONE);
	const struct model_gateway *a = model_gateway(m, "a"), *b = model_gateway(m, "b");
	const struct model_gateway *c = model_gateway(m, "c");

	(void)state;
	assert_addr(&a->local, "2001:db8::1");
	assert_int_equal(a->local_id.type, MODEL_ID_INET6);
	assert_int_equal(a->remote_id.type, MODEL_ID_USER_AT_HOSTNAME);
	assert_int_equal(a->fragment_size, 1280);
	assert_int_equal(a->dpd, MODEL_DPD_OFF);
	assert_int_equal(a->nat_keepalive_s, 20);
	assert_int_equal(b->local_id.type, MODEL_ID_KEY_ID);
	assert_true(view_equal(b->local_id.value, view_of_text("k 1")));
	assert_int_equal(b->remote_id.type, MODEL_ID_DN);
	assert_int_equal(b->remote_id.dn_how, DN_WILDCARD);
	assert_int_equal(b->remote_id.n_dns, 1);
	assert_string_equal(b->remote_id.dns[0], "O=x");
	assert_true(b->general_ikeid);
	assert_false(b->nat_traversal);
	assert_false(b->fragmentation);
	assert_int_equal(b->fragment_size, 576);
	assert_true(c->dynamic);
	assert_int_equal(c->connections_limit, UINT32_MAX);
	assert_int_equal(c->remote_id.type, MODEL_ID_HOSTNAME);
	assert_addr(&c->local_id.addr, "10.9.9.9");
	assert_int_equal(c->dpd, MODEL_DPD_OPTIMIZED);
	assert_int_equal(c->policy->proposals[0].dh, 31);
}

/* Ids do not depend on what else is configured: reload and the other node agree. */
static void model_policy_ids_are_stable(void **state)
{
	(void)state;
	assert_int_equal(model_policy_id("VPN-BRANCH", "TS1"), 0x6d6561d6);
	assert_int_not_equal(model_policy_id("a", "bc"), model_policy_id("ab", "c"));
	assert_int_not_equal(model_policy_id("a", ""), model_policy_id("a", "a"));
}

static void model_is_counted(void **state)
{
	struct model *m = test_model(many_ids, CONFIG_STANDALONE);
	struct model *again = model_ref(m);

	(void)state;
	model_free(m);
	assert_non_null(model_gateway(again, "a"));
	model_free(again);
	model_free(NULL);
}

static void model_bindings_and_terms(void **state)
{
	auto_model m = test_model(
		"set chassis cluster redundancy-group 1 node 3 priority 1\n"
		"set chassis cluster redundancy-group 1 node 7\n"
		"set chassis cluster redundancy-group 1 node 12\n"
		"set chassis cluster heartbeat-interval 50\n"
		"set chassis cluster gateway-binding 1 gateway a\n"
		"set chassis cluster replication half-open\n"
		"set chassis cluster replication cluster-key "
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
		"set chassis cluster transport ring 0 address 10.0.0.1\n"
		"set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1/30\n"
		"set interfaces st0 unit 1\n"
		"set security ike proposal p encryption-algorithm aes-128-gcm dh-group group31\n"
		"set security ike policy p proposals p pre-shared-key ascii-text abcdefghijklm\n"
		"set security ike gateway a ike-policy p version v2-only address 192.0.2.2\n"
		"set security ike gateway a external-interface ge-0/0/0.0\n"
		"set security ipsec proposal e encryption-algorithm aes-128-gcm\n"
		"set security ipsec policy e proposals e\n"
		"set security ipsec vpn v bind-interface st0.1 replay-on-failover strict\n"
		"set security ipsec vpn v ike gateway a ipsec-policy e no-anti-replay\n"
		"set security ipsec vpn v traffic-selector t term x local-ip 10.0.0.0/8 "
		"remote-ip 10.1.0.0/16 protocol tcp destination-port 80-90\n"
		"set security ipsec vpn v traffic-selector t term y local-ip 10.0.0.0/8 "
		"remote-ip 10.2.0.0/16 protocol 17 source-port 53\n"
		"set security ipsec vpn v traffic-selector b local-ip 10.0.0.0/8 remote-ip "
		"10.3.0.0/16\n",
		7);
	const struct model_vpn *v = model_vpn(m, "v");
	const struct model_flow *f;

	(void)state;
	assert_int_equal(m->cluster.n_nodes, 3);
	assert_int_equal(m->cluster.nodes[2], 12);
	assert_true(m->cluster.replicate_half_open);
	assert_int_equal(m->cluster.key.p[31], 0x1f);
	assert_int_equal(model_gateway(m, "a")->rg, 1);
	assert_int_equal(v->replay_window, 0);
	assert_true(v->replay_strict);
	assert_int_equal(v->n_selectors, 2);
	assert_string_equal(v->selectors[0].name, "b");
	assert_int_equal(v->selectors[1].n_flows, 2);
	f = v->selectors[1].flows;
	assert_int_equal(f[0].protocol, 6);
	assert_int_equal(f[0].remote_port_lo, 80);
	assert_int_equal(f[0].remote_port_hi, 90);
	assert_int_equal(f[0].local_port_hi, 65535);
	assert_int_equal(f[1].local_port_lo, 53);
	assert_int_equal(m->n_selectors, 2);
}

/* The examples that are installed load without a word of complaint. */
static void model_of_installed_examples(void **state)
{
	static const struct {
		const char *name;
		int node;
	} cases[] = {{"tandem.conf.example", CONFIG_STANDALONE}, {"tandem-cluster.conf.example", 0},
		{"tandem-cluster.conf.example", 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_complaints c = {0};
		auto_model m = NULL;
		char path[512];

		(void)snprintf(
			path, sizeof path, "%s/%s", getenv("CONFIG_EXAMPLES"), cases[i].name);
		assert_int_equal(config_load_file(path, cases[i].node, &m, &c), 0);
		assert_int_equal(c.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model_of_site_to_site),
		cmocka_unit_test(model_of_cluster),
		cmocka_unit_test(model_of_proposal_sets),
		cmocka_unit_test(model_of_defaults),
		cmocka_unit_test(model_of_identities),
		cmocka_unit_test(model_policy_ids_are_stable),
		cmocka_unit_test(model_is_counted),
		cmocka_unit_test(model_bindings_and_terms),
		cmocka_unit_test(model_of_installed_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
