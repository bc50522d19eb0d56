#pragma once
/*
 * The engine as the suites see it; nobody else includes ipsec-mb.
 */
#include <intel-ipsec-mb.h>

#include "suite.h"

struct suite_engine {
	IMB_MGR *mgr;
	/* IV generator: AES of a counter under a random key (NIST SP 800-38A, appendix C) */
	_Alignas(16) uint8_t iv_key[16 * 15];
	uint64_t iv_counter[2];
};

void gcm_expand(const struct suite *s, struct suite_engine *e, struct view encr, struct view integ,
	void *out);
void gcm128_seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void gcm128_open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void gcm192_seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void gcm192_open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void gcm256_seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void gcm256_open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);

enum { CBC_KEY_MAX = 16 * 15, HMAC_STATE_MAX = 64 };

/* AES-CBC with HMAC, one direction. */
struct cbc_key {
	_Alignas(16) uint8_t enc[CBC_KEY_MAX];
	_Alignas(16) uint8_t dec[CBC_KEY_MAX];
	_Alignas(16) uint8_t ipad[HMAC_STATE_MAX];
	_Alignas(16) uint8_t opad[HMAC_STATE_MAX];
};

void cbc_expand(const struct suite *s, struct suite_engine *e, struct view encr, struct view integ,
	void *out);
void cbc_seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
void cbc_open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n);
