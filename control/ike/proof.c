#include "ike/proof.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/fsm.h"
#include "ike/jobs.h"
#include "ike/rx.h"
#include "ike/schedule.h"
#include "ike/v2/exchange.h"

#define PATIENCE_MS 90000 /* longer than any job takes: the last resort of an initiator */

/* ---------------------------------------------------------------- values */

void ike_sign_job_free(struct ike_sign_job *job)
{
	if (!job)
		return;
	free(job->key_id);
	blob_fini(&job->octets);
	blob_fini(&job->signature);
	free(job);
}

void ike_trust_job_free(struct ike_trust_job *job)
{
	if (!job)
		return;
	for (size_t i = 0; i < job->n_certs; i++)
		blob_fini(&job->certs[i].data);
	if (job->model)
		model_free(job->model);
	blob_fini(&job->octets);
	blob_fini(&job->signature);
	ident_fini(&job->peer_id);
	free(job->refs);
	blob_fini(&job->trail);
	free(job);
}

void proof_fini(struct proof *p)
{
	ike_trust_job_free(p->verdict);
	ike_sign_job_free(p->own);
	ike_sign_job_free(p->plain);
	*p = (struct proof){0};
}

struct peer_cert *peer_cert_new(
	const char *subject, const struct cert_ref *refs, size_t n_refs, struct view trail)
{
	struct peer_cert *p = calloc(1, sizeof *p + n_refs * sizeof *refs);

	if (!p)
		return NULL;
	p->subject = strdup(subject);
	if (!p->subject || (trail.n != 0 && blob_copy(trail, &p->trail) < 0)) {
		peer_cert_free(p);
		return NULL;
	}
	p->n_refs = n_refs;
	if (n_refs != 0)
		memcpy(p->refs, refs, n_refs * sizeof *refs);
	return p;
}

int peer_cert_copy(const struct peer_cert *from, struct peer_cert **out)
{
	struct peer_cert *p = from ? peer_cert_new(from->subject, from->refs, from->n_refs,
					     blob_view(&from->trail))
				   : NULL;

	if (from && !p)
		return -ERR_NOMEM;
	if (p)
		p->not_after_wall_ms = from->not_after_wall_ms;
	*out = p;
	return 0;
}

uint64_t peer_cert_left_ms(const struct peer_cert *p, uint64_t wall_ms)
{
	if (!p || p->not_after_wall_ms == 0)
		return UINT64_MAX;
	return p->not_after_wall_ms > wall_ms ? p->not_after_wall_ms - wall_ms : 0;
}

void peer_cert_free(struct peer_cert *p)
{
	if (!p)
		return;
	free(p->subject);
	blob_fini(&p->trail);
	free(p);
}

/* ---------------------------------------------------------------- out */

static struct ike_effect *begin(
	struct ike *ike, struct ike_sa *sa, enum ike_effect_type type, uint64_t *id)
{
	struct ike_effect *e;

	if (job_enter(ike, sa, JOB_PROOF, id) < 0)
		return NULL;
	e = ike_effects_add(ike->fx, type);
	if (!e) {
		(void)job_leave(ike, *id);
		return NULL;
	}
	sa->half->proof.job = *id;
	return e;
}

int proof_sign(struct ike *ike, struct ike_sa *sa, struct ike_sign_job *job)
{
	struct ike_effect *e = begin(ike, sa, IKE_FX_SIGN, &job->id);

	if (!e) {
		ike_sign_job_free(job);
		return -ERR_NOMEM;
	}
	e->sign = job;
	return 0;
}

int proof_trust(struct ike *ike, struct ike_sa *sa, struct ike_trust_job *job)
{
	struct ike_effect *e = begin(ike, sa, IKE_FX_TRUST, &job->id);

	if (!e) {
		ike_trust_job_free(job);
		return -ERR_NOMEM;
	}
	e->trust = job;
	return 0;
}

