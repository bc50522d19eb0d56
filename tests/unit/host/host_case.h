#pragma once
/*
 * What the tests of host share: a directory of their own, a real loop that is run until something
 * is so, and plain sockets for the other side of the daemon's.
 *
 * Life: host_setup() .. host_teardown() around each test, which fails when the test left a handle
 * open. Everything happens in one thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/err.h"
#include "base/view.h"
#include "frame.h"

struct host_case {
	uv_loop_t loop;
	char dir[64], path[108]; /* path: dir/x, for whatever the test needs one for */
};

int host_setup(void **state);
int host_teardown(void **state);
#define host_test(name) cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)

/* Fails the test when `is_so` does not come true within five seconds. */
void host_wait(struct host_case *h, bool (*is_so)(void *ctx), void *ctx);
/* One turn of the loop, then until it has something to do, or two milliseconds. */
void host_turn(struct host_case *h);
/* Handles that are being closed get closed. */
void host_settle(struct host_case *h);

/* ---- the other side; type is SOCK_STREAM or SOCK_SEQPACKET; not blocking */

int host_listen(struct host_case *h, int type);
int host_accept(struct host_case *h, int listener);
int host_connect(struct host_case *h, int type);
/* Sends all of it, while the loop runs. */
void host_send(struct host_case *h, int fd, struct view octets);
void host_send_message(struct host_case *h, int fd, const ProtobufCMessage *m);
/* The next message, lent until the next call; empty when the daemon closed. */
struct view host_receive(struct host_case *h, int fd, struct frame_in *in);
bool host_is_closed(struct host_case *h, int fd);
