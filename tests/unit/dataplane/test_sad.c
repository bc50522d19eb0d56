#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/err.h"
#include "sad.h"

static struct sa *make(struct sad *s, uint32_t spi)
{
	struct sa *sa = sa_new(&s->memory, suite_find(SUITE_ENCR_AES_GCM16, 128, 0), 0);

	assert_non_null(sa);
	sa->spi_in = spi;
	return sa;
}

static void sad_finds_what_is_there_and_nothing_else(void **state)
{
	enum { N = 3000 };
	static struct sa *have[N];
	struct sad s;
	struct sad_table *retired;
	unsigned seed = 5;

	(void)state;
	assert_int_equal(sad_init(&s), 0);
	/* much coming and going over few SPIs: tombstones, reuse, growth */
	for (int step = 0; step < 40000; step++) {
		uint32_t i = (uint32_t)rand_r(&seed) % N, spi = 0x01000000 + i * 977;

		if (have[i]) {
			assert_ptr_equal(sad_find(&s, spi), have[i]);
			assert_ptr_equal(sad_remove(&s, spi), have[i]);
			assert_null(sad_find(&s, spi));
			assert_null(sad_remove(&s, spi));
			sa_free(have[i]);
			have[i] = NULL;
		} else {
			assert_null(sad_find(&s, spi));
			have[i] = make(&s, spi);
			assert_int_equal(sad_add(&s, have[i], &retired), 0);
			free(retired);
			assert_int_equal(sad_add(&s, have[i], &retired), -ERR_EXISTS);
			free(retired);
		}
	}
	for (uint32_t i = 0; i < N; i++)
		assert_ptr_equal(sad_find(&s, 0x01000000 + i * 977), have[i]);
	sad_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sad_finds_what_is_there_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
