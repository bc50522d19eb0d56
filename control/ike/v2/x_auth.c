/*
 * IKE_AUTH (RFC 7296 1.2, 2.15): who they are, who we are, and the first child. With signatures
 * both are jobs for others: the message at hand waits and comes through its rule again (proof.h).
 */
#include <inttypes.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/schedule.h"
#include "ike/spoke.h"
#include "ike/tx.h"
#include "ike/v2/auth.h"
#include "ike/v2/auth_method.h"
#include "ike/v2/auth_sig.h"
#include "ike/v2/exchange.h"
#include "ike/v2/mobike.h"
#include "ike/v2/ppk.h"
#include "ike/v2/redirect.h"
#include "ike/v2/resume.h"
#include "ike/v2/reauth.h"
#include "ike/v2/which.h"
#include "wire/pld_id.h"

void auth_tell_failure(struct ike *ike, struct ike_sa *sa, const char *id, const char *reason)
{
	ike->stats.auth_failed++;
	if (sa->initiator || guard_may_say(ike))
		sa_warn(ike, sa, "ike.auth.failed", "reason=\"%s\" id=\"%s\"", reason, id);
}

/* ---------------------------------------------------------------- both sides */

static void half_done(struct ike *ike, struct ike_sa *sa)
{
	sa_half_free(ike, sa);
}

/* RFC 7296 2.4: an SA with that peer that was up before this one began is a memory of the dead. One
 * that came up since crosses it, and the peer may not have known of it yet. */
static void forget_others(struct ike *ike, struct ike_sa *sa)
{
	struct ike_sa *other, *next;

	list_foreach_safe (other, next, &sa->gw->sas, of_gw)
		if (other != sa && sa_is_open(other) && other->up_index <= sa->index &&
			ident_equal(&other->remote_id, &sa->remote_id))
			(void)fsm_on(ike, other, ON_LINGER);
}

static void established(struct ike *ike, struct ike_sa *sa)
{
	char local[IDENT_TEXT_MAX], peer[IDENT_TEXT_MAX];

	sa->has_children = true;
	sa->auth_method =
		sa->half->proof.verdict ? sa->half->proof.peer_method : AUTH_SHARED_KEY_MIC;
	ike->failed |= auth_sig_keep(sa) < 0;
	sched_established(ike, sa);
	half_done(ike, sa);
	ike->stats.ike_up++;
	reauth_established(ike, sa);
	sa_info(ike, sa, "ike.up",
		"role=%s local-id=\"%s\" peer-id=\"%s\" auth=%s encr=%s prf=%s dh=%s nat=%s%s",
		sa->initiator ? "initiator" : "responder", ident_text(&sa->local_id, local),
		ident_text(&sa->remote_id, peer), auth_method_text(sa->auth_method),
		sa->suite.encr->name, sa->suite.prf->name, sa->suite.dh->name,
		sa->nat_local ? "local," : "", sa->nat_remote ? "remote" : "");
}

/* Our identity and the proof of it. */
static int proof_write(struct ike *ike, struct ike_sa *sa, struct writer *w)
{
	if (sa->half->resumed)
		return resume_auth_write(ike, sa, w);
	return auth_is_signature(sa->gw->model->policy) ? auth_sig_write(ike, sa, w)
							: auth_psk_write(ike, sa, w);
}

/* By the configuration of now: another one may have come while it was judged. */
static int verdict(struct ike *ike, struct ike_sa *sa, const char **why)
{
	const struct ike_trust_job *job = sa->half->proof.verdict;

	*why = "the configuration changed meanwhile";
	return job && job->model != ike->model ? -ERR_AUTH : auth_sig_verdict(sa, why);
}

static struct child_ask first_child(const struct ike_sa *sa)
{
	struct view own = view_of_array(sa->half->nonce), peer = blob_view(&sa->half->peer_nonce);

	return (struct child_ask){
		.ni = sa->initiator ? own : peer, .nr = sa->initiator ? peer : own};
}

/* ---------------------------------------------------------------- what else is said */

/* Notifications of extensions in our IKE_AUTH request, */
static void request_notes(struct ike_sa *sa, struct writer *w)
{
	if (sa->half->announce)
		tx_notify(w, N_INITIAL_CONTACT, (struct view){0});
	mobike_request_notes(sa, w);
	resume_request_note(sa, w);
}

/* in the answer, which says that the peer is trusted, */
static void answer_notes(struct ike *ike, struct ike_sa *sa, const struct rx *rx, struct writer *w)
{
	mobike_answer_notes(sa, rx, w);
	ppk_answer_write(sa, w);
	resume_answer_note(ike, sa, rx, w);
}

