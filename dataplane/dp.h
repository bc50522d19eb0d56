#pragma once
/*
 * The daemon: what the API thread owns.
 *
 * Life: dp_init() .. dp_run() .. dp_fini() in main. Thread: the API thread alone; workers see
 * struct shared only. The API thread never waits for a worker: what needs a grace period or an
 * owner's help is finished later, from the loop, and its reply with it.
 */
#include <stdint.h>

#include "base/env.h"
#include "core/fabric.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "crew.h"
#include "dataplane.pb-c.h"
#include "frame.h"
#include "incarnation.h"
#include "shared.h"
#include "worker.h"

struct dp;

/* A request whose reply is not complete yet. Replies leave in the order of their requests. */
struct reply {
	struct list link;
	uint64_t id;
	uint32_t waits; /* things under way; at 0 it may be sent */
	bool orphan;	/* who asked is gone */
	int error;
	char reason[160];
	struct blob packed; /* when the body was packed ahead */
};

/* Something to do a grace period from now. */
struct deferred {
	struct list link;
	uint64_t token;
	void (*run)(struct dp *dp, void *what);
	void *what;
	struct reply *reply; /* may be NULL */
};

struct policy_entry {
	UT_hash_handle hh;
	struct policy_sas sas;
};

/* Renewals of one RG gathered for a batch. */
struct lease_batch {
	Dp__Lease *v;
	uint32_t n, cap;
	uint64_t epoch, since_ns;
};

/* Another node, as its heartbeats tell. */
struct fabric_peer {
	bool up;
	uint64_t heard_ns, told_ns;
	uint64_t stamp_ns; /* its own clock, of the last heartbeat */
	struct fabric_beat beat;
};

/* Does somebody else answer for the addresses of an RG? */
struct probe {
	bool alive;
	uint64_t since_ns, answer_ns, told_ns;
};

/* A TUN device of the kernel's, see node/kernel.c. */
struct kernel_port {
	char name[16];
	int fd;
	uint16_t slot; /* of its interface */
};

struct announce {
	uint32_t left;
	uint64_t next_ns;
};

struct dp;

struct dp_args {
	const char *socket, *punt, *prefix, *state, *log, *test;
	uint32_t packets, mtu;
};

struct dp {
	struct shared sh;
	struct log_ctx log;
	struct env env;
	struct incarnation incarnation;
	uint16_t reserved; /* last incarnation in the file */
	struct suite_engine *engine;
	/* sockets */
	int epoll, listener, punt_listener, conn, punt, test;
	uint32_t packets; /* buffers wanted */
	void *old_pool;	  /* of smaller ones, until the last is back */
	struct kernel_port *kernel;
	uint32_t n_kernel;
	struct frame_in in;
	struct list out; /* struct out_blob, towards tandemd */
	size_t out_octets;
	bool out_armed;
	/* under way */
	struct list replies, deferred;
	struct list overflow[WORKER_MAX]; /* commands that did not fit in the ring */
	uint32_t n_orders;		  /* given and not answered */
	struct list stalled;		  /* requests that wait until no bucket is on its way */
	struct list buried;		  /* what hung workers may still look at */
	struct crew crew;
	/* state */
	bool configured, running;
	uint32_t slot_id[IFACE_MAX]; /* interface id of each slot, 0 = free */
	struct slot_index slots;     /* the same by id */
	uint32_t slot_next;	     /* none below is free */
	struct policy_entry *policies;
	struct rg_state rgs[RG_MAX];
	bool expired[RG_MAX]; /* and tandemd was told */
	struct announce announces[RG_MAX];
	struct lease_batch leases[RG_MAX];
	uint32_t lease_batch_ms, heartbeat_ms;
	uint64_t next_timer_ns, next_link_ns, next_beat_ns, next_probe_ns;
	struct fabric_peer peers[RG_OWNER_NONE];
	struct probe probes[RG_MAX];
	bool link_up[PORT_MAX];
	uint64_t stats[STAT_COUNT]; /* what the API thread itself counts */
	uint32_t n_batches;	    /* groups with renewals gathered */
	bool again;		    /* there was more than one turn takes */
	_Atomic bool stop;
};

int dp_init(struct dp *dp, const struct dp_args *args) MUST_CHECK;
void dp_fini(struct dp *dp);
int dp_run(struct dp *dp);
uint64_t dp_now(void);

