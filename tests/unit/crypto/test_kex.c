#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>

#include "crypto/kex.h"
#include "crypto_case.h"
#include "vector.h"

/* A side of a published exchange: private half and public value put together as kex_export() does.
 */
static struct kex *side(struct crypto *c, uint16_t group, const char *priv, const char *pub)
{
	auto_blob all = unhex(priv), second = unhex(pub);
	struct kex *k = NULL;

	assert_int_equal(blob_append(&all, blob_view(&second)), 0);
	assert_int_equal(kex_import(c, group, blob_view(&all), &k), 0);
	assert_int_equal(kex_group(k), group);
	assert_true(view_equal(kex_public(k), blob_view(&second)));
	return k;
}

static const struct {
	const char *source;
	uint16_t group;
	const char *priv_a, *pub_a, *priv_b, *pub_b, *shared;
} published[] = {
	{"RFC 7748 6.1", ALG_CURVE25519,
		"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
		"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
		"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
		"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
		"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
	{"RFC 7748 6.2", ALG_CURVE448,
		"9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf5"
		"74a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
		"9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bb"
		"c836647241d953d40c5b12da88120d53177f80e532c41fa0",
		"1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120"
		"bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d",
		"3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972"
		"fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609",
		"07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56"
		"fd2464c335543936521c24403085d59a449a5037514a879d"},
	{"RFC 5903 8.1", ALG_ECP_256,
		"c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
		"dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
		"5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
		"c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
		"d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
		"56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
		"d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
	{"RFC 5903 8.2", ALG_ECP_384,
		"099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655"
		"e35b538041e649ee3faef896783ab194",
		"667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6"
		"de3ac808acb4bdb4c88732aee95f41aa"
		"9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38e"
		"eb9fcff3c2c947dae69b4c634573a81c",
		"41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942"
		"e0308312916b8ed2960e4bd55a7448fc",
		"e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d"
		"0d1ac43a0336def96fda41d0774a3571"
		"dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1ff"
		"f83fa40142209dff5eaad96db9e6386c",
		"11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4"
		"d603135569b9e9d09cf5d4a270f59746"},
};

static void kex_agrees_with_published_exchanges(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(published); i++) {
		auto_kex a =
			side(*state, published[i].group, published[i].priv_a, published[i].pub_a);
		auto_kex b =
			side(*state, published[i].group, published[i].priv_b, published[i].pub_b);
		auto_blob want = unhex(published[i].shared);
		auto_secret ab = NULL;
		auto_secret ba = NULL;

		assert_int_equal(kex_derive(*state, a, kex_public(b), &ab), 0);
		assert_int_equal(kex_derive(*state, b, kex_public(a), &ba), 0);
		if (!view_equal(secret_view(ab), blob_view(&want)) ||
			!view_equal(secret_view(ba), blob_view(&want)))
			fail_msg("%s", published[i].source);
	}
}

static void kex_two_sides_agree_in_every_group(void **state)
{
	const struct alg *alg;

	for (size_t i = 0; (alg = alg_at(i)) != NULL; i++) {
		auto_kex a = NULL;
		auto_kex b = NULL;
		auto_kex a2 = NULL;
		auto_secret ab = NULL;
		auto_secret ba = NULL;
		auto_secret ab2 = NULL;
		auto_secret exported = NULL;

		if (alg->type != ALG_KE)
			continue;
		assert_int_equal(kex_generate(*state, alg->id, &a), 0);
		assert_int_equal(kex_generate(*state, alg->id, &b), 0);
		assert_int_equal(kex_public(a).n, alg->pub_len);
		assert_false(view_equal(kex_public(a), kex_public(b)));
		assert_int_equal(kex_derive(*state, a, kex_public(b), &ab), 0);
		assert_int_equal(kex_derive(*state, b, kex_public(a), &ba), 0);
		assert_int_equal(ab->n, alg->secret_len);
		assert_true(view_equal(secret_view(ab), secret_view(ba)));
		/* A successor carries on with the exported pair. */
		assert_int_equal(kex_export(a, &exported), 0);
		assert_int_equal(kex_import(*state, alg->id, secret_view(exported), &a2), 0);
		assert_int_equal(kex_derive(*state, a2, kex_public(b), &ab2), 0);
		assert_true(view_equal(secret_view(ab), secret_view(ab2)));
	}
}

static int derive_with(struct crypto *c, uint16_t group, struct view peer)
{
	auto_kex k = NULL;
	auto_secret s = NULL;
	int rc;

	assert_int_equal(kex_generate(c, group, &k), 0);
	rc = kex_derive(c, k, peer, &s);
	assert_true((rc == 0) == (s != NULL));
	return rc;
}

/* RFC 8031 2: points of small order give the all-zero secret. */
static void kex_refuses_low_order_curve25519_points(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};

	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		auto_blob p = unhex(points[i]);

		assert_int_equal(derive_with(*state, ALG_CURVE25519, blob_view(&p)), -ERR_VALUE);
	}
}

