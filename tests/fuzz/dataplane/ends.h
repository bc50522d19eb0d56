#pragma once
/*
 * What fuzzers of the receive path have in common: every packet that began has ended.
 */
#include "../../unit/dataplane/fakeway.h"

/* What has become of all packets so far, received ones and those made here alike: sent, punted,
 * heard, queued for a MAC, gathered, or dropped with one counter. Fragments end when they are
 * gathered; those whose packet never came whole are counted once more then, which is left out.
 * `punted`: how many so far, the caller's. */
static inline uint64_t ends_of(struct way *y, uint64_t *punted, uint64_t pending)
{
	const uint64_t *c = y->w->stats;
	uint64_t n = c[STAT_NATT_KEEPALIVES] + c[STAT_PATH_MTU_HEARD] + c[STAT_ARP_HEARD] +
		     c[STAT_ND_HEARD] + c[STAT_FRAGMENTS_IN] + c[STAT_TX_PACKETS];

	for (enum counter s = STAT_DROP_NO_BUFFER; s < STAT_COUNT; s++)
		n += s == STAT_DROP_FRAGMENT_INCOMPLETE ? 0 : c[s];
	*punted += way_drain(y);
	return n + *punted + pending;
}

static inline uint64_t begins_of(const struct way *y, uint64_t received)
{
	const uint64_t *c = y->w->stats;

	return received + c[STAT_ICMP_ERRORS] + c[STAT_ARP_REQUESTS] + c[STAT_ND_SOLICITS] +
	       c[STAT_FRAGMENTS_JOINED];
}
