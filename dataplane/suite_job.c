#include "suite_imb.h"

#include "base/secret.h"
#include "core/ip4.h"

enum { BLOCK_MAX = 128, ESN_HIGH = 4, TAG_FULL = 16 };

static uint32_t hash_block(const struct suite *s)
{
	return s->hash == IMB_AUTH_HMAC_SHA_384 || s->hash == IMB_AUTH_HMAC_SHA_512 ? 128 : 64;
}

/* The state of the hash after one block of key XOR pad (RFC 2104 2, end of section 4). */
static void hash_pad(
	const struct suite *s, struct suite_engine *e, struct view key, uint8_t pad, uint8_t *state)
{
	uint8_t block[BLOCK_MAX];

	memset(block, pad, sizeof block);
	for (size_t i = 0; i < key.n; i++)
		block[i] ^= key.p[i];
	if (s->hash == IMB_AUTH_MD5)
		IMB_MD5_ONE_BLOCK(e->mgr, block, state);
	else if (s->hash == IMB_AUTH_HMAC_SHA_1)
		IMB_SHA1_ONE_BLOCK(e->mgr, block, state);
	else if (s->hash == IMB_AUTH_HMAC_SHA_256)
		IMB_SHA256_ONE_BLOCK(e->mgr, block, state);
	else if (s->hash == IMB_AUTH_HMAC_SHA_384)
		IMB_SHA384_ONE_BLOCK(e->mgr, block, state);
	else
		IMB_SHA512_ONE_BLOCK(e->mgr, block, state);
	secret_wipe(block, sizeof block);
}

static void cipher_expand(
	const struct suite *s, struct suite_engine *e, const uint8_t *key, struct job_key *k)
{
	if (s->encr == SUITE_ENCR_3DES) {
		for (uint32_t i = 0; i < DES_KEYS; i++)
			(void)IMB_DES_KEYSCHED(e->mgr, (uint64_t *)(void *)k->des[i], key + 8 * i);
	} else if (s->encr == SUITE_ENCR_DES) {
		(void)IMB_DES_KEYSCHED(e->mgr, (uint64_t *)(void *)k->des[0], key);
	} else if (s->encr == SUITE_ENCR_AES_CBC && s->key_bits == 128) {
		IMB_AES_KEYEXP_128(e->mgr, key, k->aes.enc, k->aes.dec);
	} else if (s->encr == SUITE_ENCR_AES_CBC && s->key_bits == 192) {
		IMB_AES_KEYEXP_192(e->mgr, key, k->aes.enc, k->aes.dec);
	} else if (s->encr == SUITE_ENCR_AES_CBC) {
		IMB_AES_KEYEXP_256(e->mgr, key, k->aes.enc, k->aes.dec);
	}
}

void job_expand(const struct suite *s, struct suite_engine *e, struct view encr, struct view integ,
	void *out)
{
	struct job_key *k = out;

	cipher_expand(s, e, encr.p, k);
	if (s->integ_len == 0 || integ.n > hash_block(s)) /* never: as long as the hash */
		return;
	hash_pad(s, e, integ, 0x36, k->ipad);
	hash_pad(s, e, integ, 0x5c, k->opad);
}

/* ---------------------------------------------------------------- a cipher and an HMAC */

static void keys_put(IMB_JOB *j, const struct suite *s, const struct job_key *k, const void **des)
{
	if (s->encr == SUITE_ENCR_AES_CBC) {
		j->enc_keys = k->aes.enc;
		j->dec_keys = k->aes.dec;
	} else if (s->encr == SUITE_ENCR_3DES) {
		for (uint32_t i = 0; i < DES_KEYS; i++)
			des[i] = k->des[i];
		j->enc_keys = j->dec_keys = des;
	} else {
		j->enc_keys = j->dec_keys = k->des[0];
	}
	j->key_len_in_bytes = s->key_len;
	j->u.HMAC._hashed_auth_key_xor_ipad = k->ipad;
	j->u.HMAC._hashed_auth_key_xor_opad = k->opad;
}

