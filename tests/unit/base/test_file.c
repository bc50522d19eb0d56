/*
 * Octets that do not fit in one call.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { MANY = 1 << 20 }; /* more than a pipe holds */

struct sink {
	int fd;
	size_t n;
	uint8_t sum;
};

static void *drain(void *arg)
{
	struct sink *s = arg;
	uint8_t room[1000];
	ssize_t n;

	while ((n = read(s->fd, room, sizeof room)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			s->sum = (uint8_t)(s->sum * 31 + room[i]);
		s->n += (size_t)n;
	}
	return NULL;
}

static void all_of_it_arrives(void **state)
{
	uint8_t *many = malloc(MANY), sum = 0;
	struct sink s = {.n = 0};
	pthread_t reader;
	int ends[2];

	(void)state;
	assert_non_null(many);
	for (size_t i = 0; i < MANY; i++) {
		many[i] = (uint8_t)(i * 7 >> 3);
		sum = (uint8_t)(sum * 31 + many[i]);
	}
	assert_int_equal(pipe(ends), 0);
	s.fd = ends[0];
	assert_int_equal(pthread_create(&reader, NULL, drain, &s), 0);
	assert_int_equal(file_write(ends[1], view_of(many, MANY)), 0);
	assert_int_equal(file_write(ends[1], (struct view){0}), 0);
	(void)close(ends[1]);
	(void)pthread_join(reader, NULL);
	assert_int_equal(s.n, MANY);
	assert_int_equal(s.sum, sum);
	(void)close(ends[0]);
	free(many);
}

static void what_is_not_open_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(file_write(-1, view_of_literal("x")), -ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_arrives),
		cmocka_unit_test(what_is_not_open_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
