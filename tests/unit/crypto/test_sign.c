/* AUT-002, AUT-003, AUT-004; RFC-018. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sign.h"
#include "crypto_case.h"
#include "vector.h"

static int check(struct crypto *c, const struct sign_key *k, enum sign_scheme s, struct view m,
	struct view sig)
{
	const struct sign_alg a = {.scheme = s,
		.salt_len = s == SIGN_PSS_SHA256   ? 32
			    : s == SIGN_PSS_SHA384 ? 48
						   : 64};

	return sign_check(c, sign_key_handle(k), &a, m, sig);
}

static void signs_and_checks_as_published(void **state)
{
	struct vector v;
	unsigned n = 0;

	vector_open(&v, "sign.txt");
	while (vector_next(&v)) {
		enum sign_scheme s = (enum sign_scheme)atoi(vector_text(&v, "scheme"));
		struct view message = vector_hex(&v, "message"), want = vector_hex(&v, "signature");
		auto_sign_key k = NULL;
		auto_blob made = {0};

		assert_int_equal(sign_key_read(vector_hex(&v, "key"), &k), 0);
		if (check(*state, k, s, message, want) != 0)
			fail_msg("%s %s", vector_text(&v, "source"), sign_text(s));
		assert_int_equal(sign_make(*state, k, s, message, &made), 0);
		if (strcmp(vector_text(&v, "deterministic"), "yes") == 0)
			assert_true(view_equal(blob_view(&made), want));
		assert_int_equal(check(*state, k, s, message, blob_view(&made)), 0);
		made.p[made.n - 1] ^= 1;
		assert_int_equal(check(*state, k, s, message, blob_view(&made)), -ERR_AUTH);
		made.p[made.n - 1] ^= 1;
		assert_int_equal(
			check(*state, k, s, view_of(message.p, message.n - 1), blob_view(&made)),
			-ERR_AUTH);
		n++;
	}
	vector_close(&v);
	assert_int_equal(n, 11);
}

/* The key of the first vector of that scheme. */
static struct sign_key *key_for(enum sign_scheme s)
{
	struct sign_key *k = NULL;
	struct vector v;

	vector_open(&v, "sign.txt");
	while (!k && vector_next(&v))
		if (atoi(vector_text(&v, "scheme")) == (int)s)
			assert_int_equal(sign_key_read(vector_hex(&v, "key"), &k), 0);
	vector_close(&v);
	assert_non_null(k);
	return k;
}

static void a_key_makes_only_its_schemes(void **state)
{
	auto_sign_key p256 = key_for(SIGN_ECDSA_P256);
	auto_sign_key ed = key_for(SIGN_ED25519);
	auto_blob sig = {0};
	struct view m = view_of_literal("abc");

	assert_int_equal(sign_make(*state, p256, SIGN_ECDSA_P384, m, &sig), -ERR_UNSUPPORTED);
	assert_int_equal(sign_make(*state, p256, SIGN_RSA_SHA256, m, &sig), -ERR_UNSUPPORTED);
	assert_int_equal(sign_make(*state, ed, SIGN_ED448, m, &sig), -ERR_UNSUPPORTED);
	assert_int_equal(sign_make(*state, p256, SIGN_NONE, m, &sig), -ERR_UNSUPPORTED);
	assert_int_equal(sign_make(*state, p256, SIGN_ECDSA_SHA384, m, &sig), 0);
	assert_int_equal(check(*state, p256, SIGN_ECDSA_SHA384, m, blob_view(&sig)), 0);
	assert_int_equal(check(*state, p256, SIGN_ECDSA_SHA256, m, blob_view(&sig)), -ERR_AUTH);
	assert_int_equal(check(*state, ed, SIGN_ECDSA_SHA384, m, blob_view(&sig)), -ERR_AUTH);
	assert_false(sign_key_fits(p256, sign_key_handle(ed)));
	assert_true(sign_key_fits(ed, sign_key_handle(ed)));
}

/* RFC 7296 3.8: the hash of method 1 is not said; which ones are believed is. */
static void classic_rsa_takes_the_hashes_that_are_allowed(void **state)
{
	auto_sign_key k = key_for(SIGN_RSA_SHA1);
	struct view m = view_of_literal("what AUTH covers");

	static const struct {
		enum sign_scheme made;
		uint8_t allowed;
		int rc;
	} rows[] = {
		{SIGN_RSA_SHA1, SIGN_HASH_BIT(SIGN_HASH_SHA1), 0},
		{SIGN_RSA_SHA1, SIGN_HASH_BIT(SIGN_HASH_SHA256), -ERR_AUTH},
		{SIGN_RSA_SHA256, SIGN_HASH_BIT(SIGN_HASH_SHA1) | SIGN_HASH_BIT(SIGN_HASH_SHA256),
			0},
		{SIGN_RSA_SHA512, SIGN_HASH_BIT(SIGN_HASH_SHA512), 0},
		{SIGN_PSS_SHA256, 0xff, -ERR_AUTH},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sign_alg a = {.scheme = SIGN_RSA_CLASSIC, .hashes = rows[i].allowed};
		auto_blob sig = {0};

		assert_int_equal(sign_make(*state, k, rows[i].made, m, &sig), 0);
		assert_int_equal(
			sign_check(*state, sign_key_handle(k), &a, m, blob_view(&sig)), rows[i].rc);
	}
}

