#pragma once
/*
 * Computations that the engine asks for, kept from holding up the loop, at little cost each.
 *
 * Handing work to another thread and back costs as much as a light key exchange. So a few light
 * ones are computed on the loop, up to a budget for each of its turns; the rest waits for the end
 * of the turn and goes to libuv's pool by the handful. The pool serves in order of arrival:
 * strangers get so much of it that whoever is authenticated never waits behind more than a few
 * handfuls (I9).
 *
 * Life: offload_init() .. offload_fini(), which waits for what runs and drops the rest. A job is
 * the caller's memory, lent from offload_post() until done(). Thread: the loop, but run().
 */
#include <uv.h>

#include "host/work.h"

struct offload_job {
	struct list link;
	uint32_t cost_us; /* about, on a machine of today */
	bool stranger;	  /* for a peer that is not authenticated: others go first */
	/* On any thread, once; not called when it is dropped. */
	void (*run)(struct offload_job *j);
	/* On the loop, once, never from inside of offload_post(). */
	void (*done)(struct offload_job *j, bool dropped);
};

struct offload {
	uv_loop_t *loop;
	struct work_queue *work;
	struct daemon *d; /* for the queue */
	uv_prepare_t turn;
	struct list known, strangers;	     /* jobs that wait, oldest first */
	uint32_t spent_us;		     /* on the loop, in this turn */
	uint32_t running, strangers_running; /* handfuls in the pool */
	uint64_t handfuls;		     /* so far */
	bool closing;
};

/* All lent. */
int offload_init(
	struct offload *o, uv_loop_t *loop, struct work_queue *work, struct daemon *d) MUST_CHECK;
void offload_fini(struct offload *o);
void offload_post(struct offload *o, struct offload_job *j);
