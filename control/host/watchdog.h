#pragma once
/*
 * Ends the process when the loop stands still for 2 s (architecture rule 5): a daemon that hangs
 * must look dead to the cluster, not slow.
 *
 * Life: watchdog_start() .. watchdog_stop(). A timer of the loop sets a counter to zero every
 * 100 ms; a thread of its own raises it every 100 ms and ends the process at the twentieth. It
 * reads no clock: while the whole process is stopped (SIGSTOP, suspend) the thread is stopped too
 * and counts nothing, so waking up is not a stall.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

struct watchdog {
	uv_timer_t beat;
	pthread_t thread;
	atomic_uint ticks_since_beat;
	atomic_bool stop;
	bool running;
};

int watchdog_start(struct watchdog *w, uv_loop_t *loop);
void watchdog_stop(struct watchdog *w);
