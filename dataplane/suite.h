#pragma once
/*
 * One small interface per ESP transform: a suite says its shape and works on a burst of packets.
 *
 * Suites are const tables; the engine (multi-buffer state of ipsec-mb, IVs for CBC) belongs to one
 * thread. An expanded key is SA memory, written once at install and then only read. No job
 * outlives a burst.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "core/esp.h"

enum {
	/* RFC 7296 3.3.2, transform type 1 */
	SUITE_ENCR_DES = 2,
	SUITE_ENCR_3DES = 3,
	SUITE_ENCR_NULL = 11,
	SUITE_ENCR_AES_CBC = 12,
	SUITE_ENCR_AES_GCM16 = 20,
	SUITE_ENCR_CHACHA20_POLY1305 = 28,
	SUITE_ENCR_AH = 0, /* not a cipher: the suite is of AH */
	/* transform type 3; without one an SA is a part of a bundle, and AH protects it */
	SUITE_INTEG_NONE = 0,
	SUITE_INTEG_MD5_96 = 1,
	SUITE_INTEG_SHA1_96 = 2,
	SUITE_INTEG_SHA256_128 = 12,
	SUITE_INTEG_SHA384_192 = 13,
	SUITE_INTEG_SHA512_256 = 14,
	SUITE_INTEG_SHA256_96 = 65280, /* of an early draft: private use, never on the wire */
	SUITE_SALT = 4,
	SUITE_ICV_MAX = 32,
	SUITE_IV_MAX = 16,
	SUITE_BURST = 64, /* the most operations a call takes */
	SUITE_NONCE = 12,
	SUITE_AAD_MAX = 12,
};

struct suite_engine;

/* One packet, worked on in place:  SPI seq | IV | `len` octets of ciphertext | ICV
 * With AH `esp` is the IP header and `len` the whole packet, muted (core/ah.h); four octets behind
 * it are written to when there is ESN. Both directions leave the ICV in `icv`: who calls places or
 * compares it. */
struct suite_op {
	const void *key;
	uint8_t *esp;
	uint64_t seq;
	uint32_t len, salt; /* salt: AEAD, as in memory */
	bool esn;
	bool ok;		    /* open: authentic */
	uint8_t saved[4];	    /* scratch of the suite */
	uint8_t icv[SUITE_ICV_MAX]; /* also */
};

/* What an AEAD takes beside the text. */
struct suite_aead {
	uint8_t nonce[SUITE_NONCE];
	uint32_t aad_len;
	uint8_t aad[SUITE_AAD_MAX];
};

struct suite {
	const char *name;
	uint16_t encr, key_bits, integ;
	uint16_t key_len;   /* of the encryption key as IKE gives it, salt included */
	uint16_t integ_len; /* of the integrity key; 0 for AEAD and for none */
	bool aead;
	struct esp_shape shape;
	uint32_t expanded;     /* octets of one direction's key */
	uint16_t cipher, hash; /* the library's own numbers */
	void (*expand)(const struct suite *s, struct suite_engine *e, struct view encr,
		struct view integ, void *expanded);
	void (*seal)(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
	void (*open)(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
	/* Octets of a key that every packet reads (0: all), and, counted from its end, how many one
	 * reads at most: powers of the hash key, one for each block. */
	uint16_t front, back;
};

static inline bool suite_is_aead(const struct suite *s)
{
	return s->aead;
}

static inline bool suite_is_ah(const struct suite *s)
{
	return s->encr == SUITE_ENCR_AH;
}

static inline uint32_t suite_key_front(const struct suite *s)
{
	return s->front ? s->front : s->expanded;
}

/* For a packet of so many octets, with what goes around them. */
static inline uint32_t suite_key_back(const struct suite *s, uint32_t len)
{
	enum { AROUND = 32 };

	return len + AROUND < s->back ? len + AROUND : s->back;
}

/* NULL when it is not supported. */
const struct suite *suite_find(uint32_t encr, uint32_t key_bits, uint32_t integ);
/* The i-th of all, NULL behind the last. */
const struct suite *suite_at(size_t i);
/* The same for AH, which has an integrity algorithm only. */
const struct suite *suite_find_ah(uint32_t integ);
const struct suite *suite_ah_at(size_t i);
/* Seeded from env: IVs of CBC cannot be foretold (RFC 3602 3). */
struct suite_engine *suite_engine_new(const struct env *env);
void suite_engine_free(struct suite_engine *e);
/* As long as the suite's IV is. */
void suite_random_iv(struct suite_engine *e, const struct suite *s, uint8_t *out);
