#include <stdlib.h>

#include "core/ah.h"
#include "drops.h"
#include "form.h"
#include "node/node.h"

enum { AH_SPI = 0x01020400, ICV = 16, AT_IP = 14, AT_AH = AT_IP + IP4_HDR, AH_LEN = AH_HDR + ICV };

static const uint8_t key[32] = {3, 1, 4, 1, 5};

/* A second SA of the way, by AH; a bundle when `esp` is there. */
static struct sa *ah_sa(struct shot *s, const struct suite *esp, bool transport)
{
	struct sa *sa = sa_new(&s->y->sh.sad.memory, suite_find_ah(SUITE_INTEG_SHA256_128), 64);
	struct sa_cold *c = sa_cold_new(2), *like = sa_cold(s->y->sa);
	struct lease lease = {0, UINT64_C(1) << 32, 0, UINT64_MAX};
	struct sa_keys k = {
		view_of(key, 16), view_of(key, 16), view_of_array(key), view_of_array(key)};
	struct sad_table *retired;

	if (!sa || !c)
		abort();
	c->selectors[0] = like->selectors[0];
	c->selectors[1] = like->selectors[1];
	c->ts = (struct selectors){c->selectors, c->selectors + 1, 1, 1};
	c->local = like->local;
	c->remote = like->remote;
	sa->spi_in = AH_SPI;
	sa->bucket = (uint16_t)spi_bucket(AH_SPI, 8);
	atomic_store(&sa->cold, c);
	sa_key(sa, s->y->w->engine, &k);
	sa->form = form_new(s->y->w->engine, esp, &k);
	if (!sa->form)
		abort();
	sa->form->transport = transport;
	sa->form->aux_in = 700;
	sa->flags = SA_FORMED;
	sa_template(sa, WAY_SPI_OUT);
	seqno_init(&sa->out, false, false, &lease);
	if (sad_add(&s->y->sh.sad, sa, &retired) < 0)
		abort();
	return sa;
}

/* From the peer: AH around `n` octets of zero, unsigned. */
static struct ip_frame ah_frame(uint32_t spi, uint32_t seq, uint8_t next, size_t n)
{
	struct ip_frame x = frame_to_us(IP_AH, AH_LEN + n);

	ah_put(x.f + AT_AH, spi, seq, next, AH_LEN);
	return x;
}

static void sign(struct shot *s, const struct sa *sa, struct ip_frame *x)
{
	struct suite_op op = {
		.key = sa->key_in, .esp = x->f + AT_IP, .len = (uint32_t)x->n - AT_IP};
	struct view packet = view_of(x->f + AT_IP, x->n - AT_IP);
	struct ah_muted m;
	struct ah_place a;

	if (ah_find(packet, ICV, &a) != AH_OK || ah_mute(x->f + AT_IP, &a, false, &m) != AH_OK)
		abort();
	sa->suite->seal(sa->suite, s->y->w->engine, &op, 1);
	ah_unmute(x->f + AT_IP, &m);
	memcpy(x->f + AT_AH + AH_HDR, op.icv, ICV);
}

static void ah_cut_in_the_header(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_AH, AH_HDR - 1);

	fire_frame(s, 0, &x);
}

static void ah_cut_in_the_icv(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_AH, AH_HDR + ICV - 1);

	(void)ah_sa(s, NULL, false);
	store_be32(x.f + AT_AH + AH_AT_SPI, AH_SPI);
	store_be32(x.f + AT_AH + AH_AT_SEQ, 1);
	fire_frame(s, 0, &x);
}

static void ah_with_a_reserved_spi(struct shot *s)
{
	struct ip_frame x = ah_frame(255, 1, ESP_NEXT_IPV4, 40);

	fire_frame(s, 0, &x);
}

static void ah_with_an_unknown_spi(struct shot *s)
{
	struct ip_frame x = ah_frame(AH_SPI, 1, ESP_NEXT_IPV4, 40);

	fire_frame(s, 0, &x);
}

static void ah_with_the_spi_of_esp(struct shot *s)
{
	struct ip_frame x = ah_frame(WAY_SPI_IN, 1, ESP_NEXT_IPV4, 40);

	fire_frame(s, 0, &x);
}

static void ah_of_another_length(struct shot *s)
{
	struct ip_frame x = ah_frame(AH_SPI, 1, ESP_NEXT_IPV4, 40);

	(void)ah_sa(s, NULL, false);
	x.f[AT_AH + AH_AT_LEN]++; /* 32 octets: some pad so; 36: nobody does */
	x.f[AT_AH + AH_AT_LEN]++;
	fire_frame(s, 0, &x);
}

