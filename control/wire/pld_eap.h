#pragma once
/*
 * EAP payload (RFC 7296 3.16): code(1) identifier(1) length(2), and for requests and responses
 * type(1) data. The length counts the whole EAP message. Life: value; views are borrowed.
 */
#include "base/emit.h"
#include "base/view.h"
#include "wire/iana.h"

struct pld_eap {
	uint8_t code, identifier;
	uint8_t type;	  /* 0 in success and failure */
	struct view data; /* after the type */
	struct view raw;  /* the whole EAP message, as passed to a RADIUS server. Not emitted */
};

/* -ERR_TRUNCATED: length differs from the payload's. -ERR_VALUE: unknown code, or a success or
 * failure that is not 4 octets. */
int pld_eap_parse(struct view body, struct pld_eap *out) MUST_CHECK;
void pld_eap_emit(struct emit *e, const struct pld_eap *eap);
