#pragma once

/*
 * How much of a kind a node can have: what the configuration accepts the dataplane takes, and what
 * it cannot take is refused there with its path. Nobody keeps numbers of their own.
 */
enum {
	LIMIT_PORTS = 16,
	LIMIT_UNITS = 65534,	  /* of all interfaces; fab<n> is one */
	LIMIT_UNIT_ADDRESSES = 8, /* of both families */
	LIMIT_UNIT_VPNS = 65534,  /* on one unit of st0 */
	LIMIT_INSTANCES = 256,	  /* with the default one */
};
