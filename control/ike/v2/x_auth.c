/*
 * IKE_AUTH with pre-shared keys (RFC 7296 1.2, 2.15): who they are, and the first child.
 */
#include <inttypes.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/schedule.h"
#include "ike/spoke.h"
#include "ike/tx.h"
#include "ike/v2/auth.h"
#include "ike/v2/exchange.h"
#include "ike/v2/reauth.h"
#include "ike/v2/which.h"
#include "wire/pld_id.h"

void auth_tell_failure(struct ike *ike, struct ike_sa *sa, const char *id, const char *reason)
{
	ike->stats.auth_failed++;
	if (sa->initiator || guard_may_say(ike))
		sa_warn(ike, sa, "ike.auth.failed", "reason=\"%s\" id=%s", reason, id);
}

/* ---------------------------------------------------------------- both sides */

static void half_done(struct ike *ike, struct ike_sa *sa)
{
	sa_half_free(ike, sa);
}

/* RFC 7296 2.4: an SA with that peer that began before is a memory of the dead. */
static void forget_others(struct ike *ike, struct ike_sa *sa)
{
	struct ike_sa *other, *next;

	list_foreach_safe (other, next, &sa->gw->sas, of_gw)
		if (other != sa && sa_is_open(other) &&
			ident_equal(&other->remote_id, &sa->remote_id))
			(void)fsm_on(ike, other, ON_LINGER);
}

static void established(struct ike *ike, struct ike_sa *sa)
{
	char local[IDENT_TEXT_MAX], peer[IDENT_TEXT_MAX];

	sa->has_children = true;
	sa->auth_method = AUTH_SHARED_KEY_MIC;
	sched_established(ike, sa);
	half_done(ike, sa);
	ike->stats.ike_up++;
	reauth_established(ike, sa);
	sa_info(ike, sa, "ike.up", "role=%s local-id=%s peer-id=%s encr=%s prf=%s dh=%s nat=%s%s",
		sa->initiator ? "initiator" : "responder", ident_text(&sa->local_id, local),
		ident_text(&sa->remote_id, peer), sa->suite.encr->name, sa->suite.prf->name,
		sa->suite.dh->name, sa->nat_local ? "local," : "", sa->nat_remote ? "remote" : "");
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
}

/* in the answer, which says that the peer is trusted, */
static void answer_notes(struct ike *ike, struct ike_sa *sa, const struct rx *rx, struct writer *w)
{
	(void)ike;
	(void)sa;
	(void)rx;
	(void)w;
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
	(void)ike;
	(void)sa;
	(void)rx;
}

/* ---------------------------------------------------------------- initiator */

static int keys_make(struct ike *ike, struct ike_sa *sa, struct view shared)
{
	const struct keymat_ike_in in = {.shared = shared,
		.ni = view_of_array(sa->half->nonce),
		.nr = blob_view(&sa->half->peer_nonce),
		.spi_i = sa->spi_local,
		.spi_r = sa->spi_remote};

	return keymat_ike(ike->cfg.crypto, &sa->suite, &in, &sa->keys);
}

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
	rc = auth_psk_write(ike, sa, &w);
	if (rc < 0)
		return rc;
	request_notes(sa, &w);
	sa->out->policy_id = t->policy_id;
	sa->out->new_spi = child_spi_draw(ike, sa->rg);
	if (sa->out->new_spi == 0)
		return -ERR_LIMIT;
	rc = child_offer(ike, &w, sa, t, false, (uint32_t)sa->out->new_spi);
	return rc < 0 ? rc : tx_request_close(ike, sa, &w);
}

int on_auth_begin(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct tunnel *t = first_tunnel(ike, sa);
	int rc = c->job->rc;

	/* INITIAL_CONTACT on a second one would end the first. */
	if (reauth_is_superfluous(ike, sa)) {
		(void)fsm_on(ike, sa, ON_LINGER);
		return FSM_STAY;
	}
	if (rc == 0)
		rc = keys_make(ike, sa, secret_view(c->job->shared));
	if (rc == 0)
		rc = ident_of_model(&sa->gw->model->local_id, &sa->local_id);
	if (rc < 0)
		return rc;
	sa->out = exch_new(EXCH_AUTH);
	if (!sa->out)
		return -ERR_NOMEM;
	return t ? auth_request(ike, sa, t) : -ERR_NOT_FOUND;
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
	sa_warn(ike, sa, "child.refused", "notify=%u reason=\"%s\"", rx->notes.error, err_text(rc));
	reauth_child_refused(ike, sa, t);
	tunnel_failed(ike, t,
		rx->notes.error == N_TS_UNACCEPTABLE ? TUNNEL_SELECTORS : TUNNEL_ESP_PROPOSAL);
}

