#pragma once
/*
 * Longest prefix match over IPv4: a trie of 16, 8 and 8 bits, at most three dependent loads.
 *
 * Life: lpm_new(), lpm_add() .. , then read-only until lpm_free(); a change of routes builds a new
 * one. Values are below LPM_NONE. Thread: one builds, then any number reads.
 */
#include <stdint.h>

#include "base/cleanup.h"

#define LPM_NONE 0x7fffffffu

struct lpm {
	uint32_t *root; /* 65536 cells */
	uint8_t *root_len;
	uint32_t *cells; /* nodes of 256 */
	uint8_t *lens;
	uint32_t n_nodes, cap_nodes;
};

#define LPM_NODE 0x80000000u /* the cell leads to a node */

struct lpm *lpm_new(void);
void lpm_free(struct lpm *l);
/* Host bits of addr are ignored; of two equal prefixes the later wins. */
int lpm_add(struct lpm *l, uint32_t addr, uint32_t len, uint32_t value) MUST_CHECK;

static inline uint32_t lpm_get(const struct lpm *l, uint32_t addr)
{
	uint32_t c = l->root[addr >> 16];

	if (c & LPM_NODE) {
		c = l->cells[(c & ~LPM_NODE) * 256 + (addr >> 8 & 255)];
		if (c & LPM_NODE)
			c = l->cells[(c & ~LPM_NODE) * 256 + (addr & 255)];
	}
	return c;
}