static void every_identifier_is_read_back(void **state)
{
	struct sign_alg a;

	(void)state;
	for (enum sign_scheme s = SIGN_NONE; s < SIGN_END; s++) {
		struct view id = sign_alg_id(s);

		if (id.n == 0)
			continue;
		assert_int_equal(sign_alg_parse(id, &a), 0);
		assert_int_equal(a.scheme, s);
		for (size_t n = 0; n < id.n; n++)
			assert_true(sign_alg_parse(view_of(id.p, n), &a) < 0);
	}
}

/* As in the appendices of RFC 7427 and RFC 8420, and as others write them. */
static void identifiers_of_others(void **state)
{
	static const struct {
		const char *hex;
		int rc;
		enum sign_scheme scheme;
		uint16_t salt;
	} rows[] = {
		{"300d06092a864886f70d01010b0500", 0, SIGN_RSA_SHA256, 0},
		{"300b06092a864886f70d01010b", 0, SIGN_RSA_SHA256, 0},
		{"300a06082a8648ce3d040303", 0, SIGN_ECDSA_SHA384, 0},
		{"300c06082a8648ce3d0403030500", -ERR_SYNTAX, 0, 0},
		{"300506032b6570", 0, SIGN_ED25519, 0},
		{"304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864"
		 "8"
		 "86f70d010108300d06096086480165030402010500a203020120",
			0, SIGN_PSS_SHA256, 32},
		/* hash algorithms without NULL, trailer said */
		{"304206092a864886f70d01010a3035a00d300b0609608648016503040202a11a301806092a864886f"
		 "7"
		 "0d010108300b0609608648016503040202a203020130a303020101",
			0, SIGN_PSS_SHA384, 48},
		/* two hashes */
		{"304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864"
		 "8"
		 "86f70d010108300d06096086480165030402020500a203020120",
			-ERR_UNSUPPORTED, 0, 0},
		/* defaults: SHA-1 */
		{"300d06092a864886f70d01010a3000", -ERR_UNSUPPORTED, 0, 0},
		{"300b06092a864886f70d01010a", -ERR_SYNTAX, 0, 0},
		{"300b06092a864886f70d010104", -ERR_UNSUPPORTED, 0, 0}, /* md5 */
		{"3000", -ERR_SYNTAX, 0, 0},
		{"", -ERR_SYNTAX, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_blob der = unhex(rows[i].hex);
		struct sign_alg a = {0};

		if (sign_alg_parse(blob_view(&der), &a) != rows[i].rc)
			fail_msg("%s", rows[i].hex);
		assert_int_equal(a.scheme, rows[i].scheme);
		assert_int_equal(a.salt_len, rows[i].salt);
	}
}

static void files_that_are_no_keys(void **state)
{
	struct sign_key *k = NULL;

	(void)state;
	assert_int_equal(sign_key_read((struct view){0}, &k), -ERR_SYNTAX);
	assert_int_equal(
		sign_key_read(view_of_literal("-----BEGIN PRIVATE KEY-----\n"), &k), -ERR_SYNTAX);
	/* X25519 agrees, it does not sign */
	assert_int_equal(sign_key_read(view_of_literal("-----BEGIN PRIVATE KEY-----\n"
						       "MC4CAQAwBQYDK2VuBCIEIAgCAgICAgICAgICAgICAgI"
						       "CAgICAgICAgICAgICAgJC\n"
						       "-----END PRIVATE KEY-----\n"),
				 &k),
		-ERR_UNSUPPORTED);
	assert_null(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_and_checks_as_published),
		cmocka_unit_test(a_key_makes_only_its_schemes),
		cmocka_unit_test(classic_rsa_takes_the_hashes_that_are_allowed),
		cmocka_unit_test(every_identifier_is_read_back),
		cmocka_unit_test(identifiers_of_others),
		cmocka_unit_test(files_that_are_no_keys),
	};

	return cmocka_run_group_tests(tests, crypto_setup, crypto_teardown);
}
