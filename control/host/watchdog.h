#pragma once
/*
 * Ends the process when the loop stands still for 2 s (architecture rule 5): a daemon that hangs
 * must look dead to the cluster, not slow.
 *
 * Life: watchdog_start() .. watchdog_stop(). A thread of its own that only compares two clocks.
 * After a stop of the whole process (SIGSTOP, suspend) the thread was stopped too: it counts its
 * own ticks, so a wake-up is not a stall.
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
