#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/prf.h"
#include "crypto_case.h"
#include "vector.h"

static uint16_t prf_of(const char *hash)
{
	static const struct {
		const char *name;
		uint16_t id;
	} rows[] = {
		{"SHA-1", ALG_PRF_SHA1},
		{"SHA-256", ALG_PRF_SHA256},
		{"SHA-384", ALG_PRF_SHA384},
		{"SHA-512", ALG_PRF_SHA512},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, hash) == 0)
			return rows[i].id;
	fail_msg("unknown hash %s", hash);
	return 0;
}

static void check_prf(struct crypto *c, const struct vector *v, struct view key, struct views parts,
	const char *want)
{
	uint8_t out[ALG_DIGEST_MAX];
	struct view expect = vector_hex(v, want);
	uint16_t id = prf_of(vector_text(v, "hash"));

	assert_int_equal(prf(c, id, key, parts, out), 0);
	assert_int_equal(expect.n, prf_len(id));
	assert_memory_equal(out, expect.p, expect.n);
}

static void check_prf_plus(struct crypto *c, const struct vector *v, struct view key,
	struct views seed, const char *want)
{
	uint8_t out[512];
	struct view expect = vector_hex(v, want);
	uint16_t id = prf_of(vector_text(v, "hash"));

	assert_true(expect.n > 0 && expect.n <= sizeof out);
	assert_int_equal(prf_plus(c, id, key, seed, (struct prf_out){out, expect.n}), 0);
	assert_memory_equal(out, expect.p, expect.n);
}

/* RFC 7296 2.14, 2.17, 2.18 */
static void prf_derives_the_keys_of_the_cavs_vectors(void **state)
{
	struct vector v;
	unsigned n = 0;

	for (vector_open(&v, "cavs_ikev2.txt"); vector_next(&v); n++) {
		struct view ni = vector_hex(&v, "Ni"), nr = vector_hex(&v, "Nr");
		struct view gir = vector_hex(&v, "gir"), gir_new = vector_hex(&v, "gir_new");
		struct view spi_i = vector_hex(&v, "SPIi"), spi_r = vector_hex(&v, "SPIr");
		struct view seed = vector_hex(&v, "SKEYSEED"), sk_d = vector_hex(&v, "DKM");
		uint8_t nonces[1024];

		assert_true(ni.n + nr.n <= sizeof nonces);
		memcpy(nonces, ni.p, ni.n);
		memcpy(nonces + ni.n, nr.p, nr.n);
		check_prf(*state, &v, view_of(nonces, ni.n + nr.n), VIEWS(gir), "SKEYSEED");
		check_prf_plus(*state, &v, seed, VIEWS(ni, nr, spi_i, spi_r), "DKM");
		sk_d.n = prf_len(prf_of(vector_text(&v, "hash")));
		check_prf_plus(*state, &v, sk_d, VIEWS(ni, nr), "DKM_child");
		check_prf_plus(*state, &v, sk_d, VIEWS(gir_new, ni, nr), "DKM_child_dh");
		check_prf(*state, &v, sk_d, VIEWS(gir_new, ni, nr), "SKEYSEED_rekey");
	}
	vector_close(&v);
	assert_int_equal(n, 36);
}

static void prf_refuses_what_it_does_not_know(void **state)
{
	uint8_t out[ALG_DIGEST_MAX];
	struct view k = view_of_literal("k");

	assert_int_equal(prf_len(4), 0);
	assert_int_equal(prf(*state, 4, k, VIEWS(k), out), -ERR_UNSUPPORTED);
	assert_int_equal(
		prf_plus(*state, 4, k, VIEWS(k), (struct prf_out){out, 8}), -ERR_UNSUPPORTED);
}

/* RFC 7296 2.13: the counter is one octet, so 255 blocks are all there is. */
static void prf_plus_ends_at_255_blocks(void **state)
{
	uint8_t out[255 * 20 + 1];
	struct view k = view_of_literal("key");

	assert_int_equal(
		prf_plus(*state, ALG_PRF_SHA1, k, VIEWS(k), (struct prf_out){out, 255 * 20}), 0);
	assert_int_equal(
		prf_plus(*state, ALG_PRF_SHA1, k, VIEWS(k), (struct prf_out){out, 255 * 20 + 1}),
		-ERR_LIMIT);
}

/* Expected value computed with Python's hmac module from the formula of RFC 7296 2.15. */
static void auth_psk_follows_the_formula(void **state)
{
	struct auth_octets o = {
		.message = view_of_literal("IKE_SA_INIT octets of the initiator"),
		.nonce = view_of_literal("responder nonce 0123456789"),
		.sk_p = view_of_literal("0123456789abcdef0123456789abcdef"),
		.id_body = view_of_literal("\x02\0\0\0gw.example.net"),
	};
	auto_blob want = unhex("55345fc029b732f97a09d63ef331c9d8454eef0722a7a9e1d86dc91e0da275d7");
	uint8_t out[ALG_DIGEST_MAX];

	assert_int_equal(
		auth_psk(*state, ALG_PRF_SHA256, view_of_literal("correct horse"), &o, out), 0);
	assert_int_equal(want.n, 32);
	assert_memory_equal(out, want.p, want.n);
	assert_int_equal(auth_psk(*state, ALG_PRF_SHA256, (struct view){0}, &o, out), -ERR_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prf_derives_the_keys_of_the_cavs_vectors),
		cmocka_unit_test(prf_refuses_what_it_does_not_know),
		cmocka_unit_test(prf_plus_ends_at_255_blocks),
		cmocka_unit_test(auth_psk_follows_the_formula),
	};

	return cmocka_run_group_tests(tests, crypto_setup, crypto_teardown);
}
