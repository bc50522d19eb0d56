#include "net.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "models.h"
#include "node.h"
#include "peer.h"
#include "theme.h"

struct datagram {
	uint32_t rg, p, from;	       /* from: the node */
	struct endpoint local, remote; /* as the receiver sees them */
	size_t n;
	uint8_t octets[];
};

static struct datagram *datagram_of(
	const struct ike_fx_send *s, struct view octets, uint32_t rg, uint32_t p)
{
	struct datagram *d = malloc(sizeof *d + octets.n);

	if (!d)
		abort();
	*d = (struct datagram){
		.rg = rg, .p = p, .local = s->remote, .remote = s->local, .n = octets.n};
	memcpy(d->octets, octets.p, octets.n);
	return d;
}

static struct ike_event event_of(const struct datagram *d)
{
	struct ike_event ev = {.type = IKE_EV_DATAGRAM};

	ev.datagram = (struct ike_ev_datagram){.interface_id = interface_of("any"),
		.local = d->local,
		.remote = d->remote,
		.natt = d->local.port == 4500,
		.octets = view_of(d->octets, d->n)};
	return ev;
}

static uint64_t delay(struct world *w)
{
	return US(rnd_between(w, 200, chance(w, 5) ? 90000 : 1500));
}

/* How often it arrives. */
static uint32_t copies(struct world *w)
{
	return chance(w, 3) ? 0 : chance(w, 3) ? 2 : 1;
}

/* ---------------------------------------------------------------- to a peer */

static void at_peer(struct world *w, uint32_t node, void *data)
{
	const struct datagram *d = data;
	struct ike_event ev = event_of(d);
	struct addr at = address_of_place(d->p, w->peer[d->p]->place);

	(void)node;
	if (!theme_is_cut_off(w, d->p) && addr_equal(&d->local.addr, &at))
		peer_event(w, d->p, &ev);
}

/* Out of the node's own dataplane, if it acts. */
void net_from_node(struct world *w, uint32_t n, const struct ike_fx_send *s)
{
	uint32_t p = peer_of_address(&s->remote.addr);

	if (p == UINT32_MAX || !dp_acts(w, n, s->rg))
		return;
	for (size_t i = 0; i < s->n; i++) {
		check_message(w, n, s->rg, s->datagrams[i]);
		for (uint32_t k = copies(w); k; k--)
			world_at(w, delay(w), WHO_WORLD, 0, at_peer,
				datagram_of(s, s->datagrams[i], s->rg, p));
	}
}

/* ---------------------------------------------------------------- to the cluster */

static void punt(struct world *w, uint32_t n, void *data)
{
	struct ike_event ev = event_of(data);

	engine_event(w, n, &ev);
}

static void at_port(struct world *w, uint32_t n, void *data)
{
	const struct datagram *d = data;
	struct datagram *copy;

	if (!dp_acts(w, n, d->rg) || !w->proc[n][WHO_CONTROL].up)
		return;
	copy = malloc(sizeof *copy + d->n);
	if (!copy)
		abort();
	memcpy(copy, d, sizeof *d + d->n);
	to_control(w, n, punt, copy);
}

void net_from_peer(struct world *w, uint32_t p, const struct ike_fx_send *s)
{
	uint32_t rg = rg_of_address(&s->remote.addr);

	if (rg == UINT32_MAX || theme_is_cut_off(w, p))
		return;
	for (size_t i = 0; i < s->n; i++)
		for (uint32_t k = copies(w); k; k--)
			for (uint32_t n = 0; n < w->nodes; n++)
				if (w->proc[n][WHO_DATAPLANE].up)
					world_at(w, delay(w), WHO_DATAPLANE, n, at_port,
						datagram_of(s, s->datagrams[i], rg, p));
}
