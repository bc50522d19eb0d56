#include "ike/keymat.h"

#include "base/des.h"
#include "base/emit.h"
#include "base/err.h"
#include "crypto/prf.h"

static void spis_write(const struct keymat_ike_in *in, uint8_t out[16])
{
	struct emit e = emit_to(out, 16);

	emit_be64(&e, in->spi_i);
	emit_be64(&e, in->spi_r);
}

static size_t sk_len(const struct ike_suite *s, enum sk_key which)
{
	switch (which) {
	case SK_AI:
	case SK_AR:
		return s->integ ? s->integ->key_len : 0;
	case SK_EI:
	case SK_ER:
		return s->encr->key_len;
	case SK_D:
	case SK_PI:
	case SK_PR:
	default:
		return s->prf->out_len;
	}
}

/* ALG-009: with a probability of 2^-52 an exchange has to be done once more. */
static bool is_weak(const struct alg *encr, struct view key)
{
	return (encr->id == ALG_DES || encr->id == ALG_3DES) && des_derived_is_weak(key);
}

size_t keymat_ike_len(const struct ike_suite *s)
{
	size_t n = 0;

	for (enum sk_key k = SK_D; k <= SK_PR; k++)
		n += sk_len(s, k);
	return n;
}

int keymat_ike(struct crypto *c, const struct ike_suite *s, const struct keymat_ike_in *in,
	struct secret **out)
{
	uint8_t seed[ALG_DIGEST_MAX], nonces[2 * 256], spis[16];
	auto_secret keys = secret_new(keymat_ike_len(s));
	uint16_t seed_prf = in->old_prf ? in->old_prf : s->prf->id;
	int rc;

	if (!keys)
		return -ERR_NOMEM;
	if (in->ni.n > 256 || in->nr.n > 256)
		return -ERR_LIMIT;
	spis_write(in, spis);
	if (in->old_prf) {
		/* 2.18: SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr [ | more ]) */
		rc = prf(c, seed_prf, in->old_sk_d, VIEWS(in->shared, in->ni, in->nr, in->more),
			seed);
	} else {
		/* 2.14: SKEYSEED = prf(Ni | Nr, g^ir) */
		memcpy(nonces, in->ni.p, in->ni.n);
		memcpy(nonces + in->ni.n, in->nr.p, in->nr.n);
		rc = prf(
			c, seed_prf, view_of(nonces, in->ni.n + in->nr.n), VIEWS(in->shared), seed);
	}
	if (rc == 0)
		rc = prf_plus(c, s->prf->id, view_of(seed, prf_len(seed_prf)),
			VIEWS(in->ni, in->nr, view_of_array(spis)),
			(struct prf_out){keys->p, keys->n});
	secret_wipe(seed, sizeof seed);
	if (rc == 0 && (is_weak(s->encr, keymat_ike_key(s, keys, SK_EI)) ||
			       is_weak(s->encr, keymat_ike_key(s, keys, SK_ER))))
		rc = -ERR_CRYPTO;
	if (rc < 0)
		return rc;
	*out = take_ptr(keys);
	return 0;
}

struct view keymat_ike_key(const struct ike_suite *s, const struct secret *keys, enum sk_key which)
{
	size_t at = 0;

	if (!keys || keys->n != keymat_ike_len(s))
		return (struct view){0};
	for (enum sk_key k = SK_D; k < which; k++)
		at += sk_len(s, k);
	return view_of(keys->p + at, sk_len(s, which));
}

int keymat_ike_aead(
	const struct ike_suite *s, const struct secret *keys, bool from_initiator, struct aead *out)
{
	return aead_init(out, s->encr, s->integ,
		keymat_ike_key(s, keys, from_initiator ? SK_EI : SK_ER),
		keymat_ike_key(s, keys, from_initiator ? SK_AI : SK_AR));
}

size_t keymat_child_len(const struct alg *encr, const struct alg *integ)
{
	return 2 * ((size_t)encr->key_len + (integ ? integ->key_len : 0));
}

int keymat_child(struct crypto *c, const struct esp_suite *s, const struct keymat_child_in *in,
	struct secret **out)
{
	auto_secret keys = secret_new(keymat_child_len(s->encr, s->integ));
	struct child_keys parts;
	int rc;

	if (!keys)
		return -ERR_NOMEM;
	/* 2.17: KEYMAT = prf+(SK_d, [ g^ir (new) | ] Ni | Nr) */
	rc = prf_plus(c, in->prf, in->sk_d, VIEWS(in->shared, in->ni, in->nr),
		(struct prf_out){keys->p, keys->n});
	if (rc < 0)
		return rc;
	parts = keymat_child_keys(s->encr, s->integ, keys);
	if (is_weak(s->encr, parts.encr_i) || is_weak(s->encr, parts.encr_r))
		return -ERR_CRYPTO;
	*out = take_ptr(keys);
	return 0;
}

struct child_keys keymat_child_keys(
	const struct alg *encr, const struct alg *integ, const struct secret *keys)
{
	size_t e = encr->key_len, i = integ ? integ->key_len : 0;
	const uint8_t *p = keys->p;

	if (keys->n != 2 * (e + i))
		return (struct child_keys){0};
	return (struct child_keys){
		.encr_i = {p, e},
		.integ_i = {i ? p + e : NULL, i},
		.encr_r = {p + e + i, e},
		.integ_r = {i ? p + e + i + e : NULL, i},
	};
}
