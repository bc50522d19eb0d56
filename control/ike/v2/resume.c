#include "ike/v2/resume.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "base/emit.h"
#include "base/err.h"
#include "crypto/prf.h"
#include "ike/engine.h"
#include "ike/fsm.h"
#include "ike/ticket.h"
#include "ike/tx.h"
#include "ike/v2/auth.h"
#include "ike/v2/auth_method.h"
#include "wire/pld_auth.h"
#include "wire/writer.h"

void resumed_free(struct resumed *r)
{
	if (!r)
		return;
	secret_free(r->sk_d);
	ident_fini(&r->peer);
	blob_fini(&r->ticket);
	free(r);
}

void ticket_forget(struct gateway *gw)
{
	struct ticket_held *t = gw->ticket;

	if (!t)
		return;
	blob_fini(&t->ticket);
	secret_free(t->sk_d);
	free(t);
	gw->ticket = NULL;
}

/* ---------------------------------------------------------------- IKE_SESSION_RESUME */

int resume_open(struct ike *ike, const struct rx *rx, struct gateway **gw, struct ike_suite *suite,
	struct resumed **out)
{
	uint8_t room[TICKET_MAX];
	struct resumed *r = NULL;
	struct ticket t;
	int rc = ticket_open(ike, rx->notes.ticket, room, &t);

	if (rc == 0 && !addr_equal(&t.gw->model->local, &rx->dg->local.addr))
		rc = -ERR_NOT_FOUND;
	if (rc == 0) {
		r = calloc(1, sizeof *r);
		rc = r ? ident_copy(t.peer_type, t.peer, &r->peer) : -ERR_NOMEM;
	}
	if (rc == 0) {
		r->sa = t.sa;
		r->sk_d = secret_copy(t.sk_d);
		rc = r->sk_d ? 0 : -ERR_NOMEM;
	}
	secret_wipe(room, sizeof room);
	if (rc < 0) {
		resumed_free(r);
		return rc;
	}
	*gw = t.gw;
	*suite = t.suite;
	*out = r;
	return 0;
}

bool resume_has_ticket(const struct ike *ike, const struct gateway *gw)
{
	return gw->ticket && gw->model->resumption_s != 0 && ike->now_ms < gw->ticket->until_ms &&
	       ike_suite_allowed(gw->model->policy, &gw->ticket->suite);
}

int resume_take(struct ike_sa *sa)
{
	struct ticket_held *t = sa->gw->ticket;
	struct resumed *r = calloc(1, sizeof *r);

	if (!r)
		return -ERR_NOMEM;
	r->ticket = t->ticket;
	t->ticket = (struct blob){0};
	r->sk_d = take_ptr(t->sk_d);
	sa->suite = t->suite;
	sa->half->resumed = r;
	ticket_forget(sa->gw);
	return 0;
}

/* 5.1: SKEYSEED = prf(SK_d of the old one, "Resumption" | Ni | Nr), otherwise as ever. */
int resume_keys(struct ike *ike, struct ike_sa *sa)
{
	const struct half *h = sa->half;
	struct view own = view_of_array(h->nonce), peer = blob_view(&h->peer_nonce);
	const struct keymat_ike_in in = {.shared = view_of_literal("Resumption"),
		.ni = sa->initiator ? own : peer,
		.nr = sa->initiator ? peer : own,
		.spi_i = sa_spi_i(sa),
		.spi_r = sa_spi_r(sa),
		.old_prf = sa->suite.prf->id,
		.old_sk_d = secret_view(h->resumed->sk_d)};

	return keymat_ike(ike->cfg.crypto, &sa->suite, &in, &sa->keys);
}

/* ---------------------------------------------------------------- tickets in IKE_AUTH */

/* Not with certificates: nobody would look again whether the peer's is still good. */
static bool wants_ticket(const struct gateway *gw)
{
	return gw->model->resumption_s != 0 && !auth_is_signature(gw->model->policy);
}

void resume_request_note(const struct ike_sa *sa, struct writer *w)
{
	if (wants_ticket(sa->gw))
		tx_notify(w, N_TICKET_REQUEST, (struct view){0});
}

void resume_answer_note(struct ike *ike, struct ike_sa *sa, const struct rx *rx, struct writer *w)
{
	uint8_t data[4 + TICKET_MAX];
	uint32_t lifetime_s = sa->gw->model->resumption_s;
	struct emit e = emit_to(data, 4);
	size_t n;

	if (!rx->notes.ticket_request)
		return;
	if (lifetime_s == 0 || ticket_seal(ike, sa, lifetime_s, data + 4, &n) < 0) {
		tx_notify(w, N_TICKET_NACK, (struct view){0});
		return;
	}
	emit_be32(&e, lifetime_s);
	ike->stats.tickets_given++;
	tx_notify(w, N_TICKET_LT_OPAQUE, view_of(data, 4 + n));
}

