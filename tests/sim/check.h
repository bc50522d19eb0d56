#pragma once
/*
 * The observer: sees into every process at every moment, and knows which rule must hold (I1-I8,
 * I10).
 *
 * It keeps what was committed, what was said, every (SA, sequence number) and (SA, IV), and decides
 * itself when owners may rightly contradict each other: two nodes, every path from the old owner to
 * its successor cut. Then the RG is tainted until one owner is left, and its peers are forgiven.
 *
 * Life: check_new() .. check_free().
 */
#include "node.h"
#include "world.h"

struct check {
	bool nonce_twice;
	struct check_state *s;
};

struct check *check_new(struct world *w);
void check_free(struct check *c);
void check_step(struct world *w, uint32_t n);
void check_role(struct world *w, uint32_t n, const struct ha_do_role *r);
/* Its dataplane begins to act. */
void check_sole(struct world *w, uint32_t n, uint32_t rg);
void check_died(struct world *w, uint32_t n);
void check_dp_started(struct world *w, uint32_t n);
void check_committed(
	struct world *w, uint32_t n, uint32_t peer, const struct pstate *st, uint64_t index);
/* Said for the first time or again. */
void check_said(struct world *w, uint32_t n, uint32_t peer, const struct pstate *st, bool request);
void check_mid(struct world *w, uint32_t n, uint32_t peer, uint32_t has, uint32_t got);
void check_sent(struct world *w, uint32_t n, uint32_t rg, uint32_t spi, uint64_t seq, uint64_t iv);
void check_received(struct world *w, uint32_t n, uint32_t rg, uint32_t spi, uint64_t seq);
void check_no_sa(struct world *w, uint32_t n, uint32_t spi);
bool check_is_tainted(const struct world *w, uint32_t rg);
void check_calm_begins(struct world *w);
void check_at_end(struct world *w);
