/*
 * AH (RFC 4302) against published and scapy's packets, against OpenSSL's HMAC, and by property:
 * what may change on the way may, nothing else may.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/ah.h"
#include "core/ip4.h"
#include "suite.h"
#include "tests/unit/crypto/vector.h"

enum { ROOM = 512 };

static uint64_t rnd(uint64_t *rng)
{
	*rng = *rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *rng >> 33;
}

static void fill(void *ctx, void *out, size_t n)
{
	for (uint8_t *p = out; n; n--)
		*p++ = (uint8_t)rnd(ctx);
}

static int setup(void **state)
{
	uint64_t rng = 1;
	struct env env = {fill, &rng};

	*state = suite_engine_new(&env);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	suite_engine_free(*state);
	return 0;
}

/* One direction of an SA. */
struct half {
	const struct suite *s;
	struct suite_engine *engine;
	void *expanded;
};

static struct half half_new(struct suite_engine *e, uint32_t integ, struct view key)
{
	struct half h = {suite_find_ah(integ), e, NULL};

	assert_non_null(h.s);
	assert_int_equal(key.n, h.s->integ_len);
	h.expanded = aligned_alloc(64, (h.s->expanded + 63) & ~(size_t)63);
	assert_non_null(h.expanded);
	h.s->expand(h.s, e, (struct view){0}, key, h.expanded);
	return h;
}

/* As a node does it; the packet lies in a room with four octets to spare. */
static enum ah_fault mac(const struct half *h, uint8_t *p, size_t n, const uint64_t *esn,
	struct ah_place *a, bool sending, struct ah_muted *m, struct suite_op *op)
{
	enum ah_fault fault = ah_find(view_of(p, n), h->s->shape.icv, a);

	if (fault == AH_OK)
		fault = ah_mute(p, a, sending, m);
	if (fault != AH_OK)
		return fault;
	*op = (struct suite_op){
		.key = h->expanded, .esp = p, .len = (uint32_t)n, .esn = esn != NULL};
	op->seq = esn ? *esn : 0;
	h->s->seal(h->s, h->engine, op, 1);
	assert_true(op->ok);
	ah_unmute(p, m);
	return AH_OK;
}

static bool verifies(const struct half *h, const uint8_t *packet, size_t n, const uint64_t *esn)
{
	uint8_t room[ROOM];
	struct suite_op op;
	struct ah_muted m;
	struct ah_place a;

	assert_true(n + AH_ESN_HIGH <= sizeof room);
	memcpy(room, packet, n);
	if (mac(h, room, n, esn, &a, false, &m, &op) != AH_OK)
		return false;
	assert_memory_equal(room, packet, n); /* as it was */
	return view_equal_ct(ah_icv(&m, &a), view_of(op.icv, a.icv));
}

static void sign(const struct half *h, uint8_t *p, size_t n, const uint64_t *esn)
{
	struct suite_op op;
	struct ah_muted m;
	struct ah_place a;

	assert_int_equal(mac(h, p, n, esn, &a, true, &m, &op), AH_OK);
	memcpy(p + a.at + AH_HDR, op.icv, a.icv);
}

static uint32_t number(const struct vector *v, const char *name)
{
	return (uint32_t)strtoul(vector_text(v, name), NULL, 10);
}

/* PRO-002, ALG-013, RFC-003 */
static void ah_packets_of_others_verify_and_are_made_alike(void **state)
{
	struct vector v;
	uint32_t n = 0;

	vector_open(&v, "ah.txt");
	for (; vector_next(&v); n++) {
		struct view packet = vector_hex(&v, "packet");
		struct half h = half_new(*state, number(&v, "integ"), vector_hex(&v, "auth"));
		bool routed = strcmp(vector_text(&v, "name"), "scapy_routing") == 0;
		uint64_t seq = (uint64_t)number(&v, "high") << 32 | 9;
		const uint64_t *esn = number(&v, "esn") ? &seq : NULL;
		uint8_t room[ROOM];
		struct ah_place a;

		/* with segments left it is not for us */
		assert_int_equal(verifies(&h, packet.p, packet.n, esn), !routed);
		memcpy(room, packet.p, packet.n);
		assert_int_equal(ah_find(packet, h.s->shape.icv, &a), AH_OK);
		memset(room + a.at + AH_HDR, 0, a.icv);
		sign(&h, room, packet.n, esn);
		assert_memory_equal(room, packet.p, packet.n);
		free(h.expanded);
	}
	assert_int_equal(n, 17);
	vector_close(&v);
}

/* RFC 8200 4.4: each hop swaps; the receiver's view of it must be the sender's prediction. */
static void ah_routing_header_is_predicted(void **state)
{
	uint8_t key[20] = {1}, p[ROOM] = {0x60, 0, 0, 0, 0, 0, 43, 64}, *rt = p + 40;
	uint32_t n = 40 + 8 + 3 * 16 + 24 + 5;
	struct half h = half_new(*state, SUITE_INTEG_SHA1_96, view_of_array(key));

	store_be16(p + 4, (uint16_t)(n - 40));
	for (uint8_t i = 0; i < 4; i++) /* first hop, then three addresses */
		memset(i ? rt + 8 + 16 * (i - 1) : p + 24, 0xa0 + i, 16);
	rt[0] = IP_AH;
	rt[1] = 6;
	rt[3] = 3;
	ah_put(rt + 56, 0x1234, 1, IP_UDP, ah_size(12, true));
	sign(&h, p, n, NULL);
	for (uint32_t hop = 0; hop < 3; hop++) {
		uint8_t was[16];

		assert_false(verifies(&h, p, n, NULL)); /* not there yet */
		memcpy(was, p + 24, 16);
		memcpy(p + 24, rt + 8 + 16 * hop, 16);
		memcpy(rt + 8 + 16 * hop, was, 16);
		rt[3]--;
		p[7]--; /* hop limit */
	}
	assert_true(verifies(&h, p, n, NULL));
	rt[8] ^= 1;
	assert_false(verifies(&h, p, n, NULL));
	free(h.expanded);
}

