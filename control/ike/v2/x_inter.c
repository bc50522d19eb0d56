/*
 * IKE_INTERMEDIATE (RFC 9242) for further key exchanges (RFC 9370 2.2.2): between IKE_SA_INIT and
 * IKE_AUTH, one exchange for each, and new keys after each. AUTH covers them by a chain of PRFs.
 *
 * Nothing of it is replicated: it is of strangers, as IKE_SA_INIT is (I9). A peer whose exchange is
 * lost with a node begins again.
 */
#include "base/emit.h"
#include "base/err.h"
#include "crypto/prf.h"
#include "ike/engine.h"
#include "ike/jobs.h"
#include "ike/tx.h"
#include "ike/v2/exchange.h"
#include "wire/pld_ke.h"

#define HEADER_VERSION_AT 17
#define HEADER_FLAGS_AT	  19
#define PAYLOAD_FLAGS_AT  (IKE_HEADER_LEN + 1)
#define UNPROTECTED_LEN	  (IKE_HEADER_LEN + PAYLOAD_HEADER_LEN)

bool inter_is_done(const struct ike_sa *sa)
{
	return sa->half && sa->half->inter.at == sa->suite.n_additional;
}

/* ---------------------------------------------------------------- what AUTH covers */

/* One message as RFC 9242 3.3.2 sees it: whole, not encrypted, its lengths without IV, padding and
 * ICV. */
struct plain {
	uint8_t version, flags, exchange, first, first_flags;
	uint32_t mid;
	struct view inner;
};

static int unprotected(
	const struct ike_sa *sa, const struct plain *m, uint8_t room[UNPROTECTED_LEN])
{
	struct emit e = emit_to(room, UNPROTECTED_LEN);
	size_t n = UNPROTECTED_LEN + m->inner.n;

	emit_be64(&e, sa_spi_i(sa));
	emit_be64(&e, sa_spi_r(sa));
	emit_u8(&e, PLD_SK); /* also when it came in fragments */
	emit_u8(&e, m->version);
	emit_u8(&e, m->exchange);
	emit_u8(&e, m->flags);
	emit_be32(&e, m->mid);
	emit_be32(&e, (uint32_t)n);
	emit_u8(&e, m->first);
	emit_u8(&e, m->first_flags);
	emit_be16(&e, (uint16_t)(n - IKE_HEADER_LEN));
	return e.bad ? -ERR_SPACE : 0;
}

/* IntAuth_N = prf(SK_p, IntAuth_N-1 | A | P) with the keys the message is protected by. */
static int cover(struct ike *ike, struct ike_sa *sa, bool own, const struct plain *m)
{
	struct inter *x = &sa->half->inter;
	uint8_t *sum = own ? x->own : x->peer;
	bool begun = own ? x->own_begun : x->peer_begun;
	uint8_t head[UNPROTECTED_LEN], next[ALG_DIGEST_MAX];
	size_t len = prf_len(sa->suite.prf->id);
	int rc = unprotected(sa, m, head);

	if (rc == 0)
		rc = prf(ike->cfg.crypto, sa->suite.prf->id,
			sa_key(sa, own == sa->initiator ? SK_PI : SK_PR),
			VIEWS(view_of(sum, begun ? len : 0), view_of_array(head), m->inner), next);
	if (rc < 0)
		return rc;
	memcpy(sum, next, len);
	*(own ? &x->own_begun : &x->peer_begun) = true;
	return 0;
}

static int cover_sent(struct ike *ike, struct ike_sa *sa, const struct writer *w, uint32_t mid)
{
	size_t at = w->sk_at + PAYLOAD_HEADER_LEN + w->sk_iv_len;
	struct plain m;

	if (w->e.bad || w->e.n < at)
		return -ERR_SPACE;
	m = (struct plain){.version = w->e.p[HEADER_VERSION_AT],
		.flags = w->e.p[HEADER_FLAGS_AT],
		.exchange = EXCHANGE_IKE_INTERMEDIATE,
		.first = w->e.p[w->sk_at],
		.mid = mid,
		.inner = view_of(w->e.p + at, w->e.n - at)};
	return cover(ike, sa, true, &m);
}

static int cover_received(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	const struct plain m = {.version = rx->raw.p[HEADER_VERSION_AT],
		.flags = rx->raw.p[HEADER_FLAGS_AT],
		.exchange = rx->exchange,
		.first = rx->first,
		.first_flags = rx->raw.p[PAYLOAD_FLAGS_AT],
		.mid = rx->mid,
		.inner = rx->inner};

	return cover(ike, sa, false, &m);
}

/* IntAuth_iN | IntAuth_rN | message ID of the first IKE_AUTH request. */
static int cover_end(struct ike_sa *sa)
{
	struct inter *x = &sa->half->inter;
	size_t len = prf_len(sa->suite.prf->id);
	uint8_t room[2 * ALG_DIGEST_MAX + 4];
	struct emit e = emit_to(room, sizeof room);

	emit_bytes(&e, sa->initiator ? x->own : x->peer, len);
	emit_bytes(&e, sa->initiator ? x->peer : x->own, len);
	emit_be32(&e, 1U + x->at);
	blob_fini(&sa->half->int_auth);
	return blob_copy(view_of(room, e.n), &sa->half->int_auth);
}

/* ---------------------------------------------------------------- keys */

