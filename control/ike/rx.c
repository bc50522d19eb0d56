#include "ike/rx.h"

#include "base/err.h"
#include "crypto/hash.h"
#include "ike/engine.h"
#include "ike/fsm.h"
#include "ike/schedule.h"
#include "ike/tx.h"
#include "ike/v2/exchange.h"
#include "ike/v2/hint.h"
#include "wire/pld_delete.h"
#include "wire/pld_nonce.h"
#include "wire/sk.h"

#define RX_DROPPED	   1
#define HALF_FRAGMENTS_MAX (16U << 20)

int rx_hash(struct ike *ike, struct view octets, uint8_t out[16])
{
	uint8_t digest[HASH_MAX];
	int rc = hash(ike->cfg.crypto, HASH_SHA256, VIEWS(octets), digest);

	if (rc == 0)
		memcpy(out, digest, 16);
	return rc;
}

int rx_nonce(const struct rx *rx, struct view *out)
{
	const struct payload *p = chain_find(rx->chain, PLD_NONCE);

	return p && pld_nonce_parse(p->body, out) == 0 ? 0 : -ERR_SYNTAX;
}

/* ---------------------------------------------------------------- what it is */

static bool deletes_ike(const struct chain *c)
{
	const struct payload *p = NULL;
	struct pld_delete d;

	while ((p = chain_next(c, PLD_DELETE, p)) != NULL)
		if (pld_delete_parse(p->body, &d) == 0 && d.protocol == PROTO_IKE)
			return true;
	return false;
}

static enum sa_trigger request_trigger(const struct rx *rx)
{
	switch (rx->exchange) {
	case EXCHANGE_IKE_INTERMEDIATE:
		return RX_INTER_REQ;
	case EXCHANGE_IKE_AUTH:
		return RX_AUTH_REQ;
	case EXCHANGE_CREATE_CHILD_SA:
		if (rx->notes.rekey)
			return RX_CHILD_REKEY_REQ;
		return chain_has(rx->chain, PLD_TSI) ? RX_CHILD_REQ : RX_IKE_REKEY_REQ;
	case EXCHANGE_IKE_FOLLOWUP_KE:
		return RX_FOLLOW_REQ;
	case EXCHANGE_INFORMATIONAL:
		return deletes_ike(rx->chain) ? RX_DELETE_IKE_REQ : RX_INFO_REQ;
	default:
		return TRIGGER_END;
	}
}

static enum sa_trigger answer_trigger(const struct ike_sa *sa, const struct rx *rx)
{
	switch (sa->out->kind) {
	case EXCH_INTERMEDIATE:
		return rx->exchange == EXCHANGE_IKE_INTERMEDIATE ? RX_INTER_RESP : TRIGGER_END;
	case EXCH_AUTH:
		if (rx->exchange != EXCHANGE_IKE_AUTH)
			return TRIGGER_END;
		return chain_has(rx->chain, PLD_AUTH) ? RX_AUTH_RESP : RX_AUTH_ERROR;
	case EXCH_CHILD:
	case EXCH_CHILD_REKEY:
		return rx->exchange == EXCHANGE_CREATE_CHILD_SA ? RX_CHILD_RESP : TRIGGER_END;
	case EXCH_IKE_REKEY:
		return rx->exchange == (sa->out->follow ? EXCHANGE_IKE_FOLLOWUP_KE
							: EXCHANGE_CREATE_CHILD_SA)
			       ? RX_IKE_REKEY_RESP
			       : TRIGGER_END;
	case EXCH_DELETE_CHILD:
	case EXCH_DELETE_IKE:
	case EXCH_PROBE:
	case EXCH_VERIFY:
	case EXCH_UPDATE:
	case EXCH_REDIRECT:
		return rx->exchange == EXCHANGE_INFORMATIONAL ? RX_INFO_RESP : TRIGGER_END;
	case EXCH_NONE:
	case EXCH_INIT:
	default:
		return TRIGGER_END;
	}
}

/* ---------------------------------------------------------------- protected messages */

/* Decrypts to the engine's room; rx->inner and rx->first are valid afterwards. */
static int rx_decrypt(struct ike *ike, struct ike_sa *sa, const struct sk_in *in, struct rx *rx)
{
	struct aead aead;
	int rc = keymat_ike_aead(&sa->suite, sa->keys, !sa->initiator, &aead);

	if (rc == 0 && in->text.n > sizeof ike->room_in)
		rc = -ERR_LIMIT;
	if (rc < 0)
		return rc;
	rc = aead_open(ike->cfg.crypto, &aead,
		&(struct aead_io){.aad = in->aad,
			.iv = in->iv.p,
			.in = in->text.p,
			.out = ike->room_in,
			.n = in->text.n},
		in->icv.p);
	if (rc < 0)
		return rc;
	sa_count_in(&sa->count, rx->raw.n);
	rx->first = in->inner_first;
	/* It was authentic, so this is the peer's mistake and not the network's. */
	return sk_unpad(view_of(ike->room_in, in->text.n), &rx->inner) < 0 ? -ERR_SYNTAX : 0;
}

