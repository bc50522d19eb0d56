/* IPv6 through the real nodes: the four pairs of families both ways, sizes, neighbours, errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/cut.h"
#include "fakeway.h"
#include "node/neighbour.h"
#include "node/node.h"

enum { FRONT = 14, INNER = 50 };

static const struct {
	const char *name;
	bool outer6, inner6, udp;
} pairs[] = {
	{"4in4", false, false, false},
	{"6in4", false, true, false},
	{"4in6", true, false, false},
	{"6in6", true, true, false},
	{"4in4 in UDP", false, false, true},
	{"6in4 in UDP", false, true, true},
	{"4in6 in UDP", true, false, true},
	{"6in6 in UDP", true, true, true},
};

/* Packets of the inner family with a traffic class. */
static uint32_t inner_out(uint8_t *f, bool six, uint32_t data, uint8_t tos)
{
	if (six) {
		(void)way_headers6(f, WAY6_HOST, WAY6_FAR, IP_UDP, data);
		ip6_tos_put(f + FRONT, tos);
		return FRONT + IP6_HDR + data;
	}
	(void)way_headers(f, WAY_HOST, WAY_FAR, IP_UDP, data);
	f[FRONT + IP4_AT_TOS] = tos;
	store_be16(f + FRONT + IP4_AT_SUM, 0);
	store_be16(f + FRONT + IP4_AT_SUM, sum_done(sum_add(0, view_of(f + FRONT, IP4_HDR))));
	return FRONT + IP4_HDR + data;
}

static struct way *way_of(size_t i)
{
	struct way *y = way_new(pairs[i].udp ? SA_UDP : 0);

	if (pairs[i].outer6)
		way_outer6(y);
	else
		sa_template(y->sa, WAY_SPI_OUT);
	return y;
}

/* Opens what left for the peer; the inner packet with its trailer. */
static struct view open_sent(struct way *y, const struct pkt *p, bool udp)
{
	uint32_t front = FRONT + (y->outer6 ? (uint32_t)IP6_HDR : IP4_HDR) + (udp ? 8u : 0u);
	struct suite_op op = {.key = y->sa->key_out,
		.esp = p->p + front,
		.len = p->len - front - 16 - 16,
		.salt = y->sa->salt_out,
		.seq = load_be32(p->p + front + 4)};

	y->sa->suite->open(y->sa->suite, y->w->engine, &op, 1);
	assert_true(op.ok);
	return view_of(p->p + front + 16, op.len);
}

static void check_outer(struct way *y, const struct pkt *p, bool udp, uint8_t tos)
{
	const uint8_t *o = p->p + FRONT;
	uint32_t hdr = y->outer6 ? IP6_HDR : IP4_HDR, len = p->len - FRONT;
	struct ip4 h4;
	struct ip6 h6;

	assert_int_equal(load_be16(p->p + 12), y->outer6 ? ETH_IP6 : ETH_IP4);
	if (y->outer6) {
		assert_int_equal(ip6_read(view_of(o, len), &h6), IP6_OK);
		assert_int_equal(h6.len, len);
		assert_int_equal(h6.hops, 64);
		assert_true(ipaddr_equal(h6.dst, WAY6_PEER));
		assert_true(h6.flow != 0);
	} else {
		assert_int_equal(ip4_read(view_of(o, len), &h4), IP4_OK);
		assert_int_equal(h4.len, len);
		assert_int_equal(h4.dst, (uint32_t)WAY_PEER);
	}
	assert_int_equal(ip_tos(o), tos);
	if (!udp)
		return;
	assert_int_equal(load_be16(o + hdr + 4), len - hdr);
	if (y->outer6) /* RFC 8200 8.1 */
		assert_int_equal(sum_done(sum_add(sum_pseudo6(h6.src, h6.dst, IP_UDP, len - hdr),
					 view_of(o + hdr, len - hdr))),
			0);
	else
		assert_int_equal(load_be16(o + hdr + 6), 0);
}