static void kex_refuses_points_off_the_curve(void **state)
{
	static const uint16_t groups[] = {ALG_ECP_256, ALG_ECP_384, ALG_ECP_521};

	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		uint8_t point[ALG_PUBLIC_MAX];
		auto_kex peer = NULL;
		size_t n;

		assert_int_equal(kex_generate(*state, groups[i], &peer), 0);
		n = kex_public(peer).n;
		memcpy(point, kex_public(peer).p, n);
		point[n - 1] ^= 1;
		assert_int_equal(derive_with(*state, groups[i], view_of(point, n)), -ERR_VALUE);
		memset(point, 0, n); /* neither (0, 0) nor infinity */
		assert_int_equal(derive_with(*state, groups[i], view_of(point, n)), -ERR_VALUE);
		memset(point, 0xff, n); /* coordinates above the prime */
		assert_int_equal(derive_with(*state, groups[i], view_of(point, n)), -ERR_VALUE);
	}
}

/* RFC 6989 2.1: 0, 1, p-1, p and above are refused. The primes of RFC 3526 all end and begin in 64
 * one bits, so p-1 and p+1 differ from p in the last octets only. */
static void kex_refuses_modp_values_out_of_range(void **state)
{
	auto_blob p = unhex("ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"
			    "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"
			    "4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
			    "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05"
			    "98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb"
			    "9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b"
			    "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718"
			    "3995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff");
	uint8_t y[256] = {0};

	assert_int_equal(p.n, sizeof y);
	assert_int_equal(derive_with(*state, ALG_MODP_2048, view_of_array(y)), -ERR_VALUE);
	y[255] = 1;
	assert_int_equal(derive_with(*state, ALG_MODP_2048, view_of_array(y)), -ERR_VALUE);
	y[255] = 2;
	assert_int_equal(derive_with(*state, ALG_MODP_2048, view_of_array(y)), 0);
	memcpy(y, p.p, sizeof y);
	assert_int_equal(derive_with(*state, ALG_MODP_2048, view_of_array(y)), -ERR_VALUE);
	y[255] -= 1;
	assert_int_equal(derive_with(*state, ALG_MODP_2048, view_of_array(y)), -ERR_VALUE);
	y[255] -= 1;
	assert_int_equal(derive_with(*state, ALG_MODP_2048, view_of_array(y)), 0);
	memset(y, 0xff, sizeof y);
	assert_int_equal(derive_with(*state, ALG_MODP_2048, view_of_array(y)), -ERR_VALUE);
}

/* DH-009, RFC 6989 2.2: in range, but not of the subgroup of order q. 2 is a square, and of an
 * order that is not q; p - 1, of order 2, is refused by its range already. */
static void kex_refuses_modp_values_outside_of_the_subgroup(void **state)
{
	uint8_t y[256] = {0};
	auto_kex good = NULL;

	y[255] = 2;
	assert_int_equal(derive_with(*state, ALG_MODP_2048_256, view_of_array(y)), -ERR_VALUE);
	y[255] = 4;
	assert_int_equal(derive_with(*state, ALG_MODP_2048_256, view_of_array(y)), -ERR_VALUE);
	assert_int_equal(kex_generate(*state, ALG_MODP_2048_256, &good), 0);
	memcpy(y, kex_public(good).p, sizeof y);
	assert_int_equal(derive_with(*state, ALG_MODP_2048_256, view_of_array(y)), 0);
	y[255] ^= 1;
	assert_int_equal(derive_with(*state, ALG_MODP_2048_256, view_of_array(y)), -ERR_VALUE);
}

