#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/alg.h"
#include "crypto/hash.h"
#include "wire/iana.h"

/* Two folders that may not see each other write down the same registry. */
_Static_assert((int)ALG_ENCR == TRANSFORM_ENCR && (int)ALG_PRF == TRANSFORM_PRF, "types");
_Static_assert((int)ALG_INTEG == TRANSFORM_INTEG && (int)ALG_KE == TRANSFORM_KE, "types");
_Static_assert((int)ALG_AES_CBC == ENCR_AES_CBC, "encr");
_Static_assert((int)ALG_AES_GCM_16 == ENCR_AES_GCM_16, "encr");
_Static_assert((int)ALG_DES == ENCR_DES && (int)ALG_3DES == ENCR_3DES, "encr");
_Static_assert((int)ALG_NULL == ENCR_NULL, "encr");
_Static_assert((int)ALG_CHACHA20_POLY1305 == ENCR_CHACHA20_POLY1305, "encr");
_Static_assert((int)ALG_MD5_96 == INTEG_HMAC_MD5_96, "integ");
_Static_assert((int)ALG_PRF_SHA1 == PRF_HMAC_SHA1, "prf");
_Static_assert((int)ALG_PRF_SHA256 == PRF_HMAC_SHA2_256, "prf");
_Static_assert((int)ALG_PRF_SHA384 == PRF_HMAC_SHA2_384, "prf");
_Static_assert((int)ALG_PRF_SHA512 == PRF_HMAC_SHA2_512, "prf");
_Static_assert((int)ALG_INTEG_NONE == INTEG_NONE, "integ");
_Static_assert((int)ALG_SHA1_96 == INTEG_HMAC_SHA1_96, "integ");
_Static_assert((int)ALG_SHA256_128 == INTEG_HMAC_SHA2_256_128, "integ");
_Static_assert((int)ALG_SHA384_192 == INTEG_HMAC_SHA2_384_192, "integ");
_Static_assert((int)ALG_SHA512_256 == INTEG_HMAC_SHA2_512_256, "integ");
_Static_assert((int)ALG_MODP_2048 == KE_MODP_2048 && (int)ALG_MODP_3072 == KE_MODP_3072, "ke");
_Static_assert((int)ALG_MODP_4096 == KE_MODP_4096 && (int)ALG_ECP_256 == KE_ECP_256, "ke");
_Static_assert((int)ALG_ECP_384 == KE_ECP_384 && (int)ALG_ECP_521 == KE_ECP_521, "ke");
_Static_assert((int)ALG_CURVE25519 == KE_CURVE25519 && (int)ALG_CURVE448 == KE_CURVE448, "ke");
_Static_assert((int)ALG_MODP_768 == KE_MODP_768 && (int)ALG_MODP_1024 == KE_MODP_1024, "ke");
_Static_assert((int)ALG_MODP_1536 == KE_MODP_1536, "ke");
_Static_assert((int)ALG_MODP_2048_256 == KE_MODP_2048_256, "ke");
_Static_assert((int)ALG_PRF_MD5 == PRF_HMAC_MD5, "prf");

static void alg_rows_are_unique_and_within_the_limits(void **state)
{
	const struct alg *a;
	size_t n = 0;

	(void)state;
	for (; (a = alg_at(n)) != NULL; n++) {
		assert_ptr_equal(alg_find(a->type, a->id, a->key_bits), a);
		if (a->type != ALG_ENCR || a->id != ALG_NO_ENCR) /* that one is no transform */
			assert_string_not_equal(transform_text(a->type, a->id), "?");
		assert_true(a->type == ALG_ENCR ? a->key_len <= ALG_KEY_MAX
						: a->key_len <= ALG_DIGEST_MAX);
		assert_true(a->icv_len <= ALG_ICV_MAX && a->iv_len <= ALG_IV_MAX);
		assert_true(a->pub_len <= ALG_PUBLIC_MAX);
		assert_true(a->out_len <= HASH_MAX);
		assert_true((a->type == ALG_ENCR) == (a->block != 0));
	}
	assert_int_equal(n, 33);
}

static void alg_find_refuses_what_is_not_in_the_table(void **state)
{
	(void)state;
	assert_null(alg_find(ALG_ENCR, ALG_AES_GCM_16, 0));
	assert_null(alg_find(ALG_ENCR, ALG_AES_CBC, 64));
	assert_null(alg_find(ALG_ENCR, ENCR_AES_CTR, 128));
	assert_null(alg_find(ALG_KE, 22, 0));
	assert_null(alg_find(ALG_KE, ALG_CURVE25519, 256));
	assert_null(alg_find(0, 0, 0));
}

/* What the dataplane alone has protects no IKE SA. */
static void alg_of_esp_makes_no_ike_sa(void **state)
{
	static const uint8_t zero[ALG_KEY_MAX + ALG_DIGEST_MAX];
	const struct alg *sha1 = alg_find(ALG_INTEG, ALG_SHA1_96, 0), *a;
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; (a = alg_at(i)) != NULL; i++) {
		struct aead it;

		if (!a->esp_only)
			continue;
		n++;
		if (a->type == ALG_ENCR)
			assert_int_equal(aead_init(&it, a, alg_is_aead(a) ? NULL : sha1,
						 view_of(zero, a->key_len),
						 view_of(zero, alg_is_aead(a) ? 0 : sha1->key_len)),
				-ERR_UNSUPPORTED);
	}
	assert_int_equal(n, 2);
}

static void alg_names_are_those_the_operator_sees(void **state)
{
	(void)state;
	assert_string_equal(alg_find(ALG_ENCR, 20, 256)->name, "aes-gcm-256");
	assert_string_equal(alg_find(ALG_ENCR, 12, 128)->name, "aes-cbc-128");
	assert_string_equal(alg_find(ALG_PRF, 5, 0)->name, "hmac-sha256");
	assert_string_equal(alg_find(ALG_INTEG, 12, 0)->name, "hmac-sha256-128");
	assert_string_equal(alg_find(ALG_KE, 14, 0)->name, "DH-group-14");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alg_rows_are_unique_and_within_the_limits),
		cmocka_unit_test(alg_find_refuses_what_is_not_in_the_table),
		cmocka_unit_test(alg_of_esp_makes_no_ike_sa),
		cmocka_unit_test(alg_names_are_those_the_operator_sees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
