/*
 * What outer headers look like: DF, TTL, TOS, ECN, the tunnel's MTU, UDP for many paths (PKT-011,
 * UDP-001, UDP-003, UDP-005; RFC 4301 5.1.2, RFC 6040).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/flow_port.h"
#include "fakeway.h"
#include "node/node.h"

enum { INNER = 14 + IP4_HDR, TTL_IN = 9 };

static struct way *way_with(const struct outer_options *o)
{
	struct way *y = way_new(o->udp_port ? SA_UDP : 0);

	sa_cold(y->sa)->outer = *o;
	sa_cold(y->sa)->spi_out = WAY_SPI_OUT;
	sa_template(y->sa, WAY_SPI_OUT);
	return y;
}

/* What the host says: a UDP datagram of `len` octets with its IP header. */
struct said {
	uint8_t tos, ttl;
	uint16_t frag, len, sport;
};

static void say(struct way *y, const struct said *s)
{
	uint8_t f[2000] = {0};

	(void)way_headers(f, WAY_HOST, WAY_FAR, IP_UDP, s->len - IP4_HDR);
	ip4_put(f + 14, &(struct ip4_make){WAY_HOST, WAY_FAR, s->len, 1, s->frag, IP_UDP,
				s->ttl ? s->ttl : TTL_IN, s->tos});
	store_be16(f + INNER, s->sport);
	way_receive(y, 1, way_packet(f, 14u + s->len, 64));
}

/* The outer header of the last packet that left; its checksum is good. */
static struct ip4 outer(const struct way *y)
{
	struct ip4 h = {0};

	assert_true(y->n_sent[0] > 0);
	assert_int_equal(ip4_read(view_of(y->sent[0][y->n_sent[0] - 1]->p + 14,
					  y->sent[0][y->n_sent[0] - 1]->len - 14),
				 &h),
		IP4_OK);
	return h;
}

static void df_clear_set_and_copied(void **state)
{
	static const struct {
		uint8_t df;
		uint16_t in, out;
	} want[] = {
		{OUTER_DF_CLEAR, 0, 0},
		{OUTER_DF_CLEAR, IP4_DF, 0},
		{OUTER_DF_SET, 0, IP4_DF},
		{OUTER_DF_SET, IP4_DF, IP4_DF},
		{OUTER_DF_COPY, 0, 0},
		{OUTER_DF_COPY, IP4_DF, IP4_DF},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct way *y = way_with(&(struct outer_options){.df = want[i].df});

		say(y, &(struct said){.len = 60, .frag = want[i].in});
		assert_int_equal(outer(y).frag, want[i].out);
		way_free(y);
	}
}

/* The hop through us has been counted before: 9 goes in as 8. */
static void ttl_fixed_and_copied(void **state)
{
	static const struct {
		uint8_t ttl;
		bool copy;
		uint8_t out;
	} want[] = {{0, false, 64}, {254, false, 254}, {1, false, 1}, {77, true, TTL_IN - 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct way *y = way_with(
			&(struct outer_options){.ttl = want[i].ttl, .copy_ttl = want[i].copy});

		say(y, &(struct said){.len = 60});
		assert_int_equal(outer(y).ttl, want[i].out);
		way_free(y);
	}
}

/* RFC 6040 4.1: a fixed DSCP never touches ECN. */
static void tos_fixed_and_copied(void **state)
{
	struct way *y;

	(void)state;
	for (uint32_t tos = 0; tos < 256; tos += 5) {
		y = way_with(&(struct outer_options){0});
		say(y, &(struct said){.len = 60, .tos = (uint8_t)tos});
		assert_int_equal(outer(y).tos, tos);
		way_free(y);
		y = way_with(&(struct outer_options){.fixed_tos = true, .tos = 0xb9});
		say(y, &(struct said){.len = 60, .tos = (uint8_t)tos});
		assert_int_equal(outer(y).tos, 0xb8 | (tos & 3));
		way_free(y);
	}
}

static uint8_t inner_tos(struct way *y, uint64_t seq, uint8_t inside, uint8_t outside)
{
	uint8_t plain[52] = {0}, f[256];
	size_t n;
	struct ip4 h;

	ip4_put(plain, &(struct ip4_make){WAY_FAR, WAY_HOST, 50, 1, 0, IP_UDP, 9, inside});
	plain[51] = 4;
	n = way_seal(y, seq, view_of_array(plain), false, f);
	f[14 + IP4_AT_TOS] = outside;
	store_be16(f + 14 + IP4_AT_SUM, 0);
	store_be16(f + 14 + IP4_AT_SUM, sum_done(sum_add(0, view_of(f + 14, IP4_HDR))));
	way_forget(y);
	way_receive(y, 0, way_packet(f, n, 64));
	assert_int_equal(y->n_sent[1], 1);
	assert_int_equal(
		ip4_read(view_of(y->sent[1][0]->p + 14, y->sent[1][0]->len - 14), &h), IP4_OK);
	return h.tos;
}

static void dscp_of_the_outer_header_comes_in_when_asked(void **state)
{
	struct way *y = way_with(&(struct outer_options){0});

	(void)state;
	assert_int_equal(inner_tos(y, 1, 0x28, 0xb8), 0x28);
	assert_int_equal(inner_tos(y, 2, 0x2a, 0xbb), 0x2b); /* congestion comes in always */
	way_free(y);
	y = way_with(&(struct outer_options){.copy_dscp = true});
	assert_int_equal(inner_tos(y, 1, 0x28, 0xb8), 0xb8);
	assert_int_equal(inner_tos(y, 2, 0x2a, 0xbb), 0xbb);
	assert_int_equal(inner_tos(y, 3, 0x29, 0x00), 0x01); /* ECN is the inner one's */
	way_free(y);
}

/* ---------------------------------------------------------------- MTU */

static uint32_t longest(const struct way *y, uint16_t port)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < y->n_sent[port]; i++)
		most = MAX(most, y->sent[port][i]->len - 14);
	return most;
}

