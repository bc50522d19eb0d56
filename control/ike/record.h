#pragma once
/*
 * An IKE SA or child SA <-> its replicated record (record.proto): always whole.
 *
 * Packed records live in the effects' arena of the running step. Reading trusts nothing: a damaged
 * record is an error, never a half-made object. Thread: the engine's.
 */
#include "base/map.h"
#include "ike/effect.h"

struct ike;
struct ike_sa;
struct child;

/* room holds IKE_RECORD_KEY_MAX octets and is what the view borrows from. */
struct view record_key_sa(uint64_t spi_local, uint8_t room[IKE_RECORD_KEY_MAX]);
struct view record_key_child(uint32_t spi_in, uint8_t room[IKE_RECORD_KEY_MAX]);
/* The object that a key names, NULL when it is of the other kind or gone. */
struct ike_sa *record_key_find_sa(struct ike *ike, struct view key);
struct child *record_key_find_child(struct ike *ike, struct view key);

/* Empty, with ike->failed set, when memory ran out. */
struct view record_sa(struct ike *ike, const struct ike_sa *sa);
struct view record_child(struct ike *ike, const struct child *c);

/* Both make the object in the engine's tables and arm its timers from what was left of its
 * lifetimes. -ERR_EXISTS: it is there already. -ERR_VALUE: damaged, or the configuration does not
 * know its gateway or tunnel any more. */
int record_restore_sa(struct ike *ike, uint32_t rg, struct view body) MUST_CHECK;
/* Its IKE SA must have been restored before. `families` names it: see restore.c. */
struct family;
int record_restore_child(
	struct ike *ike, uint32_t rg, const struct family *families, struct view body) MUST_CHECK;

/* Which IKE SA of a chain of rekeys has the children. Life: one restore. */
struct family {
	UT_hash_handle hh; /* by lineage */
	uint64_t lineage;
	struct ike_sa *sa;
};
