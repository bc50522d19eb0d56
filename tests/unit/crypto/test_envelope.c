/* A protected message all the way: built by wire, sealed and opened by crypto, read by wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/aead.h"
#include "wire/sk.h"
#include "crypto_case.h"
#include "vector.h"

static const struct {
	uint16_t encr, bits, integ;
} suites[] = {
	{ALG_AES_GCM_16, 128, 0},
	{ALG_AES_GCM_16, 192, 0},
	{ALG_AES_GCM_16, 256, 0},
	{ALG_AES_CBC, 128, ALG_SHA1_96},
	{ALG_AES_CBC, 192, ALG_SHA384_192},
	{ALG_AES_CBC, 256, ALG_SHA256_128},
	{ALG_AES_CBC, 256, ALG_SHA512_256},
	{ALG_CHACHA20_POLY1305, 0, 0},
	{ALG_3DES, 0, ALG_SHA1_96},
	{ALG_DES, 0, ALG_MD5_96},
};

static uint8_t keys[ALG_KEY_MAX + ALG_DIGEST_MAX];

static int setup(void **state)
{
	for (size_t i = 0; i < sizeof keys; i++)
		keys[i] = (uint8_t)(i * 7 + 1);
	return crypto_setup(state);
}

static struct sk_shape suite_make(size_t i, struct aead *a)
{
	const struct alg *encr = alg_find(ALG_ENCR, suites[i].encr, suites[i].bits);
	const struct alg *integ = alg_find(ALG_INTEG, suites[i].integ, 0);

	assert_int_equal(aead_init(a, encr, integ, view_of(keys, encr->key_len),
				 view_of(keys + ALG_KEY_MAX, integ ? integ->key_len : 0)),
		0);
	return (struct sk_shape){encr->iv_len, (uint8_t)aead_icv_len(a), encr->block};
}

static void message_make(
	struct crypto *c, const struct aead *a, struct sk_shape shape, struct emit *room)
{
	struct ike_header h = {1, 2, 0, 0, EXCHANGE_INFORMATIONAL, IKE_FLAG_INITIATOR, 3, 0};
	struct writer w;
	struct sk_out out;
	struct aead_io io;

	writer_begin(&w, room->p, room->cap, &h);
	sk_open(&w, shape);
	writer_add(&w, PLD_VENDOR, view_of_literal("what is said in confidence"));
	assert_int_equal(sk_close(&w, &out), 0);
	memset(out.iv, 0x77, shape.iv_len);
	io = (struct aead_io){out.aad, out.iv, out.text, out.text, out.text_n};
	assert_int_equal(aead_seal(c, a, &io, out.icv), 0);
	room->n = out.message.n;
}

static int message_open(struct crypto *c, const struct aead *a, struct sk_shape shape,
	struct view raw, struct view *body)
{
	static uint8_t plain[256];
	struct message m;
	struct chain chain;
	struct view inner;
	struct sk_in in;
	int rc = message_parse(raw, &m);

	if (rc == 0)
		rc = sk_parse(&m, shape, &in);
	if (rc < 0)
		return rc;
	rc = aead_open(
		c, a, &(struct aead_io){in.aad, in.iv.p, in.text.p, plain, in.text.n}, in.icv.p);
	if (rc == 0)
		rc = sk_unpad(view_of(plain, in.text.n), &inner);
	if (rc == 0)
		rc = chain_parse_inner(in.inner_first, inner, &chain);
	if (rc == 0)
		*body = chain.at[0].body;
	return rc;
}

static void envelope_is_read_by_whom_it_is_for(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		uint8_t room[256];
		struct emit e = emit_to(room, sizeof room);
		struct view body = {0};
		struct aead a;
		struct sk_shape shape = suite_make(i, &a);

		message_make(*state, &a, shape, &e);
		assert_null(memmem(room, e.n, "confidence", 10));
		assert_int_equal(message_open(*state, &a, shape, view_of(room, e.n), &body), 0);
		assert_true(view_equal(body, view_of_literal("what is said in confidence")));
	}
}

/* Every octet of the datagram is protected: header, generic header, IV, text, ICV. */
static void envelope_with_any_octet_changed_is_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		uint8_t room[256];
		struct emit e = emit_to(room, sizeof room);
		struct view body = {0};
		struct aead a;
		struct sk_shape shape = suite_make(i, &a);

		message_make(*state, &a, shape, &e);
		for (size_t k = 0; k < e.n; k++) {
			room[k] ^= 0x01;
			if (message_open(*state, &a, shape, view_of(room, e.n), &body) == 0)
				fail_msg("suite %zu, octet %zu", i, k);
			room[k] ^= 0x01;
		}
		assert_int_equal(message_open(*state, &a, shape, view_of(room, e.n), &body), 0);
	}
}

/* RFC 7634 appendix B */
static void envelope_of_the_published_message(void **state)
{
	const struct alg *chacha = alg_find(ALG_ENCR, ALG_CHACHA20_POLY1305, 0);
	struct sk_shape shape = {chacha->iv_len, chacha->icv_len, chacha->block};
	uint8_t plain[64];
	struct message m;
	struct vector v;
	struct aead a;
	struct sk_in in;
	struct view inner;
	struct chain chain;

	vector_open(&v, "rfc7634_ikev2.txt");
	assert_true(vector_next(&v));
	assert_int_equal(message_parse(vector_hex(&v, "message"), &m), 0);
	assert_int_equal(sk_parse(&m, shape, &in), 0);
	assert_int_equal(aead_init(&a, chacha, NULL, vector_hex(&v, "key"), (struct view){0}), 0);
	assert_int_equal(
		aead_open(*state, &a,
			&(struct aead_io){in.aad, in.iv.p, in.text.p, plain, in.text.n}, in.icv.p),
		0);
	assert_int_equal(sk_unpad(view_of(plain, in.text.n), &inner), 0);
	assert_int_equal(chain_parse_inner(in.inner_first, inner, &chain), 0);
	assert_int_equal(chain.n, 1);
	assert_true(chain_has(&chain, PLD_NOTIFY));
	vector_close(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(envelope_of_the_published_message),
		cmocka_unit_test(envelope_is_read_by_whom_it_is_for),
		cmocka_unit_test(envelope_with_any_octet_changed_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, crypto_teardown);
}
