/* Cut and put together again: whatever is cut, in any order and as often as it likes, comes out as
 * it was; what lies about itself does not, and nothing is kept for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/cut.h"
#include "core/reasm.h"

enum { ROOM = 9216, PIECES = 2 * IP4_CUT_MAX, ROUNDS = 3000, S = 1000000000 };

struct piece {
	uint8_t p[2048];
	uint32_t n;
};

static struct {
	uint64_t rng;
	uint32_t buffers; /* out there */
	uint32_t lost;	  /* pieces in buffers taken back */
	uint32_t limit;
} w;

static uint32_t rnd(uint32_t n)
{
	w.rng = w.rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(w.rng >> 33) % n;
}

static void *get(void *ctx, uint8_t **data, uint32_t *room)
{
	(void)ctx;
	if (w.buffers >= w.limit)
		return NULL;
	w.buffers++;
	*data = malloc(ROOM);
	*room = ROOM;
	return *data;
}

static void put(void *ctx, void *buffer, uint32_t pieces)
{
	(void)ctx;
	w.buffers--;
	w.lost += pieces;
	free(buffer);
}

static const struct reasm_ops ops = {get, put, NULL};

static struct reasm *reasm_new(void)
{
	struct reasm *r = malloc(sizeof *r);

	assert_non_null(r);
	memset(&w, 0, sizeof w);
	w.rng = 7;
	w.limit = UINT32_MAX;
	reasm_init(r, 42);
	return r;
}

static void reasm_gone(struct reasm *r)
{
	reasm_expire(r, &ops, 0, true);
	assert_int_equal(w.buffers, 0);
	assert_int_equal(r->n_used, 0);
	free(r);
}

/* Header with random options, copied and not; random data. */
static uint32_t make_packet(uint8_t *p, uint32_t data, uint16_t id)
{
	uint32_t hdr = IP4_HDR + 4 * rnd(4);

	ip4_put(p, &(struct ip4_make){
			   0xc0000209, 0xc0000201, (uint16_t)(hdr + data), id, 0, IP_ESP, 64, 0});
	p[0] = (uint8_t)(0x40 | hdr / 4);
	for (uint32_t i = IP4_HDR; i < hdr; i += 4) {
		p[i] = rnd(2) ? 0x80 | 20 : 7;
		p[i + 1] = 4;
	}
	for (uint32_t i = 0; i < data; i++)
		p[hdr + i] = (uint8_t)rnd(256);
	store_be16(p + IP4_AT_SUM, 0);
	store_be16(p + IP4_AT_SUM, sum_done(sum_add(0, view_of(p, hdr))));
	return hdr + data;
}

static uint32_t cut(struct view packet, uint32_t mtu, struct piece *out)
{
	struct ip4_cut c;
	uint32_t n = 0;

	assert_int_equal(ip4_cut_init(&c, packet, mtu), 0);
	while ((out[n].n = ip4_cut_next(&c, out[n].p)) != 0) {
		struct ip4 h;

		assert_in_range(out[n].n, IP4_HDR + 1, mtu);
		assert_int_equal(ip4_read(view_of(out[n].p, out[n].n), &h), IP4_OK);
		assert_int_equal(h.len, out[n].n);
		n++;
	}
	return n;
}

static enum reasm_verdict add(
	struct reasm *r, const struct piece *p, uint64_t now, struct reasm_slot **slot)
{
	struct fragment f;
	struct ip4 h;

	assert_int_equal(ip4_read(view_of(p->p, p->n), &h), IP4_OK);
	f = fragment_of4(&h, p->p);
	return reasm_add(r, &ops, &f, now, slot);
}

static void check_same(struct reasm *r, struct reasm_slot *s, const uint8_t *packet, uint32_t n)
{
	uint8_t header[REASM_HDR];
	uint32_t hdr, data;
	void *buffer;

	assert_int_equal(reasm_take(r, s, header, &hdr, &data, &buffer), 0);
	assert_int_equal(hdr + data, n);
	assert_memory_equal(header, packet, hdr);
	assert_memory_equal(buffer, packet + hdr, data);
	put(NULL, buffer, 0);
}

