#pragma once
/*
 * Manual SAs (MAN-001..005): what the configuration says itself, in the dataplane. No engine knows
 * them, and no record tells of them; their leases are in the log (or the journal) like all others.
 *
 * Every node of a cluster has them; the owner of the group acts. An SA begins with a lease of epoch
 * 0 that ends where the last known one did: whoever acts in epoch E then starts beyond what was
 * promised to any epoch before, whether or not a lease of it was ever written (rule 7).
 *
 * Life: none of its own. Thread: the loop.
 */
#include "ike/show.h"

struct daemon;

/* After each Configure: installs them all, removes those that are configured no more. */
void manual_apply(struct daemon *d);
/* Is that inbound SPI one of the configuration's? */
bool manual_has(const struct daemon *d, uint32_t spi_in);
void manual_show(struct daemon *d, const struct ike_filter *f,
	void (*each)(void *ctx, const struct ike_child_row *row), void *ctx);
