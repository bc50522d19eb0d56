#include <assert.h>
#include <stdlib.h>

#include "core/fabric.h"
#include "drops.h"
#include "node/handover.h"
#include "node/neighbour.h"

enum { FABRIC = 3, RG = 1, OTHER = 2, CLUSTER = 1 };

static void role(struct shot *s, enum rg_role r, uint8_t owner)
{
	struct rg_view *v = atomic_load(&s->y->sh.rgs[RG].view);

	v->role = r;
	v->owner = owner;
	s->y->sa->rg = RG;
}

static void with_fabric(struct shot *s, uint32_t mtu)
{
	struct net *n = (struct net *)(uintptr_t)s->y->w->net;
	struct iface *i = calloc(1, sizeof *i);

	assert(i);
	i->id = FABRIC + 1;
	i->slot = FABRIC;
	i->kind = IFACE_FABRIC;
	i->port = 2;
	i->mtu = mtu;
	memcpy(i->mac, way_mac, 6);
	way_add_port(s->y, 2);
	assert(net_add_iface(n, i) == 0);
	n->node_id = 1;
	atomic_store(&s->y->sh.fabric_macs[OTHER], 0x090000000002);
}

static void fire_esp(struct shot *s)
{
	uint8_t plain[52] = {0}, f[256];
	size_t n;

	ip4_put(plain, &(struct ip4_make){WAY_FAR, WAY_HOST, 50, 1, 0, IP_UDP, 9, 0});
	plain[51] = ESP_NEXT_IPV4;
	n = way_seal(s->y, 1, view_of_array(plain), false, f);
	fire(s, 0, f, n);
}

static void standby_without_an_owner(struct shot *s)
{
	role(s, RG_ROLE_STANDBY, RG_OWNER_NONE);
	fire_esp(s);
}

static void active_past_the_deadline(struct shot *s)
{
	role(s, RG_ROLE_ACTIVE, RG_OWNER_NONE);
	atomic_store(&atomic_load(&s->y->sh.rgs[RG].view)->deadline_ns, 1);
	fire_esp(s);
}

static void owner_without_a_fabric(struct shot *s)
{
	role(s, RG_ROLE_STANDBY, OTHER);
	fire_esp(s);
}

static void owner_never_heard(struct shot *s)
{
	role(s, RG_ROLE_STANDBY, OTHER);
	with_fabric(s, 9000);
	atomic_store(&s->y->sh.fabric_macs[OTHER], 0);
	fire_esp(s);
}

static void owner_behind_a_narrow_fabric(struct shot *s)
{
	role(s, RG_ROLE_STANDBY, OTHER);
	with_fabric(s, 100);
	fire_esp(s);
}

/* ---------------------------------------------------------------- over the fabric */

static struct ip_frame fabric(const struct fabric_hdr *h)
{
	struct ip_frame x = {.n = ETH_HDR + FABRIC_HDR + (size_t)h->len};

	memcpy(x.f, way_mac, 6);
	store_be16(x.f + 12, ETH_FABRIC);
	fabric_put(x.f + ETH_HDR, h);
	return x;
}

static const struct fabric_hdr to_us = {.kind = FABRIC_FORWARD,
	.from = OTHER,
	.to = 1,
	.rg = RG,
	.len = 84,
	.cluster = CLUSTER,
	.iface = 1};

static void fire_fabric(struct shot *s, const struct fabric_hdr *h)
{
	struct ip_frame x = fabric(h);

	fire_frame(s, 2, &x);
}

static void fabric_cut(struct shot *s)
{
	struct ip_frame x = fabric(&to_us);

	with_fabric(s, 9000);
	x.n = ETH_HDR + FABRIC_HDR - 1;
	fire_frame(s, 2, &x);
}

static void fabric_of_another_version(struct shot *s)
{
	struct ip_frame x = fabric(&to_us);

	with_fabric(s, 9000);
	x.f[ETH_HDR] = 9;
	fire_frame(s, 2, &x);
}

static void fabric_of_an_unknown_kind(struct shot *s)
{
	struct fabric_hdr h = to_us;

	with_fabric(s, 9000);
	h.kind = FABRIC_KINDS;
	fire_fabric(s, &h);
}

static void fabric_of_another_cluster(struct shot *s)
{
	struct fabric_hdr h = to_us;

	with_fabric(s, 9000);
	h.cluster = 2;
	fire_fabric(s, &h);
}

static void fabric_of_our_own(struct shot *s)
{
	struct fabric_hdr h = to_us;

	with_fabric(s, 9000);
	h.from = 1;
	fire_fabric(s, &h);
}

static void fabric_for_another(struct shot *s)
{
	struct fabric_hdr h = to_us;

	with_fabric(s, 9000);
	h.to = 7;
	fire_fabric(s, &h);
}

