/* What a worker asks tandemd for, and when: an SA, a lease no more, a rekey. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fakeway.h"
#include "node/node.h"

enum { SOFT_BYTES, HARD_BYTES, SEQUENCE }; /* as dp.LifetimeKind */

static void send_out(struct way *y, size_t n)
{
	uint8_t f[1600] = {0};

	(void)way_headers(f, WAY_HOST, WAY_FAR, IP_UDP, n);
	way_receive(y, 1, way_packet(f, 34 + n, 64));
}

/* How many notes of the kind wait; the last one in *last. The others are gone. */
static uint32_t notes(struct way *y, enum note_kind kind, struct note *last)
{
	struct note n;
	uint32_t found = 0;

	while (ring_get(&y->w->notes, &n, 1) == 1) {
		if (n.kind != kind)
			continue;
		*last = n;
		found++;
	}
	return found;
}

/* PKT-001: three packets in a moment, three drops, one question; the next one a second later. */
static void asks_for_an_sa_once(void **state)
{
	struct way *y = way_new(0);
	struct note n;

	(void)state;
	atomic_store(&y->sa->outbound, false);
	for (int i = 0; i < 3; i++)
		send_out(y, 60);
	assert_int_equal(y->w->stats[STAT_DROP_SPD_SA], 3);
	assert_int_equal(notes(y, NOTE_ACQUIRE, &n), 1);
	assert_int_equal(n.acquire.policy_id, 1);
	assert_int_equal(n.acquire.protocol, IP_UDP);
	assert_true(ipaddr_equal(n.acquire.dst, ipaddr_v4(WAY_FAR)));
	assert_int_equal(y->n_sent[0], 0);
	way_free(y);
}

/* RFC 9611 3: a worker that has to pass its packets on wants an SA of its own, and says so once a
 * second; the packets are not lost. */
static void asks_for_one_of_its_own(void **state)
{
	struct way *y = way_new(0);
	struct worker *other = worker_new(&y->sh, 1);
	struct note n;

	(void)state;
	assert_non_null(other);
	y->sh.workers[1] = other;
	y->sh.n_workers = 2;
	sa_cold(y->sa)->own_wanted = true;
	sa_cold(y->sa)->policy_id = 1;
	send_out(y, 60); /* it has the bucket: that is as good as its own */
	assert_int_equal(notes(y, NOTE_ACQUIRE, &n), 0);
	atomic_store(&y->sh.bucket_worker[y->sa->bucket], 1);
	for (int i = 0; i < 3; i++)
		send_out(y, 60);
	assert_int_equal(notes(y, NOTE_ACQUIRE, &n), 1);
	assert_int_equal(n.acquire.policy_id, 1);
	assert_int_equal(n.acquire.worker_hint, 1);
	assert_int_equal(y->w->stats[STAT_DROP_SPD_SA], 0);
	assert_int_equal(ring_count(&other->in[0]), 3);
	/* One that nobody wants more of. */
	sa_cold(y->sa)->own_wanted = false;
	atomic_store(&sa_cold(y->sa)->own_asked, 0);
	send_out(y, 60);
	assert_int_equal(notes(y, NOTE_ACQUIRE, &n), 0);
	worker_clear(other);
	y->sh.n_workers = 1;
	worker_free(other);
	way_free(y);
}

static void limits(struct way *y, uint64_t soft, uint64_t hard)
{
	struct sa_cold *c = sa_cold(y->sa);

	c->soft_bytes = soft;
	c->hard_bytes = hard;
	y->sa->flags |= SA_LIMITED;
}

/* The soft limit asks once and loses nothing; the hard one asks and stops. */
static void asks_for_a_rekey_by_octets(void **state)
{
	struct way *y = way_new(0);
	struct note n;

	(void)state;
	limits(y, 300, 600);
	send_out(y, 180); /* 200 octets of inner packet each */
	assert_int_equal(notes(y, NOTE_LIFETIME, &n), 0);
	send_out(y, 180);
	assert_int_equal(notes(y, NOTE_LIFETIME, &n), 1);
	assert_int_equal(n.lifetime.kind, SOFT_BYTES);
	assert_int_equal(n.spi, WAY_SPI_IN);
	assert_int_equal(y->w->stats[STAT_ESP_OUT], 2);
	send_out(y, 180);
	assert_int_equal(notes(y, NOTE_LIFETIME, &n), 1);
	assert_int_equal(n.lifetime.kind, HARD_BYTES);
	assert_int_equal(y->w->stats[STAT_ESP_OUT], 3);
	send_out(y, 180);
	assert_int_equal(y->w->stats[STAT_DROP_ESP_LIFETIME], 1);
	assert_int_equal(y->w->stats[STAT_ESP_OUT], 3);
	way_free(y);
}

/* A 32-bit SA whose lease reaches the end: asked for in time, and no number after the last. */
static void asks_for_a_rekey_before_numbers_end(void **state)
{
	struct way *y = way_new(0);
	struct note n;

	(void)state;
	send_out(y, 60);
	assert_int_equal(notes(y, NOTE_LIFETIME, &n), 0);
	y->sa->out.next = SEQNO_32BIT_SOFT;
	send_out(y, 60);
	assert_int_equal(notes(y, NOTE_LIFETIME, &n), 1);
	assert_int_equal(n.lifetime.kind, SEQUENCE);
	send_out(y, 60);
	assert_int_equal(notes(y, NOTE_LIFETIME, &n), 0);
	y->sa->out.next = SEQNO_32BIT_END - 1;
	send_out(y, 60);
	assert_int_equal(y->w->stats[STAT_ESP_OUT], 4);
	send_out(y, 60);
	assert_int_equal(y->w->stats[STAT_ESP_OUT], 4);
	assert_int_equal(y->w->stats[STAT_DROP_ESP_LEASE], 1);
	way_free(y);
}

/* With extended numbers the same place means nothing. */
static void asks_for_nothing_with_esn(void **state)
{
	struct way *y = way_new(SA_ESN);
	struct note n;

	(void)state;
	send_out(y, 60);
	y->sa->out.next = SEQNO_32BIT_SOFT;
	send_out(y, 60);
	assert_int_equal(notes(y, NOTE_LIFETIME, &n), 0);
	assert_int_equal(y->w->stats[STAT_ESP_OUT], 2);
	way_free(y);
}

/* Ten a second at most, with the addresses that respond-bad-spi needs. */
static void tells_of_unknown_spis_with_addresses(void **state)
{
	struct way *y = way_new(0);
	uint8_t f[100] = {0};
	struct note n;

	(void)state;
	(void)way_headers(f, (uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT, IP_ESP, 60);
	store_be32(f + 34, 0x01777777);
	for (int i = 0; i < 5; i++)
		way_receive(y, 0, way_packet(f, 94, 0));
	assert_int_equal(y->w->stats[STAT_DROP_ESP_SPI], 5);
	assert_int_equal(notes(y, NOTE_BAD_SPI, &n), 1);
	assert_int_equal(n.spi, 0x01777777);
	assert_true(ipaddr_equal(n.endpoint.from, ipaddr_v4((uint32_t)WAY_PEER)));
	assert_true(ipaddr_equal(n.endpoint.to, ipaddr_v4((uint32_t)WAY_GW_OUT)));
	way_free(y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_for_an_sa_once),
		cmocka_unit_test(asks_for_one_of_its_own),
		cmocka_unit_test(asks_for_a_rekey_by_octets),
		cmocka_unit_test(asks_for_a_rekey_before_numbers_end),
		cmocka_unit_test(asks_for_nothing_with_esn),
		cmocka_unit_test(tells_of_unknown_spis_with_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
