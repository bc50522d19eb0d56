#pragma once
/*
 * Configurations of the two sides, as models: the cluster has one gateway for each peer, a peer has
 * one for the cluster. Loaded from `set` text once and lent to every world after that.
 *
 * Life: models_new() .. models_free(); outlives every engine.
 */
#include "base/addr.h"
#include "config/model.h"
#include "world.h"

/* Who begins IKE SAs. */
enum begins { BEGINS_PEER, BEGINS_CLUSTER, BEGINS_END };

struct models *models_new(void);
void models_free(struct models *m);

/* Lent. */
struct model *models_cluster(struct models *m, const struct world *w);
struct model *models_peer(struct models *m, const struct world *w, uint32_t p);

/* Addresses of a group's side and of a peer, and back; UINT32_MAX: nobody's. */
struct addr address_of_rg(uint32_t rg);
struct addr address_of_peer(uint32_t p);
uint32_t rg_of_address(const struct addr *a);
uint32_t peer_of_address(const struct addr *a);

/* "P2" */
/* The peer whose tunnel has several child SAs (RFC 9611), and the workers of both ends. */
enum { OWN_PEER = 1, WORKERS_CLUSTER = 3, WORKERS_PEER = 1 };

const char *gateway_of_peer(uint32_t p);
/* Of a tunnel with that peer, at the cluster's end. */
uint32_t policy_of_peer(uint32_t p);
uint32_t interface_of(const char *unit_name);
