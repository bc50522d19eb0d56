/*
 * Every ESP transform against published packets and against OpenSSL: what the one seals the other
 * opens, for random keys, lengths, sequence numbers and bursts; what was touched does not open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "core/ip4.h"
#include "suite.h"
#include "tests/unit/crypto/vector.h"

enum { ROOM = 2048, ROUNDS = 40, KEY_MAX = 64 };

struct world {
	struct suite_engine *engine;
	uint64_t rng;
};

static uint64_t rnd(struct world *w)
{
	w->rng = w->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return w->rng >> 20;
}

static void fill(void *ctx, void *out, size_t n)
{
	for (uint8_t *p = out; n; n--)
		*p++ = (uint8_t)rnd(ctx);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct env env = {fill, w};

	assert_non_null(w);
	w->rng = 1;
	w->engine = suite_engine_new(&env);
	assert_non_null(w->engine);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	suite_engine_free(w->engine);
	free(w);
	return 0;
}

/* One direction of an SA. */
struct half {
	const struct suite *s;
	uint8_t key[KEY_MAX], auth[KEY_MAX];
	void *expanded;
	uint32_t salt;
};

static void half_expand(struct world *w, struct half *h)
{
	h->expanded = aligned_alloc(64, (h->s->expanded + 63) & ~(size_t)63);
	assert_non_null(h->expanded);
	memset(h->expanded, 0, (h->s->expanded + 63) & ~(size_t)63);
	h->s->expand(h->s, w->engine, view_of(h->key, h->s->key_len),
		view_of(h->auth, h->s->integ_len), h->expanded);
	if (suite_is_aead(h->s))
		memcpy(&h->salt, h->key + h->s->key_len - SUITE_SALT, SUITE_SALT);
}

/* ---------------------------------------------------------------- OpenSSL's opinion */

static const char *cipher_name(const struct suite *s)
{
	switch (s->encr) {
	case SUITE_ENCR_DES: /* EDE with one key thrice */
	case SUITE_ENCR_3DES:
		return "DES-EDE3-CBC";
	case SUITE_ENCR_AES_CBC:
		return s->key_bits == 128   ? "AES-128-CBC"
		       : s->key_bits == 192 ? "AES-192-CBC"
					    : "AES-256-CBC";
	case SUITE_ENCR_AES_GCM16:
		return s->key_bits == 128   ? "AES-128-GCM"
		       : s->key_bits == 192 ? "AES-192-GCM"
					    : "AES-256-GCM";
	case SUITE_ENCR_CHACHA20_POLY1305:
		return "ChaCha20-Poly1305";
	default:
		return "NULL";
	}
}

static const char *hash_name(const struct suite *s)
{
	switch (s->integ) {
	case SUITE_INTEG_MD5_96:
		return "MD5";
	case SUITE_INTEG_SHA1_96:
		return "SHA1";
	case SUITE_INTEG_SHA384_192:
		return "SHA384";
	case SUITE_INTEG_SHA512_256:
		return "SHA512";
	default:
		return "SHA256";
	}
}

struct text {
	const uint8_t *in;
	uint8_t *out, *icv; /* icv: AEAD, written or read */
	const uint8_t *esp;
	uint32_t len;
	uint64_t seq;
	bool esn;
};

static bool cipher_run(const struct half *h, const struct text *t, bool seal)
{
	const struct suite *s = h->s;
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, cipher_name(s), NULL);
	EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	uint8_t key[KEY_MAX], iv[SUITE_IV_MAX], aad[SUITE_AAD_MAX];
	int n = 0, m = 0, aad_len = ESP_HDR;
	bool ok;

	assert_non_null(c);
	memcpy(key, h->key, sizeof key);
	if (s->encr == SUITE_ENCR_DES) {
		memcpy(key + 8, h->key, 8);
		memcpy(key + 16, h->key, 8);
	}
	memcpy(iv, t->esp + ESP_HDR, s->shape.iv);
	if (s->aead) {
		memcpy(iv, &h->salt, SUITE_SALT);
		memcpy(iv + SUITE_SALT, t->esp + ESP_HDR, s->shape.iv);
	}
	memcpy(aad, t->esp, ESP_HDR);
	if (t->esn) {
		store_be64(aad + 4, t->seq);
		aad_len = SUITE_AAD_MAX;
	}
	assert_int_equal(EVP_CipherInit_ex2(x, c, key, iv, seal, NULL), 1);
	(void)EVP_CIPHER_CTX_set_padding(x, 0);
	if (s->aead && !seal)
		(void)EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_TAG, s->shape.icv, t->icv);
	if (s->aead)
		assert_int_equal(EVP_CipherUpdate(x, NULL, &n, aad, aad_len), 1);
	ok = EVP_CipherUpdate(x, t->out, &n, t->in, (int)t->len) == 1 &&
	     EVP_CipherFinal_ex(x, t->out + n, &m) == 1;
	if (s->aead && seal)
		(void)EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, s->shape.icv, t->icv);
	EVP_CIPHER_CTX_free(x);
	EVP_CIPHER_free(c);
	return ok;
}

