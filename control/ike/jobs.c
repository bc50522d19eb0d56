#include "ike/jobs.h"

#include <stdlib.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/fsm.h"
#include "ike/rx.h"
#include "ike/v2/exchange.h"
#include "wire/pld_ke.h"

int job_enter(struct ike *ike, const struct ike_sa *sa, enum job_slot slot, uint64_t *id)
{
	struct job *j = calloc(1, sizeof *j);

	if (!j) {
		ike->failed = true;
		return -ERR_NOMEM;
	}
	*j = (struct job){.id = ike->next_job++, .sa = sa->spi_local, .slot = slot};
	HASH_ADD(hh, ike->jobs, id, sizeof j->id, j);
	*id = j->id;
	return 0;
}

struct ike_sa *job_leave(struct ike *ike, uint64_t id)
{
	struct ike_sa *sa;
	struct job *j;

	HASH_FIND(hh, ike->jobs, &id, sizeof id, j);
	if (!j)
		return NULL;
	HASH_DELETE(hh, ike->jobs, j);
	sa = sa_find(ike, j->sa);
	free(j);
	return sa;
}

int job_start(struct ike *ike, const struct ike_sa *sa, const struct job_args *a, uint64_t *id)
{
	struct ike_kex_job *job = calloc(1, sizeof *job);
	struct job *j = calloc(1, sizeof *j);
	struct ike_effect *e = NULL;

	if (job && j && blob_copy(a->peer, &job->peer_public) == 0)
		e = ike_effects_add(ike->fx, IKE_FX_KEX);
	if (!e) {
		if (job)
			blob_fini(&job->peer_public);
		free(job);
		free(j);
		kex_free(a->kex);
		ike->failed = true;
		return -ERR_NOMEM;
	}
	*j = (struct job){.id = ike->next_job++, .sa = sa->spi_local, .slot = a->slot};
	job->stranger = j->stranger = sa->half && !sa->initiator;
	ike->guard.jobs += j->stranger;
	HASH_ADD(hh, ike->jobs, id, sizeof j->id, j);
	job->id = j->id;
	job->kind = a->kind;
	job->group = a->group;
	job->kex = a->kex;
	e->kex = job;
	*id = j->id;
	return 0;
}

int job_for_request(
	struct ike *ike, struct ike_sa *sa, const struct cause *c, const struct pld_ke *ke)
{
	int rc;

	sa->in = parked_new(c->rx->first, c->rx->inner);
	if (!sa->in)
		return -ERR_NOMEM;
	sa->in->exchange = c->rx->exchange;
	sa->in->on = (uint8_t)c->on;
	sa->in->mid = c->rx->mid;
	memcpy(sa->in->hash, c->rx->hash, sizeof sa->in->hash);
	rc = job_start(ike, sa,
		&(struct job_args){.slot = JOB_IN,
			.kind = IKE_KEX_RESPOND,
			.group = ke->group,
			.peer = ke->data},
		&sa->in->job);
	return rc < 0 ? rc : FSM_STAY;
}

int job_for_answer(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	const struct payload *p = chain_find(c->rx->chain, PLD_KE);
	struct exch *x = sa->out;
	struct kex *kex = NULL;
	struct pld_ke ke;
	int rc;

	if (!p || pld_ke_parse(p->body, &ke) < 0 || ke.group != x->group)
		return -ERR_SYNTAX;
	x->answer = parked_new(c->rx->first, c->rx->inner);
	if (!x->answer)
		return -ERR_NOMEM;
	rc = exch_hand_kex(x, &kex);
	if (rc < 0)
		return rc;
	/* It has come: nothing to send again. */
	sa->at_retransmit = 0;
	x->answer->exchange = c->rx->exchange;
	x->answer->on = (uint8_t)c->on;
	x->answer->mid = c->rx->mid;
	rc = job_start(ike, sa,
		&(struct job_args){.slot = JOB_ANSWER,
			.kind = IKE_KEX_DERIVE,
			.group = x->group,
			.kex = kex,
			.peer = ke.data},
		&x->answer->job);
	return rc < 0 ? rc : FSM_STAY;
}

/* The parked message that waits for this job, taken out of its place; NULL: it is gone. */
static struct parked *parked_take(struct parked **place, const struct ike_kex_job *job)
{
	struct parked *p = *place;

	if (!p || p->job != job->id)
		return NULL;
	*place = NULL;
	return p;
}

static void parked_done(
	struct ike *ike, struct ike_sa *sa, struct parked *p, struct ike_kex_job *job)
{
	if (!p)
		return;
	p->kex = take_ptr(job->kex);
	p->shared = take_ptr(job->shared);
	p->rc = job->rc;
	rx_again(ike, sa, p);
	parked_free(p);
}

static void job_deliver(
	struct ike *ike, struct ike_sa *sa, enum job_slot slot, struct ike_kex_job *job)
{
	switch (slot) {
	case JOB_SA:
		(void)fsm_fire(
			ike, sa, &(struct cause){.on = ON_KEX_DONE, .job = job, .rc = job->rc});
		break;
	case JOB_IN:
		parked_done(ike, sa, parked_take(&sa->in, job), job);
		break;
	case JOB_OUT:
		if (sa->out && sa->out->job == job->id)
			xchg_key_pair(ike, sa, job);
		break;
	case JOB_ANSWER:
		if (sa->out)
			parked_done(ike, sa, parked_take(&sa->out->answer, job), job);
		break;
	case JOB_PROOF:
	default:
		break;
	}
}

void job_done(struct ike *ike, struct ike_kex_job *job)
{
	struct job *j;
	struct ike_sa *sa;

	HASH_FIND(hh, ike->jobs, &job->id, sizeof job->id, j);
	if (j) {
		HASH_DELETE(hh, ike->jobs, j);
		ike->guard.jobs -= j->stranger;
		sa = sa_find(ike, j->sa);
		if (sa)
			job_deliver(ike, sa, j->slot, job);
		free(j);
	}
	ike_kex_job_free(job);
}

void jobs_fini(struct ike *ike)
{
	struct job *j, *next;

	map_foreach (ike->jobs, j, next) {
		HASH_DELETE(hh, ike->jobs, j);
		free(j);
	}
}
