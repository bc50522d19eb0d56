/* IPv6 headers: what is right is read right, what lies about itself has a fault of its own, and
 * what is cut comes together again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/cut.h"
#include "core/reasm.h"
#include "core/spd.h"

static const struct ipaddr here = {UINT64_C(0x20010db800000000), 1};
static const struct ipaddr there = {UINT64_C(0x20010db800000000), 2};

/* A header, then the chain as hex octets. */
static struct view packet(uint8_t *room, uint8_t next, const void *rest, size_t n)
{
	ip6_put(room, &(struct ip6_make){here, there, 0xabcde, (uint16_t)n, next, 64, 0xb9});
	if (n)
		memcpy(room + IP6_HDR, rest, n);
	return view_of(room, IP6_HDR + n);
}

#define C(name, next, bytes, fault)                                                                \
	{                                                                                          \
		name, next, bytes, sizeof(bytes) - 1, fault                                        \
	}

static const struct {
	const char *name;
	uint8_t next;
	const char *bytes;
	size_t n;
	enum ip6_fault want;
} chains[] = {
	C("nothing follows", IP_NONE, "", IP6_OK),
	C("hop-by-hop, then UDP", IP_HOPOPTS, "\x11\0\1\4\0\0\0\0\0\7\0\10", IP6_OK),
	C("hop-by-hop behind another", IP_DSTOPTS, "\0\0\1\4\0\0\0\0\x11\0\1\4\0\0\0\0",
		IP6_FAULT_ORDER),
	C("an option beyond its header", IP_DSTOPTS, "\x11\0\1\5\0\0\0\0", IP6_FAULT_OPTION),
	C("an option without a length", IP_DSTOPTS, "\x11\0\1\3\0\0\0\1", IP6_FAULT_OPTION),
	C("a header beyond the packet", IP_DSTOPTS, "\x11\1\1\4\0\0\0\0", IP6_FAULT_CHAIN),
	C("a header cut short", IP_DSTOPTS, "\x11\0\1\4", IP6_FAULT_CHAIN),
	C("routing of type 0", IP_ROUTING, "\x11\0\0\0\0\0\0\0", IP6_FAULT_ROUTING),
	C("routing that is done", IP_ROUTING, "\x11\0\2\0\0\0\0\0", IP6_OK),
	C("two fragment headers", IP_FRAGMENT, "\x2c\0\0\1\0\0\0\1\x11\0\0\1\0\0\0\1",
		IP6_FAULT_ORDER),
	C("the first fragment without the chain", IP_FRAGMENT, "\x11\0\0\1\0\0\0\1",
		IP6_FAULT_CHAIN),
	C("nine headers", IP_DSTOPTS,
		"\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0"
		"\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0"
		"\x11\0\1\4\0\0\0\0",
		IP6_FAULT_LIMIT),
};

static void ip6_chains(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
		uint8_t room[256];
		struct ip6 h;
		struct view v = packet(room, chains[i].next, chains[i].bytes, chains[i].n);

		if (ip6_read(v, &h) != chains[i].want)
			fail_msg("%s: %d", chains[i].name, ip6_read(v, &h));
	}
}

static void ip6_long_chains_are_bounded(void **state)
{
	uint8_t room[IP6_HDR + 320] = {0}, *ext = room + IP6_HDR;
	struct ip6 h;

	(void)state;
	(void)packet(room, IP_DSTOPTS, ext, 0);
	store_be16(room + IP6_AT_LEN, 320);
	ext[0] = IP_UDP;
	ext[1] = IP6_EXT_OCTETS_MAX / 8 - 1; /* all of it Pad1 */
	assert_int_equal(ip6_read(view_of_array(room), &h), IP6_OK);
	assert_int_equal(h.hdr, IP6_HDR + IP6_EXT_OCTETS_MAX);
	ext[1]++;
	assert_int_equal(ip6_read(view_of_array(room), &h), IP6_FAULT_LIMIT);
}

static void ip6_what_was_written_is_read(void **state)
{
	uint8_t room[128];
	struct ip6 h;
	struct view v =
		packet(room, IP_HOPOPTS, "\x3c\0\1\4\0\0\0\0\x11\0\x80\1\0\1\1\0\1\2\3\4", 20);

	(void)state;
	assert_int_equal(ip6_read(v, &h), IP6_OK);
	assert_true(ipaddr_equal(h.src, here) && ipaddr_equal(h.dst, there));
	assert_int_equal(h.flow, 0xabcde);
	assert_int_equal(h.tos, 0xb9);
	assert_int_equal(h.hops, 64);
	assert_int_equal(h.proto, IP_UDP);
	assert_int_equal(h.hdr, IP6_HDR + 16);
	assert_int_equal(h.proto_at, IP6_HDR + 8);
	assert_int_equal(h.option_at, IP6_HDR + 10);
	ip6_tos_put(room, 0x47);
	assert_int_equal(ip6_tos(room), 0x47);
	assert_int_equal(load_be32(room), 0x647abcde);
}

