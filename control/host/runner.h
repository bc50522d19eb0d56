#pragma once
/*
 * Executes what the IKE engine asks for, and feeds it what happened.
 *
 * Life: runner_init() .. runner_fini(). Thread: the loop; key exchange runs where offload.h says.
 * runner_feed() must not be called while effects of either core are being executed: what an effect
 * causes goes through the daemon's work queue (runner_post_*).
 */
#include <uv.h>

#include "host/calls.h"
#include "host/offload.h"
#include "ike/step.h"

struct daemon;
struct ctl_call;

struct runner {
	struct daemon *d;
	struct ike *ike;
	struct ike_effects fx;
	uv_timer_t tick;
	struct calls calls;
	struct offload offload;
	uint32_t signing; /* jobs with tandem-keys */
	bool started;
};

int runner_init(struct runner *r, struct daemon *d) MUST_CHECK;
void runner_fini(struct runner *r);

/* Fills in the clocks, steps, executes, arms the timer. The daemon ends when the engine is out of
 * memory: coming back as a joiner is safer than running on with holes. */
void runner_feed(struct runner *r, struct ike_event *ev);

void runner_post_committed(struct runner *r, uint64_t ticket);
void runner_post_rejected(struct runner *r, uint64_t ticket, bool retry);
/* An operator's request; the call is answered when the engine is done. */
void runner_operator(struct runner *r, struct ike_ev_operator *op, struct ctl_call *call);
