#include "suite_imb.h"

#include "core/hot.h"
#include "core/ip4.h"

enum { GCM_ICV = 16, GCM_IV = 8 };

/* Takes the same time whatever differs. */
static bool icv_is_equal(const uint8_t *a, const uint8_t *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a, sizeof x);
	memcpy(y, b, sizeof y);
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

void aead_inputs(const struct suite_op *v, uint32_t n, struct suite_aead *in)
{
	for (uint32_t i = 0; i < n; i++) {
		memcpy(in[i].nonce, &v[i].salt, SUITE_SALT);
		memcpy(in[i].nonce + SUITE_SALT, v[i].esp + ESP_HDR, GCM_IV);
		memcpy(in[i].aad, v[i].esp, ESP_HDR);
		in[i].aad_len = ESP_HDR;
		if (v[i].esn) {
			store_be64(in[i].aad + 4, v[i].seq);
			in[i].aad_len = SUITE_AAD_MAX;
		}
	}
}

void gcm_expand(const struct suite *s, struct suite_engine *e, struct view encr, struct view integ,
	void *out)
{
	(void)integ;
	if (s->key_bits == 128)
		IMB_AES128_GCM_PRE(e->mgr, encr.p, (struct gcm_key_data *)out);
	else if (s->key_bits == 192)
		IMB_AES192_GCM_PRE(e->mgr, encr.p, (struct gcm_key_data *)out);
	else
		IMB_AES256_GCM_PRE(e->mgr, encr.p, (struct gcm_key_data *)out);
}

/* The direct calls are faster than jobs, and take one packet each. */
#define GCM_CALLS(bits)                                                                            \
	void gcm##bits##_seal(                                                                     \
		const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n)     \
	{                                                                                          \
		struct gcm_context_data ctx;                                                       \
		struct suite_aead *in = e->aead;                                                   \
                                                                                                   \
		(void)s;                                                                           \
		aead_inputs(v, n, in);                                                             \
		for (uint32_t i = 0; i < n; i++) {                                                 \
			uint8_t *p = v[i].esp + ESP_HDR + GCM_IV;                                  \
                                                                                                   \
			IMB_AES##bits##_GCM_ENC(e->mgr, v[i].key, &ctx, p, p, v[i].len,            \
				in[i].nonce, in[i].aad, in[i].aad_len, p + v[i].len, GCM_ICV);     \
		}                                                                                  \
	}                                                                                          \
	void gcm##bits##_open(                                                                     \
		const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n)     \
	{                                                                                          \
		struct gcm_context_data ctx;                                                       \
		struct suite_aead *in = e->aead;                                                   \
		uint8_t icv[GCM_ICV];                                                              \
                                                                                                   \
		(void)s;                                                                           \
		aead_inputs(v, n, in);                                                             \
		for (uint32_t i = 0; i < n; i++) {                                                 \
			uint8_t *p = v[i].esp + ESP_HDR + GCM_IV;                                  \
                                                                                                   \
			IMB_AES##bits##_GCM_DEC(e->mgr, v[i].key, &ctx, p, p, v[i].len,            \
				in[i].nonce, in[i].aad, in[i].aad_len, icv, GCM_ICV);              \
			v[i].ok = icv_is_equal(icv, p + v[i].len);                                 \
		}                                                                                  \
	}

GCM_CALLS(128)
GCM_CALLS(192)
GCM_CALLS(256)
