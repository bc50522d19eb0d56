#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "keys/uri.h"

#define MODULE "module-path=/usr/lib/x.so"

static void uri_is_read(void **state)
{
	struct key_uri u;
	const char *why;

	(void)state;
	assert_int_equal(key_uri_parse("pkcs11:token=my%20gw;object=Host-A;id=%01%ff;type=private"
				       "?pin-source=file:/etc/pin&" MODULE,
				 &u, &why),
		0);
	assert_string_equal(u.token, "my gw");
	assert_string_equal(u.object, "Host-A");
	assert_int_equal(u.id_n, 2);
	assert_int_equal(u.id[1], 0xff);
	assert_string_equal(u.module, "/usr/lib/x.so");
	assert_string_equal(u.pin_source, "/etc/pin");
	assert_int_equal(
		key_uri_parse("PKCS11:object=a?pin-source=file:///etc/pin&" MODULE, &u, &why), 0);
	assert_string_equal(u.pin_source, "/etc/pin");
	assert_int_equal(u.id_n, 0);
}

static void uri_is_refused(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
		{"", -ERR_SYNTAX},
		{"http://x", -ERR_SYNTAX},
		{"pkcs11:", -ERR_VALUE},
		{"pkcs11:object=a", -ERR_VALUE},
		{"pkcs11:token=t?" MODULE, -ERR_VALUE},
		{"pkcs11:object=a?module-path=x.so", -ERR_VALUE},
		{"pkcs11:object=a?pin-value=1234&" MODULE, -ERR_VALUE},
		{"pkcs11:object=a?pin-source=pin&" MODULE, -ERR_VALUE},
		{"pkcs11:object=a;type=public?" MODULE, -ERR_VALUE},
		{"pkcs11:object=a;slot-id=1?" MODULE, -ERR_UNSUPPORTED},
		{"pkcs11:object=a?module-name=x&" MODULE, -ERR_UNSUPPORTED},
		{"pkcs11:object=a;object=b?" MODULE, -ERR_SYNTAX},
		{"pkcs11:object=a;?" MODULE, -ERR_SYNTAX},
		{"pkcs11:object?" MODULE, -ERR_SYNTAX},
		{"pkcs11:object=%4?" MODULE, -ERR_SYNTAX},
		{"pkcs11:object=%zz?" MODULE, -ERR_SYNTAX},
		{"pkcs11:object=a%00b?" MODULE, -ERR_SYNTAX},
		{"pkcs11:serial=12345678901234567;object=a?" MODULE, -ERR_LIMIT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct key_uri u;
		const char *why = NULL;
		int rc = key_uri_parse(rows[i].text, &u, &why);

		if (rc != rows[i].rc || !why)
			fail_msg("%s: %d", rows[i].text, rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uri_is_read),
		cmocka_unit_test(uri_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
