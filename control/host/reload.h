#pragma once
/*
 * A configuration that is read while the daemon runs. Reading thousands of gateways takes seconds
 * (about 35 us each), in which peers and the watchdog would wait: a thread of libuv's pool reads
 * and checks the file, the loop takes over what came of it. One at a time, in the order in which
 * they were asked for, so that the newest file is in effect at the end.
 *
 * Life: reloads_init() .. reloads_fini(), which waits for the one being read and refuses the rest.
 * Thread: the loop.
 */
#include <uv.h>

#include "base/list.h"
#include "config/config.h"

struct ctl_call;
struct daemon;

struct reloads {
	struct list waiting; /* the first one is being read */
	bool closing;
};

void reloads_init(struct reloads *r);
void reloads_fini(struct daemon *d);
/* Complaints go to the log and to the operator who asks, if one does; when it is refused the
 * running configuration stays. call: ended by this, also on failure; NULL: nobody waits. */
void reload_begin(struct daemon *d, bool check_only, struct ctl_call *call);
/* For the start, when nobody is served yet: reads it at once. */
int reload_first(struct daemon *d) MUST_CHECK;
