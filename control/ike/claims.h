#pragma once
/*
 * Which addresses the peers of a dynamic gateway have behind them: the remote selectors of all
 * children of a configured tunnel's copies, so that the one who asks for what another has is found
 * in O(log n), not by asking each.
 *
 * A treap of ranges by their first address, each node with the highest last address below it. Ranks
 * come from the keyed hash of SPIs: a peer cannot make it deep.
 *
 * Life: claims_add() when a child has its selectors .. claims_remove() when it is dropped or loses
 * its tunnel, whichever is first; struct child owns the nodes. Thread: the engine's.
 */
#include "policy/ts.h"

struct child;
struct tunnel;

struct claim {
	struct claim *left, *right;
	struct child *child;
	const struct tsel *range; /* of child->remote_ts */
	const struct addr *last;  /* the highest of its subtree */
	uint32_t rank;
};

/* Does nothing for a child of no spoke. -ERR_NOMEM. */
int claims_add(struct child *c) MUST_CHECK;
/* May be called at any time, also twice. */
void claims_remove(struct child *c);

/* True when `is_so` is for a child whose range has an address of `of`. Children may come more than
 * once. t: the configured tunnel. */
bool claims_any(const struct tunnel *t, const struct tsel *of,
	bool (*is_so)(const struct child *c, const void *ctx), const void *ctx);
