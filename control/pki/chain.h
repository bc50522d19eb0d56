#pragma once
/*
 * The chain of a peer: from what it sent and what the CA profiles hold up to an anchor
 * (PKI-002 to PKI-005).
 *
 * Anchors are the certificates of the CA profiles that the policy allows; but a CA that is itself
 * below another allowed one is no anchor: its parent could have revoked it. Certificates of the
 * other profiles may still stand in between. So the top of a chain is always one of the allowed.
 *
 * Pure, any thread.
 */
#include "pki/cache.h"
#include "pki/store.h"

struct chain_terms {
	int64_t at_s; /* Unix time */
	/* Names of the allowed CA profiles; n_cas 0: every one. */
	const char *const *cas;
	size_t n_cas;
	const char *const *policies; /* dotted; one must hold; none: any */
	size_t n_policies;
	const struct cert **blame; /* as in path.h */
};

#define CHAIN_OTHERS_MAX 128 /* certificates that may stand in between: received, of profiles */

/*
 * certs: as received, the end entity first. *why is a constant sentence. cache may be NULL.
 * -ERR_LIMIT: more than CERT_CHAIN_MAX. -ERR_AUTH: *why. On success the caller owns *out.
 */
int chain_build(const struct pki_store *s, struct pki_cache *cache, struct path_set certs,
	const struct chain_terms *t, struct path *out, const char **why) MUST_CHECK;
