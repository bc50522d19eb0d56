#pragma once
/*
 * Certificates of this node as the engine and the executors of its jobs need them: our own, and the
 * CA profiles' (control/pki/store.h), read from the files of --pki. Private keys are tandem-keys'
 * alone; it is asked whether they belong to our certificates.
 *
 * Life: credentials_init() .. credentials_fini(); credentials_load() at start, with each new
 * configuration and whenever a file changed: what was lent before is gone then. A file that is
 * missing or wrong is said to the log; what needs it is refused when it is needed. Thread: the
 * loop; store and cache are read from any.
 */
#include "ike/proof.h"
#include "pki/cache.h"
#include "pki/store.h"

struct daemon;

struct own_cert;

struct credentials {
	struct daemon *d;
	struct own_cert *own;
	size_t n_own;
	struct pki_store *store;
	struct pki_cache *cache;
	uint64_t generation;
	struct blob anchors; /* lent to the engine, until it asks again */
	struct ike_credentials face;
};

int credentials_init(struct credentials *c, struct daemon *d) MUST_CHECK;
/* Takes what is on disk for that configuration. -ERR_NOMEM: as before. */
int credentials_load(struct credentials *c, struct model *m) MUST_CHECK;
void credentials_fini(struct credentials *c);
