/* serve.c, and with it vault.c, links.c and slow.c: the protocol of the process. */
#include "keys_case.h"

static const char *const plain[] = {NULL};
static const char octets[] = "octets of an IKE SA";

static struct blob copy_key(const Keys__Response *r)
{
	struct blob b = {0};

	assert_int_equal(r->error, 0);
	assert_true(r->public_key.len > 0);
	assert_int_equal(blob_copy(view_of(r->public_key.data, r->public_key.len), &b), 0);
	return b;
}

static int temp_file(void)
{
	char path[] = "/tmp/tandem-key-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	return fd;
}

static void signs(struct keys_case *k, const char *id, struct view key, enum sign_scheme scheme)
{
	const Keys__Response *r = case_sign(k, id, scheme, view_of_literal(octets));

	if (r->error != 0)
		fail_msg("%s: %s", sign_text(scheme), err_text((int)r->error));
	if (!case_verify(key, scheme, view_of_literal(octets),
		    view_of(r->signature.data, r->signature.len)))
		fail_msg("%s: wrong", sign_text(scheme));
}

/* A key is made, written to the file that was lent, and signs; read from the file it is the same.
 */
static void serve_makes_and_loads(void **state)
{
	static const struct {
		Keys__KeyType type;
		uint32_t bits;
		enum sign_scheme schemes[4];
	} rows[] = {
		{KEYS__KEY_TYPE__KEY_RSA, 2048, {SIGN_RSA_SHA1, SIGN_RSA_SHA256, SIGN_PSS_SHA512}},
		{KEYS__KEY_TYPE__KEY_ECDSA, 256, {SIGN_ECDSA_P256, SIGN_ECDSA_SHA512}},
		{KEYS__KEY_TYPE__KEY_ECDSA, 384, {SIGN_ECDSA_P384}},
		{KEYS__KEY_TYPE__KEY_ECDSA, 521, {SIGN_ECDSA_P521}},
	};
	struct keys_case k;

	(void)state;
	case_start(&k, plain);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int file = temp_file();
		auto_blob key = copy_key(case_generate(&k, "a", rows[i].type, rows[i].bits, file));
		auto_blob again = {0};

		for (size_t j = 0; rows[i].schemes[j] != SIGN_NONE; j++)
			signs(&k, "a", blob_view(&key), rows[i].schemes[j]);
		assert_int_equal(lseek(file, 0, SEEK_SET), 0);
		again = copy_key(case_load(&k, "b", "", file));
		assert_true(view_equal(blob_view(&key), blob_view(&again)));
		signs(&k, "b", blob_view(&key), rows[i].schemes[0]);
		(void)close(file);
	}
	assert_int_equal(case_stop(&k), 0);
}

static void serve_refuses(void **state)
{
	Keys__Request forget = case_request(KEYS__REQUEST__JOB_FORGET);
	Keys__Forget f = KEYS__FORGET__INIT;
	struct keys_case k;
	int file = temp_file(), junk = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	(void)state;
	case_start(&k, plain);
	assert_int_equal(
		case_sign(&k, "a", SIGN_RSA_SHA256, view_of_literal("x"))->error, ERR_NOT_FOUND);
	assert_int_equal(
		case_generate(&k, "a", KEYS__KEY_TYPE__KEY_RSA, 512, file)->error, ERR_VALUE);
	assert_int_equal(
		case_generate(&k, "a", KEYS__KEY_TYPE__KEY_ECDSA, 255, file)->error, ERR_VALUE);
	/* No file came along, or one without end, or one that is no key. */
	assert_int_equal(
		case_generate(&k, "a", KEYS__KEY_TYPE__KEY_ECDSA, 256, -1)->error, ERR_VALUE);
	assert_int_equal(case_load(&k, "a", "", -1)->error, ERR_VALUE);
	assert_int_equal(case_load(&k, "a", "", junk)->error, ERR_LIMIT);
	assert_int_equal(case_load(&k, "a", "", file)->error, ERR_LIMIT); /* empty */
	assert_int_equal(case_load(&k, "a", "pkcs11:object=x", -1)->error, ERR_VALUE);
	assert_non_null(strstr(k.got->reason, "module-path"));
	/* A key does what it can. */
	assert_int_equal(case_generate(&k, "a", KEYS__KEY_TYPE__KEY_ECDSA, 256, file)->error, 0);
	assert_int_equal(
		case_sign(&k, "a", SIGN_RSA_SHA256, view_of_literal("x"))->error, ERR_UNSUPPORTED);
	assert_int_equal(
		case_sign(&k, "a", (enum sign_scheme)4711, view_of_literal("x"))->error, ERR_VALUE);
	f.key_id = case_text("a");
	forget.forget = &f;
	assert_int_equal(case_ask(&k, &forget, -1)->error, 0);
	assert_int_equal(
		case_sign(&k, "a", SIGN_ECDSA_P256, view_of_literal("x"))->error, ERR_NOT_FOUND);
	(void)close(file);
	(void)close(junk);
	assert_int_equal(case_stop(&k), 0);
}

