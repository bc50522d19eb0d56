#pragma once
/*
 * Which gateway a peer is: by address at IKE_SA_INIT, by identity at IKE_AUTH.
 *
 * Life: struct peers is embedded in the engine and built again by peers_build() for each
 * configuration; it points into the gateways of tunnel.h. Finding takes O(log n), however many
 * gateways there are. Thread: the engine's.
 */
#include "config/model.h"
#include "ike/negotiate.h"
#include "wire/pld_id.h"

struct ike;
struct gateway;

struct peer_entry {
	struct addr addr;
	uint32_t order; /* of the configuration */
	struct gateway *gw;
};

struct peers {
	struct peer_entry *v; /* by address, then order */
	uint32_t n;
	struct gateway **dynamic; /* in order */
	uint32_t n_dynamic;
};

int peers_build(struct ike *ike) MUST_CHECK;
void peers_fini(struct peers *p);

/* Gateways that may be meant by a message between these addresses, best first: named by address,
 * then dynamic ones, both in the order of the configuration. */
struct peer_walk {
	struct addr local, remote;
	uint32_t at;
	bool begun, dynamic;
};

/* NULL at the end. */
struct gateway *peer_next(const struct ike *ike, struct peer_walk *w);

/* Does the identity the peer proved belong to that gateway (ID-004)? */
bool peer_id_matches(
	const struct model_gateway *gw, const struct pld_id *id, const struct addr *remote);
