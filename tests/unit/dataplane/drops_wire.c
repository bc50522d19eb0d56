#include "core/reasm.h"
#include "drops.h"
#include "node/node.h"

static void frame_of_no_interface(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ICMP, 30);

	((struct net *)(uintptr_t)s->y->w->net)->port_iface[0] = IFACE_NONE;
	fire_frame(s, 0, &x);
}

static void frame_short(struct shot *s)
{
	fire(s, 0, way_mac, 6);
}

static void frame_for_another(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ICMP, 30);

	x.f[5] = 99;
	fire_frame(s, 0, &x);
}

static void frame_of_unknown_type(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ICMP, 30);

	store_be16(x.f + 12, 0x88cc);
	fire_frame(s, 0, &x);
}

static struct ip_frame arp(uint16_t op, uint32_t sender, uint32_t target)
{
	struct ip_frame x = {.n = 60};
	uint8_t *a = x.f + ETH_HDR;

	memset(x.f, 0xff, 6);
	memcpy(x.f + 6, way_peer_mac, 6);
	store_be16(x.f + 12, ETH_ARP);
	memcpy(a, "\0\1\x08\0\6\4", 6);
	store_be16(a + 6, op);
	memcpy(a + 8, way_peer_mac, 6);
	store_be32(a + 14, sender);
	store_be32(a + 24, target);
	return x;
}

static void arp_cut(struct shot *s)
{
	struct ip_frame x = arp(1, (uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT);

	x.n = ETH_HDR + 27;
	fire_frame(s, 0, &x);
}

static void arp_of_another_hardware(struct shot *s)
{
	struct ip_frame x = arp(1, (uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT);

	x.f[ETH_HDR + 1] = 6;
	fire_frame(s, 0, &x);
}

static void arp_for_another(struct shot *s)
{
	struct ip_frame x = arp(1, (uint32_t)WAY_PEER, (uint32_t)WAY_PEER + 1);

	fire_frame(s, 0, &x);
}

static void ip_cut_in_the_header(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ICMP, 30);

	x.n = ETH_HDR + IP4_HDR - 1;
	fire_frame(s, 0, &x);
}

static void ip_cut_in_the_data(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ICMP, 30);

	x.n--;
	fire_frame(s, 0, &x);
}

static void ip_of_another_version(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ICMP, 30);

	x.f[ETH_HDR] = 0x55;
	fire_frame(s, 0, &x);
}

static void ip_with_a_short_header(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ICMP, 30);

	x.f[ETH_HDR] = 0x44;
	fire_frame(s, 0, &x);
}

static void ip_with_a_bad_sum(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ICMP, 30);

	x.f[ETH_HDR + IP4_AT_SUM] ^= 1;
	fire_frame(s, 0, &x);
}

static struct ip_frame addressed(uint32_t src, uint32_t dst)
{
	struct ip_frame x = frame_to_far(30);

	store_be32(x.f + ETH_HDR + IP4_AT_SRC, src);
	store_be32(x.f + ETH_HDR + IP4_AT_DST, dst);
	frame_sum(&x);
	return x;
}

static void ip_to_a_group(struct shot *s)
{
	struct ip_frame x = addressed(WAY_HOST, 0xe0000005);

	fire_frame(s, 1, &x);
}

static void ip_from_a_group(struct shot *s)
{
	struct ip_frame x = addressed(0xe0000005, WAY_FAR);

	fire_frame(s, 1, &x);
}

static void ip_to_nobody(struct shot *s)
{
	struct ip_frame x = addressed(WAY_HOST, 0);

	fire_frame(s, 1, &x);
}

static void ip_from_us(struct shot *s)
{
	struct ip_frame x = addressed(WAY_GW_IN, WAY_FAR);

	fire_frame(s, 1, &x);
}

static void ip_in_clear_that_belongs_into_a_tunnel(struct shot *s)
{
	struct ip_frame x = addressed(WAY_FAR, WAY_HOST);

	fire_frame(s, 0, &x);
}

