#pragma once
/*
 * Traffic selectors against packets (RFC 4301 4.4.1, 5.2): the reference, linear match.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

/* Ranges are inclusive, addresses in host order. */
struct selector {
	uint32_t low, high;
	uint16_t port_low, port_high;
	uint8_t protocol; /* 0 = any */
};

/* What selectors look at. */
struct flow {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	bool has_ports;
};

struct selectors {
	const struct selector *local, *remote;
	uint16_t n_local, n_remote;
};

/* Of an IPv4 packet that ip4_read() found whole before. */
struct flow flow_of(struct view packet);
bool selector_matches(const struct selector *s, uint32_t addr, const struct flow *f, bool source);
/* Outbound: source is local. */
bool selectors_match_out(const struct selectors *s, const struct flow *f);
/* Inbound: source is remote. */
bool selectors_match_in(const struct selectors *s, const struct flow *f);