static void node6_all_pairs_go_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct way *y = way_of(i);
		uint8_t f[200] = {0};
		uint32_t n = inner_out(f, pairs[i].inner6, 64, 0xb9);
		struct view got;

		way_receive(y, 1, way_packet(f, n, 64));
		if (y->n_sent[0] != 1)
			fail_msg("%s: nothing left", pairs[i].name);
		check_outer(y, y->sent[0][0], pairs[i].udp, 0xb9);
		got = open_sent(y, y->sent[0][0], pairs[i].udp);
		assert_int_equal(got.p[got.n - 1], pairs[i].inner6 ? 41 : 4);
		f[FRONT + (pairs[i].inner6 ? (int)IP6_AT_HOPS : (int)IP4_AT_TTL)]--;
		assert_memory_equal(got.p + (pairs[i].inner6 ? 0 : 12),
			f + FRONT + (pairs[i].inner6 ? 0 : 12),
			n - FRONT - (pairs[i].inner6 ? 0 : 12));
		way_free(y);
		assert_int_equal(way_alive(), 0);
	}
}

/* The inner packet of `n` octets with its trailer behind. */
static uint32_t inner_in(uint8_t *plain, bool six, uint8_t tos)
{
	uint32_t n = INNER;

	memset(plain, 0, n + 2);
	if (six)
		ip6_put(plain, &(struct ip6_make){
				       WAY6_FAR, WAY6_HOST, 0, INNER - IP6_HDR, IP_UDP, 9, tos});
	else
		ip4_put(plain,
			&(struct ip4_make){WAY_FAR, WAY_HOST, (uint16_t)n, 1, 0, IP_UDP, 9, tos});
	plain[n + 1] = six ? 41 : 4;
	return n + 2;
}

/* RFC 6040: congestion met outside is told inside. */
static void node6_all_pairs_come_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct way *y = way_of(i);
		uint8_t plain[64], f[256];
		uint32_t n = inner_in(plain, pairs[i].inner6, 0xb8 | 2);
		size_t len = way_seal(y, 1, view_of(plain, n), pairs[i].udp, f);
		const uint8_t *got;

		if (pairs[i].outer6)
			ip6_tos_put(f + FRONT, 3);
		else {
			f[FRONT + IP4_AT_TOS] = 3;
			store_be16(f + FRONT + IP4_AT_SUM, 0);
			store_be16(f + FRONT + IP4_AT_SUM,
				sum_done(sum_add(0, view_of(f + FRONT, IP4_HDR))));
		}
		way_receive(y, 0, way_packet(f, len, 0));
		if (y->n_sent[1] != 1)
			fail_msg("%s: nothing came through", pairs[i].name);
		got = y->sent[1][0]->p + FRONT;
		assert_int_equal(y->sent[1][0]->len, FRONT + n - 2);
		assert_int_equal(ip_tos(got), 0xb8 | 3);
		assert_int_equal(got[pairs[i].inner6 ? (int)IP6_AT_HOPS : (int)IP4_AT_TTL], 8);
		if (!pairs[i].inner6)
			assert_int_equal(sum_done(sum_add(0, view_of(got, IP4_HDR))), 0);
		way_free(y);
		assert_int_equal(way_alive(), 0);
	}
}

static void node6_inner_and_next_header_must_agree(void **state)
{
	struct way *y = way_new(0);
	uint8_t plain[64], f[256];
	uint32_t n = inner_in(plain, true, 0);

	(void)state;
	plain[n - 1] = 4;
	way_receive(y, 0, way_packet(f, way_seal(y, 1, view_of(plain, n), false, f), 0));
	n = inner_in(plain, false, 0);
	plain[n - 1] = 41;
	way_receive(y, 0, way_packet(f, way_seal(y, 2, view_of(plain, n), false, f), 0));
	assert_int_equal(y->w->stats[STAT_DROP_INNER_VERSION], 1);
	assert_int_equal(y->w->stats[STAT_DROP_INNER_IP6], 1);
	way_free(y);
}

