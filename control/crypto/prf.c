#include "crypto/prf.h"

#include "base/secret.h"
#include "crypto/hash.h"

#define PIECES_MAX 8 /* of a prf+ seed */
#define BLOCKS_MAX 255

static int hash_of(uint16_t id, enum hash_id *out)
{
	switch (id) {
	case ALG_PRF_MD5:
		*out = HASH_MD5;
		return 0;
	case ALG_PRF_SHA1:
		*out = HASH_SHA1;
		return 0;
	case ALG_PRF_SHA256:
		*out = HASH_SHA256;
		return 0;
	case ALG_PRF_SHA384:
		*out = HASH_SHA384;
		return 0;
	case ALG_PRF_SHA512:
		*out = HASH_SHA512;
		return 0;
	default:
		return -ERR_UNSUPPORTED;
	}
}

size_t prf_len(uint16_t id)
{
	enum hash_id h;

	return hash_of(id, &h) == 0 ? hash_len(h) : 0;
}

int prf(struct crypto *c, uint16_t id, struct view key, struct views parts, uint8_t *out)
{
	enum hash_id h;
	int rc = hash_of(id, &h);

	return rc < 0 ? rc : hmac(c, h, key, parts, out);
}

/* RFC 7296 2.13: T1 = prf(K, S | 1), Tn = prf(K, Tn-1 | S | n). */
int prf_plus(struct crypto *c, uint16_t id, struct view key, struct views seed, struct prf_out out)
{
	struct view pieces[PIECES_MAX + 2];
	uint8_t block[ALG_DIGEST_MAX], counter = 0;
	size_t len = prf_len(id), done = 0;
	int rc = len ? 0 : -ERR_UNSUPPORTED;

	if (seed.n > PIECES_MAX || (len != 0 && out.n > len * BLOCKS_MAX))
		return -ERR_LIMIT;
	pieces[0] = (struct view){0};
	for (size_t i = 0; i < seed.n; i++)
		pieces[1 + i] = seed.v[i];
	pieces[1 + seed.n] = view_of(&counter, 1);
	while (rc == 0 && done < out.n) {
		counter++;
		rc = prf(c, id, key, (struct views){pieces, seed.n + 2}, block);
		if (rc < 0)
			break;
		pieces[0] = view_of(block, len);
		memcpy(out.p + done, block, MIN(len, out.n - done));
		done += MIN(len, out.n - done);
	}
	secret_wipe(block, sizeof block);
	return rc;
}

int auth_octets_join(
	struct crypto *c, uint16_t id, const struct auth_octets *octets, struct blob *out)
{
	uint8_t maced_id[ALG_DIGEST_MAX];
	auto_blob all = {0};
	int rc = prf(c, id, octets->sk_p, VIEWS(octets->id_body), maced_id);

	if (rc == 0)
		rc = blob_copy(octets->message, &all);
	if (rc == 0)
		rc = blob_append(&all, octets->nonce);
	if (rc == 0)
		rc = blob_append(&all, view_of(maced_id, prf_len(id)));
	if (rc == 0)
		rc = blob_append(&all, octets->extra);
	secret_wipe(maced_id, sizeof maced_id);
	if (rc < 0)
		return rc;
	*out = blob_take(&all);
	return 0;
}

int auth_psk(struct crypto *c, uint16_t id, struct view psk, const struct auth_octets *octets,
	uint8_t *out)
{
	uint8_t pad[ALG_DIGEST_MAX], maced_id[ALG_DIGEST_MAX];
	size_t len = prf_len(id);
	int rc;

	if (psk.n == 0)
		return -ERR_VALUE;
	/* 2.15: RealMessage | nonce of the other | prf(SK_p, ID payload body) */
	rc = prf(c, id, octets->sk_p, VIEWS(octets->id_body), maced_id);
	if (rc == 0)
		rc = prf(c, id, psk, VIEWS(view_of_literal("Key Pad for IKEv2")), pad);
	if (rc == 0)
		rc = prf(c, id, view_of(pad, len),
			VIEWS(octets->message, octets->nonce, view_of(maced_id, len),
				octets->extra),
			out);
	secret_wipe(pad, sizeof pad);
	secret_wipe(maced_id, sizeof maced_id);
	return rc;
}
