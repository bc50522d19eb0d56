#pragma once
/*
 * Longest prefix match over IPv6: one hash table, asked once for each prefix length in use, the
 * longest first. Routing tables have a handful of lengths; a trie of 128 bits would cost memory a
 * hundred times over for the host routes of a concentrator.
 *
 * Life: lpm6_new(), lpm6_add() .. , then read-only until lpm6_free(). Values are below LPM_NONE.
 * Thread: one builds, then any number reads.
 */
#include "core/ipaddr.h"
#include "core/lpm.h"

struct lpm6_cell {
	struct ipaddr prefix;
	uint32_t value;
	uint8_t len, used;
};

struct lpm6 {
	struct lpm6_cell *cells;
	uint32_t n, mask;
	uint32_t n_lens;
	uint8_t lens[IPADDR_BITS + 1]; /* in use, the longest first */
};

struct lpm6 *lpm6_new(void);
void lpm6_free(struct lpm6 *l);
/* Host bits of addr are ignored; of two equal prefixes the later wins. */
int lpm6_add(struct lpm6 *l, struct ipaddr addr, uint32_t len, uint32_t value) MUST_CHECK;
/* LPM_NONE when nothing matches. */
uint32_t lpm6_get(const struct lpm6 *l, struct ipaddr addr);
