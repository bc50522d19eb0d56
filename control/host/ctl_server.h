#pragma once
/*
 * The operator's socket: requests of control.proto in, responses out.
 *
 * Life: ctl_server_init() .. ctl_server_close(). A request becomes a ctl_call that the handler
 * answers at once or later; the call outlives its connection if need be and must be ended by
 * exactly one ctl_end() or ctl_fail(). At most 64 connections; one request at a time on each, and
 * the next one when its client has read the answer. ctl_server_close() closes them all; the loop
 * must run once more while *s is there.
 * Thread: the loop.
 */
#include <uv.h>

#include "base/list.h"
#include "base/log.h"
#include "control.pb-c.h"
#include "frame.h"

struct ctl_call;
typedef void ctl_request_fn(void *ctx, const Ctl__Request *request, struct ctl_call *call);

struct ctl_server {
	uv_loop_t *loop;
	uv_pipe_t pipe;
	char path[108];
	ctl_request_fn *handle;
	void *ctx;
	struct log_ctx log;
	struct list conns;
	uint32_t connections;
	bool open;
};

int ctl_server_init(struct ctl_server *s, uv_loop_t *loop, const char *path, ctl_request_fn *handle,
	void *ctx) MUST_CHECK;
void ctl_server_close(struct ctl_server *s);

/* Sends one part with `more` set; r->schema is filled in. */
void ctl_part(struct ctl_call *call, Ctl__Response *r);
/* Sends the last part and ends the call. */
void ctl_end(struct ctl_call *call, Ctl__Response *r);
/* Ends the call with an error for the operator. */
void ctl_fail(struct ctl_call *call, const char *fmt, ...) PRINTF(2, 3);
/* Ends the call with a text to print, possibly empty. */
void ctl_done(struct ctl_call *call, int32_t node, const char *text, uint32_t count);