/* and what the peer said in the request, now that it is trusted; the SA is up. */
static void asked_notes(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	if (rx->notes.initial_contact)
		forget_others(ike, sa);
}

/* ... or in its answer. */
static void answered_notes(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	mobike_answered_notes(sa, rx);
	resume_answered_note(ike, sa, rx);
}

/* ---------------------------------------------------------------- initiator */

static struct tunnel *first_tunnel(struct ike *ike, const struct ike_sa *sa)
{
	struct tunnel *t = tunnel_find(ike, sa->half->policy_id);

	return t && t->gw == sa->gw ? t : NULL;
}

static int auth_request(struct ike *ike, struct ike_sa *sa, struct tunnel *t)
{
	struct writer w;
	int rc;

	tx_request_open(ike, sa, &w, EXCHANGE_IKE_AUTH);
	rc = proof_write(ike, sa, &w);
	if (rc < 0)
		return rc;
	auth_sig_request_write(ike, sa, &w);
	request_notes(sa, &w);
	rc = ppk_request_write(ike, sa, &w);
	if (rc < 0)
		return rc;
	sa->out->policy_id = t->policy_id;
	sa->out->new_spi = child_spi_draw(ike, sa->rg, 0);
	if (sa->out->new_spi == 0)
		return -ERR_LIMIT;
	rc = child_offer(ike, &w, sa, t, &(struct child_terms){.spi = (uint32_t)sa->out->new_spi});
	return rc < 0 ? rc : tx_request_close(ike, sa, &w);
}

int x_auth_send(struct ike *ike, struct ike_sa *sa)
{
	struct tunnel *t = first_tunnel(ike, sa);

	/* INITIAL_CONTACT on a second one would end the first. */
	if (reauth_is_superfluous(ike, sa)) {
		(void)fsm_on(ike, sa, ON_LINGER);
		return FSM_STAY;
	}
	sa->out = exch_new(EXCH_AUTH);
	if (!sa->out)
		return -ERR_NOMEM;
	return t ? auth_request(ike, sa, t) : -ERR_NOT_FOUND;
}

int on_auth_begin(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	int rc = c->job->rc;

	if (rc == 0 && !sa->keys)
		rc = init_keys_make(ike, sa, secret_view(c->job->shared));
	if (rc == 0)
		rc = auth_own_id(ike, sa->gw, &sa->local_id);
	if (rc == 0)
		rc = ppk_begin(ike, sa);
	if (rc < 0)
		return rc;
	if (!auth_is_signature(sa->gw->model->policy))
		return x_auth_send(ike, sa);
	rc = auth_sig_make(ike, sa, false);
	return rc < 0 ? rc : FSM_STAY;
}

int on_auth_signed(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	const struct proof *p = &sa->half->proof;
	int rc;

	(void)c;
	if (!ppk_is_optional(sa) || p->plain || p->own->rc < 0)
		return x_auth_send(ike, sa);
	rc = auth_sig_make(ike, sa, true);
	return rc < 0 ? rc : FSM_STAY;
}

/* The child may have been refused while the IKE SA stands (1.2). */
static void first_child_made(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	struct tunnel *t = tunnel_find(ike, sa->out->policy_id);
	const struct child_ask nonces = first_child(sa);
	const struct child_answer a = {
		.t = t, .spi_in = (uint32_t)sa->out->new_spi, .ni = nonces.ni, .nr = nonces.nr};
	struct child *made = NULL;
	int rc;

	if (!t)
		return;
	rc = rx->notes.error != 0 ? -ERR_NO_PROPOSAL : child_accept(ike, sa, rx, &a, &made);
	if (rc == 0 && made) {
		txn_install(ike, made);
		return;
	}
	if (rx->notes.error == 0)
		sa->orphan = a.spi_in; /* the peer has made it */
	sa_warn(ike, sa, "child.refused", "notify=%u said=%s reason=\"%s\"", rx->notes.error,
		notify_text(rx->notes.error), err_text(rc));
	reauth_child_refused(ike, sa, t);
	if (rx->notes.error == N_SINGLE_PAIR_REQUIRED && tunnel_single(t))
		return;
	tunnel_failed(ike, t,
		rx->notes.error == N_TS_UNACCEPTABLE ? TUNNEL_SELECTORS : TUNNEL_ESP_PROPOSAL);
}

