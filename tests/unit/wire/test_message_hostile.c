/*
 * Messages made to hurt: lengths and chains that lie, envelopes in envelopes, fragments that cannot
 * be. Each must be refused with the right code, and nothing outside the datagram may be read: every
 * datagram lies in an allocation of exactly its size.
 */
#include "wire_case.h"

#include <stdlib.h>

#include "gen.h"
#include "roundtrip.h"
#include "wire/pld_cp.h"
#include "wire/pld_sa.h"

#define DATAGRAM_MAX 65507 /* UDP over IPv4 */

/* A datagram: a good header (with the first payload's type) and these octets after it. */
static struct view datagram(uint8_t first, const void *after, size_t n, uint8_t *room)
{
	struct emit e = emit_to(room, IKE_HEADER_LEN + n);

	emit_be64(&e, 0x0102030405060708);
	emit_be64(&e, 0x1112131415161718);
	emit_u8(&e, first);
	emit_u8(&e, IKE_VERSION_2);
	emit_u8(&e, EXCHANGE_INFORMATIONAL);
	emit_u8(&e, IKE_FLAG_INITIATOR);
	emit_be32(&e, 0);
	emit_be32(&e, (uint32_t)(IKE_HEADER_LEN + n));
	emit_bytes(&e, after, n);
	return emitted(&e);
}

static uint8_t *exactly(size_t n)
{
	uint8_t *p = malloc(n ? n : 1);

	assert_non_null(p);
	return p;
}

struct hostile {
	const char *name;
	uint8_t first;
	const char *after;
	size_t n;
	int rc;
};

static const struct hostile chains[] = {
	{"a payload of length 0", PLD_VENDOR, BYTES("\0\0\0\0"), -ERR_TRUNCATED},
	{"a payload of length 1", PLD_VENDOR, BYTES("\0\0\0\x01"), -ERR_TRUNCATED},
	{"a payload of length 3", PLD_VENDOR, BYTES("\0\0\0\x03"), -ERR_TRUNCATED},
	{"length 0 pointing to itself", PLD_VENDOR, BYTES("\x2b\0\0\0\x2b\0\0\0"), -ERR_TRUNCATED},
	{"one octet more than there is", PLD_VENDOR, BYTES("\0\0\0\x06x"), -ERR_TRUNCATED},
	{"65535 octets of nothing", PLD_VENDOR, BYTES("\0\0\xff\xff"), -ERR_TRUNCATED},
	{"one octet less than there is", PLD_VENDOR, BYTES("\0\0\0\x05xy"), -ERR_TRUNCATED},
	{"a header cut after three octets", PLD_VENDOR, BYTES("\0\0\0"), -ERR_TRUNCATED},
	{"a next payload that does not come", PLD_VENDOR, BYTES("\x2b\0\0\x04"), -ERR_TRUNCATED},
	{"a first payload that does not come", PLD_VENDOR, BYTES(""), -ERR_TRUNCATED},
	{"no first payload, but octets", PLD_NONE, BYTES("\0\0\0\x04"), -ERR_TRUNCATED},
	{"the second payload lies", PLD_VENDOR, BYTES("\x2b\0\0\x04\0\0\0\x05"), -ERR_TRUNCATED},
	{"an unknown payload lies", 200, BYTES("\0\0\0\x09"), -ERR_TRUNCATED},
	{"critical, unknown, and lying", 200, BYTES("\0\x80\0\x09"), -ERR_TRUNCATED},
	{"critical and unknown", 200, BYTES("\0\x80\0\x04"), -ERR_CRITICAL},
	{"critical and unknown, then a lie", 200, BYTES("\x2b\x80\0\x04\0\0\0\0"), -ERR_CRITICAL},
	{"critical, of IKEv1's numbers", 1, BYTES("\0\x80\0\x04"), -ERR_CRITICAL},
	{"octets after SK", PLD_SK, BYTES("\0\0\0\x05x\0\0\0\x04"), -ERR_VALUE},
	{"a payload after SK", PLD_SK, BYTES("\x2b\0\0\x04\0\0\0\x04"), -ERR_VALUE},
	{"SK after SK", PLD_SK, BYTES("\x2e\0\0\x04\0\0\0\x04"), -ERR_VALUE},
	{"SKF after SKF", PLD_SKF, BYTES("\x35\0\0\x08\0\x01\0\x01\0\0\0\x04"), -ERR_VALUE},
	{"SK of length 0", PLD_SK, BYTES("\x2b\0\0\0"), -ERR_TRUNCATED},
	{"SK of 65535 octets", PLD_SK, BYTES("\x2b\0\xff\xff"), -ERR_TRUNCATED},
};

static int hostile_parse(const struct hostile *h, bool inner)
{
	uint8_t *room = exactly(IKE_HEADER_LEN + h->n), *bare = exactly(h->n);
	struct message m;
	struct chain chain;
	int rc;

	memcpy(bare, h->after, h->n);
	rc = inner ? chain_parse_inner(h->first, view_of(bare, h->n), &chain)
		   : message_parse(datagram(h->first, h->after, h->n, room), &m);
	if (rc == -ERR_CRITICAL)
		assert_int_equal(inner ? chain.refused : m.chain.refused, h->first);
	free(room);
	free(bare);
	return rc;
}

