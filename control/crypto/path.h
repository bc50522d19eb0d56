#pragma once
/*
 * From an end entity to an anchor: RFC 5280 6.1 as the library does it, with nothing fetched, plus
 * what IKE asks of the ends (RFC 4945 5.1.3).
 *
 * Checked over the whole path, anchor included: validity, basic constraints and path lengths, key
 * usage, name constraints, policies, known critical extensions, signatures of at least 112 bits
 * (no SHA-1, no RSA below 2048; the signature of an anchor on itself says nothing and is not
 * looked at). Of the end entity: digitalSignature or nonRepudiation if it limits its usage, and
 * ipsecIKE or any if it limits its purposes.
 *
 * Life of struct path: zeroed .. path_fini(); holds references. Thread: any.
 */
#include "crypto/cert.h"

struct path {
	struct cert *certs[CERT_CHAIN_MAX]; /* end entity first, the anchor last */
	size_t n;
	int64_t not_before_s, not_after_s; /* when all of them are valid */
};

struct path_set {
	const struct cert *const *v;
	size_t n;
};

struct path_terms {
	int64_t at_s;		     /* Unix time */
	const char *const *policies; /* dotted: one of them must hold for the path; none: any */
	size_t n_policies;
	/* Out, when there is no such path; may be NULL: the certificate that is to blame, lent from
	 * what was given, or NULL. */
	const struct cert **blame;
};

/*
 * *why: a sentence for the operator, a constant. On success the caller owns *out.
 * -ERR_AUTH: no such path, or not a good one. -ERR_LIMIT: longer than CERT_CHAIN_MAX.
 */
int path_build(const struct cert *end, struct path_set others, struct path_set anchors,
	const struct path_terms *terms, struct path *out, const char **why) MUST_CHECK;
void path_copy(const struct path *from, struct path *out);
void path_fini(struct path *p);
