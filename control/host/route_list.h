#pragma once
/*
 * The routes that follow from the configuration and from which tunnels are up.
 *
 * Pure: no clock, no I/O. Names in the result are lent from the model.
 */
#include "config/model.h"
#include "host/presence.h"
#include "policy/rib.h"

/* Next hop tunnel bindings, static and learned (ST0-003). */
struct binding {
	const struct model_unit *unit;
	const struct model_vpn *vpn;
	struct addr hop;
	uint32_t policy_id; /* learned: of which tunnel, */
	uint32_t peer;	    /* and of which peer of a dynamic gateway; else 0 */
	bool learned;
};

struct bindings {
	struct binding *v; /* by unit, address; a static one hides a learned one */
	size_t n, cap;
};

/* -ERR_NOMEM. On failure *out is as it was. */
struct route_world {
	const struct model *m;
	const struct presence *p;
	const struct rib
		*learned; /* of routing daemons: instance, prefix, unit, via; may be NULL */
};

int route_list(const struct route_world *w, struct rib *out) MUST_CHECK;
int route_bindings(
	const struct model *m, const struct presence *p, struct bindings *out) MUST_CHECK;
void bindings_fini(struct bindings *b);
/* ST0-001: one of its VPNs has an SA. */
bool route_unit_is_up(const struct presence *p, const struct model *m, const struct model_unit *u);
/* Number of a VPN in routes and policies, never 0. */
uint32_t route_tunnel_id(const struct model_vpn *v);
/* The port of this node that carries its units; NULL when there is none, or none is needed. */
const struct model_interface *route_port_of(const struct model_interface *i);
