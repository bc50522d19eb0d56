#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "core/seqno.h"

#define MS     UINT64_C(1000000)
#define HOLD   (400 * MS)
#define G      SEQNO_OUT_GRANT
#define ALWAYS UINT64_MAX

struct fixture {
	struct seqno s;
	struct replay r;
	uint64_t words[4];
};

static void make(struct fixture *f, struct lease first, bool strict)
{
	*f = (struct fixture){0};
	replay_init(&f->r, 64, f->words);
	seqno_init(&f->s, false, strict, &first);
}

static int enter(struct fixture *f, uint64_t epoch)
{
	return seqno_enter(&f->s, epoch, 1000 * MS, &f->r);
}

static void seqno_a_new_one_starts_at_one_below_its_horizon(void **state)
{
	struct fixture f;

	(void)state;
	make(&f, (struct lease){3, 5, 0, ALWAYS}, false);
	assert_int_equal(seqno_take(&f.s), 0); /* not before it entered an epoch */
	assert_int_equal(enter(&f, 3), 0);
	for (uint64_t i = 1; i < 5; i++)
		assert_int_equal(seqno_take(&f.s), i);
	assert_int_equal(seqno_take(&f.s), 0);
	seqno_grant(&f.s, &(struct lease){3, 7, 0, ALWAYS}, &f.r);
	assert_int_equal(seqno_take(&f.s), 5);
	assert_int_equal(seqno_take(&f.s), 6);
	assert_int_equal(seqno_take(&f.s), 0);
}

static void seqno_a_successor_jumps_over_each_claim(void **state)
{
	struct fixture f;

	(void)state;
	for (uint64_t claims = 0; claims < 5; claims++) {
		make(&f, (struct lease){10, 5000, 0, ALWAYS}, false);
		assert_int_equal(enter(&f, 11 + claims), 0);
		assert_int_equal(f.s.next, 5000 + G * claims);
		assert_int_equal(f.s.limit, 5000 + G * (claims + 1));
	}
}

static void seqno_epochs_never_share_a_number(void **state)
{
	struct fixture node[2];
	uint64_t last = 0;
	struct lease log = {1, 1000, 0, ALWAYS};

	(void)state;
	make(&node[0], log, false);
	make(&node[1], log, false);
	for (uint64_t epoch = 1; epoch < 200; epoch++) {
		struct fixture *f = &node[epoch % 2];
		uint64_t n = epoch % 7 == 0 ? G : epoch % 5;

		assert_int_equal(enter(f, epoch), 0);
		for (uint64_t i = 0; i < n; i++) {
			uint64_t s = seqno_take(&f->s);

			if (s == 0)
				break;
			assert_true(s > last);
			last = s;
		}
		if (epoch % 3 == 0) { /* a renewal commits, both nodes apply it */
			log = (struct lease){epoch, f->s.limit + 300, 0, ALWAYS};
			seqno_grant(&node[0].s, &log, &node[0].r);
			seqno_grant(&node[1].s, &log, &node[1].r);
		}
	}
	assert_true(last > G);
}

static void seqno_an_older_owner_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	make(&f, (struct lease){10, 5000, 0, ALWAYS}, false);
	assert_int_equal(enter(&f, 9), -ERR_EPOCH);
	assert_int_equal(enter(&f, 12), 0);
	assert_int_equal(enter(&f, 11), -ERR_EPOCH);
	assert_int_equal(enter(&f, 12), 0);
}

static void seqno_a_late_lease_of_the_predecessor_moves_it_on(void **state)
{
	struct fixture f;

	(void)state;
	make(&f, (struct lease){1, 1000, 0, ALWAYS}, false);
	assert_int_equal(enter(&f, 2), 0);
	assert_int_equal(seqno_take(&f.s), 1000);
	seqno_grant(&f.s, &(struct lease){1, 3000, 0, ALWAYS}, &f.r);
	assert_int_equal(seqno_take(&f.s), 3000);
	assert_int_equal(f.s.limit, 3000 + G);
}

static void seqno_a_lease_of_the_own_epoch_does_not_forget_the_predecessor(void **state)
{
	struct fixture f;

	(void)state;
	make(&f, (struct lease){1, 1000, 0, ALWAYS}, false);
	seqno_grant(&f.s, &(struct lease){2, 9000, 0, ALWAYS}, &f.r);
	assert_int_equal(enter(&f, 2), 0); /* never sent here, but somebody did below 1000 */
	assert_int_equal(seqno_take(&f.s), 1000);
}