static int fragment_refuse(struct ike *ike, int rc)
{
	switch (rc) {
	case -ERR_EXISTS:
		ike->stats.rx_fragment_again++;
		break;
	case -ERR_WRONG_STATE:
		ike->stats.rx_fragment_smaller++;
		break;
	case -ERR_UNSUPPORTED:
		ike->stats.rx_fragment_unasked++;
		break;
	case -ERR_VALUE:
		ike->stats.rx_malformed++;
		break;
	default:
		ike->stats.rx_fragment_limit++;
		break;
	}
	return RX_DROPPED;
}

/* RFC 7383 2.6: cheap refusals, then authenticity, then memory (FRG-005, FRG-009). */
static int fragment_check(struct ike *ike, const struct ike_sa *sa, const struct fragments *held,
	const struct fragment *f)
{
	if (!(sa->supports & SA_FRAGMENTATION))
		return -ERR_UNSUPPORTED;
	/* Strangers that have only shown that they can compute share what there is for them. */
	if (!sa_is_open(sa) && ike->fragment_octets > HALF_FRAGMENTS_MAX)
		return -ERR_LIMIT;
	return fragments_admit(held, f);
}

static int fragment_keep(
	struct ike *ike, struct ike_sa *sa, struct fragments **held, const struct fragment *f)
{
	int rc;

	ike->fragment_octets -= fragments_octets(*held);
	rc = fragments_add(held, f);
	ike->fragment_octets += fragments_octets(*held);
	if (rc == FRAGMENTS_WAIT) {
		sa->at_fragments = ike->now_ms + FRAGMENTS_PATIENCE_MS;
		sa_rearm(ike, sa);
	}
	return rc < 0 ? fragment_refuse(ike, rc) : rc;
}

/* 0: it was the last one that was missing, rx holds the whole message. */
static int rx_fragment(
	struct ike *ike, struct ike_sa *sa, const struct sk_in *in, bool answer, struct rx *rx)
{
	struct fragments **held = &sa->fragments[answer];
	struct fragment f = {.mid = rx->mid, .number = in->frag, .total = in->frag_of};
	struct fragments_whole whole;
	int rc = fragment_check(ike, sa, *held, &f);

	if (rc < 0)
		return fragment_refuse(ike, rc);
	rc = rx_decrypt(ike, sa, in, rx);
	if (rc == 0)
		rc = rx_hash(ike, rx->raw, f.hash);
	if (rc < 0)
		return rc;
	ike->stats.rx_fragments++;
	sa->count.in_fragments++;
	f.first = rx->first;
	f.inner = rx->inner;
	rc = fragment_keep(ike, sa, held, &f);
	if (rc == 0)
		rc = fragments_join(*held, ike->room_in, sizeof ike->room_in, &whole);
	if (rc != 0)
		return rc == FRAGMENTS_WAIT ? RX_DROPPED : rc;
	rx->first = whole.first;
	rx->inner = whole.inner;
	memcpy(rx->hash, whole.hash, sizeof rx->hash);
	return 0;
}

/* RX_DROPPED: counted and done with. Else 0, -ERR_SYNTAX of an authentic message, or an error of
 * one that is not. */
static int rx_open(
	struct ike *ike, struct ike_sa *sa, const struct message *m, bool answer, struct rx *rx)
{
	struct sk_in in;
	int rc;

	if (!sa->keys)
		return -ERR_UNSUPPORTED;
	rc = sk_parse(m, tx_shape(&sa->suite), &in);
	if (rc < 0)
		return rc;
	if (in.frag_of != 0)
		return rx_fragment(ike, sa, &in, answer, rx);
	rc = rx_decrypt(ike, sa, &in, rx);
	if (rc == 0 && !answer)
		rc = rx_hash(ike, rx->raw, rx->hash);
	return rc;
}

/*
 * The peer's NAT gave it another port or address (RFC 7296 2.23). Only a fresh authenticated
 * message moves it, only a peer that is behind a NAT, and never for a host that is behind one
 * itself.
 */
static void peer_moved(struct ike *ike, struct ike_sa *sa, const struct ike_ev_datagram *dg)
{
	char was[ENDPOINT_TEXT_MAX], is[ENDPOINT_TEXT_MAX];

	/* With MOBIKE the peer says so. */
	if (!sa_is_open(sa) || !sa->nat_remote || sa->nat_local || !dg->natt ||
		(sa->supports & SA_MOBIKE))
		return;
	if (endpoint_equal(&sa->remote, &dg->remote))
		return;
	sa_info(ike, sa, "ike.moved", "from=%s to=%s", endpoint_text(&sa->remote, was),
		endpoint_text(&dg->remote, is));
	sched_moved(ike, sa, &dg->remote);
}

