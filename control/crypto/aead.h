#pragma once
/*
 * Protection of an SK payload, one interface for AEAD and for CBC with HMAC (RFC 7296 3.14,
 * RFC 5282). The caller brings the IV: 8 octets never used twice under the key for GCM,
 * 16 unpredictable ones for CBC.
 *
 * Life: a small value in the IKE SA. Borrows: the key octets, which stay in the SA's key material
 * and must outlive it; nothing to wipe here. No expanded key is kept: re-keying a scratch context
 * costs 0.4 us, keeping one per direction a kilobyte of each SA. Thread: that of the crypto handle.
 */
#include "crypto/alg.h"
#include "crypto/crypto.h"

struct aead {
	const struct alg *encr;
	const struct alg *integ; /* NULL when encr is an AEAD */
	struct view key;	 /* encr->key_len octets, salt last */
	struct view mac_key;	 /* integ->key_len octets */
};

/* Text is transformed from in to out, which may be the same place. */
struct aead_io {
	struct view aad;
	const uint8_t *iv;
	const uint8_t *in;
	uint8_t *out;
	size_t n; /* a multiple of encr->block */
};

/* -ERR_UNSUPPORTED: the pair does not fit. -ERR_VALUE: a key has the wrong length. */
int aead_init(struct aead *a, const struct alg *encr, const struct alg *integ, struct view key,
	struct view mac_key) MUST_CHECK;
size_t aead_icv_len(const struct aead *a);
/* Writes aead_icv_len() octets to icv. */
int aead_seal(
	struct crypto *c, const struct aead *a, const struct aead_io *io, uint8_t *icv) MUST_CHECK;
/* -ERR_AUTH when the ICV does not verify; io->out then holds zeros or is untouched. */
int aead_open(struct crypto *c, const struct aead *a, const struct aead_io *io,
	const uint8_t *icv) MUST_CHECK;