int proof_wait(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	const struct rx *rx = c->rx;
	bool answer = c->on == RX_AUTH_RESP;
	struct parked **place = answer ? &sa->out->answer : &sa->in;
	struct parked *p = rx->done;

	if (!p) {
		p = parked_new(rx->first, rx->inner);
		if (!p) {
			ike->failed = true;
			return -ERR_NOMEM;
		}
		p->on = (uint8_t)c->on;
		p->exchange = rx->exchange;
		p->mid = rx->mid;
		memcpy(p->hash, rx->hash, sizeof p->hash);
	}
	*place = p;
	if (answer) {
		/* It has come: nothing to send again. */
		sa->at_retransmit = ike->now_ms + PATIENCE_MS;
		sa_rearm(ike, sa);
	}
	return FSM_STAY;
}

/* ---------------------------------------------------------------- back */

/* The SA that still waits for that job. */
static struct ike_sa *waiting(struct ike *ike, uint64_t id)
{
	struct ike_sa *sa = job_leave(ike, id);

	if (!sa || !sa->half || sa->half->proof.job != id)
		return NULL;
	sa->half->proof.job = 0;
	return sa;
}

static void resume(struct ike *ike, struct ike_sa *sa, struct parked **place)
{
	struct parked *p = *place;

	*place = NULL;
	if (!p)
		return;
	rx_again(ike, sa, p);
	/* It may wait for the next job. */
	if (sa->in != p && !(sa->out && sa->out->answer == p))
		parked_free(p);
}

void proof_signed(struct ike *ike, struct ike_sign_job *job)
{
	struct ike_sa *sa = waiting(ike, job->id);
	struct ike_sign_job **place;

	if (!sa) {
		ike_sign_job_free(job);
		return;
	}
	place = job->plain ? &sa->half->proof.plain : &sa->half->proof.own;
	ike_sign_job_free(*place);
	*place = job;
	if (sa->initiator)
		(void)fsm_on(ike, sa, ON_SIGNED);
	else
		resume(ike, sa, &sa->in);
}

void proof_trusted(struct ike *ike, struct ike_trust_job *job)
{
	struct ike_sa *sa = waiting(ike, job->id);

	if (!sa) {
		ike_trust_job_free(job);
		return;
	}
	ike_trust_job_free(sa->half->proof.verdict);
	sa->half->proof.verdict = job;
	if (!sa->initiator)
		resume(ike, sa, &sa->in);
	else if (sa->out)
		resume(ike, sa, &sa->out->answer);
}

static bool has_one_of(const struct peer_cert *p, const struct cert_ref *refs, size_t n)
{
	/* A list may revoke some 100 000 at once. */
	for (size_t i = 0; i < p->n_refs; i++)
		if (bsearch(&p->refs[i], refs, n, sizeof *refs, cert_ref_compare))
			return true;
	return false;
}

/* Judged, and not up yet: our own signature may be on its way. */
static void judge_again(struct ike_trust_job *verdict, const struct cert_ref *refs, size_t n)
{
	for (size_t i = 0; verdict->rc == 0 && i < verdict->n_refs; i++) {
		if (!bsearch(&verdict->refs[i], refs, n, sizeof *refs, cert_ref_compare))
			continue;
		verdict->rc = -ERR_AUTH;
		(void)snprintf(verdict->reason, sizeof verdict->reason,
			"a certificate of its chain is revoked");
	}
}

void proof_revoked(struct ike *ike, const struct cert_ref *refs, size_t n)
{
	struct ike_sa *sa, *next;

	map_foreach (ike->sas, sa, next) {
		if (sa->half && sa->half->proof.verdict)
			judge_again(sa->half->proof.verdict, refs, n);
		if (!sa->peer_cert || !sa_is_open(sa) || sa->want_close ||
			!has_one_of(sa->peer_cert, refs, n))
			continue;
		sa_warn(ike, sa, "ike.revoked",
			"reason=\"a certificate of the peer's chain is revoked\" subject=\"%s\"",
			sa->peer_cert->subject);
		ike->stats.ike_revoked++;
		xchg_close(ike, sa);
	}
}

void ike_peer_chains(
	const struct ike *ike, void (*each)(void *ctx, const struct peer_cert *peer), void *ctx)
{
	const struct ike_sa *sa;

	for (sa = ike->sas; sa; sa = sa->hh.next)
		if (sa->peer_cert)
			each(ctx, sa->peer_cert);
}
