#include "wire/pld_id.h"

#include "base/cursor.h"
#include "base/err.h"

/* 3.5: names carry no terminators; one hidden in them would deceive whoever compares or prints. */
static bool is_name(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == '\0' || v.p[i] == '\r' || v.p[i] == '\n')
			return false;
	return v.n != 0;
}

static bool suits_type(uint8_t type, struct view data)
{
	switch (type) {
	case ID_IPV4_ADDR:
		return data.n == 4;
	case ID_IPV6_ADDR:
		return data.n == 16;
	case ID_FQDN:
	case ID_RFC822_ADDR:
		return is_name(data);
	case ID_NULL:
		return data.n == 0; /* RFC 7619 2.1 */
	default:
		return data.n != 0;
	}
}

int pld_id_parse(struct view body, struct pld_id *out)
{
	struct cur c = cur_of(body);
	struct pld_id id = {.body = body};

	id.type = cur_u8(&c);
	(void)cur_take(&c, 3); /* RESERVED: must be ignored on receipt */
	id.data = cur_rest(&c);
	if (!cur_done(&c))
		return -ERR_TRUNCATED;
	if (!suits_type(id.type, id.data))
		return -ERR_VALUE;
	*out = id;
	return 0;
}

void pld_id_emit(struct emit *e, const struct pld_id *id)
{
	emit_u8(e, id->type);
	emit_zero(e, 3);
	emit_view(e, id->data);
}
