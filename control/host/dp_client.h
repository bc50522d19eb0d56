#pragma once
/*
 * The stream socket to tandem-dataplane: requests out, replies and events in.
 *
 * Life: dp_client_init() .. dp_client_close() (asynchronous; the loop must run once more).
 * Reconnects by itself with a back-off of 100 ms. Requests made while it is down fail at once with
 * -ERR_AGAIN; those under way fail with -ERR_IO. What is asked for in one turn of the loop leaves
 * in one write at its end. Thread: the loop.
 */
#include <uv.h>

#include "base/list.h"
#include "base/log.h"
#include "dataplane.pb-c.h"
#include "base/secret.h"
#include "frame.h"

/* reply is NULL when rc < 0 came from the connection; else rc is 0 or -reply->error. */
typedef void dp_reply_fn(void *ctx, int rc, const Dp__Reply *reply);

struct dp_pending;

struct dp_handlers {
	void (*up)(void *ctx);
	void (*down)(void *ctx);
	void (*event)(void *ctx, const Dp__Event *event);
	void *ctx;
};

struct dp_client {
	uv_loop_t *loop;
	uv_pipe_t pipe;
	uv_connect_t connect;
	uv_timer_t retry;
	uv_prepare_t turn;
	struct list out; /* requests of this turn, packed */
	char path[108];
	struct dp_handlers on;
	struct log_ctx log;
	struct frame_in in;
	struct dp_pending *pending; /* by request id */
	uint64_t next_id;
	bool is_up, pipe_open, closing, warned;
};

int dp_client_init(
	struct dp_client *c, uv_loop_t *loop, const char *path, struct dp_handlers on) MUST_CHECK;
/* Packs and sends; sets r->id. `done` may be NULL. */
int dp_client_send(struct dp_client *c, Dp__Request *r, dp_reply_fn *done, void *ctx) MUST_CHECK;
void dp_client_close(struct dp_client *c);
