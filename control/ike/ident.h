#pragma once
/*
 * Identities (RFC 7296 3.5) and which gateway a peer is: by address at IKE_SA_INIT, by identity at
 * IKE_AUTH.
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
/* "192.0.2.1", "vpn.example.net", "key-id(0a0b)"; octets of a peer are escaped. Returns out. */
char *ident_text(const struct ident *id, char out[IDENT_TEXT_MAX]);

/* Where a first message came from and to. */
struct peer_key {
	struct addr local, remote;
	enum model_version version;
};

/* Gateways such a peer may be, best first: named by address in configuration order, then dynamic
 * ones. NULL at the end; prev NULL starts. */
const struct model_gateway *peer_next(
	const struct model *m, const struct peer_key *key, const struct model_gateway *prev);
bool peer_has_address(const struct model_gateway *gw, const struct addr *a);
/* Does the identity the peer proved belong to that gateway (ID-004)? */
bool peer_id_matches(
	const struct model_gateway *gw, const struct pld_id *id, const struct addr *remote);
/* The peer asked for this identity of ours (IDr of its request). */
bool peer_wants_us(const struct model_gateway *gw, const struct pld_id *idr);