static void hmac(const struct half *h, const struct text *t, uint8_t *out)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *x = EVP_MAC_CTX_new(mac);
	char name[16] = "";
	uint8_t high[4], full[64];
	size_t n;
	OSSL_PARAM p[2] = {OSSL_PARAM_END, OSSL_PARAM_END};

	(void)strcpy(name, hash_name(h->s));
	p[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
	store_be32(high, (uint32_t)(t->seq >> 32));
	assert_int_equal(EVP_MAC_init(x, h->auth, h->s->integ_len, p), 1);
	(void)EVP_MAC_update(x, t->esp, ESP_HDR + (size_t)h->s->shape.iv + t->len);
	if (t->esn)
		(void)EVP_MAC_update(x, high, sizeof high);
	assert_int_equal(EVP_MAC_final(x, full, &n, sizeof full), 1);
	assert_true(n >= h->s->shape.icv);
	memcpy(out, full, h->s->shape.icv);
	EVP_MAC_CTX_free(x);
	EVP_MAC_free(mac);
}

static bool oracle(const struct half *h, const struct suite_op *op, bool seal)
{
	uint8_t *body = op->esp + ESP_HDR + h->s->shape.iv, *icv = body + op->len;
	uint8_t mac[SUITE_ICV_MAX];
	struct text t = {body, body, icv, op->esp, op->len, op->seq, op->esn};
	bool ok = true;

	if (!seal && h->s->integ_len) {
		hmac(h, &t, mac);
		ok = memcmp(mac, icv, h->s->shape.icv) == 0;
	}
	ok &= cipher_run(h, &t, seal);
	if (seal && h->s->integ_len)
		hmac(h, &t, icv);
	return ok;
}

/* ---------------------------------------------------------------- both ways */

static void run(struct world *w, const struct half *h, struct suite_op *v, uint32_t n, bool seal)
{
	for (uint32_t i = 0; i < n; i++) {
		v[i].key = h->expanded;
		v[i].salt = h->salt;
	}
	(seal ? h->s->seal : h->s->open)(h->s, w->engine, v, n);
}

static void random_op(struct world *w, const struct half *h, struct suite_op *op, uint8_t *room)
{
	uint32_t blocks = (uint32_t)rnd(w) % (1400 / h->s->shape.align) + 1;

	*op = (struct suite_op){.esp = room,
		.len = blocks * h->s->shape.align,
		.seq = (rnd(w) % 3 << 32 | (uint32_t)rnd(w)),
		.esn = rnd(w) & 1};
	fill(w, room, ESP_HDR + (size_t)h->s->shape.iv + op->len);
	store_be32(room + 4, (uint32_t)op->seq);
}

