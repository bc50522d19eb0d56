#include "drops.h"
#include "node/node.h"

/* Ciphertext of 52 octets: an inner packet of 50 from the far host, no padding. */
struct plain {
	uint8_t b[52];
};

static struct plain plain(uint32_t src, uint32_t dst)
{
	struct plain x = {0};

	ip4_put(x.b, &(struct ip4_make){src, dst, 50, 1, 0, IP_UDP, 9, 0});
	x.b[51] = ESP_NEXT_IPV4;
	return x;
}

static void fire_sealed(struct shot *s, uint64_t seq, const struct plain *x)
{
	struct ip_frame f;

	f.n = way_seal(s->y, seq, view_of_array(x->b), false, f.f);
	fire_frame(s, 0, &f);
}

static void fire_good(struct shot *s, uint64_t seq)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);

	fire_sealed(s, seq, &x);
}

static struct ip_frame esp(uint32_t spi, size_t n)
{
	struct ip_frame x = frame_to_us(IP_ESP, n);

	store_be32(x.f + 34, spi);
	store_be32(x.f + 38, 1);
	return x;
}

/* ---------------------------------------------------------------- before the SA */

static void esp_awaited_once_too_often(struct shot *s)
{
	struct ip_frame x = esp(WAY_SPI_IN + 1, 60);

	atomic_store(&way_await(s->y, WAY_SPI_IN + 1)->packets, AWAIT_SPI_PACKETS);
	fire_frame(s, 0, &x);
}

static void esp_awaited_in_vain(struct shot *s)
{
	struct ip_frame x = esp(WAY_SPI_IN + 1, 60);

	(void)way_await(s->y, WAY_SPI_IN + 1);
	fire_frame(s, 0, &x);
	s->y->w->now_ns += AWAIT_HELD_NS;
	await_tick(s->y->w);
}

/* ---------------------------------------------------------------- before the ICV */

static void esp_cut_in_the_header(struct shot *s)
{
	struct ip_frame x = esp(WAY_SPI_IN, 8);

	store_be16(x.f + 14 + IP4_AT_LEN, IP4_HDR + 7);
	frame_sum(&x);
	fire_frame(s, 0, &x);
}

static void natt_cut_in_the_spi(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_UDP, 8 + 3);

	memcpy(x.f + 34, "\x11\x94\x11\x94\0\x0b\0\0abc", 11);
	fire_frame(s, 0, &x);
}

static void esp_with_a_reserved_spi(struct shot *s)
{
	struct ip_frame x = esp(255, 60);

	fire_frame(s, 0, &x);
}

static void esp_with_spi_zero(struct shot *s)
{
	struct ip_frame x = esp(0, 60);

	fire_frame(s, 0, &x);
}

static void esp_with_an_unknown_spi(struct shot *s)
{
	struct ip_frame x = esp(WAY_SPI_IN + 1, 60);

	fire_frame(s, 0, &x);
}

static void esp_without_a_trailer(struct shot *s)
{
	struct ip_frame x = esp(WAY_SPI_IN, 8 + 8 + 16);

	fire_frame(s, 0, &x);
}

static void esp_in_half_words(struct shot *s)
{
	struct ip_frame x = esp(WAY_SPI_IN, 8 + 8 + 6 + 16);

	fire_frame(s, 0, &x);
}

static void esp_with_number_zero(struct shot *s)
{
	fire_good(s, 0);
}

static void esp_again(struct shot *s)
{
	fire_good(s, 7);
	fire_good(s, 7);
}

static void esp_below_the_window(struct shot *s)
{
	fire_good(s, 100);
	fire_good(s, 36);
}

static void esp_twice_in_a_burst(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);
	struct pkt *v[2];
	uint8_t f[256];
	size_t n = way_seal(s->y, 5, view_of_array(x.b), false, f);

	aim(s);
	v[0] = way_packet(f, n, 0);
	v[1] = way_packet(f, n, 0);
	worker_burst(s->y->w, v, 2);
}

