#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto_case.h"
#include "vector.h"

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4, 10 and 16. */
static void aead_seals_the_gcm_test_cases(void **state)
{
	static const char *const text =
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";

	static const struct {
		uint16_t bits;
		const char *key, *cipher, *tag;
	} cases[] = {
		{128, "feffe9928665731c6d6a8f9467308308cafebabe",
			"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
			"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
			"5bc94fbc3221a5db94fae95ae7121a47"},
		{192, "feffe9928665731c6d6a8f9467308308feffe9928665731ccafebabe",
			"3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c"
			"7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710",
			"2519498e80f1478f37ba55bd6d27618c"},
		{256, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308cafebabe",
			"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
			"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
			"76fc6ece0f4e1768cddf8853bb2d551b"},
	};

	auto_blob aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
	auto_blob iv = unhex("facedbaddecaf888"), plain = unhex(text);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_blob key = unhex(cases[i].key), cipher = unhex(cases[i].cipher);
		auto_blob tag = unhex(cases[i].tag);
		uint8_t buf[60], icv[16];
		struct aead a;
		struct aead_io io = {blob_view(&aad), iv.p, plain.p, buf, plain.n};

		assert_int_equal(aead_init(&a, alg_find(ALG_ENCR, ALG_AES_GCM_16, cases[i].bits),
					 NULL, blob_view(&key), (struct view){0}),
			0);
		assert_int_equal(aead_icv_len(&a), 16);
		assert_int_equal(aead_seal(*state, &a, &io, icv), 0);
		assert_memory_equal(buf, cipher.p, cipher.n);
		assert_memory_equal(icv, tag.p, tag.n);
		io.in = buf; /* in place */
		assert_int_equal(aead_open(*state, &a, &io, icv), 0);
		assert_memory_equal(buf, plain.p, plain.n);
	}
}

/* RFC 3602 4 cases 1 and 2 for the cipher; the ICV is HMAC over aad, IV and ciphertext. */
static void aead_seals_cbc_and_macs_all_of_it(void **state)
{
	static const struct {
		const char *key, *iv, *plain, *cipher;
	} cases[] = {
		{"06a9214036b8a15b512e03d534120006", "3dafba429d9eb430b422da802c9fac41",
			"53696e676c6520626c6f636b206d7367", "e353779c1079aeb82708942dbe77181a"},
		{"c286696d887c9aa0611bbb3e2025a45a", "562e17996d093d28ddb3ba695a2e6f58",
			"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
			"d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1"},
	};

	static const uint16_t integ_ids[] = {
		ALG_SHA1_96, ALG_SHA256_128, ALG_SHA384_192, ALG_SHA512_256};

	static const enum hash_id hashes[] = {HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512};

	uint8_t mac_key[64];

	memset(mac_key, 0x42, sizeof mac_key);
	for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(integ_ids); i++) {
		size_t k = i % ARRAY_LEN(cases), m = i / ARRAY_LEN(cases);
		auto_blob key = unhex(cases[k].key), iv = unhex(cases[k].iv);
		auto_blob plain = unhex(cases[k].plain), cipher = unhex(cases[k].cipher);
		const struct alg *integ = alg_find(ALG_INTEG, integ_ids[m], 0);
		struct view aad = view_of_literal("header"), mk = view_of(mac_key, integ->key_len);
		struct aead a;
		uint8_t buf[32], icv[ALG_ICV_MAX], mac[HASH_MAX];
		struct aead_io io = {aad, iv.p, plain.p, buf, plain.n};

		assert_int_equal(aead_init(&a, alg_find(ALG_ENCR, ALG_AES_CBC, 128), integ,
					 blob_view(&key), mk),
			0);
		assert_int_equal(aead_seal(*state, &a, &io, icv), 0);
		assert_memory_equal(buf, cipher.p, cipher.n);
		assert_int_equal(hmac(*state, hashes[m], mk,
					 VIEWS(aad, blob_view(&iv), blob_view(&cipher)), mac),
			0);
		assert_memory_equal(icv, mac, aead_icv_len(&a));
		io.in = buf;
		assert_int_equal(aead_open(*state, &a, &io, icv), 0);
		assert_memory_equal(buf, plain.p, plain.n);
	}
}

struct damage {
	uint8_t aad[8], iv[16], text[32], icv[ALG_ICV_MAX];
};

