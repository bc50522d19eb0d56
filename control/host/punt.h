#pragma once
/*
 * IKE datagrams from and to the dataplane: a seqpacket socket, one PuntBatch a packet.
 *
 * Life: punt_init() .. punt_close(). Reconnects with a back-off. What cannot be sent is dropped and
 * counted: IKE retransmits. Thread: the loop.
 */
#include <uv.h>

#include "base/addr.h"
#include "base/log.h"

struct punt_datagram {
	uint32_t interface_id;
	struct endpoint local, remote;
	struct view data;
	bool keepalive;
};

typedef void punt_fn(void *ctx, const struct punt_datagram *d);

struct punt {
	uv_loop_t *loop;
	uv_poll_t poll;
	uv_timer_t retry;
	int fd;
	bool polling, closing;
	char path[108];
	punt_fn *received;
	void *ctx;
	struct log_ctx log;
	uint64_t sent, dropped;
};

int punt_init(
	struct punt *p, uv_loop_t *loop, const char *path, punt_fn *received, void *ctx) MUST_CHECK;
/* Batches of any size are cut as the socket needs. */
void punt_send(struct punt *p, const struct punt_datagram *d, size_t n);
void punt_close(struct punt *p);