static void ah_behind_broken_options(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_AH, 4 + AH_LEN + 40);

	(void)ah_sa(s, NULL, false);
	x.f[AT_IP] = 0x46;
	memcpy(x.f + AT_AH, "\7\x28\4\0", 4); /* record route, longer than the header */
	ah_put(x.f + AT_AH + 4, AH_SPI, 1, ESP_NEXT_IPV4, AH_LEN);
	store_be16(x.f + AT_IP + IP4_AT_SUM, 0);
	store_be16(x.f + AT_IP + IP4_AT_SUM, sum_done(sum_add(0, view_of(x.f + AT_IP, 24))));
	fire_frame(s, 0, &x);
}

static void ah_with_number_zero(struct shot *s)
{
	struct ip_frame x = ah_frame(AH_SPI, 0, ESP_NEXT_IPV4, 40);

	(void)ah_sa(s, NULL, false);
	fire_frame(s, 0, &x);
}

/* Two in a row; the second is the one that is fired. */
static void fire_ah_twice(struct shot *s, uint32_t first, uint32_t second)
{
	struct ip_frame a = ah_frame(AH_SPI, first, ESP_NEXT_IPV4, 40), b = a;
	const struct sa *sa = ah_sa(s, NULL, false);

	ip4_put(a.f + AT_AH + AH_LEN,
		&(struct ip4_make){WAY_FAR, WAY_HOST, 40, 1, 0, IP_UDP, 64, 0});
	sign(s, sa, &a);
	fire_frame(s, 0, &a);
	store_be32(b.f + AT_AH + AH_AT_SEQ, second);
	fire_frame(s, 0, &b);
}

static void ah_again(struct shot *s)
{
	fire_ah_twice(s, 100, 100);
}

static void ah_below_the_window(struct shot *s)
{
	fire_ah_twice(s, 100, 36);
}

static void ah_above_the_horizon(struct shot *s)
{
	struct ip_frame x = ah_frame(AH_SPI, 50, ESP_NEXT_IPV4, 40);

	seqno_init(&ah_sa(s, NULL, false)->out, false, true, &(struct lease){0, 1000, 0, 50});
	fire_frame(s, 0, &x);
}

static void ah_with_a_wrong_icv(struct shot *s)
{
	struct ip_frame x = ah_frame(AH_SPI, 1, ESP_NEXT_IPV4, 40);

	sign(s, ah_sa(s, NULL, false), &x);
	x.f[x.n - 1] ^= 1;
	fire_frame(s, 0, &x);
}

static void ah_around_no_packet(struct shot *s)
{
	struct ip_frame x = ah_frame(AH_SPI, 1, IP_UDP, 40);

	sign(s, ah_sa(s, NULL, false), &x);
	fire_frame(s, 0, &x);
}

static void ah_around_ah(struct shot *s)
{
	struct ip_frame x = ah_frame(AH_SPI, 1, IP_AH, 40);

	sign(s, ah_sa(s, NULL, true), &x);
	fire_frame(s, 0, &x);
}

static void bundle_without_esp(struct shot *s)
{
	struct ip_frame x = ah_frame(AH_SPI, 1, ESP_NEXT_IPV4, 40);

	sign(s, ah_sa(s, suite_find(SUITE_ENCR_AES_CBC, 128, SUITE_INTEG_NONE), false), &x);
	fire_frame(s, 0, &x);
}

static void bundle_with_another_aux_spi(struct shot *s)
{
	struct ip_frame x = ah_frame(AH_SPI, 1, IP_ESP, ESP_HDR + 16 + 32);

	store_be32(x.f + AT_AH + AH_LEN, 701);
	sign(s, ah_sa(s, suite_find(SUITE_ENCR_AES_CBC, 128, SUITE_INTEG_NONE), false), &x);
	fire_frame(s, 0, &x);
}

/* ---------------------------------------------------------------- transport mode */

static void fragment_for_transport(struct shot *s)
{
	struct ip_frame x = frame_to_far(40);
	struct pkt *p;

	(void)ah_sa(s, NULL, true);
	store_be16(x.f + AT_IP + IP4_AT_FRAG, IP4_MF);
	frame_sum(&x);
	p = way_packet(x.f, x.n, 128);
	pkt_pull(p, AT_IP);
	p->kind = PKT_ESP_OUT;
	p->spi = AH_SPI;
	p->flags = PKT_OURS;
	fire_packet(s, p);
}