static void tunnel_mtu_bounds_what_leaves(void **state)
{
	struct way *y;

	(void)state;
	for (uint16_t mtu = 256; mtu < 1400; mtu = (uint16_t)(mtu + 101)) {
		y = way_with(&(struct outer_options){.mtu = mtu});
		say(y, &(struct said){.len = 1400});
		assert_true(y->n_sent[0] > 1);
		assert_in_range(longest(y, 0), mtu - 24, mtu);
		way_free(y);
	}
}

/* RFC 4301 8.1: the sender is told what would fit, and what it is told does fit. */
static void too_big_is_told_and_true(void **state)
{
	struct way *y = way_with(&(struct outer_options){.mtu = 600});
	const uint8_t *icmp;
	uint16_t mtu;

	(void)state;
	say(y, &(struct said){.len = 900, .frag = IP4_DF});
	assert_int_equal(y->n_sent[0], 0);
	assert_int_equal(y->n_sent[1], 1);
	assert_int_equal(y->w->stats[STAT_DROP_IP_TOO_BIG], 1);
	icmp = y->sent[1][0]->p + 14 + IP4_HDR;
	assert_int_equal(icmp[0], 3);
	assert_int_equal(icmp[1], 4);
	mtu = load_be16(icmp + 6);
	say(y, &(struct said){.len = (uint16_t)(mtu + 1), .frag = IP4_DF});
	assert_int_equal(y->n_sent[0], 0);
	say(y, &(struct said){.len = mtu, .frag = IP4_DF});
	assert_int_equal(y->n_sent[0], 1);
	assert_in_range(longest(y, 0), 600 - 3, 600);
	way_free(y);
}

static void too_big_in_silence_when_asked(void **state)
{
	struct way *y = way_with(&(struct outer_options){.mtu = 600, .no_too_big = true});

	(void)state;
	say(y, &(struct said){.len = 900, .frag = IP4_DF});
	assert_int_equal(y->n_sent[0] + y->n_sent[1], 0);
	assert_int_equal(y->w->stats[STAT_DROP_TUNNEL_MTU], 1);
	assert_int_equal(y->w->stats[STAT_DROP_IP_TOO_BIG], 0);
	say(y, &(struct said){.len = 900}); /* may be cut */
	assert_int_equal(y->n_sent[0], 2);
	way_free(y);
}

/* ---------------------------------------------------------------- path MTU */

struct too_big {
	uint32_t from_us, spi, number;
	uint16_t len, mtu;
	uint8_t proto;
	uint32_t quoted; /* octets of the packet's payload */
};

static const struct too_big honest = {(uint32_t)WAY_GW_OUT, WAY_SPI_OUT, 5, 1400, 1200, IP_ESP, 8};