static uint32_t label_of(struct way *y, uint8_t last)
{
	uint8_t f[200] = {0};
	uint32_t n = inner_out(f, true, 64, 0), label;

	f[FRONT + IP6_AT_DST + 15] = last;
	way_receive(y, 1, way_packet(f, n, 64));
	label = load_be32(y->sent[0][0]->p + FRONT) & 0xfffff;
	way_forget(y);
	return label;
}

/* RFC 6438 */
static void node6_a_flow_keeps_its_label(void **state)
{
	struct way *y = way_of(3);
	uint32_t first = label_of(y, 20), differ = 0;

	(void)state;
	assert_int_equal(label_of(y, 20), first);
	for (uint8_t i = 21; i < 41; i++)
		differ += label_of(y, i) != first;
	assert_in_range(differ, 19, 20);
	y->sh.flow_key[0] = 12345;
	assert_int_not_equal(label_of(y, 20), first);
	way_free(y);
}

/* RFC 8200 5, RFC 4301 8.2: told what fits, but never less than 1280. */
static void node6_what_is_too_big_is_answered(void **state)
{
	static const struct {
		uint32_t mtu, data, told;
	} cases[] = {{1500, 1460, 1426}, {1300, 1300, 1280}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct way *y = way_of(3);
		struct net *net = atomic_load(&y->sh.net);
		uint8_t f[1600] = {0};
		uint32_t n = inner_out(f, true, cases[i].data, 0);
		const uint8_t *e;

		net->ifaces[0]->mtu = cases[i].mtu;
		way_receive(y, 1, way_packet(f, n, 64));
		assert_int_equal(y->w->stats[STAT_DROP_IP_TOO_BIG], 1);
		assert_int_equal(y->n_sent[0], 0);
		assert_int_equal(y->n_sent[1], 1);
		e = y->sent[1][0]->p + FRONT;
		assert_int_equal(e[IP6_AT_NEXT], IP_ICMP6);
		assert_int_equal(e[IP6_HDR], 2);
		assert_int_equal(load_be32(e + IP6_HDR + 4), cases[i].told);
		assert_int_equal(y->sent[1][0]->len, FRONT + IP6_MTU_MIN);
		assert_int_equal(sum_done(sum_add(sum_pseudo6(ip_src(e), ip_dst(e), IP_ICMP6,
							  IP6_MTU_MIN - IP6_HDR),
					 view_of(e + IP6_HDR, IP6_MTU_MIN - IP6_HDR))),
			0);
		way_free(y);
		assert_int_equal(way_alive(), 0);
	}
}

/* 1280 octets go through any tunnel: the outer packet is cut, and comes together at the other end.
 */
static void node6_least_mtu_always_fits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct way *y = way_of(i);
		struct net *net = atomic_load(&y->sh.net);
		uint8_t f[1600] = {0};
		uint32_t n = inner_out(f, true, IP6_MTU_MIN - IP6_HDR, 0);

		if (!pairs[i].inner6) {
			way_free(y);
			continue;
		}
		net->ifaces[0]->mtu = IP6_MTU_MIN;
		way_receive(y, 1, way_packet(f, n, 64));
		assert_int_equal(y->w->stats[STAT_ESP_OUT], 1);
		assert_int_equal(y->n_sent[0], 2);
		for (uint32_t k = 0; k < 2; k++) {
			const uint8_t *o = y->sent[0][k]->p + FRONT;

			assert_in_range(y->sent[0][k]->len, 50, FRONT + IP6_MTU_MIN);
			if (pairs[i].outer6)
				assert_int_equal(o[IP6_AT_NEXT], IP_FRAGMENT);
			else
				assert_int_equal(sum_done(sum_add(0, view_of(o, IP4_HDR))), 0);
		}
		way_free(y);
		assert_int_equal(way_alive(), 0);
	}
}

