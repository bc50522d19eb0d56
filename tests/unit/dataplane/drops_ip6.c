#include "drops.h"
#include "node/node.h"

static const struct ipaddr loopback = {0, 1};

/* From the peer to us. */
static struct ip_frame to_us(uint8_t next, const void *rest, size_t n)
{
	struct ip_frame x = {.n = 54 + n};

	(void)way_headers6(x.f, WAY6_PEER, WAY6_GW_OUT, next, n);
	if (n)
		memcpy(x.f + 54, rest, n);
	return x;
}

static void shoot(struct shot *s, uint8_t next, const void *rest, size_t n)
{
	struct ip_frame x = to_us(next, rest, n);

	fire_frame(s, 0, &x);
}

static void from_to(struct shot *s, struct ipaddr src, struct ipaddr dst)
{
	struct ip_frame x = to_us(IP_UDP, "\1\2\3\4\0\10\0\0", 8);

	ipaddr_store(x.f + 14 + IP6_AT_SRC, src);
	ipaddr_store(x.f + 14 + IP6_AT_DST, dst);
	fire_frame(s, 0, &x);
}

static void cut_short(struct shot *s)
{
	struct ip_frame x = to_us(IP_UDP, "12345678", 8);

	x.n--;
	fire_frame(s, 0, &x);
}

static void of_another_version(struct shot *s)
{
	struct ip_frame x = to_us(IP_UDP, "12345678", 8);

	x.f[14] = 0x45;
	fire_frame(s, 0, &x);
}

static void from_ipv4_in_disguise(struct shot *s)
{
	from_to(s, ipaddr_v4(WAY_HOST), WAY6_GW_OUT);
}

static void beyond_its_end(struct shot *s)
{
	shoot(s, IP_DSTOPTS, "\x11\1\1\4\0\0\0\0", 8);
}

static void with_nine_headers(struct shot *s)
{
	uint8_t chain[72] = {0};

	for (size_t i = 0; i < 9; i++) {
		chain[8 * i] = i < 8 ? IP_DSTOPTS : IP_UDP;
		chain[8 * i + 2] = 1;
		chain[8 * i + 3] = 4;
	}
	shoot(s, IP_DSTOPTS, chain, sizeof chain);
}

static void hop_by_hop_second(struct shot *s)
{
	shoot(s, IP_DSTOPTS, "\0\0\1\4\0\0\0\0\x11\0\1\4\0\0\0\0", 16);
}

static void option_beyond_its_header(struct shot *s)
{
	shoot(s, IP_DSTOPTS, "\x11\0\1\5\0\0\0\0", 8);
}

static void option_unknown(struct shot *s)
{
	shoot(s, IP_DSTOPTS, "\x11\0\x80\4\0\0\0\0", 8);
}

static void jumbo(struct shot *s)
{
	shoot(s, IP_HOPOPTS, "\x11\0\xc2\4\0\1\0\0", 8);
}

static void routing_type_0(struct shot *s)
{
	shoot(s, IP_ROUTING, "\x11\0\0\1\0\0\0\0", 8);
}

static void routing_with_segments_left(struct shot *s)
{
	shoot(s, IP_ROUTING, "\x11\0\2\1\0\0\0\0", 8);
}

static void from_a_group(struct shot *s)
{
	from_to(s, ip6_solicited(WAY6_PEER), WAY6_GW_OUT);
}

static void to_loopback(struct shot *s)
{
	from_to(s, WAY6_PEER, loopback);
}

static void from_the_link_to_beyond(struct shot *s)
{
	from_to(s, ip6_link_local(way_peer_mac), WAY6_HOST);
}

static void inner_to_the_link(struct shot *s)
{
	uint8_t plain[52] = {0}, f[256];

	ip6_put(plain, &(struct ip6_make){WAY6_FAR, ip6_link_local(way_mac), 0, 8, IP_UDP, 9, 0});
	memcpy(plain + 48, "\1\2\2\x29", 4);
	fire(s, 0, f, way_seal(s->y, 1, view_of_array(plain), false, f));
}

static void to_another_group(struct shot *s)
{
	struct ip_frame x = to_us(IP_UDP, "\1\2\3\4\0\10\0\0", 8);

	memcpy(x.f, "\x33\x33\0\0\0\xfb", 6);
	ipaddr_store(x.f + 14 + IP6_AT_DST, (struct ipaddr){UINT64_C(0xff02) << 48, 0xfb});
	fire_frame(s, 0, &x);
}

static void to_a_group_of_ethernet_only(struct shot *s)
{
	struct ip_frame x = to_us(IP_UDP, "\1\2\3\4\0\10\0\0", 8);

	memcpy(x.f, "\x33\x33\0\0\0\x01", 6);
	fire_frame(s, 0, &x);
}

static void of_an_unknown_protocol(struct shot *s)
{
	shoot(s, 99, "12345678", 8);
}

static void ike_without_a_checksum(struct shot *s)
{
	uint8_t udp[60] = {1, 0xf4, 1, 0xf4, 0, 60};

	shoot(s, IP_UDP, udp, sizeof udp);
}

/* ---- ICMPv6 and neighbour discovery */

/* With a right checksum. */
static struct ip_frame icmp(const void *rest, size_t n, uint8_t hops)
{
	struct ip_frame x = to_us(IP_ICMP6, rest, n);

	x.f[14 + IP6_AT_HOPS] = hops;
	store_be16(x.f + 54 + 2, 0);
	store_be16(x.f + 54 + 2,
		sum_done(sum_add(sum_pseudo6(WAY6_PEER, WAY6_GW_OUT, IP_ICMP6, (uint32_t)n),
			view_of(x.f + 54, n))));
	return x;
}

