#include "ike/v2/hint.h"

#include <inttypes.h>

#include "base/cursor.h"
#include "base/emit.h"
#include "ike/engine.h"
#include "ike/schedule.h"
#include "ike/tx.h"
#include "ike/v2/exchange.h"
#include "wire/writer.h"

/* ---------------------------------------------------------------- what we saw */

static struct ike_sa *sa_between(struct ike *ike, const struct ike_ev_bad_spi *b)
{
	struct ike_sa *sa, *next;

	map_foreach (ike->sas, sa, next)
		if (sa->state == SA_UP && addr_equal(&sa->remote.addr, &b->from) &&
			addr_equal(&sa->local.addr, &b->to))
			return sa;
	return NULL;
}

/* RFC 7296 1.5: without an IKE SA, in clear; the SPIs in the header mean nothing. */
static void tell_in_clear(struct ike *ike, struct gateway *gw, const struct ike_ev_bad_spi *b)
{
	struct ike_header h = {.exchange = EXCHANGE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR};
	const struct ike_ev_datagram to = {
		.interface_id = ike->cfg.interface_id(gw->model->external->name),
		.local = {b->to, 500},
		.remote = {b->from, 500}};
	uint8_t spi[4];
	struct emit e = emit_to(spi, sizeof spi);
	struct view message;
	struct writer w;

	emit_be32(&e, b->spi);
	writer_begin(&w, ike->room_out, sizeof ike->room_out, &h);
	tx_notify(&w, N_INVALID_SPI, view_of_array(spi));
	if (writer_end(&w, &message) == 0)
		tx_stateless(ike, gw->model->rg, &to, message);
}

static struct tunnel *tunnel_to_start(struct gateway *gw)
{
	struct tunnel *t;

	list_foreach (t, &gw->tunnels, of_gw)
		if (tunnel_may_initiate(t))
			return t;
	return NULL;
}

/* A peer that we know, but have nothing with: who sent that may be anybody. */
static void without_sa(struct ike *ike, const struct ike_ev_bad_spi *b, uint32_t most)
{
	struct peer_walk walk = {.local = b->to, .remote = b->from};
	struct gateway *gw = peer_next(ike, &walk);
	struct tunnel *t;

	if (!gw || gw->model->dynamic || !gw->model->external || gw->bad_spi_told >= most ||
		!rg_active(ike, gw->model->rg))
		return;
	gw->bad_spi_told++;
	t = tunnel_to_start(gw);
	if (t)
		tunnel_want(ike, t);
	else
		tell_in_clear(ike, gw, b);
}

void hint_bad_spi(struct ike *ike, const struct ike_ev_bad_spi *b)
{
	uint32_t most = ike->model ? ike->model->limits.respond_bad_spi : 0;
	struct ike_sa *sa;

	ike->stats.bad_spis++;
	if (most == 0)
		return;
	sa = sa_between(ike, b);
	if (!sa) {
		without_sa(ike, b, most);
		return;
	}
	if (sa->bad_spi_told >= most || sa->bad_spi != 0)
		return;
	sa->bad_spi = b->spi;
	sa->bad_spi_told++;
	sa->want_probe = true;
	sched_work(ike, sa);
}

/* ---------------------------------------------------------------- what we hear */

void hint_inside(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	struct child *c;

	if (rx->notes.error != N_INVALID_SPI)
		return;
	c = child_find_out(sa, rx->notes.invalid_spi);
	if (!c || c->state != CHILD_UP || c->want_delete)
		return; /* replaced ones are named by packets that were on the way */
	ike->stats.hints++;
	sa_info(ike, sa, "child.unknown", "spi=%08" PRIx32 " out=%08" PRIx32, c->spi_in,
		c->spi_out);
	if (tunnel_may_rekey(c->tunnel))
		c->want_rekey = true;
	else
		c->want_delete = true;
	sched_work(ike, sa);
}

static void doubt(struct ike *ike, struct ike_sa *sa)
{
	if (sa->state != SA_UP || sa->out ||
		ike->now_ms < MAX(sa->hinted_ms, sa->last_rx_ms) + HINT_EACH_MS) {
		ike->stats.hints_ignored++;
		return;
	}
	ike->stats.hints++;
	sa->hinted_ms = ike->now_ms;
	sa->want_probe = true;
	sched_work(ike, sa);
}

/* The SA with that sender that sends with that SPI. Anybody can make us look through all of them,
 * so that is done now and then: who really lost one says so again (I9). */
static struct ike_sa *sa_that_sends(struct ike *ike, const struct addr *from, uint32_t spi)
{
	struct ike_sa *sa, *next;

	if (ike->now_ms < ike->hint_scan_ms)
		return NULL;
	ike->hint_scan_ms = ike->now_ms + HINT_SCAN_MS;
	map_foreach (ike->sas, sa, next)
		if (sa->state == SA_UP && addr_equal(&sa->remote.addr, from) &&
			child_find_out(sa, spi))
			return sa;
	return NULL;
}

static struct ike_sa *sa_named(struct ike *ike, const struct ike_ev_datagram *dg,
	const struct ike_header *h, const struct notes *n)
{
	struct ike_sa *sa;

	if (n->error == N_INVALID_SPI)
		return sa_that_sends(ike, &dg->remote.addr, n->invalid_spi);
	if (n->error != N_INVALID_IKE_SPI)
		return NULL;
	/* 2.21.4: an answer with the SPIs of our request. */
	sa = sa_find(ike, ike_header_is_from_initiator(h) ? h->spi_r : h->spi_i);
	return sa && addr_equal(&sa->remote.addr, &dg->remote.addr) ? sa : NULL;
}

bool hint_outside(struct ike *ike, const struct ike_ev_datagram *dg, const struct ike_header *h)
{
	struct message m;
	struct notes notes;
	struct ike_sa *sa;

	if (h->exchange == EXCHANGE_IKE_SA_INIT || h->exchange == EXCHANGE_IKE_SESSION_RESUME ||
		h->next != PLD_NOTIFY)
		return false;
	if (message_parse(dg->octets, &m) < 0 || notes_read(&m.chain, &notes) < 0) {
		ike->stats.rx_malformed++;
		return true;
	}
	sa = sa_named(ike, dg, h, &notes);
	if (sa && rg_active(ike, sa->rg))
		doubt(ike, sa);
	else
		ike->stats.hints_ignored++;
	return true;
}
