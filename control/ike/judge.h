#pragma once
/*
 * The work behind IKE_FX_SIGN and IKE_FX_TRUST, for whoever executes them: like ike_kex_run(), on
 * any thread, and of no other connection with the engine.
 */
#include "crypto/path.h"
#include "ike/proof.h"

struct pki_cache;
struct pki_store;

/* key NULL: there is none. */
void ike_sign_run(const struct crypto *c, const struct sign_key *key, struct ike_sign_job *job);

/*
 * Everything but revocation. The chain that holds goes to *path, which the caller owns:
 * path_fini(). cache may be NULL. Refuses with job->rc and job->reason.
 */
void ike_trust_run(const struct crypto *c, const struct pki_store *s, struct pki_cache *cache,
	struct ike_trust_job *job, struct path *path);
/* A refusal, by those that find one later. */
void ike_trust_refuse(struct ike_trust_job *job, int rc, const char *reason);
