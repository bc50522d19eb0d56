/*
 * CREATE_CHILD_SA for the IKE SA itself (RFC 7296 1.3.2, 2.18): a successor with new keys and
 * message IDs takes the children over.
 */
#include <inttypes.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/jobs.h"
#include "ike/resource.h"
#include "ike/schedule.h"
#include "ike/tx.h"
#include "ike/v2/birth.h"
#include "ike/v2/collide.h"
#include "ike/v2/exchange.h"
#include "ike/v2/follow.h"
#include "wire/pld_ke.h"
#include "wire/pld_nonce.h"

#define REKEY_AGAIN_MS 30000

static uint64_t spi64(struct view v)
{
	uint64_t spi = 0;

	for (size_t i = 0; i < v.n && i < 8; i++)
		spi = spi << 8 | v.p[i];
	return v.n == 8 ? spi : 0;
}

/* ---------------------------------------------------------------- the successor */

static int inherit(struct ike_sa *to, const struct ike_sa *from)
{
	to->lineage = from->lineage;
	to->began = from->began;
	to->predecessor = from->spi_local;
	to->natt = from->natt;
	to->nat_local = from->nat_local;
	to->nat_remote = from->nat_remote;
	to->auth_method = from->auth_method;
	to->supports = from->supports;
	to->interface_id = from->interface_id;
	to->local = from->local;
	to->remote = from->remote;
	to->pace = from->pace;
	to->up_index = from->up_index;
	to->rekeys = from->rekeys + 1;
	to->reauths = from->reauths;
	/* What was not told yet: it was cleared or revoked meanwhile, or an end has moved. */
	to->want_close = from->want_close;
	to->want_update = from->want_update;
	to->want_verify = from->want_verify;
	to->want_redirect = from->want_redirect;
	to->children_created = from->children_created;
	to->children_deleted = from->children_deleted;
	if (peer_cert_copy(from->peer_cert, &to->peer_cert) < 0)
		return -ERR_NOMEM;
	if (ident_copy(from->local_id.type, blob_view(&from->local_id.data), &to->local_id) < 0)
		return -ERR_NOMEM;
	return ident_copy(from->remote_id.type, blob_view(&from->remote_id.data), &to->remote_id);
}

static int bear(struct ike *ike, struct ike_sa *from, const struct birth *b, struct ike_sa **out)
{
	const struct keymat_ike_in in = {.shared = b->shared,
		.ni = b->ni,
		.nr = b->nr,
		.more = b->more,
		.old_prf = from->suite.prf->id,
		.old_sk_d = sa_key(from, SK_D)};
	struct keymat_ike_in with_spis = in;
	struct ike_sa *sa = sa_new(ike, from->rg, b->initiator, b->spi_local);
	int rc;

	if (!sa)
		return -ERR_NOMEM;
	sa->spi_remote = b->spi_remote;
	sa->suite = b->suite;
	with_spis.spi_i = sa_spi_i(sa);
	with_spis.spi_r = sa_spi_r(sa);
	rc = inherit(sa, from);
	if (rc == 0)
		rc = keymat_ike(ike->cfg.crypto, &sa->suite, &with_spis, &sa->keys);
	if (rc < 0) {
		sa_drop(ike, sa);
		return rc;
	}
	sa_attach(ike, sa, from->gw);
	/* Born established: there is no rule that leads here, so this is the one other assignment.
	 */
	sa->state = SA_UP;
	sched_established(ike, sa);
	sched_work(ike, sa);
	txn_sa(ike, sa);
	*out = sa;
	return 0;
}

void rekey_hand_over(struct ike *ike, struct ike_sa *from, struct ike_sa *to)
{
	struct child *c, *next;

	list_foreach_safe (c, next, &from->children, of_sa)
		child_move(c, to);
	from->has_children = false;
	to->has_children = true;
	from->successor = to->spi_local;
	txn_sa(ike, from);
	txn_sa(ike, to);
	resource_handed_over(ike, to);
	sched_work(ike, to);
	/* Closed before it had them: the peer's are gone with it. */
	if (to->state != SA_UP)
		sched_sa_gone(ike, to, TUNNEL_CLEARED);
}

void rekey_claim(struct ike *ike, struct ike_sa *sa)
{
	struct ike_sa *old = sa->predecessor ? sa_find(ike, sa->predecessor) : NULL;

	if (old && old->has_children && collide_heir(ike, old) == sa)
		rekey_hand_over(ike, old, sa);
}

static void log_rekeyed(struct ike *ike, const struct ike_sa *from, const struct ike_sa *to)
{
	ike->stats.ike_rekeyed++;
	sa_info(ike, to, "ike.rekeyed", "was=%016" PRIx64 " rekeys=%u", from->spi_local,
		to->rekeys);
}

/* ---------------------------------------------------------------- asked */

static enum ike_further further_of(const struct ike_sa *sa)
{
	return sa->supports & SA_FURTHER ? FURTHER_CAN : FURTHER_NONE;
}

