#pragma once
/*
 * A port as workers see it: bursts in and out of one queue each.
 *
 * Life: port_open() .. port_close() by the API thread, while no worker runs. Thread: queue i for
 * sending belongs to worker i. Each queue for receiving belongs to one worker at a time, who holds
 * its lock while it is in the driver: a worker that was found hung and wakes up cannot get in when
 * another one has taken over. The DPDK ports are in port.c; tests and benchmarks bring others.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "pkt.h"

enum { PORT_QUEUES = 16 };

struct port;

struct port_ops {
	/* n is at most PKT_BURST, in both */
	uint16_t (*rx)(struct port *p, uint16_t queue, struct pkt **v, uint16_t n);
	/* Takes what it returns; the caller keeps the rest. */
	uint16_t (*tx)(struct port *p, uint16_t queue, struct pkt **v, uint16_t n);
};

/* How the device chooses a queue: as its driver does (packet sockets: by a hash of the flow), by
 * addresses and ports, or ESP by its SPI. */
enum port_spread { SPREAD_DRIVER, SPREAD_ADDRESSES, SPREAD_SPI };

struct port {
	char name[32];
	const struct port_ops *ops;
	uint16_t index;	 /* in the daemon's table */
	uint16_t dev_id; /* DPDK's */
	uint8_t mac[6];
	uint32_t mtu, asked_mtu; /* asked: 0 = as the device has it */
	char device[128], device_name[64];
	enum port_spread spread; /* over the queues */
	bool has_fds;
	int fds[PORT_QUEUES]; /* poll tells of packets; only with has_fds */
	uint16_t n_rx;	      /* queues for receiving, and as many for sending */
	_Atomic uint8_t rx_worker[PORT_QUEUES];
	_Atomic bool rx_locked[PORT_QUEUES];
};

struct port_args {
	const char *name, *device;
	uint8_t mac[6];
	bool has_mac;
	uint32_t mtu;
	uint16_t queues, least; /* asked for, and needed at least */
	void *pool;
	uint32_t ports; /* that share the pool, this one included */
};

/* Receives from a queue if it is the worker's. */
static inline uint16_t port_rx_own(
	struct port *p, uint16_t queue, uint32_t worker, struct pkt **v, uint16_t n)
{
	uint16_t got = 0;

	if (atomic_load_explicit(&p->rx_worker[queue], memory_order_relaxed) != worker ||
		atomic_exchange_explicit(&p->rx_locked[queue], true, memory_order_acquire))
		return 0;
	if (atomic_load(&p->rx_worker[queue]) == worker)
		got = p->ops->rx(p, queue, v, n);
	atomic_store_explicit(&p->rx_locked[queue], false, memory_order_release);
	return got;
}

struct port_counts {
	bool link_up;
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, rx_missed, tx_dropped;
};

/* Attaches the DPDK device and starts it. On failure *out is untouched and the log tells. */
int port_open(const struct port_args *a, const struct log_ctx *log, struct port **out) MUST_CHECK;
void port_close(struct port *p);
/* port_flow.c: what its flow rules could send to a queue by itself: "none", ESP by whole "spi", or
 * by some bits of it ("spi-bits"). */
const char *port_flow_text(const struct port *p);
bool port_link(const struct port *p);
void port_counts(const struct port *p, struct port_counts *out);
