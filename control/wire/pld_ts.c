#include "wire/pld_ts.h"

#include "base/cursor.h"
#include "base/err.h"

#define TS_FIXED_LEN 8 /* all but the addresses */
#define TS_HEAD_LEN  4 /* type, protocol, length */

static uint8_t family_of(uint8_t type)
{
	return type == TS_IPV4_ADDR_RANGE ? 4 : type == TS_IPV6_ADDR_RANGE ? 6 : 0;
}

static bool runs_backwards(const struct ts *t)
{
	if (view_compare(addr_view(&t->first), addr_view(&t->last)) > 0)
		return true;
	return t->port_first > t->port_last && !ts_is_opaque(t);
}

static void range_read(struct cur *c, uint8_t family, struct ts *t)
{
	size_t n = family == 4 ? 4 : 16;

	t->port_first = cur_be16(c);
	t->port_last = cur_be16(c);
	t->first.family = t->last.family = family;
	cur_copy(c, t->first.b, n);
	cur_copy(c, t->last.b, n);
}

/* 1: a selector of known type in *out; 0: one of unknown type, skipped. */
static int selector_read(struct cur *c, struct ts *out)
{
	uint8_t type = cur_u8(c), protocol = cur_u8(c), family = family_of(type);
	uint16_t length = cur_be16(c);
	struct ts t = {.protocol = protocol};
	struct cur sub;

	if (length < TS_HEAD_LEN)
		return -ERR_TRUNCATED;
	sub = cur_sub(c, (size_t)length - TS_HEAD_LEN);
	if (!cur_ok(&sub))
		return -ERR_TRUNCATED;
	if (family == 0)
		return 0;
	range_read(&sub, family, &t);
	if (!cur_done(&sub))
		return -ERR_TRUNCATED;
	if (runs_backwards(&t))
		return -ERR_VALUE;
	*out = t;
	return 1;
}

int pld_ts_parse(struct view body, struct pld_ts *out)
{
	struct cur c = cur_of(body);
	uint8_t total = cur_u8(&c);

	(void)cur_take(&c, 3); /* RESERVED: must be ignored on receipt */
	if (!cur_ok(&c))
		return -ERR_TRUNCATED;
	if (total == 0)
		return -ERR_VALUE;
	if (total > TS_MAX)
		return -ERR_LIMIT;
	out->count = out->others = 0;
	for (unsigned i = 0; i < total; i++) {
		int rc = selector_read(&c, &out->at[out->count]);

		if (rc < 0)
			return rc;
		if (rc > 0)
			out->count++;
		else
			out->others++;
	}
	return cur_done(&c) ? 0 : -ERR_TRUNCATED;
}

void pld_ts_emit(struct emit *e, const struct ts *ts, size_t n)
{
	if (n == 0 || n > TS_MAX)
		e->bad = true;
	emit_u8(e, (uint8_t)n);
	emit_zero(e, 3);
	for (size_t i = 0; i < n; i++) {
		const struct ts *t = &ts[i];
		bool is_v4 = t->first.family == 4;

		emit_u8(e, is_v4 ? TS_IPV4_ADDR_RANGE : TS_IPV6_ADDR_RANGE);
		emit_u8(e, t->protocol);
		emit_be16(e, (uint16_t)(TS_FIXED_LEN + 2 * addr_len(&t->first)));
		emit_be16(e, t->port_first);
		emit_be16(e, t->port_last);
		emit_view(e, addr_view(&t->first));
		emit_view(e, addr_view(&t->last));
	}
}
