#pragma once
/*
 * The observer: sees into every process at every moment, and knows which rule must hold (I1-I8,
 * I10).
 *
 * It keeps what was committed, what was said, every (SA, sequence number) and (SA, IV), and decides
 * itself when owners may rightly contradict each other: two nodes, every path from the old owner to
 * its successor cut. Then the RG is tainted until one owner is left, and its peers begin anew.
 *
 * theme.c asks of spokes, moves, tickets and revoked peers.
 *
 * check.c who may act; check_log.c what is committed; check_wire.c IKE messages and what peers
 * notice; check_esp.c packets; check_end.c what must be true when everything is calm.
 *
 * Life: check_new() .. check_free().
 */
#include "node.h"
#include "world.h"

struct peer;

struct check {
	bool nonce_twice;
	struct check_state *s;
};

struct check *check_new(struct world *w);
void check_free(struct check *c);
void check_step(struct world *w, uint32_t n);
void check_role(struct world *w, uint32_t n, const struct ha_do_role *r);
/* It says that it leaves, having handed over what it had. */
void check_leaves(struct world *w, uint32_t n);
/* Its dataplane begins to act. */
void check_sole(struct world *w, uint32_t n, uint32_t rg);
void check_dp_started(struct world *w, uint32_t n);
bool check_is_tainted(const struct world *w, uint32_t rg);

/* The engine asked for it; COMMITTED was said. */
void check_proposed(struct world *w, uint32_t n, const struct entry *p);
void check_committed(struct world *w, uint32_t n, const struct entry *p, uint64_t index);

/* An IKE message leaves, for the first time or again. */
void check_message(struct world *w, uint32_t n, uint32_t rg, struct view octets);
/* After every step of a peer. */
void check_peer(struct world *w, struct peer *a);

void check_sent(struct world *w, uint32_t n, uint32_t rg, uint32_t spi, uint64_t seq, uint64_t iv);
void check_received(struct world *w, uint32_t n, uint32_t rg, uint32_t spi, uint64_t seq);
/* The dataplane of an owner knows nothing of that SPI. */
void check_no_sa(struct world *w, uint32_t n, uint32_t rg, uint32_t spi);

/* What an engine has just read is what the log says. */
void check_restored(struct world *w, uint32_t n, uint32_t rg);
/* A job, some time before check_at_end(). */
void check_nears_end(struct world *w, uint32_t node, void *data);
void check_at_end(struct world *w);
