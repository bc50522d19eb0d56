#pragma once
/*
 * One packet on its way: where its octets are and what the steps found out about it.
 *
 * Life: pkt_alloc() or a port's rx .. pkt_free() or a port's tx. Owner: the step that holds it;
 * rings hand it to another thread whole. In the daemon it lies in the private area of an mbuf
 * (pool.c); tests link a pool of their own, so that no step needs DPDK to be tested.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "core/hot.h"

enum {
	PKT_BURST = 64,
	PKT_VEC = 2 * PKT_BURST, /* a burst and what answering it may add */
	/* Octets a buffer holds behind its headroom: as a rule, and when an MTU asks for more. */
	PKT_DATA = 2048,
	PKT_DATA_JUMBO = 10240,
	PKT_AROUND = 148, /* of them, what is not for an IP packet of the size of the MTU */
};

/* What a packet handed to another worker is, that is, where it goes on. */
enum pkt_kind {
	PKT_FRAME,    /* as a port received it */
	PKT_FRAGMENT, /* p at the IP header of a fragment for an address of ours */
	PKT_ESP_IN,   /* p at the ESP header, outer header known, for the owner of spi */
	PKT_ESP_OUT,  /* p at the inner header, for the owner of the SA named by spi */
	PKT_AH_IN,    /* like PKT_ESP_IN, p at the AH */
	PKT_RESOLVE,  /* p at an IP header, over iface; the 16 octets before p are its next hop */
	PKT_OUT,      /* p at an IP header of our own, to be routed */
	PKT_RAW,      /* p at a complete frame for the port */
	PKT_IKE,      /* to the API thread: p at an IKE message, its IP header `outer` before */
	PKT_KERNEL,   /* p at an IP header; to the API thread for the kernel, or from it */
	PKT_FABRIC,   /* to the API thread: p at a fabric frame */
};

enum {
	PKT_INNER = 1,	   /* was decapsulated here */
	PKT_OURS = 2,	   /* made by this node */
	PKT_NATT = 4,	   /* ESP came in UDP */
	PKT_STEERED = 8,   /* a fragment at the worker that gathers it */
	PKT_HOP = 16,	   /* once for each time it crossed the fabric */
	PKT_HOPPED = 0xf0, /* it did */
	/* It may cross once; in a handover it may meet a bucket that is just on its way. */
	PKT_HOPS_MAX = 1,
	PKT_HOPS_HANDOVER = 3,
};

struct pkt {
	uint8_t *p;
	uint32_t len;
	uint16_t head, tail; /* octets free before p and behind p + len */
	struct pkt *next;    /* in a queue */
	uint8_t kind, flags;
	uint16_t iface; /* came by, or goes by: slot in struct net */
	uint32_t spi;	/* inbound SPI of the SA */

	union {
		uint16_t sport;	     /* outer UDP source; IKE: UDP port */
		uint16_t tunnel_mtu; /* PKT_ESP_OUT: of inner packets, 0 = no limit */
	};

	uint16_t port; /* it came by or goes by; IKE: UDP port */

	union {
		uint32_t hop;	/* index into net->hops, within one burst */
		uint32_t outer; /* octets between the outer IP header and p */
	};
	struct sa *sa; /* within one burst */
	uint64_t seq;
};

/* Addresses are not copied in here: they are where the wire put them, behind p or `outer` octets in
 * front of it. */

_Static_assert(sizeof(struct pkt) <= 64, "one cache line beside the mbuf's");

struct pkt_vec {
	uint32_t n;
	struct pkt *v[PKT_VEC];
};

/* NULL when the pool is empty. len is 0, p behind the whole headroom. */
struct pkt *pkt_alloc(void *pool);
void pkt_free(struct pkt *p);
void pkt_free_bulk(struct pkt **v, uint32_t n);
/* Around a thread's use of pools. False when there are too many threads. */
bool pkt_thread_enter(void);
void pkt_thread_leave(void);

static inline struct view pkt_view(const struct pkt *p)
{
	return view_of(p->p, p->len);
}

/* Callers have checked that there is so much. */
static inline void pkt_pull(struct pkt *p, uint32_t n)
{
	p->p += n;
	p->len -= n;
	p->head = (uint16_t)(p->head + n);
}

static inline uint8_t *pkt_push(struct pkt *p, uint32_t n)
{
	p->p -= n;
	p->len += n;
	p->head = (uint16_t)(p->head - n);
	return p->p;
}

/* Cuts to n octets. */
static inline void pkt_cut(struct pkt *p, uint32_t n)
{
	p->tail = (uint16_t)(p->tail + (p->len - n));
	p->len = n;
}

static inline uint8_t *pkt_append(struct pkt *p, uint32_t n)
{
	uint8_t *end = p->p + p->len;

	p->len += n;
	p->tail = (uint16_t)(p->tail - n);
	return end;
}

static inline void vec_add(struct pkt_vec *v, struct pkt *p)
{
	v->v[v->n++] = p;
}
