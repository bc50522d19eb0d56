/* Keys in a token: SoftHSM in a folder of its own. Covers token.c, token_make.c, token_sign.c. */
#include "keys_case.h"

#include <sys/stat.h>

#define PIN "87654321"

struct token_case {
	char dir[64], uri[256], pin[96];
	int pin_file;
};

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static int setup(void **state)
{
	struct token_case *t = calloc(1, sizeof *t);
	char path[128], text[256], command[512];

	assert_non_null(t);
	(void)snprintf(t->dir, sizeof t->dir, "/tmp/tandem-token-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	(void)snprintf(path, sizeof path, "%s/tokens", t->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(text, sizeof text,
		"directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", path);
	(void)snprintf(path, sizeof path, "%s/conf", t->dir);
	write_file(path, text);
	assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
	(void)snprintf(command, sizeof command,
		"softhsm2-util --init-token --free --label tandem --so-pin 12345678 --pin " PIN
		" >/dev/null");
	run(command);
	(void)snprintf(t->pin, sizeof t->pin, "%s/pin", t->dir);
	write_file(t->pin, PIN "\n");
	t->pin_file = open(t->pin, O_RDONLY | O_CLOEXEC);
	assert_true(t->pin_file >= 0);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct token_case *t = *state;
	char command[128];

	(void)close(t->pin_file);
	(void)snprintf(command, sizeof command, "rm -r %s", t->dir);
	run(command);
	free(t);
	return 0;
}

static const char *uri_of(struct token_case *t, const char *object)
{
	(void)snprintf(t->uri, sizeof t->uri,
		"pkcs11:token=tandem;object=%s?module-path=" TOKEN_MODULE "&pin-source=%s", object,
		t->pin);
	assert_int_equal(lseek(t->pin_file, 0, SEEK_SET), 0);
	return t->uri;
}

/* The token's files are this user's. */
static const char *const arguments[] = {"--user", "root", "--module", TOKEN_MODULE, NULL};

static const Keys__Response *make(struct keys_case *k, struct token_case *t, const char *name,
	Keys__KeyType type, uint32_t bits)
{
	Keys__Request r = case_request(KEYS__REQUEST__JOB_GENERATE);
	Keys__Generate g = KEYS__GENERATE__INIT;

	g.key_id = case_text(name);
	g.type = type;
	g.bits = bits;
	g.uri = case_text(uri_of(t, name));
	r.generate = &g;
	return case_ask(k, &r, t->pin_file);
}

static void token_signs(void **state)
{
	static const struct {
		const char *name;
		Keys__KeyType type;
		uint32_t bits;
		enum sign_scheme good[8], bad;
	} rows[] = {
		{"rsa", KEYS__KEY_TYPE__KEY_RSA, 2048,
			{SIGN_RSA_SHA1, SIGN_RSA_SHA256, SIGN_RSA_SHA384, SIGN_RSA_SHA512,
				SIGN_PSS_SHA256, SIGN_PSS_SHA384, SIGN_PSS_SHA512},
			SIGN_ECDSA_P256},
		{"p256", KEYS__KEY_TYPE__KEY_ECDSA, 256,
			{SIGN_ECDSA_P256, SIGN_ECDSA_SHA256, SIGN_ECDSA_SHA384}, SIGN_ECDSA_P384},
		{"p384", KEYS__KEY_TYPE__KEY_ECDSA, 384, {SIGN_ECDSA_P384, SIGN_ECDSA_SHA384},
			SIGN_RSA_SHA256},
		{"p521", KEYS__KEY_TYPE__KEY_ECDSA, 521, {SIGN_ECDSA_P521, SIGN_ECDSA_SHA512},
			SIGN_ED25519},
	};
	static const struct view what = {(const uint8_t *)"what is signed", 14};
	struct token_case *t = *state;
	struct keys_case k;

	case_start(&k, arguments);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_blob key = {0};
		const Keys__Response *r = make(&k, t, rows[i].name, rows[i].type, rows[i].bits);

		if (r->error != 0)
			fail_msg("%s: %s %s", rows[i].name, err_text((int)r->error), r->reason);
		assert_int_equal(
			blob_copy(view_of(r->public_key.data, r->public_key.len), &key), 0);
		/* Another look at it, as after a restart. */
		r = case_load(&k, "again", uri_of(t, rows[i].name), t->pin_file);
		assert_int_equal(r->error, 0);
		assert_true(view_equal(
			blob_view(&key), view_of(r->public_key.data, r->public_key.len)));
		for (size_t j = 0; rows[i].good[j] != SIGN_NONE; j++) {
			r = case_sign(&k, "again", rows[i].good[j], what);
			if (r->error != 0 || !case_verify(blob_view(&key), rows[i].good[j], what,
						     view_of(r->signature.data, r->signature.len)))
				fail_msg("%s: %s", rows[i].name, sign_text(rows[i].good[j]));
		}
		assert_int_equal(case_sign(&k, "again", rows[i].bad, what)->error, ERR_UNSUPPORTED);
	}
	assert_int_equal(make(&k, t, "rsa", KEYS__KEY_TYPE__KEY_RSA, 2048)->error, ERR_EXISTS);
	assert_int_equal(case_stop(&k), 0);
}

static void token_refuses(void **state)
{
	struct token_case *t = *state;
	struct keys_case k;
	int wrong = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char path[128];

	case_start(&k, arguments);
	assert_int_equal(make(&k, t, "here", KEYS__KEY_TYPE__KEY_ECDSA, 256)->error, 0);
	assert_int_equal(
		case_load(&k, "a", uri_of(t, "nothing"), t->pin_file)->error, ERR_NOT_FOUND);
	assert_int_equal(
		case_load(&k, "a", "pkcs11:token=other;object=x?module-path=" TOKEN_MODULE, -1)
			->error,
		ERR_NOT_FOUND);
	assert_int_equal(
		case_load(&k, "a", "pkcs11:token=tandem;object=x?module-path=/usr/lib/none.so", -1)
			->error,
		ERR_NOT_FOUND);
	/* Without a PIN a private key is not to be seen; with a wrong one the token says so. */
	assert_int_equal(case_stop(&k), 0);
	case_start(&k, arguments);
	assert_int_equal(case_load(&k, "a", uri_of(t, "here"), wrong)->error, ERR_NOT_FOUND);
	(void)close(wrong);
	(void)snprintf(path, sizeof path, "%s/wrong", t->dir);
	write_file(path, "00000000");
	wrong = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(case_load(&k, "a", uri_of(t, "here"), wrong)->error, ERR_AUTH);
	(void)close(wrong);
	assert_int_equal(case_stop(&k), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(token_signs),
		cmocka_unit_test(token_refuses),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