/* What the peer cut is gathered before ESP sees it. */
static void node6_fragments_to_us_are_gathered(void **state)
{
	struct way *y = way_of(3);
	uint8_t plain[64], f[256], piece[128];
	uint32_t n = inner_in(plain, true, 0), k;
	size_t len = way_seal(y, 1, view_of(plain, n), false, f);
	struct ip6_cut c;

	(void)state;
	memcpy(piece, f, FRONT);
	assert_int_equal(ip6_cut_init(&c, view_of(f + FRONT, len - FRONT), 90, 7), 0);
	while ((k = ip6_cut_next(&c, piece + FRONT)) != 0)
		way_receive(y, 0, way_packet(piece, FRONT + k, 0));
	assert_int_equal(y->w->stats[STAT_FRAGMENTS_JOINED], 1);
	assert_int_equal(y->w->stats[STAT_ESP_IN], 1);
	assert_int_equal(y->n_sent[1], 1);
	way_free(y);
	assert_int_equal(way_alive(), 0);
}

/* Extension headers in front of ESP are passed over. */
static void node6_esp_behind_extension_headers(void **state)
{
	struct way *y = way_of(3);
	uint8_t plain[64], f[256], g[256];
	uint32_t n = inner_in(plain, true, 0);
	size_t len = way_seal(y, 1, view_of(plain, n), false, f);

	(void)state;
	memcpy(g, f, FRONT + IP6_HDR);
	g[FRONT + IP6_AT_NEXT] = IP_DSTOPTS;
	store_be16(g + FRONT + IP6_AT_LEN, (uint16_t)(len - FRONT - IP6_HDR + 8));
	memcpy(g + FRONT + IP6_HDR, "\x32\0\1\4\0\0\0\0", 8);
	memcpy(g + FRONT + IP6_HDR + 8, f + FRONT + IP6_HDR, len - FRONT - IP6_HDR);
	way_receive(y, 0, way_packet(g, len + 8, 0));
	assert_int_equal(y->w->stats[STAT_ESP_IN], 1);
	way_free(y);
}

/* ---- neighbours */

static size_t icmp6(uint8_t *f, struct ipaddr src, struct ipaddr dst, const void *b, size_t n)
{
	size_t at = way_headers6(f, src, dst, IP_ICMP6, n);

	f[FRONT + IP6_AT_HOPS] = 255;
	memcpy(f + at, b, n);
	store_be16(f + at + 2, 0);
	store_be16(f + at + 2, sum_done(sum_add(sum_pseudo6(src, dst, IP_ICMP6, (uint32_t)n),
				       view_of(f + at, n))));
	return at + n;
}

static size_t solicit(uint8_t *f, struct ipaddr src, struct ipaddr target)
{
	uint8_t b[32] = {135};
	bool nobody = ipaddr_is_none(src);
	size_t n;

	ipaddr_store(b + 8, target);
	b[24] = b[25] = 1;
	memcpy(b + 26, way_peer_mac, 6);
	n = icmp6(f, src, ip6_solicited(target), b, nobody ? 24 : 32);
	memcpy(f, "\x33\x33\xff", 3);
	return n;
}

static void check_advert(const struct pkt *p, struct ipaddr dst, struct ipaddr target, bool asked)
{
	const uint8_t *ip = p->p + FRONT, *b = ip + IP6_HDR;

	assert_int_equal(p->len, FRONT + IP6_HDR + 32);
	assert_true(ipaddr_equal(ip_dst(ip), dst) && ipaddr_equal(ip_src(ip), target));
	assert_int_equal(ip[IP6_AT_HOPS], 255);
	assert_int_equal(b[0], 136);
	assert_int_equal(b[4], asked ? 0xe0 : 0xa0);
	assert_true(ipaddr_equal(ipaddr_load(b + 8), target));
	assert_memory_equal(b + 24, "\2\1", 2);
	assert_memory_equal(b + 26, way_mac, 6);
	assert_int_equal(
		sum_done(sum_add(sum_pseudo6(ip_src(ip), dst, IP_ICMP6, 32), view_of(b, 32))), 0);
}