/* Options that AH cannot read, on what we say ourselves. */
static void broken_options_for_transport(struct shot *s)
{
	struct ip_frame x = frame_to_far(4 + 40);
	struct pkt *p;

	(void)ah_sa(s, NULL, true);
	x.f[AT_IP] = 0x46;
	memcpy(x.f + AT_AH, "\7\x28\4\0", 4);
	p = way_packet(x.f, x.n, 128);
	pkt_pull(p, AT_IP);
	p->kind = PKT_ESP_OUT;
	p->spi = AH_SPI;
	p->flags = PKT_OURS;
	fire_packet(s, p);
}

/* Transport policies of the outside: everything between the peer and us. */
static void protect_outside(struct shot *s)
{
	struct net *n = atomic_load(&s->y->sh.net);
	struct policy *p = calloc(1, sizeof *p);
	static struct policy_sas none;

	if (!p)
		abort();
	p->selectors = calloc(2, sizeof *p->selectors);
	if (!p->selectors)
		abort();
	p->selectors[0] = selector_v4((uint32_t)WAY_GW_OUT, (uint32_t)WAY_GW_OUT);
	p->selectors[1] = selector_v4((uint32_t)WAY_PEER, (uint32_t)WAY_PEER);
	p->ts = (struct selectors){p->selectors, p->selectors + 1, 1, 1};
	p->id = 2;
	p->sas = &none;
	if (net_add_policy(n, 0, p) < 0 || net_finish(n) < 0)
		abort();
}

static void ping_in_clear(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ICMP, 16);

	protect_outside(s);
	x.f[AT_AH] = 8;
	store_be16(x.f + AT_AH + 2, sum_done(sum_add(0, view_of(x.f + AT_AH, 16))));
	fire_frame(s, 0, &x);
}

/* ---------------------------------------------------------------- the kernel's device outside */

enum { WAY_OTHER = (int)0xc000024d, L2TP = 1701 };

static struct iface *give_outside_to_the_kernel(struct shot *s)
{
	struct iface *outside = atomic_load(&s->y->sh.net)->ifaces[0];

	outside->kernel = true;
	return outside;
}

static void fire_from_kernel(struct shot *s, uint32_t src, uint32_t dst, uint16_t port)
{
	uint8_t x[60] = {0};
	struct pkt *p;

	ip4_put(x, &(struct ip4_make){src, dst, sizeof x, 1, 0, IP_UDP, 64, 0});
	store_be16(x + IP4_HDR, port);
	store_be16(x + IP4_HDR + 2, L2TP);
	p = way_packet(x, sizeof x, 64);
	p->kind = PKT_KERNEL;
	p->flags = PKT_OURS;
	p->iface = 0;
	fire_packet(s, p);
	if (s->y->n_sent[0] + s->y->n_sent[1] != 0)
		abort(); /* in clear */
}

static void kernel_to_the_unprotected(struct shot *s)
{
	protect_outside(s);
	(void)give_outside_to_the_kernel(s);
	fire_from_kernel(s, (uint32_t)WAY_GW_OUT, (uint32_t)WAY_OTHER, L2TP);
}

static void kernel_without_any_policy(struct shot *s)
{
	(void)give_outside_to_the_kernel(s);
	fire_from_kernel(s, (uint32_t)WAY_GW_OUT, (uint32_t)WAY_PEER, L2TP);
}

static void kernel_with_the_port_of_ike(struct shot *s)
{
	protect_outside(s);
	(void)give_outside_to_the_kernel(s);
	fire_from_kernel(s, (uint32_t)WAY_GW_OUT, (uint32_t)WAY_PEER, 500);
}

static void kernel_of_a_standby(struct shot *s)
{
	protect_outside(s);
	give_outside_to_the_kernel(s)->rg = 3;
	fire_from_kernel(s, (uint32_t)WAY_GW_OUT, (uint32_t)WAY_PEER, L2TP);
}

static void kernel_outside_for_a_stranger(struct shot *s)
{
	protect_outside(s);
	(void)give_outside_to_the_kernel(s);
	fire_from_kernel(s, WAY_GW_IN, (uint32_t)WAY_PEER, L2TP);
}

static void kernel_outside_to_the_inside(struct shot *s)
{
	protect_outside(s);
	(void)give_outside_to_the_kernel(s);
	fire_from_kernel(s, (uint32_t)WAY_GW_OUT, WAY_HOST, L2TP);
}

