#pragma once
/*
 * Certificates of the driver's peers: each has its own, all have the same key, which is read once.
 * Whatever the responder sends is trusted: the driver's own cost is not measured.
 *
 * Files of the folder: <certificate-id>.pem for each peer, sub.pem and root.pem above them, and
 * peers.key.
 *
 * Life: drive_proof_init() .. drive_proof_fini(), around the engine's. Thread: one.
 */
#include "crypto/cert.h"
#include "ike/proof.h"

struct drive_proof {
	const char *folder; /* lent */
	struct sign_key *key;
	struct cert *sub, *root, *own; /* own: the one asked for last */
	struct view chain[2];
	uint8_t issuers[2][CERT_HASH];
	struct ike_local_cert lent;
	struct ike_credentials face; /* for the engine */
};

/* The whole of a text file; NULL: it cannot be read. The caller frees it. */
char *drive_text(const char *path);
/* folder NULL: there are none. */
int drive_proof_init(struct drive_proof *p, const char *folder) MUST_CHECK;
void drive_proof_fini(struct drive_proof *p);
void drive_proof_sign(
	const struct drive_proof *p, const struct crypto *c, struct ike_sign_job *job);
void drive_proof_trust(struct ike_trust_job *job);
