#include "base/view.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/err.h"

bool view_equal(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool view_equal_ct(struct view a, struct view b)
{
	volatile uint8_t diff = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		diff = (uint8_t)(diff | (a.p[i] ^ b.p[i]));
	return diff == 0;
}

int view_compare(struct view a, struct view b)
{
	size_t n = MIN(a.n, b.n);
	int d = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (d != 0)
		return d;
	return a.n < b.n ? -1 : a.n > b.n;
}

int blob_copy(struct view from, struct blob *out)
{
	uint8_t *p = NULL;

	if (from.n != 0) {
		p = malloc(from.n);
		if (!p)
			return -ERR_NOMEM;
		memcpy(p, from.p, from.n);
	}
	*out = (struct blob){p, from.n};
	return 0;
}

int blob_append(struct blob *b, struct view more)
{
	uint8_t *p;

	if (more.n == 0)
		return 0;
	p = realloc(b->p, b->n + more.n);
	if (!p)
		return -ERR_NOMEM;
	memcpy(p + b->n, more.p, more.n);
	b->p = p;
	b->n += more.n;
	return 0;
}

struct blob blob_take(struct blob *b)
{
	struct blob took = *b;

	*b = (struct blob){0};
	return took;
}

void blob_fini(struct blob *b)
{
	free(b->p);
	*b = (struct blob){0};
}

char *view_hex(struct view v, char *out, size_t cap)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	if (cap == 0)
		return out;
	for (size_t i = 0; i < v.n && at + 2 < cap; i++) {
		out[at++] = digits[v.p[i] >> 4];
		out[at++] = digits[v.p[i] & 15];
	}
	out[at] = '\0';
	return out;
}

static int digit_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int blob_from_hex(const char *hex, struct blob *out)
{
	uint8_t *p = malloc(strlen(hex) / 2 + 1);
	size_t n = 0;

	if (!p)
		return -ERR_NOMEM;
	while (*hex != '\0') {
		int hi, lo;

		if (isspace((unsigned char)*hex)) {
			hex++;
			continue;
		}
		hi = digit_value((unsigned char)hex[0]);
		lo = hi < 0 ? -1 : digit_value((unsigned char)hex[1]);
		if (lo < 0) {
			free(p);
			return -ERR_VALUE;
		}
		p[n++] = (uint8_t)(hi << 4 | lo);
		hex += 2;
	}
	*out = (struct blob){p, n};
	return 0;
}
