#pragma once
/*
 * The packet's way without DPDK: packets on the heap, a port that is a list, grace periods that are
 * over at once, one worker without a thread, a node with two interfaces, a tunnel and an SA.
 *
 *	peer 192.0.2.9   -- [0] 192.0.2.1   gateway 10.1.0.1 [1] -- host 10.1.0.10
 *	     2001:db8::9        2001:db8::1         fd01::1             fd01::a
 *
 * The tunnel leads to 10.2.0.0/16 and fd02::/16; its SA is between the IPv4 addresses, or after
 * way_outer6() between the others.
 *
 * Life: way_new() .. way_free(); one at a time.
 */
#include "await.h"
#include "core/ip6.h"
#include "worker.h"

enum {
	WAY_SPI_IN = 0x01020304,
	WAY_SPI_OUT = 0x0a0b0c0d,
	WAY_GW_OUT = (int)0xc0000201,
	WAY_PEER = (int)0xc0000209,
	WAY_GW_IN = 0x0a010001,
	WAY_HOST = 0x0a01000a,
	WAY_FAR = 0x0a020014,
	WAY_SENT_MAX = 256,
};

extern const uint8_t way_mac[6], way_peer_mac[6];

struct way {
	struct shared sh;
	struct worker *w;
	struct port ports[3];
	struct sa *sa;
	bool dry; /* the pool is empty */
	/* what left, by port; freed by way_forget() */
	struct pkt *sent[3][WAY_SENT_MAX];
	uint32_t n_sent[3];
	bool outer6;
};

#define WAY6_GW_OUT ((struct ipaddr){UINT64_C(0x20010db8) << 32, 1})
#define WAY6_PEER   ((struct ipaddr){UINT64_C(0x20010db8) << 32, 9})
#define WAY6_GW_IN  ((struct ipaddr){UINT64_C(0xfd01) << 48, 1})
#define WAY6_HOST   ((struct ipaddr){UINT64_C(0xfd01) << 48, 10})
#define WAY6_FAR    ((struct ipaddr){UINT64_C(0xfd02) << 48, 20})

/* From now on the SA is between IPv6 addresses. */
void way_outer6(struct way *y);
/* Ethernet and IPv6 in front of `len` octets of payload; returns the octets written (54). */
size_t way_headers6(uint8_t *frame, struct ipaddr src, struct ipaddr dst, uint8_t next, size_t len);

/* What its SA is like. */
struct way_sa {
	const struct suite *suite;
	uint32_t window, flags;
	bool strict;
	struct lease lease;
};

/* AES-128-GCM, a window of 64, numbers from 1. */
struct way *way_new(uint32_t sa_flags);
struct way *way_new_sa(const struct way_sa *like);
void way_free(struct way *y);
void way_forget(struct way *y);
/* Ports 0 and 1 are there. */
void way_add_port(struct way *y, uint16_t i);
/* A packet with so much room behind; exactly as long as it says, for the address sanitizer. */
struct pkt *way_packet(const void *data, size_t n, size_t tail);
/* As if the port had received it; the burst runs to its end. */
void way_receive(struct way *y, uint16_t port, struct pkt *p);
/* Packets alive: given out and not freed. */
uint32_t way_alive(void);
/* Takes the punt ring and the notes; how many packets there were. */
uint32_t way_drain(struct way *y);
/* Writes an authentic ESP frame to the gateway around any plaintext of whole blocks; returns its
 * length. */
size_t way_seal(struct way *y, uint64_t seq, struct view plain, bool udp, uint8_t *frame);
/* Another SA like that of the way, inbound only; gone with the way. */
struct sa *way_add_sa(struct way *y, uint32_t spi_in, const struct way_sa *like);
/* The peer may send with it before it is there. Lent; gone with the way. */
struct awaited *way_await(struct way *y, uint32_t spi_in);
/* The same to any of them. */
size_t way_seal_sa(struct way *y, const struct sa *sa, uint64_t seq, struct view plain, bool udp,
	uint8_t *frame);
/* Ethernet and IPv4 in front of `len` octets of payload; returns the octets written (34). */
size_t way_headers(uint8_t *frame, uint32_t src, uint32_t dst, uint8_t proto, size_t len);