/* The library cuts to the lengths of RFC 4868; shorter ones are cut by us. */
static uint64_t tag_len(const struct suite *s)
{
	return s->integ == SUITE_INTEG_SHA256_96 ? (uint64_t)TAG_FULL : s->shape.icv;
}

/* RFC 4303 2.2.1: the high half of an ESN takes part in the ICV behind the ciphertext, but is not
 * sent: it lies for a moment where the ICV goes. */
static void job_fill(IMB_JOB *j, const struct suite *s, struct suite_op *op, const void **des)
{
	uint32_t front = ESP_HDR + (uint32_t)s->shape.iv;
	bool esn = op->esn && s->integ_len;

	keys_put(j, s, op->key, des);
	j->src = op->esp;
	j->dst = op->esp + front;
	j->cipher_start_src_offset_in_bytes = front;
	j->msg_len_to_cipher_in_bytes = op->len;
	j->hash_start_src_offset_in_bytes = 0;
	j->msg_len_to_hash_in_bytes = front + op->len + (esn ? (uint32_t)ESN_HIGH : 0);
	j->iv = op->esp + ESP_HDR;
	j->iv_len_in_bytes = s->shape.iv;
	j->auth_tag_output = op->icv;
	j->auth_tag_output_len_in_bytes = tag_len(s);
	j->cipher_mode = (IMB_CIPHER_MODE)s->cipher;
	j->hash_alg = (IMB_HASH_ALG)s->hash;
	j->user_data = op;
	op->ok = false;
}

static uint8_t *icv_at(const struct suite *s, const struct suite_op *op)
{
	return op->esp + ESP_HDR + s->shape.iv + op->len;
}

static void job_ended(const IMB_JOB *j)
{
	struct suite_op *op = j->user_data;

	op->ok = j->status == IMB_STATUS_COMPLETED;
}

static void job_direct(IMB_JOB *j, bool seal)
{
	j->cipher_direction = seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	j->chain_order = seal ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
}

static void job_submit(struct suite_engine *e, IMB_JOB *j)
{
	for (j = IMB_SUBMIT_JOB(e->mgr); j; j = IMB_GET_COMPLETED_JOB(e->mgr))
		job_ended(j);
}

static void jobs_flush(struct suite_engine *e)
{
	const IMB_JOB *j;

	while ((j = IMB_FLUSH_JOB(e->mgr)) != NULL)
		job_ended(j);
}

static void run_all(
	struct suite_engine *e, const struct suite *s, struct suite_op *v, uint32_t n, bool seal)
{
	for (uint32_t i = 0; i < n; i++) {
		IMB_JOB *j = IMB_GET_NEXT_JOB(e->mgr);

		job_fill(j, s, &v[i], e->des[i]);
		job_direct(j, seal);
		job_submit(e, j);
	}
	jobs_flush(e);
}

/* RFC 4302 3.3.3.2.2: the high half of an ESN follows the packet. */
static void mac_fill(IMB_JOB *j, const struct suite *s, struct suite_op *op)
{
	const struct job_key *k = op->key;

	if (op->esn)
		store_be32(op->esp + op->len, (uint32_t)(op->seq >> 32));
	j->u.HMAC._hashed_auth_key_xor_ipad = k->ipad;
	j->u.HMAC._hashed_auth_key_xor_opad = k->opad;
	j->src = op->esp;
	j->hash_start_src_offset_in_bytes = 0;
	j->msg_len_to_hash_in_bytes = op->len + (op->esn ? (uint64_t)ESN_HIGH : 0);
	j->auth_tag_output = op->icv;
	j->auth_tag_output_len_in_bytes = tag_len(s);
	j->cipher_mode = IMB_CIPHER_NULL;
	j->hash_alg = (IMB_HASH_ALG)s->hash;
	j->cipher_direction = IMB_DIR_ENCRYPT;
	j->chain_order = IMB_ORDER_HASH_CIPHER;
	j->user_data = op;
	op->ok = false;
}