static void esp_above_the_horizon(struct shot *s)
{
	seqno_init(&s->y->sa->out, false, true, &(struct lease){0, 1000, 0, 50});
	fire_good(s, 50);
}

static void esp_of_a_later_owner(struct shot *s)
{
	seqno_init(&s->y->sa->out, false, false, &(struct lease){7, 1000, 0, 50});
	fire_good(s, 1);
}

static void esp_past_its_lifetime(struct shot *s)
{
	s->y->sa->flags |= SA_TOLD_HARD;
	fire_good(s, 1);
}

/* ---------------------------------------------------------------- behind it */

static void esp_with_a_wrong_icv(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);
	struct ip_frame f;

	f.n = way_seal(s->y, 1, view_of_array(x.b), false, f.f);
	f.f[f.n - 1] ^= 1;
	fire_frame(s, 0, &f);
}

static void padding_longer_than_the_packet(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);

	x.b[50] = 51;
	fire_sealed(s, 1, &x);
}

static void padding_that_does_not_count(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);

	x.b[50] = 2;
	fire_sealed(s, 1, &x);
}

static void next_header_unknown(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);

	x.b[51] = 99;
	fire_sealed(s, 1, &x);
}

static void dummy(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);

	x.b[51] = ESP_NEXT_DUMMY;
	fire_sealed(s, 1, &x);
}

static void inner_longer_than_the_text(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);

	store_be16(x.b + IP4_AT_LEN, 51);
	fire_sealed(s, 1, &x);
}

static void inner_with_a_bad_sum(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);

	x.b[IP4_AT_SUM] ^= 1;
	fire_sealed(s, 1, &x);
}

static void inner_of_another_version(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);

	x.b[0] = 0x55;
	fire_sealed(s, 1, &x);
}

static void inner_with_a_short_header(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);

	x.b[0] = 0x44;
	fire_sealed(s, 1, &x);
}

static void inner_cut_in_its_header(struct shot *s)
{
	uint8_t b[20] = {0x45, [18] = 0, [19] = ESP_NEXT_IPV4};
	struct ip_frame f;

	f.n = way_seal(s->y, 1, view_of_array(b), false, f.f);
	fire_frame(s, 0, &f);
}

static void inner_ip6_of_version_4(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);

	x.b[51] = ESP_NEXT_IPV6;
	fire_sealed(s, 1, &x);
}

static void inner_from_a_stranger(struct shot *s)
{
	struct plain x = plain(0x0a630001, WAY_HOST);

	fire_sealed(s, 1, &x);
}

static void inner_to_a_stranger(struct shot *s)
{
	struct plain x = plain(WAY_FAR, 0x0a630001);

	fire_sealed(s, 1, &x);
}

/* RFC 6040 4.2: congestion outside, and a flow inside that does not know the word. */
static void congestion_nobody_would_hear_of(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_HOST);
	struct ip_frame f;

	f.n = way_seal(s->y, 1, view_of_array(x.b), false, f.f);
	f.f[14 + IP4_AT_TOS] = 3;
	frame_sum(&f);
	fire_frame(s, 0, &f);
}

/* RFC 4301: an inner packet for us that is not ICMP. */
static void inner_for_us(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_GW_IN);

	fire_sealed(s, 1, &x);
}

/* ---------------------------------------------------------------- the kernel's device */

/* The tunnel has an address, and the kernel a device for it. */
static void give_kernel_a_device(struct shot *s)
{
	struct iface *tunnel = atomic_load(&s->y->sh.net)->ifaces[2];

	tunnel->kernel = true;
	tunnel->addrs[tunnel->n_addrs++] = prefix_v4(WAY_GW_IN, 30);
}