void resume_answered_note(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	struct cur c = cur_of(rx->notes.ticket_lt);
	uint64_t lifetime_s = cur_be32(&c);
	struct view ticket = cur_take(&c, cur_left(&c));
	struct ticket_held *t;

	if (!wants_ticket(sa->gw) || c.bad || ticket.n == 0 || lifetime_s == 0)
		return;
	ticket_forget(sa->gw);
	t = calloc(1, sizeof *t);
	if (!t)
		return; /* then without one */
	sa->gw->ticket = t;
	t->suite = sa->suite;
	t->until_ms = ike->now_ms + lifetime_s * 1000;
	t->sk_d = secret_copy(sa_key(sa, SK_D));
	if (!t->sk_d || blob_copy(ticket, &t->ticket) < 0)
		ticket_forget(sa->gw);
}

/* ---------------------------------------------------------------- AUTH */

/* 5.1: prf(SK_px, what is signed): the keys prove that it is who had the ticket. */
static int proof(struct ike *ike, const struct ike_sa *sa, bool own, struct view id,
	uint8_t out[ALG_DIGEST_MAX])
{
	const struct auth_octets octets = auth_covered(sa, own, id);
	auto_blob joined = {0};
	int rc = auth_octets_join(ike->cfg.crypto, sa->suite.prf->id, &octets, &joined);

	return rc < 0 ? rc
		      : prf(ike->cfg.crypto, sa->suite.prf->id, octets.sk_p,
				VIEWS(blob_view(&joined)), out);
}

int resume_auth_write(struct ike *ike, struct ike_sa *sa, struct writer *w)
{
	uint8_t room[AUTH_ID_BODY_MAX], mac[ALG_DIGEST_MAX];
	struct view body;
	int rc = auth_id_body(&sa->local_id, room, &body);

	if (rc == 0)
		rc = proof(ike, sa, true, body, mac);
	if (rc < 0)
		return rc;
	auth_mic_write(sa, body, mac, w);
	return 0;
}

static bool is_proved(
	struct ike *ike, const struct ike_sa *sa, const struct rx *rx, const struct pld_id *id)
{
	const struct payload *p = chain_find(rx->chain, PLD_AUTH);
	uint8_t mac[ALG_DIGEST_MAX];
	struct pld_auth auth;

	return p && pld_auth_parse(p->body, &auth) == 0 && auth.method == AUTH_SHARED_KEY_MIC &&
	       proof(ike, sa, false, id->body, mac) == 0 &&
	       view_equal_ct(auth.data, view_of(mac, prf_len(sa->suite.prf->id)));
}

/* It went on here: what it was before has no owner any more (4.3.3). */
static void replace(struct ike *ike, const struct ike_sa *sa)
{
	struct ike_sa *old = sa_find(ike, sa->half->resumed->sa);

	if (old && old != sa && sa_is_open(old) && old->gw && old->gw->model == sa->gw->model &&
		ident_equal(&old->remote_id, &sa->remote_id))
		(void)fsm_on(ike, old, ON_LINGER);
}

int resume_auth_check(struct ike *ike, struct ike_sa *sa, const struct rx *rx, const char **why)
{
	const struct resumed *r = sa->half->resumed;
	const struct payload *p = chain_find(rx->chain, sa->initiator ? PLD_IDR : PLD_IDI);
	struct pld_id id;

	if (!p || pld_id_parse(p->body, &id) < 0)
		return -ERR_SYNTAX;
	*why = "its session cannot be resumed with these keys";
	if (!is_proved(ike, sa, rx, &id))
		return -ERR_AUTH;
	sa->auth_method = AUTH_SHARED_KEY_MIC;
	if (sa->initiator)
		return 0;
	*why = "the ticket is of another identity";
	ident_fini(&sa->remote_id);
	if (ident_copy(id.type, id.data, &sa->remote_id) < 0)
		return -ERR_NOMEM;
	if (!ident_equal(&r->peer, &sa->remote_id) ||
		!peer_id_matches(sa->gw->model, &id, &sa->remote.addr))
		return -ERR_AUTH;
	ike->stats.resumed++;
	replace(ike, sa);
	return 0;
}
