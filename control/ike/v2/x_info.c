/*
 * INFORMATIONAL (RFC 7296 1.4, 1.4.1, 2.4, 2.21, 2.25.1): deletes, liveness, errors, and the ends
 * of an IKE SA.
 */
#include <inttypes.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/schedule.h"
#include "ike/tx.h"
#include "ike/v2/collide.h"
#include "ike/v2/exchange.h"
#include "ike/v2/hint.h"
#include "ike/v2/mobike.h"
#include "ike/v2/redirect.h"
#include "ike/v2/resume.h"
#include "wire/pld_delete.h"

#define SPIS_MAX 512

/* An IKE SA ends, and its children with it, unless a crossing rekey left an heir. */
static void end_children(struct ike *ike, struct ike_sa *sa, enum tunnel_down why)
{
	struct ike_sa *heir = collide_heir(ike, sa);

	if (heir)
		rekey_hand_over(ike, sa, heir);
	sched_sa_gone(ike, sa, (int)why);
}

/* ---------------------------------------------------------------- asked */

/* Our halves of the pairs that the peer deletes. When our own delete of one is under way the peer
 * names it in its answer to that (2.25.1), so we do not here. */
static size_t delete_children(struct ike *ike, struct ike_sa *sa, const struct pld_delete *d,
	uint32_t out[SPIS_MAX], size_t n)
{
	for (size_t i = 0; i < d->count && n < SPIS_MAX; i++) {
		struct child *c = child_find_out(sa, pld_delete_spi(d, i));

		if (c && esp_suite_protocol(&c->suite) != d->protocol)
			continue;
		if (!c) {
			struct exch *ours = collide_makes_child(sa);

			if (ours)
				ours->dead_spi = pld_delete_spi(d, i);
			continue;
		}
		if (!sa->out || sa->out->kind != EXCH_DELETE_CHILD || sa->out->old_spi != c->spi_in)
			out[n++] = c->spi_in;
		sched_child_gone(ike, c, TUNNEL_PEER_CLOSED);
	}
	return n;
}

/* All that the message deletes of one protocol, and the answer to it. */
static void answer_deletes(
	struct ike *ike, struct ike_sa *sa, const struct rx *rx, uint8_t protocol, struct writer *w)
{
	const struct payload *p = NULL;
	uint32_t spis[SPIS_MAX];
	struct pld_delete d;
	size_t n = 0;

	while ((p = chain_next(rx->chain, PLD_DELETE, p)) != NULL)
		if (pld_delete_parse(p->body, &d) == 0 && d.protocol == protocol)
			n = delete_children(ike, sa, &d, spis, n);
	if (n == 0)
		return;
	writer_open(w, PLD_DELETE);
	pld_delete_emit(&w->e, protocol, spis, n);
	writer_close(w);
}

int on_info_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct writer w;
	uint16_t refusal;

	rekey_claim(ike, sa);
	hint_inside(ike, sa, c->rx);
	refusal = mobike_asked(ike, sa, c->rx);
	redirect_asked(ike, sa, c->rx);
	tx_answer_open(ike, sa, &w, c->rx);
	answer_deletes(ike, sa, c->rx, PROTO_ESP, &w);
	answer_deletes(ike, sa, c->rx, PROTO_AH, &w);
	mobike_answer(ike, sa, c->rx, refusal, &w);
	return tx_answer_close(ike, sa, &w, c->rx);
}

/* RFC 7296 2.25: this SA is on its way out. */
int on_busy_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	return tx_answer_notify(ike, sa, c->rx, N_TEMPORARY_FAILURE);
}

int on_delete_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct writer w;

	if (sa->state == SA_UP)
		sa_info(ike, sa, "ike.down", "reason=\"deleted by the peer\"");
	end_children(ike, sa, TUNNEL_PEER_CLOSED);
	exch_free(sa->out);
	sa->out = NULL;
	tx_answer_open(ike, sa, &w, c->rx);
	return tx_answer_close(ike, sa, &w, c->rx);
}

/* ---------------------------------------------------------------- answered */

int on_info_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct child *gone =
		sa->out->kind == EXCH_DELETE_CHILD ? child_find(ike, sa->out->old_spi) : NULL;

	mobike_told(ike, sa, c->rx);
	if (sa->out->old_spi == sa->orphan)
		sa->orphan = 0;
	xchg_end(ike, sa);
	if (gone)
		sched_child_gone(ike, gone, TUNNEL_EXPIRED);
	return 0;
}

