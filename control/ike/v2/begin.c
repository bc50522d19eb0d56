/*
 * Requests of ours on an established IKE SA: how each begins, and how all end.
 */
#include "base/emit.h"
#include "base/err.h"
#include "ike/engine.h"
#include "ike/jobs.h"
#include "ike/resource.h"
#include "ike/schedule.h"
#include "ike/tx.h"
#include "ike/v2/exchange.h"
#include "ike/v2/follow.h"
#include "ike/v2/reauth.h"
#include "wire/pld_delete.h"
#include "wire/pld_ke.h"
#include "wire/pld_nonce.h"

void xchg_end(struct ike *ike, struct ike_sa *sa)
{
	bool probe = sa->out->kind == EXCH_PROBE;

	exch_free(sa->out);
	sa->out = NULL;
	sa->at_retransmit = 0;
	sa_rearm(ike, sa);
	/* A successor that sends an answered probe again gets the same answer: not worth a write.
	 */
	if (!probe)
		txn_sa(ike, sa);
	sched_work(ike, sa);
}

static struct exch *begin(struct ike *ike, struct ike_sa *sa, enum exch_kind kind)
{
	sa->out = exch_new(kind);
	if (!sa->out)
		return NULL;
	env_random(&ike->cfg.env, sa->out->nonce, sizeof sa->out->nonce);
	return sa->out;
}

/* Nothing of it has left: as if it had not begun. */
static int give_up(struct ike_sa *sa, int rc)
{
	exch_free(sa->out);
	sa->out = NULL;
	return rc;
}

void xchg_abort(struct ike *ike, struct ike_sa *sa)
{
	(void)give_up(sa, 0);
	sched_work(ike, sa);
}

static void nonce_and_key(struct writer *w, const struct exch *x)
{
	writer_open(w, PLD_NONCE);
	pld_nonce_emit(&w->e, view_of_array(x->nonce));
	writer_close(w);
	if (x->kex) {
		const struct pld_ke ke = {x->group, kex_public(x->kex)};

		writer_open(w, PLD_KE);
		pld_ke_emit(&w->e, &ke);
		writer_close(w);
	}
}

static int build_child(struct ike *ike, struct ike_sa *sa)
{
	struct exch *x = sa->out;
	const struct tunnel *t = tunnel_find(ike, x->policy_id);
	uint8_t spi[4];
	struct emit e = emit_to(spi, sizeof spi);
	struct writer w;
	int rc;

	if (!t)
		return -ERR_NOT_FOUND;
	tx_request_open(ike, sa, &w, EXCHANGE_CREATE_CHILD_SA);
	if (x->kind == EXCH_CHILD_REKEY) {
		const struct child *old = child_find(ike, x->old_spi);
		struct pld_notify n = {
			.protocol = old ? esp_suite_protocol(&old->suite) : PROTO_ESP,
			.type = N_REKEY_SA};

		emit_be32(&e, x->old_spi);
		n.spi = view_of_array(spi);
		writer_open(&w, PLD_NOTIFY);
		pld_notify_emit(&w.e, &n);
		writer_close(&w);
	}
	if (x->resource != 0)
		resource_write(&w, x->resource);
	nonce_and_key(&w, x);
	rc = child_offer(ike, &w, sa, t,
		&(struct child_terms){.with_dh = x->group != 0,
			.spi = (uint32_t)x->new_spi,
			.resource = x->resource,
			.old = x->kind == EXCH_CHILD_REKEY ? child_find(ike, x->old_spi) : NULL});
	return rc < 0 ? rc : tx_request_close(ike, sa, &w);
}

static int build_rekey(struct ike *ike, struct ike_sa *sa)
{
	struct exch *x = sa->out;
	uint8_t spi[8];
	struct emit e = emit_to(spi, sizeof spi);
	struct writer w;
	int rc;

	emit_be64(&e, x->new_spi);
	tx_request_open(ike, sa, &w, EXCHANGE_CREATE_CHILD_SA);
	writer_open(&w, PLD_SA);
	rc = offer_ike(&w.e, sa->gw->model->policy, view_of_array(spi), follow_is_possible(sa));
	writer_close(&w);
	nonce_and_key(&w, x);
	return rc < 0 ? rc : tx_request_close(ike, sa, &w);
}

static int build(struct ike *ike, struct ike_sa *sa)
{
	int rc = sa->out->follow		   ? follow_build(ike, sa)
		 : sa->out->kind == EXCH_IKE_REKEY ? build_rekey(ike, sa)
						   : build_child(ike, sa);

	return rc < 0 ? give_up(sa, rc) : 0;
}

static int key_pair_first(struct ike *ike, struct ike_sa *sa, uint16_t group)
{
	int rc;

	sa->out->group = group;
	if (group == 0)
		return build(ike, sa);
	rc = job_start(ike, sa,
		&(struct job_args){.slot = JOB_OUT, .kind = IKE_KEX_GENERATE, .group = group},
		&sa->out->job);
	return rc < 0 ? give_up(sa, rc) : 0;
}

/* What was to be done may be done already, or impossible, since the key pair was asked for. */
static bool is_still_due(struct ike *ike, const struct ike_sa *sa)
{
	const struct exch *x = sa->out;
	const struct child *old = x->old_spi ? child_find(ike, x->old_spi) : NULL;
	struct tunnel *t = tunnel_find(ike, x->policy_id);
	uint8_t own;

	if (sa->state != SA_UP || sa->want_close)
		return false;
	if (x->kind == EXCH_CHILD_REKEY)
		return old && old->state == CHILD_UP && !old->want_delete;
	if (x->kind == EXCH_IKE_REKEY || !t)
		return x->kind == EXCH_IKE_REKEY;
	return tunnel_lacks(t) || reauth_tunnel(ike, sa) == t ||
	       (resource_next(ike, sa, t, &own) && own == x->resource);
}