/* A question after us, changed at one place. */
static struct ip_frame solicit(size_t n, uint8_t hops, size_t at, uint8_t value)
{
	uint8_t b[32] = {135};

	ipaddr_store(b + 8, WAY6_GW_OUT);
	b[24] = b[25] = 1;
	memcpy(b + 26, way_peer_mac, 6);
	b[at] = value;
	return icmp(b, n, hops);
}

static void icmp_cut(struct shot *s)
{
	shoot(s, IP_ICMP6, "\x80\0\0\0\0\0\0", 7);
}

static void icmp_with_a_bad_sum(struct shot *s)
{
	struct ip_frame x = icmp("\x80\0\0\0\0\1\0\1", 8, 64);

	x.f[57]++;
	fire_frame(s, 0, &x);
}

static void icmp_nobody_asked_for(struct shot *s)
{
	struct ip_frame x = icmp("\x81\0\0\0\0\1\0\1", 8, 64);

	fire_frame(s, 0, &x);
}

static void nd_from_afar(struct shot *s)
{
	struct ip_frame x = solicit(32, 254, 0, 135);

	fire_frame(s, 0, &x);
}

static void nd_cut(struct shot *s)
{
	struct ip_frame x = solicit(23, 255, 0, 135);

	fire_frame(s, 0, &x);
}

static void nd_after_a_group(struct shot *s)
{
	struct ip_frame x = solicit(32, 255, 8, 0xff);

	fire_frame(s, 0, &x);
}

static void nd_with_an_empty_option(struct shot *s)
{
	struct ip_frame x = solicit(32, 255, 25, 0);

	fire_frame(s, 0, &x);
}

static void nd_with_an_option_beyond_the_end(struct shot *s)
{
	struct ip_frame x = solicit(32, 255, 25, 2);

	fire_frame(s, 0, &x);
}

static void nd_after_another(struct shot *s)
{
	struct ip_frame x = solicit(32, 255, 23, 77);

	fire_frame(s, 0, &x);
}

static void nd_of_a_router(struct shot *s)
{
	struct ip_frame x = solicit(32, 255, 0, 134);

	fire_frame(s, 0, &x);
}

static void nd_with_a_bad_sum(struct shot *s)
{
	struct ip_frame x = solicit(32, 255, 0, 135);

	x.f[57]++;
	fire_frame(s, 0, &x);
}

static const struct drop_case cases[] = {
	{STAT_DROP_IP6_SHORT, "an octet less than it says", cut_short},
	{STAT_DROP_IP6_VERSION, "version 4 in an IPv6 frame", of_another_version},
	{STAT_DROP_IP6_MAPPED, "from ::ffff:10.1.0.10", from_ipv4_in_disguise},
	{STAT_DROP_IP6_CHAIN, "an extension header beyond the packet", beyond_its_end},
	{STAT_DROP_IP6_LIMIT, "nine extension headers", with_nine_headers},
	{STAT_DROP_IP6_ORDER, "hop-by-hop options second", hop_by_hop_second},
	{STAT_DROP_IP6_OPTION, "an option beyond its header", option_beyond_its_header},
	{STAT_DROP_IP6_OPTION_UNKNOWN, "an option that must be known", option_unknown},
	{STAT_DROP_IP6_OPTION_UNKNOWN, "a jumbo payload option", jumbo},
	{STAT_DROP_IP6_ROUTING, "routing header type 0", routing_type_0},
	{STAT_DROP_IP6_ROUTED, "a routing header with segments left", routing_with_segments_left},
	{STAT_DROP_IP6_MARTIAN, "from a group", from_a_group},
	{STAT_DROP_IP6_MARTIAN, "to ::1", to_loopback},
	{STAT_DROP_IP6_SCOPE, "from the link to beyond", from_the_link_to_beyond},
	{STAT_DROP_IP6_SCOPE, "out of a tunnel to the link", inner_to_the_link},
	{STAT_DROP_IP_MULTICAST, "to a group nobody is in", to_another_group},
	{STAT_DROP_ETH_ADDRESS, "to a group of Ethernet only", to_a_group_of_ethernet_only},
	{STAT_DROP_IP_PROTOCOL, "an unknown upper layer", of_an_unknown_protocol},
	{STAT_DROP_UDP_SUM, "IKE over IPv6 without a checksum", ike_without_a_checksum},
	{STAT_DROP_ICMP6_SHORT, "ICMPv6 of seven octets", icmp_cut},
	{STAT_DROP_ICMP6_SUM, "ICMPv6 with a wrong checksum", icmp_with_a_bad_sum},
	{STAT_DROP_ICMP6_SUM, "a solicitation with a wrong checksum", nd_with_a_bad_sum},
	{STAT_DROP_ICMP, "an echo nobody asked for", icmp_nobody_asked_for},
	{STAT_DROP_ND_HOPS, "a solicitation with hop limit 254", nd_from_afar},
	{STAT_DROP_ND_SHORT, "a solicitation cut short", nd_cut},
	{STAT_DROP_ND_TARGET, "a solicitation after a group", nd_after_a_group},
	{STAT_DROP_ND_OPTION, "an option of no length", nd_with_an_empty_option},
	{STAT_DROP_ND_OPTION, "an option beyond the end", nd_with_an_option_beyond_the_end},
	{STAT_DROP_ND_OTHER, "a solicitation after another", nd_after_another},
	{STAT_DROP_ND_OTHER, "a router advertisement", nd_of_a_router},
};

struct drop_cases drops_ip6(void)
{
	return (struct drop_cases){cases, ARRAY_LEN(cases)};
}
