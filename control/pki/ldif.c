#include "pki/ldif.h"

#include <stdlib.h>
#include <strings.h>

static int digit_of(uint8_t c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* RFC 4648 4; a line break followed by a blank goes on (RFC 2849 2). */
static int decode(struct view in, struct blob *out)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t i = 0, n = 0;
	uint8_t *p = malloc(in.n * 3 / 4 + 3);

	if (!p)
		return -ERR_NOMEM;
	for (; i < in.n && in.p[i] != '='; i++) {
		int d = digit_of(in.p[i]);

		if (d < 0 && (in.p[i] == '\n' || in.p[i] == '\r' || in.p[i] == ' '))
			continue;
		if (d < 0) {
			free(p);
			return -ERR_SYNTAX;
		}
		bits = bits << 6 | (uint32_t)d;
		held += 6;
		if (held >= 8) {
			held -= 8;
			p[n++] = (uint8_t)(bits >> held);
		}
	}
	if (n == 0) {
		free(p);
		return -ERR_SYNTAX;
	}
	*out = (struct blob){p, n};
	return 0;
}

/* Up to the line that does not go on. */
static struct view line_of(struct view text)
{
	size_t i = 0;

	for (; i < text.n; i++)
		if (text.p[i] == '\n' && (i + 1 == text.n || text.p[i + 1] != ' '))
			break;
	return view_of(text.p, i);
}

static struct view behind(struct view v, size_t n)
{
	return view_of(v.p + MIN(n, v.n), v.n - MIN(n, v.n));
}

/* "\tname;option:: value" */
static bool value_of_line(struct view line, const char *attribute, struct view *value)
{
	size_t n = strlen(attribute);
	const uint8_t *colon;

	while (line.n != 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
		line = behind(line, 1);
	if (line.n <= n || strncasecmp((const char *)line.p, attribute, n) != 0 ||
		(line.p[n] != ';' && line.p[n] != ':'))
		return false;
	colon = memchr(line.p, ':', line.n);
	if (!colon || colon + 1 == line.p + line.n || colon[1] != ':')
		return false;
	*value = behind(line, (size_t)(colon - line.p) + 2);
	return true;
}

int ldif_value(struct view text, const char *attribute, struct blob *out)
{
	struct view line, value;

	while (text.n != 0) {
		line = line_of(text);
		if (value_of_line(line, attribute, &value))
			return decode(value, out);
		text = behind(text, line.n + 1);
	}
	return -ERR_NOT_FOUND;
}
