#pragma once
/*
 * The configuration as the dataplane needs it: model -> dp.Configure.
 *
 * Interface ids are model_interface_id(): the same over reloads, restarts and nodes.
 */
#include "config/model.h"
#include "dataplane.pb-c.h"
#include "policy/rib.h"

/* The virtual MAC of a reth: configured, or locally administered, the same on every node of the
 * cluster, different for each reth. */
void dp_reth_mac(const struct model_interface *i, uint32_t cluster_id, uint8_t out[6]);

struct dp_config_args {
	const struct model *model;
	const struct rib *routes;
	uint32_t node, cluster_id, iv_node_id, iv_incarnation;
};

/* The caller frees *out with dp__configure__free_unpacked(). */
int dp_config_build(const struct dp_config_args *a, Dp__Configure **out) MUST_CHECK;

/* The active routes that the dataplane does not make itself, for a message of their own: there may
 * be very many, and often. Addresses are lent from the rib. */
struct dp_routes {
	Dp__Route *v, **list; /* list: of the message */
	Dp__Prefix *to;
	size_t n;
};

/* dp_routes_fini() on failure too. */
int dp_routes_lend(const struct rib *rib, struct dp_routes *out) MUST_CHECK;
void dp_routes_fini(struct dp_routes *l);
