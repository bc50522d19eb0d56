#pragma once
/*
 * Records of redundancy groups that no log replicates (stand-alone, or interfaces that belong to
 * no group): what refills a dataplane that restarted.
 *
 * Life: zeroed .. local_store_fini(). Owns copies, wiped on removal: bodies hold keys.
 */
#include "base/view.h"

struct local_record;

struct local_store {
	struct local_record *head;
	size_t n;
	uint64_t octets; /* of keys and bodies */
};

/* Replaces what the key held before. */
int local_store_put(
	struct local_store *s, uint32_t rg, struct view key, struct view body) MUST_CHECK;
void local_store_remove(struct local_store *s, struct view key);
/* The body, lent until the store changes; false when there is none. */
bool local_store_find(const struct local_store *s, struct view key, struct view *body);
/* Lends every record in no particular order; `each` must not change the store. */
void local_store_each(const struct local_store *s,
	void (*each)(void *ctx, uint32_t rg, struct view key, struct view body), void *ctx);
void local_store_fini(struct local_store *s);