static void ip_longer_than_its_header_says(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ICMP, 30);

	store_be16(x.f + ETH_HDR + IP4_AT_LEN, IP4_HDR - 1);
	fire_frame(s, 0, &x);
}

static void ip_at_its_last_hop(struct shot *s)
{
	struct ip_frame x = frame_to_far(30);

	x.f[ETH_HDR + IP4_AT_TTL] = 1;
	frame_sum(&x);
	fire_frame(s, 1, &x);
}

static void ip_without_a_route(struct shot *s)
{
	struct ip_frame x = addressed(WAY_HOST, 0x08080808);

	fire_frame(s, 1, &x);
}

static void ip_too_big_and_not_to_be_cut(struct shot *s)
{
	struct ip_frame x = frame_to_far(1480);

	store_be16(x.f + ETH_HDR + IP4_AT_FRAG, IP4_DF);
	frame_sum(&x);
	fire_frame(s, 1, &x);
}

static void ip_that_cannot_be_cut(struct shot *s)
{
	struct ip_frame x = addressed(WAY_HOST, (uint32_t)WAY_PEER);

	((struct iface *)(uintptr_t)s->y->w->net->ifaces[0])->mtu = 24;
	fire_frame(s, 1, &x);
}

/* ---------------------------------------------------------------- fragments */

static struct ip_frame fragment(uint16_t id, uint16_t frag, size_t n, uint8_t tos)
{
	struct ip_frame x = frame_to_us(IP_ESP, n);
	uint8_t *p = x.f + ETH_HDR;

	p[IP4_AT_TOS] = tos;
	store_be16(p + IP4_AT_ID, id);
	store_be16(p + IP4_AT_FRAG, frag);
	frame_sum(&x);
	return x;
}

static void receive(struct shot *s, const struct ip_frame *x)
{
	way_receive(s->y, 0, way_packet(x->f, x->n, 64));
}

static void fragment_not_in_units(struct shot *s)
{
	struct ip_frame x = fragment(1, IP4_MF, 63, 0);

	fire_frame(s, 0, &x);
}

static void fragment_empty(struct shot *s)
{
	struct ip_frame x = fragment(1, IP4_MF | 5, 0, 0);

	fire_frame(s, 0, &x);
}

static void fragment_beyond_the_end_of_ip(struct shot *s)
{
	struct ip_frame x = fragment(1, IP4_OFFSET, 64, 0);

	fire_frame(s, 0, &x);
}

static void fragment_beyond_any_buffer(struct shot *s)
{
	struct ip_frame x = fragment(1, IP4_MF | 1200, 64, 0);

	fire_frame(s, 0, &x);
}

/* RFC 5722 4; the one that was there is lost with it. */
static void fragment_over_another(struct shot *s)
{
	struct ip_frame a = fragment(1, IP4_MF, 64, 0), b = fragment(1, IP4_MF | 4, 64, 0);

	receive(s, &a);
	fire_frame(s, 0, &b);
	s->was[STAT_DROP_FRAGMENT_INCOMPLETE]++; /* that one */
}

static void fragment_twice(struct shot *s)
{
	struct ip_frame a = fragment(1, IP4_MF, 64, 0);

	receive(s, &a);
	fire_frame(s, 0, &a);
	s->y->w->now_ns += REASM_NS;
}

static void fragment_of_a_condemned_packet(struct shot *s)
{
	struct ip_frame a = fragment(1, IP4_MF, 64, 0), b = fragment(1, IP4_MF | 4, 64, 0),
			c = fragment(1, 16, 64, 0);

	receive(s, &a);
	receive(s, &b);
	fire_frame(s, 0, &c);
}

static void fragment_whose_others_never_came(struct shot *s)
{
	struct ip_frame a = fragment(1, IP4_MF, 64, 0);

	receive(s, &a);
	aim(s);
	s->y->w->now_ns += REASM_NS;
	gather_tick(s->y->w);
}