static void kernel_before_an_sa(struct shot *s)
{
	protect_outside(s);
	(void)give_outside_to_the_kernel(s);
	fire_from_kernel(s, (uint32_t)WAY_GW_OUT, (uint32_t)WAY_PEER, L2TP);
}

/* In clear nothing gets to the kernel, with a policy or without. */
static void clear_for_the_kernel(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_UDP, 16);

	(void)give_outside_to_the_kernel(s);
	store_be16(x.f + AT_AH + 2, L2TP);
	store_be16(x.f + AT_AH + 4, 16);
	fire_frame(s, 0, &x);
	if (way_drain(s->y) != 0)
		abort();
}

/* A tunnel is no transport mode: its policies do not speak of this address. */
static void tunnelled_for_the_kernel(struct shot *s)
{
	struct iface *inside = atomic_load(&s->y->sh.net)->ifaces[1];
	struct ip_frame x = {0};
	uint8_t plain[48] = {0};

	inside->kernel = true;
	ip4_put(plain, &(struct ip4_make){WAY_FAR, WAY_GW_IN, 44, 1, 0, IP_UDP, 64, 0});
	plain[44] = 1;
	plain[45] = 2;
	plain[46] = 2;
	plain[47] = ESP_NEXT_IPV4;
	x.n = way_seal(s->y, 1, view_of_array(plain), false, x.f);
	fire_frame(s, 0, &x);
	if (way_drain(s->y) != 0)
		abort();
}

static const struct drop_case cases[] = {
	{STAT_DROP_AH_SHORT, "AH cut in its header", ah_cut_in_the_header},
	{STAT_DROP_AH_SHORT, "AH cut in its ICV", ah_cut_in_the_icv},
	{STAT_DROP_AH_SPI_RESERVED, "AH with SPI 255", ah_with_a_reserved_spi},
	{STAT_DROP_AH_SPI, "AH with an unknown SPI", ah_with_an_unknown_spi},
	{STAT_DROP_AH_SPI, "AH with the SPI of an ESP SA", ah_with_the_spi_of_esp},
	{STAT_DROP_AH_LENGTH, "AH of another length", ah_of_another_length},
	{STAT_DROP_AH_HEADERS, "AH behind broken options", ah_behind_broken_options},
	{STAT_DROP_AH_HEADERS, "broken options of our own", broken_options_for_transport},
	{STAT_DROP_AH_NUMBER, "AH with number 0", ah_with_number_zero},
	{STAT_DROP_AH_REPLAY, "AH with a number again", ah_again},
	{STAT_DROP_AH_OLD, "AH below the window", ah_below_the_window},
	{STAT_DROP_AH_HORIZON, "AH above the horizon", ah_above_the_horizon},
	{STAT_DROP_AH_AUTH, "AH with a wrong ICV", ah_with_a_wrong_icv},
	{STAT_DROP_AH_NEXT, "AH around no packet", ah_around_no_packet},
	{STAT_DROP_AH_NEXT, "AH around AH", ah_around_ah},
	{STAT_DROP_AH_BUNDLE, "a bundle without its ESP", bundle_without_esp},
	{STAT_DROP_AH_BUNDLE, "a bundle with another SPI", bundle_with_another_aux_spi},
	{STAT_DROP_TRANSPORT, "a fragment for transport mode", fragment_for_transport},
	{STAT_DROP_IP_CLEAR, "a ping that should be protected", ping_in_clear},
	{STAT_DROP_KERNEL_POLICY, "a kernel that speaks to others", kernel_to_the_unprotected},
	{STAT_DROP_KERNEL_POLICY, "a kernel without a policy", kernel_without_any_policy},
	{STAT_DROP_KERNEL_POLICY, "a kernel that speaks IKE", kernel_with_the_port_of_ike},
	{STAT_DROP_KERNEL_STANDBY, "the kernel of a standby", kernel_of_a_standby},
	{STAT_DROP_KERNEL_SOURCE, "a kernel that forwards out", kernel_outside_for_a_stranger},
	{STAT_DROP_KERNEL_ROUTE, "a kernel that means the inside", kernel_outside_to_the_inside},
	{STAT_DROP_SPD_SA, "a kernel before there is an SA", kernel_before_an_sa},
	{STAT_DROP_UDP_PORT, "L2TP in clear", clear_for_the_kernel},
	{STAT_DROP_IP_PROTOCOL, "L2TP out of a tunnel", tunnelled_for_the_kernel},
};

struct drop_cases drops_ah(void)
{
	return (struct drop_cases){cases, ARRAY_LEN(cases)};
}
