#pragma once
/*
 * What all threads of the dataplane see.
 *
 * Life: the process. Written by the API thread, through atomics or while no worker runs; read by
 * workers between two quiescent states. Nothing in here is a lock.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "core/iv.h"
#include "core/rg.h"
#include "net.h"
#include "port.h"
#include "sad.h"

struct await_table;
struct neighbours;
struct qsbr;
struct worker;

enum {
	WORKER_MAX = 16,
	WORKER_NONE = 0xff,
	BUCKET_MAX = 1 << 16,
	GATHER_SLOTS = 16, /* fragments: by a hash to a slot, and that to a worker */
};

/* During a planned handover buckets of one RG differ. */
enum bucket_mode {
	BUCKET_BY_ROLE,
	BUCKET_FROZEN,	/* queue what arrives */
	BUCKET_FORWARD, /* given away: send it to rg_view.bucket_node */
	BUCKET_ACTIVE,	/* taken over ahead of the role */
};

/* One state of an RG, immutable but for the deadline and the bucket modes. */
struct rg_view {
	enum rg_role role;
	uint8_t owner;
	uint64_t epoch;
	uint64_t stragglers_ns; /* it acted until lately: until then, forward what still arrives */
	_Atomic uint64_t deadline_ns;
};

/* Of a handover under way; NULL otherwise. mode[] is written by the owner of each bucket. */
struct rg_handover {
	_Atomic uint64_t epoch;
	_Atomic uint64_t deadline_ns; /* of BUCKET_ACTIVE */
	_Atomic uint8_t node;	      /* of BUCKET_FORWARD */
	uint32_t n;
	/* of the API thread: orders given that name it; it goes after the last of them */
	uint32_t orders;
	bool ended;
	_Atomic uint8_t mode[];
};

struct rg_slot {
	_Atomic(struct rg_view *) view;
	_Atomic(struct rg_handover *) handover;
};

struct shared {
	_Atomic(struct net *) net;
	struct sad sad;
	struct await_table *awaited; /* NULL: nothing ever waits */
	struct rg_slot rgs[RG_MAX];
	struct iv_pool ivs;
	struct neighbours *neighbours;
	struct qsbr *qsbr;
	void *pool; /* this and its buffers' size change only while no worker runs */
	uint32_t pool_octets;
	/* A few of PKT_DATA_JUMBO octets, whatever the MTU: for what is put together of fragments,
	 * or is cut into some. */
	void *large;
	const struct env *env;
	uint64_t flow_key[2]; /* of the flow labels we write */
	_Atomic uint64_t lease_hold_ns;
	_Atomic bool busy_poll;
	int api_wake; /* eventfd of the API thread */
	_Atomic bool api_sleeps;
	_Atomic uint8_t bucket_worker[BUCKET_MAX];
	_Atomic uint64_t fabric_macs[RG_OWNER_NONE + 1]; /* of each node; 0 = not heard */
	_Atomic uint8_t gather_worker[GATHER_SLOTS];
	/* The worker that resolves next hops and sends what the API thread made; it passes this on
	 * itself. */
	_Atomic uint8_t lead;
	/* Each time workers were found hung: what was cloned then is not for older bursts. */
	_Atomic uint32_t revocations;
	bool test_hang; /* tests may make workers hang */
	/* Changed only while no worker runs. Of the n_workers slots some have no thread. */
	uint32_t n_workers, n_ports;
	struct worker *workers[WORKER_MAX];
	struct port *ports[PORT_MAX];
};

static inline const struct rg_view *rg_view(const struct shared *sh, uint8_t rg)
{
	return atomic_load_explicit(&sh->rgs[rg].view, memory_order_acquire);
}

static inline bool rg_view_acts(const struct rg_view *v, uint64_t now_ns)
{
	return v->role == RG_ROLE_ACTIVE &&
	       now_ns < atomic_load_explicit(&v->deadline_ns, memory_order_relaxed);
}
