#include "wire_case.h"

#include "wire/pld_sa.h"

/* One ESP proposal: AES-GCM-16 with 128 bits, no ESN. */
#define GCM_128			 "\x03\0\0\x0c\x01\0\0\x14\x80\x0e\0\x80"
#define NO_ESN			 "\0\0\0\x08\x05\0\0\0"
#define ESP_HEAD(last, len, num) last "\0" len num "\x03\x04\x02\xc0\xff\xee\x01"
#define ESP_ONE			 ESP_HEAD("\0", "\0\x20", "\x01") GCM_128 NO_ESN

static const struct wire_case offers[] = {
	{"ESP with key length and ESN", BYTES(ESP_ONE), 0},
	{"two proposals",
		BYTES(ESP_HEAD("\x02", "\0\x20", "\x01")
				GCM_128 NO_ESN ESP_HEAD("\0", "\0\x20", "\x02") GCM_128 NO_ESN),
		0},
	{"IKE without SPI and transforms", BYTES("\0\0\0\x08\x01\x01\0\0"), 0},
	{"IKE with SPI",
		BYTES("\0\0\0\x10\x01\x01\x08\0"
		      "12345678"),
		0},
	{"an unknown protocol with any SPI", BYTES("\0\0\0\x0b\x01\x09\x03\0abc"), 0},
	{"an unknown attribute is the transform's problem",
		BYTES("\0\0\0\x17\x01\x01\0\x01\0\0\0\x0f\x01\0\0\x14\0\x63\0\x03xyz"), 0},
	{"reserved octets are ignored",
		BYTES("\0\xff\0\x10\x01\x01\0\x01\0\xff\0\x08\x02\xff\0\x05"), 0},
	{"nothing at all", BYTES(""), -ERR_TRUNCATED},
	{"cut in the proposal header", BYTES("\0\0\0\x08\x01\x01"), -ERR_TRUNCATED},
	{"a proposal shorter than its header", BYTES("\0\0\0\x03\x01\x01\0\0"), -ERR_TRUNCATED},
	{"a proposal of length 0", BYTES("\0\0\0\0\x01\x01\0\0"), -ERR_TRUNCATED},
	{"a proposal longer than the payload", BYTES("\0\0\xff\xff\x01\x01\0\0"), -ERR_TRUNCATED},
	{"octets after the last proposal", BYTES("\0\0\0\x08\x01\x01\0\0x"), -ERR_TRUNCATED},
	{"an SPI beyond the proposal", BYTES("\0\0\0\x08\x01\x03\x04\0"), -ERR_TRUNCATED},
	{"more transforms counted than there",
		BYTES("\0\0\0\x10\x01\x01\0\x02\x03\0\0\x08\x02\0\0\x05"), -ERR_TRUNCATED},
	{"fewer transforms counted than there",
		BYTES("\0\0\0\x18\x01\x01\0\x01\0\0\0\x08\x02\0\0\x05\0\0\0\x08\x04\0\0\x1f"),
		-ERR_TRUNCATED},
	{"a transform of length 0", BYTES("\0\0\0\x10\x01\x01\0\x01\0\0\0\0\x02\0\0\x05"),
		-ERR_TRUNCATED},
	{"a transform beyond its proposal", BYTES("\0\0\0\x10\x01\x01\0\x01\0\0\0\x09\x02\0\0\x05"),
		-ERR_TRUNCATED},
	{"an attribute cut short", BYTES("\0\0\0\x12\x01\x01\0\x01\0\0\0\x0a\x01\0\0\x14\x80\x0e"),
		-ERR_TRUNCATED},
	{"a long attribute beyond its transform",
		BYTES("\0\0\0\x14\x01\x01\0\x01\0\0\0\x0c\x01\0\0\x14\0\x63\0\x01"),
		-ERR_TRUNCATED},
	{"last says more, but there is none", BYTES("\x02\0\0\x08\x01\x01\0\0"), -ERR_TRUNCATED},
	{"last is neither 0 nor 2", BYTES("\x01\0\0\x08\x01\x01\0\0"), -ERR_VALUE},
	{"the last transform says more", BYTES("\0\0\0\x10\x01\x01\0\x01\x03\0\0\x08\x02\0\0\x05"),
		-ERR_VALUE},
	{"the first proposal has number 2", BYTES("\0\0\0\x08\x02\x01\0\0"), -ERR_VALUE},
	{"two proposals of one number", BYTES("\x02\0\0\x08\x01\x01\0\0\0\0\0\x08\x01\x01\0\0"),
		-ERR_VALUE},
	{"ESP without SPI", BYTES("\0\0\0\x08\x01\x03\0\0"), -ERR_VALUE},
	{"ESP with an SPI of zero", BYTES("\0\0\0\x0c\x01\x03\x04\0\0\0\0\0"), -ERR_VALUE},
	{"IKE with an SPI of 4",
		BYTES("\0\0\0\x0c\x01\x01\x04\0"
		      "1234"),
		-ERR_VALUE},
};

