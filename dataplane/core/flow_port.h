#pragma once
/*
 * Multipath UDP encapsulation: the outer source port says which inner flow a packet belongs to, so
 * that routers spread flows over their paths and keep each in order; and says nothing else. It
 * comes from SipHash-1-3 (Aumasson, Bernstein 2012) under a secret key: who does not have it can
 * neither tell a flow from its port nor choose flows that meet on one path.
 *
 * Pure functions; any thread.
 */
#include <stdint.h>

#include "base/view.h"

enum { FLOW_PORT_FIRST = 1024 };

/* The last two octets of the hash over source, destination, protocol and ports of an IP packet that
 * was found whole; lifted above the well-known ports. Fragments have no ports in it, so that all of
 * a packet go one way. */
uint16_t flow_port(const uint64_t key[2], struct view packet);
/* RFC 6438 3: 20 bits of it as a flow label; never 0, which says "none". */
uint32_t flow_label(const uint64_t key[2], struct view packet);
/* SipHash-1-3 of whole words; the last word's top octet has to tell inputs of different lengths
 * apart. */
uint64_t flow_hash(const uint64_t key[2], const uint64_t *words, uint32_t n);
