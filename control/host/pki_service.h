#pragma once
/*
 * Whether peers may be trusted: the end of TRUST jobs (control/ike/proof.h), and what happens to
 * those that were trusted when a certificate is revoked later.
 *
 * A job comes here when everything but revocation is known to hold (sign_work.c, thread pool). It
 * is answered at once when lists and answers are here, else when they have come, at the latest
 * after PKI_WAIT_MS. Fetching never blocks the loop; reading what came is work for the pool.
 *
 * Life: pki_service_init() .. pki_service_fini(), before the runner's end: jobs that wait are freed
 * then. Thread: the loop.
 */
#include "host/pki_io.h"
#include "ike/proof.h"
#include "pki/revocation.h"

struct daemon;

#define PKI_WAIT_MS 45000 /* of one job: three places to ask that do not answer */
#define PKI_ASK_MS  5000  /* the operator waits for so long */

struct pki_service {
	struct daemon *d;
	struct pki_io io;
	struct revocation *revocation;
	uv_timer_t tick;
	struct list waiting, fetching;
	uint32_t n_waiting, working;
	int64_t expiry_said_s;
	uint64_t caught_up_ms;
	bool started, restored;
};

int pki_service_init(struct pki_service *p, struct daemon *d) MUST_CHECK;
void pki_service_fini(struct pki_service *p);

/* Takes job, path and store's reference over; feeds TRUSTED to the engine, now or later. Not to be
 * called while effects are executed. */
void pki_service_judge(struct pki_service *p, struct ike_trust_job *job, struct path *path,
	struct pki_store *store);

/* Is a chain revoked? Asked as for a peer, lists and responders included; told once, perhaps at
 * once, at the latest after a few seconds: REVOCATION_WAIT then, and what is out goes on. Takes the
 * path over; the store is referenced. Not told at all when everything ends before. */
typedef void pki_told_fn(void *ctx, enum revocation_result what, const char *why);
int pki_service_ask(struct pki_service *p, struct path *path, struct pki_store *store,
	pki_told_fn *told, void *ctx) MUST_CHECK;
/* After credentials_load(), and when the operator loaded a list: takes the store as it is now and
 * reads the lists on disk. */
void pki_service_reload(struct pki_service *p);
/* IKE SAs were restored: whoever of their peers is revoked by what is here already goes with the
 * next tick, not within a takeover. */
void pki_service_restored(struct pki_service *p);
/* The operator cleared lists of a profile, or of all (NULL); files are not ours to remove. */
void pki_service_clear(struct pki_service *p, const char *profile);