/* What was promised cannot be kept: says why, and the process ends at once with this status for its
 * supervisor to start another. Told to stop meanwhile, it ends as it was told. */
enum { DP_GAVE_UP = 70 };

_Noreturn void dp_give_up(const struct dp *dp, const char *fmt, ...) PRINTF(2, 3);

/* ---- later.c: grace periods, commands, replies */

struct reply *reply_new(struct dp *dp, uint64_t id);
/* Remembers the first error only. */
void reply_fail(struct reply *r, int error, const char *fmt, ...) PRINTF(3, 4);
void reply_wait(struct reply *r);
void reply_done(struct dp *dp, struct reply *r);
/* Packs now; the caller's message may go. */
void reply_body(struct reply *r, Dp__Reply *body);
void reply_drop_all(struct dp *dp);

/* run(dp, what) once no worker can see what it saw before; the reply does not wait for hung ones.
 */
void dp_defer(struct dp *dp, void (*run)(struct dp *, void *), void *what, struct reply *r);
void dp_defer_step(struct dp *dp);
/* The thread of a hung worker has ended: what waited for it alone is over. */
void dp_bury(struct dp *dp);
void defer_free(struct dp *dp, void *p); /* plain free() */

/* A command with the reply it belongs to; freed after done. */
struct order {
	struct command c;
	struct list link;
	struct reply *reply;
	void (*finish)(struct dp *dp, struct order *o); /* API thread, before it is freed */
	bool crew; /* of a bucket on its way: for this worker alone */
};

void dp_order(struct dp *dp, uint32_t worker, struct order *o, struct reply *r);
void dp_order_step(struct dp *dp);
/* What a hung worker was told and did not begin is for `heir`, in its order. */
void dp_order_inherit(struct dp *dp, uint32_t hung, uint32_t heir);
/* To the lead worker, to be sent or routed as its kind says. */
void dp_send_packet(struct dp *dp, struct pkt *p);

/* ---- api.c */
int api_listen(const char *path, int type) MUST_CHECK;
int api_listen_datagrams(const char *path) MUST_CHECK;
void api_accept(struct dp *dp);
void api_readable(struct dp *dp);
void api_flush(struct dp *dp);
void api_close(struct dp *dp);
void api_event(struct dp *dp, const Dp__Event *e);
void api_output(struct dp *dp, struct blob *packed);
/* Requests that had to wait, as soon as they may go on. */
void api_stalled_step(struct dp *dp);

/* ---- handlers, one a request */
void api_configure(struct dp *dp, const Dp__Configure *c, struct reply *r);
void api_route_set(struct dp *dp, const Dp__RouteSet *c, struct reply *r);
void api_child_install(struct dp *dp, const Dp__ChildInstall *c, struct reply *r);
void api_child_expect(struct dp *dp, const Dp__ChildExpect *e, struct reply *r);
void api_child_update(struct dp *dp, const Dp__ChildUpdate *c, struct reply *r);
void api_child_delete(struct dp *dp, const Dp__ChildDelete *c, struct reply *r);
void api_lease_grant(struct dp *dp, const Dp__LeaseGrant *q, struct reply *r);
void api_rg_set(struct dp *dp, const Dp__RgSet *s, struct reply *r);
void api_deadline_set(struct dp *dp, const Dp__DeadlineSet *s, struct reply *r);
void api_announce(struct dp *dp, const Dp__Announce *a, struct reply *r);
void api_query(struct dp *dp, const Dp__Query *c, struct reply *r);
void api_fabric_send(struct dp *dp, const Dp__FabricSend *s, struct reply *r);
void api_fabric_renew(struct dp *dp, const Dp__FabricRenew *q, struct reply *r);
void api_handover_freeze(struct dp *dp, const Dp__HandoverFreeze *f, struct reply *r);
void api_handover_activate(struct dp *dp, const Dp__HandoverActivate *a, struct reply *r);
void api_handover_forward(struct dp *dp, const Dp__HandoverForward *f, struct reply *r);
void api_worker_set(struct dp *dp, const Dp__WorkerSet *s, struct reply *r);
void api_rebalance(struct dp *dp, struct reply *r);
void api_hello(struct dp *dp, const Dp__Hello *h, struct reply *r);

/* ---- kernel_port.c */
/* Opens and closes devices as the picture says. One that cannot be opened is logged. */
void kernel_apply(struct dp *dp);
void kernel_fini(struct dp *dp);
/* False when the descriptor is none of its. */
bool kernel_readable(struct dp *dp, int fd);
/* Towards the kernel; consumes the packet. */
void kernel_receive(struct dp *dp, struct pkt *p);

