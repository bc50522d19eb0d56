#include "inside.h"

#include "ike/engine.h"
#include "ike/linger.h"
#include "ike/record.h"
#include "ike/spoke.h"

uint64_t inside_begun(const struct ike *ike)
{
	return ike->stats.ike_initiated + ike->stats.ike_up;
}

uint64_t inside_pending(const struct ike *ike)
{
	const struct ike_sa *sa;
	uint64_t n = 0;

	for (sa = ike->sas; sa; sa = sa->hh.next)
		n += sa->state < SA_UP;
	return n;
}

uint64_t inside_dead(const struct ike *ike)
{
	return ike->stats.ike_dead;
}

bool inside_has_sa(const struct ike *ike)
{
	const struct ike_sa *sa;

	for (sa = ike->sas; sa; sa = sa->hh.next)
		if ((sa->state == SA_UP || sa->state == SA_REKEYED) && sa->has_children)
			return true;
	return false;
}

bool inside_has_tunnels(const struct ike *ike)
{
	const struct tunnel *t;

	for (t = ike->tunnels; t; t = t->hh.next) {
		const struct child *c;
		bool sends = false;

		list_foreach (c, &t->children, of_tunnel)
			sends |= c->installed && c->outbound;
		if (!sends && !tunnel_is_up(t))
			return false;
	}
	return true;
}

bool inside_lingers(const struct ike *ike, uint32_t spi_in)
{
	return linger_has(ike, spi_in);
}

bool inside_is_busy(const struct ike *ike, uint32_t rg)
{
	const struct ike_sa *sa;

	for (sa = ike->sas; sa; sa = sa->hh.next)
		if (sa->rg == rg &&
			(sa->out || sa->in || (sa->answer.flight && !sa->answer.released)))
			return true;
	return ike->holds.by_ticket != NULL;
}

bool inside_is_refused(const struct ike *ike, uint64_t spi_local)
{
	const struct ike_sa *sa;

	for (sa = ike->sas; sa; sa = sa->hh.next)
		if (sa->spi_local == spi_local)
			return sa->state == SA_REFUSED;
	return false;
}

bool inside_knows(struct ike *ike, struct view key)
{
	return record_key_find_sa(ike, key) || record_key_find_child(ike, key);
}

size_t inside_sas(const struct ike *ike, struct inside_sa out[INSIDE_MAX])
{
	const struct ike_sa *sa;
	size_t n = 0;

	for (sa = ike->sas; sa && n < INSIDE_MAX; sa = sa->hh.next)
		out[n++] = (struct inside_sa){.spi_local = sa->spi_local,
			.spi_remote = sa->spi_remote,
			.last_rx_ms = sa->last_rx_ms,
			.remote = sa->remote.addr,
			.rg = sa->rg,
			.next_tx = sa->next_tx,
			.next_rx = sa->next_rx,
			.rekeys = sa->rekeys,
			.up = sa->state == SA_UP,
			.recorded = sa->recorded,
			.has_children = sa->has_children,
			.state = sa_state_text(sa->state)};
	return n;
}

/* Those whose SAs are all closed are left out. */
size_t inside_spokes(const struct ike *ike, struct inside_spoke out[INSIDE_MAX])
{
	const struct gateway *s;
	const struct tunnel *t;
	const struct ike_sa *sa;
	size_t n = 0;

	for (s = ike->spokes; s && n < INSIDE_MAX; s = s->by_number.next) {
		struct inside_spoke *o = &out[n];

		if (!spoke_is_connected(s))
			continue;
		*o = (struct inside_spoke){.rg = s->model->rg, .number = s->number};
		list_foreach (sa, &s->sas, of_gw)
			if (sa_is_open(sa))
				o->peer = sa->remote.addr;
		list_foreach (t, &s->tunnels, of_gw)
			o->policy_id = t->policy_id;
		n++;
	}
	return n;
}

uint64_t inside_tickets_refused(const struct ike *ike)
{
	return ike->stats.tickets_refused;
}

bool inside_has_worker(const struct ike *ike, uint32_t worker)
{
	return worker == 0 || (ike->workers >> (worker - 1) & 1) != 0;
}

size_t inside_children(const struct ike *ike, struct inside_child out[INSIDE_MAX])
{
	const struct child *c;
	size_t n = 0;

	for (c = ike->children; c && n < INSIDE_MAX; c = c->hh.next)
		out[n++] = (struct inside_child){.spi_in = c->spi_in,
			.spi_out = c->spi_out,
			.rg = c->sa->rg,
			.worker_hint = c->resource,
			.peer = c->sa->remote.addr,
			.outbound = c->outbound};
	return n;
}
