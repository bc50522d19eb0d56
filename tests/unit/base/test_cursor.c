#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cursor.h"
#include "base/emit.h"
#include "base/err.h"

static void cursor_reads_big_endian(void **state)
{
	struct cur c = cur_of(view_of_literal("\x01\x02\x03\x04\x05\x06\x07"));

	(void)state;
	assert_int_equal(cur_u8(&c), 1);
	assert_int_equal(cur_be16(&c), 0x0203);
	assert_int_equal(cur_be32(&c), 0x04050607);
	assert_true(cur_done(&c));
}

static void cursor_failure_sticks_and_consumes_nothing(void **state)
{
	struct cur c = cur_of(view_of_literal("\x01\x02"));

	(void)state;
	assert_int_equal(cur_be32(&c), 0);
	assert_false(cur_ok(&c));
	assert_int_equal(cur_u8(&c), 0);
	assert_int_equal(c.at, 0);
	assert_int_equal(cur_left(&c), 0);
}

static void cursor_child_cannot_see_past_its_octets(void **state)
{
	struct cur c = cur_of(view_of_literal("\x01\x02\x03\x04"));
	struct cur sub = cur_sub(&c, 2), none = cur_sub(&c, 3);

	(void)state;
	assert_int_equal(cur_be16(&sub), 0x0102);
	assert_int_equal(cur_u8(&sub), 0);
	assert_false(cur_ok(&sub));
	assert_false(cur_ok(&none));
}

static void emit_overflow_sticks_and_never_writes_past_the_end(void **state)
{
	uint8_t room[6] = {[4] = 0xaa, [5] = 0xaa};
	struct emit e = emit_to(room, 4);
	struct view out;

	(void)state;
	emit_be16(&e, 0x0102);
	emit_be32(&e, 1);
	emit_u8(&e, 9);
	assert_int_equal(emit_done(&e, &out), -ERR_SPACE);
	assert_int_equal(room[4], 0xaa);
	assert_int_equal(e.n, 2);
}

static void emit_length_mark_is_filled_in_afterwards(void **state)
{
	uint8_t room[8];
	struct emit e = emit_to(room, sizeof room);
	struct view out;
	size_t mark = emit_len16(&e);

	(void)state;
	emit_be32(&e, 7);
	emit_patch16(&e, mark, e.n - mark);
	assert_int_equal(emit_done(&e, &out), 0);
	assert_true(view_equal(out, view_of_literal("\x00\x06\x00\x00\x00\x07")));
	emit_patch16(&e, mark, 65536);
	assert_int_equal(emit_done(&e, &out), -ERR_SPACE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cursor_reads_big_endian),
		cmocka_unit_test(cursor_failure_sticks_and_consumes_nothing),
		cmocka_unit_test(cursor_child_cannot_see_past_its_octets),
		cmocka_unit_test(emit_overflow_sticks_and_never_writes_past_the_end),
		cmocka_unit_test(emit_length_mark_is_filled_in_afterwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
