#pragma once
/*
 * What is trusted: the CA profiles of the configuration with their certificates, as one snapshot.
 *
 * Life: pki_store_new() at start, at a new configuration and when a file changed; counted; the old
 * one lives until the last check that began with it is over. A snapshot never changes. Thread: made
 * and counted on the loop's; read from any.
 */
#include "config/model.h"
#include "crypto/cert.h"
#include "crypto/path.h"

struct pki_ca {
	const struct model_ca_profile *profile;
	struct cert *cert;	     /* NULL: not loaded (yet) */
	const struct pki_ca *parent; /* the profile whose CA signed this one; NULL: none here */
};

struct pki_store {
	uint32_t refs;
	uint64_t generation; /* another one for each snapshot of a process */
	struct model *model; /* a reference: the profiles are its */
	struct pki_ca *cas;
	size_t n;
};

/* What a profile's file held: NULL with 0: there is none. Called for each profile, in order. */
struct pki_source {
	int (*ca)(void *ctx, const char *profile, struct cert **out);
	void *ctx;
};

/* Takes a reference of the model. A file that cannot be read is a profile without certificate:
 * the source says so to the operator. */
int pki_store_new(struct model *m, const struct pki_source *source, uint64_t generation,
	struct pki_store **out) MUST_CHECK;
struct pki_store *pki_store_ref(struct pki_store *s);
void pki_store_unref(struct pki_store *s);

/* NULL: no profile of this name. */
const struct pki_ca *pki_store_find(const struct pki_store *s, const char *name);
/* The profile that holds this very certificate; NULL: none. */
const struct pki_ca *pki_store_of(const struct pki_store *s, const struct cert *c);