static void want_again(struct ike *ike, struct ike_sa *sa, const struct exch *x)
{
	struct child *old = x->old_spi ? child_find(ike, x->old_spi) : NULL;

	if (x->kind == EXCH_IKE_REKEY)
		sa->want_rekey = true;
	if (old)
		old->want_rekey = old->state == CHILD_UP;
}

void xchg_key_pair(struct ike *ike, struct ike_sa *sa, struct ike_kex_job *job)
{
	int rc = job->rc;

	sa->out->job = 0;
	if (!is_still_due(ike, sa)) {
		xchg_abort(ike, sa);
		return;
	}
	if (rc == 0) {
		sa->out->kex = take_ptr(job->kex);
		rc = build(ike, sa);
	} else {
		want_again(ike, sa, sa->out);
		(void)give_up(sa, rc);
	}
	if (rc < 0) {
		sa_warn(ike, sa, "ike.begin.failed", "reason=\"%s\"", err_text(rc));
		sched_later(ike, sa, 1000);
	}
}

static int begin_child(struct ike *ike, struct ike_sa *sa, const struct tunnel *t, uint8_t resource,
	const struct child *old)
{
	struct exch *x = begin(ike, sa, old ? EXCH_CHILD_REKEY : EXCH_CHILD);

	if (!x)
		return -ERR_NOMEM;
	x->old_spi = old ? old->spi_in : 0;
	x->policy_id = t->policy_id;
	x->resource = resource;
	x->new_spi = child_spi_draw(ike, sa->rg, resource);
	if (x->new_spi == 0)
		return give_up(sa, -ERR_LIMIT);
	return key_pair_first(ike, sa, t->model->vpn->policy->pfs);
}

/* RFC 9611 3: one that is rekeyed stays where it is. */
int xchg_begin_child(struct ike *ike, struct ike_sa *sa, struct tunnel *t, struct child *old)
{
	if (old)
		old->want_rekey = false;
	return begin_child(ike, sa, t, old ? old->resource : 0, old);
}

int xchg_begin_own_child(struct ike *ike, struct ike_sa *sa, struct tunnel *t, uint8_t resource)
{
	return begin_child(ike, sa, t, resource, NULL);
}

uint64_t xchg_ike_spi_draw(struct ike *ike, uint32_t rg)
{
	uint64_t spi;

	do {
		spi = env_random64(&ike->cfg.env) >> 8 | (uint64_t)(rg & 0xff) << 56;
	} while (spi == 0 || sa_find(ike, spi));
	return spi;
}

int xchg_begin_rekey(struct ike *ike, struct ike_sa *sa)
{
	uint16_t group = negotiate_ike_group(
		sa->gw->model->policy, sa->rekey_group ? sa->rekey_group : sa->suite.dh->id);
	struct exch *x = begin(ike, sa, EXCH_IKE_REKEY);

	if (!x)
		return -ERR_NOMEM;
	sa->want_rekey = false;
	x->new_spi = xchg_ike_spi_draw(ike, sa->rg);
	return group ? key_pair_first(ike, sa, group) : give_up(sa, -ERR_NO_PROPOSAL);
}

static void delete_one(struct writer *w, uint8_t protocol, uint32_t spi_in)
{
	writer_open(w, PLD_DELETE);
	pld_delete_emit(&w->e, protocol, &spi_in, 1);
	writer_close(w);
}

int xchg_begin_delete_child(struct ike *ike, struct ike_sa *sa, uint32_t spi_in)
{
	const struct child *c = child_find(ike, spi_in);
	struct exch *x = begin(ike, sa, EXCH_DELETE_CHILD);
	struct writer w;
	int rc;

	if (!x)
		return -ERR_NOMEM;
	x->old_spi = spi_in;
	tx_request_open(ike, sa, &w, EXCHANGE_INFORMATIONAL);
	/* An orphan may be either: the peer passes over what it does not have (1.4.1). */
	if (!c || !esp_suite_is_ah(&c->suite))
		delete_one(&w, PROTO_ESP, spi_in);
	if (!c || esp_suite_is_ah(&c->suite))
		delete_one(&w, PROTO_AH, spi_in);
	rc = tx_request_close(ike, sa, &w);
	return rc < 0 ? give_up(sa, rc) : 0;
}

int xchg_begin_delete(struct ike *ike, struct ike_sa *sa, uint16_t notify)
{
	struct writer w;
	int rc;

	if (!begin(ike, sa, EXCH_DELETE_IKE))
		return -ERR_NOMEM;
	tx_request_open(ike, sa, &w, EXCHANGE_INFORMATIONAL);
	if (notify != 0)
		tx_notify(&w, notify, (struct view){0});
	writer_open(&w, PLD_DELETE);
	pld_delete_emit_ike(&w.e);
	writer_close(&w);
	rc = tx_request_close(ike, sa, &w);
	return rc < 0 ? give_up(sa, rc) : 0;
}

int xchg_begin_probe(struct ike *ike, struct ike_sa *sa)
{
	uint8_t spi[4];
	struct emit e = emit_to(spi, sizeof spi);
	struct writer w;
	int rc;

	sa->want_probe = false;
	if (!begin(ike, sa, EXCH_PROBE))
		return -ERR_NOMEM;
	tx_request_open(ike, sa, &w, EXCHANGE_INFORMATIONAL);
	if (sa->bad_spi != 0) {
		emit_be32(&e, sa->bad_spi);
		tx_notify(&w, N_INVALID_SPI, view_of_array(spi));
		sa->bad_spi = 0;
	}
	rc = tx_request_close(ike, sa, &w);
	return rc < 0 ? give_up(sa, rc) : 0;
}
