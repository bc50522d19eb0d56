#pragma once
/*
 * Transport mode (RFC 4301 5, RFC 4303 3.1.1): the IP header stays and what is protected comes
 * between it and what it carried. Both families; pure.
 */
#include <stdint.h>

#include "base/view.h"

/* How many octets of the packet stay in front (RFC 8200 4.1: extension headers that routers look at
 * do), and which header comes first of what is protected. 0: its headers make no sense, or it is a
 * fragment. The IP header was read before. */
uint32_t transport_front(struct view packet, uint8_t *next) MUST_CHECK;
/* Says in a front of so many octets, of a packet of `len` octets, that `next` follows. */
void transport_close(uint8_t *ip, uint32_t front, uint8_t next, uint32_t len);
