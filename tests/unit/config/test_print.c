#include "config_test.h"

/* Printing is canonical: the examples come out as the reference writes them, but for the keys. */
static void print_examples(void **state)
{
	static const char *const names[] = {"site-to-site", "cluster", "certificates"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char curly_name[64], set_name[64];

		(void)snprintf(curly_name, sizeof curly_name, "%s.conf", names[i]);
		(void)snprintf(set_name, sizeof set_name, "%s.set", names[i]);
		auto_blob curly = test_file(curly_name), set = test_file(set_name);
		auto_blob a = {0}, b = {0}, from_set = {0}, from_curly = {0};
		auto_complaints c = {0};

		/* Both by way of the other form; the second reading removes the clear keys. */
		assert_int_equal(config_format(blob_view(&set), CONFIG_CURLY, CONFIG_SECRETS_9,
					 &from_set, &c),
			0);
		assert_int_equal(
			config_format(blob_view(&curly), CONFIG_CURLY, CONFIG_SECRETS_9, &a, &c),
			0);
		assert_true(view_equal(blob_view(&a), blob_view(&from_set)));
		assert_int_equal(config_format(blob_view(&curly), CONFIG_SET, CONFIG_SECRETS_9,
					 &from_curly, &c),
			0);
		assert_int_equal(
			config_format(blob_view(&set), CONFIG_SET, CONFIG_SECRETS_9, &b, &c), 0);
		assert_true(view_equal(blob_view(&b), blob_view(&from_curly)));
	}
}

/* PRP-015: a description is shown back, whatever is in it. */
static void print_layout(void **state)
{
	static const char text[] =
		"set security ike policy p pre-shared-key ascii-text hello-hello-1\n"
		"set security ike policy p description \"a \\\"b\\\" c\"\n"
		"set interfaces st0 unit 1 family inet\n"
		"set interfaces st0 unit 1 family inet6 address 2001:db8::1/64\n"
		"set chassis cluster redundancy-group 1 node 0 priority 200\n"
		"set chassis cluster redundancy-group 1 preempt\n"
		"set routing-options static route 10.0.0.0/8 next-hop st0.1\n"
		"set groups g system host-name x\n"
		"set apply-groups [ g \"${node}\" ]\n"
		"deactivate security ike policy p description\n";
	static const char want[] = "groups {\n"
				   "    g {\n"
				   "        system {\n"
				   "            host-name x;\n"
				   "        }\n"
				   "    }\n"
				   "}\n"
				   "apply-groups [ g \"${node}\" ];\n"
				   "chassis {\n"
				   "    cluster {\n"
				   "        redundancy-group 1 {\n"
				   "            node 0 priority 200;\n"
				   "            preempt;\n"
				   "        }\n"
				   "    }\n"
				   "}\n"
				   "interfaces {\n"
				   "    st0 {\n"
				   "        unit 1 {\n"
				   "            family inet;\n"
				   "            family inet6 {\n"
				   "                address 2001:db8::1/64;\n"
				   "            }\n"
				   "        }\n"
				   "    }\n"
				   "}\n"
				   "routing-options {\n"
				   "    static {\n"
				   "        route 10.0.0.0/8 next-hop st0.1;\n"
				   "    }\n"
				   "}\n"
				   "security {\n"
				   "    ike {\n"
				   "        policy p {\n"
				   "            inactive: description \"a \\\"b\\\" c\";\n"
				   "            pre-shared-key ascii-text /* SECRET-DATA */; "
				   "## SECRET-DATA\n"
				   "        }\n"
				   "    }\n"
				   "}\n";
	auto_blob got = {0};
	auto_complaints c = {0};

	(void)state;
	assert_int_equal(
		config_format(view_of_text(text), CONFIG_CURLY, CONFIG_SECRETS_MASKED, &got, &c),
		0);
	if (!view_equal(blob_view(&got), view_of_text(want)))
		fail_msg("got\n%.*s", (int)got.n, (char *)got.p);
}

static void print_keeps_comments(void **state)
{
	static const char text[] = "/* the one at home */\n"
				   "system {\n"
				   "    /* a\n     * b */\n"
				   "    host-name x;\n"
				   "}\n";
	auto_blob got = {0};
	auto_complaints c = {0};

	(void)state;
	assert_int_equal(
		config_format(view_of_text(text), CONFIG_CURLY, CONFIG_SECRETS_9, &got, &c), 0);
	assert_true(view_equal(blob_view(&got), view_of_text(text)));
}

/* ---- property: any tree that the schema allows survives both forms */

struct maker {
	uint64_t seed;
	struct tree *t;
};

static uint32_t draw(struct maker *m, uint32_t below)
{
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(m->seed >> 33) % below;
}

static const char *made_text(struct maker *m, uint64_t lo, uint64_t hi, const char *set)
{
	char text[64];
	size_t n = (size_t)lo + draw(m, (uint32_t)MIN(hi - lo + 1, (uint64_t)20));

	n = MIN(n, sizeof text - 1);
	for (size_t i = 0; i < n; i++)
		text[i] = set[draw(m, (uint32_t)strlen(set))];
	return arena_text(m->t->arena, view_of(text, n));
}

