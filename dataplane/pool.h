#pragma once
/*
 * Packets in mbufs: struct pkt is the private area of its mbuf.
 * Thread: any DPDK thread; caches are per thread.
 */
#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct pkt;

/* Buffers of `octets` behind the headroom. NULL when there is no memory for so many. */
void *pool_new(const char *name, uint32_t packets, uint32_t octets);
uint32_t pool_octets(void *pool);
/* How many there are, free or not. */
uint32_t pool_packets(void *pool);
/* Is every buffer back? */
bool pool_is_whole(void *pool);
void pool_free(void *pool);
struct rte_mempool *pool_mempool(void *pool);
/* An mbuf a driver filled in; and back, with what the steps changed. */
struct pkt *pkt_of_mbuf(struct rte_mbuf *m);
struct rte_mbuf *mbuf_of_pkt(struct pkt *p);
