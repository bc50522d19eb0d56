#include "suite.h"

#include <intel-ipsec-mb.h>

#include "base/cleanup.h"
#include "base/view.h"

enum { GCM_ICV = 16 };

/* The engine is ipsec-mb's manager under our name: the header is seen here only. */
static IMB_MGR *mgr(struct suite_engine *e)
{
	return (IMB_MGR *)(void *)e;
}

struct suite_engine *suite_engine_new(void)
{
	IMB_MGR *m = alloc_mb_mgr(0);
	IMB_ARCH arch;

	if (!m)
		return NULL;
	init_mb_mgr_auto(m, &arch);
	if (arch == IMB_ARCH_NONE) {
		free_mb_mgr(m);
		return NULL;
	}
	return (struct suite_engine *)(void *)m;
}

void suite_engine_free(struct suite_engine *e)
{
	if (e)
		free_mb_mgr(mgr(e));
}

/* Takes the same time whatever differs. */
static bool icv_is_equal(const uint8_t *a, const uint8_t *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a, sizeof x);
	memcpy(y, b, sizeof y);
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/* RFC 4106: nonce = salt | IV, AAD = SPI | sequence number (32 or 64 bits). */
#define GCM_SUITE(bits)                                                                            \
	static void gcm##bits##_expand(struct suite_engine *e, const uint8_t *key, void *out)      \
	{                                                                                          \
		IMB_AES##bits##_GCM_PRE(mgr(e), key, (struct gcm_key_data *)out);                  \
	}                                                                                          \
	static void gcm##bits##_seal(struct suite_engine *e, struct suite_op *ops, uint32_t n)     \
	{                                                                                          \
		struct gcm_context_data ctx;                                                       \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++)                                                   \
			IMB_AES##bits##_GCM_ENC(mgr(e), ops[i].key, &ctx, ops[i].data,             \
				ops[i].data, ops[i].len, ops[i].nonce, ops[i].aad, ops[i].aad_len, \
				ops[i].icv, GCM_ICV);                                              \
	}                                                                                          \
	static void gcm##bits##_open(struct suite_engine *e, struct suite_op *ops, uint32_t n)     \
	{                                                                                          \
		struct gcm_context_data ctx;                                                       \
		uint8_t icv[GCM_ICV];                                                              \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++) {                                                 \
			IMB_AES##bits##_GCM_DEC(mgr(e), ops[i].key, &ctx, ops[i].data,             \
				ops[i].data, ops[i].len, ops[i].nonce, ops[i].aad, ops[i].aad_len, \
				icv, GCM_ICV);                                                     \
			ops[i].ok = icv_is_equal(icv, ops[i].icv);                                 \
		}                                                                                  \
	}

GCM_SUITE(128)
GCM_SUITE(192)
GCM_SUITE(256)

// clang-format off
#define GCM_ROW(bits)                                                                              \
	{"aes-" #bits "-gcm", SUITE_ENCR_AES_GCM16, bits, 0, bits / 8 + SUITE_SALT,                \
		{8, GCM_ICV, 4}, sizeof(struct gcm_key_data), gcm##bits##_expand,                  \
		gcm##bits##_seal, gcm##bits##_open}

static const struct suite suites[] = {
	GCM_ROW(128),
	GCM_ROW(192),
	GCM_ROW(256),
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