/* ---- routes_ctl.c */
int address_of_pb(const Dp__Prefix *p, struct iface_addr *out) MUST_CHECK;
/* Slot of a configured interface, or IFACE_NONE: asked for each of very many routes. */
uint16_t slot_find(const struct dp *dp, uint32_t id);
/* A route that cannot be followed is left out, and said so. */
int routes_add(struct dp *dp, struct net *n, Dp__Route *const *v, size_t n_v) MUST_CHECK;

/* ---- rg_ctl.c */
int rg_ctl_init(struct dp *dp) MUST_CHECK;
/* False when there is nothing to tell of it. */
bool rg_ctl_describe(const struct dp *dp, uint32_t rg, Dp__RgSet *out);
void rg_ctl_fini(struct dp *dp);
void rg_ctl_step(struct dp *dp, uint64_t now_ns);

int rg_ctl_extend(struct dp *dp, uint32_t rg, uint64_t epoch, uint64_t deadline_ns) MUST_CHECK;
/* False when it acts in a later epoch. Publishes, so wait a grace period before saying so. */
bool rg_ctl_fence(struct dp *dp, uint32_t rg, uint64_t epoch);

/* ---- fabric_ctl.c */
/* Consumes the frame. */
void fabric_receive(struct dp *dp, struct pkt *p);
void fabric_step(struct dp *dp, uint64_t now_ns);

/* ---- probe.c */
/* path_mtu_ctl.c: all SAs that the message may be about. */
void path_mtu_learn(struct dp *dp, const struct note *n, uint64_t now_ns);
void probe_answer(struct dp *dp, const struct note *n, uint64_t now_ns);
void probe_step(struct dp *dp, uint64_t now_ns);

/* ---- handover_ctl.c */
/* A new state of the group was published: what was queued goes by it. */
void handover_end(struct dp *dp, uint32_t rg, struct reply *r);

/* ---- await_ctl.c */
int await_ctl_init(struct dp *dp) MUST_CHECK;
void await_ctl_fini(struct dp *dp);
/* It is in the table of SAs now: what came early goes on. */
void await_installed(struct dp *dp, const struct sa *sa);

/* ---- child.c */
void child_drop_all(struct dp *dp);
/* Every SA of the worker's buckets begins anew, beyond what that worker may still use. */
void child_clone_of(struct dp *dp, uint32_t worker);
/* Interfaces may have changed. */
void child_place_all(struct dp *dp);
struct policy_sas *policy_sas_get(struct dp *dp, uint32_t id);
/* Forgets policies without SAs that no configuration names; no worker may see an older one. */
void policy_sas_prune(struct dp *dp);
/* A part that nothing leads to any more. */
void policy_sas_drop(struct dp *dp, struct policy_sas *p);

/* ---- events.c */
void events_step(struct dp *dp, uint64_t now_ns);
/* When the next batch of leases is due, or UINT64_MAX. */
uint64_t events_due(const struct dp *dp);
void events_fini(struct dp *dp);

/* ---- test_ctl.c: with --test-socket only, tests make workers hang */
int test_listen(struct dp *dp, const char *path) MUST_CHECK;
void test_readable(struct dp *dp);

/* ---- punt_sock.c */
void punt_accept(struct dp *dp);
void punt_readable(struct dp *dp);
void punt_step(struct dp *dp);
void punt_close(struct dp *dp);

/* ---- buffers.c: how large packets may be */
int buffers_init(struct dp *dp, uint32_t packets, uint32_t mtu) MUST_CHECK;
void buffers_fini(struct dp *dp);
bool buffers_suffice(const struct dp *dp, uint32_t mtu);
/* While no worker runs and no port is open. Buffers never get smaller again. */
int buffers_grow(struct dp *dp, uint32_t mtu) MUST_CHECK;
void buffers_step(struct dp *dp);

/* ---- plumb.c: ports and workers */
int plumb_apply(struct dp *dp, const Dp__Configure *c, struct reply *r) MUST_CHECK;
int plumb_start(struct dp *dp) MUST_CHECK;
/* False: a worker does not end, and may use anything. */
bool plumb_down(struct dp *dp) MUST_CHECK;
void plumb_links(struct dp *dp, uint64_t now_ns);
uint16_t plumb_port(const struct dp *dp, const char *name);