static const Keys__Response *import(
	struct keys_case *k, const char *text, const char *passphrase, int file)
{
	Keys__Request r = case_request(KEYS__REQUEST__JOB_IMPORT);
	Keys__Import i = KEYS__IMPORT__INIT;

	i.key_id = case_text("brought");
	i.octets = (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
	i.passphrase = case_text(passphrase);
	r.import = &i;
	return case_ask(k, &r, file);
}

/* A key with a passphrase is written without one, for us alone (PKI-019). */
static void serve_imports(void **state)
{
	char text[4096], path[256];
	struct keys_case k;
	ssize_t n;
	int file = temp_file(), from;

	(void)state;
	(void)snprintf(path, sizeof path, "%s/encrypted.pem", getenv("KEYS_TEST_DATA"));
	from = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(from >= 0);
	n = read(from, text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	case_start(&k, plain);
	assert_int_equal(import(&k, text, "", file)->error, ERR_AUTH);
	assert_int_equal(import(&k, text, "wrong", file)->error, ERR_AUTH);
	assert_int_equal(import(&k, "no key", "", file)->error, ERR_SYNTAX);
	auto_blob key = copy_key(import(&k, text, "correct horse", file));
	signs(&k, "brought", blob_view(&key), SIGN_ECDSA_P256);
	n = pread(file, text, sizeof text - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "-----BEGIN PRIVATE KEY-----"));
	(void)close(file);
	(void)close(from);
	assert_int_equal(case_stop(&k), 0);
}

/* A long RSA key is in the making: signatures do not wait for it. */
static void serve_signs_meanwhile(void **state)
{
	Keys__Request r = case_request(KEYS__REQUEST__JOB_GENERATE);
	Keys__Generate g = KEYS__GENERATE__INIT;
	struct keys_case k;
	int file = temp_file();
	uint64_t long_one;

	(void)state;
	case_start(&k, plain);
	assert_int_equal(case_generate(&k, "a", KEYS__KEY_TYPE__KEY_ECDSA, 256, file)->error, 0);
	g.key_id = case_text("slow");
	g.bits = 3072;
	r.generate = &g;
	case_send(&k, &r, &file, 1);
	long_one = k.last;
	for (int i = 0; i < 5; i++)
		assert_int_equal(
			case_sign(&k, "a", SIGN_ECDSA_P256, view_of_literal("x"))->error, 0);
	assert_int_equal(case_receive(&k)->id, long_one);
	assert_int_equal(k.got->error, 0);
	(void)close(file);
	assert_int_equal(case_stop(&k), 0);
}

/* Nonsense ends it; so does a frame that is too long, and files it did not announce are closed. */
static void serve_ends_on_nonsense(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {{"\0\0\0\4\xff\xff\xff\xff", 8}, {"\x7f\0\0\0", 4}, {"\0\0\0\2\x10\x03", 6}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct keys_case k;
		int status;

		case_start(&k, plain);
		assert_int_equal(send(k.fd, rows[i].bytes, rows[i].n, 0), (ssize_t)rows[i].n);
		assert_null(case_receive(&k));
		status = case_stop(&k);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serve_makes_and_loads),
		cmocka_unit_test(serve_refuses),
		cmocka_unit_test(serve_imports),
		cmocka_unit_test(serve_signs_meanwhile),
		cmocka_unit_test(serve_ends_on_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