static int parse_offer(struct view body)
{
	struct pld_sa sa;

	return pld_sa_parse(body, SA_OFFER, &sa);
}

static void pld_sa_offer_table(void **state)
{
	(void)state;
	wire_table(offers, ARRAY_LEN(offers), parse_offer);
}

static const struct wire_case answers[] = {
	{"the number it chose", BYTES("\0\0\0\x08\x03\x01\0\0"), 0},
	{"two proposals", BYTES("\x02\0\0\x08\x01\x01\0\0\0\0\0\x08\x02\x01\0\0"), -ERR_VALUE},
	{"number 0", BYTES("\0\0\0\x08\0\x01\0\0"), -ERR_VALUE},
	{"two transforms of one type",
		BYTES("\0\0\0\x18\x01\x01\0\x02\x03\0\0\x08\x02\0\0\x05\0\0\0\x08\x02\0\0\x06"),
		-ERR_VALUE},
};

static int parse_answer(struct view body)
{
	struct pld_sa sa;

	return pld_sa_parse(body, SA_ANSWER, &sa);
}

static void pld_sa_answer_table(void **state)
{
	(void)state;
	wire_table(answers, ARRAY_LEN(answers), parse_answer);
}

static void pld_sa_iterates_what_was_parsed(void **state)
{
	struct pld_sa sa;
	struct proposal p;
	struct transform t;
	struct proposal_iter pi;
	struct transform_iter ti;

	(void)state;
	assert_int_equal(pld_sa_parse(view_of_literal(ESP_ONE), SA_OFFER, &sa), 0);
	assert_int_equal(sa.count, 1);
	pi = proposal_iter_of(&sa);
	assert_true(proposal_next(&pi, &p));
	assert_int_equal(p.num, 1);
	assert_int_equal(p.protocol, PROTO_ESP);
	assert_true(view_equal(p.spi, view_of_literal("\xc0\xff\xee\x01")));
	ti = transform_iter_of(&p);
	assert_true(transform_next(&ti, &t));
	assert_int_equal(t.type, TRANSFORM_ENCR);
	assert_int_equal(t.id, ENCR_AES_GCM_16);
	assert_int_equal(t.key_bits, 128);
	assert_false(t.foreign);
	assert_true(transform_next(&ti, &t));
	assert_int_equal(t.type, TRANSFORM_ESN);
	assert_int_equal(t.key_bits, 0);
	assert_false(transform_next(&ti, &t));
	assert_false(proposal_next(&pi, &p));
}

