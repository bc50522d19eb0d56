#pragma once
/*
 * Data of REDIRECT and REDIRECTED_FROM (RFC 5685 7.2, 7.3):
 *
 *   | GW ident type (1) | GW ident length (1) | identity of the other gateway | nonce data |
 *
 * The nonce is only in the answer to IKE_SA_INIT. Parsing neither allocates nor keeps anything:
 * views borrow from the octets.
 */
#include "base/emit.h"
#include "base/view.h"

enum redirect_type { REDIRECT_IPV4 = 1, REDIRECT_IPV6 = 2, REDIRECT_FQDN = 3 };

#define REDIRECT_DATA_MAX (2 + 255 + 256)

struct redirect {
	uint8_t type;	   /* enum redirect_type */
	struct view id;	   /* 4 or 16 octets in network order, or a name */
	struct view nonce; /* n = 0: none */
};

/* -ERR_TRUNCATED; -ERR_UNSUPPORTED: another type; -ERR_VALUE: an identity that cannot be. */
int redirect_parse(struct view data, struct redirect *out) MUST_CHECK;
void redirect_emit(struct emit *e, const struct redirect *r);
