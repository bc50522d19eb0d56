#pragma once
/*
 * Replaced child SAs that are gone for IKE and for the log, while the dataplane still takes in what
 * was on the way with them (RFC 7296 2.8: packets of the old SA may come after its delete).
 *
 * Only the dataplane's half lingers. The delete is answered, and the record removed, at once: a
 * successor never hears of such an SA, and one that takes over meanwhile has lost the packets on
 * the way anyway. It begins when the tombstone is committed: the SA stops sending, and is deleted
 * LINGER_MS later. 2 s covers the reordering and the queues of any path that TCP would still use;
 * its keys outlive it by no more than that, and never the hard lifetime. A child that nothing
 * replaces (cleared, closed, expired) does not linger.
 *
 * At most LINGER_MAX at a time: one more, and the oldest is deleted early.
 *
 * Life: embedded in the engine, zeroed; lingers_init() .. lingers_fini(). Thread: the engine's.
 */
#include "base/list.h"
#include "base/map.h"
#include "base/timer.h"

struct ike;
struct child;

#define LINGER_MS  2000
#define LINGER_MAX 4096

struct lingers {
	struct linger *by_spi;
	struct list order; /* by age, oldest first: all last equally long */
	struct timer timer;
};

void lingers_init(struct lingers *l);
void lingers_fini(struct ike *ike);

/* Whether that child may linger, now that it goes: it was replaced, and another serves. */
bool linger_is_due(const struct ike *ike, const struct child *c);
void linger_begin(struct ike *ike, uint32_t rg, uint32_t spi_in);
bool linger_has(const struct ike *ike, uint32_t spi_in);
uint32_t linger_count(const struct ike *ike);
/* The dataplane saw a first packet on one that is replaced, and took that for leave to send. */
void linger_hush(struct ike *ike, uint32_t spi_in);
/* The group is not ours any more, or is ours anew: deleted now. */
void linger_end(struct ike *ike, uint32_t rg);
/* The timer is due. */
void linger_run(struct ike *ike);