static void tell(struct way *y, const struct too_big *t)
{
	uint8_t f[256] = {0}, *icmp = f + 14 + IP4_HDR, *q = icmp + 8;
	uint32_t n = 8 + IP4_HDR + t->quoted;

	(void)way_headers(f, 0xc6336401, (uint32_t)WAY_GW_OUT, IP_ICMP, n);
	icmp[0] = 3;
	icmp[1] = 4;
	store_be16(icmp + 6, t->mtu);
	ip4_put(q, &(struct ip4_make){
			   t->from_us, (uint32_t)WAY_PEER, t->len, 7, IP4_DF, t->proto, 60, 0});
	q += IP4_HDR + (t->proto == IP_UDP ? 8 : t->proto == IP_AH ? 4 : 0);
	store_be32(q, t->spi);
	store_be32(q + 4, t->number);
	store_be16(icmp + 2, sum_done(sum_add(0, view_of(icmp, n))));
	way_receive(y, 0, way_packet(f, 14 + IP4_HDR + n, 0));
}

static void path_mtu_is_passed_on_a_few_times_a_second(void **state)
{
	struct way *y = way_with(&(struct outer_options){0});
	struct too_big udp = honest;
	uint64_t again = 0;
	struct note n;

	(void)state;
	tell(y, &honest);
	assert_int_equal(ring_get(&y->w->notes, &n, 1), 1);
	assert_int_equal(n.kind, NOTE_PATH_MTU);
	assert_int_equal(n.spi, WAY_SPI_OUT);
	assert_int_equal(n.path_mtu.number, 5);
	assert_int_equal(n.path_mtu.mtu, 1200);
	assert_true(ipaddr_equal(n.path_mtu.remote, ipaddr_v4((uint32_t)WAY_PEER)));
	for (int i = 0; i < 50; i++)
		tell(y, &honest);
	while (ring_get(&y->w->notes, &n, 1))
		again++;
	assert_in_range(again, 0, 10); /* 200 ms each: fifty take no second */
	assert_int_equal(y->w->stats[STAT_DROP_PATH_MTU], 50 - again);
	y->w->path_mtu_ns = 0;
	udp.proto = IP_UDP;
	udp.quoted = 16;
	tell(y, &udp);
	assert_int_equal(ring_get(&y->w->notes, &n, 1), 1);
	assert_int_equal(n.spi, WAY_SPI_OUT);
	y->w->path_mtu_ns = 0;
	udp.proto = IP_AH;
	udp.quoted = 12;
	tell(y, &udp);
	assert_int_equal(ring_get(&y->w->notes, &n, 1), 1);
	assert_int_equal(n.spi, WAY_SPI_OUT);
	assert_int_equal(n.path_mtu.number, 5);
	way_free(y);
	assert_int_equal(way_alive(), 0);
}

static void path_mtu_lies_are_dropped(void **state)
{
	struct too_big lies[] = {honest, honest, honest, honest, honest, honest};
	struct way *y = way_with(&(struct outer_options){0});
	struct note n;

	(void)state;
	lies[0].from_us = (uint32_t)WAY_GW_OUT + 1;
	lies[1].mtu = 1400; /* it would have fitted */
	lies[2].mtu = 0;
	lies[3].quoted = 7;
	lies[4].proto = IP_TCP;
	lies[5].proto = IP_UDP; /* the SPI is not in the quotation */
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		y->w->path_mtu_ns = 0;
		tell(y, &lies[i]);
		assert_int_equal(y->w->stats[STAT_DROP_PATH_MTU], i + 1);
	}
	assert_int_equal(ring_get(&y->w->notes, &n, 1), 0);
	way_free(y);
}

/* What was learned bounds packets until it is old. */
static void path_mtu_is_forgotten(void **state)
{
	struct way *y = way_with(&(struct outer_options){.mtu = 1300});

	(void)state;
	atomic_store(&y->sa->mtu, 700);
	atomic_store(&sa_cold(y->sa)->mtu_until_ns, y->w->now_ns + UINT64_C(3600000000000));
	say(y, &(struct said){.len = 1000});
	assert_in_range(longest(y, 0), 676, 700);
	way_forget(y);
	atomic_store(&sa_cold(y->sa)->mtu_until_ns, 1);
	say(y, &(struct said){.len = 1000}); /* this one finds out */
	way_forget(y);
	say(y, &(struct said){.len = 1000});
	assert_int_equal(y->n_sent[0], 1);
	assert_int_equal(atomic_load(&y->sa->mtu), 1300);
	way_free(y);
}

