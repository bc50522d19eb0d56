#include "suite_imb.h"

#include "base/secret.h"
#include "core/ip4.h"

enum { BLOCK_MAX = 128, ESN_HIGH = 4 };

static uint32_t hash_block(const struct suite *s)
{
	return s->hash == IMB_AUTH_HMAC_SHA_1 || s->hash == IMB_AUTH_HMAC_SHA_256 ? 64 : 128;
}

/* The state of the hash after one block of key XOR pad (RFC 2104 2, end of section 4). */
static void hash_pad(
	const struct suite *s, struct suite_engine *e, struct view key, uint8_t pad, uint8_t *state)
{
	uint8_t block[BLOCK_MAX];

	memset(block, pad, sizeof block);
	for (size_t i = 0; i < key.n; i++)
		block[i] ^= key.p[i];
	if (s->hash == IMB_AUTH_HMAC_SHA_1)
		IMB_SHA1_ONE_BLOCK(e->mgr, block, state);
	else if (s->hash == IMB_AUTH_HMAC_SHA_256)
		IMB_SHA256_ONE_BLOCK(e->mgr, block, state);
	else if (s->hash == IMB_AUTH_HMAC_SHA_384)
		IMB_SHA384_ONE_BLOCK(e->mgr, block, state);
	else
		IMB_SHA512_ONE_BLOCK(e->mgr, block, state);
	secret_wipe(block, sizeof block);
}

void cbc_expand(const struct suite *s, struct suite_engine *e, struct view encr, struct view integ,
	void *out)
{
	struct cbc_key *k = out;

	if (s->key_bits == 128)
		IMB_AES_KEYEXP_128(e->mgr, encr.p, k->enc, k->dec);
	else if (s->key_bits == 192)
		IMB_AES_KEYEXP_192(e->mgr, encr.p, k->enc, k->dec);
	else
		IMB_AES_KEYEXP_256(e->mgr, encr.p, k->enc, k->dec);
	if (integ.n > hash_block(s)) /* never: integrity keys are as long as the hash */
		return;
	hash_pad(s, e, integ, 0x36, k->ipad);
	hash_pad(s, e, integ, 0x5c, k->opad);
}

/* RFC 4303 2.2.1: the high half of an ESN takes part in the ICV behind the ciphertext, but is not
 * sent: it lies for a moment where the ICV goes. */
static void job_fill(IMB_JOB *j, const struct suite *s, struct suite_op *op)
{
	const struct cbc_key *k = op->key;
	uint32_t front = ESP_HDR + SUITE_CBC_IV;

	j->enc_keys = k->enc;
	j->dec_keys = k->dec;
	j->key_len_in_bytes = s->key_bits / 8u;
	j->src = op->esp;
	j->dst = op->esp + front;
	j->cipher_start_src_offset_in_bytes = front;
	j->msg_len_to_cipher_in_bytes = op->len;
	j->hash_start_src_offset_in_bytes = 0;
	j->msg_len_to_hash_in_bytes = front + op->len + (op->esn ? (uint32_t)ESN_HIGH : 0);
	j->iv = op->esp + ESP_HDR;
	j->iv_len_in_bytes = SUITE_CBC_IV;
	j->auth_tag_output = op->icv;
	j->auth_tag_output_len_in_bytes = s->shape.icv;
	j->u.HMAC._hashed_auth_key_xor_ipad = k->ipad;
	j->u.HMAC._hashed_auth_key_xor_opad = k->opad;
	j->cipher_mode = IMB_CIPHER_CBC;
	j->hash_alg = (IMB_HASH_ALG)s->hash;
	j->user_data = op;
	op->ok = false;
}

static uint8_t *icv_at(const struct suite_op *op)
{
	return op->esp + ESP_HDR + SUITE_CBC_IV + op->len;
}

static void job_ended(const IMB_JOB *j)
{
	struct suite_op *op = j->user_data;

	op->ok = j->status == IMB_STATUS_COMPLETED;
}

static void run_all(
	struct suite_engine *e, const struct suite *s, struct suite_op *v, uint32_t n, bool seal)
{
	IMB_JOB *j;

	for (uint32_t i = 0; i < n; i++) {
		j = IMB_GET_NEXT_JOB(e->mgr);
		job_fill(j, s, &v[i]);
		j->cipher_direction = seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
		j->chain_order = seal ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
		j = IMB_SUBMIT_JOB(e->mgr);
		if (j)
			job_ended(j);
	}
	while ((j = IMB_FLUSH_JOB(e->mgr)) != NULL)
		job_ended(j);
}

void cbc_seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (v[i].esn)
			store_be32(icv_at(&v[i]), (uint32_t)(v[i].seq >> 32));
	run_all(e, s, v, n, true);
	for (uint32_t i = 0; i < n; i++)
		memcpy(icv_at(&v[i]), v[i].icv, s->shape.icv);
}

void cbc_open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!v[i].esn)
			continue;
		memcpy(v[i].saved, icv_at(&v[i]), ESN_HIGH);
		store_be32(icv_at(&v[i]), (uint32_t)(v[i].seq >> 32));
	}
	run_all(e, s, v, n, false);
	for (uint32_t i = 0; i < n; i++) {
		if (v[i].esn)
			memcpy(icv_at(&v[i]), v[i].saved, ESN_HIGH);
		v[i].ok = v[i].ok && view_equal_ct(view_of(v[i].icv, s->shape.icv),
					     view_of(icv_at(&v[i]), s->shape.icv));
	}
}
