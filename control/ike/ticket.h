#pragma once
/*
 * Tickets of session resumption (RFC 5723): the whole session, by value and sealed, so that every
 * node that has the key can go on from one.
 *
 *   | version 1 (1) | salt (16) | sealed: see ticket.c | tag (16) |
 *
 * Each is sealed under a key of its own, HKDF(ike_config.ticket_key, salt): no nonce is used twice,
 * whoever makes them. They are for pre-shared keys alone; with certificates it would have to be
 * known whether one was revoked since. Thread: the engine's.
 */
#include "ike/negotiate.h"

struct ike;
struct ike_sa;
struct gateway;

#define TICKET_KEY_LEN 32
#define TICKET_MAX     1024

struct ticket {
	struct gateway *gw;
	uint64_t sa; /* local SPI of the IKE SA it was made for */
	struct ike_suite suite;
	uint8_t peer_type; /* the peer's identity */
	struct view peer;
	struct view sk_d;
};

/* -ERR_UNSUPPORTED: not for this one. *n octets. */
int ticket_seal(struct ike *ike, const struct ike_sa *sa, uint32_t lifetime_s,
	uint8_t out[TICKET_MAX], size_t *n) MUST_CHECK;
/* Views are of room. -ERR_AUTH: forged, or of another cluster; -ERR_LIMIT: too old;
 * -ERR_NOT_FOUND: what it was made for is not configured like that any more. */
int ticket_open(struct ike *ike, struct view sealed, uint8_t room[TICKET_MAX],
	struct ticket *out) MUST_CHECK;