void job_mac(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		IMB_JOB *j = IMB_GET_NEXT_JOB(e->mgr);

		mac_fill(j, s, &v[i]);
		job_submit(e, j);
	}
	jobs_flush(e);
}

static bool takes_esn(const struct suite *s, const struct suite_op *op)
{
	return op->esn && s->integ_len;
}

void job_seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (takes_esn(s, &v[i]))
			store_be32(icv_at(s, &v[i]), (uint32_t)(v[i].seq >> 32));
	run_all(e, s, v, n, true);
	for (uint32_t i = 0; i < n; i++)
		memcpy(icv_at(s, &v[i]), v[i].icv, s->shape.icv);
}

void job_open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!takes_esn(s, &v[i]))
			continue;
		memcpy(v[i].saved, icv_at(s, &v[i]), ESN_HIGH);
		store_be32(icv_at(s, &v[i]), (uint32_t)(v[i].seq >> 32));
	}
	run_all(e, s, v, n, false);
	for (uint32_t i = 0; i < n; i++) {
		if (takes_esn(s, &v[i]))
			memcpy(icv_at(s, &v[i]), v[i].saved, ESN_HIGH);
		v[i].ok = v[i].ok && view_equal_ct(view_of(v[i].icv, s->shape.icv),
					     view_of(icv_at(s, &v[i]), s->shape.icv));
	}
}

/* ---------------------------------------------------------------- ChaCha20-Poly1305 */

void chacha_expand(const struct suite *s, struct suite_engine *e, struct view encr,
	struct view integ, void *out)
{
	(void)s;
	(void)e;
	(void)integ;
	memcpy(out, encr.p, CHACHA_KEY);
}

static void chacha_fill(
	IMB_JOB *j, const struct suite *s, struct suite_op *op, const struct suite_aead *in)
{
	uint32_t front = ESP_HDR + (uint32_t)s->shape.iv;

	j->enc_keys = j->dec_keys = op->key;
	j->key_len_in_bytes = CHACHA_KEY;
	j->src = op->esp + front;
	j->dst = op->esp + front;
	j->cipher_start_src_offset_in_bytes = 0;
	j->msg_len_to_cipher_in_bytes = op->len;
	j->hash_start_src_offset_in_bytes = 0;
	j->msg_len_to_hash_in_bytes = op->len;
	j->iv = in->nonce;
	j->iv_len_in_bytes = SUITE_NONCE;
	j->u.CHACHA20_POLY1305.aad = in->aad;
	j->u.CHACHA20_POLY1305.aad_len_in_bytes = in->aad_len;
	j->auth_tag_output = op->icv;
	j->auth_tag_output_len_in_bytes = s->shape.icv;
	j->cipher_mode = (IMB_CIPHER_MODE)s->cipher;
	j->hash_alg = (IMB_HASH_ALG)s->hash;
	j->user_data = op;
	op->ok = false;
}

static void chacha_run(
	struct suite_engine *e, const struct suite *s, struct suite_op *v, uint32_t n, bool seal)
{
	aead_inputs(v, n, e->aead);
	for (uint32_t i = 0; i < n; i++) {
		IMB_JOB *j = IMB_GET_NEXT_JOB(e->mgr);

		chacha_fill(j, s, &v[i], &e->aead[i]);
		job_direct(j, seal);
		job_submit(e, j);
	}
	jobs_flush(e);
}

void chacha_seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n)
{
	chacha_run(e, s, v, n, true);
	for (uint32_t i = 0; i < n; i++)
		memcpy(icv_at(s, &v[i]), v[i].icv, s->shape.icv);
}

void chacha_open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n)
{
	chacha_run(e, s, v, n, false);
	for (uint32_t i = 0; i < n; i++)
		v[i].ok = v[i].ok && view_equal_ct(view_of(v[i].icv, s->shape.icv),
					     view_of(icv_at(s, &v[i]), s->shape.icv));
}