static void round_trip(struct world *w, struct half *h)
{
	static uint8_t room[SUITE_BURST][ROOM], plain[SUITE_BURST][ROOM], hostile[ROOM];
	struct suite_op v[SUITE_BURST], one;
	uint32_t n = (uint32_t)rnd(w) % SUITE_BURST + 1, size, at;
	bool ours = rnd(w) & 1;

	for (uint32_t i = 0; i < n; i++) {
		random_op(w, h, &v[i], room[i]);
		memcpy(plain[i], room[i], ROOM);
	}
	if (ours)
		run(w, h, v, n, true);
	for (uint32_t i = 0; i < n && !ours; i++)
		assert_true(oracle(h, &v[i], true));
	one = v[0];
	size = ESP_HDR + (uint32_t)h->s->shape.iv + one.len + h->s->shape.icv;
	memcpy(hostile, room[0], size);
	if (!ours)
		run(w, h, v, n, false);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(ours ? oracle(h, &v[i], false) : v[i].ok);
		assert_memory_equal(room[i], plain[i], ESP_HDR + (size_t)h->s->shape.iv + v[i].len);
	}
	/* any octet, the number's high half included, is covered */
	if (!h->s->aead && h->s->integ_len == 0)
		return;
	at = (uint32_t)rnd(w) % size;
	one.esp = hostile;
	if (one.esn && rnd(w) % 4 == 0)
		one.seq += UINT64_C(1) << 32;
	else
		hostile[at] ^= (uint8_t)(1u << rnd(w) % 8);
	one.seq = (one.seq >> 32 << 32) | load_be32(hostile + 4); /* as it is inferred */
	run(w, h, &one, 1, false);
	assert_false(one.ok);
}

static void every_suite_agrees_with_openssl(void **state)
{
	struct world *w = *state;
	const struct suite *s;

	for (size_t i = 0; (s = suite_at(i)) != NULL; i++) {
		struct half h = {.s = s};

		print_message("# %s\n", s->name);
		assert_ptr_equal(suite_find(s->encr, s->key_bits, s->integ), s);
		fill(w, h.key, s->key_len);
		fill(w, h.auth, s->integ_len);
		half_expand(w, &h);
		for (int round = 0; round < ROUNDS; round++)
			round_trip(w, &h);
		free(h.expanded);
	}
}

/* ---------------------------------------------------------------- published packets */

static void check_vector(struct world *w, const struct vector *v)
{
	struct view esp = vector_hex(v, "esp"), inner = vector_hex(v, "inner");
	uint32_t integ = (uint32_t)strtoul(vector_text(v, "integ"), NULL, 10), payload;
	struct half h = {.s = suite_find((uint32_t)strtoul(vector_text(v, "encr"), NULL, 10),
				 (uint32_t)strtoul(vector_text(v, "bits"), NULL, 10), integ)};
	uint8_t room[ROOM], next;
	struct suite_op op = {.esp = room};

	assert_non_null(h.s);
	assert_true(esp.n <= sizeof room);
	assert_int_equal(vector_hex(v, "key").n, h.s->key_len);
	memcpy(h.key, vector_hex(v, "key").p, h.s->key_len);
	if (integ)
		memcpy(h.auth, vector_hex(v, "auth").p, h.s->integ_len);
	half_expand(w, &h);
	memcpy(room, esp.p, esp.n);
	op.len = esp_cipher_len(&h.s->shape, (uint32_t)esp.n);
	op.seq = load_be32(room + 4);
	run(w, &h, &op, 1, false);
	assert_true(op.ok);
	assert_int_equal(
		esp_trailer_get(view_of(room + ESP_HDR + h.s->shape.iv, op.len), &payload, &next),
		0);
	assert_int_equal(payload, inner.n);
	assert_memory_equal(room + ESP_HDR + h.s->shape.iv, inner.p, inner.n);
	run(w, &h, &op, 1, true);
	assert_memory_equal(room, esp.p, esp.n);
	free(h.expanded);
}

static void published_packets_open_and_seal(void **state)
{
	struct vector v;
	unsigned n = 0;

	vector_open(&v, "esp.txt");
	for (; vector_next(&v); n++) {
		print_message("# %s\n", vector_text(&v, "name"));
		check_vector(*state, &v);
	}
	vector_close(&v);
	assert_in_range(n, 20, 100);
}

static void what_protects_nothing_is_no_suite(void **state)
{
	(void)state;
	assert_null(suite_find(SUITE_ENCR_NULL, 0, SUITE_INTEG_NONE));
	assert_null(suite_find(SUITE_ENCR_AES_GCM16, 128, SUITE_INTEG_SHA256_128));
	assert_null(suite_find(SUITE_ENCR_AES_CBC, 0, SUITE_INTEG_SHA256_128));
	assert_non_null(suite_find(SUITE_ENCR_3DES, 0, SUITE_INTEG_SHA1_96));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_suite_agrees_with_openssl),
		cmocka_unit_test(published_packets_open_and_seal),
		cmocka_unit_test(what_protects_nothing_is_no_suite),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
