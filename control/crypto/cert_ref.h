#pragma once
/*
 * A certificate by issuer and serial number, in the form of OCSP's CertID with SHA-1 (RFC 6960
 * 4.1.1): what is remembered of a peer's chain, so that a later revocation finds its SAs.
 * A value; the serial is the magnitude, big endian, without leading zero octets.
 */
#include "base/view.h"

#define CERT_REF_SERIAL_MAX 20

struct cert_ref {
	uint8_t issuer_name_hash[20], issuer_key_hash[20];
	uint8_t serial[CERT_REF_SERIAL_MAX];
	uint8_t serial_len;
};

/* A total order, of qsort(3) and bsearch(3). */
static inline int cert_ref_compare(const void *x, const void *y)
{
	const struct cert_ref *a = (const struct cert_ref *)x, *b = (const struct cert_ref *)y;
	int order = memcmp(a->issuer_name_hash, b->issuer_name_hash, 20);

	if (order == 0)
		order = memcmp(a->issuer_key_hash, b->issuer_key_hash, 20);
	if (order == 0)
		order = (int)a->serial_len - (int)b->serial_len;
	return order != 0 ? order : memcmp(a->serial, b->serial, a->serial_len);
}

static inline bool cert_ref_equal(const struct cert_ref *a, const struct cert_ref *b)
{
	return a->serial_len == b->serial_len && a->serial_len <= CERT_REF_SERIAL_MAX &&
	       memcmp(a->serial, b->serial, a->serial_len) == 0 &&
	       memcmp(a->issuer_name_hash, b->issuer_name_hash, 20) == 0 &&
	       memcmp(a->issuer_key_hash, b->issuer_key_hash, 20) == 0;
}
