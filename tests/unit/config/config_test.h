#pragma once
/*
 * What the tests of configuration share: reading a text, a file of tests/unit/config/data, and
 * comparing what was complained about.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/config.h"
#include "config/parse.h"
#include "config/print.h"

/* A good configuration as `set` lines, in parts: how the peer is authenticated comes on top. */
#define TEST_TUNNEL                                                                                \
	"set interfaces ge-0/0/0 dpdk-device net_null0\n"                                          \
	"set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1/30\n"                        \
	"set interfaces st0 unit 1 family inet\n"                                                  \
	"set interfaces st0 unit 2 family inet\n"                                                  \
	"set security ike proposal p dh-group group19 encryption-algorithm aes-128-gcm\n"          \
	"set security ike policy pol proposals p\n"                                                \
	"set security ike gateway g ike-policy pol\n"                                              \
	"set security ike gateway g address 198.51.100.2\n"                                        \
	"set security ike gateway g external-interface ge-0/0/0.0\n"                               \
	"set security ike gateway g version v2-only\n"                                             \
	"set security ipsec proposal e encryption-algorithm aes-128-gcm\n"                         \
	"set security ipsec policy epol proposals e\n"                                             \
	"set security ipsec vpn v bind-interface st0.1\n"                                          \
	"set security ipsec vpn v ike gateway g\n"                                                 \
	"set security ipsec vpn v ike ipsec-policy epol\n"
#define TEST_PSK "set security ike policy pol pre-shared-key ascii-text long-enough-key\n"

/* The file's text; fails the test when it cannot be read. Owned by the caller. */
static inline struct blob test_file(const char *name)
{
	auto_complaints c = {0};
	struct blob text = {0};
	char path[512];

	(void)snprintf(path, sizeof path, "%s/%s", getenv("CONFIG_TEST_DATA"), name);
	if (config_read_file(path, &text, &c) < 0)
		fail_msg("cannot read %s", path);
	return text;
}

/* All that was complained about, as it is printed; owned by the caller. */
static inline char *test_complaints(const struct complaints *c)
{
	struct blob text = {0};
	char *s;

	assert_int_equal(complaints_text(c, &text), 0);
	s = malloc(text.n + 1);
	assert_non_null(s);
	if (text.n)
		memcpy(s, text.p, text.n);
	s[text.n] = '\0';
	blob_fini(&text);
	return s;
}

/* The model of a text that must be good (warnings are allowed). */
static inline struct model *test_model(const char *text, int node)
{
	auto_complaints c = {0};
	struct model *m = NULL;

	if (config_load(view_of_text(text), node, &m, &c) < 0) {
		char *said = test_complaints(&c);

		fail_msg("%s\n--\n%s", text, said);
	}
	return m;
}

/* A tree in an arena of its own; the text must parse. */
struct test_tree {
	struct arena *arena;
	struct tree t;
};

static inline struct test_tree test_parse(struct view text)
{
	struct test_tree tt = {.arena = arena_new((size_t)1 << 26)};
	auto_complaints c = {0};

	assert_non_null(tt.arena);
	assert_int_equal(tree_init(&tt.t, tt.arena, schema_new(tt.arena)), 0);
	if (parse_text(&tt.t, text, &c) < 0) {
		char *said = test_complaints(&c);

		fail_msg("%.*s\n--\n%s", (int)text.n, (const char *)text.p, said);
	}
	return tt;
}

static inline bool test_trees_equal(const struct test_tree *a, const struct test_tree *b)
{
	return tree_equal(&a->t, a->t.root, &b->t, b->t.root);
}

static inline void test_tree_fini(struct test_tree *t)
{
	arena_free(t->arena);
}

struct check {
	const char *name, *lines;
	const char *said; /* without line numbers; one complaint is enough */
	bool warning;
};

/* "(line 17)" says nothing to a table. */
static inline void test_strip_lines(char *s)
{
	char *to = s;

	while (*s != '\0') {
		if (strncmp(s, " (line ", 7) == 0)
			s += strcspn(s, ")") + 1;
		else
			*to++ = *s++;
	}
	*to = '\0';
}

/* The case's lines behind two texts that are good. */
static inline void test_check(const char *base, const char *head, int node, const struct check *k)
{
	auto_complaints c = {0};
	auto_model m = NULL;
	char text[8192];
	char *said;
	int rc;

	(void)snprintf(text, sizeof text, "%s%s%s", base, head, k->lines);
	rc = config_load(view_of_text(text), node, &m, &c);
	said = test_complaints(&c);
	test_strip_lines(said);
	if ((rc == 0) != k->warning || !strstr(said, k->said))
		fail_msg("%s: rc %d, said\n%s", k->name, rc, said);
	if (!k->warning && !strstr(said, "\nerror: configuration check-out failed\n"))
		fail_msg("%s: no closing line", k->name);
	free(said);
}
