#pragma once
/*
 * SPIs that a peer may use before their SA is here: it sends as soon as it has answered the request
 * that named them, and what it sends may overtake that answer, or be faster than its cryptography.
 * Packets for them wait, and are opened when the SA is installed, in the order they came in.
 *
 * Nobody else can make packets wait: the SPI was announced by tandemd, not long ago, and the packet
 * comes from where the peer is. AWAIT_SPI_PACKETS and AWAIT_SPI_OCTETS for each announcement,
 * AWAIT_PACKETS for each worker, AWAIT_HELD_NS for each packet.
 *
 * Life: the table is struct shared's. An entry is the API thread's, which puts it there and takes
 * it out; freed a grace period later. Threads: workers read the table under QSBR and count in
 * entries.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/ipaddr.h"

struct pkt;
struct sa;
struct worker;

enum {
	AWAIT_SLOTS = 4096,
	AWAIT_PROBES = 8,
	AWAIT_PACKETS = 1024,
	AWAIT_SPI_PACKETS = 512,
	AWAIT_SPI_OCTETS = 512 * 1024,
};

#define AWAIT_SECOND  UINT64_C(1000000000)
#define AWAIT_LIFE_NS (15 * AWAIT_SECOND) /* longer than between two retransmissions */
#define AWAIT_HELD_NS AWAIT_SECOND

struct awaited {
	uint32_t spi;
	struct ipaddr from;
	_Atomic uint64_t until_ns;
	/* The workers': what waited so far; nothing waits any more. */
	_Atomic uint32_t packets, octets;
	_Atomic bool over;
};

/* Relaxed by nature: a packet more or less. */
static inline bool awaited_is_over(const struct awaited *a, uint64_t now_ns)
{
	return atomic_load_explicit(&a->until_ns, memory_order_relaxed) <= now_ns ||
	       atomic_load_explicit(&a->over, memory_order_relaxed);
}

struct await_table {
	_Atomic(struct awaited *) slots[AWAIT_SLOTS];
};

/* API thread. False: there is no room. *old: what was in its place, NULL for nothing. */
bool await_put(struct await_table *t, struct awaited *a, uint64_t now_ns, struct awaited **old);
/* NULL: is not there. */
struct awaited *await_take(struct await_table *t, uint32_t spi);
struct awaited *await_find(struct await_table *t, uint32_t spi);

/* ---- node/await.c: packets of one worker, in struct worker.await */
/* p as it came to be opened. True: it waits. Behind others of its SA, or without one. */
bool await_hold(struct worker *w, struct pkt *p);
/* The SA is there; also for packets that waited elsewhere before its bucket moved. */
void await_release(struct worker *w, uint32_t spi);
/* What waited for too long goes. */
void await_tick(struct worker *w);
