#include "host_case.h"

#include "host/seal_ops.h"

#define TEXT "what one node tells the others"

enum { TEXT_LEN = sizeof TEXT - 1, SEALED_LEN = TEXT_LEN + 16 };

/* One who can seal and open. */
struct party {
	struct seal_ctx ctx;
	struct ha_seal_ops ops;
	struct ha_key *key;
};

static struct crypto *crypto;

static const uint8_t cluster_key[32] = {1, 2}, other_cluster_key[32] = {1, 2, [31] = 1};
static const uint8_t salt[16] = {9}, other_salt[16] = {9, [15] = 1};

static void party_init(struct party *p, const uint8_t key[32], const char *purpose, uint32_t node,
	const uint8_t with_salt[16])
{
	assert_int_equal(seal_ops_init(&p->ctx, crypto, view_of(key, 32), &p->ops), 0);
	assert_int_equal(p->ops.key_new(p->ops.ctx, purpose, node, with_salt, &p->key), 0);
}

static void party_fini(struct party *p)
{
	p->ops.key_free(p->ops.ctx, p->key);
	seal_ops_fini(&p->ctx);
}

static void seal_text(struct party *p, uint64_t counter, uint8_t out[SEALED_LEN])
{
	assert_int_equal(p->ops.seal(p->ops.ctx, p->key, counter, view_of_literal("aad"),
				 view_of_literal(TEXT), out),
		0);
}

static int open_text(struct party *p, uint64_t counter, const char *aad, struct view sealed)
{
	uint8_t out[SEALED_LEN] = {0};
	int rc = p->ops.open(p->ops.ctx, p->key, counter, view_of_text(aad), sealed, out);

	if (rc == 0)
		assert_memory_equal(out, TEXT, TEXT_LEN);
	return rc;
}

static int setup(void **state)
{
	(void)state;
	return crypto_new(&crypto);
}

static int teardown(void **state)
{
	(void)state;
	crypto_free(crypto);
	return 0;
}

static void seal_ops_open_what_another_node_sealed(void **state)
{
	static const uint64_t counters[] = {0, 1, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX};
	struct party a, b;
	uint8_t sealed[SEALED_LEN], other[SEALED_LEN];

	(void)state;
	party_init(&a, cluster_key, "message", 3, salt);
	party_init(&b, cluster_key, "message", 3, salt);
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		seal_text(&a, counters[i], sealed);
		assert_int_equal(open_text(&b, counters[i], "aad", view_of_array(sealed)), 0);
		seal_text(&a, counters[i] ^ 1ull << 40, other);
		assert_memory_not_equal(
			sealed, other, sizeof sealed); /* each bit is a nonce of its own */
	}
	party_fini(&a);
	party_fini(&b);
}

static const struct {
	const char *name;
	const uint8_t *key;
	const char *purpose;
	uint32_t node;
	const uint8_t *salt;
	uint64_t counter;
	const char *aad;
} strangers[] = {
	{"another cluster key", other_cluster_key, "message", 3, salt, 7, "aad"},
	{"another node's key", cluster_key, "message", 4, salt, 7, "aad"},
	{"another node's key, by a high bit", cluster_key, "message", 0x80000003, salt, 7, "aad"},
	{"another purpose", cluster_key, "messages", 3, salt, 7, "aad"},
	{"no purpose", cluster_key, "", 3, salt, 7, "aad"},
	{"another salt", cluster_key, "message", 3, other_salt, 7, "aad"},
	{"another counter", cluster_key, "message", 3, salt, 8, "aad"},
	{"another counter, by its high half", cluster_key, "message", 3, salt, 7 + (1ull << 32),
		"aad"},
	{"other associated data", cluster_key, "message", 3, salt, 7, "aae"},
	{"no associated data", cluster_key, "message", 3, salt, 7, ""},
};

static void seal_ops_refuse_strangers(void **state)
{
	struct party a, b;
	uint8_t sealed[SEALED_LEN];

	(void)state;
	party_init(&a, cluster_key, "message", 3, salt);
	seal_text(&a, 7, sealed);
	assert_int_equal(open_text(&a, 7, "aad", view_of_array(sealed)), 0);
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		party_init(&b, strangers[i].key, strangers[i].purpose, strangers[i].node,
			strangers[i].salt);
		if (open_text(&b, strangers[i].counter, strangers[i].aad, view_of_array(sealed)) !=
			-ERR_CRYPTO)
			fail_msg("%s", strangers[i].name);
		party_fini(&b);
	}
	party_fini(&a);
}

static void seal_ops_refuse_damage(void **state)
{
	struct party a;
	uint8_t sealed[SEALED_LEN];

	(void)state;
	party_init(&a, cluster_key, "message", 3, salt);
	seal_text(&a, 7, sealed);
	for (size_t i = 0; i < sizeof sealed * 8; i++) {
		sealed[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_equal(open_text(&a, 7, "aad", view_of_array(sealed)), -ERR_CRYPTO);
		sealed[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t n = 0; n < sizeof sealed; n++)
		assert_int_equal(open_text(&a, 7, "aad", view_of(sealed, n)), -ERR_CRYPTO);
	assert_int_equal(open_text(&a, 7, "aad", view_of_array(sealed)), 0);
	party_fini(&a);
}

static void seal_ops_refuse_a_purpose_that_does_not_fit(void **state)
{
	struct party a;
	char purpose[100];
	struct ha_key *key = NULL;

	(void)state;
	party_init(&a, cluster_key, "message", 3, salt);
	memset(purpose, 'p', sizeof purpose - 1);
	purpose[sizeof purpose - 1] = '\0';
	assert_int_equal(a.ops.key_new(a.ops.ctx, purpose, 3, salt, &key), -ERR_SPACE);
	assert_null(key);
	a.ops.key_free(a.ops.ctx, NULL);
	party_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seal_ops_open_what_another_node_sealed),
		cmocka_unit_test(seal_ops_refuse_strangers),
		cmocka_unit_test(seal_ops_refuse_damage),
		cmocka_unit_test(seal_ops_refuse_a_purpose_that_does_not_fit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
