#pragma once
/*
 * The transforms we accept: one row each, with the lengths that everything else derives from.
 *
 * Numbers are IANA's IKEv2 registries (the same as wire/iana.h, which this folder may not see; a
 * test holds them together). Const table, pure functions, any thread.
 */
#include "base/view.h"

enum alg_type { ALG_ENCR = 1, ALG_PRF = 2, ALG_INTEG = 3, ALG_KE = 4 };

enum alg_encr {
	ALG_NO_ENCR = 0, /* of AH: no cipher at all, not even NULL; never on the wire */
	ALG_DES = 2,
	ALG_3DES = 3,
	ALG_NULL = 11,
	ALG_AES_CBC = 12,
	ALG_AES_GCM_16 = 20,
	ALG_CHACHA20_POLY1305 = 28
};

enum alg_prf {
	ALG_PRF_MD5 = 1,
	ALG_PRF_SHA1 = 2,
	ALG_PRF_SHA256 = 5,
	ALG_PRF_SHA384 = 6,
	ALG_PRF_SHA512 = 7
};

enum alg_integ {
	ALG_INTEG_NONE = 0,
	ALG_MD5_96 = 1,
	ALG_SHA1_96 = 2,
	ALG_SHA256_128 = 12,
	ALG_SHA384_192 = 13,
	ALG_SHA512_256 = 14
};

enum alg_ke {
	ALG_MODP_768 = 1,
	ALG_MODP_1024 = 2,
	ALG_MODP_1536 = 5,
	ALG_MODP_2048 = 14,
	ALG_MODP_3072 = 15,
	ALG_MODP_4096 = 16,
	ALG_ECP_256 = 19,
	ALG_ECP_384 = 20,
	ALG_ECP_521 = 21,
	ALG_MODP_2048_256 = 24, /* RFC 5114: with a subgroup of 256 bits */
	ALG_CURVE25519 = 31,
	ALG_CURVE448 = 32
};

#define ALG_DIGEST_MAX 64 /* longest PRF output and MAC key */
#define ALG_KEY_MAX    36 /* AES-256 key and salt */
#define ALG_ICV_MAX    32
#define ALG_IV_MAX     16
#define ALG_PUBLIC_MAX 512 /* MODP 4096 */

struct alg {
	const char *name; /* as the operator's command prints it: "aes-gcm-256", "DH-group-19" */
	uint16_t id;
	uint16_t key_bits;   /* key length attribute on the wire; 0: none */
	uint8_t type;	     /* enum alg_type */
	bool esp_only;	     /* the dataplane has it, an IKE SA may not be made with it */
	uint8_t key_len;     /* ENCR: AES key and salt. PRF, INTEG: preferred key length */
	uint8_t salt_len;    /* ENCR: the last octets of the key, 4 for GCM (RFC 5282 7.1) */
	uint8_t iv_len;	     /* ENCR: explicit IV on the wire */
	uint8_t block;	     /* ENCR: ciphertext is a multiple of it */
	uint8_t icv_len;     /* ENCR when it is an AEAD, INTEG: octets on the wire */
	uint8_t out_len;     /* PRF: output; INTEG: digest before it is cut */
	uint16_t pub_len;    /* KE: public value on the wire */
	uint16_t secret_len; /* KE: shared secret */
};

/* NULL when not accepted. key_bits 0 only where the algorithm has no key length attribute. */
const struct alg *alg_find(uint8_t type, uint16_t id, uint16_t key_bits);
/* i-th row, for listings and tests; NULL at the end. */
const struct alg *alg_at(size_t i);

/* Encryption that brings its own integrity. */
static inline bool alg_is_aead(const struct alg *a)
{
	return a->type == ALG_ENCR && a->icv_len != 0;
}
