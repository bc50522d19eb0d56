#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/err.h"
#include "core/ip4.h"

/* A header out of RFC 1071 lore with a known checksum. */
static const uint8_t known[20] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8,
	0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

static void ip4_checksum_is_the_known_one(void **state)
{
	uint8_t b[20];

	(void)state;
	assert_int_equal(sum_done(sum_add(0, view_of(known, 20))), 0);
	ip4_put(b, &(struct ip4_make){0xc0a80001, 0xc0a800c7, 0x73, 0, IP4_DF, IP_UDP, 64, 0});
	assert_memory_equal(b, known, 20);
}

static void ip4_reads_or_names_the_fault(void **state)
{
	uint8_t b[64] = {0};
	struct ip4 h;

	(void)state;
	memcpy(b, known, 20);
	store_be16(b + IP4_AT_LEN, 40);
	store_be16(b + IP4_AT_SUM, 0);
	store_be16(b + IP4_AT_SUM, sum_done(sum_add(0, view_of(b, 20))));
	assert_int_equal(ip4_read(view_of(b, 64), &h), IP4_OK);
	assert_int_equal(h.len, 40);
	assert_int_equal(h.src, 0xc0a80001);
	for (size_t n = 0; n < 40; n++)
		assert_int_equal(ip4_read(view_of(b, n), &h),
			n < IP4_HDR ? IP4_FAULT_SHORT : IP4_FAULT_LENGTH);
	for (int i = 0; i < 20; i++) {
		uint8_t was = b[i];
		enum ip4_fault f;

		b[i] ^= 0x80;
		f = ip4_read(view_of(b, 64), &h);
		assert_true(f != IP4_OK);
		b[i] = was;
	}
	b[0] = 0x44;
	assert_int_equal(ip4_read(view_of(b, 64), &h), IP4_FAULT_HEADER);
	b[0] = 0x55;
	assert_int_equal(ip4_read(view_of(b, 64), &h), IP4_FAULT_VERSION);
	b[0] = 0x4f; /* 60 octets of header, 40 of packet */
	assert_int_equal(ip4_read(view_of(b, 64), &h), IP4_FAULT_LENGTH);
	assert_int_equal(ip4_read(view_of(b, 40), &h), IP4_FAULT_SHORT);
}

static void ip4_updates_keep_the_checksum(void **state)
{
	unsigned seed = 3;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct ip4_make m = {(uint32_t)rand_r(&seed), (uint32_t)rand_r(&seed),
			(uint16_t)rand_r(&seed), (uint16_t)rand_r(&seed), (uint16_t)rand_r(&seed),
			(uint8_t)rand_r(&seed), (uint8_t)(2 + rand_r(&seed) % 250),
			(uint8_t)rand_r(&seed)};
		uint8_t b[20], was[20];

		ip4_put(b, &m);
		memcpy(was, b, 20);
		ip4_age(b);
		assert_int_equal(b[IP4_AT_TTL], m.ttl - 1);
		assert_int_equal(sum_done(sum_add(0, view_of(b, 20))), 0);
		ip4_unage(b);
		assert_int_equal(sum_done(sum_add(0, view_of(b, 20))), 0);
		assert_int_equal(b[IP4_AT_TTL], m.ttl);
	}
}

/* RFC 6040 figure 4: rows inner Not-ECT, ECT(0), ECT(1), CE; columns outer the same; -1 = drop. */
static void ecn_leaves_as_in_rfc_6040(void **state)
{
	static const int code[] = {0, 2, 1, 3};
	static const int table[4][4] = {
		{0, 0, 0, -1},
		{2, 2, 1, 3},
		{1, 1, 1, 3},
		{3, 3, 3, 3},
	};

	(void)state;
	for (int i = 0; i < 4; i++) {
		for (int o = 0; o < 4; o++) {
			uint8_t tos;
			int rc = ecn_leave((uint8_t)(0xb8 | code[i]), (uint8_t)code[o], &tos);

			if (table[i][o] < 0)
				assert_int_equal(rc, -ERR_VALUE);
			else
				assert_int_equal(tos, 0xb8 | table[i][o]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip4_checksum_is_the_known_one),
		cmocka_unit_test(ip4_reads_or_names_the_fault),
		cmocka_unit_test(ip4_updates_keep_the_checksum),
		cmocka_unit_test(ecn_leaves_as_in_rfc_6040),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
