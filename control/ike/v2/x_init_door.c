/*
 * The first message of somebody unknown (RFC 7296 2.6, RFC 5685 3, RFC 5723 4.3): who is answered
 * without a trace, who has to come back with a cookie, who goes elsewhere, and who gets an SA that
 * is half open.
 */
#include <stdlib.h>

#include "base/err.h"
#include "crypto/hash.h"
#include "ike/engine.h"
#include "ike/schedule.h"
#include "ike/tx.h"
#include "ike/v2/exchange.h"
#include "ike/v2/redirect.h"
#include "ike/v2/resume.h"
#include "wire/pld_ke.h"
#include "wire/writer.h"

/* An answer before there is any state: header and one notification. */
static void refuse(struct ike *ike, uint32_t rg, const struct rx *rx, uint64_t spi_i, uint16_t type,
	struct view data)
{
	struct ike_header h = {
		.spi_i = spi_i, .exchange = rx->exchange, .flags = IKE_FLAG_RESPONSE};
	struct writer w;
	struct view message;

	writer_begin(&w, ike->room_out, sizeof ike->room_out, &h);
	tx_notify(&w, type, data);
	if (writer_end(&w, &message) == 0)
		tx_stateless(ike, rg, rx->dg, message);
}

struct offer {
	struct gateway *gw;
	struct ike_suite suite;
	struct choice choice;
	struct pld_sa sa;
	struct pld_ke ke;
	struct view nonce;
};

/* -ERR_SYNTAX, -ERR_NO_PROPOSAL, -ERR_NOT_FOUND: nobody is configured for that peer. */
static int offer_read(struct ike *ike, const struct rx *rx, struct offer *o)
{
	struct peer_walk walk = {rx->dg->local.addr, rx->dg->remote.addr};
	enum ike_further further = further_with(rx);
	const struct payload *sa = chain_find(rx->chain, PLD_SA),
			     *ke = chain_find(rx->chain, PLD_KE);
	struct gateway *gw;
	int rc = -ERR_NOT_FOUND;

	if (!sa || !ke || pld_sa_parse(sa->body, SA_OFFER, &o->sa) < 0 ||
		pld_ke_parse(ke->body, &o->ke) < 0 || rx_nonce(rx, &o->nonce) < 0)
		return -ERR_SYNTAX;
	while ((gw = peer_next(ike, &walk)) != NULL) {
		o->gw = o->gw ? o->gw : gw;
		rc = negotiate_ike(gw->model->policy, further, &o->sa, &o->suite, &o->choice);
		if (rc == 0) {
			o->gw = gw;
			return 0;
		}
	}
	return rc;
}

/* Under load, or when that source asks much: only who receives at that address goes on (2.6).
 * Nothing is kept of the others. */
static bool is_admitted(
	struct ike *ike, const struct rx *rx, uint32_t rg, uint64_t spi_i, bool *proven)
{
	struct cookie_of of = {.spi_i = spi_i, .from = rx->dg->remote.addr};
	uint8_t fresh[COOKIE_LEN];
	enum guard_verdict verdict;

	if (rx_nonce(rx, &of.nonce) < 0) {
		ike->stats
			.rx_malformed++; /* 3.10.1: INVALID_SYNTAX is for protected messages only */
		return false;
	}
	cookie_rotate(&ike->cookies, &ike->cfg.env, ike->now_ms);
	*proven = rx->notes.cookie.n != 0 &&
		  cookie_check(&ike->cookies, ike->cfg.crypto, &of, rx->notes.cookie);
	ike->stats.cookies_bad += rx->notes.cookie.n != 0 && !*proven;
	verdict = guard_admit(ike, &rx->dg->remote, *proven);
	if (verdict == GUARD_COOKIE &&
		cookie_make(&ike->cookies, ike->cfg.crypto, &of, fresh) == 0) {
		ike->stats.cookies_sent++;
		refuse(ike, rg, rx, spi_i, N_COOKIE, view_of_array(fresh));
	}
	return verdict == GUARD_PASS;
}

/* RFC 5685 3: nothing is kept of it. */
static bool is_sent_away(struct ike *ike, const struct rx *rx, uint32_t rg, uint64_t spi_i)
{
	uint8_t room[REDIRECT_DATA_MAX];
	struct view to = redirect_init(ike, rx, room);

	if (to.n != 0)
		refuse(ike, rg, rx, spi_i, N_REDIRECT, to);
	return to.n != 0;
}