static bool is_trusted(
	struct ike *ike, struct ike_sa *sa, const struct rx *rx, const struct pld_id *id)
{
	char text[IDENT_TEXT_MAX];

	(void)ident_text(&sa->remote_id, text);
	if (!peer_id_matches(sa->gw->model, id, &sa->remote.addr)) {
		auth_tell_failure(ike, sa, text, "the peer's identity is not the configured one");
		return false;
	}
	if (!auth_psk_is_good(ike, sa, rx, id, sa->gw->model->policy->psk)) {
		auth_tell_failure(ike, sa, text, "the peer's pre-shared key differs");
		return false;
	}
	return true;
}

/* The peer holds the SA to be up, so it has to be told (2.21.2). */
int on_distrust(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct gateway *gw = sa->gw;
	int rc;

	(void)c;
	exch_free(sa->out);
	sa->out = NULL;
	sa->at_retransmit = 0;
	sa_half_free(ike, sa);
	rc = xchg_begin_delete(ike, sa, N_AUTHENTICATION_FAILED);
	if (!reauth_is_one(sa))
		gateway_failed(ike, gw, TUNNEL_AUTH);
	return rc;
}

int on_auth_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	const struct payload *p = chain_find(c->rx->chain, PLD_IDR);
	struct pld_id id;

	if (!p || pld_id_parse(p->body, &id) < 0)
		return -ERR_SYNTAX;
	if (ident_copy(id.type, id.data, &sa->remote_id) < 0)
		return -ERR_NOMEM;
	if (!is_trusted(ike, sa, c->rx, &id) || !reauth_same_peer(ike, sa))
		return fsm_on(ike, sa, ON_CLOSE) < 0 ? -ERR_AUTH : FSM_STAY;
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
		sa_warn(ike, sa, "ike.auth.refused", "notify=%u", notify);
	return notify == N_AUTHENTICATION_FAILED ? -ERR_AUTH : -ERR_NO_PROPOSAL;
}

/* ---------------------------------------------------------------- responder */

static int auth_answer(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	const struct child_ask ask = first_child(sa);
	struct child *made = NULL;
	struct writer w;
	int rc;

	rc = spoke_join(ike, sa);
	if (rc < 0)
		return rc;
	tx_answer_open(ike, sa, &w, rx);
	rc = auth_psk_write(ike, sa, &w);
	if (rc == 0 && chain_has(rx->chain, PLD_SA))
		rc = child_respond(ike, sa, rx, &ask, &w, &made);
	if (rc < 0)
		return rc;
	answer_notes(ike, sa, rx, &w);
	established(ike, sa);
	asked_notes(ike, sa, rx);
	spoke_established(ike, sa);
	if (made)
		txn_install(ike, made);
	return tx_answer_close(ike, sa, &w, rx);
}

int on_auth_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	int rc;

	/* The peer may have moved to port 4500 (2.23). */
	if (c->rx->dg) {
		sa->local = c->rx->dg->local;
		sa->remote = c->rx->dg->remote;
		sa->natt = c->rx->dg->natt;
	}
	rc = which_gateway(ike, sa, c->rx);
	return rc < 0 ? rc : auth_answer(ike, sa, c->rx);
}

/* ---------------------------------------------------------------- errors */

/* Whom we know and do not want now may come again (ID-012). */
static uint16_t refusal_of(int rc)
{
	switch (rc) {
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
	struct flight *f;
	struct writer w;
	int rc;

	if (!c->rx || !c->rx->dg || !sa->keys)
		return -ERR_WRONG_STATE;
	tx_answer_open(ike, sa, &w, c->rx);
	tx_notify(&w, type, (struct view){0});
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