static void what_is_cut_comes_together(void **state)
{
	static struct piece once[PIECES], twice[PIECES];
	struct reasm *r = reasm_new();
	uint8_t packet[4096];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t n = make_packet(packet, 1 + rnd(1900), (uint16_t)round);
		uint32_t k = cut(view_of(packet, n), 100 + rnd(1500), once), m = 0, done = 0;
		struct reasm_slot *s = NULL;

		/* some again, as by a router behind */
		for (uint32_t i = 0; i < k; i++)
			if (once[i].n > 100 && rnd(2))
				m += cut(view_of(once[i].p, once[i].n), 68 + 8 + rnd(200),
					twice + m);
			else
				twice[m++] = once[i];
		for (uint32_t i = m; i > 1; i--) { /* shuffled */
			uint32_t j = rnd(i);
			struct piece t = twice[j];

			twice[j] = twice[i - 1];
			twice[i - 1] = t;
		}
		for (uint32_t i = 0; i < m; i++) {
			enum reasm_verdict v;

			if (m == 1)
				break; /* it was never a fragment */
			v = add(r, &twice[i], S, &s);
			assert_int_equal(v, i + 1 < m ? REASM_HELD : REASM_DONE);
			done += v == REASM_DONE;
			if (v == REASM_HELD && rnd(4) == 0)
				assert_int_equal(add(r, &twice[i], S, &s), REASM_COPY);
		}
		if (done)
			check_same(r, s, packet, n);
	}
	assert_int_equal(w.buffers, 0);
	reasm_gone(r);
}

/* A piece by hand. */
static struct piece piece(uint16_t id, uint32_t at, uint32_t n, bool more, uint8_t tos)
{
	struct piece p = {.n = IP4_HDR + n};

	ip4_put(p.p, &(struct ip4_make){1, 2, (uint16_t)p.n, id,
			     (uint16_t)(at / 8 | (more ? (uint32_t)IP4_MF : 0)), IP_UDP, 9, tos});
	memset(p.p + IP4_HDR, (int)at, n);
	return p;
}

static void what_overlaps_is_condemned(void **state)
{
	static const struct {
		uint32_t at, n;
		bool more;
	} second[] = {{8, 16, true}, {0, 8, true}, {0, 24, true}, {8, 8, false}, {0, 16, false},
		{8, 4, false}};
	struct reasm *r = reasm_new();
	struct reasm_slot *s;

	(void)state;
	for (uint16_t i = 0; i < ARRAY_LEN(second); i++) {
		struct piece a = piece(i, 0, 16, true, 0), last = piece(i, 32, 8, false, 0);
		struct piece b = piece(i, second[i].at, second[i].n, second[i].more, 0);

		assert_int_equal(add(r, &last, S, &s), REASM_HELD);
		assert_int_equal(add(r, &a, S, &s), REASM_HELD);
		if (second[i].at == 0 &&
			second[i].n == 8) { /* a part, the same header: nothing new */
			assert_int_equal(add(r, &b, S, &s), REASM_COPY);
			continue;
		}
		assert_int_equal(add(r, &b, S, &s), REASM_OVERLAP);
		assert_int_equal(add(r, &a, S, &s), REASM_REFUSED);
	}
	reasm_gone(r);
}

static void what_goes_beyond_the_end_is_condemned(void **state)
{
	struct reasm *r = reasm_new();
	struct piece far = piece(1, 64, 8, true, 0), end = piece(1, 32, 4, false, 0);
	struct piece end2 = piece(2, 32, 4, false, 0), far2 = piece(2, 64, 8, true, 0);
	struct piece two = piece(2, 40, 4, false, 0);
	struct reasm_slot *s;

	(void)state;
	assert_int_equal(add(r, &far, S, &s), REASM_HELD);
	assert_int_equal(add(r, &end, S, &s), REASM_OVERLAP);
	assert_int_equal(add(r, &end2, S, &s), REASM_HELD);
	assert_int_equal(add(r, &far2, S, &s), REASM_OVERLAP);
	end2 = piece(3, 32, 4, false, 0);
	two = piece(3, 40, 4, false, 0);
	assert_int_equal(add(r, &end2, S, &s), REASM_HELD);
	assert_int_equal(add(r, &two, S, &s), REASM_OVERLAP);
	reasm_gone(r);
}

