#include "ike/v2/mobike.h"

#include "base/emit.h"
#include "base/err.h"
#include "ike/engine.h"
#include "ike/schedule.h"
#include "ike/tx.h"
#include "ike/v2/exchange.h"
#include "wire/writer.h"

#define COOKIE2_LEN 16 /* 8..64 (RFC 4555 4.2.5) */

static bool is_allowed(const struct ike_sa *sa)
{
	return sa->gw && sa->gw->model->mobike;
}

static bool may_move(const struct ike_sa *sa)
{
	return (sa->supports & SA_MOBIKE) && is_allowed(sa);
}

/* ---------------------------------------------------------------- IKE_AUTH */

void mobike_request_notes(const struct ike_sa *sa, struct writer *w)
{
	if (is_allowed(sa))
		tx_notify(w, N_MOBIKE_SUPPORTED, (struct view){0});
}

void mobike_answer_notes(struct ike_sa *sa, const struct rx *rx, struct writer *w)
{
	if (!is_allowed(sa) || !rx->notes.mobike)
		return;
	sa->supports |= SA_MOBIKE;
	tx_notify(w, N_MOBIKE_SUPPORTED, (struct view){0});
}

void mobike_answered_notes(struct ike_sa *sa, const struct rx *rx)
{
	if (is_allowed(sa) && rx->notes.mobike)
		sa->supports |= SA_MOBIKE;
}

bool mobike_floats(const struct ike_sa *sa, const struct rx *rx)
{
	return is_allowed(sa) && sa->gw->model->nat_traversal && rx->notes.n_natd_source != 0;
}

/* ---------------------------------------------------------------- the move */

/* Everything that hangs on the addresses. The dataplane installs the same SA again: it may have to
 * put UDP around ESP now, or no longer. */
static void moved(struct ike *ike, struct ike_sa *sa)
{
	struct child *c;

	txn_sa(ike, sa);
	list_foreach (c, &sa->children, of_sa)
		if (c->installed)
			txn_install(ike, c);
		else
			txn_child(ike, c);
	sched_resumed(ike, sa);
	sa_rearm(ike, sa);
}

static bool has_natd(const struct rx *rx)
{
	return rx->notes.n_natd_source != 0 && rx->notes.natd_destination.n != 0;
}

/* 4.2.6: source and destination address, source and destination port, as they were sent. */
static bool is_untouched(const struct rx *rx)
{
	const struct ike_ev_datagram *dg = rx->dg;
	uint8_t room[36];
	struct emit e = emit_to(room, sizeof room);
	struct view want;

	emit_bytes(&e, dg->remote.addr.b, addr_len(&dg->remote.addr));
	emit_bytes(&e, dg->local.addr.b, addr_len(&dg->local.addr));
	emit_be16(&e, dg->remote.port);
	emit_be16(&e, dg->local.port);
	return emit_done(&e, &want) == 0 && view_equal(want, rx->notes.no_nats);
}

/* The peer is where the message comes from: what it says of that is for NAT detection only. */
static uint16_t update(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	const struct ike_ev_datagram *dg = rx->dg;
	bool was_nat = sa->nat_remote || sa->nat_local, same;
	char from[ENDPOINT_TEXT_MAX], to[ENDPOINT_TEXT_MAX];

	if (rx->notes.no_nats.n != 0 && !is_untouched(rx))
		return N_UNEXPECTED_NAT_DETECTED;
	if (!addr_equal(&dg->local.addr, &sa->local.addr))
		return N_UNACCEPTABLE_ADDRESSES;
	same = endpoint_equal(&sa->remote, &dg->remote) && endpoint_equal(&sa->local, &dg->local);
	endpoint_text(&sa->remote, from);
	sa->interface_id = dg->interface_id;
	sa->local = dg->local;
	sa->remote = dg->remote;
	sa->natt = dg->natt;
	if (has_natd(rx))
		natd_read(ike, sa, rx, sa_spi_r(sa));
	if (same && was_nat == (sa->nat_remote || sa->nat_local))
		return 0;
	ike->stats.mobike_moves++;
	sa_info(ike, sa, "ike.moved", "from=%s to=%s nat=%s%s by=mobike", from,
		endpoint_text(&sa->remote, to), sa->nat_local ? "local," : "",
		sa->nat_remote ? "remote" : "");
	sa->want_verify = true;
	moved(ike, sa);
	sched_work(ike, sa);
	return 0;
}

