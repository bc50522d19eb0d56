/*
 * IKE_SA_INIT (RFC 7296 1.2, 2.6, 2.7, 2.23): keys with somebody unknown, at a bounded price.
 */
#include <stdlib.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/jobs.h"
#include "ike/tx.h"
#include "ike/v2/auth_sig.h"
#include "ike/v2/exchange.h"
#include "ike/v2/ppk.h"
#include "ike/v2/mobike.h"
#include "ike/v2/redirect.h"
#include "ike/v2/refusal.h"
#include "ike/v2/resume.h"
#include "wire/pld_ke.h"
#include "wire/pld_nonce.h"
#include "wire/writer.h"

#define INIT_RETRIES 4
#define PORT_NATT    4500

/* RFC 7383 2.3: both say it, the responder only to one that did. */
static void fragmentation_write(struct ike_sa *sa, struct writer *w)
{
	if (sa->gw->model->fragmentation && (sa->initiator || sa->supports & SA_FRAGMENTATION))
		tx_notify(w, N_IKEV2_FRAGMENTATION_SUPPORTED, (struct view){0});
}

/* RFC 9370 2.2.1: goes with an offer, or the choice, of further key exchanges. */
static void intermediate_write(struct ike_sa *sa, struct writer *w)
{
	if (sa->initiator ? policy_has_additional(sa->gw->model->policy)
			  : sa->suite.n_additional != 0)
		tx_notify(w, N_INTERMEDIATE_EXCHANGE_SUPPORTED, (struct view){0});
}

/* RFC 6023 3: an IKE SA may come without a child; the responder says so. */
static void childless_write(const struct ike_sa *sa, struct writer *w)
{
	if (!sa->initiator)
		tx_notify(w, N_CHILDLESS_IKEV2_SUPPORTED, (struct view){0});
}

static void abilities_read(struct ike_sa *sa, const struct rx *rx)
{
	if (rx->notes.intermediate)
		sa->supports |= SA_FURTHER;
	if (sa->gw->model->fragmentation && rx->notes.fragmentation)
		sa->supports |= SA_FRAGMENTATION;
}

/* ---------------------------------------------------------------- responder */

enum ike_further further_with(const struct rx *rx)
{
	return rx->notes.intermediate ? FURTHER_CAN : FURTHER_NEVER;
}

int on_init_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	const struct payload *p = chain_find(c->rx->chain, PLD_KE);
	struct pld_ke ke;
	uint64_t job;

	if (!p || pld_ke_parse(p->body, &ke) < 0)
		return -ERR_SYNTAX;
	natd_read(ike, sa, c->rx, 0);
	if (auth_sig_read(sa, c->rx) < 0)
		return -ERR_NOMEM;
	abilities_read(sa, c->rx);
	ppk_init_read(sa, c->rx);
	redirect_read(ike, sa, c->rx);
	memcpy(sa->answer.hash, c->rx->hash, sizeof sa->answer.hash);
	return job_start(ike, sa,
		&(struct job_args){.slot = JOB_SA,
			.kind = IKE_KEX_RESPOND,
			.group = ke.group,
			.peer = ke.data},
		&job);
}

static void nonce_write(struct writer *w, struct view nonce)
{
	writer_open(w, PLD_NONCE);
	pld_nonce_emit(&w->e, nonce);
	writer_close(w);
}

static void ke_write(struct writer *w, uint16_t group, struct view value)
{
	const struct pld_ke ke = {group, value};

	writer_open(w, PLD_KE);
	pld_ke_emit(&w->e, &ke);
	writer_close(w);
}

int init_keys_make(struct ike *ike, struct ike_sa *sa, struct view shared)
{
	const struct half *h = sa->half;
	struct view own = view_of_array(h->nonce), peer = blob_view(&h->peer_nonce);
	const struct keymat_ike_in in = {.shared = shared,
		.ni = sa->initiator ? own : peer,
		.nr = sa->initiator ? peer : own,
		.spi_i = sa_spi_i(sa),
		.spi_r = sa_spi_r(sa)};

	return keymat_ike(ike->cfg.crypto, &sa->suite, &in, &sa->keys);
}

