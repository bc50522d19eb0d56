#pragma once
/*
 * One CHILD SA for the dataplane, from either of the two places it is known: the engine's INSTALL
 * effect (owner) or its replicated record (standby, refill).
 */
#include "host/dp_client.h"
#include "ike/effect.h"

int dp_child_install(struct dp_client *c, const struct ike_child_install *i, dp_reply_fn *done,
	void *ctx) MUST_CHECK;
/* body: packed rec.ChildSa; lease: the last one kept for it, packed dp.Lease, or empty for the one
 * of its birth. They go together: a lease that came after the SA could come after its first packet.
 */
int dp_child_install_record(struct dp_client *c, struct view body, struct view lease) MUST_CHECK;
void dp_child_expect(struct dp_client *c, const struct ike_fx_expect *x);
void dp_child_update(struct dp_client *c, const struct ike_fx_update *u);

/* 'C' and four octets: the inbound SPI of a child's record key; false for other keys. */
bool dp_child_key(struct view key, uint32_t *spi_in);
/* The key under which ha keeps the lease of that child: four octets, big endian. */
void dp_lease_key(uint32_t spi_in, uint8_t out[4]);