/* 0: it is who it has to be. FSM_STAY: others find that out. */
static int is_trusted(struct ike *ike, struct ike_sa *sa, const struct cause *c,
	const struct pld_id *id, const char **why)
{
	const struct model_gateway *gw = sa->gw->model;
	const struct auth_peers itself = {{sa->gw}, 1};
	int rc;

	sa->half->distrust = TUNNEL_AUTH;
	*why = "without the post-quantum key";
	if (ppk_answered(ike, sa, c->rx) < 0)
		return -ERR_AUTH;
	*why = "the peer's identity is not the configured one";
	if (!peer_id_matches(gw, id, &sa->remote.addr)) {
		sa->half->distrust = TUNNEL_ID;
		return -ERR_AUTH;
	}
	if (auth_is_signature(gw->policy))
		sa->half->distrust = TUNNEL_CERTIFICATE;
	if (c->rx->done)
		return verdict(ike, sa, why);
	if (sa->half->resumed)
		return resume_auth_check(ike, sa, c->rx, why);
	if (!auth_is_signature(gw->policy)) {
		*why = "the peer's pre-shared key differs";
		return auth_psk_is_good(ike, sa, c->rx, id, gw->policy) ? 0 : -ERR_AUTH;
	}
	rc = auth_sig_judge(ike, sa, c->rx, &itself, why);
	return rc < 0 ? rc : proof_wait(ike, sa, c);
}

/* The peer holds the SA to be up, so it has to be told (2.21.2). */
int on_distrust(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct gateway *gw = sa->gw;
	enum tunnel_down why =
		sa->half && sa->half->distrust ? (enum tunnel_down)sa->half->distrust : TUNNEL_AUTH;
	int rc;

	(void)c;
	exch_free(sa->out);
	sa->out = NULL;
	sa->at_retransmit = 0;
	sa_half_free(ike, sa);
	rc = xchg_begin_delete(ike, sa, N_AUTHENTICATION_FAILED);
	if (!reauth_is_one(sa))
		gateway_failed(ike, gw, why);
	return rc;
}

int on_auth_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	const struct payload *p = chain_find(c->rx->chain, PLD_IDR);
	char text[IDENT_TEXT_MAX];
	struct pld_id id;
	const char *why;
	int rc;

	if (!p || pld_id_parse(p->body, &id) < 0)
		return -ERR_SYNTAX;
	ident_fini(&sa->remote_id);
	if (ident_copy(id.type, id.data, &sa->remote_id) < 0)
		return -ERR_NOMEM;
	rc = is_trusted(ike, sa, c, &id, &why);
	if (rc == FSM_STAY)
		return rc;
	if (rc == 0 && !reauth_same_peer(ike, sa)) {
		why = "it is not the peer that is authenticated anew";
		rc = -ERR_AUTH;
	}
	if (rc < 0) {
		auth_tell_failure(ike, sa, ident_text(&sa->remote_id, text), why);
		return fsm_on(ike, sa, ON_CLOSE) < 0 ? -ERR_AUTH : FSM_STAY;
	}
	if (redirect_told_auth(ike, sa, c->rx))
		sa->want_close = true;
	else
		first_child_made(ike, sa, c->rx);
	established(ike, sa);
	answered_notes(ike, sa, c->rx);
	xchg_end(ike, sa);
	txn_sa(ike, sa);
	return 0;
}

int on_auth_refused(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	uint16_t notify = c->rx->notes.error;

	if (notify == N_AUTHENTICATION_FAILED)
		auth_tell_failure(ike, sa, "-", "the peer refused our authentication");
	else
		sa_warn(ike, sa, "ike.auth.refused", "notify=%u said=%s", notify,
			notify_text(notify));
	return notify == N_AUTHENTICATION_FAILED ? -ERR_AUTH : -ERR_NO_PROPOSAL;
}

/* ---------------------------------------------------------------- responder */

static int auth_answer(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	const struct child_ask ask = first_child(sa);
	struct child *made = NULL;
	struct writer w;
	bool away = false;
	int rc;

	if (!sa->half->resumed && !ppk_allows(ike, sa))
		return -ERR_AUTH;
	rc = spoke_join(ike, sa);
	if (rc < 0)
		return rc;
	tx_answer_open(ike, sa, &w, rx);
	rc = proof_write(ike, sa, &w);
	if (rc == 0)
		away = redirect_auth(ike, sa, rx, &w);
	if (rc == 0 && !away && chain_has(rx->chain, PLD_SA))
		rc = child_respond(ike, sa, rx, &ask, &w, &made);
	if (rc < 0)
		return rc;
	answer_notes(ike, sa, rx, &w);
	established(ike, sa);
	asked_notes(ike, sa, rx);
	spoke_established(ike, sa);
	if (away)
		redirect_part(ike, sa);
	if (made)
		txn_install(ike, made);
	return tx_answer_close(ike, sa, &w, rx);
}

