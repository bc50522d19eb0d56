#include "wire_case.h"

#include "roundtrip.h"
#include "wire/natt.h"
#include "wire/pld_notify.h"

static const struct ike_header header = {
	.spi_i = UINT64_C(0x0102030405060708),
	.spi_r = UINT64_C(0x1112131415161718),
	.exchange = EXCHANGE_INFORMATIONAL,
	.flags = IKE_FLAG_INITIATOR,
	.mid = 9,
};

/* Seals by leaving the text as it is and marking IV and ICV. */
static void mark(const struct sk_out *out, struct sk_shape shape)
{
	memset(out->iv, 0x1f, shape.iv_len);
	memset(out->icv, 0x2f, shape.icv_len);
}

static void sk_what_is_closed_is_found_again(void **state)
{
	static const uint8_t octets[40] = {1, 2, 3};
	const struct sk_shape shapes[] = {shape_gcm, shape_cbc};

	(void)state;
	for (size_t inner_n = 0; inner_n < 40; inner_n++) {
		for (size_t s = 0; s < ARRAY_LEN(shapes); s++) {
			uint8_t room[512];
			struct view inner, body = view_of(octets, inner_n);
			struct message m;
			struct chain chain;
			struct writer w;
			struct sk_out out;
			struct sk_in in;

			writer_begin(&w, room, sizeof room, &header);
			sk_open(&w, shapes[s]);
			writer_add(&w, PLD_VENDOR, body);
			writer_add(&w, PLD_VENDOR, view_of_literal("second"));
			assert_int_equal(sk_close(&w, &out), 0);
			mark(&out, shapes[s]);
			assert_int_equal(message_parse(out.message, &m), 0);
			assert_int_equal(m.chain.n, 1);
			assert_int_equal(sk_parse(&m, shapes[s], &in), 0);
			assert_true(view_equal(in.aad, out.aad));
			assert_int_equal(in.aad.n, IKE_HEADER_LEN + 4);
			assert_ptr_equal(in.iv.p, out.iv);
			assert_ptr_equal(in.text.p, out.text);
			assert_int_equal(in.text.n, out.text_n);
			assert_ptr_equal(in.icv.p, out.icv);
			assert_int_equal(in.iv.p[0], 0x1f);
			assert_int_equal(in.icv.p[0], 0x2f);
			assert_int_equal(in.frag, 0);
			assert_int_equal(in.text.n % shapes[s].block, 0);
			assert_int_equal(sk_unpad(in.text, &inner), 0);
			assert_int_equal(chain_parse_inner(in.inner_first, inner, &chain), 0);
			assert_int_equal(chain.n, 2);
			assert_true(view_equal(chain.at[0].body, body));
		}
	}
}

/* A liveness check: SK with nothing inside (1.4). */
static void sk_may_be_empty(void **state)
{
	uint8_t room[256];
	struct view inner = view_of_literal("not empty");
	struct message m;
	struct chain chain;
	struct writer w;
	struct sk_out out;
	struct sk_in in;

	(void)state;
	writer_begin(&w, room, sizeof room, &header);
	sk_open(&w, shape_gcm);
	assert_int_equal(sk_close(&w, &out), 0);
	assert_int_equal(out.message.n, 28 + 4 + 8 + 1 + 16);
	assert_int_equal(message_parse(out.message, &m), 0);
	assert_int_equal(sk_parse(&m, shape_gcm, &in), 0);
	assert_int_equal(in.inner_first, PLD_NONE);
	assert_int_equal(sk_unpad(in.text, &inner), 0);
	assert_int_equal(inner.n, 0);
	assert_int_equal(chain_parse_inner(PLD_NONE, inner, &chain), 0);
	assert_int_equal(chain.n, 0);
}