static void node6_questions_after_us_are_answered(void **state)
{
	const struct ipaddr all = {UINT64_C(0xff02) << 48, 1};
	struct ipaddr local = ip6_link_local(way_mac), other = ip6_link_local(way_peer_mac);
	struct way *y = way_new(0);
	uint8_t f[128];

	(void)state;
	way_receive(y, 0, way_packet(f, solicit(f, WAY6_PEER, WAY6_GW_OUT), 0));
	way_receive(y, 0, way_packet(f, solicit(f, other, local), 0));
	way_receive(y, 0, way_packet(f, solicit(f, (struct ipaddr){0}, WAY6_GW_OUT), 0));
	assert_int_equal(y->n_sent[0], 3);
	check_advert(y->sent[0][0], WAY6_PEER, WAY6_GW_OUT, true);
	check_advert(y->sent[0][1], other, local, true);
	check_advert(y->sent[0][2], all, WAY6_GW_OUT, false); /* somebody tries to take it */
	assert_memory_equal(y->sent[0][2]->p, "\x33\x33\0\0\0\1", 6);
	way_free(y);
	assert_int_equal(way_alive(), 0);
}

/* An unknown next hop is asked for; the packet leaves when it answers. */
static void node6_neighbours_are_resolved(void **state)
{
	struct ipaddr other = {WAY6_HOST.hi, 99};
	struct way *y = way_new(0);
	uint8_t plain[64], f[256], b[32] = {136, 0, 0, 0, 0x60};
	uint32_t n = inner_in(plain, true, 0);
	const uint8_t *ask;

	(void)state;
	ipaddr_store(plain + IP6_AT_DST, other);
	way_receive(y, 0, way_packet(f, way_seal(y, 1, view_of(plain, n), false, f), 0));
	assert_int_equal(y->n_sent[1], 1);
	ask = y->sent[1][0]->p;
	assert_memory_equal(ask, "\x33\x33\xff\0\0\x63", 6);
	assert_int_equal(ask[FRONT + IP6_HDR], 135);
	assert_true(ipaddr_equal(ip_src(ask + FRONT), WAY6_GW_IN));
	assert_int_equal(pending_count(y->w->pending), 1);
	ipaddr_store(b + 8, other);
	b[24] = 2;
	b[25] = 1;
	memcpy(b + 26, "\2\0\0\0\0\x63", 6);
	way_receive(y, 1, way_packet(f, icmp6(f, other, WAY6_GW_IN, b, 32), 0));
	assert_int_equal(y->n_sent[1], 2);
	assert_memory_equal(y->sent[1][1]->p, "\2\0\0\0\0\x63", 6);
	b[4] = 0; /* without override it changes nothing */
	b[31] = 0x64;
	way_receive(y, 1, way_packet(f, icmp6(f, other, WAY6_GW_IN, b, 32), 0));
	way_receive(y, 0, way_packet(f, way_seal(y, 2, view_of(plain, n), false, f), 0));
	assert_memory_equal(y->sent[1][2]->p, "\2\0\0\0\0\x63", 6);
	way_free(y);
	assert_int_equal(way_alive(), 0);
}

