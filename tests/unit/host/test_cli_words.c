#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cli/pipe.h"
#include "cli/request.h"

/* Parses a line; the text of the error, or NULL. */
static const char *parse(const char *line, struct command *c, struct words_error *e)
{
	static struct words w;

	assert_int_equal(words_split(line, &w), 0);
	return words_parse(&w, c, e) < 0 ? e->text : NULL;
}

static void words_accept_table(void **state)
{
	static const struct {
		const char *line;
		enum action action;
	} cases[] = {
		{"show security ike security-associations", ACTION_SHOW_IKE},
		{"sh sec ik se", ACTION_SHOW_IKE},
		{"show security ipsec security-associations detail", ACTION_SHOW_IPSEC},
		{"show security ipsec statistics", ACTION_SHOW_IPSEC_STATISTICS},
		{"show security ipsec inactive-tunnels detail", ACTION_SHOW_INACTIVE},
		{"sh sec ike st", ACTION_SHOW_IKE_STATISTICS},
		{"show chassis cluster status", ACTION_SHOW_CLUSTER},
		{"show security ha replication", ACTION_SHOW_REPLICATION},
		{"show version", ACTION_SHOW_VERSION},
		{"show conf", ACTION_SHOW_CONFIGURATION},
		{"clear security ike security-associations", ACTION_CLEAR_IKE},
		{"clear security ipsec security-associations vpn-name v", ACTION_CLEAR_IPSEC},
		{"cle sec ips sta", ACTION_CLEAR_IPSEC_STATISTICS},
		{"request chassis cluster failover redundancy-group 1 node 0", ACTION_FAILOVER},
		{"request chassis cluster failover reset redundancy-group 1",
			ACTION_FAILOVER_RESET},
		{"request chassis cluster force-restore", ACTION_FORCE_RESTORE},
		{"request security ike rekey gateway g", ACTION_REKEY_IKE},
		{"request security ipsec rekey", ACTION_REKEY_IPSEC},
		{"request security ike pre-shared-key gateway g peer-ike-id a.example",
			ACTION_SEEDED_KEY},
		{"request system configuration reload check", ACTION_RELOAD},
		{"show version | match x", ACTION_SHOW_VERSION},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct words_error e;
		struct command c;
		const char *said = parse(cases[i].line, &c, &e);

		if (said || c.action != cases[i].action)
			fail_msg("%s: %s", cases[i].line, said ? said : "other action");
	}
}

static void words_refuse_table(void **state)
{
	static const struct {
		const char *line;
		size_t at;
		const char *text;
	} cases[] = {
		{"shwo version", 0, "syntax error."},
		{"show", 4, "syntax error, expecting <command>."},
		{"show secrity", 5, "syntax error."},
		{"show security i", 14, "'i' is ambiguous."},
		{"show security", 13, "syntax error, expecting <command>."},
		{"show version now", 13, "syntax error."},
		{"show security ike security-associations index", 45,
			"syntax error, expecting a value."},
		{"show security ike security-associations index 0", 46,
			"value 0 is not within range (1..4294967295)"},
		{"show security ike security-associations index x", 46, "syntax error."},
		{"show security ike security-associations detail detail", 47, "syntax error."},
		{"show security ike security-associations 192.0.2", 40, "syntax error."},
		{"show security ike security-associations family ipx", 47, "syntax error."},
		{"show security ike security-associations f", 40, "'f' is ambiguous."},
		{"request chassis cluster failover node 1", 39,
			"syntax error, 'redundancy-group' is missing."},
		{"request chassis cluster failover redundancy-group 129 node 1", 50,
			"value 129 is not within range (0..128)"},
		{"request chassis cluster failover re 1", 33, "'re' is ambiguous."},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct words_error e = {0};
		struct command c;
		const char *said = parse(cases[i].line, &c, &e);

		if (!said || strcmp(said, cases[i].text) != 0 || e.at != cases[i].at)
			fail_msg("%s: %zu %s", cases[i].line, e.at, said ? said : "accepted");
	}
}

static void words_fill_requests(void **state)
{
	struct words_error e;
	struct request r;
	struct command c;

	(void)state;
	assert_null(parse("show security ike security-associations detail 192.0.2.7 family inet "
			  "index 4711",
		&c, &e));
	request_fill(&r, &c, false);
	assert_int_equal(r.request.command_case, CTL__REQUEST__COMMAND_SHOW_IKE);
	assert_true(r.request.show_ike->detail);
	assert_int_equal(r.request.show_ike->filter->index, 4711);
	assert_int_equal(r.request.show_ike->filter->family, CTL__FAMILY__FAMILY_INET);
	assert_int_equal(r.request.show_ike->filter->peer.len, 4);
	assert_int_equal(r.request.show_ike->filter->peer.data[3], 7);
	assert_null(parse("request chassis cluster failover node 1 redundancy-group 2", &c, &e));
	request_fill(&r, &c, false);
	assert_int_equal(r.request.failover->group, 2);
	assert_int_equal(r.request.failover->node, 1);
	assert_null(parse("clear security ipsec security-associations vpn-name v "
			  "traffic-selector \"t 1\"",
		&c, &e));
	request_fill(&r, &c, false);
	assert_string_equal(r.request.clear_ipsec->filter->vpn, "v");
	assert_string_equal(r.request.clear_ipsec->filter->selector, "t 1");
	assert_null(parse("show configuration", &c, &e));
	request_fill(&r, &c, true);
	assert_true(r.request.show_configuration->set_form);
	assert_null(parse("show chassis cluster status redundancy-group 0", &c, &e));
	request_fill(&r, &c, false);
	assert_true(r.request.show_cluster->one_group);
	assert_null(parse("request security ike rekey reauthenticate", &c, &e));
	request_fill(&r, &c, false);
	assert_true(r.request.rekey_ike->reauthenticate);
	assert_null(parse("request security ike pre-shared-key gateway g peer-ike-id a@b", &c, &e));
	request_fill(&r, &c, false);
	assert_string_equal(r.request.seeded_key->gateway, "g");
	assert_string_equal(r.request.seeded_key->peer_id, "a@b");
	assert_non_null(parse("request security ike pre-shared-key gateway g", &c, &e));
}