static void fabric_from_an_unknown_interface(struct shot *s)
{
	struct fabric_hdr h = to_us;

	with_fabric(s, 9000);
	h.iface = 77;
	fire_fabric(s, &h);
}

static void fabric_faster_than_it_is_read(struct shot *s)
{
	struct fabric_hdr h = to_us;
	struct ip_frame x;

	with_fabric(s, 9000);
	h.kind = FABRIC_DATA;
	x = fabric(&h);
	aim(s);
	for (int i = 0; i <= RING_PUNT; i++)
		way_receive(s->y, 2, way_packet(x.f, x.n, 0));
	(void)way_drain(s->y);
}

/* Both think that the other is the owner. */
static void forwarded_once_before(struct shot *s)
{
	struct ip_frame x = fabric(&to_us);
	uint8_t *p = x.f + ETH_HDR + FABRIC_HDR;

	role(s, RG_ROLE_STANDBY, OTHER);
	with_fabric(s, 9000);
	ip4_put(p, &(struct ip4_make){
			   (uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT, 84, 1, 0, IP_ESP, 64, 0});
	store_be32(p + IP4_HDR, WAY_SPI_IN);
	fire_frame(s, 2, &x);
}

/* ---------------------------------------------------------------- handover and neighbours */

static void frozen_longer_than_there_is_room(struct shot *s)
{
	struct rg_handover *h = calloc(1, sizeof *h + 256);
	struct ip_frame x = frame_to_us(IP_ESP, 60);

	assert(h);
	h->n = 256;
	for (uint32_t i = 0; i < 256; i++)
		h->mode[i] = BUCKET_FROZEN;
	s->y->sa->rg = RG;
	atomic_store(&s->y->sh.rgs[RG].handover, h);
	store_be32(x.f + 34, WAY_SPI_IN);
	aim(s);
	for (int i = 0; i < 8193; i++)
		way_receive(s->y, 0, way_packet(x.f, x.n, 0));
	atomic_store(&s->y->sh.rgs[RG].handover, NULL);
	free(h);
}

static void to_a_silent_neighbour(struct shot *s, int packets)
{
	struct ip_frame x = frame_to_far(30);

	store_be32(x.f + ETH_HDR + IP4_AT_DST, (uint32_t)WAY_PEER + 1);
	frame_sum(&x);
	for (int i = 0; i < packets; i++)
		way_receive(s->y, 1, way_packet(x.f, x.n, 64));
}

static void neighbour_that_too_many_wait_for(struct shot *s)
{
	aim(s);
	to_a_silent_neighbour(s, 513);
}

static void neighbour_that_never_answers(struct shot *s)
{
	to_a_silent_neighbour(s, 1);
	aim(s);
	for (int i = 0; i < 10; i++) {
		s->y->w->now_ns += UINT64_C(1000000000);
		neighbour_tick(s->y->w);
	}
	node_tx_flush(s->y->w);
}

static const struct drop_case cases[] = {
	{STAT_DROP_RG_STANDBY, "standby, and nobody owns it", standby_without_an_owner},
	{STAT_DROP_RG_STANDBY, "active past the deadline", active_past_the_deadline},
	{STAT_DROP_FABRIC_PEER, "another owns it, and no fabric", owner_without_a_fabric},
	{STAT_DROP_FABRIC_PEER, "an owner that was never heard", owner_never_heard},
	{STAT_DROP_FABRIC_MTU, "a fabric too narrow", owner_behind_a_narrow_fabric},
	{STAT_DROP_FABRIC_SHORT, "a fabric frame cut short", fabric_cut},
	{STAT_DROP_FABRIC_VERSION, "a fabric frame of version 9", fabric_of_another_version},
	{STAT_DROP_FABRIC, "a fabric frame of an unknown kind", fabric_of_an_unknown_kind},
	{STAT_DROP_FABRIC_CLUSTER, "a fabric frame of another cluster", fabric_of_another_cluster},
	{STAT_DROP_FABRIC_NODE, "a fabric frame of our own", fabric_of_our_own},
	{STAT_DROP_FABRIC_NODE, "a fabric frame for another", fabric_for_another},
	{STAT_DROP_FABRIC_IFACE, "an unknown interface", fabric_from_an_unknown_interface},
	{STAT_DROP_FABRIC_QUEUE, "one fabric frame too many", fabric_faster_than_it_is_read},
	{STAT_DROP_RG_HOPPED, "a packet that was forwarded before", forwarded_once_before},
	{STAT_DROP_HANDOVER_QUEUE, "one packet too many for a frozen bucket",
		frozen_longer_than_there_is_room},
	{STAT_DROP_NEIGHBOUR_QUEUE, "one packet too many for a silent neighbour",
		neighbour_that_too_many_wait_for},
	{STAT_DROP_NEIGHBOUR, "a neighbour that never answers", neighbour_that_never_answers},
};

struct drop_cases drops_rg(void)
{
	return (struct drop_cases){cases, ARRAY_LEN(cases)};
}
