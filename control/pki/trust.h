#pragma once
/*
 * The door: everything about a peer that octets alone can tell, in one call. Chain up to an anchor,
 * validity, usage, names, policies; the identity backed by the certificate; the signature.
 *
 * What it does not do is revocation (revocation.h): that may have to be fetched, and nothing is
 * fetched for a peer before all this holds.
 *
 * Pure, any thread; takes milliseconds: not for the loop's.
 */
#include "crypto/sign.h"
#include "pki/chain.h"

#define PKI_REASON_MAX 400

struct pki_trust_ask {
	struct chain_terms terms;
	const struct view *certs; /* as received, DER, the end entity first */
	size_t n_certs;
	bool pkcs7;	 /* certs[0] is a PKCS#7 with the certificates in it */
	uint8_t id_type; /* RFC 7296 3.5 */
	struct view id;
	struct sign_alg alg;
	struct view octets, signature;
};

struct pki_trust {
	int rc;	    /* 0: trusted but for revocation */
	bool final; /* refused whatever the terms are: unreadable, not its identity, not signed */
	char reason[PKI_REASON_MAX]; /* of a refusal; no octets of the peer unescaped */
	struct path path;
};

/* The caller owns what is in *out: pki_trust_fini(). cache may be NULL. */
void pki_trust_check(const struct pki_store *s, struct pki_cache *cache,
	const struct crypto *crypto, const struct pki_trust_ask *ask, struct pki_trust *out);
void pki_trust_fini(struct pki_trust *t);
