#pragma once
/*
 * The keyed container: uthash with SipHash-1-3, because SPIs, cookies and IDs are chosen by peers.
 * The hash key is drawn once a process by map_seed() from the injected env; a process that never
 * calls it (a unit test) hashes with a fixed key and stays deterministic.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"

uint32_t map_hash(const void *key, size_t n);
void map_seed(const struct env *env);

#define HASH_FUNCTION(keyptr, keylen, hashv)                                                       \
	do {                                                                                       \
		(hashv) = map_hash((keyptr), (size_t)(keylen));                                    \
	} while (0)
#include <uthash.h>

/* The body may delete `el`. */
#define map_foreach(head, el, tmp) HASH_ITER(hh, head, el, tmp)
