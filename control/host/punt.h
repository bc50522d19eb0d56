#pragma once
/*
 * IKE datagrams from and to the dataplane: a seqpacket socket, one PuntBatch a packet.
 *
 * What one turn of the loop sends leaves together at its end, or when it is much. Whether the
 * sender may still act is asked then (invariant I7): a process may have been stopped in between.
 *
 * Life: punt_init() .. punt_close(). Reconnects with a back-off. What cannot be sent is dropped and
 * counted: IKE retransmits. Thread: the loop.
 */
#include <uv.h>

#include "base/addr.h"
#include "base/log.h"

enum { PUNT_BATCH_MAX = 32, PUNT_BATCH_OCTETS = 48 << 10 };

struct punt_datagram {
	uint32_t interface_id;
	uint32_t rg; /* whose; of those that are sent */
	struct endpoint local, remote;
	struct view data;
	bool keepalive;
};

typedef void punt_fn(void *ctx, const struct punt_datagram *d);
/* May this group act now? */
typedef bool punt_may_fn(void *ctx, uint32_t rg);

struct punt_handlers {
	punt_fn *received;
	punt_may_fn *may_send;
	void *ctx;
};

/* Datagrams on their way, packed one behind the other. */
struct punt_out {
	uint8_t *room;
	size_t n_octets, room_n;
	size_t n;

	struct {
		size_t end; /* in room */
		uint32_t rg;
	} v[PUNT_BATCH_MAX];
};

struct punt {
	uv_loop_t *loop;
	uv_poll_t poll;
	uv_timer_t retry;
	uv_prepare_t turn;
	int fd;
	bool polling, closing;
	char path[108];
	struct punt_handlers on;
	struct punt_out out;
	struct log_ctx log;
	uint64_t sent, dropped, withheld; /* withheld: their group may not act any more */
};

int punt_init(
	struct punt *p, uv_loop_t *loop, const char *path, struct punt_handlers on) MUST_CHECK;
/* Copies what it sends. */
void punt_send(struct punt *p, const struct punt_datagram *d);
void punt_close(struct punt *p);
