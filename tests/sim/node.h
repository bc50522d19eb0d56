#pragma once
/*
 * One machine: tandemd with the ha core and a toy application (app.c), and a dataplane (dp.c) made
 * of the real one's core: leases, windows, IVs, ownership. Between them a queue each way.
 *
 * Life: node_new() .. node_free(); its processes come and go, its disk stays.
 */
#include "ha/core.h"
#include "world.h"

#include "core/iv.h"
#include "core/replay.h"
#include "core/rg.h"
#include "core/seqno.h"

enum { SAS = 16, WINDOW = 64, WINDOW_WORDS = 2 };

/* ---- what the application replicates of one peer: the whole record, in one piece */

struct pstate {
	uint64_t lineage; /* which IKE SA this is */
	uint64_t answer;  /* to request in_mid: "the octets" */
	uint64_t request; /* ours, outstanding; 0 = none */
	uint32_t in_mid, out_mid;
	uint32_t spi; /* its child SA, 0 = none */
	uint32_t count;
	uint64_t token; /* of the peer's first request: a late copy of it makes no second IKE SA */
};

enum wait { WAIT_NONE, WAIT_COMMIT, WAIT_INSTALL };

struct app_peer {
	bool known;
	struct pstate st, next;
	enum wait wait;
	uint64_t ticket;
	bool sends_request; /* what is let go is a request of ours, not an answer */
	uint32_t old_spi;
};

struct app {
	struct app_peer peer[PEERS];
	uint64_t tickets;
};

/* Bodies of SA and lease records. */
struct sa_record {
	uint32_t spi, peer;
	struct lease lease;
};

/* ---- dataplane */

struct dpsa {
	bool used;
	uint32_t spi, rg;
	struct seqno seq;
	struct replay in;
	uint64_t words[WINDOW_WORDS * 2];
};

struct fab {
	bool heard, up, control;
	uint64_t heard_ns, stamp;
	struct rg_state rg[RGS];
};

struct dp {
	struct rg_state rg[RGS];
	bool frozen[RGS], connected;
	uint64_t ticked_ns, fresh_ns[RGS]; /* see note_pause() */
	uint16_t incarnation;
	struct iv_pool pool;
	struct iv_block block;
	struct dpsa sa[SAS];
	struct fab fab[NODES];
	uint64_t probe_ns[RGS]; /* last answer, own clock; 0 = never */
	bool probe_alive[RGS];
	uint32_t beats;
};

enum order_type {
	ORDER_INSTALL,
	ORDER_DELETE,
	ORDER_GRANT,
	ORDER_ROLE,
	ORDER_DEADLINE,
	ORDER_FREEZE,
	ORDER_ACTIVATE,
	ORDER_FORWARD,
	ORDER_ABORT,
	ORDER_RENEW,
	ORDER_FENCE,
	ORDER_HELLO
};

struct sa_state { /* of a frozen SA */
	uint32_t spi;
	uint64_t out_next, in_top, words[WINDOW_WORDS];
};

struct order {
	enum order_type type;
	uint32_t rg, spi, node, first, last, peer;
	bool tell; /* INSTALL: the application waits for it */
	struct lease lease;
	struct rg_state role;
	uint32_t n_states;
	struct sa_state states[SAS];
};

struct node {
	uint32_t n, pid;
	struct ha *ha;
	struct ha_effects fx;
	struct blob disk;
	uint16_t disk_incarnation;
	uint64_t tick_at;
	uint64_t to_dp_ns, to_control_ns, from_bus_ns, to_disk_ns; /* queues keep their order */
	bool bus_up, refilling;
	struct app app;
	struct dp dp;
};

/* ---- control.c */
struct bus_view {
	uint64_t ring_seq;
	uint32_t ring_node, ring_nodes, members, left, joined, nodedown;
	uint32_t pid[NODES];
};

uint32_t node_pid(const struct world *w, uint32_t n);
void control_view(struct world *w, uint32_t n, const struct bus_view *v);
void control_quorum(
	struct world *w, uint32_t n, uint64_t ring_seq, uint32_t ring_node, bool quorate);
void control_message(
	struct world *w, uint32_t n, uint32_t sender, uint32_t pid, const uint8_t *p, size_t len);
void control_bus_down(struct world *w, uint32_t n);
void control_bus_up(struct world *w, uint32_t n);
void control_event(struct world *w, uint32_t n, struct ha_event *ev);
/* Jobs of tandemd, in order, after a little while. */
void to_control(struct world *w, uint32_t n, job_fn *fn, void *data);
void to_dp(struct world *w, uint32_t n, const struct order *o);

/* ---- app.c */
void app_reset(struct world *w, uint32_t n, uint32_t rg);
void app_apply(struct world *w, uint32_t n, const struct ha_do_apply *a);
void app_active(struct world *w, uint32_t n, const struct ha_do_role *r);
void app_standby(struct world *w, uint32_t n, uint32_t rg);
void app_committed(struct world *w, uint32_t n, uint64_t ticket, uint64_t index);
void app_rejected(struct world *w, uint32_t n, uint64_t ticket);
void app_installed(struct world *w, uint32_t n, uint32_t peer, uint32_t spi);
void app_synced(struct world *w, uint32_t n, uint32_t rg);
void app_begin(struct world *w, uint32_t n);
void app_refill(struct world *w, uint32_t n);

/* A datagram from a peer. */
struct datagram {
	uint32_t peer;
	bool answer;
	uint64_t lineage, content;
	uint64_t token;
	uint32_t mid, spi;
	bool lost_state; /* "I do not know this IKE SA" */
};

void app_datagram(struct world *w, uint32_t n, const struct datagram *d);

/* ---- dp.c */
void dp_order(struct world *w, uint32_t n, const struct order *o);
void dp_wants(struct world *w, uint32_t n, uint32_t rg, const struct lease *v, const uint32_t *spi,
	size_t count);
bool dp_acts(const struct world *w, uint32_t n, uint32_t rg);
void dp_receive(struct world *w, uint32_t n, uint32_t spi, uint64_t seq, bool fresh_child);
void dp_control_gone(struct world *w, uint32_t n);
