#include "wire/pld_delete.h"

#include "base/cursor.h"
#include "base/err.h"

#define SPI_LEN_ESP 4

int pld_delete_parse(struct view body, struct pld_delete *out)
{
	struct cur c = cur_of(body);
	struct pld_delete d;
	bool is_ike;

	d.protocol = cur_u8(&c);
	d.spi_size = cur_u8(&c);
	d.count = cur_be16(&c);
	d.spis = cur_take(&c, (size_t)d.spi_size * d.count);
	if (!cur_done(&c))
		return -ERR_TRUNCATED;
	is_ike = d.protocol == PROTO_IKE;
	if (!is_ike && d.protocol != PROTO_ESP && d.protocol != PROTO_AH)
		return -ERR_VALUE;
	/* 3.11: the IKE SA is named by the header, so there is nothing to list. */
	if (d.spi_size != (is_ike ? 0 : SPI_LEN_ESP) || (is_ike && d.count != 0))
		return -ERR_VALUE;
	*out = d;
	return 0;
}

uint32_t pld_delete_spi(const struct pld_delete *d, size_t i)
{
	struct cur c = cur_of(d->spis);

	if (i >= d->spis.n / SPI_LEN_ESP)
		return 0;
	(void)cur_take(&c, i * SPI_LEN_ESP);
	return cur_be32(&c);
}

void pld_delete_emit_ike(struct emit *e)
{
	emit_u8(e, PROTO_IKE);
	emit_u8(e, 0);
	emit_be16(e, 0);
}

void pld_delete_emit(struct emit *e, uint8_t protocol, const uint32_t *spis, size_t n)
{
	if (n > UINT16_MAX)
		e->bad = true;
	emit_u8(e, protocol);
	emit_u8(e, SPI_LEN_ESP);
	emit_be16(e, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		emit_be32(e, spis[i]);
}
