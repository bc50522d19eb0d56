/* What is held back, and for how long. Twin of: logger.c */
#include "host_case.h"

#include <unistd.h>

#include "host/logger.h"

enum { TEXT_MAX = 1 << 18 };

struct logger_case {
	struct logger l;
	struct log_ctx ctx;
	char text[TEXT_MAX];
};

static struct logger_case *begin(const char *path, enum log_level max)
{
	struct logger_case *t = calloc(1, sizeof *t);

	assert_non_null(t);
	assert_int_equal(logger_open(&t->l, path, max), 0);
	t->ctx.sink = &t->l.sink;
	return t;
}

/* What is in the file now. */
static const char *text_of(struct logger_case *t, const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(t->text, 1, TEXT_MAX - 1, f);
	t->text[n] = '\0';
	(void)fclose(f);
	return t->text;
}

static void end(struct logger_case *t)
{
	logger_close(&t->l);
	free(t);
}

static void info_is_written_together(void **state)
{
	const struct host_case *h = *state;
	struct logger_case *t = begin(h->path, LOG_LEVEL_INFO);
	const char *one, *two;

	log_info(&t->ctx, "test.one", "n=1");
	log_info(&t->ctx, "test.two", "n=2");
	assert_string_equal(text_of(t, h->path), "");
	log_flush(&t->ctx);
	one = strstr(text_of(t, h->path), "Z info test.one n=1\n");
	two = strstr(t->text, "Z info test.two n=2\n");
	assert_true(one && two && one < two);
	log_flush(&t->ctx); /* nothing twice */
	assert_null(strstr(strstr(text_of(t, h->path), "test.two") + 1, "test."));
	end(t);
}

static void what_is_graver_waits_for_nothing(void **state)
{
	const struct host_case *h = *state;
	struct logger_case *t = begin(h->path, LOG_LEVEL_INFO);
	const char *one, *two;

	log_info(&t->ctx, "test.one", "-");
	log_notice(&t->ctx, "test.two", "-");
	one = strstr(text_of(t, h->path), "test.one");
	two = strstr(t->text, "test.two");
	assert_true(one && two && one < two);
	log_info(&t->ctx, "test.three", "-");
	assert_null(strstr(text_of(t, h->path), "test.three"));
	log_err(&t->ctx, "test.four", "-");
	assert_non_null(strstr(text_of(t, h->path), "test.three"));
	end(t);
}

static void nothing_waits_while_debugging(void **state)
{
	const struct host_case *h = *state;
	struct logger_case *t = begin(h->path, LOG_LEVEL_DEBUG);

	log_info(&t->ctx, "test.one", "-");
	assert_non_null(strstr(text_of(t, h->path), "test.one"));
	log_debug(&t->ctx, "test.two", "-");
	assert_non_null(strstr(text_of(t, h->path), "test.two"));
	end(t);
}

/* More than there is room for, and lines that are too long: all there, in order, each of one line.
 */
static void no_line_is_lost(void **state)
{
	enum { LINES = 100 };
	const struct host_case *h = *state;
	struct logger_case *t = begin(h->path, LOG_LEVEL_INFO);
	char fill[1001], event[16];
	const char *at;
	int n = 0;

	memset(fill, 'x', sizeof fill - 1);
	fill[sizeof fill - 1] = '\0';
	for (int i = 0; i < LINES; i++) {
		(void)snprintf(event, sizeof event, "test.%d", i);
		log_info(&t->ctx, event, "%s", fill);
	}
	memset(t->text, 'y', 3000); /* as a sink it is given more than a line */
	t->text[3000] = '\0';
	t->l.sink.line(t->l.sink.ctx, LOG_LEVEL_INFO, "test.long", t->text);
	log_flush(&t->ctx);
	at = text_of(t, h->path);
	for (; *at != '\0'; n++) {
		const char *line_end = strchr(at, '\n');

		assert_non_null(line_end);
		assert_true(line_end - at < LOGGER_LINE_MAX);
		(void)snprintf(event, sizeof event, n == LINES ? "test.long" : "test.%d", n);
		assert_true(strstr(at, event) != NULL && strstr(at, event) < line_end);
		at = line_end + 1;
	}
	assert_int_equal(n, LINES + 1);
	end(t);
}

static void a_new_file_gets_none_of_the_old_ones(void **state)
{
	const struct host_case *h = *state;
	struct logger_case *t = begin(h->path, LOG_LEVEL_INFO);
	char moved[128];

	log_info(&t->ctx, "test.old", "-");
	(void)snprintf(moved, sizeof moved, "%s.1", h->path);
	assert_int_equal(rename(h->path, moved), 0);
	assert_int_equal(logger_reopen(&t->l, h->path), 0);
	log_info(&t->ctx, "test.new", "-");
	log_flush(&t->ctx);
	assert_non_null(strstr(text_of(t, moved), "test.old"));
	assert_null(strstr(t->text, "test.new"));
	assert_non_null(strstr(text_of(t, h->path), "test.new"));
	assert_null(strstr(t->text, "test.old"));
	end(t);
}

static void closing_writes_the_rest(void **state)
{
	const struct host_case *h = *state;
	struct logger_case *t = begin(h->path, LOG_LEVEL_INFO);

	log_info(&t->ctx, "test.last", "-");
	logger_close(&t->l);
	assert_non_null(strstr(text_of(t, h->path), "test.last"));
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(info_is_written_together),
		host_test(what_is_graver_waits_for_nothing),
		host_test(nothing_waits_while_debugging),
		host_test(no_line_is_lost),
		host_test(a_new_file_gets_none_of_the_old_ones),
		host_test(closing_writes_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
