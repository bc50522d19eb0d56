#pragma once
/*
 * Plain digests and HMAC: NAT detection, cookies, request fingerprints. Thread: the handle's.
 */
#include "crypto/crypto.h"

enum hash_id { HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_MD5 };

#define HASH_SHA1_LEN	20
#define HASH_SHA256_LEN 32
#define HASH_MAX	64

size_t hash_len(enum hash_id id);
/* out has room for hash_len(id). */
int hash(struct crypto *c, enum hash_id id, struct views parts, uint8_t *out) MUST_CHECK;
int hmac(struct crypto *c, enum hash_id id, struct view key, struct views parts,
	uint8_t *out) MUST_CHECK;
