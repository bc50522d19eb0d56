#include "wire/writer.h"

#include "base/err.h"

#define HEADER_NEXT_AT	 16
#define HEADER_LENGTH_AT 24

void writer_begin(struct writer *w, void *room, size_t cap, const struct ike_header *h)
{
	*w = (struct writer){.e = emit_to(room, cap), .next_at = HEADER_NEXT_AT};
	emit_be64(&w->e, h->spi_i);
	emit_be64(&w->e, h->spi_r);
	emit_u8(&w->e, PLD_NONE);
	emit_u8(&w->e, h->version ? h->version : IKE_VERSION_2);
	emit_u8(&w->e, h->exchange);
	emit_u8(&w->e, h->flags);
	emit_be32(&w->e, h->mid);
	emit_be32(&w->e, 0);
}

void writer_begin_inner(struct writer *w, void *room, size_t cap)
{
	*w = (struct writer){.e = emit_to(room, cap), .next_at = WRITER_FIRST, .headless = true};
}

void writer_open(struct writer *w, uint8_t type)
{
	size_t at = w->e.n;

	if (w->length_at != 0) {
		w->e.bad = true;
		return;
	}
	if (w->next_at == WRITER_FIRST)
		w->first = type;
	else
		emit_patch8(&w->e, w->next_at, type);
	w->next_at = at;
	emit_u8(&w->e, PLD_NONE);
	emit_u8(&w->e, 0); /* critical is for payloads outside RFC 7296 only (3.2) */
	w->length_at = emit_len16(&w->e);
}

void writer_close(struct writer *w)
{
	if (w->length_at == 0) {
		w->e.bad = true;
		return;
	}
	emit_patch16(&w->e, w->length_at, w->e.n - w->next_at);
	w->length_at = 0;
}

void writer_add(struct writer *w, uint8_t type, struct view body)
{
	writer_open(w, type);
	emit_view(&w->e, body);
	writer_close(w);
}

/* The 32-bit length of the header, as two halves. */
static void patch_message_length(struct emit *e)
{
	emit_patch16(e, HEADER_LENGTH_AT, e->n >> 16);
	emit_patch16(e, HEADER_LENGTH_AT + 2, e->n & 0xffff);
}

int writer_end(struct writer *w, struct view *out)
{
	if (w->length_at != 0)
		w->e.bad = true;
	if (!w->headless)
		patch_message_length(&w->e);
	return emit_done(&w->e, out);
}