/* 3.3.6: a transform with an attribute we do not understand is not to be chosen. */
static void pld_sa_marks_foreign_transforms(void **state)
{
	static const struct {
		const char *attrs;
		size_t n;
		bool foreign;
	} cases[] = {
		{BYTES("\x80\x0e\x01\x00"), false},
		{BYTES("\x80\x0e\0\0"), true},		       /* zero bits of key */
		{BYTES("\x80\x0e\0\x80\x80\x0e\x01\0"), true}, /* twice */
		{BYTES("\0\x0e\0\x02\0\x80"), true},	       /* not in the short form */
		{BYTES("\x80\x0e\0\x80\x80\x63\0\x01"), true}, /* an unknown one beside */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t room[64];
		struct emit e = emit_to(room, sizeof room);
		struct pld_sa sa;
		struct proposal p;
		struct transform t;
		struct proposal_iter pi;
		struct transform_iter ti;

		emit_bytes(&e, "\0\0\0", 3);
		emit_u8(&e, (uint8_t)(16 + cases[i].n));
		emit_bytes(&e, "\x01\x01\0\x01\0\0\0", 7);
		emit_u8(&e, (uint8_t)(8 + cases[i].n));
		emit_bytes(&e, "\x01\0\0\x14", 4);
		emit_bytes(&e, cases[i].attrs, cases[i].n);
		assert_int_equal(pld_sa_parse(emitted(&e), SA_OFFER, &sa), 0);
		pi = proposal_iter_of(&sa);
		assert_true(proposal_next(&pi, &p));
		ti = transform_iter_of(&p);
		assert_true(transform_next(&ti, &t));
		assert_int_equal(t.foreign, cases[i].foreign);
	}
}

static void pld_sa_emits_the_octets_of_the_rfc(void **state)
{
	uint8_t room[64];
	struct emit e = emit_to(room, sizeof room);
	struct sa_emit s = sa_emit_begin(&e);

	(void)state;
	sa_emit_proposal(&s, 1, PROTO_ESP, view_of_literal("\xc0\xff\xee\x01"));
	sa_emit_transform(&s, &(struct transform){.type = 1, .id = 20, .key_bits = 128});
	sa_emit_transform(&s, &(struct transform){.type = 5, .id = 0});
	sa_emit_end(&s);
	assert_true(view_equal(emitted(&e), view_of_literal(ESP_ONE)));
}

static void pld_sa_bounds_what_it_walks(void **state)
{
	static uint8_t room[65536];
	struct pld_sa sa;

	(void)state;
	for (unsigned n = PROPOSAL_MAX; n <= PROPOSAL_MAX + 1; n++) {
		struct emit e = emit_to(room, sizeof room);
		struct sa_emit s = sa_emit_begin(&e);

		for (unsigned i = 1; i <= n; i++)
			sa_emit_proposal(&s, (uint8_t)i, PROTO_IKE, (struct view){0});
		sa_emit_end(&s);
		assert_int_equal(pld_sa_parse(emitted(&e), SA_OFFER, &sa),
			n > PROPOSAL_MAX ? -ERR_LIMIT : 0);
	}
	for (unsigned n = TRANSFORM_MAX; n <= TRANSFORM_MAX + 1; n++) {
		struct emit e = emit_to(room, sizeof room);
		struct sa_emit s = sa_emit_begin(&e);

		sa_emit_proposal(&s, 1, PROTO_IKE, (struct view){0});
		for (unsigned i = 1; i <= n; i++)
			sa_emit_transform(&s, &(struct transform){.type = 4, .id = (uint16_t)i});
		sa_emit_end(&s);
		assert_int_equal(pld_sa_parse(emitted(&e), SA_OFFER, &sa),
			n > TRANSFORM_MAX ? -ERR_LIMIT : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pld_sa_offer_table),
		cmocka_unit_test(pld_sa_answer_table),
		cmocka_unit_test(pld_sa_iterates_what_was_parsed),
		cmocka_unit_test(pld_sa_marks_foreign_transforms),
		cmocka_unit_test(pld_sa_emits_the_octets_of_the_rfc),
		cmocka_unit_test(pld_sa_bounds_what_it_walks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