static bool group_fits(struct ike *ike, const struct rx *rx, uint64_t spi_i, const struct offer *o)
{
	uint8_t group[2] = {(uint8_t)(o->suite.dh->id >> 8), (uint8_t)o->suite.dh->id};

	if (o->ke.group == o->suite.dh->id)
		return true;
	refuse(ike, o->gw->model->rg, rx, spi_i, N_INVALID_KE_PAYLOAD, view_of_array(group));
	return false;
}

/* Which message it began with, and whether its sender is where it says to be. */
struct half_of {
	const uint64_t *key;
	bool proven;
	struct resumed *resumed; /* IKE_SESSION_RESUME: passes on */
};

static struct half *half_new(
	struct ike *ike, const struct rx *rx, const struct offer *o, const struct half_of *of)
{
	struct half *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	memcpy(h->key, of->key, sizeof h->key);
	h->group = o->ke.group;
	if (blob_copy(rx->raw, &h->peer_init) < 0 || blob_copy(o->nonce, &h->peer_nonce) < 0 ||
		guard_enter(ike, h, &rx->dg->remote, of->proven) < 0) {
		blob_fini(&h->peer_init);
		blob_fini(&h->peer_nonce);
		free(h);
		return NULL;
	}
	return h;
}

/* half.hh is of the halves; the SA is found by a back pointer: its SPI. */
static void half_open(struct ike *ike, const struct rx *rx, uint64_t spi_i, const struct offer *o,
	const struct half_of *of)
{
	struct ike_sa *sa = sa_new(ike, o->gw->model->rg, false, 0);
	struct half *h = sa ? half_new(ike, rx, o, of) : NULL;

	if (!h) {
		resumed_free(of->resumed);
		ike->failed = true;
		if (sa)
			sa_drop(ike, sa);
		return;
	}
	sa->half = h;
	h->spi_local = sa->spi_local;
	h->resumed = of->resumed;
	h->proposal = o->choice.num;
	env_random(&ike->cfg.env, h->nonce, sizeof h->nonce);
	h->counted = true;
	ike->half_open++;
	HASH_ADD(hh, ike->halves, key, sizeof h->key, h);
	sa->spi_remote = spi_i;
	sa->suite = o->suite;
	sa->interface_id = rx->dg->interface_id;
	sa->local = rx->dg->local;
	sa->remote = rx->dg->remote;
	sa->natt = rx->dg->natt;
	sa_count_in(&sa->count, rx->raw.n);
	sa_attach(ike, sa, o->gw);
	ike->stats.ike_responded++;
	(void)fsm_fire(ike, sa,
		&(struct cause){.on = of->resumed ? RX_RESUME_REQ : RX_INIT_REQ, .rx = rx});
}

/* The very same octets again: our answer may have been lost. */
static bool is_duplicate(struct ike *ike, const uint64_t key[4], const struct ike_ev_datagram *dg)
{
	struct half *h;
	struct ike_sa *sa;

	HASH_FIND(hh, ike->halves, key, sizeof h->key, h);
	if (!h)
		return false;
	sa = sa_find(ike, h->spi_local);
	if (sa && sa->answer.flight && sa->answer.released)
		tx_answer_again(ike, sa, dg);
	else
		ike->stats.rx_busy++;
	return true;
}

/* The first gateway that may be meant, without a look at what is offered; its group is ours. */
static const struct gateway *is_for_us(struct ike *ike, const struct ike_ev_datagram *dg)
{
	struct peer_walk walk = {dg->local.addr, dg->remote.addr};
	const struct gateway *gw = peer_next(ike, &walk);

	if (!gw)
		ike->stats.rx_no_gateway++;
	else if (!rg_active(ike, gw->model->rg))
		ike->stats.rx_not_ours++;
	else
		return gw;
	return NULL;
}

struct refusal {
	uint64_t spi_i;
	int rc;
	bool proven;
};

static void refuse_offer(
	struct ike *ike, const struct rx *rx, const struct offer *o, const struct refusal *r)
{
	char peer[ENDPOINT_TEXT_MAX];
	struct log_ctx log = {.sink = ike->cfg.log};

