#include "wire/pld_notify.h"

#include "base/cursor.h"
#include "base/err.h"

#define SPI_LEN_ESP 4

/* Types whose data has a form that is fixed; all others may carry anything. */
static const struct {
	uint16_t type;
	uint8_t least, most; /* octets of data */
	bool needs_spi;
} forms[] = {
	{N_INVALID_KE_PAYLOAD, 2, 2, false}, /* 1.3: the group wanted */
	{N_COOKIE, 1, 64, false},	     /* 2.6 */
	{N_SET_WINDOW_SIZE, 4, 4, false},    /* 2.3 */
	{N_REKEY_SA, 0, 0, true},	     /* 1.3.3 */
};

static bool suits_form(const struct pld_notify *n)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (forms[i].type != n->type)
			continue;
		return n->data.n >= forms[i].least && n->data.n <= forms[i].most &&
		       (!forms[i].needs_spi || n->spi.n != 0);
	}
	return true;
}

int pld_notify_parse(struct view body, struct pld_notify *out)
{
	struct cur c = cur_of(body);
	struct pld_notify n;
	uint8_t spi_size;

	n.protocol = cur_u8(&c);
	spi_size = cur_u8(&c);
	n.type = cur_be16(&c);
	n.spi = cur_take(&c, spi_size);
	n.data = cur_rest(&c);
	if (!cur_done(&c))
		return -ERR_TRUNCATED;
	if (spi_size == 0)
		n.protocol = PROTO_NONE; /* 3.10: must be ignored without SPI */
	if ((n.protocol == PROTO_ESP || n.protocol == PROTO_AH) && spi_size != SPI_LEN_ESP)
		return -ERR_VALUE;
	if (!suits_form(&n))
		return -ERR_VALUE;
	*out = n;
	return 0;
}

void pld_notify_emit(struct emit *e, const struct pld_notify *n)
{
	if (n->spi.n > UINT8_MAX)
		e->bad = true;
	emit_u8(e, n->spi.n == 0 ? PROTO_NONE : n->protocol);
	emit_u8(e, (uint8_t)n->spi.n);
	emit_be16(e, n->type);
	emit_view(e, n->spi);
	emit_view(e, n->data);
}
