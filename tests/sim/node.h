#pragma once
/*
 * One machine: tandemd with the ha core (control.c) and the IKE engine (engine.c), and a dataplane
 * (dp.c) made of the real one's core: leases, windows, IVs, ownership. Between them a queue each
 * way.
 *
 * Life: node_new() .. node_free(); its processes come and go, its disk stays.
 */
#include "engine.h"
#include "ha/core.h"
#include "telling.h"
#include "world.h"

#include "core/iv.h"
#include "core/replay.h"
#include "core/rg.h"
#include "core/seqno.h"

enum { SAS = 160, WINDOW = 64, WINDOW_WORDS = 2 };

/* The body of a lease record. */
struct sa_lease {
	uint32_t spi;
	struct lease lease;
};

/* ---- dataplane */

struct dpsa {
	bool used, outbound;
	bool told; /* that the first packet came in */
	uint32_t spi, spi_out, rg, peer;
	struct addr remote;
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
	ORDER_UPDATE,
	ORDER_DELETE,
	ORDER_GRANT,
	ORDER_QUERY,
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

struct sa_exact { /* of a frozen SA */
	uint32_t spi;
	uint64_t out_next, in_top, words[WINDOW_WORDS];
};

struct order {
	enum order_type type;
	uint32_t rg, spi, spi_out, node, first, last, peer;
	bool outbound, tell; /* INSTALL: the engine waits for it */
	struct addr remote;
	uint64_t ticket;
	struct lease lease;
	struct rg_state role;
	size_t n_states; /* ACTIVATE: what follows it */
	struct sa_exact states[];
};

/* What a dataplane wants to send and accept. */
struct wants {
	uint32_t rg;
	uint64_t epoch;
	size_t n;
	struct sa_lease v[SAS];
};

struct node {
	struct world *world;
	uint32_t n, pid;
	struct ha *ha;
	struct ha_effects fx;
	struct blob disk;
	uint16_t disk_incarnation, disk_control_incarnation;
	uint64_t tick_at;
	uint64_t to_dp_ns, to_control_ns, from_bus_ns, to_disk_ns; /* queues keep their order */
	uint64_t leave_ns; /* since when it is leaving; 0: it is not */
	bool bus_up;
	uint32_t lists; /* on its disk: peers that are revoked, a bit each */
	struct engine engine;
	struct telling telling[RGS];
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
/* With the states that follow it. Lost when there is no dataplane. */
void to_dp(struct world *w, uint32_t n, const struct order *o);

/* ---- dp.c */
void dp_order(struct world *w, uint32_t n, const struct order *o);
bool dp_acts(const struct world *w, uint32_t n, uint32_t rg);
void dp_receive(struct world *w, uint32_t n, uint32_t rg, uint32_t spi, uint64_t seq);
void dp_control_gone(struct world *w, uint32_t n);
