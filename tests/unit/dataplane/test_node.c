#include <setjmp.h>
#include <stdlib.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/cut.h"
#include "fakeway.h"
#include "node/node.h"

/* What no port of a test machine lets through: very short frames, and fragments, which af_packet's
 * fanout gathers. */

static void raises(struct way *y, enum counter want, struct pkt *p)
{
	uint64_t was[STAT_COUNT];

	memcpy(was, y->w->stats, sizeof was);
	way_receive(y, 0, p);
	for (enum counter s = STAT_DROP_NO_BUFFER; s < STAT_COUNT; s++)
		if (y->w->stats[s] - was[s] != (s == want))
			fail_msg("%s moved by %lu, wanted %s", stat_name(s),
				(unsigned long)(y->w->stats[s] - was[s]), stat_name(want));
	assert_int_equal(way_drain(y), 0);
	assert_int_equal(way_alive(), 0);
}

static void node_short_frames(void **state)
{
	struct way *y = way_new(0);
	uint8_t b[14] = {0};

	(void)state;
	for (size_t n = 0; n < 14; n++)
		raises(y, STAT_DROP_ETH_SHORT, way_packet(b, n, 0));
	way_free(y);
}

/* An ESP packet that a router cut: every piece in any order, the inner packet once. */
static void node_fragments_to_us_are_gathered(void **state)
{
	struct way *y = way_new(0);
	uint8_t plain[1204] = {0}, f[1400], piece[700];
	struct ip4_cut c;
	size_t n;
	uint32_t k;

	(void)state;
	ip4_put(plain, &(struct ip4_make){WAY_FAR, WAY_HOST, 1202, 1, 0, 17, 9, 0});
	plain[1203] = 4;
	n = way_seal(y, 1, view_of_array(plain), true, f);
	assert_int_equal(ip4_cut_init(&c, view_of(f + 14, n - 14), 600), 0);
	memcpy(piece, f, 14);
	while ((k = ip4_cut_next(&c, piece + 14)) != 0)
		way_receive(y, 0, way_packet(piece, 14 + k, 0));
	assert_int_equal(y->w->stats[STAT_FRAGMENTS_IN], 3);
	assert_int_equal(y->w->stats[STAT_FRAGMENTS_JOINED], 1);
	assert_int_equal(y->w->stats[STAT_ESP_IN], 1);
	assert_int_equal(y->n_sent[1], 1);
	assert_memory_equal(y->sent[1][0]->p + 14 + 20, plain + 20, 1182);
	way_free(y);
	assert_int_equal(way_alive(), 0);
}

static void node_fragments_that_lie_have_their_counters(void **state)
{
	static const struct {
		uint16_t frag, len;
		enum counter want;
	} bad[] = {
		{IP4_MF, 87, STAT_DROP_FRAGMENT},	     /* not in units of 8 */
		{IP4_OFFSET, 86, STAT_DROP_FRAGMENT_BEYOND}, /* beyond 65535 */
		{IP4_MF | 1000, 84, STAT_DROP_FRAGMENT_BIG}, /* beyond any buffer */
	};
	struct way *y = way_new(0);
	uint8_t f[101] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		memcpy(f, way_mac, 6);
		store_be16(f + 12, ETH_IP4);
		ip4_put(f + 14, &(struct ip4_make){(uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT,
					bad[i].len, (uint16_t)i, bad[i].frag, IP_ESP, 64, 0});
		raises(y, bad[i].want, way_packet(f, sizeof f, 0));
	}
	way_free(y);
}

/* Too long for the way out: cut before encryption, each piece a packet of its own. */
static void node_long_packets_are_cut_before_encryption(void **state)
{
	struct way *y = way_new(0);
	uint8_t f[1534] = {0};

	(void)state;
	(void)way_headers(f, WAY_HOST, WAY_FAR, 17, 1500);
	store_be16(f + 14 + IP4_AT_FRAG, 0);
	store_be16(f + 14 + IP4_AT_SUM, 0);
	store_be16(f + 14 + IP4_AT_SUM, sum_done(sum_add(0, view_of(f + 14, 20))));
	way_receive(y, 1, way_packet(f, sizeof f, 64));
	assert_int_equal(y->w->stats[STAT_FRAGMENTS_OUT], 2);
	assert_int_equal(y->w->stats[STAT_ESP_OUT], 2);
	assert_int_equal(y->n_sent[0], 2);
	for (int i = 0; i < 2; i++)
		assert_in_range(y->sent[0][i]->len, 100, 1514);
	way_free(y);
	assert_int_equal(way_alive(), 0);
}

