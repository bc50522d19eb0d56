#pragma once
/*
 * The configuration as the dataplane needs it: model -> dp.Configure.
 *
 * Interface ids are model_interface_id(): the same over reloads, restarts and nodes.
 */
#include "config/model.h"
#include "dataplane.pb-c.h"

/* The virtual MAC of a reth: configured, or locally administered, the same on every node of the
 * cluster, different for each reth. */
void dp_reth_mac(const struct model_interface *i, uint32_t cluster_id, uint8_t out[6]);

struct dp_config_args {
	const struct model *model;
	uint32_t node, cluster_id, iv_node_id, iv_incarnation;
};

/* The caller frees *out with dp__configure__free_unpacked(). */
int dp_config_build(const struct dp_config_args *a, Dp__Configure **out) MUST_CHECK;
