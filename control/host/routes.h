#pragma once
/*
 * The routes of this node: made anew when the configuration or the set of tunnels changes, and told
 * to the dataplane when packets would go another way.
 *
 * Changes are gathered: the first after a quiet time is acted upon after ROUTES_GATHER_MS, the next
 * not before thirty times what making the list took, or half a second.
 * Life: routes_init() .. routes_fini(). Thread: the loop.
 */
#include <uv.h>

#include "host/kernel.h"
#include "host/presence.h"
#include "policy/rib.h"

struct daemon;

#define ROUTES_GATHER_MS 20

struct routes {
	struct daemon *d;
	struct presence presence;
	struct rib rib;
	struct kernel kernel;
	uv_timer_t timer;
	uint64_t pause_ms;
	bool pending;
};

int routes_init(struct routes *r, struct daemon *d) MUST_CHECK;
void routes_fini(struct routes *r);

/* Now, from the daemon's model; without telling: a Configure follows that carries them. */
void routes_make(struct routes *r);

/* Soon: the dataplane is configured, or the kernel has changed. */
void routes_again(struct routes *r);

/* A record of a child was written, applied or restored; or is gone. Other records are ignored. */
void routes_record(struct routes *r, uint32_t rg, struct view key, struct view body);
void routes_record_gone(struct routes *r, struct view key);
/* Every record of the group is told again; what is missing then goes with routes_synced(). */
void routes_reset(struct routes *r, uint32_t rg);
void routes_synced(struct routes *r, uint32_t rg);
