#pragma once
/*
 * Certificate Request payload (RFC 7296 3.7): encoding(1) authorities.
 * For X.509 the authorities are SHA-1 digests of the trusted CAs' public keys, 20 octets each.
 * Life: value; views are borrowed.
 */
#include "base/emit.h"
#include "base/view.h"

#define CERTREQ_DIGEST_LEN 20

struct pld_certreq {
	uint8_t encoding;
	struct view authorities; /* may be empty */
};

/* -ERR_VALUE: X.509 with a list that is not whole digests. */
int pld_certreq_parse(struct view body, struct pld_certreq *out) MUST_CHECK;
/* The i-th digest; false at the end. Only for X.509 encodings. */
bool pld_certreq_digest(const struct pld_certreq *req, size_t i, struct view *out);
void pld_certreq_emit(struct emit *e, const struct pld_certreq *req);
