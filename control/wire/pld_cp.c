#include "wire/pld_cp.h"

#include "base/cursor.h"
#include "base/err.h"

#define TYPE_MASK 0x7fff /* the top bit is RESERVED */

static bool attr_read(struct cur *c, struct cp_attr *out)
{
	uint16_t length;

	out->type = cur_be16(c) & TYPE_MASK;
	length = cur_be16(c);
	out->value = cur_take(c, length);
	return cur_ok(c);
}

int pld_cp_parse(struct view body, struct pld_cp *out)
{
	struct cur c = cur_of(body);
	struct pld_cp cp = {0};
	struct cp_attr attr;

	cp.type = cur_u8(&c);
	(void)cur_take(&c, 3); /* RESERVED: must be ignored on receipt */
	cp.attrs = cur_rest(&c);
	if (!cur_done(&c))
		return -ERR_TRUNCATED;
	for (c = cur_of(cp.attrs); cur_left(&c) != 0; cp.count++)
		if (cp.count == CP_ATTR_MAX)
			return -ERR_LIMIT;
		else if (!attr_read(&c, &attr))
			return -ERR_TRUNCATED;
	*out = cp;
	return 0;
}

struct cp_iter cp_iter_of(const struct pld_cp *cp)
{
	return (struct cp_iter){cp->attrs};
}

bool cp_attr_next(struct cp_iter *it, struct cp_attr *out)
{
	struct cur c = cur_of(it->rest);

	if (it->rest.n == 0 || !attr_read(&c, out))
		return false;
	it->rest = cur_rest(&c);
	return true;
}

void pld_cp_emit(struct emit *e, uint8_t type)
{
	emit_u8(e, type);
	emit_zero(e, 3);
}

void cp_attr_emit(struct emit *e, const struct cp_attr *attr)
{
	if (attr->value.n > UINT16_MAX)
		e->bad = true;
	emit_be16(e, attr->type & TYPE_MASK);
	emit_be16(e, (uint16_t)attr->value.n);
	emit_view(e, attr->value);
}