/* The answer is sent without being replicated: a stranger writes nothing to the log (I9). */
static int init_answer_send(struct ike *ike, struct ike_sa *sa, struct view message)
{
	struct flight *f = flight_of(&message, 1);
	uint8_t asked[16];

	memcpy(asked, sa->answer.hash, sizeof asked);
	if (!f || blob_copy(message, &sa->half->own_init) < 0) {
		flight_free(f);
		return -ERR_NOMEM;
	}
	tx_answer_keep(sa, 0, asked, f);
	sa->answer.released = true;
	sa->next_rx = 1;
	ike->stats.tx_messages++;
	tx_send(ike, sa, f);
	return 0;
}

int on_init_respond(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct ike_header h = {.spi_i = sa->spi_remote,
		.spi_r = sa->spi_local,
		.exchange = EXCHANGE_IKE_SA_INIT,
		.flags = IKE_FLAG_RESPONSE};
	struct writer w;
	struct view message;
	int rc = c->job->rc;

	if (rc < 0)
		ike->stats.rx_bad_ke++;
	if (rc == 0)
		rc = init_keys_make(ike, sa, secret_view(c->job->shared));
	if (rc < 0)
		return rc;
	writer_begin(&w, ike->room_out, sizeof ike->room_out, &h);
	writer_open(&w, PLD_SA);
	answer_ike(&w.e, &sa->suite, sa->half->proposal, (struct view){0});
	writer_close(&w);
	ke_write(&w, c->job->group, kex_public(c->job->kex));
	nonce_write(&w, view_of_array(sa->half->nonce));
	natd_write(ike, sa, &w);
	fragmentation_write(sa, &w);
	childless_write(sa, &w);
	auth_sig_hashes_write(ike, sa, &w);
	auth_sig_request_write(ike, sa, &w);
	intermediate_write(sa, &w);
	ppk_init_write(sa, &w);
	rc = writer_end(&w, &message);
	return rc < 0 ? rc : init_answer_send(ike, sa, message);
}

int on_resume_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct ike_header h = {.spi_i = sa->spi_remote,
		.spi_r = sa->spi_local,
		.exchange = EXCHANGE_IKE_SESSION_RESUME,
		.flags = IKE_FLAG_RESPONSE};
	struct writer w;
	struct view message;
	int rc = resume_keys(ike, sa);

	if (rc < 0)
		return rc;
	natd_read(ike, sa, c->rx, 0);
	abilities_read(sa, c->rx);
	redirect_read(ike, sa, c->rx);
	memcpy(sa->answer.hash, c->rx->hash, sizeof sa->answer.hash);
	writer_begin(&w, ike->room_out, sizeof ike->room_out, &h);
	nonce_write(&w, view_of_array(sa->half->nonce));
	natd_write(ike, sa, &w);
	fragmentation_write(sa, &w);
	rc = writer_end(&w, &message);
	return rc < 0 ? rc : init_answer_send(ike, sa, message);
}

/* ---------------------------------------------------------------- initiator */

static int generate(struct ike *ike, struct ike_sa *sa)
{
	uint64_t job;

	return job_start(ike, sa,
		&(struct job_args){
			.slot = JOB_SA, .kind = IKE_KEX_GENERATE, .group = sa->half->group},
		&job);
}

/* An SA to begin with; the ends are not said yet. */
static struct ike_sa *init_new(struct ike *ike, struct gateway *gw, const struct tunnel *t)
{
	const struct model_gateway *m = gw->model;
	uint16_t group = negotiate_ike_group(m->policy, 0);
	struct ike_sa *sa;

