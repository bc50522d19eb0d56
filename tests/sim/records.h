#pragma once
/*
 * What the host of a node reads and writes in the log: the engine's records of children (as
 * control/host/dp_child does), and leases.
 */
#include "node.h"

enum { LEASE_KEY_LEN = 4, FIRST_LEASE = 2000 };

/* The key is one of a child. */
bool record_is_child(struct view key, uint32_t *spi_in);
void lease_key(uint32_t spi_in, uint8_t out[LEASE_KEY_LEN]);
/* A dataplane that takes less than it was granted asks for more sooner. */
struct lease first_lease(uint64_t epoch, uint64_t horizon);
/* INSTALL of what the record of a child says; false when it is damaged. */
bool record_install(uint32_t rg, struct view body, struct order *out);
/* The warm copy: what the log applied goes to the dataplane of a standby. */
void records_apply(struct world *w, uint32_t n, const struct ha_do_apply *a);
/* A dataplane that came (back) is filled. */
void records_refill(struct world *w, uint32_t n);
/* What the dataplane has and the log has not is of the past. */
void records_reconcile(struct world *w, uint32_t n, uint32_t rg);
/* What the dataplane wants goes to the log. */
void records_wants(struct world *w, uint32_t n, const struct wants *v);