/* DH-001 to DH-006. RFC 7296 2.14: the secret is as long as the modulus however small its value:
 * here 2 to the 3rd. */
static void kex_pads_small_modp_secrets(void **state)
{
	static const struct {
		uint16_t group;
		size_t n;
	} cases[] = {{ALG_MODP_768, 96}, {ALG_MODP_1024, 128}, {ALG_MODP_1536, 192},
		{ALG_MODP_2048, 256}, {ALG_MODP_3072, 384}, {ALG_MODP_4096, 512}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t pair[2 * ALG_PUBLIC_MAX] = {0}, two[ALG_PUBLIC_MAX] = {0};
		size_t n = cases[i].n;
		auto_kex k = NULL;
		auto_secret s = NULL;

		pair[n - 1] = 3;
		pair[2 * n - 1] = 8;
		two[n - 1] = 2;
		assert_int_equal(kex_import(*state, cases[i].group, view_of(pair, 2 * n), &k), 0);
		assert_int_equal(kex_derive(*state, k, view_of(two, n), &s), 0);
		assert_int_equal(s->n, n);
		assert_memory_equal(s->p, pair + n, n);
	}
}

#define THREADS	  4
#define EXCHANGES 40

/* What a worker of the thread pool does, with the one handle all of them share. */
static void *exchange(void *c)
{
	for (unsigned i = 0; i < EXCHANGES; i++) {
		static const uint16_t groups[] = {ALG_CURVE25519, ALG_ECP_256};
		auto_kex a = NULL;
		auto_kex b = NULL;
		auto_secret ab = NULL;
		auto_secret ba = NULL;
		uint16_t group = groups[i % ARRAY_LEN(groups)];

		if (kex_generate(c, group, &a) < 0 || kex_generate(c, group, &b) < 0 ||
			kex_derive(c, a, kex_public(b), &ab) < 0 ||
			kex_derive(c, b, kex_public(a), &ba) < 0 ||
			!view_equal_ct(secret_view(ab), secret_view(ba)))
			return NULL;
	}
	return c;
}

static void kex_runs_in_many_threads_at_once(void **state)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, exchange, *state), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *result = NULL;

		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_ptr_equal(result, *state);
	}
}

static void kex_refuses_wrong_lengths_and_groups(void **state)
{
	static const uint8_t room[ALG_PUBLIC_MAX + 1] = {2};
	const struct alg *alg;
	struct kex *k = NULL;

	for (size_t i = 0; (alg = alg_at(i)) != NULL; i++) {
		if (alg->type != ALG_KE)
			continue;
		assert_int_equal(
			derive_with(*state, alg->id, view_of(room, alg->pub_len - 1U)), -ERR_VALUE);
		assert_int_equal(
			derive_with(*state, alg->id, view_of(room, alg->pub_len + 1U)), -ERR_VALUE);
		assert_int_equal(derive_with(*state, alg->id, (struct view){0}), -ERR_VALUE);
		assert_int_equal(kex_import(*state, alg->id, view_of(room, 5), &k), -ERR_TRUNCATED);
	}
	assert_int_equal(kex_generate(*state, 22, &k), -ERR_UNSUPPORTED);
	assert_int_equal(kex_import(*state, 0, view_of(room, 5), &k), -ERR_UNSUPPORTED);
	assert_null(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kex_agrees_with_published_exchanges),
		cmocka_unit_test(kex_two_sides_agree_in_every_group),
		cmocka_unit_test(kex_refuses_low_order_curve25519_points),
		cmocka_unit_test(kex_refuses_points_off_the_curve),
		cmocka_unit_test(kex_refuses_modp_values_out_of_range),
		cmocka_unit_test(kex_refuses_modp_values_outside_of_the_subgroup),
		cmocka_unit_test(kex_pads_small_modp_secrets),
		cmocka_unit_test(kex_runs_in_many_threads_at_once),
		cmocka_unit_test(kex_refuses_wrong_lengths_and_groups),
	};

	return cmocka_run_group_tests(tests, crypto_setup, crypto_teardown);
}
