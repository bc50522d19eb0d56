#pragma once
/*
 * What a transaction writes, and where it may be cut when it is too large for one REPLICATE:
 * between lineages of IKE SAs (RFC 7296 2.8: an SA and what it was rekeyed to, with their
 * children). What is cut may be committed in part, when the group changes hands between the parts;
 * the records of one peer must not, or its new child would be there without the exchange that made
 * it.
 *
 * Life: zeroed .. cut_fini(), within one step. Keys and bodies are lent.
 */
#include "base/view.h"

struct cut_item {
	uint64_t lineage;
	size_t order;
	struct view key, body;
	bool gone; /* the record is removed; no body */
};

struct cut {
	struct cut_item *v;
	size_t n, cap, octets;
};

/* order is set here. -ERR_NOMEM. */
int cut_add(struct cut *c, struct cut_item item) MUST_CHECK;
/* Brings together what belongs together, tombstones first, when it does not fit into max. */
void cut_sort(struct cut *c, size_t max);
/* The end of the part that begins at `from`: whole lineages up to max octets, or a single one
 * however large it is. */
size_t cut_end(const struct cut *c, size_t from, size_t max);
void cut_fini(struct cut *c);
