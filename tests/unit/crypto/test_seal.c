#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/random.h"
#include "crypto/seal.h"
#include "crypto_case.h"
#include "vector.h"

/* McGrew and Viega, test cases 13 (nothing at all) and 14 (one block of zeros). */
static void seal_wraps_the_gcm_test_cases(void **state)
{
	static const uint8_t zeros[32];
	auto_blob tag13 = unhex("530f8afbc74536b9a963b4f1c4cb738b");
	auto_blob out14 = unhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
	auto_seal s = NULL;
	uint8_t out[32];

	assert_int_equal(seal_new(*state, view_of(zeros, 32), &s), 0);
	assert_int_equal(seal_wrap(s, zeros, (struct view){0}, (struct view){0}, out), 0);
	assert_memory_equal(out, tag13.p, 16);
	assert_int_equal(seal_wrap(s, zeros, (struct view){0}, view_of(zeros, 16), out), 0);
	assert_memory_equal(out, out14.p, 32);
}

static void seal_unwraps_only_what_it_wrapped(void **state)
{
	static const uint8_t key[32] = {7}, nonce[12] = {1}, other[12] = {2};
	static const char text[] = "an entry of the log";
	struct view aad = view_of_literal("sender 0 epoch 3 index 9");
	uint8_t box[sizeof text + SEAL_TAG_LEN], out[sizeof text];
	auto_seal s = NULL;

	assert_int_equal(seal_new(*state, view_of_array(key), &s), 0);
	for (int round = 0; round < 3; round++) { /* the context is kept and used again */
		assert_int_equal(seal_wrap(s, nonce, aad, view_of_array(text), box), 0);
		assert_int_equal(seal_unwrap(s, nonce, aad, view_of_array(box), out), 0);
		assert_memory_equal(out, text, sizeof text);
		assert_int_equal(seal_unwrap(s, other, aad, view_of_array(box), out), -ERR_AUTH);
		assert_int_equal(out[0], 0); /* wiped */
		aad.n--;
		assert_int_equal(seal_unwrap(s, nonce, aad, view_of_array(box), out), -ERR_AUTH);
		aad.n++;
		for (size_t n = 0; n < sizeof box; n++)
			assert_int_equal(seal_unwrap(s, nonce, aad, view_of(box, n), out),
				n < SEAL_TAG_LEN ? -ERR_TRUNCATED : -ERR_AUTH);
	}
	/* In place. */
	memcpy(box, text, sizeof text);
	assert_int_equal(seal_wrap(s, nonce, aad, view_of(box, sizeof text), box), 0);
	assert_int_equal(seal_unwrap(s, nonce, aad, view_of_array(box), box), 0);
	assert_memory_equal(box, text, sizeof text);
}

static void seal_wants_a_whole_key(void **state)
{
	static const uint8_t key[33];
	auto_seal s = NULL;

	assert_int_equal(seal_new(*state, view_of(key, 16), &s), -ERR_VALUE);
	assert_int_equal(seal_new(*state, view_of(key, 33), &s), -ERR_VALUE);
}

static void random_fills_all_of_it_and_differs(void **state)
{
	struct env env = random_env();
	uint8_t a[300] = {0}, b[300] = {0};
	unsigned zeros = 0;

	(void)state;
	env_random(&env, a, sizeof a);
	env_random(&env, b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
	for (size_t i = 0; i < sizeof a; i++)
		zeros += a[i] == 0;
	assert_true(zeros < 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seal_wraps_the_gcm_test_cases),
		cmocka_unit_test(seal_unwraps_only_what_it_wrapped),
		cmocka_unit_test(seal_wants_a_whole_key),
		cmocka_unit_test(random_fills_all_of_it_and_differs),
	};

	return cmocka_run_group_tests(tests, crypto_setup, crypto_teardown);
}
