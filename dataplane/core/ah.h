#pragma once
/*
 * AH arithmetic (RFC 4302): where the header lies, and the packet as its ICV sees it.
 *
 *	IP header, extension headers | next(1) length(1) 0(2) SPI(4) seq(4) ICV(icv) padding | data
 *
 * The ICV is taken over the packet itself: ah_mute() writes zeroes (or what the receiver will see)
 * over the octets that may change on the way and keeps what was there, ah_unmute() puts it back.
 * Pure; no memory of its own. Thread: any, each with its own struct ah_muted.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum {
	AH_HDR = 12, /* without ICV */
	AH_AT_LEN = 1,
	AH_AT_SPI = 4,
	AH_AT_SEQ = 8,
	AH_ESN_HIGH = 4,   /* octets that take part in the ICV and are not sent (RFC 4302 3.3.3.2.2)
			    */
	AH_SAVE_MAX = 256, /* headers in front of AH, and AH */
};

enum ah_fault {
	AH_OK,
	AH_FAULT_SHORT,	  /* the packet ends within its headers */
	AH_FAULT_LENGTH,  /* the payload length field does not fit the ICV */
	AH_FAULT_HEADERS, /* options or extension headers that make no sense, or too many */
};

struct ah_place {
	uint16_t at;	  /* of the AH from the IP header on */
	uint16_t len;	  /* of the AH: header, ICV, padding */
	uint16_t next_at; /* the octet in front that names AH */
	uint8_t icv;
	uint8_t next; /* header behind AH */
};

struct ah_muted {
	uint16_t n;
	uint8_t saved[AH_SAVE_MAX];
};

/* Octets of an AH: a multiple of 4 in IPv4 and of 8 in IPv6 (RFC 4302 3.3.3.2.1). */
static inline uint32_t ah_size(uint32_t icv, bool ip6)
{
	uint32_t unit = ip6 ? 8 : 4;

	return (AH_HDR + icv + unit - 1) & ~(unit - 1);
}

/* Finds the first AH of an IPv4 or IPv6 packet whose IP header was found whole. An IPv4 sender that
 * pads to 8 is heard as well: some do. */
enum ah_fault ah_find(struct view packet, uint32_t icv, struct ah_place *out) MUST_CHECK;
/* Writes a whole header at p, ICV and padding zero. */
void ah_put(uint8_t *p, uint32_t spi, uint32_t seq, uint8_t next, uint32_t size);
/* The packet as its ICV is computed (3.3.3.1, appendix A): the ICV is zero. A sender predicts what
 * source routes make of the packet, a receiver sees it. On failure the packet is untouched. */
enum ah_fault ah_mute(
	uint8_t *packet, const struct ah_place *a, bool sending, struct ah_muted *m) MUST_CHECK;
void ah_unmute(uint8_t *packet, const struct ah_muted *m);

/* The ICV that ah_mute() took away. */
static inline struct view ah_icv(const struct ah_muted *m, const struct ah_place *a)
{
	return view_of(m->saved + a->at + AH_HDR, a->icv);
}
