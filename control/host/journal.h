#pragma once
/*
 * The records that nobody else has, on disk before anything that depends on them leaves the node:
 * a stand-alone tandemd that dies finds its SAs again (ADR 0010).
 *
 * Life: zeroed; journal_open() reads what an earlier process left into the store and begins a new
 * file; journal_append() .. `done`; journal_close() waits for the write under way. One write at a
 * time, in the thread pool, then a pause of a few times as long; what is appended meanwhile goes
 * with the next one, so a slow disk means larger batches, not a longer queue of syncs, and a quiet
 * journal writes at once. When the file is several times as large as what the
 * store holds it is written anew.
 *
 * Secrets: the file is sealed under a key of its own file, which belongs on a tmpfs: it outlives
 * the process and not the boot.
 *
 * A disk that refuses ends the journal, not the daemon: both files are removed, since an old state
 * is worse than none, and `done` says so once, with all that was under way.
 *
 * Owns: copies. Borrows: loop, store. Thread: the loop.
 */
#include <uv.h>

#include "base/secret.h"
#include "host/journal_file.h"
#include "host/local_store.h"

enum journal_end {
	JOURNAL_WRITTEN,
	JOURNAL_OFF,  /* no journal from here on; nothing of it is left */
	JOURNAL_STALE /* no journal from here on, and what is on disk is wrong */
};

struct journal {
	uv_loop_t *loop;
	uv_work_t work;
	struct crypto *crypto; /* of the thread that works, or of the loop's while none does */
	struct env env;
	struct secret *key;
	char path[480], fresh_path[512], key_path[480];
	const struct local_store *store;
	struct journal_file file, fresh;
	struct blob next, writing; /* items, packed */
	size_t next_cap;
	uint64_t serial, writing_serial;
	uv_timer_t pause;
	uint64_t began_ns, not_before_ns; /* of the write under way, and of the next one */
	bool on, busy, anew;		  /* anew: the next write replaces the file */
	bool writing_anew;
	int rc;
	/* All up to `serial` is on disk. */
	void (*done)(void *ctx, uint64_t serial, enum journal_end end);
	void *ctx;
};

struct journal_paths {
	const char *file, *key;
};

/* 0 also when nothing was found, or nothing that can be used: *found and *why (static text, NULL
 * when all is well) tell. The store must be empty. */
int journal_open(struct journal *j, uv_loop_t *loop, const struct journal_paths *paths,
	struct local_store *store, struct journal_found *found, const char **why) MUST_CHECK;
/* To be called after the store was changed. The number to wait for. */
int journal_append(
	struct journal *j, const struct journal_item *items, size_t n, uint64_t *serial) MUST_CHECK;
void journal_close(struct journal *j);
