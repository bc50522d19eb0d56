#pragma once
/*
 * Certificates for the ends of a pair (pair.h): each end has a certificate and key of its own, made
 * at test time, and CA profiles; SIGN and TRUST jobs are done with the real code, as tasks like
 * others.
 *
 * Life: pair_cert_new() .. pair_cert_free(), longer than the pair it is given to
 * (pair_node.cert, before pair_start()).
 */
#include "../crypto/forge.h"
#include "ike/proof.h"

/* All certificates of a test: Root -> Sub, and a stranger's root. */
struct pair_ca {
	struct forge_ca root, sub, other;
};

void pair_ca_init(struct pair_ca *ca);
void pair_ca_fini(struct pair_ca *ca);

struct pair_cert {
	struct forge_ca leaf;
	struct sign_key *key;
	struct view chain[16]; /* what it sends: changed by tests that lie */
	uint8_t issuers[16][20];
	struct ike_local_cert lent;
	struct ike_credentials face;
	/* CA profile "Root" has this one; NULL: no file. */
	struct cert *anchor;
	unsigned signs, trusts;	 /* jobs done */
	int sign_rc, trust_rc;	 /* not 0: they fail with it */
	unsigned sign_from;	 /* ... signatures from that one on */
	struct cert_ref refs[4]; /* of the last verdict */
	size_t n_refs, n_certs;	 /* of the last peer's: in the chain, as received */
	bool hold;		 /* a verdict is kept here instead of being told */
	struct ike_trust_job *held;
	/* Certificate-id "me2" and CA profile "Other" are this one's; NULL: there are none. Lent.
	 */
	struct pair_cert *more;
	uint8_t anchors[2][20]; /* lent to the engine */
};

enum pair_key {
	PAIR_RSA = FORGE_RSA2048,
	PAIR_P256 = FORGE_P256,
	PAIR_P384 = FORGE_P384,
	PAIR_ED25519 = FORGE_ED25519
};

/* CN=name below the issuer, valid now; san as in openssl.cnf ("IP:192.0.2.1"), NULL: none. */
struct pair_cert *pair_cert_new(
	const struct pair_ca *ca, enum pair_key key, const char *name, const char *san);
/* ... as the form says. */
struct pair_cert *pair_cert_of(
	const struct pair_ca *ca, const struct forge_cert *form, const struct forge_ca *issuer);
void pair_cert_free(struct pair_cert *c);

void pair_cert_sign(struct pair_cert *c, const struct crypto *crypto, struct ike_sign_job *job);
void pair_cert_trust(struct pair_cert *c, const struct crypto *crypto, struct ike_trust_job *job);
