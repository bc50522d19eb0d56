#include <stdlib.h>

#include "base/err.h"
#include "dp.h"
#include "pbconv.h"

enum { NOTES_A_TURN = 256, BATCH_MAX = 2000 /* leases a message: below 64 KB */ };

static void send_acquire(struct dp *dp, const struct note *n)
{
	Dp__Event e = DP__EVENT__INIT;
	Dp__Acquire a = DP__ACQUIRE__INIT;
	uint8_t src[16], dst[16];

	a.policy_id = n->acquire.policy_id;
	a.protocol = n->acquire.protocol;
	a.worker_hint = n->acquire.worker_hint;
	a.source = pb_of_ipaddr(n->acquire.src, src);
	a.destination = pb_of_ipaddr(n->acquire.dst, dst);
	a.source_port = n->acquire.sport;
	a.destination_port = n->acquire.dport;
	e.body_case = DP__EVENT__BODY_ACQUIRE;
	e.acquire = &a;
	api_event(dp, &e);
}

static void send_first(struct dp *dp, const struct note *n)
{
	Dp__Event e = DP__EVENT__INIT;
	Dp__InboundFirst f = DP__INBOUND_FIRST__INIT;

	f.spi_in = n->spi;
	e.body_case = DP__EVENT__BODY_INBOUND_FIRST;
	e.inbound_first = &f;
	api_event(dp, &e);
}

static void send_moved(struct dp *dp, const struct note *n)
{
	Dp__Event e = DP__EVENT__INIT;
	Dp__EndpointMoved m = DP__ENDPOINT_MOVED__INIT;
	Dp__Endpoint from = DP__ENDPOINT__INIT;
	uint8_t room[16];

	from.address = pb_of_ipaddr(n->endpoint.from, room);
	from.port = n->endpoint.from_port;
	m.spi_in = n->spi;
	m.from = &from;
	e.body_case = DP__EVENT__BODY_ENDPOINT_MOVED;
	e.endpoint_moved = &m;
	api_event(dp, &e);
}

static void send_lifetime(struct dp *dp, const struct note *n)
{
	Dp__Event e = DP__EVENT__INIT;
	Dp__Lifetime l = DP__LIFETIME__INIT;

	l.spi_in = n->spi;
	l.kind = (Dp__LifetimeKind)n->lifetime.kind;
	e.body_case = DP__EVENT__BODY_LIFETIME;
	e.lifetime = &l;
	api_event(dp, &e);
}

static void send_bad_spi(struct dp *dp, const struct note *n)
{
	Dp__Event e = DP__EVENT__INIT;
	Dp__BadSpi b = DP__BAD_SPI__INIT;
	Dp__Endpoint from = DP__ENDPOINT__INIT, to = DP__ENDPOINT__INIT;
	uint8_t room[2][16];

	from.address = pb_of_ipaddr(n->endpoint.from, room[0]);
	from.port = n->endpoint.from_port;
	to.address = pb_of_ipaddr(n->endpoint.to, room[1]);
	to.port = n->endpoint.to_port;
	b.spi = n->spi;
	b.from = &from;
	b.to = &to;
	e.body_case = DP__EVENT__BODY_BAD_SPI;
	e.bad_spi = &b;
	api_event(dp, &e);
}

static void batch_send(struct dp *dp, uint32_t rg)
{
	struct lease_batch *b = &dp->leases[rg];
	Dp__Lease **refs = calloc(b->n + 1u, sizeof *refs);
	Dp__Event e = DP__EVENT__INIT;
	Dp__LeaseWant w = DP__LEASE_WANT__INIT;

	for (uint32_t i = 0; refs && i < b->n; i++)
		refs[i] = &b->v[i];
	w.rg = rg;
	w.epoch = b->epoch;
	w.n_wants = refs ? b->n : 0;
	w.wants = refs;
	e.body_case = DP__EVENT__BODY_LEASE_WANT;
	e.lease_want = &w;
	api_event(dp, &e);
	free(refs);
	b->n = 0;
	dp->n_batches--;
}

static void gather_lease(struct dp *dp, const struct note *n, uint64_t now_ns)
{
	struct lease_batch *b = &dp->leases[n->lease.rg];
	Dp__Lease *l;

	if (b->n && b->epoch != n->lease.want.epoch)
		batch_send(dp, n->lease.rg);
	if (b->n == b->cap) {
		uint32_t cap = b->cap ? b->cap * 2 : 64;
		Dp__Lease *more = realloc(b->v, cap * sizeof *more);

		if (!more)
			return; /* the worker asks again */
		b->v = more;
		b->cap = cap;
	}
	if (b->n == 0) {
		b->since_ns = now_ns;
		b->epoch = n->lease.want.epoch;
		dp->n_batches++;
	}
	l = &b->v[b->n++];
	dp__lease__init(l);
	l->spi_in = n->spi;
	l->epoch = n->lease.want.epoch;
	l->out_horizon = n->lease.want.out_horizon;
	l->in_top = n->lease.want.in_top;
	l->in_horizon = n->lease.want.in_horizon;
	if (b->n >= BATCH_MAX)
		batch_send(dp, n->lease.rg);
}

static void note_handle(struct dp *dp, const struct note *n, uint64_t now_ns)
{
	switch (n->kind) {
	case NOTE_ACQUIRE:
		send_acquire(dp, n);
		return;
	case NOTE_LEASE_WANT:
		gather_lease(dp, n, now_ns);
		return;
	case NOTE_INBOUND_FIRST:
		send_first(dp, n);
		return;
	case NOTE_ENDPOINT_MOVED:
		send_moved(dp, n);
		return;
	case NOTE_LIFETIME:
		send_lifetime(dp, n);
		return;
	case NOTE_BAD_SPI:
		send_bad_spi(dp, n);
		return;
	case NOTE_ARP_ANSWER:
		probe_answer(dp, n, now_ns);
		return;
	case NOTE_PATH_MTU:
		path_mtu_learn(dp, n, now_ns);
		return;
	}
}

static uint64_t batch_ns(const struct dp *dp)
{
	return (uint64_t)dp->lease_batch_ms * 1000 * 1000;
}

uint64_t events_due(const struct dp *dp)
{
	uint64_t due = UINT64_MAX;

	for (uint32_t rg = 0; dp->n_batches && rg < RG_MAX; rg++)
		if (dp->leases[rg].n)
			due = MIN(due, dp->leases[rg].since_ns + batch_ns(dp));
	return due;
}

void events_step(struct dp *dp, uint64_t now_ns)
{
	struct note v[NOTES_A_TURN];

	for (uint32_t i = 0; i < dp->sh.n_workers; i++) {
		uint32_t n = ring_get(&dp->sh.workers[i]->notes, v, NOTES_A_TURN);

		for (uint32_t k = 0; k < n; k++)
			note_handle(dp, &v[k], now_ns);
		if (n == NOTES_A_TURN)
			dp->again = true;
	}
	for (uint32_t rg = 0; dp->n_batches && rg < RG_MAX; rg++)
		if (dp->leases[rg].n && now_ns >= dp->leases[rg].since_ns + batch_ns(dp))
			batch_send(dp, rg);
}

void events_fini(struct dp *dp)
{
	for (uint32_t rg = 0; rg < RG_MAX; rg++)
		free(dp->leases[rg].v);
}
