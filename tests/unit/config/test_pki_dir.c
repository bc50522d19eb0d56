#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/pki_dir.h"

static void pki_dir_paths(void **state)
{
	char path[PKI_PATH_MAX], name[PKI_PATH_MAX];

	(void)state;
	assert_int_equal(pki_path("/srv", PKI_CA, "Root-CA", path), 0);
	assert_string_equal(path, "/srv/ca/Root-CA.pem");
	assert_int_equal(pki_path("/srv", PKI_KEY_URI, "Host-A", path), 0);
	assert_string_equal(path, "/srv/key/Host-A.uri");
	assert_int_equal(pki_path("/srv", PKI_KEY, "../ca/x", path), -ERR_VALUE);
	assert_int_equal(pki_path("/srv", PKI_KEY, "", path), -ERR_VALUE);
	assert_true(pki_name_of(PKI_CRL, "Eng.pem", name));
	assert_string_equal(name, "Eng");
	assert_false(pki_name_of(PKI_CRL, "Eng.pem.new", name));
	assert_false(pki_name_of(PKI_CRL, ".pem", name));
	assert_false(pki_name_of(PKI_KEY_URI, "Eng.pem", name));
}

static void pki_dir_is_made_for_us_alone(void **state)
{
	static const char *const folders[] = {"crl", "request", "local", "key", "ca", ""};
	char root[] = "/tmp/tandem-pki-XXXXXX", path[PKI_PATH_MAX], dir[64];
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(root));
	(void)snprintf(dir, sizeof dir, "%s/pki", root);
	assert_int_equal(pki_make(dir), 0);
	assert_int_equal(pki_make(dir), 0); /* again */
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0700);
		assert_int_equal(rmdir(path), 0);
	}
	assert_int_equal(rmdir(root), 0);
	assert_int_equal(pki_make("/nonexistent/at/all"), -ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pki_dir_paths),
		cmocka_unit_test(pki_dir_is_made_for_us_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