static int refused(struct ike *ike, struct ike_sa *sa, const char *why)
{
	char text[IDENT_TEXT_MAX];

	auth_tell_failure(ike, sa, ident_text(&sa->remote_id, text), why);
	return -ERR_AUTH;
}

/* The first time: 0 when the peer is proved, FSM_STAY when its signature is being judged. */
static int asked_first(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct which which;
	const char *why;
	int rc;

	if (!inter_is_done(sa))
		return -ERR_SYNTAX;
	/* The peer may have moved to port 4500 (2.23). */
	if (c->rx->dg) {
		sa->local = c->rx->dg->local;
		sa->remote = c->rx->dg->remote;
		sa->natt = c->rx->dg->natt;
	}
	if (sa->half->resumed) {
		rc = resume_auth_check(ike, sa, c->rx, &why);
		if (rc == 0)
			rc = auth_own_id(ike, sa->gw, &sa->local_id);
		return rc == -ERR_AUTH ? refused(ike, sa, why) : rc;
	}
	rc = auth_sig_read(sa, c->rx);
	if (rc == 0)
		rc = ppk_asked(ike, sa, c->rx);
	if (rc == 0)
		rc = which_gateway(ike, sa, c->rx, &which);
	if (rc < 0 || !which.by_signature)
		return rc;
	sa->half->proof.decoy = which.decoy;
	rc = auth_sig_judge(ike, sa, c->rx, &which.peers, &why);
	if (rc < 0)
		return rc == -ERR_AUTH ? refused(ike, sa, why) : rc;
	return proof_wait(ike, sa, c);
}

int on_auth_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct proof *proof = &sa->half->proof;
	const char *why;
	int rc;

	if (!c->rx->done) {
		rc = asked_first(ike, sa, c);
		return rc == 0 ? auth_answer(ike, sa, c->rx) : rc;
	}
	if (verdict(ike, sa, &why) < 0)
		return refused(ike, sa, why);
	if (proof->own)
		return auth_answer(ike, sa, c->rx);
	rc = which_settle(ike, sa, proof->gateways[proof->verdict->chosen]);
	if (rc == 0)
		rc = auth_sig_make(ike, sa, false);
	return rc < 0 ? rc : proof_wait(ike, sa, c);
}

/* ---------------------------------------------------------------- errors */

/* Whom we know and do not want now may come again (ID-012). */
static uint16_t refusal_of(int rc)
{
	switch (rc) {
	case -ERR_CRITICAL:
		return N_UNSUPPORTED_CRITICAL_PAYLOAD;
	case -ERR_SYNTAX:
		return N_INVALID_SYNTAX;
	case -ERR_LIMIT:
	case -ERR_EXISTS:
		return N_TEMPORARY_FAILURE;
	default:
		return N_AUTHENTICATION_FAILED;
	}
}

/* Responder: tell it and keep the answer a little. Nothing is replicated: a stranger writes nothing
 * to the log (I9). */
int on_auth_refuse(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	uint16_t type = refusal_of(c->rc);
	struct view data = {0};
	struct flight *f;
	struct writer w;
	int rc;

	if (!c->rx || !sa->keys)
		return -ERR_WRONG_STATE;
	tx_answer_open(ike, sa, &w, c->rx);
	if (c->rc == -ERR_CRITICAL) /* 2.5: which one it was */
		data = view_of(&c->rx->chain->refused, 1);
	tx_notify(&w, type, data);
	rc = tx_seal(ike, sa, &w, &f);
	if (rc < 0)
		return rc;
	tx_answer_keep(sa, c->rx->mid, c->rx->hash, f);
	sa->next_rx = c->rx->mid + 1;
	sa->answer.released = true;
	ike->stats.tx_messages++;
	tx_send(ike, sa, f);
	return 0;
}

static enum tunnel_down down_of(int rc)
{
	switch (rc) {
	case -ERR_AUTH:
		return TUNNEL_AUTH;
	case -ERR_NO_PROPOSAL:
	case -ERR_INVALID_KE:
		return TUNNEL_IKE_PROPOSAL;
	case -ERR_LIMIT:
		return TUNNEL_NO_RESPONSE;
	default:
		return TUNNEL_OTHER;
	}
}

/* Not authenticated yet, nothing can be saved. */
int on_auth_broken(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct gateway *gw = sa->gw;
	bool counts = sa->initiator && !reauth_is_one(sa);

	txn_gone_sa(ike, sa);
	sa_drop(ike, sa);
	if (counts && gw)
		gateway_failed(ike, gw, c->on == ON_ERROR ? down_of(c->rc) : TUNNEL_NO_RESPONSE);
	return 0;
}
