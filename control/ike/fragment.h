#pragma once
/*
 * Collecting the fragments of one protected message (RFC 7383 2.6).
 *
 * Only authentic fragments come in here: whoever calls has decrypted the octets, and asks
 * fragments_admit() before that work. What is held is bounded: 32 fragments, FRAGMENTS_OCTETS_MAX
 * octets, one message at a time. Not replicated: after a takeover the sender sends all again.
 *
 * Life: made by the first fragments_add(), freed with the message, the IKE SA, or when the rest
 * does not come (schedule.c). Owner: the IKE SA, one for requests and one for answers. Holds
 * decrypted octets, wiped when freed. Thread: the engine's.
 */
#include "base/view.h"

#define FRAGMENTS_MAX	      32
#define FRAGMENTS_OCTETS_MAX  65000
#define FRAGMENTS_PATIENCE_MS 30000
#define FRAGMENTS_WAIT	      1 /* not complete yet */

struct fragments;

struct fragment {
	uint32_t mid;
	uint16_t number, total; /* 1 <= number <= total */
	uint8_t first;		/* inner payload type; of number 1 only */
	struct view inner;	/* without padding */
	uint8_t hash[16];	/* of its datagram */
};

/*
 * Is it worth decrypting? `held` may be NULL. 0, or -ERR_LIMIT: more than 32; -ERR_EXISTS: that one
 * is there; -ERR_WRONG_STATE: of a set with fewer fragments than the one being collected, which is
 * the older one (2.5.2: a sender that tries again goes smaller).
 */
int fragments_admit(const struct fragments *held, const struct fragment *f) MUST_CHECK;
/*
 * Keeps an admitted, authentic fragment. Another message ID, or a larger total, throws away what is
 * held. FRAGMENTS_WAIT, 0 when it was the last that was missing, -ERR_NOMEM, or -ERR_LIMIT: the
 * whole would be too long; then nothing is held any more.
 */
int fragments_add(struct fragments **held, const struct fragment *f) MUST_CHECK;
/* Inner octets held. NULL: 0. */
size_t fragments_octets(const struct fragments *held);

struct fragments_whole {
	uint8_t first;
	struct view inner;
	uint8_t hash[16]; /* of the datagram of number 1: knows the request again */
};

/* The whole message, copied to room. -ERR_WRONG_STATE: it is not complete; -ERR_SPACE. */
int fragments_join(const struct fragments *held, uint8_t *room, size_t cap,
	struct fragments_whole *out) MUST_CHECK;
void fragments_free(struct fragments *held);
