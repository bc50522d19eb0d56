#pragma once
/*
 * Asking one responder about one certificate (RFC 6960, RFC 8954): the request, and what an answer
 * is worth. SHA-1 names the issuer, as every responder understands it (RFC 6960 4.3).
 *
 * An answer counts only if it is signed by the issuer, or by a certificate that the issuer signed
 * for this purpose (OCSPSigning), with more than SHA-1; if it is about this certificate, of this
 * time, and holds the nonce that was sent, or none at all where none is demanded.
 *
 * Pure; any thread.
 */
#include "crypto/cert.h"

#define OCSP_DER_MAX   65536
#define OCSP_NONCE_LEN 32
#define OCSP_SKEW_S    300 /* clocks of responders */

enum ocsp_status { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN };

struct ocsp_answer {
	enum ocsp_status status;
	uint8_t reason;
	int64_t this_update_s, next_update_s; /* next: INT64_MAX when it does not say */
	int64_t revoked_s;
	struct cert *responder; /* NULL: the issuer itself. Else owned: is it revoked? */
};

struct ocsp_question {
	const struct cert_ref *cert; /* of this issuer */
	const struct cert *issuer;
	struct view nonce; /* empty: none was sent */
	int64_t at_s;
};

/* nonce: OCSP_NONCE_LEN octets, or empty. The caller owns *out. */
int ocsp_request(const struct cert_ref *cert, const struct cert *issuer, struct view nonce,
	struct blob *out) MUST_CHECK;
/* *why: a constant sentence. The caller frees out->responder. -ERR_AUTH, -ERR_SYNTAX, -ERR_LIMIT;
 * -ERR_AGAIN: the responder says it cannot tell now. */
int ocsp_answer_read(struct view der, const struct ocsp_question *q, struct ocsp_answer *out,
	const char **why) MUST_CHECK;
