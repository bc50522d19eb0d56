#pragma once
/*
 * HKDF with SHA-256 (RFC 5869), extract and expand in one call. Thread: the handle's.
 */
#include "crypto/crypto.h"

struct hkdf_in {
	struct view key, salt, info;
};

/* Fills n octets of out; n at most 255 * 32, else -ERR_LIMIT. */
int hkdf_sha256(struct crypto *c, const struct hkdf_in *in, uint8_t *out, size_t n) MUST_CHECK;