static int offer_read(const struct ike_sa *sa, const struct rx *rx, struct birth *b,
	struct choice *choice, struct pld_ke *ke)
{
	const struct payload *s = chain_find(rx->chain, PLD_SA), *k = chain_find(rx->chain, PLD_KE);
	struct pld_sa offer;

	if (!s || !k || pld_sa_parse(s->body, SA_OFFER, &offer) < 0 ||
		pld_ke_parse(k->body, ke) < 0 || rx_nonce(rx, &b->ni) < 0)
		return -ERR_SYNTAX;
	/* Without further ones if the peer wants none: SK_d holds what the first SA's gave. */
	if (negotiate_ike(sa->gw->model->policy, further_of(sa), &offer, &b->suite, choice) < 0 &&
		negotiate_ike(sa->gw->model->policy, FURTHER_NONE, &offer, &b->suite, choice) < 0)
		return -ERR_NO_PROPOSAL;
	b->spi_remote = spi64(choice->spi);
	return b->spi_remote ? 0 : -ERR_SYNTAX;
}

static int answer_rekey(struct ike *ike, struct ike_sa *sa, const struct rx *rx,
	const struct birth *b, uint8_t proposal, uint64_t spi)
{
	const struct pld_ke ke = {kex_group(rx->done->kex), kex_public(rx->done->kex)};
	uint8_t octets[8];
	struct emit e = emit_to(octets, sizeof octets);
	struct writer w;

	emit_be64(&e, spi);
	tx_answer_open(ike, sa, &w, rx);
	writer_open(&w, PLD_SA);
	answer_ike(&w.e, &b->suite, proposal, view_of_array(octets));
	writer_close(&w);
	writer_open(&w, PLD_NONCE);
	pld_nonce_emit(&w.e, b->nr);
	writer_close(&w);
	writer_open(&w, PLD_KE);
	pld_ke_emit(&w.e, &ke);
	writer_close(&w);
	if (b->suite.n_additional != 0)
		tx_notify(&w, N_ADDITIONAL_KEY_EXCHANGE, blob_view(&sa->follow->link));
	return tx_answer_close(ike, sa, &w, rx);
}

/* RFC 9370 2.2.4: the rest of it comes in exchanges of its own. */
static int answer_first(
	struct ike *ike, struct ike_sa *sa, const struct rx *rx, struct birth *b, uint8_t proposal)
{
	int rc;

	b->spi_local = xchg_ike_spi_draw(ike, sa->rg);
	rc = follow_expect(ike, sa, b, rx);
	if (rc == 0)
		rc = answer_rekey(ike, sa, rx, b, proposal, b->spi_local);
	return rc < 0 ? rc : FSM_STAY;
}

/* The answer is out. 0: the old SA is replaced. FSM_STAY: it lives on until a crossing rekey of
 * ours is through. */
static int replaced(struct ike *ike, struct ike_sa *sa, struct ike_sa *to, const struct birth *b)
{
	log_rekeyed(ike, sa, to);
	if (collide_rekey_asked(ike, sa, to, b->ni, b->nr))
		return FSM_STAY;
	rekey_hand_over(ike, sa, to);
	return 0;
}

int rekey_finish(struct ike *ike, struct ike_sa *sa, const struct birth *b, struct writer *w,
	const struct rx *rx)
{
	struct ike_sa *to = NULL;
	int rc = bear(ike, sa, b, &to);

	if (rc == 0)
		rc = tx_answer_close(ike, sa, w, rx);
	if (rc < 0)
		return rc;
	return replaced(ike, sa, to, b);
}

/* 0 and FSM_STAY as in replaced(). */
static int asked_again(
	struct ike *ike, struct ike_sa *sa, const struct rx *rx, struct birth *b, uint8_t proposal)
{
	struct ike_sa *to = NULL;
	int rc = rx->done->rc;

	if (rc < 0)
		return tx_answer_notify(ike, sa, rx, N_INVALID_SYNTAX) < 0 ? -ERR_NOMEM : FSM_STAY;
	env_random(&ike->cfg.env, b->nonce, sizeof b->nonce);
	b->nr = view_of_array(b->nonce);
	b->shared = secret_view(rx->done->shared);
	if (b->suite.n_additional != 0)
		return answer_first(ike, sa, rx, b, proposal);
	rc = bear(ike, sa, b, &to);
	if (rc == 0)
		rc = answer_rekey(ike, sa, rx, b, proposal, to->spi_local);
	if (rc < 0)
		return rc;
	return replaced(ike, sa, to, b);
}