static void kernel_slower_than_the_tunnel(struct shot *s)
{
	struct plain x = plain(WAY_FAR, WAY_GW_IN);
	struct ip_frame f;

	give_kernel_a_device(s);
	aim(s);
	for (uint32_t i = 1; i <= RING_PUNT + 1; i++) {
		f.n = way_seal(s->y, i, view_of_array(x.b), false, f.f);
		way_receive(s->y, 0, way_packet(f.f, f.n, 0));
	}
	(void)way_drain(s->y);
}

static void fire_from_kernel(struct shot *s, uint32_t src, uint32_t dst)
{
	struct ip_frame x = {.n = 60};
	struct pkt *p;

	ip4_put(x.f, &(struct ip4_make){src, dst, 60, 1, 0, IP_UDP, 64, 0});
	p = way_packet(x.f, x.n, 64);
	p->kind = PKT_KERNEL;
	p->flags = PKT_OURS;
	p->iface = 2;
	fire_packet(s, p);
}

static void kernel_speaks_for_a_stranger(struct shot *s)
{
	give_kernel_a_device(s);
	fire_from_kernel(s, WAY_HOST, WAY_FAR);
}

static void kernel_without_a_device(struct shot *s)
{
	fire_from_kernel(s, WAY_GW_IN, WAY_FAR);
}

/* ---------------------------------------------------------------- outbound */

static void fire_out(struct shot *s)
{
	struct ip_frame x = frame_to_far(60);

	fire_frame(s, 1, &x);
}

static void out_of_no_policy(struct shot *s)
{
	struct ip_frame x = frame_to_far(60);

	store_be32(x.f + 14 + IP4_AT_SRC, 0x0a630001);
	frame_sum(&x);
	fire_frame(s, 1, &x);
}

/* ST0-003: on the network of a multipoint unit, but nothing is bound to it. */
static void out_to_an_unbound_hop(struct shot *s)
{
	struct net *n = atomic_load(&s->y->sh.net);

	n->hops[lpm_get(n->fib[0].v4, WAY_FAR)].spd = SPD_NOBODY;
	fire_out(s);
}

static void out_without_an_sa(struct shot *s)
{
	atomic_store(&s->y->sa->outbound, false);
	fire_out(s);
}

static void out_above_the_lease(struct shot *s)
{
	seqno_init(&s->y->sa->out, false, false, &(struct lease){0, 1, 0, UINT64_MAX});
	fire_out(s);
}

static void out_of_ivs(struct shot *s)
{
	iv_pool_init(&s->y->sh.ivs, UINT16_MAX);
	(void)atomic_exchange(&s->y->sh.ivs.next, UINT64_MAX >> 8);
	fire_out(s);
}

static void out_without_a_route(struct shot *s)
{
	store_be32(s->y->sa->tmpl + IP4_AT_DST, 0x08080808);
	fire_out(s);
}

static void out_without_room(struct shot *s)
{
	struct ip_frame x = frame_to_far(60);

	aim(s);
	way_receive(s->y, 1, way_packet(x.f, x.n, 3));
}

static void out_above_the_mtu_in_silence(struct shot *s)
{
	struct ip_frame x = frame_to_far(900);

	sa_cold(s->y->sa)->outer = (struct outer_options){.mtu = 600, .no_too_big = true};
	sa_template(s->y->sa, WAY_SPI_OUT);
	store_be16(x.f + 14 + IP4_AT_FRAG, IP4_DF);
	frame_sum(&x);
	fire_frame(s, 1, &x);
}

