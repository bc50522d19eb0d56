#pragma once
/*
 * What need not be computed twice: certificates already read, by their octets, and paths already
 * built, by everything that went into them. Setting up with the same peer again then costs one
 * check of one signature.
 *
 * Both are bounded; the entry used least recently makes room. Revocation is not cached here: it is
 * asked each time.
 *
 * Life: pki_cache_new() .. pki_cache_free(). Thread: any, under its own lock.
 */
#include "crypto/path.h"

struct pki_cache;

struct pki_cache_stats {
	uint64_t certs_read, certs_known, paths_built, paths_known;
};

/* max: of each kind. */
int pki_cache_new(size_t max, struct pki_cache **out) MUST_CHECK;
void pki_cache_free(struct pki_cache *c);

/* As cert_parse(). */
int pki_cache_cert(struct pki_cache *c, struct view der, struct cert **out) MUST_CHECK;
/* Was a path built from this key that is good at the time? */
bool pki_cache_path(struct pki_cache *c, struct view key, int64_t at_s, struct path *out);
/* Forgets silently when there is no memory. */
void pki_cache_keep(struct pki_cache *c, struct view key, const struct path *p);
struct pki_cache_stats pki_cache_stats(struct pki_cache *c);
