#pragma once
/*
 * Packets in mbufs: struct pkt is the private area of its mbuf.
 * Thread: any DPDK thread; caches are per thread.
 */
#include <stdint.h>

struct rte_mbuf;
struct pkt;

void *pool_new(const char *name, uint32_t packets);
void pool_free(void *pool);
struct rte_mempool *pool_mempool(void *pool);
/* An mbuf a driver filled in; and back, with what the steps changed. */
struct pkt *pkt_of_mbuf(struct rte_mbuf *m);
struct rte_mbuf *mbuf_of_pkt(struct pkt *p);
