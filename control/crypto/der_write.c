#include "crypto/der_write.h"

enum { HEAD_MAX = 6, RAW_MAX = 2 * 66 };

static size_t head(enum der_tag tag, size_t n, uint8_t out[HEAD_MAX])
{
	size_t at = 0, octets = 0;

	out[at++] = (uint8_t)tag;
	if (n < 0x80) {
		out[at++] = (uint8_t)n;
		return at;
	}
	while (octets < 4 && n >> (8 * octets) != 0)
		octets++;
	out[at++] = (uint8_t)(0x80 | octets);
	while (octets-- > 0)
		out[at++] = (uint8_t)(n >> (8 * octets));
	return at;
}

int der_put(struct blob *out, enum der_tag tag, struct view content)
{
	uint8_t h[HEAD_MAX];
	int rc;

	if (content.n > UINT32_MAX)
		return -ERR_LIMIT;
	rc = blob_append(out, view_of(h, head(tag, content.n, h)));
	return rc < 0 ? rc : blob_append(out, content);
}

/* A first octet before the content: the sign of a number, the unused bits of a string. */
static int put_behind_zero(struct blob *out, enum der_tag tag, struct view content)
{
	static const uint8_t zero;
	auto_blob all = {0};
	int rc = blob_append(&all, view_of(&zero, 1));

	if (rc == 0)
		rc = blob_append(&all, content);
	return rc < 0 ? rc : der_put(out, tag, blob_view(&all));
}

int der_put_uint(struct blob *out, struct view m)
{
	while (m.n > 0 && m.p[0] == 0)
		m = view_of(m.p + 1, m.n - 1);
	if (m.n > 0 && m.p[0] < 0x80)
		return der_put(out, DER_INTEGER, m);
	return put_behind_zero(out, DER_INTEGER, m);
}

int der_put_bits(struct blob *out, struct view octets)
{
	return put_behind_zero(out, DER_BIT_STRING, octets);
}

int der_of_raw_signature(struct view raw, struct blob *out)
{
	auto_blob both = {0};
	size_t half = raw.n / 2;
	int rc;

	if (half == 0 || raw.n % 2 != 0 || raw.n > RAW_MAX)
		return -ERR_VALUE;
	rc = der_put_uint(&both, view_of(raw.p, half));
	if (rc == 0)
		rc = der_put_uint(&both, view_of(raw.p + half, half));
	return rc < 0 ? rc : der_put(out, DER_SEQUENCE, blob_view(&both));
}

int der_signed(struct view body, struct view algorithm, struct view signature, struct blob *out)
{
	auto_blob all = {0};
	int rc = blob_append(&all, body);

	if (rc == 0)
		rc = blob_append(&all, algorithm);
	if (rc == 0)
		rc = der_put_bits(&all, signature);
	return rc < 0 ? rc : der_put(out, DER_SEQUENCE, blob_view(&all));
}
