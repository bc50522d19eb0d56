/*
 * What a peer sends with an SA that is not here yet: waits, in order, and within bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fakeway.h"
#include "node/node.h"

/* Out of the SA, one packet that says its number. */
static void arrive(struct way *y, uint64_t seq)
{
	uint8_t plain[52] = {0}, f[256];

	ip4_put(plain, &(struct ip4_make){WAY_FAR, WAY_HOST, 50, 1, 0, IP_UDP, 9, 0});
	plain[28] = (uint8_t)seq;
	plain[51] = ESP_NEXT_IPV4;
	way_receive(y, 0, way_packet(f, way_seal(y, seq, view_of_array(plain), false, f), 64));
}

static uint64_t drops(const struct way *y)
{
	uint64_t n = 0;

	for (uint32_t i = STAT_DROP_NO_BUFFER; i < STAT_COUNT; i++)
		n += y->w->stats[i];
	return n;
}

static void hide(struct way *y)
{
	assert_ptr_equal(sad_remove(&y->sh.sad, WAY_SPI_IN), y->sa);
}

static void show(struct way *y)
{
	struct sad_table *retired;

	assert_int_equal(sad_add(&y->sh.sad, y->sa, &retired), 0);
	free(retired);
}

static void what_comes_early_goes_on_in_order(void **state)
{
	struct way *y = way_new(0);

	(void)state;
	(void)way_await(y, WAY_SPI_IN);
	hide(y);
	for (uint64_t i = 1; i <= 3; i++)
		arrive(y, i);
	assert_int_equal(y->w->await.n, 3);
	/* The SA is there, and nobody told the worker yet. */
	show(y);
	arrive(y, 4);
	assert_int_equal(y->n_sent[1], 0);
	await_release(y->w, WAY_SPI_IN);
	arrive(y, 5);
	assert_int_equal(y->n_sent[1], 5);
	for (uint8_t i = 0; i < 5; i++)
		assert_int_equal(y->sent[1][i]->p[ETH_HDR + 28], i + 1);
	assert_int_equal(y->w->await.n, 0);
	assert_int_equal(y->w->stats[STAT_AWAITED], 4);
	assert_int_equal(drops(y), 0);
	way_free(y);
}

/* Also when the order to release went to the worker that had its bucket before. */
static void a_tick_finds_what_was_left(void **state)
{
	struct way *y = way_new(0);

	(void)state;
	(void)way_await(y, WAY_SPI_IN);
	hide(y);
	arrive(y, 1);
	show(y);
	await_tick(y->w);
	assert_int_equal(y->n_sent[1], 0);
	free(await_take(y->sh.awaited, WAY_SPI_IN));
	await_tick(y->w);
	assert_int_equal(y->n_sent[1], 1);
	assert_int_equal(drops(y), 0);
	way_free(y);
}

/* I9: an SPI that was not announced, another source, an announcement that is over. */
static void nobody_else_makes_packets_wait(void **state)
{
	struct way *y = way_new(0);
	struct awaited *a;

	(void)state;
	hide(y);
	arrive(y, 1);
	a = way_await(y, WAY_SPI_IN);
	a->from = ipaddr_v4((uint32_t)WAY_PEER + 1);
	arrive(y, 2);
	a->from = ipaddr_v4((uint32_t)WAY_PEER);
	atomic_store(&a->until_ns, y->w->now_ns);
	arrive(y, 3);
	assert_int_equal(y->w->await.n, 0);
	assert_int_equal(y->w->stats[STAT_DROP_ESP_SPI], 3);
	show(y);
	way_free(y);
}

static void so_many_and_no_more(void **state)
{
	struct way *y = way_new(0);
	struct awaited *a;

	(void)state;
	a = way_await(y, WAY_SPI_IN);
	hide(y);
	for (uint64_t i = 1; i <= AWAIT_SPI_PACKETS + 3; i++)
		arrive(y, i);
	assert_int_equal(y->w->await.n, AWAIT_SPI_PACKETS);
	assert_int_equal(y->w->stats[STAT_DROP_AWAIT_QUEUE], 3);
	held_clear(y->w, &y->w->await);
	atomic_store(&a->packets, 0);
	atomic_store(&a->octets, AWAIT_SPI_OCTETS - 80);
	arrive(y, 1);
	assert_int_equal(y->w->stats[STAT_DROP_AWAIT_QUEUE], 4);
	/* All SPIs of a worker together. */
	for (uint32_t k = 1; y->w->await.n < AWAIT_PACKETS; k++) {
		struct awaited *more = way_await(y, WAY_SPI_IN);

		for (uint64_t i = 0; i < AWAIT_SPI_PACKETS && y->w->await.n < AWAIT_PACKETS; i++)
			arrive(y, i + 1);
		assert_in_range(atomic_load(&more->packets), 1, AWAIT_SPI_PACKETS);
		assert_in_range(k, 1, 3);
	}
	(void)way_await(y, WAY_SPI_IN);
	arrive(y, 1);
	assert_int_equal(y->w->await.n, AWAIT_PACKETS);
	assert_int_equal(y->w->stats[STAT_DROP_AWAIT_QUEUE], 5);
	/* And not for long. */
	y->w->now_ns += AWAIT_HELD_NS;
	await_tick(y->w);
	assert_int_equal(y->w->await.n, 0);
	assert_int_equal(y->w->stats[STAT_DROP_AWAIT_LATE], AWAIT_PACKETS);
	show(y);
	way_free(y);
}

/* One place for each, a few tries, and the oldest that are over make room. */
static void the_table_is_bounded(void **state)
{
	struct await_table *t = calloc(1, sizeof *t);
	struct awaited a[AWAIT_PROBES + 1] = {0}, *old;

	(void)state;
	assert_non_null(t);
	for (uint32_t i = 0; i <= AWAIT_PROBES; i++) {
		a[i].spi = 7 + i * AWAIT_SLOTS;
		atomic_store(&a[i].until_ns, 10 + i);
		assert_int_equal(await_put(t, &a[i], 5, &old), i < AWAIT_PROBES);
		assert_null(old);
	}
	assert_true(await_put(t, &a[AWAIT_PROBES], 11, &old));
	assert_ptr_equal(old, &a[0]);
	assert_null(await_find(t, a[0].spi));
	assert_ptr_equal(await_find(t, a[AWAIT_PROBES].spi), &a[AWAIT_PROBES]);
	assert_ptr_equal(await_take(t, a[3].spi), &a[3]);
	assert_null(await_take(t, a[3].spi));
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_early_goes_on_in_order),
		cmocka_unit_test(a_tick_finds_what_was_left),
		cmocka_unit_test(nobody_else_makes_packets_wait),
		cmocka_unit_test(so_many_and_no_more),
		cmocka_unit_test(the_table_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