static void sk_covers_payloads_before_it(void **state)
{
	uint8_t room[256];
	struct message m;
	struct writer w;
	struct sk_out out;
	struct sk_in in;

	(void)state;
	writer_begin(&w, room, sizeof room, &header);
	writer_add(&w, PLD_VENDOR, view_of_literal("outside"));
	sk_open(&w, shape_cbc);
	assert_int_equal(sk_close(&w, &out), 0);
	assert_int_equal(message_parse(out.message, &m), 0);
	assert_int_equal(m.chain.n, 2);
	assert_int_equal(sk_parse(&m, shape_cbc, &in), 0);
	assert_int_equal(in.aad.n, 28 + 11 + 4);
}

/* 3.14: any pad, any length up to 255; but never more than there is. */
static void sk_unpad_table(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		int rc;
		size_t left;
	} cases[] = {
		{BYTES("\0"), 0, 0},
		{BYTES("ab\0"), 0, 2},
		{BYTES("abPP\x02"), 0, 2},
		{BYTES("PP\x02"), 0, 0},
		{BYTES("PP\x03"), -ERR_VALUE, 0},
		{BYTES("\xff"), -ERR_VALUE, 0},
		{BYTES(""), -ERR_VALUE, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct view inner = {0};

		assert_int_equal(sk_unpad(view_of(cases[i].text, cases[i].n), &inner), cases[i].rc);
		assert_int_equal(inner.n, cases[i].left);
	}
}

static void sk_writer_out_of_turn_is_an_error(void **state)
{
	uint8_t room[256];
	struct writer w;
	struct sk_out out;
	struct view v;

	(void)state;
	writer_begin(&w, room, sizeof room, &header);
	assert_int_equal(sk_close(&w, &out), -ERR_SPACE); /* never opened */
	writer_begin(&w, room, sizeof room, &header);
	sk_open(&w, shape_gcm);
	sk_open(&w, shape_gcm); /* nested */
	assert_int_equal(sk_close(&w, &out), -ERR_SPACE);
	writer_begin(&w, room, sizeof room, &header);
	sk_open(&w, shape_gcm);
	writer_open(&w, PLD_VENDOR); /* left open */
	assert_int_equal(sk_close(&w, &out), -ERR_SPACE);
	writer_begin(&w, room, sizeof room, &header);
	writer_open(&w, PLD_VENDOR);
	writer_open(&w, PLD_VENDOR); /* inside another */
	assert_int_equal(writer_end(&w, &v), -ERR_SPACE);
	writer_begin(&w, room, sizeof room, &header);
	writer_close(&w); /* nothing open */
	assert_int_equal(writer_end(&w, &v), -ERR_SPACE);
	for (size_t cap = 0; cap < 28 + 4 + 8 + 1 + 16; cap++) {
		writer_begin(&w, room, cap, &header);
		sk_open(&w, shape_gcm);
		assert_int_equal(sk_close(&w, &out), -ERR_SPACE);
	}
}

static void skf_fragments_carry_all_of_it(void **state)
{
	uint8_t inner_room[2000], again[2000], room[600];
	size_t max = 576, at = 0, chunk_max = skf_chunk_max(shape_gcm, max);
	struct writer w;
	struct view inner;
	struct skf_part part = {.frag_of = 0};

	(void)state;
	writer_begin_inner(&w, inner_room, sizeof inner_room);
	for (unsigned i = 0; i < 60; i++)
		writer_add(&w, PLD_VENDOR, view_of_literal("0123456789abcdefghijklm"));
	assert_int_equal(writer_end(&w, &inner), 0);
	assert_int_equal(w.first, PLD_VENDOR);
	assert_int_equal(inner.n, 60 * 27);
	part.inner_first = w.first;
	part.frag_of = (uint16_t)((inner.n + chunk_max - 1) / chunk_max);
	for (part.frag = 1; part.frag <= part.frag_of; part.frag++) {
		struct emit e = emit_to(room, sizeof room);
		struct message m;
		struct sk_out out;
		struct sk_in in;
		struct view piece;

		part.chunk = view_of(inner.p + at, MIN(chunk_max, inner.n - at));
		assert_int_equal(skf_build(&e, &header, shape_gcm, &part, &out), 0);
		assert_true(out.message.n <= max);
		mark(&out, shape_gcm);
		assert_int_equal(message_parse(out.message, &m), 0);
		assert_int_equal(sk_parse(&m, shape_gcm, &in), 0);
		assert_int_equal(in.aad.n, 28 + 8); /* RFC 7383 2.5: with number and total */
		assert_ptr_equal(in.icv.p, out.icv);
		assert_int_equal(in.frag, part.frag);
		assert_int_equal(in.frag_of, part.frag_of);
		assert_int_equal(in.inner_first, part.frag == 1 ? PLD_VENDOR : PLD_NONE);
		assert_int_equal(sk_unpad(in.text, &piece), 0);
		memcpy(again + at, piece.p, piece.n);
		at += piece.n;
	}
	assert_int_equal(at, inner.n);
	assert_memory_equal(again, inner.p, inner.n);
}

