#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "core/esp.h"

static const struct esp_shape gcm = {8, 16, 4}, cbc = {16, 16, 16};

static void esp_sizes_add_up(void **state)
{
	const struct esp_shape *shapes[] = {&gcm, &cbc};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		const struct esp_shape *s = shapes[k];

		for (uint32_t n = 0; n < 200; n++) {
			uint32_t size = esp_size(s, n);

			assert_int_equal((n + esp_pad(s, n) + ESP_TRAILER) % s->align, 0);
			assert_true(esp_pad(s, n) < s->align);
			assert_int_equal(esp_cipher_len(s, size), n + esp_pad(s, n) + ESP_TRAILER);
			assert_true(esp_payload_max(s, size) >= n);
			/* the largest payload fits, one octet more does not */
			assert_true(esp_size(s, esp_payload_max(s, size)) <= size);
			assert_true(esp_size(s, esp_payload_max(s, size) + 1) > size);
		}
		assert_int_equal(esp_payload_max(s, 10), 0);
	}
}

static void esp_short_or_crooked_packets_have_no_ciphertext(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 36; n++)
		assert_int_equal(esp_cipher_len(&gcm, n), 0);
	assert_int_equal(esp_cipher_len(&gcm, 36), 4);
	assert_int_equal(esp_cipher_len(&gcm, 37), 0);
	assert_int_equal(esp_cipher_len(&cbc, 8 + 16 + 15 + 16), 0);
}

static void esp_trailer_round_trip_and_lies(void **state)
{
	uint8_t b[300];
	uint32_t payload;
	uint8_t next;

	(void)state;
	for (uint32_t pad = 0; pad < 256; pad++) {
		esp_trailer_put(b, pad, 4);
		assert_int_equal(esp_trailer_get(view_of(b, pad + 2), &payload, &next), 0);
		assert_int_equal(payload, 0);
		assert_int_equal(next, 4);
		if (pad == 0)
			continue;
		b[pad / 2] ^= 1;
		assert_int_equal(esp_trailer_get(view_of(b, pad + 2), &payload, &next), -ERR_VALUE);
		b[pad / 2] ^= 1;
		assert_int_equal(/* longer than what is there */
			esp_trailer_get(view_of(b + 1, pad + 1), &payload, &next), -ERR_TRUNCATED);
	}
	assert_int_equal(esp_trailer_get(view_of(b, 1), &payload, &next), -ERR_VALUE);
	assert_int_equal(esp_trailer_get((struct view){0}, &payload, &next), -ERR_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(esp_sizes_add_up),
		cmocka_unit_test(esp_short_or_crooked_packets_have_no_ciphertext),
		cmocka_unit_test(esp_trailer_round_trip_and_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
