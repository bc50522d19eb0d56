#include "ike/child.h"

#include <stdlib.h>

#include "ike/claims.h"
#include "ike/engine.h"
#include "ike/resource.h"

#define SPI_MANUAL_MAX 16639 /* Junos' range of manual SPIs */
#define SPI_DRAWS      64

uint32_t child_spi_draw(struct ike *ike, uint32_t rg, uint8_t resource)
{
	for (int i = 0; i < SPI_DRAWS; i++) {
		uint32_t low = env_random32(&ike->cfg.env) & 0xffffff;
		uint32_t spi = (rg & 0xff) << 24 | resource_spi(ike, low, resource);

		if (spi > SPI_MANUAL_MAX && !child_find(ike, spi) && !linger_has(ike, spi))
			return spi;
	}
	return 0;
}

struct child *child_new(struct ike *ike, struct ike_sa *sa, struct tunnel *t, uint32_t spi_in)
{
	struct child *c = calloc(1, sizeof *c);

	if (!c) {
		ike->failed = true;
		return NULL;
	}
	c->spi_in = spi_in;
	c->sa = sa;
	c->tunnel = t;
	c->state = CHILD_NEW;
	c->timer.kind = TIMER_CHILD;
	list_init(&c->link);
	list_init(&c->of_tunnel);
	list_add_tail(&sa->children, &c->of_sa);
	if (t)
		list_add_tail(&t->children, &c->of_tunnel);
	HASH_ADD(hh, ike->children, spi_in, sizeof c->spi_in, c);
	return c;
}

struct child *child_find(struct ike *ike, uint32_t spi_in)
{
	struct child *c;

	HASH_FIND(hh, ike->children, &spi_in, sizeof spi_in, c);
	return c;
}

struct child *child_find_out(struct ike_sa *sa, uint32_t spi_out)
{
	struct child *c;

	list_foreach (c, &sa->children, of_sa)
		if (c->spi_out == spi_out)
			return c;
	return NULL;
}

struct child *child_sibling(const struct child *c)
{
	struct child *o, *best = NULL;

	if (!c->tunnel)
		return NULL;
	list_foreach (o, &c->tunnel->children, of_tunnel)
		if (o->sa != c->sa && (o->state == CHILD_UP || o->state == CHILD_NEW) &&
			!o->want_delete && (!best || o->order > best->order) &&
			ident_equal(&o->sa->remote_id, &c->sa->remote_id))
			best = o;
	return best;
}

void child_drop(struct ike *ike, struct child *c)
{
	timer_cancel(&ike->timers, &c->timer);
	list_del(&c->of_sa);
	claims_remove(c);
	list_del(&c->of_tunnel);
	list_del(&c->link);
	c->changed = false;
	c->state = CHILD_GONE;
	c->sa = NULL;
	HASH_DELETE(hh, ike->children, c);
	list_add_tail(&ike->dead_children, &c->link);
}

void child_free(struct child *c)
{
	secret_free(c->keys);
	free(c->claims);
	free(c->local_ts);
	free(c->remote_ts);
	free(c);
}

void child_move(struct child *c, struct ike_sa *to)
{
	list_del(&c->of_sa);
	c->sa = to;
	list_add_tail(&to->children, &c->of_sa);
}

void child_rearm(struct ike *ike, struct child *c)
{
	const uint64_t at[] = {c->at_soft, c->at_hard, c->at_outbound, c->at_delete, c->at_idle};
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		if (at[i] != 0)
			due = MIN(due, at[i]);
	if (c->state == CHILD_GONE || due == UINT64_MAX)
		timer_cancel(&ike->timers, &c->timer);
	else if (!timer_is_armed(&c->timer) || c->timer.due_ms != due)
		ike->failed |= timer_arm(&ike->timers, &c->timer, due) < 0;
}

struct ike_outer ike_outer_of(const struct model_vpn *vpn)
{
	return (struct ike_outer){
		.df = (uint8_t)vpn->df,
		.ttl = vpn->ttl,
		.tos = vpn->tos,
		.copy_ttl = vpn->copy_ttl,
		.fixed_tos = vpn->fixed_tos,
		.copy_dscp = vpn->copy_outer_dscp,
		.no_too_big = vpn->no_packet_too_big,
		.mtu = vpn->tunnel_mtu,
	};
}

static struct ike_outer outer_of(const struct child *c, const struct model_vpn *vpn, bool natt)
{
	struct ike_outer o = ike_outer_of(vpn);

	if (natt) /* UDP-005: with a NAT on the way, NAT traversal alone. */
		return o;
	o.udp_port = vpn->udp_port;
	if (o.udp_port)
		o.udp_key = view_of_array(c->udp_key);
	return o;
}

void child_install_fill(const struct child *c, struct ike_child_install *out)
{
	const struct ike_sa *sa = c->sa;
	const struct model_vpn *vpn = c->tunnel ? c->tunnel->model->vpn : NULL;
	struct child_keys k = keymat_child_keys(c->suite.encr, c->suite.integ, c->keys);

	*out = (struct ike_child_install){
		.spi_in = c->spi_in,
		.spi_out = c->spi_out,
		.rg = sa->rg,
		.policy_id = c->tunnel ? c->tunnel->policy_id : 0,
		.worker_hint = c->resource,
		.own_wanted = resource_own_wanted(c),
		.selector_id = c->tunnel && c->tunnel->of ? c->tunnel->of->policy_id : 0,
		.peer = c->tunnel && c->tunnel->of ? c->tunnel->gw->number : 0,
		.interface_id = sa->interface_id,
		.local = sa->local,
		.remote = sa->remote,
		.transport = c->transport,
		.udp_encap = sa->natt && (sa->nat_local || sa->nat_remote),
		.encr = c->suite.encr->id,
		.key_bits = c->suite.encr->key_bits,
		.integ = c->suite.integ ? c->suite.integ->id : 0,
		.encr_key_out = c->keys_swapped ? k.encr_r : k.encr_i,
		.encr_key_in = c->keys_swapped ? k.encr_i : k.encr_r,
		.integ_key_out = c->keys_swapped ? k.integ_r : k.integ_i,
		.integ_key_in = c->keys_swapped ? k.integ_i : k.integ_r,
		.esn = c->suite.esn,
		.replay_window = vpn ? vpn->replay_window : 0,
		.strict_replay = vpn && vpn->replay_strict,
		.local_ts = c->local_ts->v,
		.remote_ts = c->remote_ts->v,
		.n_local_ts = c->local_ts->n,
		.n_remote_ts = c->remote_ts->n,
		.outbound = c->outbound,
		.soft_bytes = c->suite.lifetime_kb * 1024 / 10 * 9,
		.hard_bytes = c->suite.lifetime_kb * 1024,
		.order = c->order,
		.lease_epoch = c->lease_epoch,
		.lease_horizon = CHILD_FIRST_LEASE,
	};
	if (vpn)
		out->outer = outer_of(c, vpn, out->udp_encap);
}
