#pragma once
/*
 * A file of sealed records that is written from front to back: what a journal puts on disk.
 *
 *	magic(8) salt(16) then frames: length(4) ~length(4) sealed(length)
 *
 * Each frame is AES-256-GCM under HKDF(key, salt), its nonce the number of the frame: a file has a
 * salt of its own and is never written on after it was closed, so that no nonce is used twice
 * whatever a crash left at its end.
 *
 * A process that dies leaves a last frame that is cut off; nobody was told that it is there, so its
 * reader drops it. A frame that is all there but wrong was damaged later: what comes before it is
 * then the state of some earlier moment, which must not be taken for the last one (message ids and
 * sequence numbers would be used again), and the whole file is refused.
 *
 * Life of a writer: journal_file_create() .. journal_file_close(). Thread: one at a time.
 */
#include "base/emit.h"
#include "base/env.h"
#include "crypto/seal.h"

enum { JOURNAL_KEY_LEN = 32, JOURNAL_HEAD_LEN = 24 };

struct journal_file {
	int fd;
	struct seal *seal;
	uint8_t head[JOURNAL_HEAD_LEN];
	uint64_t frames, size;
};

struct journal_secrets {
	struct crypto *crypto;
	struct view key; /* JOURNAL_KEY_LEN octets */
	const struct env *env;
};

/* One record of a frame. */
struct journal_item {
	bool tombstone;
	uint32_t rg;
	struct view key, body; /* key at most 255 octets */
};

/* How many octets the item takes, and the item, appended to what is in e. */
size_t journal_item_size(const struct journal_item *i);
void journal_item_put(struct emit *e, const struct journal_item *i);

/* An empty file at `path`, which must not be read by anybody before it is renamed. */
int journal_file_create(
	struct journal_file *f, const struct journal_secrets *s, const char *path) MUST_CHECK;
/* items: any number of journal_item_put(). Not on disk before journal_file_sync(). */
int journal_file_append(struct journal_file *f, struct view items) MUST_CHECK;
int journal_file_sync(struct journal_file *f) MUST_CHECK;
void journal_file_close(struct journal_file *f);

struct journal_found {
	uint64_t frames, items;
	uint64_t cut_octets; /* of a last frame that is not whole */
};

/* Items in the order they were written; what they point to is lent for the call.
 * -ERR_NOT_FOUND: no file; -ERR_AUTH: not one of this key, or damaged: forget what each() got. */
int journal_file_read(const char *path, const struct journal_secrets *s,
	int (*each)(void *ctx, const struct journal_item *i), void *ctx,
	struct journal_found *found) MUST_CHECK;
