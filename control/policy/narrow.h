#pragma once
/*
 * What two ends agree to let through (RFC 7296 2.9).
 *
 * An SA has two lists, and every combination of an element of each passes. What is allowed is a
 * list of pairs (the terms of a configured selector), which need not be every combination: an SA
 * gets as much of what is wanted as makes nothing else pass, the first choice first, and the rest
 * is for another SA.
 *
 * A combination of two families, or of two different protocols, selects nothing.
 * Values only; any thread.
 */
#include "policy/ts.h"

#define NARROW_MAX 64

struct tsel_pair {
	struct tsel local, remote;
};

struct tsel_sides {
	uint32_t n_local, n_remote;
	struct tsel local[NARROW_MAX], remote[NARROW_MAX];
};

/* Something passes. */
bool narrow_meets(const struct tsel_pair *a, const struct tsel_pair *b);
/* Every combination lies within one pair of those. */
bool narrow_within(const struct tsel_sides *s, const struct tsel_pair *allowed, uint32_t n);
/* That pair lies within one combination. */
bool narrow_covers(const struct tsel_sides *s, const struct tsel_pair *p);

/*
 * False, when nothing that is wanted is allowed. Else *out is some of both that holds the first
 * choice (the first of both lists of `wanted`) if that is allowed as a whole, or the first
 * combination in their order that is allowed in part. *more: some of it is allowed but not in *out
 * (or only in pieces).
 */
bool narrow(const struct tsel_pair *allowed, uint32_t n, const struct tsel_sides *wanted,
	struct tsel_sides *out, bool *more);
