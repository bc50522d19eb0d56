#include "suite.h"

#include <stdlib.h>

#include "base/secret.h"
#include "suite_imb.h"

// clang-format off
#define GCM_ROW(bits)                                                                              \
	{"aes-" #bits "-gcm", SUITE_ENCR_AES_GCM16, bits, 0, bits / 8 + SUITE_SALT, 0,             \
		{8, 16, 4}, sizeof(struct gcm_key_data), 0, gcm_expand, gcm##bits##_seal,          \
		gcm##bits##_open}
/* integ: RFC 7296 3.3.2 transform type 3; ICV lengths of RFC 2404, RFC 4868 */
#define CBC_ROW(bits, hash, integ, integ_len, icv)                                                 \
	{"aes-" #bits "-cbc+" #hash, SUITE_ENCR_AES_CBC, bits, integ, bits / 8, integ_len,         \
		{SUITE_CBC_IV, icv, 16}, sizeof(struct cbc_key), IMB_AUTH_HMAC_##hash,             \
		cbc_expand, cbc_seal, cbc_open}
#define CBC_ROWS(bits)                                                                             \
	CBC_ROW(bits, SHA_1, 2, 20, 12),                                                           \
	CBC_ROW(bits, SHA_256, 12, 32, 16),                                                        \
	CBC_ROW(bits, SHA_384, 13, 48, 24),                                                        \
	CBC_ROW(bits, SHA_512, 14, 64, 32)

static const struct suite suites[] = {
	GCM_ROW(128),
	GCM_ROW(192),
	GCM_ROW(256),
	CBC_ROWS(128),
	CBC_ROWS(192),
	CBC_ROWS(256),
};

// clang-format on

const struct suite *suite_find(uint32_t encr, uint32_t key_bits, uint32_t integ)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		if (suites[i].encr == encr && suites[i].key_bits == key_bits &&
			suites[i].integ == integ)
			return &suites[i];
	return NULL;
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

void suite_random_iv(struct suite_engine *e, uint8_t out[SUITE_CBC_IV])
{
	static const uint8_t zero[SUITE_CBC_IV];

	e->iv_counter[0]++;
	/* One block of CFB over zeroes is the block cipher itself. */
	IMB_AES128_CFB_ONE(e->mgr, out, zero, e->iv_counter, e->iv_key, SUITE_CBC_IV);
}