int on_close_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	(void)c;
	end_children(ike, sa, TUNNEL_CLEARED);
	txn_gone_sa(ike, sa);
	sa_drop(ike, sa);
	return 0;
}

/* ---------------------------------------------------------------- ends */

int on_close(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	(void)c;
	if (sa->out)
		return -ERR_AGAIN;
	sa->want_close = false;
	if (!sa->successor && sa->gw)
		ticket_forget(sa->gw); /* RFC 5723 4.1: closed on purpose */
	if (!sa->successor)
		sa_info(ike, sa, "ike.down", "reason=\"closed here\"");
	/* After a reauthentication the peer may send with them until it reads this. */
	if (!sa->successor)
		end_children(ike, sa, TUNNEL_CLEARED);
	return xchg_begin_delete(ike, sa, 0);
}

void xchg_close(struct ike *ike, struct ike_sa *sa)
{
	sa->want_close = true;
	if (sa->out && !sa->successor)
		end_children(ike, sa, TUNNEL_CLEARED);
	txn_sa(ike, sa); /* a successor closes it, too */
	sched_work(ike, sa);
}

/* Crossing rekeys made one too many; the peer may never have had this one. */
static bool is_one_too_many(const struct ike_sa *sa)
{
	const struct ike_sa *other;

	if (sa->has_children || !sa->gw)
		return false;
	list_foreach (other, &sa->gw->sas, of_gw)
		if (other->lineage == sa->lineage && other->has_children && sa_is_open(other))
			return true;
	return false;
}

int on_dead(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct gateway *gw = sa->gw;

	if (is_one_too_many(sa))
		return on_forget(ike, sa, c);
	sa_warn(ike, sa, "ike.dead", "reason=\"no answer from the peer\"");
	ike->stats.ike_dead++;
	end_children(ike, sa, TUNNEL_DPD);
	txn_gone_sa(ike, sa);
	sa_drop(ike, sa);
	if (gw)
		gateway_failed(ike, gw, TUNNEL_NO_RESPONSE);
	return 0;
}

/* The hard lifetime is over: closed as if asked to, and dropped when that is not possible. */
int on_expired(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	if (peer_cert_left_ms(sa->peer_cert, ike->wall_ms) == 0)
		sa_warn(ike, sa, "ike.expired",
			"rekeys=%u reason=\"the peer's certificate or one above it has expired\" "
			"subject=\"%s\"",
			sa->rekeys, sa->peer_cert->subject);
	else
		sa_info(ike, sa, "ike.expired", "rekeys=%u", sa->rekeys);
	end_children(ike, sa, TUNNEL_EXPIRED);
	exch_free(sa->out);
	sa->out = NULL;
	sa->at_retransmit = 0;
	return on_close(ike, sa, c);
}

int on_forget(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	(void)c;
	end_children(ike, sa, TUNNEL_PEER_CLOSED);
	txn_gone_sa(ike, sa);
	sa_drop(ike, sa);
	return 0;
}

static bool is_request(enum sa_trigger on)
{
	return on == RX_AUTH_REQ || on == RX_CHILD_REQ || on == RX_CHILD_REKEY_REQ ||
	       on == RX_IKE_REKEY_REQ || on == RX_FOLLOW_REQ || on == RX_INFO_REQ ||
	       on == RX_DELETE_IKE_REQ;
}

/*
 * An authenticated request that is malformed ends the IKE SA on both sides without more words
 * (2.21.3). One that we could not serve for a reason of ours is to be asked again; an answer that
 * we cannot use ends that exchange, and we close.
 */
int on_bad_message(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	int rc;

	sa_warn(ike, sa, "ike.message.bad", "on=\"%s\" reason=\"%s\"", sa_trigger_text(c->failed),
		err_text(c->rc));
	if (!c->rx)
		return FSM_STAY;
	if (is_request(c->failed)) {
		rc = tx_answer_notify(ike, sa, c->rx,
			c->rc == -ERR_SYNTAX ? N_INVALID_SYNTAX : N_TEMPORARY_FAILURE);
		if (rc < 0 || c->rc != -ERR_SYNTAX)
			return FSM_STAY;
		end_children(ike, sa, TUNNEL_OTHER);
		exch_free(sa->out);
		sa->out = NULL;
		return 0;
	}
	if (sa->out) {
		xchg_end(ike, sa);
		sa->want_close = true;
	}
	return FSM_STAY;
}