static void hostile_chains_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chains); i++)
		if (hostile_parse(&chains[i], false) != chains[i].rc)
			fail_msg("%s", chains[i].name);
}

/* The same after decryption, where even one SK is too many. */
static void hostile_inner_chains_are_refused(void **state)
{
	static const struct hostile nested[] = {
		{"SK in SK", PLD_SK, BYTES("\0\0\0\x04"), -ERR_VALUE},
		{"SK in SK, behind another", PLD_VENDOR, BYTES("\x2e\0\0\x04\0\0\0\x04"),
			-ERR_VALUE},
		{"SKF in SK", PLD_SKF, BYTES("\0\0\0\x08\0\x01\0\x01"), -ERR_VALUE},
		{"SK in SK, critical", PLD_SK, BYTES("\0\x80\0\x04"), -ERR_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chains); i++)
		if (chains[i].first != PLD_SK && chains[i].first != PLD_SKF &&
			hostile_parse(&chains[i], true) != chains[i].rc)
			fail_msg("%s", chains[i].name);
	for (size_t i = 0; i < ARRAY_LEN(nested); i++)
		if (hostile_parse(&nested[i], true) != nested[i].rc)
			fail_msg("%s", nested[i].name);
}

static void hostile_header_lengths_are_refused(void **state)
{
	static const uint32_t lengths[] = {
		0, 1, 27, 28, 31, 33, 65535, 0x7fffffff, 0x80000020, 0xffffffff};
	uint8_t *room = exactly(IKE_HEADER_LEN + 4);
	struct view good = datagram(PLD_VENDOR, "\0\0\0\x04", 4, room);
	struct message m;

	(void)state;
	assert_int_equal(message_parse(good, &m), 0);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		for (size_t k = 0; k < 4; k++)
			room[24 + k] = (uint8_t)(lengths[i] >> (24 - 8 * k));
		assert_int_equal(message_parse(good, &m), -ERR_TRUNCATED);
	}
	free(room);
	for (size_t n = 0; n < IKE_HEADER_LEN; n++) {
		room = exactly(n);
		memset(room, 0x20, n);
		assert_int_equal(message_parse(view_of(room, n), &m), -ERR_TRUNCATED);
		free(room);
	}
}

/* The whole datagram one chain of empty payloads: bounded work, and a verdict. */
static void hostile_long_chains_are_cut(void **state)
{
	static const uint8_t types[] = {PLD_VENDOR, 200};
	uint8_t *after = exactly(DATAGRAM_MAX), *room = exactly(DATAGRAM_MAX);
	static const size_t counts[] = {
		PAYLOAD_MAX, PAYLOAD_MAX + 1, (DATAGRAM_MAX - IKE_HEADER_LEN) / 4};
	struct message m;

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
			for (size_t i = 0; i < counts[c]; i++) {
				memcpy(after + 4 * i, "\0\0\0\x04", 4);
				after[4 * i] = i + 1 < counts[c] ? types[t] : PLD_NONE;
			}
			assert_int_equal(
				message_parse(datagram(types[t], after, 4 * counts[c], room), &m),
				counts[c] > PAYLOAD_MAX ? -ERR_LIMIT : 0);
		}
	}
	free(after);
	free(room);
}

