#pragma once
/*
 * ha's state file: the newest contents win, one write at a time, in the thread pool because fsync
 * can take long.
 *
 * Life: persist_init() .. persist_fini() (waits for the write under way). Thread: the loop.
 */
#include <uv.h>

#include "base/view.h"

struct persist {
	uv_loop_t *loop;
	uv_work_t work;
	char path[512];
	struct blob writing, next;
	uint64_t writing_serial, next_serial;
	bool busy, waiting;
	int rc;
	/* serial and all before it are on disk; rc < 0: the disk refuses, the daemon must end */
	void (*done)(void *ctx, uint64_t serial, int rc);
	void *ctx;
};

int persist_init(struct persist *p, uv_loop_t *loop, const char *path) MUST_CHECK;
int persist_put(struct persist *p, uint64_t serial, struct view octets) MUST_CHECK;
void persist_fini(struct persist *p);