static void words_are_bounded(void **state)
{
	static char line[8192];
	struct words w;

	(void)state;
	memset(line, 'a', sizeof line - 1);
	assert_int_equal(words_split(line, &w), -ERR_LIMIT);
	for (size_t i = 1; i < 2 * WORDS_MAX + 2; i += 2)
		line[i] = ' ';
	line[2 * WORDS_MAX + 2] = '\0';
	assert_int_equal(words_split(line, &w), -ERR_LIMIT);
}

static const char sample[] = "alpha one\nbeta two\ngamma one\ndelta\n";

/* What the pipes leave of the sample, or the error's text. */
static char *pipe_through(const char *line)
{
	struct words_error e = {0};
	struct words w;
	struct pipes p;
	char *text = NULL;
	size_t n = 0;
	FILE *f;

	assert_int_equal(words_split(line, &w), 0);
	if (pipes_parse(&w, &p, &e) < 0)
		return strdup(e.text);
	f = open_memstream(&text, &n);
	assert_non_null(f);
	if (pipes_run(&p, sample, sizeof sample - 1, f) < 0)
		(void)fputs("failed", f);
	(void)fclose(f);
	return text;
}

static void pipe_table(void **state)
{
	static const struct {
		const char *line, *left;
	} cases[] = {
		{"x | match one", "alpha one\ngamma one\n"},
		{"x | match ONE", "alpha one\ngamma one\n"},
		{"x | except one", "beta two\ndelta\n"},
		{"x | match \"a o|two\"", "alpha one\nbeta two\ngamma one\n"},
		{"x | count", "Count: 4 lines\n"},
		{"x | match one | count", "Count: 2 lines\n"},
		{"x|match one|last 1", "gamma one\n"},
		{"x | last", "alpha one\nbeta two\ngamma one\ndelta\n"},
		{"x | last 0", ""},
		{"x | no-more", "alpha one\nbeta two\ngamma one\ndelta\n"},
		{"x | match ^d", "delta\n"},
		{"x | match a$", "delta\n"},
		{"x | match nothing", ""},
		{"x | match [", "failed"},
		{"x |", "syntax error, expecting <command>."},
		{"x | | count", "syntax error, expecting <command>."},
		{"x | frobnicate", "syntax error."},
		{"x | match", "syntax error, expecting an argument."},
		{"x | display xml", "syntax error."},
		{"x | count now", "syntax error."},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *left = pipe_through(cases[i].line);

		if (strcmp(left, cases[i].left) != 0)
			fail_msg("%s: %s", cases[i].line, left);
		free(left);
	}
}

static void pipe_display(void **state)
{
	struct words_error e;
	struct words w;
	struct pipes p;

	(void)state;
	assert_int_equal(words_split("x | display json | no-more", &w), 0);
	assert_int_equal(pipes_parse(&w, &p, &e), 0);
	assert_true(p.json);
	assert_false(p.set);
	assert_int_equal(p.n, 0);
	assert_int_equal(words_split("x | d s", &w), 0);
	assert_int_equal(pipes_parse(&w, &p, &e), 0);
	assert_true(p.set);
}

/* CLI-010: what may come next, each word once and in the order of the alphabet. */
static void every_completion_is_said_once(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{"?", "clear request show "},
		{"show ?", "chassis configuration interfaces route security version "},
		{"show security ?", "ha ike ipsec monitoring pki "},
		{"clear security ?", "ike ipsec pki "},
		{"request chassis cluster ?", "failover force-restore "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct words_error e;
		struct words w;
		char got[512] = "", word[64];
		char *text = NULL, *at;
		size_t n;
		FILE *f = open_memstream(&text, &n);

		assert_int_equal(words_split(cases[i].line, &w), 0);
		assert_true(words_help(&w, f, &e));
		(void)fclose(f);
		at = strchr(text, '\n') + 1;
		for (; *at; at = strchr(at, '\n') + 1) {
			assert_int_equal(sscanf(at, "%63s", word), 1);
			(void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s ", word);
		}
		free(text);
		assert_string_equal(got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_accept_table),
		cmocka_unit_test(words_refuse_table),
		cmocka_unit_test(words_fill_requests),
		cmocka_unit_test(words_are_bounded),
		cmocka_unit_test(pipe_table),
		cmocka_unit_test(pipe_display),
		cmocka_unit_test(every_completion_is_said_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
