#pragma once
/*
 * Is an identity of IKE backed by a certificate? (ID-005, RFC 4945 3.1, RFC 4301 4.4.3.2)
 * Numbers are those of RFC 7296 3.5, the same as in wire/iana.h, which this folder may not see.
 * Pure, any thread.
 */
#include "crypto/cert.h"

enum pki_id_type {
	PKI_ID_IPV4 = 1,
	PKI_ID_FQDN = 2,
	PKI_ID_EMAIL = 3,
	PKI_ID_IPV6 = 5,
	PKI_ID_DN = 9
};

/*
 * An address, name or mail address is an entry of the subjectAltName (names without case; of a
 * mail address the part behind the @), a distinguished name is the subject. Names with a wildcard
 * in the certificate stand for nobody. No other type is backed by anything.
 */
bool identity_is_backed(const struct cert *c, uint8_t type, struct view id);