/* RFC 9370 2.2.2: SKEYSEED(n) = prf(SK_d(n-1), SK(n) | Ni | Nr), and all keys anew. */
static int keys_renew(struct ike *ike, struct ike_sa *sa, const struct secret *shared)
{
	struct view own = view_of_array(sa->half->nonce), peer = blob_view(&sa->half->peer_nonce);
	const struct keymat_ike_in in = {.shared = secret_view(shared),
		.ni = sa->initiator ? own : peer,
		.nr = sa->initiator ? peer : own,
		.spi_i = sa_spi_i(sa),
		.spi_r = sa_spi_r(sa),
		.old_prf = sa->suite.prf->id,
		.old_sk_d = sa_key(sa, SK_D)};
	struct secret *keys;
	int rc = keymat_ike(ike->cfg.crypto, &sa->suite, &in, &keys);

	if (rc < 0)
		return rc;
	secret_free(sa->keys);
	sa->keys = keys;
	sa->half->inter.at++;
	return inter_is_done(sa) ? cover_end(sa) : 0;
}

static void key_write(struct writer *w, const struct kex *k)
{
	const struct pld_ke ke = {kex_group(k), kex_public(k)};

	writer_open(w, PLD_KE);
	pld_ke_emit(&w->e, &ke);
	writer_close(w);
}

/* The KE payload of the exchange that is next; the group is not up for discussion any more. */
static int key_read(const struct ike_sa *sa, const struct rx *rx, struct pld_ke *out)
{
	const struct payload *p = chain_find(rx->chain, PLD_KE);

	if (!p || pld_ke_parse(p->body, out) < 0 || inter_is_done(sa) ||
		out->group != sa->suite.additional[sa->half->inter.at])
		return -ERR_SYNTAX;
	return 0;
}

/* ---------------------------------------------------------------- initiator */

static int pair_make(struct ike *ike, struct ike_sa *sa)
{
	struct inter *x = &sa->half->inter;
	uint64_t job;

	x->pair_is_due = true;
	return job_start(ike, sa,
		&(struct job_args){.slot = JOB_SA,
			.kind = IKE_KEX_GENERATE,
			.group = sa->suite.additional[x->at]},
		&job);
}

static int ask(struct ike *ike, struct ike_sa *sa)
{
	struct writer w;
	int rc;

	exch_free(sa->out);
	sa->out = exch_new(EXCH_INTERMEDIATE);
	if (!sa->out)
		return -ERR_NOMEM;
	tx_request_open(ike, sa, &w, EXCHANGE_IKE_INTERMEDIATE);
	key_write(&w, sa->half->kex);
	rc = cover_sent(ike, sa, &w, sa->out->mid);
	if (rc == 0)
		rc = tx_seal(ike, sa, &w, &sa->out->flight);
	if (rc < 0)
		return rc;
	sa->next_tx++;
	tx_request_release(ike, sa, sa->out->mid);
	return 0;
}

/* A key pair or a secret is there: what is next? */
static int proceed(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct inter *x = &sa->half->inter;
	int rc = c->job->rc;

	if (rc < 0)
		return rc;
	if (x->pair_is_due) {
		x->pair_is_due = false;
		kex_free(sa->half->kex);
		sa->half->kex = take_ptr(c->job->kex);
		return ask(ike, sa);
	}
	rc = sa->keys ? keys_renew(ike, sa, c->job->shared)
		      : init_keys_make(ike, sa, secret_view(c->job->shared));
	if (rc < 0 || inter_is_done(sa))
		return rc;
	return pair_make(ike, sa);
}

int on_init_secret(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	int rc = sa->suite.n_additional ? proceed(ike, sa, c) : 0;

	if (rc < 0)
		return rc;
	if (!inter_is_done(sa) || sa->half->inter.pair_is_due || sa->out)
		return FSM_STAY;
	return on_auth_begin(ike, sa, c);
}

int on_inter_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct pld_ke ke;
	uint64_t job;
	int rc;

	if (c->rx->notes.error != 0) {
		sa_warn(ike, sa, "ike.intermediate.refused", "notify=%u said=%s",
			c->rx->notes.error, notify_text(c->rx->notes.error));
		return -ERR_NO_PROPOSAL;
	}
	rc = key_read(sa, c->rx, &ke);
	if (rc == 0)
		rc = cover_received(ike, sa, c->rx);
	if (rc < 0)
		return rc;
	sa->at_retransmit = 0;
	exch_free(sa->out);
	sa->out = NULL;
	return job_start(ike, sa,
		&(struct job_args){.slot = JOB_SA,
			.kind = IKE_KEX_DERIVE,
			.group = ke.group,
			.kex = take_ptr(sa->half->kex),
			.peer = ke.data},
		&job);
}

/* ---------------------------------------------------------------- responder */

static int answer(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	struct writer w;
	int rc = rx->done->rc;

	if (rc < 0)
		return rc;
	tx_answer_open(ike, sa, &w, rx);
	key_write(&w, rx->done->kex);
	rc = cover_sent(ike, sa, &w, rx->mid);
	if (rc == 0)
		rc = tx_answer_now(ike, sa, &w, rx);
	return rc < 0 ? rc : keys_renew(ike, sa, rx->done->shared);
}

int on_inter_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	const struct rx *rx = c->rx;
	struct pld_ke ke;
	int rc;

	if (rx->done)
		return answer(ike, sa, rx);
	/* The peer may have moved to port 4500 (RFC 7296 2.23, RFC 9242 3.1). */
	if (rx->dg) {
		sa->local = rx->dg->local;
		sa->remote = rx->dg->remote;
		sa->natt = rx->dg->natt;
	}
	rc = key_read(sa, rx, &ke);
	if (rc == 0)
		rc = cover_received(ike, sa, rx);
	return rc < 0 ? rc : job_for_request(ike, sa, c, &ke);
}
