#pragma once
/*
 * Asymmetric work that is out: which IKE SA and which of its places waits for which job. Results
 * for an SA that is gone meanwhile are thrown away. Life: from job_start() to job_done().
 */
#include "base/map.h"
#include "base/view.h"
#include "ike/effect.h"

struct ike;
struct ike_sa;
struct cause;
struct pld_ke;

enum job_slot {
	JOB_SA,	    /* IKE_SA_INIT: fires ON_KEX_DONE */
	JOB_IN,	    /* sa->in: the peer's request */
	JOB_OUT,    /* sa->out: the key pair of our request */
	JOB_ANSWER, /* sa->out->answer: the shared secret of our request */
	JOB_PROOF   /* sa->half->proof: our signature, or the verdict on the peer's */
};

struct job {
	UT_hash_handle hh;
	uint64_t id, sa;
	enum job_slot slot;
	bool stranger;
};

struct job_args {
	enum job_slot slot;
	enum ike_kex_kind kind;
	uint16_t group;
	struct kex *kex;  /* DERIVE: passes on, also when job_start() fails */
	struct view peer; /* DERIVE, RESPOND */
};

int job_start(struct ike *ike, const struct ike_sa *sa, const struct job_args *a,
	uint64_t *id) MUST_CHECK;
/* The message at hand waits, decrypted, for the secret that its KE payload brings, and is then
 * given to the same rule once more, with the result. FSM_STAY, or negative. */
int job_for_request(struct ike *ike, struct ike_sa *sa, const struct cause *c,
	const struct pld_ke *ke) MUST_CHECK;
int job_for_answer(struct ike *ike, struct ike_sa *sa, const struct cause *c) MUST_CHECK;
/* A number for work of another kind, */
int job_enter(
	struct ike *ike, const struct ike_sa *sa, enum job_slot slot, uint64_t *id) MUST_CHECK;
/* and the SA that waits for it, which it does no more; NULL: none does. */
struct ike_sa *job_leave(struct ike *ike, uint64_t id);
/* Takes the finished job over. */
void job_done(struct ike *ike, struct ike_kex_job *job);
void jobs_fini(struct ike *ike);
