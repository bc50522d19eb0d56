#pragma once
/*
 * Which MAC a next hop has, and the packets that wait to learn it.
 *
 * Addresses of both families are in one table (core/ipaddr.h).
 *
 * Life: the table is shared, neighbours_new() .. neighbours_free(); struct pending is the lead's.
 * Threads: the lead worker alone writes (every ARP packet and every miss is handed to it); all
 * workers read, without locks: an entry's key is checked before and after its value.
 */
#include "node/node.h"

enum { RESOLVE_HDR = 16 }; /* octets before a packet that is to be resolved: its next hop */

struct neighbours *neighbours_new(void);
void neighbours_free(struct neighbours *n);
/* False when it is not known. */
bool neighbour_find(const struct neighbours *n, uint16_t iface, struct ipaddr addr, uint8_t mac[6]);
/* An ARP packet said so. `create`: it was meant for us; else only a known entry is updated. */
void neighbour_learn(struct worker *w, const struct iface *iface, struct ipaddr addr,
	const uint8_t *mac, bool create);
/* Worker `to` is the lead from here on, and gets what waits for a MAC. */
void neighbour_pass(struct worker *w, uint32_t to);
/* Its thread is gone: drops what waited. */
void neighbour_clear(struct worker *w);
struct pending *pending_new(void);
void pending_free(struct pending *q);
uint32_t pending_count(const struct pending *q);

/* arp.c: whole frames into an empty packet. */
void arp_announce_put(struct pkt *p, const uint8_t mac[6], uint32_t addr);
void arp_probe_put(struct pkt *p, const uint8_t mac[6], uint32_t addr);
/* nd.c: likewise */
void nd_announce_put(struct pkt *p, const uint8_t mac[6], struct ipaddr addr);
void nd_probe_put(struct pkt *p, const uint8_t mac[6], struct ipaddr addr);
