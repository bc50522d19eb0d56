/* PKI-011, PKI-012: where a fetch may lead, and what a directory answers.
 * Twin of: fetch.c ldif.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "pki/fetch.h"
#include "pki/ldif.h"

static void fetch_knows_local_addresses(void **state)
{
	static const struct {
		const char *address;
		bool local;
	} cases[] = {
		{"127.0.0.1", true},
		{"127.255.0.9", true},
		{"0.0.0.0", true},
		{"169.254.169.254", true},
		{"224.0.0.1", true},
		{"255.255.255.255", true},
		{"192.0.2.1", false},
		{"10.0.0.1", false},
		{"::1", true},
		{"::", true},
		{"::127.0.0.1", true},
		{"::ffff:127.0.0.1", true},
		{"::ffff:192.0.2.1", false},
		{"64:ff9b::127.0.0.1", true},
		{"64:ff9b::192.0.2.1", false},
		{"fe80::1", true},
		{"febf::1", true},
		{"fec0::1", false},
		{"ff02::1", true},
		{"2001:db8::1", false},
		{"fd00::1", false},
	};
	struct addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(addr_parse(cases[i].address, &a), 0);
		if (fetch_address_is_local(addr_view(&a)) != cases[i].local)
			fail_msg("%s", cases[i].address);
	}
	assert_true(fetch_address_is_local((struct view){0}));
}

/* A server of this process: what it would answer is never asked for, unless it is allowed. */
static int listen_on_loopback(uint16_t *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static void fetch_does_not_connect_to_loopback(void **state)
{
	static const struct {
		const char *start, *end;
	} forms[] = {{"ldap://127.0.0.1", "cn=x"}, {"ldap://localhost", "cn=x"},
		{"http://127.0.0.1", ""}, {"http://localhost", ""}, {"http://0x7f000001", ""},
		{"http://[::ffff:127.0.0.1]", ""}};

	char url[64], why[FETCH_WHY_MAX];
	auto_blob out = {0};
	const int stop = 0;
	uint16_t port;
	int fd = listen_on_loopback(&port);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const struct fetch_ask ask = {.url = url, .max = 100};

		(void)snprintf(url, sizeof url, "%s:%u/%s", forms[i].start, port, forms[i].end);
		assert_int_equal(fetch_wait(&ask, &stop, &out, why), -ERR_IO);
		if (!strstr(why, "loopback"))
			fail_msg("%s: %s", url, why);
	}
	(void)close(fd);
}

static void fetch_speaks_three_protocols_only(void **state)
{
	static const char *const urls[] = {"file:///etc/passwd", "ftp://192.0.2.1/",
		"gopher://192.0.2.1/", "dict://192.0.2.1/"};
	char why[FETCH_WHY_MAX];
	auto_blob out = {0};
	const int stop = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		const struct fetch_ask ask = {.url = urls[i], .max = 100, .allow_local = true};

		if (fetch_wait(&ask, &stop, &out, why) == 0 || !strstr(why, "rotocol"))
			fail_msg("%s: %s", urls[i], why);
	}
}

static void ldif_value_table(void **state)
{
	static const struct {
		const char *name, *text, *want; /* want NULL: refused */
	} cases[] = {
		{"as curl writes it", "DN: cn=x\n\tcertificateRevocationList;binary:: MDEyMw==\n\n",
			"0123"},
		{"without option", "certificateRevocationList:: MDEyMw==\n", "0123"},
		{"another case", "CERTIFICATEREVOCATIONLIST;BINARY:: MDEyMw==\n", "0123"},
		{"folded", "certificateRevocationList:: MDEy\n Mw==\n", "0123"},
		{"the first of two",
			"certificateRevocationList:: MA==\ncertificateRevocationList:: MQ==\n",
			"0"},
		{"another attribute", "certificateRevocationListX:: MDEyMw==\n", NULL},
		{"not base64", "certificateRevocationList: 0123\n", NULL},
		{"no digits of it", "certificateRevocationList:: M*\n", NULL},
		{"nothing", "certificateRevocationList::\n", NULL},
		{"empty", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_blob out = {0};
		int rc = ldif_value(view_of_text(cases[i].text), "certificateRevocationList", &out);

		if ((rc == 0) != (cases[i].want != NULL) ||
			(rc == 0 && !view_equal(blob_view(&out), view_of_text(cases[i].want))))
			fail_msg("%s: %d", cases[i].name, rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetch_knows_local_addresses),
		cmocka_unit_test(fetch_does_not_connect_to_loopback),
		cmocka_unit_test(fetch_speaks_three_protocols_only),
		cmocka_unit_test(ldif_value_table),
	};
	int rc = fetch_library_start();

	if (rc == 0)
		rc = cmocka_run_group_tests(tests, NULL, NULL);
	fetch_library_end();
	return rc != 0;
}
