/* tandemd's side of tandem-keys, with the real process; covers keys_process.c, too. */
#include "host_case.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/key_file.h"
#include "crypto/sign.h"
#include "host/keys_client.h"

struct asked {
	int rc, times;
	struct blob public_key, signature;
};

struct keys_case {
	uv_loop_t loop;
	struct keys_client k;
	char root[64], dir[80];
};

static void on_done(void *ctx, int rc, const Keys__Response *r)
{
	struct asked *a = ctx;

	a->rc = rc;
	a->times++;
	if (r && r->public_key.len > 0)
		assert_int_equal(
			blob_copy(view_of(r->public_key.data, r->public_key.len), &a->public_key),
			0);
	if (r && r->signature.len > 0)
		assert_int_equal(
			blob_copy(view_of(r->signature.data, r->signature.len), &a->signature), 0);
}

static void asked_fini(struct asked *a)
{
	blob_fini(&a->public_key);
	blob_fini(&a->signature);
}

#define auto_asked struct asked CLEANUP(asked_fini)

static void start(struct keys_case *c, const char *program)
{
	*c = (struct keys_case){.root = "/tmp/tandem-keys-XXXXXX"};
	assert_non_null(mkdtemp(c->root));
	(void)snprintf(c->dir, sizeof c->dir, "%s/pki", c->root);
	assert_int_equal(pki_make(c->dir), 0);
	assert_int_equal(uv_loop_init(&c->loop), 0);
	assert_int_equal(keys_client_init(&c->k, &c->loop, c->dir,
				 program ? program : getenv("TANDEM_KEYS"), "nobody"),
		0);
}

static void wait_for(struct keys_case *c, const struct asked *a)
{
	while (a->times == 0)
		assert_true(uv_run(&c->loop, UV_RUN_ONCE) >= 0);
}

static void stop(struct keys_case *c)
{
	char command[128];

	keys_client_close(&c->k);
	assert_int_equal(uv_run(&c->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&c->loop), 0);
	(void)snprintf(command, sizeof command, "rm -r %s", c->root);
	assert_int_equal(system(command), 0);
}

static bool is_file(const struct keys_case *c, const char *name)
{
	char path[160];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/key/%s", c->dir, name);
	if (stat(path, &st) != 0)
		return false;
	assert_int_equal(st.st_mode & 0777, 0600);
	return true;
}

static void make(struct keys_case *c, const char *id, struct asked *a)
{
	keys_client_generate(&c->k, id, true, 256, "", on_done, a);
	wait_for(c, a);
	assert_int_equal(a->rc, 0);
}

static void signs(struct keys_case *c, const char *id, const struct blob *public_key)
{
	const struct view octets = view_of_literal("octets");
	const struct sign_alg alg = {.scheme = SIGN_ECDSA_P256};
	auto_asked a = {0};
	auto_key_file key = NULL;
	auto_crypto crypto = NULL;

	assert_int_equal(keys_client_sign(&c->k, id, SIGN_ECDSA_P256, octets, on_done, &a), 0);
	wait_for(c, &a);
	assert_int_equal(a.rc, 0);
	assert_int_equal(crypto_new(&crypto), 0);
	assert_int_equal(key_file_of_public(blob_view(public_key), &key), 0);
	assert_int_equal(sign_check(crypto, key, &alg, octets, blob_view(&a.signature)), 0);
}

static void keys_are_made_kept_and_removed(void **state)
{
	struct keys_case c;
	auto_asked a = {0}, again = {0}, gone = {0};

	(void)state;
	start(&c, NULL);
	make(&c, "one", &a);
	assert_true(is_file(&c, "one.pem") && !is_file(&c, "one.pem.new"));
	assert_true(keys_client_has(&c.k, "one"));
	signs(&c, "one", &a.public_key);
	keys_client_load(&c.k, "one", on_done, &again);
	wait_for(&c, &again);
	assert_true(view_equal(blob_view(&a.public_key), blob_view(&again.public_key)));
	keys_client_remove(&c.k, "one");
	assert_false(keys_client_has(&c.k, "one"));
	assert_int_equal(keys_client_sign(&c.k, "one", SIGN_ECDSA_P256, view_of_literal("x"),
				 on_done, &gone),
		0);
	wait_for(&c, &gone);
	assert_int_equal(gone.rc, -ERR_NOT_FOUND);
	stop(&c);
}

/* The process dies with jobs: they are done by the next one, and the keys are there again. */
static void keys_survive_the_process(void **state)
{
	struct asked many[20] = {0};
	struct keys_case c;
	auto_asked a = {0};

	(void)state;
	start(&c, NULL);
	make(&c, "one", &a);
	signs(&c, "one", &a.public_key);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_LEN(many); i++)
			assert_int_equal(keys_client_sign(&c.k, "one", SIGN_ECDSA_P256,
						 view_of_literal("x"), on_done, &many[i]),
				0);
		assert_int_equal(kill(uv_process_get_pid(&c.k.process), SIGKILL), 0);
		for (size_t i = 0; i < ARRAY_LEN(many); i++) {
			wait_for(&c, &many[i]);
			assert_int_equal(many[i].rc, 0);
			assert_int_equal(many[i].times, 1);
			asked_fini(&many[i]);
			many[i] = (struct asked){0};
		}
		assert_int_equal(c.k.starts, round + 2);
	}
	signs(&c, "one", &a.public_key);
	stop(&c);
}

/* More than the socket takes, of two keys, one of which has to be loaded in between: each is
 * answered, with the signature of what it asked. */
