#include "host_case.h"

#include "host/iv_floor.h"

static struct iv_floor read_back(const struct iv_floor *f)
{
	uint8_t body[IV_FLOOR_BODY_LEN];

	iv_floor_body(f, body);
	return iv_floor_read(view_of_array(body));
}

static void iv_floor_is_kept_for_each_node(void **state)
{
	const struct iv_floor f = {0x1234, 0xfedc};
	uint8_t a[IV_FLOOR_KEY_LEN], b[IV_FLOOR_KEY_LEN];

	(void)state;
	assert_int_equal(read_back(&f).ike, f.ike);
	assert_int_equal(read_back(&f).esp, f.esp);
	assert_int_equal(iv_floor_read((struct view){0}).ike, 0);
	assert_int_equal(iv_floor_read(view_of("abc", 3)).ike, 0);
	assert_int_equal(iv_floor_read(view_of("abc", 3)).esp, 0);
	iv_floor_key(0, a);
	iv_floor_key(31, b);
	assert_memory_not_equal(a, b, sizeof a);
}

/* However often it starts and dies, also before its note is committed: whoever starts without files
 * above what is noted starts above everything that was used. */
static void iv_floor_covers_what_was_used(void **state)
{
	(void)state;
	for (unsigned lost = 0; lost <= 8; lost++) { /* notes lost in a row */
		struct iv_floor kept = {0}, in_use = {100, 40000};
		unsigned row = 0;

		for (unsigned life = 0; life < 200; life++, in_use.ike++, in_use.esp++) {
			struct iv_floor next;

			if (iv_floor_ahead(&kept, &in_use, &next) && (life == 0 || row++ == lost)) {
				kept = next;
				row = 0;
			}
			assert_true(iv_floor_above(&kept).ike > in_use.ike);
			assert_true(iv_floor_above(&kept).esp > in_use.esp);
		}
	}
}

static void iv_floor_is_seldom_written(void **state)
{
	struct iv_floor kept = {0}, in_use = {1, 1}, next;
	unsigned written = 0;

	(void)state;
	for (; in_use.ike <= 80; in_use.ike++, in_use.esp++)
		if (iv_floor_ahead(&kept, &in_use, &next)) {
			kept = next;
			written++;
		}
	assert_true(written <= 10);
}

static void iv_floor_ends_at_the_end(void **state)
{
	const struct iv_floor in_use = {UINT16_MAX - 3, 5}, none = {0};
	struct iv_floor kept;

	(void)state;
	assert_true(iv_floor_ahead(&none, &in_use, &kept));
	assert_int_equal(kept.ike, UINT16_MAX);
	assert_int_equal(kept.esp, 5 + IV_AHEAD);
	assert_int_equal(iv_floor_above(&kept).ike, UINT16_MAX);
	assert_false(iv_floor_ahead(&kept, &in_use, &kept));
	/* A part that is not known yet (no dataplane) is not noted. */
	assert_true(iv_floor_ahead(&none, &(struct iv_floor){7, 0}, &kept));
	assert_int_equal(kept.esp, 0);
}

static const struct {
	const char *name;
	struct iv_arrival a;
	struct iv_verdict v;
} arrivals[] = {
	{"first start of all", {100, 0, true, false}, {100, 0, true}},
	{"its own file", {101, 100, false, false}, {101, 0, false}},
	{"its own file, ours lost", {101, 0, false, false}, {101, 0, false}},
	{"tandemd was restarted", {100, 100, true, true}, {100, 0, false}},
	{"and it has gone on meanwhile", {102, 100, true, true}, {102, 0, false}},
	{"tandemd died before it could decide", {100, 0, true, true}, {100, 0, true}},
	{"file lost, drew less", {50, 100, true, false}, {117, 117, false}},
	{"file lost, drew the same", {100, 100, true, false}, {117, 117, false}},
	{"file lost, drew a little more", {116, 100, true, false}, {117, 117, false}},
	{"file lost, drew much more", {117, 100, true, false}, {117, 0, true}},
	{"an old copy of its file", {60, 100, false, false}, {117, 117, false}},
	{"to be raised, still there", {50, 100, true, true}, {117, 117, false}},
	{"raised", {117, 117, true, true}, {117, 0, false}},
	{"not there yet", {0, 0, false, false}, {0, 0, false}},
};

static void iv_floor_knows_who_comes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(arrivals); i++) {
		struct iv_verdict v = iv_floor_arrival(&arrivals[i].a);

		if (v.in_use != arrivals[i].v.in_use || v.least != arrivals[i].v.least ||
			v.is_unknown != arrivals[i].v.is_unknown)
			fail_msg("%s: %u %u %d", arrivals[i].name, v.in_use, v.least, v.is_unknown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iv_floor_is_kept_for_each_node),
		cmocka_unit_test(iv_floor_covers_what_was_used),
		cmocka_unit_test(iv_floor_is_seldom_written),
		cmocka_unit_test(iv_floor_ends_at_the_end),
		cmocka_unit_test(iv_floor_knows_who_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