static void hostile_envelopes_are_refused(void **state)
{
	static const struct {
		const char *name;
		uint8_t first;
		struct view body;
		int rc_gcm, rc_cbc;
	} cases[] = {

#define BODY(s) {(const uint8_t *)(s), sizeof(s) - 1}
#define EIGHT	"01234567"
		{"empty", PLD_SK, BODY(""), -ERR_TRUNCATED, -ERR_TRUNCATED},
		{"IV only", PLD_SK, BODY(EIGHT), -ERR_TRUNCATED, -ERR_TRUNCATED},
		{"IV and ICV, no ciphertext", PLD_SK, BODY(EIGHT EIGHT EIGHT), -ERR_TRUNCATED,
			-ERR_TRUNCATED},
		{"one octet of GCM", PLD_SK, BODY(EIGHT EIGHT EIGHT "x"), 0, -ERR_TRUNCATED},
		{"no block of CBC", PLD_SK, BODY(EIGHT EIGHT EIGHT EIGHT), 0, -ERR_TRUNCATED},
		{"half a block of CBC", PLD_SK, BODY(EIGHT EIGHT EIGHT EIGHT EIGHT), 0,
			-ERR_TRUNCATED},
		{"a block of CBC", PLD_SK, BODY(EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT), 0, 0},
		{"fragment without numbers", PLD_SKF, BODY(""), -ERR_TRUNCATED, -ERR_TRUNCATED},
		{"fragment with half its numbers", PLD_SKF, BODY("\0\x01\0"), -ERR_TRUNCATED,
			-ERR_TRUNCATED},
		{"fragment 0 of 0", PLD_SKF, BODY("\0\0\0\0" EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT),
			-ERR_VALUE, -ERR_VALUE},
		{"fragment 0 of 2", PLD_SKF, BODY("\0\0\0\x02" EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT),
			-ERR_VALUE, -ERR_VALUE},
		{"fragment 1 of 0", PLD_SKF, BODY("\0\x01\0\0" EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT),
			-ERR_VALUE, -ERR_VALUE},
		{"fragment 3 of 2", PLD_SKF,
			BODY("\0\x03\0\x02" EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT), -ERR_VALUE,
			-ERR_VALUE},
		{"fragment 65535 of 65534", PLD_SKF,
			BODY("\xff\xff\xff\xfe" EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT), -ERR_VALUE,
			-ERR_VALUE},
		{"fragment 2 of 2", PLD_SKF,
			BODY("\0\x02\0\x02" EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT), 0, 0},
		{"fragment with too little after its numbers", PLD_SKF,
			BODY("\0\x01\0\x01" EIGHT EIGHT EIGHT), -ERR_TRUNCATED, -ERR_TRUNCATED},
		{"no envelope at all", PLD_VENDOR, BODY(EIGHT EIGHT EIGHT EIGHT), -ERR_NOT_FOUND,
			-ERR_NOT_FOUND},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n = 4 + cases[i].body.n;
		uint8_t after[128] = {PLD_VENDOR, 0, 0, (uint8_t)n};
		uint8_t *room = exactly(IKE_HEADER_LEN + n);
		struct message m;
		struct sk_in in;

		if (cases[i].first == PLD_VENDOR)
			after[0] = PLD_NONE;
		memcpy(after + 4, cases[i].body.p, cases[i].body.n);
		assert_int_equal(message_parse(datagram(cases[i].first, after, n, room), &m), 0);
		if (sk_parse(&m, shape_gcm, &in) != cases[i].rc_gcm ||
			sk_parse(&m, shape_cbc, &in) != cases[i].rc_cbc)
			fail_msg("%s", cases[i].name);
		free(room);
	}
}

/* A payload filled to 65535 octets with the smallest parts there are: linear work, no overflow. */
static void hostile_giant_payloads_end(void **state)
{
	enum { BODY_MAX = UINT16_MAX - PAYLOAD_HEADER_LEN };

	uint8_t *body = exactly(BODY_MAX), *again = exactly(BODY_MAX);
	struct emit e = emit_to(body, BODY_MAX), b = emit_to(again, BODY_MAX);
	struct pld_sa sa;
	struct pld_cp cp;
	size_t attrs = (BODY_MAX - 16) / 4;

	(void)state;
	/* One transform with 16 378 attributes. */
	emit_bytes(&e, "\0\0", 2);
	emit_be16(&e, (uint16_t)(16 + 4 * attrs));
	emit_bytes(&e, "\x01\x01\0\x01\0\0", 6);
	emit_be16(&e, (uint16_t)(8 + 4 * attrs));
	emit_bytes(&e, "\x01\0\0\x14", 4);
	for (size_t i = 0; i < attrs; i++)
		emit_bytes(&e, "\x80\x0e\0\x80", 4);
	assert_int_equal(pld_sa_parse(emitted(&e), SA_OFFER, &sa), 0);
	assert_int_equal(payload_roundtrip(PLD_SA, emitted(&e), &b), 0);
	/* Attributes without end, and 16383 deletes that are there. */
	memset(body, 0, BODY_MAX);
	assert_int_equal(pld_cp_parse(view_of(body, BODY_MAX), &cp), -ERR_LIMIT);
	memcpy(body, "\x03\x04\x3f\xfd", 4);
	b = emit_to(again, BODY_MAX);
	assert_int_equal(payload_roundtrip(PLD_DELETE, view_of(body, 4 + 4 * 0x3ffd), &b), 0);
	assert_int_equal(b.n, 4 + 4 * 0x3ffd);
	free(body);
	free(again);
}

static void hostile_garbage_is_survived(void **state)
{
	struct gen g = gen_of(99);

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = gen_below(&g, 300);
		uint8_t *after = exactly(n), *room = exactly(IKE_HEADER_LEN + n);
		struct emit e = emit_to(after, n);

		gen_octets(&g, &e, n);
		/* Small numbers where lengths and types are, or nothing would get far. */
		for (size_t k = 0; k + 4 <= n; k += 4 + gen_below(&g, 24)) {
			after[k] = (uint8_t)(PLD_SA + gen_below(&g, 21));
			after[k + 2] = 0;
			after[k + 3] &= 0x1f;
		}
		message_roundtrip_check(
			datagram((uint8_t)(PLD_SA + gen_below(&g, 21)), after, n, room));
		for (unsigned t = 0; t < gen_types_n; t++)
			payload_roundtrip_check(gen_types[t], view_of(after, n));
		free(after);
		free(room);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_chains_are_refused),
		cmocka_unit_test(hostile_inner_chains_are_refused),
		cmocka_unit_test(hostile_header_lengths_are_refused),
		cmocka_unit_test(hostile_long_chains_are_cut),
		cmocka_unit_test(hostile_envelopes_are_refused),
		cmocka_unit_test(hostile_giant_payloads_end),
		cmocka_unit_test(hostile_garbage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
