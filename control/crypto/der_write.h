#pragma once
/*
 * DER out (X.690 8.1): an element around what is there. For the few structures that are put
 * together by hand because the signature over them is made elsewhere.
 */
#include "base/err.h"
#include "base/view.h"

enum der_tag {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30
};

/* Appends tag, length, content to *out. -ERR_NOMEM. */
int der_put(struct blob *out, enum der_tag tag, struct view content) MUST_CHECK;
/* A number that is not negative, big endian: shortest form. */
int der_put_uint(struct blob *out, struct view magnitude) MUST_CHECK;
/* Whole octets. */
int der_put_bits(struct blob *out, struct view octets) MUST_CHECK;
/* SEQUENCE of r and s out of r | s (RFC 4754 7 to RFC 3279 2.2.3). -ERR_VALUE: odd or too long. */
int der_of_raw_signature(struct view raw, struct blob *out) MUST_CHECK;
/* What X.509 signs, its AlgorithmIdentifier and the signature, as one (RFC 5280 4.1, RFC 2986 4).
 */
int der_signed(struct view body, struct view algorithm, struct view signature,
	struct blob *out) MUST_CHECK;
