#include "wire/redirect.h"

#include "base/cursor.h"
#include "base/err.h"

/* Letters, digits, hyphens and dots: it goes into logs, and perhaps to a resolver. */
static bool is_name(struct view v)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i], lower = c | 0x20;

		if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
			c != '.')
			return false;
	}
	return v.n != 0;
}

int redirect_parse(struct view data, struct redirect *out)
{
	struct cur c = cur_of(data);
	struct redirect r = {.type = cur_u8(&c)};

	r.id = cur_take(&c, cur_u8(&c));
	if (c.bad)
		return -ERR_TRUNCATED;
	r.nonce = cur_take(&c, cur_left(&c));
	switch (r.type) {
	case REDIRECT_IPV4:
		if (r.id.n != 4)
			return -ERR_VALUE;
		break;
	case REDIRECT_IPV6:
		if (r.id.n != 16)
			return -ERR_VALUE;
		break;
	case REDIRECT_FQDN:
		if (!is_name(r.id))
			return -ERR_VALUE;
		break;
	default:
		return -ERR_UNSUPPORTED;
	}
	*out = r;
	return 0;
}

void redirect_emit(struct emit *e, const struct redirect *r)
{
	emit_u8(e, r->type);
	emit_u8(e, (uint8_t)r->id.n);
	emit_bytes(e, r->id.p, r->id.n);
	emit_bytes(e, r->nonce.p, r->nonce.n);
}
