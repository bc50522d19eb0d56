/*
 * NAT traversal on the wire: whom an authenticated packet may move (NAT-006, RFC 7296 2.23,
 * architecture rule 9), and what stays outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fakeway.h"
#include "node/node.h"

enum { UDP_AT = 14 + IP4_HDR };

/* A sealed packet of the peer's that comes from this port. */
static size_t sealed(struct way *y, uint64_t seq, uint16_t port, uint8_t f[256])
{
	uint8_t inner[52] = {0};
	size_t n;

	ip4_put(inner, &(struct ip4_make){WAY_FAR, WAY_HOST, 50, 1, 0, IP_UDP, 9, 0});
	inner[51] = 4;
	n = way_seal(y, seq, view_of_array(inner), true, f);
	store_be16(f + UDP_AT, port);
	return n;
}

/* The port it was told of, or 0. Told once a second: that is not what is tested here. */
static uint16_t moved_by(struct way *y, uint64_t seq, uint16_t port)
{
	uint8_t f[256];
	size_t n = sealed(y, seq, port, f);
	struct note note;
	uint16_t found = 0;

	y->sa->n.moved_ns = 0;
	way_receive(y, 0, way_packet(f, n, 64));
	while (ring_get(&y->w->notes, &note, 1) == 1)
		if (note.kind == NOTE_ENDPOINT_MOVED)
			found = note.endpoint.from_port;
	return found;
}

static void natt_newest_packet_moves_the_peer(void **state)
{
	struct way *y = way_new(SA_UDP);

	(void)state;
	assert_int_equal(moved_by(y, 10, 4500), 0); /* where it is already */
	assert_int_equal(moved_by(y, 12, 5555), 5555);
	assert_int_equal(moved_by(y, 11, 6666), 0); /* authentic, but older */
	assert_int_equal(moved_by(y, 12, 7777), 0); /* a replay */
	assert_int_equal(y->w->stats[STAT_DROP_ESP_REPLAY], 1);
	assert_int_equal(moved_by(y, 13, 8888), 8888);
	assert_int_equal(y->w->stats[STAT_ESP_IN], 4);
	way_free(y);
}

static void natt_forged_packet_moves_nobody(void **state)
{
	struct way *y = way_new(SA_UDP);
	uint8_t f[256];
	size_t n = sealed(y, 20, 5555, f);
	struct note note;

	(void)state;
	f[n - 1] ^= 1;
	way_receive(y, 0, way_packet(f, n, 64));
	assert_int_equal(y->w->stats[STAT_DROP_ESP_AUTH], 1);
	assert_int_equal(ring_get(&y->w->notes, &note, 1), 0);
	way_free(y);
}

/* After a takeover the window does not know what the last owner saw: a packet below the horizon
 * that it had may be an old one. */
static void natt_inherited_horizon_is_waited_for(void **state)
{
	struct way *y = way_new(SA_UDP);

	(void)state;
	atomic_load(&y->sh.rgs[0].view)->epoch = 5; /* the lease is of epoch 0 */
	y->sa->out.lease.in_horizon = 100;
	assert_int_equal(moved_by(y, 50, 5555), 0);
	assert_int_equal(moved_by(y, 99, 5555), 0);
	assert_int_equal(moved_by(y, 100, 5555), 5555);
	way_free(y);
}

static void natt_plain_esp_moves_nobody(void **state)
{
	struct way *y = way_new(0); /* the SA is not in UDP; its packets come in UDP nevertheless */

	(void)state;
	assert_int_equal(moved_by(y, 5, 5555), 0);
	assert_int_equal(y->w->stats[STAT_ESP_IN], 1);
	way_free(y);
}

static void natt_keepalive_goes_no_further(void **state)
{
	struct way *y = way_new(SA_UDP);
	uint8_t f[64] = {0};

	(void)state;
	(void)way_headers(f, (uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT, IP_UDP, 9);
	store_be16(f + UDP_AT, 4500);
	store_be16(f + UDP_AT + 2, 4500);
	store_be16(f + UDP_AT + 4, 9);
	f[UDP_AT + 8] = 0xff;
	way_receive(y, 0, way_packet(f, UDP_AT + 9, 64));
	assert_int_equal(y->w->stats[STAT_NATT_KEEPALIVES], 1);
	assert_int_equal(way_drain(y), 0); /* nothing was punted */
	way_free(y);
	assert_int_equal(way_alive(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(natt_newest_packet_moves_the_peer),
		cmocka_unit_test(natt_forged_packet_moves_nobody),
		cmocka_unit_test(natt_inherited_horizon_is_waited_for),
		cmocka_unit_test(natt_plain_esp_moves_nobody),
		cmocka_unit_test(natt_keepalive_goes_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
