#include "keys/uri.h"

#include <strings.h>

static const char scheme[] = "pkcs11:";

bool key_uri_is(const char *text)
{
	return strncasecmp(text, scheme, sizeof scheme - 1) == 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decoded (RFC 3986 2.1); *n: how many octets. */
static int decode(struct view in, uint8_t *out, size_t cap, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c == '%') {
			int hi = in.n - i > 2 ? digit((char)in.p[i + 1]) : -1;
			int lo = hi >= 0 ? digit((char)in.p[i + 2]) : -1;

			if (lo < 0)
				return -ERR_SYNTAX;
			c = (uint8_t)(hi * 16 + lo);
			i += 2;
		}
		if (*n == cap)
			return -ERR_LIMIT;
		out[(*n)++] = c;
	}
	return 0;
}

static int decode_text(struct view in, char *out, size_t cap)
{
	size_t n;
	int rc = decode(in, (uint8_t *)out, cap - 1, &n);

	if (rc < 0)
		return rc;
	out[n] = '\0';
	return memchr(out, 0, n) ? -ERR_SYNTAX : 0;
}

static bool is(struct view name, const char *text)
{
	return view_equal(name, view_of_text(text));
}

static int take_type(struct view value)
{
	return is(value, "private") ? 0 : -ERR_VALUE;
}

static int take_path(struct view name, struct view value, struct key_uri *u)
{
	if (is(name, "token"))
		return decode_text(value, u->token, sizeof u->token);
	if (is(name, "serial"))
		return decode_text(value, u->serial, sizeof u->serial);
	if (is(name, "manufacturer"))
		return decode_text(value, u->manufacturer, sizeof u->manufacturer);
	if (is(name, "model"))
		return decode_text(value, u->model, sizeof u->model);
	if (is(name, "object"))
		return decode_text(value, u->object, sizeof u->object);
	if (is(name, "id"))
		return decode(value, u->id, sizeof u->id, &u->id_n);
	return is(name, "type") ? take_type(value) : -ERR_UNSUPPORTED;
}

static int take_query(struct view name, struct view value, struct key_uri *u)
{
	if (is(name, "module-path"))
		return decode_text(value, u->module, sizeof u->module);
	if (is(name, "pin-value"))
		return -ERR_VALUE;
	if (!is(name, "pin-source"))
		return -ERR_UNSUPPORTED;
	if (value.n >= 5 && strncasecmp((const char *)value.p, "file:", 5) == 0)
		value = view_of(value.p + 5, value.n - 5);
	if (value.n >= 2 && value.p[0] == '/' && value.p[1] == '/') /* file:///etc/pin */
		value = view_of(value.p + 2, value.n - 2);
	return decode_text(value, u->pin_source, sizeof u->pin_source);
}

/* name=value, separated by `mark`, each at most once. */
static int attributes(struct view in, char mark, struct key_uri *u,
	int (*take)(struct view, struct view, struct key_uri *))
{
	struct view seen[12];
	size_t n_seen = 0;

	while (in.n > 0) {
		const uint8_t *end = memchr(in.p, mark, in.n);
		struct view one = view_of(in.p, end ? (size_t)(end - in.p) : in.n);
		const uint8_t *eq = memchr(one.p, '=', one.n);
		struct view name;
		int rc;

		if (!eq)
			return -ERR_SYNTAX;
		name = view_of(one.p, (size_t)(eq - one.p));
		for (size_t i = 0; i < n_seen; i++)
			if (view_equal(seen[i], name))
				return -ERR_SYNTAX;
		if (n_seen == ARRAY_LEN(seen))
			return -ERR_LIMIT;
		seen[n_seen++] = name;
		rc = take(name, view_of(eq + 1, one.n - name.n - 1), u);
		if (rc < 0)
			return rc;
		in = view_of(in.p + one.n, in.n - one.n);
		if (in.n == 1) /* a mark with nothing behind it */
			return -ERR_SYNTAX;
		if (in.n > 0)
			in = view_of(in.p + 1, in.n - 1);
	}
	return 0;
}

static const char *explain(int rc)
{
	switch (-rc) {
	case ERR_SYNTAX:
		return "this is not a PKCS#11 URI (RFC 7512)";
	case ERR_LIMIT:
		return "a part of the URI is too long";
	case ERR_UNSUPPORTED:
		return "the URI has an attribute that is not supported";
	default:
		return "the PIN must be in a file (pin-source), and the type private";
	}
}

static int check(const struct key_uri *u, const char **why)
{
	if (u->module[0] != '/')
		*why = "the URI needs module-path, the absolute path of the token's library";
	else if (u->pin_source[0] != '\0' && u->pin_source[0] != '/')
		*why = "pin-source must be the absolute path of a file";
	else if (u->object[0] == '\0' && u->id_n == 0)
		*why = "the URI needs object or id";
	else
		return 0;
	return -ERR_VALUE;
}

int key_uri_parse(const char *text, struct key_uri *out, const char **why)
{
	struct key_uri u = {0};
	struct view path, query = {0};
	const char *mark;
	int rc = 0;

	*why = explain(-ERR_SYNTAX);
	if (!key_uri_is(text))
		return -ERR_SYNTAX;
	if (strlen(text) > KEY_URI_MAX)
		rc = -ERR_LIMIT;
	path = view_of_text(text + sizeof scheme - 1);
	mark = strchr(text, '?');
	if (mark) {
		path.n = (size_t)((const uint8_t *)mark - path.p);
		query = view_of_text(mark + 1);
	}
	if (rc == 0)
		rc = attributes(path, ';', &u, take_path);
	if (rc == 0)
		rc = attributes(query, '&', &u, take_query);
	if (rc < 0) {
		*why = explain(rc);
		return rc;
	}
	rc = check(&u, why);
	if (rc == 0)
		*out = u;
	return rc;
}