static const struct drop_case cases[] = {
	{STAT_DROP_ESP_SHORT, "ESP cut in its header", esp_cut_in_the_header},
	{STAT_DROP_NATT_SHORT, "UDP-encapsulated ESP cut in the SPI", natt_cut_in_the_spi},
	{STAT_DROP_ESP_SPI_RESERVED, "SPI 255", esp_with_a_reserved_spi},
	{STAT_DROP_ESP_SPI_RESERVED, "SPI 0", esp_with_spi_zero},
	{STAT_DROP_ESP_SPI, "an unknown SPI", esp_with_an_unknown_spi},
	{STAT_DROP_AWAIT_QUEUE, "more than may wait for an SA", esp_awaited_once_too_often},
	{STAT_DROP_AWAIT_LATE, "what waited for an SA in vain", esp_awaited_in_vain},
	{STAT_DROP_ESP_LENGTH, "ESP without room for a trailer", esp_without_a_trailer},
	{STAT_DROP_ESP_BLOCK, "ESP in half words", esp_in_half_words},
	{STAT_DROP_ESP_NUMBER, "number 0", esp_with_number_zero},
	{STAT_DROP_ESP_REPLAY, "a number again", esp_again},
	{STAT_DROP_ESP_OLD, "a number below the window", esp_below_the_window},
	{STAT_DROP_ESP_REPLAY, "a number twice in a burst", esp_twice_in_a_burst},
	{STAT_DROP_ESP_HORIZON, "a number above the horizon", esp_above_the_horizon},
	{STAT_DROP_ESP_EPOCH, "an SA of a later owner", esp_of_a_later_owner},
	{STAT_DROP_ESP_LIFETIME, "an SA past its life", esp_past_its_lifetime},
	{STAT_DROP_ESP_AUTH, "a wrong ICV", esp_with_a_wrong_icv},
	{STAT_DROP_ESP_PAD_LENGTH, "padding longer than the packet",
		padding_longer_than_the_packet},
	{STAT_DROP_ESP_PADDING, "padding that is not 1 2 3", padding_that_does_not_count},
	{STAT_DROP_ESP_NEXT, "an unknown next header", next_header_unknown},
	{STAT_DROP_ESP_DUMMY, "a dummy", dummy},
	{STAT_DROP_INNER_LENGTH, "an inner packet longer than the text",
		inner_longer_than_the_text},
	{STAT_DROP_INNER_SUM, "an inner packet with a bad sum", inner_with_a_bad_sum},
	{STAT_DROP_INNER_VERSION, "an inner packet of version 5", inner_of_another_version},
	{STAT_DROP_INNER_HEADER, "an inner header of 16 octets", inner_with_a_short_header},
	{STAT_DROP_INNER_SHORT, "an inner packet cut in its header", inner_cut_in_its_header},
	{STAT_DROP_INNER_IP6, "an inner packet of the wrong family", inner_ip6_of_version_4},
	{STAT_DROP_ESP_SELECTOR, "an inner packet from a stranger", inner_from_a_stranger},
	{STAT_DROP_ESP_SELECTOR, "an inner packet to a stranger", inner_to_a_stranger},
	{STAT_DROP_ESP_ECN, "congestion nobody would hear of", congestion_nobody_would_hear_of},
	{STAT_DROP_IP_PROTOCOL, "an inner packet for us", inner_for_us},
	{STAT_DROP_KERNEL_QUEUE, "a kernel that is too slow", kernel_slower_than_the_tunnel},
	{STAT_DROP_KERNEL_SOURCE, "a kernel that forwards", kernel_speaks_for_a_stranger},
	{STAT_DROP_KERNEL_ROUTE, "a kernel without a device", kernel_without_a_device},
	{STAT_DROP_SPD_POLICY, "no policy", out_of_no_policy},
	{STAT_DROP_SPD_HOP, "a next hop without a tunnel", out_to_an_unbound_hop},
	{STAT_DROP_SPD_SA, "a policy without an SA", out_without_an_sa},
	{STAT_DROP_ESP_LEASE, "a lease used up", out_above_the_lease},
	{STAT_DROP_ESP_IV, "no IV left", out_of_ivs},
	{STAT_DROP_IP_ROUTE, "no way to the peer", out_without_a_route},
	{STAT_DROP_NO_ROOM, "no room for the trailer", out_without_room},
	{STAT_DROP_TUNNEL_MTU, "too big, and nobody is told", out_above_the_mtu_in_silence},
};

struct drop_cases drops_esp(void)
{
	return (struct drop_cases){cases, ARRAY_LEN(cases)};
}
