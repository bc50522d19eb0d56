#pragma once
/*
 * Pseudo-random functions of IKE (RFC 7296 2.13, 2.14) and authentication by shared key (2.15).
 * id is an ALG_PRF_* number; an unknown one is -ERR_UNSUPPORTED. Thread: the handle's.
 */
#include "crypto/alg.h"
#include "crypto/crypto.h"

/* Output length; 0 for an unknown id. */
size_t prf_len(uint16_t id);
/* out has room for prf_len(id). */
int prf(struct crypto *c, uint16_t id, struct view key, struct views parts,
	uint8_t *out) MUST_CHECK;

/* prf+ (2.13): fills out; at most 255 blocks, else -ERR_LIMIT. */
struct prf_out {
	uint8_t *p;
	size_t n;
};

int prf_plus(struct crypto *c, uint16_t id, struct view key, struct views seed,
	struct prf_out out) MUST_CHECK;

/* What one side signs (2.15): its first message, the other's nonce, and its MACed identity. */
struct auth_octets {
	struct view message; /* the sender's IKE_SA_INIT message, from the header on */
	struct view nonce;   /* the *other* side's nonce, body only */
	struct view sk_p;    /* SK_pi or SK_pr of the sender */
	struct view id_body; /* the sender's ID payload without generic header */
	struct view extra;   /* appended to all that (RFC 9242 3.3.2); may be empty */
};

/* Those octets, for a signature. The caller owns *out. */
int auth_octets_join(struct crypto *c, uint16_t id, const struct auth_octets *octets,
	struct blob *out) MUST_CHECK;

/*
 * prf(prf(psk, "Key Pad for IKEv2"), octets): prf_len(id) octets to out. An empty psk is
 * -ERR_VALUE. To verify, compute and compare by view_equal_ct().
 */
int auth_psk(struct crypto *c, uint16_t id, struct view psk, const struct auth_octets *octets,
	uint8_t *out) MUST_CHECK;