int on_rekey_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct birth b = {0};
	struct choice choice;
	struct pld_ke ke;
	int rc = offer_read(sa, c->rx, &b, &choice, &ke);

	rekey_claim(ike, sa);
	if (rc == -ERR_NO_PROPOSAL)
		rc = tx_answer_notify(ike, sa, c->rx, N_NO_PROPOSAL_CHOSEN);
	else if (rc == 0 && (collide_refuses_rekey(ike, sa) ||
				    (!c->rx->done && !pace_allows(ike, sa, PACE_IKE_REKEY))))
		rc = tx_answer_notify(ike, sa, c->rx, N_TEMPORARY_FAILURE);
	else if (rc == 0 && ke.group != b.suite.dh->id)
		rc = tx_answer_group(ike, sa, c->rx, b.suite.dh->id);
	else if (rc == 0 && !c->rx->done)
		return job_for_request(ike, sa, c, &ke);
	else if (rc == 0)
		return asked_again(ike, sa, c->rx, &b, choice.num);
	return rc < 0 ? rc : FSM_STAY;
}

/* ---------------------------------------------------------------- answered */

/* A crossing rekey of the peer's is what remains. */
static int rival_remains(struct ike *ike, struct ike_sa *sa)
{
	struct ike_sa *rival = sa->out->rival_spi ? sa_find(ike, sa->out->rival_spi) : NULL;

	xchg_end(ike, sa);
	if (!rival)
		return FSM_STAY;
	rekey_hand_over(ike, sa, rival);
	return 0;
}

/* Another group of ours, once: nobody talks us into one that we did not offer. */
static bool other_group(struct ike_sa *sa, uint16_t group)
{
	if (group == 0 || group == sa->rekey_group ||
		negotiate_ike_group(sa->gw->model->policy, group) != group)
		return false;
	sa->rekey_group = group;
	return true;
}

static int rekey_refused(struct ike *ike, struct ike_sa *sa, const struct notes *n)
{
	uint16_t notify = n->error;

	sa_warn(ike, sa, "ike.rekey.refused", "notify=%u said=%s", notify, notify_text(notify));
	if (notify == N_INVALID_KE_PAYLOAD && other_group(sa, n->ke_group)) {
		sa->want_rekey = true;
	} else if (notify == N_TEMPORARY_FAILURE || notify == N_STATE_NOT_FOUND) {
		sa->want_rekey = true;
		sched_retry(ike, sa);
	} else {
		sa->want_rekey = false;
		sa->at_soft = ike->now_ms + REKEY_AGAIN_MS;
	}
	return rival_remains(ike, sa);
}

/* All of it is agreed on. */
static int rekey_done(struct ike *ike, struct ike_sa *sa, const struct birth *b)
{
	struct ike_sa *ours = NULL, *winner;
	int rc = bear(ike, sa, b, &ours);

	if (rc < 0)
		return rc;
	log_rekeyed(ike, sa, ours);
	winner = collide_rekey_winner(ike, sa, ours, b->nr);
	if (winner)
		rekey_hand_over(ike, sa, winner);
	else
		sched_sa_gone(ike, sa, TUNNEL_CLEARED);
	/* Who began the one that is kept deletes the old one; who began the other deletes that. */
	if (winner == ours) {
		sa->want_close = true;
	} else {
		ours->want_close = true;
		sched_work(ike, ours);
	}
	xchg_end(ike, sa);
	return 0;
}

static int rekey_agreed(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	const struct payload *p = chain_find(rx->chain, PLD_SA);
	struct birth b = {.initiator = true,
		.spi_local = sa->out->new_spi,
		.ni = view_of_array(sa->out->nonce),
		.shared = secret_view(rx->done->shared)};
	struct choice choice = {0};
	struct pld_sa answer;
	int rc = rx->done->rc;

	if (!p || pld_sa_parse(p->body, SA_ANSWER, &answer) < 0 || rx_nonce(rx, &b.nr) < 0)
		return -ERR_SYNTAX;
	if (rc == 0)
		rc = negotiate_ike(
			sa->gw->model->policy, further_of(sa), &answer, &b.suite, &choice);
	if (rc < 0)
		return rc;
	b.spi_remote = spi64(choice.spi);
	if (b.spi_remote == 0 || b.suite.dh->id != sa->out->group)
		return -ERR_SYNTAX;
	return b.suite.n_additional ? follow_begin(ike, sa, &b, rx) : rekey_done(ike, sa, &b);
}

static int follow_agreed(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct birth b = {.initiator = true};
	int rc = follow_answered(ike, sa, c);

	if (rc != 0)
		return rc;
	follow_birth(sa->out->follow, &b);
	return rekey_done(ike, sa, &b);
}

int on_rekey_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	int rc;

	if (c->rx->notes.error != 0)
		return rekey_refused(ike, sa, &c->rx->notes);
	if (sa->out->follow)
		rc = follow_agreed(ike, sa, c);
	else if (!c->rx->done)
		return job_for_answer(ike, sa, c);
	else
		rc = rekey_agreed(ike, sa, c->rx);
	return rc < 0 && rc != -ERR_NOMEM
		       ? rekey_refused(ike, sa, &(struct notes){.error = N_NO_PROPOSAL_CHOSEN})
		       : rc;
}
