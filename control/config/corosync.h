#pragma once
/*
 * corosync.conf from our configuration, so that nobody writes it by hand.
 *
 * The ring addresses of the other nodes are found by reading the same text as each of them sees it
 * (groups "${node}"). Node n is Corosync's nodeid n + 1, because 0 is not allowed there.
 *
 * Timers: token = heartbeat-interval x heartbeat-threshold, the same for any number of nodes
 * (token_coefficient 0). The knet ping timers are fixed: those derived from a token below 500 ms
 * make a healthy link flap. With two nodes the consensus timeout may be far below the token
 * (corosync.conf(5)), which is what makes a crash visible within token + 100 ms. After a message
 * the token runs few rounds at full speed before it rests (docs/adr/0020): an idle cluster is
 * quiet.
 */
#include "config/config.h"

struct corosync_paths {
	const char *keyfile;   /* NULL: /etc/corosync/authkey */
	const char *state_dir; /* NULL: /var/lib/corosync */
	const char *log_file;  /* NULL: /var/log/corosync/corosync.log */
};

/* *out is owned by the caller, not terminated. -ERR_WRONG_STATE when no cluster is configured. */
int corosync_conf(struct view text, int node, const struct corosync_paths *paths, struct blob *out,
	struct complaints *c) MUST_CHECK;

struct corosync_timers {
	uint32_t token_ms, consensus_ms, retransmits;
};

struct corosync_timers corosync_timers(const struct model_cluster *c);
