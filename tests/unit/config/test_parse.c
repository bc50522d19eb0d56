#include "config_test.h"

/* CFG-001: each complete example reads to the same tree in both forms. */
static void parse_examples_in_both_forms(void **state)
{
	static const char *const names[] = {"site-to-site", "cluster"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char curly_name[64], set_name[64];

		(void)snprintf(curly_name, sizeof curly_name, "%s.conf", names[i]);
		(void)snprintf(set_name, sizeof set_name, "%s.set", names[i]);
		auto_blob curly = test_file(curly_name), set = test_file(set_name);
		struct test_tree a = test_parse(blob_view(&curly));
		struct test_tree b = test_parse(blob_view(&set));

		if (!test_trees_equal(&a, &b))
			fail_msg("%s: the two forms differ", names[i]);
		test_tree_fini(&a);
		test_tree_fini(&b);
	}
}

/* Pairs of texts that mean the same. */
static const struct {
	const char *name, *a, *b;
} parse_equal_cases[] = {
	{"block and line", "system { host-name a; }", "set system host-name a"},
	{"several leaves on one line",
		"set security ike gateway g dead-peer-detection interval 10 threshold 3",
		"security { ike { gateway g { dead-peer-detection { threshold 3; interval "
		"10; } } } }"},
	{"list in brackets and one by one", "set security ike policy p proposals [ a b ]",
		"set security ike policy p proposals a\nset security ike policy p "
		"proposals b"},
	{"a later value replaces", "set system host-name a\nset system host-name b",
		"set system host-name b"},
	{"entries in a block", "interfaces { ge-0/0/0 { mtu 1400; } st0; }",
		"set interfaces ge-0/0/0 mtu 1400\nset interfaces st0"},
	{"order of sets does not count", "set interfaces st0\nset interfaces ge-0/0/1",
		"set interfaces ge-0/0/1\nset interfaces st0"},
	{"delete a leaf", "set system host-name a\nset interfaces st0\ndelete system host-name",
		"set interfaces st0"},
	{"delete one value",
		"set security ike policy p proposals [ a b ]\n"
		"delete security ike policy p proposals a",
		"set security ike policy p proposals b"},
	{"delete the last value",
		"set security ike policy p mode main proposals a\n"
		"delete security ike policy p proposals a",
		"set security ike policy p mode main"},
	{"rename",
		"set security ike policy p mode main\n"
		"rename security ike policy p to policy q",
		"set security ike policy q mode main"},
	{"rename in short", "set interfaces st0 unit 1\nrename interfaces st0 unit 1 to 2",
		"set interfaces st0 unit 2"},
	{"insert",
		"set security ike policy p proposals [ a b c ]\n"
		"insert security ike policy p proposals c before a",
		"set security ike policy p proposals [ c a b ]"},
	{"insert behind",
		"set security ike policy p proposals [ a b c ]\n"
		"insert security ike policy p proposals a after b",
		"set security ike policy p proposals [ b a c ]"},
	{"deactivate", "set interfaces st0 unit 1\ndeactivate interfaces st0 unit 1",
		"interfaces { st0 { inactive: unit 1; } }"},
	{"activate again",
		"set interfaces st0 unit 1\ndeactivate interfaces st0 unit 1\n"
		"activate interfaces st0 unit 1",
		"interfaces { st0 { unit 1; } }"},
	{"numbers without leading zeros", "set interfaces st0 unit 007",
		"set interfaces st0 unit 7"},
	{"alias", "set chassis cluster redundancy-mode active-passive",
		"set chassis cluster redundancy-mode active-backup"},
	{"curly and lines mixed", "system { host-name a; }\nset interfaces st0",
		"set interfaces st0\nset system host-name a"},
	{"secret in clear and hidden", "set security ike policy p pre-shared-key ascii-text hello",
		"set security ike policy p pre-shared-key ascii-text "
		"\"$9$FNkC3/t1IcevLuOWx\""},
};

static void parse_equal_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parse_equal_cases); i++) {
		struct test_tree a = test_parse(view_of_text(parse_equal_cases[i].a));
		struct test_tree b = test_parse(view_of_text(parse_equal_cases[i].b));

		if (!test_trees_equal(&a, &b))
			fail_msg("%s", parse_equal_cases[i].name);
		test_tree_fini(&a);
		test_tree_fini(&b);
	}
}

