#include "suite.h"

#include <stdlib.h>

#include "base/secret.h"
#include "suite_imb.h"

// clang-format off
#define GCM_ROW(bits)                                                                              \
	{"aes-" #bits "-gcm", SUITE_ENCR_AES_GCM16, bits, SUITE_INTEG_NONE,                        \
		bits / 8 + SUITE_SALT, 0, true, {8, 16, 4}, sizeof(struct gcm_key_data), 0, 0,     \
		gcm_expand, gcm##bits##_seal, gcm##bits##_open,                                    \
		(bits / 32 + 7) * 16, sizeof(struct gcm_key_data) - AES_SCHEDULE_MAX}
/* RFC 7634 */
#define CHACHA_ROW                                                                                 \
	{"chacha20-poly1305", SUITE_ENCR_CHACHA20_POLY1305, 256, SUITE_INTEG_NONE,                 \
		CHACHA_KEY + SUITE_SALT, 0, true, {8, 16, 4}, CHACHA_KEY,                          \
		IMB_CIPHER_CHACHA20_POLY1305, IMB_AUTH_CHACHA20_POLY1305,                          \
		chacha_expand, chacha_seal, chacha_open}
#define JOB_ROW(name, encr, bits, key_len, iv, cipher, hname, integ, integ_len, icv, hash)         \
	{name "+" hname, encr, bits, integ, key_len, integ_len, false,                             \
		{iv, icv, (iv) ? (iv) : 4}, sizeof(struct job_key), cipher, hash,                  \
		job_expand, job_seal, job_open}
/* ICV lengths: RFC 2403, RFC 2404, RFC 4868 */
#define HMAC_ROWS(...)                                                                             \
	JOB_ROW(__VA_ARGS__, "md5-96", SUITE_INTEG_MD5_96, 16, 12, IMB_AUTH_MD5),                  \
	JOB_ROW(__VA_ARGS__, "sha1-96", SUITE_INTEG_SHA1_96, 20, 12, IMB_AUTH_HMAC_SHA_1),         \
	JOB_ROW(__VA_ARGS__, "sha256-128", SUITE_INTEG_SHA256_128, 32, 16, IMB_AUTH_HMAC_SHA_256), \
	JOB_ROW(__VA_ARGS__, "sha256-96", SUITE_INTEG_SHA256_96, 32, 12, IMB_AUTH_HMAC_SHA_256),   \
	JOB_ROW(__VA_ARGS__, "sha384-192", SUITE_INTEG_SHA384_192, 48, 24, IMB_AUTH_HMAC_SHA_384), \
	JOB_ROW(__VA_ARGS__, "sha512-256", SUITE_INTEG_SHA512_256, 64, 32, IMB_AUTH_HMAC_SHA_512)
#define AH_ROW(hname, integ, integ_len, icv, hash)                                                 \
	{"ah+" hname, SUITE_ENCR_AH, 0, integ, 0, integ_len, false, {0, icv, 4},                    \
		offsetof(struct job_key, aes), IMB_CIPHER_NULL, hash, job_expand, job_mac, job_mac}
#define CIPHER_ROWS(...)                                                                           \
	HMAC_ROWS(__VA_ARGS__),                                                                    \
	JOB_ROW(__VA_ARGS__, "none", SUITE_INTEG_NONE, 0, 0, IMB_AUTH_NULL)

static const struct suite suites[] = {
	GCM_ROW(128),
	GCM_ROW(192),
	GCM_ROW(256),
	CHACHA_ROW,
	CIPHER_ROWS("aes-128-cbc", SUITE_ENCR_AES_CBC, 128, 16, 16, IMB_CIPHER_CBC),
	CIPHER_ROWS("aes-192-cbc", SUITE_ENCR_AES_CBC, 192, 24, 16, IMB_CIPHER_CBC),
	CIPHER_ROWS("aes-256-cbc", SUITE_ENCR_AES_CBC, 256, 32, 16, IMB_CIPHER_CBC),
	CIPHER_ROWS("3des-cbc", SUITE_ENCR_3DES, 192, 24, 8, IMB_CIPHER_DES3),
	CIPHER_ROWS("des-cbc", SUITE_ENCR_DES, 64, 8, 8, IMB_CIPHER_DES),
	HMAC_ROWS("null", SUITE_ENCR_NULL, 0, 0, 0, IMB_CIPHER_NULL), /* RFC 2410; never with none */
};

