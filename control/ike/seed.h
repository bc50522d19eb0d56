#pragma once
/*
 * Pre-shared keys of many peers out of one seed (PSK-005): each peer's is made from its identity,
 * so that a hub needs no line for a new spoke, and who knows one spoke's key knows no other's.
 *
 * The key is text, 64 hexadecimal digits: HMAC-SHA-256 with the seed over "tandem seeded pre-shared
 * key", an octet 0, and the identity as it is written: an address as text, any other name with
 * small letters. Pure; the caller wipes what it got.
 */
#include "config/model.h"
#include "crypto/crypto.h"
#include "wire/iana.h"

#define SEED_KEY_LEN 64

/* of the peer that has this identity (octets as in its ID payload). */
int seed_key(struct crypto *c, struct view seed, uint8_t id_type, struct view id,
	uint8_t out[SEED_KEY_LEN]) MUST_CHECK;
/* The type of an identity as an operator writes it: an address, user@host, or a host's name. */
uint8_t seed_id_type(const char *text, struct addr *addr);
