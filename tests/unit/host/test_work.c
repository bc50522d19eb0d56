#include "host_case.h"

#include <ctype.h>

#include "host/work.h"

/* Work that writes its letter down; a capital one where it was dropped. */
struct letter {
	struct work work;
	struct work_queue *q;
	char c;
	const char *then; /* letters to post while it runs */
	bool drains;	  /* and drain, which must do nothing here */
};

static char written[32];

static void post(struct work_queue *q, char c, const char *then, bool drains);

static void run(struct daemon *d, struct work *w, bool drop)
{
	struct letter *l = container_of(w, struct letter, work);
	size_t n = strlen(written);

	assert_ptr_equal(d, written);
	written[n] = l->c;
	if (drop)
		written[n] = (char)toupper(l->c);
	for (const char *t = l->then; *t; t++)
		post(l->q, *t, "", false);
	if (l->drains)
		work_drain(l->q, d);
	assert_int_equal(strlen(written), n + 1); /* nothing ran inside of this */
	free(l);
}

static void post(struct work_queue *q, char c, const char *then, bool drains)
{
	struct letter *l = calloc(1, sizeof *l);

	assert_non_null(l);
	*l = (struct letter){.work = {.run = run}, .q = q, .c = c, .then = then, .drains = drains};
	work_post(q, &l->work);
}

static int begin(void **state)
{
	(void)state;
	memset(written, 0, sizeof written);
	return 0;
}

static struct daemon *daemon_of_test(void)
{
	return (struct daemon *)(void *)written; /* only handed through */
}

static void work_runs_in_order_and_once(void **state)
{
	struct work_queue q;

	(void)state;
	work_init(&q);
	work_drain(&q, daemon_of_test());
	post(&q, 'a', "", false);
	post(&q, 'b', "", false);
	assert_string_equal(written, "");
	work_drain(&q, daemon_of_test());
	work_drain(&q, daemon_of_test());
	assert_string_equal(written, "ab");
}

static void work_posted_while_running_runs_after(void **state)
{
	struct work_queue q;

	(void)state;
	work_init(&q);
	post(&q, 'a', "xy", true);
	post(&q, 'b', "z", true);
	work_drain(&q, daemon_of_test());
	assert_string_equal(written, "abxyz");
}

static void work_left_over_is_dropped(void **state)
{
	struct work_queue q;

	(void)state;
	work_init(&q);
	post(&q, 'a', "x", false);
	post(&q, 'b', "", true);
	work_fini(&q, daemon_of_test());
	work_fini(&q, daemon_of_test());
	assert_string_equal(written, "ABX");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(work_runs_in_order_and_once, begin),
		cmocka_unit_test_setup(work_posted_while_running_runs_after, begin),
		cmocka_unit_test_setup(work_left_over_is_dropped, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
