#pragma once
/*
 * The datagrams of one message, kept to be sent again byte-identically.
 *
 * Life: flight_of() .. flight_free(); one allocation. Owner: the exchange or the answer it belongs
 * to. A message is one datagram, or several when it was fragmented (RFC 7383).
 */
#include "base/view.h"

struct flight {
	uint16_t n;
	uint16_t len[]; /* n lengths, then the octets */
};

/* NULL when out of memory, or for no or too long datagrams. */
struct flight *flight_of(const struct view *v, size_t n);
struct view flight_at(const struct flight *f, size_t i);
size_t flight_octets(const struct flight *f);
void flight_free(struct flight *f);
