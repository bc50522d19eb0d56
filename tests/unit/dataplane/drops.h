#pragma once
/*
 * One packet for each drop counter: what it is, how it is made, and how its fall is watched.
 *
 * A case prepares a node, aims (aim() remembers the counters) and shoots one packet; test_drops.c
 * then finds exactly the named counter raised by one. Several cases may share a counter.
 */
#include "fakeway.h"

struct shot {
	struct way *y;
	bool aimed;
	uint64_t was[STAT_COUNT];
};

struct drop_case {
	enum counter counter;
	const char *what;
	void (*run)(struct shot *s);
};

struct drop_cases {
	const struct drop_case *v;
	size_t n;
};

struct drop_cases drops_wire(void);    /* Ethernet, ARP, IP, fragments */
struct drop_cases drops_local(void);   /* for addresses of ours: UDP, IKE, ICMP; rings and ports */
struct drop_cases drops_esp(void);     /* ESP both ways */
struct drop_cases drops_ah(void);      /* AH, bundles, transport mode */
struct drop_cases drops_ip6(void);     /* IPv6 headers, ICMPv6, neighbour discovery */
struct drop_cases drops_rg(void);      /* roles, the fabric, handovers, neighbours */
struct drop_cases drops_workers(void); /* buckets that move, workers that hang or go */

/* Everything counted from here on is the packet's. */
void aim(struct shot *s);
/* Aims and lets the port receive the frame. */
void fire(struct shot *s, uint16_t port, const void *frame, size_t n);
/* Aims and hands it to the worker as its kind says. */
void fire_packet(struct shot *s, struct pkt *p);

/* An IPv4 packet with `n` octets behind its header, for the outside (0) or the inside port (1):
 * from the peer to us, from the host into the tunnel. */
struct ip_frame {
	uint8_t f[1600];
	size_t n;
};

struct ip_frame frame_to_us(uint8_t proto, size_t n);
struct ip_frame frame_to_far(size_t n);
/* After the header was changed. */
void frame_sum(struct ip_frame *x);
void fire_frame(struct shot *s, uint16_t port, const struct ip_frame *x);