/* RFC 4861 7.1: neither a tunnel nor fragments carry neighbour discovery (RFC 6980). */
static void node6_neighbours_do_not_speak_through_tunnels(void **state)
{
	struct way *y = way_new(0);
	uint8_t plain[IP6_HDR + 36] = {0}, f[256], b[128];

	(void)state;
	(void)solicit(b, WAY6_FAR, WAY6_GW_IN);
	memcpy(plain, b + FRONT, IP6_HDR + 32);
	ipaddr_store(plain + IP6_AT_DST, WAY6_GW_IN);
	memcpy(plain + IP6_HDR + 32, "\1\2\2\x29", 4);
	way_receive(y, 0, way_packet(f, way_seal(y, 1, view_of_array(plain), false, f), 0));
	assert_int_equal(y->w->stats[STAT_ESP_IN], 1);
	assert_int_equal(y->w->stats[STAT_DROP_ND_OTHER], 1);
	assert_int_equal(y->n_sent[0] + y->n_sent[1], 0);
	way_free(y);
}

static void node6_echoes(void **state)
{
	struct ipaddr local = ip6_link_local(way_mac), other = ip6_link_local(way_peer_mac);
	struct way *y = way_new(0);
	uint8_t f[128];
	const uint8_t *e;

	(void)state;
	way_receive(y, 0,
		way_packet(f, icmp6(f, WAY6_PEER, WAY6_GW_OUT, "\x80\0\0\0\0\7\0\1abcd", 12), 0));
	assert_int_equal(y->n_sent[0], 1);
	e = y->sent[0][0]->p + FRONT;
	assert_true(ipaddr_equal(ip_dst(e), WAY6_PEER));
	assert_int_equal(e[IP6_HDR], 129);
	assert_int_equal(sum_done(sum_add(sum_pseudo6(ip_src(e), ip_dst(e), IP_ICMP6, 12),
				 view_of(e + IP6_HDR, 12))),
		0);
	y->w->net = atomic_load(&y->sh.net);
	neighbour_learn(y->w, y->w->net->ifaces[0], other, way_peer_mac, true);
	way_receive(y, 0, way_packet(f, icmp6(f, other, local, "\x80\0\0\0\0\7\0\1abcd", 12), 0));
	assert_int_equal(y->n_sent[0], 2);
	assert_true(ipaddr_equal(ip_dst(y->sent[0][1]->p + FRONT), other));
	way_free(y);
}

static void node6_errors_are_answered_to_who_may_hear(void **state)
{
	struct way *y = way_new(0);
	uint8_t f[200] = {0};
	uint32_t n = inner_out(f, true, 64, 0);
	const uint8_t *e;

	(void)state;
	f[FRONT + IP6_AT_HOPS] = 1;
	way_receive(y, 1, way_packet(f, n, 64));
	assert_int_equal(y->w->stats[STAT_DROP_IP_TTL], 1);
	assert_int_equal(y->n_sent[1], 1);
	e = y->sent[1][0]->p + FRONT + IP6_HDR;
	assert_int_equal(e[0], 3);
	f[FRONT + IP6_AT_HOPS] = 9;
	f[FRONT + IP6_AT_DST] = 0x30; /* nowhere */
	way_receive(y, 1, way_packet(f, n, 64));
	assert_int_equal(y->w->stats[STAT_DROP_IP_ROUTE], 1);
	assert_int_equal(y->n_sent[1], 2);
	assert_int_equal(y->sent[1][1]->p[FRONT + IP6_HDR], 1);
	f[FRONT + IP6_AT_NEXT] = IP_ICMP6; /* never about an error */
	f[FRONT + IP6_HDR] = 1;
	way_receive(y, 1, way_packet(f, n, 64));
	assert_int_equal(y->n_sent[1], 2);
	way_free(y);
}