static void seqno_handover_goes_on_exactly(void **state)
{
	struct fixture f;

	(void)state;
	make(&f, (struct lease){4, 100000, 0, ALWAYS}, false);
	replay_raise(&f.r, 77);
	assert_int_equal(seqno_take_over(&f.s, &(struct seqno_state){5, 1234, 100}, MS, &f.r), 0);
	for (uint64_t i = 1234; i < 1334; i++)
		assert_int_equal(seqno_take(&f.s), i);
	assert_int_equal(seqno_take(&f.s), 0);
	assert_int_equal(enter(&f, 5), 0); /* no jump now that the role follows */
	seqno_grant(&f.s, &(struct lease){5, 2000, 77, ALWAYS}, &f.r);
	assert_int_equal(seqno_take(&f.s), 1334);
	assert_int_equal(
		seqno_take_over(&f.s, &(struct seqno_state){5, 1, 1}, MS, &f.r), -ERR_EPOCH);
	/* whatever grant is asked for: the next owner counts on G at most */
	make(&f, (struct lease){4, 1300, 0, ALWAYS}, false);
	assert_int_equal(
		seqno_take_over(&f.s, &(struct seqno_state){5, 1234, 1 << 30}, MS, &f.r), 0);
	assert_int_equal(f.s.limit, 1234 + G);
}

static void seqno_inbound_available_and_strict(void **state)
{
	struct fixture f;

	(void)state;
	make(&f, (struct lease){1, 1000, 50, 300}, false);
	assert_int_equal(enter(&f, 2), 0);
	assert_int_equal(replay_check(&f.r, 50), -ERR_REPLAY);
	assert_int_equal(replay_check(&f.r, 51), 0);
	assert_true(seqno_in_allows(&f.s, 1 << 30));

	make(&f, (struct lease){1, 1000, 50, 300}, true);
	assert_int_equal(enter(&f, 2), 0);
	assert_int_equal(replay_check(&f.r, 299), -ERR_REPLAY);
	assert_int_equal(replay_check(&f.r, 300), 0);
	assert_true(seqno_in_allows(&f.s, 300 + SEQNO_IN_GRANT - 1));
	assert_false(seqno_in_allows(&f.s, 300 + SEQNO_IN_GRANT));
	make(&f, (struct lease){1, 1000, 50, 300}, true);
	assert_int_equal(enter(&f, 4), 0);
	assert_int_equal(replay_check(&f.r, 299 + 2 * SEQNO_IN_GRANT), -ERR_REPLAY);
}

static void seqno_asks_at_half_and_for_enough(void **state)
{
	struct fixture f;
	struct lease want = {0};
	uint64_t now = 1000 * MS;

	(void)state;
	make(&f, (struct lease){1, 1001, 0, ALWAYS}, false);
	assert_int_equal(enter(&f, 1), 0);
	for (int i = 0; i < 499; i++)
		(void)seqno_take(&f.s);
	assert_false(seqno_want(&f.s, 0, now + MS, HOLD, &want));
	for (int i = 0; i < 5; i++)
		(void)seqno_take(&f.s);
	/* 504 in 10 ms: 50 400 a second, 20 160 while a renewal may take */
	assert_true(seqno_want(&f.s, 0, now + 10 * MS, HOLD, &want));
	assert_int_equal(want.epoch, 1);
	assert_true(want.out_horizon - f.s.next >= 4 * 20160);
	assert_true(want.out_horizon - f.s.next <= 4 * 21000);
	/* not again at once, but again when nothing comes */
	while (seqno_take(&f.s))
		;
	assert_false(seqno_want(&f.s, 0, now + 11 * MS, HOLD, &want));
	assert_true(seqno_want(&f.s, 0, now + 16 * MS, HOLD, &want));
	/* granted: quiet until half of it */
	seqno_grant(&f.s, &want, &f.r);
	assert_false(seqno_want(&f.s, 0, now + 100 * MS, HOLD, &want));
}

static void seqno_wants_stay_within_floor_and_cap(void **state)
{
	struct fixture f;
	struct lease want = {0};

	(void)state;
	make(&f, (struct lease){1, 3, 0, ALWAYS}, false);
	assert_int_equal(enter(&f, 1), 0);
	(void)seqno_take(&f.s);
	assert_true(seqno_want(&f.s, 0, 100000 * MS, HOLD, &want));
	assert_int_equal(want.out_horizon, f.s.next + 2 * SEQNO_OUT_FLOOR);

	make(&f, (struct lease){1, UINT64_C(1) << 31, 0, ALWAYS}, false);
	assert_int_equal(enter(&f, 1), 0);
	f.s.next = UINT64_C(1) << 30; /* a thousand million in a second */
	f.s.next++;
	assert_true(seqno_want(&f.s, 0, 2000 * MS, HOLD, &want));
	assert_int_equal(want.out_horizon,
		f.s.next + SEQNO_CAP > f.s.limit ? f.s.next + SEQNO_CAP : f.s.limit);
}