uint16_t mobike_asked(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	uint16_t refusal;

	if (!rx->notes.update_addresses || !rx->dg)
		return 0;
	/* 2, 3.5: only who began decides, whoever rekeyed since. */
	if (!may_move(sa) || sa->began || sa->state != SA_UP)
		refusal = N_UNACCEPTABLE_ADDRESSES;
	else
		refusal = update(ike, sa, rx);
	if (refusal != 0) {
		ike->stats.mobike_refused++;
		sa_warn(ike, sa, "ike.move.refused", "notify=%u said=%s", refusal,
			notify_text(refusal));
	}
	return refusal;
}

void mobike_answer(
	struct ike *ike, struct ike_sa *sa, const struct rx *rx, uint16_t refusal, struct writer *w)
{
	if (rx->notes.cookie2.n != 0)
		tx_notify(w, N_COOKIE2, rx->notes.cookie2);
	if (refusal != 0)
		tx_notify(w, refusal, (struct view){0});
	else if (has_natd(rx) && (sa->supports & SA_MOBIKE))
		natd_write(ike, sa, w);
}

void mobike_answer_way(struct ike_sa *sa, const struct rx *rx)
{
	if ((!(sa->supports & SA_MOBIKE) && !rx->notes.update_addresses) || !rx->dg)
		return;
	sa->answer.elsewhere = !endpoint_equal(&rx->dg->remote, &sa->remote) ||
			       !endpoint_equal(&rx->dg->local, &sa->local);
	sa->answer.interface_id = rx->dg->interface_id;
	sa->answer.local = rx->dg->local;
	sa->answer.remote = rx->dg->remote;
	sa->answer.natt = rx->dg->natt;
}

/* ---------------------------------------------------------------- ours */

/* Its nonce is in the record: a successor knows the answer. */
static struct view cookie2_of(const struct exch *x)
{
	return view_of(x->nonce, COOKIE2_LEN);
}

static int begin(struct ike *ike, struct ike_sa *sa, enum exch_kind kind, struct writer *w)
{
	sa->out = exch_new(kind);
	if (!sa->out)
		return -ERR_NOMEM;
	env_random(&ike->cfg.env, sa->out->nonce, sizeof sa->out->nonce);
	tx_request_open(ike, sa, w, EXCHANGE_INFORMATIONAL);
	return 0;
}

static int finish(struct ike *ike, struct ike_sa *sa, struct writer *w)
{
	int rc = tx_request_close(ike, sa, w);

	if (rc < 0) {
		exch_free(sa->out);
		sa->out = NULL;
	}
	return rc;
}

int mobike_begin_verify(struct ike *ike, struct ike_sa *sa)
{
	struct writer w;
	int rc;

	sa->want_verify = false;
	rc = begin(ike, sa, EXCH_VERIFY, &w);
	if (rc < 0)
		return rc;
	tx_notify(&w, N_COOKIE2, cookie2_of(sa->out));
	return finish(ike, sa, &w);
}

int mobike_begin_update(struct ike *ike, struct ike_sa *sa)
{
	struct writer w;
	int rc;

	sa->want_update = false;
	rc = begin(ike, sa, EXCH_UPDATE, &w);
	if (rc < 0)
		return rc;
	tx_notify(&w, N_UPDATE_SA_ADDRESSES, (struct view){0});
	natd_write(ike, sa, &w);
	return finish(ike, sa, &w);
}

static void verified(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	if (view_equal_ct(rx->notes.cookie2, cookie2_of(sa->out)))
		return;
	/* 3.7: whoever answers does not see what is sent there, or lies. */
	sa_warn(ike, sa, "ike.move.unverified", "reason=\"the peer does not repeat our COOKIE2\"");
	ike->stats.mobike_unverified++;
	sa->want_close = true;
}

static void updated(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	if (rx->notes.error != 0) {
		sa_warn(ike, sa, "ike.move.refused", "notify=%u said=%s", rx->notes.error,
			notify_text(rx->notes.error));
		sa->want_close = true;
		return;
	}
	if (has_natd(rx) && rx->dg)
		natd_read(ike, sa, rx, sa_spi_r(sa));
	moved(ike, sa);
}

void mobike_told(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	if (sa->out->kind == EXCH_VERIFY)
		verified(ike, sa, rx);
	else if (sa->out->kind == EXCH_UPDATE)
		updated(ike, sa, rx);
}

void mobike_readdress(struct ike *ike, const struct ike_ev_address *a)
{
	struct ike_sa *sa, *next;

	map_foreach (ike->sas, sa, next) {
		if (sa->state != SA_UP || !sa->began || !(sa->supports & SA_MOBIKE) ||
			!addr_equal(&sa->local.addr, &a->from))
			continue;
		sa->local.addr = a->to;
		sa->interface_id = a->interface_id;
		sa->want_update = true;
		txn_sa(ike, sa);
		sched_work(ike, sa);
	}
}