static void what_is_no_fragment_is_bad(void **state)
{
	struct reasm *r = reasm_new();
	struct piece odd = piece(1, 0, 12, true, 0), none = piece(1, 8, 0, true, 0);
	struct piece death = piece(1, 65528, 100, false, 0), big = piece(1, 9216, 8, true, 0);
	struct reasm_slot *s;

	(void)state;
	assert_int_equal(add(r, &odd, S, &s), REASM_BAD);
	assert_int_equal(add(r, &none, S, &s), REASM_BAD);
	assert_int_equal(add(r, &death, S, &s), REASM_BEYOND);
	assert_int_equal(w.buffers, 0);
	assert_int_equal(add(r, &big, S, &s), REASM_BIG);
	reasm_gone(r);
}

static void a_flood_costs_no_more_than_the_table(void **state)
{
	struct reasm *r = reasm_new();
	struct reasm_slot *s;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		struct piece p = piece((uint16_t)i, rnd(100) * 8, 8, true, 0);

		store_be32(p.p + IP4_AT_SRC, i);
		store_be16(p.p + IP4_AT_SUM, 0);
		store_be16(p.p + IP4_AT_SUM, sum_done(sum_add(0, view_of(p.p, IP4_HDR))));
		assert_int_equal(add(r, &p, S + i, &s), REASM_HELD);
		assert_in_range(w.buffers, 1, REASM_SETS * REASM_WAYS);
	}
	assert_int_equal(w.lost + w.buffers, 100000);
	reasm_expire(r, &ops, S + 100000 + REASM_NS, false);
	assert_int_equal(w.buffers, 0);

	reasm_gone(r);
}

static void without_a_buffer_nothing_is_kept(void **state)
{
	struct reasm *r = reasm_new();
	struct piece p = piece(1, 0, 8, true, 0);
	struct reasm_slot *s;

	(void)state;
	w.limit = 0;
	assert_int_equal(add(r, &p, S, &s), REASM_FULL);
	assert_int_equal(r->n_used, 0);
	w.limit = 1;
	assert_int_equal(add(r, &p, S, &s), REASM_HELD);
	reasm_gone(r);
}

static void congestion_is_kept_or_kills(void **state)
{
	struct reasm *r = reasm_new();
	uint8_t header[REASM_HDR];
	uint32_t hdr, n;
	struct reasm_slot *s;
	void *buffer;

	(void)state;
	for (uint8_t other = 0; other < 4; other++) {
		struct piece a = piece(other, 0, 8, true, other), b = piece(other, 8, 8, false, 3);

		assert_int_equal(add(r, &a, S, &s), REASM_HELD);
		assert_int_equal(add(r, &b, S, &s), REASM_DONE);
		assert_int_equal(reasm_take(r, s, header, &hdr, &n, &buffer) == 0, other != 0);
		if (other)
			assert_int_equal(header[IP4_AT_TOS] & 3, 3);
		put(NULL, buffer, 0);
	}
	reasm_gone(r);
}

static void what_may_not_be_cut_is_not(void **state)
{
	struct ip4_cut c;
	uint8_t p[2048] = {0};

	(void)state;
	ip4_put(p, &(struct ip4_make){1, 2, 1500, 1, IP4_DF, IP_UDP, 9, 0});
	assert_true(ip4_cut_init(&c, view_of(p, 1500), 1000) < 0);
	ip4_put(p, &(struct ip4_make){1, 2, 1500, 1, 0, IP_UDP, 9, 0});
	assert_true(ip4_cut_init(&c, view_of(p, 1500), 27) < 0);
	assert_true(ip4_cut_init(&c, view_of(p, 1500), 28) < 0); /* too many */
	assert_int_equal(ip4_cut_init(&c, view_of(p, 1500), 68), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_cut_comes_together),
		cmocka_unit_test(what_overlaps_is_condemned),
		cmocka_unit_test(what_goes_beyond_the_end_is_condemned),
		cmocka_unit_test(what_is_no_fragment_is_bad),
		cmocka_unit_test(a_flood_costs_no_more_than_the_table),
		cmocka_unit_test(without_a_buffer_nothing_is_kept),
		cmocka_unit_test(congestion_is_kept_or_kills),
		cmocka_unit_test(what_may_not_be_cut_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