static void ah_source_route_is_predicted(void **state)
{
	uint8_t key[20] = {2}, p[ROOM] = {0x48, 0, 0, 0, 0, 0, 0, 0, 64, IP_AH};
	static const uint8_t option[] = {1, 131, 11, 4, 10, 0, 0, 2, 10, 0, 0, 3};
	static const uint8_t arrived[] = {1, 131, 11, 12, 10, 9, 9, 9, 10, 9, 9, 8};
	uint32_t n = 32 + 24 + 5;
	struct half h = half_new(*state, SUITE_INTEG_SHA1_96, view_of_array(key));

	store_be16(p + IP4_AT_LEN, (uint16_t)n);
	store_be32(p + IP4_AT_DST, 0x0a000001);
	memcpy(p + IP4_HDR, option, sizeof option);
	ah_put(p + 32, 0x1234, 1, IP_UDP, ah_size(12, false));
	sign(&h, p, n, NULL);
	assert_false(verifies(&h, p, n, NULL));
	store_be32(p + IP4_AT_DST, 0x0a000003);
	memcpy(p + IP4_HDR, arrived, sizeof arrived);
	assert_true(verifies(&h, p, n, NULL));
	free(h.expanded);
}

/* ---------------------------------------------------------------- properties */

/* What may change in these packets, said once more and otherwise: a bit set is a bit that may. */
static void may_change(const uint8_t *p, uint8_t *mask)
{
	static const uint8_t ip4[IP4_HDR] = {
		[1] = 0xff, [6] = 0xff, [7] = 0xff, [8] = 0xff, [10] = 0xff, [11] = 0xff};
	static const uint8_t ip6[40] = {0x0f, 0xff, 0xff, 0xff, [7] = 0xff};

	memset(mask, 0, ROOM);
	if (p[0] >> 4 == 4)
		memcpy(mask, ip4, sizeof ip4);
	else
		memcpy(mask, ip6, sizeof ip6);
}

static void ah_may_change_what_may(void **state)
{
	struct vector v;
	uint32_t checked = 0;

	vector_open(&v, "ah.txt");
	while (vector_next(&v)) {
		struct view packet = vector_hex(&v, "packet");
		struct half h;
		uint64_t seq = (uint64_t)number(&v, "high") << 32 | 9;
		const uint64_t *esn = number(&v, "esn") ? &seq : NULL;
		uint8_t room[ROOM], mask[ROOM];
		struct ah_place a;
		const char *name = vector_text(&v, "name");

		if (strstr(name, "options") || strstr(name, "extension") || strstr(name, "routing"))
			continue;
		h = half_new(*state, number(&v, "integ"), vector_hex(&v, "auth"));
		assert_int_equal(ah_find(packet, h.s->shape.icv, &a), AH_OK);
		may_change(packet.p, mask);
		memcpy(room, packet.p, packet.n);
		for (uint32_t bit = 0; bit < packet.n * 8; bit++) {
			uint8_t one = (uint8_t)(1 << bit % 8);

			room[bit / 8] ^= one;
			assert_int_equal(
				verifies(&h, room, packet.n, esn), (mask[bit / 8] & one) != 0);
			room[bit / 8] ^= one;
		}
		if (esn) { /* the half that is not sent counts */
			seq += UINT64_C(1) << 32;
			assert_false(verifies(&h, packet.p, packet.n, esn));
		}
		checked++;
		free(h.expanded);
	}
	assert_true(checked >= 14);
	vector_close(&v);
}

/* Options and extension headers of the named vectors: which octets may change. */
static void check_octets(struct suite_engine *e, const char *name, const uint16_t (*may)[2])
{
	struct vector v;

	vector_open(&v, "ah.txt");
	while (vector_next(&v)) {
		struct view packet = vector_hex(&v, "packet");
		struct half h;
		uint8_t room[ROOM];

		if (strcmp(vector_text(&v, "name"), name) != 0)
			continue;
		h = half_new(e, number(&v, "integ"), vector_hex(&v, "auth"));
		memcpy(room, packet.p, packet.n);
		for (uint32_t i = 20; i < packet.n; i++) {
			bool free_to = false;

			for (uint32_t k = 0; may[k][1]; k++)
				free_to |= i >= may[k][0] && i < may[k][1];
			room[i] ^= 0x11;
			assert_int_equal(verifies(&h, room, packet.n, NULL), free_to);
			room[i] ^= 0x11;
		}
		free(h.expanded);
		vector_close(&v);
		return;
	}
	fail();
}

static void ah_options_change_as_they_may(void **state)
{
	/* time stamp and record route, types too, but lengths must lead on; not router alert and
	 * security */
	static const uint16_t ip4[][2] = {{35, 36}, {37, 44}, {45, 50}, {0, 0}};
	/* data of the options that say so */
	static const uint16_t ip6[][2] = {{52, 56}, {68, 75}, {0, 0}};

	check_octets(*state, "scapy_options", ip4);
	check_octets(*state, "scapy_extension_headers", ip6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ah_packets_of_others_verify_and_are_made_alike),
		cmocka_unit_test(ah_routing_header_is_predicted),
		cmocka_unit_test(ah_source_route_is_predicted),
		cmocka_unit_test(ah_may_change_what_may),
		cmocka_unit_test(ah_options_change_as_they_may),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