	if (r->rc == -ERR_SYNTAX) {
		ike->stats.rx_malformed++;
		return;
	}
	if (r->rc == -ERR_NOT_FOUND || !o->gw) {
		ike->stats.rx_no_gateway++;
		return;
	}
	backoff_failed(ike, &rx->dg->remote, BACKOFF_INIT, r->proven);
	if (guard_may_say(ike))
		log_info(&log, "ike.proposal.refused",
			"gw=%s peer=%s reason=\"no proposal chosen\"", o->gw->name,
			endpoint_text(&rx->dg->remote, peer));
	refuse(ike, o->gw->model->rg, rx, r->spi_i, N_NO_PROPOSAL_CHOSEN, (struct view){0});
}

/* Says to a configured peer, and to nobody else, what there is that we do not understand. */
static void refuse_unread(
	struct ike *ike, const struct rx *rx, uint64_t spi_i, uint16_t type, struct view data)
{
	const struct gateway *gw = is_for_us(ike, rx->dg);

	if (gw)
		refuse(ike, gw->model->rg, rx, spi_i, type, data);
}

void x_init_other_version(
	struct ike *ike, const struct ike_ev_datagram *dg, const struct ike_header *h)
{
	const struct rx rx = {.dg = dg, .exchange = h->exchange};

	if (ike->model && h->exchange == EXCHANGE_IKE_SA_INIT && !ike_header_is_response(h) &&
		h->spi_r == 0)
		refuse_unread(ike, &rx, h->spi_i, N_INVALID_MAJOR_VERSION, (struct view){0});
}

/* RFC 5723 4.3: the ticket says what is agreed already. */
static void resume(
	struct ike *ike, const struct rx *rx, uint32_t rg, uint64_t spi_i, const struct half_of *of)
{
	struct half_of half = *of;
	struct offer o = {0};
	int rc = resume_open(ike, rx, &o.gw, &o.suite, &half.resumed);

	if (rc == 0 && (!rg_active(ike, o.gw->model->rg) || rx_nonce(rx, &o.nonce) < 0)) {
		resumed_free(half.resumed);
		rc = -ERR_NOT_FOUND;
	}
	if (rc < 0) {
		ike->stats.tickets_refused++;
		refuse(ike, rg, rx, spi_i, N_TICKET_NACK, (struct view){0});
		return;
	}
	half_open(ike, rx, spi_i, &o, &half);
}

void x_init_request(struct ike *ike, const struct ike_ev_datagram *dg, uint8_t exchange)
{
	struct message m;
	struct rx rx = {.dg = dg, .raw = dg->octets, .exchange = exchange};
	struct offer o = {0};
	const struct gateway *gw;
	uint8_t digest[HASH_MAX];
	uint64_t key[4];
	bool proven;
	int rc = message_parse(dg->octets, &m);

	rx.chain = &m.chain;
	if (rc < 0 || !ike->model || m.hdr.mid != 0 || !ike_header_is_from_initiator(&m.hdr) ||
		notes_read(&m.chain, &rx.notes) < 0 ||
		hash(ike->cfg.crypto, HASH_SHA256, VIEWS(dg->octets), digest) < 0) {
		ike->stats.rx_malformed++;
		if (rc == -ERR_CRITICAL && ike->model) /* 2.5 */
			refuse_unread(ike, &rx, m.hdr.spi_i, N_UNSUPPORTED_CRITICAL_PAYLOAD,
				view_of(&m.chain.refused, 1));
		return;
	}
	memcpy(key, digest, sizeof key);
	memcpy(rx.hash, digest, sizeof rx.hash);
	if (is_duplicate(ike, key, dg))
		return;
	gw = is_for_us(ike, dg);
	if (!gw || !is_admitted(ike, &rx, gw->model->rg, m.hdr.spi_i, &proven))
		return;
	if (exchange == EXCHANGE_IKE_SESSION_RESUME) {
		resume(ike, &rx, gw->model->rg, m.hdr.spi_i, &(struct half_of){key, proven, NULL});
		return;
	}
	if (is_sent_away(ike, &rx, gw->model->rg, m.hdr.spi_i))
		return;
	rc = offer_read(ike, &rx, &o);
	if (rc < 0)
		refuse_offer(ike, &rx, &o, &(struct refusal){m.hdr.spi_i, rc, proven});
	else if (rg_active(ike, o.gw->model->rg) && group_fits(ike, &rx, m.hdr.spi_i, &o))
		half_open(ike, &rx, m.hdr.spi_i, &o, &(struct half_of){key, proven, NULL});
}