static void seqno_publishes_received_tops(void **state)
{
	struct fixture f;
	struct lease want = {0};

	(void)state;
	make(&f, (struct lease){1, 1 << 20, 0, 512}, false);
	assert_int_equal(enter(&f, 1), 0);
	assert_false(seqno_want(&f.s, 255, 1010 * MS, HOLD, &want));
	assert_true(seqno_want(&f.s, 256, 1020 * MS, HOLD, &want));
	assert_int_equal(want.in_top, 256);
	assert_true(want.in_horizon >= 256 + 2 * SEQNO_IN_FLOOR);
	assert_true(want.out_horizon >= 1 << 20);
}

static void seqno_32_bits_end(void **state)
{
	struct fixture f;

	(void)state;
	make(&f, (struct lease){1, UINT64_C(1) << 40, 0, ALWAYS}, false);
	assert_int_equal(enter(&f, 1), 0);
	assert_false(seqno_is_old(&f.s));
	f.s.next = SEQNO_32BIT_SOFT;
	assert_true(seqno_is_old(&f.s));
	f.s.next = SEQNO_32BIT_END - 1;
	assert_int_equal(seqno_take(&f.s), UINT32_MAX);
	assert_int_equal(seqno_take(&f.s), 0);
	assert_false(seqno_is_due(&f.s, 0)); /* no lease helps */
}

static uint32_t rng = 3;

static uint32_t draw(uint32_t n)
{
	rng = rng * 1664525u + 1013904223u;
	return (rng >> 8) % n;
}

/* ---- a clone beside a worker that hangs (architecture 4): whatever grants reached the one and the
 * other, whichever epochs they were in, no number is sent by both. */

static void clone_never_meets_the_original(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 2000; round++) {
		struct lease granted = {draw(3), draw(100000), 0, UINT64_MAX};
		uint64_t epoch = granted.epoch + draw(4), top = 0, first = 0, now = 1;
		struct seqno s, c;
		struct replay r;

		replay_init(&r, 0, NULL);
		seqno_init(&s, true, false, &granted);
		assert_int_equal(seqno_enter(&s, epoch, now, &r), 0);
		for (uint32_t i = draw(4); i; i--) { /* told, and perhaps not heard yet */
			struct lease l = {epoch, s.limit + draw(5000), 0, UINT64_MAX};

			lease_add(&granted, &l);
			if (draw(2))
				seqno_grant(&s, &l, &r);
		}
		seqno_clone(&c, true, false, &granted, epoch);
		/* the original wakes up and hears the last grant after all, and uses everything */
		seqno_grant(&s, &granted, &r);
		top = s.limit;
		assert_true(s.next <= s.limit || s.next == c.next);
		/* the clone has nothing until it is granted more, in this epoch or a later one */
		assert_int_equal(seqno_enter(&c, epoch, now, &r), 0);
		assert_int_equal(seqno_take(&c), 0);
		seqno_grant(&c, &(struct lease){epoch, c.next + 1 + draw(1000), 0, UINT64_MAX}, &r);
		first = seqno_take(&c);
		assert_true(first != 0 && first >= top);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clone_never_meets_the_original),
		cmocka_unit_test(seqno_a_new_one_starts_at_one_below_its_horizon),
		cmocka_unit_test(seqno_a_successor_jumps_over_each_claim),
		cmocka_unit_test(seqno_epochs_never_share_a_number),
		cmocka_unit_test(seqno_an_older_owner_is_refused),
		cmocka_unit_test(seqno_a_late_lease_of_the_predecessor_moves_it_on),
		cmocka_unit_test(seqno_a_lease_of_the_own_epoch_does_not_forget_the_predecessor),
		cmocka_unit_test(seqno_handover_goes_on_exactly),
		cmocka_unit_test(seqno_inbound_available_and_strict),
		cmocka_unit_test(seqno_asks_at_half_and_for_enough),
		cmocka_unit_test(seqno_wants_stay_within_floor_and_cap),
		cmocka_unit_test(seqno_publishes_received_tops),
		cmocka_unit_test(seqno_32_bits_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
