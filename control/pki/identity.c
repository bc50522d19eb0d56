#include "pki/identity.h"

#include <strings.h>

#include "policy/dn.h"

static bool equal_nocase(struct view a, struct view b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		uint8_t x = a.p[i], y = b.p[i];

		if (x >= 'A' && x <= 'Z')
			x |= 0x20;
		if (y >= 'A' && y <= 'Z')
			y |= 0x20;
		if (x != y || x == '\0')
			return false;
	}
	return a.n != 0;
}

/* RFC 5280 7.5: the local part as it stands, the host without case. */
static bool email_equal(struct view a, struct view b)
{
	const uint8_t *at = a.n != 0 ? memrchr(a.p, '@', a.n) : NULL;
	size_t local = at ? (size_t)(at - a.p) + 1 : 0;

	if (local == 0 || a.n != b.n || memcmp(a.p, b.p, local) != 0)
		return false;
	return equal_nocase(view_of(a.p + local, a.n - local), view_of(b.p + local, b.n - local));
}

static bool san_is(const struct cert_san *s, uint8_t type, struct view id)
{
	switch (type) {
	case PKI_ID_IPV4:
	case PKI_ID_IPV6:
		return s->kind == CERT_SAN_IP && id.n == (type == PKI_ID_IPV4 ? 4u : 16u) &&
		       view_equal(s->value, id);
	case PKI_ID_FQDN:
		return s->kind == CERT_SAN_DNS && !memchr(id.p, '*', id.n) &&
		       equal_nocase(s->value, id);
	case PKI_ID_EMAIL:
		return s->kind == CERT_SAN_EMAIL && email_equal(s->value, id);
	default:
		return false;
	}
}

bool identity_is_backed(const struct cert *c, uint8_t type, struct view id)
{
	if (id.n == 0)
		return false;
	if (type == PKI_ID_DN)
		return dn_equal(c->subject, id);
	for (size_t i = 0; i < c->n_sans; i++)
		if (san_is(&c->sans[i], type, id))
			return true;
	return false;
}