static void ip6_every_cut_is_short(void **state)
{
	uint8_t room[128];
	struct view v = packet(room, IP_UDP, "12345678", 8);
	struct ip6 h;

	(void)state;
	for (size_t n = 0; n < v.n; n++)
		assert_int_equal(ip6_read(view_of(room, n), &h), IP6_FAULT_SHORT);
	room[0] = 0x45;
	assert_int_equal(ip6_read(v, &h), IP6_FAULT_VERSION);
	assert_int_equal(ip6_read(view_of(room, 1), &h), IP6_FAULT_VERSION);
}

/* RFC 4291 2.5.5.2: in memory such an address is IPv4, so none may come from the wire. */
static void ip6_mapped_addresses_are_refused(void **state)
{
	uint8_t room[128];
	struct view v = packet(room, IP_UDP, "12345678", 8);
	struct ip6 h;

	(void)state;
	ipaddr_store(room + IP6_AT_SRC, ipaddr_v4(0x0a000001));
	assert_int_equal(ip6_read(v, &h), IP6_FAULT_MAPPED);
	ipaddr_store(room + IP6_AT_SRC, here);
	ipaddr_store(room + IP6_AT_DST, ipaddr_v4(0x0a000001));
	assert_int_equal(ip6_read(v, &h), IP6_FAULT_MAPPED);
}

/* RFC 6946 */
static void ip6_an_atomic_fragment_is_none(void **state)
{
	uint8_t room[128];
	struct ip6 h;
	struct view v = packet(room, IP_FRAGMENT, "\x11\0\0\0\0\0\0\1\0\7\0\10", 12);

	(void)state;
	assert_int_equal(ip6_read(v, &h), IP6_OK);
	assert_false(ip6_is_fragment(&h));
	assert_int_equal(h.hdr, IP6_HDR + IP6_FRAG_HDR);
	assert_int_equal(h.proto, IP_UDP);
}

static void ip6_flows(void **state)
{
	uint8_t room[128];
	struct flow f = flow_of(packet(room, IP_DSTOPTS, "\x11\0\1\4\0\0\0\0\0\7\0\10", 12));
	struct selector any4 = selector_v4(0, UINT32_MAX);
	struct selector any6 = {{0}, ipaddr_mask(128), 0, UINT16_MAX, 0};
	struct flow four = {.src = ipaddr_v4(1), .dst = ipaddr_v4(2), .v4 = true};

	(void)state;
	assert_int_equal(f.proto, IP_UDP);
	assert_true(f.has_ports && !f.v4);
	assert_int_equal(f.sport, 7);
	assert_int_equal(f.dport, 8);
	assert_true(selector_matches(&any6, f.src, &f, true));
	assert_false(selector_matches(&any4, f.src, &f, true));
	assert_true(selector_matches(&any4, four.src, &four, true));
	assert_false(selector_matches(&any6, four.src, &four, true));
	f = flow_of(packet(room, IP_FRAGMENT, "\x11\0\0\x10\0\0\0\1\0\7\0\10", 12));
	assert_int_equal(f.proto, IP_UDP);
	assert_false(f.has_ports);
}

