#pragma once
/*
 * Key derivation of IKEv2 (RFC 7296 2.13, 2.14, 2.17, 2.18): SKEYSEED and the seven keys of an IKE
 * SA, and the keys of a child SA.
 *
 * The keys of an IKE SA are one secret, in the order SK_d SK_ai SK_ar SK_ei SK_er SK_pi SK_pr; the
 * suite says where one ends and the next begins. Those of a child likewise: encryption and
 * integrity from initiator to responder of the exchange, then the other way.
 *
 * Values; the secret is owned by the caller. Thread: the crypto handle's.
 */
#include "base/secret.h"
#include "crypto/aead.h"
#include "ike/negotiate.h"

struct keymat_ike_in {
	struct view shared, ni, nr;
	uint64_t spi_i, spi_r;
	/* Rekey (2.18): SK_d of the old SA, with its PRF. Else prf 0. */
	uint16_t old_prf;
	struct view old_sk_d;
	struct view more; /* rekey: SK(1) | SK(2) ... (RFC 9370 2.2.4) */
};

/* -ERR_CRYPTO: also when it gave a weak key of DES, here and for a child (ALG-009). */
int keymat_ike(struct crypto *c, const struct ike_suite *s, const struct keymat_ike_in *in,
	struct secret **out) MUST_CHECK;

enum sk_key { SK_D, SK_AI, SK_AR, SK_EI, SK_ER, SK_PI, SK_PR };

/* Empty when the keys have another length than the suite says (a damaged record). */
struct view keymat_ike_key(const struct ike_suite *s, const struct secret *keys, enum sk_key which);
size_t keymat_ike_len(const struct ike_suite *s);
/* What one side protects its messages with. */
int keymat_ike_aead(const struct ike_suite *s, const struct secret *keys, bool from_initiator,
	struct aead *out) MUST_CHECK;

struct keymat_child_in {
	uint16_t prf; /* of the IKE SA */
	struct view sk_d, ni, nr;
	struct view shared; /* empty without key exchange */
};

int keymat_child(struct crypto *c, const struct esp_suite *s, const struct keymat_child_in *in,
	struct secret **out) MUST_CHECK;

struct child_keys {
	struct view encr_i, integ_i, encr_r, integ_r; /* i: initiator to responder */
};

size_t keymat_child_len(const struct alg *encr, const struct alg *integ);
struct child_keys keymat_child_keys(
	const struct alg *encr, const struct alg *integ, const struct secret *keys);
