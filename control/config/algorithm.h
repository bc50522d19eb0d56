#pragma once
/*
 * Algorithm words of the configuration to IKEv2 transform IDs (IANA "IKEv2 Parameters"), and the
 * proposal sets spelled out. Constant tables.
 */
#include "config/model.h"

struct algorithm_cipher {
	const char *word;
	uint16_t encr, key_bits;
	bool aead, weak;
};

struct algorithm_hash {
	const char *word;
	uint16_t integ, prf;
	bool weak;
};

/* All NULL (or 0) for an unknown word. */
const struct algorithm_cipher *algorithm_cipher(const char *word);
/* IKE: "sha-256"; gives PRF and integrity. */
const struct algorithm_hash *algorithm_ike_hash(const char *word);
/* IPsec: "hmac-sha-256-128"; no PRF. */
const struct algorithm_hash *algorithm_esp_hash(const char *word);
#define ALGORITHM_ENCR_NULL 11

/* Octets of key material without parity or salt being taken off; 0: not for static keys. */
size_t algorithm_hash_key_len(uint16_t integ);
size_t algorithm_cipher_key_len(const struct algorithm_cipher *c);
/* Blocks of 64 bits or keys of 56. */
bool algorithm_encr_is_weak(uint16_t encr);
/* "group19" is 19. */
uint16_t algorithm_dh(const char *word);
bool algorithm_dh_is_weak(uint16_t dh);
/* ML-KEM is written down and not there. */
bool algorithm_dh_is_supported(uint16_t dh);
bool algorithm_integ_is_weak(uint16_t integ);
/* The one that has no number to negotiate is for manual SAs only. */
bool algorithm_esp_hash_is_supported(uint16_t integ);

/* One proposal of a proposal-set (PRP-004..009, SUI-001..006). NULL words mean "none". */
struct algorithm_set_row {
	const char *set;
	enum model_auth auth;
	const char *dh, *ike_cipher, *ike_hash; /* ike_cipher NULL: the row is for IPsec only */
	const char *esp_cipher, *esp_hash;	/* esp_cipher NULL: for IKE only */
};

extern const struct algorithm_set_row algorithm_sets[];
extern const size_t algorithm_sets_n;
/* PFS group of an IPsec set, 0 for none. */
uint16_t algorithm_set_pfs(const char *set);
/* PRIME sets need IKEv2. */
bool algorithm_set_needs_v2(const char *set);