static int open_of(struct crypto *c, const struct aead *a, const struct damage *d, uint8_t *out)
{
	struct aead_io io = {view_of_array(d->aad), d->iv, d->text, out, sizeof d->text};

	return aead_open(c, a, &io, d->icv);
}

/* One bit wrong anywhere in what is covered, and nothing comes out. */
static void aead_refuses_any_damaged_octet(void **state)
{
	static const uint8_t keys[ALG_KEY_MAX + ALG_DIGEST_MAX] = {1, 2, 3};

	static const struct {
		uint16_t encr, integ;
	} suites[] = {{ALG_AES_GCM_16, 0}, {ALG_AES_CBC, ALG_SHA256_128}};

	for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
		const struct alg *encr = alg_find(ALG_ENCR, suites[s].encr, 256);
		const struct alg *integ = alg_find(ALG_INTEG, suites[s].integ, 0);
		struct damage d = {.text = "thirty-one octets of plain text"};
		uint8_t plain[32], out[32];
		struct aead a;
		struct aead_io io = {view_of_array(d.aad), d.iv, d.text, d.text, sizeof d.text};
		size_t covered = sizeof d.aad + encr->iv_len;

		memcpy(plain, d.text, sizeof plain);
		assert_int_equal(aead_init(&a, encr, integ, view_of(keys, encr->key_len),
					 view_of(keys, integ ? integ->key_len : 0)),
			0);
		assert_int_equal(aead_seal(*state, &a, &io, d.icv), 0);
		assert_int_equal(open_of(*state, &a, &d, out), 0);
		assert_memory_equal(out, plain, sizeof plain);
		for (size_t i = 0; i < sizeof d; i++) {
			bool is_covered =
				i < covered || (i >= offsetof(struct damage, text) &&
						       i < offsetof(struct damage, icv) + 16);
			struct damage bad = d;

			((uint8_t *)&bad)[i] ^= 0x10;
			memset(out, 0, sizeof out);
			if (open_of(*state, &a, &bad, out) != (is_covered ? -ERR_AUTH : 0))
				fail_msg("suite %zu, octet %zu", s, i);
			for (size_t j = 0; is_covered && j < sizeof out; j++)
				assert_int_equal(out[j], 0);
		}
	}
}

static void aead_refuses_pairs_and_keys_that_do_not_fit(void **state)
{
	const struct alg *gcm = alg_find(ALG_ENCR, ALG_AES_GCM_16, 128);
	const struct alg *cbc = alg_find(ALG_ENCR, ALG_AES_CBC, 128);
	const struct alg *sha = alg_find(ALG_INTEG, ALG_SHA256_128, 0);
	static const uint8_t room[64];
	struct view none = {0};
	struct aead a;
	struct aead_io io = {none, room, room, (uint8_t[32]){0}, 17};

	assert_int_equal(aead_init(&a, NULL, NULL, none, none), -ERR_UNSUPPORTED);
	assert_int_equal(
		aead_init(&a, gcm, sha, view_of(room, 20), view_of(room, 32)), -ERR_UNSUPPORTED);
	assert_int_equal(aead_init(&a, cbc, NULL, view_of(room, 16), none), -ERR_UNSUPPORTED);
	assert_int_equal(aead_init(&a, sha, NULL, view_of(room, 32), none), -ERR_UNSUPPORTED);
	assert_int_equal(aead_init(&a, gcm, NULL, view_of(room, 16), none), -ERR_VALUE);
	assert_int_equal(aead_init(&a, cbc, sha, view_of(room, 16), none), -ERR_VALUE);
	assert_int_equal(aead_init(&a, cbc, sha, view_of(room, 16), view_of(room, 32)), 0);
	/* Not whole blocks. */
	assert_int_equal(aead_seal(*state, &a, &io, (uint8_t[32]){0}), -ERR_VALUE);
	assert_int_equal(aead_open(*state, &a, &io, room), -ERR_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aead_seals_the_gcm_test_cases),
		cmocka_unit_test(aead_seals_cbc_and_macs_all_of_it),
		cmocka_unit_test(aead_refuses_any_damaged_octet),
		cmocka_unit_test(aead_refuses_pairs_and_keys_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, crypto_setup, crypto_teardown);
}
