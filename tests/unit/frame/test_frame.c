#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/err.h"
#include "dataplane.pb-c.h"
#include "frame.h"

/* Several messages cut at random places arrive whole and in order. */
static void frame_survives_any_segmentation(void **state)
{
	unsigned seed = 3;

	(void)state;
	for (int round = 0; round < 200; round++) {
		auto_blob stream = {0};
		struct frame_in in;
		uint64_t want = 1;

		for (uint64_t id = 1; id <= 8; id++) {
			Dp__Request r = DP__REQUEST__INIT;
			auto_blob one = {0};

			r.id = id;
			assert_int_equal(frame_pack(&r.base, &one), 0);
			assert_int_equal(blob_append(&stream, blob_view(&one)), 0);
		}
		frame_in_init(&in, 1024);
		for (size_t at = 0; at < stream.n;) {
			size_t n = MIN(stream.n - at, (size_t)(rand_r(&seed) % 7 + 1));
			struct view m;

			assert_int_equal(frame_in_push(&in, view_of(stream.p + at, n)), 0);
			at += n;
			while (frame_in_next(&in, &m) > 0) {
				Dp__Request *r = dp__request__unpack(NULL, m.n, m.p);

				assert_non_null(r);
				assert_true(r->id == want++);
				dp__request__free_unpacked(r, NULL);
			}
		}
		assert_true(want == 9);
		frame_in_fini(&in);
	}
}

static void frame_above_the_limit_is_an_error_that_sticks(void **state)
{
	struct frame_in in;
	struct view m;

	(void)state;
	frame_in_init(&in, 100);
	assert_int_equal(frame_in_push(&in, view_of_literal("\x00\x00\x00\x65")), 0);
	assert_int_equal(frame_in_next(&in, &m), -ERR_LIMIT);
	assert_int_equal(frame_in_push(&in, view_of_literal("x")), -ERR_LIMIT);
	assert_int_equal(frame_in_next(&in, &m), -ERR_LIMIT);
	frame_in_fini(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_survives_any_segmentation),
		cmocka_unit_test(frame_above_the_limit_is_an_error_that_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
