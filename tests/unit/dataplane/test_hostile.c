/*
 * What somebody sends who means harm: reserved SPIs, a flood of fragments, and a recorded burst
 * once more, through the whole way of packets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/ah.h"
#include "fakeway.h"
#include "node/node.h"

enum { BURST = PKT_BURST, FLOOD = 100000 };

static const uint32_t windows[] = {64, 128, 1024, 8192};

static uint64_t count_of(const struct way *y, enum counter c)
{
	return y->w->stats[c];
}

static uint64_t drops(const struct way *y)
{
	uint64_t n = 0;

	for (enum counter s = STAT_DROP_NO_BUFFER; s < STAT_COUNT; s++)
		n += y->w->stats[s];
	return n;
}

/* ---------------------------------------------------------------- reserved SPIs */

/* `at`: where the SPI is in what follows the IP header. */
static void send_spi(struct way *y, uint8_t proto, uint32_t at, uint32_t spi, bool six)
{
	uint8_t f[160] = {0};
	size_t front = six ? way_headers6(f, WAY6_PEER, WAY6_GW_OUT, proto, 80)
			   : way_headers(f, (uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT, proto, 80);

	if (proto == IP_UDP) {
		store_be16(f + front, 4500);
		store_be16(f + front + 2, 4500);
		store_be16(f + front + 4, 80);
	}
	store_be32(f + front + at, spi);
	way_receive(y, 0, way_packet(f, front + 80, 64));
}

/* RFC 4303 2.1, RFC 4302 2.4: 0 is never sent, and 1 to 255 are the IANA's. */
static void reserved_spis_are_nobodys(void **state)
{
	struct way *y = way_new(0);
	uint64_t esp = 0, ah = 0;

	(void)state;
	for (uint32_t spi = 0; spi <= 256; spi++) {
		bool reserved = spi < 256;

		send_spi(y, IP_ESP, 0, spi, false);
		send_spi(y, IP_ESP, 0, spi, true);
		esp += reserved ? 2 : 0;
		send_spi(y, IP_AH, AH_AT_SPI, spi, false);
		send_spi(y, IP_AH, AH_AT_SPI, spi, true);
		ah += reserved ? 2 : 0;
		if (spi != 0) { /* there 0 says that it is IKE (RFC 3948 2.2) */
			send_spi(y, IP_UDP, 8, spi, false);
			esp += reserved;
		}
		assert_int_equal(count_of(y, STAT_DROP_ESP_SPI_RESERVED), esp);
		assert_int_equal(count_of(y, STAT_DROP_AH_SPI_RESERVED), ah);
		assert_int_equal(drops(y), esp + ah + (reserved ? 0 : 5));
	}
	assert_int_equal(count_of(y, STAT_DROP_ESP_SPI), 3);
	assert_int_equal(count_of(y, STAT_DROP_AH_SPI), 2);
	way_free(y);
	assert_int_equal(way_alive(), 0);
}

/* ---------------------------------------------------------------- a flood of fragments */

static void send_fragment(struct way *y, uint32_t i)
{
	uint8_t f[160] = {0};

	(void)way_headers(f, 0, 0, 0, 0);
	ip4_put(f + ETH_HDR, &(struct ip4_make){0xc6336400 + (i >> 8), (uint32_t)WAY_GW_OUT, 84,
				     (uint16_t)i, (uint16_t)(IP4_MF | i % 50), IP_ESP, 64, 0});
	way_receive(y, 0, way_packet(f, ETH_HDR + 84, 0));
}

static void a_flood_of_fragments_holds_no_more_than_the_table(void **state)
{
	struct way *y = way_new(0);
	uint32_t most = 0;

	(void)state;
	for (uint32_t i = 0; i < FLOOD; i++) {
		send_fragment(y, i);
		most = MAX(most, way_alive());
		assert_in_range(way_alive(), 1, REASM_SETS * REASM_WAYS);
		/* one piece a buffer: what is not held was counted when it gave way */
		assert_int_equal(count_of(y, STAT_FRAGMENTS_IN), i + 1);
		assert_int_equal(count_of(y, STAT_DROP_FRAGMENT_INCOMPLETE) + way_alive(), i + 1);
	}
	assert_int_equal(most, REASM_SETS * REASM_WAYS);
	assert_int_equal(drops(y), count_of(y, STAT_DROP_FRAGMENT_INCOMPLETE));
	way_free(y);
	assert_int_equal(way_alive(), 0);
}

/* ---------------------------------------------------------------- a recorded burst */

struct tape {
	uint8_t f[BURST][160];
	size_t n[BURST];
};

static struct way *way_of_window(uint32_t window, uint32_t flags)
{
	return way_new_sa(&(struct way_sa){.suite = suite_find(SUITE_ENCR_AES_GCM16, 128, 0),
		.window = window,
		.flags = flags,
		.lease = {0, UINT64_C(1) << 33, 0, UINT64_MAX}});
}

static void record_one(struct way *y, struct tape *t, uint32_t i, uint64_t seq)
{
	uint8_t plain[52] = {0};

	ip4_put(plain, &(struct ip4_make){WAY_FAR, WAY_HOST, 50, 1, 0, IP_UDP, 9, 0});
	plain[51] = ESP_NEXT_IPV4;
	t->n[i] = way_seal(y, seq, view_of_array(plain), false, t->f[i]);
}

static void record(struct way *y, struct tape *t, uint64_t first)
{
	for (uint32_t i = 0; i < BURST; i++)
		record_one(y, t, i, first + i);
}

static void play(struct way *y, const struct tape *t, uint32_t n)
{
	struct pkt *v[BURST];

	for (uint32_t i = 0; i < n; i++) {
		v[i] = way_packet(t->f[i], t->n[i], 0);
		v[i]->kind = PKT_FRAME;
		v[i]->port = 0;
	}
	worker_burst(y->w, v, n);
	way_forget(y);
}

/* What came in and what fell, in all. */
static void is_now(const struct way *y, uint64_t in, uint64_t replay, uint64_t old)
{
	assert_int_equal(count_of(y, STAT_ESP_IN), in);
	assert_int_equal(count_of(y, STAT_DROP_ESP_REPLAY), replay);
	assert_int_equal(count_of(y, STAT_DROP_ESP_OLD), old);
	assert_int_equal(drops(y), replay + old);
	assert_int_equal(y->sa->n.replay_errors, replay + old);
	assert_int_equal(y->sa->n.packets_in, in);
}

static void a_burst_played_again_is_refused_whole(void **state)
{
	static struct tape t, later;

	(void)state;
	for (size_t k = 0; k < 2 * ARRAY_LEN(windows); k++) {
		uint32_t window = windows[k / 2];
		bool esn = k % 2;
		uint64_t first = esn ? (UINT64_C(1) << 32) - BURST / 2 : 1;
		struct way *y = way_of_window(window, esn ? SA_ESN : 0);

		if (esn) /* the burst goes across 2^32 */
			y->sa->in.top = first - 1;
		record(y, &t, first);
		play(y, &t, BURST);
		is_now(y, BURST, 0, 0);
		play(y, &t, BURST); /* all within the window */
		is_now(y, BURST, BURST, 0);
		record_one(y, &later, 0, first + BURST - 1 + window);
		play(y, &later, 1);
		play(y, &t, BURST); /* the last one is just below it */
		if (esn) /* RFC 4303 A2.2: below the window is taken for the next round, and
			  * fails there */
			assert_int_equal(count_of(y, STAT_DROP_ESP_REPLAY), BURST);
		else
			is_now(y, BURST + 1, BURST, BURST);
		assert_int_equal(count_of(y, STAT_ESP_IN), BURST + 1);
		assert_int_equal(drops(y), 2 * BURST);
		way_free(y);
		assert_int_equal(way_alive(), 0);
	}
}

static void without_a_window_it_passes_again(void **state)
{
	struct way *y = way_of_window(0, 0);
	static struct tape t;

	(void)state;
	record(y, &t, 1);
	for (uint32_t i = 1; i <= 3; i++) {
		play(y, &t, BURST);
		is_now(y, i * (uint64_t)BURST, 0, 0);
	}
	record_one(y, &t, 0, 0); /* but number 0 never was sent (RFC 4303 2.2) */
	play(y, &t, 1);
	assert_int_equal(count_of(y, STAT_DROP_ESP_NUMBER), 1);
	assert_int_equal(drops(y), 1);
	way_free(y);
}

/* The lowest number that may come, once; the one below it, never. */
static void windows_end_where_they_say(void **state)
{
	static struct tape t;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(windows); k++) {
		struct way *y = way_of_window(windows[k], 0);
		uint64_t top = 2 * windows[k] + 7;

		record_one(y, &t, 0, top);
		play(y, &t, 1);
		record_one(y, &t, 0, top - windows[k]);
		play(y, &t, 1);
		is_now(y, 1, 0, 1);
		record_one(y, &t, 0, top - windows[k] + 1);
		play(y, &t, 1);
		is_now(y, 2, 0, 1);
		play(y, &t, 1);
		is_now(y, 2, 1, 1);
		record_one(y, &t, 0, top + 1); /* and moves on by one */
		play(y, &t, 1);
		record_one(y, &t, 0, top - windows[k] + 1);
		play(y, &t, 1);
		is_now(y, 3, 1, 2);
		way_free(y);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_spis_are_nobodys),
		cmocka_unit_test(a_flood_of_fragments_holds_no_more_than_the_table),
		cmocka_unit_test(a_burst_played_again_is_refused_whole),
		cmocka_unit_test(without_a_window_it_passes_again),
		cmocka_unit_test(windows_end_where_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
