#pragma once
/*
 * Inside of struct cert: what its views point to, and the reading of extensions. For cert.c only.
 */
#include <stdatomic.h>

#include "crypto/cert.h"

struct stack_st_GENERAL_NAME;

/* Who signed it: written once, by whoever is first to have checked, and only read afterwards. */
struct cert_signer {
	atomic_int state;	     /* enum cert_signer_state */
	uint8_t key_fingerprint[32]; /* of the key that the signature was right with */
};

enum cert_signer_state { SIGNER_UNKNOWN, SIGNER_BEING_WRITTEN, SIGNER_KNOWN };

struct cert_own {
	atomic_uint refs;
	struct cert_signer signer;
	struct blob der;
	unsigned char *spki;
	struct stack_st_GENERAL_NAME *names; /* subjectAltName: the library's, sans point into it */
	struct cert_san sans[CERT_SAN_MAX];
	unsigned char *dns[CERT_SAN_MAX]; /* directory names written out */
	size_t n_dns;
	struct blob key_id;
	char *texts[3 * CERT_URL_MAX + CERT_POLICY_MAX];
	size_t n_texts;
};

int cert_read_extensions(struct cert *c) MUST_CHECK;
void cert_own_free(struct cert_own *own);