/* RFC 3168 5.3: one met congestion, another says that nobody would care. */
static void fragments_that_differ_about_congestion(struct shot *s)
{
	struct ip_frame a = fragment(1, IP4_MF, 64, 3), b = fragment(1, 8, 64, 0);

	receive(s, &a);
	fire_frame(s, 0, &b);
}

static void fragment_without_a_buffer(struct shot *s)
{
	struct ip_frame a = fragment(1, IP4_MF, 64, 0);

	s->y->dry = true;
	fire_frame(s, 0, &a);
}

static const struct drop_case cases[] = {
	{STAT_DROP_PORT, "a port without an interface", frame_of_no_interface},
	{STAT_DROP_ETH_SHORT, "a frame shorter than its header", frame_short},
	{STAT_DROP_ETH_ADDRESS, "a frame for another station", frame_for_another},
	{STAT_DROP_ETH_TYPE, "an unknown EtherType", frame_of_unknown_type},
	{STAT_DROP_ARP_SHORT, "ARP cut short", arp_cut},
	{STAT_DROP_ARP, "ARP of another hardware", arp_of_another_hardware},
	{STAT_DROP_ARP_OTHER, "ARP for another", arp_for_another},
	{STAT_DROP_IP_SHORT, "an IP header cut short", ip_cut_in_the_header},
	{STAT_DROP_IP_LENGTH, "an IP packet cut short", ip_cut_in_the_data},
	{STAT_DROP_IP_LENGTH, "a length of 19 octets", ip_longer_than_its_header_says},
	{STAT_DROP_IP_VERSION, "version 5", ip_of_another_version},
	{STAT_DROP_IP_HEADER, "a header of 16 octets", ip_with_a_short_header},
	{STAT_DROP_IP_SUM, "a wrong header checksum", ip_with_a_bad_sum},
	{STAT_DROP_IP_MULTICAST, "to a group", ip_to_a_group},
	{STAT_DROP_IP_SOURCE_GROUP, "from a group", ip_from_a_group},
	{STAT_DROP_IP_NOBODY, "to 0.0.0.0", ip_to_nobody},
	{STAT_DROP_IP_SOURCE, "from an address of ours", ip_from_us},
	{STAT_DROP_IP_SOURCE, "in clear from within a tunnel",
		ip_in_clear_that_belongs_into_a_tunnel},
	{STAT_DROP_IP_TTL, "TTL 1", ip_at_its_last_hop},
	{STAT_DROP_IP_ROUTE, "no route", ip_without_a_route},
	{STAT_DROP_IP_TOO_BIG, "too big with DF", ip_too_big_and_not_to_be_cut},
	{STAT_DROP_IP_NEEDS_FRAGMENT, "an MTU without room for data", ip_that_cannot_be_cut},
	{STAT_DROP_FRAGMENT, "a fragment of 63 octets", fragment_not_in_units},
	{STAT_DROP_FRAGMENT, "an empty fragment", fragment_empty},
	{STAT_DROP_FRAGMENT_BEYOND, "a fragment beyond 65535", fragment_beyond_the_end_of_ip},
	{STAT_DROP_FRAGMENT_BIG, "a fragment beyond any buffer", fragment_beyond_any_buffer},
	{STAT_DROP_FRAGMENT_OVERLAP, "a fragment over another", fragment_over_another},
	{STAT_DROP_FRAGMENT_COPY, "a fragment twice", fragment_twice},
	{STAT_DROP_FRAGMENT_REFUSED, "a fragment of a condemned packet",
		fragment_of_a_condemned_packet},
	{STAT_DROP_FRAGMENT_INCOMPLETE, "a fragment alone", fragment_whose_others_never_came},
	{STAT_DROP_FRAGMENT_ECN, "fragments that differ about ECN",
		fragments_that_differ_about_congestion},
	{STAT_DROP_NO_BUFFER, "a fragment and no buffer", fragment_without_a_buffer},
};

struct drop_cases drops_wire(void)
{
	return (struct drop_cases){cases, ARRAY_LEN(cases)};
}
