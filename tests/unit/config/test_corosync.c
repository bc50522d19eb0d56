#include "config_test.h"

#include "config/corosync.h"

static const char two_nodes[] =
	"set groups node0 chassis cluster transport ring 0 address 10.0.0.1\n"
	"set groups node0 chassis cluster transport ring 1 address 10.0.1.1\n"
	"set groups node1 chassis cluster transport ring 0 address 10.0.0.2\n"
	"set groups node1 chassis cluster transport ring 1 address 10.0.1.2\n"
	"set apply-groups \"${node}\"\n"
	"set chassis cluster cluster-id 7\n"
	"set chassis cluster heartbeat-interval 100\n"
	"set chassis cluster redundancy-group 1 node 0 priority 200\n"
	"set chassis cluster redundancy-group 1 node 1 priority 100\n"
	"set chassis cluster replication cluster-key 0123456789abcdef0123456789abcdef\n";

static void corosync_conf_of_two_nodes(void **state)
{
	static const char want[] =
		"# Made by tandem for node1. Change the configuration, not this file.\n"
		"totem {\n"
		"    version: 2\n"
		"    cluster_name: tandem-7\n"
		"    transport: knet\n"
		"    crypto_cipher: aes256\n"
		"    crypto_hash: sha256\n"
		"    keyfile: /k\n"
		"    token: 300\n"
		"    token_coefficient: 0\n"
		"    consensus: 100\n"
		"    token_retransmits_before_loss_const: 4\n"
		"    seqno_unchanged_const: 4\n"
		"    interface {\n"
		"        linknumber: 0\n"
		"        knet_ping_interval: 200\n"
		"        knet_ping_timeout: 1000\n"
		"    }\n"
		"    interface {\n"
		"        linknumber: 1\n"
		"        knet_ping_interval: 200\n"
		"        knet_ping_timeout: 1000\n"
		"    }\n"
		"}\n"
		"nodelist {\n"
		"    node {\n"
		"        nodeid: 1\n"
		"        name: node0\n"
		"        ring0_addr: 10.0.0.1\n"
		"        ring1_addr: 10.0.1.1\n"
		"    }\n"
		"    node {\n"
		"        nodeid: 2\n"
		"        name: node1\n"
		"        ring0_addr: 10.0.0.2\n"
		"        ring1_addr: 10.0.1.2\n"
		"    }\n"
		"}\n"
		"quorum {\n"
		"    provider: corosync_votequorum\n"
		"    two_node: 1\n"
		"}\n"
		"logging {\n"
		"    to_stderr: no\n"
		"    to_syslog: no\n"
		"    to_logfile: yes\n"
		"    logfile: /l\n"
		"    timestamp: hires\n"
		"}\n"
		"system {\n"
		"    state_dir: /s\n"
		"    sched_rr: yes\n"
		"}\n";
	const struct corosync_paths paths = {"/k", "/s", "/l"};
	auto_complaints c = {0};
	auto_blob got = {0};

	(void)state;
	assert_int_equal(corosync_conf(view_of_text(two_nodes), 1, &paths, &got, &c), 0);
	if (!view_equal(blob_view(&got), view_of_text(want)))
		fail_msg("%.*s", (int)got.n, (char *)got.p);
}

static void corosync_refuses(void **state)
{
	static const struct {
		const char *name, *lines, *reason;
	} cases[] = {
		{"shared ring address",
			"set groups node1 chassis cluster transport ring 1 address 10.0.1.1\n",
			"two nodes have the same ring address"},
		{"different numbers of rings",
			"delete groups node1 chassis cluster transport ring 1\n",
			"the nodes have different numbers of rings"},
		{"a node without rings", "delete groups node1 chassis cluster transport\n",
			"the configuration has errors as this node sees it"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct corosync_paths paths = {0};
		auto_complaints c = {0};
		auto_blob got = {0};
		char text[2048];
		char *said;

		(void)snprintf(text, sizeof text, "%s%s", two_nodes, cases[i].lines);
		assert_int_equal(
			corosync_conf(view_of_text(text), 0, &paths, &got, &c), -ERR_SYNTAX);
		said = test_complaints(&c);
		if (!strstr(said, cases[i].reason))
			fail_msg("%s: %s", cases[i].name, said);
		free(said);
	}
}

static void corosync_needs_a_cluster(void **state)
{
	const struct corosync_paths paths = {0};
	auto_complaints c = {0};
	auto_blob got = {0};

	(void)state;
	assert_int_equal(corosync_conf(view_of_text("set interfaces st0"), 0, &paths, &got, &c),
		-ERR_WRONG_STATE);
}

/* The timers found stable by measurement, and Corosync's own limits elsewhere. */
static void corosync_timer_table(void **state)
{
	static const struct {
		uint32_t interval, threshold, nodes, token, consensus, retransmits;
	} cases[] = {
		{100, 3, 2, 300, 100, 4},
		{50, 3, 2, 150, 100, 2},
		{1000, 3, 2, 3000, 1000, 4},
		{100, 3, 3, 300, 360, 4},
		{1000, 3, 5, 3000, 3600, 4},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct model_cluster c = {.heartbeat_interval_ms = cases[i].interval,
			.heartbeat_threshold = cases[i].threshold,
			.n_nodes = cases[i].nodes};
		struct corosync_timers t = corosync_timers(&c);

		assert_int_equal(t.token_ms, cases[i].token);
		assert_int_equal(t.consensus_ms, cases[i].consensus);
		assert_int_equal(t.retransmits, cases[i].retransmits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(corosync_conf_of_two_nodes),
		cmocka_unit_test(corosync_refuses),
		cmocka_unit_test(corosync_needs_a_cluster),
		cmocka_unit_test(corosync_timer_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
