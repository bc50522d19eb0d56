#include "config/corosync.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/complain.h"

#define PING_INTERVAL_MS 200
#define PING_TIMEOUT_MS	 1000
#define CONSENSUS_MIN_MS 100
#define RETRANSMITS	 4
#define QUIET_ROTATIONS	 4
#define FAST_TOKEN_MS	 200

struct members {
	struct model *node[MODEL_NODES_MAX];
	uint32_t n;
};

struct corosync_timers corosync_timers(const struct model_cluster *c)
{
	struct corosync_timers t = {.retransmits = RETRANSMITS};

	t.token_ms = c->heartbeat_interval_ms * c->heartbeat_threshold;
	/* Three and more nodes need at least 1.2 tokens to agree on a membership. */
	t.consensus_ms = c->n_nodes == 2 ? MAX(t.token_ms / 3, (uint32_t)CONSENSUS_MIN_MS)
					 : t.token_ms + t.token_ms / 5;
	/* Corosync refuses a retransmit timeout below 30 ms. */
	if (t.token_ms < FAST_TOKEN_MS)
		t.retransmits = 2;
	return t;
}

static uint32_t rings_of(const struct model *m)
{
	uint32_t n = 0;

	while (n < MODEL_RINGS_MAX && m->cluster.rings[n].family != 0)
		n++;
	return n;
}

static int refuse(struct complaints *c, const char *statement, const char *reason)
{
	complain(c, COMPLAINT_ERROR,
		(struct complaint_place){
			.path = "chassis cluster transport", .statement = statement},
		"%s", reason);
	return -ERR_SYNTAX;
}

/* Every node's rings are as many and of the same family; no address is used twice. */
static int check_rings(const struct members *all, struct complaints *c)
{
	uint32_t rings;

	if (all->n == 0)
		return -ERR_WRONG_STATE;
	rings = rings_of(all->node[0]);
	for (uint32_t i = 0; i < all->n; i++) {
		const struct model_cluster *mine = &all->node[i]->cluster;
		char text[ADDR_TEXT_MAX];

		if (rings_of(all->node[i]) != rings)
			return refuse(c, "ring", "the nodes have different numbers of rings");
		for (uint32_t k = 0; k < i * rings; k++) {
			const struct addr *other = &all->node[k / rings]->cluster.rings[k % rings];

			for (uint32_t r = 0; r < rings; r++)
				if (addr_equal(other, &mine->rings[r]))
					return refuse(c, addr_text(other, text),
						"two nodes have the same ring address: give each "
						"its own in groups node0, node1, ...");
		}
	}
	return 0;
}

static void print_totem(
	FILE *f, const struct model_cluster *c, const struct corosync_paths *paths, uint32_t rings)
{
	struct corosync_timers t = corosync_timers(c);

	(void)fprintf(f,
		"totem {\n"
		"    version: 2\n"
		"    cluster_name: tandem-%u\n"
		"    transport: knet\n"
		"    crypto_cipher: aes256\n"
		"    crypto_hash: sha256\n"
		"    keyfile: %s\n"
		"    token: %u\n"
		"    token_coefficient: 0\n"
		"    consensus: %u\n"
		"    token_retransmits_before_loss_const: %u\n"
		"    seqno_unchanged_const: %d\n",
		c->id, paths->keyfile ? paths->keyfile : "/etc/corosync/authkey", t.token_ms,
		t.consensus_ms, t.retransmits, QUIET_ROTATIONS);
	for (uint32_t r = 0; r < rings; r++)
		(void)fprintf(f,
			"    interface {\n"
			"        linknumber: %u\n"
			"        knet_ping_interval: %d\n"
			"        knet_ping_timeout: %d\n"
			"    }\n",
			r, PING_INTERVAL_MS, PING_TIMEOUT_MS);
	(void)fputs("}\n", f);
}

static void print_nodes(FILE *f, const struct members *all)
{
	(void)fputs("nodelist {\n", f);
	for (uint32_t i = 0; i < all->n; i++) {
		const struct model *m = all->node[i];
		char text[ADDR_TEXT_MAX];

		(void)fprintf(f, "    node {\n        nodeid: %d\n        name: node%d\n",
			m->node + 1, m->node);
		for (uint32_t r = 0; r < rings_of(m); r++)
			(void)fprintf(f, "        ring%u_addr: %s\n", r,
				addr_text(&m->cluster.rings[r], text));
		(void)fputs("    }\n", f);
	}
	(void)fputs("}\n", f);
}

static int print(const struct members *all, const struct model *self,
	const struct corosync_paths *paths, struct blob *out)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		return -ERR_NOMEM;
	(void)fprintf(f, "# Made by tandem for node%d. Change the configuration, not this file.\n",
		self->node);
	print_totem(f, &self->cluster, paths, rings_of(self));
	print_nodes(f, all);
	(void)fputs("quorum {\n    provider: corosync_votequorum\n", f);
	if (all->n == 2)
		(void)fputs("    two_node: 1\n", f);
	(void)fprintf(f,
		"}\n"
		"logging {\n"
		"    to_stderr: no\n"
		"    to_syslog: no\n"
		"    to_logfile: yes\n"
		"    logfile: %s\n"
		"    timestamp: hires\n"
		"}\n"
		"system {\n"
		"    state_dir: %s\n"
		"    sched_rr: yes\n"
		"}\n",
		paths->log_file ? paths->log_file : "/var/log/corosync/corosync.log",
		paths->state_dir ? paths->state_dir : "/var/lib/corosync");
	if (fclose(f) != 0) {
		free(text);
		return -ERR_NOMEM;
	}
	*out = (struct blob){(uint8_t *)text, n};
	return 0;
}

/* The others' view; what is wrong with it was said about our own already. */
static int load_members(
	struct view text, const struct model *self, struct members *all, struct complaints *c)
{
	for (uint32_t i = 0; i < self->cluster.n_nodes; i++) {
		auto_complaints quiet = {0};
		int rc = config_load(text, (int)self->cluster.nodes[i], &all->node[i], &quiet);

		if (rc < 0) {
			char name[32];

			(void)snprintf(name, sizeof name, "node%u", self->cluster.nodes[i]);
			(void)refuse(c, name,
				"the configuration has errors as this node sees it: check it "
				"with --node");
			return rc;
		}
		all->n++;
	}
	return 0;
}

int corosync_conf(struct view text, int node, const struct corosync_paths *paths, struct blob *out,
	struct complaints *c)
{
	struct members all = {.n = 0};
	auto_model self = NULL;
	int rc = config_load(text, node, &self, c);

	if (rc < 0)
		return rc;
	if (!self->cluster.enabled || node < 0) {
		complain(c, COMPLAINT_ERROR,
			(struct complaint_place){.statement = "chassis cluster"},
			"no cluster is configured, or the number of this node is not given");
		return -ERR_WRONG_STATE;
	}
	rc = load_members(text, self, &all, c);
	if (rc == 0)
		rc = check_rings(&all, c);
	if (rc == 0)
		rc = print(&all, self, paths, out);
	for (uint32_t i = 0; i < all.n; i++)
		model_free(all.node[i]);
	return rc;
}