	if (group == 0 || !rg_active(ike, m->rg))
		return NULL;
	sa = sa_new(ike, m->rg, true, 0);
	if (!sa)
		return NULL;
	sa->half = calloc(1, sizeof *sa->half);
	if (!sa->half) {
		sa_drop(ike, sa);
		return NULL;
	}
	env_random(&ike->cfg.env, sa->half->nonce, sizeof sa->half->nonce);
	sa->half->group = group;
	sa->half->policy_id = t->policy_id;
	sa->half->announce = list_is_empty(&gw->sas);
	sa_attach(ike, sa, gw);
	ike->stats.ike_initiated++;
	return sa;
}

struct ike_sa *x_init_start(struct ike *ike, struct gateway *gw, const struct tunnel *t)
{
	const struct model_gateway *m = gw->model;
	struct addr v[PEER_ADDRESSES_MAX];
	size_t n = names_of(ike, m, v);
	struct ike_sa *sa;

	names_ask(ike, m);
	sa = n > 0 && m->external ? init_new(ike, gw, t) : NULL;
	if (!sa)
		return NULL;
	sa->interface_id = ike->cfg.interface_id(m->external->name);
	sa->local = (struct endpoint){m->local, 500};
	sa->remote = (struct endpoint){redirect_address(gw, &v[gw->peer_at % n]), 500};
	return fsm_on(ike, sa, resume_has_ticket(ike, gw) ? ON_RESUME : ON_START) < 0 ? NULL : sa;
}

/* To where the peer is, by the ports that its NAT holds open (REA-007). */
struct ike_sa *x_init_anew(struct ike *ike, struct ike_sa *old, const struct tunnel *t)
{
	struct ike_sa *sa = init_new(ike, old->gw, t);

	if (!sa)
		return NULL;
	sa->predecessor = old->spi_local;
	sa->interface_id = old->interface_id;
	sa->local = old->local;
	sa->remote = old->remote;
	sa->natt = old->natt;
	return fsm_on(ike, sa, ON_START) < 0 ? NULL : sa;
}

int on_init_start(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	(void)c;
	return generate(ike, sa);
}

/* What is agreed: SA and KE; or the ticket, where it was already. */
static int init_terms_write(const struct ike_sa *sa, struct writer *w)
{
	const struct half *half = sa->half;
	int rc;

	if (half->resumed) {
		nonce_write(w, view_of_array(half->nonce));
		tx_notify(w, N_TICKET_OPAQUE, blob_view(&half->resumed->ticket));
		return 0;
	}
	writer_open(w, PLD_SA);
	rc = offer_ike(&w->e, sa->gw->model->policy, (struct view){0}, true);
	writer_close(w);
	if (rc < 0)
		return rc;
	ke_write(w, half->group, kex_public(half->kex));
	nonce_write(w, view_of_array(half->nonce));
	return 0;
}

/* Builds the request (again, with a cookie) and sends it: it holds nothing that must survive. */
static int init_request_send(struct ike *ike, struct ike_sa *sa)
{
	struct ike_header h = {.spi_i = sa->spi_local,
		.exchange = sa->half->resumed ? EXCHANGE_IKE_SESSION_RESUME : EXCHANGE_IKE_SA_INIT,
		.flags = IKE_FLAG_INITIATOR};
	struct half *half = sa->half;
	struct writer w;
	struct view message;
	int rc;

	writer_begin(&w, ike->room_out, sizeof ike->room_out, &h);
	if (half->cookie.n != 0)
		tx_notify(&w, N_COOKIE, blob_view(&half->cookie));
	rc = init_terms_write(sa, &w);
	if (rc < 0)
		return rc;
	natd_write(ike, sa, &w);
	fragmentation_write(sa, &w);
	auth_sig_hashes_write(ike, sa, &w);
	intermediate_write(sa, &w);
	ppk_init_write(sa, &w);
	redirect_request_note(sa, &w);
	rc = writer_end(&w, &message);
	if (rc < 0)
		return rc;
	exch_free(sa->out);
	sa->out = exch_new(EXCH_INIT);
	blob_fini(&half->own_init);
	if (!sa->out || blob_copy(message, &half->own_init) < 0)
		return -ERR_NOMEM;
	sa->out->flight = flight_of(&message, 1);
	if (!sa->out->flight)
		return -ERR_NOMEM;
	tx_request_release(ike, sa, 0);
	return 0;
}