/* RFC 8201: believed when it quotes what was sent. */
static void node6_path_mtu_is_heard(void **state)
{
	struct way *y = way_of(3);
	uint8_t f[200] = {0}, b[108] = {2, 0, 0, 0, 0, 0, 5, 0x14}, in[200] = {0};
	struct note n;

	(void)state;
	way_receive(y, 1, way_packet(in, inner_out(in, true, 64, 0), 64));
	memcpy(b + 8, y->sent[0][0]->p + FRONT, 100);
	store_be16(b + 8 + IP6_AT_LEN, 1400);
	y->w->path_mtu_ns = 0;
	way_receive(y, 0, way_packet(f, icmp6(f, WAY6_PEER, WAY6_GW_OUT, b, sizeof b), 0));
	assert_int_equal(ring_get(&y->w->notes, &n, 1), 1);
	assert_int_equal(n.kind, NOTE_PATH_MTU);
	assert_int_equal(n.spi, WAY_SPI_OUT);
	assert_int_equal(n.path_mtu.mtu, 1300);
	assert_true(ipaddr_equal(n.path_mtu.remote, WAY6_PEER));
	b[8 + IP6_AT_SRC] = 0xfd; /* not ours */
	way_receive(y, 0, way_packet(f, icmp6(f, WAY6_PEER, WAY6_GW_OUT, b, sizeof b), 0));
	assert_int_equal(y->w->stats[STAT_DROP_PATH_MTU], 1);
	way_free(y);
}

static void node6_ike_is_punted_with_its_addresses(void **state)
{
	struct way *y = way_new(0);
	uint8_t f[200] = {0}, *udp;
	size_t at = way_headers6(f, WAY6_PEER, WAY6_GW_OUT, IP_UDP, 40);
	struct pkt *p;

	(void)state;
	udp = f + at;
	memcpy(udp, "\x11\x94\x11\x94\0\x28", 6);
	store_be16(udp + 6, sum_done(sum_add(sum_pseudo6(WAY6_PEER, WAY6_GW_OUT, IP_UDP, 40),
				    view_of(udp, 40))));
	way_receive(y, 0, way_packet(f, at + 40, 0));
	assert_int_equal(ring_get(&y->w->punt, &p, 1), 1);
	assert_int_equal(p->len, 28);
	assert_int_equal(p->port, 4500);
	assert_true(ipaddr_equal(ip_src(p->p - p->outer), WAY6_PEER));
	assert_true(ipaddr_equal(ip_dst(p->p - p->outer), WAY6_GW_OUT));
	pkt_free(p);
	way_free(y);
}

/* On takeover: all nodes hear it, and believe it over what they knew. */
static void node6_takeover_is_announced(void **state)
{
	const struct ipaddr all = {UINT64_C(0xff02) << 48, 1};
	struct pkt *p = way_packet(NULL, 0, 128);

	(void)state;
	nd_announce_put(p, way_mac, WAY6_GW_OUT);
	check_advert(p, all, WAY6_GW_OUT, false);
	pkt_free(p);
	p = way_packet(NULL, 0, 128);
	nd_probe_put(p, way_mac, WAY6_GW_OUT);
	assert_int_equal(p->len, FRONT + IP6_HDR + 24);
	assert_true(ipaddr_is_none(ip_src(p->p + FRONT)));
	pkt_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node6_all_pairs_go_out),
		cmocka_unit_test(node6_all_pairs_come_in),
		cmocka_unit_test(node6_inner_and_next_header_must_agree),
		cmocka_unit_test(node6_a_flow_keeps_its_label),
		cmocka_unit_test(node6_what_is_too_big_is_answered),
		cmocka_unit_test(node6_least_mtu_always_fits),
		cmocka_unit_test(node6_fragments_to_us_are_gathered),
		cmocka_unit_test(node6_esp_behind_extension_headers),
		cmocka_unit_test(node6_questions_after_us_are_answered),
		cmocka_unit_test(node6_neighbours_are_resolved),
		cmocka_unit_test(node6_neighbours_do_not_speak_through_tunnels),
		cmocka_unit_test(node6_echoes),
		cmocka_unit_test(node6_errors_are_answered_to_who_may_hear),
		cmocka_unit_test(node6_path_mtu_is_heard),
		cmocka_unit_test(node6_ike_is_punted_with_its_addresses),
		cmocka_unit_test(node6_takeover_is_announced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
