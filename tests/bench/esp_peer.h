#pragma once
/*
 * The yardstick beside ours: DPDK's rte_ipsec library over its ipsec-mb cryptodev, called
 * synchronously (cpu-crypto), on the same core in the same process. It is not ipsec-secgw: no
 * receiving, no SPD or SAD lookup, no route; only mbufs in, ESP, mbufs out.
 *
 * Life: peer_new() .. peer_free(). Thread: the caller's.
 */
#include "esp_world.h"

struct peer;

/* NULL: the library cannot do this suite, or the driver is not there. */
struct peer *peer_new(const struct suite *s, enum dir dir, uint32_t bytes, void *pool);
void peer_free(struct peer *p);
/* Stops the devices; they stay between peers. */
void peer_end(void);
/* One slice: cycles a packet. */
double slice_peer(struct peer *p);
