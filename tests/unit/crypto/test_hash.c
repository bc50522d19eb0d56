#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/hash.h"
#include "crypto/hkdf.h"
#include "crypto_case.h"
#include "vector.h"

static void hash_matches_fips_180(void **state)
{
	static const struct {
		enum hash_id id;
		const char *hex;
	} cases[] = {
		{HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{HASH_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
			      "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
		{HASH_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
			      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_blob want = unhex(cases[i].hex);
		uint8_t out[HASH_MAX];

		assert_int_equal(hash_len(cases[i].id), want.n);
		/* In pieces, an empty one among them: it is the concatenation that counts. */
		assert_int_equal(hash(*state, cases[i].id,
					 VIEWS(view_of_literal("a"), (struct view){0},
						 view_of_literal("bc")),
					 out),
			0);
		assert_memory_equal(out, want.p, want.n);
	}
}

/* RFC 2202 3 case 2, 6; RFC 4231 4.3 and 4.7 (key longer than the block). */
static void hmac_matches_rfc_2202_and_4231(void **state)
{
	static const struct {
		enum hash_id id;
		size_t aa_n; /* key: so many octets of 0xaa; 0: "Jefe" */
		const char *text, *hex;
	} cases[] = {
		{HASH_SHA1, 0, "what do ya want for nothing?",
			"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
		{HASH_SHA1, 80, "Test Using Larger Than Block-Size Key - Hash Key First",
			"aa4ae5e15272d00e95705637ce8a3b55ed402112"},
		{HASH_SHA256, 0, "what do ya want for nothing?",
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{HASH_SHA256, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
			"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
		{HASH_SHA384, 0, "what do ya want for nothing?",
			"af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47"
			"e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
		{HASH_SHA512, 0, "what do ya want for nothing?",
			"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
			"9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_blob want = unhex(cases[i].hex);
		uint8_t aa[131], out[HASH_MAX];
		struct view key =
			cases[i].aa_n ? view_of(aa, cases[i].aa_n) : view_of_literal("Jefe");

		memset(aa, 0xaa, sizeof aa);
		assert_int_equal(
			hmac(*state, cases[i].id, key, VIEWS(view_of_text(cases[i].text)), out), 0);
		assert_memory_equal(out, want.p, want.n);
	}
}

/* RFC 5869 A.1 and A.3 */
static void hkdf_matches_rfc_5869(void **state)
{
	auto_blob ikm = unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
	auto_blob salt = unhex("000102030405060708090a0b0c");
	auto_blob info = unhex("f0f1f2f3f4f5f6f7f8f9");
	auto_blob a1 = unhex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
			     "34007208d5b887185865");
	auto_blob a3 = unhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
			     "9d201395faa4b61a96c8");
	struct hkdf_in in = {blob_view(&ikm), blob_view(&salt), blob_view(&info)};
	struct hkdf_in bare = {.key = blob_view(&ikm)};
	uint8_t out[42];

	assert_int_equal(hkdf_sha256(*state, &in, out, sizeof out), 0);
	assert_memory_equal(out, a1.p, sizeof out);
	assert_int_equal(hkdf_sha256(*state, &bare, out, sizeof out), 0);
	assert_memory_equal(out, a3.p, sizeof out);
	assert_int_equal(hkdf_sha256(*state, &in, out, 255 * 32 + 1), -ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_matches_fips_180),
		cmocka_unit_test(hmac_matches_rfc_2202_and_4231),
		cmocka_unit_test(hkdf_matches_rfc_5869),
	};

	return cmocka_run_group_tests(tests, crypto_setup, crypto_teardown);
}
