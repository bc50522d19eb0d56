/* Whole messages: what is read, what is built, and properties of generated ones. */
#include "wire_case.h"

#include <stdlib.h>

#include "gen.h"
#include "roundtrip.h"
#include "wire/pld_ke.h"

#define SEED   20240607
#define ROUNDS 2000

#define SPIS                                                                                       \
	"\1\2\3\4\5\6\7\x08"                                                                       \
	"\0\0\0\0\0\0\0\0"
#define HEAD(next, flags, len)                                                                     \
	SPIS next "\x20\x22" flags "\0\0\0\0"                                                      \
		  "\0\0\0" len

static void message_reads_header_and_chain(void **state)
{
	struct view raw = view_of_literal(HEAD("\x22", "\x08", "\x2a") "\x28\0\0\x0a\0\x1f\0\0"
								       "KE"
								       "\0\0\0\x04");
	struct message m;
	const struct payload *p;

	(void)state;
	assert_int_equal(message_parse(raw, &m), 0);
	assert_true(m.hdr.spi_i == UINT64_C(0x0102030405060708));
	assert_true(m.hdr.spi_r == 0);
	assert_int_equal(m.hdr.exchange, EXCHANGE_IKE_SA_INIT);
	assert_true(ike_header_is_from_initiator(&m.hdr));
	assert_false(ike_header_is_response(&m.hdr));
	assert_int_equal(m.chain.n, 2);
	assert_int_equal(m.chain.seen, PLD_BIT(PLD_KE) | PLD_BIT(PLD_NONCE));
	p = chain_find(&m.chain, PLD_KE);
	assert_non_null(p);
	assert_int_equal(p->at, 28);
	assert_int_equal(p->body.n, 6);
	assert_null(chain_next(&m.chain, PLD_KE, p));
	assert_null(chain_find(&m.chain, PLD_SA));
	assert_int_equal(chain_count(&m.chain, PLD_NONCE), 1);
	assert_true(chain_has(&m.chain, PLD_NONCE));
	assert_false(chain_has(&m.chain, 200));
}

/* 2.5: unknown payloads are skipped unless critical; the bit means nothing on known ones. */
static void message_minds_the_critical_bit(void **state)
{
	struct message m;

	(void)state;
	assert_int_equal(message_parse(view_of_literal(HEAD("\xc8", "\x08", "\x24") "\x2b\0\0\x04"
										    "\0\0\0\x04"),
				 &m),
		0);
	assert_int_equal(m.chain.n, 1);
	assert_int_equal(m.chain.at[0].type, PLD_VENDOR);
	assert_int_equal(message_parse(view_of_literal(HEAD("\xc8", "\x08", "\x24") "\x2b\x80\0\x04"
										    "\0\0\0\x04"),
				 &m),
		-ERR_CRITICAL);
	assert_int_equal(m.chain.refused, 0xc8);
	assert_int_equal(m.hdr.exchange, EXCHANGE_IKE_SA_INIT);
	assert_int_equal(
		message_parse(view_of_literal(HEAD("\x2b", "\x08", "\x20") "\0\xff\0\x04"), &m), 0);
	assert_true(m.chain.at[0].critical);
}

static void message_tells_versions(void **state)
{
	struct view v1 = view_of_literal(SPIS "\x01\x10\x02\0"
					      "\0\0\0\0"
					      "\0\0\0\x20"
					      "\0\0\0\x04");
	struct view v3 = view_of_literal(SPIS "\0\x30\x22\x08"
					      "\0\0\0\0"
					      "\0\0\0\x1c");
	struct view minor = view_of_literal(SPIS "\0\x21\x22\x08"
						 "\0\0\0\0"
						 "\0\0\0\x1c");
	struct message m;
	struct ike_header h;

	(void)state;
	assert_int_equal(message_parse(v1, &m), -ERR_VERSION);
	assert_int_equal(m.hdr.version, IKE_VERSION_1);
	assert_int_equal(ike_header_parse(v1, &h), 0);
	assert_int_equal(message_parse(v3, &m), -ERR_VERSION);
	assert_int_equal(message_parse(minor, &m), 0);
}

static void message_is_built_as_it_was_read(void **state)
{
	struct view raw = view_of_literal(HEAD("\x22", "\x08", "\x2a") "\x2b\0\0\x0a\0\x1f\0\0"
								       "KE"
								       "\0\0\0\x04");
	struct message m;
	uint8_t room[64];
	struct writer w;
	struct view out;

	(void)state;
	assert_int_equal(message_parse(raw, &m), 0);
	writer_begin(&w, room, sizeof room, &m.hdr);
	writer_open(&w, PLD_KE);
	pld_ke_emit(&w.e, &(struct pld_ke){31, view_of_literal("KE")});
	writer_close(&w);
	writer_add(&w, PLD_VENDOR, (struct view){0});
	assert_int_equal(writer_end(&w, &out), 0);
	assert_true(view_equal(out, raw));
}