static void rx_touch(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	sa->last_rx_ms = ike->now_ms;
	peer_moved(ike, sa, rx->dg);
}

/* RFC 7296 2.5: names the payload type that it did not understand. */
static void answer_critical(
	struct ike *ike, struct ike_sa *sa, const struct rx *rx, uint8_t refused)
{
	struct writer w;

	tx_answer_open(ike, sa, &w, rx);
	tx_notify(&w, N_UNSUPPORTED_CRITICAL_PAYLOAD, view_of(&refused, 1));
	if (tx_answer_close(ike, sa, &w, rx) < 0)
		ike->failed = true;
}

static int rx_payloads(struct rx *rx, struct chain *chain)
{
	int rc = chain_parse_inner(rx->first, rx->inner, chain);

	rx->chain = chain;
	if (rc == 0)
		rc = notes_read(chain, &rx->notes);
	return rc;
}

static void rx_fail(
	struct ike *ike, struct ike_sa *sa, const struct rx *rx, enum sa_trigger on, int why)
{
	int rc = why == -ERR_CRITICAL ? why : -ERR_SYNTAX;

	(void)fsm_fire(ike, sa, &(struct cause){.on = ON_ERROR, .rx = rx, .failed = on, .rc = rc});
}

static void rx_opened(struct ike *ike, struct ike_sa *sa, struct rx *rx, bool answer, int opened)
{
	struct chain chain = {.n = 0};
	enum sa_trigger on;
	int rc = opened;

	rx->chain = &chain;
	sa_fragments_drop(ike, sa, answer);
	if (rc == 0)
		rc = rx_payloads(rx, &chain);
	rx_touch(ike, sa, rx);
	/* It is answered when it comes again. */
	if (rc == 0 && !answer && rx->exchange == EXCHANGE_INFORMATIONAL && chain.n == 0 &&
		!pace_allows(ike, sa, PACE_KEEPALIVE))
		return;
	if (rc == -ERR_CRITICAL && !answer && sa_is_open(sa)) {
		answer_critical(ike, sa, rx, chain.refused);
		return;
	}
	on = answer ? answer_trigger(sa, rx) : request_trigger(rx);
	if (rc < 0)
		rx_fail(ike, sa, rx, on, rc);
	else if (on == TRIGGER_END)
		ike->stats.rx_unexpected++;
	else
		(void)fsm_fire(ike, sa, &(struct cause){.on = on, .rx = rx});
}

static void rx_protected(
	struct ike *ike, struct ike_sa *sa, const struct ike_ev_datagram *dg, bool answer)
{
	struct message m;
	struct rx rx = {.dg = dg, .raw = dg->octets};
	int rc;

	if (!guard_may_open(ike, sa))
		return;
	rc = message_parse(dg->octets, &m);
	if (rc < 0) {
		ike->stats.rx_malformed++;
		return;
	}
	rx.exchange = m.hdr.exchange;
	rx.mid = m.hdr.mid;
	rc = rx_open(ike, sa, &m, answer, &rx);
	if (rc == RX_DROPPED)
		return;
	if (rc < 0 && rc != -ERR_SYNTAX) {
		ike->stats.rx_integrity++;
		guard_spoiled(ike, sa);
		return;
	}
	rx_opened(ike, sa, &rx, answer, rc);
}

/* ---------------------------------------------------------------- windows */

/*
 * RFC 7383 2.6.1: of a request in fragments, the first one asks for the answer again, all of it.
 * One whose peer has cut the request anew has other octets: it has to be authentic.
 */
static bool fragment_asks_again(
	struct ike *ike, struct ike_sa *sa, const struct ike_ev_datagram *dg)
{
	struct rx rx = {.dg = dg, .raw = dg->octets};
	struct message m;
	struct sk_in in;

	if (message_parse(dg->octets, &m) < 0 || !chain_has(&m.chain, PLD_SKF) || !sa->keys ||
		sk_parse(&m, tx_shape(&sa->suite), &in) < 0) {
		ike->stats.rx_window++;
		return false;
	}
	if (in.frag != 1) {
		ike->stats.rx_fragment_answered++;
		return false;
	}
	if (!guard_may_open(ike, sa))
		return false;
	if (rx_decrypt(ike, sa, &in, &rx) == 0)
		return true;
	ike->stats.rx_integrity++;
	guard_spoiled(ike, sa);
	return false;
}

