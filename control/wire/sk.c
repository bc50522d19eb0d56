#include "wire/sk.h"

#include "base/cursor.h"
#include "base/err.h"

#define SKF_FIELDS_LEN 4 /* fragment number, total fragments */

static const struct payload *envelope_of(const struct message *m)
{
	const struct payload *p = chain_find(&m->chain, PLD_SK);

	return p ? p : chain_find(&m->chain, PLD_SKF);
}

/* RFC 7383 2.5, 2.6: both count from one. */
static int fragment_read(struct cur *c, struct sk_in *in)
{
	in->frag = cur_be16(c);
	in->frag_of = cur_be16(c);
	if (!cur_ok(c))
		return -ERR_TRUNCATED;
	if (in->frag == 0 || in->frag > in->frag_of)
		return -ERR_VALUE;
	if (in->frag != 1)
		in->inner_first = PLD_NONE;
	return 0;
}

int sk_parse(const struct message *m, struct sk_shape shape, struct sk_in *out)
{
	const struct payload *p = envelope_of(m);
	struct sk_in in = {0};
	struct cur c;
	size_t left;
	int rc;

	if (!p)
		return -ERR_NOT_FOUND;
	c = cur_of(p->body);
	in.inner_first = p->next;
	if (p->type == PLD_SKF) {
		rc = fragment_read(&c, &in);
		if (rc < 0)
			return rc;
	}
	in.aad = view_of(m->raw.p, p->at + PAYLOAD_HEADER_LEN + c.at);
	in.iv = cur_take(&c, shape.iv_len);
	left = cur_left(&c);
	/* At least the pad length octet is encrypted, so at least one block. */
	if (!cur_ok(&c) || left < (size_t)shape.icv_len + 1)
		return -ERR_TRUNCATED;
	in.text = cur_take(&c, left - shape.icv_len);
	in.icv = cur_take(&c, shape.icv_len);
	if (in.text.n % shape.block != 0)
		return -ERR_TRUNCATED;
	*out = in;
	return 0;
}

int sk_unpad(struct view plain, struct view *inner)
{
	size_t pad;

	if (plain.n == 0)
		return -ERR_VALUE;
	/* 3.14: the padding may have any value and any length up to 255. */
	pad = plain.p[plain.n - 1];
	if (pad > plain.n - 1)
		return -ERR_VALUE;
	*inner = view_of(plain.p, plain.n - 1 - pad);
	return 0;
}

void sk_open(struct writer *w, struct sk_shape shape)
{
	if (w->headless || w->sk_at != 0)
		w->e.bad = true;
	w->sk_at = w->e.n;
	writer_open(w, PLD_SK);
	/* The payloads inside are not a part of SK's body for the writer; sk_close() finds back. */
	w->length_at = 0;
	w->sk_iv_len = shape.iv_len;
	w->sk_icv_len = shape.icv_len;
	w->sk_block = shape.block;
	emit_zero(&w->e, shape.iv_len);
}

/* From the IV on, n octets of inner payloads are written: adds what follows them. */
static void text_finish(struct emit *e, size_t n, struct sk_shape shape)
{
	size_t over = (n + 1) % shape.block;
	size_t pad = over ? shape.block - over : 0;

	emit_zero(e, pad);
	emit_u8(e, (uint8_t)pad);
	emit_zero(e, shape.icv_len);
}

static void spans(uint8_t *p, size_t n, size_t aad_n, struct sk_shape shape, struct sk_out *out)
{
	size_t text_at = aad_n + shape.iv_len, icv_at = n - shape.icv_len;

	*out = (struct sk_out){
		.message = {p, n},
		.aad = {p, aad_n},
		.iv = p + aad_n,
		.text = p + text_at,
		.text_n = icv_at - text_at,
		.icv = p + icv_at,
	};
}

int sk_close(struct writer *w, struct sk_out *out)
{
	struct sk_shape shape = {w->sk_iv_len, w->sk_icv_len, w->sk_block};
	size_t aad_n = w->sk_at + PAYLOAD_HEADER_LEN;
	struct view message;
	int rc;

	if (w->sk_at == 0 || w->e.bad)
		return -ERR_SPACE;
	text_finish(&w->e, w->e.n - aad_n - shape.iv_len, shape);
	emit_patch16(&w->e, w->sk_at + 2, w->e.n - w->sk_at);
	rc = writer_end(w, &message);
	if (rc < 0)
		return rc;
	spans(w->e.p, message.n, aad_n, shape, out);
	return 0;
}

size_t skf_chunk_max(struct sk_shape shape, size_t max)
{
	size_t fixed = IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + SKF_FIELDS_LEN + (size_t)shape.iv_len +
		       shape.icv_len;
	size_t text;

	if (max <= fixed)
		return 0;
	text = (max - fixed) / shape.block * shape.block;
	return text ? text - 1 : 0;
}

int skf_build(struct emit *e, const struct ike_header *h, struct sk_shape shape,
	const struct skf_part *part, struct sk_out *out)
{
	size_t at = IKE_HEADER_LEN, aad_n = at + PAYLOAD_HEADER_LEN + SKF_FIELDS_LEN;
	uint8_t *start = e->bad ? NULL : e->p + e->n;
	struct writer w;
	struct view message;
	int rc;

	if (part->frag == 0 || part->frag > part->frag_of)
		return -ERR_VALUE;
	if (!start)
		return -ERR_SPACE;
	writer_begin(&w, start, e->cap - e->n, h);
	writer_open(&w, PLD_SKF);
	emit_be16(&w.e, part->frag);
	emit_be16(&w.e, part->frag_of);
	emit_zero(&w.e, shape.iv_len);
	emit_view(&w.e, part->chunk);
	text_finish(&w.e, part->chunk.n, shape);
	writer_close(&w);
	/* RFC 7383 2.5: the first inner type in the first fragment, zero in the others. */
	emit_patch8(&w.e, at, part->frag == 1 ? part->inner_first : PLD_NONE);
	rc = writer_end(&w, &message);
	if (rc < 0)
		return rc;
	(void)emit_reserve(e, message.n);
	spans(start, message.n, aad_n, shape, out);
	return 0;
}