static void parse_different_table(void **state)
{
	static const struct {
		const char *name, *a, *b;
	} cases[] = {
		{"order of proposals counts", "set security ike policy p proposals [ a b ]",
			"set security ike policy p proposals [ b a ]"},
		{"inactive counts", "interfaces { st0; }", "interfaces { inactive: st0; }"},
		{"values count", "set system host-name a", "set system host-name b"},
		{"more counts", "set interfaces st0", "set interfaces st0 unit 0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct test_tree a = test_parse(view_of_text(cases[i].a));
		struct test_tree b = test_parse(view_of_text(cases[i].b));

		if (test_trees_equal(&a, &b))
			fail_msg("%s", cases[i].name);
		test_tree_fini(&a);
		test_tree_fini(&b);
	}
}

/* Ranges and names besides: PRP-001, PRP-016, DH-010, TS-009. */
static const struct {
	const char *text, *said;
} parse_complaint_cases[] = {
	{"security { ike { foo 1; } }",
		"[edit security ike]\n  'foo'\n"
		"    syntax error: unknown statement (line 1, column 18)\n"},
	{"set services ipsec-vpn disable-natt", "[edit]\n  'services'\n    syntax error: "
						"this statement is not supported in "
						"this release (line 1, column 5)\n"},
	{"security {\n    flow {\n        x;\n    }\n}\n",
		"[edit security]\n  'flow'\n    syntax error: this statement is not "
		"supported in this release (line 2, column 5)\n"},
	{"set security ike proposal p lifetime-seconds 179",
		"[edit security ike proposal p]\n  'lifetime-seconds 179'\n"
		"    value 179 is not within range (180..86400) (line 1, column 46)\n"},
	{"set security ike proposal p lifetime-seconds 86401",
		"[edit security ike proposal p]\n  'lifetime-seconds 86401'\n"
		"    value 86401 is not within range (180..86400) (line 1, column 46)\n"},
	{"set security ike proposal p lifetime-seconds -1",
		"[edit security ike proposal p]\n  'lifetime-seconds -1'\n"
		"    '-1' is not a number (line 1, column 46)\n"},
	{"set security ike proposal p dh-group group3",
		"[edit security ike proposal p]\n  'dh-group group3'\n"
		"    'group3' is not one of: group1 group2 group5 group14 group15 group16 "
		"group19 group20 group21 group24 group31 group32 (line 1, column 38)\n"},
	{"set security ipsec proposal p protocol bundle",
		"[edit security ipsec proposal p]\n  'protocol bundle'\n"
		"    'bundle' is not one of: esp ah (line 1, column 40)\n"},
	{"set security ike proposal abcdefghijklmnopqrstuvwxyz0123456",
		"[edit security ike]\n  'proposal abcdefghijklmnopqrstuvwxyz0123456'\n"
		"    must be 1 to 32 characters long, is 33 (line 1, column 27)\n"},
	{"set security ipsec vpn v traffic-selector abcdefghijklmnopqrstuvwxyz012345",
		"[edit security ipsec vpn v]\n  'traffic-selector "
		"abcdefghijklmnopqrstuvwxyz012345'\n"
		"    must be 1 to 31 characters long, is 32 (line 1, column 43)\n"},
	{"set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1",
		"[edit interfaces ge-0/0/0 unit 0 family inet]\n  'address 192.0.2.1'\n"
		"    '192.0.2.1' is not a prefix (address/length) of this family (line 1, "
		"column 52)\n"},
	{"set interfaces ge-0/0/0 unit 0 family inet address 2001:db8::1/64",
		"[edit interfaces ge-0/0/0 unit 0 family inet]\n"
		"  'address 2001:db8::1/64'\n"
		"    '2001:db8::1/64' is not a prefix (address/length) of this family "
		"(line 1, column 52)\n"},
	{"set interfaces eth0 unit 0",
		"[edit]\n  'interfaces eth0'\n    'eth0' is not an interface (ge-0/0/0, "
		"reth0, st0, fab0) (line 1, column 16)\n"},
	{"set security ike policy p pre-shared-key hexadecimal abc",
		"[edit security ike policy p pre-shared-key]\n"
		"  'hexadecimal /* SECRET-DATA */'\n"
		"    must be an even number of hexadecimal digits (line 1, column 54)\n"},
	{"set security ike policy p pre-shared-key ascii-text \"$9$broken\"",
		"[edit security ike policy p pre-shared-key]\n"
		"  'ascii-text /* SECRET-DATA */'\n"
		"    not a valid $9$ string (line 1, column 53)\n"},
	{"set security ike policy p pre-shared-key tell-nobody",
		"[edit security ike policy p pre-shared-key]\n  '/* SECRET-DATA */'\n"
		"    syntax error: unknown statement (line 1, column 42)\n"},
	{"set security ike policy p pre-shared-key ascii-text tell nobody",
		"[edit security ike policy p pre-shared-key]\n  '/* SECRET-DATA */'\n"
		"    syntax error: unknown statement (line 1, column 58)\n"},
	{"set chassis cluster replication cluster-key 0123456789abcdef0123456789abcdef more",
		"[edit chassis cluster replication]\n  '/* SECRET-DATA */'\n"
		"    syntax error: unknown statement (line 1, column 78)\n"},
	{"\"system\" { host-name a; }",
		"[edit]\n  'system'\n    syntax error: unknown statement (line 1, column 1)\n"},
	{"system {\n    host-name a;\n",
		"[edit system]\n  '{'\n"
		"    syntax error: the matching '}' is missing (line 1, column 8)\n"},
	{"}\n", "[edit]\n  '}'\n    syntax error: nothing is open here (line 1, column "
		"1)\n"},
	{"system { host-name a }",
		"[edit system]\n  '}'\n    syntax error: expecting ';' (line 1, column "
		"22)\n"},
	{"system { host-name ; }",
		"[edit system host-name]\n  ';'\n    syntax error: expecting a value (line "
		"1, column 20)\n"},
	{"set interfaces\n",
		"[edit interfaces]\n  'end of text'\n    syntax error: expecting a name "
		"(line 2, column 1)\n"},
	{"set system host-name [ a b ]", "[edit system host-name]\n  '['\n    syntax "
					 "error: expecting a single value "
					 "(line 1, column 22)\n"},
	{"set security ike policy p proposals [ ]",
		"[edit security ike policy p proposals]\n  ']'\n    syntax error: "
		"expecting "
		"a value (line 1, column 39)\n"},
	{"system { host-name \"a\n; }",
		"[edit system host-name]\n  '?'\n    the string does not end on its line "
		"(line 1, column 20)\n"},
	{"groups { g { apply-groups h; } }",
		"[edit groups g]\n  'apply-groups'\n    syntax error: unknown statement "
		"(line 1, column 14)\n"},
	{"groups { g { groups h; } }",
		"[edit groups g]\n  'groups'\n    syntax error: unknown statement (line 1, "
		"column 14)\n"},
};

static void parse_complaint_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parse_complaint_cases); i++) {
		auto_complaints c = {0};
		struct model *m = NULL;
		char want[1024];
		char *said;

		assert_int_equal(config_load(view_of_text(parse_complaint_cases[i].text),
					 CONFIG_STANDALONE, &m, &c),
			-ERR_SYNTAX);
		(void)snprintf(want, sizeof want, "%serror: configuration check-out failed\n",
			parse_complaint_cases[i].said);
		said = test_complaints(&c);
		assert_string_equal(said, want);
		free(said);
	}
}

