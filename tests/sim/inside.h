#pragma once
/*
 * What an observer sees of an IKE engine, without its headers (they and the dataplane's share
 * names).
 *
 * Life: values.
 */
#include "ike/step.h"

enum { INSIDE_MAX = 256 };

struct inside_sa {
	uint64_t spi_local, spi_remote, last_rx_ms;
	struct addr remote;
	uint32_t rg, next_tx, next_rx, rekeys;
	bool up, recorded, has_children;
	const char *state;
};

struct inside_child {
	uint32_t spi_in, spi_out, rg, worker_hint;
	struct addr peer;
	bool outbound;
};

struct inside_spoke {
	struct addr peer;
	uint32_t rg, number, policy_id; /* of its first tunnel; 0: none */
};

/* IKE SAs begun here, or established; peers declared dead. */
uint64_t inside_begun(const struct ike *ike);
/* Those not established yet. */
uint64_t inside_pending(const struct ike *ike);
uint64_t inside_dead(const struct ike *ike);
/* An established IKE SA with children; a child for every tunnel, or one to send with. */
bool inside_has_sa(const struct ike *ike);
bool inside_has_tunnels(const struct ike *ike);
/* An exchange is under way, or something waits for a commit. */
bool inside_is_busy(const struct ike *ike, uint32_t rg);
/* Deleted, but packets on the way are still taken in. */
bool inside_lingers(const struct ike *ike, uint32_t spi_in);
bool inside_is_refused(const struct ike *ike, uint64_t spi_local);
/* The object of a record. */
bool inside_knows(struct ike *ike, struct view key);
size_t inside_sas(const struct ike *ike, struct inside_sa out[INSIDE_MAX]);
size_t inside_spokes(const struct ike *ike, struct inside_spoke out[INSIDE_MAX]);
uint64_t inside_tickets_refused(const struct ike *ike);
/* Of its own dataplane. */
bool inside_has_worker(const struct ike *ike, uint32_t worker);
size_t inside_children(const struct ike *ike, struct inside_child out[INSIDE_MAX]);
