#include "host/seal_ops.h"

#include <stdlib.h>

#include "base/emit.h"
#include "base/err.h"
#include "crypto/hkdf.h"
#include "crypto/seal.h"

enum { SALT_LEN = 16, INFO_MAX = 80 };

/* ha's opaque key handle */
struct ha_key {
	struct seal *seal;
};

static int key_new(void *ctx, const char *purpose, uint32_t node, const uint8_t salt[SALT_LEN],
	struct ha_key **out)
{
	struct seal_ctx *s = (struct seal_ctx *)ctx;
	uint8_t octets[INFO_MAX], key[SEAL_KEY_LEN];
	struct emit e = emit_to(octets, sizeof octets);
	struct hkdf_in in = {secret_view(s->cluster_key), view_of(salt, SALT_LEN), {0}};
	struct ha_key *k;
	int rc;

	emit_view(&e, view_of_text(purpose));
	emit_u8(&e, 0);
	emit_be32(&e, node);
	rc = emit_done(&e, &in.info);
	if (rc < 0)
		return rc;
	rc = hkdf_sha256(s->crypto, &in, key, sizeof key);
	k = rc < 0 ? NULL : calloc(1, sizeof *k);
	if (rc == 0)
		rc = k ? seal_new(s->crypto, view_of_array(key), &k->seal) : -ERR_NOMEM;
	secret_wipe(key, sizeof key);
	if (rc < 0) {
		free(k);
		return rc;
	}
	*out = k;
	return 0;
}

static void key_free(void *ctx, struct ha_key *k)
{
	(void)ctx;
	if (!k)
		return;
	seal_free(k->seal);
	free(k);
}

/* 4 zero octets and the counter: a key never sees a counter twice (architecture rule 14). */
static void nonce_of(uint64_t counter, uint8_t out[SEAL_NONCE_LEN])
{
	struct emit e = emit_to(out, SEAL_NONCE_LEN);

	emit_be32(&e, 0);
	emit_be64(&e, counter);
}

static int seal_one(void *ctx, struct ha_key *k, uint64_t counter, struct view aad,
	struct view plain, uint8_t *out)
{
	uint8_t nonce[SEAL_NONCE_LEN];

	(void)ctx;
	nonce_of(counter, nonce);
	return seal_wrap(k->seal, nonce, aad, plain, out);
}

static int open_one(void *ctx, struct ha_key *k, uint64_t counter, struct view aad,
	struct view sealed, uint8_t *out)
{
	uint8_t nonce[SEAL_NONCE_LEN];
	int rc;

	(void)ctx;
	nonce_of(counter, nonce);
	rc = seal_unwrap(k->seal, nonce, aad, sealed, out);
	return rc < 0 ? -ERR_CRYPTO : 0;
}

int seal_ops_init(
	struct seal_ctx *s, struct crypto *c, struct view cluster_key, struct ha_seal_ops *out)
{
	s->crypto = c;
	s->cluster_key = secret_copy(cluster_key);
	if (!s->cluster_key)
		return -ERR_NOMEM;
	*out = (struct ha_seal_ops){.ctx = s,
		.key_new = key_new,
		.key_free = key_free,
		.seal = seal_one,
		.open = open_one};
	return 0;
}

void seal_ops_fini(struct seal_ctx *s)
{
	secret_free(s->cluster_key);
	s->cluster_key = NULL;
}