int on_resume_start(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	int rc = resume_take(sa);

	(void)c;
	return rc < 0 ? rc : init_request_send(ike, sa);
}

int on_init_key_pair(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	if (c->job->rc < 0)
		return c->job->rc;
	kex_free(sa->half->kex);
	sa->half->kex = take_ptr(c->job->kex);
	return init_request_send(ike, sa);
}

int on_init_cookie(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	if (sa->half->retries++ >= INIT_RETRIES)
		return refusal_bad_answer(ike, sa, -ERR_LIMIT);
	blob_fini(&sa->half->cookie);
	if (blob_copy(c->rx->notes.cookie, &sa->half->cookie) < 0)
		return -ERR_NOMEM;
	return init_request_send(ike, sa);
}

int on_init_other_group(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	uint16_t group = c->rx->notes.ke_group;

	/* Only a group that we offered (1.2): nobody talks us down. */
	if (sa->half->retries++ >= INIT_RETRIES || group == sa->half->group ||
		negotiate_ike_group(sa->gw->model->policy, group) != group)
		return refusal_bad_answer(ike, sa, -ERR_INVALID_KE);
	sa->half->group = group;
	sa->at_retransmit = sa->at_linger = 0;
	sa->half->refused = 0;
	exch_free(sa->out);
	sa->out = NULL;
	return generate(ike, sa);
}

static bool is_whole(const struct rx *rx)
{
	return chain_find(rx->chain, PLD_NONCE) &&
	       (rx->exchange == EXCHANGE_IKE_SESSION_RESUME ||
		       (chain_find(rx->chain, PLD_SA) && chain_find(rx->chain, PLD_KE)));
}

static enum sa_trigger answer_is(const struct rx *rx)
{
	if (rx->notes.cookie.n != 0)
		return RX_INIT_COOKIE;
	if (rx->notes.error == N_INVALID_KE_PAYLOAD)
		return RX_INIT_BAD_KE;
	if (rx->notes.error || !is_whole(rx))
		return RX_INIT_ERROR;
	return rx->exchange == EXCHANGE_IKE_SESSION_RESUME ? RX_RESUME_RESP : RX_INIT_RESP;
}

/* RFC 5723 4.3.2: then from the beginning. */
static bool ticket_refused(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	uint32_t policy_id = sa->half->policy_id;

	if (!rx->notes.ticket_nack || !sa->half->resumed)
		return false;
	ike->stats.tickets_refused++;
	(void)fsm_on(ike, sa, ON_EXPIRED);
	tunnel_begin_again(ike, policy_id);
	return true;
}

void x_init_answer(
	struct ike *ike, struct ike_sa *sa, const struct ike_ev_datagram *dg, uint8_t exchange)
{
	struct message m;
	struct rx rx = {.dg = dg, .raw = dg->octets, .exchange = exchange};
	int rc = message_parse(dg->octets, &m);

	rx.chain = &m.chain;
	if (sa->state != SA_INIT_SENT || !sa->initiator || m.hdr.mid != 0 ||
		(exchange == EXCHANGE_IKE_SESSION_RESUME) != (sa->half->resumed != NULL)) {
		ike->stats.rx_unexpected++;
		return;
	}
	if (rc < 0 || notes_read(&m.chain, &rx.notes) < 0) {
		ike->stats.rx_malformed++; /* anyone could have sent it: wait for a better one */
		return;
	}
	if (redirect_told_init(ike, sa, &rx) || ticket_refused(ike, sa, &rx))
		return;
	(void)fsm_fire(ike, sa, &(struct cause){.on = answer_is(&rx), .rx = &rx});
}