static void node_every_cut_of_an_esp_packet_is_dropped(void **state)
{
	struct way *y = way_new(0);
	uint8_t plain[52] = {0}, f[256];
	size_t n;

	(void)state;
	ip4_put(plain, &(struct ip4_make){WAY_FAR, WAY_HOST, 50, 1, 0, 17, 9, 0});
	plain[51] = 4;
	n = way_seal(y, 1, view_of_array(plain), false, f);
	for (size_t cut = 14; cut < n; cut++) {
		uint64_t was = y->w->stats[STAT_ESP_IN];

		/* cut on the wire, the header says the old length */
		way_receive(y, 0, way_packet(f, cut, 0));
		/* cut and the header agrees */
		if (cut >= 34) {
			uint8_t g[256];

			memcpy(g, f, cut);
			(void)way_headers(
				g, (uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT, IP_ESP, cut - 34);
			way_receive(y, 0, way_packet(g, cut, 0));
		}
		assert_int_equal(y->w->stats[STAT_ESP_IN], was);
		assert_int_equal(way_alive(), 0);
	}
	way_receive(y, 0, way_packet(f, n, 0));
	assert_int_equal(y->w->stats[STAT_ESP_IN], 1);
	assert_int_equal(y->n_sent[1], 1);
	way_free(y);
}

/* In one burst both copies pass the first check of the window; one may come out. */
static void node_a_packet_twice_in_one_burst_passes_once(void **state)
{
	struct way *y = way_new(0);
	uint8_t plain[52] = {0}, f[256];
	struct pkt *v[2];
	size_t n;

	(void)state;
	ip4_put(plain, &(struct ip4_make){WAY_FAR, WAY_HOST, 50, 1, 0, 17, 9, 0});
	plain[51] = 4;
	n = way_seal(y, 7, view_of_array(plain), true, f);
	v[0] = way_packet(f, n, 0);
	v[1] = way_packet(f, n, 0);
	worker_burst(y->w, v, 2);
	assert_int_equal(y->w->stats[STAT_ESP_IN], 1);
	assert_int_equal(y->w->stats[STAT_DROP_ESP_REPLAY], 1);
	assert_int_equal(y->sa->n.replay_errors, 1);
	way_free(y);
}

static void node_lease_is_never_overrun(void **state)
{
	struct way *y = way_new(0);
	uint8_t f[100] = {0};

	(void)state;
	seqno_init(&y->sa->out, false, false, &(struct lease){0, 51, 0, UINT64_MAX});
	for (int i = 0; i < 100; i++) {
		(void)way_headers(f, WAY_HOST, WAY_FAR, 17, 66);
		way_receive(y, 1, way_packet(f, sizeof f, 64));
	}
	assert_int_equal(y->n_sent[0], 50);
	assert_int_equal(y->w->stats[STAT_DROP_ESP_LEASE], 50);
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(load_be32(y->sent[0][i]->p + 14 + 20 + 4), i + 1);
	way_free(y);
}

static void node_no_room_is_no_crash(void **state)
{
	struct way *y = way_new(0);
	uint8_t f[100] = {0};

	(void)state;
	(void)way_headers(f, WAY_HOST, WAY_FAR, 17, 66);
	way_receive(y, 1, way_packet(f, sizeof f, 3));
	assert_int_equal(y->w->stats[STAT_DROP_NO_ROOM], 1);
	assert_int_equal(y->sa->out.next, 1); /* no number was used for it */
	way_free(y);
}

/* RFC 9611: a worker sends with the pair that is bound to it, else with the one for all. */
static void each_worker_has_its_own_sa(void **state)
{
	struct selector any = selector_v4(0, UINT32_MAX);
	struct sa sas[3] = {0};
	struct sa_cold *cold[3];
	struct sa_set *set = calloc(1, sizeof *set + sizeof sas);
	struct flow f = {.src = ipaddr_v4(1), .dst = ipaddr_v4(2)};

	(void)state;
	assert_non_null(set);
	for (uint32_t i = 0; i < 3; i++) {
		cold[i] = sa_cold_new(0);
		assert_non_null(cold[i]);
		cold[i]->ts = (struct selectors){&any, &any, 1, 1};
		cold[i]->worker = i == 2 ? WORKER_NONE : (uint8_t)i;
		atomic_store(&sas[i].cold, cold[i]);
		atomic_store(&sas[i].outbound, true);
		set->v[set->n++] = &sas[i];
	}
	set->bound = 2;
	assert_ptr_equal(sa_for(set, 0, &f), &sas[0]);
	assert_ptr_equal(sa_for(set, 1, &f), &sas[1]);
	assert_ptr_equal(sa_for(set, 2, &f), &sas[2]);
	atomic_store(&sas[1].outbound, false);
	assert_ptr_equal(sa_for(set, 1, &f), &sas[2]);
	atomic_store(&sas[2].outbound, false);
	assert_ptr_equal(sa_for(set, 1, &f), &sas[0]);
	atomic_store(&sas[0].outbound, false);
	assert_null(sa_for(set, 1, &f));
	for (uint32_t i = 0; i < 3; i++)
		free(cold[i]);
	free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_short_frames),
		cmocka_unit_test(node_fragments_to_us_are_gathered),
		cmocka_unit_test(node_fragments_that_lie_have_their_counters),
		cmocka_unit_test(node_long_packets_are_cut_before_encryption),
		cmocka_unit_test(node_every_cut_of_an_esp_packet_is_dropped),
		cmocka_unit_test(node_a_packet_twice_in_one_burst_passes_once),
		cmocka_unit_test(node_lease_is_never_overrun),
		cmocka_unit_test(node_no_room_is_no_crash),
		cmocka_unit_test(each_worker_has_its_own_sa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
