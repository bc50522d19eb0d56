/* Packets of a dataplane: numbers, IVs, windows. */
#include <stdlib.h>

#include "check.h"
#include "dp_in.h"
#include "peer.h"
#include "records.h"
#include "theme.h"

static void wants_event(struct world *w, uint32_t n, void *data)
{
	records_wants(w, n, data);
}

static bool mutate_constant(const struct world *w)
{
	return w->mutant && w->mutant->constant_jump;
}

/* A checkpoint instead of a lease: the owner never waits for it, the successor adds a constant. */
static void checkpoint(struct dpsa *sa, struct lease *want)
{
	struct lease own = *want;

	want->out_horizon = sa->seq.next + 4096;
	own.out_horizon = sa->seq.next + (1u << 20);
	seqno_grant(&sa->seq, &own, &sa->in);
}

struct heard {
	uint32_t p, spi;
};

static void heard(struct world *w, uint32_t node, void *data)
{
	const struct heard *h = data;

	(void)node;
	peer_heard(w, h->p, h->spi);
}

static void to_peer(struct world *w, const struct dpsa *sa)
{
	struct addr at = address_of_place(sa->peer, w->peer[sa->peer]->place);
	struct heard *h;

	if (!addr_equal(&sa->remote, &at))
		return;
	h = malloc(sizeof *h);
	if (!h)
		abort();
	*h = (struct heard){sa->peer, sa->spi_out};
	world_at(w, US(rnd_between(w, 100, 900)), WHO_WORLD, 0, heard, h);
}

static void send_some(struct world *w, uint32_t n, struct dpsa *sa, struct wants *want)
{
	struct dp *dp = dp_of(w, n);
	struct lease lease;
	uint64_t clock = node_clock(w, n);
	uint64_t count = rnd_below(w, chance(w, 3) ? 3000 : 30);
	bool sent = false;

	if (seqno_enter(&sa->seq, dp->rg[sa->rg].epoch, clock, &sa->in) < 0)
		return;
	for (; count; count--) {
		uint64_t seq = seqno_take(&sa->seq), iv;

		if (seq == 0)
			break;
		if (iv_next(&dp->pool, &dp->block, (uint8_t)n, &iv) < 0)
			break;
		check_sent(w, n, sa->rg, sa->spi, seq, iv);
		sent = true;
	}
	if (sent && chance(w, 50))
		to_peer(w, sa);
	if (!seqno_want(&sa->seq, sa->in.top, clock, MSEC(HOLD_MS), &lease))
		return;
	if (mutate_constant(w))
		checkpoint(sa, &lease);
	want->v[want->n++] = (struct sa_lease){.spi = sa->spi, .lease = lease};
	want->rg = sa->rg;
	want->epoch = dp->rg[sa->rg].epoch;
}

void dp_send(struct world *w, uint32_t n, uint32_t rg)
{
	struct dp *dp = dp_of(w, n);
	struct wants *want = calloc(1, sizeof *want);

	if (!want)
		abort();
	for (uint32_t i = 0; i < SAS; i++)
		if (dp->sa[i].used && dp->sa[i].outbound && dp->sa[i].rg == rg)
			send_some(w, n, &dp->sa[i], want);
	if (want->n && dp->connected)
		to_control(w, n, wants_event, want);
	else
		free(want);
}

static void inbound_first(struct world *w, uint32_t n, void *data)
{
	struct ike_event ev = {
		.type = IKE_EV_INBOUND_FIRST, .inbound_first = *(const uint32_t *)data};

	engine_event(w, n, &ev);
}

static void tell_first(struct world *w, uint32_t n, struct dpsa *sa)
{
	uint32_t *spi;

	sa->told = true;
	if (sa->outbound || !w->proc[n][WHO_CONTROL].up)
		return;
	spi = malloc(sizeof *spi);
	if (!spi)
		abort();
	*spi = sa->spi;
	to_control(w, n, inbound_first, spi);
}

void dp_receive(struct world *w, uint32_t n, uint32_t rg, uint32_t spi, uint64_t seq)
{
	struct dp *dp = dp_of(w, n);
	struct dpsa *sa = dp_sa(dp, spi);
	uint64_t epoch;

	dp_note_pause(w, n);
	if (!dp_acts(w, n, rg) || dp->frozen[rg])
		return;
	if (!sa) {
		check_no_sa(w, n, rg, spi);
		return;
	}
	epoch = dp->rg[sa->rg].epoch;
	if (seqno_enter(&sa->seq, epoch, node_clock(w, n), &sa->in) < 0 ||
		!seqno_in_allows(&sa->seq, seq) || replay_check(&sa->in, seq) < 0 ||
		replay_mark(&sa->in, seq) < 0)
		return;
	check_received(w, n, sa->rg, spi, seq);
	if (!sa->told)
		tell_first(w, n, sa);
}
