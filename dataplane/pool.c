#include "pool.h"

#include "pkt.h"

#include <rte_lcore.h>
#include <rte_mbuf.h>

enum { CACHE = 256, FEW = 2 * CACHE };

/* A DPDK thread: it gets a cache in each pool. */
bool pkt_thread_enter(void)
{
	return rte_thread_register() == 0;
}

void pkt_thread_leave(void)
{
	rte_thread_unregister();
}

void *pool_new(const char *name, uint32_t packets, uint32_t octets)
{
	/* Caches of threads would hold all of a few. */
	return rte_pktmbuf_pool_create(name, packets, packets < FEW ? 0 : CACHE, sizeof(struct pkt),
		(uint16_t)(RTE_PKTMBUF_HEADROOM + octets), SOCKET_ID_ANY);
}

uint32_t pool_octets(void *pool)
{
	return rte_pktmbuf_data_room_size(pool) - (uint32_t)RTE_PKTMBUF_HEADROOM;
}

uint32_t pool_packets(void *pool)
{
	const struct rte_mempool *m = pool;

	return m->size;
}

bool pool_is_whole(void *pool)
{
	return rte_mempool_full(pool);
}

void pool_free(void *pool)
{
	rte_mempool_free(pool);
}

struct rte_mempool *pool_mempool(void *pool)
{
	return pool;
}

struct pkt *pkt_of_mbuf(struct rte_mbuf *m)
{
	struct pkt *p = rte_mbuf_to_priv(m);

	p->p = rte_pktmbuf_mtod(m, uint8_t *);
	p->len = rte_pktmbuf_data_len(m);
	p->head = m->data_off;
	p->tail = rte_pktmbuf_tailroom(m);
	p->next = NULL;
	p->kind = PKT_FRAME;
	p->flags = 0;
	return p;
}

static struct rte_mbuf *mbuf_around(struct pkt *p)
{
	return (struct rte_mbuf *)(void *)((uint8_t *)p - sizeof(struct rte_mbuf));
}

struct rte_mbuf *mbuf_of_pkt(struct pkt *p)
{
	struct rte_mbuf *m = mbuf_around(p);

	m->data_off = p->head;
	m->data_len = (uint16_t)p->len;
	m->pkt_len = p->len;
	return m;
}

struct pkt *pkt_alloc(void *pool)
{
	struct rte_mbuf *m = pool ? rte_pktmbuf_alloc(pool) : NULL;

	return m ? pkt_of_mbuf(m) : NULL;
}

void pkt_free(struct pkt *p)
{
	rte_pktmbuf_free(mbuf_around(p));
}

void pkt_free_bulk(struct pkt **v, uint32_t n)
{
	struct rte_mbuf *m[PKT_BURST] UNINITIALIZED;

	while (n) {
		uint32_t k = MIN(n, (uint32_t)PKT_BURST);

		for (uint32_t i = 0; i < k; i++)
			m[i] = mbuf_around(v[i]);
		rte_pktmbuf_free_bulk(m, k);
		v += k;
		n -= k;
	}
}
