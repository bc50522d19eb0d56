#include "policy/dn_name.h"

int part_add(struct name *n, uint16_t rdn, struct view oid)
{
	struct part *p = &n->parts[n->n];

	if (n->n == DN_PARTS_MAX || oid.n > DN_OID_MAX || oid.n == 0)
		return -ERR_LIMIT;
	*p = (struct part){.rdn = rdn, .oid_n = (uint8_t)oid.n, .at = (uint16_t)n->used};
	memcpy(p->oid, oid.p, oid.n);
	n->n++;
	return 0;
}

int octet_add(struct name *n, uint32_t c)
{
	if (n->used == sizeof n->values)
		return -ERR_LIMIT;
	n->values[n->used++] = (uint8_t)c;
	return 0;
}

static int utf8_add(struct name *n, uint32_t c)
{
	int rc = 0;

	if (c < 0x80)
		return octet_add(n, c);
	if (c >= 0x800)
		rc = octet_add(n, 0xe0 | c >> 12);
	if (rc == 0)
		rc = octet_add(n, c >= 0x800 ? (0x80 | (c >> 6 & 0x3f)) : (0xc0 | c >> 6));
	return rc < 0 ? rc : octet_add(n, 0x80 | (c & 0x3f));
}

/*
 * RFC 4518 2.3 and 2.6, as far as ASCII goes: lower case; outer blanks away, inner ones one each.
 * Works in place on the value that was just added.
 */
void value_fold(struct name *n)
{
	struct part *p = &n->parts[n->n - 1];
	uint8_t *v = n->values + p->at;
	size_t len = n->used - p->at, out = 0;

	for (size_t i = 0; i < len; i++) {
		bool blank = v[i] == ' ' || (v[i] >= '\t' && v[i] <= '\r');

		if (blank && (out == 0 || v[out - 1] == ' '))
			continue;
		v[out++] = blank ? ' ' : v[i] >= 'A' && v[i] <= 'Z' ? (uint8_t)(v[i] | 0x20) : v[i];
	}
	if (out != 0 && v[out - 1] == ' ')
		out--;
	p->n = (uint16_t)out;
	n->used = p->at + out;
}

/* ---------------------------------------------------------------- from DER */

enum { TAG_SEQUENCE = 0x30, TAG_SET = 0x31, TAG_OID = 0x06 };

enum {
	TAG_UTF8 = 0x0c,
	TAG_NUMERIC = 0x12,
	TAG_PRINTABLE = 0x13,
	TAG_TELETEX = 0x14,
	TAG_IA5 = 0x16,
	TAG_VISIBLE = 0x1a,
	TAG_BMP = 0x1e
};

struct cur der_element(struct cur *c, uint8_t *tag)
{
	size_t n;

	*tag = cur_u8(c);
	n = cur_u8(c);
	if (n == 0x81)
		n = cur_u8(c);
	else if (n == 0x82)
		n = cur_be16(c);
	else if (n >= 0x80)
		c->bad = true;
	return cur_sub(c, n);
}

static struct cur der_expect(struct cur *c, uint8_t want)
{
	uint8_t tag;
	struct cur in = der_element(c, &tag);

	if (tag != want)
		c->bad = in.bad = true;
	return in;
}

static int value_of_bmp(struct name *n, struct cur *c)
{
	int rc = 0;

	while (rc == 0 && cur_left(c) != 0)
		rc = utf8_add(n, cur_be16(c));
	return c->bad ? -ERR_SYNTAX : rc;
}

static int value_of_der(struct name *n, uint8_t tag, struct cur *c)
{
	int rc = 0;

	switch (tag) {
	case TAG_BMP:
		return value_of_bmp(n, c);
	case TAG_TELETEX: /* what everybody writes there is Latin-1 */
		while (rc == 0 && cur_left(c) != 0)
			rc = utf8_add(n, cur_u8(c));
		return rc;
	case TAG_UTF8:
	case TAG_NUMERIC:
	case TAG_PRINTABLE:
	case TAG_IA5:
	case TAG_VISIBLE:
		while (rc == 0 && cur_left(c) != 0)
			rc = octet_add(n, cur_u8(c));
		return rc;
	default:
		return -ERR_UNSUPPORTED;
	}
}

static int rdn_of_der(struct name *n, struct cur *set)
{
	int rc = 0;

	if (set->bad || cur_left(set) == 0)
		return -ERR_SYNTAX;
	while (rc == 0 && cur_left(set) != 0) {
		struct cur ava = der_expect(set, TAG_SEQUENCE);
		struct cur oid = der_expect(&ava, TAG_OID), value;
		uint8_t tag;

		value = der_element(&ava, &tag);
		if (set->bad || !cur_done(&ava) || value.in.n > DN_VALUE_MAX)
			return -ERR_SYNTAX;
		rc = part_add(n, n->rdns, oid.in);
		if (rc == 0)
			rc = value_of_der(n, tag, &value);
		if (rc == 0)
			value_fold(n);
	}
	n->rdns++;
	return rc;
}

int name_of_der(struct view der, struct name *n)
{
	struct cur c = cur_of(der), rdns = der_expect(&c, TAG_SEQUENCE);
	int rc = 0;

	n->n = n->used = n->rdns = 0;
	if (!cur_done(&c))
		return -ERR_SYNTAX;
	while (rc == 0 && cur_left(&rdns) != 0) {
		struct cur set = der_expect(&rdns, TAG_SET);

		rc = rdns.bad ? -ERR_SYNTAX : rdn_of_der(n, &set);
	}
	return rc;
}