/* ---------------------------------------------------------------- UDP for many paths */

static const struct outer_options multipath = {.udp_port = 4565, .udp_key = {0x1234, 0x5678}};

static uint16_t port_of(struct way *y, uint16_t sport)
{
	const uint8_t *udp;

	way_forget(y);
	say(y, &(struct said){.len = 100, .sport = sport});
	assert_int_equal(y->n_sent[0], 1);
	assert_int_equal(outer(y).proto, IP_UDP);
	udp = y->sent[0][0]->p + INNER;
	assert_int_equal(load_be16(udp + 2), 4565);
	assert_int_equal(load_be16(udp + 4), y->sent[0][0]->len - INNER);
	assert_int_equal(load_be16(udp + 6), 0);
	assert_int_equal(load_be32(udp + 8), WAY_SPI_OUT);
	return load_be16(udp);
}

static void flow_has_one_port_and_flows_many(void **state)
{
	struct way *y = way_with(&multipath);
	uint32_t distinct = 0;
	uint8_t *seen = calloc(1, 65536);

	(void)state;
	assert_non_null(seen);
	for (uint32_t i = 0; i < 500; i++) {
		uint16_t port = port_of(y, (uint16_t)(1000 + i));

		assert_true(port >= FLOW_PORT_FIRST);
		assert_int_equal(port_of(y, (uint16_t)(1000 + i)), port);
		distinct += !seen[port];
		seen[port] = 1;
	}
	assert_true(distinct > 480);
	free(seen);
	way_free(y);
}

/* UDP-003: 10 000 flows over 16 paths; each gets its share within a fifth. */
static void flow_ports_spread_evenly(void **state)
{
	uint8_t p[40] = {0};
	uint32_t path[16] = {0};

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		ip4_put(p, &(struct ip4_make){0x0a010000 + i % 100, 0x0a020000 + i / 100, 40, 0, 0,
				   IP_TCP, 64, 0});
		path[flow_port(multipath.udp_key, view_of_array(p)) % 16]++;
	}
	for (int i = 0; i < 16; i++)
		assert_in_range(path[i], 500, 750);
}

/* Fragments of one packet go one way, though only the first has the ports. */
static void flow_of_fragments_has_no_ports(void **state)
{
	uint8_t p[40] = {0};
	uint16_t first;

	(void)state;
	ip4_put(p, &(struct ip4_make){WAY_HOST, WAY_FAR, 40, 9, IP4_MF, IP_UDP, 64, 0});
	store_be32(p + IP4_HDR, 0x12345678);
	first = flow_port(multipath.udp_key, view_of_array(p));
	ip4_put(p, &(struct ip4_make){WAY_HOST, WAY_FAR, 40, 9, 2, IP_UDP, 64, 0});
	store_be32(p + IP4_HDR, 0x9abcdef0);
	assert_int_equal(flow_port(multipath.udp_key, view_of_array(p)), first);
}

/* SipHash-1-3 of nothing, key 00 01 .. 0f: what every implementation gives. */
static void flow_hash_is_siphash(void **state)
{
	const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908}, words[] = {0};

	(void)state;
	assert_int_equal(flow_hash(key, words, 1), 0xabac0158050fc4dc);
}

static void another_key_gives_other_ports(void **state)
{
	const uint64_t other[2] = {0x1234, 0x5679};
	uint8_t p[40] = {0};
	uint32_t same = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		ip4_put(p, &(struct ip4_make){i, WAY_FAR, 40, 0, 0, IP_TCP, 64, 0});
		same += flow_port(multipath.udp_key, view_of_array(p)) ==
			flow_port(other, view_of_array(p));
	}
	assert_true(same < 5);
}

/* At the configured port ESP is heard for every SA, in UDP on our side or not; elsewhere nothing.
 */