static void ip6_addresses_by_rule(void **state)
{
	static const uint8_t mac[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
	struct ipaddr a = ip6_link_local(mac);

	(void)state;
	assert_true(a.hi == UINT64_C(0xfe80) << 48 && a.lo == UINT64_C(0x001122fffe334455));
	assert_true(ip6_is_link_local(a) && !ip6_is_link_local(here) && !ip6_is_group(a));
	a = ip6_solicited(a);
	assert_true(a.hi == UINT64_C(0xff02) << 48 && a.lo == UINT64_C(0x1ff334455));
	assert_true(ip6_is_group(a));
}

/* ---- cut and put together again */

static void *get(void *ctx, uint8_t **data, uint32_t *room)
{
	(void)ctx;
	*room = 4096;
	*data = malloc(*room);
	return *data;
}

static void put(void *ctx, void *buffer, uint32_t pieces)
{
	(void)ctx;
	(void)pieces;
	free(buffer);
}

static const struct reasm_ops ops = {get, put, NULL};

static enum reasm_verdict add(struct reasm *r, struct view v, struct reasm_slot **slot)
{
	struct fragment f;
	struct ip6 h;

	assert_int_equal(ip6_read(v, &h), IP6_OK);
	assert_true(ip6_is_fragment(&h));
	f = fragment_of6(&h, v.p);
	return reasm_add(r, &ops, &f, 1, slot);
}

static void ip6_what_is_cut_comes_together(void **state)
{
	struct reasm *r = malloc(sizeof *r);
	uint8_t whole[2000], piece[8][1300], header[REASM_HDR];
	uint32_t len[8], n = 0, hdr, data;
	struct reasm_slot *s = NULL;
	struct ip6_cut c;
	struct view v;
	void *buffer;

	(void)state;
	assert_non_null(r);
	reasm_init(r, 5);
	for (size_t i = 0; i < sizeof whole; i++)
		whole[i] = (uint8_t)(i * 7);
	v = packet(whole, IP_ESP, whole + IP6_HDR, 1801);
	assert_int_equal(ip6_cut_init(&c, v, 700, 99), 0);
	while ((len[n] = ip6_cut_next(&c, piece[n])) != 0)
		assert_in_range(len[n++], 50, 700);
	assert_int_equal(n, 3);
	ip6_tos_put(piece[1], 0xb8 | 3); /* one met congestion */
	assert_int_equal(add(r, view_of(piece[2], len[2]), &s), REASM_HELD);
	assert_int_equal(add(r, view_of(piece[0], len[0]), &s), REASM_HELD);
	assert_int_equal(add(r, view_of(piece[0], len[0]), &s), REASM_COPY);
	assert_int_equal(add(r, view_of(piece[1], len[1]), &s), REASM_DONE);
	assert_int_equal(reasm_take(r, s, header, &hdr, &data, &buffer), 0);
	assert_int_equal(hdr, IP6_HDR);
	assert_int_equal(data, 1801);
	ip6_tos_put(whole, 0xb8 | 3);
	assert_memory_equal(header, whole, IP6_HDR);
	assert_memory_equal(buffer, whole + IP6_HDR, data);
	free(buffer);
	reasm_expire(r, &ops, 0, true);
	free(r);
}

/* RFC 5722: whatever overlaps takes all the others along. */
static void ip6_what_overlaps_is_condemned(void **state)
{
	struct reasm *r = malloc(sizeof *r);
	struct reasm_slot *s;
	uint8_t a[128], b[128];
	struct view v = packet(a, IP_FRAGMENT,
		"\x32\0\0\1\0\0\0\1"
		"0123456789abcdef",
		24);
	struct view w = packet(b, IP_FRAGMENT,
		"\x32\0\0\x08\0\0\0\1"
		"89abcdeX01234567",
		24);

	(void)state;
	assert_non_null(r);
	reasm_init(r, 5);
	assert_int_equal(add(r, v, &s), REASM_HELD);
	assert_int_equal(add(r, w, &s), REASM_OVERLAP);
	assert_int_equal(add(r, v, &s), REASM_REFUSED);
	reasm_expire(r, &ops, 0, true);
	free(r);
}

static void ip6_pseudo_header(void **state)
{
	/* an echo request of ::1 to itself */
	static const uint8_t icmp[] = {0x80, 0, 0x7f, 0xb3, 0, 1, 0, 0x0e};
	struct ipaddr one = {0, 1};
	uint32_t sum = sum_pseudo6(one, one, IP_ICMP6, sizeof icmp);

	(void)state;
	assert_int_equal(sum, 1 + 1 + 8 + 58);
	assert_int_equal(
		sum_done(sum_add(sum, view_of_array(icmp))), 0xfff8); /* 0x10006, folded, turned */
	sum = sum_pseudo6((struct ipaddr){UINT64_MAX, UINT64_MAX}, one, 0, 0x12345);
	assert_int_equal(sum, 8 * 0xffff + 1 + 1 + 0x2345);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip6_chains),
		cmocka_unit_test(ip6_long_chains_are_bounded),
		cmocka_unit_test(ip6_what_was_written_is_read),
		cmocka_unit_test(ip6_every_cut_is_short),
		cmocka_unit_test(ip6_mapped_addresses_are_refused),
		cmocka_unit_test(ip6_an_atomic_fragment_is_none),
		cmocka_unit_test(ip6_flows),
		cmocka_unit_test(ip6_addresses_by_rule),
		cmocka_unit_test(ip6_what_is_cut_comes_together),
		cmocka_unit_test(ip6_what_overlaps_is_condemned),
		cmocka_unit_test(ip6_pseudo_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
