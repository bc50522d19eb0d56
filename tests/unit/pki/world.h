#pragma once
/*
 * A small world for tests of pki: a model with CA profiles, and the certificates they hold. The
 * hierarchy of the documents: Root -> Eng, Sales; Eng -> Dev, QA.
 */
#include "../crypto/forge.h"
#include "pki/store.h"

enum { ROOT, ENG, SALES, DEV, QA, STRANGER, CAS };

#define WORLD_PROFILES 8

struct world {
	struct forge_ca ca[CAS];
	struct model_ca_profile profiles[WORLD_PROFILES];
	struct cert *held[WORLD_PROFILES];
	struct model model;
	struct pki_store *store;
	uint64_t generation;
};

void world_init(struct world *w);
void world_fini(struct world *w);
/* For cmocka's groups: *state is one world. */
int world_setup(void **state);
int world_teardown(void **state);
/* Profiles "Root", "Eng", ... in the order given, each with its CA; ends with -1. Makes the store
 * again. Revocation is by CRL until a test says otherwise. */
void world_trust(struct world *w, ...);
/* A profile of that name with any certificate (NULL: none loaded). */
void world_profile(struct world *w, const char *name, struct cert *cert);
