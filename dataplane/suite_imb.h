#pragma once
/*
 * The engine as the suites see it; nobody else includes ipsec-mb.
 *
 * suite_gcm.c calls the cipher directly, a packet a call. suite_job.c works on bursts: everything
 * that is a cipher and an HMAC, and ChaCha20-Poly1305.
 */
#include <intel-ipsec-mb.h>

#include "suite.h"

enum { DES_KEYS = 3 };

struct suite_engine {
	IMB_MGR *mgr;
	/* IV generator: AES of a counter under a random key (NIST SP 800-38A, appendix C) */
	_Alignas(16) uint8_t iv_key[16 * 15];
	uint64_t iv_counter[2];
	/* of the burst under way: 3DES wants its three schedules by address, AEAD its inputs */
	const void *des[SUITE_BURST][DES_KEYS];
	struct suite_aead aead[SUITE_BURST];
};

/* RFC 4106 4, 5 and RFC 7634 2: nonce = salt | IV; AAD = SPI | sequence number of 32 or 64 bits.
 * All are built before the first is used: a cipher that loads with wide registers what was stored
 * in small pieces would stall on stores that are still under way. */
void aead_inputs(const struct suite_op *v, uint32_t n, struct suite_aead *in);

void gcm_expand(const struct suite *s, struct suite_engine *e, struct view encr, struct view integ,
	void *out);
void gcm128_seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void gcm128_open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void gcm192_seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void gcm192_open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void gcm256_seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void gcm256_open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);

enum { AES_SCHEDULE_MAX = 16 * 15, HMAC_STATE_MAX = 64 };

/* A cipher with HMAC, one direction. Ciphers that are their own inverse use what they need of it;
 * the HMAC part comes first, so that NULL takes no more. */
struct job_key {
	_Alignas(16) uint8_t ipad[HMAC_STATE_MAX];
	_Alignas(16) uint8_t opad[HMAC_STATE_MAX];

	union {
		struct {
			uint8_t enc[AES_SCHEDULE_MAX], dec[AES_SCHEDULE_MAX];
		} aes;

		uint8_t des[DES_KEYS][IMB_DES_KEY_SCHED_SIZE];
	};
};

void job_expand(const struct suite *s, struct suite_engine *e, struct view encr, struct view integ,
	void *out);
void job_seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void job_open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
/* AH: the HMAC alone. */
void job_mac(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);

enum { CHACHA_KEY = 32 };

void chacha_expand(const struct suite *s, struct suite_engine *e, struct view encr,
	struct view integ, void *out);
void chacha_seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void chacha_open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
