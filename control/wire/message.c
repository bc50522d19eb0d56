#include "wire/message.h"

#include "base/cursor.h"
#include "base/err.h"

#define CRITICAL_BIT 0x80

int ike_header_parse(struct view datagram, struct ike_header *out)
{
	struct cur c = cur_of(datagram);
	struct ike_header h;

	h.spi_i = cur_be64(&c);
	h.spi_r = cur_be64(&c);
	h.next = cur_u8(&c);
	h.version = cur_u8(&c);
	h.exchange = cur_u8(&c);
	h.flags = cur_u8(&c);
	h.mid = cur_be32(&c);
	h.length = cur_be32(&c);
	if (!cur_ok(&c) || h.length != datagram.n)
		return -ERR_TRUNCATED;
	*out = h;
	return 0;
}

static bool is_envelope(uint8_t type)
{
	return type == PLD_SK || type == PLD_SKF;
}

/* One generic header and its body (RFC 7296 3.2). */
static int payload_read(struct cur *c, uint8_t type, struct payload *out)
{
	uint16_t length;
	uint8_t flags;

	out->type = type;
	out->at = c->at;
	out->next = cur_u8(c);
	flags = cur_u8(c); /* RESERVED bits must be ignored on receipt */
	out->critical = (flags & CRITICAL_BIT) != 0;
	length = cur_be16(c);
	if (length < PAYLOAD_HEADER_LEN)
		return -ERR_TRUNCATED;
	out->body = cur_take(c, (size_t)length - PAYLOAD_HEADER_LEN);
	return cur_ok(c) ? 0 : -ERR_TRUNCATED;
}

/* Every step consumes at least four octets, so a chain cannot loop; PAYLOAD_MAX bounds the rest. */
static int chain_read(struct cur *c, uint8_t type, bool inner, struct chain *out)
{
	int rc;

	out->n = 0;
	out->refused = 0;
	out->seen = 0;
	for (unsigned count = 0; type != PLD_NONE; count++) {
		struct payload p;

		if (count == PAYLOAD_MAX)
			return -ERR_LIMIT;
		rc = payload_read(c, type, &p);
		if (rc < 0)
			return rc;
		type = p.next;
		if (!payload_is_known(p.type)) {
			/* 2.5: unknown is skipped, unless the sender insists. */
			if (!p.critical)
				continue;
			out->refused = p.type;
			return -ERR_CRITICAL;
		}
		if (is_envelope(p.type)) {
			if (inner)
				return -ERR_VALUE; /* nested: 3.14 knows no such thing */
			type = PLD_NONE;	   /* 3.14: next names the first payload inside */
		}
		out->at[out->n++] = p;
		out->seen |= PLD_BIT(p.type);
	}
	if (cur_done(c))
		return 0;
	return (out->seen & (PLD_BIT(PLD_SK) | PLD_BIT(PLD_SKF))) != 0 ? -ERR_VALUE
								       : -ERR_TRUNCATED;
}

int message_parse(struct view datagram, struct message *out)
{
	struct cur c = cur_of(datagram);
	int rc = ike_header_parse(datagram, &out->hdr);

	if (rc < 0)
		return rc;
	out->raw = datagram;
	/* 2.5: the minor version must be ignored. */
	if ((out->hdr.version & 0xf0) != IKE_VERSION_2)
		return -ERR_VERSION;
	(void)cur_take(&c, IKE_HEADER_LEN);
	return chain_read(&c, out->hdr.next, false, &out->chain);
}

int chain_parse_inner(uint8_t first, struct view inner, struct chain *out)
{
	struct cur c = cur_of(inner);

	return chain_read(&c, first, true, out);
}

const struct payload *chain_next(const struct chain *c, uint8_t type, const struct payload *prev)
{
	for (size_t i = prev ? (size_t)(prev - c->at) + 1 : 0; i < c->n; i++)
		if (c->at[i].type == type)
			return &c->at[i];
	return NULL;
}

const struct payload *chain_find(const struct chain *c, uint8_t type)
{
	return chain_next(c, type, NULL);
}

unsigned chain_count(const struct chain *c, uint8_t type)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->at[i].type == type;
	return n;
}
