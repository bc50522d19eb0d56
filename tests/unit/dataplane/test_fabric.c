#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "core/fabric.h"

static void fabric_header_round_trip(void **state)
{
	struct fabric_hdr h = {
		FABRIC_FORWARD, 3, 4, 7, 0x21, 5, 99, 0x01020304, 0x0102030405060708};
	struct fabric_hdr g;
	uint8_t b[FABRIC_HDR + 6] = {0};
	struct view body;

	(void)state;
	fabric_put(b, &h);
	assert_int_equal(fabric_get(view_of(b, sizeof b), &g, &body), 0);
	assert_int_equal(g.kind, h.kind);
	assert_int_equal(g.from, h.from);
	assert_int_equal(g.to, h.to);
	assert_int_equal(g.rg, h.rg);
	assert_int_equal(g.flags, h.flags);
	assert_int_equal(g.len, h.len);
	assert_int_equal(g.cluster, h.cluster);
	assert_int_equal(g.iface, h.iface);
	assert_int_equal(g.epoch, h.epoch);
	assert_ptr_equal(body.p, b + FABRIC_HDR); /* padding of the frame is not body */
	assert_int_equal(body.n, 5);
	for (size_t n = 0; n < FABRIC_HDR + 5; n++)
		assert_int_equal(fabric_get(view_of(b, n), &g, &body), -ERR_TRUNCATED);
	b[1] = 0;
	assert_int_equal(fabric_get(view_of(b, sizeof b), &g, &body), -ERR_VALUE);
	b[1] = FABRIC_KINDS;
	assert_int_equal(fabric_get(view_of(b, sizeof b), &g, &body), -ERR_VALUE);
	b[0] = 2;
	assert_int_equal(fabric_get(view_of(b, sizeof b), &g, &body), -ERR_VERSION);
}

static void fabric_heartbeat_round_trip(void **state)
{
	struct fabric_beat a = {.stamp_ns = 77, .control = true, .n = FABRIC_RGS_MAX}, b;
	uint8_t room[FABRIC_BEAT_MAX + 1];
	uint32_t n;

	(void)state;
	for (uint32_t i = 0; i < a.n; i++)
		a.rgs[i] = (struct fabric_rg){(uint8_t)i, 2,
			i % 2 ? RG_ROLE_ACTIVE : RG_ROLE_STANDBY, i * 1000, UINT64_MAX - i};
	n = fabric_beat_put(room, &a);
	assert_int_equal(n, FABRIC_BEAT_MAX);
	assert_int_equal(fabric_beat_get(view_of(room, n), &b), 0);
	for (uint32_t i = 0; i < a.n; i++) {
		assert_int_equal(a.rgs[i].role, b.rgs[i].role);
		assert_int_equal(a.rgs[i].epoch, b.rgs[i].epoch);
		assert_int_equal(a.rgs[i].deadline_ns, b.rgs[i].deadline_ns);
	}
	for (uint32_t k = 0; k < n; k++)
		assert_true(fabric_beat_get(view_of(room, k), &b) < 0);
	assert_true(fabric_beat_get(view_of(room, n + 1), &b) < 0);
	room[9] = FABRIC_RGS_MAX + 1;
	assert_int_equal(fabric_beat_get(view_of(room, n), &b), -ERR_VALUE);
}

static void fabric_renewal_round_trip(void **state)
{
	struct fabric_renew a = {0x1122334455667788, 900}, b;
	uint8_t room[FABRIC_RENEW_LEN];

	(void)state;
	fabric_renew_put(room, &a);
	assert_int_equal(fabric_renew_get(view_of(room, sizeof room), &b), 0);
	assert_int_equal(b.stamp_ns, a.stamp_ns);
	assert_int_equal(b.duration_ms, 900);
	assert_int_equal(fabric_renew_get(view_of(room, 11), &b), -ERR_TRUNCATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fabric_header_round_trip),
		cmocka_unit_test(fabric_heartbeat_round_trip),
		cmocka_unit_test(fabric_renewal_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
