#pragma once
/*
 * Stateless cookies (RFC 7296 2.6): proof that the initiator receives at the address it names,
 * without remembering anything about it.
 *
 *   cookie = version(1) | HMAC-SHA-256(secret of that version, Ni | IPi | SPIi), first 20 octets
 *
 * Life: struct cookie_jar is embedded in the engine; cookie_init() draws the first secret. The
 * secret is replaced every COOKIE_ROTATE_MS while in use; the one before stays valid. Secrets are
 * per node and not replicated: after a takeover a peer is simply asked again.
 */
#include "base/addr.h"
#include "base/env.h"
#include "crypto/crypto.h"

#define COOKIE_LEN	 21
#define COOKIE_ROTATE_MS 60000

struct cookie_jar {
	uint8_t secret[2][32]; /* by the lowest bit of the version */
	uint8_t version;
	uint64_t since_ms;
};

struct cookie_of {
	uint64_t spi_i;
	struct addr from;
	struct view nonce;
};

void cookie_init(struct cookie_jar *j, const struct env *env, uint64_t now_ms);
/* Draws a new secret if the current one is old. */
void cookie_rotate(struct cookie_jar *j, const struct env *env, uint64_t now_ms);
int cookie_make(const struct cookie_jar *j, struct crypto *c, const struct cookie_of *of,
	uint8_t out[COOKIE_LEN]) MUST_CHECK;
bool cookie_check(const struct cookie_jar *j, struct crypto *c, const struct cookie_of *of,
	struct view cookie);
