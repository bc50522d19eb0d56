#pragma once
/*
 * Identities (RFC 7296 3.5): as configured, as sent, as people read them.
 *
 * Life of struct ident: zeroed .. ident_fini(); owns its octets. Thread: the engine's.
 */
#include "config/model.h"
#include "wire/pld_id.h"

struct ident {
	uint8_t type; /* enum id_type; 0: none */
	struct blob data;
};

int ident_copy(uint8_t type, struct view data, struct ident *out) MUST_CHECK;
/* As configured, in the form that is sent. -ERR_UNSUPPORTED: needs a certificate. */
int ident_of_model(const struct model_identity *m, struct ident *out) MUST_CHECK;
bool ident_equal(const struct ident *a, const struct ident *b);
void ident_fini(struct ident *id);

#define IDENT_TEXT_MAX 256
/* "192.0.2.1", "vpn.example.net", "O=example, CN=gw", "key-id(0a0b)"; octets of a peer are escaped.
 * Returns out. */
char *ident_text(const struct ident *id, char out[IDENT_TEXT_MAX]);

/* Is this the configured identity, as a peer may send it? Never for a distinguished name. */
bool ident_is(const struct model_identity *m, const struct pld_id *id);
/*
 * ... or one of the group that it names (ike-user-type group-ike-id): of a host name the names
 * below it; "@example.net" everybody there, "example.net" everybody there and below.
 */
bool ident_in_group(const struct model_identity *m, const struct pld_id *id);