static const char *made_word(struct maker *m, const char *words)
{
	char copy[512];
	const char *w[64];
	uint32_t n = 0;

	(void)snprintf(copy, sizeof copy, "%s", words);
	for (char *at = strtok(copy, " "); at && n < 64; at = strtok(NULL, " "))
		if (!strchr(at, '='))
			w[n++] = at;
	return arena_text(m->t->arena, view_of_text(w[draw(m, n)]));
}

static const char *made_value(struct maker *m, const struct schema_row *row)
{
	struct arena *a = m->t->arena;
	bool v6 = row->lo == 6 || (row->lo != 4 && draw(m, 2));

	switch ((unsigned)row->type) {
	case SCHEMA_ENUM:
		return made_word(m, row->words);
	case SCHEMA_UINT:
		return arena_format(a, "%llu",
			(unsigned long long)(row->lo +
					     draw(m, (uint32_t)MIN(row->hi - row->lo + 1, 50ull))));
	case SCHEMA_TEXT:
		return made_text(m, row->lo, row->hi, "aB3 \"\\/*{};#[]$9'<>:\xc3\xa4");
	case SCHEMA_NAME:
		return made_text(m, row->lo, row->hi, "abcXYZ019._:/@-");
	case SCHEMA_HEX:
		return arena_format(a, "%02x%02x", draw(m, 256), draw(m, 256));
	case SCHEMA_IPV6:
		return arena_format(a, "2001:db8::%x", draw(m, 65536));
	case SCHEMA_PREFIX:
		return v6 ? arena_format(a, "2001:db8:%x::/%u", draw(m, 65536), 48 + draw(m, 81))
			  : arena_format(a, "10.%u.0.0/%u", draw(m, 256), 16 + draw(m, 17));
	case SCHEMA_PORTNAME:
		return arena_format(a, "ge-0/%u/%u", draw(m, 3), draw(m, 20));
	case SCHEMA_UNIT:
		return arena_format(a, "reth%u.%u", draw(m, 128), draw(m, 1000));
	case SCHEMA_MAC:
		return arena_format(a, "02:00:00:00:00:%02x", draw(m, 256));
	case SCHEMA_PORTS:
		return arena_format(a, "%u-%u", draw(m, 100), 100 + draw(m, 100));
	case SCHEMA_PROTOCOL:
		return draw(m, 2) ? "tcp" : "89";
	default:
		return arena_format(a, "192.0.2.%u", draw(m, 256));
	}
}

static void make_children(struct maker *m, struct node *at, unsigned depth);

static void make_statement(struct maker *m, struct node *at, const struct schema *s, unsigned depth)
{
	struct node *n = tree_add(m->t, at, s, s->word, false);
	uint32_t several = 1 + (schema_has(s, SCHEMA_MULTI | SCHEMA_LIST) ? draw(m, 3) : 0);

	assert_non_null(n);
	if (strcmp(s->word, "groups") == 0 && depth > 1)
		return;
	if (!schema_is_list(s) && !schema_is_leaf(s)) {
		make_children(m, n, depth + 1);
	} else {
		while (several-- > 0 && (schema_has(s, SCHEMA_MULTI | SCHEMA_LIST) || !n->first)) {
			struct node *v = tree_add(m->t, n, s, made_value(m, s->row), true);

			assert_non_null(v);
			if (schema_is_list(s))
				make_children(m, v, depth + 1);
			if (schema_is_list(s) && draw(m, 8) == 0)
				v->inactive = true;
		}
	}
	if (!schema_is_list(s) && draw(m, 8) == 0)
		n->inactive = true;
}

static void make_children(struct maker *m, struct node *at, unsigned depth)
{
	for (const struct schema *s = at->schema->first; s; s = s->next)
		if (draw(m, 3) == 0 && strncmp(s->word, "apply-", 6) != 0)
			make_statement(m, at, s, depth);
	/* A container that has no meaning alone is never empty in a text. */
	if (!at->first && !at->is_name && !at->schema->row && at->schema->first)
		make_statement(m, at, at->schema->first, depth);
}

static void check_forms(uint64_t seed)
{
	struct test_tree made = {.arena = arena_new((size_t)1 << 26)};
	struct maker m = {.seed = seed, .t = &made.t};

	static const enum config_form forms[] = {CONFIG_CURLY, CONFIG_SET};

	assert_int_equal(tree_init(&made.t, made.arena, schema_new(made.arena)), 0);
	make_children(&m, made.t.root, 0);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		auto_blob text = {0}, again = {0};
		struct test_tree got;

		assert_int_equal(print_tree(&made.t, forms[i], CONFIG_SECRETS_9, &text), 0);
		got = test_parse(blob_view(&text));
		if (!test_trees_equal(&made, &got))
			fail_msg("seed %llu form %zu:\n%.*s", (unsigned long long)seed, i,
				(int)text.n, (char *)text.p);
		assert_int_equal(print_tree(&got.t, forms[i], CONFIG_SECRETS_9, &again), 0);
		if (!view_equal(blob_view(&text), blob_view(&again)))
			fail_msg("seed %llu form %zu prints differently again",
				(unsigned long long)seed, i);
		test_tree_fini(&got);
	}
	test_tree_fini(&made);
}

static void print_then_parse_is_identity(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++)
		check_forms(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(print_examples),
		cmocka_unit_test(print_layout),
		cmocka_unit_test(print_keeps_comments),
		cmocka_unit_test(print_then_parse_is_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