static void keys_asked_in_one_turn_are_told_apart(void **state)
{
	enum { MANY = 80, LONG = 8000 };
	const struct sign_alg alg = {.scheme = SIGN_ECDSA_P256};
	static struct asked many[MANY];
	static uint8_t octets[MANY][LONG];
	struct keys_case c;
	struct asked key[2] = {{0}};
	auto_crypto crypto = NULL;

	(void)state;
	start(&c, NULL);
	make(&c, "one", &key[0]);
	make(&c, "two", &key[1]);
	/* The next one knows none of them. */
	assert_int_equal(kill(uv_process_get_pid(&c.k.process), SIGKILL), 0);
	assert_int_equal(crypto_new(&crypto), 0);
	for (size_t i = 0; i < MANY; i++) {
		memset(octets[i], (int)i, LONG);
		assert_int_equal(keys_client_sign(&c.k, i % 2 ? "two" : "one", SIGN_ECDSA_P256,
					 view_of_array(octets[i]), on_done, &many[i]),
			0);
	}
	for (size_t i = 0; i < MANY; i++) {
		auto_key_file public_key = NULL;

		wait_for(&c, &many[i]);
		assert_int_equal(many[i].rc, 0);
		assert_int_equal(
			key_file_of_public(blob_view(&key[i % 2].public_key), &public_key), 0);
		assert_int_equal(sign_check(crypto, public_key, &alg, view_of_array(octets[i]),
					 blob_view(&many[i].signature)),
			0);
	}
	assert_int_equal(c.k.starts, 2);
	stop(&c);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(many[i].times, 1);
		asked_fini(&many[i]);
	}
	asked_fini(&key[0]);
	asked_fini(&key[1]);
}

/* One that cannot be started, and one that always dies: everyone is answered, after two tries. */
static void keys_answer_without_a_process(void **state)
{
	static const struct {
		const char *program;
		int rc;
		uint64_t starts;
	} rows[] = {{"/nonexistent/tandem-keys", -ERR_NOT_FOUND, 0}, {"/bin/false", -ERR_IO, 2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct keys_case c;
		auto_asked a = {0};

		start(&c, rows[i].program);
		keys_client_generate(&c.k, "one", true, 256, "", on_done, &a);
		assert_int_equal(a.times, 0); /* never from inside */
		wait_for(&c, &a);
		assert_int_equal(a.rc, rows[i].rc);
		assert_int_equal(c.k.starts, rows[i].starts);
		assert_false(is_file(&c, "one.pem.new") || is_file(&c, "one.pem"));
		stop(&c);
		assert_int_equal(a.times, 1);
	}
}

static void keys_are_refused(void **state)
{
	static const char *const uris[] = {"pkcs11:object=x?module-path=/nonexistent/x.so",
		"pkcs11:object=x?module-path=/nonexistent/x.so&pin-source=/nonexistent/pin"};
	struct keys_case c;
	auto_asked a = {0}, b = {0}, d = {0};

	(void)state;
	start(&c, NULL);
	keys_client_generate(&c.k, "../x", true, 256, "", on_done, &a);
	wait_for(&c, &a);
	assert_int_equal(a.rc, -ERR_VALUE);
	keys_client_import(&c.k, "one", view_of_literal("no key"), "", on_done, &b);
	wait_for(&c, &b);
	assert_int_equal(b.rc, -ERR_SYNTAX);
	assert_false(is_file(&c, "one.pem.new") || is_file(&c, "one.pem"));
	for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
		d.times = 0;
		keys_client_adopt(&c.k, "one", uris[i], on_done, &d);
		wait_for(&c, &d);
		assert_int_equal(d.rc, -ERR_NOT_FOUND);
		assert_false(is_file(&c, "one.uri"));
	}
	stop(&c);
}

/* A PIN that others can read is none. */
static void keys_want_a_secret_pin(void **state)
{
	struct keys_case c;
	char path[96], uri[256];
	auto_asked a = {0};
	int fd;

	(void)state;
	start(&c, NULL);
	(void)snprintf(path, sizeof path, "%s/pin", c.root);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && fchmod(fd, 0640) == 0);
	(void)close(fd);
	(void)snprintf(uri, sizeof uri,
		"pkcs11:object=x?module-path=/nonexistent/x.so&pin-source=%s", path);
	keys_client_adopt(&c.k, "one", uri, on_done, &a);
	wait_for(&c, &a);
	assert_int_equal(a.rc, -ERR_AUTH);
	stop(&c);
}

/* Closing answers everyone. */
static void keys_close_with_jobs(void **state)
{
	struct keys_case c;
	auto_asked a = {0}, b = {0};

	(void)state;
	start(&c, NULL);
	keys_client_generate(&c.k, "one", false, 4096, "", on_done, &a);
	assert_int_equal(
		keys_client_sign(&c.k, "none", SIGN_RSA_SHA256, view_of_literal("x"), on_done, &b),
		0);
	stop(&c);
	assert_int_equal(a.times, 1);
	assert_int_equal(b.times, 1);
	assert_true(a.rc < 0 && b.rc < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_made_kept_and_removed),
		cmocka_unit_test(keys_survive_the_process),
		cmocka_unit_test(keys_asked_in_one_turn_are_told_apart),
		cmocka_unit_test(keys_answer_without_a_process),
		cmocka_unit_test(keys_are_refused),
		cmocka_unit_test(keys_want_a_secret_pin),
		cmocka_unit_test(keys_close_with_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
