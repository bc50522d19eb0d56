/*
 * PKT-012: every packet that is not sent has a counter of its own, and that one alone moves.
 * A counter without a case fails, so that none is added without the packet that raises it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "drops.h"

void aim(struct shot *s)
{
	(void)way_drain(s->y);
	memcpy(s->was, s->y->w->stats, sizeof s->was);
	s->aimed = true;
}

void fire_packet(struct shot *s, struct pkt *p)
{
	aim(s);
	worker_burst(s->y->w, &p, 1);
}

void fire(struct shot *s, uint16_t port, const void *frame, size_t n)
{
	aim(s);
	way_receive(s->y, port, way_packet(frame, n, 64));
}

struct ip_frame frame_to_us(uint8_t proto, size_t n)
{
	struct ip_frame x = {.n = 34 + n};

	(void)way_headers(x.f, (uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT, proto, n);
	return x;
}

struct ip_frame frame_to_far(size_t n)
{
	struct ip_frame x = {.n = 34 + n};

	(void)way_headers(x.f, WAY_HOST, WAY_FAR, IP_UDP, n);
	return x;
}

void frame_sum(struct ip_frame *x)
{
	uint8_t *p = x->f + 14;

	store_be16(p + IP4_AT_SUM, 0);
	store_be16(p + IP4_AT_SUM, sum_done(sum_add(0, view_of(p, IP4_HDR))));
}

void fire_frame(struct shot *s, uint16_t port, const struct ip_frame *x)
{
	fire(s, port, x->f, x->n);
}

static bool is_drop(enum counter c)
{
	return strncmp(stat_name(c), "drop.", 5) == 0;
}

static void check(const struct shot *s, const struct drop_case *c)
{
	if (!s->aimed)
		fail_msg("%s: nothing was shot", c->what);
	for (enum counter k = 0; k < STAT_COUNT; k++) {
		uint64_t by = s->y->w->stats[k] - s->was[k];

		if (is_drop(k) && by != (k == c->counter))
			fail_msg("%s: %s moved by %lu, wanted %s", c->what, stat_name(k),
				(unsigned long)by, stat_name(c->counter));
	}
}

static void run_cases(struct drop_cases cases)
{
	for (size_t i = 0; i < cases.n; i++) {
		struct shot s = {.y = way_new(0)};

		cases.v[i].run(&s);
		check(&s, &cases.v[i]);
		way_free(s.y);
		if (way_alive() != 0)
			fail_msg("%s: %u packets leaked", cases.v[i].what, way_alive());
	}
}

static void drops_on_the_wire(void **state)
{
	(void)state;
	run_cases(drops_wire());
}

static void drops_of_what_is_for_us(void **state)
{
	(void)state;
	run_cases(drops_local());
}

static void drops_around_esp(void **state)
{
	(void)state;
	run_cases(drops_esp());
}

static void drops_around_ah(void **state)
{
	(void)state;
	run_cases(drops_ah());
}

static void drops_of_ipv6(void **state)
{
	(void)state;
	run_cases(drops_ip6());
}

static void drops_of_roles_and_neighbours(void **state)
{
	(void)state;
	run_cases(drops_rg());
}

static void drops_of_workers(void **state)
{
	(void)state;
	run_cases(drops_workers());
}

static bool has_case(struct drop_cases cases, enum counter c)
{
	for (size_t i = 0; i < cases.n; i++)
		if (cases.v[i].counter == c)
			return true;
	return false;
}

static void drops_have_a_case_each(void **state)
{
	(void)state;
	for (enum counter c = 0; c < STAT_COUNT; c++) {
		bool cased = has_case(drops_wire(), c) || has_case(drops_local(), c) ||
			     has_case(drops_esp(), c) || has_case(drops_ah(), c) ||
			     has_case(drops_rg(), c) || has_case(drops_workers(), c) ||
			     has_case(drops_ip6(), c);

		if (is_drop(c) && !cased)
			fail_msg("%s has no case in drops_*.c", stat_name(c));
	}
}

static void drops_have_names_of_their_own(void **state)
{
	(void)state;
	for (enum counter a = 0; a < STAT_COUNT; a++)
		for (enum counter b = 0; b < a; b++)
			assert_string_not_equal(stat_name(a), stat_name(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drops_on_the_wire),
		cmocka_unit_test(drops_of_what_is_for_us),
		cmocka_unit_test(drops_around_esp),
		cmocka_unit_test(drops_around_ah),
		cmocka_unit_test(drops_of_ipv6),
		cmocka_unit_test(drops_of_roles_and_neighbours),
		cmocka_unit_test(drops_of_workers),
		cmocka_unit_test(drops_have_a_case_each),
		cmocka_unit_test(drops_have_names_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