/* emit -> parse -> emit is the identity for everything we would send ourselves. */
static void property_payloads_come_back_as_they_were(void **state)
{
	struct gen g = gen_of(SEED);

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint8_t first[2048], second[2048], type = gen_types[i % gen_types_n];
		struct emit a = emit_to(first, sizeof first), b = emit_to(second, sizeof second);

		gen_payload(&g, type, &a);
		if (payload_roundtrip(type, emitted(&a), &b) < 0 ||
			!view_equal(emitted(&a), emitted(&b)))
			fail_msg("seed %d, round %u, %s", SEED, i, payload_text(type));
	}
}

/* A copy of exactly n octets: the address sanitizer sees any octet read beyond. */
static int parse_exact(struct view v, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);
	static struct message m;
	int rc;

	assert_non_null(exact);
	memcpy(exact, v.p, n);
	rc = message_parse(view_of(exact, n), &m);
	free(exact);
	return rc;
}

static void property_no_truncation_of_a_message_parses(void **state)
{
	static uint8_t room[65536];
	struct gen g = gen_of(SEED + 1);
	struct view v = {0};

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(gen_message(&g, room, sizeof room, &v), 0);
		assert_int_equal(parse_exact(v, v.n), 0);
		for (size_t n = 0; n < v.n; n++)
			if (parse_exact(v, n) != -ERR_TRUNCATED)
				fail_msg("seed %d, message %u, octets %zu", SEED + 1, i, n);
	}
}

/* Also when the header's length agrees with the cut: then the chain must notice. */
static void property_no_truncation_of_a_chain_parses(void **state)
{
	static uint8_t room[65536];
	struct gen g = gen_of(SEED + 2);
	struct view v = {0};

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(gen_message(&g, room, sizeof room, &v), 0);
		for (size_t n = v.n - 1; n >= IKE_HEADER_LEN; n--) {
			room[26] = (uint8_t)(n >> 8);
			room[27] = (uint8_t)n;
			if (parse_exact(v, n) != -ERR_TRUNCATED)
				fail_msg("seed %d, message %u, octets %zu", SEED + 2, i, n);
		}
	}
}

/* Structures that say their own length do not parse when cut; the others may, but stay inside. */
static void property_no_truncation_of_a_counted_payload_parses(void **state)
{
	static const uint8_t counted[] = {PLD_SA, PLD_TSI, PLD_TSR, PLD_EAP, PLD_DELETE};
	struct gen g = gen_of(SEED + 3);

	(void)state;
	for (unsigned i = 0; i < 600; i++) {
		uint8_t room[2048], again[2048];
		uint8_t type = i % 2 ? counted[i / 2 % ARRAY_LEN(counted)]
				     : gen_types[i / 2 % gen_types_n];
		struct emit e = emit_to(room, sizeof room);
		struct view v;

		gen_payload(&g, type, &e);
		v = emitted(&e);
		for (size_t n = 0; n < v.n; n++) {
			struct emit b = emit_to(again, sizeof again);
			uint8_t *exact = malloc(n ? n : 1);
			int rc;

			assert_non_null(exact);
			memcpy(exact, v.p, n);
			rc = payload_roundtrip(type, view_of(exact, n), &b);
			free(exact);
			if (rc >= 0 && memchr(counted, type, sizeof counted))
				fail_msg("seed %d, round %u, %s cut to %zu", SEED + 3, i,
					payload_text(type), n);
		}
	}
}

/* Damage anywhere: refused, or understood and stable. */
static void property_damaged_messages_are_refused_or_stable(void **state)
{
	static uint8_t room[65536];
	struct gen g = gen_of(SEED + 4);

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct view v = {0};
		struct sk_out out;
		uint8_t *exact;

		if (i % 2) {
			assert_int_equal(gen_message(&g, room, sizeof room, &v), 0);
		} else {
			struct sk_shape shape = i % 4 ? shape_gcm : shape_cbc;

			assert_int_equal(gen_sk_message(&g, room, sizeof room, shape, &out), 0);
			v = out.message;
		}
		exact = malloc(v.n);
		assert_non_null(exact);
		memcpy(exact, v.p, v.n);
		for (unsigned k = 1 + gen_below(&g, 4); k != 0; k--)
			exact[gen_below(&g, (uint32_t)v.n)] = (uint8_t)gen_u64(&g);
		message_roundtrip_check(view_of(exact, v.n));
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_reads_header_and_chain),
		cmocka_unit_test(message_minds_the_critical_bit),
		cmocka_unit_test(message_tells_versions),
		cmocka_unit_test(message_is_built_as_it_was_read),
		cmocka_unit_test(property_payloads_come_back_as_they_were),
		cmocka_unit_test(property_no_truncation_of_a_message_parses),
		cmocka_unit_test(property_no_truncation_of_a_chain_parses),
		cmocka_unit_test(property_no_truncation_of_a_counted_payload_parses),
		cmocka_unit_test(property_damaged_messages_are_refused_or_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
