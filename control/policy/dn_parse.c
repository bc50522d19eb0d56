#include "policy/dn_name.h"

#include <ctype.h>
#include <strings.h>

/* ---------------------------------------------------------------- attribute names */

static const struct {
	const char *name;
	const char *oid; /* content octets */
	uint8_t n;
} attributes[] = {
	/* The first row of a number is the name that is printed. */
	{"CN", "\x55\x04\x03", 3},
	{"commonName", "\x55\x04\x03", 3},
	{"SN", "\x55\x04\x04", 3},
	{"surname", "\x55\x04\x04", 3},
	{"serialNumber", "\x55\x04\x05", 3},
	{"C", "\x55\x04\x06", 3},
	{"countryName", "\x55\x04\x06", 3},
	{"L", "\x55\x04\x07", 3},
	{"localityName", "\x55\x04\x07", 3},
	{"ST", "\x55\x04\x08", 3},
	{"S", "\x55\x04\x08", 3},
	{"stateOrProvinceName", "\x55\x04\x08", 3},
	{"street", "\x55\x04\x09", 3},
	{"streetAddress", "\x55\x04\x09", 3},
	{"O", "\x55\x04\x0a", 3},
	{"organizationName", "\x55\x04\x0a", 3},
	{"OU", "\x55\x04\x0b", 3},
	{"organizationalUnitName", "\x55\x04\x0b", 3},
	{"T", "\x55\x04\x0c", 3},
	{"title", "\x55\x04\x0c", 3},
	{"postalCode", "\x55\x04\x11", 3},
	{"name", "\x55\x04\x29", 3},
	{"GN", "\x55\x04\x2a", 3},
	{"givenName", "\x55\x04\x2a", 3},
	{"initials", "\x55\x04\x2b", 3},
	{"dnQualifier", "\x55\x04\x2e", 3},
	{"pseudonym", "\x55\x04\x41", 3},
	{"DC", "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10},
	{"domainComponent", "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10},
	{"UID", "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10},
	{"userId", "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10},
	{"emailAddress", "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9},
	{"E", "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9},
	{"email", "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9},
};

static struct view attribute_oid(size_t i)
{
	return view_of(attributes[i].oid, attributes[i].n);
}

static size_t arc_put(uint8_t *out, size_t at, uint64_t arc)
{
	int groups = 1;

	for (uint64_t v = arc >> 7; v != 0; v >>= 7)
		groups++;
	for (int i = groups - 1; i >= 0 && at < DN_OID_MAX; i--)
		out[at++] = (uint8_t)(((arc >> (7 * i)) & 0x7f) | (i != 0 ? 0x80 : 0));
	return at;
}

/* "2.5.4.3" to content octets (X.690 8.19). */
static int dotted_oid(struct view text, uint8_t out[DN_OID_MAX], size_t *n)
{
	uint64_t arc = 0, first = 0;
	size_t arcs = 0, at = 0;
	bool digit = false;

	for (size_t i = 0; i <= text.n; i++) {
		char c = i < text.n ? (char)text.p[i] : '.';

		if (c >= '0' && c <= '9' && arc < UINT32_MAX) {
			arc = arc * 10 + (uint64_t)(c - '0');
			digit = true;
			continue;
		}
		if (c != '.' || !digit)
			return -ERR_SYNTAX;
		if (arcs == 0)
			first = arc;
		else
			at = arc_put(out, at, arcs == 1 ? first * 40 + arc : arc);
		arcs++;
		arc = 0;
		digit = false;
	}
	if (arcs < 2 || first > 2 || at >= DN_OID_MAX)
		return -ERR_SYNTAX;
	*n = at;
	return 0;
}

struct view attribute_of_text(struct view text, uint8_t out[DN_OID_MAX])
{
	size_t n;

	if (text.n != 0 && isdigit(text.p[0]))
		return dotted_oid(text, out, &n) == 0 ? view_of(out, n) : (struct view){0};
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		if (strlen(attributes[i].name) == text.n &&
			strncasecmp(attributes[i].name, (const char *)text.p, text.n) == 0)
			return attribute_oid(i);
	return (struct view){0};
}

const char *attribute_name(struct view oid)
{
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		if (view_equal(attribute_oid(i), oid))
			return attributes[i].name;
	return NULL;
}

/* ---------------------------------------------------------------- from text */

struct text {
	struct view in;
	size_t at;
};

static int text_peek(const struct text *t)
{
	return t->at < t->in.n ? t->in.p[t->at] : -1;
}

static void text_blanks(struct text *t)
{
	while (text_peek(t) == ' ' || text_peek(t) == '\t')
		t->at++;
}

static int text_attribute(struct text *t, struct name *n, uint16_t rdn)
{
	uint8_t oid[DN_OID_MAX];
	struct view name, type;
	size_t from;

	text_blanks(t);
	from = t->at;
	while (isalnum(text_peek(t)) || text_peek(t) == '.' || text_peek(t) == '-')
		t->at++;
	name = view_of(t->in.p + from, t->at - from);
	text_blanks(t);
	if (name.n == 0 || text_peek(t) != '=')
		return -ERR_SYNTAX;
	t->at++;
	type = attribute_of_text(name, oid);
	return type.n == 0 ? -ERR_UNSUPPORTED : part_add(n, rdn, type);
}

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind a backslash: two hex digits, or the character itself (RFC 4514 3). */
static int text_escape(struct text *t, struct name *n)
{
	int c = text_peek(t), high = hex_digit(c), low = -1;

	if (c < 0)
		return -ERR_SYNTAX;
	t->at++;
	if (high >= 0)
		low = hex_digit(text_peek(t));
	if (low < 0)
		return octet_add(n, (uint32_t)c);
	t->at++;
	return octet_add(n, (uint32_t)(high << 4 | low));
}

static bool text_ends_value(int c, bool quoted)
{
	return quoted ? c == '"' : c == ',' || c == '+' || c == ';';
}

static int text_value(struct text *t, struct name *n)
{
	bool quoted;
	int rc = 0, c;

	text_blanks(t);
	quoted = text_peek(t) == '"';
	if (quoted)
		t->at++;
	while (rc == 0 && (c = text_peek(t)) >= 0 && !text_ends_value(c, quoted)) {
		t->at++;
		rc = c == '\\' ? text_escape(t, n) : octet_add(n, (uint32_t)c);
	}
	if (rc == 0 && quoted) {
		if (text_peek(t) != '"')
			return -ERR_SYNTAX;
		t->at++;
		text_blanks(t);
	}
	value_fold(n);
	return rc;
}

int name_of_text(struct view in, struct name *n)
{
	struct text t = {.in = in};
	int rc, c;

	n->n = n->used = n->rdns = 0;
	if (in.n > DN_TEXT_MAX)
		return -ERR_LIMIT;
	for (;;) {
		rc = text_attribute(&t, n, n->rdns);
		if (rc == 0)
			rc = text_value(&t, n);
		if (rc == 0 && n->parts[n->n - 1].n == 0)
			rc = -ERR_SYNTAX;
		if (rc < 0)
			return rc;
		c = text_peek(&t);
		if (c != '+')
			n->rdns++;
		if (c < 0)
			return 0;
		if (c != '+' && c != ',' && c != ';')
			return -ERR_SYNTAX;
		t.at++;
	}
}
