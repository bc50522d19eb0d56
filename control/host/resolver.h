#pragma once
/*
 * Host names of peers (`address hub.example.net`), by the system's resolver: at the start, each
 * minute, and when an attempt to reach the peer begins. What a name means goes to the engine; a
 * lookup that fails is said once, and tried again soon.
 *
 * The resolver may block for long: each lookup has a thread of its own, a few at once, never one of
 * the pool's where signatures wait. One that is out at the end is left alone and frees itself.
 *
 * Life: resolver_init() .. resolver_fini(). Thread: the loop's.
 */
#include <uv.h>

#include "base/list.h"

struct daemon;
struct resolver_shared;

struct resolver {
	struct daemon *d;
	uv_timer_t tick;
	struct list names;
	unsigned running;
	struct resolver_shared *shared; /* with the threads */
};

int resolver_init(struct resolver *r, struct daemon *d) MUST_CHECK;
/* The names of d->model are looked up, others forgotten. */
void resolver_configure(struct resolver *r);
/* Somebody is about to use it: once more, soon. */
void resolver_ask(struct resolver *r, const char *host);
void resolver_fini(struct resolver *r);
