#pragma once
/*
 * Putting fragments together (RFC 791 3.2, RFC 8200 4.5), for packets to our own addresses only,
 * with a bound on everything: so many packets at a time, each with one buffer of the caller's, for
 * so long.
 *
 * A table of small sets, chosen by a keyed hash: a flood takes the oldest of a set, and nobody
 * outside can aim at one. Fragments that overlap condemn their packet (RFC 5722 4, and for the same
 * reasons here); an exact copy of one that is there is ignored. What came of a condemned packet
 * after that is refused until its time is over.
 *
 * Life: embedded, zeroed; reasm_init(). The owner takes all buffers back with reasm_expire(all).
 * Thread: the owner's. Time: nanoseconds, never going back.
 */
#include "core/ip6.h"

enum {
	REASM_SETS = 32,
	REASM_WAYS = 8,
	REASM_OCTETS = 9216, /* of data, in one packet */
	REASM_UNITS = REASM_OCTETS / 8,
	REASM_HDR = IP6_HDR + IP6_EXT_OCTETS_MAX,
};

/* RFC 791 suggests 15 s; what IPsec carries is retransmitted long before. */
#define REASM_NS (UINT64_C(5) * 1000 * 1000 * 1000)

/* One fragment of either family: where it belongs, and what it brings. */
struct fragment {
	struct ipaddr src, dst;
	uint32_t id;
	uint32_t at;	    /* octets of data in front of it */
	struct view header; /* IPv6: up to the fragment header */
	struct view data;
	uint16_t naming_at; /* IPv6: the octet of the header that named the fragment header .. */
	uint8_t next;	    /* .. and is to name this */
	uint8_t proto;	    /* IPv4: it is part of the name */
	uint8_t tos;
	bool more;
};

struct fragment fragment_of4(const struct ip4 *h, const uint8_t *packet);
struct fragment fragment_of6(const struct ip6 *h, const uint8_t *packet);

struct reasm_slot {
	bool used, dead;
	struct ipaddr src, dst;
	uint32_t id;
	uint8_t proto;
	uint8_t ecn;	   /* bit of each codepoint seen */
	uint16_t hdr;	   /* octets of the first one's header, 0 = not there yet */
	uint16_t room;	   /* of the buffer */
	uint16_t got, end; /* octets; end 0 = not known */
	uint32_t pieces;
	uint64_t born_ns;
	void *buffer;
	uint8_t *data;
	uint64_t have[(REASM_UNITS + 63) / 64];
	uint8_t header[REASM_HDR];
};

struct reasm {
	uint64_t key;
	uint32_t n_used;
	struct reasm_slot slots[REASM_SETS][REASM_WAYS];
};

enum reasm_verdict {
	REASM_HELD,    /* copied */
	REASM_DONE,    /* so was the last one: reasm_take() */
	REASM_COPY,    /* is there already */
	REASM_BAD,     /* no fragment: empty, or not in units of 8 */
	REASM_BEYOND,  /* the end of the longest packet there can be */
	REASM_OVERLAP, /* with another, or with the end */
	REASM_BIG,     /* does not fit in a buffer */
	REASM_REFUSED, /* of a condemned packet */
	REASM_FULL,    /* no buffer */
};

/* Gives a buffer with `*room` octets at `*data`, or NULL; takes it back, with how many fragments
 * were in it. */
struct reasm_ops {
	void *(*get)(void *ctx, uint8_t **data, uint32_t *room);
	void (*put)(void *ctx, void *buffer, uint32_t pieces);
	void *ctx;
};

void reasm_init(struct reasm *r, uint64_t key);
/* Copied when it is held. *slot with REASM_DONE. */
enum reasm_verdict reasm_add(struct reasm *r, const struct reasm_ops *ops, const struct fragment *f,
	uint64_t now_ns, struct reasm_slot **slot);
/* The buffer of a complete one, the caller's from here on; *n octets of data. The header is written
 * to `header` (REASM_HDR octets, *hdr used), as of a whole packet. -ERR_VALUE when some fragments
 * said that congestion was met and others that nobody would care (RFC 3168 5.3). */
int reasm_take(struct reasm *r, struct reasm_slot *s, uint8_t *header, uint32_t *hdr, uint32_t *n,
	void **buffer) MUST_CHECK;
/* Those whose time is over, or all. */
void reasm_expire(struct reasm *r, const struct reasm_ops *ops, uint64_t now_ns, bool all);
/* Which of `n` workers gathers the fragments of this packet. */
uint32_t reasm_worker(const struct fragment *f, uint32_t n);
