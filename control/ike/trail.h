#pragma once
/*
 * What stays of the certificates of a peer's chain, one step for each but the anchor: where it says
 * that its list and its responder are, and its issuer where the configuration does not hold that.
 * By this a node which takes the SA over, and never saw a certificate of it, can go on asking
 * whether one is revoked (PKI-012, PKI-013).
 *
 * Life: a blob, zeroed or of trail_add() .. blob_fini(). In memory only: records have their fields.
 */
#include "base/view.h"

#define TRAIL_URL_MAX	  255
#define TRAIL_ISSUERS_MAX 8192 /* octets of the issuers of one chain */

struct trail_step {
	const char *crl_url, *ocsp_url; /* "": it did not say */
	struct view issuer;		/* DER; empty: a CA profile holds it */
};

/* What is longer than the limits is left out. -ERR_NOMEM. */
int trail_add(struct blob *trail, const struct trail_step *s) MUST_CHECK;
/* Lends of the trail; an empty step behind its end. */
struct trail_step trail_at(const struct blob *trail, size_t i);
