/* ID-005 to ID-009. Twin of: dn.c dn_name.c dn_parse.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../crypto/forge.h"
#include "policy/dn.h"

static void dn_matches_table(void **state)
{
	static const struct {
		const char *name, *peer;
		enum dn_match how;
		const char *text;
		bool want;
	} cases[] = {
		{"container: types not named may be there", "C=US,O=x,CN=a", DN_CONTAINER,
			"O=x, CN=a", true},
		{"container: the order counts", "C=US,O=x,CN=a", DN_CONTAINER, "CN=a, O=x", false},
		{"container: one between does not hurt", "O=x,OU=q,CN=a", DN_CONTAINER, "O=x,CN=a",
			true},
		{"container: one behind does not hurt", "O=x,CN=a,emailAddress=a@b", DN_CONTAINER,
			"O=x,CN=a", true},
		{"container: each value of a named type is listed", "O=x,OU=a,OU=b", DN_CONTAINER,
			"OU=a", false},
		{"container: both are listed", "O=x,OU=a,OU=b", DN_CONTAINER, "OU=a,OU=b", true},
		{"container: both, the other way", "O=x,OU=a,OU=b", DN_CONTAINER, "OU=b,OU=a",
			false},
		{"container: one that is not there", "O=x,CN=a", DN_CONTAINER, "O=x,OU=b,CN=a",
			false},
		{"container: another value", "O=x,CN=a", DN_CONTAINER, "O=y", false},
		{"container: the whole name", "C=US,O=x,CN=a", DN_CONTAINER, "C=US,O=x,CN=a", true},
		{"wildcard: any order", "O=Juniper,L=Sunnyvale", DN_WILDCARD,
			"L=Sunnyvale, O=Juniper", true},
		{"wildcard: one of several values", "O=x,OU=a,OU=b", DN_WILDCARD, "OU=b", true},
		{"wildcard: all must be there", "O=x,OU=a", DN_WILDCARD, "OU=a,OU=b", false},
		{"wildcard: the value belongs to its type", "O=x,OU=a", DN_WILDCARD, "O=a", false},
		{"exact: equal", "C=US,O=x,CN=a", DN_EXACT, "C=US,O=x,CN=a", true},
		{"exact: one more at the peer", "C=US,O=x,CN=a,OU=z", DN_EXACT, "C=US,O=x,CN=a",
			false},
		{"exact: one less at the peer", "C=US,O=x", DN_EXACT, "C=US,O=x,CN=a", false},
		{"exact: order", "O=x,C=US", DN_EXACT, "C=US,O=x", false},
		{"attribute names without case", "O=x,CN=a", DN_EXACT, "o=x,cN=a", true},
		{"values without case", "O=Example Inc,CN=A", DN_EXACT, "O=eXAMPLE iNC,CN=a", true},
		{"inner and outer blanks", "O=Example  Inc ", DN_EXACT, "O=  Example Inc  ", true},
		{"a blank is not nothing", "O=ExampleInc", DN_EXACT, "O=Example Inc", false},
		{"long names", "O=x,CN=a", DN_EXACT, "organizationName=x,commonName=a", true},
		{"dotted numbers", "O=x,CN=a", DN_EXACT, "2.5.4.10=x,2.5.4.3=a", true},
		{"dotted, long", "emailAddress=a@b", DN_EXACT, "1.2.840.113549.1.9.1=A@B", true},
		{"UTF-8", "O=Gr\xc3\xbc\xc3\x9f", DN_EXACT, "O=gr\xc3\xbc\xc3\x9f", true},
		{"escaped octets", "O=Gr\xc3\xbc\xc3\x9f", DN_EXACT, "O=gr\\C3\\BC\\c3\\9f", true},
		{"an escaped blank at the end still folds", "O=x", DN_EXACT, "O=x\\ ", true},
		{"quoted", "O=x+y", DN_EXACT, "O=\"x+y\"", true},
		{"escaped plus", "O=x+y", DN_EXACT, "O=x\\+y", true},
		{"a set in the other order", "O=x,CN=a,+serialNumber=7", DN_EXACT,
			"O=x,serialNumber=7+CN=a", true},
		{"two RDNs are no set", "O=x,CN=a,serialNumber=7", DN_EXACT,
			"O=x,CN=a+serialNumber=7", false},
		{"container looks into sets", "O=x,CN=a,+serialNumber=7", DN_CONTAINER, "O=x,CN=a",
			true},
		{"domain components", "DC=net,DC=example,CN=a", DN_CONTAINER, "DC=net,DC=example",
			true},
		{"nonsense matches nothing", "CN=a", DN_WILDCARD, "CN", false},
		{"an empty text matches nothing", "CN=a", DN_WILDCARD, "", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct forge_cert f = {.subject = cases[i].peer};
		struct forge_ca ca = forge_issue(&f, NULL);

		if (dn_matches(ca.cert->subject, cases[i].how, view_of_text(cases[i].text)) !=
			cases[i].want)
			fail_msg("%s", cases[i].name);
		forge_ca_free(&ca);
	}
}

static void dn_text_check_table(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"C=US, O=\"Example, Inc.\", CN=gw+serialNumber=7", 0},
		{"1.2.3.4=x", 0},
		{"", -ERR_SYNTAX},
		{"CN", -ERR_SYNTAX},
		{"CN=", -ERR_SYNTAX},
		{"CN=  ", -ERR_SYNTAX},
		{"CN=a,", -ERR_SYNTAX},
		{"CN=\"a", -ERR_SYNTAX},
		{"CN=a\\", -ERR_SYNTAX},
		{"=a", -ERR_SYNTAX},
		{"XX=a", -ERR_UNSUPPORTED},
		{"9.9=a", -ERR_UNSUPPORTED},
		{"1..2=a", -ERR_UNSUPPORTED},
		{"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26.27=a",
			-ERR_UNSUPPORTED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (dn_text_check(view_of_text(cases[i].text)) != cases[i].rc)
			fail_msg("%s", cases[i].text);
}

/* The same name as PrintableString, UTF8String, T61String, BMPString (RFC 5280 7.1). */
static void dn_equal_does_not_ask_for_the_type_of_string(void **state)
{
	static const char *const same[] = {
		"\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x0a\x13\x02xY",
		"\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x0a\x0c\x02Xy",
		"\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x0a\x14\x02Xy",
		"\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x0a\x16\x02xy",
	};
	struct view bmp =
		view_of_literal("\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x0a\x1e\x04\0x\0y");
	struct view odd =
		view_of_literal("\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x0a\x1e\x03\0x\0");
	struct view empty = view_of_literal("\x30\x00");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		assert_true(dn_equal(view_of(same[0], 15), view_of(same[i], 15)));
	assert_true(dn_equal(view_of(same[0], 15), bmp));
	assert_false(dn_equal(odd, odd));
	assert_false(dn_equal(empty, empty));
	assert_false(dn_equal(view_of(same[0], 14), view_of(same[0], 14)));
}

static void dn_text_is_for_people(void **state)
{
	struct forge_cert f = {.subject = "C=US,O=Ex\xc3\xa4mple;Inc,CN=gw,+serialNumber=7"};
	struct forge_ca ca = forge_issue(&f, NULL);
	char text[256], small[12];

	(void)state;
	assert_string_equal(dn_text(ca.cert->subject, text, sizeof text),
		"C=US, O=Ex\\c3\\a4mple\\;Inc, serialNumber=7+CN=gw");
	assert_string_equal(dn_text(ca.cert->subject, small, sizeof small), "C=US, O=Ex");
	assert_true(view_equal(dn_value(ca.cert->subject, "CN"), view_of_literal("gw")));
	assert_true(view_equal(dn_value(ca.cert->subject, "serialnumber"), view_of_literal("7")));
	assert_int_equal(dn_value(ca.cert->subject, "OU").n, 0);
	assert_string_equal(dn_text(view_of_literal("\x30\x03\x31"), text, sizeof text), "");
	forge_ca_free(&ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dn_matches_table),
		cmocka_unit_test(dn_text_check_table),
		cmocka_unit_test(dn_equal_does_not_ask_for_the_type_of_string),
		cmocka_unit_test(dn_text_is_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