static void rx_repeated(struct ike *ike, struct ike_sa *sa, const struct ike_ev_datagram *dg)
{
	uint8_t hash[16];

	if (!sa->answer.released)
		ike->stats.rx_busy++;
	else if (rx_hash(ike, dg->octets, hash) == 0 &&
		 memcmp(hash, sa->answer.hash, sizeof hash) == 0)
		tx_answer_again(ike, sa, dg);
	else if (fragment_asks_again(ike, sa, dg))
		tx_answer_again(ike, sa, dg);
}

/* RFC 7296 2.3, with a window of one: the next, or the last one again. */
static void rx_request(
	struct ike *ike, struct ike_sa *sa, const struct ike_ev_datagram *dg, uint32_t mid)
{
	if (sa->answer.flight && mid == sa->answer.mid) {
		rx_repeated(ike, sa, dg);
	} else if (mid != sa->next_rx) {
		ike->stats.rx_window++;
	} else if (sa->in || (sa->answer.flight && !sa->answer.released)) {
		ike->stats.rx_busy++;
	} else {
		rx_protected(ike, sa, dg, false);
	}
}

static void rx_answer(
	struct ike *ike, struct ike_sa *sa, const struct ike_ev_datagram *dg, uint32_t mid)
{
	const struct exch *x = sa->out;

	if (!x || !x->flight || !x->released || x->mid != mid)
		ike->stats.rx_window++;
	else if (x->answer)
		ike->stats.rx_busy++;
	else
		rx_protected(ike, sa, dg, true);
}

static bool for_this_sa(const struct ike_sa *sa, const struct ike_header *h)
{
	uint64_t spi_remote = sa->initiator ? h->spi_r : h->spi_i;

	if (ike_header_is_from_initiator(h) == sa->initiator)
		return false;
	/* Our first message asked for the peer's SPI; the answer tells it. */
	return sa->spi_remote == 0 || sa->spi_remote == spi_remote;
}

static void rx_dispatch(
	struct ike *ike, const struct ike_ev_datagram *dg, const struct ike_header *h)
{
	bool answer = ike_header_is_response(h);
	bool begins =
		h->exchange == EXCHANGE_IKE_SA_INIT || h->exchange == EXCHANGE_IKE_SESSION_RESUME;
	struct ike_sa *sa;

	if (begins && !answer && h->spi_r == 0) {
		x_init_request(ike, dg, h->exchange);
		return;
	}
	sa = sa_find(ike, ike_header_is_from_initiator(h) ? h->spi_r : h->spi_i);
	if (!sa || !for_this_sa(sa, h)) {
		/* 2.21.4: an INVALID_IKE_SPI in clear would help nobody but an attacker. */
		ike->stats.rx_unknown_spi++;
		return;
	}
	if (!rg_active(ike, sa->rg)) {
		ike->stats.rx_not_ours++;
		return;
	}
	if (begins) {
		if (answer)
			x_init_answer(ike, sa, dg, h->exchange);
		else
			ike->stats.rx_unexpected++;
	} else if (answer) {
		rx_answer(ike, sa, dg, h->mid);
	} else {
		rx_request(ike, sa, dg, h->mid);
	}
}

/* RFC 7296 2.5: a higher one is told so, a lower one is IKEv1's business. */
static void rx_other_version(
	struct ike *ike, const struct ike_ev_datagram *dg, const struct ike_header *h)
{
	ike->stats.rx_version++;
	if (h->version > IKE_VERSION_2)
		x_init_other_version(ike, dg, h);
}

void rx_datagram(struct ike *ike, const struct ike_ev_datagram *dg)
{
	struct ike_header h;

	ike->stats.rx_datagrams++;
	if (ike_header_parse(dg->octets, &h) < 0)
		ike->stats.rx_malformed++;
	else if (h.version >> 4 != IKE_VERSION_2 >> 4 && h.spi_i != 0)
		rx_other_version(ike, dg, &h);
	else if (h.version >> 4 == IKE_VERSION_2 >> 4 && hint_outside(ike, dg, &h))
		return;
	else if (h.spi_i == 0)
		ike->stats.rx_malformed++;
	else
		rx_dispatch(ike, dg, &h);
}

void rx_again(struct ike *ike, struct ike_sa *sa, struct parked *p)
{
	struct chain chain;
	struct rx rx = {.inner = blob_view(&p->inner),
		.first = p->first,
		.exchange = p->exchange,
		.mid = p->mid,
		.done = p};

	memcpy(rx.hash, p->hash, sizeof rx.hash);
	if (rx_payloads(&rx, &chain) < 0)
		return; /* it was readable the first time */
	(void)fsm_fire(ike, sa, &(struct cause){.on = (enum sa_trigger)p->on, .rx = &rx});
}