/* RFC 8221 6 and what is older */
static const struct suite ah_suites[] = {
	AH_ROW("md5-96", SUITE_INTEG_MD5_96, 16, 12, IMB_AUTH_MD5),
	AH_ROW("sha1-96", SUITE_INTEG_SHA1_96, 20, 12, IMB_AUTH_HMAC_SHA_1),
	AH_ROW("sha256-128", SUITE_INTEG_SHA256_128, 32, 16, IMB_AUTH_HMAC_SHA_256),
	AH_ROW("sha256-96", SUITE_INTEG_SHA256_96, 32, 12, IMB_AUTH_HMAC_SHA_256),
	AH_ROW("sha384-192", SUITE_INTEG_SHA384_192, 48, 24, IMB_AUTH_HMAC_SHA_384),
	AH_ROW("sha512-256", SUITE_INTEG_SHA512_256, 64, 32, IMB_AUTH_HMAC_SHA_512),
};

// clang-format on

/* Ciphers of one key length go without saying it (RFC 7296 3.3.5). */
static bool key_bits_fit(const struct suite *s, uint32_t bits)
{
	return s->key_bits == bits ||
	       (bits == 0 && s->encr != SUITE_ENCR_AES_CBC && s->encr != SUITE_ENCR_AES_GCM16);
}

const struct suite *suite_find(uint32_t encr, uint32_t key_bits, uint32_t integ)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		if (suites[i].encr == encr && key_bits_fit(&suites[i], key_bits) &&
			suites[i].integ == integ)
			return &suites[i];
	return NULL;
}

const struct suite *suite_at(size_t i)
{
	return i < ARRAY_LEN(suites) ? &suites[i] : NULL;
}

const struct suite *suite_find_ah(uint32_t integ)
{
	for (size_t i = 0; i < ARRAY_LEN(ah_suites); i++)
		if (ah_suites[i].integ == integ)
			return &ah_suites[i];
	return NULL;
}

const struct suite *suite_ah_at(size_t i)
{
	return i < ARRAY_LEN(ah_suites) ? &ah_suites[i] : NULL;
}

struct suite_engine *suite_engine_new(const struct env *env)
{
	struct suite_engine *e = aligned_alloc(64, (sizeof *e + 63) & ~(size_t)63);
	uint8_t seed[16], unused[16 * 15];
	IMB_ARCH arch;

	if (!e)
		return NULL;
	e->mgr = alloc_mb_mgr(0);
	if (!e->mgr) {
		free(e);
		return NULL;
	}
	init_mb_mgr_auto(e->mgr, &arch);
	if (arch == IMB_ARCH_NONE) {
		suite_engine_free(e);
		return NULL;
	}
	env_random(env, seed, sizeof seed);
	env_random(env, e->iv_counter, sizeof e->iv_counter);
	IMB_AES_KEYEXP_128(e->mgr, seed, e->iv_key, unused);
	secret_wipe(seed, sizeof seed);
	secret_wipe(unused, sizeof unused);
	return e;
}

void suite_engine_free(struct suite_engine *e)
{
	if (!e)
		return;
	free_mb_mgr(e->mgr);
	secret_wipe(e->iv_key, sizeof e->iv_key);
	free(e);
}

void suite_random_iv(struct suite_engine *e, const struct suite *s, uint8_t *out)
{
	static const uint8_t zero[SUITE_IV_MAX];

	if (s->shape.iv == 0)
		return;
	e->iv_counter[0]++;
	/* One block of CFB over zeroes is the block cipher itself. */
	IMB_AES128_CFB_ONE(e->mgr, out, zero, e->iv_counter, e->iv_key, s->shape.iv);
}