/* One bad statement does not hide the next, nor the good ones behind it. */
static void parse_names_every_error(void **state)
{
	static const char text[] =
		"system { foo { bar { x; } } host-name \"a b\" c; bar; }\n"
		"set nothing\n"
		"set security ike proposal p dh-group 3 lifetime-seconds 1\n"
		"interfaces { eth0 { unit 0 { family inet; } } st0 { unit x; } }\n";
	auto_complaints c = {0};
	struct model *m = NULL;

	(void)state;
	assert_int_equal(config_load(view_of_text(text), CONFIG_STANDALONE, &m, &c), -ERR_SYNTAX);
	assert_int_equal(c.n_errors, 7);
	assert_string_equal(c.v[0].statement, "foo");
	assert_string_equal(c.v[1].statement, "c");
	assert_string_equal(c.v[2].statement, "bar");
	assert_string_equal(c.v[3].statement, "nothing");
	assert_string_equal(c.v[4].statement, "dh-group 3");
	assert_string_equal(c.v[5].statement, "interfaces eth0");
	assert_string_equal(c.v[6].statement, "unit x");
}

static void parse_bounds_complaints(void **state)
{
	static char text[200 * 9 + 1];
	auto_complaints c = {0};
	struct model *m = NULL;
	char *said;

	(void)state;
	for (size_t i = 0; i < 200; i++)
		memcpy(text + 9 * i, "set nope\n", 9);
	assert_int_equal(config_load(view_of_text(text), CONFIG_STANDALONE, &m, &c), -ERR_SYNTAX);
	assert_int_equal(c.n, COMPLAINTS_MAX);
	assert_int_equal(c.n_errors, 200);
	said = test_complaints(&c);
	assert_non_null(
		strstr(said, "136 more not shown\nerror: configuration check-out failed\n"));
	free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_examples_in_both_forms),
		cmocka_unit_test(parse_equal_table),
		cmocka_unit_test(parse_different_table),
		cmocka_unit_test(parse_complaint_table),
		cmocka_unit_test(parse_names_every_error),
		cmocka_unit_test(parse_bounds_complaints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