/* RFC 7296 2.23: with a NAT on the way everything further goes by port 4500. */
static void float_ports(struct ike_sa *sa, const struct rx *rx)
{
	if (sa->natt || (!sa->nat_local && !sa->nat_remote && !mobike_floats(sa, rx)))
		return;
	sa->natt = true;
	sa->local.port = PORT_NATT;
	sa->remote.port = PORT_NATT;
}

int on_resume_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct half *h = sa->half;
	struct ike_header hdr;
	struct view nonce;
	int rc;

	if (rx_nonce(c->rx, &nonce) < 0 || ike_header_parse(c->rx->raw, &hdr) < 0 || hdr.spi_r == 0)
		return refusal_bad_answer(ike, sa, -ERR_SYNTAX);
	sa->at_linger = 0;
	sa->spi_remote = hdr.spi_r;
	sa_count_in(&sa->count, c->rx->raw.n);
	if (blob_copy(c->rx->raw, &h->peer_init) < 0 || blob_copy(nonce, &h->peer_nonce) < 0)
		return -ERR_NOMEM;
	natd_read(ike, sa, c->rx, hdr.spi_r);
	abilities_read(sa, c->rx);
	float_ports(sa, c->rx);
	sa->at_retransmit = 0;
	exch_free(sa->out);
	sa->out = NULL;
	sa->next_tx = 1;
	rc = resume_keys(ike, sa);
	if (rc == 0)
		rc = auth_own_id(ike, sa->gw, &sa->local_id);
	return rc < 0 ? rc : x_auth_send(ike, sa);
}

int on_init_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	const struct payload *p = chain_find(c->rx->chain, PLD_SA);
	const struct payload *k = chain_find(c->rx->chain, PLD_KE);
	struct half *h = sa->half;
	struct ike_header hdr;
	struct pld_sa answer;
	struct pld_ke ke;
	struct choice choice;
	struct view nonce;
	uint64_t job;

	if (!p || !k || pld_sa_parse(p->body, SA_ANSWER, &answer) < 0 ||
		pld_ke_parse(k->body, &ke) < 0 || rx_nonce(c->rx, &nonce) < 0 ||
		ike_header_parse(c->rx->raw, &hdr) < 0 || hdr.spi_r == 0)
		return refusal_bad_answer(ike, sa, -ERR_SYNTAX);
	if (negotiate_ike(
		    sa->gw->model->policy, further_with(c->rx), &answer, &sa->suite, &choice) < 0)
		return refusal_bad_answer(ike, sa, -ERR_NO_PROPOSAL);
	if (ke.group != h->group || sa->suite.dh->id != h->group)
		return refusal_bad_answer(ike, sa, -ERR_INVALID_KE);
	sa->at_linger = 0;
	sa->spi_remote = hdr.spi_r;
	sa_count_in(&sa->count, c->rx->raw.n);
	if (blob_copy(c->rx->raw, &h->peer_init) < 0 || blob_copy(nonce, &h->peer_nonce) < 0)
		return -ERR_NOMEM;
	natd_read(ike, sa, c->rx, hdr.spi_r);
	abilities_read(sa, c->rx);
	ppk_init_read(sa, c->rx);
	if (auth_sig_read(sa, c->rx) < 0)
		return -ERR_NOMEM;
	float_ports(sa, c->rx);
	sa->at_retransmit = 0;
	exch_free(sa->out);
	sa->out = NULL;
	sa->next_tx = 1;
	return job_start(ike, sa,
		&(struct job_args){.slot = JOB_SA,
			.kind = IKE_KEX_DERIVE,
			.group = h->group,
			.kex = take_ptr(h->kex),
			.peer = ke.data},
		&job);
}
