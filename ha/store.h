#pragma once
/*
 * The replicated records of one redundancy group: (class, key) -> whole record, in the order of
 * their last upsert, with a digest that is kept up to date.
 *
 * Life: ha_store_init() .. ha_store_fini(). Owns copies of keys and bodies. Records are lent until
 * the next change. Thread: ha's.
 *
 * While a snapshot fills the store, tombstones leave a dead record behind, so that an older upsert
 * from the snapshot cannot bring the key back; ha_store_settle() forgets them.
 */
#include "base/list.h"
#include "base/map.h"
#include "base/view.h"

struct ha_rec {
	UT_hash_handle hh;
	struct list link;
	uint64_t index, epoch; /* log index and epoch number of the last upsert */
	bool dead;
	struct blob body;
	struct blob extra; /* unknown fields of its repl.Record, packed (rule 18) */
	uint32_t id_n;
	uint8_t id[]; /* class octet, key */
};

/* Two independent sums over the live records; equal stores have equal digests. */
struct ha_digest {
	uint64_t records, sum, sum2;
};

struct ha_store {
	struct ha_rec *map;
	struct list order; /* oldest first */
	struct list cursors;
	bool filling;
	struct ha_digest digest;
	size_t octets;
};

/* Walks what was there when it began, however the store changes meanwhile; what is upserted again
 * after that is left out. */
struct ha_cursor {
	struct list link;
	struct ha_rec *next, *last; /* NULL = at the end */
};

struct ha_put {
	uint8_t class;
	bool tombstone;
	struct view key, body, extra;
	uint64_t index, epoch;
};

void ha_store_init(struct ha_store *s);
void ha_store_fini(struct ha_store *s);
void ha_store_clear(struct ha_store *s);
/* 1 when applied, 0 when the store holds the key at a later index, -ERR_NOMEM. An equal index
 * applies: several upserts of a key may share one entry. */
int ha_store_put(struct ha_store *s, const struct ha_put *put) MUST_CHECK;
/* Live records only; NULL when there is none. */
const struct ha_rec *ha_store_find(const struct ha_store *s, uint8_t class, struct view key);
void ha_store_settle(struct ha_store *s);
bool ha_digest_equal(const struct ha_digest *a, const struct ha_digest *b);

void ha_cursor_begin(struct ha_store *s, struct ha_cursor *c);
/* NULL at the end; lent until the next change. Skips dead ones. */
const struct ha_rec *ha_cursor_next(struct ha_store *s, struct ha_cursor *c);
void ha_cursor_end(struct ha_cursor *c);

static inline uint8_t ha_rec_class(const struct ha_rec *r)
{
	return r->id[0];
}

static inline struct view ha_rec_key(const struct ha_rec *r)
{
	return view_of(r->id + 1, r->id_n - 1);
}
