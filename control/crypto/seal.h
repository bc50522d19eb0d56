#pragma once
/*
 * AES-256-GCM over whole messages or records with a keyed context that is kept: what replication
 * and journals are sealed with. The caller owns the nonce discipline.
 *
 * Life: seal_new() .. seal_free(). Owns: expanded key, wiped on free. Thread: one at a time.
 */
#include "crypto/crypto.h"

#define SEAL_KEY_LEN   32
#define SEAL_NONCE_LEN 12
#define SEAL_TAG_LEN   16

struct seal;

#define auto_seal struct seal *CLEANUP(seal_cleanup)

int seal_new(const struct crypto *c, struct view key, struct seal **out) MUST_CHECK;
/* Writes in.n + SEAL_TAG_LEN octets to out, ciphertext then tag; out may be in.p. */
int seal_wrap(struct seal *s, const uint8_t nonce[SEAL_NONCE_LEN], struct view aad, struct view in,
	uint8_t *out) MUST_CHECK;
/* Writes in.n - SEAL_TAG_LEN octets. -ERR_AUTH: forged or damaged; -ERR_TRUNCATED: no tag. */
int seal_unwrap(struct seal *s, const uint8_t nonce[SEAL_NONCE_LEN], struct view aad,
	struct view in, uint8_t *out) MUST_CHECK;
void seal_free(struct seal *s);
void seal_cleanup(struct seal **s);
