#include "config_test.h"

#include "config/inherit.h"

struct effective {
	struct test_tree written, made;
};

static struct effective effective(const char *text, int node)
{
	struct effective e = {.written = test_parse(view_of_text(text)),
		.made = {.arena = arena_new((size_t)1 << 24)}};
	auto_complaints c = {0};

	assert_int_equal(tree_init(&e.made.t, e.made.arena, e.written.t.root->schema), 0);
	if (inherit(&e.written.t, &e.made.t, node, &c) < 0)
		fail_msg("%s: %s", text, test_complaints(&c));
	return e;
}

static void effective_fini(struct effective *e)
{
	test_tree_fini(&e->made);
	test_tree_fini(&e->written);
}

static const struct {
	const char *name;
	int node;
	const char *text, *effect;
} inherit_cases[] = {
	{"a group is merged", -1, "set groups g system host-name a\nset apply-groups g",
		"set system host-name a"},
	{"without apply-groups it is not", -1,
		"set groups g system host-name a\nset interfaces st0", "set interfaces st0"},
	{"local values win", -1,
		"set groups g system host-name a\nset apply-groups g\n"
		"set system host-name b",
		"set system host-name b"},
	{"the first group wins", -1,
		"set groups g system host-name a\nset groups h system host-name b\n"
		"set apply-groups [ h g ]",
		"set system host-name b"},
	{"${node} is the group of the node", 1,
		"set groups node0 system host-name a\nset groups node1 system host-name b\n"
		"set apply-groups \"${node}\"",
		"set system host-name b"},
	{"${node} without a group of its own", 7,
		"set groups node0 system host-name a\nset apply-groups \"${node}\"\n"
		"set interfaces st0",
		"set interfaces st0"},
	{"${node} stand-alone", -1,
		"set groups node0 system host-name a\nset apply-groups \"${node}\"\n"
		"set interfaces st0",
		"set interfaces st0"},
	{"applied in a place", -1,
		"set groups g interfaces st0 unit 1\nset groups g interfaces st0 unit 2 "
		"multipoint\nset groups g system host-name a\n"
		"set interfaces st0 unit 2\n"
		"set interfaces st0 unit 2 apply-groups g",
		"set interfaces st0 unit 2 multipoint"},
	{"the inner place wins", -1,
		"set groups g interfaces st0 mtu 1300\nset groups h interfaces st0 mtu "
		"1400\nset apply-groups g\nset interfaces st0 apply-groups h",
		"set interfaces st0 mtu 1400"},
	{"patterns apply to what is there", -1,
		"set groups g interfaces <ge-*> mtu 1400\nset apply-groups g\n"
		"set interfaces ge-0/0/0\nset interfaces ge-0/0/1 mtu 1300\n"
		"set interfaces st0",
		"set interfaces ge-0/0/0 mtu 1400\nset interfaces ge-0/0/1 mtu 1300\n"
		"set interfaces st0"},
	{"exceptions", -1,
		"set groups g interfaces <*> mtu 1400\nset apply-groups g\n"
		"set interfaces ge-0/0/0\nset interfaces ge-0/0/1 apply-groups-except g",
		"set interfaces ge-0/0/0 mtu 1400\nset interfaces ge-0/0/1"},
	{"values of lists are joined, local first", -1,
		"set groups g security ike policy p proposals [ c a ]\n"
		"set apply-groups g\nset security ike policy p proposals [ a b ]",
		"set security ike policy p proposals [ a b c ]"},
	{"inactive statements are not there", -1,
		"set system host-name a\nset interfaces st0\ndeactivate system host-name",
		"set interfaces st0"},
	{"an inactive local value lets the group's through", -1,
		"set groups g system host-name a\nset apply-groups g\n"
		"set system host-name b\ndeactivate system host-name",
		"set system host-name a"},
	{"inactive apply-groups", -1,
		"set groups g system host-name a\nset apply-groups g\nset interfaces st0\n"
		"deactivate apply-groups",
		"set interfaces st0"},
	{"an inactive part of a group", -1,
		"set groups g system host-name a\nset groups g interfaces st0\n"
		"set apply-groups g\ndeactivate groups g system host-name\n"
		"set interfaces st0",
		"set interfaces st0"},
};

static void inherit_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(inherit_cases); i++) {
		struct effective e = effective(inherit_cases[i].text, inherit_cases[i].node);
		struct effective want = effective(inherit_cases[i].effect, -1);
		auto_blob got = {0};

		/* A container that inactive statements leave empty is no statement. */
		assert_int_equal(print_tree(&e.made.t, CONFIG_SET, CONFIG_SECRETS_9, &got), 0);
		if (!test_trees_equal(&e.made, &want.made))
			fail_msg("%s: got\n%.*s", inherit_cases[i].name, (int)got.n, (char *)got.p);
		effective_fini(&e);
		effective_fini(&want);
	}
}

static void inherit_refuses_an_unknown_group(void **state)
{
	auto_complaints c = {0};
	struct model *m = NULL;
	char *said;

	(void)state;
	assert_int_equal(config_load(view_of_text("set interfaces st0 apply-groups nope"),
				 CONFIG_STANDALONE, &m, &c),
		-ERR_SYNTAX);
	said = test_complaints(&c);
	assert_string_equal(said,
		"[edit interfaces st0]\n  'apply-groups nope'\n    group 'nope' is not defined "
		"(line 1)\nerror: configuration check-out failed\n");
	free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inherit_table),
		cmocka_unit_test(inherit_refuses_an_unknown_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