static void multipath_is_heard_at_its_port(void **state)
{
	static const struct outer_options plain = {0};
	const struct outer_options *sa[] = {&plain, &multipath};
	struct note notes[4];
	uint8_t inner[52] = {0}, f[256];
	size_t n;

	(void)state;
	ip4_put(inner, &(struct ip4_make){WAY_FAR, WAY_HOST, 50, 1, 0, IP_UDP, 9, 0});
	inner[51] = 4;
	for (size_t i = 0; i < ARRAY_LEN(sa); i++) {
		struct way *y = way_with(sa[i]);

		n = way_seal(y, 1, view_of_array(inner), true, f);
		store_be16(f + INNER, 33333);
		store_be16(f + INNER + 2, 4565);
		way_receive(y, 0, way_packet(f, n, 64));
		assert_int_equal(y->w->stats[STAT_DROP_UDP_PORT], 1);
		atomic_load(&y->sh.net)->udp_ports[4565 / 64] |= UINT64_C(1) << 4565 % 64;
		way_receive(y, 0, way_packet(f, n, 64));
		assert_int_equal(y->w->stats[STAT_UDP_ENCAP_IN], 1);
		assert_int_equal(y->w->stats[STAT_ESP_IN], 1);
		assert_int_equal(y->n_sent[1], 1);
		/* The source port is a hash: nobody has moved. */
		assert_int_equal(ring_get(&y->w->notes, notes, 4), 1);
		assert_int_equal(notes[0].kind, NOTE_INBOUND_FIRST);
		way_free(y);
	}
}

/* The same options around IPv6, where UDP has a checksum (RFC 8200 8.1). */
static void options_hold_over_ipv6(void **state)
{
	struct outer_options o = multipath;
	struct way *y;
	const uint8_t *p;
	uint32_t n;
	uint16_t port = 0;

	(void)state;
	o.ttl = 33;
	o.fixed_tos = true;
	o.tos = 0xb8;
	y = way_with(&o);
	way_outer6(y);
	for (int i = 0; i < 2; i++) {
		way_forget(y);
		say(y, &(struct said){.len = 101, .sport = 7, .tos = 1});
		assert_int_equal(y->n_sent[0], 1);
		p = y->sent[0][0]->p + 14;
		n = y->sent[0][0]->len - 14 - IP6_HDR;
		assert_int_equal(ip_tos(p), 0xb9);
		assert_int_equal(ip_hops(p), 33);
		assert_int_equal(p[IP6_AT_NEXT], IP_UDP);
		assert_int_equal(load_be16(p + IP6_HDR + 2), 4565);
		assert_int_not_equal(load_be16(p + IP6_HDR + 6), 0);
		assert_int_equal(sum_done(sum_add(sum_pseudo6(ip_src(p), ip_dst(p), IP_UDP, n),
					 view_of(p + IP6_HDR, n))),
			0);
		if (i == 1)
			assert_int_equal(load_be16(p + IP6_HDR), port);
		port = load_be16(p + IP6_HDR);
	}
	way_free(y);
	o = (struct outer_options){.copy_ttl = true, .mtu = 700};
	y = way_with(&o);
	way_outer6(y);
	say(y, &(struct said){.len = 100, .ttl = 50});
	assert_int_equal(ip_hops(y->sent[0][0]->p + 14), 49);
	way_forget(y);
	say(y, &(struct said){.len = 1000});
	assert_int_equal(y->n_sent[0], 2);
	assert_in_range(longest(y, 0), 676, 700);
	way_free(y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(df_clear_set_and_copied),
		cmocka_unit_test(ttl_fixed_and_copied),
		cmocka_unit_test(tos_fixed_and_copied),
		cmocka_unit_test(dscp_of_the_outer_header_comes_in_when_asked),
		cmocka_unit_test(tunnel_mtu_bounds_what_leaves),
		cmocka_unit_test(too_big_is_told_and_true),
		cmocka_unit_test(too_big_in_silence_when_asked),
		cmocka_unit_test(path_mtu_is_passed_on_a_few_times_a_second),
		cmocka_unit_test(path_mtu_lies_are_dropped),
		cmocka_unit_test(path_mtu_is_forgotten),
		cmocka_unit_test(flow_has_one_port_and_flows_many),
		cmocka_unit_test(flow_ports_spread_evenly),
		cmocka_unit_test(flow_of_fragments_has_no_ports),
		cmocka_unit_test(flow_hash_is_siphash),
		cmocka_unit_test(another_key_gives_other_ports),
		cmocka_unit_test(multipath_is_heard_at_its_port),
		cmocka_unit_test(options_hold_over_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