static void skf_chunks_fit_exactly(void **state)
{
	const struct sk_shape shapes[] = {shape_gcm, shape_cbc};
	static uint8_t room[2048], octets[2048];

	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(shapes); s++) {
		size_t fixed = 28 + 8 + (size_t)shapes[s].iv_len + shapes[s].icv_len;

		assert_int_equal(skf_chunk_max(shapes[s], fixed), 0);
		for (size_t max = fixed + shapes[s].block + 1; max < 1500; max += 7) {
			struct skf_part part = {.frag = 1, .frag_of = 1};
			struct emit e = emit_to(room, sizeof room);
			struct sk_out out;

			part.chunk = view_of(octets, skf_chunk_max(shapes[s], max));
			assert_int_equal(skf_build(&e, &header, shapes[s], &part, &out), 0);
			assert_in_range(out.message.n, max - shapes[s].block, max);
		}
	}
}

static void skf_refuses_impossible_numbers(void **state)
{
	static const struct {
		uint16_t frag, of;
	} cases[] = {{0, 0}, {0, 1}, {2, 1}, {UINT16_MAX, 1}};

	uint8_t room[256];
	struct emit e = emit_to(room, sizeof room);
	struct sk_out out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct skf_part part = {.frag = cases[i].frag, .frag_of = cases[i].of};

		assert_int_equal(skf_build(&e, &header, shape_gcm, &part, &out), -ERR_VALUE);
	}
	assert_int_equal(e.n, 0);
}

static void natt_tells_ike_from_esp(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		enum natt_kind kind;
		size_t payload_n;
	} cases[] = {
		{BYTES("\xff"), NATT_KEEPALIVE, 1},
		{BYTES("\0\0\0\0ike"), NATT_IKE, 3},
		{BYTES("\0\0\0\0"), NATT_RUNT, 4},
		{BYTES("\0\0"), NATT_RUNT, 2},
		{BYTES(""), NATT_RUNT, 0},
		{BYTES("\xff\xff"), NATT_RUNT, 2},
		{BYTES("\0\0\0\x01\0\0\0\x01"), NATT_ESP, 8},
		{BYTES("\0\0\0\x01\0\0\0"), NATT_RUNT, 7},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct view payload;

		assert_int_equal(natt_classify(view_of(cases[i].bytes, cases[i].n), &payload),
			cases[i].kind);
		assert_int_equal(payload.n, cases[i].payload_n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sk_what_is_closed_is_found_again),
		cmocka_unit_test(sk_may_be_empty),
		cmocka_unit_test(sk_covers_payloads_before_it),
		cmocka_unit_test(sk_unpad_table),
		cmocka_unit_test(sk_writer_out_of_turn_is_an_error),
		cmocka_unit_test(skf_fragments_carry_all_of_it),
		cmocka_unit_test(skf_chunks_fit_exactly),
		cmocka_unit_test(skf_refuses_impossible_numbers),
		cmocka_unit_test(natt_tells_ike_from_esp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
