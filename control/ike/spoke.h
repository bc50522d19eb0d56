#pragma once
/*
 * Peers of a dynamic gateway, at run time (AVP-001, DYN-001, ID-012): one gateway of the
 * configuration stands for many, each with tunnels of its own.
 *
 * A spoke is a struct gateway with a parent: the same model, one peer, known by its identity (with
 * shared-ike-id: by identity and address). Its tunnels are copies of the parent's, made when they
 * are negotiated first, each with a policy id of its own, drawn once and kept in the records: a
 * successor has the same. Policy ids of spokes are rg(8) | random(24), so that owners of different
 * groups cannot draw alike; a number of the configuration that comes to be the same one ends it.
 *
 * Life: spoke_join() or spoke_restore() makes it; it goes at the end of the step in which its last
 * IKE SA did (spokes_bury()). Owner: the parent. Finding takes O(1). Thread: the engine's.
 */
#include "ike/ident.h"

struct ike;
struct ike_sa;
struct gateway;
struct tunnel;

/*
 * The SA's peer has proved who it is: from here on it is attached to its spoke. Does nothing for a
 * gateway with an address. -ERR_LIMIT: connections-limit is reached. -ERR_EXISTS: somebody else has
 * this identity, and reject-duplicate-connection is set.
 */
int spoke_join(struct ike *ike, struct ike_sa *sa) MUST_CHECK;
/* It is up: an older SA of the same identity from elsewhere is replaced. */
void spoke_established(struct ike *ike, struct ike_sa *sa);
/* From a record; number 0: it has none. */
int spoke_restore(struct ike *ike, struct ike_sa *sa, uint32_t number) MUST_CHECK;

/* The spoke's own of a configured tunnel: itself where there are no spokes; NULL: not made yet. */
struct tunnel *spoke_tunnel_find(const struct gateway *gw, struct tunnel *configured);
/* ... made. policy_id 0: a new one is drawn. NULL: out of memory, or of numbers. */
struct tunnel *spoke_tunnel(
	struct ike *ike, struct gateway *gw, struct tunnel *configured, uint32_t policy_id);

/* Has an IKE SA that is open. */
bool spoke_is_connected(const struct gateway *spoke);
uint32_t spokes_connected(const struct gateway *parent);
void spoke_free(struct ike *ike, struct gateway *spoke);
/* The end of a step: those that nobody needs any more. */
void spokes_bury(struct ike *ike);
